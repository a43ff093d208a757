import re

import pytest
import torch

from skda.losses import outer_product_map, randomized_map
from tests.losses import naive


def inputs(n=4, d=3, k=2):
    features, _ = naive.samples(n, 1, d)
    logits, _ = naive.samples(n, 1, k, seed=1)
    return features, logits.detach().softmax(1).requires_grad_()


def matrices(d, k, width, seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(size, width, generator=generator).double() for size in (d, k)]


def naive_outer(features, probabilities):
    n, d, k = len(features), features.shape[1], probabilities.shape[1]
    rows = [
        [features[i, a] * probabilities[i, b] for a in range(d) for b in range(k)] for i in range(n)
    ]
    return torch.stack([torch.stack(row) for row in rows])


# few classes are multiplied one by one, many at once
@pytest.mark.parametrize("n_classes", [1, 2, 3, 5])
def test_outer_product_equals_the_loop(n_classes):
    given = inputs(k=n_classes)
    naive.assert_same_with_gradient(outer_product_map, naive_outer, *given)
    assert torch.autograd.gradcheck(outer_product_map, given)
    assert torch.autograd.gradgradcheck(outer_product_map, given)


def test_outer_product_with_constant_probabilities():
    features, probabilities = inputs()
    (found,) = torch.autograd.grad(
        outer_product_map(features, probabilities.detach()).square().sum(), features
    )
    expected = 2 * features * probabilities.square().sum(1, keepdim=True)
    torch.testing.assert_close(found, expected)


def test_randomized_map_equals_the_loop():
    r_f, r_g = matrices(3, 2, 6, seed=2)

    def loop(features, probabilities):
        rows = []
        for f, g in zip(features, probabilities, strict=True):
            for j in range(6):
                left = sum(f[a] * r_f[a, j] for a in range(3))
                right = sum(g[b] * r_g[b, j] for b in range(2))
                rows.append(left * right / 6**0.5)
        return torch.stack(rows).reshape(-1, 6)

    naive.assert_same_with_gradient(lambda f, g: randomized_map(f, g, r_f, r_g), loop, *inputs())


def test_gradients_numerically():
    r_f, r_g = matrices(3, 2, 6, seed=2)
    assert torch.autograd.gradcheck(lambda f, g: randomized_map(f, g, r_f, r_g), inputs())


def test_randomized_map_keeps_inner_products_on_average():
    features, probabilities = (x.detach() for x in inputs(5))
    joint = outer_product_map(features, probabilities)
    expected = joint @ joint.T
    found = []
    for seed in range(200):
        mapped = randomized_map(features, probabilities, *matrices(3, 2, 64, seed))
        found.append(mapped @ mapped.T)
    found = torch.stack(found)
    standard_error = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - expected).abs() < 4 * standard_error).all()
    assert (standard_error < 0.05 * expected.diagonal().max()).all()


def test_by_hand_one_class_is_the_features_themselves():
    features, _ = inputs(4, 3)
    assert torch.equal(outer_product_map(features, torch.ones(4, 1).double()), features)


def test_messages():
    with pytest.raises(
        ValueError,
        match=re.escape(
            "The features and probabilities of outer_product_map must have the same number of "
            "rows. Got 4 and 3 instead."
        ),
    ):
        outer_product_map(torch.zeros(4, 3), torch.zeros(3, 2))
    with pytest.raises(
        ValueError,
        match=re.escape(
            "The matrices of randomized_map must have shapes (3, D) and (2, D). Got (3, 8) and "
            "(2, 9) instead."
        ),
    ):
        randomized_map(torch.zeros(4, 3), torch.zeros(4, 2), torch.zeros(3, 8), torch.zeros(2, 9))
