"""Digits on photographs are |digit - patch| for patches of the photographs."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_sample_images

from skda.datasets import make_digits_on_photos, make_scanned_digits
from skda.datasets._photos import draw_patches


@pytest.fixture(scope="module")
def photos():
    return [photo / 255 for photo in load_sample_images().images]


def find_patch(target, digit, photos):
    """Find the patch by the pixels without ink, which are equal to those of the photograph."""
    blank = np.argwhere(digit == 0)
    found = []
    for number, photo in enumerate(photos):
        height, width = photo.shape[0] - 15, photo.shape[1] - 15
        places = np.indices((height, width)).reshape(2, -1).T
        for pixel in blank:
            colours = photo[tuple((places + pixel).T)]
            places = places[np.abs(colours - target[:, *pixel]).max(axis=1) < 1e-6]
        found += [(number, *place) for place in places.tolist()]
    return found


@pytest.mark.parametrize("part", ["target", "target_test"])
def test_target_is_digit_minus_patch(part, photos):
    data = make_digits_on_photos(random_state=0)
    digits = make_scanned_digits(severity=0, random_state=0)
    assert_array_equal(data[f"rows_{part}"], digits[f"rows_{part}"])
    used = set()
    for i in range(8):
        target, digit = data[f"X_{part}"][i], digits[f"X_{part}"][i, 0]
        places = find_patch(target, digit, photos)
        assert places, f"row {i} holds no patch of a photograph"
        # patches of clear sky may fit in several equal places
        number, row, column = places[0]
        patch = photos[number][row : row + 16, column : column + 16].transpose(2, 0, 1)
        assert_allclose(target, np.abs(digit - patch), atol=1e-6)
        used.add(places[0])
    assert len({number for number, _, _ in used}) == 2
    assert len(used) == 8


def test_patches_come_from_everywhere():
    patches = draw_patches(4000, np.random.RandomState(0))
    assert patches.shape == (4000, 3, 16, 16)
    photos = np.stack(load_sample_images().images) / 255
    # inner pixels are in 256 windows each; the border, in fewer, is a small part of the whole
    assert_allclose(
        patches.mean(axis=(0, 2, 3)), photos[:, 8:-8, 8:-8].mean(axis=(0, 1, 2)), atol=0.015
    )


def test_source_channels_are_equal():
    X_source = make_digits_on_photos(random_state=0).X_source
    assert_array_equal(X_source[:, 0], X_source[:, 1])
    assert_array_equal(X_source[:, 0], X_source[:, 2])
    assert X_source.max() == 1


def test_target_is_in_colour():
    data = make_digits_on_photos(random_state=0)
    assert data.feature_names.tolist() == ["red", "green", "blue"]
    assert np.ptp(data.X_target, axis=1).mean() > 0.1


def test_without_pillow_the_error_says_what_to_install(monkeypatch):
    # None in sys.modules makes the import fail
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"Python Imaging Library \(PIL\) is required"):
        make_digits_on_photos(random_state=0)
