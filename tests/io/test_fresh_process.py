"""Files in another process; loading imports no compiler; the optimizer is made when needed."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

import skda
from skda import DANNClassifier
from skda.io._limit import AllocationLimit
from tests.io.helpers import FIT, SMALL, X_TARGET, assert_same_weights

ROOT = Path(__file__).parents[2]
# all checks share one process, which takes seconds to start
READ = """
import json, sys, types
folder, root = sys.argv[1:]
imported = {}
# the losses without the package above them, whose scikit-learn imports scipy's optimize
sys.modules["skda"] = package = types.ModuleType("skda")
package.__path__ = [root + "/skda"]
import skda.losses
imported["by_losses"] = list(sys.modules)
for name in [name for name in sys.modules if name.partition(".")[0] == "skda"]:
    del sys.modules[name]
import skda, skda.distributed, skda.inspection, skda.model_selection
imported["by_core"] = list(sys.modules)
import pickle
import joblib, numpy as np
for name in ("1", "2", "3", "critic"):
    clf = skda.load(f"{folder}/{name}.safetensors")
    clf.predict(np.zeros((3, *clf.input_shape_), dtype=np.float32))
models = [skda.load(f"{folder}/model.safetensors")]
rows = np.load(f"{folder}/rows.npy")
found = [models[0].predict_proba(rows)]
imported["to_predict"] = list(sys.modules)
with open(f"{folder}/imported.json", "w") as file:
    json.dump(imported, file)
with open(f"{folder}/model.pickle", "rb") as file:
    models = [pickle.load(file), joblib.load(f"{folder}/model.joblib")]
found += [model.predict_proba(rows) for model in models]
np.save(f"{folder}/found.npy", found)
"""


class Elsewhere(NamedTuple):
    """The imports of another process, its predictions from three files, and those of the model."""

    by_losses: set[str]
    by_core: set[str]
    to_predict: set[str]
    found: np.ndarray
    expected: np.ndarray


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    folder = tmp_path_factory.mktemp("elsewhere")
    for shape in ((5,), (2, 12), (1, 9, 9)):  # a table, series, images: each its network
        rows = np.random.default_rng(0).normal(size=(20, *shape)).astype(np.float32)
        one = DANNClassifier(max_epochs=1, random_state=0).fit(rows, np.arange(20) % 2, rows)
        one.save(folder / f"{len(shape)}.safetensors")
    skda.WDGRLClassifier(**SMALL).fit(*FIT).save(folder / "critic.safetensors")
    saved = DANNClassifier(**SMALL).fit(*FIT)
    (folder / "model.pickle").write_bytes(pickle.dumps(saved))
    joblib.dump(saved, folder / "model.joblib")
    saved.save(folder / "model.safetensors")
    np.save(folder / "rows.npy", X_TARGET)
    line = [sys.executable, "-c", READ, str(folder), str(ROOT)]
    subprocess.run(line, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    imported = json.loads((folder / "imported.json").read_text())
    return Elsewhere(
        **{name: set(modules) for name, modules in imported.items()},
        found=np.load(folder / "found.npy"),
        expected=saved.predict_proba(X_TARGET),
    )


def test_load_and_predict_import_no_compiler(elsewhere: Elsewhere) -> None:
    assert "skda" in elsewhere.to_predict
    assert not {"torch._dynamo", "sympy"} & elsewhere.to_predict


def test_pickle_joblib_and_a_model_file_go_to_another_process(elsewhere: Elsewhere) -> None:
    assert len(elsewhere.found) == 3
    for proba in elsewhere.found:
        assert_array_equal(proba, elsewhere.expected)


def test_the_losses_import_scipy_optimize_and_pot_only_when_needed(elsewhere: Elsewhere) -> None:
    assert "skda.losses" in elsewhere.by_losses
    assert not {"scipy.optimize", "ot", "sklearn", "skorch"} & elsewhere.by_losses


def test_the_core_imports_no_extra(elsewhere: Elsewhere) -> None:
    found = elsewhere.by_core
    assert {"skda.distributed", "skda.inspection", "skda.model_selection"} <= found
    assert not {"accelerate", "dask", "distributed", "onnxscript", "pooch"} & found


def test_matplotlib_is_imported_for_a_figure_only(elsewhere: Elsewhere) -> None:
    assert "matplotlib" not in elsewhere.by_core


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    options: dict[str, Any] = {"optimizer__weight_decay": 0.01, "lr": 0.02}
    DANNClassifier(**SMALL | options).fit(*FIT).save(path)
    return path


@pytest.fixture
def at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return an estimator whose optimizer was made by loading."""
    with monkeypatch.context() as patch:
        patch.setattr("skda.io._nets.optimizers_on_demand", nullcontext)
        return skda.load(path)


@pytest.mark.parametrize(
    "copied",
    [lambda clf: clf, copy.copy, copy.deepcopy, lambda clf: pickle.loads(pickle.dumps(clf))],
    ids=["itself", "copy", "deepcopy", "pickle"],
)
def test_an_optimizer_on_demand_is_that_made_at_once(
    path: Path, at_once: Any, copied: Callable[[Any], Any]
) -> None:
    loaded = skda.load(path)
    loaded.predict(X_TARGET)
    assert "optimizer_" not in vars(loaded.net_)
    assert "optimizer_" in vars(at_once.net_)
    loaded = copied(loaded)
    assert "optimizer_" not in vars(loaded.net_)
    assert_same_weights(loaded.partial_fit(*FIT), at_once.partial_fit(*FIT))
    ours, theirs = (clf.net_.optimizer_.state_dict() for clf in (loaded, at_once))
    assert ours["param_groups"] == theirs["param_groups"]
    assert ours["param_groups"][0]["weight_decay"] == 0.01
    assert ours["state"][0]["step"] == theirs["state"][0]["step"] > 0


def test_a_loaded_net_saves_the_optimizer_that_it_makes(
    path: Path, at_once: Any, tmp_path: Path
) -> None:
    for i, estimator in enumerate((skda.load(path), at_once)):
        estimator.save(tmp_path / str(i), optimizer=True)
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    assert "optimizer_" in vars(skda.load(tmp_path / "0").net_)


def test_only_the_optimizer_of_an_initialised_net_is_made_on_access(path: Path) -> None:
    net = skda.load(path).net_
    assert net.optimizer_ is net.optimizer_
    assert [group["lr"] for group in net.optimizer_.param_groups] == [0.02]
    with pytest.raises(
        AttributeError, match="'AdaptationNet' object has no attribute 'optimiser_'"
    ):
        _ = net.optimiser_
    with pytest.raises(AttributeError, match="'optimizer_'"):
        _ = type(net)(net.module).optimizer_


def test_the_critic_s_optimizer_is_made_when_it_is_needed(tmp_path: Path) -> None:
    saved = skda.WDGRLClassifier(**SMALL).fit(*FIT)
    saved.save(tmp_path / "model")
    term = skda.load(tmp_path / "model").net_.adaptation_
    assert "optimizer" not in vars(term)
    assert sorted(term.own_state()) == ["generator", "optimizer"]
    assert term.optimizer is vars(term)["optimizer"]
    assert term.optimizer.param_groups[0]["params"] == list(term.critic.parameters())
    skda.io.save(saved, tmp_path / "model", optimizer=True)
    loaded = skda.load(tmp_path / "model")
    steps = [
        float(state["step"]) for state in vars(loaded.net_.adaptation_)["optimizer"].state.values()
    ]
    assert set(steps) == {5 * saved.net_.step_} == {40}
    assert_same_weights(loaded.partial_fit(*FIT), saved.partial_fit(*FIT))


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (torch.ones, (3, 5)),
        (torch.zeros, ((3, 5),)),
        (torch.rand, (7,)),
        (torch.randn, ([2, 2],)),
        (torch.empty, (4,)),
        (torch.arange, (5,)),
        (torch.arange, (2, 9)),
        (torch.arange, (9, 1, -3)),
        (torch.arange, (0.0, 1.0, 0.3)),
        (torch.full, ((2, 3), 0.5)),
        (torch.linspace, (0, 1, 6)),
        (torch.randint, (9, (2, 3))),
        (torch.randint, (1, 9, [4])),
        (torch.eye, (3,)),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_limit_counts_what_is_made(
    make: Callable[..., torch.Tensor], arguments: tuple[Any, ...], dtype: torch.dtype
) -> None:
    limit = AllocationLimit(10)
    before = limit.left
    with limit:
        made = make(*arguments, dtype=dtype)
    assert before - limit.left == made.nbytes > 0
