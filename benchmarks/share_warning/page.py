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
If only the class shares differ between the domains, adaptation that assumes equal shares does harm,
and `target_priors` prevents it. `skda.priors.label_shift_fit` decides whether other class shares
explain the difference between the outputs of a classifier on the two domains. Its thresholds were
chosen on [the search's page](../selection/selection.md); this page has other pairs of domains. The
first group has these pairs unchanged. In the second group, target rows are left out to change the
class shares (1:9 or 3:1 for two classes, random shares otherwise). In the last group the domains
are halves of the same rows, of which target rows are left out: only the class shares differ.

**Cost** is the accuracy of lam=0 on the target minus that of the shipped lam, in points, the mean
over the methods; adapting **did harm** where the cost is above {HARM:g}. Target labels are used for
nothing else.
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
        "## How often a check warns, and how often it is right",
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
    """Return how often each check warns, and how often it is right."""
    costs = np.array([cost(row) for row in rows])
    harmful = costs > HARM
    heads = ["check by", "warnings", "with harm", "without harm", "harm without warning"]
    heads += ["mean cost with warning", "without warning", "error of the shares with warning"]
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
    heads += ["network warns", "linear warns", "cost of adapting"]
    lines = []
    for row in rows:
        says = ["yes" if row[f"{name}_plausible"] == 1 else "" for name in CHECKS]
        far = [row["network_distance"], row["network_residual"]]
        shown = ["" if np.isnan(value) else f"{value:.3f}" for value in far]
        known = [row["task"], f"{row['seed']:.0f}", f"{row['true_shift']:.2f}"]
        lines.append([*known, *shown, *says, f"{cost(row):.1f}"])
    return markdown.table(heads, lines, "lrrrrllr")
