"""Pairs of parameters that differ, to compare their texts; run as a program, it prints them."""

from __future__ import annotations

import re
import warnings
from collections import OrderedDict, deque
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.feature_extraction import DictVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    LRScheduler,
)
from skorch.dataset import ValidSplit
from torch import nn
from torch.nn import functional

from skda import CDANClassifier, DANNClassifier
from skda.model_selection import make_validator_scorer
from skda.nn import MLP
from skda.training.watch.as_text import as_text

X = np.arange(12.0).reshape(6, 2)
FACTOR = 1.0


@dataclass
class Options:
    rate: float
    names: frozenset[str] = frozenset(["one", "two", "three", "four"])


class Plain:
    def __init__(self, weights: Any) -> None:
        self.weights = weights


class Collecting(Callback):
    def __init__(self, most: int) -> None:
        self.most = most
        self.seen: list[int] = []

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        self.seen.append(len(net.history))


class Renaming(Callback):
    def __init__(self, most: int) -> None:
        self._limit = most


class Slots:
    __slots__ = ("rate",)

    def __init__(self, rate: float) -> None:
        self.rate = rate


class Around:
    """Holds itself."""

    def __init__(self, rate: float) -> None:
        self.rate, self.own = rate, [self]

    def factor(self, p: float) -> float:
        return self.rate * p


class Net(nn.Module):
    def __init__(self, function: Any = functional.relu, slope: float = 0.1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(2, 2)
        self._function, self.slope = function, slope


def closure(value: Any) -> Any:
    def schedule(p: float) -> Any:
        return value, p

    return schedule


def local_class(value: Any) -> Any:
    class Local(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * value

    return Local


def attribute(value: float) -> Any:
    return type("Attributed", (nn.Module,), {"__module__": __name__, "margin": value})


def source(text: str, **values: Any) -> Any:
    """Return the function f of a user's module, whose global values are these."""
    exec(compile(text, "notebook", "exec"), values)
    return values["f"]


def cached(value: float) -> Any:
    @lru_cache
    def schedule(p: float) -> float:
        return p * value

    return schedule


def hooked(value: float) -> Any:
    net = Net()
    net.layer.register_forward_hook(partial(lambda *a, scale: a[-1] * scale, scale=value))
    return net


def scripted(layer: nn.Module) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(layer)


def scaled(value: float) -> Any:
    net = Net()
    net.layer.weight.data *= value
    return net


def fixed(flag: bool) -> Any:
    net = Net()
    net.layer.weight.requires_grad_(flag)
    return net


def structured(value: float) -> Any:
    return np.array([(value, 1)], dtype=[("a", float), ("b", int)])


def fitted(scale: float) -> Any:
    return FrozenEstimator(PCA(1).fit(X * [1, scale]))


def pairs() -> dict[str, tuple[Any, Any]]:
    """Return parameters and others, by what differs between them."""
    strings = {f"word {i}" for i in range(20)}
    return {
        "clipping": ([GradientNormClipping(1e-6)], [GradientNormClipping(10.0)]),
        "patience": (EarlyStopping(patience=2), ("stop", EarlyStopping(patience=3))),
        "schedule": (LRScheduler("StepLR", step_size=1), LRScheduler("StepLR", step_size=2)),
        "callback of the user": (Collecting(1), Collecting(2)),
        "callback that renames": (Renaming(1), Renaming(2)),
        "scoring": (EpochScoring("f1"), EpochScoring(make_scorer(f1_score, average="macro"))),
        "freezer": (Freezer("a*"), Freezer(lambda name: name == "a")),
        "int64": (np.int64(64), np.int64(16)),
        "float32": (np.float32(0.1), np.float32(0.2)),
        "longdouble": (np.longdouble(1) / 3, np.longdouble(1) / 7),
        "datetime64": (np.datetime64("2020-01-01"), np.datetime64("2020-01-02")),
        "list of numpy's numbers": ([np.float32(0.1), 1], [np.float32(0.2), 1]),
        "validator": (make_validator_scorer("infomax"), make_validator_scorer("entropy")),
        "rows of a validator": (
            make_validator_scorer("infomax", X_target=X),
            make_validator_scorer("infomax", X_target=X + 1),
        ),
        "folds": (ValidSplit(2), ValidSplit(10)),
        "splitter": (KFold(3), KFold(3, shuffle=True, random_state=0)),
        "generator": (np.random.default_rng(0), np.random.default_rng(1)),
        "RandomState": (np.random.RandomState(0), np.random.RandomState(1)),
        "smoothing": (nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.9)),
        "activation": (
            nn.Sequential(Net(), nn.ReLU()),
            nn.Sequential(Net(), nn.Tanh()),
        ),
        "function of a module": (Net(functional.relu), Net(functional.gelu)),
        "slope of a module": (Net(slope=0.1), Net(slope=0.2)),
        "weights": (scaled(1), scaled(2)),
        "fixed weights": (fixed(True), fixed(False)),
        "hook": (hooked(1.0), hooked(2.0)),
        "scripted": (scripted(nn.ReLU()), scripted(nn.Tanh())),
        "lazy": (nn.LazyLinear(2), nn.LazyLinear(3)),
        "class": (nn.ReLU, nn.Tanh),
        "class in a function": (local_class(1), local_class(2)),
        "number of a class": (attribute(0.1), attribute(0.2)),
        "constant": (lambda p: p * 1.0, lambda p: p * 2.0),
        "name": (lambda p: np.sin(p), lambda p: np.cos(p)),
        "operation": (lambda p: p + 1, lambda p: p - 1),
        "default": (lambda p, a=1: p, lambda p, a=2: p),
        "keyword": (lambda p, *, a=1: p, lambda p, *, a=2: p),
        "closure": (closure(1), closure(2)),
        "closure of an array": (closure(np.arange(3)), closure(np.arange(4))),
        "closure of an object": (closure(Plain(1)), closure(Plain(2))),
        "inner function": (lambda p: (lambda q: q + 1)(p), lambda p: (lambda q: q + 2)(p)),
        "set of a function": (lambda p: p in {"a", "b", "c"}, lambda p: p in {"a", "b", "d"}),
        "global": (source("f = lambda p: A * p", A=1), source("f = lambda p: A * p", A=2)),
        "global function": (
            source("def g(p): return p + 1\ndef f(p): return g(p)"),
            source("def g(p): return p + 2\ndef f(p): return g(p)"),
        ),
        "cached function": (cached(1), cached(2)),
        "partial": (partial(max, 1), partial(max, 2)),
        "keyword of a partial": (partial(max, a=1), partial(max, a=2)),
        "built-in function": (np.sin, np.cos),
        "function of C": (max, min),
        "method": (Around(1).factor, Around(2).factor),
        "dataclass": (Options(1.0), Options(2.0)),
        "object": (Plain(1), Plain(2)),
        "object in an object": (Plain([Plain(1)]), Plain([Plain(2)])),
        "slots": (Slots(1), Slots(2)),
        "cycle": (Around(1), Around(2)),
        "set": (strings, strings | {"another"}),
        "dict": ({"a": 1}, {"a": 2}),
        "keys": ({1: "a"}, {"1": "a"}),
        "ordered dict": (OrderedDict(a=1), OrderedDict(a=2)),
        "deque": (deque([1]), deque([2])),
        "range": (range(3), range(4)),
        "pattern": (re.compile("a"), re.compile("b")),
        "path": (Path("a"), Path("b")),
        "decimal": (Decimal(1), Decimal(2)),
        "float64 tensor": (torch.tensor(0.1), torch.tensor(0.1).double()),
        "large ints": (torch.tensor([2**60]), torch.tensor([2**60 + 1])),
        "bfloat16": (torch.ones(1).bfloat16(), torch.zeros(1).bfloat16()),
        "sparse tensor": (torch.eye(2).to_sparse(), torch.ones(2, 2).to_sparse()),
        "dtype": (torch.float32, torch.float64),
        "device": (torch.device("cpu"), torch.device("cuda")),
        "array": (X, X[::-1]),
        "shape": (X, X.T.reshape(2, 6)),
        "objects": (np.array(["a", None]), np.array(["b", None])),
        "dates": (np.array(["2020"], "M8[Y]"), np.array(["2021"], "M8[Y]")),
        "structured": (structured(1), structured(2)),
        "masked": (np.ma.array(X, mask=X > 3), np.ma.array(X, mask=X > 4)),
        "frame": (pd.DataFrame(X), pd.DataFrame(X + 1)),
        "sparse": (sparse.csr_array(X), sparse.csr_array(X + 1)),
        "estimator": (DANNClassifier(), CDANClassifier()),
        "parameter of an estimator": (DANNClassifier(lr=0.1), DANNClassifier(lr=0.2)),
        "parameter of a network": (DANNClassifier(MLP), DANNClassifier(MLP, module__hidden=(3,))),
        "pipeline": (
            make_pipeline(StandardScaler(), DANNClassifier()),
            make_pipeline(StandardScaler(with_mean=False), DANNClassifier()),
        ),
        "transformer": (FunctionTransformer(np.log1p), FunctionTransformer(np.exp)),
        "vectorizer": (DictVectorizer(separator="="), DictVectorizer(separator=":")),
        "frozen": (fitted(1), fitted(9)),
    }


def texts() -> dict[str, tuple[str, str]]:
    """Return the texts of all pairs."""
    return {
        name: (as_text({"given": one}), as_text({"given": other}))
        for name, (one, other) in pairs().items()
    }


if __name__ == "__main__":
    from tests.training import described

    print(described.texts())  # noqa: T201 - read by the test
