"""A Pipeline that transforms the target too, without a global switch."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

from sklearn import config_context, set_config
from sklearn.pipeline import Pipeline
from sklearn.pipeline import make_pipeline as make_plain_pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.metaestimators import available_if

from ._inputs.columns import match_columns, reorder_columns
from ._inputs.sources import is_several, join_sources
from ._typing import Rows
from .io._mixin import SaveMixin

__all__ = ["DomainPipeline", "make_pipeline"]


def _routed(name: str) -> Callable[..., Any]:
    """Return Pipeline's method of this name, run with metadata routing switched on."""

    def plain(pipe: DomainPipeline) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(super(DomainPipeline, pipe), name)
        return method

    @wraps(getattr(Pipeline, name))
    def method(self: DomainPipeline, X: Rows, *args: Any, **params: Any) -> Any:
        if not name.startswith("fit"):
            X = match_columns(X, self)
        elif args:
            X, args = _join_list(X, args, params)
        target = params.get("X_target")
        if isinstance(target, tuple):
            params["X_target"] = tuple(reorder_columns(rows, X, like_name="X") for rows in target)
        elif target is not None:
            params["X_target"] = reorder_columns(target, X, like_name="X")
        if target is not None:
            _warn_of_plain_end(self.steps[-1][1])
        if params.get("sample_weight") is not None:
            for _, step in self.steps:
                _take_weights(step)
        with config_context(enable_metadata_routing=True):
            return plain(self)(X, *args, **params)

    available: Callable[..., Any] = available_if(plain)(method)
    return available


def _join_list(X: Rows, args: tuple[Any, ...], params: dict[str, Any]) -> tuple[Rows, Any]:
    """Concatenate a list of source domains, so that each step gets one array."""
    if not is_several(X, args[0]):
        return X, args
    joined = join_sources(X, args[0], params.get("source_domain"), params.get("sample_weight"))
    params["source_domain"] = joined.source_domain
    if joined.sample_weight is not None:
        params["sample_weight"] = joined.sample_weight
    return joined.X, (joined.y, *args[1:])


def _take_weights(step: Any) -> None:
    """Request sample weights for a step whose `fit` takes them, unless the user decided."""
    with config_context(enable_metadata_routing=True):
        asked = getattr(get_routing_for_object(step), "fit", None)
        if asked is not None and asked.requests.get("sample_weight", True) is None:
            step.set_fit_request(sample_weight=True)


def leaves_target(pipe: Pipeline) -> bool:
    """Say whether a Pipeline hands `X_target` to its last step as it is, untransformed."""
    steps = [step for _, step in pipe.steps[:-1] if step not in (None, "passthrough")]
    default = ["X_target"] if isinstance(pipe, DomainPipeline) else []
    named = default if pipe.transform_input is None else pipe.transform_input
    return bool(steps) and "X_target" not in named


def _warn_of_plain_end(last: Any) -> None:
    """Warn where the last step is a plain Pipeline that would not transform the target."""
    if not isinstance(last, Pipeline) or not leaves_target(last):
        return
    with config_context(enable_metadata_routing=True):
        if get_routing_for_object(last).consumes("fit", ["X_target"]):
            warnings.warn(
                "The last step of this pipeline is a plain Pipeline, which hands X_target to its "
                "own last step untransformed. Build it with skda.make_pipeline(...) or "
                "Pipeline(steps, transform_input=['X_target']).",
                UserWarning,
                stacklevel=3,
            )


class DomainPipeline(SaveMixin, Pipeline):
    """scikit-learn Pipeline that passes `X_target`, `y_target` and `domain` to its steps.

    It works like a plain ``Pipeline(steps, transform_input=["X_target"])`` under
    ``sklearn.set_config(enable_metadata_routing=True)``, but needs no global switch. Make it with
    `make_pipeline`; the parameters are those of ``sklearn.pipeline.Pipeline``, and None as
    `transform_input` is ["X_target"].

    The columns of frames are matched by name: those of `X_target`, and of the rows to predict or to
    transform, may stand in another order than those of `X_source`. A `sample_weight` given to `fit`
    reaches every step whose `fit` takes it, unless the step's ``set_fit_request`` says otherwise.
    """

    fit = _routed("fit")
    fit_transform = _routed("fit_transform")
    predict = _routed("predict")
    predict_proba = _routed("predict_proba")
    decision_function = _routed("decision_function")
    transform = _routed("transform")
    score = _routed("score")

    def __getitem__(self, ind: Any) -> Any:
        """Return a step or, of a slice, a pipeline that transforms the same parameters."""
        part = super().__getitem__(ind)
        if isinstance(ind, slice):
            part.transform_input = self.transform_input
        return part

    def _get_metadata_for_step(
        self, *, step_params: dict[str, dict[str, Any]], **context: Any
    ) -> dict[str, dict[str, Any]]:
        pipe = self
        if self.transform_input is None:
            pipe = copy.copy(self)
            pipe.transform_input = ["X_target"]
        try:
            with config_context(enable_metadata_routing=True):
                found: dict[str, dict[str, Any]] = super(
                    DomainPipeline, pipe
                )._get_metadata_for_step(step_params=step_params, **context)
        except ValueError as error:
            raise ValueError(f"X_target: {error}") from error
        # The next step runs with routing only if it gets metadata: without metadata, routing makes
        # scikit-learn's TargetEncoder raise KeyError 'groups', at any depth of the step.
        set_config(enable_metadata_routing=any(found.values()))
        return found


def make_pipeline(*steps: Any, memory: Any = None, verbose: bool = False) -> DomainPipeline:
    """Chain transformers and a domain-adaptation estimator; all transform the target too.

    Parameters
    ----------
    *steps : estimators
        Transformers, then an estimator. A step is named by its class in lower case, as in
        ``sklearn.pipeline.make_pipeline``.
    memory : str or joblib.Memory, default=None
        Where to cache fitted transformers.
    verbose : bool, default=False
        Print the time of each step.

    Returns
    -------
    DomainPipeline
        ``fit(X_source, y_source, X_target=X_target)`` fits each transformer on the source, and
        transforms `X_target` with it for the later steps.

    Notes
    -----
    To a plain scikit-learn Pipeline pass ``transform_input=["X_target"]``: otherwise the estimator
    gets the target untransformed, without a warning.

    In a cross-validation (`GridSearchCV`), pass the tuple ``X_target=(X_target,)``: scikit-learn
    splits a fit parameter into folds if it has as many rows as the source, but never a tuple.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skda import DANNClassifier, make_pipeline
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> pipe = make_pipeline(StandardScaler(), DANNClassifier(max_epochs=2, random_state=0))
    >>> pipe.fit(moons.X_source, moons.y_source, X_target=moons.X_target).classes_
    array([0, 1])
    """
    plain = make_plain_pipeline(*steps)
    return DomainPipeline(plain.steps, transform_input=["X_target"], memory=memory, verbose=verbose)
