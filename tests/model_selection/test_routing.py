import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skda import make_pipeline as make_domain_pipeline
from skda.model_selection import LambdaSearchCV
from skda.model_selection._routing import (
    accepts,
    call_with_domain,
    final_step,
    fit_adapting,
    rows_at_final_step,
)
from tests.model_selection.fakes import CenteringClassifier, CenteringScaler, shifted_blobs

ROWS = np.array([[1.0, 2.0], [3.0, 4.0]])


def test_a_keyword_of_the_method_itself_is_found():
    assert accepts(CenteringClassifier(), "predict", "domain")
    assert accepts(CenteringClassifier(), "fit", "X_target")
    assert not accepts(LogisticRegression(), "predict_proba", "domain")
    assert not accepts(LogisticRegression(), "fit", "X_target")


def test_a_pipeline_takes_what_its_steps_ask_for_while_routing_is_enabled(routing):
    pipe = make_pipeline(StandardScaler(), CenteringClassifier())
    assert accepts(pipe, "predict_proba", "domain")
    assert accepts(pipe, "fit", "X_target")
    assert not accepts(make_pipeline(StandardScaler(), LogisticRegression()), "predict", "domain")


def test_a_pipeline_takes_nothing_while_routing_is_disabled():
    pipe = make_pipeline(StandardScaler(), CenteringClassifier())
    assert not accepts(pipe, "predict_proba", "domain")


def test_final_step_is_found_through_pipelines_and_searches():
    inner = LogisticRegression()
    assert final_step(inner) is inner
    assert final_step(make_pipeline(StandardScaler(), make_pipeline(inner))) is inner
    search = GridSearchCV(make_pipeline(StandardScaler(), inner), {}, cv=2)
    search.fit(np.arange(8.0).reshape(8, 1), [0, 1] * 4)
    assert final_step(search) is search.best_estimator_.steps[-1][1]


@pytest.mark.parametrize(("domain", "shift"), [("source", 1.0), ("target", 5.0)])
def test_every_step_is_told_the_domain(domain, shift):
    scaler = CenteringScaler(source=1.0, target=5.0)
    pipe = Pipeline([("a", scaler), ("b", "passthrough"), ("c", None), ("d", LogisticRegression())])
    np.testing.assert_array_equal(rows_at_final_step(pipe, ROWS, domain), ROWS - shift)
    nested = make_pipeline(scaler, make_pipeline(scaler, LogisticRegression()))
    np.testing.assert_array_equal(rows_at_final_step(nested, ROWS, domain), ROWS - 2 * shift)


def test_a_union_of_transformers_is_told_the_domain_by_routing(routing):
    union = FeatureUnion([("centre", CenteringScaler(source=1.0, target=5.0))]).fit(ROWS)
    pipe = make_pipeline(union, LogisticRegression())
    np.testing.assert_array_equal(rows_at_final_step(pipe, ROWS, "source"), ROWS - 1.0)


def test_respond_leaves_the_domain_out_where_it_is_unknown():
    X, y, *_ = shifted_blobs()
    plain = LogisticRegression().fit(X, y)
    np.testing.assert_array_equal(call_with_domain(plain, "predict", X, "source"), plain.predict(X))


def test_fit_adapting_hands_the_target_to_those_that_take_it():
    X, y, X_target, _ = shifted_blobs()
    fit_adapting(CenteringClassifier(), X, y, X_target)
    assert CenteringClassifier.recorded("fit")[0]["X_target"] is X_target
    assert fit_adapting(LogisticRegression(), X, y, X_target).score(X, y) == 1.0


@pytest.mark.parametrize("enabled", [False, True])
def test_fit_adapting_behind_a_pipeline(enabled):
    X, y, X_target, _ = shifted_blobs()
    for pipe in (
        make_domain_pipeline(StandardScaler(), CenteringClassifier()),
        Pipeline(
            [("scale", StandardScaler()), ("clf", CenteringClassifier())],
            transform_input=["X_target"],
        ),
    ):
        CenteringClassifier.calls.clear()
        with sklearn.config_context(enable_metadata_routing=enabled):
            fitted = fit_adapting(pipe, X, y, X_target)
        scaled = fitted[0].transform(X_target)
        np.testing.assert_array_equal(CenteringClassifier.recorded("fit")[0]["X_target"], scaled)


def test_pipelines_with_nothing_to_hand_over():
    X, y, X_target, _ = shifted_blobs()
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    assert fit_adapting(plain, X, y, X_target).score(X, y) == 1.0
    fit_adapting(make_pipeline(CenteringClassifier()), X, y, X_target)
    assert CenteringClassifier.recorded("fit")[0]["X_target"] is X_target


def test_a_pipeline_that_would_not_transform_the_target_is_refused():
    X, y, X_target, _ = shifted_blobs()
    pipe = make_pipeline(StandardScaler(), CenteringClassifier())
    with pytest.raises(ValueError, match=r"X_target over untransformed.*skda\.make_pipeline"):
        fit_adapting(pipe, X, y, X_target)
    with pytest.raises(ValueError, match=r"X_target over untransformed.*skda\.make_pipeline"):
        LambdaSearchCV(pipe, [1.0], cv=2).fit(X, y, X_target)
