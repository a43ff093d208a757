import pytest
import torch
from torch import nn

from skda.nn import MLP, ConvNet, batch_norm_layers, resolve_layers


def rows(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_mlp_by_hand() -> None:
    net = MLP(4, 3, hidden=(5, 6)).eval()
    x = rows(7, 4)
    first, second = (m for m in net.features if isinstance(m, nn.Linear))
    norm_in, norm_out = batch_norm_layers(net)
    with torch.no_grad():
        norm_in.running_mean.fill_(0.5)
        norm_in.running_var.fill_(4.0)
        norm_out.running_mean.fill_(-1.0)
        norm_out.weight.fill_(2.0)
        norm_out.bias.fill_(0.25)
    hidden = ((x - 0.5) / (4 + 1e-5) ** 0.5 @ first.weight.T + first.bias).relu()
    out = hidden @ second.weight.T + second.bias
    bottleneck = (2 * (out + 1) / (1 + 1e-5) ** 0.5 + 0.25).relu()
    expected = bottleneck @ net.classifier.weight.T + net.classifier.bias
    torch.testing.assert_close(net(x), expected)


def test_widths_and_parameter_counts() -> None:
    count = sum(p.numel() for p in MLP(10, 3).parameters())
    assert count == (10 * 128 + 128) + (128 * 64 + 64) + 2 * 64 + (64 * 3 + 3)
    count = sum(p.numel() for p in ConvNet(1, 10, width=32, bottleneck=64).parameters())
    convolutions = (9 * 32 + 32) + 2 * 32 + (9 * 32 * 64 + 64) + 2 * 64
    assert count == convolutions + (64 * 16 * 64 + 64) + 2 * 64 + (64 * 10 + 10)


def test_the_adapted_layer_is_the_bottleneck() -> None:
    for net in (MLP(4, 3), ConvNet(1, 3)):
        (layer,) = resolve_layers(net)
        assert layer == ("classifier", "input")
        assert net.classifier.in_features == 64


def test_mlp_without_normalisation_activation_and_dropout() -> None:
    net = MLP(4, 3, hidden=(5, 6), activation=nn.Tanh, batch_norm=False, dropout=0.5)
    kinds = [type(m) for m in net.features]
    assert kinds == [nn.Linear, nn.Tanh, nn.Dropout, nn.Linear, nn.Tanh, nn.Dropout]
    assert [m.p for m in net.features if isinstance(m, nn.Dropout)] == [0.5, 0.5]


def test_mlp_without_hidden_layers_is_linear_on_the_normalised_input() -> None:
    net = MLP(4, 3, hidden=(), batch_norm=False)
    x = rows(5, 4)
    torch.testing.assert_close(net(x), x @ net.classifier.weight.T + net.classifier.bias)


@pytest.mark.parametrize("net", [MLP(4, 3), ConvNet(4, 3)])
def test_two_scales_of_one_measurement_give_one_answer(net: nn.Module) -> None:
    x = rows(64, 4) if isinstance(net, MLP) else rows(16, 4, 8, 8)
    torch.testing.assert_close(net(255 * x + 30), net(x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 8, 8), (3, 28, 28), (2, 5, 40)])
def test_convnet_takes_images_of_any_size(shape: tuple[int, ...]) -> None:
    logits = ConvNet(shape[0], 10).eval()(rows(2, *shape))
    assert logits.shape == (2, 10)
    assert logits.isfinite().all()


def test_convnet_by_its_parts() -> None:
    net = ConvNet(1, 2, width=3, bottleneck=4, dropout=0.5).eval()
    x = rows(2, 1, 16, 16)
    maps = net.convolutions(x)
    assert maps.shape == (2, 6, 4, 4)
    # 16 x 16 is halved twice, so the adaptive pooling has nothing left to average
    assert torch.equal(net.convolutions[:-1](x), maps)
    linear, norm = net.bottleneck[1], net.bottleneck[2]
    features = norm(maps.flatten(1) @ linear.weight.T + linear.bias).relu()
    torch.testing.assert_close(net(x), net.classifier(features))
    assert net.bottleneck[-1].p == 0.5
