"""Find every public estimator, so that a new one cannot dodge the contract."""

from __future__ import annotations

import inspect
from typing import Any

import skda
from skda.base import AdaptingClassifier, DomainClassifier

# scikit-learn's checks that look at what was learnt; the others do not care for how long
LEARNING_CHECKS = {
    "check_class_weight_classifiers",
    "check_classifiers_classes",
    "check_classifiers_train",
}


def public_classifiers() -> list[type[DomainClassifier]]:
    """Return every deep estimator that ``skda`` exports."""
    members = (getattr(skda, name) for name in skda.__all__)
    return [m for m in members if inspect.isclass(m) and issubclass(m, DomainClassifier)]


def needs_target(cls: type) -> bool:
    """Say whether the estimator adapts."""
    return issubclass(cls, AdaptingClassifier)


class _SelfAdapting:
    """Supplies ``X_target = X`` where scikit-learn's checks call ``fit(X, y)``."""

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
