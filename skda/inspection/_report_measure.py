"""The measurements of a report on two domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._inputs.array_checks import check_features
from ..model_selection import EstimatorEvidence
from ..model_selection._routing import final_step, rows_at_final_step
from ..priors._bootstrap import Bootstrap
from ..priors._labels import class_columns
from ._report_object import ADAPTED, INPUTS, SOURCE_ONLY, DomainState
from ._report_verdict import Measured
from ._separability import mmd_test, proxy_a_distance, some_rows
from ._target_accuracy import DEFAULT, accuracy_seen
from ._target_priors import TargetPriors, priors_seen

__all__ = ["Measure"]

_MAX_COLUMNS = 5000  # of the inputs, for the distances: large images would take minutes
_LEAST_ROWS = 10  # of the source, drawn with the estimated shares


class Measure:
    """Measures the inputs of two domains, their features and the predictions of the models."""

    def __init__(
        self, seen: Mapping[str, EstimatorEvidence], bootstrap: Bootstrap, n_permutations: int
    ) -> None:
        self.seen = seen
        self.before = seen.get(SOURCE_ONLY, seen[ADAPTED])
        self.bootstrap, self.rng = bootstrap, bootstrap.rng
        self.n_permutations = n_permutations

    def all(self) -> Measured:
        """Return everything that the report shows and that its sentences depend on."""
        shares = priors_seen(self.before, "bbse", self.bootstrap)
        states = self._inputs() | {name: self._state(seen) for name, seen in self.seen.items()}
        hits = {name: self._hits(seen) for name, seen in self.seen.items()}
        agreement, forgotten, learnt = None, 0, 0
        if SOURCE_ONLY in self.seen:
            before, after = hits[SOURCE_ONLY], hits[ADAPTED]
            forgotten, learnt = int((before & ~after).sum()), int((after & ~before).sum())
            plain, adapted = (seen.classes[seen.votes_target] for seen in self.seen.values())
            agreement = float((plain == adapted).mean())
        final = final_step(self.seen[ADAPTED].estimator)
        lam = getattr(final, "lam", None)
        return Measured(
            states,
            shares,
            agreement,
            forgotten,
            learnt,
            self._explained_distance(shares),
            None if lam is None else float(lam),
            getattr(final, "target_priors", None) is not None,
        )

    def _inputs(self) -> dict[str, DomainState]:
        before = self.before
        rows = rows_at_final_step(before.estimator, before.X_source, "source"), before.rows_target
        if not all(hasattr(each, "shape") for each in rows):
            return {}
        source, target = map(check_features, rows, ("X_source", "X_target"))
        columns = some_rows(source.shape[1], _MAX_COLUMNS, self.rng)
        if len(columns) < source.shape[1]:
            source, target = source[:, columns], target[:, columns]
        return {INPUTS: self._distances(source, target)}

    def _distances(self, source: Any, target: Any) -> DomainState:
        found = mmd_test(source, target, n_permutations=self.n_permutations, random_state=self.rng)
        distance = proxy_a_distance(source, target, n_rows=None, random_state=self.rng)
        return DomainState(distance, found.statistic, found.pvalue)

    def _state(self, seen: EstimatorEvidence) -> DomainState:
        distances = self._distances(seen.features_source, seen.features_target)
        counts = np.bincount(seen.votes_target, minlength=len(seen.classes))
        return DomainState(
            distances.a_distance,
            distances.mmd2,
            distances.mmd_pvalue,
            float(self._hits(seen).mean()),
            accuracy_seen(seen, DEFAULT, self.bootstrap),
            counts / counts.sum(),
        )

    def _hits(self, seen: EstimatorEvidence) -> NDArray[np.bool_]:
        hits: NDArray[np.bool_] = seen.classes[seen.proba_source.argmax(axis=1)] == seen.y_source
        return hits

    def _explained_distance(self, shares: TargetPriors) -> float:
        """Return the distance of the features from source rows with the estimated shares."""
        before, ratio = self.before, shares.priors / shares.priors_source
        columns = class_columns(before.y_source, before.proba_source, before.classes)
        kept = self.rng.uniform(size=len(columns)) < (ratio / ratio.max())[columns]
        if kept.sum() < _LEAST_ROWS:
            return float("nan")
        source, target = before.features_source[kept], before.features_target
        return proxy_a_distance(source, target, n_rows=None, random_state=self.rng)
