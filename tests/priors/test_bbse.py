"""Shares from the confusion matrix."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize

from skda.priors import bbse_priors, confusion_matrix_of_shares
from tests.priors.shares import draw, sharpened


def naive_matrix(proba, y, classes):
    n = len(classes)
    matrix = [[0.0] * n for _ in range(n)]
    for j, label in enumerate(classes):
        rows = [row for row, other in zip(proba, y, strict=True) if other == label]
        for i in range(n):
            matrix[i][j] = sum(row[i] for row in rows) / len(rows)
    return matrix


def test_matrix_equals_a_loop():
    y, proba = draw(50, [0.2, 0.5, 0.3], np.random.default_rng(0))
    names = np.array(["x", "a", "m"])
    found = confusion_matrix_of_shares(proba, names[y], classes=names)
    assert_allclose(found, naive_matrix(proba, y, range(3)), rtol=1e-12)
    assert_allclose(found.sum(axis=0), 1, rtol=1e-12)
    # without classes, the columns are those of the sorted labels
    order = np.argsort(names)
    assert_allclose(
        confusion_matrix_of_shares(proba[:, order], names[y]), found[np.ix_(order, order)]
    )


def test_two_classes_have_a_closed_form():
    rng = np.random.default_rng(1)
    (y, source), (_, target) = draw(60, [0.6, 0.4], rng), draw(40, [0.3, 0.7], rng)
    m = naive_matrix(source, y, range(2))
    expected = (target[:, 0].mean() - m[0][1]) / (m[0][0] - m[0][1])
    assert_allclose(bbse_priors(source, y, target, ridge=0)[0], expected, rtol=1e-9)


@pytest.mark.parametrize("ridge", [0.0, 1e-3, 1.0])
@pytest.mark.parametrize("shares", [[0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 0.5, 0.5]])
def test_solution_is_that_of_a_general_optimiser(ridge, shares):
    rng = np.random.default_rng(2)
    y, source = draw(80, [0.4, 0.3, 0.2, 0.1], rng, distance=1.0)
    _, target = draw(60, shares, rng, distance=1.0)
    matrix, mean = np.array(naive_matrix(source, y, range(4))), target.mean(axis=0)
    prior = np.bincount(y, minlength=4) / len(y)

    def objective(q):
        return 1e4 * (((matrix @ q - mean) ** 2).sum() + ridge * ((q - prior) ** 2).sum())

    q = minimize(objective, prior, bounds=[(0, None)] * 4, tol=1e-12).x
    found = bbse_priors(source, y, target, ridge=ridge)
    assert_allclose(found, q / q.sum(), atol=1e-3)
    assert found.min() >= 0
    assert_allclose(found.sum(), 1, rtol=1e-12)


def test_target_made_of_the_source_rows_gives_its_shares_exactly():
    y, source = draw(90, [0.3, 0.3, 0.4], np.random.default_rng(3))
    rows = np.repeat(np.arange(len(y)), np.array([3, 0, 1])[y])
    expected = np.array([3, 0, 1]) * np.bincount(y)
    for power in (1.0, 5.0):  # calibrated or not
        wrong = sharpened(source, power)
        found = bbse_priors(wrong, y, wrong[rows], ridge=0)
        assert_allclose(found, expected / expected.sum(), atol=1e-9)
    assert_allclose(bbse_priors(source, y, source), np.bincount(y) / len(y), atol=1e-9)


def test_where_the_classifier_knows_nothing_the_ridge_keeps_the_shares_of_the_source():
    constant = np.full((10, 2), 0.5)
    y = np.array([0] * 3 + [1] * 7)
    assert_allclose(bbse_priors(constant, y, constant), [0.3, 0.7], atol=1e-6)


def test_a_class_that_is_never_predicted():
    source = np.array([[0.9, 0.1, 0], [0.1, 0.9, 0], [0.5, 0.5, 0]])
    found = bbse_priors(source, [0, 1, 2], [[0.9, 0.1, 0]])
    assert_allclose(found, [1, 0, 0], atol=0.01)
    assert np.isfinite(found).all()


def test_one_target_row():
    assert_array_equal(bbse_priors(np.eye(2), [0, 1], [[1.0, 0.0]], ridge=0), [1, 0])


SURE = np.eye(2)[[0, 1, 1]]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((2 * SURE, [0, 1, 1], SURE), {}, "probabilities_source must hold class probabilities"),
        ((SURE, [0, 1, 1], SURE - 1), {}, "probabilities_target must hold class probabilities"),
        ((SURE, [0, 1], SURE), {}, "y_source has 2, probabilities_source has 3"),
        ((SURE, [0, 0, 0], SURE), {}, "has 2 columns, but y_source has 1 classes. Pass the label"),
        ((SURE, [0, 1, 1], SURE), {"classes": [0, 1, 2]}, "but 'classes' has 3 labels"),
        ((SURE, [0, 1, 5], SURE), {"classes": [0, 1]}, r"not in 'classes': \[5\]"),
        ((SURE, [0, 0, 0], SURE), {"classes": [0, 1]}, r"has none of the classes in columns \[1\]"),
        ((SURE, [0, 1, 1], np.eye(3)), {}, "probabilities_target has 3 columns, but probabilities"),
        ((SURE, [0, 1, 1], SURE), {"ridge": -1}, "ridge must be a float in the range .* Got -1"),
        ((SURE, [0, 1, 1], SURE[:0]), {}, "0 sample"),
    ],
)
def test_messages(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        bbse_priors(*arguments, **options)
