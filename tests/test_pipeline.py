"""Pipeline and GridSearchCV: ours, and plain scikit-learn's with metadata routing."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars
import pytest
import sklearn
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

from skda import (
    DANClassifier,
    DANNClassifier,
    DomainStandardScaler,
    FinetuneClassifier,
    make_pipeline,
)
from skda.model_selection import LambdaSearchCV
from skda.pipeline import DomainPipeline
from tests.discovery import public_estimators

SMALL = {"max_epochs": 2, "module__hidden": (6,), "random_state": 0}
RNG = np.random.default_rng(0)
X = RNG.normal(loc=5, scale=3, size=(60, 3))
Y = np.arange(60) % 2
XT = RNG.normal(loc=9, scale=2, size=(45, 3))
XT_SAME = RNG.normal(loc=9, scale=2, size=(60, 3))

forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


class Recorder(ClassifierMixin, BaseEstimator):
    """Stores the target that `fit` gets."""

    __metadata_request__fit = {"X_target": True}  # noqa: RUF012

    def __init__(self, lam: float = 0.0) -> None:
        self.lam = lam

    def fit(self, X: Any, y: Any, X_target: Any = None) -> Recorder:
        self.X_target_ = X_target[0] if isinstance(X_target, tuple) else X_target
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.full(len(X), self.classes_[0])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return len(self.X_target_)  # a search then shows the number of its target rows


@pytest.fixture
def routing() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def plain(*, transform_input: list[str] | None) -> Pipeline:
    steps = [("scale", StandardScaler()), ("clf", DANNClassifier(**SMALL))]
    return Pipeline(steps, transform_input=transform_input)


def test_the_target_is_scaled_by_the_scaler_of_the_source() -> None:
    pipe = make_pipeline(StandardScaler(), Recorder()).fit(X, Y, X_target=XT)
    assert_allclose(pipe[-1].X_target_, (XT - X.mean(axis=0)) / X.std(axis=0))


@pytest.mark.usefixtures("routing")
def test_ours_equals_the_plain_pipeline_with_transform_input() -> None:
    theirs = plain(transform_input=["X_target"]).fit(X, Y, X_target=XT)
    with sklearn.config_context(enable_metadata_routing=False):
        ours = make_pipeline(StandardScaler(), DANNClassifier(**SMALL)).fit(X, Y, X_target=XT)
        proba = ours.predict_proba(XT)
    assert_array_equal(proba, theirs.predict_proba(XT))
    scaler = StandardScaler().fit(X)
    by_hand = DANNClassifier(**SMALL).fit(scaler.transform(X), Y, scaler.transform(XT))
    assert_array_equal(proba, by_hand.predict_proba(scaler.transform(XT)))


@pytest.mark.usefixtures("routing")
def test_the_pitfall_a_target_that_is_not_transformed() -> None:
    pipe = Pipeline([("scale", StandardScaler()), ("clf", Recorder())])  # no transform_input
    assert_array_equal(pipe.fit(X, Y, X_target=XT)[-1].X_target_, XT)  # raw, and no error


def test_a_slice_transforms_the_target_too() -> None:
    pipe = make_pipeline(VarianceThreshold(), StandardScaler(), Recorder())
    scaled = StandardScaler().fit(X).transform(XT)
    for part in (pipe[1:], pipe[:], pipe[1:][:]):
        assert part.transform_input == ["X_target"]
        assert_allclose(clone(part).fit(X, Y, X_target=XT)[-1].X_target_, scaled)
    assert pipe[-1] is pipe["recorder"]
    assert_allclose(pipe[:2].fit(X, Y).transform(XT), scaled)


def test_without_transform_input_the_target_is_transformed() -> None:
    made = DomainPipeline([("scale", StandardScaler()), ("clf", Recorder())])
    reset = make_pipeline(StandardScaler(), Recorder()).set_params(transform_input=None)
    for pipe in (made, reset):
        pipe.fit(X, Y, X_target=XT)
        assert_array_equal(pipe[-1].X_target_, StandardScaler().fit(X).transform(XT))
        assert pipe.transform_input is None


def test_a_plain_pipeline_at_the_end_gives_a_warning() -> None:
    inner = [("scale", StandardScaler()), ("clf", Recorder())]
    with pytest.warns(
        UserWarning, match=r"hands X_target to its own last step untransformed\. Bui"
    ):
        make_pipeline(VarianceThreshold(), Pipeline(inner)).fit(X, Y, X_target=XT)
    inner_ends = [
        Pipeline(inner, transform_input=["X_target"]),
        make_pipeline(StandardScaler(), Recorder()),
        Pipeline([("clf", Recorder())]),
        Pipeline([("scale", StandardScaler()), ("clf", LogisticRegression())]),
    ]
    for end in inner_ends:
        middle = [DANClassifier(**SMALL)] if hasattr(end[-1], "C") else []  # takes the target
        make_pipeline(VarianceThreshold(), *middle, end).fit(X, Y, X_target=XT)


def test_the_domain_is_routed_through_a_pipeline() -> None:
    pipe = make_pipeline(StandardScaler(), DANNClassifier(**SMALL)).fit(X, Y, X_target=XT)
    scaled = pipe[0].transform(X)
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        for domain in ("source", "target"):
            assert_array_equal(
                getattr(pipe, method)(X, domain=domain),
                getattr(pipe[-1], method)(scaled, domain=domain),
            )
        assert_array_equal(getattr(pipe, method)(X), getattr(pipe, method)(X, domain="target"))
    assert pipe.score(X, Y, domain="source") == pipe[-1].score(scaled, Y, domain="source")


def test_the_deep_features_feed_any_classifier() -> None:
    pipe = make_pipeline(StandardScaler(), DANClassifier(**SMALL), LogisticRegression())
    pipe.fit(X, Y, X_target=XT)
    # the classifier learns on source features and predicts on target features
    scaled = pipe[0].transform(X), pipe[0].transform(XT)
    classifier = LogisticRegression().fit(pipe[1].transform(scaled[0], domain="source"), Y)
    assert_array_equal(pipe.predict(XT), classifier.predict(pipe[1].transform(scaled[1])))


@pytest.mark.parametrize("cls", [*public_estimators(), LambdaSearchCV])
def test_fit_transform_takes_what_fit_takes(cls: Any) -> None:
    fit, both = (inspect.signature(getattr(cls, name)) for name in ("fit", "fit_transform"))
    assert list(both.parameters)[:3] == ["self", "X", "y"]  # as scikit-learn names them
    assert list(both.parameters)[3:] == list(fit.parameters)[3:]


@pytest.mark.parametrize(
    "params",
    [
        {"sample_weight": np.arange(len(X)) % 3},
        {"source_domain": np.repeat(["u", "v"], [20, len(X) - 20])},
        {"y_target": np.full(len(XT), -1)},
    ],
    ids=lambda params: next(iter(params)),
)
def test_what_fit_takes_reaches_an_estimator_in_the_middle(params: dict[str, Any]) -> None:
    pipe = make_pipeline(StandardScaler(), DANClassifier(**SMALL), LogisticRegression())
    pipe.fit(X, Y, X_target=XT, **params)
    weights = {name: value for name, value in params.items() if name == "sample_weight"}
    scaler = StandardScaler().fit(X, **weights)
    scaled = scaler.transform(X), scaler.transform(XT)
    dan = DANClassifier(**SMALL).fit(scaled[0], Y, scaled[1], **params)
    assert_array_equal(pipe[1].transform(scaled[1]), dan.transform(scaled[1]))
    classifier = LogisticRegression().fit(dan.transform(scaled[0], domain="source"), Y, **weights)
    assert_array_equal(pipe.predict(XT), classifier.predict(dan.transform(scaled[1])))


def test_fit_transform_takes_a_list_of_sources() -> None:
    parts = [X[:20], X[20:]], [Y[:20], Y[20:]]
    found = DANClassifier(**SMALL).fit_transform(*parts, XT)
    expected = DANClassifier(**SMALL).fit(*parts, XT).transform(X, domain="source")
    assert_array_equal(found, expected)


def test_methods_are_there_where_the_last_step_has_them() -> None:
    assert hasattr(make_pipeline(StandardScaler(), DANNClassifier()), "predict_proba")
    assert not hasattr(make_pipeline(DANNClassifier(), StandardScaler()), "predict")
    pipe = make_pipeline(StandardScaler(), DANNClassifier(**SMALL))
    assert clone(pipe).get_params()["transform_input"] == ["X_target"]


@pytest.mark.usefixtures("routing")
@forks
@pytest.mark.parametrize("target", [XT, XT_SAME], ids=["other length", "same length"])
def test_grid_search_over_lam_module_and_optimizer(target: np.ndarray) -> None:
    grid = {
        "clf__lam": [0.0, 0.5],
        "clf__module__hidden": [(3,), (5,)],
        "clf__optimizer__weight_decay": [0.0, 1e-2],
    }
    search = GridSearchCV(plain(transform_input=["X_target"]), grid, cv=2, n_jobs=2)
    with parallel_config("multiprocessing"):  # tests/test_n_jobs.py has the default
        search.fit(X, Y, X_target=(target,))
    assert len(search.cv_results_["params"]) == 8
    best = plain(transform_input=["X_target"]).set_params(**search.best_params_)
    best.fit(X, Y, X_target=target)
    assert_array_equal(search.predict_proba(target), best.predict_proba(target))
    alone = GridSearchCV(plain(transform_input=["X_target"]), grid, cv=2).fit(
        X, Y, X_target=(target,)
    )
    assert_array_equal(alone.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])


@forks
def test_grid_search_of_our_pipeline_needs_no_global_switch() -> None:
    pipe = make_pipeline(StandardScaler(), DANNClassifier(**SMALL))
    grid = {"dannclassifier__lam": [0.0, 0.5], "dannclassifier__module__hidden": [(3,)]}
    with parallel_config("multiprocessing"):
        search = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(X, Y, X_target=(XT_SAME,))
    assert search.best_estimator_[-1].module_.features[1].out_features == 3
    alone = GridSearchCV(DANNClassifier(**SMALL), {"lam": [0.0, 0.5]}, cv=2)
    assert alone.fit(X, Y, X_target=(XT,)).best_params_.keys() == {"lam"}


@pytest.mark.parametrize("make", [make_pipeline, None], ids=["ours", "plain"])
def test_a_tuple_keeps_the_target_whole_in_a_cross_validation(make: Any) -> None:
    with sklearn.config_context(enable_metadata_routing=make is None):
        steps = StandardScaler(), Recorder()
        pipe = (
            make(*steps)
            if make
            else Pipeline(
                [("scale", steps[0]), ("recorder", steps[1])], transform_input=["X_target"]
            )
        )

        def rows_seen(target: Any) -> list[float]:
            search = GridSearchCV(pipe, {"recorder__lam": [0.0]}, cv=3).fit(X, Y, X_target=target)
            return search.cv_results_["mean_test_score"].tolist()

        assert rows_seen(XT) == [45]
        assert rows_seen((XT,)) == [45]
        # scikit-learn cuts what happens to have as many rows as X: here 40 of 60
        assert rows_seen(XT_SAME) == [40]
        assert rows_seen((XT_SAME,)) == [60]


@pytest.mark.usefixtures("routing")
def test_cross_validate_judges_source_rows_as_source_rows() -> None:
    estimator = FinetuneClassifier(**SMALL, adapt_batch_norm=True)
    common = {"cv": 2, "error_score": "raise", "return_estimator": True}
    found = cross_validate(
        estimator, X, Y, params={"X_target": (XT,), "domain": "source"}, **common
    )
    first = found["estimator"][0]
    held_out = np.flatnonzero(~np.isin(np.arange(60), _train_rows()))
    assert found["test_score"][0] == first.score(X[held_out], Y[held_out], domain="source")


def _train_rows() -> np.ndarray:
    from sklearn.model_selection import StratifiedKFold

    return next(iter(StratifiedKFold(2).split(X, Y)))[0]


ENCODERS = [
    OneHotEncoder(sparse_output=False),
    OrdinalEncoder(),
    TargetEncoder(),
    FeatureUnion([("mean", TargetEncoder()), ("code", OrdinalEncoder())]),
    Pipeline([("mean", TargetEncoder())]),
]
LIBRARIES = {"pandas": pd.DataFrame, "polars": polars.DataFrame}
FRAMES = pytest.mark.parametrize("frame", LIBRARIES.values(), ids=LIBRARIES)


def table(frame: Any, rows: np.ndarray) -> Any:
    """Two columns of numbers with a column of letters between them."""
    letters = np.array(list("xyz"))[np.arange(len(rows)) % 3].tolist()
    return frame({"a": rows[:, 0], "letter": letters, "b": rows[:, 1]})


@FRAMES
@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: type(e).__name__)
def test_columns_by_name_and_their_encoders(frame: Any, encoder: Any) -> None:
    columns = ColumnTransformer(
        [("scale", StandardScaler(), ["a", "b"]), ("encode", encoder, ["letter"])]
    )
    source, target = table(frame, X), table(frame, XT)
    expected = clone(columns).fit(source, Y).transform(target)
    for order in (["a", "letter", "b"], ["b", "letter", "a"]):
        pipe = make_pipeline(clone(columns), Recorder()).fit(source, Y, X_target=target[order])
        assert_array_equal(pipe[-1].X_target_, expected)
        assert len(pipe.predict(target[order])) == len(XT)
    assert sklearn.get_config()["enable_metadata_routing"] is False


def test_the_encoder_of_classes_learns_on_folds_of_the_source_as_without_a_pipeline() -> None:
    source, target = table(pd.DataFrame, X), table(pd.DataFrame, XT)
    encoder = TargetEncoder(cv=3)
    pipe = make_pipeline(clone(encoder), Recorder()).fit(source, Y, X_target=target)
    assert_array_equal(pipe[-1].X_target_, clone(encoder).fit(source, Y).transform(target))


@FRAMES
@pytest.mark.parametrize("scaler", [StandardScaler(), DomainStandardScaler()], ids=repr)
def test_columns_of_the_target_are_put_in_the_order_of_the_source(frame: Any, scaler: Any) -> None:
    source, target = (table(frame, rows)[["a", "b"]] for rows in (X, XT))
    expected = make_pipeline(clone(scaler), Recorder()).fit(source, Y, X_target=target)
    swapped = target[["b", "a"]]
    for passed in (swapped, (swapped,)):
        pipe = make_pipeline(clone(scaler), Recorder()).fit(source, Y, X_target=passed)
        assert_array_equal(pipe[-1].X_target_, expected[-1].X_target_)
    assert list(swapped.columns) == ["b", "a"]


@FRAMES
@pytest.mark.parametrize(
    "first",
    [
        StandardScaler(),
        DomainStandardScaler(),
        "passthrough",
        Pipeline([("pass", "passthrough"), ("scale", StandardScaler())]),
        ColumnTransformer([("a", StandardScaler(), [0])], remainder="passthrough"),
    ],
    ids=lambda step: type(step).__name__,
)
@pytest.mark.parametrize("searched", [False, True], ids=["pipeline", "search"])
def test_columns_are_matched_by_name_in_every_method(
    frame: Any, first: Any, searched: bool
) -> None:
    source, target = (frame(dict(zip("abc", rows.T, strict=True))) for rows in (X, XT))
    swapped = target[["c", "a", "b"]]
    pipe = make_pipeline(first, FinetuneClassifier(**SMALL, target_priors=[0.5, 0.5]))
    if searched:
        pipe.set_params(finetuneclassifier=DANNClassifier(**SMALL, target_priors=[0.5, 0.5]))
        pipe = LambdaSearchCV(pipe, [1.0], cv=2, random_state=0)
    expected = clone(pipe).fit(source, Y, X_target=target)
    pipe.fit(source, Y, X_target=swapped)
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        wanted = getattr(expected, method)(target)
        assert_array_equal(getattr(pipe, method)(swapped), wanted)
        assert_array_equal(getattr(pipe, method)(target), wanted)
    y_target = np.arange(45) % 2
    assert pipe.score(swapped, y_target) == expected.score(target, y_target)
    other = frame(dict(zip("abz", XT.T, strict=True)))
    with pytest.raises(
        ValueError, match=r"feature names should match|columns are missing: \{'c'\}"
    ):
        pipe.predict(other)


@FRAMES
@pytest.mark.parametrize("scaler", [StandardScaler(), DomainStandardScaler()], ids=repr)
def test_a_refused_target_is_named(frame: Any, scaler: Any) -> None:
    source = table(frame, X)[["a", "b"]]
    target = frame({"a": XT[:, 0], "c": XT[:, 1]})
    with pytest.raises(ValueError, match=r"^X_target: The feature names should match those"):
        make_pipeline(scaler, Recorder()).fit(source, Y, X_target=target)
    encode = OneHotEncoder(sparse_output=False)
    unknown = frame({"letter": ["w"] * len(XT)})
    with pytest.raises(ValueError, match=r"^X_target: Found unknown categories \['w'\]"):
        make_pipeline(encode, Recorder()).fit(table(frame, X)[["letter"]], Y, X_target=unknown)
