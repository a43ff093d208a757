"""Training loops and losses written by hand, with which the speed of skda is compared."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, cross_entropy, mse_loss, softplus

Loss = Callable[[Tensor, Tensor], Tensor]


class LeNet(nn.Module):
    """LeNet-5 for 28x28 images."""

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(400, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(84, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


class Reverse(torch.autograd.Function):
    """The gradient reversal layer."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, lam: float) -> Tensor:
        ctx.lam = lam
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return -ctx.lam * grad, None


# -- losses as an expert writes them: one Gram matrix, repeated squaring ---------------------------


class GramMKMMD:
    """MK-MMD of five kernels around the median; constants are computed once."""

    def __init__(self, n_source: int, n_target: int, device: str = "cpu") -> None:
        n = n_source + n_target
        self.pairs = torch.triu_indices(n, n, 1, device=device)
        self.weights = torch.cat(
            [torch.full((n_source,), 1 / n_source), torch.full((n_target,), -1 / n_target)]
        ).to(device)

    def __call__(self, source: Tensor, target: Tensor) -> Tensor:
        rows = torch.cat([source, target])
        norms = rows.square().sum(1)
        distances = torch.addmm(norms[:, None] + norms, rows, rows.T, alpha=-2).clamp_min(0)
        gamma = distances.detach()[self.pairs[0], self.pairs[1]].median()
        kernel = torch.exp(distances / (-4 * gamma))
        total = kernel
        for _ in range(4):
            kernel = kernel * kernel
            total = total + kernel
        return self.weights @ (total @ self.weights) / 5


def covariance_distance(source: Tensor, target: Tensor) -> Tensor:
    """CORAL."""

    def covariance(x: Tensor) -> Tensor:
        centred = x - x.mean(0)
        return centred.T @ centred / (len(x) - 1)

    d = source.shape[1]
    return (covariance(source) - covariance(target)).square().sum() / (4 * d * d)


def inverse_gram_distance(source: Tensor, target: Tensor) -> Tensor:
    """DARE-GRAM, by the singular values of the features.

    A little noise keeps the singular values apart: torch's gradient is NaN if two are equal, such
    as the zeros of units that are never active.
    """
    values, bases = [], []
    for rows in (source, target):
        with_ones = torch.cat([torch.ones_like(rows[:, :1]), rows], 1) / len(rows) ** 0.5
        with_ones = with_ones + 1e-5 * torch.rand_like(with_ones)
        _, roots, right = torch.linalg.svd(with_ones, full_matrices=False)
        values.append(roots.square())
        bases.append(right)
    shares = [of.detach().cumsum(0) / of.detach().sum() for of in values]
    k = max(int((share < 0.99).sum()) + 1 for share in shares)
    inverses = [(b[:k].T / of[:k]) @ b[:k] for of, b in zip(values, bases, strict=True)]
    angles = (1 - cosine_similarity(*inverses, dim=0)).mean()
    return angles + 0.7 * (values[0][:k] - values[1][:k]).norm() / k


# what makes the loss of a layer for batches of these sizes
LOSSES: dict[str, Callable[[int, int, str], Loss]] = {
    "DAN": GramMKMMD,
    "DeepCORAL": lambda *_: covariance_distance,
    "DARE-GRAM": lambda *_: inverse_gram_distance,
}


# -- the same losses as they are commonly found: every pair of rows laid out -----------------------


def broadcast_kernel(rows: Tensor, bandwidths: list[float] | None) -> Tensor:
    n = len(rows)
    distances = (rows[None].expand(n, -1, -1) - rows[:, None].expand(n, n, -1)).pow(2).sum(2)
    if bandwidths is None:
        middle = distances.detach().sum() / (n * n - n)
        bandwidths = [middle * 2.0**i for i in range(-2, 3)]
    return sum(torch.exp(-distances / bandwidth) for bandwidth in bandwidths) / len(bandwidths)


def block_means(kernel: Tensor, n: int) -> Tensor:
    return (kernel[:n, :n] + kernel[n:, n:] - kernel[:n, n:] - kernel[n:, :n]).mean()


def broadcast_mkmmd(source: Tensor, target: Tensor) -> Tensor:
    return block_means(broadcast_kernel(torch.cat([source, target]), None), len(source))


def broadcast_jmmd(source: list[Tensor], target: list[Tensor]) -> Tensor:
    features, softmax = (torch.cat(pair) for pair in zip(source, target, strict=True))
    kernel = broadcast_kernel(features, None) * broadcast_kernel(softmax, [2 * 0.92**2])
    return block_means(kernel, len(source[0]))


def broadcast_coral(source: Tensor, target: Tensor) -> Tensor:
    def covariance(x: Tensor) -> Tensor:
        centred = x - x.mean(0)
        return (centred[:, :, None] * centred[:, None, :]).sum(0) / (len(x) - 1)

    d = source.shape[1]
    return (covariance(source) - covariance(target)).pow(2).sum() / (4 * d * d)


# -- the training loop as an expert writes it: tensors cut by index, no DataLoader -----------------


def batches(n: int, size: int, rng: np.random.Generator, device: str = "cpu") -> Iterator[Tensor]:
    """Return the rows of one pass in batches whose sizes differ by at most a row."""
    order = torch.from_numpy(rng.permutation(n)).to(device)
    return iter(torch.tensor_split(order, math.ceil(n / size)))


def train(
    method: str,
    network: Callable[[], nn.Module],
    width: int,
    source: tuple[np.ndarray, np.ndarray],
    target: np.ndarray,
    *,
    lam: float,
    epochs: int = 1,
    batch_size: int = 64,
    device: str = "cpu",
    **optimizer: Any,
) -> nn.Module:
    """Train by hand with the maths of skda's DANN, DAN, DeepCORAL or DARE-GRAM estimator.

    DANN ramps lam and anneals the learning rate. All methods pass both domains in one forward.
    Float labels are standardised, and the loss of the task is then the squared error.
    """
    torch.manual_seed(0)
    model = network().to(device)
    extract, classify = model.features, model.classifier
    parameters = list(model.parameters())
    if method == "DANN":
        discriminator = nn.Sequential(nn.Linear(width, 100), nn.ReLU(), nn.Linear(100, 1))
        discriminator.to(device)
        parameters += discriminator.parameters()
    adam = torch.optim.Adam(parameters, lr=1e-3, **optimizer)
    x_source, y_source, x_target = (torch.from_numpy(a).to(device) for a in (*source, target))
    criterion = cross_entropy
    if y_source.is_floating_point():
        criterion = mse_loss
        y_source = ((y_source - y_source.mean()) / y_source.std(correction=0))[:, None]
    rng_source, rng_target = np.random.default_rng(0), np.random.default_rng(1)
    losses: dict[tuple[int, int], Loss] = {}
    n_steps = epochs * math.ceil(len(x_source) / batch_size)
    step = 0
    for _ in range(epochs):
        total = torch.zeros((), device=device)
        stream = batches(len(x_target), batch_size, rng_target, device)
        for index in batches(len(x_source), batch_size, rng_source, device):
            other = next(stream)
            n = len(index)
            features = extract(torch.cat([x_source[index], x_target[other]]))
            loss = criterion(classify(features)[:n], y_source[index])
            if method == "DANN":
                p = step / n_steps
                adam.param_groups[0]["lr"] = 1e-3 * (1 + 10 * p) ** -0.75
                strength = lam * (2 / (1 + math.exp(-10 * p)) - 1)
                domain = discriminator(Reverse.apply(features, strength)).squeeze(1)
                loss = loss + softplus(domain[:n]).mean() + softplus(-domain[n:]).mean()
            else:
                sizes = (n, len(other))
                if sizes not in losses:
                    losses[sizes] = LOSSES[method](*sizes, device)
                loss = loss + lam * losses[sizes](features[:n], features[n:])
            adam.zero_grad(set_to_none=True)
            loss.backward()
            adam.step()
            total += loss.detach()
            step += 1
        if not math.isfinite(total.item()):
            raise ValueError("The loop diverged.")
    return model
