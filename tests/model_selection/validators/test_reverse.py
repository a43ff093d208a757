import inspect

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skda.model_selection import make_validator_scorer, reverse_validation
from skda.model_selection.validators.reverse import reverse_accuracy
from tests.model_selection.fakes import CenteringClassifier, shifted_blobs


def as_rows(X):
    return {tuple(row) for row in X}


def test_protocol_step_by_step():
    X, y, X_target, _ = shifted_blobs()
    estimator = CenteringClassifier()
    assert reverse_validation(estimator, X, y, X_target) == 1.0
    assert not hasattr(estimator, "head_")

    forward, reverse = CenteringClassifier.recorded("fit")
    label_target, score = CenteringClassifier.recorded("predict")
    # 1: both domains are split 90/10.
    assert len(forward["X"]) == 108
    assert len(forward["X_target"]) == 81
    assert as_rows(forward["X"]) < as_rows(X)
    # 2: labelled source, unlabelled target.
    labels = {tuple(row): label for row, label in zip(X, y, strict=True)}
    assert [labels[tuple(row)] for row in forward["X"]] == list(forward["y"])
    # 3: T' is labelled, as target rows.
    np.testing.assert_array_equal(label_target["X"], forward["X_target"])
    assert label_target["domain"] == "target"
    # 4: the roles are swapped.
    np.testing.assert_array_equal(reverse["X"], forward["X_target"])
    np.testing.assert_array_equal(reverse["X_target"], forward["X"])
    # 5: the source is the target of the reverse model, and no training used S_V.
    assert score["domain"] == "target"
    assert as_rows(score["X"]) == as_rows(X) - as_rows(forward["X"])


def test_reverse_model_starts_from_fresh_weights():
    X, y, X_target, _ = shifted_blobs()
    reverse_validation(CenteringClassifier(), X, y, X_target)
    assert [call["fresh"] for call in CenteringClassifier.recorded("fit")] == [True, True]
    # The scorer does not train the fitted model further.
    fitted = CenteringClassifier().fit(X, y, X_target)
    head = fitted.head_
    make_validator_scorer("reverse", X_target=X_target)(fitted, X, y)
    assert fitted.head_ is head
    assert CenteringClassifier.recorded("fit")[-1]["fresh"]


def test_no_target_label_can_be_given():
    assert list(inspect.signature(reverse_validation).parameters) == [
        "estimator",
        "X_source",
        "y_source",
        "X_target",
        "test_size",
        "random_state",
    ]
    X, y, X_target, y_target = shifted_blobs()
    reverse_validation(CenteringClassifier(), X, y, X_target)
    assert [call["y_target"] for call in CenteringClassifier.recorded("fit")] == [None, None]
    with pytest.raises(TypeError, match="y_target"):
        reverse_validation(CenteringClassifier(), X, y, X_target, y_target=y_target)


@pytest.mark.usefixtures("routing")
def test_poisoned_target_labels_change_nothing():
    X, y, X_target, y_target = shifted_blobs()
    poisoned = np.where(y_target == "left", "right", "left")
    scores = []
    for labels in (y_target, poisoned):
        CenteringClassifier.calls.clear()
        result = cross_validate(
            CenteringClassifier(lam=0.7),
            X,
            y,
            scoring=make_validator_scorer("reverse"),
            params={"X_target": X_target, "y_target": labels},
            cv=3,
        )
        scores.append(result["test_score"])
        outer, inner = CenteringClassifier.recorded("fit")[:2]
        np.testing.assert_array_equal(outer["y_target"], labels)
        assert inner["y_target"] is None
    np.testing.assert_array_equal(scores[0], scores[1])


@pytest.mark.parametrize("seed", range(3))
def test_adapting_beats_not_adapting(seed):
    X, y, X_target, y_target = shifted_blobs(seed=seed)
    assert CenteringClassifier(lam=0.0).fit(X, y, X_target).score(X_target, y_target) == 0.5
    assert reverse_validation(CenteringClassifier(lam=1.0), X, y, X_target) == 1.0
    # Without adaptation all of T' is "right": the reverse model is a constant.
    CenteringClassifier.calls.clear()
    constant = reverse_validation(CenteringClassifier(lam=0.0), X, y, X_target)
    assert constant == pytest.approx(0.5, abs=1e-12)
    assert len(CenteringClassifier.recorded("fit")) == 1


def test_test_size_and_seed():
    X, y, X_target, _ = shifted_blobs()
    reverse_validation(CenteringClassifier(), X, y, X_target, test_size=0.25, random_state=1)
    reverse_validation(CenteringClassifier(), X, y, X_target, test_size=0.25, random_state=1)
    reverse_validation(CenteringClassifier(), X, y, X_target, test_size=0.25, random_state=2)
    first, _, same, _, other, _ = (call["X"] for call in CenteringClassifier.recorded("fit"))
    assert len(first) == 90
    np.testing.assert_array_equal(first, same)
    assert as_rows(first) != as_rows(other)


def test_more_classes_than_held_out_rows():
    X = np.repeat(np.arange(12.0), 3).reshape(-1, 1)
    assert reverse_validation(KNeighborsClassifier(1), X, X[:, 0].astype(int), X) == 1.0


@pytest.mark.usefixtures("routing")
def test_behind_a_pipeline():
    X, y, X_target, _ = shifted_blobs()
    pipe = Pipeline(
        [("scale", StandardScaler()), ("clf", CenteringClassifier())],
        transform_input=["X_target"],
    )
    assert reverse_validation(pipe, X, y, X_target) > 0.9
    forward, reverse = CenteringClassifier.recorded("fit")
    # Each training scales by its own labelled rows.
    np.testing.assert_allclose(forward["X"].mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(reverse["X"].mean(axis=0), 0.0, atol=1e-12)


def test_a_search_is_not_repeated():
    X, y, X_target, _ = shifted_blobs()
    search = GridSearchCV(CenteringClassifier(), {"lam": [1.0]}, cv=2)
    search.fit(X, y, X_target=X_target)
    n_fits = len(CenteringClassifier.recorded("fit"))
    assert reverse_accuracy(search, X_target, X, X, y) == 1.0
    assert len(CenteringClassifier.recorded("fit")) == n_fits + 1
