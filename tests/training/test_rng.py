import threading
import time

import numpy as np
import pytest
import torch

from skda.training import Seeds, isolated_rng

CPU = torch.device("cpu")


def test_seeds_depend_on_the_random_state_alone() -> None:
    first = Seeds.draw(np.random.RandomState(3))
    assert Seeds.draw(np.random.RandomState(3)) == first
    assert Seeds.draw(np.random.RandomState(4)) != first
    assert len(set(first)) == len(first) == 4
    assert all(isinstance(seed, int) for seed in first)


def test_successive_draws_differ() -> None:
    random_state = np.random.RandomState(0)
    assert not set(Seeds.draw(random_state)) & set(Seeds.draw(random_state))


def test_global_generators_are_left_as_they_were() -> None:
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002 - the state under test
    with isolated_rng(7, CPU):
        inside = torch.rand(3)
        with pytest.raises(RuntimeError, match="size"), isolated_rng(8, CPU):
            torch.rand(3) + torch.rand(4)
    assert torch.equal(torch.get_rng_state(), torch_before)
    numpy_after = np.random.get_state()  # noqa: NPY002 - the state under test
    np.testing.assert_array_equal(numpy_after[1], numpy_before[1])
    assert numpy_after[2] == numpy_before[2]
    torch.testing.assert_close(
        inside, torch.rand(3, generator=torch.Generator().manual_seed(7)), rtol=0, atol=0
    )


def test_two_threads_do_not_take_numbers_from_each_other() -> None:
    def draw(seed: int, out: dict[int, list[float]]) -> None:
        with isolated_rng(seed, CPU):
            out[seed] = []
            for _ in range(20):
                out[seed].append(torch.rand(()).item())
                time.sleep(0.0005)  # lets the other thread in

    one_after_the_other: dict[int, list[float]] = {}
    at_once: dict[int, list[float]] = {}
    for seed in (0, 1):
        draw(seed, one_after_the_other)
    threads = [threading.Thread(target=draw, args=(seed, at_once)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert at_once == one_after_the_other
