"""Frames whose column names cannot be read: the message says whose they are."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.validation import _get_feature_names

from skda import DANNClassifier, DomainStandardScaler, make_pipeline
from skda._inputs.naming import naming
from skda.inspection import feature_shift
from skda.subspace import CORAL, TCA, SubspaceAlignment

rng = np.random.default_rng(0)
X, X_TARGET, Y = rng.normal(size=(30, 3)), rng.normal(size=(20, 3)), np.arange(30) % 2

TAKE_BOTH: dict[str, Any] = {
    "CORAL": lambda s, t: CORAL().fit(s, X_target=t),
    "TCA": lambda s, t: TCA().fit(s, X_target=t),
    "SubspaceAlignment": lambda s, t: SubspaceAlignment().fit(s, X_target=t),
    "DomainStandardScaler": lambda s, t: DomainStandardScaler().fit(s, X_target=t),
    "feature_shift": lambda s, t: feature_shift(s, t),
    "DANNClassifier": lambda s, t: DANNClassifier(max_epochs=1).fit(s, Y, t),
    "pipeline": lambda s, t: make_pipeline(
        DomainStandardScaler(), DANNClassifier(max_epochs=1)
    ).fit(s, Y, X_target=t),
}


@pytest.mark.parametrize(
    ("names", "message"),
    [(["a", "a", "b"], "unique"), (["a", 1, 2], "Feature names are only supported if all")],
)
@pytest.mark.parametrize("function", TAKE_BOTH)
def test_names_that_cannot_be_read(function: str, names: Any, message: str) -> None:
    frame, frame_target = (pd.DataFrame(rows, columns=names) for rows in (X, X_TARGET))
    with suppress(TypeError, ValueError):
        _get_feature_names(frame)
        pytest.skip("this version of scikit-learn reads such names")
    source = "X" if function == "pipeline" else "X_source"
    for given, name in (((frame, X_TARGET), source), ((X, frame_target), "X_target")):
        with pytest.raises((TypeError, ValueError), match=message) as error:
            TAKE_BOTH[function](*given)
        # scikit-learn's own message may have the name X
        assert str(error.value).startswith(f"{name}: ") or (
            name == "X" and "X." in str(error.value)
        )


def test_an_error_that_wants_other_arguments_gets_a_name() -> None:
    with pytest.raises(ValueError, match=r"^X: 'utf-8' codec can't decode"), naming("X"):
        b"\xff".decode()
    with pytest.raises(TypeError, match=r"^X: ufunc '\w+' cannot use operands"), naming("X"):
        np.add(np.array("2020", dtype="M8[s]"), np.array("2020", dtype="M8[s]"))
