"""Which nets can be trained together, and which are too large to save time by it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ...nn import Backbone
from ..data.domains import DomainPair
from ..data.inputs import InputRows
from ..data.rows import ArrayRows
from ..net import AdaptationNet
from .layers import DROPOUTS, UnstackableError

__all__ = ["Job", "check_size", "check_stackable"]


class Job(NamedTuple):
    """An untrained net, its rows, and the lams to train it with."""

    net: AdaptationNet
    domains: DomainPair
    lams: Sequence[float]


# the mean of such a loss can be taken for each model
_OF_NUMBERS = (nn.MSELoss, nn.L1Loss, nn.HuberLoss, nn.SmoothL1Loss)
# floating point operations in the forward pass of a row, beyond which training together saves no
# time; with a tenth of them it is some 4 times faster
_MOST_FLOPS = 500_000
# each updates a weight by the gradients of that weight alone, so that a stack changes nothing
_OPTIMIZERS = (
    torch.optim.SGD,
    torch.optim.Adam,
    torch.optim.AdamW,
    torch.optim.RMSprop,
    torch.optim.Adagrad,
    torch.optim.Adadelta,
    torch.optim.Adamax,
    torch.optim.NAdam,
    torch.optim.RAdam,
)


def check_stackable(job: Job) -> None:
    """Raise UnstackableError if a net cannot be trained together with others of its kind."""
    net, domains = job.net, job.domains
    if not net.stackable or net.frozen:
        raise UnstackableError("the training has stages of its own")
    if isinstance(net.module_, Backbone):
        raise UnstackableError("a pretrained network has parts that do not change with the mode")
    if net.tuning:
        raise UnstackableError("a tuning recipe works on one network at a time")
    if type(net.optimizer_) not in _OPTIMIZERS:
        raise UnstackableError(f"the optimizer {type(net.optimizer_).__name__} cannot be stacked")
    if not (_is_plain_cross_entropy(net.criterion_) or is_of_numbers(net.criterion_)):
        raise UnstackableError(f"the criterion {type(net.criterion_).__name__} cannot be stacked")
    if net.callbacks not in (None, "disable", []) or net.train_split or net.compile:
        raise UnstackableError("callbacks, train_split and compile work on one network at a time")
    if net.amp is not None:
        raise UnstackableError("mixed precision rounds otherwise in another shape")
    if domains.n_sources > 1:
        raise UnstackableError("the rows of a batch are cut by their source")
    if domains.has_target_labels:
        raise UnstackableError("labelled target rows join the classification loss")
    if isinstance(domains.source, InputRows):
        raise UnstackableError("the module takes several inputs")
    if not all(isinstance(rows, ArrayRows) for rows in (domains.source, domains.target)):
        raise UnstackableError("the rows come from a Dataset or a DataLoader")
    if domains.source.dtype != torch.float32:
        raise UnstackableError("the rows are integers that the module embeds")
    on_cpu = torch.device(net.device).type == "cpu"
    for module in (net.module_, net.adaptation_):
        for layer in module.modules():
            # weight_norm and pruning set such a tensor before each call
            if not {"weight", "bias"}.isdisjoint(vars(layer)):
                raise UnstackableError("a layer computes its weights from others")
            # on a GPU a stack would draw other masks
            drawn_here = on_cpu and isinstance(layer, nn.Dropout)
            if isinstance(layer, DROPOUTS) and layer.p > 0 and not drawn_here:
                raise UnstackableError("dropout draws its masks for one network at a time")


def check_size(job: Job) -> None:
    """Raise UnstackableError if the net is so large that training together saves no time."""
    if torch.device(job.net.device).type != "cpu":
        return
    (rows,) = job.domains.source.batches([job.domains.subset[:2]])
    module = copy.deepcopy(job.net.module_).eval()
    with torch.no_grad(), _Operations() as counter:
        module(rows)
    flops = counter.total // len(rows)
    if flops > _MOST_FLOPS:
        raise UnstackableError(
            f"the network is large ({flops} floating point operations a row, where more than "
            f"{_MOST_FLOPS} leave nothing to save)"
        )


class _Operations(TorchDispatchMode):
    """Count floating point operations; torch's `FlopCounterMode` hooks other threads' modules."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call the function, and count the operations of matrix products and convolutions."""
        result = function(*args, **(kwargs or {}))
        if (count := flop_registry.get(function._overloadpacket)) is not None:  # noqa: SLF001
            self.total += count(*args, **(kwargs or {}), out_val=result)
        return result


def is_of_numbers(criterion: Any) -> bool:
    """Say whether a loss is a mean over the numbers of a regression."""
    return type(criterion) in _OF_NUMBERS and criterion.reduction == "mean"


def _is_plain_cross_entropy(criterion: Any) -> bool:
    """Say whether a loss is a cross-entropy of which the stack knows every option."""
    if type(criterion) is not nn.CrossEntropyLoss:
        return False
    weighted_or_smoothed = criterion.weight is None or criterion.label_smoothing == 0
    return weighted_or_smoothed and _options(criterion) == _options(nn.CrossEntropyLoss())


def _options(criterion: nn.Module) -> dict[str, Any]:
    """Return the options of a loss other than those that the stack knows."""
    known = ("weight", "label_smoothing", "training")
    return {
        name: value
        for name, value in vars(criterion).items()
        if not name.startswith("_") and name not in known
    }
