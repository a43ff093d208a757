"""Models that a search cannot stack train one by one, and the search gives the reason."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import torch
from skorch.callbacks import GradientNormClipping
from skorch.dataset import ValidSplit
from torch import nn
from torch.nn.functional import dropout
from torch.utils.data import TensorDataset

from skda import (
    ADDAClassifier,
    DANClassifier,
    DANNClassifier,
    MCDClassifier,
    WDGRLClassifier,
)
from skda.model_selection import LambdaSearchCV
from tests.model_selection.networks import Unusual
from tests.shifted import shifted


class Dropping(Unusual):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return dropout(super().forward(x), 0.5, self.training)


class OwnSGD(torch.optim.SGD):
    pass


class WithDropout(Unusual):
    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.2)


FALLBACKS = {
    "dropout": (DANNClassifier, {"module": WithDropout}, "dropout draws its masks"),
    "functional dropout": (DANClassifier, {"module": Dropping}, "cannot be stacked: vmap"),
    "loss": (WDGRLClassifier, {}, "adaptation loss WassersteinCritic cannot"),
    "beta": (DANClassifier, {"kernel_weights": "optimal"}, "WeightedKernels cannot"),
    "optimizer": (DANClassifier, {"optimizer": OwnSGD}, "optimizer OwnSGD cannot be stacked"),
    "criterion": (
        DANClassifier,
        {"criterion__weight": torch.ones(2), "criterion__label_smoothing": 0.1},
        "criterion CrossEntropyLoss cannot be stacked",
    ),
    "a class that does not count": (
        DANClassifier,
        {"criterion__ignore_index": 1},
        "criterion CrossEntropyLoss cannot be stacked",
    ),
    "callbacks": (
        DANClassifier,
        {"callbacks": [("clip", GradientNormClipping(1.0))]},
        "callbacks, train_split and compile",
    ),
    "train_split": (DANClassifier, {"train_split": ValidSplit(5)}, "callbacks, train_split"),
    "single row": (DANClassifier, {"batch_size": 1}, "a batch has a single row"),
    "own loss": (MCDClassifier, {}, "adaptation loss DisagreeingClassifier cannot"),
    "own training": (ADDAClassifier, {}, "ADDAClassifier has a training of its own"),
}


@pytest.mark.parametrize("case", FALLBACKS)
def test_what_cannot_be_stacked_trains_one_by_one_and_says_why(case: str) -> None:
    cls, options, reason = FALLBACKS[case]
    params = {"max_epochs": 1, "batch_size": 16, "random_state": 0, **options}
    data = shifted(40, 40)
    search = LambdaSearchCV(cls(**params), (0.1,), cv=2, random_state=0, refit=False)
    search.fit(data.X, data.y, data.X_target)
    assert not search.vectorized_
    assert reason in search.vectorize_reason_
    with pytest.raises(ValueError, match="vectorize=True is not possible"):
        search.set_params(vectorize=True).fit(data.X, data.y, data.X_target)


def test_large_networks_train_one_by_one_unless_asked_for() -> None:
    data = shifted(12, 12)
    estimator = DANClassifier(max_epochs=1, module__hidden=(500, 500), random_state=0)
    search = LambdaSearchCV(estimator, (0.1,), cv=2, random_state=0, refit=False)
    search.fit(data.X, data.y, data.X_target)
    # 2 (4 500 + 500 500 + 500 2) operations
    assert "the network is large (506000 floating point operations" in search.vectorize_reason_
    assert search.set_params(vectorize=True).fit(data.X, data.y, data.X_target).vectorized_
    alone = search.set_params(vectorize=False).fit(data.X, data.y, data.X_target)
    assert alone.vectorize_reason_ == "vectorize=False"


def test_labelled_target_rows_and_datasets_train_one_by_one() -> None:
    data = shifted(40, 40)
    options: dict[str, Any] = {"cv": 2, "random_state": 0, "refit": False}
    search = LambdaSearchCV(DANClassifier(max_epochs=1), (0.1,), **options)
    search.fit(data.X, data.y, data.X_target, y_target=data.y_target)
    assert "labelled target rows" in search.vectorize_reason_
    source, target = (
        TensorDataset(torch.from_numpy(rows).float()) for rows in (data.X, data.X_target)
    )
    search.fit(source, data.y, target)
    assert "Dataset" in search.vectorize_reason_
    assert pickle.loads(pickle.dumps(search)).vectorize_reason_ == search.vectorize_reason_
