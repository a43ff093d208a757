"""Mixed precision and real compilation give the same results."""

from __future__ import annotations

import shutil
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from skda import CDANClassifier, DANClassifier, DANNClassifier, DeepCORALClassifier
from tests.training.small import DATA, SMALL, dann


class Spy(nn.Module):
    """A network that notes the precision of its products."""

    seen: ClassVar[set[torch.dtype]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU())
        self.classifier = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        logits = self.classifier(self.features(x))
        self.seen.add(logits.dtype)
        return logits


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    Spy.seen.clear()


@pytest.mark.parametrize(
    "cls", [DANNClassifier, DANClassifier, DeepCORALClassifier, CDANClassifier]
)
def test_bf16_trains_to_nearly_the_same_predictions(cls: type) -> None:
    options: dict[str, Any] = {"max_epochs": 15, "random_state": 0, "lr": 0.01}
    wide, mixed = (
        cls(Spy, amp=amp, **options).fit(DATA.X, DATA.y, DATA.X_target) for amp in (None, "bf16")
    )
    assert all(p.dtype == torch.float32 for p in mixed.module_.parameters())
    probabilities = [e.predict_proba(DATA.X_target) for e in (wide, mixed)]
    assert probabilities[1].dtype == np.float32
    assert 0 < np.abs(probabilities[0] - probabilities[1]).mean() < 0.1
    features = [e.transform(DATA.X_target) for e in (wide, mixed)]
    assert features[1].dtype == np.float32
    assert 0 < np.abs(features[0] - features[1]).mean() < 0.2 * np.abs(features[0]).mean()


@pytest.mark.parametrize(("amp", "dtype"), [(None, torch.float32), ("bf16", torch.bfloat16)])
def test_every_pass_has_the_precision_that_was_asked_for(amp: str | None, dtype: Any) -> None:
    estimator = DANNClassifier(Spy, amp=amp, max_epochs=1, random_state=0)
    Spy.seen.clear()
    estimator.fit(DATA.X, DATA.y, DATA.X_target)
    trained = set(Spy.seen) - {torch.float32} if amp else set(Spy.seen)
    assert trained == {dtype}  # `fit` also calls it once in float32, before the training
    for method in ("predict", "transform"):
        Spy.seen.clear()
        getattr(estimator, method)(DATA.X_target)
        assert Spy.seen == {dtype}


def test_another_precision_is_an_error_that_names_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="The 'amp' parameter of DANNClassifier must be"):
        dann(amp="int8")


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for the CPU with g++")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # from torch's compiler
def test_a_really_compiled_module_trains_to_the_same_weights() -> None:
    # with Adam, a gradient that is zero but for its rounding would decide the sign of a step
    options = SMALL | {"optimizer": torch.optim.SGD, "lr": 0.01}
    plain, compiled = (dann(compile=compile, **options) for compile in (False, True))
    for of in ("decision_function", "transform"):
        one, other = (getattr(estimator, of)(DATA.X_target) for estimator in (plain, compiled))
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
