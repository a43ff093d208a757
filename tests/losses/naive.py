"""The losses again, by Python loops over rows and classes, straight from the papers' formulas."""

import torch


def samples(n_source, n_target, d, *, seed=0, shift=0.7, dtype=torch.float64):
    """Two Gaussian samples that ask for a gradient."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randn(n_source, d, generator=generator, dtype=dtype)
    target = torch.randn(n_target, d, generator=generator, dtype=dtype) * 1.3 + shift
    return source.requires_grad_(), target.requires_grad_()


def assert_same_with_gradient(loss, naive, *inputs, rtol=1e-10):
    """Value and gradient of two functions of the same inputs agree."""
    values, gradients = [], []
    for function in (loss, naive):
        value = function(*inputs)
        values.append(value)
        weights = torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).reshape(value.shape)
        gradients.append(torch.autograd.grad((weights * value).sum(), inputs))
    torch.testing.assert_close(values[0], values[1], rtol=rtol, atol=1e-14)
    for ours, theirs in zip(*gradients, strict=True):
        # The tolerance is relative to the largest entry, because single entries may cancel.
        scale = theirs.abs().max().item()
        assert scale > 0
        torch.testing.assert_close(ours, theirs, rtol=rtol, atol=rtol * scale)


def squared_distance(x, y):
    return sum((x[k] - y[k]) ** 2 for k in range(len(x)))


def lower_median(values):
    return sorted(value.item() for value in values)[(len(values) - 1) // 2]


def median_bandwidth(source, target):
    pooled = [*source, *target]
    return lower_median(
        [squared_distance(a, b) for i, a in enumerate(pooled) for b in pooled[i + 1 :]]
    )


def gaussian_mixture(distance, gamma, n_kernels, spacing, weights=None):
    weights = [1 / n_kernels] * n_kernels if weights is None else weights
    return sum(
        weights[u] * torch.exp(-distance / (gamma * spacing ** (u - n_kernels // 2)))
        for u in range(n_kernels)
    )


def mmd2(kernel, n_source, n_target, unbiased):
    """Kernel(i, j) of pooled indices; the double loop over all pairs."""
    source, target = range(n_source), range(n_source, n_source + n_target)
    cross = sum(kernel(i, j) for i in source for j in target) / (n_source * n_target)
    within = []
    for rows in (source, target):
        pairs = [(i, j) for i in rows for j in rows if not unbiased or i != j]
        within.append(sum(kernel(i, j) for i, j in pairs) / len(pairs))
    return within[0] + within[1] - 2 * cross


def mk_mmd2(source, target, n_kernels=5, spacing=2.0, weights=None, gamma=None, unbiased=False):
    gamma = median_bandwidth(source, target) if gamma is None else gamma
    pooled = [*source, *target]

    def kernel(i, j):
        distance = squared_distance(pooled[i], pooled[j])
        return gaussian_mixture(distance, gamma, n_kernels, spacing, weights)

    return mmd2(kernel, len(source), len(target), unbiased)


def quad_tuples(source, target):
    m = min(len(source), len(target)) // 2
    return [(source[2 * i], source[2 * i + 1], target[2 * i], target[2 * i + 1]) for i in range(m)]


def quad_pairs(x, x_next, y, y_next):
    return ((1, x, x_next), (1, y, y_next), (-1, x, y_next), (-1, x_next, y))


def linear_time_mmd2(source, target, n_kernels=5, spacing=2.0, weights=None):
    tuples = quad_tuples(source, target)
    gamma = lower_median([squared_distance(a, b) for t in tuples for _, a, b in quad_pairs(*t)])
    terms = [
        sign * gaussian_mixture(squared_distance(a, b), gamma, n_kernels, spacing, weights)
        for t in tuples
        for sign, a, b in quad_pairs(*t)
    ]
    return sum(terms) / len(tuples)


def linear_mmd2(source, target, unbiased=False):
    """Mean of the linear kernel over all pairs, by the definition of the MMD."""
    pooled = [*source, *target]
    return mmd2(
        lambda i, j: sum(a * b for a, b in zip(pooled[i], pooled[j], strict=True)),
        len(source),
        len(target),
        unbiased=unbiased,
    )


def covariance(sample):
    n, d = sample.shape
    means = [sum(sample[i, a] for i in range(n)) / n for a in range(d)]
    return [
        [
            sum((sample[i, a] - means[a]) * (sample[i, b] - means[b]) for i in range(n)) / (n - 1)
            for b in range(d)
        ]
        for a in range(d)
    ]


def coral(source, target):
    one, other, d = covariance(source), covariance(target), source.shape[1]
    return sum((one[a][b] - other[a][b]) ** 2 for a in range(d) for b in range(d)) / (4 * d * d)


def jmmd2(source_layers, target_layers, n_kernels, spacing, bandwidths, unbiased=False):
    layers = []
    for source, target, count, gamma in zip(
        source_layers, target_layers, n_kernels, bandwidths, strict=True
    ):
        gamma = median_bandwidth(source, target) if gamma is None else gamma
        layers.append(([*source, *target], count, gamma))

    def kernel(i, j):
        product = 1.0
        for pooled, count, gamma in layers:
            distance = squared_distance(pooled[i], pooled[j])
            product = product * gaussian_mixture(distance, gamma, count, spacing)
        return product

    return mmd2(kernel, len(source_layers[0]), len(target_layers[0]), unbiased)


def softmax(row):
    total = sum(torch.exp(value) for value in row)
    return [torch.exp(value) / total for value in row]


def row_entropy(row):
    return -sum(p * torch.log(p) for p in softmax(row))


def mcc(logits, temperature, priors=None):
    n, k = logits.shape
    p = [softmax([value / temperature for value in row]) for row in logits]
    weights = [1 + torch.exp(-row_entropy(row.detach() / temperature)) for row in logits]
    mean = sum(weights) / n
    confusion = [
        [sum(weights[i] / mean * p[i][a] * p[i][b] for i in range(n)) for b in range(k)]
        for a in range(k)
    ]
    priors = [1 / k] * k if priors is None else priors
    return sum(
        priors[a] * confusion[a][b] / sum(confusion[a])
        for a in range(k)
        for b in range(k)
        if a != b
    )


def mdd(source_adversary, target_adversary, source_labels, target_labels, margin):
    agree = [
        -torch.log(softmax(row)[y]) for row, y in zip(source_adversary, source_labels, strict=True)
    ]
    differ = [
        -torch.log(1 - softmax(row)[y])
        for row, y in zip(target_adversary, target_labels, strict=True)
    ]
    return margin * sum(agree) / len(agree) + sum(differ) / len(differ)


def domain_bce(source, target, source_weights, target_weights):
    """d log 1/G + (1 - d) log 1/(1 - G), d = 0 for source, the weighted mean of each domain."""
    means = []
    for d, logits, weights in ((0, source, source_weights), (1, target, target_weights)):
        total = 0
        for logit, weight in zip(logits, weights, strict=True):
            g = 1 / (1 + torch.exp(-logit))
            total = total + weight * (d * torch.log(1 / g) + (1 - d) * torch.log(1 / (1 - g)))
        means.append(total / sum(weights))
    return means[0] + means[1]


def jdot_cost(source, target, y_source, target_logits, feature_weight, label_weight):
    p = [softmax(row) for row in target_logits]
    rows = [
        torch.stack(
            [
                feature_weight * squared_distance(source[i], target[j])
                - label_weight * torch.log(p[j][y_source[i]])
                for j in range(len(target))
            ]
        )
        for i in range(len(source))
    ]
    return torch.stack(rows)
