"""
Save, load and export a model
=============================

A fitted estimator is saved to one file without pickle and loaded again, and its network is exported
for a program without skda. Does the exported network have the same boundary?
"""

# %%
# The model is DANN, `Ganin et al. (2016) <https://jmlr.org/papers/v17/15-239.html>`_, on the moons.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import skda
from skda.datasets import make_rotated_moons

moons = make_rotated_moons(random_state=0)
clf = skda.DANNClassifier(lr=0.01, max_epochs=50, random_state=0)
clf.fit(moons.X_source, moons.y_source, moons.X_target)

# %%
# ``save`` writes weights and JSON; ``skda.load`` runs no code that the file holds.

folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "model.safetensors"
clf.save(path)
loaded = skda.load(path)
equal = bool(
    np.array_equal(clf.predict_proba(moons.X_target), loaded.predict_proba(moons.X_target))
)
print(f"{path.stat().st_size / 1024:.0f} KiB; the loaded model predicts the same bits: {equal}")

# %%
# ``export`` writes ONNX, or a program of torch as here, with the target's batch statistics inside.
# The exported program takes rows and returns logits.

program_path = Path(folder.name) / "model.pt2"
clf.export(program_path, format="torch.export")
program = torch.export.load(program_path).module()

x0, x1 = np.meshgrid(np.linspace(-3.7, 3.7, 120), np.linspace(-3.3, 3.3, 120))
grid = np.column_stack([x0.ravel(), x1.ravel()]).astype(np.float32)
with torch.inference_mode():
    logits = program(torch.from_numpy(grid)).numpy()
inside = clf.predict(grid)
differing = int((logits.argmax(axis=1) != inside).sum())
print(f"points of {len(grid)} that get another class outside of skda: {differing}")

# %%

figure, ax = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
difference = (logits[:, 1] - logits[:, 0]).reshape(x0.shape)
ax.contourf(
    x0,
    x1,
    inside.reshape(x0.shape),
    levels=[-0.5, 0.5, 1.5],
    colors=["#0072B2", "#E69F00"],
    alpha=0.3,
)
ax.contour(x0, x1, difference, levels=[0], colors="k", linewidths=2)
ax.scatter(*moons.X_target.T, s=6, color="k", marker=".")
ax.set_title("areas: skda; line: the exported program")
ax.set(xticks=[], yticks=[])
folder.cleanup()

# %%
# The loaded model gives the same probabilities to the last bit, and the exported program has the
# same boundary: no point of the grid gets another class. The guarantees in the documentation list
# what is equal after loading and what is not. In a pipeline, the other steps must transform the
# rows before the exported network gets them.
