import copy
import pickle
import re
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn

from skda import DANNClassifier, FinetuneClassifier
from skda._building.pretrained import load_pretrained, load_weights, pretrained_module
from tests.shifted import shifted

DATA = shifted()


def net(outputs: int = 2) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, outputs))


def assert_same(ours: Any, theirs: Any) -> None:
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


def test_a_module_is_copied() -> None:
    module = net()
    copied = pretrained_module(module)
    assert copied is not module
    assert_same(copied.state_dict(), module.state_dict())


def test_a_fitted_estimator_gives_its_network() -> None:
    fitted = DANNClassifier(net, max_epochs=1, random_state=0)
    fitted.fit(DATA.X, DATA.y, DATA.X_target)
    copied = pretrained_module(fitted)
    assert copied is not fitted.module_
    assert_same(copied.state_dict(), fitted.module_.state_dict())


def test_weights_alone_are_no_module() -> None:
    for weights in (net().state_dict(), "weights.pt", DANNClassifier()):
        assert pretrained_module(weights) is None


def test_weights_from_a_mapping_and_from_files(tmp_path: Path) -> None:
    weights = net().state_dict()
    torch.save(weights, tmp_path / "weights.pt")
    save_file(weights, tmp_path / "weights.safetensors")
    assert load_weights(weights) is weights
    assert_same(load_weights(tmp_path / "weights.pt"), weights)
    assert_same(load_weights(str(tmp_path / "weights.pt")), weights)
    assert_same(load_weights(tmp_path / "weights.safetensors"), weights)


class Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("save", [torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))])
def test_nothing_but_tensors_is_unpickled(save: Any, tmp_path: Path) -> None:
    path, trace = tmp_path / "weights.pt", tmp_path / "trace"
    save({"0.weight": Malicious(trace)}, path)
    message = "The 'pretrained' parameter names a file that holds no state_dict: .*weights.pt "
    with pytest.raises(ValueError, match=message):
        load_weights(path)
    assert not trace.exists()


def test_a_whole_pickled_module_is_refused(tmp_path: Path) -> None:
    torch.save(net(), tmp_path / "module.pt")
    with pytest.raises(ValueError, match=r"holds no state_dict: .*module.pt \(UnpicklingError"):
        load_weights(tmp_path / "module.pt")


def test_files_that_hold_something_else(tmp_path: Path) -> None:
    torch.save([torch.zeros(3)], tmp_path / "list.pt")
    with pytest.raises(ValueError, match=r"holds no state_dict: .*list.pt \(it holds a list\)"):
        load_weights(tmp_path / "list.pt")
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(ValueError, match=r"holds no state_dict: .*text.safetensors \(Safetensor"):
        load_weights(tmp_path / "text.safetensors")
    with pytest.raises(ValueError, match=r"names a file that is not there: .*nowhere\.pt"):
        load_weights(tmp_path / "nowhere.pt")


def test_without_safetensors_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights.safetensors").touch()
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    message = 'needs the package safetensors: pip install "skda[safetensors]".'
    with pytest.raises(ImportError, match=re.escape(message)):
        load_weights(tmp_path / "weights.safetensors")


@pytest.mark.parametrize("pretrained", [3, DANNClassifier()])
def test_neither_weights_nor_a_network(pretrained: Any) -> None:
    message = (
        "The 'pretrained' parameter must be an nn.Module, a state_dict, a path to a .safetensors "
        "or torch.save file, or a fitted skda estimator. Got "
    )
    with pytest.raises(ValueError, match=message):
        load_weights(pretrained)


def test_weights_are_put_into_the_module() -> None:
    module, weights = net(), net().state_dict()
    load_pretrained(module, weights, skip=[])
    assert_same(module.state_dict(), weights)


def test_skipped_layers_keep_their_weights_whatever_the_file_has() -> None:
    for weights in (
        net(1000).state_dict(),
        {k: v for k, v in net().state_dict().items() if k < "2"},
    ):
        module = net()
        before = copy.deepcopy(module.state_dict())
        load_pretrained(module, weights, skip=["2"])
        assert torch.equal(module[0].weight, weights["0.weight"])
        assert torch.equal(module[2].weight, before["2.weight"])


def without(weights: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    return {key: value for key, value in weights.items() if key != name}


@pytest.mark.parametrize(
    ("weights", "wrong"),
    [
        (without(net().state_dict(), "0.bias"), "0.bias"),
        ({**net().state_dict(), "extra": torch.zeros(1)}, "extra"),
        (net(5).state_dict(), "2.bias', '2.weight"),
        (OrderedDict(state_dict=net().state_dict(), epoch=3), "0.bias', '0.weight', '2.bias"),
    ],
)
def test_weights_that_do_not_fit(weights: Any, wrong: str) -> None:
    message = (
        rf"The 'pretrained' parameter holds weights that do not fit the module, for instance "
        rf"\['{wrong}'\]. Pass the module that they were made with as 'module'; where only the "
        "upper layers differ, set 'reinit' to their number"
    )
    module = net()
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(ValueError, match=message):
        load_pretrained(module, weights, skip=[])
    assert_same(module.state_dict(), before)


def test_every_kind_gives_the_same_classifier(tmp_path: Path) -> None:
    module = net()
    weights = module.state_dict()
    torch.save(weights, tmp_path / "weights.pt")
    save_file(weights, tmp_path / "weights.safetensors")
    still = FinetuneClassifier(module, optimizer=torch.optim.SGD, lr=1e-30, max_epochs=1)
    still.fit(DATA.X, DATA.y)
    expected = module.eval()(torch.from_numpy(DATA.X).float()).softmax(1).detach().numpy()
    kinds = [
        (None, module),
        (None, still),
        (net, weights),
        (net, tmp_path / "weights.pt"),
        (net, str(tmp_path / "weights.safetensors")),
    ]
    for spec, pretrained in kinds:
        tuned = FinetuneClassifier(
            spec, pretrained=pretrained, optimizer=torch.optim.SGD, lr=1e-30, max_epochs=1
        )
        proba = tuned.fit(DATA.X, DATA.y).predict_proba(DATA.X)
        np.testing.assert_allclose(proba, expected, rtol=1e-5)


def test_a_clone_has_the_weights_of_a_fitted_estimator() -> None:
    X, y = DATA.X, DATA.y
    fitted = FinetuneClassifier(module__hidden=(6,), max_epochs=2, random_state=0).fit(X, y)
    tuned = FinetuneClassifier(module__hidden=(6,), pretrained=fitted, max_epochs=2, random_state=0)
    assert clone(tuned).pretrained is fitted
    search = GridSearchCV(tuned, {"lr": [1e-5, 1e-2]}, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
