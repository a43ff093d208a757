"""Two processes (gloo) give the weights of one process with batches of twice the size."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from filelock import FileLock  # torch depends on it

from skda import DANNClassifier
from skda.distributed import accelerated
from tests.scaling.small import DOMAINS, MAKE, Plain, state_of

accelerate = pytest.importorskip("accelerate")
DistributedType = accelerate.DistributedType
ROOT = Path(__file__).parents[2]
Found = list[dict[str, Any]]
APART = ("DANNClassifier", "DANClassifier")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Found, list[str]]:
    """Run the two processes, once for all workers of xdist; return their results and outputs."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "two processes"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            folder.mkdir()
            run_in(folder)
    attempt, status = (folder / "done").read_text().split()
    printed = [(folder / attempt / f"printed-{rank}.txt").read_text() for rank in "01"]
    assert status == "0", "\n".join(printed)
    files = [folder / attempt / f"process-{rank}.pt" for rank in "01"]
    return [torch.load(file, weights_only=False) for file in files], printed


def run_in(folder: Path) -> None:
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    for attempt, longest in (("first", 60), ("second", 120)):
        own = folder / attempt  # with the first attempt's checkpoint, the second would not train
        own.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "tests.scaling.two_processes", str(own), str(port)]
        try:
            status = subprocess.run(command, cwd=ROOT, env=env, timeout=longest).returncode
            (folder / "done").write_text(f"{attempt} {status}")
            return
        except subprocess.TimeoutExpired:
            # another program has taken the port, and both processes wait for each other
            if attempt == "second":
                raise


@pytest.fixture
def found(run: tuple[Found, list[str]]) -> Found:
    return run[0]


def assert_close(state: dict[str, Any], other: dict[str, Any], atol: float = 1e-5) -> None:
    for tensor, of_other in zip(state["weights"], other["weights"], strict=True):
        torch.testing.assert_close(tensor, of_other, rtol=0, atol=atol)
    for row, of_other in zip(state["history"], other["history"], strict=True):
        assert row == pytest.approx(of_other, abs=1e-4)


@pytest.mark.parametrize("name", MAKE)
def test_two_processes_train_what_one_does_with_batches_of_twice_the_size(
    name: str, found: Found
) -> None:
    alone = state_of(MAKE[name](batch_size=16).fit(*DOMAINS))
    assert_close(found[0][name], alone)


@pytest.mark.parametrize(
    "name", [*MAKE, "early", "batch-normalised", "search", "checkpoint", "DANClassifier apart"]
)
def test_the_processes_end_with_the_same_weights_and_history(name: str, found: Found) -> None:
    assert_close(found[0][name], found[1][name], atol=0)


def test_early_stopping_stops_all(found: Found) -> None:
    rows = found[0]["early"]["history"]
    assert 1 < len(rows) < 20
    assert {"valid_loss", "valid_acc", "train_acc"} <= set(rows[0])


def test_without_gathering_a_mean_over_rows_stays_exact_and_a_distance_does_not(
    found: Found,
) -> None:
    even = DOMAINS[0][:32], DOMAINS[1][:32], DOMAINS[2][:32]
    dann, dan = (state_of(MAKE[n](batch_size=16).fit(*even)) for n in APART)
    assert_close(found[0]["DANNClassifier apart"] | {"history": []}, dann | {"history": []})
    apart = found[0]["DANClassifier apart"]["weights"]
    assert (apart[0] - dan["weights"][0]).abs().max() > 1e-4


def test_only_the_main_process_writes(run: tuple[Found, list[str]]) -> None:
    (main, other), (of_main, of_other) = run
    assert (main["written"], other["written"]) == (3, 0)
    assert "train_loss" in of_main
    assert "3/3 epochs" in of_main
    assert of_other == ""


def test_the_script_runs_in_two_processes(run: tuple[Found, list[str]]) -> None:
    assert "2 processes, accuracy on the target: 0." in run[1][0]


def test_a_checkpoint_is_read_by_all(found: Found) -> None:
    for one in found:
        assert_close(one["checkpoint"], one["resumed"], atol=0)
        assert_close(one["checkpoint"], one["DANNClassifier"], atol=0)


def test_other_rows_in_a_process_are_an_error_in_all(found: Found) -> None:
    for one in found:
        assert one["other rows"].startswith("All processes must be given the same rows")
        assert "1 rows of the target, too few for 2 processes" in one["few rows"]


def test_one_process_trains_as_without(tmp_path: Path) -> None:
    accelerator = accelerate.Accelerator(cpu=True)
    with accelerated(accelerator):
        inside = DANNClassifier(Plain, max_epochs=2, random_state=0).fit(*DOMAINS)
    outside = DANNClassifier(Plain, max_epochs=2, random_state=0).fit(*DOMAINS)
    assert_close(state_of(inside), state_of(outside), atol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mixed_precision": "bf16"}, "pass amp='bf16' to the estimator"),
        ({"gradient_accumulation_steps": 2}, "raise the 'batch_size' of the estimator"),
        ({"distributed_type": DistributedType.FSDP}, "type FSDP, which splits it"),
    ],
)
def test_what_the_estimator_does_itself_is_refused(options: dict[str, Any], message: str) -> None:
    plain = {"mixed_precision": "no", "gradient_accumulation_steps": 1, "num_processes": 2}
    plain["distributed_type"] = DistributedType.MULTI_CPU
    accelerator = Mock(spec=accelerate.Accelerator, **plain | options)
    with pytest.raises(ValueError, match=message), accelerated(accelerator):
        pass


def test_one_process_that_is_one_of_several_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    alone = Mock(spec=accelerate.Accelerator, num_processes=1)
    with pytest.raises(ValueError, match=r"Accelerator\(cpu=True\)"), accelerated(alone):
        pass


def test_one_process_where_several_were_asked_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # what `accelerate launch --num_processes 2` sets on a machine without GPUs
    monkeypatch.setenv("ACCELERATE_USE_CPU", "False")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    accelerator = accelerate.Accelerator(cpu=True)
    with pytest.warns(UserWarning, match="torchrun --nproc-per-node N"), accelerated(accelerator):
        pass


def test_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match=r"an accelerate\.Accelerator\. Got 3"), accelerated(3):
        pass
