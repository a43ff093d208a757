"""The two digit data sets: which digits go where, and what both have in common."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skda.datasets import make_digits_on_photos, make_scanned_digits
from skda.datasets._digits import split_digits

PARTS = ("source", "target", "target_test")
EITHER = pytest.mark.parametrize(
    "make", [make_scanned_digits, make_digits_on_photos], ids=["scanned", "photos"]
)
WITH_CHANNELS = pytest.mark.parametrize(
    ("make", "n_channels"),
    [(make_scanned_digits, 1), (make_digits_on_photos, 3)],
    ids=["scanned", "photos"],
)


def enlarge_naively(image):
    """Double the side of an image: the centre of a new pixel is 1/4 from that of an old one."""
    height, width = image.shape
    out = np.empty((2 * height, 2 * width))
    for row in range(2 * height):
        for column in range(2 * width):
            y = np.clip((row + 0.5) / 2 - 0.5, 0, height - 1)
            x = np.clip((column + 0.5) / 2 - 0.5, 0, width - 1)
            top, left = int(y), int(x)
            down, right = min(top + 1, height - 1), min(left + 1, width - 1)
            b, a = y - top, x - left
            out[row, column] = (
                (1 - b) * (1 - a) * image[top, left]
                + (1 - b) * a * image[top, right]
                + b * (1 - a) * image[down, left]
                + b * a * image[down, right]
            )
    return out


@WITH_CHANNELS
def test_shapes_types_and_range(make, n_channels):
    data = make(random_state=0)
    for part, n_rows in zip(PARTS, (900, 600, 297), strict=True):
        X, y = data[f"X_{part}"], data[f"y_{part}"]
        assert (X.shape, X.dtype) == ((n_rows, n_channels, 16, 16), np.float32)
        assert (y.shape, y.dtype) == ((n_rows,), np.int64)
        assert X.min() >= 0
        assert X.max() <= 1
    assert data.target_names.tolist() == list("0123456789")
    assert len(data.feature_names) == n_channels


@EITHER
def test_every_bundled_digit_is_in_exactly_one_part_and_has_its_label(make):
    data = make(random_state=1)
    rows = [data[f"rows_{part}"] for part in PARTS]
    np.testing.assert_array_equal(np.sort(np.concatenate(rows)), np.arange(1797))
    labels = load_digits().target
    for part, index in zip(PARTS, rows, strict=True):
        np.testing.assert_array_equal(data[f"y_{part}"], labels[index])
    images = [{image.tobytes() for image in load_digits().images[index]} for index in rows]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert images[i].isdisjoint(images[j])


@WITH_CHANNELS
def test_source_images_are_the_enlarged_digits(make, n_channels):
    data = make(random_state=2)
    originals = load_digits().images / 16
    for i in (0, 1, 450, 899):
        expected = enlarge_naively(originals[data.rows_source[i]])
        for channel in range(n_channels):
            np.testing.assert_allclose(data.X_source[i, channel], expected, atol=1e-6)


@EITHER
def test_parts_have_the_classes_in_the_same_proportion(make):
    data = make(random_state=3)
    overall = np.bincount(load_digits().target) / 1797
    for part in PARTS:
        counts = np.bincount(data[f"y_{part}"], minlength=10)
        assert np.abs(counts - overall * counts.sum()).max() <= 1


@pytest.mark.parametrize("sizes", [(10, 10), (10, 1777), (1777, 10), (893, 894)])
def test_the_smallest_parts_hold_every_digit(sizes):
    split = split_digits(*sizes, np.random.RandomState(0))
    n_test = 1797 - sum(sizes)
    assert [len(split.source.y), len(split.target.y), len(split.target_test.y)] == [*sizes, n_test]
    for part in (split.source, split.target):
        assert set(part.y) == set(range(10))


@EITHER
def test_too_many_digits(make):
    message = (
        f"The 'n_source' and 'n_target' parameters of {make.__name__} must add up to at most 1787, "
        "so that 10 of the 1797 bundled digits are left to test on. Got 1000 + 788 = 1788 instead. "
        "Lower one of them."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make(1000, 788)


@EITHER
@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("n_source", 9, "an int in the range [10, inf). Got 9 instead."),
        ("n_target", 0, "an int in the range [10, inf). Got 0 instead."),
        ("n_target", 20.5, "an int in the range [10, inf). Got 20.5 instead."),
        ("return_X_y", "yes", "an instance of 'bool'"),
    ],
)
def test_a_wrong_parameter_is_named(make, parameter, value, allowed):
    message = f"The '{parameter}' parameter of {make.__name__} must be {allowed}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        make(**{parameter: value})
