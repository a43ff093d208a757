"""Random calls of every public classifier: a fit with finite predictions, or a clear error.

`make fuzz` runs them: the environment variable SKDA_FUZZ is their number.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scipy import sparse

from tests.discovery import public_classifiers

N_EXAMPLES = int(os.environ.get("SKDA_FUZZ", "0"))
ARGUMENTS = ("X_source", "y_source", "X_target", "y_target")

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
    "float16": lambda a: a.astype(np.float16),
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
    return {
        "X_source": draw(rows(shape)),
        "y_source": LABELS[label](shape[0]),
        "X_target": draw(rows(target_shape)) if given_target else None,
        "y_target": None if y_target is None else LABELS[y_target](n_target),
    }


parameters = st.fixed_dictionaries(
    {},
    optional={
        "batch_size": st.sampled_from([1, 2, 64]),
        "batch_stats": st.sampled_from(["per_domain", "joint"]),
        "adapt_batch_norm": st.booleans(),
        "lr": st.sampled_from([1e-3, 1.0]),
        "lr_schedule": st.sampled_from(["constant", "inverse_decay"]),
        "warm_start": st.booleans(),
    },
)


def frozen_copy(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().clone().numpy()
    if sparse.issparse(value):
        return value.toarray()
    return np.array(value, dtype=object if isinstance(value, list) else None)


@pytest.mark.skipif(not N_EXAMPLES, reason="make fuzz runs it")
@settings(
    max_examples=max(1, N_EXAMPLES),
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(cls=st.sampled_from(public_classifiers()), params=parameters, call=calls())
def test_a_fit_with_finite_predictions_or_a_clear_error(
    cls: type, params: dict[str, Any], call: dict[str, Any]
) -> None:
    before = {name: frozen_copy(value) for name, value in call.items() if value is not None}
    source, y, target = (call[name] for name in ARGUMENTS[:3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = cls(max_epochs=1, random_state=0, device="cpu", **params)
        try:
            estimator.fit(source, y, target, y_target=call["y_target"])
            message = ""
        except (ValueError, TypeError) as error:
            message = str(error)
        if message:
            named = (*ARGUMENTS, "'module'", "'lr'", "'batch_size'")
            assert any(name in message for name in named), message
        else:
            probabilities = estimator.predict_proba(source, domain="source")
            assert np.isfinite(probabilities).all()
            assert len(estimator.transform(source)) == len(probabilities)
            assert set(estimator.predict(source)) <= set(estimator.classes_)
    for name, value in before.items():
        np.testing.assert_array_equal(frozen_copy(call[name]), value)
