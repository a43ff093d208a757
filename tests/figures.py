"""Checks of drawn figures: texts that overlap, are cut, or cover data."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from matplotlib.text import Text


def drawn_texts(figure: Any) -> list[Text]:
    """Visible texts: not empty, no tick labels outside of the limits."""
    hidden = set()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for minor in (False, True):
                places = axis.get_ticklocs(minor=minor)
                labels = axis.get_ticklabels(minor=minor)
                hidden |= {
                    label
                    for place, label in zip(places, labels, strict=False)
                    if not (ax.axison and axis.get_visible() and low - 1e-9 <= place <= high + 1e-9)
                }
        if not ax.axison:
            hidden |= {*ax.texts, ax.xaxis.label, ax.yaxis.label}
    texts = figure.findobj(lambda artist: isinstance(artist, Text))
    return [t for t in texts if t.get_text().strip() and t.get_visible() and t not in hidden]


def problems(figure: Any, slack: float = 1.0) -> list[str]:
    """Return the faults of a figure, as sentences."""
    for _ in range(3):  # the layout must stay the same after several draws
        figure.draw_without_rendering()
    boxes = {text: text.get_window_extent() for text in drawn_texts(figure)}
    found = []
    whole = figure.bbox
    for text, box in boxes.items():
        inside = (
            box.x0 >= whole.x0 - slack
            and box.y0 >= whole.y0 - slack
            and box.x1 <= whole.x1 + slack
            and box.y1 <= whole.y1 + slack
        )
        if not inside:
            found.append(f"cut: {text.get_text()!r}")
    for (a, box), (b, other) in combinations(boxes.items(), 2):
        if a is not b and _overlap(box, other, slack):
            found.append(f"overlap: {a.get_text()!r} and {b.get_text()!r}")
    for ax in figure.axes:
        legend = ax.get_legend()
        for other in figure.axes if legend else ():
            if other.axison and _overlap(legend.get_window_extent(), other.bbox, slack):
                found.append(f"the legend of {ax} covers {other}")
    return found


def _overlap(a: Any, b: Any, slack: float) -> bool:
    return bool(
        min(a.x1, b.x1) - max(a.x0, b.x0) > slack and min(a.y1, b.y1) - max(a.y0, b.y0) > slack
    )
