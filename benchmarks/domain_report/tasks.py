"""The tasks of the page: those of the harness, and others that no threshold was set on."""

from functools import partial

from ..harness.small_tasks import (
    DIGITS,
    HALF_THE_DIGITS,
    STRESS_TASKS,
    TASKS,
    Task,
    gas,
    halved,
    heart,
    images,
    moons,
    reviews,
    with_shares,
)


def half(name: str) -> Task:
    """Return a task of the harness without its shift."""
    return halved(TASKS[name], "domain report benchmark, halves")


USUAL, SHIFTED = dict(TASKS), dict(STRESS_TASKS)
# thresholds were set on seeds 0 and 1 of the tasks above, and on none of these
NEW_USUAL = {
    "moons, no shift": moons(0.0, 2000),
    "moons turned 15°": moons(15.0, 2000),
    "gas batch 1, halves": half("gas 1→2"),
    "wine white, halves": half("wine white→red"),
    "USPS, halves": half("USPS→MNIST"),
    "books, halves": half("books→electronics"),
    "gas 2→1": gas("batch2", "batch1"),
    "gas 2→6": gas("batch2", "batch6"),
    "heart Cleveland→Switzerland": heart("cleveland", "switzerland", 200),
    "electronics→dvd": reviews("electronics", "dvd"),
    "kitchen→electronics": reviews("kitchen", "electronics"),
}
NEW_SHIFTED = {
    "moons turned 15°, 1:4": with_shares(moons(15.0, 2000), (1.0, 0.25)),
    "gas batch 1, three gases": with_shares(half("gas 1→2"), (0.0, 1.0, 0.0, 1.0, 0.0, 1.0)),
    "wine white, 4:1": with_shares(half("wine white→red"), (0.2, 1.0)),
    "USPS 0 to 4": with_shares(half("USPS→MNIST"), HALF_THE_DIGITS),
    "books, 9:1": with_shares(half("books→electronics"), (0.11, 1.0)),
    "kitchen→electronics, 1:4": with_shares(reviews("kitchen", "electronics"), (1.0, 0.25)),
    "gas 2→6, three gases": with_shares(gas("batch2", "batch6"), (1.0, 0.0, 1.0, 0.0, 1.0, 0.0)),
    "wine red→white, 1:4": with_shares(TASKS["wine red→white"], (1.0, 0.25)),
    "MNIST→USPS 5 to 9": with_shares(
        images(partial(DIGITS, "mnist", "usps")), (0.0,) * 5 + (1.0,) * 5
    ),
}
GROUPS = {
    "Usual tasks": USUAL,
    "Other shares": SHIFTED,
    "Usual tasks, new": NEW_USUAL,
    "Other shares, new": NEW_SHIFTED,
}
ALL = {name: task for group in GROUPS.values() for name, task in group.items()}
