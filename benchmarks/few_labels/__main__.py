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
`fit(X_source, y_source, X_target, y_target=)` gets 400 target rows of digits or 600 of gas, of
which 1, 3 or 10 rows of each class are labelled. *{ONLY}* trains on the labelled target rows
alone, for as many steps as on the source; *{STAGED}* is `FinetuneClassifier`; *{BESIDE}* trains on
source and labelled target rows with one loss and without an adaptation loss. All adapting
classifiers have their shipped defaults; WDGRL is left out to save time. Epochs and networks are
those of the [page on choosing lam](../selection/selection.md). Only the few labels are used in
training; scores are on other rows. The target rows are the same for 1, 3 and 10 labels.

*By row* is `target_label_weight=1`: a labelled target row has the weight of a source row. By
default, the labelled rows of a batch together have the weight of all its source rows. Two losses
are not in skda (`benchmarks/few_labels/candidates.py`): *entropy*, the entropy of the target
predictions, and *relative threshold*, AdaMatch's pseudo-labels without its augmentation; for both
lam rises to 1.""",
    notes="""\
## What this says

With the default weight and one label a class, the networks overfit the labelled rows: MCC and DANN
are better without these labels. MCC with weights by row is better than MCC with the default weight
and than MCC without labels, for 1, 3 and 10 labels a class, and about as good as the best
candidate. The candidates were compared by the scores on this page; weights by row are
[tried on other tasks](../target_label_weight/target_label_weight.md).""",
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
