import numpy as np
import pytest
from scipy.sparse import csr_array

from skda.model_selection import class_ami


def three_blobs(seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(["a", "b", "c"], 20)
    centres = {"a": (0.0, 0.0), "b": (9.0, 0.0), "c": (0.0, 9.0)}
    return np.array([centres[one] for one in labels]) + rng.normal(size=(60, 2)), labels


def test_agreement_is_one_and_noise_is_about_zero():
    features, labels = three_blobs()
    assert class_ami(features, labels) == pytest.approx(1.0)
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(labels)
        assert abs(class_ami(features, shuffled)) < 0.15


def test_partial_agreement_by_hand():
    # Two clusters against two classes that share half the rows of each: mutual information 0,
    # expected mutual information E > 0, both entropies log 2: AMI = -E / (log 2 - E).
    # For 2 + 2 rows, E = 2/6 · log 2 (two of the six tables agree fully), so that AMI is -1/2.
    features = [[0.0], [0.1], [9.0], [9.1]]
    assert class_ami(features, [0, 1, 0, 1]) == pytest.approx(-0.5)


def test_a_collapsed_model_scores_zero():
    features, _ = three_blobs()
    assert class_ami(features, ["a"] * 60, n_clusters=3) == 0.0
    # Two constants agree by the book, with mutual information 1.
    assert class_ami(np.ones((60, 2)), ["a"] * 60) == 0.0


def test_fewer_distinct_rows_than_clusters():
    assert class_ami(np.ones((4, 2)), [0, 0, 1, 1], n_clusters=3) == pytest.approx(0.0)
    assert class_ami([[0.0], [1.0]], [0, 1], n_clusters=5) == pytest.approx(1.0)


def test_sparse_features_and_images():
    features, labels = three_blobs()
    assert class_ami(csr_array(features), labels) == pytest.approx(1.0)
    assert class_ami(features.reshape(60, 1, 2, 1), labels) == pytest.approx(1.0)


def test_messages():
    with pytest.raises(ValueError, match="features_target has 2, predictions_target has 3"):
        class_ami([[0.0], [1.0]], [0, 1, 1])
    with pytest.raises(ValueError, match=r"n_clusters must be None or an integer above 0. Got 0"):
        class_ami([[0.0], [1.0]], [0, 1], n_clusters=0)
