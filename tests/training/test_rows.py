import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse
from torch.utils.data import DataLoader, Dataset, TensorDataset

from skda.training import ArrayRows, DatasetRows, as_rows, even_batches, isolated_rng
from skda.training.data.rows import sample_rows

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(20, 3))
INDICES = [np.array([3, 1, 3]), np.array([0]), np.array([19, 2])]


def gathered(rows: Any) -> list[torch.Tensor]:
    return list(rows.batches(INDICES))


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f8", "f2", "u1", "u2", "i8", "?"])
def test_array_rows_are_float32_of_the_rows_asked_for(dtype: str) -> None:
    array = (100 * abs(TABLE)).astype(dtype)
    array.flags.writeable = False
    rows = ArrayRows(array)
    assert len(rows) == 20
    for index, batch in zip(INDICES, gathered(rows), strict=True):
        assert batch.dtype == torch.float32
        np.testing.assert_array_equal(batch.numpy(), array[index].astype(np.float32))


def test_a_batch_is_a_copy() -> None:
    array = TABLE.astype(np.float32)
    before = array.copy()
    for batch in gathered(ArrayRows(array)):
        batch.add_(1)
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_rows_are_made_dense_by_the_batch(kind: Any) -> None:
    table = np.where(TABLE > 0, TABLE, 0)
    for ours, dense in zip(
        gathered(ArrayRows(kind(table))), gathered(ArrayRows(table)), strict=True
    ):
        assert torch.equal(ours, dense)
    # dense, this one would need 400 GB
    huge = kind(([2.5], ([70_000], [999_999])), shape=(100_000, 1_000_000))
    (batch,) = ArrayRows(huge).batches([np.array([70_000])])
    assert batch.nonzero().tolist() == [[0, 999_999]]
    assert batch[0, -1] == 2.5


@pytest.mark.parametrize("dtype", ["f8", "u2", ">i4"])
def test_memory_map(dtype: str, tmp_path: Path) -> None:
    array = np.memmap(tmp_path / "rows", dtype=dtype, mode="w+", shape=(20, 3))
    array[:] = (100 * abs(TABLE)).astype(dtype)
    for index, batch in zip(INDICES, gathered(ArrayRows(array)), strict=True):
        np.testing.assert_array_equal(batch.numpy(), np.asarray(array[index], dtype=np.float32))


def test_images_keep_their_shape() -> None:
    images = RNG.integers(0, 256, size=(20, 3, 4, 5), dtype=np.uint8)
    batch = gathered(ArrayRows(images))[0]
    assert batch.shape == (3, 3, 4, 5)
    assert batch.max() == images[[3, 1]].max()


def test_a_loader_gives_the_same_batches_as_an_array() -> None:
    table = torch.from_numpy(TABLE)
    expected = gathered(as_rows(TABLE))
    for rows in (
        as_rows(TABLE, options={"num_workers": 0}),
        as_rows(TABLE, DataLoader),
        as_rows(TensorDataset(table)),
        as_rows(TensorDataset(table, torch.arange(20))),
        DatasetRows(list(TABLE.astype(np.float32))),
    ):
        assert isinstance(rows, DatasetRows)
        assert len(rows) == 20
        for ours, theirs in zip(gathered(rows), expected, strict=True):
            assert ours.dtype == torch.float32
            assert torch.equal(ours, theirs)
    assert isinstance(as_rows(TABLE), ArrayRows)


def test_the_users_loader_and_its_options_are_used() -> None:
    seen = []

    class Loader(DataLoader):
        def __init__(self, *args: Any, **options: Any) -> None:
            seen.append(options)
            super().__init__(*args, **options)

    gathered(as_rows(TABLE, Loader, {"pin_memory": False}))
    assert seen[0]["pin_memory"] is False
    assert [list(batch) for batch in seen[0]["batch_sampler"]] == [[3, 1, 3], [0], [19, 2]]


def test_a_loader_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    gathered(DatasetRows(TensorDataset(torch.from_numpy(TABLE))))
    assert torch.equal(torch.get_rng_state(), before)


class Noise(Dataset):
    """Augmented data: the draws of a worker depend on the seed from its loader."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, i: int) -> torch.Tensor:
        return torch.rand(1)


def test_workers_draw_anew_in_each_pass_and_again_in_each_run() -> None:
    runs = []
    for _ in range(2):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            rows = DatasetRows(Noise(), num_workers=1)
            runs.append([torch.cat(gathered(rows)).flatten().tolist() for _ in range(2)])
    assert runs[0] == runs[1]
    assert not set(runs[0][0]) & set(runs[0][1])


class Noisy(Dataset[torch.Tensor]):
    """Rows with noise from three global generators."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, i: int) -> torch.Tensor:
        self.read.append(i)
        noise = torch.rand(1).item() + np.random.rand() + random.random()  # noqa: NPY002
        return torch.full((3,), i + noise)


def test_a_sample_of_a_dataset_leaves_no_trace() -> None:
    array = np.arange(3000, dtype=np.float32).reshape(1000, 3)
    index = np.arange(100, 900)
    with isolated_rng(0, torch.device("cpu")) as turns:
        of_array = sample_rows(ArrayRows(array), index, turns)
        assert_array_equal(of_array[[0, -1]], array[[100, 899]])
        assert of_array.shape == (256, 3)
        of_dataset = sample_rows(DatasetRows(TensorDataset(torch.from_numpy(array))), index, turns)
        assert_array_equal(of_dataset, of_array)
    rows = DatasetRows(Noisy())
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    with isolated_rng(0, torch.device("cpu")) as turns:
        sample_rows(rows, np.arange(1000), turns)
        (short,) = sample_rows(
            DatasetRows(TensorDataset(torch.ones(1, 3))), np.zeros(1, int), turns
        )
    assert_array_equal(short, np.ones(3))
    assert len(rows.dataset.read) == 256
    assert rows.passes == 0
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


@pytest.mark.parametrize(
    ("n", "size", "sizes"),
    [
        (65, 64, [33, 32]),
        (64, 64, [64]),
        (5, 64, [5]),
        (10, 3, [3, 3, 2, 2]),
        (3, 1, [1, 1, 1]),
        (0, 4, []),
    ],
)
def test_even_batches(n: int, size: int, sizes: list[int]) -> None:
    batches = even_batches(np.arange(n), size)
    assert [len(batch) for batch in batches] == sizes
    assert [i for batch in batches for i in batch] == list(range(n))
