"""Networks stacked into one: lifted layers, and statistics of each domain."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skda.nn import MLP
from skda.training.stacked.layers import UnstackableError
from skda.training.stacked.networks import StackedNetworks, stack_networks
from tests.model_selection.networks import Unusual


def networks(module: type, n: int = 3) -> list[nn.Module]:
    torch.manual_seed(0)
    return [module() for _ in range(n)]


@pytest.fixture
def kept_generator():
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


@pytest.mark.usefixtures("kept_generator")
def test_layers_are_lifted_where_they_can_be() -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Flatten(), MLP(4, 2, hidden=(5, 3)), nn.Identity())

    modules = networks(build)
    rows = torch.randn(3, 6, 4)
    stacked = stack_networks(modules, [], rows)
    assert stacked.lifted
    logits = stacked(rows).logits
    for i, module in enumerate(modules):
        torch.testing.assert_close(logits[i], module.train()(rows[i]))
    # running statistics of the first network, updated by its own rows
    stacked.weights.write_back(0, copied := build())
    torch.testing.assert_close(copied.state_dict(), modules[0].state_dict())
    assert not stack_networks(networks(Unusual), [], rows).lifted


@pytest.mark.usefixtures("kept_generator")
def test_both_domains_in_one_go_keep_statistics_of_their_own() -> None:
    modules = networks(lambda: MLP(4, 2, hidden=(5,)))
    source, target = torch.randn(3, 6, 4), 2 * torch.randn(3, 6, 4) + 1
    apart, at_once = (StackedNetworks(modules, [], lifted=True) for _ in range(2))
    expected = [apart(source, "source"), apart(target, "target")]
    for got, wanted in zip(at_once.forward_both(source, target), expected, strict=True):
        torch.testing.assert_close(got.logits, wanted.logits)
    for domain in ("source", "target"):
        torch.testing.assert_close(at_once.weights.buffers[domain], apart.weights.buffers[domain])


@pytest.mark.usefixtures("kept_generator")
def test_networks_of_different_shapes_cannot_be_stacked() -> None:
    with pytest.raises(UnstackableError, match="have different shapes"):
        stack_networks([nn.Linear(4, 2), nn.Linear(4, 3)], [], torch.randn(2, 5, 4))
