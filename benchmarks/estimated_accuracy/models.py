"""The models of the page: candidates of a search, and what the estimates read of each."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skda.model_selection import ArrayEvidence, EstimatorEvidence, LambdaSearchCV

from ..harness.methods import ADAPTING, SOURCE_ONLY
from ..harness.search_internals import fit_on
from ..harness.small_tasks import Sample, Task, estimator_for, hold_out

METHODS = {name: ADAPTING[name] for name in ("DANN", "DAN", "MCC", "DeepCORAL")}
# times the shipped lam
FACTORS = (1.0, 3.0)
N_FOLDS = 3


class Model(NamedTuple):
    """A trained candidate.

    `evidence` has no label of the target; `y_target` is for scores alone.
    """

    method: str
    lam: float
    evidence: ArrayEvidence
    stability: NDArray
    y_target: NDArray

    @property
    def accuracy(self) -> float:
        """The truth: the accuracy on the target."""
        predicted = self.evidence.classes[self.evidence.proba_target.argmax(axis=1)]
        return float((predicted == self.y_target).mean())


def train(task: Task, method: str, sample: Sample, seed: int) -> list[Model]:
    """Train the candidates of a method on three quarters of the source and on the target.

    The estimates are made from the other quarter of the source. Source-only is the same for every
    method but for its learning rate, and comes with the first method alone.
    """
    part, held_out = hold_out(sample.train, seed, "estimated accuracy, held-out rows")
    search = LambdaSearchCV(
        estimator_for(task, METHODS[method], random_state=seed),
        [0.0, *(factor * METHODS[method]().lam for factor in FACTORS)],
        cv=N_FOLDS,
        validator="stability",
        guard=False,
        refit=False,
        random_state=seed,
    ).fit(*part[:3])
    table = search.cv_results_
    models = []
    for i, params in enumerate(table["params"]):
        (lam,) = params.values()
        if lam == 0 and method != next(iter(METHODS)):
            continue
        fitted = fit_on(search.estimator.set_params(**params), part)
        seen = EstimatorEvidence(fitted, *held_out[:3])
        stability = np.array([table[f"split{k}_target_stability"][i] for k in range(N_FOLDS)])
        name = method if lam > 0 else SOURCE_ONLY
        models.append(Model(name, float(lam), _arrays(seen), stability, sample.y_target))
    return models


def _arrays(seen: EstimatorEvidence) -> ArrayEvidence:
    return ArrayEvidence(
        classes=seen.classes,
        y_source=seen.y_source,
        proba_source=seen.proba_source,
        features_source=np.asarray(seen.features_source, dtype=np.float32),
        proba_target=seen.proba_target,
        features_target=np.asarray(seen.features_target, dtype=np.float32),
    )
