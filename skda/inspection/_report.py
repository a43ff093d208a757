"""A report on two domains before and after adaptation, with a verdict in plain sentences."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, resample
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

from .._inputs.naming import naming
from .._inputs.validation import unwrap
from .._typing import Rows
from ..model_selection._checks import check_data
from ..model_selection._random import derive_random_state
from ..model_selection._routing import final_step, fit_adapting
from ..model_selection._split import n_rows as count_rows
from ..model_selection._split import take_rows
from ..model_selection._training.candidates import find_lam
from ..model_selection._training.fit_and_score import DomainData, seeded
from ..model_selection.validators.inputs import NamedEvidence
from ..priors._bootstrap import Bootstrap
from ._report_measure import Measure
from ._report_object import ADAPTED, SOURCE_ONLY, DomainReport
from ._report_verdict import find
from ._separability import SAMPLING_CONSTRAINTS, some_rows
from ._target_priors import BOOTSTRAP_CONSTRAINTS

__all__ = ["domain_report"]

CALLER = "domain_report"
_CONSTRAINTS: dict[str, list[Any]] = {
    "estimator": [HasMethods(["predict_proba"])],
    "source_only": [HasMethods(["predict_proba"]), StrOptions({"fit"}), None],
    "test_size": [Interval(Real, 0, 1, closed="neither")],
    "n_permutations": [Interval(Integral, 1, None, closed="left")],
    **BOOTSTRAP_CONSTRAINTS,
    **SAMPLING_CONSTRAINTS,
}


def domain_report(
    estimator: BaseEstimator,
    X_source: Rows,
    y_source: ArrayLike,
    X_target: Rows,
    *,
    source_only: Any = "fit",
    test_size: float = 0.25,
    n_rows: int | None = 2000,
    n_permutations: int = 200,
    n_bootstrap: int = 100,
    confidence: float = 0.95,
    random_state: Any = None,
) -> DomainReport:
    """Report how far apart the domains are, and what adapting did, without target labels.

    Parameters
    ----------
    estimator : estimator
        A classifier with `lam`, a Pipeline of `skda.make_pipeline` that ends in one, or a fitted
        `LambdaSearchCV`. With ``source_only="fit"`` clones are trained, and a classifier or
        Pipeline need not be fitted; otherwise it must be, and any classifier with `predict_proba`
        will do.
    X_source, y_source : array-like of shape (n_source, ...) and (n_source,)
        Labelled source rows. With ``source_only="fit"`` those to train on: a part is held out.
        Otherwise rows **on which no model was trained**: on its training rows a model makes too few
        errors, and most of the report is then wrong.
    X_target : array-like of shape (n_target, ...)
        Unlabelled target rows, also those to which the estimator was adapted.
    source_only : "fit", estimator or None, default="fit"
        What adapting is compared with. "fit" trains two clones of the estimator on the same part of
        the source and on the target: one with ``lam=0`` and one as it is (of a search, the best
        candidate). An estimator is a fitted source-only model, and nothing is trained. None
        compares with the inputs alone, and nothing is trained.
    test_size : float, default=0.25
        Share of the source rows to hold out, by class, with ``source_only="fit"``.
    n_rows : int or None, default=2000
        Held-out source rows, and target rows, to measure, at most. Clones are trained on all.
    n_permutations : int, default=200
        Of each `mmd_test`.
    n_bootstrap : int, default=100
        Number of draws for each interval.
    confidence : float, default=0.95
        Of the intervals.
    random_state : int, RandomState or None, default=None
        Fixes everything; the clones get it where the estimator has no int.

    Returns
    -------
    DomainReport
        Shows itself with ``print`` and in notebooks; `to_frame`, `shares_to_frame`, `verdict`.

    Raises
    ------
    ValueError
        If a parameter is not allowed, or a class has no held-out source row.

    See Also
    --------
    proxy_a_distance, mmd_test : Distances of the domains.
    estimate_accuracy, estimate_target_priors : Accuracy, and shares of the classes, on the target.

    Notes
    -----
    The inputs are the rows as the classifier at the end of a Pipeline gets them; dicts and Datasets
    have no inputs to compare. Of more than 5000 columns, 5000 are drawn. The shares in the target
    are estimated with the source-only model. The accuracy on the target is the estimate
    "weighted_confidence" of `estimate_accuracy` for both models.

    The verdict is a set of rules of thumb: `benchmarks/domain_report` says how often each sentence
    was right on tasks whose truth is known. Without target labels, nobody can tell in general
    whether adapting helped. Where the domains are far apart, other shares of the classes cannot be
    seen, and the verdict says so.

    Examples
    --------
    >>> from skda import DANNClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> from skda.inspection import domain_report
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DANNClassifier(max_epochs=5, random_state=0)
    >>> report = domain_report(
    ...     clf, moons.X_source, moons.y_source, moons.X_target, random_state=0
    ... )
    >>> list(report.to_frame().index)
    ['inputs', 'source-only', 'adapted']
    >>> bool(report.to_frame().loc["inputs", "mmd_pvalue"] < 0.05)
    True
    """
    validate_parameter_constraints(_CONSTRAINTS, locals(), CALLER)
    data = _check_rows(X_source, y_source, X_target)
    rng = check_random_state(random_state)
    adapted, before, seen = estimator, source_only, data
    if isinstance(source_only, str):
        adapted, before, seen = _train(estimator, data, test_size, int(rng.randint(2**31 - 1)))
    seen = _some_of(seen, n_rows, rng)
    models = {SOURCE_ONLY: before, ADAPTED: adapted}
    evidence = {name: NamedEvidence(m, *seen[:3]) for name, m in models.items() if m is not None}
    measured = Measure(evidence, Bootstrap(n_bootstrap, confidence, rng), n_permutations).all()
    sizes = len(seen.y_source), count_rows(seen.X_target)
    return DomainReport(
        measured.states, measured.shares, measured.agreement, *sizes, find(measured)
    )


def _check_rows(X_source: Rows, y_source: Any, X_target: Rows) -> DomainData:
    if unwrap(X_target, "X_target") is None or y_source is None:
        missing = "y_source" if y_source is None else "X_target"
        raise ValueError(
            f"{CALLER} compares labelled source rows with target rows. Got {missing}=None: pass "
            f"{CALLER}(estimator, X_source, y_source, X_target)."
        )
    return check_data(X_source, y_source, X_target, None, None)


def _train(
    estimator: BaseEstimator, data: DomainData, test_size: float, seed: int
) -> tuple[BaseEstimator, BaseEstimator, DomainData]:
    """Train clones as they are and with lam=0; return them and the rows that they did not see."""
    if hasattr(estimator, "cv") and not hasattr(estimator, "best_estimator_"):
        raise ValueError(
            f"The 'estimator' parameter of {CALLER} must be a fitted search, with refit=True. Got "
            f"a {type(estimator).__name__} that is not: call its fit first."
        )
    plain = getattr(estimator, "best_estimator_", estimator)
    if not hasattr(final_step(plain), "lam"):
        raise ValueError(
            f"The 'estimator' parameter of {CALLER} must have a parameter 'lam', so that a clone "
            f"with lam=0 can be trained. Got {type(final_step(plain)).__name__}: pass the fitted "
            "model before adapting as 'source_only', or None, with source rows that were held out."
        )
    with naming("y_source"):
        train, test = train_test_split(
            np.arange(len(data.y_source)),
            test_size=test_size,
            stratify=data.y_source,
            random_state=derive_random_state(seed, "domain report, held-out rows"),
        )
    part = take_rows(data.X_source, train), data.y_source[train], data.X_target
    adapted = fit_adapting(seeded(plain, seed, {}), *part)
    before = adapted
    if final_step(plain).lam != 0:
        before = fit_adapting(seeded(plain, seed, {find_lam(plain): 0.0}), *part)
    held_out = DomainData(take_rows(data.X_source, test), data.y_source[test], data.X_target)
    return adapted, before, held_out


def _some_of(data: DomainData, n_rows: int | None, rng: np.random.RandomState) -> DomainData:
    """Return at most so many rows of each domain, those of the source by class."""
    X_source, y_source, X_target = data[:3]
    if n_rows is not None and len(y_source) > n_rows:
        index = resample(
            np.arange(len(y_source)),
            replace=False,
            n_samples=n_rows,
            stratify=y_source,
            random_state=rng,
        )
        X_source, y_source = take_rows(X_source, index), y_source[index]
    n_target = count_rows(X_target)
    if n_rows is not None and n_target > n_rows:
        X_target = take_rows(X_target, some_rows(n_target, n_rows, rng))
    return DomainData(X_source, y_source, X_target)
