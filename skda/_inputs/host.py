"""Tensors, masked arrays, images, labels and Series as values of numpy; dates are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.utils._missing import is_pandas_na
from torch import Tensor

__all__ = [
    "as_host_array",
    "as_labels",
    "as_pixels",
    "by_class",
    "is_missing",
    "is_series",
    "refuse_dates",
    "refuse_mixed_labels",
]


def as_host_array(values: Any, name: str) -> Any:
    """Return a tensor as an array, a sparse one as a CSR matrix, and anything else as it is.

    Raises ValueError if entries are masked, whose values numpy would read, or if numpy cannot read
    a tensor.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(
            f"{name} is a masked array with missing entries. Leave these rows out, or fill them "
            f"in, for instance with {name}.filled(0)."
        )
    if not isinstance(values, torch.Tensor):
        return values
    tensor = values.detach()
    try:
        if tensor.layout in (torch.sparse_coo, torch.sparse_csr, torch.sparse_csc):
            coo = tensor.cpu().to_sparse_coo().coalesce()
            entries = coo.values().numpy(), coo.indices().numpy()
            return sparse.coo_matrix(entries, shape=tuple(coo.shape)).tocsr()
        # numpy has neither bfloat16 nor floats of eight bits
        narrow = tensor.is_floating_point() and tensor.dtype not in _FLOATS
        return (tensor.float() if narrow else tensor).numpy(force=True)
    except (TypeError, ValueError, RuntimeError) as error:
        kind = f"{tensor.dtype}, {tensor.layout}, on {tensor.device}"
        raise ValueError(
            f"{name} is a tensor of {kind}, which numpy cannot read: "
            f"{str(error).splitlines()[0]} Pass a dense tensor with values, of numbers."
        ) from error


_FLOATS = (torch.float16, torch.float32, torch.float64)


def refuse_dates(X: Any, name: str) -> None:
    """Raise ValueError where rows have dates or durations, which would count as nanoseconds."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):  # a frame of pandas or polars
        types = zip(X.columns, X.dtypes, strict=True)
        dates = [column for column, dtype in types if _is_temporal(dtype)]
        found, where = bool(dates), f" in the columns {dates[:5]}"
    else:
        found, where = _is_temporal(getattr(X, "dtype", None)), ""
    if found:
        raise ValueError(
            f"{name} has dates or durations{where}. Pass numbers, such as days since a date or "
            "hours."
        )


def _is_temporal(dtype: Any) -> bool:
    """Say whether a dtype of numpy, pandas or polars is of dates, times, periods or durations."""
    if hasattr(dtype, "is_temporal"):
        return bool(dtype.is_temporal())
    return getattr(dtype, "kind", "") in ("m", "M") or str(dtype).startswith("period")


def as_labels(y: Any, name: str) -> Any:
    """Return labels as an array of their own type, in which missing labels stay missing.

    numpy would turn NaN in a list of strings into "nan", scikit-learn would turn pandas' nullable
    integers into floats, and both would leave objects of one type as objects.
    """
    y = as_host_array(y, name)
    listed = hasattr(y, "__array__") or isinstance(y, (list, tuple))
    if not listed or sparse.issparse(y) or hasattr(y, "columns"):  # for the caller to refuse
        return y
    refuse_mixed_labels(y, name)
    array = np.asarray(y)
    kind = array.dtype.kind
    if kind == "T":  # numpy's strings of variable width
        return np.array(array.tolist())
    if kind == "U" and array.ndim == 1 and not all(isinstance(label, str) for label in y):
        array = np.array(y, dtype=object)
    if kind == "O" and array.ndim == 1 and not any(map(is_missing, array)):
        of_one_type = np.array(array.tolist())
        return of_one_type if of_one_type.dtype.kind in "biuf" else array
    return array


def is_missing(label: Any) -> bool:
    """Say whether a label is None, NaN, NaT or pandas' NA."""
    return label is None or is_pandas_na(label) or bool(np.ndim(label) == 0 and label != label)


def refuse_mixed_labels(y: Any, name: str) -> None:
    """Raise ValueError where labels are strings as well as numbers, which numpy makes strings."""
    if not isinstance(y, (list, tuple)) and getattr(y, "dtype", None) != np.dtype("O"):
        return
    given = (label for label in y if np.ndim(label) == 0 and not is_missing(label))
    of_type = {isinstance(label, str): label for label in given}
    if len(of_type) == 2:
        raise ValueError(
            f"{name} mixes strings and other labels, such as {of_type[True]!r} and "
            f"{of_type[False]!r}. Give all classes names of one type."
        )


def as_pixels(row: Any) -> Tensor | Any:
    """Return a PIL image as uint8 pixels (n_channels, height, width), anything else as it is."""
    if not hasattr(row, "getbands"):  # pillow need not be installed
        return row
    pixels = torch.from_numpy(np.array(row))
    return pixels.unsqueeze(0) if pixels.ndim == 2 else pixels.permute(2, 0, 1).contiguous()


def is_series(values: Any) -> bool:
    """Say whether values are a Series of pandas, or of a library like it, with an index."""
    labelled = hasattr(values, "to_dict") and hasattr(values, "index")
    return labelled and getattr(values, "ndim", 0) == 1


def by_class(values: Any, name: str) -> Any:
    """Return a mapping or a Series, from label to number, as a dict; anything else as it is.

    A Series has an order of its own: that of ``value_counts`` is by frequency. Raises ValueError
    if it has a label twice; `name` names the parameter.

    >>> by_class([0.2, 0.8], "target_priors")
    [0.2, 0.8]
    >>> import pandas as pd
    >>> by_class(pd.Series([0.8, 0.2], index=["usual", "rare"]), "target_priors")
    {'usual': 0.8, 'rare': 0.2}
    """
    if isinstance(values, Mapping):
        return dict(values)
    if not is_series(values):
        return values
    labels = values.index.tolist()
    twice = sorted({str(label) for label in labels if labels.count(label) > 1})
    if twice:
        raise ValueError(
            f"The '{name}' parameter must have each class once. Got a Series whose index has "
            f"{twice} more than once."
        )
    return dict(zip(labels, np.asarray(values).tolist(), strict=True))
