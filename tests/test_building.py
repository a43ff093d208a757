import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skda._building.modules import build_module, instantiate, probe, resolve_device
from skda.nn import MLP, ConvNet, ConvNet1d, Layer


class Sized(nn.Module):
    def __init__(self, n_features: int, n_classes: int, n_channels: int = 0, extra: int = 7):
        super().__init__()
        self.sizes = (n_features, n_classes, n_channels, extra)


def test_builtin_networks_by_the_shape_of_a_row() -> None:
    table = build_module(None, {"hidden": (5,)}, (4,), 3)
    assert isinstance(table, MLP)
    assert table(torch.zeros(2, 4)).shape == (2, 3)
    series = build_module(None, {}, (5, 6), 3)
    assert isinstance(series, ConvNet1d)
    assert series(torch.zeros(2, 5, 6)).shape == (2, 3)
    images = build_module(None, {}, (3, 8, 8), 10)
    assert isinstance(images, ConvNet)
    assert images(torch.zeros(2, 3, 8, 8)).shape == (2, 10)


def test_no_builtin_network_for_other_shapes() -> None:
    message = (
        r"The 'module' parameter can be None for tables \(n, n_features\) and images .* only. Got "
        r"rows of shape \(5, 6, 7, 8\): pass a module that takes them"
    )
    with pytest.raises(ValueError, match=message):
        build_module(None, {}, (5, 6, 7, 8), 2)


def test_sizes_are_filled_in_where_they_are_asked_for() -> None:
    assert build_module(Sized, {}, (3, 8, 8), 5).sizes == (3 * 8 * 8, 5, 3, 7)
    assert build_module(Sized, {"n_features": 2, "extra": 1}, (9,), 5).sizes == (2, 5, 9, 1)
    built = build_module(lambda n_classes: nn.Linear(4, n_classes), {}, (4,), 6)
    assert built.out_features == 6
    assert build_module(lambda: nn.Linear(4, 2), {}, (4,), 6).out_features == 2


def test_an_instance_is_copied_with_its_weights() -> None:
    module = nn.Linear(4, 2)
    built = build_module(module, {}, (4,), 2)
    assert built is not module
    assert torch.equal(built.weight, module.weight)
    with torch.no_grad():
        built.weight.zero_()
    assert module.weight.abs().sum() > 0


def test_an_instance_with_options_would_lose_its_weights() -> None:
    message = (
        "The 'module' parameter is an instance of MLP, which 'module__hidden' would make anew "
        "without its weights. Pass the class MLP and all of its options as module__"
    )
    with pytest.raises(ValueError, match=message):
        build_module(MLP(4, 2, hidden=(3,)), {"hidden": (8,)}, (4,), 2)


def test_unknown_option() -> None:
    message = r"Unexpected argument module__hiden, did you mean module__hidden\?"
    with pytest.raises(ValueError, match=message):
        build_module(None, {"hiden": 3}, (4,), 2)


def test_what_is_built_must_be_a_module() -> None:
    message = (
        "The 'discriminator' parameter must be an nn.Module class or instance, or a callable that "
        "returns one. Got <function .*, which returned a int"
    )
    with pytest.raises(ValueError, match=message):
        instantiate(lambda: 3, {}, {}, "discriminator")


def test_probe_measures_the_layers_and_changes_nothing() -> None:
    module = MLP(4, 3, hidden=(5, 6)).train()
    before = copy.deepcopy(module.state_dict())
    layers = [Layer("features.1", "output"), Layer("classifier", "input")]
    assert probe(module, torch.randn(2, 4), layers, 3) == (5, 6)
    assert module.training
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


class Returns(nn.Module):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> Any:
        return self.value


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (torch.zeros(2, 10), r"\(2, 10\)"),
        (torch.zeros(2), r"\(2,\)"),
        ((torch.zeros(2, 3), None), "tuple"),
    ],
)
def test_probe_checks_the_logits(value: Any, got: str) -> None:
    message = (
        r"The 'module' parameter must be a network that returns logits of shape \(n_rows, "
        rf"n_classes\), here \(2, 3\). Got {got} instead"
    )
    with pytest.raises(ValueError, match=message):
        probe(Returns(value), torch.zeros(2, 4), [], 3)


def test_devices() -> None:
    assert resolve_device("cpu") == torch.device("cpu")
    accelerator = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert (resolve_device("auto").type == "cpu") is not accelerator


@pytest.mark.parametrize("device", ["tpu9", "cuda:99"])
def test_unknown_device(device: str) -> None:
    message = (
        "The 'device' parameter must be 'auto' or a device that torch finds here, such as 'cpu'. "
        f"Got '{device}' instead"
    )
    with pytest.raises(ValueError, match=message):
        resolve_device(device)
