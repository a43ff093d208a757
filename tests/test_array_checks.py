import numpy as np
import pytest
from scipy.sparse import csr_array, issparse

from skda._inputs.array_checks import (
    check_features,
    check_probabilities,
    check_row_values,
    check_same_length,
)


def test_probabilities_in_single_precision_pass():
    proba = np.array([[0.3333, 0.6667]], dtype=np.float32)
    checked = check_probabilities(proba)
    assert checked.dtype == np.float64
    np.testing.assert_array_equal(checked, proba)


@pytest.mark.parametrize("rows", [[[2.0, -1.0]], [[0.4, 0.4]], [[3.1, 0.2]]])
def test_logits_are_refused(rows):
    with pytest.raises(ValueError, match=r"p must hold class probabilities.*not logits"):
        check_probabilities(rows, "p")


def test_nan_is_refused_by_name():
    with pytest.raises(ValueError, match="proba_target contains NaN"):
        check_probabilities([[np.nan, 1.0]], "proba_target")


def test_images_are_flattened():
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
    np.testing.assert_array_equal(check_features(images), images.reshape(2, 12))


def test_sparse_features_stay_sparse():
    checked = check_features(csr_array([[0, 1], [2, 0]]))
    assert issparse(checked)
    np.testing.assert_array_equal(checked.toarray(), [[0.0, 1.0], [2.0, 0.0]])


def test_a_column_of_values_is_refused():
    with pytest.raises(ValueError, match=r"weights must have shape \(n_rows,\).*\(3, 1\).*ravel"):
        check_row_values(np.ones((3, 1)), "weights")


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf])
def test_bad_values_are_refused(bad):
    with pytest.raises(ValueError, match=r"losses must be finite numbers in the range \[0, inf\)"):
        check_row_values([1.0, bad], "losses")


def test_lengths_are_named():
    with pytest.raises(ValueError, match="a has 2, b has 3"):
        check_same_length(a=np.zeros(2), b=np.zeros(3))
