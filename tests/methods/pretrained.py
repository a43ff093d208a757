"""A network that stands for a pretrained one, and estimators that fine-tune it."""

from typing import Any

import torch
from torch import Tensor, nn

from skda import DANClassifier
from tests.shifted import shifted

DATA = shifted()
FIT = (DATA.X, DATA.y, DATA.X_target)
BODY = ("0.", "1.", "3.")  # the body of the network below, whose head is "5"
SGD: dict[str, Any] = {"optimizer": torch.optim.SGD, "lr": 0.1, "random_state": 0}


def network(n_outputs: int = 2, norm: bool = True) -> nn.Module:
    """Return a small network that stands for a pretrained one, statistics included."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        norms = nn.BatchNorm1d(6) if norm else nn.Identity()
        layers = nn.Linear(4, 6), norms, nn.ReLU(), nn.Linear(6, 5), nn.ReLU()
        module = nn.Sequential(*layers, nn.Linear(5, n_outputs)).train()
        module(torch.randn(200, 4) * 2 + 1)
    return module


START = {norm: network(norm=norm) for norm in (True, False)}


def dan(module: nn.Module | None = None, **params: Any) -> DANClassifier:
    given = {**SGD, "max_epochs": 4, "batch_size": 30, "lam": 0.5, **params}
    return DANClassifier(START[True] if module is None else module, **given)


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def of_body(module: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in state(module).items() if name.startswith(BODY)}


def assert_equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a.keys() - {"1.num_batches_tracked"}:
        assert torch.equal(a[name], b[name]), name
