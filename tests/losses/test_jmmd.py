import math
import re

import pytest
import torch

from skda.losses import JAN_SOFTMAX_BANDWIDTH, JMMDLoss, jmmd2, mk_mmd2
from tests.losses import naive


def layers(n_source=5, n_target=4):
    features = naive.samples(n_source, n_target, 3)
    logits = naive.samples(n_source, n_target, 2, seed=1)
    return features, logits


def as_layers(function, **options):
    """A function of four tensors, for the comparison with its gradient."""

    def flat(source, target, source_logits, target_logits):
        return function(
            [source, source_logits.softmax(1)], [target, target_logits.softmax(1)], **options
        )

    return flat


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"n_kernels": (5, 1), "spacing": 2.0, "bandwidths": (None, JAN_SOFTMAX_BANDWIDTH)},
        {"n_kernels": (2, 3), "spacing": 1.5, "bandwidths": (4.0, None)},
    ],
)
def test_quadratic_estimate_equals_the_double_loop(unbiased, options):
    (source, target), (source_logits, target_logits) = layers()
    naive.assert_same_with_gradient(
        as_layers(jmmd2, unbiased=unbiased, **options),
        as_layers(naive.jmmd2, unbiased=unbiased, **options),
        source,
        target,
        source_logits,
        target_logits,
    )


def test_linear_time_estimate_equals_the_loop():
    (source, target), (source_logits, target_logits) = layers(6, 5)

    def loop(source_layers, target_layers):
        tuples = [
            list(zip(*naive.quad_tuples(s, t), strict=True))
            for s, t in zip(source_layers, target_layers, strict=True)
        ]
        total = 0
        for i in range(2):
            pairs = [naive.quad_pairs(*(row[i] for row in layer)) for layer in tuples]
            for (sign, a, b), (_, c, e) in zip(*pairs, strict=True):
                features = naive.gaussian_mixture(naive.squared_distance(a, b), 3.0, 5, 2.0)
                softmax = naive.gaussian_mixture(naive.squared_distance(c, e), 1.1, 1, 2.0)
                total = total + sign * features * softmax
        return total / 2

    naive.assert_same_with_gradient(
        as_layers(jmmd2, estimator="linear", bandwidths=(3.0, 1.1)),
        as_layers(loop),
        source,
        target,
        source_logits,
        target_logits,
    )


def test_one_layer_is_the_mk_mmd():
    source, target = naive.samples(5, 6, 3)
    for options in ({}, {"unbiased": True}, {"estimator": "linear"}):
        torch.testing.assert_close(
            jmmd2([source], [target], n_kernels=(4,), bandwidths=(None,), **options),
            mk_mmd2(source, target, n_kernels=4, **options),
            rtol=1e-14,
            atol=0.0,
        )


def test_by_hand_the_joint_differs_where_the_marginals_agree():
    rows = torch.tensor([[0.0], [2.0]], dtype=torch.float64)
    flipped = rows.flip(0)
    options = {"n_kernels": (1, 1), "bandwidths": (4.0, 4.0)}
    assert mk_mmd2(rows, flipped).item() == pytest.approx(0, abs=1e-15)
    # Within a domain (1, e^-2), across it e^-1 for each of the four pairs.
    within, across = (2 + 2 * math.exp(-2)) / 4, math.exp(-1)
    value = jmmd2([rows, rows], [rows, flipped], **options)
    assert value.item() == pytest.approx(2 * within - 2 * across, rel=1e-13)


@pytest.mark.parametrize("estimator", ["quadratic", "linear"])
def test_gradient_numerically(estimator):
    (source, target), (source_logits, target_logits) = layers(4, 5)
    assert torch.autograd.gradcheck(
        as_layers(jmmd2, bandwidths=(3.0, 1.7), estimator=estimator),
        (source, target, source_logits, target_logits),
    )


def test_softmax_bandwidth_is_that_of_the_authors_code():
    assert pytest.approx(1.6928) == JAN_SOFTMAX_BANDWIDTH


def test_module_equals_the_function():
    (source, target), (source_logits, target_logits) = layers()
    arguments = [source, source_logits], [target, target_logits]
    options = {"n_kernels": (2, 2), "bandwidths": (None, 2.0), "spacing": 3.0, "unbiased": True}
    assert torch.equal(JMMDLoss(**options)(*arguments), jmmd2(*arguments, **options))
    assert torch.equal(JMMDLoss()(*arguments), jmmd2(*arguments))


@pytest.mark.parametrize(
    ("source_layers", "options", "message"),
    [
        ([(4, 3)], {}, "Got 1, 2, 2 and 2 instead."),
        ([(4, 3), (4, 2)], {"n_kernels": (5,)}, "Got 2, 2, 1 and 2 instead."),
        (
            [(4, 3), (5, 2)],
            {},
            "Every layer of jmmd2 must hold the same rows. Layer 0 has 4 source and 6 target "
            "rows, layer 1 has 5 and 6.",
        ),
        ([(4, 2), (4, 2)], {}, "The source and target of jmmd2 must have the same number of"),
        ([(4, 3), (4, 2)], {"spacing": 0.5}, "'spacing' parameter of jmmd2 must be a float"),
        ([(4, 3), (4, 2)], {"estimator": None}, "must be one of 'quadratic', 'linear'. Got None"),
    ],
)
def test_messages(source_layers, options, message):
    target_layers = [torch.zeros(6, 3), torch.zeros(6, 2)]
    with pytest.raises(ValueError, match=re.escape(message)):
        jmmd2([torch.zeros(shape) for shape in source_layers], target_layers, **options)
