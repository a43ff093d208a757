"""Other shares of the classes explain the shift, or they do not."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skda.priors import LabelShiftFit, label_shift_fit
from skda.priors import _label_shift as module

SEEDS = range(5)


def drawn(shares: list[float], n: int, rng: np.random.Generator, moved: float = 0.0) -> tuple:
    """Return class probabilities, mostly largest for the true class, and labels."""
    y = rng.choice(3, size=n, p=shares)
    logits = 2 * np.eye(3)[y] + rng.normal(size=(n, 3)) + moved * np.array([1.0, -1.0, 0.0])
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True), y


def naive(p_source: np.ndarray, y: np.ndarray, p_target: np.ndarray, q: np.ndarray) -> float:
    """Return the energy distance, relative to the target's spread, by loops."""
    S, T = np.log(p_source), np.log(p_target)
    classes = [S[y == k] for k in range(3)]

    def apart(A: np.ndarray, B: np.ndarray) -> float:
        found = [np.linalg.norm(a - b) for i, a in enumerate(A) for j, b in enumerate(B)
                 if A is not B or i != j]  # fmt: skip
        return float(np.mean(found))

    among = sum(q[i] * q[j] * apart(classes[i], classes[j]) for i in range(3) for j in range(3))
    between = sum(q[k] * apart(classes[k], T) for k in range(3))
    spread = apart(T, T)
    return (2 * between - among - spread) / spread


def test_the_distances_are_those_of_loops() -> None:
    rng = np.random.default_rng(0)
    p_source, y = drawn([0.3, 0.3, 0.4], 30, rng)
    p_target, _ = drawn([0.6, 0.3, 0.1], 20, rng, moved=0.3)
    found = label_shift_fit(p_source, y, p_target)
    shares = np.bincount(y) / len(y)
    assert found.distance == pytest.approx(naive(p_source, y, p_target, shares), abs=1e-9)
    assert found.residual == pytest.approx(naive(p_source, y, p_target, found.shares), abs=1e-9)
    for other in np.random.default_rng(1).dirichlet(np.ones(3), size=20):
        assert naive(p_source, y, p_target, other) > found.residual - 1e-6


@pytest.mark.parametrize("seed", SEEDS)
def test_other_shares_are_found_and_believed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p_source, y = drawn([1 / 3, 1 / 3, 1 / 3], 600, rng)
    p_target, y_target = drawn([0.7, 0.2, 0.1], 600, rng)
    found = label_shift_fit(p_source, y, p_target)
    assert_allclose(found.shares, np.bincount(y_target) / 600, atol=0.1)
    assert found.plausible
    assert found.distance > 0.05 > 0.01 > found.residual


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("shares", "moved"), [([1 / 3, 1 / 3, 1 / 3], 0.0), ([0.7, 0.2, 0.1], 1.5)]
)
def test_equal_shares_and_moved_rows_are_not_believed(
    shares: list[float], moved: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    p_source, y = drawn([1 / 3, 1 / 3, 1 / 3], 600, rng)
    p_target, _ = drawn(shares, 600, rng, moved)
    assert not label_shift_fit(p_source, y, p_target).plausible


def test_a_target_of_one_class_is_not_believed() -> None:
    """An offset of a sensor makes all rows look like one class."""
    rng = np.random.default_rng(0)
    p_source, y = drawn([1 / 3, 1 / 3, 1 / 3], 600, rng)
    found = label_shift_fit(p_source, y, p_source[y == 0])
    assert found.residual <= 0.01
    assert found.shares[0] > 0.97
    assert not found.plausible


def test_of_many_rows_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    p_source, y = drawn([0.5, 0.499, 0.001], 5000, rng)
    y[:3] = 2  # the rare class keeps some rows
    p_target, _ = drawn([0.2, 0.799, 0.001], 5000, rng)
    found = label_shift_fit(p_source, y, p_target)
    monkeypatch.setattr(module, "MAX_ROWS", 10_000)
    of_all = label_shift_fit(p_source, y, p_target)
    assert_allclose(found.shares, of_all.shares, atol=0.06)
    assert found.plausible
    assert label_shift_fit(p_source, y, p_target).residual == of_all.residual  # no global seed


def test_labels_may_be_strings_and_equal_target_rows_have_no_spread() -> None:
    source = [[0.9, 0.1], [0.8, 0.2], [0.2, 0.8]]
    found = label_shift_fit(source, ["b", "b", "a"], [[0.85, 0.15]] * 3, classes=["b", "a"])
    assert isinstance(found, LabelShiftFit)
    assert found.shares[0] == pytest.approx(1.0)
    assert np.isfinite(found.distance)
    assert not found.plausible


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([[0.5, 0.5]], [0, 1], [[0.5, 0.5]]), "y_source"),
        (([[0.5, 0.5]] * 2, [0, 0], [[0.5, 0.5]]), "y_source"),
        (([[0.5, 0.5]] * 2, [0, 1], [[0.2, 0.3, 0.5]]), "probabilities_target has 3 columns"),
        (([[2.0, 0.5]] * 2, [0, 1], [[0.5, 0.5]]), "probabilities_source"),
    ],
)
def test_bad_arrays_are_named(arrays: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        label_shift_fit(*arrays)
