"""The checks of what `fit` is given: rows, labels, weights and sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from .._building.epochs import auto_epochs
from .._inputs.datasets import dataset_labels, refuse_containers
from .._inputs.sources import SourceRows, check_source_domain
from .._inputs.validation import check_rows, unwrap
from .._inputs.weights import weigh_rows
from ..training import DomainPair, Rows

__all__ = ["InputMixin"]


class InputMixin:
    """Checks the rows of both domains for an estimator."""

    source_domains_: np.ndarray
    n_epochs_: int
    # of the estimator and its task
    max_epochs: Any
    batch_size: int
    _validate_params: Callable[[], None]
    _needs_target: Callable[[], bool]
    _n_sources: int
    _outputs: Any
    _rows: Callable[..., Rows]
    _encode_source: Any
    _encode_target: Any

    def _check_input(
        self, source: SourceRows, X_target: Any, y_target: Any, go_on: bool, classes: Any = None
    ) -> DomainPair:
        self._validate_params()
        rows, y_source = check_rows(self, source.X, "X_source", reset=not go_on), source.y
        if y_source is None and isinstance(rows, Dataset):
            y_source = dataset_labels(rows, numbers=not self._outputs.are_logits)
        rows = self._rows(rows)
        y_source = self._encode_source(y_source, len(rows), go_on, classes)
        X_target, y_target = unwrap(X_target, "X_target"), unwrap(y_target, "y_target")
        domains = DomainPair(rows, y_source)
        if source.sample_weight is not None:
            domains = weigh_rows(domains, source.sample_weight)
        domains = self._tell_sources_apart(domains, source.source_domain, go_on)
        if X_target is None:
            self._check_no_target(y_target)
            return domains
        refuse_containers(X_target, "X_target")
        target = self._rows(check_rows(self, X_target, "X_target"))
        if y_target is not None:
            y_target = self._encode_target(y_target, len(target))
        return domains.replace(target=target, y_target=y_target)

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
