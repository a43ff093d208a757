from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skda.nn import Layer, LayerCapture, resolve_layers


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))


def hooks(module: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in module.modules())


class Branches(nn.Module):
    """A convolution, a recurrent layer, one that is never called, one called by keyword."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.unused = nn.Linear(1, 1)
        self.rnn = nn.GRU(2, 5, batch_first=True)
        self.head = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.conv(x).flatten(2).transpose(1, 2)
        return self.head(input=self.rnn(maps)[0][:, -1])


def test_default_is_the_input_of_the_last_linear_layer() -> None:
    assert resolve_layers(net()) == [Layer("2", "input")]


def test_what_the_module_declares_comes_before_the_default() -> None:
    module = net()
    module.adapt_layers = ["0", "1"]
    assert resolve_layers(module) == [Layer("0", "output"), Layer("1", "output")]
    assert resolve_layers(module, "2") == [Layer("2", "output")]


def test_unknown_layer() -> None:
    message = (
        r"The 'adapt_layers' parameter must name layers of the module, one or several of "
        r"\['conv', 'unused', 'rnn', 'head'\]. Got 'haed' instead. Did you mean 'head'\?"
    )
    with pytest.raises(ValueError, match=message):
        resolve_layers(Branches(), ["conv", "haed"])


def test_no_layer_at_all() -> None:
    with pytest.raises(ValueError, match=r"must name at least one layer\. Got none"):
        resolve_layers(net(), [])


def test_no_default_without_a_linear_layer() -> None:
    message = r"cannot be left at None for a module without any nn.Linear. .* \['0', '1'\]"
    with pytest.raises(ValueError, match=message):
        resolve_layers(nn.Sequential(nn.Conv1d(1, 1, 1), nn.Flatten()))


def test_activations_by_hand() -> None:
    module = net()
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    hidden = x @ module[0].weight.T + module[0].bias
    layers = [Layer("2", "input"), Layer("0", "output")]
    with LayerCapture(module, layers) as capture:
        logits = module(x)
        after, before = capture.pop()
    torch.testing.assert_close(before, hidden)
    torch.testing.assert_close(after, hidden.relu())
    assert torch.equal(logits, module(x))


def test_gradient_flows_through_the_activations() -> None:
    module = net()
    with LayerCapture(module, resolve_layers(module)) as capture:
        module(torch.ones(2, 4))
        (features,) = capture.pop()
    features.sum().backward()
    assert module[0].weight.grad is not None
    assert module[2].weight.grad is None


def test_latest_pass_counts_and_is_given_once() -> None:
    module = net()
    with LayerCapture(module, [Layer("0", "output")]) as capture:
        module(torch.zeros(2, 4))
        module(torch.zeros(7, 4))
        assert capture.pop()[0].shape == (7, 3)
        with pytest.raises(ValueError, match="'0', whose output is never computed"):
            capture.pop()


def test_maps_are_flattened_states_dropped_keywords_caught() -> None:
    module = Branches()
    x = torch.randn(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    layers = [Layer("conv", "output"), Layer("rnn", "output"), Layer("head", "input")]
    with LayerCapture(module, layers) as capture:
        module(x)
        maps, sequence, last = capture.pop()
    torch.testing.assert_close(maps, module.conv(x).reshape(6, 8))
    assert sequence.shape == (6, 4 * 5)
    assert torch.equal(sequence[:, -5:], last)


def test_layer_that_takes_no_part() -> None:
    module = Branches()
    with LayerCapture(module, [Layer("unused", "output")]) as capture:
        module(torch.zeros(1, 1, 4, 4))
        with pytest.raises(ValueError, match="'unused', whose output is never computed in the"):
            capture.pop()


def test_layer_that_returns_no_tensor() -> None:
    class Dictionary(nn.Module):
        def forward(self, x: Tensor) -> dict[str, Any]:
            return {"x": x}

    module = nn.Sequential(Dictionary())
    with LayerCapture(module, [Layer("0", "output")]) as capture:
        module(torch.zeros(1, 1))
        with pytest.raises(ValueError, match="'0', whose output is a dict in the module's forw"):
            capture.pop()


def test_hooks_leave_with_the_context_even_if_it_fails() -> None:
    module = net()
    capture = LayerCapture(module, resolve_layers(module))
    with capture:
        assert hooks(module) == 1
    assert hooks(module) == 0
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), capture:
        module(torch.zeros(1, 9))
    assert hooks(module) == 0
