"""Rows on the training device are the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse
from torch.utils.data import TensorDataset

from skda.training import ArrayRows, DomainPair, TwoDomainLoader, as_rows
from skda.training.data.device import DeviceRows, move_to_device, room_on
from skda.training.stacked import train as stacked
from skda.training.stacked.support import Job
from tests.training.small import DATA, dann, same, weights

CPU = torch.device("cpu")
INDICES: list[Any] = [np.array([3, 1, 3]), range(2, 5), np.array([59])]


def domains(source: Any = None, target: Any = None) -> DomainPair:
    source = np.float32(DATA.X) if source is None else source
    target = np.float32(DATA.X_target) if target is None else target
    return DomainPair(as_rows(source), DATA.y, as_rows(target))


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_batches_are_those_of_the_array_and_copies_of_it(dtype: type) -> None:
    array = (10 * abs(DATA.X)).astype(dtype)
    rows = DeviceRows(torch.from_numpy(array.copy()))
    assert len(rows) == 60
    expected = list(ArrayRows(array).batches(INDICES))
    for _ in range(2):
        for ours, theirs in zip(rows.batches(INDICES), expected, strict=True):
            assert ours.dtype == torch.float32
            assert torch.equal(ours, theirs)
            ours.add_(1)


def test_training_on_them_gives_the_same_weights() -> None:
    fitted, moved = dann(max_epochs=1), dann(max_epochs=1)
    fitted.net_.fit_domains(domains(), 2)
    there = move_to_device(domains(), CPU, room=10**6)
    assert isinstance(there.source, DeviceRows)
    assert isinstance(there.target, DeviceRows)
    moved.net_.fit_domains(there, 2)
    assert same(weights(moved), weights(fitted))
    assert not same(weights(moved), weights(dann(max_epochs=1)))


def test_only_arrays_that_fit_are_moved(tmp_path: Path) -> None:
    n_bytes = 2 * 60 * 4 * 4
    assert isinstance(move_to_device(domains(), CPU, room=n_bytes).source, DeviceRows)
    too_large = domains()
    assert move_to_device(too_large, CPU, room=n_bytes - 1) is too_large
    assert room_on(CPU) == 0
    mapped = np.memmap(tmp_path / "rows", dtype=np.float32, mode="w+", shape=DATA.X.shape)
    dataset = TensorDataset(torch.zeros(60, 4))
    for streamed in (mapped, sparse.csr_matrix(DATA.X), dataset):
        for stays in (domains(source=streamed), domains(target=streamed)):
            assert move_to_device(stays, CPU, room=10**9) is stays
    alone = DomainPair(as_rows(np.float32(DATA.X)), DATA.y)
    assert move_to_device(alone, CPU, room=10**9).target is None


def test_domains_share_their_arrays_and_the_room() -> None:
    first, other = domains(), domains()
    fold = first.only(range(10))
    moved: dict[int, DeviceRows] = {}
    n_bytes = 2 * 60 * 4 * 4
    here, again = (move_to_device(each, CPU, n_bytes, moved) for each in (first, fold))
    assert (here.source, here.target) == (again.source, again.target)
    assert move_to_device(other, CPU, 2 * n_bytes - 1, moved) is other
    assert move_to_device(other, CPU, 2 * n_bytes, moved).source is not here.source


@pytest.mark.parametrize(("n_domains", "are_moved"), [(2, True), (1.9, False)])
def test_a_stack_has_the_rows_of_all_jobs_in_one_place(
    n_domains: float, are_moved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacked, "room_on", lambda device: n_domains * 2 * 60 * 4 * 4)
    jobs = [Job(dann(max_epochs=1).net_, domains(), (1.0,)) for _ in "ab"]
    for job in jobs:
        job.net.data_device = "auto"
    there = stacked._on_device(jobs)
    assert [isinstance(job.domains.source, DeviceRows) for job in there] == [are_moved] * 2


def test_pinned_batches_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # memory can be pinned only with a GPU
    pinned: list[torch.Tensor] = []

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        pinned.append(tensor)
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    plain, kept = (
        list(TwoDomainLoader(domains(), 16, [0], pin_memory=pin_memory))
        for pin_memory in (False, True)
    )
    assert len(pinned) == 3 * len(plain)  # rows of two domains, and labels of one
    for ours, theirs in zip(kept, plain, strict=True):
        assert torch.equal(ours.source, theirs.source)
        assert torch.equal(ours.y_source, theirs.y_source)
        assert torch.equal(ours.target, theirs.target)


def test_a_place_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ValueError, match="The 'data_device' parameter of DANNClassifier must be"):
        dann(data_device="disk")
