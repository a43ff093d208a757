"""A module that embeds its input gets integers unchanged."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from skda import ADDAClassifier, DANClassifier, DANNClassifier, FinetuneClassifier
from skda.model_selection import LambdaSearchCV

RNG = np.random.default_rng(0)
Y = np.arange(60) % 2
TOKENS = RNG.integers(1, 20, size=(60, 6)) + 20 * Y[:, None]
TARGET = RNG.integers(0, 40, size=(40, 6))
K: dict[str, Any] = {"max_epochs": 1, "random_state": 0}


class Text(nn.Module):
    """Embeds its rows; `cast` converts floats to integers, as users did in older versions."""

    seen: list[torch.dtype] = []  # noqa: RUF012 - of all instances: they are copied

    def __init__(self, n_classes: int = 2, cast: bool = False, n_tokens: int = 41) -> None:
        super().__init__()
        self.cast, self.n_tokens = cast, n_tokens
        self.embedding = nn.Embedding(n_tokens, 5)
        self.body = nn.Linear(5, 4)
        self.head = nn.Linear(4, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.dtype)
        x = x.long() if self.cast else x
        return self.head(self.body(self.embedding(x % self.n_tokens).mean(1)).relu())


class Bag(nn.Module):
    def __init__(self, n_classes: int = 2) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(41, 5)
        self.head = nn.Linear(5, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.bag(x))


KINDS = {
    "int32": lambda a: a.astype(np.int32),
    "uint8": lambda a: a.astype(np.uint8),
    "uint16": lambda a: a.astype(np.uint16),
    "list": lambda a: a.tolist(),
    "frame": lambda a: pd.DataFrame(a, columns=list("abcdef")),
    "sparse": sparse.csr_matrix,
    "tensor": torch.from_numpy,
    "Dataset": lambda a: TensorDataset(torch.from_numpy(a)),
    "Dataset of int32": lambda a: TensorDataset(torch.from_numpy(a.astype(np.int32))),
}
BY_HAND = DANNClassifier(Text, module__cast=True, **K).fit(TOKENS, Y, TARGET)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_any_kind_train_as_where_the_module_casts_them(kind: str) -> None:
    given = KINDS[kind]
    fitted = DANNClassifier(Text, **K).fit(given(TOKENS), Y, given(TARGET))
    rows = given(TARGET)
    np.testing.assert_array_equal(fitted.predict_proba(rows), BY_HAND.predict_proba(TARGET))
    np.testing.assert_array_equal(fitted.transform(rows), BY_HAND.transform(TARGET))


def test_a_memory_map_and_a_loader(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "rows", dtype=">i4", mode="w+", shape=TOKENS.shape)
    mapped[:] = TOKENS
    options = {"iterator_train__num_workers": 0, "iterator_valid__num_workers": 0}
    for fitted in (
        DANNClassifier(Text, **K).fit(mapped, Y, TARGET),
        DANNClassifier(Text, **K, **options).fit(TOKENS, Y, TARGET),
    ):
        np.testing.assert_array_equal(fitted.predict_proba(TARGET), BY_HAND.predict_proba(TARGET))


def test_a_module_that_casts_its_rows_gets_float32_as_before() -> None:
    Text.seen.clear()
    FinetuneClassifier(Text(cast=True), **K).fit(TOKENS, Y).predict(TARGET)
    assert set(Text.seen) == {torch.float32}
    Text.seen.clear()
    FinetuneClassifier(Text(), **K).fit(TOKENS, Y).predict(TARGET)
    assert Text.seen.count(torch.int64) == len(Text.seen) - 1  # one failed trial


@pytest.mark.parametrize("cast", [False, True])
@pytest.mark.parametrize("kind", ["list", "frame", "tensor", "Dataset"])
def test_ids_above_2_24_are_told_apart(kind: str, cast: bool) -> None:
    ids = 2**24 + np.arange(60)[:, None].repeat(6, 1)
    module = Text(cast=cast, n_tokens=97)
    fitted = FinetuneClassifier(module, adapt_layers="body", **K).fit(KINDS[kind](ids), Y)
    assert len(np.unique(fitted.transform(KINDS[kind](ids)), axis=0)) == 60
    same = fitted.predict_proba(KINDS[kind](ids + 97 * 2**50))
    np.testing.assert_array_equal(same, fitted.predict_proba(KINDS[kind](ids)))


@pytest.mark.parametrize("cls", [DANClassifier, ADDAClassifier, FinetuneClassifier])
def test_further_estimators_and_going_on(cls: Any) -> None:
    estimator = cls(Bag, **{**K, "max_epochs": 20, "lr": 0.05, "warm_start": True})
    for _ in range(2):
        estimator.fit(TOKENS, Y, TOKENS)
    assert estimator.score(TOKENS, Y) == 1
    again = pickle.loads(pickle.dumps(estimator))
    assert again.score(pd.DataFrame(TOKENS), Y) == 1
    assert not hasattr(clone(estimator), "input_dtype_")
    if cls is not ADDAClassifier:
        assert estimator.partial_fit(TOKENS[:20], Y[:20], TARGET).score(TOKENS, Y) == 1
    linear = estimator.set_params(module=nn.Linear(6, 2), adapt_layers="", warm_start=False)
    with pytest.raises(ValueError, match="adapt_layers"):
        linear.fit(TOKENS, Y, TARGET)
    assert estimator.score(TOKENS, Y) == 1


def test_a_tuned_network_embeds_too() -> None:
    fitted = FinetuneClassifier(pretrained=Text(), **K).fit(TOKENS, Y)
    assert fitted.input_dtype_ == torch.int64


def test_a_search_trains_one_by_one() -> None:
    search = LambdaSearchCV(DANNClassifier(Text, max_epochs=2), lams=[1.0], cv=2, random_state=0)
    search.fit(TOKENS, Y, TARGET)
    assert search.vectorize_reason_ == "the rows are integers that the module embeds"
    assert search.predict(TARGET).shape == (40,)


def floats_in_dataset(a: np.ndarray) -> Any:
    return TensorDataset(torch.from_numpy(a).float())


def test_floats_beside_integers_are_refused_by_name() -> None:
    fitted = DANNClassifier(Text, **K).fit(TOKENS, Y, TARGET)
    for floats in (TARGET.astype(float), floats_in_dataset(TARGET)):
        with pytest.raises(
            ValueError, match=r"^X_target has a? ?row.* of .*float.* embeds integers"
        ):
            DANNClassifier(Text, **K).fit(TOKENS, Y, floats)
        with pytest.raises(ValueError, match=r"^X has a? ?row.* of .*float.* embeds integers"):
            fitted.predict(floats)
    with pytest.raises(ValueError, match=r"Called with X_source of shape \(2, 6\), float32"):
        DANNClassifier(Text, **K).fit(TOKENS.astype(float), Y, TARGET)


class Numeric(nn.Module):
    """Takes numbers only, whatever their type."""

    def __init__(self, n_features: int = 6, n_classes: int = 2) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Linear(n_features, 3), nn.Linear(3, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x)


def test_integers_of_a_numeric_module_are_float32() -> None:
    fitted = DANNClassifier(Numeric, **K).fit(TOKENS, Y, TARGET)
    expected = DANNClassifier(Numeric, **K).fit(TOKENS.astype(float), Y, TARGET.astype(float))
    np.testing.assert_array_equal(fitted.predict_proba(TARGET), expected.predict_proba(TARGET))
    far = np.arange(60)[:, None] * np.full(6, 2**25)
    for rows in (far, KINDS["Dataset"](far)):
        with pytest.raises(ValueError, match="X_source has integers above 16777216"):
            DANNClassifier(Numeric, **K).fit(rows, Y, TARGET)
        with pytest.raises(ValueError, match="X has integers above 16777216"):
            fitted.predict(rows)
