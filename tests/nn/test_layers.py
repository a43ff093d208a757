import copy

import pytest
import torch
from torch import Tensor, nn

from skda.nn import MLP, ConvNet, reinitialise, replace_head, weight_layers


class Token(nn.Module):
    """Has a parameter of its own beside its layers, as vision transformers have."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(3))
        self.head = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x + self.token)


def test_layers_in_order_each_with_its_normalisation() -> None:
    assert weight_layers(MLP(4, 3)) == [
        ["features.0", "features.1"],
        ["features.3", "features.4"],
        ["classifier"],
    ]
    assert weight_layers(ConvNet(1, 3)) == [
        ["convolutions.0", "convolutions.1", "convolutions.2"],
        ["convolutions.5", "convolutions.6"],
        ["bottleneck.1", "bottleneck.2"],
        ["classifier"],
    ]
    assert weight_layers(Token()) == [[""], ["head"]]
    assert weight_layers(nn.Linear(2, 2)) == [[""]]
    assert weight_layers(nn.ReLU()) == []


def test_reinitialise_draws_new_weights_for_these_layers_only() -> None:
    net = MLP(4, 3, hidden=(5, 6))
    net(torch.randn(8, 4, generator=torch.Generator().manual_seed(0)) + 3)
    before = copy.deepcopy(net.state_dict())
    reinitialise(net, ["features.3", "features.4"])
    changed = {
        key for key, value in net.state_dict().items() if not torch.equal(value, before[key])
    }
    assert changed == {
        "features.3.weight",
        "features.3.bias",
        "features.4.running_mean",
        "features.4.running_var",
        "features.4.num_batches_tracked",
    }


def test_layer_that_cannot_be_reinitialised() -> None:
    message = (
        r"The 'reinit' parameter reaches '', a Token without reset_parameters\(\). Lower 'reinit'"
    )
    with pytest.raises(ValueError, match=message):
        reinitialise(Token(), [""])


def test_head_of_another_size_is_replaced() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 1000, bias=False)))
    first = net[0]
    replace_head(net, 5)
    head = net[1][1]
    assert (head.in_features, head.out_features, head.bias) == (3, 5, None)
    assert net[0] is first


def test_head_of_the_right_size_stays() -> None:
    net = nn.Sequential(nn.Linear(4, 3))
    head = net[0]
    replace_head(net, 3)
    assert net[0] is head


def test_module_without_a_linear_layer_stays() -> None:
    net = nn.Sequential(nn.Conv1d(1, 7, 1))
    replace_head(net, 3)
    assert net[0].out_channels == 7
