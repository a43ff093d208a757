"""Folds and lams trained as one stacked network give what they give one by one."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import GradientNormClipping
from skorch.dataset import ValidSplit
from torch import nn
from torch.nn.functional import dropout
from torch.utils.data import TensorDataset

from skda import (
    ADDAClassifier,
    CDANClassifier,
    DANClassifier,
    DANNClassifier,
    DaNNClassifier,
    DDCClassifier,
    DeepCORALClassifier,
    JANClassifier,
    MCCClassifier,
    MCDClassifier,
    MDDClassifier,
    PseudoLabelClassifier,
    WDGRLClassifier,
    make_pipeline,
)
from skda.model_selection import LambdaSearchCV
from skda.nn import MLP
from skda.preprocessing import DomainStandardScaler
from skda.training.stacked.layers import UnstackableError
from skda.training.stacked.networks import StackedNetworks, stack_networks
from tests.shifted import Shifted, shifted

METHODS = [DANNClassifier, DANClassifier, DeepCORALClassifier]
every_method = pytest.mark.parametrize("cls", METHODS)

# Rounding must not decide: no ReLU behind a batch normalisation with Adam (see train_together).
SMOOTH = {"module__activation": nn.Tanh, "module__batch_norm": False}
SMALL = {"max_epochs": 3, "batch_size": 16, "random_state": 0, "module__hidden": (8, 5)}


class Recorder:
    """A validator that keeps what every model says of the held-out rows."""

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
    estimator: Any, data: Shifted, *, lams: Any = (0.1, 1.0), cv: int = 2, **options: Any
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
        # one by one, the models come lam by lam; together, fold by fold
        order = np.arange(len(said.said)).reshape(together.n_splits_, -1).T.ravel()
        for got, wanted in zip((said.said[i] for i in order), expected.said, strict=True):
            for name in wanted:
                np.testing.assert_allclose(got[name], wanted[name], atol=1e-5, rtol=1e-4)
    return together


@every_method
def test_a_network_without_batch_normalisation(cls: type) -> None:
    assert_same_search(cls(**SMALL, **SMOOTH), shifted(60, 50))


@every_method
def test_the_built_in_network_with_sgd(cls: type) -> None:
    estimator = cls(**SMALL, optimizer=torch.optim.SGD, optimizer__momentum=0.9, lr=0.01)
    assert_same_search(estimator, shifted(60, 50, n_classes=3))


@every_method
def test_the_built_in_network_with_adam_that_does_not_scale_rounding_noise_up(cls: type) -> None:
    assert_same_search(cls(**SMALL, optimizer__eps=1e-3), shifted(60, 60))


@every_method
def test_the_shipped_defaults_with_adam_agree_in_two_digits(cls: type) -> None:
    # Adam scales rounding noise up (see the Notes of train_together): no 1e-5 here, and a near
    # tie may be decided otherwise
    data = shifted(120, 100)
    options: dict[str, Any] = {"cv": 3, "random_state": 0, "refit": False}
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


@every_method
def test_statistics_of_mixed_batches(cls: type) -> None:
    estimator = cls(**SMALL, batch_stats="joint", optimizer=torch.optim.SGD)
    assert_same_search(estimator, shifted(60, 50))


@every_method
def test_a_user_s_network_with_batch_normalisation(cls: type) -> None:
    module = nn.Sequential(
        nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6), nn.ELU(), nn.Dropout(0.0), nn.Linear(6, 2)
    )
    assert_same_search(cls(module, max_epochs=3, batch_size=16, random_state=0), shifted(60, 50))


@every_method
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
    assert_same_search(cls(module, max_epochs=3, batch_size=12, random_state=0), data)


class Unusual(nn.Module):
    """Looks at the shape of its input, and has a parameter beside its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.full((4,), 0.1))
        self.first = nn.Linear(4, 6)
        self.last = nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.reshape(x.shape[0], -1) + self.shift
        return self.last(torch.tanh(self.first(x)) * x.mean(dim=1, keepdim=True))


@every_method
def test_a_forward_that_takes_no_further_axis_is_lifted_as_a_whole(cls: type) -> None:
    assert_same_search(cls(Unusual, max_epochs=3, batch_size=16, random_state=0), shifted(60, 50))


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
    options |= {"max_epochs": 3, "batch_size": 16, "random_state": 0}
    assert_same_search(DaNNClassifier(**options), shifted(60, 50))


def test_a_discriminator_of_the_user_s() -> None:
    discriminator = nn.Sequential(nn.Linear(5, 4), nn.Sigmoid(), nn.Linear(4, 1))
    estimator = DANNClassifier(**SMALL, **SMOOTH, discriminator=discriminator)
    assert_same_search(estimator, shifted(60, 50))


@pytest.mark.parametrize(("n_source", "n_target"), [(50, 50), (49, 97), (97, 10), (34, 31)])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_folds_of_different_sizes(n_source: int, n_target: int, batch_norm: bool) -> None:
    estimator = DANNClassifier(
        **SMALL, module__batch_norm=batch_norm, optimizer=torch.optim.SGD, lr=0.01
    )
    assert_same_search(estimator, shifted(n_source, n_target, n_classes=3))


def test_lams_in_any_order_and_source_only_alone() -> None:
    estimator = DeepCORALClassifier(**SMALL, **SMOOTH)
    assert_same_search(estimator, shifted(), lams=[3, 0.5, 0, 1.5])
    assert_same_search(estimator, shifted(), lams=[0])


def test_other_parameters_beside_lam() -> None:
    grid = {"lr": [1e-3, 1e-2], "module__hidden": [(8,), (5, 4)]}
    search = assert_same_search(DANClassifier(**SMALL, **SMOOTH), shifted(), param_grid=grid, cv=2)
    assert len(search.cv_results_["params"]) == 12


def test_a_pipeline_fits_its_other_steps_once_a_fold() -> None:
    CountingScaler.fits = 0
    pipe = make_pipeline(CountingScaler(), DomainStandardScaler(), DANClassifier(**SMALL, **SMOOTH))
    data = shifted(60, 50)
    for vectorize, fits in ((True, 5), (False, 15)):
        CountingScaler.fits = 0
        search = LambdaSearchCV(
            pipe, (0.1, 1), vectorize=vectorize, random_state=0, refit=False, validator="infomax"
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
    options: dict[str, Any] = {"random_state": 0, "vectorize": vectorize, "refit": False}
    search = LambdaSearchCV(estimator, (1e-3, 1e37), **options)
    search.fit(data.X * 100, data.y, data.X_target * 100)
    without = LambdaSearchCV(estimator, (1e-3,), **options)
    without.fit(data.X * 100, data.y, data.X_target * 100)
    results = search.cv_results_
    assert results["guard_reason"][2] == "diverged in 5 of 5 folds"
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


# -- what falls back to one by one --------------------------------------------------------------


class Dropping(Unusual):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return dropout(super().forward(x), 0.5, self.training)


class OwnSGD(torch.optim.SGD):
    pass


class WithDropout(Unusual):
    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.2)


FALLBACKS = {
    "dropout": (DANNClassifier, {"module": WithDropout}, "dropout draws its masks"),
    "functional dropout": (DANClassifier, {"module": Dropping}, "cannot be stacked: vmap"),
    "loss": (WDGRLClassifier, {}, "adaptation loss WassersteinCritic cannot"),
    "beta": (DANClassifier, {"kernel_weights": "optimal"}, "WeightedKernels cannot"),
    "optimizer": (DANClassifier, {"optimizer": OwnSGD}, "optimizer OwnSGD cannot be stacked"),
    "criterion": (
        DANClassifier,
        {"criterion__weight": torch.ones(2), "criterion__label_smoothing": 0.1},
        "criterion CrossEntropyLoss cannot be stacked",
    ),
    "callbacks": (
        DANClassifier,
        {"callbacks": [("clip", GradientNormClipping(1.0))]},
        "callbacks, train_split and compile",
    ),
    "train_split": (DANClassifier, {"train_split": ValidSplit(5)}, "callbacks, train_split"),
    "single row": (DANClassifier, {"batch_size": 1}, "a batch has a single row"),
    "own loss": (MCDClassifier, {}, "adaptation loss DisagreeingClassifier cannot"),
    "own training": (ADDAClassifier, {}, "ADDAClassifier has a training of its own"),
}


@pytest.mark.parametrize("case", FALLBACKS)
def test_what_cannot_be_stacked_trains_one_by_one_and_says_why(case: str) -> None:
    cls, options, reason = FALLBACKS[case]
    params = {"max_epochs": 1, "batch_size": 16, "random_state": 0, **options}
    data = shifted(40, 40)
    search = LambdaSearchCV(cls(**params), (0.1,), cv=2, random_state=0)
    search.fit(data.X, data.y, data.X_target)
    assert not search.vectorized_
    assert reason in search.vectorize_reason_
    with pytest.raises(ValueError, match="vectorize=True is not possible"):
        search.set_params(vectorize=True).fit(data.X, data.y, data.X_target)
    alone = search.set_params(vectorize=False).fit(data.X, data.y, data.X_target)
    assert alone.vectorize_reason_ == "vectorize=False"


def test_large_networks_train_one_by_one_unless_asked_for() -> None:
    data = shifted(12, 12)
    estimator = DANClassifier(max_epochs=1, module__hidden=(500, 500), random_state=0)
    search = LambdaSearchCV(estimator, (0.1,), cv=2, random_state=0, refit=False)
    search.fit(data.X, data.y, data.X_target)
    # 2 (4 500 + 500 500 + 500 2) operations
    assert "the network is large (506000 floating point operations" in search.vectorize_reason_
    assert search.set_params(vectorize=True).fit(data.X, data.y, data.X_target).vectorized_


def test_labelled_target_rows_and_datasets_train_one_by_one() -> None:
    data = shifted(40, 40)
    search = LambdaSearchCV(DANClassifier(max_epochs=1), (0.1,), cv=2, random_state=0)
    search.fit(data.X, data.y, data.X_target, y_target=data.y_target)
    assert "labelled target rows" in search.vectorize_reason_
    source, target = (
        TensorDataset(torch.from_numpy(rows).float()) for rows in (data.X, data.X_target)
    )
    search.fit(source, data.y, target)
    assert "Dataset" in search.vectorize_reason_
    assert pickle.loads(pickle.dumps(search)).vectorize_reason_ == search.vectorize_reason_


# -- the parts ----------------------------------------------------------------------------------


def networks(module: type, n: int = 3) -> list[nn.Module]:
    torch.manual_seed(0)
    return [module() for _ in range(n)]


@pytest.fixture
def kept_generator():
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


@pytest.mark.usefixtures("kept_generator")
def test_layers_are_lifted_where_they_can_be() -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.Flatten(), MLP(4, 2, hidden=(5, 3)), nn.Identity())

    modules = networks(build)
    rows = torch.randn(3, 6, 4)
    stacked = stack_networks(modules, [], rows)
    assert stacked.lifted
    logits = stacked(rows).logits
    for i, module in enumerate(modules):
        torch.testing.assert_close(logits[i], module.train()(rows[i]))
    # running statistics of the first network, updated by its own rows
    stacked.weights.write_back(0, copied := build())
    torch.testing.assert_close(copied.state_dict(), modules[0].state_dict())
    assert not stack_networks(networks(Unusual), [], rows).lifted


@pytest.mark.usefixtures("kept_generator")
def test_both_domains_in_one_go_keep_statistics_of_their_own() -> None:
    modules = networks(lambda: MLP(4, 2, hidden=(5,)))
    source, target = torch.randn(3, 6, 4), 2 * torch.randn(3, 6, 4) + 1
    apart, at_once = (StackedNetworks(modules, [], lifted=True) for _ in range(2))
    expected = [apart(source, "source"), apart(target, "target")]
    for got, wanted in zip(at_once.forward_both(source, target), expected, strict=True):
        torch.testing.assert_close(got.logits, wanted.logits)
    for domain in ("source", "target"):
        torch.testing.assert_close(at_once.weights.buffers[domain], apart.weights.buffers[domain])


@pytest.mark.usefixtures("kept_generator")
def test_networks_of_different_shapes_cannot_be_stacked() -> None:
    with pytest.raises(UnstackableError, match="have different shapes"):
        stack_networks([nn.Linear(4, 2), nn.Linear(4, 3)], [], torch.randn(2, 5, 4))
