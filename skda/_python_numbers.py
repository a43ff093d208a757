"""Numbers of numpy as numbers of Python, which files of tensors and of text can hold."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["python_numbers"]


def python_numbers(value: Any, arrays: bool = False) -> Any:
    """Return a value with the numbers of numpy as those of Python, in containers too.

    The containers are dictionaries, lists and tuples. With `arrays`, arrays become lists.

    Examples
    --------
    >>> python_numbers({"lr": np.float64(0.1), "betas": (np.float64(0.5), 0.9)})
    {'lr': 0.1, 'betas': (0.5, 0.9)}
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and (arrays or value.ndim == 0):
        return value.tolist()
    # only these types: a subclass may hold more than its items
    if type(value) is dict:
        return {python_numbers(key): python_numbers(item, arrays) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(python_numbers(item, arrays) for item in value)
    return value
