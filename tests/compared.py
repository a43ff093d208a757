"""Comparison of fitted estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.discovery import has_classes


def outputs(estimator: Any, X: Any, domain: str = "target") -> np.ndarray:
    """Return the outputs of an estimator: probabilities of a classifier, numbers of a regressor."""
    method = "predict_proba" if has_classes(type(estimator)) else "predict"
    found: np.ndarray = getattr(estimator, method)(X, domain=domain)
    return found


def weights(estimator: Any) -> dict[str, torch.Tensor]:
    return estimator.module_.state_dict()


def assert_same_weights(a: Any, b: Any) -> None:
    ours, theirs = weights(a), weights(b)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


def differ(a: Any, b: Any) -> bool:
    return any(not torch.equal(weights(a)[k], weights(b)[k]) for k in weights(a))
