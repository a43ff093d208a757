"""`partial_fit`: one more epoch, with parameters that were set since the last one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import torch

from .._building.modules import resolve_device
from .._inputs.sources import SourceRows, join_sources
from .._inputs.validation import fitted_state_kept
from ..nn._copy import copy_net
from ..training import LAM_SCHEDULES, LR_SCHEDULES, AdaptationNet, DomainPair
from ..training.modes import training_modes
from ..training.recipes.schedules import checked_schedule
from ..training.watch.callbacks import as_callbacks
from ..training.watch.progress import FitProgress

__all__ = ["GoingOnMixin", "same_value"]

_SCHEDULES = {"lam_schedule": LAM_SCHEDULES, "lr_schedule": LR_SCHEDULES}
# read anew in each call, or without effect on a further epoch
_READ_ANEW = {
    "lam",
    "adapt_batch_norm",
    "checkpoint",
    "checkpoint_every",
    "data_device",
    "random_state",
    "target_label_weight",
    "target_priors",
    "verbose",
    "warm_start",
}


class GoingOnMixin:
    """Trains a fitted estimator for one more epoch."""

    # of the estimator and its task
    net_: AdaptationNet
    n_epochs_: int
    max_epochs: Any
    get_params: Callable[..., dict[str, Any]]
    _adapt_statistics: Callable[[DomainPair], None]
    _check_input: Callable[..., DomainPair]
    _make_net: Callable[[DomainPair], AdaptationNet]
    _prepare_labels: Callable[..., DomainPair]
    _progress: Callable[[int], FitProgress]
    _settle_epochs: Callable[[DomainPair], None]

    def partial_fit(
        self,
        X_source: Any,
        y_source: Any,
        X_target: Any = None,
        *,
        y_target: Any = None,
        sample_weight: Any = None,
        source_domain: Any = None,
    ) -> Self:
        """Train for one more epoch, on the rows given here, from the weights as they are.

        Parameters
        ----------
        X_source, y_source, X_target, y_target, sample_weight, source_domain
            As in `fit`.

        Returns
        -------
        self
        """
        source = join_sources(X_source, y_source, source_domain, sample_weight)
        return self._train_an_epoch(source, X_target, y_target)

    def _train_an_epoch(
        self, source: SourceRows, X_target: Any, y_target: Any, classes: Any = None
    ) -> Self:
        """Do what `partial_fit` says; a classifier may name all of its classes."""
        with fitted_state_kept(self), training_modes():
            go_on = hasattr(self, "net_")
            rows = self._check_input(source, X_target, y_target, go_on, classes)
            now = self.get_params(deep=False)
            before = vars(self).get("_trained_with", now) if go_on else {}
            # a model that was saved by an older version has no n_epochs_
            if not hasattr(self, "n_epochs_") or before.get("max_epochs") != self.max_epochs:
                self._settle_epochs(rows)
            domains = self._prepare_labels(rows, keep=go_on)
            # a copy, because a diverging step must not spoil the fitted weights
            self.net_ = copy_net(self.net_) if go_on else self._make_net(domains)
            self._update_net()
            if go_on:
                take_over_parameters(self.net_, before, now, self.n_epochs_)
            self._trained_with = now
            with self._progress(1):
                self.net_.fit_domains(domains, 1)
                self._adapt_statistics(domains)
        return self

    def _set_since_training(self) -> dict[str, Any]:
        """Return what the parameters that were set after the last training were in it."""
        now = self.get_params(deep=False)
        before = vars(self).get("_trained_with", now)  # pickles of older versions lack it
        names = sorted(before.keys() | now.keys())
        return {n: before.get(n) for n in names if not same_value(before.get(n), now.get(n))}

    def _update_net(self) -> None:
        """Pass parameters that were set between two `partial_fit` to the net."""


def take_over_parameters(
    net: AdaptationNet, before: Mapping[str, Any], now: Mapping[str, Any], n_epochs: int
) -> None:
    """Pass parameters that were set after a training to the trained net.

    `before` are the estimator's parameters when the net was last trained and `now` the present
    ones; `n_epochs` is what `max_epochs` stands for now. Raises ValueError if a new value describes
    another network, loss or optimizer.
    """
    changed = [
        name
        for name in sorted(before.keys() | now.keys())
        if name not in _READ_ANEW and not same_value(before.get(name), now.get(name))
    ]
    for name in changed:
        if name == "lr":
            ratio = now["lr"] / before["lr"]
            for group in net.optimizer_.param_groups:
                group["lr"] *= ratio
            net.rates_ = [rate * ratio for rate in net.rates_]
            net.lr = now["lr"]
        elif name in _SCHEDULES:
            if name == "lr_schedule":  # from the rates without the factor of the last step
                for group, rate in zip(net.optimizer_.param_groups, net.rates_, strict=False):
                    group["lr"] = rate
                net.rates_ = ()
            setattr(net, name, checked_schedule(now[name], _SCHEDULES[name], name))
        elif name == "callbacks":
            net.callbacks = as_callbacks(now[name])
            net.initialize_callbacks()
        elif name == "device" and resolve_device(now[name]) == torch.device(net.device):
            continue  # where the net is
        elif name in ("batch_size", "cuda_graphs"):
            setattr(net, name, now[name])
        elif name == "max_epochs":
            net.planned_epochs = n_epochs
        else:
            raise ValueError(
                f"The {name!r} parameter was set to {now.get(name)!r} after the training began "
                f"with {before.get(name)!r}, and partial_fit goes on with that network. Set it "
                "back, or call fit, which starts anew."
            )


def same_value(a: Any, b: Any) -> bool:
    """Say whether two values of a parameter, which may be arrays, are equal."""
    try:
        return a is b or (type(a) is type(b) and bool(np.all(a == b)))
    except (TypeError, ValueError, RuntimeError):  # of other shapes
        return False
