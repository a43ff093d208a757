"""The rows of the page that are run; those that a rule chooses from them are in `choice`."""

from skda.model_selection import LambdaSearchCV

from ..harness.methods import (
    ADAPTING,
    JOINT,
    ORACLE,
    SEARCHED,
    Scaling,
    rows,
    scaled,
    shipped,
)
from ..harness.runner import Method
from ..harness.runs import network, of_seed, oracle
from ..harness.search_internals import DEFAULT_VALIDATOR
from ..harness.shifts import Shift

BOTH_SEARCHED = ", lam and statistics searched"
GRIDS = {SEARCHED: None, BOTH_SEARCHED: {"batch_stats": ["per_domain", "joint"]}}
WITH_SEARCH = ("DAN", "DANN")
WITH_JOINT = ("DAN", "DANN", "DeepCORAL", "MCC")


def searched(name: str, end: str) -> Method:
    """Return the row in which the search with its defaults chooses lam, or more."""
    param_grid = GRIDS[end]

    def run(data: Shift, seed: int) -> float:
        clf = network(ADAPTING[name], data, seed)
        search = LambdaSearchCV(clf, param_grid=param_grid, random_state=seed)
        return data.score(Scaling(False).predictions(data, search, X_target=data.X_target))

    rule = LambdaSearchCV(ADAPTING[name]())
    parts = [
        f"validator={DEFAULT_VALIDATOR}, cv={rule.cv}",
        *([f"{param_grid}"] if param_grid else []),
    ]
    return Method(name + end, of_seed(run), "; ".join([*parts, shipped(ADAPTING[name])]))


def joint(name: str) -> Method:
    """Return the row without per-domain batch statistics."""
    cls = ADAPTING[name]
    return Method(
        name + JOINT, scaled(cls, by_domain=False, batch_stats="joint"), f"{shipped(cls)}, joint"
    )


METHODS = [
    *rows(by_domain=False),
    *map(joint, WITH_JOINT),
    *(searched(name, end) for end in GRIDS for name in WITH_SEARCH),
    *rows(by_domain=True),
    Method(ORACLE, of_seed(oracle)),
]
