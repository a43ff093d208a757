import numpy as np
import pytest
from sklearn.decomposition import PCA

from skda.subspace import SubspaceAlignment
from skda.subspace._linalg import principal_axes


@pytest.fixture
def domains():
    rng = np.random.default_rng(9)
    source = rng.normal(size=(30, 6)) @ rng.normal(size=(6, 6)) + 2
    target = rng.normal(size=(20, 6)) @ rng.normal(size=(6, 6))
    return source, target


@pytest.mark.parametrize("d", [1, 3, 6])
def test_closed_form(domains, d):
    source, target = domains
    aligned = SubspaceAlignment(d).fit(source, X_target=target)
    P_s, P_t = (PCA(d, svd_solver="full").fit(X).components_.T for X in domains)
    Z_s, Z_t = aligned.transform(source, domain="source"), aligned.transform(target)
    # an axis may point either way, and with it both domains' coordinate
    signs = np.sign(np.sum(P_t * aligned.target_components_, axis=0))
    np.testing.assert_allclose(Z_t * signs, target @ P_t, atol=1e-10)
    np.testing.assert_allclose(Z_s * signs, source @ P_s @ P_s.T @ P_t, atol=1e-10)


def test_alignment_minimises_the_distance_of_the_bases(domains):
    source, target = domains
    aligned = SubspaceAlignment(3).fit(source, X_target=target)
    P_s, P_t = PCA(3, svd_solver="full").fit(source).components_.T, aligned.target_components_
    best = np.linalg.norm(aligned.source_components_ - P_t)
    M = np.linalg.lstsq(P_s, P_t, rcond=None)[0]
    np.testing.assert_allclose(best, np.linalg.norm(P_s @ M - P_t), rtol=1e-12)
    rng = np.random.default_rng(10)
    for _ in range(20):
        other = M + 0.1 * rng.normal(size=(3, 3))
        assert np.linalg.norm(P_s @ other - P_t) > best


def test_none_takes_what_both_domains_have(domains):
    source, target = domains
    assert SubspaceAlignment().fit(source, X_target=target).n_components_ == 6
    assert SubspaceAlignment().fit(source, X_target=target[:4]).n_components_ == 3
    message = (
        "The 'n_components' parameter of SubspaceAlignment must be at most 3 for these data: one "
        "of the domains varies in no more directions. Got 4 instead."
    )
    with pytest.raises(ValueError, match=message):
        SubspaceAlignment(4).fit(source, X_target=target[:4])


def test_parameter_is_checked(domains):
    message = r"'n_components' parameter of SubspaceAlignment must be an int in the range \[1"
    with pytest.raises(ValueError, match=message):
        SubspaceAlignment(0).fit(domains[0], X_target=domains[1])


@pytest.mark.parametrize("name", ["X_source", "X_target"])
def test_constant_domain_is_refused(domains, name):
    rows = dict(zip(("X_source", "X_target"), domains, strict=True)) | {name: np.full((9, 6), 0.1)}
    with pytest.raises(
        ValueError, match=r"needs rows that differ\. In X_source or X_target all are"
    ):
        SubspaceAlignment().fit(**rows)


def test_principal_axes_drop_directions_without_variance():
    rng = np.random.default_rng(11)
    flat = rng.normal(size=(50, 2)) @ rng.normal(size=(2, 7)) + 100
    axes = principal_axes(flat)
    assert axes.shape == (7, 2)
    np.testing.assert_allclose(axes.T @ axes, np.eye(2), atol=1e-12)
    centred = flat - flat.mean(axis=0)
    np.testing.assert_allclose(centred @ axes @ axes.T, centred, atol=1e-10)
