"""Labels and classes as users give them, to every estimate of the shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import DataConversionWarning

from skda.priors import bbse_priors, label_shift_fit, mlls_priors
from tests.priors.shares import draw

ESTIMATES = [bbse_priors, mlls_priors, lambda *given, **kw: label_shift_fit(*given, **kw).shares]


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    y, source = draw(60, [0.4, 0.6], rng)
    return source, y, draw(40, [0.7, 0.3], rng)[1]


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_a_frame_of_one_column_is_a_vector(estimate, rows):
    source, y, target = rows
    expected = estimate(source, y, target)
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        found = estimate(source, pd.DataFrame({"y": y}), target)
    assert_array_equal(found, expected)
    names = np.array(["no", "yes"])
    for labels in (names[y].tolist(), pd.Series(names[y], dtype="category")):
        assert_array_equal(estimate(source, labels, target, classes=["no", "yes"]), expected)


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_classes_name_each_column_once(estimate, rows):
    source, y, target = rows
    with pytest.raises(ValueError, match=r"'classes' must name each column once.* Got \[0, 0\]"):
        estimate(source, y, target, classes=[0, 0])
    with pytest.raises(ValueError, match=r"y_source holds labels that are not in 'classes': \[0"):
        estimate(source, y, target, classes=["0", "1"])
    with pytest.raises(ValueError, match="classes contains NaN, None or another missing label"):
        estimate(source, y, target, classes=["0", None])
