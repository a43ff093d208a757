from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from skda.training import ArrayRows, Batch, DomainPair, TwoDomainLoader


def domains(n_source: int, n_target: int | None, **options: Any) -> DomainPair:
    """Rows whose value is their number; target rows start at 1000."""
    source = ArrayRows(np.arange(n_source)[:, None])
    target = None if n_target is None else ArrayRows(1000 + np.arange(n_target)[:, None])
    return DomainPair(source, np.arange(n_source) % 3, target, **options)


def loader(n_source: int, n_target: int | None, batch_size: int, **options: Any) -> TwoDomainLoader:
    return TwoDomainLoader(domains(n_source, n_target), batch_size, seed=[0, 0], **options)


def numbers(rows: torch.Tensor | None) -> list[int]:
    return [] if rows is None else rows[:, 0].int().tolist()


def target_of(epochs: list[list[Batch]]) -> list[int]:
    return [i - 1000 for epoch in epochs for batch in epoch for i in numbers(batch.target)]


@pytest.mark.parametrize("n_target", [None, 1, 7, 23, 400])
def test_an_epoch_is_one_pass_over_the_source(n_target: int | None) -> None:
    batches = loader(23, n_target, 5)
    orders = []
    for _ in range(3):
        epoch = list(batches)
        assert len(epoch) == len(batches) == 5
        order = [i for batch in epoch for i in numbers(batch.source)]
        assert sorted(order) == list(range(23))
        for batch in epoch:
            assert batch.y_source.tolist() == [i % 3 for i in numbers(batch.source)]
        orders.append(order)
    assert orders[0] != orders[1] != orders[2]


@pytest.mark.parametrize(("n_source", "n_target"), [(23, 7), (23, 23), (11, 40), (64, 5)])
def test_every_target_row_comes_before_one_repeats(n_source: int, n_target: int) -> None:
    batches = loader(n_source, n_target, 5)
    stream = target_of([list(batches) for _ in range(12)])
    passes = [stream[i : i + n_target] for i in range(0, len(stream) - n_target + 1, n_target)]
    assert len(passes) > 1
    for rows in passes:  # also across the borders of epochs
        assert sorted(rows) == list(range(n_target))
    assert len({tuple(rows) for rows in passes}) > len(passes) / 2  # reshuffled


def test_both_domains_have_equal_batches() -> None:
    sizes = [(len(b.source), len(b.target)) for b in loader(23, 40, 5)]
    assert sizes == [(5, 5), (5, 5), (5, 5), (4, 4), (4, 4)]


def test_a_target_smaller_than_the_batch_comes_whole() -> None:
    for batch in loader(23, 3, 8):
        assert sorted(numbers(batch.target)) == [1000, 1001, 1002]


def test_a_batch_larger_than_both_domains() -> None:
    (batch,) = loader(4, 3, 64)
    assert (len(batch.source), len(batch.target)) == (4, 3)


def test_the_source_is_the_same_with_and_without_a_target() -> None:
    alone = [numbers(b.source) for b in loader(23, None, 5)]
    assert [numbers(b.source) for b in loader(23, 9, 5)] == alone
    assert all(b.target is None and b.y_target is None for b in loader(23, None, 5))


def test_seeds() -> None:
    def order(seed: list[int]) -> list[list[int]]:
        return [numbers(b.source) + numbers(b.target) for b in TwoDomainLoader(two, 5, seed)]

    two = domains(23, 23)
    assert order([0, 0]) == order([0, 0])
    assert order([0, 0]) != order([0, 1])
    (batch,) = TwoDomainLoader(two, 23, [0, 0])
    assert numbers(batch.source) != [i - 1000 for i in numbers(batch.target)]  # two generators


def test_global_generators_are_not_used() -> None:
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 - the state under test
    list(loader(23, 9, 5))
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002 - the state under test


def test_without_shuffling_the_order_is_that_of_the_rows() -> None:
    epochs = [list(loader_) for loader_ in [loader(6, 4, 3, shuffle=False)] * 2]
    assert [numbers(b.source) for b in epochs[0]] == [[0, 1, 2], [3, 4, 5]]
    assert target_of(epochs) == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]


def test_drop_last_keeps_full_batches_only() -> None:
    batches = loader(23, 9, 5, drop_last=True)
    epochs = [list(batches) for _ in range(30)]
    assert {len(b.source) for epoch in epochs for b in epoch} == {5}
    assert len(batches) == len(epochs[0]) == 4
    # none is dropped for good
    assert {i for epoch in epochs for b in epoch for i in numbers(b.source)} == set(range(23))
    small = loader(4, 9, 5, drop_last=True)
    assert len(list(small)) == len(small) == 1


def test_labels_of_the_target_follow_its_rows() -> None:
    two = domains(12, 9, y_target=np.array([-1, 0, 1, 2, -1, 0, 1, 2, -1]))
    for batch in TwoDomainLoader(two, 5, [0]):
        rows = [i - 1000 for i in numbers(batch.target)]
        assert batch.y_target.tolist() == two.y_target[rows].tolist()


def test_no_rows_are_an_error() -> None:
    with pytest.raises(ValueError, match="There are no source rows to train on"):
        loader(0, 5, 4)


class Unread(ArrayRows):
    def batches(self, indices: Any) -> Iterator[torch.Tensor]:
        raise AssertionError("the target was read")


def test_without_target_nothing_of_it_is_read() -> None:
    two = DomainPair(ArrayRows(np.ones((5, 1))), np.zeros(5, int), Unread(np.ones((5, 1))))
    with pytest.raises(AssertionError, match="the target was read"):
        list(TwoDomainLoader(two, 2, [0]))
    assert len(list(TwoDomainLoader(two.without_target(), 2, [0]))) == 3


def test_as_a_dataset_it_is_the_labelled_source() -> None:
    two = domains(9, 4).only([8, 3]).only([1, 0])
    assert len(two) == 2
    assert [(x.item(), y) for x, y in (two[0], two[1])] == [(3.0, 0), (8.0, 2)]
    (batch,) = TwoDomainLoader(two, 5, [0])
    assert sorted(numbers(batch.source)) == [3, 8]
    assert len(numbers(batch.target)) == 2
    assert len(two.target) == 4  # whole
    assert sorted(numbers(next(iter(TwoDomainLoader(two.without_target(), 5, [0]))).source)) == [
        3,
        8,
    ]


def test_labelled_target_rows_in_the_place_of_the_source() -> None:
    y_target = np.array([-1, 2, -1, 0])
    two = domains(9, 4, y_target=y_target)
    assert two.has_target_labels
    (batch,) = TwoDomainLoader(two.labelled_target(), 64, [0], shuffle=False)
    assert numbers(batch.source) == [1001, 1003]
    assert batch.y_source.tolist() == [2, 0]
    assert batch.target is None
    assert not domains(9, 4, y_target=np.full(4, -1)).has_target_labels
    assert not domains(9, 4).has_target_labels
    with pytest.raises(ValueError, match="There are no labelled target rows"):
        domains(9, 4).labelled_target()
