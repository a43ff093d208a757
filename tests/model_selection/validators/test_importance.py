import numpy as np
import pytest
from sklearn.exceptions import DataConversionWarning

from skda.model_selection import (
    deep_embedded_validation,
    importance_weighted_accuracy,
    row_losses,
    source_accuracy,
)

Y = np.array(["a", "b", "a", "b"])
PREDICTED = np.array(["a", "b", "b", "a"])
WEIGHTS = np.array([0.5, 2.0, 1.0, 0.5])


def test_source_accuracy_counts_hits():
    assert source_accuracy(Y, PREDICTED) == 0.5


def test_iwv_is_the_weighted_mean_by_hand():
    # Hits weigh .5 + 2, all rows weigh 4.
    assert importance_weighted_accuracy(Y, PREDICTED, WEIGHTS) == 2.5 / 4.0
    assert importance_weighted_accuracy(Y, PREDICTED, 10 * WEIGHTS) == 2.5 / 4.0
    # The paper: 1 - (1 + .5) / 4 rows; the scale of the weights counts.
    assert importance_weighted_accuracy(Y, PREDICTED, WEIGHTS, normalize=False) == 1 - 1.5 / 4
    assert importance_weighted_accuracy(Y, PREDICTED, 10 * WEIGHTS, normalize=False) == 1 - 15 / 4


def test_iwv_of_equal_weights_is_source_accuracy():
    assert importance_weighted_accuracy(Y, PREDICTED, np.ones(4)) == source_accuracy(Y, PREDICTED)


@pytest.mark.parametrize("seed", range(5))
def test_iwv_with_the_true_ratio_estimates_target_accuracy(seed):
    rng = np.random.default_rng(seed)
    # Source N(0, 1), target N(1, 1), label x > 0; the rule x > .5 errs for x in (0, .5].
    source = rng.normal(size=20_000)
    weights = np.exp(source - 0.5)
    estimate = importance_weighted_accuracy(source > 0, source > 0.5, weights)
    target = rng.normal(1.0, 1.0, size=20_000)
    assert abs(estimate - source_accuracy(target > 0, target > 0.5)) < 0.015


def naive_dev(losses, weights):
    n = len(losses)
    weighted = [loss * weight for loss, weight in zip(losses, weights, strict=True)]
    mean_l, mean_w = sum(weighted) / n, sum(weights) / n
    covariance = variance = 0.0
    for one, weight in zip(weighted, weights, strict=True):
        covariance += (one - mean_l) * (weight - mean_w) / (n - 1)
        variance += (weight - mean_w) ** 2 / (n - 1)
    eta = -covariance / variance
    return -(mean_l + eta * mean_w - eta)


@pytest.mark.parametrize("seed", range(5))
def test_dev_equals_its_formula(seed):
    rng = np.random.default_rng(seed)
    losses, weights = rng.exponential(size=30), rng.exponential(size=30)
    expected = naive_dev(losses.tolist(), weights.tolist())
    assert deep_embedded_validation(losses, weights) == pytest.approx(expected, rel=1e-12)


def test_dev_takes_the_variance_off_that_the_weights_explain():
    # A constant loss of 1 has risk 1, whatever the draw of the weights; plain weighting gives their
    # mean.
    weights = np.array([0.2, 3.0, 1.0])
    assert deep_embedded_validation(np.ones(3), weights) == pytest.approx(-1.0)


def test_dev_of_equal_weights_is_the_mean_loss():
    assert deep_embedded_validation([1.0, 0.0, 0.5], np.ones(3)) == -0.5
    assert deep_embedded_validation([0.5], [2.0]) == -1.0


@pytest.mark.parametrize("shape", [(4, 1), (1, 4)])
def test_columns_never_broadcast(shape):
    with pytest.raises(ValueError, match=r"weights must have shape \(n_rows,\)"):
        importance_weighted_accuracy(Y, PREDICTED, WEIGHTS.reshape(shape))
    with pytest.raises(ValueError, match=r"predictions_source must hold one label a row"):
        importance_weighted_accuracy(Y, PREDICTED.reshape(1, 4), WEIGHTS)
    with pytest.warns(DataConversionWarning, match="column-vector"):
        column = importance_weighted_accuracy(Y.reshape(4, 1), PREDICTED, WEIGHTS)
    assert column == importance_weighted_accuracy(Y, PREDICTED, WEIGHTS)
    with pytest.raises(ValueError, match=r"weights must have shape \(n_rows,\)"):
        deep_embedded_validation(np.ones(4), WEIGHTS.reshape(shape))
    with pytest.raises(ValueError, match=r"losses must have shape \(n_rows,\)"):
        deep_embedded_validation(np.ones(shape), WEIGHTS)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="y_source has 4, predictions_source has 4, weights has 3"):
        importance_weighted_accuracy(Y, PREDICTED, WEIGHTS[:3])
    with pytest.raises(ValueError, match="losses has 2, weights has 4"):
        deep_embedded_validation(np.ones(2), WEIGHTS)


def test_no_weight_at_all_is_refused():
    with pytest.raises(ValueError, match="weights must not all be 0"):
        importance_weighted_accuracy(Y, PREDICTED, np.zeros(4))


def test_row_losses():
    proba = [[0.75, 0.25], [0.75, 0.25], [0.0, 1.0]]
    y, classes = ["a", "b", "a"], ["a", "b"]
    np.testing.assert_array_equal(row_losses(y, proba, classes), [0.0, 1.0, 1.0])
    smallest = np.finfo(np.float32).eps
    np.testing.assert_allclose(
        row_losses(y, proba, classes, "log"), -np.log([0.75, 0.25, smallest]), rtol=1e-12
    )


def test_row_losses_messages():
    with pytest.raises(ValueError, match=r"loss must be 'zero_one' or 'log'. Got 'hinge' instead"):
        row_losses(["a"], [[1.0]], ["a"], "hinge")
    with pytest.raises(ValueError, match=r"labels that the model does not know: \['c'\]"):
        row_losses(["c", "a"], [[0.5, 0.5], [0.5, 0.5]], ["a", "b"], "log")
    with pytest.raises(ValueError, match="classes has 3, columns_of_proba has 2"):
        row_losses(["a"], [[0.5, 0.5]], ["a", "b", "c"])
