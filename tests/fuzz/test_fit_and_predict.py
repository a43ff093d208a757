"""Random calls of everything public that fits: finite results, or a clear error.

The environment variable SKDA_FUZZ is their number; `make fuzz` runs 50 000.
"""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils import get_tags

from skda import (
    CORAL,
    GFK,
    MSDA,
    TCA,
    DANNClassifier,
    DANNRegressor,
    DomainConditionScaler,
    DomainScaler,
    DomainStandardScaler,
    FinetuneClassifier,
    FinetuneRegressor,
    SubspaceAlignment,
)
from skda.model_selection import LambdaSearchCV, get_validator_names, make_validator_scorer
from tests.discovery import has_classes, public_estimators
from tests.fuzz.calls import ARGUMENTS, assert_unchanged, calls, copies, examples

TRANSFORMERS = (
    CORAL(),
    DomainConditionScaler(0),
    DomainScaler(MinMaxScaler()),
    DomainStandardScaler(),
    GFK(n_components=1),
    MSDA(),
    SubspaceAlignment(n_components=1),
    TCA(n_components=1),
    TCA(n_components=1, kernel="rbf"),
)

parameters = st.fixed_dictionaries(
    {},
    optional={
        "batch_size": st.sampled_from([1, 2, 64]),
        "batch_stats": st.sampled_from(["per_domain", "joint"]),
        "adapt_batch_norm": st.booleans(),
        "lr": st.sampled_from([1e-3, 1.0]),
        "lr_schedule": st.sampled_from(["constant", "inverse_decay"]),
        "warm_start": st.booleans(),
        "class_weight": st.sampled_from(["balanced", {0: 2.0}, {7: 1.0}, {0: -1.0}]),
        "target_priors": st.sampled_from(["estimate", [0.5, 0.5], [1, 0], {0: 0.3}, [2, -1]]),
    },
)
OF_CLASSES = ("class_weight", "target_priors")
SEARCHED = (DANNClassifier, DANNRegressor)
VALIDATORS = sorted({*get_validator_names(), *get_validator_names("regression")})


def assert_clear(error: Exception, *names: str) -> None:
    """Assert that a message names an argument."""
    assert any(name in str(error) for name in (*ARGUMENTS, *names)), str(error)


@examples(1.0)
@given(cls=st.sampled_from(public_estimators()), params=parameters, call=calls())
def test_a_fit_with_finite_predictions_or_a_clear_error(
    cls: type, params: dict[str, Any], call: dict[str, Any]
) -> None:
    before = copies(call)
    source = call["X_source"]
    if not has_classes(cls):
        params = {name: value for name, value in params.items() if name not in OF_CLASSES}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = cls(max_epochs=1, random_state=0, device="cpu", **params)
        try:
            estimator.fit(**call)
        except (ValueError, TypeError) as error:
            assert_clear(error, "'module'", "'lr'", "'batch_size'", *params)
        else:
            predict = estimator.predict_proba if has_classes(cls) else estimator.predict
            predicted = predict(source, domain="source")
            assert np.isfinite(predicted).all()
            assert len(estimator.transform(source)) == len(predicted)
            if has_classes(cls):
                assert set(estimator.predict(source)) <= set(estimator.classes_)
            else:
                assert predicted.shape == np.shape(call["y_source"])
    assert_unchanged(call, before)


@examples(0.3)
@given(transformer=st.sampled_from(TRANSFORMERS), call=calls())
def test_finite_rows_or_a_clear_error(transformer: Any, call: dict[str, Any]) -> None:
    before = copies(call)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            transformer.fit(call["X_source"], call["y_source"], call["X_target"])
        except (ValueError, TypeError) as error:
            assert_clear(error, "'n_components'", "'conditions'")
        else:
            for name, domain in (("X_source", "source"), ("X_target", "target")):
                rows = transformer.transform(call[name], domain=domain)
                values = rows.data if sparse.issparse(rows) else np.asarray(rows)
                # scalers let NaN pass
                lost = np.isinf if get_tags(transformer).input_tags.allow_nan else np.isnan
                assert not (np.isinf(values) | lost(values)).any()
                given_rows = call[name]
                n_rows = len(given_rows) if isinstance(given_rows, list) else given_rows.shape[0]
                assert rows.shape[0] == n_rows
    assert_unchanged(call, before)


@examples(0.02)
@given(
    cls=st.sampled_from(SEARCHED),
    call=calls(),
    options=st.fixed_dictionaries(
        {
            "cv": st.sampled_from([2, 3, 1, "two"]),
            "lams": st.sampled_from([(0.1, 1.0), (1.0,), (), (-1.0,), (np.nan,)]),
            "vectorize": st.sampled_from(["auto", False]),
            "validator": st.sampled_from([*VALIDATORS, "none"]),
        }
    ),
)
def test_a_search_with_finite_predictions_or_a_clear_error(
    cls: type, call: dict[str, Any], options: dict[str, Any]
) -> None:
    before = copies(call)
    estimator = cls(max_epochs=1, random_state=0, device="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            search = LambdaSearchCV(estimator, random_state=0, **options).fit(
                call["X_source"], call["y_source"], call["X_target"]
            )
        except (ValueError, TypeError) as error:
            assert_clear(
                error, "'cv'", "'lams'", "validator", "n_splits", "target rows", "'lr'", "'module'"
            )
        else:
            predict = search.predict_proba if has_classes(cls) else search.predict
            assert np.isfinite(predict(call["X_target"])).all()
    assert_unchanged(call, before)


@cache
def fitted(cls: type) -> Any:
    X = np.random.default_rng(0).normal(size=(8, 3))
    return cls(max_epochs=1, random_state=0).fit(X, np.arange(8) % 2, X)


@examples(0.08)
@given(
    cls=st.sampled_from([FinetuneClassifier, FinetuneRegressor]),
    name=st.sampled_from(VALIDATORS),
    call=calls(),
)
def test_a_finite_score_or_a_clear_error(cls: type, name: str, call: dict[str, Any]) -> None:
    before = copies(call)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            score = make_validator_scorer(name)(
                fitted(cls), call["X_source"], call["y_source"], X_target=call["X_target"]
            )
        except (ValueError, TypeError) as error:
            # a scorer's rows and labels are called X and y
            if not re.search(r"\b[Xy]\b", str(error)):
                assert_clear(error, "rows of shape", "target rows", "'lr'", name)
        else:
            assert np.isfinite(score)
    assert_unchanged(call, before)
