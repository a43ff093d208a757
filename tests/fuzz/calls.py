"""Random rows, labels and pairs of domains, most of them wrong in some way."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
import torch
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from scipy import sparse

N_EXAMPLES = int(os.environ.get("SKDA_FUZZ", "2000"))
ARGUMENTS = ("X_source", "y_source", "X_target", "y_target", "sample_weight")

shapes = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(1, 4)),
    st.tuples(st.integers(2, 9), st.just(3)),
    st.tuples(st.integers(2, 5), st.integers(1, 2), st.integers(1, 5)),
    st.tuples(st.integers(2, 5), st.integers(1, 3), st.integers(2, 6), st.integers(2, 6)),
    st.tuples(st.integers(0, 3)),
)
SPOILERS = {
    "nan": lambda a: _put(a, np.nan),
    "infinite": lambda a: _put(a, -np.inf),
    "huge": lambda a: a * 1e30,
    "tiny": lambda a: a * 1e-9,
    "constant": lambda a: a * 0 + 3,
    "off centre": lambda a: a + 1e6,
}
CONTAINERS = {
    "list": lambda a: a.tolist(),
    "float16": lambda a: a.clip(-6e4, 6e4).astype(np.float16),
    "integers": lambda a: np.nan_to_num(a).clip(-99, 99).astype(np.int64),
    "uint8": lambda a: np.nan_to_num(a).clip(0, 255).astype(np.uint8),
    "complex": lambda a: a.astype(complex),
    "strings": lambda a: a.astype(str).astype(object),
    "frame": lambda a: pd.DataFrame(a) if a.ndim == 2 else a,
    "sparse": lambda a: sparse.csr_matrix(a) if a.ndim == 2 and a.size else a,
    "tensor": torch.from_numpy,
    "float64 tensor that needs a gradient": lambda a: torch.from_numpy(a).requires_grad_(),
    "Fortran order": np.asfortranarray,
    "read only": lambda a: _frozen(a),
}
WEIGHTS = {
    "ones": np.ones,
    "whole": lambda n: np.arange(n) % 3,
    "any": lambda n: np.linspace(0, 1, n) ** 2,
    "negative": lambda n: np.linspace(-1, 1, n),
    "zero": np.zeros,
    "nan": lambda n: np.full(n, np.nan),
    "one too many": lambda n: np.ones(n + 1),
}
LABELS = {
    "integers": lambda n: np.arange(n) % 2,
    "three": lambda n: np.arange(n) % 3,
    "strings": lambda n: np.array(["a", "b"])[np.arange(n) % 2],
    "bools": lambda n: np.arange(n) % 2 == 0,
    "column": lambda n: (np.arange(n) % 2)[:, None],
    "one class": lambda n: np.zeros(n, dtype=int),
    "floats": lambda n: np.arange(n) % 2 + 0.5,
    "one too many": lambda n: np.arange(n + 1) % 2,
    "nan": lambda n: np.where(np.arange(n) == 0, np.nan, 1.0),
    "none": lambda n: None,
    "minus one": lambda n: np.arange(n) % 3 - 1,
    "numbers": lambda n: np.linspace(-3, 700, n),
    "two outputs": lambda n: np.stack([np.arange(n) / 7, 1e6 - np.arange(n)], axis=1),
    "infinite": lambda n: np.where(np.arange(n) == 0, np.inf, 1.5),
    "huge": lambda n: 1e300 * np.arange(n),
}


def _put(array: np.ndarray, value: float) -> np.ndarray:
    array = array.copy()
    array.flat[:1] = value
    return array


def _frozen(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


@st.composite
def rows(draw: Any, shape: tuple[int, ...]) -> Any:
    numbers = np.random.default_rng(draw(st.integers(0, 99))).normal(size=shape)
    spoiler = draw(st.one_of(st.none(), st.none(), st.sampled_from(sorted(SPOILERS))))
    container = draw(st.one_of(st.none(), st.sampled_from(sorted(CONTAINERS))))
    array = numbers.astype(np.float32 if draw(st.booleans()) else np.float64)
    array = array if spoiler is None else SPOILERS[spoiler](array)
    return array if container is None else CONTAINERS[container](array)


@st.composite
def calls(draw: Any) -> dict[str, Any]:
    shape = draw(shapes)
    other = draw(st.one_of(st.just(shape), st.just(shape), shapes))
    n_target = draw(st.integers(1, 9))
    target_shape = (n_target, *other[1:])
    y_target = draw(st.one_of(st.none(), st.none(), st.sampled_from(sorted(LABELS))))
    label = draw(st.one_of(st.just("integers"), st.sampled_from(sorted(LABELS))))
    given_target = draw(st.integers(0, 9))
    weights = draw(st.one_of(st.none(), st.none(), st.sampled_from(sorted(WEIGHTS))))
    return {
        "X_source": draw(rows(shape)),
        "y_source": LABELS[label](shape[0]),
        "X_target": draw(rows(target_shape)) if given_target else None,
        "y_target": None if y_target is None else LABELS[y_target](n_target),
        "sample_weight": None if weights is None else WEIGHTS[weights](shape[0]),
    }


def frozen_copy(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().clone().numpy()
    if sparse.issparse(value):
        return value.toarray()
    return np.array(repr(value)) if isinstance(value, list) else np.array(value)


def assert_unchanged(call: dict[str, Any], before: dict[str, Any]) -> None:
    for name, value in before.items():
        np.testing.assert_array_equal(frozen_copy(call[name]), value)


def copies(call: dict[str, Any]) -> dict[str, Any]:
    return {name: frozen_copy(value) for name, value in call.items() if value is not None}


def examples(share: float) -> settings:
    """Return the settings of a test that runs a share of all examples."""
    return settings(
        max_examples=max(1, round(share * N_EXAMPLES)),
        phases=[Phase.generate],
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
