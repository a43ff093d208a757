"""Numbers of the classes that users give by label: a mapping or a Series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["by_class", "is_series"]


def is_series(values: Any) -> bool:
    """Say whether values are a Series of pandas, or of a library like it, with an index."""
    labelled = hasattr(values, "to_dict") and hasattr(values, "index")
    return labelled and getattr(values, "ndim", 0) == 1


def by_class(values: Any, name: str) -> Any:
    """Return a mapping or a Series, from label to number, as a dict; anything else as it is.

    A Series has an order of its own: that of ``value_counts`` is by frequency. Raises ValueError
    if it has a label twice; `name` names the parameter.

    >>> by_class([0.2, 0.8], "target_priors")
    [0.2, 0.8]
    >>> import pandas as pd
    >>> by_class(pd.Series([0.8, 0.2], index=["usual", "rare"]), "target_priors")
    {'usual': 0.8, 'rare': 0.2}
    """
    if isinstance(values, Mapping):
        return dict(values)
    if not is_series(values):
        return values
    labels = values.index.tolist()
    twice = sorted({str(label) for label in labels if labels.count(label) > 1})
    if twice:
        raise ValueError(
            f"The '{name}' parameter must have each class once. Got a Series whose index has "
            f"{twice} more than once."
        )
    return dict(zip(labels, np.asarray(values).tolist(), strict=True))
