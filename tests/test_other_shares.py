"""`fit` warns before it adapts to a target in which only the shares of the classes differ."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from torch.utils.data import TensorDataset

from skda import DANClassifier, DANNClassifier, FinetuneClassifier
from skda._inputs import other_shares as module
from skda.datasets import make_rotated_moons
from skda.model_selection import AdaptationWarning, LambdaSearchCV

QUICK: dict[str, Any] = {"max_epochs": 1, "random_state": 0, "device": "cpu"}


def moons(angle: float = 0.0, rare: float = 0.11, n: int = 300, seed: int = 0) -> tuple:
    """Return moons; the target keeps this share of its rows of class 1."""
    data = make_rotated_moons(n, n, angle=angle, random_state=seed)
    y = data.y_target
    kept = np.random.default_rng(seed).random(len(y)) < np.where(y == 1, rare, 1.0)
    return data.X_source, data.y_source, data.X_target[kept], y[kept]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cls", [DANNClassifier, DANClassifier])
def test_one_class_is_rare_in_the_target(cls: type, seed: int) -> None:
    X, y, X_target, _ = moons(seed=seed)
    says = (
        r"Adapting may do harm: .* with other shares of the classes, 0: about 0\.(8|9)\d "
        r"\(source 0\.50\), 1: about 0\.(0|1)\d \(source 0\.50\)\. .*target_priors='estimate'"
    )
    with pytest.warns(AdaptationWarning, match=says):
        cls(**QUICK).fit(X, y, X_target)


def test_the_warning_points_at_the_call_and_can_be_silenced() -> None:
    X, y, X_target, _ = moons()
    with pytest.warns(AdaptationWarning) as caught:
        DANClassifier(**QUICK).fit(X, y, X_target)
    assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", AdaptationWarning)
        DANClassifier(**QUICK).fit(X, y, X_target)


# pytest makes any warning an error
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("angle", "rare"), [(0.0, 1.0), (35.0, 1.0), (60.0, 0.11)])
def test_no_warning_where_the_shares_are_equal_or_the_rows_are_turned(
    angle: float, rare: float, seed: int
) -> None:
    X, y, X_target, _ = moons(angle, rare, seed=seed)
    DANClassifier(**QUICK).fit(X, y, X_target)


@pytest.mark.parametrize("options", [{"lam": 0.0}, {"target_priors": [0.9, 0.1]}])
def test_no_warning_where_nothing_is_adapted_or_the_shares_are_given(options: dict) -> None:
    X, y, X_target, _ = moons()
    DANClassifier(**QUICK, **options).fit(X, y, X_target)


def test_no_warning_where_nothing_can_be_told() -> None:
    X, y, X_target, y_target = moons()
    FinetuneClassifier(**QUICK).fit(X, y, X_target)
    labels = np.where(np.arange(len(y_target)) < 5, y_target, -1)
    DANClassifier(**QUICK).fit(X, y, X_target, y_target=labels)
    DANClassifier(**QUICK).fit(X, y, X_target[: module.LEAST_ROWS - 1])
    rows = [torch.as_tensor(rows, dtype=torch.float32) for rows in (X, X_target)]
    source = TensorDataset(rows[0], torch.as_tensor(y))
    DANClassifier(**QUICK).fit(source, None, TensorDataset(rows[1]))


def test_the_seeds_of_the_training_stay() -> None:
    X, y, X_target, _ = moons()
    with pytest.warns(AdaptationWarning):
        found = DANClassifier(**QUICK).fit(X, y, X_target).predict_proba(X_target)
    with module.shares_unchecked():
        expected = DANClassifier(**QUICK).fit(X, y, X_target).predict_proba(X_target)
    assert (found == expected).all()


def test_a_search_says_it_once_and_does_not_adapt() -> None:
    X, y, X_target, y_target = moons()
    model = DANClassifier(**{**QUICK, "max_epochs": 12})
    options: dict[str, Any] = {"validator": "infomax", "cv": 3, "random_state": 0, "refit": False}
    says = (
        r"^The search did not adapt\. lam=1 scores best, but other class shares in the target "
        r"explain how .* 0: about 0\.(8|9)\d .* Pass the shares as target_priors "
        "of the estimator if you know them, or 'estimate'"
    )
    with pytest.warns(AdaptationWarning, match=says) as caught:
        search = LambdaSearchCV(model, [0.0, 1.0], **options).fit(X, y, X_target)
    assert len(caught) == 1
    assert search.best_params_ == {"lam": 0.0}
    off = {"share_tolerance": 1, "stability_tolerance": 1, "entropy_tolerance": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AdaptationWarning)
        search = LambdaSearchCV(model, [0.0, 1.0], guard=off, **options).fit(X, y, X_target)
    assert search.best_params_ == {"lam": 1.0}
    # the advice of the message works: the guard accepts the given shares and the rare class
    shares = np.bincount(y_target) / len(y_target)
    search = LambdaSearchCV(model.set_params(target_priors=shares), [0.0, 1.0], **options)
    assert search.fit(X, y, X_target).cv_results_["accepted"].all()


def test_images_of_many_pixels_cost_little() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(600) % 2
    images = rng.normal(size=(600, 1, 40, 40)).astype(np.float32) + y[:, None, None, None]
    kept = (np.arange(600) >= 300) & ((y == 0) | (rng.random(600) < 0.2))
    model = DANClassifier(**QUICK)
    domains = model.begin(images[:300], y[:300], images[kept])
    assert module._flat(domains.source, np.arange(9)).shape == (9, 400)  # each fourth pixel
    assert module.linear_fit(domains, domains.class_shares(2)).plausible


def test_a_left_out_row_is_predicted_as_by_ridge_regression_without_it() -> None:
    rng = np.random.default_rng(0)
    X, Y, X_target = rng.normal(size=(12, 3)), rng.normal(size=(12, 2)), rng.normal(size=(5, 3))
    X -= X.mean(axis=0)
    left_out, of_target = module._ridge(X, Y, X_target)
    mean = Y.mean(axis=0)  # that of all rows
    model = Ridge(alpha=module.PENALTY * len(X), fit_intercept=False)
    for i in range(len(X)):
        others = np.arange(len(X)) != i
        expected = model.fit(X[others], Y[others] - mean).predict(X[[i]]) + mean
        assert_allclose(left_out[[i]], expected)
    assert_allclose(of_target, model.fit(X, Y - mean).predict(X_target) + mean)
