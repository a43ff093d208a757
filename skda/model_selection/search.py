"""The search over lam that needs no target label."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import Tags, check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.metadata_routing import UNUSED

from .._html import FittedDiagramMixin
from .._inputs.validation import fitted_state_kept
from .._versioned import VersionedMixin
from ..training.modes import training_modes
from ..training.processes import current_processes
from ._checks import (
    check_calibrate,
    check_candidates,
    check_checkpoints,
    check_data,
    check_guard,
    check_validators,
)
from ._choice.classification import DEFAULT_VALIDATOR
from ._choice.outcome import OF_BEST_ESTIMATOR, ChoosingMixin
from ._choice.regression import DEFAULT_VALIDATOR as DEFAULT_OF_REGRESSORS
from ._delegation import BestEstimatorMixin
from ._diagram import search_diagram
from ._random import derive_random_state
from ._split import split_domains
from ._training.candidates import find_lam, lams_around, make_candidates
from ._training.estimated_shares import fit_candidates
from ._training.fit_and_score import Plan
from ._training.store import ResultStore, search_fingerprint
from ._typing import ParamGrid, Rows, Validator
from .validators.registry import Task

__all__ = ["LambdaSearchCV"]

DEFAULT_VALIDATORS: dict[Task, Validator] = {
    "classification": DEFAULT_VALIDATOR,
    "regression": DEFAULT_OF_REGRESSORS,
}


class LambdaSearchCV(
    ChoosingMixin,
    BestEstimatorMixin,
    FittedDiagramMixin,
    VersionedMixin,
    ClassifierMixin,
    MetaEstimatorMixin,
    BaseEstimator,
):
    """Choose lam, and whether to adapt at all, without a target label.

    Every lam is tried in a cross-validation that holds out rows of both domains. A validator
    scores each model on the held-out rows, without target labels. A guard rejects collapsed
    models. `lam=0`, the source-only model, is always a candidate, and wins ties. The best candidate
    is then trained on all rows.

    Parameters
    ----------
    estimator : estimator
        A classifier or regressor with a parameter `lam`, or a Pipeline that ends in one.
    lams : sequence of float or None, default=None
        Trade-off weights to try, each at least 0. 0 is always tried. None tries .1, .3, 1, 3 and
        10 times the lam of the estimator. For `ADDAClassifier`, which trains the same with all lams
        above 0, None tries the lam of the estimator alone.
    param_grid : dict, list of dict or None, default=None
        Other parameters to try beside lam, as `GridSearchCV` takes them. With
        ``{"batch_stats": ["per_domain", "joint"]}`` the search chooses the batch statistics, too.
        This is worth its time if the shares of the classes may differ between the domains.
    validator : str, sequence of str or callable, default="auto"
        One of `get_validator_names`, or a callable ``(estimator, X, y, X_target=...) -> float``
        on held-out rows, such as `make_validator_scorer` makes with other options. Higher is
        better. For a sequence, the score is the mean of the validators' z-scores, each over the
        candidates of a fold. The search knows two more names: "agreement", the share of target
        rows on which a candidate agrees with the mean of all candidates' probabilities, and
        "stability" (see Notes). "auto" is ("agreement", "infomax", "stability") for a classifier
        and ("agreement", "stability") for a regressor.
    cv : int, splitter or iterable of (train, test), default=5
        Folds of the source. An int is the number of shuffled, stratified folds. The target is
        cut into the same number of shuffled folds.
    guard : bool or dict, default=True
        Whether to reject candidates that forgot the source, or that collapsed, are unstable or
        are unsure on the target (see Notes). A dict holds the options `accuracy_tolerance` and
        `min_entropy_ratio` of `collapse_guard`, `stability_tolerance` (.05 by default),
        `entropy_tolerance` (.08) and `share_tolerance` (.1); that of a regressor holds
        `error_tolerance`, `stability_tolerance` and `min_spread_ratio`.
    refit : bool, default=True
        Whether to train the chosen candidate on all rows, so that the search predicts.
    calibrate : bool, default=False
        Whether the logits of target rows are divided by `temperature_` in `predict_proba`, so that
        the mean confidence is not above `estimated_accuracy_`.
    vectorize : bool or "auto", default="auto"
        Whether the models of all lams and folds are trained together, as one stacked network in
        one process, which is several times faster for small networks. "auto" does so if it is
        possible and saves time, False never does, and True raises an error if it is impossible.
    n_jobs : int or None, default=None
        Number of trainings at a time, as in joblib, if the models are not trained together.
    random_state : int, RandomState or None, default=None
        Seed of the folds, and of the trainings if the `random_state` of the estimator is None or
        a RandomState. In a fold, all candidates have the same seed: the same initial weights and
        batches.
    verbose : int, default=0
        Whether to show a progress bar of all trainings, and one of the training on all rows.
    checkpoint : path of a folder or None, default=None
        Where the results of finished candidates are kept. `fit` with the same data and parameters,
        in a new process too, does not train these candidates again, and continues the training on
        all rows after its last epoch. Do not set the `checkpoint` of the estimator. Needs an int as
        `random_state`. The files are pickles: use a folder that you trust.

    Attributes
    ----------
    best_estimator_ : estimator
        The chosen candidate, trained on all rows, in `refit_time_` seconds. Only with
        ``refit=True``, as are `classes_`, `n_features_in_` and `feature_names_in_` (for frames).
    best_params_ : dict
        Parameters of the chosen candidate, lam among them.
    best_index_, best_score_ : int, float
        Row of the chosen candidate in `cv_results_`, and its mean validator score.
    source_only_score_ : float
        Mean validator score of the best candidate with `lam=0`.
    adapted_ : bool
        Whether the chosen lam is above 0.
    estimated_accuracy_ : float
        Estimated accuracy of the chosen candidate on the target: the stability times the accuracy
        on held-out source rows (see `skda.inspection.estimate_accuracy`).
    temperature_ : float
        Only with ``calibrate=True``: at least 1, from the probabilities of all target rows (see
        `skda.priors.match_confidence`). `decision_function`, `to_module`, `export` do not use it.
    estimated_error_ : float
        Of a regressor, in place of `estimated_accuracy_`: estimated root mean squared error on the
        target, in standard deviations of the source's labels (`skda.inspection.estimate_error`).
    label_scale_ : ndarray of shape (n_outputs,)
        Of a regressor: standard deviation of each output of the source's labels.
    cv_results_ : dict of ndarrays
        As in `GridSearchCV`: `params`, `param_<name>`, `split<i>_test_score`, `mean_test_score`,
        `std_test_score`, `rank_test_score`, `mean_fit_time` and the other times (seconds). The test
        score is that of the validator; if there are several, it is the mean of the z-scores, and
        the scores of each are in the columns `split<i>_test_<validator>`, `mean_test_<validator>`
        and `std_test_<validator>`. In addition `split<i>_source_accuracy`, `mean_source_accuracy`
        and `std_source_accuracy` (held-out source rows), the same for `target_stability` (see
        Notes) and `target_entropy` (mean entropy of the class probabilities of held-out target
        rows, in nats), `accepted` (bool) and `guard_reason` (str).
    n_splits_ : int
        Number of folds.
    validator_ : str, sequence of str or callable
        The validator that was used: `validator`, or what "auto" stands for.
    vectorized_, vectorize_reason_ : bool, str
        Whether the models of all lams and folds were trained together, and if not, why.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of columns (tables) or channels (images).

    Notes
    -----
    A candidate is rejected if its training diverges in a fold, or if its accuracy over all held-out
    source rows is more than `accuracy_tolerance` below that of the best candidate with `lam=0`. A
    candidate with lam above 0 is also rejected if the entropy of its predicted classes on the
    target is too low in a fold (see `collapse_guard`), or if both its stability and its Cohen's
    kappa are more than `stability_tolerance` below those of `lam=0`, or if the entropy of its
    predictions, a share of log(n_classes), is more than `entropy_tolerance` above that of `lam=0`
    and its stability is not `stability_tolerance` above. If the last two rules reject three
    quarters of the lams above 0, all lams above 0 are rejected. If the loss itself makes
    predictions surer (MCC, pseudo-labels), all lams above a rejected one are rejected. Without
    `target_priors`, all lams above 0 are rejected where other class shares explain how the outputs
    of the `lam=0` models differ (`skda.priors.label_shift_fit`) and are more than `share_tolerance`
    (total variation) from the source's. With `target_priors`, rare classes are no collapse where
    `lam=0` predicts them as rarely. Rejected candidates rank last; at least one with `lam=0` is
    accepted. Scores within 1e-6 are a tie, which the smaller lam wins.

    The stability in a fold is the share of its held-out target rows on which its model and that of
    another fold predict the same class, averaged over the other folds; Cohen's kappa corrects it
    for chance. Stability estimates the accuracy (Jiang et al. 2022), and falls if adapting does
    harm, as it may where the shares of the classes differ. Known failure: if two classes are very
    unequal, models agree easily. The entropy rises there: adapting to other shares draws the
    boundary through rows of one class. The entropy is ignored where `lam=0` predicts one class for
    nearly all target rows, as with an offset of a sensor, or where the estimator has the shares as
    `target_priors`: an offset can look like other shares, and only the user knows which it is.

    With ``target_priors="estimate"``, `lam=0` trains without shares. The errors of its models in
    all folds give one estimate, with which all other lams train. They are rejected if no shares
    explain how the outputs of these models differ. If shares alone explain it, a candidate that is
    worse on the source is accepted if it is better, by `accuracy_tolerance`, on source rows that
    are weighted to the estimated shares.

    The following trains one by one (see `vectorize_reason_`), and is an error with
    ``vectorize=True``: dropout on a GPU, or in a layer without a stacked form; callbacks,
    `train_split`, `compile` and `amp`; labelled target rows, several sources, Datasets and integers
    that the module embeds; optimizers other than torch's usual ones; frozen layers; methods with
    stages (ADDA) or whose term has a state (WDGRL, MCD, DeepJDOT, DAN with optimal kernel weights).

    `fit` gives an `AdaptationWarning` if the models of a chosen lam above 0 agree less and are less
    sure on the target than source-only models, or if only entropy or shares kept it from adapting.

    **Regressors.** Errors are in standard deviations of the source's labels; with several outputs
    they are means over the outputs. "stability" is minus the mean squared difference between the
    model of a fold and those of the other folds on the fold's held-out target rows, "agreement"
    minus the mean squared distance to the mean of all candidates. `cv_results_` has, in place of
    `source_accuracy` and `target_stability`, `source_error` (root mean squared error on held-out
    source rows) and `target_disagreement` (the root of that difference). A candidate with lam above
    0 is rejected if its error on the source is more than 1.5 times that of `lam=0`
    (`error_tolerance` .5), its disagreement more than 1.1 times (`stability_tolerance` .1), or the
    standard deviation of its predictions on the target less than .3 times that of `lam=0` or of the
    source's labels, whichever is less (`min_spread_ratio`).

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
        "sample_weight": True,
        "source_domain": True,
        "X_source": UNUSED,
        "y_source": UNUSED,
    }

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict"])],
        "param_grid": [dict, list, None],
        "validator": [str, callable, list, tuple],
        "cv": ["cv_object"],
        "guard": ["boolean", dict],
        "refit": ["boolean"],
        "calibrate": ["boolean"],
        "vectorize": ["boolean", StrOptions({"auto"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "checkpoint": [str, os.PathLike, None],
    }

    def __init__(
        self,
        estimator: BaseEstimator,
        lams: Sequence[float] | None = None,
        *,
        param_grid: ParamGrid | None = None,
        validator: Validator = "auto",
        cv: Any = 5,
        guard: bool | dict[str, float] = True,
        refit: bool = True,
        calibrate: bool = False,
        vectorize: bool | str = "auto",
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> None:
        self.estimator = estimator
        self.lams = lams
        self.param_grid = param_grid
        self.validator = validator
        self.cv = cv
        self.guard = guard
        self.refit = refit
        self.calibrate = calibrate
        self.vectorize = vectorize
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.checkpoint = checkpoint

    def __sklearn_tags__(self) -> Tags:
        """Return the tags of the estimator."""
        return get_tags(self.estimator)

    def fit(
        self,
        X_source: Rows,
        y_source: ArrayLike | None,
        X_target: Rows = None,
        *,
        y_target: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        source_domain: ArrayLike | None = None,
    ) -> Self:
        """Try all candidates, then train the best candidate on all rows.

        Parameters
        ----------
        X_source : array-like, frame, sparse matrix, tensor or Dataset of shape (n_source, ...)
            As the estimator takes them.
        y_source : array-like of shape (n_source,) or None
            Labels. None takes them from a Dataset of pairs.
        X_target : same kinds as `X_source`, of shape (n_target, ...)
            Unlabelled target rows; any number of them. A one-element tuple is taken apart.
        y_target : array-like of shape (n_target,) or None
            Labels of some target rows, as the estimator takes them. They are used in the
            trainings, not in the choice.
        sample_weight : array-like of shape (n_source,) or None
            Weights of the source rows, as the estimator takes them, in the trainings.
        source_domain : array-like of shape (n_source,) or None
            Names of the domains of the source rows where there are several, as the estimator takes
            them. An int `cv` cuts each of them into folds. Held-out source rows are judged by the
            batch statistics of the sources' mixture.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or an array is invalid.
        DivergenceError
            If every candidate with `lam=0` diverges.
        KeyboardInterrupt
            After Ctrl-C. `cv_results_`, `best_params_` and `best_score_` are then those of the
            candidates that were finished, if any was; they are not refitted. Candidates that are
            trained together finish together.
        """
        self._validate_params()
        lam_name = find_lam(self.estimator)
        task = self._task
        validator = DEFAULT_VALIDATORS[task] if self.validator == "auto" else self.validator
        lams = lams_around(self.estimator) if self.lams is None else self.lams
        candidates = make_candidates(lams, self.param_grid, lam_name)
        check_validators(validator, task)
        check_guard(self.guard, task)
        check_calibrate(self.calibrate, self.refit, task)
        check_candidates(self.estimator, candidates, lam_name)
        given = X_source, y_source, X_target, y_target, sample_weight
        data = check_data(*given, task, source_domain)
        check_checkpoints(self.estimator, self.checkpoint, self.random_state)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        seed = current_processes().of_main(seed)
        with fitted_state_kept(self), training_modes():
            folds = split_domains(
                self.cv,
                data.X_source,
                data.y_source,
                data.X_target,
                seed,
                stratify=task == "classification",
                source_domain=data.source_domain,
            )
            self.n_splits_, self.validator_ = len(folds), validator
            draw = derive_random_state(seed, "lambda search, training").randint
            *fold_seeds, last_seed = draw(2**31 - 1, size=len(folds) + 1).tolist()
            held_out = [fold.target_test for fold in folds]
            plan = Plan(self.estimator, candidates, data, folds, fold_seeds, validator, lam_name)
            store = None
            if self.checkpoint is not None:
                store = ResultStore(self.checkpoint, search_fingerprint(self, plan))
            options = {"vectorize": self.vectorize, "n_jobs": self.n_jobs, "verbose": self.verbose}
            found, used = fit_candidates(plan, store=store, **options)
            results, self.vectorize_reason_, interrupted = found
            self.vectorized_ = not self.vectorize_reason_
            self._keep_choice(candidates[: len(results)], lam_name, results, held_out)
            if self.refit and interrupted is None:
                try:
                    self._refit(used[self.best_index_], data, last_seed)
                except KeyboardInterrupt as interrupt:
                    interrupted = interrupt
            if interrupted is not None:  # the results are not those of an earlier best estimator
                for name in OF_BEST_ESTIMATOR:
                    self.__dict__.pop(name, None)
        if interrupted is not None:
            raise interrupted
        return self

    def _fitted_diagram(self) -> Any:
        return search_diagram(self) if hasattr(self, "cv_results_") else None
