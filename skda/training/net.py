"""The skorch net that trains on two domains: the equation, the step, the epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from ..nn import Layer
from .data.device import move_to_device, room_on
from .data.domains import DomainPair
from .data.loader import Batch, TwoDomainLoader
from .domain_module import DomainModule
from .errors import StoppedEarly
from .labelled import labelled_target_loss
from .modes import training_modes
from .predict import reestimate_statistics, sample_both
from .reach import note_reach, warn_of_no_reach
from .recipes.frozen import body_computed_once
from .recipes.schedules import Schedule, constant
from .recipes.tuning import Tuner, fix_layers
from .rng import NO_SEEDS, Isolated, Seeds, isolated_rng
from .step_graphs import StepGraphs, recorded_steps
from .term import AdaptationTerm, DomainOutput
from .watch.callbacks import CallbackNet, as_callbacks
from .watch.divergence import check_last_step, diverged
from .watch.progress import counted, report_epoch, skip_epochs
from .watch.record import EpochRecord

__all__ = ["AdaptationNet"]


class AdaptationNet(CallbackNet):
    r"""skorch net whose training loss has a second term over source and target features.

    .. math:: L = \mathrm{criterion}(f(X_s), y_s) + \mathrm{term}(f(X_s), f(X_t), \lambda)

    Parameters
    ----------
    module : nn.Module
        Network that returns logits of shape (n, n_classes).
    adaptation : AdaptationTerm or None
        The second term; its parameters are trained with the module's.
    layers, widths : sequence of Layer, sequence of int
        The adapted layers and their widths.
    lam : float
    lam_schedule, lr_schedule : callable
        Factors of lam and of the rate as functions of the progress in [0, 1].
    per_domain, planned_epochs : bool, int
        Whether each domain has its own batch statistics; number of epochs until the progress is 1.
    data_device : {"auto", "cpu"}
        Where the rows are kept; "auto" is the memory of the GPU, if they fit.
    amp : {"bf16"} or None
        Precision of the module's matrix products; None leaves it float32.
    cuda_graphs : bool
        Whether steps on a GPU are recorded once and replayed.
    seeds : Seeds
    frozen : sequence of sequence of str
        Layers, from the input, each a list of names of submodules, whose parameters are fixed
        and whose normalisation stays in eval mode.
    unfreeze_every : int or None
        Number of epochs after which the next of these layers is freed, from the top.
    tuning : dict or None
        Parameters of `Tuner`, if the training has one.
    target_label_weight : float or "batch"
        Parameter `weight` of `skda.training.labelled.labelled_loss`.
    **kwargs
        As for ``skorch.NeuralNetClassifier``.
    """

    # whether nets that differ in lam, rows and seeds may be trained as one
    stackable: ClassVar[bool] = True

    # set when the net is initialised
    domain_module_: DomainModule
    loader_: TwoDomainLoader | None
    # during training: torch's generators, and the rates without the factor of this step
    generators_: Isolated | None = None
    rates_: Sequence[float] = ()
    last_batch_: Any = None
    graphs_: StepGraphs | None = None
    lam_factor_: Tensor | None = None  # while a step is recorded, the factor that its graph reads

    def __init__(
        self,
        module: nn.Module,
        *,
        adaptation: AdaptationTerm | None = None,
        layers: Sequence[Layer] = (),
        widths: Sequence[int] = (),
        lam: float = 0.0,
        lam_schedule: Schedule = constant,
        lr_schedule: Schedule = constant,
        per_domain: bool = True,
        planned_epochs: int = 1,
        data_device: str = "cpu",
        amp: str | None = None,
        cuda_graphs: bool = False,
        seeds: Seeds = NO_SEEDS,
        frozen: Sequence[Sequence[str]] = (),
        unfreeze_every: int | None = None,
        tuning: Mapping[str, Any] | None = None,
        target_label_weight: Any = "batch",
        **kwargs: Any,
    ) -> None:
        # before skorch's __init__: after it, skorch would initialise a module as a component
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
        self.cuda_graphs = cuda_graphs
        self.seeds = seeds
        self.frozen = frozen
        self.unfreeze_every = unfreeze_every
        self.tuning = tuning
        self.target_label_weight = target_label_weight
        kwargs["callbacks"] = as_callbacks(kwargs.get("callbacks"))
        super().__init__(module, **kwargs)

    # -- the equation -------------------------------------------------------------------------

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Compute the loss of one step and its gradient."""
        if self.watched_:  # a callback may have predicted and left the module in eval mode
            self._set_training(True)
        source, target = self.processes.gather(self.forward_domains(batch), batch.n_rows)
        loss = classification = self.classification_loss(source, target)
        step: dict[str, Any] = {"y_pred": source.logits, "y_true": source.y}
        step["classification_loss"] = classification.detach()
        if self.adapts and target is not None:
            step["lam"] = self.current_lam()
            adaptation_loss = self.adaptation_(source, target, step["lam"])
            note_reach(self, adaptation_loss, source, target)
            loss = classification + adaptation_loss
            step["domain_logits"] = self.adaptation_.domain_logits
        self.backward(loss)
        if self.tuning:
            self.tuner_.pull(self.plain_module)
        return step | {"loss": loss}

    def forward_domains(self, batch: Batch) -> tuple[DomainOutput, DomainOutput | None]:
        """Pass the rows of a batch through the module; add the labels to the outputs."""
        source, y_source = self._to_device(batch.source), self._to_device(batch.y_source)
        domains = self.domain_module_
        if batch.target is None:
            output = domains.forward_sources(source, batch.sizes, self.labelled_domain_)
            return output._replace(y=y_source), None
        outputs = domains.forward_both(source, self._to_device(batch.target), batch.sizes)
        y_target = None if batch.y_target is None else self._to_device(batch.y_target)
        return outputs[0]._replace(y=y_source), outputs[1]._replace(y=y_target)

    def classification_loss(self, source: DomainOutput, target: DomainOutput | None) -> Tensor:
        """Return the criterion's mean over the source, plus that over labelled target rows."""
        of_source = self.get_loss(source.logits, source.y)
        of_target = labelled_target_loss(self, source, target)
        return of_source if of_target is None else of_source + of_target

    def get_loss(self, y_pred: Tensor, y_true: Tensor | None, *args: Any, **kwargs: Any) -> Tensor:
        """Return the criterion of logits; a module's log-probabilities are logits as well."""
        if isinstance(self.criterion_, nn.NLLLoss):
            y_pred = y_pred.log_softmax(dim=1)
        return cast(Tensor, self.criterion_(y_pred, y_true))

    def backward(self, loss: Tensor) -> None:
        """Compute the gradient of the loss of a step."""
        loss.backward()
        groups = self.optimizer_.param_groups
        self.processes.average_gradients(p for group in groups for p in group["params"])

    @property
    def adapts(self) -> bool:
        """Whether the second term of the loss is computed at all."""
        return self.adaptation is not None and self.lam > 0

    def current_lam(self) -> Any:
        """Return lam at this step."""
        return self.lam * self.lam_factor

    @property
    def lam_factor(self) -> Any:
        """Factor of lam at this step."""
        factor = self.lam_factor_
        return self.lam_schedule(self.progress) if factor is None else factor

    @property
    def progress(self) -> float:
        """Share of the planned steps that are done, in [0, 1]."""
        return min(1.0, self.step_ / self.planned_steps_)

    # -- the epoch ----------------------------------------------------------------------------

    def fit_domains(
        self, domains: DomainPair, epochs: int, domain: str = "source"
    ) -> AdaptationNet:
        """Train for `epochs` passes over the labelled rows, from the weights as they are.

        Parameters
        ----------
        domains : DomainPair
        epochs : int
        domain : {"source", "target"}, default="source"
            Domain of the labelled rows, whose batch statistics they have.
        """
        self.labelled_domain_ = domain
        if not (self.adapts or domains.has_target_labels):
            domains = domains.without_target()
        device, seed = torch.device(self.device), self.seeds.training + self.fits_
        once = body_computed_once(self.domain_module_, domains)
        with training_modes(), isolated_rng(seed, device) as self.generators_, once as rows:
            if self.data_device == "auto":
                rows = move_to_device(rows, device, room_on(device))
            with self.domain_module_.capturing():
                self.run_epochs(rows, epochs)
            check_last_step(self)
        self.generators_ = self.last_batch_ = self.checkpoint_ = self.loader_state_ = None
        self.fits_ += 1  # a later partial_fit must not repeat these batches
        return self

    def reestimate_target_statistics(self, domains: DomainPair) -> None:
        """Recompute the target's batch statistics from all of its rows (AdaBN)."""
        if (rows := domains.target) is not None:
            reestimate_statistics(self.domain_module_, rows, "target", self.seeds.batches)

    def run_epochs(self, domains: Any, epochs: int) -> None:
        """Run skorch's loop over the epochs; unlike ``partial_fit`` it lets Ctrl-C through."""
        self.kept_: dict[str, Any] = {}  # of each callback, the state to restore with its weights
        self.swap_rates()
        self.notify("on_train_begin", X=domains, y=None)
        if self.checkpoint_ is not None:
            restored = self.checkpoint_.restore(self)
            skip_epochs(restored)
            epochs -= restored
        self.processes.share_state(self.trained_modules)
        with suppress(StoppedEarly), recorded_steps(self):
            self.fit_loop(domains, epochs=epochs)
        self.swap_rates()  # the rate of the last step stays visible
        warn_of_no_reach(self)
        self.notify("on_train_end", X=domains, y=None)
        self.processes.share_state(self.trained_modules)
        self.loader_ = None

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Train for one epoch, or score the held-out rows."""
        self.watched_ = self.is_watched() or not training
        if training:
            self.planned_steps_ = self.planned_epochs * len(iterator)
            self.train_epoch(iterator, step_fn)
        else:
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)

    def train_epoch(self, iterator: Any, step_fn: Callable[[Any], Any]) -> None:
        """Take the steps of one epoch; read their losses once at its end."""
        self._start_term_epoch(iterator)
        self._set_training(True)
        take_step = self.quiet_step if self.graphs_ is None else self.graphs_.for_epoch()
        if self.watched_:
            take_step = partial(self._watched_step, step_fn)
        batches, record, own = iterator, EpochRecord(), self.__dict__
        if (turns := self.generators_) is not None:
            batches = turns.in_turns(iterator, slow=iterator.domains.from_dataset)
        for batch in counted(batches, len(iterator)):
            self._anneal()
            record.add(take_step(batch))
            own["step_"] += 1  # skorch's __setattr__ is slow: it looks for modules
        self.last_batch_ = batch
        self.processes.average_buffers(self.trained_modules)
        self.domain_module_.mix_sources()
        self.record_losses(*record.stacked_losses())
        columns = record.columns(self.optimizer_, self.rates_)
        for name, value in self.processes.of_main(columns).items():
            self.history.record(name, value)
        if self.adaptation is not None:
            self.adaptation_.domain_logits = ()  # not to be pickled with the term
        report_epoch(self.history[-1])

    def _watched_step(self, step_fn: Callable[[Batch], Any], batch: Batch) -> dict[str, Any]:
        rows, y = batch.source, batch.y_source  # the pair is a batch to skorch's callbacks
        self.notify("on_batch_begin", batch=(rows, y), training=True)
        step: dict[str, Any] = step_fn(batch)
        self.history.record_batch("train_loss", self.processes.mean(step["loss"].detach()).item())
        self.history.record_batch("train_batch_size", len(step["y_pred"]))
        self.notify("on_batch_end", batch=(rows, step["y_true"]), training=True, **step)
        return step

    def quiet_step(self, batch: Any) -> dict[str, Any]:
        """Do what skorch's ``train_step`` does where no callback listens."""
        steps: list[dict[str, Any]] = []

        def closure() -> Tensor:
            self._zero_grad_optimizer()
            step = self.train_step_single(batch)
            if not steps:  # an optimizer may call the closure several times in one step
                steps.append(step)
            return cast(Tensor, step["loss"])

        self._step_optimizer(closure)
        return steps[0]

    def _anneal(self) -> None:
        if self.lr_schedule is not constant:
            groups = self.optimizer_.param_groups
            self.__dict__["rates_"] = [group["lr"] for group in groups]
            factor = self.lr_schedule(self.progress)
            for group in groups:
                group["lr"] *= factor

    def _step_optimizer(self, step_fn: Any) -> None:
        super()._step_optimizer(step_fn)
        self.swap_rates()  # a callback such as LRScheduler moves the rate without the factor

    def swap_rates(self) -> None:
        """Exchange the rates of this step for those that callbacks move, or back."""
        if not (rates := self.rates_):
            return
        groups = self.optimizer_.param_groups[: len(rates)]
        self.__dict__["rates_"] = [group["lr"] for group in groups]
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate

    def _start_term_epoch(self, iterator: Any) -> None:
        """Give the term a sample of the features, if it asks for one in every epoch."""
        if not (self.adapts and self.adaptation_.epoch_sample):
            return
        module, seed = self.domain_module_, [self.seeds.batches, self.fits_, self.step_]
        for term, rows, name in self.adaptation_.by_source(iterator.domains):
            term.start_epoch(*sample_both(module, rows, name, term.epoch_sample, seed))

    def record_losses(self, losses: Tensor, classification_losses: Tensor) -> None:
        """Write the mean losses of an epoch into the history; raise if they diverged."""
        of_steps = self.processes.mean(torch.stack([losses, classification_losses]))
        loss, classification = of_steps.mean(1).tolist()
        adaptation = loss - classification
        if not math.isfinite(loss):
            parts = f"classification_loss={classification:.3g}, adaptation_loss={adaptation:.3g}"
            raise diverged(
                self, f"training loss became {loss} in epoch {len(self.history)} ({parts})"
            )
        self.history.record("train_loss", loss)  # skorch's callback, if there is one, replaces it
        self.history.record("classification_loss", classification)
        self.history.record("adaptation_loss", adaptation)

    # -- skorch's seams -----------------------------------------------------------------------

    def initialize_module(self) -> AdaptationNet:
        """Set the module, its `DomainModule`, and the second term."""
        super().initialize_module()
        self.domain_module_ = self.make_domain_module()
        if self.adaptation is not None:
            self.adaptation_ = self.adaptation
        if self.tuning:
            self.tuner_ = Tuner(self.module_, **self.tuning)
        self.labelled_domain_ = "source"
        self.loader_ = None
        self.step_ = 0
        self.fits_ = 0
        return self

    def make_domain_module(self) -> DomainModule:
        """Return the `DomainModule`; a stack of nets has another one."""
        return DomainModule(self.module_, self.layers, per_domain=self.per_domain, amp=self.amp)

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Return the two-domain loader for training, and skorch's otherwise."""
        if not (training and isinstance(dataset, DomainPair)):
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
                state=self.loader_state_,
                processes=self.processes,
            )
        return self.loader_

    def _set_training(self, training: bool = True) -> None:
        super()._set_training(training)
        if training and (self.frozen or self.tuning):
            fix_layers(self)
