"""The skorch net that trains on two domains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochTimer, PrintLog
from torch import nn

from ..nn import DomainStatistics, Layer, LayerCapture, batch_norm_layers
from .batches import TwoDomainLoader, TwoDomains
from .resident import resident, room_on
from .rng import NO_SEEDS, Seeds, isolated_rng
from .schedules import Schedule, constant
from .steps import DomainSteps

__all__ = ["AdaptationNet"]


class AdaptationNet(DomainSteps, NeuralNetClassifier):
    r"""skorch net whose training loss has a second term over source and target features.

    .. math:: L = \mathrm{criterion}(f(X_s), y_s) + \mathrm{adaptation}(X_s, X_t, \lambda)

    Parameters
    ----------
    module : nn.Module
        Network that returns logits of shape (n, n_classes).
    adaptation : nn.Module or None
        Called with two `Passed` and lam, returns the weighted second term (`Discrepancy`,
        `Adversary`); its parameters are trained with the module's.
    layers : sequence of Layer
        The adapted layers.
    widths : sequence of int
        Their widths.
    lam : float
        Trade-off weight. At 0 the target is not looked at.
    lam_schedule, lr_schedule : callable
        Factors of lam and of the learning rate as functions of the progress in [0, 1].
    per_domain : bool
        Whether each domain has its own batch statistics.
    planned_epochs : int
        Number of epochs after which the progress is 1.
    data_device : {"auto", "cpu"}
        Where the rows wait; "auto" is a GPU's memory where they fit.
    amp : {"bf16"} or None
        Precision of the module's matrix products; None leaves it float32.
    seeds : Seeds
        Seeds of the batches and of what is random in the forward pass.
    frozen : sequence of sequence of str
        Layers, from the input, each a list of names of submodules, whose parameters are fixed
        and whose normalisation stays in eval mode.
    unfreeze_every : int or None
        Number of epochs after which one more of them is freed, from the top.
    **kwargs
        As for ``skorch.NeuralNetClassifier``.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        adaptation: nn.Module | None = None,
        layers: Sequence[Layer] = (),
        widths: Sequence[int] = (),
        lam: float = 0.0,
        lam_schedule: Schedule = constant,
        lr_schedule: Schedule = constant,
        per_domain: bool = True,
        planned_epochs: int = 1,
        data_device: str = "cpu",
        amp: str | None = None,
        seeds: Seeds = NO_SEEDS,
        frozen: Sequence[Sequence[str]] = (),
        unfreeze_every: int | None = None,
        **kwargs: Any,
    ) -> None:
        # before skorch's: afterwards it takes a module for a component to initialise
        self.adaptation = adaptation
        self.layers = layers
        self.widths = widths
        self.lam = lam
        self.lam_schedule = lam_schedule
        self.lr_schedule = lr_schedule
        self.per_domain = per_domain
        self.planned_epochs = planned_epochs
        self.data_device = data_device
        self.amp = amp
        self.seeds = seeds
        self.frozen = frozen
        self.unfreeze_every = unfreeze_every
        super().__init__(module, **kwargs)

    # set in initialize_module
    adaptation_: Any

    # -- set-up -------------------------------------------------------------------------------

    def initialize_module(self) -> AdaptationNet:
        """Set the module, the adaptation and the target's batch statistics."""
        super().initialize_module()
        self.domain_stats_ = DomainStatistics(self.module_)
        if self.adaptation is not None:
            self.adaptation_ = self.adaptation
        self.loader_: TwoDomainLoader | None = None
        self.step_ = 0
        self.fits_ = 0
        return self

    def torch_compile(self, module: nn.Module, name: str) -> nn.Module:
        """Compile the user's module, not what is laid beside it."""
        compiled: nn.Module = super().torch_compile(module, name) if name == "module" else module
        return compiled

    def get_all_learnable_params(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Name the parameters for ``param_groups`` as in the user's module, compiled or not."""
        private = getattr(getattr(self, "adaptation_", None), "private_parameters", tuple)
        left_alone = {id(parameter) for parameter in private()}
        for name, parameter in super().get_all_learnable_params():
            if id(parameter) not in left_alone:
                yield name.removeprefix("_orig_mod."), parameter

    def take_weights(self, other: AdaptationNet) -> None:
        """Copy weights, buffers and statistics from a net of the same architecture."""
        for name in self._modules:
            its = getattr(other, f"{name}_", None)
            if its is not None:
                getattr(self, f"{name}_").load_state_dict(its.state_dict())

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        # the scores that skorch collects batch by batch cost more than a step of a small net
        if self.callbacks or self.train_split:
            return list(super()._default_callbacks)
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    def get_split_datasets(self, X: Any, y: Any = None, **fit_params: Any) -> tuple[Any, Any]:
        """Hold out source rows where the user asked for it; the target stays whole."""
        if not (isinstance(X, TwoDomains) and self.train_split):
            return X, None
        train, valid = self.train_split(X, X.y_source[X.subset], **fit_params)
        held_in = getattr(train, "indices", None)
        return (X if held_in is None else X.only(held_in)), valid

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Return the two-domain loader for training, skorch's for anything else."""
        if not (training and isinstance(dataset, TwoDomains)):
            return super().get_iterator(dataset, training=training)
        if self.loader_ is None or self.loader_.domains is not dataset:
            options = self.get_params_for("iterator_train")
            self.loader_ = TwoDomainLoader(
                dataset,
                batch_size=options.get("batch_size", self.batch_size),
                seed=[self.seeds.batches, self.fits_],
                shuffle=options.get("shuffle", True),
                drop_last=options.get("drop_last", False),
                pin_memory=torch.device(self.device).type == "cuda",
            )
        return self.loader_

    # -- training -----------------------------------------------------------------------------

    def fit_domains(
        self, domains: TwoDomains, epochs: int, domain: str = "source"
    ) -> AdaptationNet:
        """Train for `epochs` passes over the labelled rows, from the weights as they are.

        Parameters
        ----------
        domains : TwoDomains
        epochs : int
        domain : {"source", "target"}, default="source"
            Whose batch statistics the labelled rows have.
        """
        self.labelled_domain_ = domain
        self.apart_ = self.per_domain and bool(batch_norm_layers(self.plain_module))
        if domain == "target":
            self.domain_stats_.mark_seen()
        if not (self.adapts or domains.has_target_labels):
            domains = domains.without_target()
        device = torch.device(self.device)
        if self.data_device == "auto":
            domains = resident(domains, device, room_on(device))
        self.capture_ = LayerCapture(self.plain_module, self.layers)
        seed = self.seeds.training + self.fits_
        with isolated_rng(seed, device), self.capture_:
            self.partial_fit(domains, None, epochs=epochs)
        self.loader_ = None
        self.fits_ += 1  # a later partial_fit must not repeat this one's batches
        return self

    def _set_training(self, training: bool = True) -> None:
        super()._set_training(training)
        if training and self.frozen:
            self._freeze()

    def _freeze(self) -> None:
        epochs_done = len(self.history) - 1
        freed = epochs_done // self.unfreeze_every if self.unfreeze_every else 0
        n_frozen = max(0, len(self.frozen) - freed)
        for i, layer in enumerate(self.frozen):
            for name in layer:
                submodule = self.plain_module.get_submodule(name)
                for parameter in submodule.parameters(recurse=False):
                    parameter.requires_grad_(i >= n_frozen)
                if i < n_frozen and hasattr(submodule, "running_mean"):
                    submodule.eval()

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Tell the callbacks; of single steps only where someone may listen."""
        if self.watched or method_name not in _OF_A_STEP:
            super().notify(method_name, **cb_kwargs)

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Judge held-out rows by the batch statistics of the domain that they come from."""
        with self.domain_stats_.of(self.labelled_domain_, self.plain_module):
            step: dict[str, Any] = super().validation_step(batch, **fit_params)
        return step

    def evaluation_step(self, batch: Any, training: bool = False) -> Any:
        """Predict for a callback, by the same statistics."""
        with self.domain_stats_.of(self.labelled_domain_, self.plain_module):
            return super().evaluation_step(batch, training=training)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Train for one epoch, or judge the rows that are held out."""
        self.watched = any(not isinstance(cb, _OF_AN_EPOCH) for _, cb in self.callbacks_)
        if isinstance(iterator, TwoDomainLoader):
            self.planned_steps_ = self.planned_epochs * len(iterator)
            self.train_epoch(iterator, step_fn)
        else:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)


# the callbacks that a net has by default do not listen to single steps
_OF_AN_EPOCH = (EpochTimer, PrintLog)
_OF_A_STEP = ("on_batch_begin", "on_grad_computed", "on_batch_end")
