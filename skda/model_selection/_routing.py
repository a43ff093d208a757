"""Ask a fitted estimator, alone or behind a Pipeline, about rows of a given domain."""

import inspect
from typing import Any, Literal

from sklearn import config_context, get_config
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

Domain = Literal["source", "target"]


def accepts(estimator: BaseEstimator, method: str, parameter: str) -> bool:
    """Say whether a method of an estimator takes a keyword, itself or by metadata routing.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn estimator or meta-estimator.
    method : str
        Name of one of its methods.
    parameter : str
        Name of the keyword, for instance "domain" or "X_target".

    Returns
    -------
    bool

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skda.model_selection._routing import accepts
    >>> accepts(LogisticRegression(), "fit", "sample_weight")
    True
    >>> accepts(LogisticRegression(), "predict", "domain")
    False
    """
    parameters = inspect.signature(getattr(estimator, method)).parameters
    if parameter in parameters:
        return True
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    if not takes_any or not get_config()["enable_metadata_routing"]:
        return False
    return parameter in get_routing_for_object(estimator).consumes(method, [parameter])


def respond(estimator: BaseEstimator, method: str, X: Any, domain: Domain) -> Any:
    """Call a method with the rows' domain, where the method knows domains.

    Parameters
    ----------
    estimator : estimator
        A fitted estimator; no Pipeline.
    method : str
        Name of a method that takes rows.
    X : array-like of shape (n_rows, ...)
        Rows of one domain.
    domain : {"source", "target"}
        The domain.

    Returns
    -------
    object
        What the method returns.
    """
    keywords = {"domain": domain} if accepts(estimator, method, "domain") else {}
    return getattr(estimator, method)(X, **keywords)


def final_step(estimator: BaseEstimator) -> BaseEstimator:
    """Return the classifier at the end of an estimator.

    Parameters
    ----------
    estimator : estimator
        A classifier, a Pipeline that ends in one, or a fitted search over either.

    Returns
    -------
    estimator
        The last step, or the estimator itself.
    """
    if hasattr(estimator, "best_estimator_"):
        return final_step(estimator.best_estimator_)
    return final_step(estimator.steps[-1][1]) if isinstance(estimator, Pipeline) else estimator


def rows_at_final_step(estimator: BaseEstimator, X: Any, domain: Domain) -> Any:
    """Return rows as the classifier at the end of an estimator gets them.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier, a fitted Pipeline that ends in one, or a fitted search over either.
    X : array-like of shape (n_rows, ...)
        Rows of one domain, as the estimator takes them.
    domain : {"source", "target"}
        The domain, told to every step whose `transform` asks for it.

    Returns
    -------
    array-like of shape (n_rows, ...)
        The rows after the steps before the last.

    Notes
    -----
    A Pipeline takes `domain` through its own methods only while metadata routing is enabled.
    Taking the steps one by one works either way.
    """
    if hasattr(estimator, "best_estimator_"):
        return rows_at_final_step(estimator.best_estimator_, X, domain)
    if not isinstance(estimator, Pipeline):
        return X
    for _, step in estimator.steps[:-1]:
        if step is not None and step != "passthrough":
            X = respond(step, "transform", X, domain)
    return rows_at_final_step(estimator.steps[-1][1], X, domain)


def fit_adapting(estimator: BaseEstimator, X: Any, y: Any, X_target: Any) -> BaseEstimator:
    """Fit an estimator, with the unlabelled target where it takes one.

    Parameters
    ----------
    estimator : estimator
        An estimator or Pipeline.
    X : array-like of shape (n_rows, ...)
        Labelled rows.
    y : array-like of shape (n_rows,)
        Their labels.
    X_target : array-like of shape (n_target, ...)
        Unlabelled rows of the other domain. An estimator whose `fit` knows no `X_target` is
        trained without them.

    Returns
    -------
    estimator
        The same one, fitted.

    Raises
    ------
    ValueError
        If a Pipeline would hand the target over as it is, past the steps before the last.
    """
    if not isinstance(estimator, Pipeline):
        takes_target = accepts(estimator, "fit", "X_target")
        return estimator.fit(X, y, **({"X_target": X_target} if takes_target else {}))
    # A Pipeline hands metadata over by routing alone.
    with config_context(enable_metadata_routing=True):
        if not accepts(estimator, "fit", "X_target"):
            return estimator.fit(X, y)
        if len(estimator) > 1 and "X_target" not in (estimator.transform_input or ()):
            raise ValueError(
                "This Pipeline would hand X_target over untransformed. Build it with "
                "skda.make_pipeline(...) or Pipeline(steps, transform_input=['X_target'])."
            )
        return estimator.fit(X, y, X_target=X_target)
