"""Labels, priors, weights and costs that do not fit, and tensors without values."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from skda import losses
from skda.losses import (
    deepjdot,
    domain_bce,
    entropy_weights,
    gaussian_kernel_mean,
    jdot_cost,
    mcc,
    optimal_coupling,
    pooled_domain_bce,
    randomized_map,
    wasserstein_critic,
)

FEATURES, OTHER = torch.randn(5, 3), torch.randn(4, 3)
LABELS, LOGITS = torch.tensor([0, 1, 2, 0, 1]), torch.randn(4, 3)


def message(error: str) -> str:
    return rf"^{re.escape(error)}"


@pytest.mark.parametrize(
    ("priors", "error"),
    [
        (torch.ones(2), "in shape (3,). Got shape (2,) instead."),
        (torch.ones(4, 1), "in shape (3,). Got shape (4, 1) instead."),
        (torch.tensor(1.0), "in shape (3,). Got shape () instead."),
    ],
)
def test_priors_are_one_a_class(priors, error):
    expected = f"The 'priors' parameter of mcc must hold one weight a class, {error}"
    with pytest.raises(ValueError, match=message(expected)):
        mcc(LOGITS, priors=priors)


def test_priors_of_one_model_and_of_each():
    two, priors = torch.stack([LOGITS, -LOGITS]), torch.tensor([0.2, 0.3, 0.5])
    of_both = mcc(two, priors=torch.stack([priors, priors]))
    assert torch.equal(mcc(two, priors=priors), of_both)
    with pytest.raises(ValueError, match=r"in shape \(3,\) or \(2, 3\)\. Got shape \(1, 3\)"):
        mcc(two, priors=priors[None])
    with pytest.raises(TypeError, match=r"'priors' parameter of mcc must be a tensor\. Got list"):
        mcc(LOGITS, priors=[0.2, 0.3, 0.5])


@pytest.mark.parametrize("loss", [jdot_cost, deepjdot])
def test_labels_are_class_indices(loss):
    for labels in (LABELS.float(), LABELS.bool(), LABELS.to(torch.uint8)):
        expected = (
            "The 'y_source' parameter of jdot_cost must be an int64 tensor of class indices. Got "
            f"a {labels.dtype} tensor instead: y_source.long() makes one."
        )
        with pytest.raises(ValueError, match=message(expected)):
            loss(FEATURES, OTHER, labels, LOGITS)
    for labels, found in ((LABELS + 9, 9), (LABELS - 1, -1)):
        expected = (
            "The 'y_source' parameter of jdot_cost must hold class indices from 0 to 2, the "
            f"columns of target_logits: index {found} is out of bounds"
        )
        with pytest.raises(ValueError, match=message(expected)):
            loss(FEATURES, OTHER, labels, LOGITS)
    with pytest.raises(TypeError, match=r"'y_source' parameter .* an int64 tensor\. Got list"):
        loss(FEATURES, OTHER, LABELS.tolist(), LOGITS)
    with pytest.raises(TypeError, match=r"'source_features' parameter of jdot_cost .* Got list"):
        loss(FEATURES.tolist(), OTHER, LABELS, LOGITS)
    assert torch.equal(
        loss(FEATURES, OTHER, LABELS, LOGITS), loss(FEATURES, OTHER, LABELS.int(), LOGITS)
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_coupling_of_costs_that_are_not_finite_is_nan(value):
    costs = torch.rand(2, 3, 4)
    costs[1, 0, 0] = value
    plans = optimal_coupling(costs)
    assert torch.equal(plans[0], optimal_coupling(costs[0]))
    assert plans[1].isnan().all()
    assert optimal_coupling(costs[1]).isnan().all()


ONE_A_ROW = {
    "domain_bce": lambda rows: domain_bce(rows, torch.zeros(2)),
    "pooled_domain_bce": lambda rows: pooled_domain_bce(rows, 1),
    "wasserstein_critic": lambda rows: wasserstein_critic(rows, torch.zeros(2)),
}


@pytest.mark.parametrize("name", ONE_A_ROW)
def test_logits_and_scores_are_float_tensors(name):
    for rows in ([0.0, 1.0], np.zeros(2), None):
        with pytest.raises(TypeError, match=rf"parameter of {name} must be a float tensor\. Got"):
            ONE_A_ROW[name](rows)
    with pytest.raises(ValueError, match=rf"of {name} must be a float .* of torch.int64 instead"):
        ONE_A_ROW[name](torch.arange(2))


def test_weights_of_rows_are_tensors():
    zeros = torch.zeros(3)
    with pytest.raises(TypeError, match="'source_weights' parameter of domain_bce must be a tens"):
        domain_bce(zeros, zeros, source_weights=[1.0, 1.0, 1.0])
    with pytest.raises(TypeError, match="'weights' parameter of pooled_domain_bce must be a tens"):
        pooled_domain_bce(zeros, 1, np.ones(3))
    with pytest.raises(TypeError, match="'logits' parameter of entropy_weights must be a float"):
        entropy_weights([[0.0, 1.0]])
    with pytest.raises(TypeError, match="'distances' parameter of gaussian_kernel_mean must be a"):
        gaussian_kernel_mean([0.0], 1.0)
    matrix = torch.ones(3, 2)
    with pytest.raises(ValueError, match="'features_matrix' parameter of randomized_map must be"):
        randomized_map(FEATURES, FEATURES.softmax(1), matrix.long(), matrix)
    with pytest.raises(ValueError, match=r"must have shapes \(3, D\) and \(3, D\)\. Got \(\) and"):
        randomized_map(FEATURES, FEATURES.softmax(1), torch.tensor(1.0), matrix)


def test_a_mean_without_any_weight_is_not_defined():
    zeros = torch.zeros(3)
    assert domain_bce(zeros, zeros, source_weights=zeros).isnan()
    assert domain_bce(zeros, zeros, target_weights=zeros).isnan()
    assert pooled_domain_bce(zeros, 1, torch.tensor([0.0, 1.0, 1.0])).isnan()
    some = domain_bce(zeros, zeros, source_weights=torch.tensor([0.0, 0.0, 1.0]))
    torch.testing.assert_close(some, torch.tensor(2 * math.log(2)))


@pytest.mark.parametrize(
    "loss",
    [
        lambda s, t: losses.coral(s, t),
        lambda s, t: losses.mk_mmd2(s, t),
        lambda s, t: losses.linear_mmd2(s, t),
        lambda s, t: losses.jmmd2([s], [t], n_kernels=[5], bandwidths=[None]),
        lambda s, t: losses.moment_distance([s], t),
        lambda _, t: losses.entropy(t),
        lambda _, t: losses.mcc(t),
        lambda _, t: losses.nuclear_norm(t),
        lambda s, _: losses.mdd(s, s, s, s),
        lambda s, t: losses.domain_bce(s[:, :1], t[:, :1]),
        lambda s, t: losses.jdot_cost(s, t, torch.zeros(5, dtype=int, device="meta"), t),
    ],
)
def test_tensors_without_values_have_a_loss_without_a_value(loss):
    assert loss(FEATURES.to("meta"), OTHER.to("meta")).device.type == "meta"
