"""Helpers of all displays: colours, axes, bands, and text and legends that fit the axes."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._optional_dependencies import check_matplotlib_support

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

# Okabe and Ito's colours, which colour-blind people can tell apart. Black is left out because a
# dark background hides it, yellow because a white one does.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BLUE, VERMILLION = COLORS[:2]
NEUTRAL = "0.5"  # a grey that is visible on white and on black
_SMALL, _LEAST = 8.0, 5.5  # size of text in small axes, and least readable size, in points
_POINTS_A_CHARACTER = 0.6  # width of a character of the default font, as a part of its size


def make_axes(ax: Axes | None, caller: str, size: tuple[float, float] | None = None) -> Axes:
    """Return the axes that a user gave, or those of a new figure.

    A figure of given axes gets the constrained layout if it has no layout engine: otherwise labels
    and legends would be cut or overlap the neighbouring subplots.
    """
    check_matplotlib_support(caller)
    import matplotlib.pyplot as plt

    if ax is None:
        return plt.subplots(figsize=size, layout="constrained")[1]
    figure: Any = ax.figure.figure  # the figure of a subfigure
    if figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")
    if is_small(ax):
        ax.tick_params(labelsize=_SMALL)
    return ax


def split_axes(
    ax: Any, n_panels: int, caller: str, size: tuple[float, float]
) -> tuple[list[Any], Axes]:
    """Return panels side by side, and the axes that gets their common legend.

    `ax` has one Axes for each panel, or is a single Axes, which is hidden and whose place is split.
    None makes a new figure of `size` inches.
    """
    if isinstance(ax, (list, tuple, np.ndarray)):
        panels = list(np.ravel(np.asarray(ax, dtype=object)))
        if len(panels) != n_panels:
            raise ValueError(
                f"The 'ax' parameter must be one Axes, or {n_panels}, one for each panel. Got "
                f"{len(panels)}."
            )
        for panel in panels:
            make_axes(panel, caller)
        return panels, panels[-1]
    whole = make_axes(ax, caller, size)
    grid = whole.get_subplotspec()
    if grid is None:
        raise ValueError(
            f"The 'ax' parameter must be an Axes of a grid, as plt.subplots makes it: its place is "
            f"split in {n_panels}. Pass {n_panels} Axes instead."
        )
    whole.set_axis_off()
    # a row of its own puts the legend below the labels of the panels
    parts = grid.subgridspec(2, n_panels, height_ratios=[1, 0.01])
    below = whole.figure.add_subplot(parts[1, :])
    below.set_axis_off()
    return [whole.figure.add_subplot(parts[0, k]) for k in range(n_panels)], below


def draw_mean(
    ax: Axes, places: ArrayLike, values: ArrayLike, *, alpha: float = 0.15, **style: Any
) -> Line2D:
    """Draw the mean over the columns, with a band of one standard deviation; return the line."""
    values = np.asarray(values)
    mean, deviation = values.mean(axis=1), values.std(axis=1)
    (line,) = ax.plot(np.asarray(places), mean, **style)
    ax.fill_between(
        np.asarray(places), mean - deviation, mean + deviation, color=line.get_color(),
        alpha=alpha, lw=0,
    )  # fmt: skip
    return line


def short(label: Any, most: int = 20) -> str:
    """Return a label as text of at most `most` characters, shortened in the middle."""
    text = str(label)
    if len(text) <= most:
        return text
    kept = most - 1
    return f"{text[: kept - kept // 2]}…{text[-(kept // 2) :]}"


def tick_names(labels: Iterable[Any], inches: float, size: float) -> list[str]:
    """Return names of ticks that take at most two fifths of the width `inches`."""
    most = int(0.4 * inches * 72 / (_POINTS_A_CHARACTER * size))
    return [short(label, min(20, max(5, most))) for label in labels]


def tick_size(inches: float, n_labels: int) -> tuple[float, int]:
    """Return the size of tick labels, in points, and k: each k-th label is shown.

    The labels do not touch. k is above 1 if all labels would be too small to read.
    """
    step = math.ceil(n_labels * 1.5 * _LEAST / (72 * inches))
    size = 72 * inches * step / (1.5 * n_labels)
    return min(_points("ytick.labelsize"), size), step


def name_bars(ax: Axes, names: Sequence[Any], inches: Iterable[float]) -> float:
    """Name horizontal bars in axes of this width and height; return the text size.

    If there are many bars, each k-th is named.
    """
    width, height = inches
    size, step = tick_size(height, len(names))
    places = range(0, len(names), step)
    ax.set_yticks(places, tick_names(names[::step], width, size), fontsize=size)
    ax.spines[["top", "right"]].set_visible(False)
    return size


def label_axes(ax: Axes, **labels: str) -> None:
    """Set `xlabel`, `ylabel` and `title`; in small axes in smaller text and several lines."""
    width, height = inches_of(ax)
    for name, label in labels.items():
        usual = _points("axes.titlesize" if name == "title" else "axes.labelsize")
        size = min(_SMALL, usual) if is_small(ax) else usual
        # a legend and tick labels will take some of the height
        room = (1.0 if is_small(ax) else 0.75) * height if name == "ylabel" else width
        characters = max(10, int(room * 72 / (_POINTS_A_CHARACTER * size)))
        getattr(ax, f"set_{name}")(
            textwrap.fill(label, characters, break_long_words=False, break_on_hyphens=False),
            fontsize=size,
        )


def legend_below(ax: Axes, handles: Mapping[str, Any]) -> None:
    """Put a legend below the axes and their labels, in as many columns as fit.

    There the legend hides no data, and the place above stays free for a title. The axes already
    have their data and labels. `handles` has the artists of the legend by their texts.
    """
    from matplotlib.transforms import ScaledTranslation

    figure: Any = ax.figure
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure.figure)  # gives the axes the width that the labels leave
    box = ax.get_window_extent()
    lowest = ax.xaxis.get_tightbbox() if ax.axison else None
    drop = 4 / 72 + (0 if lowest is None else max(0, box.y0 - lowest.y0) / figure.dpi)
    below = ax.transAxes + ScaledTranslation(0, -drop, figure.dpi_scale_trans)
    usual = _SMALL if is_small(ax) or len(handles) > 8 else _points("legend.fontsize")
    room = box.width * (0.8 if is_small(ax) else 1.0)  # small axes may become narrower
    for size, columns in [*((usual, k) for k in range(5, 0, -1)), (6.0, 1)]:
        legend: Any = ax.legend(
            list(handles.values()),
            list(handles),
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            bbox_transform=below,
            borderaxespad=0,
            ncols=min(columns, len(handles)),
            frameon=False,
            fontsize=size,
            columnspacing=1.2,
        )
        if legend.get_window_extent().width <= room:
            break
    legend.get_tightbbox = partial(_layout_box, legend)


def _layout_box(legend: Any, renderer: Any = None) -> Any:
    """Return the box of a legend for the layout engine, cut to the width of the axes.

    A legend that is wider than its axes would make them narrower at each layout.
    """
    from matplotlib.transforms import Bbox

    box, axes = legend.get_window_extent(renderer), legend.axes.bbox
    left = max(box.x0, axes.x0)
    return Bbox.from_extents(left, box.y0, max(min(box.x1, axes.x1), left + 1), box.y1)


def inches_of(ax: Axes) -> NDArray[np.float64]:
    """Return width and height of the axes; of small axes the part that labels and legend leave."""
    return _whole_inches(ax) * (0.6 if is_small(ax) else 1.0)


def is_small(ax: Axes) -> bool:
    """Say whether the axes are smaller than those of a figure with one plot."""
    return bool(_whole_inches(ax).min() < 2.5)


def _whole_inches(ax: Axes) -> NDArray[np.float64]:
    box = ax.get_window_extent()
    return np.array([box.width, box.height]) / ax.figure.dpi


def _points(setting: str) -> float:
    """Return a text size of matplotlib's current style, in points."""
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties

    style: Any = rcParams
    return float(FontProperties(size=style[setting]).get_size_in_points())
