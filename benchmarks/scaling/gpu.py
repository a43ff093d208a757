"""Time of a training step on the CPU and on a GPU; `make bench-gpu`.

    python -m benchmarks.scaling.gpu

Prints a table and writes gpu.csv beside this file. Needs torch, scikit-learn, skorch and skda, and
some two minutes.
"""

import csv
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

from skda import DANClassifier, DANNClassifier, FinetuneClassifier

ROUNDS = 5
OUT = Path(__file__).with_name("gpu.csv")
COLUMNS = ("device", "method", "hidden", "batch", "amp", "ms a step")
METHODS = (FinetuneClassifier, DANNClassifier, DANClassifier)
SIZES = (((64,), 64), ((1024, 1024), 256), ((4096, 4096), 1024))


def milliseconds(cls: type, hidden: tuple[int, ...], batch: int, device: str, amp: str) -> float:
    """Return the time of a step, the median of several epochs of 20 steps."""
    rng = np.random.default_rng(0)
    X_source, X_target = rng.standard_normal((2, 20 * batch, 256), dtype=np.float32)
    domains = X_source, np.arange(20 * batch) % 10, X_target
    if cls is FinetuneClassifier:
        domains = domains[:2]
    clf = cls(
        module__hidden=hidden, batch_size=batch, device=device, amp=amp or None, random_state=0
    )
    clf.partial_fit(*domains)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        clf.partial_fit(*domains)  # it reads the losses at its end, and so waits for the device
        times.append(time.perf_counter() - start)
    return median(times) / 20 * 1000


def main() -> None:
    if not torch.cuda.is_available():
        raise SystemExit("There is no CUDA GPU here: benchmarks.scaling.gpu measures nothing.")
    print(torch.cuda.get_device_name(), "torch", torch.__version__)
    with OUT.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for hidden, batch in SIZES:
            for cls in METHODS:
                for device, amp in (("cpu", ""), ("cuda", ""), ("cuda", "bf16")):
                    if device == "cpu" and batch > 256:
                        continue
                    value = milliseconds(cls, hidden, batch, device, amp)
                    shape = "-".join(map(str, hidden))
                    row = (device, cls.__name__, shape, batch, amp, f"{value:.3g}")
                    writer.writerow(row)
                    print(*row, sep=" | ", flush=True)


if __name__ == "__main__":
    main()
