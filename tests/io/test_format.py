"""Files of earlier versions, and the memory that loading takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import skda
from skda.io import ModelFileError
from skda.io._nets import _load_optimizer
from tests.io.helpers import FIT, SMALL
from tests.io.make_fixture import FOLDER, ROWS

# probabilities of the models when their files were written
PROBABILITIES = {
    "source": [0.6567761301994324, 0.40401825308799744, 0.7561392188072205, 0.6697431802749634],
    "target": [0.6201943159103394, 0.3826478123664856, 0.7515870928764343, 0.6310169696807861],
}
MAPPED = [
    [0.6788176121338826, 0.4239851870139126],
    [-0.8054828457502781, 0.21703171936383525],
    [1.3462623632547888, -0.059297055697837775],
    [0.0, 0.0],
]


def test_a_classifier_of_format_1_is_loaded() -> None:
    loaded = skda.load(FOLDER / "dann_1.safetensors")
    assert isinstance(loaded, skda.DANNClassifier)
    assert loaded.lr == 0.01
    assert loaded.classes_.tolist() == ["inner", "outer"]
    for domain, expected in PROBABILITIES.items():
        assert_allclose(loaded.predict_proba(ROWS, domain)[:, 1], expected, rtol=1e-5)
    X, y, X_target = FIT
    loaded.partial_fit(X, np.array(["inner", "outer"])[y], X_target)
    assert len(loaded.history_) == 21


def test_a_transformer_of_format_1_is_loaded() -> None:
    loaded = skda.load(FOLDER / "coral_1.safetensors")
    assert_allclose(loaded.transform(ROWS.astype(float), "source"), MAPPED, rtol=1e-7)


def kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 36 MB."""
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    network = {"module__hidden": (3000, 3000), "discriminator__hidden": (8,)}
    skda.DANNClassifier(**{**SMALL, **network, "max_epochs": 1}).fit(*FIT).save(path)
    return path


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_loading_takes_little_more_memory_than_the_file(large: Path) -> None:
    size = large.stat().st_size / 1024
    assert size > 30_000
    skda.load(large)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak
    before = kilobytes("VmRSS")
    loaded = skda.load(large)
    assert kilobytes("VmHWM") - before < 1.3 * size
    assert loaded.n_features_in_ == 2


def test_a_flipped_bit_of_a_large_file_is_noticed(large: Path, tmp_path: Path) -> None:
    data = bytearray(large.read_bytes())
    for place in (len(data) // 3, len(data) // 2, len(data) - 100_000, len(data) - 1):
        data[place] ^= 16
        (tmp_path / "bad").write_bytes(data)
        with pytest.raises(ModelFileError, match="its checksum is wrong: the file was changed"):
            skda.load(tmp_path / "bad")
        data[place] ^= 16


def test_an_optimizer_of_another_torch_has_an_option_more_or_less() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([weight], lr=0.5)
    state = optimizer.state_dict()
    (options,) = state["param_groups"]
    del options["maximize"]
    options["of_a_later_torch"] = False
    options["lr"] = 0.25
    _load_optimizer(optimizer, state)
    assert optimizer.param_groups[0]["lr"] == 0.25
    assert optimizer.param_groups[0]["maximize"] is False
    assert "of_a_later_torch" not in optimizer.param_groups[0]
    options["of_a_later_torch"] = True  # an unknown option
    with pytest.raises(ModelFileError, match="its optimizer has other options"):
        _load_optimizer(optimizer, state)
