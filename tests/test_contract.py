"""The contract of all public estimators, which discovery finds.

What a term, the second loss, can break is run on all; the rest on one estimator of each way in
which the functions of the others are put together.
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import nn

from tests.compared import assert_same_weights, differ, outputs, weights
from tests.contract import OWN, Data, fitted, reference, small, source_only
from tests.discovery import (
    INPUT_WAYS,
    WAYS,
    every_adapting,
    every_classifier,
    every_estimator,
    every_way,
    has_classes,
    needs_target,
    public_estimators,
    stem,
)


@pytest.fixture
def data() -> Data:
    return Data()


def test_discovery_finds_the_family() -> None:
    names = {cls.__name__ for cls in public_estimators()}
    assert {"DANClassifier", "DANNClassifier", "FinetuneClassifier"} <= names
    assert {"DANNRegressor", "FinetuneRegressor", "RSDRegressor"} <= names


@every_adapting
def test_lam_zero_is_the_source_only_network_to_the_last_bit(cls: type, data: Data) -> None:
    dropout = {"module__dropout": 0.3}  # the dropout masks must not depend on the target
    lam_zero = cls(**{**small(cls), **dropout, "lam": 0}).fit(data.X, data.y, data.X_target)
    # both have the method's defaults of the optimizer and the network
    plain = source_only(lam_zero, data.X, data.y)
    assert_same_weights(lam_zero, plain)
    assert_array_equal(outputs(lam_zero, data.X_target), outputs(plain, data.X_target))


@every_adapting
def test_lam_changes_the_weights(cls: type) -> None:
    assert differ(reference(cls, lam=0), reference(cls, lam=1))


@every_adapting
def test_another_target_changes_the_fit(cls: type, data: Data) -> None:
    data.X_target = data.X_target[::-1] ** 3
    assert differ(reference(cls, lam=1), fitted(cls, data, lam=1))


@every_adapting
def test_a_missing_target_is_an_error_that_says_what_to_pass(cls: type, data: Data) -> None:
    with pytest.raises(ValueError, match=rf"{cls.__name__} adapts to a target.* as X_target"):
        cls(**small(cls)).fit(data.X, data.y)


@every_way
def test_inputs_are_read_only_and_stay_as_they_are(cls: type, data: Data) -> None:
    before = data.X.copy(), data.y.copy(), data.X_target.copy()
    for array in (data.X, data.y, data.X_target):
        array.setflags(write=False)
    estimator = fitted(cls, data)
    estimator.predict(data.X_target)
    estimator.transform(data.X_target)
    for array, as_it_was in zip((data.X, data.y, data.X_target), before, strict=True):
        assert_array_equal(array, as_it_was)


@pytest.mark.parametrize(
    ("cls", "n_source", "n_target"),
    [
        (cls, *sizes)
        for cls in public_estimators()
        for sizes in [(50, 1), (7, 200), *([(50, 7), (33, 33)] if cls in WAYS else [])]
    ],
)
def test_the_domains_may_have_any_two_sizes(cls: type, n_source: int, n_target: int) -> None:
    data = Data(n_source, n_target)
    estimator = fitted(cls, data, max_epochs=1)
    assert estimator.predict(data.X_target).shape == (n_target,)
    if not has_classes(cls):
        return
    proba = estimator.predict_proba(data.X_target)
    assert proba.shape == (n_target, 2)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("cls", "batch_size"),
    [
        (cls, size)
        for cls in public_estimators()
        for size in [1, *([16, 1000] if cls in WAYS else [])]
    ],
)
def test_any_batch_size_trains(cls: type, batch_size: int) -> None:
    estimator = fitted(cls, Data(20, 30), batch_size=batch_size, max_epochs=1)
    assert all(torch.isfinite(value).all() for value in weights(estimator).values())
    assert estimator.history_[-1]["train_batch_count"] == -(-20 // batch_size)


@every_way
def test_a_second_fit_forgets_the_first(cls: type, data: Data) -> None:
    twice = cls(**small(cls)).fit(data.X * 3, 1 - data.y, data.X_target - 5)
    twice.fit(data.X, data.y, data.X_target)
    assert_same_weights(reference(cls), twice)


LABELS: dict[str, list[Any]] = {
    "<U3": ["no", "yes"],
    "int64": [-1, 1],
    "bool": [False, True],
    "float64": [3.0, 7.0],
}


@pytest.mark.parametrize(
    ("cls", "dtype"),
    [
        (cls, dtype)
        for cls in filter(has_classes, WAYS)
        for dtype in (LABELS if cls in INPUT_WAYS else ["<U3"])
    ],
)
def test_labels_of_any_kind_come_back(cls: type, data: Data, dtype: str) -> None:
    labels = LABELS[dtype]
    estimator = cls(**small(cls)).fit(data.X, np.array(labels)[data.y], data.X_target)
    assert estimator.classes_.tolist() == labels
    proba, predicted = estimator.predict_proba(data.X_target), estimator.predict(data.X_target)
    assert_array_equal(proba, reference(cls).predict_proba(data.X_target))
    # the columns of the probabilities are in the order of classes_
    assert_array_equal(predicted, np.array(labels)[proba.argmax(axis=1)])
    assert predicted.dtype == dtype


@every_classifier
def test_the_labels_are_learned(cls: type, data: Data) -> None:
    y = np.array(["no", "yes"])[data.y]
    params = {"max_epochs": 15, "lr": 2e-2}
    estimator = cls(**{**small(cls), **params}).fit(data.X, y, data.X_target)
    assert estimator.score(data.X, y, domain="source") > 0.85


@every_estimator
def test_clone_and_pickle(cls: type, data: Data) -> None:
    estimator = copy.deepcopy(reference(cls))
    copied = clone(estimator)
    assert copied.get_params() == estimator.get_params()
    with pytest.raises(NotFittedError):
        copied.predict(data.X_target)
    loaded = pickle.loads(pickle.dumps(estimator))
    methods = "predict", "predict_proba", "decision_function", "transform"
    for method in [method for method in methods if hasattr(estimator, method)]:
        for domain in ("source", "target"):
            assert_array_equal(
                getattr(loaded, method)(data.X_target, domain=domain),
                getattr(estimator, method)(data.X_target, domain=domain),
            )
    if not hasattr(estimator, "partial_fit"):
        return
    loaded.partial_fit(data.X, data.y, data.X_target)
    estimator.partial_fit(data.X, data.y, data.X_target)
    assert_same_weights(loaded, estimator)


@every_estimator
def test_a_seed_reproduces_and_leaves_the_global_generators_alone(cls: type, data: Data) -> None:
    before = torch.get_rng_state()
    reference(cls)
    torch.rand(3)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = fitted(cls, data)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    # the cached fit had other states of the generators
    assert_same_weights(first, reference(cls))
    assert differ(first, reference(cls, random_state=1))
    torch.set_rng_state(before)


@every_estimator
def test_a_user_s_module_needs_no_change_and_is_never_trained_in_place(
    cls: type, data: Data
) -> None:
    module = nn.Sequential(
        nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 1 + has_classes(cls))
    )
    before = {name: value.clone() for name, value in module.state_dict().items()}
    own = {name: value for name, value in OWN.get(stem(cls), {}).items() if name != "module"}
    params = {"max_epochs": 2, "random_state": 0, **own}
    estimator = cls(module, **params).fit(data.X, data.y, data.X_target)
    assert estimator.transform(data.X_target).shape == (70, 5)
    assert any(not torch.equal(value, before[name]) for name, value in weights(estimator).items())
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not any(m._forward_hooks for m in [*module.modules(), *estimator.module_.modules()])


@every_classifier
def test_one_logit_is_enough_for_two_classes(cls: type, data: Data) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
    own = {name: value for name, value in OWN.get(stem(cls), {}).items() if name != "module"}
    own |= {"lam": 0.1} if needs_target(cls) else {}
    params = {"max_epochs": 30, "lr": 0.01, "random_state": 0, **own}
    estimator = cls(module, **params).fit(data.X, data.y, data.X_target)
    assert estimator.predict_proba(data.X_target).shape == (70, 2)
    logits = estimator.decision_function(data.X, domain="source")
    assert ((logits > 0) == data.y).mean() > 0.75


@every_estimator
def test_adapt_layers_say_what_transform_returns(cls: type, data: Data) -> None:
    if cls.__name__ == "MCDClassifier":
        with pytest.raises(ValueError, match="'adapt_layers' parameter of MCDClassifier must be"):
            fitted(cls, data, adapt_layers="features.1")
        return
    if cls in WAYS:
        one = fitted(cls, data, adapt_layers="features.1")
        assert one.transform(data.X_target).shape == (70, 8)
    two = fitted(cls, data, adapt_layers=["features.1", "classifier"])
    features = two.transform(data.X_target)
    logits = features[:, 8:]
    if has_classes(cls):
        made, expected = logits[:, 1] - logits[:, 0], two.decision_function(data.X_target)
    else:
        made, expected = logits[:, 0] * two.y_scale_ + two.y_mean_, two.predict(data.X_target)
    np.testing.assert_allclose(made, expected, rtol=1e-5)
    frame = two.set_output(transform="pandas").transform(data.X_target)
    names = [f"{cls.__name__.lower()}{i}" for i in range(features.shape[1])]
    assert frame.columns.tolist() == names


@every_way
def test_a_domain_has_its_own_batch_statistics(cls: type, data: Data) -> None:
    estimator = fitted(cls, data, adapt_batch_norm=True)
    assert differ_by_domain(estimator, data)
    # re-estimated on the target, the normalised input has zero mean and unit variance there
    first = estimator.net_.plain_module.features[0]
    with estimator.net_.domain_stats_.of("target", estimator.net_.plain_module):
        np.testing.assert_allclose(first.running_mean, data.X_target.mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(first.running_var, data.X_target.var(axis=0, ddof=1), rtol=1e-5)
    with pytest.raises(ValueError, match="'domain' parameter must be 'source' or 'target'"):
        estimator.predict(data.X, domain="both")


def differ_by_domain(estimator: Any, data: Data) -> bool:
    of_source, of_target = (
        outputs(estimator, data.X_target, domain) for domain in ("source", "target")
    )
    return bool((of_source != of_target).any())


@pytest.mark.parametrize("cls", [*filter(needs_target, WAYS)])
def test_joint_statistics_make_no_difference_between_the_domains(cls: type, data: Data) -> None:
    if cls.__name__ == "ADDAClassifier":
        pytest.skip("each domain has a network of its own")
    assert not differ_by_domain(fitted(cls, data, batch_stats="joint"), data)
    assert differ_by_domain(reference(cls), data)


@every_way
def test_labelled_target_rows_join(cls: type) -> None:
    data = Data(60, 160)
    data.X_target[:, 1:] *= -1  # in the target, three of the four columns have the opposite meaning
    unlabelled = -1 if has_classes(cls) else np.nan
    y_target = np.where(np.arange(160) < 60, data.y_target, unlabelled)
    params = {**small(cls), "batch_size": 16, "max_epochs": 15, "lr": 2e-2}
    if needs_target(cls):
        params["lam"] = 0  # then only the labels of the target affect the fit
    without = cls(**params).fit(data.X, data.y, data.X_target)
    estimator = cls(**params).fit(data.X, data.y, data.X_target, y_target=y_target)
    unseen = data.X_target[60:], data.y_target[60:]
    assert estimator.score(*unseen) > without.score(*unseen) + 0.2
    if not has_classes(cls):
        return
    objects = np.where(y_target < 0, None, np.array(["a", "b"])[y_target])
    names = np.array(["a", "b"])[data.y]
    params["max_epochs"] = 1
    numbered = cls(**params).fit(data.X, data.y, data.X_target, y_target=y_target)
    named = cls(**params).fit(data.X, names, data.X_target, y_target=objects)
    assert_same_weights(numbered, named)


@every_way
def test_partial_fit_and_warm_start_go_on_from_the_weights(cls: type, data: Data) -> None:
    all_classes = {"classes": [0, 1]} if has_classes(cls) else {}
    if hasattr(cls(), "partial_fit"):
        parts = cls(**small(cls))
        for _ in range(3):
            parts.partial_fit(data.X, data.y, data.X_target, **all_classes)
        assert len(parts.history_) == 3
    before = fitted(cls, data, lr=1e-2)
    first, last = source_losses(before)[[0, -1]]
    warm = before.set_params(warm_start=True, lr=1e-8, max_epochs=1)
    warm.fit(data.X, data.y, data.X_target)
    assert source_losses(warm)[0] == pytest.approx(last, rel=0.3)
    assert source_losses(warm)[0] < first


def source_losses(estimator: Any) -> np.ndarray:
    net = getattr(estimator, "source_net_", estimator.net_)
    return np.array(net.history[:, "classification_loss"])


@every_way
def test_a_double_underscore_parameter_is_like_any_other(cls: type, data: Data) -> None:
    own = OWN.get(stem(cls), {})
    estimator = cls(module__hidden=(7,), optimizer__weight_decay=0.1, **own)
    assert estimator.get_params()["module__hidden"] == (7,)
    estimator.set_params(module__hidden=(9, 5), optimizer__weight_decay=0.2, max_epochs=1)
    copied = clone(estimator).fit(data.X, data.y, data.X_target)
    assert copied.transform(data.X).shape[1] == 5
    assert copied.net_.optimizer_.param_groups[0]["weight_decay"] == 0.2


@every_estimator
def test_the_user_s_arguments_are_all_in_the_signature_and_the_docstring(cls: type) -> None:
    for name in cls().get_params():
        assert f"\n{name} :" in cls.__doc__, name
