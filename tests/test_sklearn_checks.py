"""scikit-learn's own estimator checks, on every public estimator."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.discovery import (
    INPUT_WAYS,
    LEARNING_CHECKS,
    WAYS,
    needs_target,
    public_estimators,
    self_adapting,
)

_NAMED = "the second argument of fit is called y_source: domains have names"
NAMING = {
    "check_fit_score_takes_y": _NAMED,
    # and batches depend on the order of the rows; tests/test_weights.py tests the equivalence
    "check_sample_weight_equivalence_on_dense_data": _NAMED,
    "check_sample_weight_equivalence_on_sparse_data": _NAMED,
}


def small(cls: type) -> Any:
    estimator = self_adapting(cls) if needs_target(cls) else cls
    # fit_transform gives source features, transform gives target features; ADDA has an encoder
    # for each domain, so both agree at lam=0 only
    own: dict[str, dict[str, Any]] = {
        "ADDAClassifier": {"lam": 0},
        "WDGRLClassifier": {"critic_steps": 1},  # only to save time
    }
    return estimator(max_epochs=6, lr=2e-2, **own.get(cls.__name__, {}))


# checks that depend only on the kind of the rows and labels, and on the messages about wrong ones
OF_INPUT = {
    "check_classifier_data_not_an_array",
    "check_complex_data",
    "check_dtype_object",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_dtypes",
    "check_estimators_empty_data_messages",
    "check_estimators_nan_inf",
    "check_f_contiguous_array_estimator",
    "check_fit2d_predict1d",
    "check_n_features_in_after_fitting",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
    "check_regressor_data_not_an_array",
    "check_regressors_int",
    "check_supervised_y_2d",
    "check_transformer_data_not_an_array",
    "check_transformer_preserve_dtypes",
}
# checks of each class: its constructor, its tags, and a term that could spoil learning (for
# classifiers tests/test_contract.py tests the term)
OF_CLASS = {
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_regressors_train",
    "check_set_params",
    "check_valid_tag_types",
}
EVERY = parametrize_with_checks(
    [small(cls) for cls in public_estimators()], expected_failed_checks=lambda estimator: NAMING
)
CASES = list(EVERY.args[1])


def estimator_and_check(case: Any) -> tuple[Any, Any]:
    """Return the values of a case; pytest wraps the cases that are expected to fail."""
    return getattr(case, "values", case)


def is_kept(case: Any) -> bool:
    """Say whether the estimator represents its group for this check."""
    estimator, check = estimator_and_check(case)
    # the options of a check are read-only rows and rows in single precision
    if check.func.__name__ in OF_INPUT or check.keywords:
        return isinstance(estimator, tuple(INPUT_WAYS))
    return isinstance(estimator, tuple(WAYS)) or check.func.__name__ in OF_CLASS


@pytest.mark.parametrize(EVERY.args[0], [*filter(is_kept, CASES)], **EVERY.kwargs)
def test_scikit_learn_check(estimator: Any, check: Any) -> None:
    if check.func.__name__ not in LEARNING_CHECKS:
        estimator = clone(estimator).set_params(max_epochs=1)  # all checks share it
    check(estimator)


def test_only_checks_of_the_name_are_expected_to_fail() -> None:
    assert set(NAMING.values()) == {_NAMED}


def test_the_checks_that_are_named_are_scikit_learn_s() -> None:
    assert {estimator_and_check(case)[1].func.__name__ for case in CASES} >= OF_INPUT | OF_CLASS
