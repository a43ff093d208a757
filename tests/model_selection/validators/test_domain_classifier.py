import numpy as np
import pytest
from scipy.sparse import csr_array

from skda.model_selection import density_ratio
from skda.model_selection.validators.domain_classifier import held_out_domain_logits


def two_gaussians(n_source, n_target, distance=1.0, width=2, seed=0):
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(n_source, width)), rng.normal(size=(n_target, width))
    target[:, 0] += distance
    return source, target


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sizes", [(2000, 2000), (2000, 500), (500, 2000)])
def test_ratio_is_near_the_true_one(sizes, seed):
    source, target = two_gaussians(*sizes, seed=seed)
    grid = np.column_stack([np.linspace(-1.5, 2.5, 9), np.zeros(9)])
    # log N(x; 1, 1) - log N(x; 0, 1) = x - 1/2, whatever the sizes of the samples.
    truth = grid[:, 0] - 0.5
    np.testing.assert_allclose(np.log(density_ratio(source, target, grid)), truth, atol=0.45)
    held_out = np.log(density_ratio(source, target))
    assert np.sqrt(np.mean((held_out - (source[:, 0] - 0.5)) ** 2)) < 0.2


def test_more_features_than_rows_call_for_a_small_C():
    source, target = two_gaussians(60, 60, distance=0.0, width=200)
    assert held_out_domain_logits(source, target).C == 1e-3
    wide = two_gaussians(2000, 2000, distance=3.0)
    assert held_out_domain_logits(*wide).C >= 0.1


def test_rows_are_judged_by_classifiers_that_have_not_seen_them():
    source, target = two_gaussians(60, 60, distance=0.0, width=80)
    seen = density_ratio(source, target, source, C=1.0)
    # Equal domains: the true ratio is 1. A classifier overfits its training rows.
    assert np.log(seen).max() < 0
    held_out = np.log(density_ratio(source, target, C=1.0))
    assert held_out.shape == (60,)
    assert abs(held_out.mean()) < 1.0
    assert held_out.max() > 0


def test_clip_bounds_the_ratio():
    source, target = two_gaussians(200, 200, distance=3.0)
    free = density_ratio(source, target)
    clipped = density_ratio(source, target, clip=2.0)
    assert free.max() > 2.0
    np.testing.assert_array_equal(clipped, np.minimum(free, 2.0))


def test_sparse_features_give_the_ratio_of_dense_ones():
    rng = np.random.default_rng(0)
    source, target = rng.poisson(1.0, (80, 3)), rng.poisson(2.0, (60, 3))
    sparse = density_ratio(csr_array(source), csr_array(target), csr_array(source[:5]), C=0.1)
    dense = density_ratio(source, target, source[:5], C=0.1)
    np.testing.assert_allclose(sparse, dense, rtol=1e-3)


def test_scales_of_the_features_do_not_matter():
    source, target = two_gaussians(100, 100)
    scale = np.array([1e4, 1e-4])
    np.testing.assert_allclose(
        density_ratio(source * scale, target * scale), density_ratio(source, target), rtol=1e-3
    )


def test_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    density_ratio(*two_gaussians(30, 30))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_messages():
    source, target = two_gaussians(10, 10)
    with pytest.raises(ValueError, match="features_target has 1 features, but features_source has"):
        density_ratio(source, target[:, :1])
    with pytest.raises(
        ValueError, match=r"at least two rows of each domain. Got 10 source rows and"
    ):
        density_ratio(source, target[:1])
    with pytest.raises(ValueError, match=r"clip must be None or a number above 0\. Got 0 instead"):
        density_ratio(source, target, clip=0)
