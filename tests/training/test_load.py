"""The memory of a process that fits and predicts many times does not grow."""

from __future__ import annotations

import gc
import multiprocessing
import resource
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import skda
from skda import DANNClassifier

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4))
Y = np.arange(20) % 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_200_fits_and_predictions_leave_nothing_behind() -> None:
    def state() -> tuple[float, int, int, int]:
        gc.collect()
        objects = len(gc.get_objects())
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        handles = len(list(Path("/proc/self/fd").iterdir()))
        size = pages * resource.getpagesize() / 2**20
        return size, objects, handles, threading.active_count()

    def cycles(n: int) -> None:
        for seed in range(n):
            clf = DANNClassifier(max_epochs=1, random_state=seed, module__hidden=(256, 192))
            clf.fit(X, Y, X).predict(X)

    cycles(20)
    before = state()
    cycles(200)
    after = state()
    assert after[0] - before[0] < 8  # MiB; the weights of 200 networks alone have 37
    assert after[1] - before[1] < 200  # less than one object for each fit
    assert after[2:] == before[2:]


def _predict(model: Any, results: Any) -> None:
    results.put(model.predict_proba(X))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_that_are_forked_or_spawned_predict(start: str, tmp_path: Path) -> None:
    if start not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {start} here")
    fitted = DANNClassifier(max_epochs=1, random_state=0).fit(X, Y, X)
    fitted.save(tmp_path / "model.safetensors")
    fitted = skda.load(tmp_path / "model.safetensors")
    context = multiprocessing.get_context(start)
    results = context.Queue()
    # one that is spawned imports torch anew, which takes seconds
    n_workers = 2 if start == "fork" else 1
    workers = [context.Process(target=_predict, args=(fitted, results)) for _ in range(n_workers)]
    for worker in workers:
        worker.start()
    for _ in workers:
        np.testing.assert_array_equal(results.get(timeout=60), fitted.predict_proba(X))
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
