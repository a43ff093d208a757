"""What an installed skda must do, run outside of the repository by `make dist-check`."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import skda
from skda import DANNClassifier
from skda.datasets import make_rotated_moons


def main() -> None:
    root = Path(__file__).resolve().parents[1]
    if root in Path(skda.__file__).resolve().parents and ".venv-dist" not in skda.__file__:
        sys.exit(f"skda was imported from the repository: {skda.__file__}")
    moons = make_rotated_moons(random_state=0)
    fitted = DANNClassifier(max_epochs=30, lr=0.01, random_state=0)
    fitted.fit(moons.X_source, moons.y_source, moons.X_target)
    score = fitted.score(moons.X_target_test, moons.y_target_test)
    if skda.__version__ != version("skda") or score < 0.7:
        sys.exit(f"skda {skda.__version__}: target accuracy {score:.3f}")
    sys.stdout.write(f"skda {skda.__version__} works: target accuracy {score:.3f}\n")


if __name__ == "__main__":
    main()
