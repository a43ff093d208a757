"""Every loss on tensors (..., n, d) equals the loop over single models."""

import math

import pytest
import torch

from skda import losses
from skda.losses._core import pooled as _pooled

SHAPES = [(5, 7, 3), (4, 4, 2), (3, 2, 20)]


def joint(source, target, **options):
    return losses.jmmd2([source, source.softmax(-1)], [target, target.softmax(-1)], **options)


def conditional(source, target, *, matrices=None):
    maps = [
        losses.outer_product_map(rows, rows.softmax(-1))
        if matrices is None
        else losses.randomized_map(rows, rows.softmax(-1), *matrices)
        for rows in (source, target)
    ]
    return losses.linear_mmd2(*maps)


def random_matrices(d):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(d, 6, generator=generator, dtype=torch.float64) for _ in range(2)]


def transport(source, target):
    labels = torch.arange(source.shape[-2]).expand(source.shape[:-1]) % source.shape[-1]
    return losses.jdot_cost(source, target, labels, target).mean((-2, -1))


def adversaries(source, target):
    weights = {
        "source_weights": losses.entropy_weights(source),
        "target_weights": losses.entropy_weights(target),
    }
    return losses.domain_bce(source[..., :1], target[..., :1], **weights)


def pooled_adversary(source, target):
    logits = torch.cat([source, target], -2)[..., :1]
    return losses.pooled_domain_bce(logits, source.shape[-2])


LOSSES = {
    "mk_mmd2": losses.mk_mmd2,
    "mk_mmd2 unbiased": lambda s, t: losses.mk_mmd2(s, t, unbiased=True),
    "mk_mmd2 linear": lambda s, t: losses.mk_mmd2(s, t, estimator="linear"),
    "mk_mmd2 weights": lambda s, t: losses.mk_mmd2(
        s, t, n_kernels=3, spacing=1.5, weights=[0.5, 0.2, 0.3]
    ),
    "mk_mmd2 33": lambda s, t: losses.mk_mmd2(s, t, n_kernels=33, spacing=math.sqrt(2)),
    "mk_mmd2 bandwidth": lambda s, t: losses.mk_mmd2(s, t, bandwidth=2.0),
    "gaussian_mmd2": losses.gaussian_mmd2,
    "gaussian_mmd2 unbiased": lambda s, t: losses.gaussian_mmd2(s, t, unbiased=True),
    "linear_mmd2": losses.linear_mmd2,
    "linear_mmd2 unbiased": lambda s, t: losses.linear_mmd2(s, t, unbiased=True),
    "jmmd2": joint,
    "jmmd2 unbiased": lambda s, t: joint(s, t, unbiased=True, bandwidths=(3.0, None)),
    "jmmd2 linear": lambda s, t: joint(s, t, estimator="linear"),
    "coral": losses.coral,
    "rsd": losses.rsd,
    "dare_gram": losses.dare_gram,
    "moment_distance": lambda s, t: losses.moment_distance([s, 2 * s + 1], t),
    "squared_distances": lambda s, t: losses.squared_distances(s, t).square().mean((-2, -1)),
    "domain_bce": lambda s, t: losses.domain_bce(s[..., :1], t[..., :1]),
    "domain_bce, entropy_weights": adversaries,
    "pooled_domain_bce": pooled_adversary,
    "wasserstein_critic": lambda s, t: losses.wasserstein_critic(s[..., :1], t[..., 1:2]),
    "mcc": lambda s, t: losses.mcc(torch.cat([s, t], -2)),
    "nuclear_norm": lambda s, t: losses.nuclear_norm(torch.cat([s, t], -2)),
    "classifier_discrepancy": lambda s, t: losses.classifier_discrepancy(
        t, t.flip(-1) + s.mean(-2, keepdim=True)
    ),
    "mdd": lambda s, t: losses.mdd(s.detach(), s.flip(-1), t.detach(), t.flip(-1)),
    "entropy": lambda s, t: losses.entropy(torch.cat([s, t], -2)),
    "row_entropy": lambda s, t: losses.row_entropy(torch.cat([s, t], -2)).square().sum(-1),
    "pseudo_label": lambda s, t: losses.pseudo_label(torch.cat([s, t], -2), threshold=0.5),
    "outer_product_map": conditional,
    "randomized_map": lambda s, t: conditional(s, t, matrices=random_matrices(s.shape[-1])),
    "jdot_cost": transport,
}


def models(leading, n_source, n_target, d):
    """Samples of models, one of which has equal rows."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(*leading, n, d) for n in (n_source, n_target)]
    source, target = (
        torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes
    )
    target = 2 * target + 1
    source.flatten(0, -3)[1], target.flatten(0, -3)[1] = 1.0, 1.0
    return source.requires_grad_(), target.requires_grad_()


def one_by_one(loss, source, target):
    values = [
        loss(*pair) for pair in zip(source.flatten(0, -3), target.flatten(0, -3), strict=True)
    ]
    return torch.stack(values).reshape(source.shape[:-2])


def assert_same_as_one_by_one(loss, source, target, rtol=1e-9):
    results = []
    for values in (loss(source, target), one_by_one(loss, source, target)):
        assert values.shape == source.shape[:-2]
        weights = torch.linspace(0.5, 1.5, values.numel(), dtype=values.dtype)
        gradients = torch.autograd.grad((weights * values.flatten()).sum(), (source, target))
        results.append((values, *gradients))
    for ours, expected in zip(*results, strict=True):
        scale = expected.detach().abs().max().item()
        torch.testing.assert_close(ours, expected, rtol=rtol, atol=rtol * scale)


@pytest.mark.parametrize("leading", [(4,), (2, 2)])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients_are_those_of_the_loop(name, shape, leading):
    assert_same_as_one_by_one(LOSSES[name], *models(leading, *shape))


@pytest.mark.parametrize("leading", [(4,), (2, 2)])
def test_results_of_each_row_and_pair(leading):
    source, target = models(leading, 5, 7, 3)
    functions = {
        losses.squared_distances: (*leading, 5, 7),
        losses.median_bandwidth: leading,
        lambda s, t: losses.row_entropy(s): (*leading, 5),
        lambda s, t: losses.entropy_weights(t): (*leading, 7),
        lambda s, t: losses.outer_product_map(s, s.softmax(-1)): (*leading, 5, 9),
    }
    for function, shape in functions.items():
        found = function(source, target)
        pairs = zip(source.flatten(0, -3), target.flatten(0, -3), strict=True)
        expected = torch.stack([function(*pair) for pair in pairs])
        assert found.shape == shape
        torch.testing.assert_close(found.flatten(), expected.flatten(), rtol=1e-12, atol=0.0)


@pytest.mark.parametrize("estimator", ["quadratic", "linear"])
def test_a_bandwidth_for_each_model(estimator):
    source, target = models((2, 2), 5, 6, 3)
    bandwidths = torch.tensor([[0.5, 1.0], [2.0, 4.0]], dtype=torch.float64)
    found = losses.mk_mmd2(source, target, bandwidth=bandwidths, estimator=estimator)
    for i, expected in enumerate(bandwidths.flatten()):
        alone = losses.mk_mmd2(
            source.flatten(0, 1)[i],
            target.flatten(0, 1)[i],
            bandwidth=expected.item(),
            estimator=estimator,
        )
        torch.testing.assert_close(found.flatten()[i], alone, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("unbiased", [False, True])
def test_more_models_than_one_chunk(unbiased, monkeypatch):
    monkeypatch.setattr(_pooled, "_CHUNK", 5 * 17**2)
    assert_same_as_one_by_one(
        lambda s, t: losses.mk_mmd2(s, t, unbiased=unbiased), *models((11,), 8, 9, 5)
    )


@pytest.mark.parametrize("name", ["mk_mmd2 unbiased", "jmmd2", "coral", "mk_mmd2 linear"])
def test_first_and_second_derivatives_numerically(name):
    options = {"bandwidths": (3.0, 1.7)} if name == "jmmd2" else {"bandwidth": 3.0}
    bases = {
        "mk_mmd2 unbiased": lambda s, t: losses.mk_mmd2(s, t, unbiased=True, **options),
        "mk_mmd2 linear": lambda s, t: losses.mk_mmd2(s, t, estimator="linear", **options),
        "jmmd2": lambda s, t: joint(s, t, **options),
        "coral": losses.coral,
    }
    samples = models((2,), 3, 2, 2)
    assert torch.autograd.gradcheck(bases[name], samples)
    assert torch.autograd.gradgradcheck(bases[name], samples)


def test_random_matrices_of_each_model():
    source, target = models((4,), 5, 6, 3)
    matrices = [matrix.expand(4, -1, -1) for matrix in random_matrices(3)]
    torch.testing.assert_close(
        conditional(source, target, matrices=matrices),
        conditional(source, target, matrices=random_matrices(3)),
        rtol=1e-12,
        atol=0.0,
    )


def test_the_penalty_of_a_linear_critic():
    source, target = models((4,), 5, 6, 3)
    slopes = torch.arange(4.0, dtype=torch.float64).reshape(4, 1, 1).expand(4, 3, 1)
    found = losses.gradient_penalty(
        source, target, lambda points: points @ slopes, generator=torch.Generator()
    )
    expected = (3**0.5 * slopes[:, 0, 0] - 1).square()
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0.0)


def test_transport_is_solved_for_each_model():
    pytest.importorskip("ot")
    source, target = models((4,), 5, 6, 3)
    labels = torch.arange(5) % 3
    found = losses.deepjdot(source, target, labels.expand(4, 5), target)
    expected = [losses.deepjdot(s, t, labels, t) for s, t in zip(source, target, strict=True)]
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: losses.coral(torch.zeros(2, 4, 3), torch.zeros(3, 4, 3)),
            r"The 'target' parameter of coral .* \(2, n_rows, n_columns\) .* shape \(3, 4, 3\)",
        ),
        (
            lambda: losses.domain_bce(torch.zeros(2, 4, 1), torch.zeros(2, 4)),
            r"'target_logits' .* one number a row, in shape \(2, n, 1\) .* Got shape \(2, 4\)",
        ),
        (
            lambda: losses.jmmd2(
                [torch.zeros(2, 4, 3)] * 2, [torch.zeros(2, 4, 3), torch.ones(2, 5, 3)]
            ),
            r"Layer 0 has 2 x 4 source and 2 x 4 target rows, layer 1 has 2 x 4 and 2 x 5\.",
        ),
        (
            lambda: losses.kernel_weights(torch.zeros(2, 4, 3), torch.zeros(2, 4, 3)),
            r"kernel_weights takes the samples of one model, .* Got shape \(2, 4, 3\) instead\.",
        ),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()
