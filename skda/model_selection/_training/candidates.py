"""The candidates of a search over lam: their parameters, and the table of their results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline

from ...base._going_on import same_value
from .._typing import Candidate, ParamGrid

# scores that differ by rounding only are a tie, which the smaller lam wins
SCORE_TOLERANCE = 1e-6


def find_lam(estimator: BaseEstimator) -> str:
    """Return the name of the trade-off weight: "lam", or "<step>__lam" for a Pipeline.

    If the estimator has no such parameter, it is a ValueError.
    """
    if isinstance(estimator, type):
        raise ValueError(
            "The 'estimator' parameter of LambdaSearchCV must be an instance. Got the class "
            f"{estimator.__name__}: pass {estimator.__name__}()."
        )
    if isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        return f"{step}__{find_lam(last)}"
    if "lam" not in getattr(estimator, "get_params", dict)():
        raise ValueError(
            "The 'estimator' parameter of LambdaSearchCV must be an estimator with a parameter "
            "'lam', such as DANNClassifier, or a Pipeline that ends in one. Got "
            f"{type(estimator).__name__} instead, which has none."
        )
    return "lam"


def lams_around(estimator: BaseEstimator) -> list[float]:
    """Return .1, .3, 1, 3 and 10 times the lam of an estimator.

    If lam is 0, the default lam of the class is taken instead. A method such as ADDA trains the
    same with all lams above 0: lam alone is returned.
    """
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    centre = last.lam or type(last)().lam or 1.0
    factors = (0.1, 0.3, 1.0, 3.0, 10.0) if getattr(last, "lam_scales", True) else (1.0,)
    return [round(factor * centre, 12) for factor in factors]


class GivenShares(NamedTuple):
    """Whether each candidate has `target_priors`, arrays of bool of shape (n_candidates,).

    Attributes
    ----------
    known : ndarray
        Whether the user gave the shares.
    used : ndarray
        Whether the candidate has shares, given or estimated.
    """

    known: NDArray[np.bool_]
    used: NDArray[np.bool_]

    @property
    def estimated(self) -> NDArray[np.bool_]:
        """Whether the shares of the candidate are estimated."""
        return self.used & ~self.known


def given_shares(
    estimator: BaseEstimator, candidates: Sequence[Candidate], lam_name: str
) -> GivenShares:
    """Return whether each candidate has shares of the target's classes, and who gave them."""
    _, given = shares_asked_for(estimator, candidates, lam_name)
    used = np.array([value is not None for value in given])
    return GivenShares(used & [not isinstance(value, str) for value in given], used)


def shares_asked_for(
    estimator: BaseEstimator, candidates: Sequence[Candidate], lam_name: str
) -> tuple[str, list[Any]]:
    """Return the name of the parameter `target_priors`, and its value for each candidate."""
    name = lam_name.removesuffix("lam") + "target_priors"
    own = estimator.get_params().get(name)
    return name, [candidate.get(name, own) for candidate in candidates]


def differ_in_lam_only(one: Candidate, other: Candidate, lam_name: str) -> bool:
    """Say whether two candidates have the same parameters beside lam, which may be arrays."""
    names = [name for name in one if name != lam_name]
    return {*one} == {*other} and all(same_value(one[name], other[name]) for name in names)


def make_candidates(
    lams: Iterable[float], param_grid: ParamGrid | None, lam_name: str
) -> list[Candidate]:
    """Combine every lam, and 0, with every point of a grid as `GridSearchCV` takes it.

    For each point of the grid, lam grows. If a lam is not a finite number of at least 0, or the
    grid names lam, it is a ValueError.
    """
    points = list(ParameterGrid(param_grid)) if param_grid else [{}]
    if any(lam_name in point for point in points):
        raise ValueError(
            f"The 'param_grid' parameter of LambdaSearchCV must not name {lam_name!r}. Pass its "
            "values as 'lams'."
        )
    return [{**point, lam_name: lam} for point in points for lam in check_lams(lams)]


def check_lams(lams: Any) -> list[float]:
    """Return the trade-off weights in growing order, each once, with 0 among them."""
    listed: list[Any] = list(lams) if isinstance(lams, Iterable) else [None]
    for lam in listed:
        is_number = isinstance(lam, Real) and not isinstance(lam, bool)
        if not is_number or not 0 <= float(lam) < np.inf:
            raise ValueError(
                "The 'lams' parameter of LambdaSearchCV must be a sequence of floats in the range "
                f"[0, inf). Got {lams!r} instead."
            )
    return sorted({0.0, *map(float, listed)})


def tabulate(
    candidates: Sequence[Candidate], columns: Mapping[str, NDArray[Any]]
) -> dict[str, Any]:
    """Lay out results as in `GridSearchCV.cv_results_`.

    `columns` has results of shape (n_candidates, n_splits) by name. The table has "params", a
    masked array "param_<name>" for each parameter, and for each of the columns "split<i>_<name>",
    "mean_<name>" and "std_<name>"; times have no columns of splits.
    """
    results: dict[str, Any] = {}
    for name, values in columns.items():
        if not name.endswith("_time"):
            for i, split in enumerate(values.T):
                results[f"split{i}_{name}"] = split
        results[f"mean_{name}"] = values.mean(axis=1)
        results[f"std_{name}"] = values.std(axis=1)
    for name in sorted({name for candidate in candidates for name in candidate}):
        is_float = all(isinstance(candidate.get(name), float) for candidate in candidates)
        values = np.empty(len(candidates), dtype=float if is_float else object)
        missing = np.array([name not in candidate for candidate in candidates])
        for i in np.flatnonzero(~missing).tolist():
            values[i] = candidates[i][name]
        results[f"param_{name}"] = np.ma.MaskedArray(values, mask=missing)
    return {"params": list(candidates), **results}


def rank(scores: NDArray[Any], accepted: NDArray[Any]) -> NDArray[Any]:
    """Rank candidates, 1 for the best: accepted ones first, then by score, of which NaN is worst.

    The arrays have shape (n_candidates,). Equal scores share a rank.
    """
    scores = np.where(np.isnan(scores), -np.inf, scores)
    higher = scores[None, :] > scores[:, None] + SCORE_TOLERANCE
    same_side = accepted[None, :] == accepted[:, None]
    better = np.where(same_side, higher, accepted[None, :])
    ranks: NDArray[Any] = (1 + better.sum(axis=1)).astype(np.int32)
    return ranks
