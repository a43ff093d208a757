"""What the scanner does to the digits."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skda.datasets import make_scanned_digits
from skda.datasets._digits import split_digits
from skda.datasets._scanned import scan


def blank(n_samples=400):
    return np.zeros((n_samples, 16, 16))


def orientation(image):
    """Clockwise angle of the principal axis of the ink from the upright, in degrees."""
    rows, columns = np.mgrid[:16, :16] - 7.5
    moments = np.cov(np.stack([columns.ravel(), -rows.ravel()]), aweights=image.ravel(), ddof=0)
    right, up = np.linalg.eigh(moments)[1][:, -1]
    return np.rad2deg(np.arctan(right / up))


def test_severity_zero_is_the_clean_digits():
    data = make_scanned_digits(severity=0, random_state=0)
    split = split_digits(900, 600, np.random.RandomState(0))
    assert_array_equal(data.X_target[:, 0], split.target.X.astype(np.float32))
    assert_array_equal(data.X_target_test[:, 0], split.target_test.X.astype(np.float32))


def test_severity_changes_nothing_but_the_target_images():
    clean = make_scanned_digits(severity=0, random_state=0)
    scanned = make_scanned_digits(severity=1, random_state=0)
    for key in ("X_source", "y_source", "y_target", "y_target_test", "rows_target"):
        assert_array_equal(clean[key], scanned[key])


def test_distance_from_the_clean_digits_grows_with_severity():
    clean, mild, medium, full = (
        make_scanned_digits(severity=severity, random_state=0).X_target
        for severity in (0, 0.3, 0.6, 1)
    )
    distances = [np.abs(scanned - clean).mean() for scanned in (mild, medium, full)]
    assert 0.05 < distances[0] < distances[1] < distances[2]


def test_paper_is_a_grey_plane_with_noise_of_known_size():
    paper = scan(blank(), 1, np.random.RandomState(0))
    down, right = np.mgrid[-1:1:16j, -1:1:16j]
    design = np.stack([np.ones(256), down.ravel(), right.ravel()], axis=1)
    coefficients, squares = np.linalg.lstsq(design, paper.reshape(400, 256).T, rcond=None)[:2]
    assert_allclose(coefficients[0].mean(), 0.3, atol=0.002)
    assert_allclose(np.hypot(coefficients[1], coefficients[2]).mean(), 0.2, atol=0.003)
    # clipping at 0 removes a little of the noise
    assert_allclose(np.sqrt(squares.sum() / 400 / 253), 0.04, atol=0.001)
    directions = np.sign(coefficients[1:]).T
    assert len(np.unique(directions, axis=0)) == 4


def test_ink_has_the_lower_contrast():
    rng = np.random.RandomState
    strokes = blank()
    strokes[:, 4:12, 4:12] = 1
    darker = scan(strokes, 1, rng(0)) - scan(blank(), 1, rng(0))
    # within the block, away from the darker side of the paper, which saturates
    assert_allclose(np.median(darker[:, 6:10, 6:10]), 0.55, atol=1e-12)
    assert_allclose(np.median(darker[:, 0, :]), 0, atol=1e-12)


def test_strokes_are_turned_clockwise_by_fifteen_degrees():
    stroke = blank()
    stroke[:, 2:14, 7:9] = 1
    rng = np.random.RandomState
    turned = scan(stroke, 1, rng(0)) - scan(blank(), 1, rng(0))
    angles = np.array([orientation(image.clip(0)) for image in turned])
    assert orientation(stroke[0]) == pytest.approx(0)
    assert angles.mean() == pytest.approx(15, abs=1)
    assert angles.std() == pytest.approx(3, abs=0.5)


def test_strokes_are_thicker():
    stroke = blank(1)
    stroke[:, 2:14, 7:9] = 1
    rng = np.random.RandomState
    scanned = scan(stroke, 1, rng(0)) - scan(blank(1), 1, rng(0))
    # half of what a 2 x 2 dilation adds to a stroke of 12 x 2 pixels, at a contrast of .55
    assert scanned.sum() / 0.55 == pytest.approx(24 + (13 * 3 - 24) / 2, rel=0.1)


def test_input_is_not_modified():
    ink = np.random.RandomState(0).uniform(size=(5, 16, 16))
    before = ink.copy()
    ink.setflags(write=False)
    scan(ink, 1, np.random.RandomState(0))
    assert_array_equal(ink, before)


@pytest.mark.parametrize("severity", [-0.1, 1.5, np.nan, "strong"])
def test_wrong_severity(severity):
    message = (
        "The 'severity' parameter of make_scanned_digits must be a float in the range [0.0, 1.0]. "
        f"Got {severity!r} instead."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make_scanned_digits(severity=severity)
