"""Folds and lams trained as one stacked network give the results of single trainings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler
from torch import nn

from skda import (
    CDANClassifier,
    DANClassifier,
    DANNClassifier,
    DaNNClassifier,
    DDCClassifier,
    DeepCORALClassifier,
    JANClassifier,
    MCCClassifier,
    MDDClassifier,
    PseudoLabelClassifier,
    make_pipeline,
)
from skda.model_selection import LambdaCurveDisplay, LambdaSearchCV
from skda.nn import MLP
from skda.preprocessing import DomainStandardScaler
from tests.model_selection.networks import Unusual
from tests.shifted import Shifted, shifted

# one method with gradient reversal, one with a distance; `FURTHER` has the other distances
every_way = pytest.mark.parametrize("cls", [DANNClassifier, DANClassifier])

# Keep rounding errors small: no ReLU after batch normalisation with Adam (see train_together).
SMOOTH = {"module__activation": nn.Tanh, "module__batch_norm": False}
SMALL = {"max_epochs": 2, "batch_size": 16, "random_state": 0, "module__hidden": (8, 5)}


class Recorder:
    """A validator that records the outputs of every model on the held-out rows."""

    def __init__(self) -> None:
        self.said: list[dict[str, np.ndarray]] = []

    def __call__(self, estimator: Any, X: Any, y: Any, X_target: Any = None) -> float:
        self.said.append(
            {
                "lam": np.array(estimator.lam),
                "source": estimator.predict_proba(X, domain="source"),
                "target": estimator.predict_proba(X_target, domain="target"),
                "features": estimator.transform(X_target),
            }
        )
        return float(self.said[-1]["target"].max(axis=1).mean())


def both_ways(
    estimator: Any, data: Shifted, *, lams: Any = (0.4,), cv: int = 2, **options: Any
) -> list[tuple[LambdaSearchCV, Recorder]]:
    found = []
    for vectorize in (True, False):
        recorder = Recorder()
        search = LambdaSearchCV(
            estimator,
            lams,
            validator=recorder,
            cv=cv,
            random_state=0,
            refit=False,
            vectorize=vectorize,
            **options,
        )
        found.append((search.fit(data.X, data.y, data.X_target), recorder))
    return found


def assert_same_search(estimator: Any, data: Shifted, **options: Any) -> LambdaSearchCV:
    (together, said), (alone, expected) = both_ways(estimator, data, **options)
    assert together.vectorized_
    assert together.vectorize_reason_ == ""
    assert not alone.vectorized_
    for name in ("test_score", "source_accuracy"):
        for i in range(together.n_splits_):
            column = f"split{i}_{name}"
            np.testing.assert_allclose(
                together.cv_results_[column], alone.cv_results_[column], atol=1e-5, rtol=0
            )
    assert together.best_params_ == alone.best_params_
    np.testing.assert_array_equal(together.cv_results_["accepted"], alone.cv_results_["accepted"])
    if not options.get("param_grid"):
        # single trainings are ordered by lam, the stacked training by fold
        order = np.arange(len(said.said)).reshape(together.n_splits_, -1).T.ravel()
        for got, wanted in zip((said.said[i] for i in order), expected.said, strict=True):
            for name in wanted:
                np.testing.assert_allclose(got[name], wanted[name], atol=1e-5, rtol=1e-4)
    return together


@every_way
def test_a_network_without_batch_normalisation(cls: type) -> None:
    assert_same_search(cls(**SMALL, **SMOOTH), shifted(60, 50))


@every_way
def test_the_built_in_network_with_sgd(cls: type) -> None:
    estimator = cls(**SMALL, optimizer=torch.optim.SGD, optimizer__momentum=0.9, lr=0.01)
    assert_same_search(estimator, shifted(60, 50, n_classes=3))


@every_way
@pytest.mark.parametrize("batch_stats", ["per_domain", "joint"])
def test_a_target_far_from_0_and_from_the_source(cls: type, batch_stats: str) -> None:
    data = shifted(60, 50)
    data = data._replace(X_target=3 * data.X_target + 20)
    estimator = cls(**SMALL, batch_stats=batch_stats, optimizer=torch.optim.SGD, lr=0.01)
    assert_same_search(estimator, data, lams=(0, 0.4))


@every_way
def test_the_built_in_network_with_adam_that_does_not_scale_rounding_noise_up(cls: type) -> None:
    assert_same_search(cls(**SMALL, optimizer__eps=1e-3), shifted(60, 60))


@every_way
def test_the_shipped_defaults_with_adam_agree_in_two_digits(cls: type) -> None:
    # Adam amplifies rounding errors (see the Notes of train_together): they exceed 1e-5, and
    # the choice between nearly equal scores may differ
    data = shifted(120, 100)
    options: dict[str, Any] = {"cv": 2, "random_state": 0, "refit": False}
    estimator = cls(max_epochs=5, random_state=0)
    searches = [
        LambdaSearchCV(estimator, vectorize=vectorize, **options).fit(data.X, data.y, data.X_target)
        for vectorize in (True, False)
    ]
    assert [search.vectorized_ for search in searches] == [True, False]
    together, alone = (search.cv_results_ for search in searches)
    for name in ("test_infomax", "test_agreement", "source_accuracy", "target_stability"):
        np.testing.assert_allclose(together[f"mean_{name}"], alone[f"mean_{name}"], atol=0.02)
    chosen = searches[0].best_index_
    assert alone["mean_test_infomax"][chosen] > alone["mean_test_infomax"].max() - 0.05


@every_way
def test_statistics_of_mixed_batches(cls: type) -> None:
    estimator = cls(**SMALL, batch_stats="joint", optimizer=torch.optim.SGD)
    assert_same_search(estimator, shifted(60, 50))


@every_way
def test_a_user_s_network_with_batch_normalisation(cls: type) -> None:
    module = nn.Sequential(
        nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6), nn.ELU(), nn.Dropout(0.0), nn.Linear(6, 2)
    )
    assert_same_search(cls(module, max_epochs=2, batch_size=16, random_state=0), shifted(60, 50))


@every_way
def test_images(cls: type) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(36) % 2
    X = rng.normal(size=(36, 1, 6, 6)).astype(np.float32) + y[:, None, None, None]
    module = nn.Sequential(
        nn.Conv2d(1, 3, 3, bias=False),
        nn.BatchNorm2d(3),
        nn.Tanh(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(12, 2),
    )
    data = Shifted(X, y, 1.5 * X[::-1].copy() + 0.5, y)
    assert_same_search(cls(module, max_epochs=2, batch_size=12, random_state=0), data)


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
def test_folds_of_different_widths_are_trained_one_by_one() -> None:
    data = shifted(60, 50)
    X = np.hstack([data.X, np.full((60, 1), np.nan)])
    X[3, -1] = 1.0  # the imputer drops this column in the fold that holds this row out
    pipe = make_pipeline(SimpleImputer(), DANClassifier(**SMALL))
    search = LambdaSearchCV(pipe, lams=[1.0], cv=2, random_state=0)
    search.fit(X, data.y, np.hstack([data.X_target, np.zeros((50, 1))]))
    assert search.vectorize_reason_ == "the rows of the folds have different shapes"
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@every_way
def test_a_forward_that_takes_no_further_axis_is_lifted_as_a_whole(cls: type) -> None:
    assert_same_search(cls(Unusual, max_epochs=2, batch_size=16, random_state=0), shifted(60, 50))


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": torch.optim.AdamW, "optimizer__weight_decay": 0.1},
        {"optimizer": torch.optim.RMSprop},
        {"optimizer__param_groups": [("features*", {"lr": 1e-4})]},
        {"lr_schedule": "inverse_decay", "lam_schedule": "ramp"},
        {"criterion__label_smoothing": 0.1},
        {"adapt_layers": ["features.1", "classifier"]},
        {"iterator_train__shuffle": False, "iterator_train__drop_last": True},
        {"adapt_batch_norm": True, "module__batch_norm": True, "optimizer": torch.optim.SGD},
    ],
)
def test_options_of_the_training(options: dict[str, Any]) -> None:
    assert_same_search(DANClassifier(**{**SMALL, **SMOOTH, **options}), shifted(60, 50))


FURTHER: dict[str, tuple[type, dict[str, Any]]] = {
    "DaNN": (DaNNClassifier, {"module": MLP}),
    "DDC": (DDCClassifier, {"bottleneck_width": None}),
    "DDC, unbiased": (DDCClassifier, {"bottleneck_width": None, "unbiased": True}),
    "DAN, unbiased": (DANClassifier, {"unbiased": True}),
    "DAN, linear time": (DANClassifier, {"estimator": "linear"}),
    "JAN": (JANClassifier, {}),
    "Deep CORAL": (DeepCORALClassifier, {}),
    "CDAN": (CDANClassifier, {}),
    "CDAN, randomised": (CDANClassifier, {"max_width": 4, "random_width": 6}),
    "CDAN, no weights": (CDANClassifier, {"entropy_weighting": False}),
    "MCC": (MCCClassifier, {}),
    "MDD": (MDDClassifier, {"hidden": (6,)}),
    "pseudo-labels": (PseudoLabelClassifier, {"threshold": 0.55}),
}


@pytest.mark.parametrize("method", FURTHER)
def test_further_methods(method: str) -> None:
    cls, own = FURTHER[method]
    assert_same_search(cls(**SMALL, **SMOOTH, **own), shifted(60, 50, n_classes=3))


@pytest.mark.parametrize("batch_stats", ["per_domain", "joint"])
@pytest.mark.parametrize("n_target", [60, 41])
def test_dropout_masks_are_those_of_each_network_alone(batch_stats: str, n_target: int) -> None:
    estimator = DANNClassifier(
        **SMALL,
        module__dropout=0.3,
        discriminator__dropout=0.2,
        batch_stats=batch_stats,
        optimizer=torch.optim.SGD,
        lr=0.01,
    )
    assert_same_search(estimator, shifted(60, n_target))


def test_the_shallow_network_of_dann_with_its_dropout() -> None:
    options: dict[str, Any] = {"optimizer": torch.optim.SGD, "lr": 0.01, "module__width": 9}
    options |= {"max_epochs": 2, "batch_size": 16, "random_state": 0}
    assert_same_search(DaNNClassifier(**options), shifted(60, 50))


def test_a_discriminator_of_the_user_s() -> None:
    discriminator = nn.Sequential(nn.Linear(5, 4), nn.Sigmoid(), nn.Linear(4, 1))
    estimator = DANNClassifier(**SMALL, **SMOOTH, discriminator=discriminator)
    assert_same_search(estimator, shifted(60, 50))


@pytest.mark.parametrize(
    ("n_source", "n_target", "batch_norm"),
    [(50, 50, True), (49, 97, True), (97, 10, True), (34, 31, True), (49, 97, False)],
)
def test_folds_of_different_sizes(n_source: int, n_target: int, batch_norm: bool) -> None:
    estimator = DANNClassifier(
        **SMALL, module__batch_norm=batch_norm, optimizer=torch.optim.SGD, lr=0.01
    )
    assert_same_search(estimator, shifted(n_source, n_target, n_classes=3))


def test_lams_in_any_order_and_source_only_alone() -> None:
    estimator = DeepCORALClassifier(**SMALL, **SMOOTH)
    assert_same_search(estimator, shifted(), lams=[3, 0.5, 0, 1.5], cv=3)
    assert_same_search(estimator, shifted(), lams=[0])


def test_other_parameters_beside_lam() -> None:
    grid = {"lr": [1e-3, 1e-2], "module__hidden": [(8,), (5, 4)]}
    search = assert_same_search(DANClassifier(**SMALL, **SMOOTH), shifted(), param_grid=grid, cv=2)
    assert len(search.cv_results_["params"]) == 8


@pytest.mark.parametrize(
    "shares", [np.array([0.3, 0.7]), pd.Series([0.7, 0.3], index=[1, 0])], ids=["array", "Series"]
)
def test_arrays_in_a_grid(shares: Any) -> None:
    grid = {"target_priors": [shares, None]}
    search = assert_same_search(DANClassifier(**SMALL, **SMOOTH), shifted(), param_grid=grid, cv=2)
    display = LambdaCurveDisplay.from_search(search)
    given = [p["target_priors"] is None for p in search.cv_results_["params"]]
    assert given == [False] * (len(given) // 2) + [True] * (len(given) // 2)
    assert len(display.lams) == len(given) // 2


def test_a_pipeline_fits_its_other_steps_once_a_fold() -> None:
    CountingScaler.fits = 0
    pipe = make_pipeline(CountingScaler(), DomainStandardScaler(), DANClassifier(**SMALL, **SMOOTH))
    data = shifted(60, 50)
    for vectorize, fits in ((True, 2), (False, 6)):
        CountingScaler.fits = 0
        search = LambdaSearchCV(
            pipe,
            (0.1, 1),
            vectorize=vectorize,
            cv=2,
            random_state=0,
            refit=False,
            validator="infomax",
        ).fit(data.X, data.y, data.X_target)
        assert CountingScaler.fits == fits
        assert search.vectorized_ is vectorize
        scores = search.cv_results_["mean_test_score"]
        if vectorize:
            together = scores
    np.testing.assert_allclose(together, scores, atol=1e-5, rtol=0)


class CountingScaler(StandardScaler):
    fits = 0

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> CountingScaler:
        CountingScaler.fits += 1
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("vectorize", [True, False])
def test_a_training_that_diverges_is_rejected_and_leaves_the_others_alone(vectorize: bool) -> None:
    data = shifted()
    estimator = DeepCORALClassifier(**SMALL, module__batch_norm=False)
    options: dict[str, Any] = {"random_state": 0, "vectorize": vectorize, "refit": False, "cv": 2}
    search = LambdaSearchCV(estimator, (1e-3, 1e37), **options)
    search.fit(data.X * 100, data.y, data.X_target * 100)
    without = LambdaSearchCV(estimator, (1e-3,), **options)
    without.fit(data.X * 100, data.y, data.X_target * 100)
    results = search.cv_results_
    assert results["guard_reason"][2] == "diverged in 2 of 2 folds"
    assert not results["accepted"][2]
    assert results["rank_test_score"][2] == 3
    assert np.isnan(results["mean_test_score"][2])
    np.testing.assert_allclose(
        results["mean_test_score"][:2], without.cv_results_["mean_test_score"], atol=1e-5
    )


def test_the_global_generators_stay_as_they_are() -> None:
    data = shifted()
    state, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    both_ways(DANNClassifier(**SMALL), data)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], numbers)  # noqa: NPY002
