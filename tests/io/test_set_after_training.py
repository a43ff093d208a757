"""Parameters that are set after the training, before or after the model is saved."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest
import torch

from skda import DANNClassifier
from tests.io.helpers import FIT, SMALL, assert_same, assert_same_weights, state, there_and_back

TAKEN_OVER = [
    {"lr": np.float64(0.05)},
    {"batch_size": 8},
    {"max_epochs": 50},
    {"lam_schedule": "constant"},
    {"lr_schedule": "constant"},
]
REFUSED = [
    {"optimizer": torch.optim.SGD},
    {"class_weight": {0: 9.0, 1: 1.0}},
    {"criterion__label_smoothing": 0.1},
    {"discriminator__hidden": (7,)},
]


@pytest.mark.parametrize("first", ["set", "save"])
@pytest.mark.parametrize("new", TAKEN_OVER, ids=lambda new: next(iter(new)))
def test_parameters_set_before_or_after_a_load_count_as_in_memory(
    new: dict[str, Any], first: str, tmp_path: Any
) -> None:
    fitted = DANNClassifier(**SMALL).fit(*FIT)
    plain = copy.deepcopy(fitted).partial_fit(*FIT)
    if first == "set":
        fitted.set_params(**new)
    loaded = there_and_back(fitted, tmp_path, optimizer=True).set_params(**new)
    fitted.set_params(**new).partial_fit(*FIT)
    assert_same_weights(loaded.partial_fit(*FIT), fitted)
    assert any(not np.array_equal(a, state(plain)[name]) for name, a in state(fitted).items())
    again = there_and_back(loaded, tmp_path, optimizer=True)  # with the new ones from now on
    assert_same_weights(again.partial_fit(*FIT), fitted.partial_fit(*FIT))


@pytest.mark.parametrize("optimizer", [False, True])
@pytest.mark.parametrize("first", ["set", "save"])
@pytest.mark.parametrize("new", REFUSED, ids=lambda new: next(iter(new)))
def test_parameters_of_another_training_are_refused_after_a_load(
    new: dict[str, Any], first: str, optimizer: bool, tmp_path: Any
) -> None:
    fitted = DANNClassifier(**SMALL).fit(*FIT)
    if first == "set":
        fitted.set_params(**new)
    loaded = there_and_back(fitted, tmp_path, optimizer=optimizer).set_params(**new)
    assert_same(loaded, fitted.set_params(**new))
    (name,) = new
    with pytest.raises(ValueError, match=f"The {name!r} parameter was set to") as in_memory:
        fitted.set_params(**new).partial_fit(*FIT)
    with pytest.raises(ValueError, match=re.escape(str(in_memory.value))):
        loaded.partial_fit(*FIT)


def test_parameters_of_the_training_and_back_go_on(tmp_path: Any) -> None:
    fitted = DANNClassifier(**SMALL).fit(*FIT).set_params(discriminator__hidden=(7,))
    loaded = there_and_back(fitted, tmp_path, optimizer=True)
    assert loaded.get_params()["discriminator__hidden"] == (7,)
    for each in (loaded, fitted):
        del each.discriminator__hidden
        each.partial_fit(*FIT)
    assert_same_weights(loaded, fitted)
