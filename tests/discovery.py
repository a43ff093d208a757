"""Find every public estimator, so that the contract tests also run on new ones."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import skda
from skda.base import AdaptingEstimator, DomainClassifier, DomainEstimator

# scikit-learn's checks of the learned model; the other checks pass with a short training
LEARNING_CHECKS = {
    "check_class_weight_classifiers",
    "check_classifiers_classes",
    "check_classifiers_train",
    "check_regressors_train",
}


def public_estimators() -> list[type[DomainEstimator]]:
    """Return every deep estimator that ``skda`` exports."""
    members = (getattr(skda, name) for name in skda.__all__)
    return [m for m in members if inspect.isclass(m) and issubclass(m, DomainEstimator)]


def of_each_way(*methods: str) -> list[type[DomainEstimator]]:
    """Return one estimator for each set of implementations of these methods."""
    found: dict[tuple[Any, ...], type[DomainEstimator]] = {}
    for cls in public_estimators():
        found.setdefault(tuple(inspect.getattr_static(cls, name, None) for name in methods), cls)
    return [*found.values()]


def public_classifiers() -> list[type[DomainEstimator]]:
    """Return the classifiers."""
    return [cls for cls in public_estimators() if has_classes(cls)]


def has_classes(cls: type) -> bool:
    """Say whether the estimator is a classifier; the others are regressors."""
    return issubclass(cls, DomainClassifier)


def stem(cls: type) -> str:
    """Return the name of the method, without the task."""
    return cls.__name__.removesuffix("Classifier").removesuffix("Regressor")


def needs_target(cls: type) -> bool:
    """Say whether the estimator adapts."""
    return issubclass(cls, AdaptingEstimator)


class _SelfAdapting:
    """Passes ``X_target = X`` when scikit-learn's checks call ``fit(X, y)``."""

    def fit(self, X_source: Any, y_source: Any, X_target: Any = None, **params: Any) -> Any:
        target = X_source if X_target is None else X_target
        return super().fit(X_source, y_source, target, **params)  # type: ignore[misc]


class _SelfAdaptingByParts(_SelfAdapting):
    def partial_fit(self, X_source: Any, y_source: Any, X_target: Any = None, **params: Any) -> Any:
        target = X_source if X_target is None else X_target
        return super().partial_fit(X_source, y_source, target, **params)  # type: ignore[misc]


def self_adapting(cls: type) -> type:
    """Return a subclass whose target defaults to its source."""
    name = f"SelfAdapting{cls.__name__}"
    mixin = _SelfAdaptingByParts if hasattr(cls(), "partial_fit") else _SelfAdapting
    subclass = type(name, (mixin, cls), {"__module__": __name__})
    return globals().setdefault(name, subclass)  # where pickle looks for it


# These methods turn rows and labels into numbers and batches. Estimators with the same
# implementations treat a kind of rows or labels in the same way, so one of them is tested.
INPUT_WAYS = of_each_way(
    *("fit", "begin", "_train", "predict", "transform"),
    *("_check_input", "_encode_source", "_encode_target"),
)

# apart from these methods, estimators differ only in their term, the second loss
WAYS = of_each_way(
    *("fit", "begin", "partial_fit", "_train", "_epochs_of_stages"),
    *("_make_module", "default_module", "_make_net", "_net_class", "_net_options", "_net_of"),
    *("_check_input", "_encode_source", "_encode_target"),
    *("predict", "transform", "predict_proba", "decision_function", "score", "fit_transform"),
)

every_estimator = pytest.mark.parametrize("cls", public_estimators())
every_way = pytest.mark.parametrize("cls", WAYS)
every_classifier = pytest.mark.parametrize("cls", public_classifiers())
every_adapting = pytest.mark.parametrize("cls", [*filter(needs_target, public_estimators())])
