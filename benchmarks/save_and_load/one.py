"""Load one file in a fresh process, with skda or with safetensors alone.

    python one.py skda FILE.safetensors

prints a JSON object: CPU seconds of loading and of the first prediction, and the bytes by which the
memory rises above its level before.
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

N_ROWS = 10


def status(name: str) -> int:
    text = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{name}:\s+(\d+) kB", text)[1])


def mapped(path: str) -> list[Any]:
    """Map the file, and read all weights once."""
    return [tensor.sum() for tensor in load_file(path).values()]


def copied(path: str) -> list[Any]:
    """Copy all weights into memory of their own, so that a change of the file does not matter."""
    return [tensor.clone() for tensor in load_file(path).values()]


def measure(way: str, path: str) -> dict[str, float]:
    """Import the package of a way, load the file and predict; return times and memory."""
    if way == "skda":
        from skda import load
    else:
        load = {"mapped": mapped, "copied": copied}[way]
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = status("VmRSS")
    start = time.process_time()
    loaded = load(path)
    end = time.process_time()
    if way == "skda":
        loaded.predict(np.zeros((N_ROWS, loaded.n_features_in_)))
    predicted = time.process_time()
    peak = status("VmHWM") - before
    return {"load": end - start, "predict": predicted - end, "bytes": peak}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(measure(*sys.argv[1:])))
