"""A search on Ray: results at the end, a replaced `print`; and Ray itself if it is installed."""

from __future__ import annotations

import builtins
import pickle
from collections.abc import Iterator
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from joblib.parallel import ThreadingBackend, register_parallel_backend
from sklearn.model_selection import GridSearchCV

from skda import DANNClassifier
from skda.model_selection import LambdaSearchCV
from tests.scaling.small import DOMAINS

DANN = DANNClassifier(max_epochs=1, batch_size=16, random_state=0)
SEARCH = LambdaSearchCV(DANN, [0.5, 1.0], cv=2, random_state=0, vectorize=False)


class AllAtTheEnd(ThreadingBackend):
    supports_return_generator = False


register_parallel_backend("all-at-the-end", AllAtTheEnd)


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name, column in one.items():
        if not name.endswith("_time"):
            np.testing.assert_array_equal(column, other[name], err_msg=name)


def test_a_backend_may_give_all_results_at_the_end() -> None:
    alone = SEARCH.fit(*DOMAINS).cv_results_
    with joblib.parallel_config("all-at-the-end", n_jobs=2):
        assert_same(SEARCH.fit(*DOMAINS).cv_results_, alone)


@pytest.mark.parametrize("train_split", [None, 0.2])
def test_with_another_print_a_fit_is_quiet_and_can_be_pickled(
    train_split: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = print
    monkeypatch.setattr(builtins, "print", lambda *args, **kwargs: before(*args, **kwargs))
    clf = DANNClassifier(max_epochs=1, random_state=0, train_split=train_split).fit(*DOMAINS)
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(DOMAINS[2]), clf.predict_proba(DOMAINS[2]))
    again.partial_fit(*DOMAINS)
    assert capsys.readouterr().out == ""
    again.set_params(verbose=2).fit(*DOMAINS)
    assert "train_loss" in capsys.readouterr().out


@pytest.fixture(scope="module")
def on_ray() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    register_ray()
    ray.init(num_cpus=2, include_dashboard=False)
    yield
    ray.shutdown()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("on_ray")
def test_ray_gives_the_results_of_one_process() -> None:
    alone = SEARCH.fit(*DOMAINS).cv_results_
    with joblib.parallel_config("ray", n_jobs=-1):
        assert_same(SEARCH.fit(*DOMAINS).cv_results_, alone)
    with sklearn.config_context(enable_metadata_routing=True):
        grid = GridSearchCV(DANN, {"lam": [0.0, 1.0]}, cv=2)
        alone = grid.fit(*DOMAINS[:2], X_target=(DOMAINS[2],)).cv_results_
        with joblib.parallel_config("ray", n_jobs=-1):
            grid.fit(*DOMAINS[:2], X_target=(DOMAINS[2],))
    assert_same(grid.cv_results_, alone)
