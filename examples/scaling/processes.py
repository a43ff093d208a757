"""On one big machine, or on several machines: the processes share each training.

torchrun --nproc-per-node 2 examples/scaling/processes.py             # on GPUs or on the CPU
accelerate launch --num_processes 2 examples/scaling/processes.py     # on GPUs

Each process uses a GPU if there are GPUs. Without GPUs `accelerate launch` starts one process,
whatever --num_processes says, unless it uses MPI.
"""

import argparse

import torch
from accelerate import Accelerator

from skda import DANNClassifier
from skda.datasets import make_rotated_moons
from skda.distributed import accelerated


def main(epochs: int) -> None:
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    moons = make_rotated_moons(random_state=0)  # the same rows in every process
    dann = DANNClassifier(lr=0.01, max_epochs=epochs, batch_size=32, random_state=0, verbose=1)
    with accelerated(accelerator):
        dann.fit(moons.X_source, moons.y_source, moons.X_target)
    if accelerator.is_main_process:  # the others have the same weights
        accuracy = dann.score(moons.X_target_test, moons.y_target_test)
        print(f"{accelerator.num_processes} processes, accuracy on the target: {accuracy:.2f}")
    accelerator.end_training()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    main(parser.parse_args().epochs)
