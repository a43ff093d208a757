"""One epoch over two domains: the steps, their losses, what moves in between."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .adaptation import Passed
from .batches import Batch, TwoDomainLoader, TwoDomains
from .inference import DomainInference
from .schedules import Schedule, constant

__all__ = ["DivergenceError", "DomainSteps"]

_PREPARE_ROWS = 1024


class DivergenceError(ValueError):
    """Training produced a loss that is not finite."""


class DomainSteps(DomainInference):
    """The part of `AdaptationNet` that trains for one epoch."""

    # skorch's
    criterion_: Any
    history: Any
    notify: Callable[..., None]
    optimizer_: Any
    # the constructor's
    adaptation: nn.Module | None
    lam: float
    lam_schedule: Schedule
    lr_schedule: Schedule
    # set when the net is initialised or fitted
    adaptation_: Any
    fits_: int
    planned_steps_: int
    step_: int

    # whether some callback may look at single steps; set in each epoch
    watched = False

    @property
    def adapts(self) -> bool:
        """Whether the second term of the loss is computed at all."""
        return self.adaptation is not None and self.lam > 0

    @property
    def progress(self) -> float:
        """Share of the planned steps that are done, from 0 to 1."""
        return min(1.0, self.step_ / self.planned_steps_)

    def train_epoch(self, iterator: TwoDomainLoader, step_fn: Callable[[Batch], Any]) -> None:
        """Take the steps of one epoch, and look at their losses once at its end."""
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
