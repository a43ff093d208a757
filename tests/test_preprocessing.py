import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
)

from skda.preprocessing import DomainScaler, DomainStandardScaler, DomainTransformer

SOURCE = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]])
TARGET = np.array([[10.0, -1.0], [30.0, -1.0], [20.0, -1.0]])


def test_standard_scaler_by_hand():
    scaler = DomainStandardScaler().fit(SOURCE, X_target=TARGET)
    # source: means 3 and 4, both variances 5; target: mean 20, variance 200 / 3; constant -1
    np.testing.assert_allclose(
        scaler.transform([[3 + np.sqrt(5), 4 - 2 * np.sqrt(5)]], domain="source"), [[1, -2]]
    )
    np.testing.assert_allclose(scaler.transform([[20 + np.sqrt(200 / 3), 1.0]]), [[1, 2]])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_domain_gets_mean_zero_and_variance_one(seed):
    rng = np.random.default_rng(seed)
    source, target = rng.normal(3, 2, size=(50, 4)), rng.gamma(2.0, 5.0, size=(31, 4))
    scaler = DomainStandardScaler().fit(source, X_target=target)
    for rows, domain in ((source, "source"), (target, "target")):
        scaled = scaler.transform(rows, domain=domain)
        np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(scaled.var(axis=0), 1)
    # with the other domain's statistics the mean is not 0
    assert abs(scaler.transform(source).mean(axis=0)).min() > 0.5


@pytest.mark.parametrize(
    ("params", "expected"),
    [({"with_mean": False}, [[6 / np.sqrt(5), 0.0]]), ({"with_std": False}, [[3.0, -4.0]])],
)
def test_standard_scalers_switches(params, expected):
    scaler = DomainStandardScaler(**params).fit(SOURCE, X_target=TARGET)
    np.testing.assert_allclose(scaler.transform([[6.0, 0.0]], domain="source"), expected)


def test_any_scaler():
    scaler = DomainScaler(MinMaxScaler((0, 10))).fit(SOURCE, X_target=TARGET)
    np.testing.assert_allclose(scaler.transform([[1.5, 2.5]], domain="source"), [[2.5, 2.5]])
    np.testing.assert_allclose(scaler.transform([[15.0, -1.0]]), [[2.5, 0.0]])
    robust = DomainScaler(RobustScaler(unit_variance=False)).fit(SOURCE, X_target=TARGET)
    # median 3, quartiles 1.5 and 4.5
    np.testing.assert_allclose(robust.transform([[9.0, 4.0]], domain="source"), [[2, 0]])


def test_two_copies_are_fitted_and_the_given_scaler_is_not():
    inner = MinMaxScaler()
    scaler = DomainScaler(inner).fit(SOURCE, X_target=TARGET)
    assert not hasattr(inner, "data_max_")
    np.testing.assert_array_equal(scaler.source_scaler_.data_max_, [6, 7])
    np.testing.assert_array_equal(scaler.target_scaler_.data_max_, [30, -1])


def test_parameters_of_the_inner_scaler_are_parameters():
    scaler = DomainScaler(QuantileTransformer()).set_params(scaler__n_quantiles=3)
    scaler.fit(SOURCE, X_target=TARGET)
    np.testing.assert_allclose(scaler.transform([[20.0, -1.0]])[0, 0], 0.5)


def test_missing_values_pass_where_the_scaler_lets_them():
    source = SOURCE.copy()
    source[1, 0] = np.nan
    scaler = DomainStandardScaler().fit(source, X_target=TARGET)
    np.testing.assert_allclose(scaler.source_scaler_.mean_, [10 / 3, 4])
    assert np.isnan(scaler.transform([[np.nan, 1.0]])[0]).tolist() == [True, False]


def test_sparse_rows_stay_sparse_where_the_scaler_can():
    scaler = DomainScaler(MaxAbsScaler())
    scaled = scaler.fit_transform(sparse.csr_array(SOURCE), X_target=sparse.csr_array(TARGET))
    assert sparse.issparse(scaled)
    np.testing.assert_allclose(scaled.toarray(), SOURCE / [6, 7])
    np.testing.assert_allclose(scaler.transform(TARGET), TARGET / [30, 1])
    spread = DomainStandardScaler(with_mean=False)
    scaled = spread.fit_transform(sparse.csr_array(SOURCE), X_target=TARGET)
    np.testing.assert_allclose(scaled.toarray(), SOURCE / np.sqrt(5))


@pytest.mark.parametrize(
    ("scaler", "message"),
    [
        (DomainScaler(None), "'scaler' parameter of DomainScaler must be an object implementing"),
        (DomainScaler(LogisticRegression()), r"must be an object implementing .* Got Logistic"),
        (DomainStandardScaler(with_mean="no"), "'with_mean' parameter of DomainStandardScaler"),
        (DomainStandardScaler(with_std=None), "'with_std' parameter of DomainStandardScaler"),
    ],
)
def test_parameters_are_checked(scaler, message):
    with pytest.raises(ValueError, match=message):
        scaler.fit(SOURCE, X_target=TARGET)


def test_constructors_only_store():
    assert DomainStandardScaler().get_params() == {"with_mean": True, "with_std": True}
    inner = MinMaxScaler()
    assert DomainScaler(inner).get_params(deep=False) == {"scaler": inner}


def test_shift_of_a_domain_is_undone():
    """A classifier of z-scores works on a shifted, stretched target; one of raw rows does not."""
    accuracies = {}
    with sklearn.config_context(enable_metadata_routing=True):
        for seed in range(3):
            rng = np.random.default_rng(seed)
            labels = np.arange(200) % 2
            source = rng.normal(size=(200, 2)) + 4 * labels[:, None]
            target = (rng.normal(size=(200, 2)) + 4 * labels[:, None]) * [3, 0.5] + [20, -7]
            plain = LogisticRegression().fit(source, labels).score(target, labels)
            pipe = Pipeline(
                [("scale", DomainStandardScaler()), ("classify", LogisticRegression())],
                transform_input=["X_target"],
            ).fit(source, labels, X_target=target)
            accuracies[seed] = plain, pipe.score(target, labels)
    assert all(plain < 0.6 for plain, _ in accuracies.values())
    assert all(scaled > 0.97 for _, scaled in accuracies.values())


class Flip(DomainTransformer):
    """The least that a subclass has to give."""

    def _fit_domains(self, source, target):
        self.shift_ = target.mean(axis=0) - source.mean(axis=0)

    def _map_rows(self, X, domain):
        return X + self.shift_ if domain == "source" else X.copy()


def test_a_transformer_of_ones_own():
    moved = Flip().fit_transform(SOURCE, X_target=TARGET)
    np.testing.assert_allclose(moved.mean(axis=0), TARGET.mean(axis=0))
    with pytest.raises(TypeError, match="abstract"):
        DomainTransformer()


def test_domain_scaler_has_a_column_for_each_column():
    for scaler in (PCA(1), PolynomialFeatures()):
        with pytest.raises(ValueError, match="'scaler' parameter of DomainScaler must have one ou"):
            DomainScaler(scaler).fit(SOURCE, X_target=TARGET)
    with pytest.raises(ValueError, match=r"must be an instance. Got the class MinMaxScaler: pass"):
        DomainScaler(MinMaxScaler).fit(SOURCE, X_target=TARGET)


@pytest.mark.filterwarnings("ignore:invalid value encountered in log1p")
def test_a_scaler_that_is_not_defined_for_a_row_is_named():
    scaler = DomainScaler(FunctionTransformer(np.log1p))
    message = (
        r"^X_source has rows that the 'scaler' of DomainScaler, FunctionTransformer\(.* to NaN"
    )
    with pytest.raises(ValueError, match=message):
        scaler.fit([[1.0], [-3.0]], X_target=[[1.0], [2.0]])
    scaler.fit([[1.0], [3.0]], X_target=[[1.0], [2.0]])
    with pytest.raises(ValueError, match=r"^X has rows that the 'scaler' of DomainScaler"):
        scaler.transform([[-3.0]])
    np.testing.assert_allclose(scaler.transform([[np.e - 1]]), [[1.0]])
