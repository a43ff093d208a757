"""Put a source and a target domain together into one bunch; check the parameters of loaders."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from ._fetch import Arrays, DataStore

Pair: TypeAlias = Bunch | tuple[Any, Any, Any, Any]
DOWNLOAD_PARAMETERS = ("data_home", "download_if_missing", "progress")


@dataclass(frozen=True)
class LabelledRows:
    """The rows X of one domain, an array or sparse matrix, and their labels y.

    Labels are class numbers from 0 or, in a regression, floats of shape (n,) or (n, n_outputs).
    """

    X: Any
    y: np.ndarray


def check_parameters(
    caller: str,
    params: Mapping[str, Any],
    constraints: Mapping[str, Sequence[Any]],
    *,
    least: int = 1,
) -> None:
    """Validate the parameters of `caller`, a public function of this package.

    `constraints` are in scikit-learn's form. Without a constraint, ``n_source``, ``n_target`` and
    ``n_target_test`` must be at least `least`, ``data_home`` a path or None, ``random_state`` a
    seed, and any other parameter a boolean. A wrong value is a ValueError (also a TypeError if its
    type is wrong).
    """
    count = [Interval(Integral, least, None, closed="left")]
    known = {
        **dict.fromkeys(("n_source", "n_target", "n_target_test"), count),
        "data_home": [str, os.PathLike, None],
        "random_state": ["random_state"],
        **constraints,
    }
    allowed = {name: known.get(name, ["boolean"]) for name in params}
    validate_parameter_constraints(allowed, params, caller_name=caller)


def check_pair(
    caller: str,
    domains: Sequence[str],
    params: Mapping[str, Any],
    **constraints: Sequence[Any],
) -> None:
    """Validate the parameters of `caller`, a public function that loads a pair of `domains`.

    In `params`, ``source`` and ``target`` must name two different domains. `check_parameters`
    checks the others.

    >>> check_pair("fetch_wine_quality", ["red", "white"], {"source": "red", "target": "red"})
    Traceback (most recent call last):
        ...
    ValueError: The 'source' and 'target' parameters of fetch_wine_quality must name two
    different domains. Got 'red' for both. Choose from 'red', 'white'.
    """
    choices = ", ".join(map(repr, domains))
    for role in ("source", "target"):
        if params[role] not in domains:
            raise ValueError(
                f"The {role!r} parameter of {caller} must be one of {choices}. Got "
                f"{params[role]!r} instead."
            )
    if params["source"] == params["target"]:
        raise ValueError(
            f"The 'source' and 'target' parameters of {caller} must name two different domains. "
            f"Got {params['source']!r} for both. Choose from {choices}."
        )
    others = {name: value for name, value in params.items() if name not in ("source", "target")}
    check_parameters(caller, others, constraints)


def make_pair(
    source: LabelledRows,
    target: LabelledRows,
    target_test: LabelledRows | None = None,
    *,
    feature_names: Sequence[str],
    target_names: Sequence[str],
    descr: str,
    as_frame: bool = False,
    return_X_y: bool = False,
    **extra: Any,
) -> Pair:
    """Return the rows of two domains as a Bunch, or with `return_X_y` as a tuple.

    The Bunch has ``X_source, y_source, X_target, y_target, X_target_test, y_target_test,
    feature_names, target_names, DESCR`` and `extra`. Class numbers ``y`` become int64, the numbers
    of a regression keep their type. Without `target_test` the rows of `target` are the test rows.
    With `as_frame` each ``X`` is a DataFrame, and each ``y`` a Series or, with several outputs, a
    DataFrame. The tuple is ``(X_source, y_source, X_target, y_target)``.

    >>> rows = LabelledRows(np.zeros((2, 1)), np.array([0, 1]))
    >>> pair = make_pair(rows, rows, feature_names=["a"], target_names=["no", "yes"], descr="")
    >>> pair.X_target_test is pair.X_target
    True
    """
    arrays: dict[str, Any] = {}
    for part, rows in (("source", source), ("target", target), ("target_test", target_test)):
        if rows is None:
            continue
        X, y = rows.X, np.asarray(rows.y)
        is_number = np.issubdtype(y.dtype, np.floating)
        y = y if is_number else y.astype(np.int64)
        if as_frame:
            import pandas as pd

            X = pd.DataFrame(X, columns=list(feature_names))
            if y.ndim == 1:
                y = pd.Series(y, name=target_names[0] if is_number else "class")
            else:
                y = pd.DataFrame(y, columns=list(target_names))
        arrays[f"X_{part}"], arrays[f"y_{part}"] = X, y
    for name in ("X", "y"):
        arrays.setdefault(f"{name}_target_test", arrays[f"{name}_target"])
    if return_X_y:
        return tuple(arrays[key] for key in ("X_source", "y_source", "X_target", "y_target"))
    return Bunch(
        **arrays,
        feature_names=np.asarray(feature_names, dtype=str),
        target_names=np.asarray(target_names, dtype=str),
        DESCR=descr,
        **extra,
    )


def rows_of_domain(arrays: Arrays, domain: str) -> LabelledRows:
    """Read a domain, as float32, from the arrays ``<domain>_X`` and ``<domain>_y``."""
    return LabelledRows(arrays[f"{domain}_X"].astype(np.float32), arrays[f"{domain}_y"])


@dataclass(frozen=True)
class PairDataset:
    """A data set of several domains, each in its own published file of `store`.

    `file_name` is the pattern of the published file of a part, such as ``"{}.csv"``.
    ``from_file(path)`` parses the file; ``from_prepared(arrays, part)`` reads a part from the
    prepared archive. `parts` has the patterns of the names of the source part, the target part and,
    where there is one, the target test part.
    """

    store: DataStore
    domains: Sequence[str]
    file_name: str
    from_file: Callable[[Path], LabelledRows]
    feature_names: Sequence[str]
    target_names: Sequence[str]
    descr: str
    from_prepared: Callable[[Arrays, str], LabelledRows] = rows_of_domain
    parts: tuple[str, ...] = ("{source}", "{target}")

    def fetch(self, caller: str, **params: Any) -> Pair:
        """Load two domains, from the prepared archive or else from the published files.

        The parameters are those of the public function `caller`. Returns what :func:`make_pair`
        returns.
        """
        check_pair(caller, self.domains, params)
        parts = [part.format_map(params) for part in self.parts]
        downloading = {name: params.pop(name) for name in DOWNLOAD_PARAMETERS}
        prepared = self.store.read_prepared(downloading["data_home"])
        if prepared is not None:
            rows = [self.from_prepared(prepared, part) for part in parts]
        else:
            paths = self.store.fetch([self.file_name.format(part) for part in parts], **downloading)
            rows = [self.from_file(path) for path in paths.values()]
        return make_pair(
            *rows,
            feature_names=self.feature_names,
            target_names=self.target_names,
            descr=self.descr,
            as_frame=params.get("as_frame", False),
            return_X_y=params["return_X_y"],
        )
