"""Large memory maps: their pages are released, and no data is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skda import FinetuneClassifier
from skda._inputs.memmap import MappedPages
from skda.training.data.rows import ArrayRows

TABLE = np.arange(400_000, dtype=np.float32).reshape(1000, 400)


class Spy:
    """A fake memory map that counts how often its pages are released."""

    def __init__(self) -> None:
        self.times = 0

    def madvise(self, advice: int) -> None:
        self.times += 1


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skda._inputs.memmap._MAPPED_BYTES", 1 << 18)


def mapped(folder: Path, mode: Any) -> np.memmap:
    TABLE.tofile(folder / "rows")
    return np.memmap(folder / "rows", dtype=np.float32, mode=mode, shape=TABLE.shape)


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_rows_are_the_same_after_their_pages_were_given_back(mode: Any, tmp_path: Path) -> None:
    array, table = mapped(tmp_path, mode), TABLE.copy()
    if mode != "r":
        array[7] = table[7] = -1
    rows, order = ArrayRows(array), np.random.default_rng(0).permutation(1000)
    for indices in (np.array_split(order, 50), [range(0, 600), range(600, 1000)]):
        for _ in range(2):
            found = torch.cat(list(rows.batches(indices))).numpy()
            np.testing.assert_array_equal(found, table[np.concatenate(indices)])
    np.testing.assert_array_equal(array[7], table[7])  # what was written is still there


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize(("mode", "gives_back"), [("r", True), ("r+", True), ("c", False)])
def test_only_maps_that_are_on_disk_are_given_back(
    mode: Any, gives_back: bool, tmp_path: Path
) -> None:
    array = mapped(tmp_path, mode)
    for view in (array, array[500:], np.asarray(array)):
        assert (MappedPages(view)._map is not None) is gives_back
    assert MappedPages(TABLE)._map is None
    assert MappedPages("no array")._map is None


def test_small_maps_stay(tmp_path: Path) -> None:
    assert MappedPages(mapped(tmp_path, "r"))._map is None


@pytest.mark.usefixtures("small_limit")
def test_pages_are_given_back_after_so_many_bytes_and_not_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages, spy = MappedPages(None), Spy()
    pages._map = spy  # type: ignore[assignment]
    monkeypatch.setattr("skda._inputs.memmap._AROUND_BYTES", 1 << 16)
    pages.touch(3, 1600)  # with the pages around each row: 3 x 67136 bytes
    assert spy.times == 0
    pages.touch(1, 1600)
    assert spy.times == 1
    pages.touch(3, 1600)
    assert spy.times == 1


@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "contains NaN"), (np.inf, "contains infinity")]
)
def test_a_bad_value_in_any_block_of_a_map_is_found(
    value: float, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skda._building.precision._BLOCK_BYTES", 1 << 14)
    array = mapped(tmp_path, "r+")
    array[991, 3] = value
    with pytest.raises(ValueError, match=f"Input X_source {message}"):
        FinetuneClassifier(max_epochs=1).fit(array, np.arange(1000) % 2)
