"""Base of the estimators that may start from trained weights: the recipes of fine-tuning."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import nn

from .._building.net_builder import rates_by_name
from ..nn import weight_layers
from ._estimator import DomainEstimator

__all__ = ["TunableEstimator"]

Layers = Sequence[Sequence[str]]


class TunableEstimator(DomainEstimator):
    """Base of the estimators that may start from trained weights: how these are tuned.

    The parameters below are for trained weights, and may be combined. The *head* is the last
    layer with weights, with any bottleneck that skda added; the *body* is all layers below.

    Parameters
    ----------
    n_frozen : int, default=0
        Number of layers, from the input, that are kept fixed. Their batch normalisation keeps
        its statistics.
    unfreeze_schedule : int or None, default=None
        Free one more of the frozen layers, from the top, after each so many epochs.
    head_epochs : int, default=0
        Train the head alone, on the features of the trained body, in the first so many epochs,
        and then all layers (LP-FT, Kumar 2022). With `max_epochs` or more, the body is never
        trained.
    backbone_lr_ratio : float or None, default=None
        Learning rate of the body relative to `lr`, which is that of the head and of what the
        method trains beside the network. None is 1, unless the network has an attribute
        ``lr_ratio``. ``optimizer__param_groups`` takes precedence.
    layer_lr_decay : float, default=1.0
        Factor in (0, 1] of the learning rate from each layer to the one below, from the head
        down. Deep networks want a number near 1.
    l2_sp : float, default=0.0
        Weight of a penalty: ``l2_sp / 2`` times the squared distance of the body from the weights
        that it started from, and of the head from 0 (L2-SP, Li 2018). Its gradient is added to
        that of the loss, as in ``optimizer__weight_decay``, whose penalty is the distance from 0.
    freeze_norm : bool, default=False
        Whether the batch normalisation of the body keeps the statistics that it came with, for
        both domains, and normalises by them in training as well. Its weights are trained.
    wise_ft : float, default=1.0
        Share in [0, 1] of the trained weights in an average with the weights at the start, at the
        end of `fit` (WiSE-FT, Wortsman 2022). 0 is the start, 1 does not average. With
        `head_epochs`, the head at the start is the one that these epochs trained.
    **params
        Parameters of `DomainEstimator`.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_frozen": [Interval(Integral, 0, None, closed="left")],
        "unfreeze_schedule": [Interval(Integral, 1, None, closed="left"), None],
        "head_epochs": [Interval(Integral, 0, None, closed="left")],
        "backbone_lr_ratio": [Interval(Real, 0, None, closed="neither"), None],
        "layer_lr_decay": [Interval(Real, 0, 1, closed="right")],
        "l2_sp": [Interval(Real, 0, None, closed="left")],
        "freeze_norm": ["boolean"],
        "wise_ft": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        n_frozen: int = 0,
        unfreeze_schedule: int | None = None,
        head_epochs: int = 0,
        backbone_lr_ratio: float | None = None,
        layer_lr_decay: float = 1.0,
        l2_sp: float = 0.0,
        freeze_norm: bool = False,
        wise_ft: float = 1.0,
        **params: Any,
    ) -> None:
        super().__init__(module, **params)
        self.n_frozen = n_frozen
        self.unfreeze_schedule = unfreeze_schedule
        self.head_epochs = head_epochs
        self.backbone_lr_ratio = backbone_lr_ratio
        self.layer_lr_decay = layer_lr_decay
        self.l2_sp = l2_sp
        self.freeze_norm = freeze_norm
        self.wise_ft = wise_ft

    def _recipes(self) -> list[str]:
        """Name the recipes that are not at their neutral value."""
        neutral = {"n_frozen": 0, "unfreeze_schedule": None, "head_epochs": 0}
        neutral |= {"layer_lr_decay": 1, "l2_sp": 0, "freeze_norm": False, "wise_ft": 1}
        return [name for name, value in neutral.items() if getattr(self, name) != value]

    def _tuning_options(self, module: nn.Module) -> dict[str, Any]:
        """Return the options of a net that starts from trained weights."""
        recipes = self._recipes()
        if not recipes and self.backbone_lr_ratio is None:
            return {}
        body, head = self._body_and_head(module)
        if self.n_frozen > len(body):
            raise ValueError(
                f"The 'n_frozen' parameter of {type(self).__name__} must be at most {len(body)}, "
                f"the number of layers of the module below its head. Got {self.n_frozen} instead."
            )
        options: dict[str, Any] = {
            "frozen": body[: self.n_frozen],
            "unfreeze_every": self.unfreeze_schedule,
        }
        tuning: dict[str, Any] = {
            name: getattr(self, name) for name in ("head_epochs", "l2_sp", "freeze_norm", "wise_ft")
        }
        if set(tuning) & set(recipes):
            fixed = [name for name, p in module.named_parameters() if not p.requires_grad]
            options["tuning"] = {"body": body, "fixed": fixed, **tuning}
        return options | self._rates(module, body, head)

    def _body_and_head(self, module: nn.Module) -> tuple[Layers, Layers]:
        """Return the layers below the head, from the input, and those of the head."""
        layers = weight_layers(module)
        n_head = 2 if _ends_in_bottleneck(module, layers) else 1
        return layers[:-n_head], layers[-n_head:]

    def _rates(self, module: nn.Module, body: Layers, head: Layers) -> dict[str, Any]:
        """Return the optimizer's options for the learning rate of each layer."""
        given = self.net_params("optimizer")
        if "param_groups" in given:
            if self.layer_lr_decay < 1:
                raise ValueError(
                    "The 'layer_lr_decay' and 'optimizer__param_groups' parameters both set the "
                    "learning rates of the layers. Leave one of them out."
                )
            return {}
        ratio = self.backbone_lr_ratio
        if ratio is None:
            if self.layer_lr_decay == 1:
                return {}
            ratio = getattr(module, "lr_ratio", 1.0)
        lr = given.get("lr", self.lr)
        rates = [(name, lr) for layer in head for name in _patterns(module, layer)]
        for k, layer in enumerate(reversed(body), start=1):
            rate = lr * ratio * self.layer_lr_decay**k
            rates += [(name, rate) for name in _patterns(module, layer)]
        return rates_by_name(rates)


def _ends_in_bottleneck(module: nn.Module, layers: Layers) -> bool:
    """Say whether `insert_bottleneck` put the last two layers there."""
    top = module.get_submodule(layers[-1][0].rpartition(".")[0])
    return [name for name, _ in top.named_children()] == ["bottleneck", "classifier"]


def _patterns(module: nn.Module, layer: Sequence[str]) -> list[str]:
    """Return patterns that match the parameters of a layer itself, not of submodules in it."""
    patterns: list[str] = []
    for name in layer:
        submodule = module.get_submodule(name)
        start = f"{name}." if name else ""
        if name and next(submodule.children(), None) is None:
            patterns.append(f"{start}*")
        else:
            patterns += [start + own for own, _ in submodule.named_parameters(recurse=False)]
    return patterns
