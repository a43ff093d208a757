import math

import numpy as np
import pytest

from skda.model_selection import (
    information_maximization,
    negative_entropy,
    nuclear_norm_score,
    soft_neighborhood_density,
)
from skda.model_selection.validators import confidence

PROBA = np.random.default_rng(0).dirichlet(np.ones(3), size=7)


def naive_entropy(row):
    return -sum(p * math.log(p) for p in row if p > 0)


def test_negative_entropy_equals_its_formula():
    expected = -sum(naive_entropy(row) for row in PROBA) / 7
    assert negative_entropy(PROBA) == pytest.approx(expected, rel=1e-12)
    assert negative_entropy(np.eye(3)) == 0.0
    assert negative_entropy(np.full((2, 4), 0.25)) == pytest.approx(-math.log(4))


def test_information_maximization_equals_its_formula():
    mean = [sum(row[k] for row in PROBA) / 7 for k in range(3)]
    expected = naive_entropy(mean) - sum(naive_entropy(row) for row in PROBA) / 7
    assert information_maximization(PROBA) == pytest.approx(expected, rel=1e-12)
    assert information_maximization(np.eye(3)) == pytest.approx(math.log(3))
    assert information_maximization(np.full((5, 3), 1 / 3)) == pytest.approx(0.0, abs=1e-12)
    assert information_maximization([[1.0, 0.0]] * 4) == 0.0


def naive_snd(proba, temperature):
    total = 0.0
    for i, row in enumerate(proba):
        exponents = [
            math.exp(row @ other / np.linalg.norm(row) / np.linalg.norm(other) / temperature)
            for j, other in enumerate(proba)
            if j != i
        ]
        total += naive_entropy([one / sum(exponents) for one in exponents])
    return total / len(proba)


@pytest.mark.parametrize("temperature", [0.05, 1.0])
@pytest.mark.parametrize("batch_rows", [2, 7, 1024])
def test_soft_neighborhood_density_equals_its_formula(monkeypatch, batch_rows, temperature):
    monkeypatch.setattr(confidence, "BATCH_ROWS", batch_rows)
    score = soft_neighborhood_density(PROBA, temperature=temperature)
    assert score == pytest.approx(naive_snd(PROBA, temperature), rel=1e-10)


def test_soft_neighborhood_density_prefers_dense_neighbourhoods():
    clustered = np.repeat(np.eye(3), 10, axis=0)
    assert soft_neighborhood_density(clustered) == pytest.approx(math.log(9), rel=1e-6)
    scattered = np.random.default_rng(0).dirichlet(np.ones(3), size=30)
    assert soft_neighborhood_density(scattered) < 0.9 * math.log(29)


def test_nuclear_norm_equals_its_formula():
    eigenvalues = np.linalg.eigvalsh(PROBA.T @ PROBA)
    expected = np.sqrt(eigenvalues).sum() / math.sqrt(7 * 3)
    assert nuclear_norm_score(PROBA) == pytest.approx(expected, rel=1e-10)
    assert nuclear_norm_score(np.repeat(np.eye(3), 5, axis=0)) == pytest.approx(1.0)
    assert nuclear_norm_score([[1.0, 0.0, 0.0]] * 9) == pytest.approx(1 / math.sqrt(3))
    # Twice the rows, the same score: folds of different sizes can be averaged.
    assert nuclear_norm_score(np.vstack([PROBA, PROBA])) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    "validator",
    [negative_entropy, information_maximization, soft_neighborhood_density, nuclear_norm_score],
)
def test_logits_are_refused(validator):
    with pytest.raises(ValueError, match="proba_target must hold class probabilities"):
        validator([[2.0, -1.0], [0.0, 3.0]])


def test_soft_neighborhood_density_messages():
    with pytest.raises(ValueError, match=r"temperature must be a number above 0. Got 0 instead"):
        soft_neighborhood_density(PROBA, temperature=0)
    with pytest.raises(ValueError, match="needs at least two target rows"):
        soft_neighborhood_density(PROBA[:1])
