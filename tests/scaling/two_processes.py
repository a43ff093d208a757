"""The program of both processes in `test_accelerate.py`: fit, and save the results."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # the first optimizer needs it; imported once, before the fork
from accelerate import Accelerator
from skorch.callbacks import EarlyStopping, EpochScoring

import skda.training.watch.checkpoint
from skda import DANNClassifier
from skda.distributed import accelerated
from skda.model_selection import LambdaSearchCV
from tests.scaling.small import DOMAINS, FEW, MAKE, Plain, script, state_of


def main(folder: Path) -> None:
    accelerator = Accelerator(cpu=True)
    rank = accelerator.process_index
    found: dict[str, Any] = {}
    with accelerated(accelerator):
        for name, make in MAKE.items():
            found[name] = state_of(make(batch_size=8).fit(*DOMAINS))
        found |= from_different_starts()
        found |= writing(folder)
        try:
            DANNClassifier(**FEW).fit(DOMAINS[0][rank:], DOMAINS[1][rank:], DOMAINS[2])
        except ValueError as error:
            found["other rows"] = str(error)
        try:
            DANNClassifier(**FEW).fit(*DOMAINS[:2], DOMAINS[2][:1])
        except ValueError as error:
            found["few rows"] = str(error)
    # 32 rows of each domain: all shares are of one size, and a mean of means is the mean
    even = DOMAINS[0][:32], DOMAINS[1][:32], DOMAINS[2][:32]
    with accelerated(accelerator, gather=False):
        for name in ("DANNClassifier", "DANClassifier"):
            found[f"{name} apart"] = state_of(MAKE[name](batch_size=8).fit(*even))
    torch.save(found, folder / f"process-{rank}.pt")
    script("processes")["main"](1)  # it ends the accelerator's training, so it comes last


def from_different_starts() -> dict[str, Any]:
    """Train without a seed, and with a module of which each process made its own."""
    best_first = {"monitor": "train_acc", "lower_is_better": False, "load_best": True}
    callbacks = [
        EpochScoring("accuracy", on_train=True, name="train_acc", lower_is_better=False),
        EarlyStopping(patience=2, **best_first),
    ]
    free = FEW | {"random_state": None, "max_epochs": 20}
    early = DANNClassifier(
        Plain(4, 3), **free, batch_size=8, train_split=0.3, callbacks=callbacks, verbose=2
    )
    batch_normalised = DANNClassifier(**free, batch_size=8)
    search = LambdaSearchCV(DANNClassifier(max_epochs=1), lams=[0.3], cv=2).fit(*DOMAINS)
    return {
        "early": state_of(early.fit(*DOMAINS)),
        "batch-normalised": state_of(batch_normalised.fit(*DOMAINS)),
        "search": state_of(search.best_estimator_),
    }


def writing(folder: Path) -> dict[str, Any]:
    """Train with a checkpoint, go on from it, and note what this process wrote."""
    written: list[Path] = []
    write = skda.training.watch.checkpoint.write_atomically
    skda.training.watch.checkpoint.write_atomically = lambda path, by: (
        written.append(path),
        write(path, by),
    )
    options = FEW | {"batch_size": 8, "checkpoint": folder / "run", "verbose": 1}
    found = {"checkpoint": state_of(DANNClassifier(Plain, **options).fit(*DOMAINS))}
    found["resumed"] = state_of(DANNClassifier(Plain, **options).fit(*DOMAINS))
    return found | {"written": len(written)}


def start(folder: Path, port: str) -> int:
    """Fork into two processes with the variables of torchrun; return the exit status."""
    child = os.fork()
    rank = "1" if child == 0 else "0"
    os.environ |= {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    with (folder / f"printed-{rank}.txt").open("w") as printed:
        for stream in (1, 2):
            os.dup2(printed.fileno(), stream)
    main(folder)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if child else 0


if __name__ == "__main__":
    sys.exit(start(Path(sys.argv[1]), sys.argv[2]))
