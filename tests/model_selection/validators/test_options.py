"""Options of validators are checked before a model is trained."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skda.model_selection import (
    class_ami,
    collapse_guard,
    compute_validator,
    density_ratio,
    get_validator_names,
    make_validator_scorer,
    mixval,
    proxy_a_distance,
    reverse_validation,
)

RNG = np.random.default_rng(0)
X, X_TARGET = RNG.normal(size=(40, 2)), RNG.normal(size=(30, 2))
Y = np.arange(40) % 2
NO_NUMBERS = ["a", None, [1.0], -1, np.nan]

# validator and option, values that it refuses, what the message allows
OPTIONS = [
    (
        "iwv",
        "C",
        ["a", None, [], [0.0], -1, np.nan, {}],
        "a float in the range (0, inf], or severa",
    ),
    ("iwv", "clip", ["a", [1], 0, -1, np.nan], "None or a number above 0"),
    ("a_distance", "cv", [*NO_NUMBERS, 1, 2.0], "an int in the range [2, inf)"),
    ("a_distance", "random_state", [*NO_NUMBERS, 1.5], "an int in the range [0, inf)"),
    ("dev", "loss", ["hinge", None, 0], "'zero_one' or 'log'"),
    ("snd", "temperature", [*NO_NUMBERS, 0], "a number above 0"),
    ("mixval", "mix_weight", [*NO_NUMBERS, 0.5, 1], "in the range (0.5, 1)"),
    ("atc", "score", ["margin", None], "one of ('entropy', 'confidence')"),
]


@pytest.mark.parametrize(("name", "option", "values", "allowed"), OPTIONS)
def test_a_scorer_refuses_values_when_it_is_made(name, option, values, allowed):
    for value in values:
        message = (
            rf"^{option} must be {re.escape(allowed)}.*Got {re.escape(repr(value))} instead\.$"
        )
        with pytest.raises(ValueError, match=message):
            make_validator_scorer(name, **{option: value})


@pytest.mark.parametrize("function", [density_ratio, proxy_a_distance])
def test_the_functions_refuse_them_too(function):
    for option, value in (("C", []), ("cv", 1), ("random_state", None)):
        with pytest.raises(ValueError, match=f"^{option} must be "):
            function(X, X_TARGET, **{option: value})
    one, several = (function(X, X_TARGET, C=C) for C in ([0.1, 1.0], {1.0, 0.1}))
    np.testing.assert_array_equal(one, several)


def test_other_arguments():
    fitted = LogisticRegression().fit(X, Y)
    for size in (0, 1, 1.5, "a", None):
        with pytest.raises(
            ValueError, match=r"^test_size must be a float in the range \(0, 1\)\. "
        ):
            reverse_validation(fitted, X, Y, X_TARGET, test_size=size)
    for n in ("a", [2], 1.5):
        with pytest.raises(ValueError, match="n_clusters must be None or an integer above 0"):
            class_ami(X, Y, n_clusters=n)
        with pytest.raises(ValueError, match="n_classes must be None or an integer above 0"):
            collapse_guard(Y, Y, Y, source_only_accuracy=1.0, n_classes=n)
    with pytest.raises(TypeError, match=r"predict must be a function of rows, .* Got LogisticReg"):
        mixval(fitted, X)
    with pytest.raises(
        ValueError, match=r"task must be 'classification' or 'regression'\. Got 'a'"
    ):
        get_validator_names("a")
    with pytest.raises(
        TypeError, match="evidence must be an ArrayEvidence or an EstimatorEvidence"
    ):
        compute_validator("snd", fitted)
