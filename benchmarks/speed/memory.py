"""Fit on a memory-mapped file in a process of its own; run by section f.

    python memory.py FILE N_ROWS N_COLUMNS

prints a JSON object of bytes: resident memory with torch loaded, and the peaks after the fit.
"""

import json
import re
import sys
import threading
import time
from pathlib import Path

import numpy as np
import torch


def status(name: str) -> int:
    text = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{name}:\s+(\d+) kB", text)[1])


class Sampler(threading.Thread):
    """Samples the largest anonymous memory; the kernel only keeps the peak of all memory."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.02):
            self.peak = max(self.peak, status("RssAnon"))


if __name__ == "__main__":
    path, n, d = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    torch.zeros(1).exp()
    before = {"VmHWM": status("VmHWM"), "RssAnon": status("RssAnon")}
    sampler = Sampler()
    sampler.start()

    from skda import DANNClassifier  # counted: it is not there with torch alone

    rows = np.memmap(path, dtype=np.float32, mode="r", shape=(n, d))
    y = np.arange(n) % 2
    start, wall = time.process_time(), time.perf_counter()
    DANNClassifier(module__hidden=(64, 64), max_epochs=1, random_state=0).fit(
        rows, y, rows[n // 2 :]
    )
    seconds = time.process_time() - start
    sampler.stop.set()
    sampler.join()
    print(
        json.dumps(
            {
                "peak": status("VmHWM") - before["VmHWM"],
                "anonymous": sampler.peak - before["RssAnon"],
                "seconds": seconds,
                "wall": time.perf_counter() - wall,
            }
        )
    )
