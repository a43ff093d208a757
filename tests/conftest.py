import gc
import os
from pathlib import Path

import pytest
import torch

os.environ["MPLBACKEND"] = "Agg"
# Sums over several threads may differ in the last bit from run to run.
torch.set_num_threads(1)


def pytest_collection_finish():
    """Exclude imported objects from garbage collection, which saves a twentieth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def skda_data_home():
    """Folder of the real data sets; the test is skipped where there is none."""
    folder = os.environ.get("SKDA_DATA_HOME")
    if not folder:
        pytest.skip("needs real data: set SKDA_DATA_HOME to its folder")
    if not Path(folder).is_dir():
        pytest.skip(f"needs real data: SKDA_DATA_HOME names no folder ({folder})")
    return Path(folder)
