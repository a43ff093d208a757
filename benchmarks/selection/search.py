"""One search of the page: every lam of a grid is trained and judged on folds, then on all rows."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score

from skda import DANClassifier, DANNClassifier, DeepCORALClassifier, MCCClassifier
from skda.model_selection import (
    EstimatorEvidence,
    compute_validator,
    deep_embedded_validation,
    density_ratio,
    importance_weighted_accuracy,
    row_losses,
)
from skda.priors import label_shift_fit

from ..harness.rows import Row
from ..harness.search_internals import (
    DomainData,
    DomainFold,
    Trial,
    agreement_of_folds,
    agreement_with_mean,
    class_entropy,
    fit_on,
    guard_candidate,
    held_out,
    pooled_accuracy,
    split_domains,
    training_part,
)
from ..harness.small_tasks import Sample, Task, estimator_for

N_FOLDS = 5
# reverse validation is left out: it trains every model a second time
PLAIN_VALIDATORS = (
    "class_ami",
    "entropy",
    "infomax",
    "mixval",
    "nuclear_norm",
    "snd",
    "source_accuracy",
)


class Method(NamedTuple):
    """An estimator and the grid that is searched; the shipped default is in it."""

    estimator: type
    lams: Sequence[float]

    @property
    def sharpens(self) -> bool:
        """Whether the loss itself makes predictions of the target surer."""
        return bool(self.estimator.sharpens_target)  # type: ignore[attr-defined]


METHODS = {
    "DANN": Method(DANNClassifier, (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)),
    "DAN": Method(DANClassifier, (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)),
    "DeepCORAL": Method(DeepCORALClassifier, (0.0, 1.0, 3.0, 10.0, 30.0, 100.0)),
    "MCC": Method(MCCClassifier, (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)),
}


def make_estimator(task: Task, method: Method, lam: float, seed: int) -> Any:
    return estimator_for(task, method.estimator, lam=lam, random_state=seed)


class Judged(NamedTuple):
    """A model of a fold: scores by name, what the guard reads, and its target probabilities."""

    scores: dict[str, float]
    trial: Trial
    kept: dict[str, NDArray]


def judge(fitted: Any, data: DomainData, fold: DomainFold) -> Judged:
    """Let every validator judge a model by the held-out rows, without labels of the target."""
    y_source = data.y_source[fold.source_test]
    seen = held_out(fitted, data, fold)
    scores = {name: compute_validator(name, seen) for name in PLAIN_VALIDATORS}
    scores["a_distance"] = compute_validator("a_distance", seen, C=1e-2)
    # as in compute_validator, but with one density ratio, the slowest part, for both
    ratio = density_ratio(seen.features_source, seen.features_target)
    predicted_source = seen.classes[seen.proba_source.argmax(axis=1)]
    predicted_target = seen.classes[seen.proba_target.argmax(axis=1)]
    scores["iwv"] = importance_weighted_accuracy(y_source, predicted_source, ratio)
    losses = row_losses(y_source, seen.proba_source, seen.classes)
    scores["dev"] = deep_embedded_validation(losses, ratio)
    scores["entropy_ratio"] = class_entropy(predicted_target) / class_entropy(y_source)
    kept = {
        "proba_source": seen.proba_source,
        "proba_target": seen.proba_target,
        "features_source": seen.features_source,
        "features_target": seen.features_target,
        "ratio": ratio,
    }
    n_classes = len(seen.classes)
    trial = Trial(
        {}, y_source, predicted_source, predicted_target, n_classes, 0.0, 0.0, seen.votes_target
    )
    return Judged(scores, trial, kept)


def search(task: Task, method: Method, sample: Sample, seed: int) -> tuple[list[Row], Any]:
    """Train and judge every lam; return a row for each, and arrays of every model."""
    data = sample.train
    folds = split_domains(N_FOLDS, data.X_source, data.y_source, data.X_target, seed)
    rows, judged, all_votes = [], [], []
    for lam in method.lams:
        start = time.perf_counter()
        row: Row = {"lam": lam}
        in_folds, votes = [], []
        for i, fold in enumerate(folds):
            estimator = make_estimator(task, method, lam, 1000 * i + seed)
            fitted = fit_on(estimator, training_part(data, fold))
            in_folds.append(judge(fitted, data, fold))
            votes.append(EstimatorEvidence(fitted, None, None, data.X_target).proba_target)
            row |= {f"{name}_{i}": score for name, score in in_folds[i].scores.items()}
            hits = in_folds[i].trial.predicted_target == sample.y_target[fold.target_test]
            row[f"labels_{i}"] = float(hits.mean())
        judged.append(in_folds)
        all_votes.append(votes)
        tested = [fold.target_test for fold in folds]
        row |= stability(np.array(votes).argmax(axis=2), tested)
        refitted = fit_on(make_estimator(task, method, lam, seed), data)
        predicted = refitted.predict(sample.X_test)
        row["target_accuracy"] = float(accuracy_score(sample.y_test, predicted))
        row["seconds"] = time.perf_counter() - start
        rows.append(row)
    add_comparisons(rows, judged)
    kept = {
        "votes": all_votes,
        "models": [[model.kept for model in in_folds] for in_folds in judged],
        "y_source": [data.y_source[fold.source_test] for fold in folds],
        "y_target": [sample.y_target[fold.target_test] for fold in folds],
    }
    return rows, kept


def stability(votes: NDArray, tested: Sequence[NDArray]) -> Row:
    """Return how far the models of the folds agree on the target, plain and beyond chance."""
    row: Row = {}
    for name, corrected in (("stability", False), ("kappa", True)):
        shares = agreement_of_folds(votes, tested, chance_corrected=corrected)
        row |= {f"{name}_{i}": float(share) for i, share in enumerate(shares)}
    return row


def add_comparisons(rows: list[Row], judged: Sequence[Sequence[Judged]]) -> None:
    """Add the figures that need all candidates: the guard, and the agreement with their mean."""
    source_only = pooled_accuracy([model.trial for model in judged[0]])
    for row, in_folds in zip(rows, judged, strict=True):
        trials = [model.trial for model in in_folds]
        guarded = guard_candidate(trials, source_only, {}, adapts=row["lam"] > 0)
        row["accepted"] = float(guarded.accepted)
    add_shares(rows, [model.kept | {"y": model.trial.y_source} for model in judged[0]])
    for i in range(N_FOLDS):
        shares = agreement_with_mean([in_folds[i].kept["proba_target"] for in_folds in judged])
        for row, share in zip(rows, shares, strict=True):
            row[f"agreement_{i}"] = float(share)


def add_shares(rows: list[Row], source_only: Sequence[dict[str, NDArray]]) -> None:
    """Add whether other class shares explain the shift of the source-only models' outputs."""
    proba, y, of_target = (
        np.concatenate([model[name] for model in source_only])
        for name in ("proba_source", "y", "proba_target")
    )
    fit = label_shift_fit(proba, y, of_target)
    for row in rows:
        row["n_classes"] = float(proba.shape[1])
        row["shares_distance"], row["shares_residual"] = fit.distance, fit.residual
        row["shares_plausible"] = float(fit.plausible)
