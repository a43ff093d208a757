"""Bad input: each a clear error that names the parameter, and nothing is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn

from skda import DANClassifier, DANNClassifier, FinetuneClassifier, make_pipeline
from tests.discovery import has_classes, public_classifiers, public_estimators

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3))
Y = np.arange(20) % 2
XT = RNG.normal(size=(15, 3))
SMALL = {"max_epochs": 1, "module__hidden": (4,), "random_state": 0}


def with_value(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.astype(float)
    changed.flat[1] = value
    return changed


ARRAYS = [
    ((with_value(X, np.nan), Y, XT), {}, r"Input X_source contains NaN"),
    ((with_value(X, np.inf), Y, XT), {}, r"Input X_source contains infinity"),
    ((X, Y, with_value(XT, np.nan)), {}, r"Input X_target contains NaN"),
    ((X, Y, with_value(XT, -np.inf)), {}, r"Input X_target contains infinity"),
    ((X, with_value(Y, np.nan), XT), {}, r"Input y_source contains NaN"),
    ((X * 1e300, Y, XT), {}, r"X_source contains infinity or a value too large"),
    ((X, Y, XT[:, :2]), {}, r"X_target has 2 features, but \w+ is expecting 3 features as input"),
    ((X[:0], Y[:0], XT), {}, r"X_source is empty: it has no rows"),
    ((X, Y, XT[:0]), {}, r"X_target is empty: it has no rows"),
    ((X, Y * 0, XT), {}, r"y_source has only one class: 0. \w+ needs at least two classes"),
    ((X, Y[:7], XT), {}, r"y_source has 7 labels, but X_source has 20 rows"),
    ((X, RNG.normal(size=20), XT), {}, r"Unknown label type: continuous"),
    ((X, Y, XT), {"y_target": Y[:4]}, r"y_target has 4 labels, but X_target has 15 rows"),
    (
        (X, Y, XT),
        {"y_target": np.full(15, 5)},
        r"y_target has labels that y_source does not have: \[5\]. Known classes are \[0, 1\]",
    ),
    (
        (X, 2 * Y - 1, XT),
        {"y_target": np.full(15, -1)},
        r"y_target holds -1, which marks an unlabelled row, but -1 is also a class",
    ),
    ((X, Y, (XT, XT)), {}, r"'X_target' parameter must be an array or a tuple of exactly one"),
    ((X[0], Y, XT), {}, r"Expected 2D array, got 1D array"),
]


@pytest.mark.parametrize("cls", public_classifiers())
@pytest.mark.parametrize(("args", "params", "message"), ARRAYS)
def test_arrays(cls: type, args: tuple, params: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**SMALL).fit(*args, **params)


NUMBERS = RNG.normal(size=20)
DAYS = np.arange(20).astype("datetime64[D]")
OF_NUMBERS = [
    ((with_value(X, np.nan), NUMBERS, XT), {}, r"Input X_source contains NaN"),
    ((X, with_value(NUMBERS, np.nan), XT), {}, r"Input y_source contains NaN"),
    ((X, np.array(["dear"] * 20), XT), {}, r"y_source: could not convert string to float"),
    ((X, DAYS, XT), {}, r"y_source has dates or durations. Pass numbers, such as days since"),
    ((X, list(DAYS - DAYS[0]), XT), {}, r"y_source has dates or durations"),
    ((X, X[:7, :2], XT), {}, r"y_source has 7 labels, but X_source has 20 rows"),
    (
        (X, X, XT),
        {"y_target": XT[:, :2]},
        r"y_target has labels of shape \(15, 2\), but y_sou.* 3 ",
    ),
    ((X, X, XT), {"y_target": ["dear"] * 15}, r"y_target: could not convert string to float"),
]


@pytest.mark.parametrize(("args", "params", "message"), OF_NUMBERS)
@pytest.mark.parametrize("cls", [each for each in public_estimators() if not has_classes(each)])
def test_arrays_of_a_regressor(cls: type, args: tuple, params: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**SMALL).fit(*args, **params)


PARAMETERS = [
    ({"lam": -1}, r"The 'lam' parameter of DANNClassifier must be a float in the range \[0"),
    ({"lam": float("nan")}, r"'lam' parameter of DANNClassifier must be a float.* Got nan"),
    ({"lam": float("inf")}, r"'lam' parameter of DANNClassifier must be a float.* Got inf"),
    ({"lam_schedule": "up"}, r"'lam_schedule' parameter of DANNClassifier must be a str among"),
    ({"lr": 0}, r"The 'lr' parameter of DANNClassifier must be a float in the range \(0"),
    ({"max_epochs": 0}, r"The 'max_epochs' parameter of DANNClassifier must be an int"),
    ({"batch_size": 0.5}, r"The 'batch_size' parameter of DANNClassifier must be an int"),
    ({"batch_stats": "both"}, r"'batch_stats' parameter of DANNClassifier must be a str among"),
    ({"device": "tpu9"}, r"'device' parameter must be 'auto' or a device .* Got 'tpu9' instead"),
    ({"adapt_layers": "featuers"}, r"'adapt_layers' parameter.* Did you mean 'features'\?"),
    ({"adapt_layers": []}, r"'adapt_layers' parameter must name at least one layer"),
    ({"module__hiden": (3,)}, r"Unexpected argument module__hiden, did you mean module__hidden\?"),
    (
        {"optimizer__weight_decai": 1},
        r"Unexpected argument optimizer__weight_decai, did you mean optimizer__weight_decay\?",
    ),
    (
        {"discriminator__hiden": (3,)},
        r"Unexpected argument discriminator__hiden, did you mean discriminator__hidden\?",
    ),
    (
        {"criterion__label_smooth": 0.1},
        r"Unexpected argument criterion__label_smooth, did you mean criterion__label_smoothing\?",
    ),
    (
        {"callbacks__print_lug": None},
        r"Unexpected argument callbacks__print_lug, did you mean callbacks__print_log\?",
    ),
    ({"module": nn.Linear(3, 5)}, r"returns logits of shape.*\(2, 2\). Got \(2, 5\)"),
    ({"module": nn.Flatten}, r"'adapt_layers' parameter cannot be left at None"),
    ({"module": lambda: 3}, r"'module' parameter must be an nn.Module class.* returned a int"),
]


@pytest.mark.parametrize(("params", "message"), PARAMETERS)
def test_parameters(params: dict[str, Any], message: str) -> None:
    given = {"max_epochs": 1, **params} if "module" in params else {**SMALL, **params}
    with pytest.raises(ValueError, match=message):
        DANNClassifier(**given).fit(X, Y, XT)


def test_a_misspelt_parameter_names_the_nearest_match() -> None:
    expected = r"Unexpected argument module_hidden, did you mean module__hidden\?"
    with pytest.raises(TypeError, match=expected):
        DANNClassifier(module_hidden=(3,))
    with pytest.raises(TypeError, match=r"Unexpected argument lamb, did you mean lam\?"):
        DANNClassifier(lamb=1)
    estimator = DANNClassifier()
    with pytest.raises(ValueError, match=expected):
        estimator.set_params(lam=3, module_hidden=(3,))
    assert estimator.lam == 0.3  # nothing is set where something is wrong
    with pytest.raises(ValueError, match="module__hidden"):
        make_pipeline(StandardScaler(), estimator).set_params(dannclassifier__module_hidden=3)


def test_a_loss_that_diverges_is_an_error_and_the_old_fit_is_kept() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    estimator = DANClassifier(module, max_epochs=3, random_state=0).fit(X, Y, XT)
    before = estimator.predict_proba(XT)
    estimator.set_params(optimizer=torch.optim.SGD, lr=1e30)
    message = r"training loss became (nan|inf) in epoch \d.*Lower 'lr' \(now 1e\+30\) or 'lam'"
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, Y, XT)
    np.testing.assert_array_equal(estimator.predict_proba(XT), before)
    partial = DANClassifier(module, optimizer=torch.optim.SGD, random_state=0)
    partial.partial_fit(X, Y, XT)
    before = partial.predict_proba(XT)
    with pytest.raises(ValueError, match="training loss became"):
        partial.partial_fit(X * 1e30, Y, XT)
    np.testing.assert_array_equal(partial.predict_proba(XT), before)


def test_a_failed_fit_keeps_what_was_known_of_the_columns() -> None:
    estimator = FinetuneClassifier(**SMALL).fit(X, Y)
    before = estimator.predict(X)
    with pytest.raises(ValueError, match="only one class"):
        estimator.fit(X[:, :2], Y * 0)
    np.testing.assert_array_equal(estimator.predict(X), before)


def test_prediction_checks_the_columns() -> None:
    estimator = FinetuneClassifier(**SMALL).fit(X, Y)
    with pytest.raises(ValueError, match="X has 2 features, but FinetuneClassifier is expecting 3"):
        estimator.predict(X[:, :2])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        estimator.predict_proba(with_value(X, np.nan))


def test_freezing_a_module_that_may_be_untrained_is_an_error() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    with pytest.raises(ValueError, match="pass it as 'pretrained' instead of 'module'"):
        FinetuneClassifier(module, n_frozen=1).fit(X, Y)
    with pytest.raises(ValueError, match=r"'n_frozen' parameter of FinetuneClassifier.* at most 2"):
        FinetuneClassifier(pretrained=module, n_frozen=3).fit(X, Y)
