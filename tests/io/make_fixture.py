"""Write the model files that every later version must load: ``python -m tests.io.make_fixture``.

A file of an old format is never written again; a new format gets files of its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import skda
from skda.datasets import make_rotated_moons
from skda.io._file import FORMAT

FOLDER = Path(__file__).parent / "files"
ROWS = np.array([[0.5, 0.25], [-1.0, 0.5], [1.5, -0.5], [0.0, 0.0]], dtype=np.float32)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    moons = make_rotated_moons(n_source=100, n_target=80, random_state=0)
    fit = moons.X_source, np.array(["inner", "outer"])[moons.y_source], moons.X_target
    network = {"module__hidden": (8, 6), "discriminator__hidden": (4,)}
    dann = skda.DANNClassifier(lr=0.01, max_epochs=20, random_state=0, **network).fit(*fit)
    coral = skda.CORAL(reg=0.1).fit(moons.X_source, X_target=moons.X_target)
    for name, estimator in (("dann", dann), ("coral", coral)):
        skda.io.save(estimator, FOLDER / f"{name}_{FORMAT}.safetensors", optimizer=True)
    for domain in ("source", "target"):
        print(domain, dann.predict_proba(ROWS, domain).tolist())  # noqa: T201
        print(domain, coral.transform(ROWS.astype(float), domain).tolist())  # noqa: T201


if __name__ == "__main__":
    main()
