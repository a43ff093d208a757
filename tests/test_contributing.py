"""The worked example of CONTRIBUTING.md runs, and keeps the contract's first promises."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from skda import FinetuneClassifier
from skda.model_selection import LambdaSearchCV

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_worked_example_adapts() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    names: dict = {}
    exec(snippet, names)
    rng = np.random.default_rng(0)
    X, y, X_target = rng.normal(size=(60, 3)), np.arange(60) % 2, 3 * rng.normal(size=(50, 3))
    params = {
        "module__batch_norm": False,
        "module__hidden": (8,),
        "max_epochs": 40,
        "lr": 1e-2,
        "random_state": 0,
    }
    cls = names["SpreadClassifier"]

    def distance(estimator: object) -> float:
        rows = (estimator.transform(X, domain="source"), estimator.transform(X_target))
        return names["spread_distance"](*map(torch.from_numpy, rows)).item()

    source_only = FinetuneClassifier(**params).fit(X, y)
    zero = cls(lam=0, **params).fit(X, y, X_target)
    np.testing.assert_array_equal(zero.predict_proba(X), source_only.predict_proba(X))
    assert distance(cls(lam=1, **params).fit(X, y, X_target)) < 0.2 * distance(source_only)
    with pytest.raises(ValueError, match="SpreadClassifier adapts to a target domain"):
        cls().fit(X, y)
    assert "lr_schedule" in cls().get_params()


def test_the_worked_example_trains_stacked_in_the_search_and_gives_the_same() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    names: dict = {}
    exec(snippet, names)
    rng = np.random.default_rng(0)
    X, y, X_target = rng.normal(size=(60, 3)), np.arange(60) % 2, 3 * rng.normal(size=(50, 3))
    estimator = names["SpreadClassifier"](
        module__batch_norm=False, module__hidden=(8,), max_epochs=10, lr=1e-2
    )
    searches = [
        LambdaSearchCV(estimator, (0.1, 1.0), cv=3, random_state=0, refit=False, vectorize=each)
        for each in (True, False)
    ]
    together, alone = (search.fit(X, y, X_target).cv_results_ for search in searches)
    assert searches[0].vectorized_
    for name in ("mean_test_infomax", "mean_source_accuracy", "mean_target_stability"):
        np.testing.assert_allclose(together[name], alone[name], atol=1e-5)
