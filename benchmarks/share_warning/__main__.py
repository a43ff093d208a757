"""Does the check of the class shares warn before harm, and only then?"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score

from skda import DANClassifier, DANNClassifier, MCCClassifier
from skda.priors import LabelShiftFit, label_shift_fit

from ..harness.options import program_parser, run_program
from ..harness.rows import Row, append_rows, read_rows
from ..harness.search_internals import fit_on, held_out, linear_fit, split_domains, training_part
from ..harness.small_tasks import Sample, Task, draw, estimator_for, missing_tasks
from .page import page
from .tasks import ALL

OUT = Path(__file__).parent / "share_warning"
METHODS = {"DANN": DANNClassifier, "DAN": DANClassifier, "MCC": MCCClassifier}
N_FOLDS = 5


def of_networks(task: Task, sample: Sample, seed: int) -> LabelShiftFit | None:
    """Fit the shares to source-only networks of five folds, as the search does."""
    data, found = sample.train, []
    for i, fold in enumerate(
        split_domains(N_FOLDS, data.X_source, data.y_source, data.X_target, seed)
    ):
        network = estimator_for(task, DANClassifier, lam=0.0, random_state=1000 * i + seed)
        seen = held_out(fit_on(network, training_part(data, fold)), data, fold)
        found.append((seen.proba_source, data.y_source[fold.source_test], seen.proba_target))
    if len({rows[0].shape[1] for rows in found}) > 1:
        return None  # a fold lacks a class
    proba, y, of_target = (np.concatenate(part) for part in zip(*found, strict=True))
    return label_shift_fit(proba, y, of_target)


def before_training(task: Task, sample: Sample) -> LabelShiftFit | None:
    """Fit the shares to a linear classifier, as `fit` does."""
    X, y, X_target = sample.train[:3]
    for step in task.steps:
        X, X_target = step.fit_transform(X), step.transform(X_target)
    domains = DANClassifier(device="cpu", **task.params).begin(X, y, X_target)
    return linear_fit(domains, domains.class_shares(len(np.unique(y))))


def measure(task: Task, seed: int, methods: Sequence[str]) -> Row:
    """Return the results of both checks, and the accuracies before and after adapting."""
    sample = draw(task, task.load(), seed)
    classes = np.unique(sample.train.y_source)
    shares = [
        np.array([np.mean(y == label) for label in classes])
        for y in (sample.train.y_source, sample.y_target)
    ]
    row: Row = {"true_shift": float(np.abs(shares[0] - shares[1]).sum() / 2)}
    for name, fit in (
        ("network", of_networks(task, sample, seed)),
        ("linear", before_training(task, sample)),
    ):
        row[f"{name}_distance"] = fit.distance if fit else np.nan
        row[f"{name}_residual"] = fit.residual if fit else np.nan
        row[f"{name}_plausible"] = float(fit.plausible) if fit else 0.0
        row[f"{name}_error"] = float(np.abs(fit.shares - shares[1]).sum() / 2) if fit else np.nan
    for name in methods:
        for when, lam in (("before", 0.0), ("after", METHODS[name]().lam)):
            model = estimator_for(task, METHODS[name], lam=lam, random_state=seed)
            predicted = fit_on(model, sample.train).predict(sample.X_test)
            row[f"{name}_{when}"] = float(accuracy_score(sample.y_test, predicted))
    return row


def run(options: argparse.Namespace, path: Path) -> None:
    """Measure what is missing, seed by seed."""
    done = {(row["task"], row["seed"]) for row in read_rows(path)}
    for name, seed, task in missing_tasks(options, ALL, done):
        start = time.perf_counter()
        row = measure(task, seed, options.methods)
        append_rows(path, [{"task": name, "seed": seed, **row}])
        print(f"{name:32} seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)


def page_of(path: Path, command: str) -> str:
    order = list(ALL)
    rows = sorted(read_rows(path), key=lambda row: (order.index(row["task"]), row["seed"]))
    return page(rows, command)


def main(arguments: Sequence[str] | None = None) -> None:
    title = "Does the check of the class shares warn before harm?"
    quick = "few rows, one epoch"
    parser = program_parser(title, quick, seeds=[0, 1, 2], tasks=ALL, methods=METHODS)
    run_program(parser, arguments, OUT, run, page_of)


if __name__ == "__main__":
    main()
