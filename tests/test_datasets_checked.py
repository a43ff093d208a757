"""Datasets, labels and arrays of unusual kinds: supported, or an error that names the argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from skda import DANNClassifier, DomainStandardScaler, FinetuneClassifier
from skda.model_selection import LambdaSearchCV
from skda.subspace import CORAL, GFK, MSDA, TCA, SubspaceAlignment
from tests.shifted import shifted

DATA = shifted(40, 30)
K: dict[str, Any] = {"max_epochs": 1, "random_state": 0}


class Pairs(Dataset):
    """Rows with any labels; `targets` has another order, as in some datasets."""

    def __init__(self, labels: Any, X: Any = DATA.X) -> None:
        self.X, self.labels = torch.as_tensor(np.asarray(X), dtype=torch.float32), labels
        self.targets = list(labels)[::-1]

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, i: int) -> tuple[Any, Any]:
        return self.X[i], self.labels[i]


class Endless(IterableDataset):
    def __iter__(self):
        yield torch.zeros(4)


class Items(Dataset):
    def __init__(self, item: Any) -> None:
        self.item = item

    def __len__(self) -> int:
        return 6

    def __getitem__(self, i: int) -> Any:
        return self.item


def spoilt(value: float) -> TensorDataset:
    X = torch.as_tensor(DATA.X_target, dtype=torch.float32).clone()
    X[7, 1] = value
    return TensorDataset(X)


REFUSED: dict[str, tuple[Any, Any, Any, str]] = {
    "loader": (DataLoader(Pairs(DATA.y)), None, DATA.X_target, "X_source is a DataLoader"),
    "iterable": (DATA.X, DATA.y, Endless(), "X_target is an IterableDataset"),
    "one-hot": (Pairs(np.eye(2)[DATA.y]), None, DATA.X_target, "such as one-hot rows"),
    "dicts": (
        Items({"a": 1}),
        np.arange(6) % 2,
        DATA.X_target,
        "X_source is a Dataset whose",
    ),
    "lists": (DATA.X, DATA.y, Items([0.0, 1.0]), "X_target is a Dataset whose item"),
    "strings": (
        Items("row"),
        np.arange(6) % 2,
        DATA.X_target,
        "X_source is a Dataset whose",
    ),
    "nan": (DATA.X, DATA.y, spoilt(np.nan), "X_target contains NaN or infinity in row 7"),
    "infinite": (DATA.X, DATA.y, spoilt(np.inf), "X_target contains NaN or infinity in row 7"),
    "width": (DATA.X, DATA.y, TensorDataset(torch.zeros(9, 5)), "X_target has a row of shape"),
    "1-D": (DATA.X, DATA.y, DATA.X_target[:, 0], "X_target: Expected 2D array"),
    "complex": (DATA.X.astype(complex), DATA.y, DATA.X_target, "X_source: Complex data"),
    "-1": (DATA.X, np.arange(40) % 3 - 1, DATA.X_target, "y_source holds -1"),
    "ids": (2**24 * np.arange(40)[:, None], DATA.y, DATA.X_target, "X_source has integers above"),
    "tuples": ([tuple(Pairs(DATA.y)[0])] * 5, DATA.y, DATA.X_target, "skorch.helper.SliceDataset"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_by_the_argument_s_name(case: str) -> None:
    source, y, target, message = REFUSED[case]
    with pytest.raises(ValueError, match="^.*" + message.replace("[", r"\[")):
        DANNClassifier(**K).fit(source, y, target)


def test_the_labels_are_those_of_the_items_not_of_an_attribute() -> None:
    labels = np.array(["a", "b"])[DATA.y]
    fitted = FinetuneClassifier(**{**K, "max_epochs": 20}).fit(Pairs(labels), None)
    by_hand = FinetuneClassifier(**{**K, "max_epochs": 20}).fit(DATA.X, labels)
    np.testing.assert_array_equal(fitted.predict(DATA.X), by_hand.predict(DATA.X))


def test_score_takes_the_labels_of_a_dataset() -> None:
    fitted = FinetuneClassifier(**{**K, "max_epochs": 20}).fit(DATA.X, DATA.y)
    part = Subset(Pairs(DATA.y), range(5, 25))
    assert fitted.score(part) == fitted.score(DATA.X[5:25], DATA.y[5:25])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_tensors_of_any_precision_and_with_gradients(dtype: torch.dtype) -> None:
    X = torch.as_tensor(DATA.X, dtype=dtype).requires_grad_()
    fitted = DANNClassifier(**K).fit(X, torch.as_tensor(DATA.y), X)
    as_arrays = X.detach().float().numpy()
    again = DANNClassifier(**K).fit(as_arrays, DATA.y, as_arrays)
    np.testing.assert_array_equal(fitted.predict_proba(X), again.predict_proba(as_arrays))


def test_what_float32_loses_and_channels_last_give_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"X_target has columns, numbers \[0"):
        DANNClassifier(**K).fit(DATA.X, DATA.y, DATA.X_target + 1.7e9)
    images = np.random.default_rng(0).random((6, 9, 9, 3))
    with pytest.warns(UserWarning, match="channels last"):
        FinetuneClassifier(**K).fit(images, np.arange(6) % 2)


def test_minus_one_and_one_are_two_classes() -> None:
    assert FinetuneClassifier(**K).fit(DATA.X, 2 * DATA.y - 1).classes_.tolist() == [-1, 1]


def test_a_sampler_is_refused_by_name() -> None:
    sampler = torch.utils.data.WeightedRandomSampler(np.ones(40), 40)
    with pytest.raises(ValueError, match="iterator_train__sampler"):
        FinetuneClassifier(**K, iterator_train__sampler=sampler).fit(DATA.X, DATA.y)


def test_the_validation_loader_s_sampler_has_its_own_name() -> None:
    sampler = {"iterator_valid__batch_sampler": [[0]]}
    fitted = FinetuneClassifier(**K).fit(DATA.X, DATA.y).set_params(**sampler)
    with pytest.raises(ValueError, match="'iterator_valid__batch_sampler' parameter is not"):
        fitted.predict(DATA.X)
    with pytest.raises(ValueError, match="'iterator_valid__batch_sampler' parameter is not"):
        FinetuneClassifier(**K, **sampler).fit(DATA.X, DATA.y)


@pytest.mark.parametrize("items", ["pairs", "rows"])
def test_channels_last_in_a_dataset(items: str) -> None:
    images, y = torch.rand(6, 9, 9, 3), torch.arange(6) % 2
    dataset = TensorDataset(images, y) if items == "pairs" else TensorDataset(images)
    with pytest.warns(UserWarning, match="X_source has rows of shape .* channels last"):
        FinetuneClassifier(**K).fit(dataset, None if items == "pairs" else y.numpy())


@pytest.mark.parametrize("as_given", [list, tuple, lambda y: np.array(y, dtype=object), pd.Series])
def test_labels_of_two_types_are_refused(as_given: Any) -> None:
    y = as_given([1, "a"] * 20)
    search = LambdaSearchCV(DANNClassifier(**K), [1.0], cv=2)
    for estimator in (DANNClassifier(**K), search):
        with pytest.raises(ValueError, match=r"^y_source mixes strings .* 'a' and 1\. Give all"):
            estimator.fit(DATA.X, y, DATA.X_target)
    words = as_given(["b", "a"] * 20)
    assert FinetuneClassifier(**K).fit(DATA.X, words).classes_.tolist() == ["a", "b"]


@pytest.mark.parametrize("cls", [TCA, GFK, CORAL, SubspaceAlignment, MSDA, DomainStandardScaler])
def test_transformers_take_tensors_of_any_precision_and_with_gradients(cls: Any) -> None:
    X, X_target = (torch.from_numpy(X).bfloat16().requires_grad_() for X in (DATA.X, DATA.X_target))
    arrays = [tensor.detach().float().numpy() for tensor in (X, X_target)]
    fitted = cls().fit(X, DATA.y, X_target=X_target)
    by_array = cls().fit(arrays[0], DATA.y, X_target=arrays[1])
    np.testing.assert_array_equal(fitted.transform(X_target), by_array.transform(arrays[1]))


def test_score_names_its_own_arguments() -> None:
    fitted = FinetuneClassifier(**K).fit(DATA.X, DATA.y)
    with pytest.raises(ValueError, match=r"^y is None, but X is a Dataset .* labels as y\.$"):
        fitted.score(TensorDataset(torch.from_numpy(DATA.X)))
    with pytest.raises(ValueError, match=r"^y is None, and the items of X have labels of shape"):
        fitted.score(Pairs(np.eye(2)[DATA.y]))
