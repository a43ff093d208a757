"""Fitted attributes of a search: the choice, its estimates on the target, the best estimator."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_regressor

from ..._inputs.other_shares import AdaptationWarning
from ...priors import match_confidence
from .._routing import final_step
from .._training.candidates import given_shares
from .._training.fit_and_score import CandidateResults, DomainData, fit_on, seeded
from .._training.scores import pooled
from .._typing import Candidate, Validator
from ..validators.numbers import scale_of
from ..validators.registry import Task
from .classification import choose
from .regression import choose_regressor
from .verdict import refusal, sign_of_harm

__all__ = ["OF_BEST_ESTIMATOR", "ChoosingMixin"]

# what `fit` keeps of the training on all rows
OF_BEST_ESTIMATOR = (
    "best_estimator_",
    "classes_",
    "feature_names_in_",
    "refit_time_",
    "temperature_",
)
_ESTIMATES = ("estimated_accuracy_", "estimated_error_", "label_scale_")


class ChoosingMixin:
    """Chooses a candidate by the results of all, and trains it on all rows."""

    estimator: BaseEstimator
    guard: bool | dict[str, float]
    calibrate: bool
    checkpoint: str | os.PathLike[str] | None
    predict_proba: Callable[..., Any]
    validator_: Validator

    @property
    def _task(self) -> Task:
        return "regression" if is_regressor(self.estimator) else "classification"

    def _keep_choice(
        self,
        candidates: Sequence[Candidate],
        lam_name: str,
        results: CandidateResults,
        held_out: Sequence[NDArray[np.intp]],
    ) -> None:
        """Choose a candidate and keep its scores; warn if adapting may have done harm."""
        for name in _ESTIMATES:  # of an earlier fit, which may have been for another task
            vars(self).pop(name, None)
        of_numbers = self._task == "regression"
        given = candidates, lam_name, results, held_out, self.validator_, self.guard
        if of_numbers:
            choice = choose_regressor(*given)
        else:
            shares = given_shares(self.estimator, candidates, lam_name)
            sharpens = getattr(final_step(self.estimator), "sharpens_target", False)
            choice = choose(*given, shares, sharpens=sharpens)
        self.cv_results_, self.best_index_, self.source_only_score_ = choice
        self.best_params_ = dict(candidates[self.best_index_])
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        self.adapted_ = bool(self.best_params_[lam_name] > 0)
        if of_numbers:
            error = self.cv_results_["mean_source_error"]
            apart = self.cv_results_["mean_target_disagreement"]
            self.estimated_error_ = float(np.hypot(error, apart)[self.best_index_])
            self.label_scale_ = scale_of(pooled(results[0], "y_source"))
            return
        stability = self.cv_results_["mean_target_stability"]
        accuracy = self.cv_results_["mean_source_accuracy"]
        self.estimated_accuracy_ = float((stability * accuracy)[self.best_index_])
        lams = np.array([candidate[lam_name] for candidate in candidates])
        if self.adapted_:
            sign = sign_of_harm(results, lams, stability, self.best_index_)
        else:
            sign = refusal(self.cv_results_, lams)
        if sign:
            warnings.warn(sign, AdaptationWarning, stacklevel=3)

    def _refit(self, params: Candidate, data: DomainData, seed: int) -> None:
        start = time.perf_counter()
        best = seeded(self.estimator, seed, params)
        if self.checkpoint is not None:
            final_step(best).set_params(checkpoint=Path(self.checkpoint) / "best")
        self.best_estimator_ = fit_on(best, data)
        self.refit_time_ = time.perf_counter() - start
        for name, fitted in (("classes_", final_step(best)), ("feature_names_in_", best)):
            vars(self).pop(name, None)
            if hasattr(fitted, name):
                setattr(self, name, getattr(fitted, name))
        vars(self).pop("temperature_", None)
        if self.calibrate:
            proba = self.predict_proba(data.X_target)
            # the estimate is mostly too high: no reason to make the model surer
            self.temperature_ = max(1.0, match_confidence(proba, self.estimated_accuracy_))
