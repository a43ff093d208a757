"""Prediction: the result of a row does not depend on the other rows."""

from __future__ import annotations

import numpy as np
import pytest

from skda import DANNClassifier
from skda.datasets import make_covariate_shift


@pytest.mark.parametrize("method", ["predict_proba", "decision_function", "transform"])
def test_a_row_alone_gets_the_bits_that_it_gets_among_others(method: str) -> None:
    data = make_covariate_shift(60, 60, random_state=0)
    estimator = DANNClassifier(max_epochs=3, random_state=0)
    estimator.fit(data.X_source, data.y_source, data.X_target)
    rows = data.X_target_test[:1100]  # more than one batch
    together = getattr(estimator, method)(rows)
    for n in (1, 3, 17):
        parts = [getattr(estimator, method)(rows[i : i + n]) for i in range(0, 51, n)]
        np.testing.assert_array_equal(np.concatenate(parts), together[:51])
    np.testing.assert_array_equal(getattr(estimator, method)(rows[1090:]), together[1090:])
