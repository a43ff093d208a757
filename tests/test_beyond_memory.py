"""A training on 4 GB of rows needs less than 1 GB of memory, including the libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# 0.5 and 3.5 GiB, of which an epoch reads 1; the files are sparse: holes take no space on the disk
# and are read as zeros
N_SOURCE, N_TARGET, N_COLUMNS = 1 << 13, 7 << 13, 1 << 14
# in addition to the libraries: 340 MiB with torch for the CPU, 630 with torch for CUDA
LIMIT_KB = 680 << 10

CHILD = f"""
import sys
from pathlib import Path

import numpy as np
from torch import nn

from skda import DANNClassifier


def most_held():
    # the pages of files included; it starts anew with the program
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith("VmHWM")))


of_libraries = most_held()
folder = Path(sys.argv[1])
X_source, X_target, features = (
    np.lib.format.open_memmap(folder / name, mode="w+", dtype=np.float32, shape=shape)
    for name, shape in [
        ("source.npy", ({N_SOURCE}, {N_COLUMNS})),
        ("target.npy", ({N_TARGET}, {N_COLUMNS})),
        ("features.npy", ({N_TARGET}, 2)),
    ]
)
y_source = np.arange({N_SOURCE}) % 2
network = nn.Sequential(nn.Linear({N_COLUMNS}, 2), nn.ReLU(), nn.Linear(2, 2))
clf = DANNClassifier(network, max_epochs=1, batch_size=256, random_state=0, device="cpu")
clf.fit(X_source, y_source, X_target)
assert clf.history_[-1]["train_batch_count"] == 32

clf.transform(X_target[:4096], out=features[:4096])
assert np.isfinite(features).all()

print(most_held() - of_libraries)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the pages are counted by Linux")
def test_four_gigabytes_train_within_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    domains = [tmp_path / "source.npy", tmp_path / "target.npy"]
    assert sum(file.stat().st_size for file in domains) > 4 << 30
    assert int(done.stdout) < LIMIT_KB
