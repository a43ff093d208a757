"""Properties of all generated data sets."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skda.datasets import (
    make_covariate_shift,
    make_digits_on_photos,
    make_rotated_moons,
    make_scanned_digits,
    make_shifted_regression,
)

pytestmark = pytest.mark.parametrize(
    "make",
    [
        make_covariate_shift,
        make_digits_on_photos,
        make_rotated_moons,
        make_scanned_digits,
        make_shifted_regression,
    ],
)
TRAINING_ROWS = ("X_source", "y_source", "X_target", "y_target")


def test_a_seed_reproduces_and_another_does_not(make):
    first, second, other = make(random_state=0), make(random_state=0), make(random_state=1)
    for key in first:
        assert_array_equal(first[key], second[key])
    for key in (*TRAINING_ROWS, "X_target_test", "y_target_test"):
        assert not np.array_equal(first[key], other[key])


def test_a_generator_is_advanced(make):
    rng = np.random.RandomState(0)
    first, second = make(random_state=rng), make(random_state=rng)
    assert_array_equal(first.X_target, make(random_state=0).X_target)
    assert not np.array_equal(first.X_source, second.X_source)


def test_the_global_generator_is_left_alone(make):
    before = np.random.get_state()  # noqa: NPY002 - the very thing that must not change
    make(random_state=0)
    after = np.random.get_state()  # noqa: NPY002
    assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_return_X_y_gives_the_training_rows(make):
    data, arrays = make(random_state=0), make(random_state=0, return_X_y=True)
    for array, key in zip(arrays, TRAINING_ROWS, strict=True):
        assert_array_equal(array, data[key])


def test_description_says_what_the_target_labels_are_for(make):
    assert "y_target is for oracles and scores only." in " ".join(
        make(random_state=0).DESCR.split()
    )


def test_wrong_random_state_is_named(make):
    with pytest.raises(ValueError, match=rf"The 'random_state' parameter of {make.__name__} must"):
        make(random_state=-1)
