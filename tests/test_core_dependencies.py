"""On a machine with torch, scikit-learn and skorch alone, estimators and searches train."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = """
import builtins
import_module = builtins.__import__

def refuse(name, *args, **kwargs):
    if name.partition(".")[0] in {"pandas", "safetensors", "matplotlib", "accelerate", "ot"}:
        raise ModuleNotFoundError(f"No module named {name!r}")
    return import_module(name, *args, **kwargs)

builtins.__import__ = refuse
import numpy as np
import skda
from skda.model_selection import LambdaSearchCV

X = np.random.default_rng(0).normal(size=(60, 4))
domains = X, (X[:, 0] > 0).astype(int), X + 0.5
clf = skda.DANNClassifier(max_epochs=2, random_state=0).fit(*domains)
search = LambdaSearchCV(skda.DANClassifier(max_epochs=2, random_state=0), lams=[1.0], cv=2)
print(clf.predict(X).shape, search.fit(*domains).predict(X).shape, skda.__version__)
"""


def test_nothing_else_is_imported() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert run.stdout.startswith("(60,) (60,) 0."), run.stderr
