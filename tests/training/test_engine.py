"""The memory of the training engine, and reads and copies that it avoids."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from skorch.callbacks import Callback

from skda import DANNClassifier
from skda.training import ArrayRows
from tests.training.small import dann


@pytest.mark.parametrize(("callbacks", "n_noted"), [(None, 0), ([Callback()], 4)])
def test_the_history_grows_by_the_batch_only_where_a_callback_may_look(
    callbacks: Any, n_noted: int
) -> None:
    history = dann(callbacks=callbacks, batch_size=16).history_
    assert [len(row["batches"]) for row in history] == [n_noted] * 3
    assert history[:, "train_batch_count"] == [4] * 3


class Counted(np.ndarray):
    """An array that counts how often it is read."""

    reads = 0

    def __getitem__(self, index: Any) -> Any:
        Counted.reads += 1
        return np.asarray(self)[index]


def test_small_batches_are_gathered_many_at_a_time() -> None:
    table = np.arange(40_000, dtype=np.float32).reshape(10_000, 4)
    indices = np.array_split(np.random.default_rng(0).permutation(10_000), 157)
    Counted.reads = 0
    batches = list(ArrayRows(table.view(Counted)).batches(indices))
    assert Counted.reads == 1
    for index, batch in zip(indices, batches, strict=True):
        np.testing.assert_array_equal(batch.numpy(), table[index])


def test_a_chunk_ends_where_it_would_be_large() -> None:
    images = np.zeros((20, 3, 100, 100), dtype=np.uint8).view(Counted)  # 120 kB each in float32
    Counted.reads = 0
    sizes = [len(b) for b in ArrayRows(images).batches([np.array([0]), np.array([1, 2])] * 3)]
    assert sizes == [1, 2] * 3
    assert Counted.reads == 6


@pytest.mark.parametrize("kind", ["memory map", "sparse"])
def test_data_larger_than_its_batches_is_never_whole_in_memory(kind: str, tmp_path: Path) -> None:
    n, d = 20_000, 400
    if kind == "sparse":
        X: Any = sparse.random(n, d, density=0.001, format="csr", dtype=np.float32, rng=0)
    else:
        X = np.memmap(tmp_path / "rows", dtype=np.float32, mode="w+", shape=(n, d))
        X[:, 0] = np.arange(n) % 7
    y = np.arange(n) % 2
    options: dict[str, Any] = {"max_epochs": 1, "batch_size": 2048, "module__hidden": (4,)}
    clf = DANNClassifier(random_state=0, device="cpu", **options)
    tracemalloc.start()
    try:
        labels = clf.fit(X, y, X).predict(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert labels.shape == (n,)
    assert peak < 4 * n * d / 2  # half of the dense rows; a batch of both domains is a fifth
