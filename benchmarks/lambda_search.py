"""How long a search over lam takes, beside scikit-learn's GridSearchCV.

    OMP_NUM_THREADS=1 python benchmarks/lambda_search.py

8 lams x 5 folds of the source, the same estimator, folds and validator, no refit; one process,
one thread. The rounds of the two searches alternate, and the table has the medians of the CPU time,
which neighbours on the machine disturb less than the clock on the wall; for one thread that never
waits the two are the same. Writes results/lambda_search.md and .csv. Ten minutes.
"""

import argparse
import csv
import time
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from runner import machine, versions
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from skda import DANClassifier, DANNClassifier, DeepCORALClassifier
from skda.model_selection import LambdaSearchCV, make_validator_scorer

LAMS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
METHODS = (DANNClassifier, DANClassifier, DeepCORALClassifier)


class Setting(NamedTuple):
    """A network and how long it is trained: fewer epochs where they take longer."""

    n_features: int
    hidden: tuple[int, ...]
    epochs: int
    n_rows: int
    batch_size: int

    @property
    def network(self) -> str:
        return "-".join(map(str, (self.n_features, *self.hidden)))


SETTINGS = (
    Setting(2, (15, 15), 20, 300, 16),
    Setting(2, (15, 15), 20, 300, 32),
    Setting(2, (15, 15), 20, 500, 64),
    Setting(20, (64, 64), 20, 500, 64),
    Setting(100, (256, 128), 5, 500, 64),
    Setting(500, (512, 256), 3, 500, 64),
)
GOALS = {"2-15-15": 10.0, "20-64-64": 3.0}
NEVER_SLOWER = 0.97
N_FOLDS = 5
RESULTS = Path(__file__).parent / "results" / "lambda_search"

Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw(n_rows: int, n_features: int) -> Data:
    """Return source rows, their labels, target rows: two classes, moved and stretched."""
    rng = np.random.default_rng(0)
    y = np.arange(n_rows) % 2
    X = rng.normal(size=(n_rows, n_features)) + y[:, None] * 2 / n_features**0.5
    X_target = 1.5 * rng.normal(size=(n_rows, n_features)) + y[:, None] * 2 / n_features**0.5 + 0.5
    return X.astype(np.float32), y, X_target.astype(np.float32)


def grid_search(estimator: BaseEstimator, folds: list, data: Data) -> Any:
    X, y, X_target = data
    scorer = make_validator_scorer("infomax")
    search = GridSearchCV(estimator, {"lam": LAMS}, scoring=scorer, cv=folds, refit=False)
    with config_context(enable_metadata_routing=True):
        return search.fit(X, y, X_target=(X_target,))


def lambda_search(estimator: BaseEstimator, folds: list, data: Data, vectorize: Any) -> Any:
    search = LambdaSearchCV(
        estimator, LAMS, validator="infomax", cv=folds, refit=False, vectorize=vectorize
    )
    return search.fit(*data)


def cpu_seconds(search: Callable[[], Any]) -> float:
    start = time.process_time()
    search()
    return time.process_time() - start


def compare(method: type, setting: Setting, rounds: int, vectorize: Any) -> dict[str, Any]:
    data = draw(setting.n_rows, setting.n_features)
    estimator = method(
        module__hidden=setting.hidden,
        max_epochs=setting.epochs,
        batch_size=setting.batch_size,
        random_state=0,
    )
    folds = list(StratifiedKFold(N_FOLDS, shuffle=True, random_state=0).split(*data[:2]))
    searches = {
        "GridSearchCV": lambda: grid_search(clone(estimator), folds, data),
        "LambdaSearchCV": lambda: lambda_search(clone(estimator), folds, data, vectorize),
    }
    vectorized = lambda_search(clone(estimator).set_params(max_epochs=1), folds, data, vectorize)
    seconds: dict[str, list[float]] = {name: [] for name in searches}
    for _ in range(rounds):
        for name, search in searches.items():
            seconds[name].append(cpu_seconds(search))
    medians = {name: median(times) for name, times in seconds.items()}
    ratios = [
        g / s for g, s in zip(seconds["GridSearchCV"], seconds["LambdaSearchCV"], strict=True)
    ]
    return {
        "method": method.__name__.removesuffix("Classifier"),
        "network": setting.network,
        "rows": setting.n_rows,
        "batch": setting.batch_size,
        "epochs": setting.epochs,
        **{f"{name}, s": round(value, 2) for name, value in medians.items()},
        "times faster": round(median(ratios), 1),
        "lowest to highest": f"{min(ratios):.1f} to {max(ratios):.1f}",
        "trained together": "yes" if vectorized.vectorized_ else "no",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--always", action="store_true", help="train together whatever the size")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # sizes of folds are no matter here
    rows = []
    for setting in SETTINGS:
        for method in METHODS:
            vectorize = True if options.always else "auto"
            rows.append(compare(method, setting, options.rounds, vectorize))
            print(rows[-1], flush=True)
    if not options.always:
        write(rows, options.rounds)


def write(rows: list[dict[str, Any]], rounds: int) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    columns = list(rows[0])
    lines = [f"| {' | '.join(columns)} |", "|---|---" + "|---:" * (len(columns) - 2) + "|"]
    lines += [f"| {' | '.join(str(row[column]) for column in columns)} |" for row in rows]
    RESULTS.with_suffix(".md").write_text(
        f"# Search over lam: {len(LAMS)} lams x {N_FOLDS} folds\n\n"
        f"- {date.today().isoformat()}, {machine()}\n"
        "- `python benchmarks/lambda_search.py`\n"
        f"- {versions()}\n\n"
        f"As many source as target rows; medians of {rounds} rounds of CPU time, one thread, no "
        "refit. 'Times faster' is the median over the rounds of "
        "GridSearchCV's time over LambdaSearchCV's.\n\n"
        + "\n".join(lines)
        + f"\n\n{verdict(rows)}\n"
    )


def verdict(rows: list[dict[str, Any]]) -> str:
    """Say which rows miss the goals."""
    missed = [
        f"{row['method']} on {row['network']}, batches of {row['batch']}: {row['times faster']}"
        for row in rows
        if row["times faster"] < GOALS.get(row["network"], NEVER_SLOWER)
    ]
    goals = ", ".join(f"{times:g} times on {network}" for network, times in GOALS.items())
    missed_by = "; ".join(missed) or "none"
    return (
        f"Goals: {goals}, never slower on larger ones (less than {NEVER_SLOWER:g} times is told "
        f"from noise). Missed by: {missed_by}."
    )


if __name__ == "__main__":
    main()
