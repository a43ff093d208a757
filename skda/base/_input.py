"""What the rows decide: the number of epochs, the sources, whether there is a target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._building.epochs import auto_epochs
from .._inputs.sources import check_source_domain
from ..training import DomainPair

__all__ = ["InputMixin"]


class InputMixin:
    """Settles for an estimator what depends on the rows of a fit."""

    source_domains_: np.ndarray
    n_epochs_: int
    # of the estimator
    max_epochs: Any
    batch_size: int
    _needs_target: Callable[[], bool]
    _n_sources: int

    def _settle_epochs(self, domains: DomainPair) -> None:
        """Set the number of epochs that `max_epochs` stands for with these rows."""
        if self.max_epochs == "auto":  # a step has `batch_size` rows of each source
            self.n_epochs_ = auto_epochs(len(domains), self.batch_size * self._n_sources)
        else:
            self.n_epochs_ = int(self.max_epochs)

    def _tell_sources_apart(
        self, domains: DomainPair, source_domain: Any, go_on: bool
    ) -> DomainPair:
        """Set `source_domains_` for several sources, and draw as many rows from each."""
        known = vars(self).get("source_domains_")
        if not go_on:
            vars(self).pop("source_domains_", None)
            known = None
        elif (known is None) != (source_domain is None):
            raise ValueError(
                "The 'source_domain' parameter must be given to every call of a training or to "
                f"none: the fit that goes on had {self._n_sources} source domains."
            )
        if source_domain is None:
            return domains
        names, source_of = check_source_domain(source_domain, len(domains.y_source), known)
        self.source_domains_ = names
        return domains.with_sources(source_of, len(names))

    def _check_no_target(self, y_target: Any) -> None:
        who = type(self).__name__
        if self._needs_target():
            raise ValueError(
                f"{who} adapts to a target domain: pass its rows, unlabelled, as X_target, e.g. "
                f"{who}().fit(X_source, y_source, X_target)."
            )
        if y_target is not None:
            raise ValueError("y_target was passed without X_target. Pass its rows as X_target.")
