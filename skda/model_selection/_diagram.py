"""The choice of a fitted search, and its reasons, in scikit-learn's HTML diagram."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["search_diagram", "search_summary"]


def search_diagram(search: Any) -> Any:
    """Return the block of a fitted search: the choice, and the best estimator if there is one."""
    from sklearn.utils._repr_html.estimator import _VisualBlock

    name = "best_estimator_" if hasattr(search, "best_estimator_") else "estimator"
    shown = getattr(search, name)
    chosen, *reasons = search_summary(search)
    choice = _VisualBlock(
        "single",
        "",
        names=f"chosen: {chosen}",
        name_details="\n".join(reasons),
        name_caption=" · ".join(reasons),
    )
    label = f"{name}: {type(shown).__name__}"
    return _VisualBlock(
        "parallel",
        [choice, shown],
        names=[f"choice by {_name(search.validator_)}", label],
        name_details=[None, str(shown)],
    )


def search_summary(search: Any) -> Iterator[str]:
    """Yield what was chosen, why, what the guard did, and how good the choice may be."""
    accepted, best = search.cv_results_["accepted"], search.best_params_
    yield ", ".join(f"{name}={_short(value)}" for name, value in best.items())
    if search.adapted_:
        yield f"scored {search.best_score_:.2f}, source-only {search.source_only_score_:.2f}"
    else:
        yield "fell back on lam=0: no accepted lam above 0 scored higher"
    if search.guard is not False:
        yield f"guard rejected {np.sum(~accepted)} of {len(accepted)} candidates"
    if hasattr(search, "estimated_error_"):
        yield f"estimated error on the target {search.estimated_error_:.2f} standard deviations"
    else:
        yield f"estimated accuracy on the target {search.estimated_accuracy_:.2f}"


def _name(validator: Any) -> str:
    if callable(validator):
        return str(getattr(validator, "__name__", type(validator).__name__))
    return validator if isinstance(validator, str) else ", ".join(map(_name, validator))


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, (float, np.floating)) else str(value)
    return text if len(text) <= 40 else text[:37] + "..."
