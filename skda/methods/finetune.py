"""Fine-tuning: training on the source, and tuning of trained networks (Yosinski 2014)."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils._param_validation import HasMethods, Interval
from torch import nn

from .._building.calling import first_run, fit_head
from .._building.epochs import auto_epochs
from .._building.net_builder import rates_by_name
from .._building.pretrained import (
    load_pretrained,
    load_weights,
    pretrained_module,
    pretrained_units,
)
from ..base import DomainClassifier, DomainRegressor, TunableEstimator
from ..base._tuning import Layers
from ..nn import reinitialise, replace_head, weight_layers
from ..nn._copy import copy_net
from ..training import DomainPair, average_with_start, isolated_rng

__all__ = ["FinetuneClassifier", "FinetuneEstimator", "FinetuneRegressor"]


class FinetuneEstimator(TunableEstimator):
    """Fine-tuning for any task.

    Parameters
    ----------
    pretrained : None, nn.Module, fitted skda estimator, mapping or path, default=None
        Weights to start from: a network (then `module` is not used), an estimator's network, or
        a state_dict for `module`, also as the path of a .safetensors or torch.save file. The
        network of a fitted estimator keeps its `input_centre_`.
    reinit : int, default=0
        Number of layers, from the output, that start from new weights. With 1 or more, or if
        `pretrained` is an nn.Module, a last ``nn.Linear`` that does not fit the number of classes
        is replaced.
    backbone_lr_ratio : float or None, default=0.1
        Learning rate of all but the last layer (or the re-initialised ones) relative to `lr`.
        None is 1, unless the network has an attribute ``lr_ratio``.
    **params
        Parameters of `TunableEstimator`.

    Attributes
    ----------
    source_history_ : list of dict
        Rows of the history of the source stage, if there was a target stage; `history_` has those
        of the last stage.
    """

    trains_in_stages: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "pretrained": [None, nn.Module, Mapping, str, PathLike, HasMethods(["predict"])],
        "reinit": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        pretrained: Any = None,
        reinit: int = 0,
        backbone_lr_ratio: float | None = 0.1,
        **params: Any,
    ) -> None:
        super().__init__(module, backbone_lr_ratio=backbone_lr_ratio, **params)
        self.pretrained = pretrained
        self.reinit = reinit

    def __sklearn_clone__(self) -> Self:
        """Keep a fitted `pretrained`, whose clone would have no weights."""
        copy: Self = super().__sklearn_clone__()
        copy.pretrained = self.pretrained
        return copy

    def _make_module(self, rows: torch.Tensor, n_classes: int) -> nn.Module:
        self._check_tuning_makes_sense()
        module, has_weights = self._start_module(rows, n_classes)
        self._check_counts(module)
        if self.pretrained is None:
            return module
        if not has_weights:
            load_pretrained(module, load_weights(self.pretrained), self._new_layers(module))
        self._renew(module, n_classes)
        return module

    def _rebuild_module(self, rows: torch.Tensor, n_classes: int) -> nn.Module:
        module, _ = self._start_module(rows, n_classes)
        self._renew(module, n_classes)
        return module

    def _start_module(self, rows: torch.Tensor, n_classes: int) -> tuple[nn.Module, bool]:
        """Return the network before `reinit`, and whether it has the weights of `pretrained`."""
        network = pretrained_module(self.pretrained)
        if network is None:
            return super()._make_module(rows, n_classes), False
        module = first_run(network, rows, "pretrained")
        if isinstance(self.pretrained, nn.Module):  # a fitted estimator was for its own classes
            fit_head(module, rows, n_classes)
        return module, True

    def _check_tuning_makes_sense(self) -> None:
        if not isinstance(self.module, nn.Module) or self.pretrained is not None:
            return
        if self.n_frozen or self.reinit:
            raise ValueError(
                "The 'n_frozen' and 'reinit' parameters apply to trained weights. If the module's "
                "weights are trained, pass it as 'pretrained' instead of 'module'."
            )
        if recipes := self._recipes():
            raise ValueError(
                f"The {recipes[0]!r} parameter applies to trained weights. If the module's weights "
                "are trained, pass it as 'pretrained' instead of 'module'."
            )

    def _new_layers(self, module: nn.Module) -> list[str]:
        layers = weight_layers(module)
        return [name for layer in layers[len(layers) - self.reinit :] for name in layer]

    def _check_counts(self, module: nn.Module) -> None:
        who, n = type(self).__name__, len(weight_layers(module))
        for name, value in (("n_frozen", self.n_frozen), ("reinit", self.reinit)):
            if value > n:
                raise ValueError(
                    f"The '{name}' parameter of {who} must be at most {n}, the "
                    f"number of layers of the module. Got {value} instead."
                )
        most = n - max(1, self.reinit)
        if self.n_frozen > most:
            raise ValueError(
                f"The 'n_frozen' parameter of {who} must be at most {most}: of the "
                f"module's {n} layers, the last and those of 'reinit' ({self.reinit}) must stay "
                f"free. Got {self.n_frozen} instead."
            )

    def _renew(self, module: nn.Module, n_classes: int) -> None:
        """Give the upper layers new weights."""
        if self.reinit:
            replace_head(module, n_classes)
        reinitialise(module, self._new_layers(module))

    def _net_options(self, module: nn.Module) -> dict[str, Any]:
        return {} if self.pretrained is None else self._tuning_options(module)

    def _body_and_head(self, module: nn.Module) -> tuple[Layers, Layers]:
        layers = weight_layers(module)
        n_head = max(1, self.reinit)
        return layers[:-n_head], layers[-n_head:]

    def _rates(self, module: nn.Module, body: Layers, head: Layers) -> dict[str, Any]:
        given = self.net_params("optimizer")
        ratio = self.backbone_lr_ratio
        if ratio is None or self.layer_lr_decay < 1 or "param_groups" in given:
            return super()._rates(module, body, head)
        lr = given.get("lr", self.lr)
        names = [f"{name}.*" if name else "*" for layer in head for name in layer]
        return {"optimizer__lr": lr * ratio, **rates_by_name([(name, lr) for name in names])}

    def _epochs_of_stages(self, domains: DomainPair) -> list[int]:
        if not domains.has_target_labels:
            return [self.n_epochs_]
        if self.max_epochs != "auto":
            return [self.n_epochs_] * 2
        # a large source has few epochs, in which a few labelled rows would take few steps
        return [self.n_epochs_, auto_epochs(len(domains.labelled_target()), self.batch_size)]

    def _train(self, domains: DomainPair) -> None:
        """Train the source stage, then tune on the labelled target rows, if there are any."""
        self.source_history_: list[dict[str, Any]] = []
        epochs, *of_target = self._epochs_of_stages(domains)
        if not of_target:
            super()._train(domains)
            return
        (epochs_of_target,) = of_target
        checkpoint = self.net_.checkpoint_
        source_net = self.net_.fit_domains(domains.without_target(), epochs)
        average_with_start(source_net)
        rows = source_net.history
        self.source_history_ = [{k: row[k] for k in row if k != "batches"} for row in rows]
        module = copy_net(source_net.plain_module).cpu()
        if self.pretrained is None:
            with isolated_rng(source_net.seeds.adaptation, torch.device("cpu")):
                self._renew(module, self._n_outputs)
        kept = {name: getattr(source_net, name) for name in ("layers", "widths", "seeds")}
        kept |= dict.fromkeys(("planned_epochs", "max_epochs"), epochs_of_target)
        self.net_ = self._wrap(module, **kept, **self._tuning_options(module))
        self.net_.fits_ = source_net.fits_
        self.net_.checkpoint_ = checkpoint and checkpoint.next()
        own, first = self.net_.domain_module_, source_net.domain_module_
        own.start_target_like(first)
        labelled = domains.labelled_target()
        average_with_start(self.net_.fit_domains(labelled, epochs_of_target, domain="target"))
        own.take_sources(first)  # after the average: this stage had no rows of theirs
        self._adapt_statistics(domains)

    @property
    def _histories(self) -> list[Any]:
        first = vars(self).get("source_history_", [])
        return [first, self.net_.history] if first else [self.net_.history]


class FinetuneClassifier(FinetuneEstimator, DomainClassifier):
    r"""Fine-tuning: the source-only network, or a pretrained one tuned on the labels at hand.

    There is no adaptation loss. The network learns from rows with labels in up to two stages: from
    the source first, then from the labelled rows of the target:

    .. math:: L_1 = \mathrm{CE}(f(X_s), y_s), \qquad L_2 = \mathrm{CE}(f(X_t), y_t)

    A stage that starts from trained weights is *tuned*: `reinit`, `backbone_lr_ratio`,
    `head_epochs` and the other recipes apply to it. Without `pretrained` the source stage trains
    a new network at full rate, and only the target stage is tuned.

    Parameters
    ----------
    **params
        Parameters of `DomainClassifier`.

    Notes
    -----
    Target rows without labels are used by ``adapt_batch_norm=True`` only. `partial_fit` has no
    stages: an epoch has the source rows and the labelled target rows.

    ``max_epochs="auto"`` has a number for each stage. That of the source stage is `n_epochs_`.
    The target stage has as many epochs as make 1000 steps on the labelled target rows, from 20 to
    200. An integer holds for both stages.

    References
    ----------
    .. [1] Yosinski, J. et al. (2014). How transferable are features in deep neural networks?
       NIPS.
    .. [2] Howard, J. and Ruder, S. (2018). Universal language model fine-tuning for text
       classification. ACL. (Gradual unfreezing.)

    Examples
    --------
    >>> from skda import FinetuneClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> source_only = FinetuneClassifier(max_epochs=5, random_state=0)
    >>> source_only = source_only.fit(moons.X_source, moons.y_source)
    >>> tuned = FinetuneClassifier(pretrained=source_only, n_frozen=1, max_epochs=5)
    >>> tuned.fit(moons.X_target[:20], moons.y_target[:20]).classes_
    array([0, 1])
    """


class FinetuneRegressor(FinetuneEstimator, DomainRegressor):
    r"""Fine-tuning of a regressor: the source-only network, or a pretrained one that is tuned.

    There is no adaptation loss, and there are up to two stages, as in `FinetuneClassifier`:

    .. math:: L_1 = \mathrm{MSE}(f(X_s), y_s), \qquad L_2 = \mathrm{MSE}(f(X_t), y_t)

    Parameters
    ----------
    **params
        Parameters of `DomainRegressor`.

    Notes
    -----
    A `pretrained` network must have been trained on standardised labels. A fitted regressor passes
    on its standardisation too, unless `reinit` gives the last layer new weights.

    References
    ----------
    .. [1] Yosinski, J. et al. (2014). How transferable are features in deep neural networks?
       NIPS.

    Examples
    --------
    >>> from skda import FinetuneRegressor
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> y = moons.X_source[:, 0] - moons.X_source[:, 1]  # a number for each row
    >>> source_only = FinetuneRegressor(max_epochs=20, random_state=0).fit(moons.X_source, y)
    >>> source_only.score(moons.X_source, y, domain="source") > 0.9
    True
    """

    def _encode_source(self, y: Any, n_rows: int, go_on: bool, classes: Any) -> np.ndarray:
        numbers = super()._encode_source(y, n_rows, go_on, classes)
        units, shape = pretrained_units(self.pretrained), numbers.shape[1:]
        if units is None or units.mean is None or go_on or self.reinit:
            return numbers
        if units.mean.shape == shape or (not shape and units.mean.size == 1):
            self.y_mean_, self.y_scale_ = units.mean.reshape(shape), units.scale.reshape(shape)
        return numbers
