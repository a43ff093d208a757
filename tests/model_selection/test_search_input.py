"""LambdaSearchCV: the rows, splitters and parameters that it takes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import Pipeline
from torch.utils.data import TensorDataset

from skda import DANNClassifier, FinetuneClassifier, make_pipeline
from skda.model_selection._split import split_domains
from tests.model_selection.fakes import CenteringClassifier, CenteringScaler
from tests.model_selection.searches import SMALL, search
from tests.shifted import shifted


def test_a_pipeline_s_lam_is_found_and_its_steps_are_told_the_domain(blobs: Any) -> None:
    X, y, X_target, y_target = blobs
    scaler = CenteringScaler(source=1.0, target=9.0)
    for pipe in (
        make_pipeline(scaler, CenteringClassifier()),
        Pipeline(
            [("centeringscaler", scaler), ("centeringclassifier", CenteringClassifier())],
            transform_input=["X_target"],
        ),
    ):
        found = search(pipe, validator="class_ami").fit(X, y, X_target)
        assert found.best_params_ == {"centeringclassifier__lam": 1.0}
        assert found.score(X_target, y_target) == 1.0
        means = found.best_estimator_[-1].means_
        assert_allclose(found.transform(X, domain="source"), X - 1.0 - means["source"])
        assert_allclose(found.transform(X, domain="target"), X - 9.0 - means["target"])
        steps = found.best_estimator_.steps
        asked = [call["domain"] for call in CenteringClassifier.recorded("transform")]
        assert asked[-2:] == ["source", "target"]
        assert steps[0][1].source == 1.0


ONE_BY_ONE: dict[str, Any] = {
    "lams": (0.1,),
    "cv": 2,
    "validator": "infomax",
    "vectorize": False,
}


@cache
def of_arrays() -> Any:
    """Return the search over arrays, with which searches over other inputs are compared."""
    data = shifted(40, 40)
    rows = data.X.astype(np.float32), data.y, data.X_target.astype(np.float32)
    return search(DANNClassifier(**SMALL), **ONE_BY_ONE).fit(*rows)


@pytest.mark.parametrize("kind", ["pandas", "polars", "csr", "tensor", "list", "Dataset", "tuple"])
def test_rows_of_any_kind(kind: str) -> None:
    data = shifted(40, 40)
    X, X_target = data.X.astype(np.float32), data.X_target.astype(np.float32)
    names = ["a", "b", "c", "d"]
    convert = {
        "pandas": lambda rows: pd.DataFrame(rows, columns=names),
        "polars": lambda rows: pl.DataFrame(rows, schema=names),
        "csr": sparse.csr_array,
        "tensor": torch.from_numpy,
        "list": np.ndarray.tolist,
        "Dataset": lambda rows: TensorDataset(torch.from_numpy(rows)),
        "tuple": lambda rows: rows,
    }[kind]
    reference = of_arrays()
    target = (X_target,) if kind == "tuple" else convert(X_target)
    found = search(DANNClassifier(**SMALL), **ONE_BY_ONE).fit(convert(X), data.y, target)
    assert_allclose(
        found.cv_results_["mean_test_score"],
        reference.cv_results_["mean_test_score"],
        rtol=1e-5,
    )
    assert_allclose(
        found.predict_proba(convert(X_target)), reference.predict_proba(X_target), rtol=1e-4
    )
    if kind in ("pandas", "polars"):
        assert found.feature_names_in_.tolist() == names


def test_a_dataset_of_pairs_has_its_labels() -> None:
    data = shifted(40, 40)
    source = TensorDataset(torch.from_numpy(data.X).float(), torch.from_numpy(data.y))
    target = TensorDataset(torch.from_numpy(data.X_target).float())
    options = {"lams": (0.1,), "cv": 2, "validator": "infomax"}
    found = search(DANNClassifier(**SMALL), **options).fit(source, None, target)
    expected = search(DANNClassifier(**SMALL), **options, vectorize=False)
    expected.fit(data.X, data.y, data.X_target)
    assert_array_equal(found.predict(target), expected.predict(data.X_target))


def test_images() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(40, 1, 8, 8), dtype=np.uint8)
    y = np.arange(20) % 2
    found = search(
        DANNClassifier(max_epochs=1, batch_size=8, module__width=2),
        lams=(0.1,),
        cv=2,
        validator="infomax",
    ).fit(images[:20], y, images[20:])
    assert found.predict(images[20:]).shape == (20,)
    assert found.n_features_in_ == 1


def test_any_splitter_and_any_number_of_folds(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    one = search(cv=ShuffleSplit(1, test_size=0.25, random_state=0)).fit(X, y, X_target)
    assert one.n_splits_ == 1
    listed = [(np.arange(60), np.arange(60, 120)), (np.arange(60, 120), np.arange(60))]
    assert search(cv=listed).fit(X, y, X_target).n_splits_ == 2
    assert search(cv=4).fit(X, y, X_target).n_splits_ == 4


def test_a_number_of_folds_of_numpy_shuffles_as_an_int_does(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    sources = [
        [fold.source_test for fold in split_domains(cv, X, y, X_target, 0)]
        for cv in (3, np.int64(3), np.uint8(3))
    ]
    for other in sources[1:]:
        assert all(map(np.array_equal, sources[0], other))
    assert not np.array_equal(sources[0][0], np.arange(len(sources[0][0])))
    with pytest.raises(ValueError, match="The 'cv' parameter of LambdaSearchCV must be"):
        search(cv=True).fit(X, y, X_target)


def test_sorted_labels_are_shuffled_into_the_folds(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    order = np.argsort(y)
    found = search(validator="source_accuracy").fit(X[order], y[order], X_target[order[:90] % 90])
    assert found.cv_results_["mean_test_score"].min() > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"lams": [-1]},
            r"'lams' parameter of LambdaSearchCV must be a sequence of floats in the ",
        ),
        ({"lams": 1.0}, r"in the range \[0, inf\). Got 1.0 instead"),
        ({"lams": "1"}, "must be a sequence of floats"),
        ({"lams": [np.inf]}, "must be a sequence of floats"),
        ({"lams": [True]}, "must be a sequence of floats"),
        ({"param_grid": {"lam": [1]}}, "must not name 'lam'. Pass its values as 'lams'"),
        ({"validator": "accuracy"}, "The validator must be one of"),
        ({"validator": ("agreement", "accuracy")}, "The validator must be one of"),
        ({"validator": []}, "a sequence of different names"),
        ({"validator": ["snd", "snd"]}, r"of different names. Got \['snd', 'snd'\] instead"),
        ({"vectorize": "yes"}, "'vectorize' parameter of LambdaSearchCV must be"),
        ({"guard": "no"}, "'guard' parameter of LambdaSearchCV must be"),
        ({"guard": {"accuracy_tolerance": 2}}, "accuracy_tolerance must be a float"),
        ({"guard": {"min_entropy_ratio": "half"}}, "min_entropy_ratio must be a float.*'half'"),
        ({"guard": {"stability_tolerance": np.nan}}, "stability_tolerance must be a float"),
        (
            {"guard": {"tolerance": 0.1}},
            "'guard' parameter of LambdaSearchCV must be a bool or a dict with the keys "
            "'accuracy_tolerance', 'min_entropy_ratio', 'stability_tolerance', "
            "'entropy_tolerance', 'share_tolerance'. "
            "Got the key 'tolerance' instead",
        ),
        ({"validator": [["snd"]]}, "a sequence of different names"),
        ({"param_grid": [{}, {"bend": [1]}]}, "Invalid parameter 'bend' for estimator"),
        ({"cv": []}, "'cv' parameter of LambdaSearchCV must give at least one split. Got none"),
        ({"estimator": LogisticRegression()}, "'lam', such as DANNClassifier.*LogisticRegression"),
        ({"estimator": FinetuneClassifier()}, "Got FinetuneClassifier instead, which has none"),
        ({"cv": 100}, "n_splits=100 cannot be greater"),
    ],
)
def test_a_bad_parameter_is_named_before_the_first_training(
    options: dict[str, Any], message: str, blobs: Any
) -> None:
    X, y, X_target, _ = blobs
    with pytest.raises(ValueError, match=message):
        search(**{"estimator": None, **options}).fit(X, y, X_target)
    assert not CenteringClassifier.recorded("fit")


def test_bad_input_is_named(blobs: Any) -> None:
    X, y, X_target, y_target = blobs
    with pytest.raises(ValueError, match=r"LambdaSearchCV adapts to a target.* as X_target"):
        search().fit(X, y)
    with pytest.raises(ValueError, match="y_source has 119 labels, but X_source has 120 rows"):
        search().fit(X, y[1:], X_target)
    with pytest.raises(ValueError, match="y_target has 1 labels, but X_target has 90 rows"):
        search().fit(X, y, X_target, y_target=y_target[:1])
    with pytest.raises(ValueError, match="requires y to be passed"):
        search().fit(X, None, X_target)
    with pytest.raises(ValueError, match="'X_target' parameter must be an array or a tuple"):
        search().fit(X, y, (X_target, X_target))


def test_a_failed_fit_keeps_the_previous_one(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    found = search().fit(X, y, X_target)
    before = found.predict(X_target)
    with pytest.raises(ValueError, match="fewer than"):
        found.fit(X, y, X_target[:2])
    assert_array_equal(found.predict(X_target), before)
