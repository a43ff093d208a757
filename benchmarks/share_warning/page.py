"""The page: the results of both checks on every task, and the cost of adapting."""

from collections.abc import Sequence

import numpy as np

from ..harness import markdown
from ..harness.machine import header
from ..harness.rows import Row
from . import tasks

HARM = 1.0
GROUPS = {
    "Other domains": tasks.AS_THEY_ARE,
    "Other domains and other shares": tasks.OTHER_SHARES,
    "Other shares alone": tasks.SHARES_ALONE,
}
CHECKS = {
    "network": "five source-only networks (`LambdaSearchCV`)",
    "linear": "a linear classifier, before the training (`fit`)",
}
INTRODUCTION = f"""\
Where only the shares of the classes differ, adapting as if they were equal does harm, and
`target_priors` mends it. `skda.priors.label_shift_fit` says whether other shares explain how the
outputs of a classifier differ between the domains. No threshold of it was chosen on these tasks:
they are other pairs of domains than those of [the search's page](../selection/selection.md), on
which the thresholds were chosen, as they are, and with rows of the target left out so that its
classes have other shares (1:9 or 3:1 of two classes; drawn ones of six gases). Of the last group
both domains are halves of the same rows: nothing but the shares differs.

**Cost** is the accuracy on the target of lam=0 less that of the shipped lam, in points, the mean of
the methods; adapting **did harm** where it is above {HARM:g}. Target labels serve nothing else.
"""


def cost(row: Row) -> float:
    """Return the mean cost of adapting, in points."""
    names = [name.removesuffix("_before") for name in row if name.endswith("_before")]
    return float(100 * np.mean([row[f"{name}_before"] - row[f"{name}_after"] for name in names]))


def page(rows: Sequence[Row], command: str) -> str:
    """Return the page of the rows, one for a task and a seed."""
    seeds = ", ".join(str(int(seed)) for seed in sorted({row["seed"] for row in rows}))
    parts = [
        "# Is there a warning before harm?",
        header(f"`{command}`", f"{len({row['task'] for row in rows})} tasks, seeds {seeds}"),
        INTRODUCTION,
        "## How often it speaks, and is right",
        *(
            f"**{title}**: {len(some)} runs.\n\n{summary(some)}"
            for title, group in GROUPS.items()
            if (some := [row for row in rows if row["task"] in group])
        ),
        "## Every task",
        table(rows),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def summary(rows: Sequence[Row]) -> str:
    """Return how often each check speaks, and how often it is right."""
    costs = np.array([cost(row) for row in rows])
    harmful = costs > HARM
    heads = ["check by", "says so", "adapting then did harm", "it did not", "harm, not said"]
    heads += ["mean cost where it says so", "elsewhere", "error of the shares there"]
    lines = []
    for name, title in CHECKS.items():
        said = np.array([row[f"{name}_plausible"] == 1 for row in rows])
        errors = np.array([row[f"{name}_error"] for row in rows])
        counts = said, said & harmful, said & ~harmful, ~said & harmful
        means = _mean(costs[said]), _mean(costs[~said]), _mean(errors[said], 2)
        lines.append([title, *(f"{each.sum()}" for each in counts), *means])
    return markdown.table(heads, lines, "lr")


def _mean(values: np.ndarray, digits: int = 1) -> str:
    return f"{values.mean():.{digits}f}" if len(values) else ""


def table(rows: Sequence[Row]) -> str:
    """Return a line for each task and seed."""
    heads = ["task", "seed", "shares differ by", "distance", "with other shares"]
    heads += ["network says so", "linear says so", "cost of adapting"]
    lines = []
    for row in rows:
        says = ["yes" if row[f"{name}_plausible"] == 1 else "" for name in CHECKS]
        far = [row["network_distance"], row["network_residual"]]
        shown = ["" if np.isnan(value) else f"{value:.3f}" for value in far]
        known = [row["task"], f"{row['seed']:.0f}", f"{row['true_shift']:.2f}"]
        lines.append([*known, *shown, *says, f"{cost(row):.1f}"])
    return markdown.table(heads, lines, "lrrrrllr")
