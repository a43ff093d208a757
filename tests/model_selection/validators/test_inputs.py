import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skda.model_selection import EstimatorEvidence, compute_validator, get_validator_names
from tests.model_selection.fakes import CenteringClassifier, CenteringScaler, shifted_blobs

X, Y, X_TARGET, Y_TARGET = shifted_blobs()


def test_rows_are_judged_as_rows_of_their_domain():
    fitted = CenteringClassifier().fit(X, Y, X_TARGET)
    evidence = EstimatorEvidence(fitted, X, Y, X_TARGET)
    np.testing.assert_array_equal(evidence.features_source, X - X.mean(axis=0))
    np.testing.assert_array_equal(evidence.features_target, X_TARGET - X_TARGET.mean(axis=0))
    np.testing.assert_array_equal(evidence.proba_source, fitted.predict_proba(X, domain="source"))
    np.testing.assert_array_equal(evidence.proba_target, fitted.predict_proba(X_TARGET))
    np.testing.assert_array_equal(evidence.predict_target(X_TARGET[:3]), Y_TARGET[:3])
    assert compute_validator("source_accuracy", evidence) == 1.0
    # Scored as target rows, all source rows would lie on the left.
    assert fitted.score(X, Y) == 0.5


def test_every_step_of_a_pipeline_is_told_the_domain():
    scaler = CenteringScaler(source=0.0, target=np.array([8.0, 0.0]))
    pipe = Pipeline([("centre", scaler), ("clf", LogisticRegression().fit(X, Y))])
    evidence = EstimatorEvidence(pipe, X, Y, X_TARGET)
    np.testing.assert_array_equal(evidence.features_source, X)
    np.testing.assert_array_equal(evidence.features_target, X_TARGET - [8.0, 0.0])
    np.testing.assert_array_equal(evidence.classes[evidence.proba_target.argmax(axis=1)], Y_TARGET)


def test_features_are_those_of_the_last_step_or_its_inputs():
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    np.testing.assert_array_equal(
        EstimatorEvidence(plain, X, Y).features_source, plain[0].transform(X)
    )
    projecting = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis()).fit(X, Y)
    features = EstimatorEvidence(projecting, X, Y).features_source
    np.testing.assert_array_equal(features, projecting.transform(X))
    assert features.shape == (120, 1)


def test_nothing_is_computed_before_it_is_read():
    fitted = CenteringClassifier().fit(X, Y, X_TARGET)
    CenteringClassifier.calls.clear()
    evidence = EstimatorEvidence(fitted, X, Y, X_TARGET)
    assert CenteringClassifier.calls == []
    compute_validator("infomax", evidence)
    compute_validator("entropy", evidence)
    compute_validator("class_ami", evidence)
    # One call for the probabilities, one for the features, none for source rows.
    assert [method for method, _ in CenteringClassifier.calls] == ["predict_proba", "transform"]
    assert {call["domain"] for _, call in CenteringClassifier.calls} == {"target"}


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_keep_their_names(frame):
    if frame is pd.DataFrame:
        source, target = (pd.DataFrame(rows, columns=["a", "b"]) for rows in (X, X_TARGET))
    else:
        source, target = (pl.DataFrame(rows, schema=["a", "b"]) for rows in (X, X_TARGET))
    # A missing name would warn, and warnings are errors here.
    named = EstimatorEvidence(LogisticRegression().fit(source, Y), source, Y, target)
    bare = EstimatorEvidence(LogisticRegression().fit(X, Y), X, Y, X_TARGET)
    for name in sorted(set(get_validator_names()) - {"reverse"}):
        assert compute_validator(name, named) == pytest.approx(compute_validator(name, bare))


def test_sparse_rows():
    source, target = csr_array(X), csr_array(X_TARGET)
    sparse = EstimatorEvidence(LogisticRegression().fit(source, Y), source, Y, target)
    dense = EstimatorEvidence(LogisticRegression().fit(X, Y), X, Y, X_TARGET)
    for name in get_validator_names():
        expected = compute_validator(name, dense)
        assert compute_validator(name, sparse) == pytest.approx(expected, abs=0.1), name


def test_messages():
    fitted = LogisticRegression().fit(X, Y)
    with pytest.raises(ValueError, match="needs y, the labels of the held-out source rows"):
        compute_validator("source_accuracy", EstimatorEvidence(fitted, X, None))
    with pytest.raises(ValueError, match=r"needs unlabelled target rows\. Pass X_target when"):
        compute_validator("iwv", EstimatorEvidence(fitted, X, Y))
    with pytest.raises(ValueError, match=r"needs a classifier with predict_proba, which LinearSVC"):
        compute_validator("snd", EstimatorEvidence(LinearSVC().fit(X, Y), X, Y, X_TARGET))
