"""A few labels of the target beside its unlabelled rows, used by several methods."""

from functools import partial
from pathlib import Path

from ..harness import matrix
from ..harness.few_labels import (
    BESIDE,
    BY_ROW,
    COUNTS,
    ONLY,
    REFERENCES,
    STAGED,
    columns_of,
    few_labels_matrix,
    load,
    run_of,
)
from ..harness.goals import Goal, Means, least
from ..harness.methods import ADAPTING
from ..harness.runner import Method
from .candidates import AdaMatch, Entropy

NAMES = ("scanned digits", "gas 1→6")
CANDIDATES = {
    "entropy": run_of(Entropy),
    "relative threshold": run_of(AdaMatch),
    **{f"{m}{BY_ROW}": run_of(ADAPTING[m], target_label_weight=1.0) for m in ("DANN", "MCC")},
}
# WDGRL takes as long as six of the others
METHODS_OF_SKDA = [name for name in ADAPTING if name != "WDGRL"]


METHODS = [
    *REFERENCES,
    *(Method(name, run_of(ADAPTING[name])) for name in METHODS_OF_SKDA),
    *(Method(name, run) for name, run in CANDIDATES.items()),
]
COLUMNS = columns_of(NAMES)


def default_above(reference: str, n: int, means: Means) -> tuple[float, str]:
    """Return the least gain of an adapting default over a reference, in points."""
    of_reference = means.of(reference, COLUMNS[n])
    return least({m: 100 * (means.of(m, COLUMNS[n]) - of_reference) for m in METHODS_OF_SKDA})


def shipped_above_candidates(means: Means) -> tuple[float, str]:
    """Return the gain of the best shipped method over the best candidate, in points."""
    best, other = (means.best(names) for names in (METHODS_OF_SKDA, list(CANDIDATES)))
    return 100 * (best[0] - other[0]), f"{best[1]} against {other[1]}"


FEW = few_labels_matrix(
    "A few labels of the target",
    NAMES,
    load,
    METHODS,
    Path(__file__).parent / "few_labels",
    introduction=f"""\
1, 3 or 10 labelled rows of each class of the target beside its unlabelled rows, 400 of digits or
600 of gas: `fit(X_source, y_source, X_target, y_target=)`. *{ONLY}* trains on these rows
alone, for as many steps as the source has; *{STAGED}* is `FinetuneClassifier`,
*{BESIDE}* the two in one loss without an adaptation loss. Shipped defaults of all
adapting classifiers but WDGRL, left out for its time; the epochs and the network are those of the
page on choosing lam. The labels of the few rows are trained on; all others score only, on other
rows. The rows without labels are the same for 1, 3 and 10.

*By row* is `target_label_weight=1`: a labelled target row weighs as much as a source row, where by
default the labelled rows of a batch weigh as much as all its source rows. What is not in skda
(`benchmarks/few_labels/candidates.py`): *entropy*, that of the target's predictions, and *relative
threshold*, AdaMatch's pseudo-labels without its augmentation, both at lam 1, rising.""",
    notes="""\
## What this says

The loss of the labelled rows of a batch weighs as much as that of all its source rows. With one
label a class this overfits them: MCC and DANN are better without these labels. MCC with labels
that weigh by row is better than MCC with or without them for 1, 3 and 10 labels a class, and about
as good as the best candidate. The candidates were compared by the scores on this page; weighing by
row is [tried on other tasks](../target_label_weight/target_label_weight.md).""",
    references={BESIDE: "†", ONLY: "‡"},
    compared=[*METHODS_OF_SKDA, *CANDIDATES],
    goals=[
        *(
            Goal(
                f"{n} a class: least gain of an adapting default over *{BESIDE}*, points",
                partial(default_above, BESIDE, n),
                0,
            )
            for n in COUNTS
        ),
        Goal(
            "Best shipped method against the best candidate, mean of all, points",
            shipped_above_candidates,
            0,
        ),
    ],
)

main = partial(matrix.main, FEW)


if __name__ == "__main__":
    main()
