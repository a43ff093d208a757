"""Every method, on a small MLP and a ConvNet, gives the weights that it gave before.

And those of three of them are the weights of a loop written here, with naive losses.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import skda
from skda import DANClassifier, DANNClassifier, DeepCORALClassifier
from tests.losses import naive
from tests.shifted import Shifted, shifted
from tests.training.small import with_the_pinned_torch

# all parameters that affect the result are set here, so a new default changes nothing
PLAIN: dict[str, Any] = {
    "batch_size": 16,
    "max_epochs": 2,
    "lr": 0.02,
    "lr_schedule": "constant",
    "optimizer": torch.optim.SGD,
    "optimizer__momentum": 0.9,
    "random_state": 3,
    "device": "cpu",
}
RAMP: dict[str, Any] = {"lam": 1.0, "lam_schedule": "ramp"}
OPTIONS: dict[str, dict[str, Any]] = {
    "DANN": {**RAMP, "lr_schedule": "inverse_decay"},
    "DAN": {**RAMP, "n_kernels": 5, "spacing": 2.0},
    "DeepCORAL": {**RAMP, "lam": 10.0},
    "DDC": {**RAMP, "bottleneck_width": 7},
    "JAN": {**RAMP, "n_kernels": 5},
    "CDAN": {**RAMP, "entropy_weighting": True},
    "MCC": {**RAMP, "temperature": 2.5},
    "MCD": RAMP,
    "WDGRL": {**RAMP, "critic_steps": 3, "critic_lr": 1e-3, "gradient_penalty": 10.0},
    "DeepJDOT": {**RAMP, "feature_weight": 0.1, "label_weight": 1.0},
    "ADDA": RAMP,
    "Finetune": {"backbone_lr_ratio": 0.1},
}
SMALL: dict[str, dict[str, Any]] = {
    "MLP": {"module__hidden": (6, 5)},
    "ConvNet": {"module__width": 3, "module__bottleneck": 5},
}

# printed before the optimisation of the step and the losses
GOLDEN: dict[tuple[str, str], list[float]] = {
    ("MLP", "DANN"): [0.430965758, -0.00811775272, 1.21798513, 0.898289976],
    ("MLP", "DAN"): [0.434643889, -0.0025896398, 1.21818129, 0.661328021],
    ("MLP", "DeepCORAL"): [0.433153351, -0.00100075263, 1.21793987, 0.660862185],
    ("MLP", "DDC"): [0.361046562, 0.0833313812, 1.12927232, 0.0680060541],
    ("MLP", "JAN"): [0.434762469, -0.00244154722, 1.21820329, 0.666845858],
    ("MLP", "CDAN"): [0.434776902, -0.0027212349, 1.21826853, 0.660361818],
    ("MLP", "MCC"): [0.434695709, -0.00268175876, 1.21828274, 0.664272146],
    ("MLP", "MCD"): [0.434857575, -0.0034642824, 1.21902079, 0.838158662],
    ("MLP", "WDGRL"): [0.434584429, -0.00278593881, 1.21826871, 0.657624292],
    ("MLP", "DeepJDOT"): [0.433808948, -0.000726831591, 1.218206, 0.578286232],
    ("MLP", "ADDA"): [0.5352544, -0.000869744759, 1.79798395, 0.847321671],
    ("MLP", "Finetune"): [0.453855595, -0.00440729364, 1.38365986, 0.796574262],
    ("ConvNet", "DANN"): [0.105110909, 0.0156778345, 0.644390083, 0.514951435],
    ("ConvNet", "DAN"): [0.106855692, 0.0166746561, 0.645254004, 0.420738569],
    ("ConvNet", "DeepCORAL"): [0.107068704, 0.0165672433, 0.645195753, 0.43312797],
    ("ConvNet", "DDC"): [0.119426166, 0.0139417242, 0.686268151, 0.106640169],
    ("ConvNet", "JAN"): [0.10684512, 0.01667424, 0.645252754, 0.419580092],
    ("ConvNet", "CDAN"): [0.106945029, 0.0163669268, 0.645297103, 0.470815296],
    ("ConvNet", "MCC"): [0.107048156, 0.0165221929, 0.645303893, 0.474824896],
    ("ConvNet", "MCD"): [0.106785854, 0.0163605245, 0.64599461, 0.595322717],
    ("ConvNet", "WDGRL"): [0.107224226, 0.0166373538, 0.645322637, 0.465950505],
    ("ConvNet", "DeepJDOT"): [0.105968047, 0.0164227535, 0.645696148, 0.471919677],
    ("ConvNet", "ADDA"): [0.133843539, 0.0116648459, 0.979097431, 0.513270655],
    ("ConvNet", "Finetune"): [0.113098903, 0.0139732482, 0.742197315, 0.418831747],
}


def data(network: str) -> Shifted:
    tables = shifted(37, 29)
    if network == "MLP":
        return tables
    rng = np.random.default_rng(0)
    images = rng.normal(size=(37, 1, 6, 6)) + tables.y[:, None, None, None]
    target = 2 * rng.normal(size=(29, 1, 6, 6)) + tables.y_target[:, None, None, None]
    return Shifted(images, tables.y, target, tables.y_target)


# mean and root mean square of each tensor, to find the tensor that differs
TENSORS = Path(__file__).with_name("golden_tensors.json")


def fitted(network: str, method: str) -> Any:
    given = data(network)
    params = PLAIN | OPTIONS[method] | SMALL[network]
    estimator = getattr(skda, f"{method}Classifier")(**params)
    y_target = np.where(np.arange(29) < 9, given.y_target, -1)
    return estimator.fit(given.X, given.y, given.X_target, y_target=y_target)


def tensors(estimator: Any) -> dict[str, np.ndarray]:
    """Weights, buffers and the target's statistics, by name."""
    net = estimator.net_
    named = net.module_.state_dict() | {
        f"target.{name}": value for name, value in net.domain_stats_.state_dict().items()
    }
    return {name: value.double().flatten().numpy() for name, value in named.items()}


def described(estimator: Any) -> dict[str, list[float]]:
    return {
        name: [float(value.mean()), math.sqrt((value**2).mean())]
        for name, value in tensors(estimator).items()
    }


def checksum(network: str, estimator: Any) -> list[float]:
    """Mean, alternating mean and norm of weights and buffers, and mean size of the logits."""
    numbers = np.concatenate(list(tensors(estimator).values()))
    signs = np.resize([1.0, -1.0, 0.5], len(numbers))
    logits = estimator.decision_function(data(network).X_target).astype(np.float64)
    norm = math.sqrt((numbers**2).mean())
    return [float(v) for v in (numbers.mean(), (signs * numbers).mean(), norm, abs(logits).mean())]


@with_the_pinned_torch
@pytest.mark.parametrize("network", SMALL)
@pytest.mark.parametrize("method", OPTIONS)
def test_the_same_seed_gives_the_weights_that_it_gave_before(network: str, method: str) -> None:
    estimator = fitted(network, method)
    found = described(estimator)
    held = json.loads(TENSORS.read_text())[f"{network} {method}"]
    assert list(found) == list(held)
    different = {
        name: (found[name], value)
        for name, value in held.items()
        if not np.allclose(found[name], value, rtol=1e-3, atol=1e-5)
    }
    assert not different, f"(mean, root mean square) found and held: {different}"
    golden = GOLDEN[network, method]
    np.testing.assert_allclose(checksum(network, estimator), golden, rtol=1e-4, atol=1e-6)


def bce(features_s: Tensor, features_t: Tensor, discriminator: nn.Module, lam: float) -> Tensor:
    """The loss that the discriminator minimises; the features maximise lam times this loss."""
    total = torch.zeros(())
    for constant, sign in ((features_s.detach(), 1.0), (features_s, -lam)):
        domain_s = features_t.detach() if sign == 1.0 else features_t
        frozen = discriminator if sign == 1.0 else copy.deepcopy(discriminator)
        logits_s, logits_t = frozen(constant)[:, 0], frozen(domain_s)[:, 0]
        ones = [torch.ones(len(logits)) for logits in (logits_s, logits_t)]
        total = total + sign * naive.domain_bce(logits_s, logits_t, *ones)
    return total


def by_hand(
    given: Shifted,
    module: nn.Sequential,
    discriminator: nn.Module,
    lam: float,
    distance: Callable[[Tensor, Tensor], Tensor] | None,
) -> nn.Sequential:
    """Train a copy of `module`: a pass for each domain, rows in their order, plain Adam."""
    module, discriminator = copy.deepcopy(module), copy.deepcopy(discriminator)
    parameters = [*module.parameters()] + [*discriminator.parameters()] * (distance is None)
    adam = torch.optim.Adam(parameters, lr=1e-3)
    X, X_target = (torch.as_tensor(x, dtype=torch.float32) for x in (given.X, given.X_target))
    y = torch.as_tensor(given.y)
    start = 0
    for step in range(12):
        rows = range(step % 4 * 8, step % 4 * 8 + 8)
        others = [(start + i) % len(X_target) for i in range(8)]
        start += 8
        features_s, features_t = module[:-1](X[rows]), module[:-1](X_target[others])
        loss = nn.functional.cross_entropy(module[-1](features_s), y[rows])
        if distance is None:
            loss = loss + bce(features_s, features_t, discriminator, lam)
        elif lam:  # the loops of a naive distance take seconds
            loss = loss + lam * distance(features_s, features_t)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return module


@pytest.mark.parametrize(
    ("cls", "distance", "lam"),
    [
        (DANNClassifier, None, 0.7),
        (DANClassifier, naive.mk_mmd2, 2.0),
        (DeepCORALClassifier, naive.coral, 30.0),
    ],
)
def test_the_weights_are_those_of_a_naive_loop(cls: type, distance: Any, lam: float) -> None:
    given = shifted(32, 21)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(4, 9), nn.Tanh(), nn.Linear(9, 5), nn.ReLU())
        module.append(nn.Linear(5, 2))
        discriminator = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 1))
    options: dict[str, Any] = {"lr": 1e-3, "batch_size": 8, "max_epochs": 3}
    options |= {"lr_schedule": "constant", "lam_schedule": "constant", "lam": lam}
    if distance is None:
        options["discriminator"] = lambda n_features: copy.deepcopy(discriminator)
    estimator = cls(module, device="cpu", iterator_train__shuffle=False, **options)
    estimator.fit(given.X, given.y, given.X_target)
    expected = by_hand(given, module, discriminator, lam, distance)
    plain = by_hand(given, module, discriminator, 0.0, distance)
    moved = 0.0
    for ours, theirs, without in zip(
        estimator.module_.parameters(), expected.parameters(), plain.parameters(), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
        moved = max(moved, float((theirs - without).detach().abs().max()))
    assert moved > 1e-3  # the second term changes the weights
