"""How long a search over lam takes, beside scikit-learn's GridSearchCV.

    OMP_NUM_THREADS=1 python benchmarks/lambda_search.py

8 lams x 5 folds of the source, the same estimator, folds and validator, no refit; one process,
one thread. The rounds of the two searches alternate, and the table has the medians of the CPU time,
which neighbours on the machine disturb less than the clock on the wall; for one thread that never
waits the two are the same. Writes results/lambda_search.md and .csv. A quarter of an hour.
"""

import argparse
import csv
import os
import platform
import time
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from skda import DANClassifier, DANNClassifier, DeepCORALClassifier
from skda.model_selection import LambdaSearchCV, make_validator_scorer

LAMS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
METHODS = (DANNClassifier, DANClassifier, DeepCORALClassifier)
# columns, hidden layers, epochs: fewer of what takes longer, where what comes once matters less
NETWORKS = {
    "2-15-15": (2, (15, 15), 50),
    "20-64-64": (20, (64, 64), 50),
    "100-256-128": (100, (256, 128), 10),
    "500-512-256": (500, (512, 256), 5),
}
N_ROWS, N_FOLDS, BATCH_SIZE = 500, 5, 64
RESULTS = Path(__file__).parent / "results" / "lambda_search"

Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def draw(n_features: int) -> Data:
    """Return source rows, their labels, target rows: two classes, moved and stretched."""
    rng = np.random.default_rng(0)
    y = np.arange(N_ROWS) % 2
    X = rng.normal(size=(N_ROWS, n_features)) + y[:, None] * 2 / n_features**0.5
    X_target = 1.5 * rng.normal(size=(N_ROWS, n_features)) + y[:, None] * 2 / n_features**0.5 + 0.5
    return X.astype(np.float32), y, X_target.astype(np.float32)


def grid_search(estimator: BaseEstimator, folds: list, data: Data) -> Any:
    X, y, X_target = data
    scorer = make_validator_scorer("infomax")
    search = GridSearchCV(estimator, {"lam": LAMS}, scoring=scorer, cv=folds, refit=False)
    with sklearn.config_context(enable_metadata_routing=True):
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


def compare(method: type, network: str, rounds: int, vectorize: Any) -> dict[str, Any]:
    n_features, hidden, epochs = NETWORKS[network]
    data = draw(n_features)
    estimator = method(
        module__hidden=hidden, max_epochs=epochs, batch_size=BATCH_SIZE, random_state=0
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
        "network": network,
        "epochs": epochs,
        **{f"{name}, s": round(value, 2) for name, value in medians.items()},
        "times faster": round(median(ratios), 1),
        "lowest to highest": f"{min(ratios):.1f} to {max(ratios):.1f}",
        "trained together": "yes" if vectorized.vectorized_ else "no",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--always", action="store_true", help="train together whatever the size")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # sizes of folds are no matter here
    rows = []
    for network in options.networks:
        for method in METHODS:
            vectorize = True if options.always else "auto"
            rows.append(compare(method, network, options.rounds, vectorize))
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
        f"{N_ROWS} + {N_ROWS} rows, batches of {BATCH_SIZE}, medians of {rounds} rounds of CPU "
        "time, one thread, no refit. 'Times faster' is the median over the rounds of "
        "GridSearchCV's time over LambdaSearchCV's.\n\n"
        + "\n".join(lines)
        + f"\n\n{date.today()}, {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, torch {torch.__version__}, scikit-learn "
        f"{sklearn.__version__}.\n"
    )


if __name__ == "__main__":
    main()
