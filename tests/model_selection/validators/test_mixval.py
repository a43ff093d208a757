import numpy as np
import pytest
from scipy.sparse import csr_array, issparse

from skda.model_selection import mixval

ROWS = np.array([[-2.0], [-2.0], [2.0], [2.0]])


def above(threshold):
    return lambda rows: np.asarray(rows)[:, 0] > threshold


@pytest.mark.parametrize("seed", range(3))
def test_scores_by_hand(seed):
    # Same label: mixtures are the rows themselves. Other label: ±(.55 - .45) · 2 = ±.2.
    assert mixval(above(0.0), ROWS, random_state=seed) == 1.0
    # A boundary at 1 takes the mixtures at +.2 for the left class: half of the second probe.
    assert mixval(above(1.0), ROWS, random_state=seed) == 0.75
    # At a weight of .9 the mixtures lie at ±1.6.
    assert mixval(above(1.0), ROWS, mix_weight=0.9, random_state=seed) == 1.0
    # Collapsed: one perfect probe, none of the other.
    assert mixval(above(5.0), ROWS, random_state=seed) == 0.5


def test_classes_of_one_row_have_no_first_probe():
    assert mixval(above(0.0), ROWS[1:3]) == 0.5


def test_partners_are_other_rows():
    seen = []

    def predict(rows):
        seen.append(rows)
        return rows[:, 0] > 0

    rows = np.array([[-1.0], [-3.0], [1.0], [3.0]])
    mixval(predict, rows, mix_weight=0.75)
    assert sorted(seen[1][:, 0]) == [-2.5, -1.5, 1.5, 2.5]
    # .75 · own + .25 · one of the other side.
    possible = {0.75 * own + 0.25 * other for own in (-1, -3) for other in (1, 3)}
    assert set(np.abs(seen[2][:, 0])) <= {abs(one) for one in possible}
    assert len(seen[2]) == 4


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.bool_])
def test_type_of_the_rows_is_kept(dtype):
    rows = np.array([[0, 1], [0, 1], [1, 0], [1, 0]]).astype(dtype)
    images = rows.reshape(4, 1, 1, 2)
    dtypes = []

    def predict(batch):
        dtypes.append(batch.dtype)
        assert batch.shape[1:] == (1, 1, 2)
        return batch[:, 0, 0, 0] > batch[:, 0, 0, 1]

    assert mixval(predict, images) == 1.0
    assert dtypes == [np.dtype(dtype)] * 3


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_sparse_rows_stay_sparse(dtype):
    def predict(rows):
        assert issparse(rows)
        assert rows.dtype == dtype
        return rows.toarray()[:, 0] > 0

    assert mixval(predict, csr_array(4 * ROWS.astype(dtype))) == 1.0


def test_messages():
    with pytest.raises(ValueError, match=r"mix_weight must be in the range \(0.5, 1\). Got 0.5"):
        mixval(above(0.0), ROWS, mix_weight=0.5)
    with pytest.raises(ValueError, match="needs at least two target rows"):
        mixval(above(0.0), ROWS[:1])
