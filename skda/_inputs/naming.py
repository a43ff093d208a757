"""Messages that name the argument."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["naming"]


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Put the name of an argument before messages of scikit-learn that lack it."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if re.search(rf"\b{name}\b", str(error)):
            raise
        message = f"{name}: {error}"
        try:
            named = type(error)(message)
        except TypeError:  # the class wants other arguments, as numpy's of ufuncs does
            named = (TypeError if isinstance(error, TypeError) else ValueError)(message)
        raise named from error
