"""Classes and functions that a file names and does not hold: the user passes them to `load`."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.base import clone
from torch import nn

import skda
from skda import DANNClassifier, DDCClassifier
from skda.io import ModelFileError
from skda.nn import MLP
from tests.io.helpers import (
    FIT,
    SMALL,
    Own,
    assert_same,
    assert_same_results,
    assert_same_weights,
    my_schedule,
    there_and_back,
)


@pytest.mark.parametrize("cls", [DANNClassifier, skda.ADDAClassifier, DDCClassifier])
def test_a_network_of_the_user_s_is_handed_in(cls: type, tmp_path: Any) -> None:
    saved = cls(Own, module__hidden=9, **SMALL).fit(*FIT)
    for given in (Own, Own(2, 2), {"Own": Own}, own):
        loaded = there_and_back(saved, tmp_path, module=given)
        assert_same_results(loaded, saved)
        assert loaded.get_params()["module__hidden"] == 9
    assert_same(there_and_back(saved, tmp_path, module=Own), saved)


def test_an_instance_of_the_user_s_network_is_handed_in(tmp_path: Any) -> None:
    saved = DANNClassifier(Own(2, 2, hidden=3), **SMALL).fit(*FIT)
    loaded = there_and_back(saved, tmp_path, module=Own(2, 2, hidden=3))
    assert_same(loaded, saved)
    assert_same_weights(loaded.fit(*FIT), clone(saved).fit(*FIT))
    with pytest.raises(ModelFileError, match=r"tensors do not fit Own.*'head.weight'"):
        skda.load(tmp_path / "model.safetensors", Own(2, 2, hidden=4))
    with pytest.raises(ModelFileError, match=r"needs 'Own', which only your own code has. Pass lo"):
        skda.load(tmp_path / "model.safetensors")
    with pytest.raises(ModelFileError, match=r"saved with 'Own', and 'module' is 'MLP'"):
        skda.load(tmp_path / "model.safetensors", MLP)


def own(n_features: int, n_classes: int, hidden: int) -> nn.Module:
    return Own(n_features, n_classes, hidden)


class MyClassifier(skda.DANNClassifier):
    """A user's own method."""


def test_functions_and_estimators_of_the_user_s_are_handed_in_by_name(tmp_path: Any) -> None:
    saved = MyClassifier(lam_schedule=my_schedule, **SMALL).fit(*FIT)
    with pytest.raises(ModelFileError, match=r"needs 'MyClassifier', 'my_schedule'.*module=\{'MyC"):
        there_and_back(saved, tmp_path, module=my_schedule)
    given = {"MyClassifier": MyClassifier, "my_schedule": my_schedule}
    assert_same(there_and_back(saved, tmp_path, module=given), saved)


def test_two_functions_of_one_name_are_told_apart(tmp_path: Any) -> None:
    halved, kept = (lambda progress: 0.5), (lambda progress: 1.0)
    saved = DANNClassifier(lam_schedule=halved, lr_schedule=kept, **SMALL).fit(*FIT)
    with pytest.raises(ModelFileError, match=r"'<lambda>', '<lambda> of model.l\w+_schedule'"):
        there_and_back(saved, tmp_path)
    names = {"<lambda>": halved, "<lambda> of model.lr_schedule": kept}
    assert there_and_back(saved, tmp_path, names).lam_schedule is halved
