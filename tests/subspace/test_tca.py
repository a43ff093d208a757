import numpy as np
import pytest
import scipy.linalg
from sklearn.base import clone
from sklearn.decomposition import PCA, KernelPCA

from skda.subspace import TCA

GAMMA = 0.1


def naive_kernel(kernel, x, y):
    if kernel == "linear":
        return sum(a * b for a, b in zip(x, y, strict=True))
    if kernel == "rbf":
        return np.exp(-GAMMA * sum((a - b) ** 2 for a, b in zip(x, y, strict=True)))
    return np.exp(-GAMMA * sum(abs(a - b) for a, b in zip(x, y, strict=True)))


def papers_matrices(kernel, source, target):
    """K, L and H entry by entry, as Pan et al. write them."""
    rows = [*source, *target]
    n_s, n_t, n = len(source), len(target), len(rows)
    K, L, H = np.empty((n, n)), np.empty((n, n)), np.empty((n, n))
    for i in range(n):
        for j in range(n):
            K[i, j] = naive_kernel(kernel, rows[i], rows[j])
            if i < n_s and j < n_s:
                L[i, j] = 1 / n_s**2
            elif i >= n_s and j >= n_s:
                L[i, j] = 1 / n_t**2
            else:
                L[i, j] = -1 / (n_s * n_t)
            H[i, j] = (i == j) - 1 / n
    return K, L, H


@pytest.fixture
def domains():
    rng = np.random.default_rng(3)
    source = rng.normal(size=(14, 4)) * [1, 2, 1, 1]
    target = rng.normal(size=(9, 4)) * [2, 1, 1, 1] + [2, 0, 1, 0]
    return source, target


@pytest.mark.parametrize("kernel", ["linear", "rbf", "laplacian"])
@pytest.mark.parametrize("mu", [0.01, 1.0, 100.0])
def test_components_are_the_leading_eigenvectors_of_the_papers_matrix(domains, kernel, mu):
    tca = TCA(3, mu=mu, kernel=kernel, gamma=GAMMA).fit(domains[0], X_target=domains[1])
    K, L, H = papers_matrices(kernel, *domains)
    matrix = np.linalg.inv(K @ L @ K + mu * np.eye(len(K))) @ K @ H @ K
    values = np.sort(np.linalg.eigvals(matrix).real)[::-1]

    np.testing.assert_allclose(tca.eigenvalues_, values[:3], rtol=1e-9)
    W = tca.components_
    np.testing.assert_allclose(matrix @ W, W * tca.eigenvalues_, atol=1e-9 * abs(matrix @ W).max())
    np.testing.assert_allclose(W.T @ (K @ L @ K + mu * np.eye(len(K))) @ W, np.eye(3), atol=1e-9)


@pytest.mark.parametrize("kernel", ["linear", "rbf", "laplacian"])
def test_rows_are_mapped_by_their_kernel_with_the_fitted_rows(domains, kernel):
    tca = TCA(3, kernel=kernel, gamma=GAMMA).fit(domains[0], X_target=domains[1])
    new = np.random.default_rng(4).normal(size=(5, 4))
    expected = [
        sum(
            naive_kernel(kernel, row, fitted) * w
            for fitted, w in zip(np.vstack(domains), tca.components_, strict=True)
        )
        for row in new
    ]
    np.testing.assert_allclose(tca.transform(new), expected, rtol=1e-10)
    np.testing.assert_array_equal(tca.transform(new), tca.transform(new, domain="source"))


def squared_mmd(source, target):
    """Of the linear kernel, by the double sums of its definition."""
    within = [np.mean([a @ b for a in rows for b in rows]) for rows in (source, target)]
    return within[0] + within[1] - 2 * np.mean([a @ b for a in source for b in target])


def relative_mmd(Z_source, Z_target):
    Z = np.vstack([Z_source, Z_target])
    return squared_mmd(Z_source, Z_target) / Z.var(axis=0).sum()


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_distance_of_the_domains_falls_below_kernel_pcas(domains, kernel):
    source, target = domains
    pca = KernelPCA(2, kernel=kernel, gamma=GAMMA).fit(np.vstack(domains))
    before = relative_mmd(pca.transform(source), pca.transform(target))
    distances = []
    for mu in (100.0, 1.0, 0.001):
        tca = TCA(2, mu=mu, kernel=kernel, gamma=GAMMA).fit(source, X_target=target)
        distances.append(
            relative_mmd(tca.transform(source, domain="source"), tca.transform(target))
        )
    assert before > 0.2
    assert distances[0] > distances[1] > distances[2]
    assert distances[2] < before / 20


def test_large_mu_gives_the_directions_of_pca_on_centred_rows(domains):
    rows = np.vstack(domains)
    rows -= rows.mean(axis=0)
    Z = TCA(2, mu=1e12).fit(rows[:14], X_target=rows[14:]).transform(rows)
    for ours, theirs in zip(Z.T, PCA(2).fit_transform(rows).T, strict=True):
        assert abs(np.corrcoef(ours, theirs)[0, 1]) == pytest.approx(1, abs=1e-9)


def test_mu_far_below_the_scale_of_the_data_is_solved(domains):
    # the matrix K L K + mu I is singular in float64 here: a Cholesky factor does not exist
    source, target = domains[0] * 1e4, domains[1] * 1e4
    tca = TCA(2, mu=1e-3).fit(source, X_target=target)
    K, L, _ = papers_matrices("linear", source, target)
    with pytest.raises(np.linalg.LinAlgError):
        scipy.linalg.cholesky(K @ L @ K + 1e-3 * np.eye(len(K)))
    assert relative_mmd(tca.transform(source), tca.transform(target)) < 1e-6


def test_equal_domains_cost_nothing(domains):
    source = domains[0]
    tca = TCA(2, mu=2.0).fit(source, X_target=source)
    K, _, H = papers_matrices("linear", source, source)
    values = np.linalg.eigvalsh(K @ H @ K)[::-1]
    np.testing.assert_allclose(tca.eigenvalues_, values[:2] / 2, rtol=1e-9)


def test_none_keeps_all_directions_and_more_are_refused(domains):
    source, target = domains
    assert TCA().fit(source, X_target=target).transform(target).shape == (9, 4)
    assert TCA(kernel="rbf").fit(source, X_target=target).components_.shape == (23, 22)
    message = (
        "The 'n_components' parameter of TCA must be at most 4 for these data: they vary in no "
        "more directions under this kernel. Got 5 instead."
    )
    with pytest.raises(ValueError, match=message):
        TCA(5).fit(source, X_target=target)
    with pytest.raises(ValueError, match=r"must be at most 4 .* Got 1000 instead"):
        TCA(1000).fit(source, X_target=target)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e3, 12345.678])
def test_equal_rows_are_refused(value):
    # the computed mean of equal numbers may differ from them: the rest is rounding error
    with pytest.raises(ValueError, match="TCA needs rows that differ"):
        TCA().fit(np.full((40, 3), value), X_target=np.full((33, 3), value))


def test_far_from_the_origin_all_directions_are_still_found(domains):
    tca = TCA().fit(domains[0] + 1e3, X_target=domains[1] + 1e3)
    assert tca.components_.shape == (23, 4)


def test_signs_are_settled(domains):
    components = TCA(3).fit(domains[0], X_target=domains[1]).components_
    assert (components[abs(components).argmax(axis=0), range(3)] > 0).all()


def test_gamma_defaults_to_one_over_the_number_of_features(domains):
    default = TCA(2, kernel="rbf").fit(domains[0], X_target=domains[1])
    quarter = clone(default).set_params(gamma=0.25).fit(domains[0], X_target=domains[1])
    np.testing.assert_array_equal(default.components_, quarter.components_)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_components": 0}, r"'n_components' parameter of TCA must be an int in the range \[1"),
        ({"mu": 0}, r"'mu' parameter of TCA must be a float in the range \(0.0, inf\). Got 0"),
        ({"kernel": "poly"}, "'kernel' parameter of TCA must be a str among"),
        ({"gamma": -1}, r"'gamma' parameter of TCA must be a float in the range \(0.0, inf\)"),
    ],
)
def test_parameters_are_checked(domains, params, message):
    with pytest.raises(ValueError, match=message):
        TCA(**params).fit(domains[0], X_target=domains[1])
