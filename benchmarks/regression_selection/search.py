"""One search of the page: its candidates are trained and judged on folds, then on all rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import root_mean_squared_error

from skda import DANNRegressor, DANRegressor
from skda.model_selection import (
    EstimatorEvidence,
    compute_validator,
    deep_embedded_validation,
    density_ratio,
)

from ..harness.rows import Row
from ..harness.search_internals import (
    DomainData,
    DomainFold,
    Plan,
    choose_regressor,
    fit_all,
    lams_around,
    make_candidates,
    scale_of,
    split_domains,
    squared_errors,
)
from .tasks import Task

N_FOLDS = 3
METHODS = {"DAN": DANRegressor, "DANN": DANNRegressor}
OF_ONE_MODEL = ("a_distance", "dev", "iwv", "source_error")
# two of the four that are tried by default, for time
PENALTIES = (1e-2, 1e-1)
VALIDATORS = ("agreement", "stability", *OF_ONE_MODEL)
LAMS_ALONE, WITH_STATISTICS = "lams", "lams and batch statistics"
GRIDS = {LAMS_ALONE: ("per_domain",), WITH_STATISTICS: ("per_domain", "joint")}


class Recorder:
    """A validator that records the scores of several others and returns the number of the call."""

    def __init__(self) -> None:
        self.scores: list[dict[str, float]] = []

    def __call__(self, fitted: Any, X: Any, y: Any, *, X_target: Any) -> float:
        seen = EstimatorEvidence(fitted, X, y, X_target)
        # as in compute_validator, but with one density ratio, the slowest part, for both
        ratio = density_ratio(seen.features_source, seen.features_target, C=PENALTIES)
        errors = squared_errors(seen.y_source, seen.numbers_source)
        self.scores.append(
            {
                "a_distance": compute_validator("a_distance", seen, C=1e-2),
                "dev": deep_embedded_validation(errors, ratio),
                "iwv": -float(np.average(errors, weights=ratio)),
                "source_error": -float(errors.mean()),
            }
        )
        return len(self.scores) - 1.0


def search(task: Task, method: str, seed: int, quick: bool) -> list[Row]:
    """Return a row for each candidate of each grid: scores by fold, and the error on the target."""
    drawn = task.draw(seed)
    y_source = drawn.y_source.reshape(-1, 1)
    data = DomainData(drawn.X_source.astype(np.float32), y_source, drawn.X_target.astype("f4"))
    estimator = METHODS[method](**task.params, device="cpu")
    lams = lams_around(estimator)
    if quick:
        estimator.set_params(max_epochs=1)
        lams = [estimator.lam]
    candidates = make_candidates(lams, {"batch_stats": list(GRIDS[WITH_STATISTICS])}, "lam")
    X_source, X_target = data.X_source, data.X_target
    folds = split_domains(N_FOLDS, X_source, y_source, X_target, seed, stratify=False)
    all_rows = [np.arange(len(X)) for X in (X_source, X_source, X_target, X_target)]

    def trained(folds: Sequence[DomainFold], seeds: Sequence[int], validator: Any) -> Any:
        options: Any = {"vectorize": "auto", "n_jobs": None, "verbose": 0}
        plan = Plan(estimator, candidates, data, folds, seeds, validator, "lam")
        return fit_all(plan, **options).of_candidates

    recorder = Recorder()
    results = [
        [each._replace(scores=recorder.scores[int(each.scores[""])]) for each in of_one]
        for of_one in trained(folds, [1000 * i + seed for i in range(N_FOLDS)], recorder)
    ]
    last = trained([DomainFold(*all_rows)], [seed], "source_error")
    predicted = [np.clip(one.votes.ravel(), *task.limits) for [one] in last]
    errors = [root_mean_squared_error(drawn.y_target, each) for each in predicted]

    rows: list[Row] = []
    for grid, statistics in GRIDS.items():
        kept = [i for i, each in enumerate(candidates) if each["batch_stats"] in statistics]
        choice = choose_regressor(
            [candidates[i] for i in kept],
            "lam",
            [results[i] for i in kept],
            [fold.target_test for fold in folds],
            VALIDATORS,
            True,
        )
        table = choice[0]
        for row, i in enumerate(kept):
            scores = {
                f"{name}_{k}": float(table[f"split{k}_test_{name}"][row])
                for name in VALIDATORS
                for k in range(N_FOLDS)
            }
            rows.append(
                {
                    "grid": grid,
                    "lam": float(candidates[i]["lam"]),
                    "batch_stats": candidates[i]["batch_stats"],
                    **scores,
                    "accepted": float(table["accepted"][row]),
                    "reason": str(table["guard_reason"][row]).partition(":")[0],
                    "error": float(errors[i]),
                    "scale": float(scale_of(y_source)[0]),
                }
            )
    return rows
