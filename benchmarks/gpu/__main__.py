"""The time of training on a GPU: a step, photographs, a search, rows in GPU or CPU memory.

    python -m benchmarks.gpu

Needs torch, scikit-learn, skorch and skda on a machine with a CUDA GPU, and some four minutes.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from skda import DANClassifier, DANNClassifier, DeepCORALClassifier
from skda.model_selection import LambdaSearchCV
from skda.nn import MLP

from ..harness.by_hand import train
from ..harness.machine import header
from ..harness.markdown import table as markdown_table
from ..harness.options import file_of, parse_options, program_parser
from ..harness.rows import write_rows
from ..harness.timing import side_by_side

OUT = Path(__file__).parent / "gpu"
METHODS = {"DANN": DANNClassifier, "DAN": DANClassifier, "DeepCORAL": DeepCORALClassifier}
N_EPOCHS = 5
COMMON: dict[str, Any] = {"lam": 1.0, "max_epochs": N_EPOCHS, "random_state": 0}
# widths, batch size, steps of an epoch
TABLES = (((64, 64), 64, 40), ((1024, 1024), 256, 20), ((4096, 4096), 1024, 10))
SECTIONS = {
    "a": "A training step: a network without batch normalisation, 100 features, 2 classes",
    "b": "Photographs: DANN, a residual network of 11 million weights, 3 x 64 x 64 pixels, "
    "64 rows of each domain in a step",
    "c": "`LambdaSearchCV`: 8 lams, 5 folds, 2000 rows of each domain, 20-64-64, 5 epochs",
    "d": "The memory that holds the rows: DANN, 1024-4096-4096, 1024 rows of each domain in a step",
}
Sides = dict[str, Callable[[], Any]]


class Row(NamedTuple):
    """One number."""

    section: str
    case: str
    measure: str
    value: str


def table(n: int, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X_source, X_target = rng.standard_normal((2, n, d), dtype=np.float32)
    return X_source, (X_source[:, 0] > 0).astype(np.int64), X_target


def wall_seconds(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def seconds(functions: Sides, rounds: int, *, warm: bool = True) -> dict[str, float]:
    """Return the median wall time of each function, side by side; with `warm` after one call."""
    found = side_by_side(functions, rounds, warm=warm, seconds_of=wall_seconds)
    return {name: median(values) for name, values in found.items()}


def mlp(n_features: int, *hidden: int) -> nn.Module:
    return MLP(n_features, 2, hidden=hidden, batch_norm=False)


def steps(device: str, rounds: int, shrink: int) -> Iterator[Row]:
    for hidden, batch, n_steps in TABLES[: 1 if shrink > 1 else None]:
        n_steps = max(2, n_steps // shrink)
        X, y, X_target = table(n_steps * batch, 100)
        network = partial(mlp, 100, *hidden)
        for name, cls in METHODS.items():
            given = {"module": network, "batch_size": batch, **COMMON}
            sides: Sides = {
                "by hand": partial(
                    *(train, name, network, hidden[-1], (X, y), X_target),
                    **{"lam": 1.0, "epochs": N_EPOCHS, "batch_size": batch},
                    **{"device": device, "fused": True},
                )
            }
            options: dict[str, dict[str, Any]] = {
                "skda": {},
                "skda, bf16": {"amp": "bf16"},
                "skda, recorded": {"cuda_graphs": True},
                "skda, CPU": {"device": "cpu"},
            }
            for side, more in options.items():
                if side != "skda, CPU" or batch < 1024:  # a second a step would be too long
                    clf = cls(**given | {"device": device} | more)
                    sides[side] = partial(clf.fit, X, y, X_target)
            found = seconds(sides, rounds)
            case = f"{name}, 100-{'-'.join(map(str, hidden))}, batches of {batch}"
            for side, value in found.items():
                yield Row("a", case, side, f"{1e3 * value / (N_EPOCHS * n_steps):.3g} ms")
            yield Row("a", case, "skda / by hand", f"{found['skda'] / found['by hand']:.3g} x")


class Block(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.short = nn.Conv2d(n_in, n_out, 1, stride) if n_in != n_out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.path(x) + self.short(x))


def residual_network(n_classes: int = 10) -> nn.Module:
    """A network of the shape of ResNet-18."""
    widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
    blocks = [Block(n_in, n_out, 1 + (n_in != n_out)) for n_in, n_out in pairwise(widths)]
    start = nn.Conv2d(3, 64, 7, 2, 3), nn.ReLU()
    end = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, n_classes)
    return nn.Sequential(*start, *blocks, *end)


def photographs(device: str, rounds: int, shrink: int) -> Iterator[Row]:
    n = 64 * max(1, 20 // shrink)
    rng = np.random.default_rng(0)
    domains = rng.integers(0, 255, (2, n, 3, 64, 64)).astype(np.uint8)
    data = domains[0], np.arange(n) % 10, domains[1]
    options: dict[str, dict[str, Any]] = {
        "float32": {},
        "bf16": {"amp": "bf16"},
        "recorded": {"cuda_graphs": True},
        "compile": {"compile": True},
        "bf16 and compile": {"amp": "bf16", "compile": True},
        "bf16 and recorded": {"amp": "bf16", "cuda_graphs": True},
    }
    for name, more in options.items() if shrink == 1 else [("float32", {})]:
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        clf = DANNClassifier(residual_network, device=device, **COMMON, **more)
        fits = {name: partial(clf.fit, *data)}
        # compiling takes a minute: it is not part of the second fit
        value = seconds(fits, 1)[name] / N_EPOCHS
        yield Row("b", name, "step", f"{1e3 * value / (n / 64):.3g} ms")
        yield Row("b", name, "photographs a second", f"{2 * n / value:.3g}")
        if torch.cuda.is_available():
            yield Row("b", name, "memory", f"{torch.cuda.max_memory_allocated() / 1e9:.3g} GB")


def searches(device: str, rounds: int, shrink: int) -> Iterator[Row]:
    X, y, X_target = table(2000 // shrink, 20)
    lams = np.geomspace(0.01, 10, 8) if shrink == 1 else [0.1, 1.0]
    for name in ("DANN", "DAN"):
        for batch in (32, 256):

            def fit(vectorize: Any, name: str = name, batch: int = batch, **options: Any) -> Any:
                given = COMMON | {"batch_size": batch, "device": device} | options
                search = LambdaSearchCV(
                    METHODS[name](partial(mlp, 20, 64, 64), **given),
                    lams=lams,
                    cv=5 if shrink == 1 else 2,
                    vectorize=vectorize,
                    random_state=0,
                )
                return search.fit(X, y, X_target)

            sides: Sides = {
                "all as one": partial(fit, "auto"),
                "all as one, recorded": partial(fit, "auto", cuda_graphs=True),
                "all as one, CPU": partial(fit, "auto", device="cpu"),
            }
            if batch > 32:  # else it takes minutes
                sides["one by one"] = partial(fit, False)
            found = seconds(sides, 1, warm=False)
            case = f"{name}, batches of {batch}"
            yield from (Row("c", case, side, f"{value:.3g} s") for side, value in found.items())


def waiting_rows(device: str, rounds: int, shrink: int) -> Iterator[Row]:
    data = table(1024 * 20 // shrink, 1024)
    network = partial(mlp, 1024, *((4096, 4096) if shrink == 1 else (8, 8)))
    given = {"batch_size": 1024, "device": device, **COMMON}
    sides: Sides = {
        name: partial(DANNClassifier(network, data_device=where, **given).fit, *data)
        for name, where in (("in the GPU's memory", "auto"), ("in pinned memory", "cpu"))
    }
    for side, value in seconds(sides, rounds).items():
        yield Row("d", side, "step", f"{1e3 * value / (N_EPOCHS * 20 / shrink):.3g} ms")


PARTS = {"a": steps, "b": photographs, "c": searches, "d": waiting_rows}


def page(rows: Sequence[Row], made_by: str, device: str) -> str:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else device
    lines = [
        "# Training on a GPU",
        header(
            f"`{made_by}`",
            f"{gpu}; wall time, medians, side by side; a fit of {N_EPOCHS} epochs includes its "
            "checks and the transfer of the rows to the device; by hand: the same training in "
            "plain torch with fused Adam; recorded: `cuda_graphs=True`",
        ),
    ]
    for section, title in SECTIONS.items():
        cells = [row[1:] for row in rows if row.section == section]
        lines += [f"## {title}", markdown_table(["case", "measure", "value"], cells, "llr")]
    return "\n\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    title = __doc__.splitlines()[0]
    parser = program_parser(title, "few rows, on the CPU", sections=SECTIONS)
    options = parse_options(parser, arguments, OUT)
    if not (options.quick or torch.cuda.is_available()):
        raise SystemExit("There is no CUDA GPU here: benchmarks.gpu measures nothing.")
    device, rounds, shrink = ("cpu", 1, 20) if options.quick else ("cuda", 2, 1)
    rows = []
    for section in options.sections:
        for row in PARTS[section](device, rounds, shrink):
            rows.append(row)
            print(*row, sep=" | ", flush=True)
        columns = (row._asdict() for row in rows)
        write_rows(file_of(options.out, ".csv"), Row._fields, columns)
        text = page(rows, options.command, device)
        file_of(options.out, ".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
