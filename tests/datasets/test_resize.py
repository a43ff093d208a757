import numpy as np
import pytest

from skda.datasets import resize_images


def naive_resize(image, size):
    """Bilinear with antialiasing: each pixel a triangle-weighted mean around its centre."""
    n = len(image)
    scale = n / size
    support = max(scale, 1.0)
    weights = np.zeros((size, n))
    for i in range(size):
        centre = (i + 0.5) * scale
        for j in range(n):
            weights[i, j] = max(0.0, 1 - abs(j + 0.5 - centre) / support)
        weights[i] /= weights[i].sum()
    return weights @ image @ weights.T


@pytest.mark.parametrize(("before", "after"), [(28, 16), (16, 28)])
def test_equals_the_naive_sum(before, after):
    images = np.random.default_rng(0).integers(0, 256, (3, 2, before, before), dtype=np.uint8)
    original = images.copy()
    resized = resize_images(images, after)
    assert resized.dtype == np.uint8
    for image, found in zip(
        images.reshape(-1, before, before), resized.reshape(-1, after, after), strict=True
    ):
        # Half a grey level of rounding, and float32's own.
        np.testing.assert_allclose(found, naive_resize(image, after), atol=0.501)
    np.testing.assert_array_equal(images, original)


def test_more_images_than_are_resized_at_once():
    images = np.full((4100, 1, 16, 16), 3, dtype=np.uint8)
    images[4096:] = 250
    resized = resize_images(images, 28)
    assert (resized[:4096] == 3).all()
    assert (resized[4096:] == 250).all()


def test_the_right_size_is_left_alone():
    images = np.zeros((1, 1, 28, 28), dtype=np.uint8)
    assert resize_images(images, 28) is images


def test_bad_images_and_sizes():
    with pytest.raises(ValueError, match=r"images must be a uint8 array .* Got float64 of shape"):
        resize_images(np.zeros((1, 1, 28, 28)), 16)
    with pytest.raises(ValueError, match=r"Got uint8 of shape \(28, 28\) instead"):
        resize_images(np.zeros((28, 28), np.uint8), 16)
    with pytest.raises(ValueError, match=r"size must be an int in the range \[1, inf\)\. Got 0"):
        resize_images(np.zeros((1, 1, 28, 28), np.uint8), 0)
    for size in (1.5, "16", None, (16, 16)):
        with pytest.raises(ValueError, match=r"size must be an int in the range \[1, inf\)\. Got"):
            resize_images(np.zeros((1, 1, 28, 28), np.uint8), size)
    with pytest.raises(ValueError, match=r"Got uint8 of shape \(0, 1, 28, 28\) instead"):
        resize_images(np.zeros((0, 1, 28, 28), np.uint8), 16)
    with pytest.raises(TypeError, match=r"images must be a uint8 array of .* Got list instead"):
        resize_images([[[[0]]]], 16)
