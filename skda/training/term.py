"""The second term of the loss: its interface and its two simplest forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from .data.domains import DomainPair

__all__ = [
    "AdaptationTerm",
    "BothDomains",
    "Discrepancy",
    "DomainOutput",
    "Features",
    "TargetTerm",
    "features_of_both",
    "one_logit_a_row",
]

Features = tuple[Tensor, ...]


class DomainOutput(NamedTuple):
    """What the network returns for rows of one domain.

    Tensors may have leading axes of models, written as dots.

    Attributes
    ----------
    features : tuple of Tensor of shape (..., n, d_layer)
        Activations of the adapted layers.
    logits : Tensor of shape (..., n, n_outputs)
        Output of the network.
    y : Tensor of shape (..., n), int64, or None
        Class indices, -1 where unlabelled.
    both : tuple of Tensor of shape (..., n_source + n_target, d_layer), default=()
        Activations of both domains, with `features` as a part, if they passed together.
    sizes : tuple of int, default=()
        Number of rows of each of several sources, which lie one below the other.
    by_turns : bool, default=False
        Whether source and target rows alternate in `both`. Otherwise all source rows come first.
    """

    features: Features
    logits: Tensor
    y: Any = None  # a Tensor wherever a loss reads it
    both: Features = ()
    sizes: tuple[int, ...] = ()
    by_turns: bool = False

    def by_source(self) -> list[DomainOutput]:
        """Return the rows of each source; all rows if there is one source."""
        if not self.sizes:
            return [self]
        features = [layer.split_with_sizes(self.sizes, -2) for layer in self.features]
        layers = zip(*features, strict=True) if features else [()] * len(self.sizes)
        logits = self.logits.split_with_sizes(self.sizes, -2)
        none = [None] * len(self.sizes)
        y = none if self.y is None else self.y.split_with_sizes(self.sizes)
        return [DomainOutput(*parts) for parts in zip(layers, logits, y, strict=True)]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.logits.shape[-2]

    @property
    def joined(self) -> Tensor:
        """The layers' activations side by side, shape (..., n, d)."""
        return self.features[0] if len(self.features) == 1 else torch.cat(self.features, -1)


class BothDomains:
    """Features and logits of both domains' rows in one tensor each, in the order of their pass.

    Where many models pass together, source and target rows may alternate. A discriminator computes
    on the rows in this order: to sort its one logit a row is faster than to sort the features.

    Parameters
    ----------
    source, target : DomainOutput

    Examples
    --------
    >>> source = DomainOutput((torch.zeros(2, 3), torch.zeros(2, 1)), torch.zeros(2, 2))
    >>> both = BothDomains(source, source)
    >>> both.features.shape, both.logits.shape
    (torch.Size([4, 4]), torch.Size([4, 2]))
    """

    def __init__(self, source: DomainOutput, target: DomainOutput) -> None:
        self.source, self.target = source, target
        self.by_turns = source.by_turns

    @property
    def features(self) -> Tensor:
        """The layers' activations side by side, shape (..., n_s + n_t, d)."""
        layers = self.source.both or [
            torch.cat(pair, -2)
            for pair in zip(self.source.features, self.target.features, strict=True)
        ]
        return layers[0] if len(layers) == 1 else torch.cat(layers, -1)

    @property
    def logits(self) -> Tensor:
        """Output of the network, shape (..., n_s + n_t, n_outputs)."""
        of_domains = [self.source.logits, self.target.logits]
        return (
            torch.stack(of_domains, -2).flatten(-3, -2)
            if self.by_turns
            else torch.cat(of_domains, -2)
        )

    def source_first(self, values: Tensor) -> Tensor:
        """Put values of these rows, (..., n_s + n_t, k), in order: source rows, target rows."""
        if not self.by_turns:
            return values
        return torch.cat([values[..., 0::2, :], values[..., 1::2, :]], -2)


def features_of_both(source: DomainOutput, target: DomainOutput) -> Tensor:
    """Return the layers' activations side by side, source rows first: (..., n_s + n_t, d).

    Examples
    --------
    >>> source = DomainOutput((torch.zeros(2, 3), torch.zeros(2, 1)), torch.zeros(2, 2))
    >>> features_of_both(source, source).shape
    torch.Size([4, 4])
    """
    both = BothDomains(source, target)
    return both.source_first(both.features)


def one_logit_a_row(logits: Tensor, rows: Tensor) -> Tensor:
    """Return a discriminator's logits of `rows` (..., n, d) in shape (..., n, 1).

    Logits (n,) of one model stay as they are: a view would cost time in the backward pass.

    Examples
    --------
    >>> one_logit_a_row(torch.zeros(2, 4), torch.zeros(2, 4, 3)).shape
    torch.Size([2, 4, 1])
    """
    return logits.unsqueeze(-1) if 1 < logits.ndim == rows.ndim - 1 else logits


class AdaptationTerm(nn.Module):
    """Base of every second term of the loss.

    A term computes on tensors that may have leading axes of models, (..., n, d): the search over
    lam trains many models as one. It may have parameters, which the net trains with those of the
    network.

    Attributes
    ----------
    stackable : bool
        Class attribute. Whether many models may share one call. False for a term whose own state,
        such as an optimizer, has no leading axes.
    epoch_sample : int
        Class attribute. Number of rows of each domain in the sample for `start_epoch`. With 0,
        the default, `start_epoch` is not called.
    takes_sources : bool
        Class attribute. Whether `forward` itself cuts the rows of several sources, by
        ``source.by_source()``. Otherwise each source has such a term, or all sources share one.
    waits : bool
        Whether `forward` reads numbers from the device, as decompositions and transports do. Such
        a step cannot be recorded (`cuda_graphs`).
    domain_logits : tuple of Tensor
        Set by `forward` of a term with a domain discriminator: the detached logits of "target",
        source rows first, in one tensor or in two; of one model (n,) or (n, 1), of many
        (..., n, 1). The history then has the `domain_accuracy` of each epoch.
    """

    stackable: ClassVar[bool] = True
    epoch_sample: ClassVar[int] = 0
    takes_sources: ClassVar[bool] = False
    waits: bool = False
    domain_logits: tuple[Tensor, ...] = ()

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the weighted term.

        Parameters
        ----------
        source, target : DomainOutput
            What the network returned for a batch of each domain.
        lam : float, or Tensor of the shape of the leading axes
            Trade-off weight at this step, one for each model. The term applies lam itself, because
            in some methods lam is no factor of a sum.

        Returns
        -------
        Tensor of the shape of the leading axes
        """
        raise NotImplementedError(f"{type(self).__name__} must define forward.")

    def start_epoch(self, source: Features, target: Features) -> None:
        """Take a sample of both domains' features before an epoch, if `epoch_sample` > 0.

        Parameters
        ----------
        source, target : tuple of Tensor of shape (n, d_layer)
            Activations of the adapted layers in eval mode.
        """

    def own_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters that the term trains itself, and the net's optimizer does not."""
        return ()

    def own_state(self) -> dict[str, Any]:
        """Return the term's own optimizers and generators, by name."""
        kinds = torch.Generator, torch.optim.Optimizer
        return {name: value for name, value in vars(self).items() if isinstance(value, kinds)}

    def by_source(self, domains: DomainPair) -> Iterable[tuple[AdaptationTerm, DomainPair, str]]:
        """Return the terms for `start_epoch`, each with its rows and the domain of the source."""
        return [(self, domains, "source")]


class Discrepancy(AdaptationTerm):
    r"""A distance between two samples, summed over the adapted layers.

    Parameters
    ----------
    distance : callable (source_features, target_features) -> Tensor
        The adaptation loss of one layer: from (..., n_s, d) and (..., n_t, d) to the shape of the
        leading axes.
    waits : bool, default=False
        Whether `distance` reads numbers from the device.

    Notes
    -----
    .. math:: \lambda \sum_{l} \mathrm{distance}(f_l(X_s), f_l(X_t))
    """

    def __init__(
        self, distance: Callable[[Tensor, Tensor], Tensor], *, waits: bool = False
    ) -> None:
        super().__init__()
        self.distance = distance
        self.waits = waits

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the weighted sum of the distances."""
        layers = zip(source.features, target.features, strict=True)
        first, *others = (self.distance(f_source, f_target) for f_source, f_target in layers)
        return lam * sum(others, start=first)


class TargetTerm(AdaptationTerm):
    r"""A loss of the target's logits alone, such as minimum class confusion.

    Parameters
    ----------
    loss : callable (target_logits) -> Tensor
        From (..., n_t, n_classes) to the shape of the leading axes.

    Notes
    -----
    .. math:: \lambda \, \mathrm{loss}(g(X_t))
    """

    takes_sources: ClassVar = True  # no source enters the loss

    def __init__(self, loss: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the weighted loss."""
        return lam * self.loss(target.logits)
