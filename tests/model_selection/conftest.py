from typing import Any

import pytest
import sklearn

from tests.model_selection.fakes import CenteringClassifier, shifted_blobs


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(autouse=True)
def forget_calls():
    CenteringClassifier.calls.clear()


@pytest.fixture
def blobs() -> tuple[Any, ...]:
    return shifted_blobs()
