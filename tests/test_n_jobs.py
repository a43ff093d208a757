"""Several jobs give equal results, in processes and in threads.

All tests are in one file, so that the processes, which take seconds to start, start once.
"""

from __future__ import annotations

from typing import Any

import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal

from skda import DANNClassifier
from skda.model_selection import LambdaSearchCV
from tests.compared import assert_same_weights
from tests.contract import Data, fitted, reference
from tests.discovery import INPUT_WAYS, WAYS


# test_a_seed_reproduces_and_leaves_the_global_generators_alone tests that no estimator draws from
# global generators, which differ between processes
@pytest.mark.parametrize(
    ("cls", "backend"),
    [
        *((cls, "threading") for cls in WAYS),
        *((cls, "loky") for cls in INPUT_WAYS),
    ],
)
def test_every_estimator(cls: type, backend: str) -> None:
    alone = [reference(cls), reference(cls, random_state=1)]
    jobs = (delayed(fitted)(cls, Data(), random_state=seed) for seed in range(2))
    for one, other in zip(alone, Parallel(n_jobs=2, backend=backend)(jobs), strict=True):
        assert_same_weights(one, other)


def test_the_search_over_lam() -> None:
    data = Data()
    estimator = DANNClassifier(max_epochs=2, batch_size=32, module__hidden=(6,))
    options: dict[str, Any] = {"cv": 2, "vectorize": False, "random_state": 0}
    alone, parallel = (
        LambdaSearchCV(estimator, (0.1, 1.0), n_jobs=n_jobs, **options).fit(
            data.X, data.y, data.X_target
        )
        for n_jobs in (None, 2)
    )
    for name, column in alone.cv_results_.items():
        if not name.endswith("_time"):
            assert_array_equal(column, parallel.cv_results_[name], err_msg=name)
    proba = [found.predict_proba(data.X_target) for found in (alone, parallel)]
    assert_array_equal(*proba)
