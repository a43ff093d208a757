"""The second stage of ADDA: an encoder of the target's own against a discriminator."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..losses import domain_bce
from ..nn import LayerCapture
from .adaptation import Passed
from .batches import Batch
from .net import AdaptationNet

__all__ = ["EncoderAdversary", "EncoderNet"]


class EncoderAdversary(nn.Module):
    r"""A discriminator of the two encoders' features, and the target encoder's wish to fool it.

    .. math::

        \mathrm{BCE}(D(f_s), 0) + \mathrm{BCE}(D(\bar f_t), 1)
            + \lambda \, \mathrm{BCE}(\bar D(f_t), 0)

    A bar marks what is held constant. The labels of the last term are inverted instead of the
    gradient reversed: where D wins, its gradient does not vanish.

    Parameters
    ----------
    discriminator : nn.Module
        From features (n, d) to one logit of "target" a row.
    """

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, source: Passed, target: Passed, lam: float) -> Tensor:
        """Return the loss, already weighted."""
        f_source, f_target = torch.cat(source.features, 1), torch.cat(target.features, 1)
        apart = domain_bce(
            self.discriminator(f_source.detach()), self.discriminator(f_target.detach())
        )
        constant = {name: p.detach() for name, p in self.discriminator.named_parameters()}
        fooled = functional_call(self.discriminator, constant, (f_target,))
        return apart + lam * nn.functional.softplus(fooled).mean()


class EncoderNet(AdaptationNet):
    """Net of the target's encoder; source rows pass the finished net of the source.

    Parameters
    ----------
    module : nn.Module
        The target's network.
    source_net : AdaptationNet
        The source's net, which stays as it is.
    **kwargs
        As for `AdaptationNet`.
    """

    def __init__(self, module: nn.Module, *, source_net: AdaptationNet, **kwargs: Any) -> None:
        self.source_net = source_net
        super().__init__(module, **kwargs)

    def forward_domains(self, batch: Batch) -> tuple[Passed, Passed | None]:
        """Pass the source rows through the source's net and the target rows through this one."""
        source_module = self.source_net.plain_module.eval()
        with torch.no_grad(), LayerCapture(source_module, self.layers) as capture:
            logits = source_module(batch.source.to(self.device))
            source = Passed(capture.pop(), logits, self._to_device(batch.y_source))
        if batch.target is None:
            return source, None
        return source, self._forward_target(batch)

    def classification_loss(self, source: Passed, target: Passed | None) -> Tensor:
        """Return the criterion's mean over labelled target rows, zero where there are none."""
        of_target = self.labelled_target_loss(target)
        return source.logits.new_zeros(()) if of_target is None else of_target
