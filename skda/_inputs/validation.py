"""Checks of what users pass to fit and predict, with messages that name the parameter."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import assert_all_finite, validate_data
from torch.utils.data import Dataset

from .._building.precision import (
    as_table,
    centred,
    check_single_precision,
    find_centre,
    has_large_numbers,
    in_blocks,
)
from .._building.pretrained import pretrained_units
from ..training.data.inputs import is_inputs
from .columns import match_columns
from .datasets import CheckedDataset, needs_integers, refuse_containers, refuse_empty_rows
from .host import as_host_array, refuse_dates
from .naming import naming

__all__ = ["check_domain", "check_length", "check_rows", "fitted_state_kept", "unwrap"]


@contextmanager
def fitted_state_kept(estimator: Any) -> Iterator[None]:
    """Put every attribute of `estimator` back if the body raises: a failed fit loses nothing."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def unwrap(value: Any, name: str) -> Any:
    """Take the array out of a one-element tuple.

    A cross-validation of scikit-learn cuts a fit parameter with as many rows as `X` into folds, but
    passes a tuple whole.

    >>> unwrap(([1, 2],), "X_target")
    [1, 2]
    """
    if not isinstance(value, tuple):
        return value
    if len(value) != 1:
        raise ValueError(
            f"The '{name}' parameter must be an array or a tuple of exactly one array. "
            f"Got a tuple of {len(value)} instead."
        )
    return value[0]


def check_domain(domain: Any, sources: Any = ()) -> str:
    """Return "source", "target", or "source0" and so on, by the place of a name among `sources`.

    Raises ValueError for any other `domain`.
    """
    names = list(sources)
    if isinstance(domain, str) and domain in ("source", "target"):
        return domain
    if np.ndim(domain) == 0 and domain in names:
        return f"source{names.index(domain)}"
    others = "".join(f", or one of the sources {names}" for _ in names[:1])
    raise ValueError(
        f"The 'domain' parameter must be 'source' or 'target'{others}, the domain that the rows "
        f"come from. Got {domain!r} instead."
    )


def check_rows(estimator: Any, X: Any, name: str, *, reset: bool = False) -> Any:
    """Check rows of one domain and return them as an array, a CSR matrix, a Dataset or a dict.

    `X` is an array, frame, sparse matrix, tensor, Dataset or dict of arrays, never modified. The
    result in memory is float32, uint8 or integers, without the centre; a memory map or sparse
    matrix stays as it is. Messages name the argument `name`.

    With `reset` the estimator gets `n_features_in_`, `feature_names_in_` (frames), `input_shape_`
    and `input_centre_`; otherwise the rows must agree with these, and the columns of a frame are
    matched by name. `reset` also removes `input_dtype_`; until it is set again, integers stay as
    they are.
    """
    refuse_containers(X, name)
    if reset:
        vars(estimator).pop("input_dtype_", None)
    if isinstance(X, Dataset) or is_inputs(X):
        if is_inputs(X):
            rows: Any = _check_inputs(estimator, X, name, reset)
            shape: Any = {key: tuple(part.shape[1:]) for key, part in rows.items()}
        elif reset:
            rows = CheckedDataset(X, name)
            shape = rows.shape
            known, centre = _known_centre(estimator, reset)
            rows.centre = centre if known else rows.find_centre(_has_own_module(estimator))
            estimator.input_centre_ = rows.centre
        else:  # the rows are checked when they are read, if they ever are
            rows = CheckedDataset(X, name, getattr(estimator, "input_shape_", ()))
            rows.centre = vars(estimator).get("input_centre_")
            return rows
        if reset:
            for attribute in ("n_features_in_", "feature_names_in_"):
                vars(estimator).pop(attribute, None)
            refuse_inputs_without_module(estimator, shape, name)
            if not (isinstance(shape, Mapping) or _has_own_module(estimator)):
                _check_channels((len(rows), *shape), name)
            estimator.input_shape_ = shape
        return rows
    expected = None if reset else getattr(estimator, "input_shape_", None)
    if isinstance(expected, Mapping):
        raise ValueError(_other_inputs(estimator, type(X).__name__, name))
    X = as_host_array(X, name)
    if not reset:
        with naming(name):
            X = match_columns(X, estimator)
    decided = vars(estimator).get("input_dtype_")
    known, centre = _known_centre(estimator, reset)
    centre = None if isinstance(centre, Mapping) else centre
    array, centre = _checked_array(estimator, X, name, expected, decided, centre, not known)
    if reset and getattr(estimator, "module", True) is None:
        _check_channels(array.shape, name)
    # for feature names, and the wording that scikit-learn's users know
    with naming(name):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    if reset:
        estimator.input_shape_, estimator.input_centre_ = tuple(array.shape[1:]), centre
    return array


def _checked_array(
    estimator: Any,
    X: Any,
    name: str,
    expected: tuple[int, ...] | None,
    decided: Any,
    centre: Any,
    find: bool,
    ensure_2d: bool = True,
) -> tuple[Any, Any]:
    """Return the rows of one input, of this shape, as an array or a CSR matrix, and the centre.

    With `find` the centre is found in the rows. Without `ensure_2d` a row may be one number.
    """
    refuse_dates(X, name)
    may_embed = decided == torch.int64 or (decided is None and _has_own_module(estimator))
    if may_embed:
        X = _integers_of(X)
    if getattr(X, "shape", (1,))[:1] == (0,):
        raise ValueError(f"{name} is empty: it has no rows. Pass at least one row.")
    mapped = isinstance(X, np.memmap)
    dtypes = [np.float32, np.uint8, *(_INTEGERS if may_embed else ())]
    table = as_table(X)
    if table is not None and not (may_embed and table.dtype.kind in "iu" and centre is None):
        centre = find_centre(table, name) if find else centre
        # that of `pretrained` may be of other columns, which its network will refuse
        fits = centre is not None and (len(centre), centre.ndim) == (table.shape[1], table.ndim - 1)
        centre = centre if fits else None
        if not (find or mapped) and (expected is None or table.shape[1:] == expected):
            check_single_precision(table, name, centre)
        if fits and not mapped:
            X = centred(table, centre)
    elif find and not may_embed and has_large_numbers(X):
        centre = find_centre(X, name)
    # of these the centre is subtracted in each batch, before the cast
    by_batch = mapped or (sparse.issparse(X) and centre is not None)
    # what overflows in float32 is infinite, and check_array says so
    with np.errstate(over="ignore", invalid="ignore"), naming(name):
        array = check_array(
            X,
            accept_sparse="csr",
            dtype="numeric" if by_batch else dtypes,  # never a copy of a memory map
            ensure_2d=ensure_2d,
            allow_nd=True,
            ensure_all_finite=not mapped,
            input_name=name,
            estimator=estimator,
        )
    refuse_empty_rows(tuple(array.shape[1:]), name)
    if mapped:
        for block in in_blocks(array):
            assert_all_finite(block, estimator_name=type(estimator).__name__, input_name=name)
        array = X  # check_array returns a plain view of it
    if decided == torch.int64 and array.dtype.kind not in "iu":
        raise ValueError(needs_integers(f"{name} has rows of {array.dtype}"))
    if expected is not None:
        _check_shape(type(estimator).__name__, tuple(array.shape[1:]), expected, name)
    return array, centre


def _check_inputs(estimator: Any, X: Mapping[Any, Any], name: str, reset: bool) -> dict[str, Any]:
    """Check the rows of each input of a module that takes several by name."""
    expected = None if reset else getattr(estimator, "input_shape_", None)
    if expected is not None and (not isinstance(expected, Mapping) or {*expected} != {*X}):
        raise ValueError(_other_inputs(estimator, sorted(map(str, X)), name))
    if not list(X) or not all(isinstance(key, str) and key.isidentifier() for key in X):
        raise ValueError(
            f"{name} is a dict with the keys {list(X)}. They must be the names of the arguments of "
            "the module's forward."
        )
    decided = vars(estimator).get("input_dtype_") or {}
    known, of_fit = _known_centre(estimator, reset)
    of_fit = of_fit if isinstance(of_fit, Mapping) else {}
    centres: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for key in expected or X:
        of_key = f"{name}[{key!r}]"
        part = as_host_array(X[key], of_key)
        if isinstance(part, Dataset) or is_inputs(part):
            raise ValueError(
                f"{of_key} is a {type(part).__name__}. Pass an array of rows, or a Dataset whose "
                f"items are dicts as {name}."
            )
        shape = None if expected is None else expected[key]
        codes = getattr(part, "ndim", 2) == 1 and part.dtype.kind in "iu"
        found[key], centres[key] = _checked_array(
            estimator, part, of_key, shape, decided.get(key), of_fit.get(key), not known, not codes
        )
        first = next(iter(found))
        if found[key].shape[0] != found[first].shape[0]:
            raise ValueError(
                f"{of_key} has {found[key].shape[0]} rows, but {name}[{first!r}] has "
                f"{found[first].shape[0]}. Pass the inputs of the same rows."
            )
    if reset:
        estimator.input_centre_ = centres
    return found


def _other_inputs(estimator: Any, found: Any, name: str) -> str:
    expected = getattr(estimator, "input_shape_", None)
    who = type(estimator).__name__
    if not isinstance(expected, Mapping):
        return f"{name} is a dict of {found}, but {who} is expecting rows of shape {expected}."
    what = f"is a {found}" if isinstance(found, str) else f"has the inputs {found}"
    return f"{name} {what}, but {who} is expecting a dict with the inputs {sorted(expected)}."


def refuse_inputs_without_module(estimator: Any, shape: Any, name: str) -> None:
    """Raise ValueError where a built-in network would get several inputs."""
    if isinstance(shape, Mapping) and not _has_own_module(estimator):
        arguments = ", ".join(shape)
        raise ValueError(
            f"The 'module' parameter cannot be None where {name} is a dict of inputs: pass a "
            f"module whose forward takes them by name, forward(self, {arguments})."
        )


_INTEGERS = (np.int64, np.int32, np.int16, np.int8, np.uint16, np.uint32)


def _known_centre(estimator: Any, reset: bool) -> tuple[bool, Any]:
    """Return whether the fit or `pretrained` has set the centre, and the centre."""
    if not reset:
        return True, vars(estimator).get("input_centre_")
    units = pretrained_units(getattr(estimator, "pretrained", None))
    return units is not None, None if units is None else units.centre


def _has_own_module(estimator: Any) -> bool:
    """Say whether the module is the user's, which may embed integers and take several inputs."""
    return any(getattr(estimator, name, None) is not None for name in ("module", "pretrained"))


def _integers_of(rows: Any) -> Any:
    """Return integers in a list, a frame or an array of objects as an array; keep all else."""
    types = getattr(rows, "dtypes", ())  # of pandas, whose nullable integers are of kind "i"
    whole = len(types) > 0 and all(getattr(dtype, "kind", "") in ("i", "u") for dtype in types)
    kind = getattr(rows, "dtype", None)
    if not (isinstance(rows, list) or whole or kind in (np.dtype(object), np.dtype(np.uint64))):
        return rows
    try:
        array = np.asarray(rows)
        array = np.array(array.tolist()) if array.dtype == object else array
    except (TypeError, ValueError):  # ragged
        return rows
    if array.dtype == np.uint64 and array.size and array.max() < 2**63:
        array = array.astype(np.int64)
    return array if array.dtype.kind in "iu" else rows


def _check_channels(shape: tuple[int, ...], name: str) -> None:
    if len(shape) == 4 and shape[3] in (1, 3, 4) and min(shape[1:3]) > 4:
        warnings.warn(
            f"{name} has rows of shape {shape[1:]}: channels last? Images have the shape (n, "
            "channels, height, width); X.transpose(0, 3, 1, 2) puts the channels first.",
            UserWarning,
            stacklevel=2,
        )


def _check_shape(who: str, shape: tuple[int, ...], expected: tuple[int, ...], name: str) -> None:
    if shape == expected:
        return
    if len(shape) == len(expected) == 1:
        # scikit-learn's checks want the words "X has" where rows of a second fit disagree
        subject = "X_source: X" if name == "X_source" else name
        raise ValueError(
            f"{subject} has {shape[0]} features, but {who} is expecting {expected[0]} features as "
            "input."
        )
    raise ValueError(f"{name} has rows of shape {shape}, but {who} is expecting {expected}.")


def check_length(y: np.ndarray, n_rows: int, name: str, rows: str) -> None:
    if len(y) != n_rows:
        raise ValueError(
            f"{name} has {len(y)} labels, but {rows} has {n_rows} rows. Pass one label per row."
        )
