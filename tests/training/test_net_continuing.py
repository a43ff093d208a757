import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest
import torch
from skorch.callbacks import (
    Callback,
)
from torch import Tensor

from skda import DANClassifier, DANNClassifier
from tests.training.small import DATA, SMALL, dann, same, weights

# -- going on ---------------------------------------------------------------------------------


def test_partial_fit_goes_on_with_new_batches() -> None:
    orders: list[list[float]] = []

    class Order(Callback):
        def on_batch_begin(self, net: Any, batch: Any = None, **_: Any) -> None:
            orders.append(batch[0][:, 0].tolist())

    estimator = DANNClassifier(**SMALL, callbacks=[Order()])
    previous: list[Tensor] = []
    for _ in range(3):
        estimator.partial_fit(DATA.X, DATA.y, DATA.X_target)
        assert not previous or not same(previous, weights(estimator))
        previous = weights(estimator)
    assert len(orders) == 3
    assert orders[0] != orders[1] != orders[2]
    assert len(estimator.history_) == 3
    assert estimator.net_.progress == 1.0  # max_epochs=3


def test_partial_fit_starts_where_fit_ended() -> None:
    fitted = dann()
    frozen = copy.deepcopy(fitted)
    # with a learning rate of zero the weights must stay equal to the last bit
    for group in frozen.net_.optimizer_.param_groups:
        group["lr"] = 0.0
    frozen.partial_fit(DATA.X, DATA.y, DATA.X_target)
    assert same(weights(frozen), weights(fitted))
    assert not same(weights(fitted.partial_fit(DATA.X, DATA.y, DATA.X_target)), weights(frozen))


def test_warm_start_takes_weights_statistics_and_discriminator_along() -> None:
    first = dann(max_epochs=20)
    still = {"optimizer": torch.optim.SGD, "lr": 1e-30, "max_epochs": 1}
    warm = copy.deepcopy(first).set_params(warm_start=True, **still)
    warm.fit(DATA.X, DATA.y, DATA.X_target)
    assert same(weights(warm), weights(first))
    ours, theirs = ([p.detach() for p in e.net_.adaptation_.parameters()] for e in (warm, first))
    assert same(ours, theirs)
    np.testing.assert_allclose(  # one more batch of the same rows changes the statistics a little
        warm.net_.domain_stats_.layer0_running_mean,
        0.9 * first.net_.domain_stats_.layer0_running_mean.numpy() + 0.1 * DATA.X_target.mean(0),
        rtol=1e-5,
    )
    cold = copy.deepcopy(first).set_params(**still).fit(DATA.X, DATA.y, DATA.X_target)
    assert not same(weights(cold), weights(first))


# -- threads ----------------------------------------------------------------------------------


def in_threads(work: Any, arguments: list[Any]) -> None:
    threads = [threading.Thread(target=work, args=(a,)) for a in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_threads_that_train_at_once_give_the_weights_of_one_after_the_other() -> None:
    fits: dict[int, list[Tensor]] = {}

    def fit(seed: int) -> None:
        fits[seed] = weights(dann(random_state=seed, module__dropout=0.5, max_epochs=10))

    for seed in (0, 1):
        fit(seed)
    expected = dict(fits)
    in_threads(fit, [0, 1])
    assert all(same(fits[seed], expected[seed]) for seed in (0, 1))


def test_threads_may_share_a_fitted_estimator() -> None:
    fitted = dann(max_epochs=10)
    rows = np.repeat(DATA.X_target, 100, axis=0)
    calls = {
        "predict": lambda: fitted.predict_proba(rows, domain="target"),
        "source": lambda: fitted.predict_proba(rows, domain="source"),
        "transform": lambda: fitted.transform(rows),
        "source features": lambda: fitted.transform(rows, domain="source"),
    }
    expected = {name: call() for name, call in calls.items()}
    wrong: list[str] = []

    def check(name: str) -> None:
        for _ in range(8):
            if not np.array_equal(calls[name](), expected[name]):
                wrong.append(name)

    in_threads(check, list(calls))
    assert wrong == []


# -- compiled modules -------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, in its compiler
def test_a_compiled_module_is_used_like_any_other() -> None:
    options = {"optimizer__param_groups": [("classifier.*", {"lr": 0.1})]}
    plain = dann(**options)
    compiled = dann(**options, compile=True, compile__backend="eager")
    groups = compiled.net_.optimizer_.param_groups
    assert [(g["lr"], len(g["params"])) for g in groups] == [(0.1, 2), (1e-3, 6 + 4)]
    np.testing.assert_allclose(
        compiled.predict_proba(DATA.X_target), plain.predict_proba(DATA.X_target), rtol=1e-4
    )
    # after a prediction, whose graph is kept
    np.testing.assert_allclose(
        compiled.transform(DATA.X_target), plain.transform(DATA.X_target), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("pickled", [False, True])
def test_lbfgs_goes_on_after_a_copy_or_a_pickle(pickled: bool) -> None:
    fit = DATA.X, DATA.y, DATA.X_target
    clf = DANClassifier(optimizer=torch.optim.LBFGS, max_epochs=1, random_state=0).fit(*fit)
    before = clf.net_.history[-1]["train_loss"]
    if pickled:
        clf = pickle.loads(pickle.dumps(clf))
    clf.partial_fit(*fit)
    assert len(clf.history_) == 2
    assert clf.net_.history[-1]["train_loss"] < before
