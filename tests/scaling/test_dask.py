"""Searches on a Dask cluster: joblib's result, data shipped once, a killed worker."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV

from skda.model_selection import LambdaSearchCV
from tests.model_selection.fakes import CenteringClassifier, shifted_blobs
from tests.scaling.small import script

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
# distributed closes some sockets and event loops late
pytestmark = pytest.mark.filterwarnings("ignore")

X_SOURCE, Y_SOURCE, X_TARGET, _ = shifted_blobs(n_source=2000, n_target=1500)
DOMAINS = X_SOURCE, (Y_SOURCE == "right").astype(int), X_TARGET
SMALL = {"lams": [0.5, 1.0], "cv": 2, "random_state": 0, "validator": "infomax"}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    one_thread = {"threads_per_worker": 1, "memory_limit": None, "dashboard_address": None}
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        # skda is imported once, for both workers and for one that is started anew
        preload = ["distributed", "skda.model_selection"]
        distributed.utils.get_mp_context().set_forkserver_preload(preload)
        with (
            distributed.LocalCluster(n_workers=2, **one_thread) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the tasks that are sent to the cluster, in bytes."""
    sizes: list[int] = []
    submit = distributed.Client.submit

    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        sizes.append(len(cloudpickle.dumps(kwargs.get("tasks"))))
        return submit(self, *args, **kwargs)

    monkeypatch.setattr(distributed.Client, "submit", noting)
    return sizes


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name, column in one.items():
        if not name.endswith("_time"):
            np.testing.assert_array_equal(column, other[name], err_msg=name)


def test_lambda_search(client: Any, sent: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    alone = LambdaSearchCV(CenteringClassifier(), **SMALL).fit(*DOMAINS)
    with joblib.parallel_config("dask"):
        search = LambdaSearchCV(CenteringClassifier(), verbose=1, **SMALL).fit(*DOMAINS)
    assert_same(search.cv_results_, alone.cv_results_)
    assert "6/6 trainings" in capsys.readouterr().err
    # a task holds the indices of its fold, not the rows
    assert sum(array.nbytes for array in DOMAINS) > 60_000
    assert len(sent) >= 1
    assert max(sent) < 60_000


def test_grid_search(client: Any, sent: list[int]) -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(CenteringClassifier(), {"lam": [0.0, 1.0]}, cv=2)
        alone = search.fit(*DOMAINS[:2], X_target=(X_TARGET,)).cv_results_
        with joblib.parallel_config("dask"):
            search.fit(*DOMAINS[:2], X_target=(X_TARGET,))
    assert_same(search.cv_results_, alone)
    assert max(sent) < 60_000, sent


def test_the_script_of_a_cluster(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main = script("cluster")["main"]
    main.__globals__["DANNClassifier"] = lambda **_: CenteringClassifier()  # takes no time
    main(1, client.scheduler.address)
    assert re.search(r"lam \S+, accuracy on the target: 0\.[5-9]", capsys.readouterr().out)


class KillsOnce:
    """A validator that kills the process which computes it, once."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __call__(self, estimator: Any, X: Any, y: Any, X_target: Any = None) -> float:
        with suppress(FileExistsError), self.mark.open("x") as mark:
            print(os.getpid(), file=mark, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return float(estimator.score(X, y))


def test_a_killed_worker_is_survived(client: Any, tmp_path: Path) -> None:
    mark = tmp_path / "killed"
    options = SMALL | {"validator": KillsOnce(mark)}
    with joblib.parallel_config("dask"):
        search = LambdaSearchCV(CenteringClassifier(), **options).fit(*DOMAINS)
    assert int(mark.read_text()) != os.getpid()
    alone = LambdaSearchCV(CenteringClassifier(), **options).fit(*DOMAINS)
    assert_same(search.cv_results_, alone.cv_results_)
