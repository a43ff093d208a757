"""Tasks that had no part in the thresholds of the check, as they are and with other shares."""

from dataclasses import replace
from functools import partial

from sklearn.impute import SimpleImputer

from skda.datasets import (
    fetch_amazon_reviews,
    fetch_gas_drift,
    fetch_heart_disease,
    make_rotated_moons,
)

from ..harness.small_tasks import TASKS, Task, halves, with_shares

_MOONS = TASKS["moons"].params
_DRAWN = (0.62, 0.05, 1.0, 0.33, 0.18, 0.45)


def _reviews(source: str, target: str) -> Task:
    return Task(partial(fetch_amazon_reviews, source, target), 500, 500, {"max_epochs": 6})


def _gas(source: str, target: str) -> Task:
    return Task(partial(fetch_gas_drift, source, target), 445, 600, {"max_epochs": 20})


def _heart(source: str, target: str) -> Task:
    load = partial(fetch_heart_disease, source, target)
    return Task(load, 303, 303, {"max_epochs": 20}, (SimpleImputer(strategy="median"),))


def _moons(angle: float) -> Task:
    return Task(partial(make_rotated_moons, angle=angle, random_state=2000), 300, 300, _MOONS)


AS_THEY_ARE = {
    "electronics→dvd": _reviews("electronics", "dvd"),
    "books→dvd": _reviews("books", "dvd"),
    "electronics→kitchen": _reviews("electronics", "kitchen"),
    "dvd→books": _reviews("dvd", "books"),
    "gas 2→6": _gas("batch2", "batch6"),
    "gas 6→2": _gas("batch6", "batch2"),
    "gas 6→1": _gas("batch6", "batch1"),
    "heart Hungary→Cleveland": _heart("hungarian", "cleveland"),
    "heart VA→Cleveland": _heart("va", "cleveland"),
    "moons turned by 20": _moons(20.0),
    "moons turned by 50": _moons(50.0),
}
_OF_TWO = {"1:9": (1.0, 0.11), "3:1": (0.33, 1.0)}


OTHER_SHARES = {
    f"{name}, {title}": with_shares(task, shares)
    for name, task in AS_THEY_ARE.items()
    for title, shares in ({"drawn": _DRAWN} if "gas" in name else _OF_TWO).items()
}


def _half(name: str) -> Task:
    load = partial(halves, TASKS[name].load, "share warning benchmark, halves")
    return replace(TASKS[name], load=load)


SHARES_ALONE = {
    f"half of {title}, {how}": with_shares(_half(name), _DRAWN if how == "drawn" else _OF_TWO[how])
    for title, name, hows in (
        ("the book reviews", "books→electronics", _OF_TWO),
        ("gas batch 1", "gas 1→2", ("drawn",)),
        ("the phones", "phone→watch", ("drawn",)),
        ("the white wines", "wine white→red", _OF_TWO),
        ("the kitchen reviews", "kitchen→books", _OF_TWO),
    )
    for how in hows
}
ALL = AS_THEY_ARE | OTHER_SHARES | SHARES_ALONE
