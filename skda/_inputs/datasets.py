"""Checks of torch Datasets: what their items are, and their labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from .._building.precision import centred, find_centre, refuse_large_integers
from ..training import isolated_rng
from ..training.data.rows import TypedDataset
from .host import as_labels, as_pixels

__all__ = ["CheckedDataset", "dataset_labels", "refuse_containers"]


def refuse_containers(X: Any, name: str) -> None:
    """Raise ValueError for containers of rows that cannot be read row by row."""
    if X is None:
        raise ValueError(f"{name} is None. Pass its rows.")
    if isinstance(X, type):
        raise ValueError(f"{name} is the class {X.__name__}. Pass one of its instances.")
    if isinstance(X, DataLoader):
        raise ValueError(
            f"{name} is a DataLoader. Pass its dataset, {name}=loader.dataset: the estimator makes "
            "the batches itself ('batch_size', 'iterator_train__num_workers')."
        )
    if isinstance(X, IterableDataset):
        raise ValueError(
            f"{name} is an IterableDataset. Pass a Dataset with __len__ and __getitem__: an epoch "
            "shuffles the rows of both domains."
        )
    first = X[0] if isinstance(X, (tuple, list)) and len(X) > 0 else None
    if isinstance(first, Dataset):
        raise ValueError(
            f"{name} is a {type(X).__name__} of Datasets. Pass one, "
            f"torch.utils.data.ConcatDataset({name})."
        )
    if isinstance(X, Iterator) or (hasattr(X, "collect") and not hasattr(X, "shape")):
        raise ValueError(
            f"{name} is a {type(X).__name__}, which is read once and has no number of rows. Pass "
            f"an array or a list, such as list({name}); of a LazyFrame, {name}.collect()."
        )
    if isinstance(first, (tuple, list)) and any(isinstance(part, Tensor) for part in first):
        raise ValueError(
            f"{name} is a {type(X).__name__} of tuples, as scikit-learn's searches make it of a "
            "torch Dataset, which they cannot cut into folds. Use LambdaSearchCV, which can, or "
            "wrap the Dataset in skorch.helper.SliceDataset."
        )


class CheckedDataset(TypedDataset):
    """The rows of a Dataset, each checked when it is read.

    Items are rows, or tuples (row, label, ...). Every row has the shape `shape`, a tuple of int or
    a mapping of those of several inputs; None is the shape of the first row. Raises ValueError if
    there are no rows, or if one is no finite array of numbers of this shape; messages name the
    argument `name`.
    """

    def __init__(self, dataset: Dataset[Any], name: str, shape: Any = None) -> None:
        self.dataset, self.name = dataset, name
        self.dtype: Any = None  # not known yet
        self.centre: Any = None
        if _length(dataset, name) == 0:
            raise ValueError(f"{name} is empty: it has no rows. Pass at least one row.")
        self.shape: Any = shape or ()
        if shape is None:
            with isolated_rng(0, torch.device("cpu")):  # reading may draw numbers
                first = self[0]
            if isinstance(first, Mapping):
                self.shape = {key: tuple(part.shape) for key, part in first.items()}
                self.holds_integers = {key: is_integer(part) for key, part in first.items()}
            else:
                self.shape, self.holds_integers = tuple(first.shape), is_integer(first)
            refuse_empty_rows(self.shape, name)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.dataset)  # type: ignore[arg-type]

    def find_centre(self, may_embed: bool) -> Any:
        """Return what to subtract before the cast to float32, from `find_centre` of up to 64 rows.

        They are read only if the first row has large numbers that the cast may round.
        """
        with isolated_rng(0, torch.device("cpu")):
            first = self[0]
            parts = first if isinstance(first, Mapping) else {"": first}
            wide = {
                key: part.dtype == torch.float64 or (is_integer(part) and not may_embed)
                for key, part in parts.items()
            }
            large = [k for k, part in parts.items() if wide[k] and (part.abs() > 1e4).any()]
            if not large:
                return None
            rows = [self[i] for i in np.unique(np.linspace(0, len(self) - 1, 64).astype(int))]
        found = {
            key: find_centre(
                torch.stack([row[key] if key else row for row in rows]).numpy(), self.name
            )
            for key in large
        }
        return found if isinstance(first, Mapping) else found[""]

    def __getitem__(self, i: int) -> Any:
        """Return a row as a tensor, or a dict of those of several inputs."""
        item = self.dataset[i]
        row = as_pixels(item[0] if isinstance(item, (tuple, list)) and len(item) > 0 else item)
        if not isinstance(row, Mapping):
            if isinstance(self.shape, Mapping):
                raise ValueError(self._other_inputs(i, type(row).__name__))
            checked = self._checked(row, i, item, self.name, self.shape, self.dtype)
            return self._cast(checked, self.name, self.dtype, self.centre)
        if self.shape and (not isinstance(self.shape, Mapping) or {*self.shape} != {*row}):
            raise ValueError(self._other_inputs(i, f"dict of {sorted(row)}"))
        shapes = self.shape or dict.fromkeys(row, ())
        dtypes = self.dtype if isinstance(self.dtype, Mapping) else dict.fromkeys(row, self.dtype)
        parts: dict[str, Tensor] = {}
        for key, shape in shapes.items():
            name, dtype, centre = f"{self.name}[{key!r}]", dtypes[key], (self.centre or {}).get(key)
            part = self._checked(row[key], i, item, name, shape, dtype)
            parts[key] = self._cast(part, name, dtype, centre)
        return parts

    def _cast(self, row: Tensor, name: str, dtype: Any, centre: Any) -> Tensor:
        """Return a row without its centre; refuse what the cast to float32 would round."""
        if dtype != torch.float32:
            return row
        if is_integer(row):
            kept = row if centre is None else row[torch.from_numpy(centre.ravel() == 0)]
            refuse_large_integers(kept, name)
        return row if centre is None else torch.from_numpy(centred(row.numpy(), centre)).float()

    def _other_inputs(self, i: int, found: str) -> str:
        expected = f"dicts with {sorted(self.shape)}" if isinstance(self.shape, Mapping) else "rows"
        return (
            f"{self.name} is a Dataset whose item {i} is a {found}, where {expected} are expected."
        )

    def _checked(
        self, row: Any, i: int, item: Any, name: str, shape: tuple[int, ...], dtype: Any
    ) -> Tensor:
        of_numbers = isinstance(row, Tensor) or (
            isinstance(row, np.ndarray) and row.dtype.kind in "biuf"
        )
        if not of_numbers or row.ndim == 0:
            what = f"starts with a {type(row).__name__}"
            if isinstance(item, Mapping):
                what = f"has a {type(row).__name__} as {name.removeprefix(self.name)}"
            elif isinstance(row, np.ndarray) and row.ndim:
                what = f"is of {row.dtype}"
            raise ValueError(
                f"{self.name} is a Dataset whose item {i} is a {type(item).__name__} that {what}. "
                "Items must be a row, a tensor or array of at least one axis, a dict of these by "
                "name, or a tuple (row, label)."
            )
        rows = torch.as_tensor(row)
        if rows.is_complex() or rows.layout != torch.strided or rows.is_meta:
            raise ValueError(
                f"{name} has a row of {rows.dtype}, {rows.layout}, number {i}. Pass real numbers "
                "in dense tensors; for complex ones, for instance torch.view_as_real(row)."
            )
        if shape and tuple(rows.shape) != shape:
            raise ValueError(
                f"{name} has a row of shape {tuple(rows.shape)}, number {i}, where rows of "
                f"shape {shape} are expected."
            )
        if rows.is_floating_point() and not torch.isfinite(rows).all():
            raise ValueError(
                f"{name} contains NaN or infinity in row {i}. Leave the row out, or impute it."
            )
        if dtype == torch.int64 and not is_integer(rows):
            raise ValueError(needs_integers(f"{name} has a row of {rows.dtype}, number {i}"))
        return rows.detach()


def _length(dataset: Any, name: str) -> int:
    try:
        return len(dataset)
    except (TypeError, NotImplementedError) as error:
        raise ValueError(
            f"{name} is a {type(dataset).__name__} without a number of rows ({error}). Give it a "
            "__len__ that returns an int."
        ) from error


def refuse_empty_rows(shape: Any, name: str) -> None:
    """Raise ValueError where a row, or an input of a row, holds no number."""
    parts = shape.values() if isinstance(shape, Mapping) else [shape]
    if any(0 in part for part in parts):
        raise ValueError(f"{name} has rows of shape {shape}, without a number in them.")


def is_integer(rows: Tensor) -> bool:
    """Say whether a tensor holds integers."""
    return not (rows.is_floating_point() or rows.is_complex() or rows.dtype == torch.bool)


def needs_integers(found: str) -> str:
    """Return the message about floats for a module that was fitted on integers."""
    return (
        f"{found}, but the module embeds integers, as X_source had them. Pass integers, such as "
        "rows.astype(int)."
    )


def dataset_labels(
    dataset: Dataset[Any], y: str = "y_source", X: str = "X_source", numbers: bool = False
) -> np.ndarray:
    """Return the labels of a Dataset of (row, label) pairs, in one pass over it.

    `y` and `X` are the names of the arguments, for messages. With `numbers`, the labels of a
    regression, a row may have several.

    The attribute ``targets`` of torchvision's datasets is not read: its order may be another, and
    it lacks what a ``target_transform`` does.
    """
    dataset = dataset.dataset if isinstance(dataset, CheckedDataset) else dataset
    n: int = len(dataset)  # type: ignore[arg-type]
    with isolated_rng(0, torch.device("cpu")) as turns:  # reading may draw numbers
        items = turns.in_turns((dataset[i] for i in range(n)), slow=True)
        labels: Any = [_label(item, y, X, numbers) for item in items]
    return np.array(labels) if numbers else as_labels(labels, y)


def _label(item: Any, y: str, X: str, numbers: bool) -> Any:
    if not isinstance(item, (tuple, list)) or len(item) < 2:
        raise ValueError(
            f"{y} is None, but {X} is a Dataset whose items are no (row, label) pairs. Pass the "
            f"labels as {y}."
        )
    label = np.asarray(item[1])
    if numbers and label.ndim == 1 and label.size > 1:
        return label
    if label.size != 1:
        raise ValueError(
            f"{y} is None, and the items of {X} have labels of shape {label.shape}, such as "
            f"one-hot rows. Pass one class label per row as {y}."
        )
    return label.item()
