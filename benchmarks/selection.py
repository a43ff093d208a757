"""How much it costs to choose lam without target labels: regret of every validator and rule.

    SKDA_DATA_HOME=... OMP_NUM_THREADS=1 python benchmarks/selection.py

For every task, method and seed, each lam of a grid is trained on folds, where every validator
judges it by held-out rows of both domains, and then on all rows, where its target accuracy is
taken. The figures go to results/selection.csv as soon as they are there; a benchmark that was
interrupted goes on where it stopped. Which lam a rule would have chosen, and what that costs, is
worked out from that file (`selection_rules.py`) and written to results/selection.md
(`selection_page.py`).
"""

import argparse
import csv
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import torch
from numpy.typing import NDArray
from selection_page import page
from selection_rules import Row, read_rows, searches
from selection_tasks import ALL_TASKS, STRESS_TASKS, TASKS, Sample, Task, draw
from skda.model_selection.consensus import agreement_of_folds, agreement_with_mean
from skda.model_selection.folds import DomainFold, split_domains, take_rows
from skda.model_selection.guard import class_entropy
from skda.model_selection.trials import (
    DomainData,
    Trial,
    fit_on,
    training_part,
)
from skda.model_selection.verdicts import guard_candidate, pooled_accuracy
from sklearn.metrics import accuracy_score

from skda import DANClassifier, DANNClassifier, DeepCORALClassifier, make_pipeline
from skda.model_selection import (
    EstimatorEvidence,
    compute_validator,
    deep_embedded_validation,
    density_ratio,
    importance_weighted_accuracy,
    row_losses,
)

OUT = Path(__file__).parent / "results" / "selection"
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


METHODS = {
    "DANN": Method(DANNClassifier, (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)),
    "DAN": Method(DANClassifier, (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)),
    "DeepCORAL": Method(DeepCORALClassifier, (0.0, 1.0, 3.0, 10.0, 30.0, 100.0)),
}


def make_estimator(task: Task, method: Method, lam: float, seed: int) -> Any:
    classifier = method.estimator(lam=lam, random_state=seed, device="cpu", **task.params)
    return make_pipeline(*task.steps, classifier) if task.steps else classifier


class Judged(NamedTuple):
    """A model of a fold: scores by name, what the guard reads, and its target probabilities."""

    scores: dict[str, float]
    trial: Trial
    kept: dict[str, NDArray]


def judge(fitted: Any, data: DomainData, fold: DomainFold) -> Judged:
    """Let every validator judge a model by the held-out rows, without labels of the target."""
    y_source = data.y_source[fold.source_test]
    evidence = EstimatorEvidence(
        fitted,
        take_rows(data.X_source, fold.source_test),
        y_source,
        take_rows(data.X_target, fold.target_test),
    )
    scores = {name: compute_validator(name, evidence) for name in PLAIN_VALIDATORS}
    scores["a_distance"] = compute_validator("a_distance", evidence, C=1e-2)
    # as compute_validator does, but the ratio, which takes longest, once for both
    ratio = density_ratio(evidence.features_source, evidence.features_target)
    predicted_source = evidence.classes[evidence.proba_source.argmax(axis=1)]
    predicted_target = evidence.classes[evidence.proba_target.argmax(axis=1)]
    scores["iwv"] = importance_weighted_accuracy(y_source, predicted_source, ratio)
    losses = row_losses(y_source, evidence.proba_source, evidence.classes)
    scores["dev"] = deep_embedded_validation(losses, ratio)
    scores["entropy_ratio"] = class_entropy(predicted_target) / class_entropy(y_source)
    kept = {
        "proba_source": evidence.proba_source,
        "proba_target": evidence.proba_target,
        "features_source": evidence.features_source,
        "features_target": evidence.features_target,
        "ratio": ratio,
    }
    n_classes = len(evidence.classes)
    trial = Trial(
        {}, y_source, predicted_source, predicted_target, n_classes, 0.0, 0.0, evidence.votes_target
    )
    return Judged(scores, trial, kept)


def search(task: Task, method: Method, sample: Sample, seed: int) -> tuple[list[Row], Any]:
    """Train and judge every lam; return a row for each, and what was kept of every model."""
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
        held_out = [fold.target_test for fold in folds]
        row |= add_stability(np.array(votes).argmax(axis=2), held_out)
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


def add_stability(votes: NDArray, held_out: Sequence[NDArray]) -> Row:
    """Return how far the models of the folds agree on the target, plain and beyond chance."""
    row: Row = {}
    for name, corrected in (("stability", False), ("kappa", True)):
        shares = agreement_of_folds(votes, held_out, chance_corrected=corrected)
        row |= {f"{name}_{i}": float(share) for i, share in enumerate(shares)}
    return row


def add_comparisons(rows: list[Row], judged: Sequence[Sequence[Judged]]) -> None:
    """Add what needs all candidates: the guard's verdict and the agreement with their mean."""
    source_only = pooled_accuracy([model.trial for model in judged[0]])
    for row, in_folds in zip(rows, judged, strict=True):
        trials = [model.trial for model in in_folds]
        verdict = guard_candidate(trials, source_only, {}, adapts=row["lam"] > 0)
        row["accepted"] = float(verdict.accepted)
    for i in range(N_FOLDS):
        shares = agreement_with_mean([in_folds[i].kept["proba_target"] for in_folds in judged])
        for row, share in zip(rows, shares, strict=True):
            row[f"agreement_{i}"] = float(share)


def append(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows of one search in one go, so that an interruption leaves none half-done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(
            {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows
        )


def run(options: argparse.Namespace, path: Path) -> None:
    """Do the searches that are missing, seed by seed."""
    done = {(row["task"], row["method"], row["seed"]) for row in read_rows(path)}
    for seed in options.seeds:
        for name in options.tasks:
            missing = [each for each in options.methods if (name, each, seed) not in done]
            if not missing:
                continue
            task = ALL_TASKS[name]
            sample = draw(task, task.load(), seed)
            for each in missing:
                start = time.perf_counter()
                found, kept = search(task, METHODS[each], sample, seed)
                append(path, [{"task": name, "method": each, "seed": seed, **row} for row in found])
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    joblib.dump(kept, options.keep / f"{name} {each} {seed}.joblib", compress=1)
                curve = " ".join(f"{row['target_accuracy']:.3f}" for row in found)
                seconds = time.perf_counter() - start
                print(f"{name:24} {each:10} seed {seed}: {curve}, {seconds:.0f} s", flush=True)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Regret of choosing lam without target labels")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="SEED")
    parser.add_argument("--tasks", nargs="+", choices=ALL_TASKS, default=list(ALL_TASKS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--out", type=Path, default=OUT, help="file without suffix")
    parser.add_argument("--keep", type=Path, help="folder for what validators read of the models")
    parser.add_argument("--page-only", action="store_true", help="train nothing")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    torch.set_num_threads(1)
    path = options.out.with_name(options.out.name + ".csv")
    if not options.page_only:
        run(options, path)
    shown = [each for each in arguments if each != "--page-only"]
    command = f"python benchmarks/selection.py {shlex.join(shown)}".strip()
    defaults = {name: method.estimator().lam for name, method in METHODS.items()}
    order = list(ALL_TASKS)
    found = searches(read_rows(path), defaults)
    found.sort(key=lambda each: (order.index(each.task), each.method, each.seed))
    usual = [search for search in found if search.task in TASKS]
    stress = [search for search in found if search.task in STRESS_TASKS]
    text = page(usual, stress, command, N_FOLDS)
    options.out.with_name(options.out.name + ".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
