"""The skorch net that trains on two domains."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochTimer, PrintLog
from torch import Tensor, nn

from ..nn import DomainStatistics, Layer, LayerCapture, batch_norm_layers
from .adaptation import Passed
from .batches import Batch, TwoDomainLoader, TwoDomains
from .inference import DomainInference
from .resident import resident, room_on
from .rng import NO_SEEDS, Seeds, isolated_rng
from .schedules import Schedule, constant

__all__ = ["AdaptationNet", "DivergenceError"]


class DivergenceError(ValueError):
    """Training produced a loss that is not finite."""


class AdaptationNet(DomainInference, NeuralNetClassifier):
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

    # whether some callback may look at single steps; set in each epoch
    watched = False

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
    def adapts(self) -> bool:
        """Whether the second term of the loss is computed at all."""
        return self.adaptation is not None and self.lam > 0

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

    @property
    def progress(self) -> float:
        """Share of the planned steps that are done, from 0 to 1."""
        return min(1.0, self.step_ / self.planned_steps_)

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
        """Train for one epoch, and look at the losses once at its end."""
        self.watched = any(not isinstance(cb, _OF_AN_EPOCH) for _, cb in self.callbacks_)
        if not isinstance(iterator, TwoDomainLoader):
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        self.planned_steps_ = self.planned_epochs * len(iterator)
        self._prepare_adaptation(iterator.domains)
        self._set_training(True)
        take_step = partial(self._watched_step, step_fn) if self.watched else self._quiet_step
        losses, classification_losses = [], []
        for batch in iterator:
            self._anneal()
            step = take_step(batch)
            losses.append(step["loss"].detach())
            classification_losses.append(step["classification_loss"])
            self.step_ += 1
        both = torch.stack([torch.stack(losses), torch.stack(classification_losses)])
        self._record(both.mean(1).tolist())
        self.history.record("train_batch_count", len(losses))

    def _watched_step(self, step_fn: Callable[[Batch], Any], batch: Batch) -> dict[str, Any]:
        labelled = batch.source, batch.y_source  # what skorch's callbacks take a batch for
        self.notify("on_batch_begin", batch=labelled, training=True)
        step: dict[str, Any] = step_fn(batch)
        self.history.record_batch("train_loss", step["loss"].item())
        self.history.record_batch("train_batch_size", len(batch.y_source))
        self.notify("on_batch_end", batch=labelled, training=True, **step)
        return step

    def _quiet_step(self, batch: Batch) -> dict[str, Any]:
        """Do what skorch's ``train_step`` does where nobody listens."""
        steps: list[dict[str, Any]] = []

        def closure() -> Tensor:
            self._zero_grad_optimizer()
            step = self.train_step_single(batch)
            if not steps:  # an optimizer may call it several times in one step
                steps.append(step)
            loss: Tensor = step["loss"]
            return loss

        self.optimizer_.step(closure)
        return steps[0]

    def _zero_grad_optimizer(self, set_to_none: bool | None = None) -> None:
        # the optimizer's own method does the same and spends ten times as long on profiling itself
        for group in self.optimizer_.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Compute the loss of one step and its gradient."""
        if self.watched:  # a callback may have predicted and left the module in eval mode
            self._set_training(True)
        source, target = self.forward_domains(batch)
        loss = classification = self.classification_loss(source, target)
        if self.adapts:
            lam = self.lam * self.lam_schedule(self.progress)
            loss = classification + self.adaptation_(source, target, lam)
        loss.backward()
        step = {"loss": loss, "classification_loss": classification.detach()}
        return step | {"y_pred": source.logits}

    def get_loss(self, y_pred: Tensor, y_true: Tensor | None, *args: Any, **kwargs: Any) -> Tensor:
        """Return the criterion of logits; a module's log-probabilities are logits as well."""
        if isinstance(self.criterion_, nn.NLLLoss):
            y_pred = y_pred.log_softmax(dim=1)
        loss: Tensor = self.criterion_(y_pred, y_true)
        return loss

    def classification_loss(self, source: Passed, target: Passed | None) -> Tensor:
        """Return the criterion's mean over the source, plus that over labelled target rows."""
        of_source = self.get_loss(source.logits, source.y)
        of_target = self.labelled_target_loss(target)
        return of_source if of_target is None else of_source + of_target

    def labelled_target_loss(self, target: Passed | None) -> Tensor | None:
        """Return the criterion's mean over the labelled rows of a target batch, if any."""
        if target is None or target.y is None:
            return None
        labelled = target.y >= 0
        if not labelled.any():
            return None
        return self.get_loss(target.logits[labelled], target.y[labelled])

    def _anneal(self) -> None:
        if self.lr_schedule is constant:
            return
        factor = self.lr_schedule(self.progress)
        for group in self.optimizer_.param_groups:
            group["lr"] = factor * group.setdefault("initial_lr", group["lr"])

    def _prepare_adaptation(self, domains: TwoDomains) -> None:
        """Show the adaptation a sample of the features, where it asks for one every epoch."""
        if not (self.adapts and hasattr(self.adaptation_, "prepare")) or domains.target is None:
            return
        rng = np.random.default_rng([self.seeds.batches, self.fits_, self.step_])
        features = []
        every_target = np.arange(len(domains.target))
        for rows, index, domain in (
            (domains.source, domains.subset, "source"),
            (domains.target, every_target, "target"),
        ):
            sample = rng.permutation(index)[:_PREPARE_ROWS]
            features.append(self.sample_features(rows, [sample], domain))
        self.adaptation_.prepare(*features)

    def _record(self, means: list[float]) -> None:
        loss, classification = means
        if not math.isfinite(loss):
            raise DivergenceError(
                f"The training loss became {loss} in epoch {len(self.history)} "
                f"(classification_loss={classification:.3g}, adaptation_loss="
                f"{loss - classification:.3g}). Lower 'lr' (now "
                f"{self.optimizer_.param_groups[0]['lr']:.3g}) or 'lam' (now {self.lam:.3g}), or "
                "scale the input, e.g. with StandardScaler in a pipeline."
            )
        self.history.record("train_loss", loss)  # skorch's callback, if there, refines it
        self.history.record("classification_loss", classification)
        self.history.record("adaptation_loss", loss - classification)


# the callbacks that a net has by default do not listen to single steps
_OF_AN_EPOCH = (EpochTimer, PrintLog)
_OF_A_STEP = ("on_batch_begin", "on_grad_computed", "on_batch_end")
_PREPARE_ROWS = 1024
