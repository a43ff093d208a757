import numpy as np
import pytest
from scipy.integrate import quad_vec
from scipy.linalg import null_space, qr
from sklearn.decomposition import PCA

from skda.subspace import GFK
from skda.subspace._gfk import agreeing_dimensions


def pca_axes(X, d):
    return PCA(d, svd_solver="full").fit(X).components_.T


def integrated_kernel(P_s, P_t):
    """Integrate Phi(t) Phi(t)', the flow as Gong et al. write it, over t in [0, 1].

    Phi(t) = P_s U1 Gamma(t) - R_s U2 Sigma(t), with R_s the orthogonal complement of P_s and the
    generalised singular value decomposition P_s' P_t = U1 Gamma V', R_s' P_t = -U2 Sigma V'.
    """
    R_s = null_space(P_s.T)
    U1, gamma, Vt = np.linalg.svd(P_s.T @ P_t)
    theta = np.arccos(np.clip(gamma, -1, 1))
    U2 = -(R_s.T @ P_t @ Vt.T) / np.sin(theta)

    def product(t):
        Phi = P_s @ U1 @ np.diag(np.cos(t * theta)) - R_s @ U2 @ np.diag(np.sin(t * theta))
        return Phi @ Phi.T

    return quad_vec(product, 0, 1, epsabs=1e-12, epsrel=1e-12)[0]


@pytest.fixture
def domains():
    rng = np.random.default_rng(5)
    source = rng.normal(size=(40, 8)) @ rng.normal(size=(8, 8))
    target = rng.normal(size=(25, 8)) @ rng.normal(size=(8, 8))
    return source, target


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_kernel_is_the_integral_over_the_flow(domains, d):
    source, target = domains
    gfk = GFK(d).fit(source, X_target=target)
    G = integrated_kernel(pca_axes(source, d), pca_axes(target, d))
    np.testing.assert_allclose(gfk.kernel_, G, atol=1e-10)


def test_transform_is_the_symmetric_square_root(domains):
    source, target = domains
    gfk = GFK(3).fit(source, X_target=target)
    root = gfk.transform(np.eye(8))
    np.testing.assert_allclose(root, root.T, atol=1e-12)
    np.testing.assert_allclose(root @ root, gfk.kernel_, atol=1e-12)
    assert np.linalg.eigvalsh(root).min() > -1e-12
    Z_s, Z_t = gfk.transform(source, domain="source"), gfk.transform(target)
    np.testing.assert_allclose(Z_s @ Z_t.T, source @ gfk.kernel_ @ target.T, atol=1e-9)


def test_closed_form_at_a_known_angle():
    # one direction each, e1 and e1 turned by theta towards e2: the integrals by hand
    theta = 0.7
    steps = np.linspace(-1, 1, 9)[:, None]
    source = steps * [1.0, 0.0]
    target = steps * [np.cos(theta), np.sin(theta)]
    gfk = GFK(1).fit(source, X_target=target)
    along = 0.5 + np.sin(2 * theta) / (4 * theta)
    mixed = np.sin(theta) ** 2 / (2 * theta)
    np.testing.assert_allclose(gfk.principal_angles_, [theta])
    np.testing.assert_allclose(gfk.kernel_, [[along, mixed], [mixed, 1 - along]], atol=1e-12)


def test_equal_subspaces_give_the_projection(domains):
    source = domains[0]
    gfk = GFK(3).fit(source, X_target=source * 2 + 1)
    P = pca_axes(source, 3)
    np.testing.assert_allclose(gfk.principal_angles_, 0, atol=1e-12)
    np.testing.assert_allclose(gfk.kernel_, P @ P.T, atol=1e-12)


def test_partly_equal_subspaces():
    # e1 is shared, e2 and e3 are orthogonal: angle pi / 2, whose integrals are 1/2, 1/2, 1/pi
    rows = np.array([[1.0, 0], [-1, 0], [0, 0.5], [0, -0.5]])
    source, target = np.zeros((4, 4)), np.zeros((4, 4))
    source[:, [0, 1]] = target[:, [0, 2]] = rows
    gfk = GFK(2).fit(source, X_target=target)
    np.testing.assert_allclose(gfk.principal_angles_, [0, np.pi / 2], atol=1e-12)
    # the sign of e3 against e2 is that of the axes, which PCA leaves open
    kernel = abs(gfk.kernel_)
    expected = np.diag([1, 0.5, 0.5, 0])
    expected[1, 2] = expected[2, 1] = 1 / np.pi
    np.testing.assert_allclose(kernel, expected, atol=1e-12)


def test_symmetric_in_the_domains(domains):
    source, target = domains
    there = GFK(3).fit(source, X_target=target)
    back = GFK(3).fit(target, X_target=source)
    np.testing.assert_allclose(there.kernel_, back.kernel_, atol=1e-12)
    np.testing.assert_allclose(there.principal_angles_, back.principal_angles_, atol=1e-12)


def naive_disagreement(P_s, P_t, P_st, d):
    sines = []
    for P in (P_s, P_t):
        cosine = np.linalg.svd(P[:, :d].T @ P_st[:, :d], compute_uv=False).min()
        sines.append(np.sin(np.arccos(min(cosine, 1.0))))
    return sum(sines) / 2


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_disagreement_takes_the_first_dimension_that_reaches_it(seed):
    rng = np.random.default_rng(seed)
    scales = np.geomspace(10, 0.1, 20)
    source = rng.normal(size=(80, 20)) * scales @ qr(rng.normal(size=(20, 20)))[0]
    target = rng.normal(size=(60, 20)) * scales @ qr(rng.normal(size=(20, 20)))[0]
    axes = [pca_axes(X, 10) for X in (source, target, np.vstack([source, target]))]
    measure = [naive_disagreement(*axes, d) for d in range(1, 11)]
    expected = next((d for d, D in enumerate(measure, start=1) if D >= 0.99), 10)
    gfk = GFK().fit(source, X_target=target)
    assert gfk.n_components_ == expected
    assert gfk.n_components_ == agreeing_dimensions(*axes)
    np.testing.assert_array_equal(
        gfk.transform(target), GFK(expected).fit(source, X_target=target).transform(target)
    )


def test_disagreement_of_orthogonal_directions_comes_at_once():
    steps = np.linspace(-1, 1, 9)[:, None]
    source, target = steps * [1.0, 0, 0, 0], steps * [0, 1.0, 0, 0]
    # the union's axis lies between: sine of 45 degrees on both sides, so 1 is the most there is
    assert GFK().fit(source, X_target=target).n_components_ == 1
    axes = np.eye(4)
    assert agreeing_dimensions(axes[:, :2], axes[:, :2], axes[:, :2]) == 2
    assert agreeing_dimensions(axes[:, :2], axes[:, :2], axes[:, 2:]) == 1


def test_too_many_components_are_refused(domains):
    message = (
        "The 'n_components' parameter of GFK must be at most 4 for these data: half their number "
        "of features, or the directions in which a domain varies. Got 5 instead."
    )
    with pytest.raises(ValueError, match=message):
        GFK(5).fit(domains[0], X_target=domains[1])
    with pytest.raises(ValueError, match="at most 2 for these data"):
        GFK(3).fit(domains[0], X_target=domains[1][:3])


@pytest.mark.parametrize("n_components", [0, 1.5, "agreement", None])
def test_parameter_is_checked(domains, n_components):
    message = r"'n_components' parameter of GFK must be an int in the range \[1, inf\) or a str"
    with pytest.raises(ValueError, match=message):
        GFK(n_components).fit(domains[0], X_target=domains[1])


def test_constant_domain_is_refused(domains):
    with pytest.raises(ValueError, match="GFK needs rows that differ"):
        GFK().fit(domains[0], X_target=np.full((6, 8), 0.1))
