import numpy as np
import pytest

from skda.model_selection import collapse_guard

Y = np.repeat([0, 1], 50)


def predictions(n_wrong):
    predicted = Y.copy()
    predicted[:n_wrong] = 1
    return predicted


def test_a_sound_model_is_accepted():
    verdict = collapse_guard(Y, predictions(2), np.arange(40) % 2, source_only_accuracy=0.97)
    assert verdict.accepted
    assert bool(verdict) is True
    assert verdict.reason == (
        "accepted: held-out source accuracy 0.980 (at least 0.920), entropy of the predicted "
        "classes on the target 0.693 nats (at least 0.347)"
    )


@pytest.mark.parametrize(("n_wrong", "accepted"), [(29, True), (30, True), (31, False)])
def test_accuracy_may_fall_by_the_tolerance_and_no_more(n_wrong, accepted):
    verdict = collapse_guard(
        Y, predictions(n_wrong), Y, source_only_accuracy=0.8, accuracy_tolerance=0.1
    )
    assert verdict.accepted is accepted
    assert verdict.reason.startswith("accepted" if accepted else "forgot the source: held-out")


@pytest.mark.parametrize(("n_minority", "accepted"), [(0, False), (10, False), (12, True)])
def test_default_ratio_asks_for_eleven_percent_of_two_balanced_classes(n_minority, accepted):
    target = np.r_[np.ones(n_minority), np.zeros(100 - n_minority)]
    verdict = collapse_guard(Y, Y, target, source_only_accuracy=1.0)
    assert verdict.accepted is accepted
    assert bool(verdict) is accepted
    assert ("collapsed on the target" in verdict.reason) is not accepted


def test_unequal_source_classes_excuse_unequal_predictions():
    rare = np.r_[np.ones(5), np.zeros(95)]
    assert collapse_guard(rare, rare, rare, source_only_accuracy=1.0)
    assert not collapse_guard(rare, rare, np.zeros(100), source_only_accuracy=1.0)


def test_strings_and_one_source_class():
    labels = np.array(["cat", "dog"])[Y]
    assert collapse_guard(labels, labels, labels, source_only_accuracy=1.0)
    assert collapse_guard(["cat"] * 3, ["cat"] * 3, ["cat"], source_only_accuracy=1.0)


def test_n_classes_bounds_what_is_expected_and_is_reported():
    verdict = collapse_guard(Y, Y, np.zeros(9), source_only_accuracy=1.0, n_classes=10)
    assert "0 % of log 10" in verdict.reason
    assert not verdict


@pytest.mark.parametrize(
    "name", ["source_only_accuracy", "accuracy_tolerance", "min_entropy_ratio"]
)
def test_ranges(name):
    arguments = {"source_only_accuracy": 1.0, name: 1.5}
    with pytest.raises(ValueError, match=rf"{name} must be a float in the range \[0, 1\]. Got 1.5"):
        collapse_guard(Y, Y, Y, **arguments)


def test_messages():
    with pytest.raises(ValueError, match="predictions_target must have at least one row"):
        collapse_guard(Y, Y, [], source_only_accuracy=1.0)
    with pytest.raises(ValueError, match=r"n_classes must be None or an integer above 0. Got 0"):
        collapse_guard(Y, Y, Y, source_only_accuracy=1.0, n_classes=0)
