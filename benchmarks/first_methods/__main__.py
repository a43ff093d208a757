"""The first methods on real shifts: digits, gas sensors that drift, phone to watch."""

from functools import partial
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score

from skda import DANClassifier, DANNClassifier, FinetuneClassifier
from skda.datasets import fetch_handwritten_digits

from ..harness import runner
from ..harness.runner import Benchmark, Method, Task
from ..harness.runs import N_FOLDS, logistic_regression, oracle, trained, z_scored_network
from ..harness.shifts import ACTIVITY_EPOCHS, GAS_EPOCHS, Shift, activity, gas, shift
from .lenet import LeNet

N_TEST_DIGITS = 2000
DIGITS_EPOCHS = 20


def digits(quick: bool) -> Shift:
    data = fetch_handwritten_digits("usps", "mnist", n_source=1800, n_target=2000)
    drawn = np.random.default_rng(0).permutation(len(data.y_target_test))[:N_TEST_DIGITS]
    data.X_target_test, data.y_target_test = data.X_target_test[drawn], data.y_target_test[drawn]
    return shift(data, accuracy_score, DIGITS_EPOCHS, quick, module=LeNet)


def options_of(estimator: type) -> str:
    """Return the shipped defaults that identify a run."""
    clf = estimator()
    return f"lam={clf.lam:g}, lr_schedule={clf.lr_schedule}"


TASKS = [
    Task("USPS→MNIST", digits, "accuracy", f"{DIGITS_EPOCHS} epochs"),
    Task("gas 1→6", gas, "accuracy", f"{GAS_EPOCHS} epochs"),
    Task("phone→watch", activity, "balanced accuracy", f"{ACTIVITY_EPOCHS} epochs"),
]
RATE = f"lr_schedule={DANNClassifier().lr_schedule}"
METHODS = [
    Method("logistic regression", logistic_regression(target_by_itself=False)),
    Method("logistic regression + zT", logistic_regression(target_by_itself=True)),
    Method("source-only", trained(FinetuneClassifier)),
    Method("source-only + zT", z_scored_network),
    Method("AdaBN", trained(FinetuneClassifier, adapt_batch_norm=True)),
    Method("DANN at lam 0", trained(DANNClassifier, lam=0.0), RATE),
    Method("DANN at lam 0, AdaBN", trained(DANNClassifier, lam=0.0, adapt_batch_norm=True), RATE),
    Method("DANN", trained(DANNClassifier), options_of(DANNClassifier)),
    Method("DAN", trained(DANClassifier), options_of(DANClassifier)),
    Method("target oracle", oracle),
]
INTRODUCTION = f"""\
Target labels are used only for scores and to train the oracle: no early stopping, no choice of an
epoch. Every estimator has its shipped defaults on all tasks (DANN: {options_of(DANNClassifier)};
DAN: {options_of(DANClassifier)}); no lam was chosen for a task. **But the defaults
of DANN were chosen during the development of skda by target scores of these tasks and of others**
(lam .1, .3, 1 with constant and falling learning rate). Only the number of epochs differs between
tasks, to save time; within a task it is the same for every network."""
NOTES = f"""\
## What the rows are

- **source-only**: `FinetuneClassifier`, trained on the source. On digits the network is LeNet-sized
  (5x5 convolutions of 20 and 50 channels, bottleneck of 100, batch-normalised); on tables it is
  `skda.nn.MLP`, which normalises the input of both domains by the source's statistics.
- **+ zT**, the simple baseline: each domain is z-scored by its own statistics (columns of tables,
  all pixels of digits together) before a model is trained on the source. On tables the model is the
  same MLP without batch normalisation, or logistic regression; on digits it is the same network, or
  logistic regression on pixels. Logistic regression without zT sees both domains z-scored by the
  source's statistics.
- **AdaBN**: `FinetuneClassifier(adapt_batch_norm=True)`, the source-only network with batch
  statistics estimated again on the target after training. DANN and DAN also have batch statistics
  of each domain; AdaBN shows how much of their gain is due to these statistics alone.
- **DANN at lam 0** is exactly source-only with the falling learning rate of DANN. The row below
  adds AdaBN to it. The gain of DANN over that row is due to the discriminator.
- **target oracle**: `FinetuneClassifier` trained on target labels. USPS→MNIST: on the target's
  training images. Gas and phone→watch have no separate test rows, so it predicts each target row
  after training on the other {N_FOLDS - 1} of {N_FOLDS} folds of the target (drawn by class for
  gas, by subject for phone→watch).

## What the tasks are

- **USPS→MNIST**: 1800 USPS and 2000 MNIST training images, drawn once, 28x28; scored on
  {N_TEST_DIGITS} MNIST test images, drawn once; {DIGITS_EPOCHS} epochs.
- **gas 1→6**: all rows of batch 1 and batch 6; the target rows are used without labels in training,
  and for scores; {GAS_EPOCHS} epochs.
- **phone→watch**: phone of subjects 1 to 11, watch of subjects 12 to 23; the target rows are used
  without labels in training, and for scores; balanced accuracy, because half of the windows are
  walking; {ACTIVITY_EPOCHS} epochs."""

BENCHMARK = Benchmark(
    "First methods on real shifts",
    TASKS,
    METHODS,
    Path(__file__).parent / "first_methods",
    INTRODUCTION,
    NOTES,
)

main = partial(runner.main, BENCHMARK)

if __name__ == "__main__":
    main()
