"""The text of parameters, by which a checkpoint knows them again."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import threading
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skorch.callbacks import GradientNormClipping, PrintLog, TensorBoard
from torch import nn

from skda import CDANClassifier, DANNClassifier
from skda.model_selection import LambdaSearchCV, make_validator_scorer
from skda.training.watch.as_text import as_text
from tests.training.described import Collecting, Plain, pairs, source, texts
from tests.training.test_checkpoint import FEW, X_TARGET, X, Y

TEXTS = cache(texts)


@pytest.mark.filterwarnings("error:.*cannot be pickled")
@pytest.mark.parametrize("name", pairs())
def test_other_parameters_have_another_text(name: str) -> None:
    one, other = TEXTS()[name]
    assert one != other
    for text in (one, other):
        assert " at 0x" not in text


def test_the_text_is_the_same_again_and_in_another_process() -> None:
    assert texts() == TEXTS()
    said = subprocess.run(
        [sys.executable, "-m", "tests.training.described"],
        env=os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
    )
    found = ast.literal_eval(said.stdout)
    assert [name for name, text in found.items() if text != TEXTS()[name]] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (64, np.int64(64)),
        (0.5, np.float32(0.5)),
        ((8, 4), [8, np.int64(4)]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (
            source("def f(p):\n  '''Old.'''\n  return p"),
            source("\n\ndef f(p):\n  '''N'''\n  return p"),
        ),
        # globals that the function does not read, or sets itself
        (source("f = lambda p: p.A", A=1), source("f = lambda p: p.A", A=2)),
        (
            source("def f(p):\n  global A\n  A = A + p\n  return p", A=1),
            source("def f(p):\n  global A\n  A = A + p\n  return p", A=2),
        ),
        (PrintLog(sink=print), PrintLog(sink=str)),
        (TensorBoard(threading.Lock()), TensorBoard(None)),
    ],
)
def test_what_counts_as_the_same(one: Any, other: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert as_text({"given": one}) == as_text({"given": other})


def test_a_container_of_itself() -> None:
    own: list[Any] = [1]
    own.append(own)
    assert as_text({"given": own}) == "{'given': [1, <1>]}"


def test_an_object_that_cannot_be_described_is_a_warning_that_names_the_parameter() -> None:
    lock = threading.Lock()
    with pytest.warns(UserWarning, match="cannot be pickled") as caught:
        text = as_text(
            {"lr": 0.1, "callbacks": [Plain(lock), Plain(lock), GradientNormClipping(2)]}
        )
    assert [str(warning.message) for warning in caught] == [
        "The 'callbacks' parameter holds an object that cannot be pickled (_thread.lock). With "
        "'checkpoint', another such object counts as the same. Pass another folder as "
        "'checkpoint' where you change it."
    ]
    with pytest.warns(UserWarning, match="callbacks"):
        other = as_text(
            {"lr": 0.1, "callbacks": [Plain(lock), Plain(lock), GradientNormClipping(3)]}
        )
    assert text != other
    module = nn.Sequential(nn.Linear(2, 2))
    module.lock = lock  # type: ignore[assignment]
    with pytest.warns(UserWarning, match="module"):
        one = as_text({"module": module})
    with torch.no_grad():
        module[0].weight += 1
    with pytest.warns(UserWarning, match="module"):
        assert as_text({"module": module}) != one


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"callbacks": [GradientNormClipping(1e-6)]}, {"callbacks": [GradientNormClipping(10.0)]}),
        ({"batch_size": np.int64(64)}, {"batch_size": np.int64(16)}),
        (
            {"criterion": nn.CrossEntropyLoss()},
            {"criterion": nn.CrossEntropyLoss(label_smoothing=0.9)},
        ),
        ({"lr_schedule": lambda p: 1 - 0.5 * p}, {"lr_schedule": lambda p: 1 - 0.9 * p}),
    ],
)
def test_a_training_with_other_parameters_is_refused(
    one: dict[str, Any], other: dict[str, Any], tmp_path: Path
) -> None:
    for _ in range(2):
        DANNClassifier(**FEW | one, checkpoint=tmp_path).fit(X, Y, X_TARGET)
    before = (tmp_path / "stage-1.pt").read_bytes()
    with pytest.raises(
        ValueError,
        match="Functions and networks with other code are other parameters",
    ):
        DANNClassifier(**FEW | other, checkpoint=tmp_path).fit(X, Y, X_TARGET)
    assert (tmp_path / "stage-1.pt").read_bytes() == before


def test_what_a_callback_collects_is_no_parameter(tmp_path: Path) -> None:
    collecting = Collecting(2)
    estimator = DANNClassifier(**FEW, callbacks=[collecting], checkpoint=tmp_path)
    one, other = (estimator.fit(X, Y, X_TARGET).predict_proba(X_TARGET) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert collecting.seen == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            {"validator": make_validator_scorer("infomax", X_target=X_TARGET)},
            {"validator": make_validator_scorer("entropy", X_target=X_TARGET)},
        ),
        ({"estimator": DANNClassifier(max_epochs=1)}, {"estimator": CDANClassifier(max_epochs=1)}),
        ({"param_grid": {"lr": [np.float32(0.1)]}}, {"param_grid": {"lr": [np.float32(0.2)]}}),
        ({"lams": [np.float32(0.1)]}, {"lams": [np.float32(0.2)]}),
    ],
)
def test_a_search_with_other_parameters_is_refused(
    one: dict[str, Any], other: dict[str, Any], tmp_path: Path
) -> None:
    params = {
        "estimator": DANNClassifier(max_epochs=1),
        "lams": [1.0],
        "cv": 2,
        "random_state": 0,
        "refit": False,
        "checkpoint": tmp_path,
    }
    for _ in range(2):
        LambdaSearchCV(**params | one).fit(X, Y, X_TARGET)
    with pytest.raises(ValueError, match="holds a search with other data, other parameters or"):
        LambdaSearchCV(**params | other).fit(X, Y, X_TARGET)
