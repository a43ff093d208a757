"""The figure of a page: every method's score on every task."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from .comparison import MEAN, Comparison
from .goals import Means


def draw(parts: Sequence[tuple[str, Comparison]], path: Path, title: str) -> None:
    """Draw the scores of each method: a dot for each task, and a diamond for their mean.

    Each part has a heading and a panel.
    """
    runs = [run for _, comparison in parts for run in comparison.runs]
    methods = [m for m in parts[0][1].methods if any(m == name for _, name in runs)]
    columns = min(len(parts), 2)  # more would be too small to read on a page
    rows = ceil(len(parts) / columns)
    size = (4 + 4 * columns, rows * (1 + 0.26 * len(methods)))
    fig, axes = plt.subplots(
        rows, columns, figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    for ax, (heading, comparison) in zip(axes.flat, parts, strict=False):
        draw_dots(ax, comparison, methods)
        ax.set(xlabel="score on the target", title=heading or title)
    for ax in axes.flat[len(parts) :]:
        ax.set_axis_off()
    axes[0, 0].set_yticks(range(len(methods)), methods)
    axes[0, 0].set_ylim(len(methods) - 0.5, -0.5)
    fig.suptitle(title if len(parts) > 1 else "")
    fig.savefig(path, dpi=110)
    plt.close(fig)


def draw_dots(ax: Any, comparison: Comparison, methods: Sequence[str]) -> None:
    """Draw one panel, with the methods at 0, 1, 2, ..."""
    means = Means(comparison)
    for i, task in enumerate(comparison.tasks):
        places = [(means.on(task.name, m), j) for j, m in enumerate(methods)]
        color = plt.get_cmap("tab20")(i % 20)
        ax.plot(*zip(*places, strict=True), "o", color=color, ms=4, alpha=0.8, label=task.name)
    if comparison.mean:
        places = [(means.of(m), j) for j, m in enumerate(methods)]
        ax.plot(*zip(*places, strict=True), "D", color="k", ms=5, label=MEAN)
    ax.grid(axis="x", lw=0.4)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize="small")
