"""The report on the models of a task, and the truth about them."""

from typing import Any

import numpy as np

from skda import DANNClassifier
from skda.inspection import DomainReport, domain_report

from ..harness.search_internals import fit_on
from ..harness.small_tasks import Task, draw, estimator_for, hold_out

# name -> times the shipped lam
METHODS = {"DANN": 1.0, "DANN, 10 lam": 10.0}


def measure(task: Task, seed: int, *, quick: bool = False) -> list[dict[str, Any]]:
    """Return a row for each method; only the columns of the truth use labels of the target."""
    sample = draw(task, task.load(), seed)
    part, held_out = hold_out(sample.train, seed, "domain report, held-out rows")

    def trained(factor: float) -> Any:
        lam = factor * DANNClassifier().lam
        return fit_on(estimator_for(task, DANNClassifier, lam=lam, random_state=seed), part)

    def accuracy(model: Any) -> float:
        return float((model.predict(part.X_target) == sample.y_target).mean())

    source_only = trained(0.0)
    rows = []
    for name, factor in METHODS.items():
        adapted = trained(factor)
        report = domain_report(
            adapted,
            *held_out[:3],
            source_only=source_only,
            n_permutations=20 if quick else 100,
            n_bootstrap=10 if quick else 50,
            random_state=seed,
        )
        true_shares = (sample.y_target[:, np.newaxis] == report.shares.classes).mean(axis=0)
        truth = {
            "true_source_only": accuracy(source_only),
            "true_adapted": accuracy(adapted),
            "true_shares_differ": half_distance(true_shares, report.shares.priors_source),
        }
        rows.append({"method": name} | truth | figures(report))
    return rows


def half_distance(shares: Any, others: Any) -> float:
    """Return the total variation: the share of rows that would have to change class."""
    return float(np.abs(shares - others).sum() / 2)


def figures(report: DomainReport) -> dict[str, Any]:
    """Return the figures of the report in one row."""
    row: dict[str, Any] = {"said": " ".join(report.findings)}
    for state, values in report.to_frame().to_dict(orient="index").items():
        row |= {f"{state}_{name}": value for name, value in values.items()}
    row["agreement"] = report.agreement
    row["shares_differ"] = half_distance(report.shares.priors, report.shares.priors_source)
    return row
