"""The validators as scikit-learn scorers."""

from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import MetadataRequest

from .._typing import Rows
from .inputs import EstimatorEvidence
from .registry import check_validator, compute_validator, task_of


class ValidatorScorer:
    """A callable ``scorer(estimator, X, y, X_target=None)``; made by `make_validator_scorer`.

    Parameters
    ----------
    name : str
        Name of a validator.
    X_target : array-like of shape (n_target, ...), optional
        Unlabelled target rows. Without them, the scorer asks for `X_target` by metadata routing.
    **options : object
        Options of the validator.

    Raises
    ------
    ValueError
        If the name or an option is unknown, or the option has no such value.
    """

    def __init__(self, name: str, *, X_target: Rows = None, **options: Any) -> None:
        check_validator(name, options, task_of(name))
        self.name = name
        self.X_target = X_target
        self.options = options

    def __call__(
        self,
        estimator: BaseEstimator,
        X: Rows,
        y: ArrayLike | None = None,
        *,
        X_target: Rows = None,
    ) -> float:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier with `predict_proba`, a Pipeline that ends in one, or a search.
        X : array-like of shape (n_source, ...)
            Held-out source rows.
        y : array-like of shape (n_source,), optional
            Their labels; not needed by validators that read the target only.
        X_target : array-like of shape (n_target, ...), optional
            Unlabelled target rows, instead of those that the scorer was made with.

        Returns
        -------
        float
            Higher is better.

        Raises
        ------
        ValueError
            If labels, target rows or probabilities are missing that the validator needs.
        """
        target = self.X_target if X_target is None else X_target
        return compute_validator(
            self.name, EstimatorEvidence(estimator, X, y, target), **self.options
        )

    def get_metadata_routing(self) -> MetadataRequest:
        """Ask for `X_target`, unless the scorer was made with it.

        Returns
        -------
        MetadataRequest
        """
        # the name, not the scorer: older scikit-learn copies the owner with its target rows
        request = MetadataRequest(owner=repr(self))
        request.score.add_request(param="X_target", alias=self.X_target is None)
        return request

    def __repr__(self) -> str:
        given = [] if self.X_target is None else ["X_target=..."]
        given += [f"{option}={value!r}" for option, value in self.options.items()]
        return f"make_validator_scorer({', '.join([repr(self.name), *given])})"


def make_validator_scorer(name: str, *, X_target: Rows = None, **options: Any) -> ValidatorScorer:
    """Make a scorer that chooses between models without a target label.

    Parameters
    ----------
    name : str
        One of `get_validator_names`:

        - "source_accuracy": `source_accuracy`.
        - "iwv": `importance_weighted_accuracy`; options `normalize`, and `C`, `clip`, `cv`,
          `random_state` of `density_ratio`.
        - "dev": `deep_embedded_validation`; option `loss`, "zero_one" or "log", and those of
          `density_ratio`.
        - "entropy": `negative_entropy`.
        - "infomax": `information_maximization`.
        - "snd": `soft_neighborhood_density`; option `temperature`.
        - "nuclear_norm": `nuclear_norm_score`.
        - "class_ami": `class_ami` with as many clusters as classes; option `random_state`.
        - "mixval": `mixval` on the rows that the last step gets; options `mix_weight`,
          `random_state`.
        - "a_distance": `proxy_a_distance`; options `C`, `cv`, `random_state`.
        - "reverse": the second half of `reverse_validation`. The fitted estimator labels the
          target; an unfitted clone is trained on these labels, with the held-out source rows as its
          unlabelled target, and is scored on the labels of the same rows, which no training used.
          Each call trains once.
    X_target : array-like of shape (n_target, ...), optional
        Unlabelled target rows for every call. Needed if `X_target` is not routed.
    **options : object
        Options of the validator, as listed above.

    Returns
    -------
    ValidatorScorer
        A callable ``scorer(estimator, X, y, X_target=None)`` for the `scoring` of
        `GridSearchCV`, `RandomizedSearchCV` and `cross_validate`; it can be pickled.

    Raises
    ------
    ValueError
        If the name or an option is unknown.

    Notes
    -----
    X and y are held-out source rows. With metadata routing enabled
    (``sklearn.set_config(enable_metadata_routing=True)``), the scorer requests `X_target`:
    ``search.fit(X, y, X_target=X_target)`` passes it to the estimator and to the scorer. Without
    routing, scikit-learn cannot pass it: make the scorer with `X_target`.

    scikit-learn cuts routed metadata into folds if, and only if, it has as many rows as X. If the
    domains have the same number of rows, the estimator is thus trained on the target rows with the
    indices of the training fold, and the scorer uses those with the indices of the test fold: the
    target is held out as well. Otherwise the estimator and the scorer both get all target rows,
    and the scorer uses rows on which the estimator was trained, without labels. A tuple is never
    cut: ``X_target=(X_target,)`` passes all rows to both. Nor is a target that the scorer was made
    with; it may have rows that `fit` does not get.

    The predicted class is the most probable one. For the features see `EstimatorEvidence`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skda.model_selection import make_validator_scorer
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(60, 2)), np.repeat([0, 1], 30)
    >>> X[y == 1] += 3.0
    >>> scorer = make_validator_scorer("iwv", X_target=X[::2] + 0.5)
    >>> scorer
    make_validator_scorer('iwv', X_target=...)
    >>> search = GridSearchCV(LogisticRegression(), {"C": [1e-6, 1.0]}, scoring=scorer)
    >>> bool(search.fit(X, y).best_score_ > 0.9)
    True
    """
    return ValidatorScorer(name, X_target=X_target, **options)
