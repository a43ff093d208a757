"""The figures of a model: the truth, every estimate, and the errors of the estimated shares."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skda.model_selection import density_ratio
from skda.priors import (
    apply_temperature,
    bbse_priors,
    confusion_matrix_of_shares,
    expected_calibration_error,
    fit_temperature,
    match_confidence,
    mlls_priors,
)

from ..harness.search_internals import ACCURACY_METHODS, HeldOut
from .models import Model

ESTIMATES = ("source", *ACCURACY_METHODS, "stability", "stability_times_source")
CALIBRATION = ("ece_before", "ece_temperature", "ece_weighted", "ece_of_estimate")
SHARES = ("shares_source", "shares_bbse", "shares_mlls")


def measure(model: Model) -> dict[str, Any]:
    """Return a row of the file of a page."""
    seen = model.evidence
    columns = (seen.y_source[:, np.newaxis] == seen.classes).argmax(axis=1)
    known = np.arange(len(seen.classes))
    source, target = (each.astype(float) for each in (seen.proba_source, seen.proba_target))
    weights = density_ratio(seen.features_source, seen.features_target)
    plain = HeldOut(columns, source, target, None)
    row = {
        "method": model.method,
        "lam": model.lam,
        "truth": model.accuracy,
        "source": float((plain.predicted == columns).mean()),
    }
    for name, (estimate, weighted) in ACCURACY_METHODS.items():
        row[name] = estimate(plain._replace(weights=weights) if weighted else plain)
    row["stability"] = float(model.stability.mean())
    row["stability_times_source"] = row["stability"] * row["source"]
    shares = (model.y_target[:, np.newaxis] == seen.classes).mean(axis=0)
    found = {
        "shares_source": np.bincount(columns, minlength=len(known)) / len(columns),
        "shares_bbse": bbse_priors(source, columns, target, classes=known),
        "shares_mlls": mlls_priors(source, columns, target, classes=known),
    }
    row |= {name: float(np.abs(each - shares).sum() / 2) for name, each in found.items()}
    row["condition_number"] = float(
        np.linalg.cond(confusion_matrix_of_shares(source, columns, classes=known))
    )
    errors = calibration_errors(model, plain, weights, row["stability_times_source"])
    return row | dict(zip(CALIBRATION, errors, strict=True))


def calibration_errors(
    model: Model, rows: HeldOut, weights: NDArray, estimate: float
) -> list[float]:
    """Return the ECE on the target without a temperature and at three temperatures.

    The temperatures come from the source rows, from the weighted source rows, and from the
    estimated accuracy, as in a search with `calibrate=True`.
    """
    known = np.arange(rows.proba_source.shape[1])
    y_target = (model.y_target[:, np.newaxis] == model.evidence.classes).argmax(axis=1)
    temperatures = [
        1.0,
        *(
            fit_temperature(rows.proba_source, rows.columns, classes=known, sample_weight=each)
            for each in (None, weights)
        ),
        max(1.0, match_confidence(rows.proba_target, estimate)),
    ]
    return [
        expected_calibration_error(
            y_target, apply_temperature(rows.proba_target, each), classes=known
        )
        for each in temperatures
    ]
