import torch
from torch import nn

from skda.nn import DomainDiscriminator, batch_norm_layers


def test_logits_by_hand() -> None:
    discriminator = DomainDiscriminator(2, hidden=(3,))
    hidden, last = (m for m in discriminator.modules() if isinstance(m, nn.Linear))
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]))
        hidden.bias.copy_(torch.tensor([0.0, -1.0, 0.5]))
        last.weight.copy_(torch.tensor([[1.0, 10.0, 100.0]]))
        last.bias.fill_(0.25)
    x = torch.tensor([[2.0, 3.0], [-1.0, 0.0]])
    # relu(2), relu(2), relu(-4.5) and relu(-1), relu(-1), relu(1.5)
    assert discriminator(x).tolist() == [2 + 20 + 0.25, 150 + 0.25]


def test_without_hidden_layers_it_is_logistic_regression() -> None:
    discriminator = DomainDiscriminator(3, hidden=())
    (linear,) = discriminator.layers
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(discriminator(x), x @ linear.weight[0] + linear.bias)


def test_widths_of_the_paper() -> None:
    layers = DomainDiscriminator(2048, hidden=(1024, 1024)).layers
    linears = [m for m in layers if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linears] == [
        (2048, 1024),
        (1024, 1024),
        (1024, 1),
    ]
    (default, _) = (m for m in DomainDiscriminator(7).layers if isinstance(m, nn.Linear))
    assert default.out_features == 100


def test_nothing_inside_normalises_the_domain_away() -> None:
    assert batch_norm_layers(DomainDiscriminator(4, hidden=(8, 8), dropout=0.5)) == []


def test_dropout_follows_each_hidden_layer() -> None:
    discriminator = DomainDiscriminator(4, hidden=(64, 64), dropout=0.5)
    assert [m.p for m in discriminator.modules() if isinstance(m, nn.Dropout)] == [0.5, 0.5]
    x = torch.ones(3, 4)
    assert torch.equal(discriminator.eval()(x), discriminator(x))


def test_one_logit_is_not_constant() -> None:
    # a softmax over the single logit would be constant, and nothing would be learned
    discriminator = DomainDiscriminator(2, hidden=(8,))
    x = torch.randn(16, 2, generator=torch.Generator().manual_seed(0))
    discriminator(x).sigmoid().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in discriminator.parameters())
