"""The search over lam that needs no target label."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import Tags, check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import assert_all_finite, column_or_1d
from torch.utils.data import Dataset

from ..training.lifted import UnstackableError
from ..validation import dataset_labels, fitted_state_kept, unwrap
from ._candidates import (
    Candidate,
    ParamGrid,
    find_lam,
    lams_around,
    make_candidates,
    rank,
    tabulate,
)
from ._choice import judge_all
from ._delegation import BestEstimatorMixin
from ._fit_and_score import (
    DomainData,
    Validator,
    fit_on,
    run_trial,
    seeded,
)
from ._progress import Progress
from ._random import own_stream
from ._routing import final_step
from ._scores import Trials, column, score_columns, stability_of_folds
from ._split import DomainFold, as_indexable, n_rows, split_domains
from ._vectorized import run_trials_together
from .validators.agreement import check_validators, validator_names

__all__ = ["LambdaSearchCV"]


class LambdaSearchCV(BestEstimatorMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Choose lam, and whether to adapt at all, without a target label.

    Every lam is tried in a cross-validation that holds out rows of both domains. A validator,
    which sees no target label, judges the held-out rows; a guard keeps collapsed models out;
    `lam=0`, the source-only model, always takes part, and wins ties. The winner is trained anew on
    all rows.

    Parameters
    ----------
    estimator : estimator
        An estimator with a parameter `lam`, or a Pipeline that ends in one.
    lams : sequence of float or None, default=None
        Trade-off weights to try, each at least 0. 0 is tried in any case. None tries .1, .3, 1, 3
        and 10 times the estimator's own lam.
    param_grid : dict, list of dict or None, default=None
        Other parameters to try beside lam, as `GridSearchCV` takes them. With
        ``{"batch_stats": ["per_domain", "joint"]}`` the batch statistics are chosen, too: worth
        its time where the classes may have other shares in the target.
    validator : str, sequence of str or callable, default=("agreement", "infomax", "stability")
        One of `get_validator_names`, or a callable ``(estimator, X, y, X_target=...) -> float``
        on held-out rows, such as `make_validator_scorer` makes with other options. Higher is
        better. Of a sequence, the score is the mean of the validators' z-scores over the
        candidates of a fold. Two more names are known here: "agreement", the share of target rows
        on which a candidate agrees with the mean of all candidates' probabilities, and
        "stability" (see Notes).
    cv : int, splitter or iterable of (train, test), default=5
        Folds of the source. An int is the number of shuffled, stratified folds. The target is
        cut into as many shuffled folds of its own.
    guard : bool or dict, default=True
        Whether candidates are rejected that forgot the source, collapsed on the target, or are
        unstable there (see Notes); a dict holds the options `accuracy_tolerance` and
        `min_entropy_ratio` of `collapse_guard`, and `stability_tolerance`, by default .05.
    refit : bool, default=True
        Whether to train the chosen candidate on all rows, so that the search predicts.
    vectorize : bool or "auto", default="auto"
        Whether the lams and folds train together, as one stacked network in one process, which
        is several times faster for small networks. "auto" does so where it can and where it
        saves time, False never, and True raises where it cannot.
    n_jobs : int or None, default=None
        Trainings at a time, as in joblib, where they run one by one.
    random_state : int, RandomState or None, default=None
        Fixes the folds, and the trainings of an estimator whose own `random_state` is None or a
        RandomState. All candidates train a fold with the same seed: the same initial weights and
        batches.
    verbose : int, default=0
        Whether to show a progress bar.

    Attributes
    ----------
    best_estimator_ : estimator
        The chosen candidate, trained on all rows. Only with ``refit=True``, as are `classes_`,
        `n_features_in_`, `feature_names_in_` (for frames) and `refit_time_`.
    best_params_ : dict
        Its parameters, lam among them.
    best_index_ : int
        Its row in `cv_results_`.
    best_score_ : float
        Its mean validator score.
    source_only_score_ : float
        Mean validator score of the best candidate with `lam=0`.
    adapted_ : bool
        Whether the chosen lam is above 0.
    cv_results_ : dict of ndarrays
        As in `GridSearchCV`: `params`, `param_<name>`, `split<i>_test_score`, `mean_test_score`,
        `std_test_score`, `rank_test_score`, `mean_fit_time` and the other times (seconds). The test
        score is the validator's, or, of several, the mean of the z-scores; these have columns
        `split<i>_test_<validator>` and so on of their own. Further `split<i>_source_accuracy`,
        `mean_source_accuracy` and `std_source_accuracy` (held-out source rows), the same of
        `target_stability` (see Notes), `accepted` (bool) and `guard_reason` (str).
    n_splits_ : int
        Number of folds.
    vectorized_ : bool
        Whether the lams and folds were trained together.
    vectorize_reason_ : str
        Why they were not; empty if they were.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of columns (tables) or channels (images) seen in `fit`.
    refit_time_ : float
        Seconds that the last training took.

    Notes
    -----
    A candidate is rejected if its training diverges in a fold; if its accuracy over all held-out
    source rows is more than `accuracy_tolerance` below that of the best candidate with `lam=0`; or
    if, with lam above 0, the entropy of its predicted classes on the target is degenerate in a
    fold, or if both its stability and Cohen's kappa are more than `stability_tolerance` below those
    of `lam=0`. Rejected candidates rank last. At least one candidate with `lam=0` is accepted.

    The stability on the target of a fold is the mean share of its held-out target rows on which
    its model and those of the other folds predict the same class; Cohen's kappa corrects it for
    chance. It estimates the accuracy (Jiang et al. 2022), and falls where adapting does harm, as it
    may where the classes have other shares in the target than in the source. Known failure: of
    two very unequal classes, models agree easily.

    What trains one by one (and is an error with ``vectorize=True``): networks with dropout, whose
    masks are drawn for one network at a time; callbacks, `train_split`, `compile` and `amp`;
    labelled target rows and Datasets; optimizers other than torch's usual ones; frozen layers; and
    methods whose training has stages of its own or whose loss has no stacked form (DANN, DAN, DaNN,
    DDC and DeepCORAL have one). `vectorize_reason_` says which.

    Scores that differ by no more than 1e-6 are a tie, which the smaller lam wins.

    References
    ----------
    Jiang et al., "Assessing generalization of SGD via disagreement", ICLR 2022. Hu et al.,
    "Towards Reliable Model Selection for Unsupervised Domain Adaptation: An Empirical Study and A
    Certified Baseline", NeurIPS 2024.

    Examples
    --------
    >>> from skda import DANNClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> from skda.model_selection import LambdaSearchCV
    >>> moons = make_rotated_moons(random_state=0)
    >>> search = LambdaSearchCV(DANNClassifier(max_epochs=2), lams=[0.1, 1], cv=2, random_state=0)
    >>> search.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    >>> [float(lam) for lam in search.cv_results_["param_lam"]]
    [0.0, 0.1, 1.0]
    """

    __metadata_request__fit: ClassVar = {
        "X_target": True,
        "y_target": True,
        "X_source": UNUSED,
        "y_source": UNUSED,
    }

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "param_grid": [dict, list, None],
        "validator": [str, callable, list, tuple],
        "cv": ["cv_object"],
        "guard": ["boolean", dict],
        "refit": ["boolean"],
        "vectorize": ["boolean", StrOptions({"auto"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: BaseEstimator,
        lams: Sequence[float] | None = None,
        *,
        param_grid: ParamGrid | None = None,
        validator: Validator = ("agreement", "infomax", "stability"),
        cv: Any = 5,
        guard: bool | dict[str, float] = True,
        refit: bool = True,
        vectorize: bool | str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.lams = lams
        self.param_grid = param_grid
        self.validator = validator
        self.cv = cv
        self.guard = guard
        self.refit = refit
        self.vectorize = vectorize
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Tags:
        """Say what scikit-learn should know: the estimator takes the rows."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        tags.classifier_tags = inner.classifier_tags
        tags.transformer_tags = inner.transformer_tags
        return tags

    # -- fit ----------------------------------------------------------------------------------

    def fit(
        self, X_source: Any, y_source: Any, X_target: Any = None, *, y_target: Any = None
    ) -> Self:
        """Try all candidates, then train the best one on all rows.

        Parameters
        ----------
        X_source : array-like, frame, sparse matrix, tensor or Dataset of shape (n_source, ...)
            As the estimator takes them.
        y_source : array-like of shape (n_source,) or None
            Labels. None takes them from a Dataset of pairs.
        X_target : same kinds as `X_source`, of shape (n_target, ...)
            Unlabelled target rows; any number of them. A one-element tuple is taken apart.
        y_target : array-like of shape (n_target,) or None
            Labels of some target rows, as the estimator takes them. They join the trainings; no
            choice is based on them.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or an array is not what it should be.
        DivergenceError
            If the source-only model diverges whatever its other parameters are.
        """
        self._validate_params()
        lam_name = find_lam(self.estimator)
        lams = lams_around(self.estimator) if self.lams is None else self.lams
        candidates = make_candidates(lams, self.param_grid, lam_name)
        if not callable(self.validator):
            check_validators(validator_names(self.validator))
        data = self._check_data(X_source, y_source, X_target, y_target)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        with fitted_state_kept(self):
            folds = split_domains(self.cv, data.X_source, data.y_source, data.X_target, seed)
            self.n_splits_ = len(folds)
            draw = own_stream(seed, "lambda search, training").randint
            *fold_seeds, last_seed = draw(2**31 - 1, size=len(folds) + 1).tolist()
            trials = self._try_all(candidates, data, folds, fold_seeds, lam_name)
            self._choose(candidates, trials, folds, lam_name)
            if self.refit:
                start = time.perf_counter()
                best = seeded(self.estimator, last_seed, self.best_params_)
                self.best_estimator_ = fit_on(best, data)
                self.refit_time_ = time.perf_counter() - start
                self.classes_ = final_step(best).classes_
                if hasattr(best, "feature_names_in_"):
                    self.feature_names_in_ = best.feature_names_in_
        return self

    def _check_data(self, X_source: Any, y_source: Any, X_target: Any, y_target: Any) -> DomainData:
        X_target, y_target = unwrap(X_target, "X_target"), unwrap(y_target, "y_target")
        if X_target is None:
            raise ValueError(
                "LambdaSearchCV adapts to a target domain: pass its rows, unlabelled, as "
                "X_target, e.g. LambdaSearchCV(...).fit(X_source, y_source, X_target)."
            )
        if y_source is None and isinstance(X_source, Dataset):
            y_source = dataset_labels(X_source)
        if y_source is None:
            raise ValueError(
                "LambdaSearchCV requires y to be passed, but the target y is None: pass one label "
                "per row of X_source as y_source."
            )
        X_source, X_target = as_indexable(X_source), as_indexable(X_target)
        y_source = column_or_1d(y_source, warn=True)
        assert_all_finite(y_source, input_name="y_source")
        check_classification_targets(y_source)
        for rows, labels, name in (
            (X_source, y_source, "source"),
            (X_target, y_target, "target"),
        ):
            if labels is not None and n_rows(rows) != len(labels):
                raise ValueError(
                    f"y_{name} has {len(labels)} labels, but X_{name} has {n_rows(rows)} rows. "
                    "Pass one label per row."
                )
        return DomainData(
            X_source, y_source, X_target, None if y_target is None else column_or_1d(y_target)
        )

    def _try_all(
        self,
        candidates: list[Candidate],
        data: DomainData,
        folds: list[DomainFold],
        seeds: list[int],
        lam_name: str,
    ) -> Trials:
        """Return the trials, a list of folds for each candidate."""
        self.vectorized_, self.vectorize_reason_ = False, "vectorize=False"
        if self.vectorize is not False:
            try:
                with self._progress(candidates, folds) as progress:
                    trials = run_trials_together(
                        self.estimator,
                        candidates,
                        data,
                        folds,
                        seeds,
                        self.validator,
                        lam_name,
                        of_any_size=self.vectorize is True,
                        advance=progress.advance,
                    )
            except UnstackableError as error:
                if self.vectorize is True:
                    raise ValueError(f"vectorize=True is not possible: {error}.") from error
                self.vectorize_reason_ = str(error)
            else:
                self.vectorized_, self.vectorize_reason_ = True, ""
                return trials
        tasks = (
            delayed(run_trial)(seeded(self.estimator, seed, params), data, fold, self.validator)
            for params in candidates
            for fold, seed in zip(folds, seeds, strict=True)
        )
        parallel = Parallel(n_jobs=self.n_jobs, return_as="generator")
        done = []
        with self._progress(candidates, folds) as progress:
            progress.advance(0)
            for trial in parallel(tasks):
                done.append(trial)
                progress.advance(1)
        return [done[i : i + len(folds)] for i in range(0, len(done), len(folds))]

    def _progress(self, candidates: Sequence[Candidate], folds: Sequence[DomainFold]) -> Progress:
        return Progress(len(candidates) * len(folds), shown=bool(self.verbose))

    def _choose(
        self,
        candidates: list[Candidate],
        trials: Trials,
        folds: list[DomainFold],
        lam_name: str,
    ) -> None:
        lams = np.array([candidate[lam_name] for candidate in candidates])
        held_out = [fold.target_test for fold in folds]
        stability = stability_of_folds(trials, held_out)
        kappa = stability_of_folds(trials, held_out, chance_corrected=True)
        verdicts = judge_all(trials, lams, stability, kappa, self.guard)
        accepted = np.array([verdict.accepted for verdict in verdicts])
        columns = {
            "fit_time": column(trials, "fit_time"),
            "score_time": column(trials, "score_time"),
            **score_columns(trials, self.validator, stability),
            "source_accuracy": column(trials, "accuracy"),
            "target_stability": stability,
        }
        results = tabulate(candidates, columns)
        scores = results["mean_test_score"]
        results["rank_test_score"] = rank(scores, accepted)
        results["accepted"] = accepted
        results["guard_reason"] = np.array([verdict.reason for verdict in verdicts], dtype=object)
        self.cv_results_ = results
        first = np.flatnonzero(results["rank_test_score"] == 1)
        self.best_index_ = int(first[lams[first].argmin()])
        self.best_params_ = dict(candidates[self.best_index_])
        self.best_score_ = float(scores[self.best_index_])
        self.source_only_score_ = float(scores[accepted & (lams == 0)].max())
        self.adapted_ = bool(lams[self.best_index_] > 0)
