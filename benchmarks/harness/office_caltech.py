"""Office-Caltech10: its tasks, and published accuracies on SURF features."""

from collections.abc import Callable, Sequence
from functools import partial

from .runner import Task
from .shifts import Shift, of_any_seed

DOMAINS = {"A": "amazon", "C": "caltech10", "D": "dslr", "W": "webcam"}
TASKS = ["CA", "CW", "CD", "AC", "AW", "AD", "WC", "WA", "WD", "DC", "DA", "DW"]

# From a public benchmark page; of TCA and GFK only the mean and one task are known.
PUBLISHED_1NN = (23.7, 25.8, 25.5, 26.0, 29.8, 25.5, 19.9, 23.0, 59.2, 26.3, 28.5, 63.4)
PUBLISHED = {
    "1-NN, published": {**dict(zip(TASKS, PUBLISHED_1NN, strict=True)), "mean": 31.4},
    "TCA, published": {"CA": 45.6, "mean": 46.2},
    "GFK, published": {"CA": 46.0, "mean": 43.1},
}

# a row of the shallow page that both pages explain
NORMALISED_L = "TCA, L normalised"


def pair_tasks(load: Callable[..., Shift], names: Sequence[str], settings: str) -> list[Task]:
    """Return a task for each pair of domains; `load` takes the letters `source` and `target`."""
    return [
        Task(name, of_any_seed(partial(load, source=name[0], target=name[1])), "", settings)
        for name in names
    ]
