import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power

from skda.subspace import CORAL
from skda.subspace._linalg import symmetric_power


@pytest.fixture
def domains():
    rng = np.random.default_rng(6)
    source = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)) + 3
    target = rng.normal(size=(45, 4)) @ rng.normal(size=(4, 4)) - 1
    return source, target


def test_covariance_of_moved_source_is_the_targets(domains):
    source, target = domains
    moved = CORAL(reg=1e-10).fit_transform(source, X_target=target)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(target.T), atol=1e-7)
    assert abs(np.cov(source.T) - np.cov(target.T)).max() > 1


@pytest.mark.parametrize("reg", [1e-3, 1.0, 10.0])
def test_map_is_the_papers(domains, reg):
    source, target = domains
    coral = CORAL(reg=reg).fit(source, X_target=target)
    # the paper's listing: cov + eye, then D_S C_S^(-1/2) C_T^(1/2)
    C_s = np.cov(source.T) + reg * np.eye(4)
    C_t = np.cov(target.T) + reg * np.eye(4)
    A = fractional_matrix_power(C_s, -0.5) @ fractional_matrix_power(C_t, 0.5)
    np.testing.assert_allclose(coral.source_map_, A, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(coral.transform(source, domain="source"), source @ A, rtol=1e-8)


def test_target_rows_stay(domains):
    source, target = domains
    moved = CORAL().fit(source, X_target=target).transform(target)
    np.testing.assert_array_equal(moved, target)
    assert not np.shares_memory(moved, target)


def test_one_feature_takes_the_targets_spread():
    source, target = np.array([[0.0], [2.0]]), np.array([[0.0], [6.0]])
    moved = CORAL(reg=1e-12).fit_transform(source, X_target=target)
    np.testing.assert_allclose(moved, [[0.0], [6.0]], atol=1e-9)


def test_fewer_rows_than_features():
    rng = np.random.default_rng(7)
    source, target = rng.normal(size=(5, 40)), rng.normal(size=(4, 40))
    reg = 1e-10
    coral = CORAL(reg=reg).fit(source, X_target=target)
    A, C_s = coral.source_map_, np.cov(source.T) + reg * np.eye(40)
    # these 36 directions have no variance but reg, which must stay larger than rounding errors
    scale = np.linalg.norm(A, 2)
    assert scale < 1.1 * np.sqrt(np.linalg.norm(np.cov(target.T), 2) / reg)
    recoloured = A.T @ C_s @ A
    np.testing.assert_allclose(recoloured, np.cov(target.T), atol=1e-4)
    # far below the rounding of the covariance, whose null space then has negative eigenvalues
    assert np.isfinite(CORAL(reg=1e-17).fit(source, X_target=target).source_map_).all()


@pytest.mark.parametrize("reg", [0, -1.0])
def test_reg_is_checked(domains, reg):
    with pytest.raises(
        ValueError, match=r"'reg' parameter of CORAL must be a float in .*\(0.0, inf"
    ):
        CORAL(reg=reg).fit(domains[0], X_target=domains[1])


def test_symmetric_power_and_its_floor():
    rng = np.random.default_rng(8)
    root = rng.normal(size=(5, 5))
    matrix = root @ root.T
    for exponent in (0.5, -0.5, -1.0):
        np.testing.assert_allclose(
            symmetric_power(matrix, exponent), fractional_matrix_power(matrix, exponent), rtol=1e-7
        )
    np.testing.assert_allclose(
        symmetric_power(np.diag([4.0, -1e-17]), -0.5, floor=0.25), np.diag([0.5, 2.0])
    )
