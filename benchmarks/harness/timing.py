"""Time of functions, side by side."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from statistics import median
from typing import Any, TypeVar

Name = TypeVar("Name", bound=Hashable)


def cpu_seconds(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def side_by_side(
    functions: Mapping[Name, Callable[[], Any]],
    rounds: int,
    repeat: int = 1,
    *,
    warm: bool = True,
    seconds_of: Callable[[Callable[[], Any]], float] = cpu_seconds,
) -> dict[Name, list[float]]:
    """Return the seconds of each function in each round, by default of the CPU.

    The first function changes from round to round. With `warm` each is called once before.
    """
    names = list(functions)
    for function in functions.values() if warm else ():
        function()
    seconds: dict[Name, list[float]] = {name: [] for name in names}
    for i in range(rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            total = seconds_of(lambda f=functions[name]: [f() for _ in range(repeat)])
            seconds[name].append(total / repeat)
    return seconds


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Return the median ratio over the rounds; other load on the machine slows both sides."""
    return median(a / b for a, b in zip(above, below, strict=True))
