"""A process that loads and predicts imports no compiler; the optimizer comes when needed."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import skda
from skda import DANNClassifier
from skda.io._limit import AllocationLimit
from tests.io.helpers import FIT, SMALL, X_TARGET, assert_same_weights

LOAD_AND_PREDICT = """
import sys
import numpy as np
import skda
for path in sys.argv[1:]:
    clf = skda.load(path)
    clf.predict(np.zeros((3, *clf.input_shape_), dtype=np.float32))
sys.exit(any(name in sys.modules for name in ("torch._dynamo", "sympy")))
"""


def test_load_and_predict_import_no_compiler(tmp_path: Path) -> None:
    paths = []
    for shape in ((5,), (2, 12), (1, 9, 9)):  # a table, series, images: each its network
        rows = np.random.default_rng(0).normal(size=(20, *shape)).astype(np.float32)
        paths.append(tmp_path / f"{len(shape)}.safetensors")
        DANNClassifier(max_epochs=1, random_state=0).fit(rows, np.arange(20) % 2, rows).save(
            paths[-1]
        )
    line = [sys.executable, "-c", LOAD_AND_PREDICT, *map(str, paths)]
    subprocess.run(line, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


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
