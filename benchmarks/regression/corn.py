"""Corn: six pairs of instruments, four constituents."""

from collections.abc import Callable
from functools import lru_cache, partial
from itertools import permutations

import numpy as np
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.metrics import root_mean_squared_error

from skda.datasets import fetch_corn_nir

from ..harness.runner import Task
from .cases import Case, View

N_COMPONENTS = 10
CONSTITUENTS = ("moisture", "oil", "protein", "starch")
PAIRS = list(permutations(("m5", "mp5", "mp6"), 2))
PARAMS = {"max_epochs": 100, "batch_size": 16}


def leading_components(X: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the projection on the leading components of these spectra, each of variance 1."""
    pca = PCA(N_COMPONENTS, whiten=True, svd_solver="full").fit(X)
    return lambda spectra: pca.transform(spectra).astype(np.float32)


def pls(X: np.ndarray, y: np.ndarray, X_test: np.ndarray) -> np.ndarray:
    """Fit PLS to centred spectra, predict others."""
    predicted: np.ndarray = PLSRegression(N_COMPONENTS, scale=False).fit(X, y).predict(X_test)
    return predicted.ravel()


@lru_cache(maxsize=1)
def case(source: str, target: str, quick: bool, seed: int) -> Case:
    """Return the samples that a seed draws, with all constituents."""
    fetch = partial(fetch_corn_nir, constituents=CONSTITUENTS, random_state=seed)
    data = fetch(source, target)
    return Case(
        data.X_source,
        data.y_source,
        data.X_target,
        data.X_target,
        data.y_target,
        # the source's samples, measured on the target's instrument
        fetch(target, source, return_X_y=True)[:2],
        leading_components,
        pls,
        {**PARAMS, "max_epochs": 2} if quick else PARAMS,
        seed,
    )


def load(source: str, target: str, output: int, quick: bool) -> Callable[[int], View]:
    """Return the function from a seed to its view of a case."""
    return lambda seed: View(case(source, target, quick, seed), output, root_mean_squared_error)


TASKS = [
    Task(
        f"{name} {source}→{target}",
        partial(load, source, target, output),
        "RMSE in per cent",
        f"{N_COMPONENTS} components, {PARAMS['max_epochs']} epochs",
    )
    for source, target in PAIRS
    for output, name in enumerate(CONSTITUENTS)
]
GROUPS = {
    f"corn, {name}": [f"{name} {source}→{target}" for source, target in PAIRS]
    for name in CONSTITUENTS
}
