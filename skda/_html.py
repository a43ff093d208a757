"""The line on the training that scikit-learn's HTML diagram of a fitted estimator shows.

The line is part of a block of scikit-learn, which escapes the text, follows light and dark
notebooks, and also works inside the diagram of a Pipeline. The class of these blocks is private.
It is imported where a diagram is drawn: if a later scikit-learn moves it, the plain diagram is
drawn.
"""

from __future__ import annotations

from typing import Any

from sklearn.utils.metaestimators import available_if

__all__ = ["FittedDiagramMixin", "net_diagram", "net_summary"]

_MANY_CLASSES = 6


def _has_diagram(estimator: Any) -> bool:
    return bool(vars(estimator)) and estimator._fitted_diagram() is not None  # noqa: SLF001


class FittedDiagramMixin:
    """The block of a fitted estimator in scikit-learn's diagrams; before `fit`, the plain block."""

    def _fitted_diagram(self) -> Any:
        """Return the block, or None if the estimator is not fitted."""
        raise NotImplementedError

    @available_if(_has_diagram)
    def _sk_visual_block_(self) -> Any:
        return self._fitted_diagram()


def net_diagram(estimator: Any) -> Any:
    """Return the block of a fitted deep estimator, with a line on its training."""
    from sklearn.utils._repr_html.estimator import _VisualBlock

    return _VisualBlock(
        "single",
        estimator,
        names=type(estimator).__name__,
        name_details=str(estimator),
        name_caption=net_summary(estimator),
    )


def net_summary(estimator: Any) -> str:
    """Describe in one line how a fitted deep estimator was trained."""
    net, parts = estimator.net_, []
    if hasattr(estimator, "lam"):
        parts.append(f"lam={net.lam:g}")
    if net.adapts and net.layers:
        places = [f"the {layer.side} of {layer.name or 'the module'}" for layer in net.layers]
        parts.append(f"adapted: {', '.join(places)}")
    if getattr(estimator, "target_priors", None) is not None:
        parts.append(f"target shares: {_shares(estimator)}")
    epochs = " + ".join(str(len(history)) for history in estimator._histories)  # noqa: SLF001
    return " · ".join([*parts, f"{epochs} epochs", f"on {net.device}"])


def _shares(estimator: Any) -> str:
    labels, shares = estimator.classes_, estimator.target_priors_
    if len(labels) > _MANY_CLASSES:
        return f"{min(shares):.2g} to {max(shares):.2g} of {len(labels)} classes"
    return ", ".join(f"{label} {share:.2g}" for label, share in zip(labels, shares, strict=True))
