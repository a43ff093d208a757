"""Pass domains and target rows to the methods of an estimator or of the steps of a Pipeline."""

from __future__ import annotations

import inspect
from typing import Any

from sklearn import config_context, get_config
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from .._inputs.columns import match_columns
from .._typing import Domain
from ..pipeline import leaves_target
from ._typing import Labels, Rows


def accepts(estimator: BaseEstimator, method: str, parameter: str) -> bool:
    """Return whether a method takes a keyword such as "domain", itself or by metadata routing."""
    parameters = inspect.signature(getattr(estimator, method)).parameters
    if parameter in parameters:
        return True
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    if not takes_any or not get_config()["enable_metadata_routing"]:
        return False
    return parameter in get_routing_for_object(estimator).consumes(method, [parameter])


def call_with_domain(
    estimator: BaseEstimator, method: str, X: Rows, domain: Domain, **keywords: Any
) -> Any:
    """Call a method of a fitted estimator, not a Pipeline; pass `domain` if it is a parameter."""
    if accepts(estimator, method, "domain"):
        keywords["domain"] = domain
    return getattr(estimator, method)(X, **keywords)


def final_step(estimator: BaseEstimator) -> BaseEstimator:
    """Return the last step of a Pipeline or of a search's best estimator; else the estimator."""
    if hasattr(estimator, "best_estimator_"):
        return final_step(estimator.best_estimator_)
    return final_step(estimator.steps[-1][1]) if isinstance(estimator, Pipeline) else estimator


def rows_at_final_step(estimator: BaseEstimator, X: Rows, domain: Domain) -> Rows:
    """Return rows of one domain as the `final_step` of a fitted estimator gets them.

    The methods of a Pipeline pass `domain` to its steps only if metadata routing is enabled. So the
    steps are called one by one here, and each `transform` that takes `domain` gets it.
    """
    if hasattr(estimator, "best_estimator_"):
        return rows_at_final_step(estimator.best_estimator_, X, domain)
    X = match_columns(X, estimator)
    if not isinstance(estimator, Pipeline):
        return X
    for _, step in estimator.steps[:-1]:
        if step is not None and step != "passthrough":
            X = call_with_domain(step, "transform", X, domain)
    return rows_at_final_step(estimator.steps[-1][1], X, domain)


def call_final_step(
    estimator: BaseEstimator, method: str, X: Rows, domain: Domain, **keywords: Any
) -> Any:
    """Call a method of the `final_step` on rows of one domain, after the steps before it."""
    rows = rows_at_final_step(estimator, X, domain)
    return call_with_domain(final_step(estimator), method, rows, domain, **keywords)


def refuse_plain_pipeline(estimator: BaseEstimator) -> None:
    """Raise ValueError if a Pipeline would pass the target to its last step untransformed."""
    if isinstance(estimator, Pipeline) and leaves_target(estimator):
        raise ValueError(
            "This Pipeline would hand X_target over untransformed. Build it with "
            "skda.make_pipeline(...) or Pipeline(steps, transform_input=['X_target'])."
        )


def fit_adapting(estimator: BaseEstimator, X: Rows, y: Labels, X_target: Rows) -> BaseEstimator:
    """Fit an estimator or Pipeline, with unlabelled target rows if its `fit` takes `X_target`.

    If a Pipeline would pass the target to its last step untransformed, it is a ValueError.
    """
    if not isinstance(estimator, Pipeline):
        takes_target = accepts(estimator, "fit", "X_target")
        return estimator.fit(X, y, **({"X_target": X_target} if takes_target else {}))
    # a Pipeline passes metadata by routing only
    with config_context(enable_metadata_routing=True):
        if not accepts(estimator, "fit", "X_target"):
            return estimator.fit(X, y)
        refuse_plain_pipeline(estimator)
        return estimator.fit(X, y, X_target=X_target)
