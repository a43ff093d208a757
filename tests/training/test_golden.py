"""Training gives the recorded weights: an optimisation of the code must not change results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn

from skda import CDANClassifier, DANClassifier, DANNClassifier, DeepCORALClassifier, JANClassifier
from tests.shifted import shifted
from tests.training.small import with_the_pinned_torch

# all parameters that affect the result are set here, so a new default changes nothing
PLAIN: dict[str, Any] = {
    "batch_size": 16,
    "max_epochs": 3,
    "lr": 0.05,
    "lr_schedule": "constant",
    "lam": 1.0,
    "lam_schedule": "ramp",
    "optimizer": torch.optim.SGD,
    "optimizer__momentum": 0.9,
    "random_state": 3,
    "device": "cpu",
}


def network(batch_norm: bool) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        norm = nn.BatchNorm1d(6) if batch_norm else nn.Tanh()
        return nn.Sequential(nn.Linear(4, 6), norm, nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 2))

    return build


def checksum(estimator: Any) -> list[float]:
    """Mean and alternating mean of the weights and buffers, and of the target's logits."""
    net, data = estimator.net_, shifted()
    parts = [*net.module_.state_dict().values(), *net.domain_stats_.state_dict().values()]
    if net.adaptation is not None:
        parts += net.adaptation_.state_dict().values()
    numbers = torch.cat([part.double().flatten() for part in parts]).numpy()
    logits = estimator.decision_function(data.X_target).astype(np.float64)
    signs = np.resize([1.0, -1.0, 0.5], len(numbers))
    return [float(v.mean()) for v in (numbers, signs * numbers, logits, np.abs(logits))]


CASES: dict[str, tuple[type, bool, dict[str, Any]]] = {
    "DANN": (DANNClassifier, False, {}),
    "DANN, batch norm": (DANNClassifier, True, {}),
    "DANN, Adam": (DANNClassifier, False, {"optimizer": torch.optim.Adam, "lr": 1e-3}),
    "DANN, annealed": (DANNClassifier, False, {"lr_schedule": "inverse_decay"}),
    "DAN": (DANClassifier, False, {}),
    "DAN, batch norm": (DANClassifier, True, {}),
    "DAN, weighted": (DANClassifier, False, {"kernel_weights": "optimal", "spacing": 2**0.5}),
    "DeepCORAL": (DeepCORALClassifier, False, {}),
    "DeepCORAL, batch norm": (DeepCORALClassifier, True, {}),
    "JAN": (JANClassifier, False, {}),
    "CDAN": (CDANClassifier, False, {}),
}

# printed before the first optimisation of the code
GOLDEN: dict[str, list[float]] = {
    "DANN": [0.00499432648, -0.00176574494, 0.000209107002, 1.05583787],
    "DANN, batch norm": [0.0483131676, 0.0310913588, -1.98100924, 3.6847652],
    "DANN, Adam": [0.00438832223, -0.00409980098, 0.356837166, 0.356837166],
    "DANN, annealed": [0.00440551284, -0.00350801813, 0.167825896, 0.349792596],
    "DAN": [-0.0301568104, 0.0202815099, 0.0319774384, 1.03473992],
    "DAN, batch norm": [0.442657947, 0.323392704, -1.94471556, 3.56614722],
    "DAN, weighted": [-0.00396774452, 0.0221414934, 0.0628913984, 1.06103424],
    "DeepCORAL": [-0.0293982794, 0.019698576, -0.0657936066, 1.01599206],
    "DeepCORAL, batch norm": [0.444555655, 0.323766731, -1.97570638, 3.63083549],
    "JAN": [-0.0298388063, 0.0211987603, 0.0348219822, 1.03325588],
    "CDAN": [0.00717712573, 0.00279844549, 0.00831827869, 1.04511964],
}


def fitted(case: str, as_rows: Callable[[np.ndarray], Any] = np.asarray) -> Any:
    """Two domains of different sizes, some labelled target rows; 61 rows make uneven batches."""
    cls, batch_norm, options = CASES[case]
    data = shifted(61, 37)
    y_target = np.where(np.arange(37) < 5, data.y_target, -1)
    params = PLAIN | options
    if params["optimizer"] is torch.optim.Adam:
        del params["optimizer__momentum"]
    estimator = cls(network(batch_norm), **params)
    return estimator.fit(as_rows(data.X), data.y, as_rows(data.X_target), y_target=y_target)


@with_the_pinned_torch
@pytest.mark.parametrize("case", CASES)
def test_the_same_seed_gives_the_weights_that_it_gave_before(case: str) -> None:
    np.testing.assert_allclose(checksum(fitted(case)), GOLDEN[case], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("as_rows", [sparse.csr_matrix, np.float32])
def test_however_the_rows_are_stored(as_rows: Callable[[np.ndarray], Any]) -> None:
    plain = checksum(fitted("DANN"))
    np.testing.assert_allclose(checksum(fitted("DANN", as_rows)), plain, rtol=1e-6, atol=1e-6)
