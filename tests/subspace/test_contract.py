"""The contract of all transformers of two domains: subspace methods and scalers."""

import pickle

import numpy as np
import pandas as pd
import polars
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skda.preprocessing import DomainConditionScaler, DomainScaler, DomainStandardScaler
from skda.subspace import CORAL, GFK, TCA, SubspaceAlignment


class TargetIsSource:
    """Lets scikit-learn's checks, which pass no second domain, call ``fit(X, y)``."""

    def fit(self, X_source, y_source=None, X_target=None):
        return super().fit(X_source, y_source, X_source if X_target is None else X_target)

    def fit_transform(self, X, y=None):
        # the checks pass the labels as y=
        return super().fit_transform(X, y)


class CheckedTCA(TargetIsSource, TCA):
    __doc__ = TCA.__doc__


class CheckedGFK(TargetIsSource, GFK):
    __doc__ = GFK.__doc__


class CheckedCORAL(TargetIsSource, CORAL):
    __doc__ = CORAL.__doc__


class CheckedSubspaceAlignment(TargetIsSource, SubspaceAlignment):
    __doc__ = SubspaceAlignment.__doc__


class CheckedDomainScaler(TargetIsSource, DomainScaler):
    __doc__ = DomainScaler.__doc__


class CheckedDomainStandardScaler(TargetIsSource, DomainStandardScaler):
    __doc__ = DomainStandardScaler.__doc__


class CheckedDomainConditionScaler(TargetIsSource, DomainConditionScaler):
    __doc__ = DomainConditionScaler.__doc__


@parametrize_with_checks(
    [
        CheckedTCA(),
        CheckedTCA(kernel="rbf"),
        CheckedGFK(),
        CheckedGFK(n_components=1),
        CheckedCORAL(),
        CheckedSubspaceAlignment(),
        CheckedDomainScaler(MinMaxScaler()),
        CheckedDomainStandardScaler(),
        CheckedDomainStandardScaler(with_mean=False),
        CheckedDomainConditionScaler([0]),
        CheckedDomainConditionScaler([0], n_conditions=3, keep_conditions=True),
    ],
    expected_failed_checks=lambda estimator: {
        "check_fit_score_takes_y": "the labels of the source are called y_source, not y",
        **(
            {"check_estimators_pickle": "a row with NaN in a condition column has no condition"}
            if isinstance(estimator, DomainConditionScaler)
            else {}
        ),
    },
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


SUBSPACE = [
    TCA(2),
    TCA(2, kernel="rbf"),
    GFK(2),
    GFK(),
    CORAL(),
    SubspaceAlignment(2),
]
TRANSFORMERS = [
    *SUBSPACE,
    DomainScaler(MinMaxScaler()),
    DomainStandardScaler(),
    DomainConditionScaler([1], n_conditions=2),
]


@pytest.fixture(params=TRANSFORMERS, ids=repr)
def transformer(request):
    return clone(request.param)


@pytest.fixture
def source():
    return np.random.default_rng(0).normal(size=(30, 5)) * [1, 2, 3, 4, 5]


@pytest.fixture
def target():
    return np.random.default_rng(1).normal(size=(20, 5)) * [5, 1, 2, 1, 1] + 1


def test_target_is_required(transformer, source):
    with pytest.raises(ValueError, match=r"requires X_target, .* Pass fit\(X_source, X_target="):
        transformer.fit(source)


def test_width_of_the_target_is_checked(transformer, source, target):
    name = type(transformer).__name__
    message = f"X_target has 3 features, but {name} is expecting 5 features as input."
    with pytest.raises(ValueError, match=message):
        transformer.fit(source, X_target=target[:, :3])


@pytest.mark.parametrize("method", SUBSPACE, ids=repr)
@pytest.mark.parametrize("name", ["X_source", "X_target"])
def test_the_array_that_is_not_finite_is_named(method, source, target, name):
    rows = {"X_source": source, "X_target": target}
    rows[name] = rows[name].copy()
    rows[name][0, 0] = np.nan
    with pytest.raises(ValueError, match=f"Input {name} contains NaN"):
        clone(method).fit(**rows)


def test_sparse_rows_are_refused_by_what_has_to_centre_them(transformer, source, target):
    with pytest.raises(TypeError, match="Sparse data was passed for X_source, but dense data"):
        transformer.fit(sparse.csr_array(source), X_target=target)


def test_domain_is_checked(transformer, source, target):
    transformer.fit(source, X_target=target)
    with pytest.raises(ValueError, match=r"The 'domain' parameter .* Got 'tgt' instead"):
        transformer.transform(target, domain="tgt")


def test_fit_transform_maps_source_rows_and_transform_target_rows(transformer, source, target):
    moved = clone(transformer).fit_transform(X_source=source, X_target=target)
    transformer.fit(source, X_target=target)
    np.testing.assert_array_equal(moved, transformer.transform(source, domain="source"))
    np.testing.assert_array_equal(
        transformer.transform(target), transformer.transform(target, domain="target")
    )


def test_labels_are_ignored(transformer, source, target):
    labels = np.arange(30) % 2
    np.testing.assert_array_equal(
        clone(transformer).fit(source, labels, target).transform(target),
        clone(transformer).fit(source, None, target).transform(target),
    )


def test_both_domains_matter(transformer, source, target):
    # CORAL does not change target rows, so compare both transformed domains
    def mapped(source_rows, target_rows):
        fitted = clone(transformer).fit(source_rows, X_target=target_rows)
        rows = np.eye(5)
        return np.hstack([fitted.transform(rows, domain=d) for d in ("source", "target")])

    reference = mapped(source, target)
    stretch = np.diag([4.0, 1, 1, 1, 1]) + np.eye(5, k=1)
    assert abs(mapped(source @ stretch, target) - reference).max() > 1e-3
    assert abs(mapped(source, target @ stretch) - reference).max() > 1e-3


def test_a_single_row_is_transformed_as_in_company(transformer, source, target):
    transformer.fit(source, X_target=target)
    for domain in ("source", "target"):
        np.testing.assert_allclose(
            transformer.transform(target[:1], domain=domain),
            transformer.transform(target, domain=domain)[:1],
            rtol=1e-12,
            atol=1e-12,
        )


def test_read_only_rows_survive(transformer, source, target):
    before = source.copy(), target.copy()
    source.flags.writeable = target.flags.writeable = False
    moved = transformer.fit_transform(source, X_target=target)
    kept = transformer.transform(target)
    moved += 1
    kept += 1
    np.testing.assert_array_equal(source, before[0])
    np.testing.assert_array_equal(target, before[1])


def test_float32_stays_float32_and_near_float64(transformer, source, target):
    exact = clone(transformer).fit(source, X_target=target).transform(target)
    transformer.fit(source.astype(np.float32), X_target=target.astype(np.float32))
    single = transformer.transform(target.astype(np.float32))
    assert (exact.dtype, single.dtype) == (np.float64, np.float32)
    np.testing.assert_allclose(single, exact, rtol=1e-3, atol=1e-4 * abs(exact).max())


def test_refit_forgets_and_a_failed_fit_loses_nothing(transformer, source, target):
    fresh = clone(transformer).fit(source, X_target=target).transform(target)
    transformer.fit(source[:, ::-1] * 7, X_target=target[:10, ::-1])
    transformer.fit(source, X_target=target)
    with pytest.raises(ValueError, match="X_target has 4 features"):
        transformer.fit(source, X_target=target[:, :4])
    np.testing.assert_array_equal(transformer.transform(target), fresh)


def test_pickle_and_clone(transformer, source, target):
    transformer.fit(source, X_target=target)
    copy = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(copy.transform(target), transformer.transform(target))
    assert not [name for name in vars(clone(transformer)) if name.endswith("_")]


def renamed(frame):
    return type(frame)({f"{name}_": frame[name] for name in frame.columns})


@pytest.mark.parametrize(
    ("library", "frame"), [("pandas", pd.DataFrame), ("polars", polars.DataFrame)]
)
def test_frames_in_and_out(transformer, source, target, library, frame):
    names = list("abcde")
    source = frame(dict(zip(names, source.T, strict=True)))
    target = frame(dict(zip(names, target.T, strict=True)))
    plain = clone(transformer).fit(source, X_target=target).transform(target)
    transformer.set_output(transform=library).fit(source, X_target=target)
    assert list(transformer.feature_names_in_) == names
    for rows, domain in ((source, "source"), (target, "target")):
        mapped = transformer.transform(rows, domain=domain)
        assert isinstance(mapped, frame)
        assert list(mapped.columns) == list(transformer.get_feature_names_out())
    np.testing.assert_array_equal(mapped.to_numpy(), plain)
    assert isinstance(clone(transformer).fit_transform(source, X_target=target), frame)
    swapped = target[["b", "a", "c", "d", "e"]]
    moved = clone(transformer).fit(source, X_target=swapped).transform(target)
    np.testing.assert_array_equal(moved.to_numpy() if hasattr(moved, "columns") else moved, plain)
    np.testing.assert_array_equal(transformer.transform(swapped).to_numpy(), plain)
    with pytest.raises(ValueError, match=r"^X: The feature names should match"):
        transformer.transform(renamed(target))
    for wrong in (target[["a", "b", "c", "d"]], renamed(target)):
        with pytest.raises(ValueError, match=r"^X_target(: The feature names| has 4 features)"):
            transformer.fit(source, X_target=wrong)


def test_index_of_a_frame_is_kept_under_the_global_switch(transformer, source, target):
    source, target = pd.DataFrame(source), pd.DataFrame(target, index=np.arange(20) + 100)
    with sklearn.config_context(transform_output="pandas"):
        mapped = transformer.fit(source, X_target=target).transform(target)
    assert mapped.index.equals(target.index)


def test_names_out():
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 4)), columns=list("abcd"))
    names = [
        list(t.fit(rows, X_target=rows + 1).get_feature_names_out())
        for t in (TCA(2), GFK(2), CORAL(), SubspaceAlignment(1), DomainStandardScaler())
    ]
    assert names == [
        ["tca0", "tca1"],
        ["gfk0", "gfk1", "gfk2", "gfk3"],
        ["a", "b", "c", "d"],
        ["subspacealignment0"],
        ["a", "b", "c", "d"],
    ]


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_pipeline_gives_what_the_steps_by_hand_give(transformer, source, target):
    labels = (source[:, 0] > 0).astype(int)
    pipe = Pipeline(
        [
            ("scale", DomainStandardScaler()),
            ("map", transformer),
            ("knn", KNeighborsClassifier(1)),
        ],
        transform_input=["X_target"],
    ).fit(source, labels, X_target=target)

    scale = DomainStandardScaler().fit(source, X_target=target)
    scaled_source, scaled_target = scale.transform(source, domain="source"), scale.transform(target)
    by_hand = clone(transformer).fit(scaled_source, X_target=scaled_target)
    knn = KNeighborsClassifier(1).fit(by_hand.transform(scaled_source, domain="source"), labels)

    expected = knn.predict(by_hand.transform(scaled_target))
    np.testing.assert_array_equal(pipe.predict(target), expected)
    assert pipe.score(target, expected) == 1
    # 1-NN finds the training rows again only if they are transformed as source rows
    assert pipe.score(source, labels, domain="source") == 1
    moved_as_target = by_hand.transform(scale.transform(source))
    np.testing.assert_array_equal(pipe.predict(source), knn.predict(moved_as_target))


@pytest.mark.usefixtures("routing")
def test_one_step_before_the_classifier(transformer, source, target):
    labels = np.arange(30) % 3
    pipe = Pipeline(
        [("map", transformer), ("knn", KNeighborsClassifier(1))], transform_input=["X_target"]
    ).fit(source, labels, X_target=target)
    by_hand = clone(transformer).fit(source, X_target=target)
    knn = KNeighborsClassifier(1).fit(by_hand.transform(source, domain="source"), labels)
    np.testing.assert_array_equal(pipe.predict(target), knn.predict(by_hand.transform(target)))
    np.testing.assert_array_equal(pipe.predict(source, domain="source"), labels)


@pytest.mark.usefixtures("routing")
def test_cross_validation_keeps_a_target_in_a_tuple_whole(source):
    # as many target rows as source rows: a bare array would be cut into folds
    target = source[::-1] ** 2
    labels = np.arange(30) % 2
    pipe = Pipeline(
        [("scale", DomainStandardScaler()), ("map", GFK()), ("knn", KNeighborsClassifier(1))],
        transform_input=["X_target"],
    )
    scores = cross_validate(
        pipe,
        source,
        labels,
        cv=3,
        params={"X_target": (target,)},
        return_estimator=True,
        error_score="raise",
    )
    for fold in scores["estimator"]:
        np.testing.assert_allclose(fold["scale"].target_scaler_.mean_, target.mean(axis=0))
        assert fold["scale"].source_scaler_.n_samples_seen_ == 20


def test_two_targets_in_a_tuple_are_refused(transformer, source, target):
    with pytest.raises(ValueError, match=r"tuple of exactly one array\. Got a tuple of 2"):
        transformer.fit(source, X_target=(target, target))
