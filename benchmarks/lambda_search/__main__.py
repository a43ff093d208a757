"""How long a search over lam takes, compared with scikit-learn's GridSearchCV.

    OMP_NUM_THREADS=1 python -m benchmarks.lambda_search [--methods DANN DAN ...] [--rounds N]

8 lams x 5 folds of the source, the same estimator, folds and validator, no refit; one process,
one thread. The two searches take turns, and the table has the medians of the CPU time. Other load
on the machine disturbs it less than the wall time, and for one thread that never waits the two are
equal. A row is written to lambda_search.csv as soon as it is measured, and stays there until it is
measured again. A bare --methods only writes the page.
"""

import argparse
import csv
import warnings
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold

import skda
from skda.model_selection import LambdaSearchCV, make_validator_scorer

from ..harness.machine import header, today
from ..harness.markdown import table
from ..harness.options import file_of, parse_options, program_parser
from ..harness.rows import write_rows
from ..harness.timing import ratio, side_by_side

LAMS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
METHODS = ("DANN", "DAN", "DeepCORAL", "MCC", "JAN", "CDAN", "MDD")


class Setting(NamedTuple):
    """A network, how it is trained, and how many times faster the search should be."""

    n_features: int
    hidden: tuple[int, ...]
    epochs: int  # fewer where they take longer
    n_rows: int
    batch_size: int
    goal: float | None = None

    @property
    def network(self) -> str:
        return "-".join(map(str, (self.n_features, *self.hidden)))


SETTINGS = (
    Setting(2, (15, 15), 20, 300, 16, 10.0),
    Setting(2, (15, 15), 20, 300, 32, 10.0),
    Setting(2, (15, 15), 20, 500, 64, 6.0),
    Setting(20, (64, 64), 20, 500, 64, 3.5),
    Setting(100, (256, 128), 5, 500, 64),
    Setting(500, (512, 256), 3, 500, 64),
)
QUICK = (Setting(2, (15, 15), 1, 100, 16, 10.0),)
# a ratio above this may be noise
NEVER_SLOWER = 0.97
N_FOLDS = 5
OUT = Path(__file__).parent / "lambda_search"
GRID, OURS = "GridSearchCV", "LambdaSearchCV"
COLUMNS = (
    *("method", "network", "rows", "batch", "epochs", f"{GRID}, s", f"{OURS}, s", "times faster"),
    *("lowest to highest", "trained together", "rounds", "measured"),
)

Data = tuple[np.ndarray, np.ndarray, np.ndarray]
Line = dict[str, str]


def draw(n_rows: int, n_features: int) -> Data:
    """Return source rows, their labels, and target rows: two classes, moved and stretched."""
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


def compare(method: str, setting: Setting, options: argparse.Namespace) -> Line:
    """Measure one row of the table."""
    data = draw(setting.n_rows, setting.n_features)
    estimator = getattr(skda, f"{method}Classifier")(
        module__hidden=setting.hidden,
        max_epochs=setting.epochs,
        batch_size=setting.batch_size,
        random_state=0,
    )
    folds = list(StratifiedKFold(N_FOLDS, shuffle=True, random_state=0).split(*data[:2]))
    vectorize = True if options.always else "auto"
    # this fit shows whether the models are trained together, and warms up
    brief = lambda_search(clone(estimator).set_params(max_epochs=1), folds, data, vectorize)
    searches = {
        GRID: lambda: grid_search(clone(estimator), folds, data),
        OURS: lambda: lambda_search(clone(estimator), folds, data, vectorize),
    }
    seconds = side_by_side(searches, options.rounds, warm=False)
    ratios = [g / s for g, s in zip(seconds[GRID], seconds[OURS], strict=True)]
    cells = [
        *(method, setting.network, setting.n_rows, setting.batch_size, setting.epochs),
        *(round(median(seconds[name]), 2) for name in (GRID, OURS)),
        round(ratio(seconds[GRID], seconds[OURS]), 1),
        f"{min(ratios):.1f} to {max(ratios):.1f}",
        "yes" if brief.vectorized_ else "no",
        options.rounds,
        today(),
    ]
    return dict(zip(COLUMNS, map(str, cells), strict=True))


def key(line: Line) -> tuple[str, str, str]:
    return line["method"], line["network"], line["batch"]


def read(path: Path) -> list[Line]:
    """Return the rows of the file; the oldest ones have no date."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{**dict.fromkeys(COLUMNS, "earlier"), **line} for line in csv.DictReader(file)]


def page(lines: Sequence[Line], settings: Sequence[Setting], made_by: str) -> str:
    """Return the page about these rows."""
    return "\n\n".join(
        [
            f"# Search over lam: {len(LAMS)} lams x {N_FOLDS} folds",
            header(f"`{made_by}`"),
            "Source and target have the same number of rows. Times are CPU seconds of one thread, "
            "medians over the rounds, without a refit. 'Times faster' is the median over the "
            f"rounds of the time of {GRID} divided by that of {OURS}.",
            table(COLUMNS, [[line[column] for column in COLUMNS] for line in lines], "llr"),
            goals(lines, settings),
        ]
    )


def goals(lines: Sequence[Line], settings: Sequence[Setting]) -> str:
    """Return a sentence on the goals and the rows that miss them."""
    wanted = {(s.network, str(s.batch_size)): s.goal for s in settings if s.goal is not None}
    told = [f"{goal:g} times on {net} at {batch}" for (net, batch), goal in wanted.items()]
    missed = [
        f"{line['method']} on {line['network']}, batches of {line['batch']}: {line['times faster']}"
        for line in lines
        if float(line["times faster"]) < wanted.get(key(line)[1:], NEVER_SLOWER)
    ]
    return (
        f"Goals, by network and batch size: {', '.join(told)}, never slower on larger networks "
        f"(slower is a ratio below {NEVER_SLOWER:g}, to allow for noise). "
        f"Missed by: {'; '.join(missed) or 'none'}.\n"
    )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    networks = list(dict.fromkeys(setting.network for setting in SETTINGS))
    parser = program_parser(__doc__.splitlines()[0], "one small setting", networks=networks)
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--always", action="store_true", help="train together whatever the size")
    # rows that were forced to train together are no figures of the page
    always = parser.parse_args(arguments).always
    return parse_options(parser, arguments, OUT.with_name(OUT.name + "_always" * always))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    torch.set_num_threads(1)
    settings = QUICK if options.quick else SETTINGS
    path = file_of(options.out, ".csv")
    order = [(m, s.network, str(s.batch_size)) for s in settings for m in METHODS]
    lines = {key(line): line for line in read(path)}
    for setting in settings:
        for method in options.methods if setting.network in options.networks else ():
            with warnings.catch_warnings(action="ignore"):  # sizes of folds are no matter here
                line = compare(method, setting, options)
            print(line, flush=True)
            lines[key(line)] = line
            lines = dict(sorted(lines.items(), key=lambda item: order.index(item[0])))
            write_rows(path, COLUMNS, lines.values())
    text = page(list(lines.values()), settings, options.command)
    file_of(options.out, ".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
