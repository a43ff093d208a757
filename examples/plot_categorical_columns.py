"""
Frames with categorical columns
===============================

A table has numbers, a category with an order and a category of forty values. The target comes from
another site, whose instrument has an offset. Every step of a pipeline must also transform the
target rows. Do the usual encoders of scikit-learn work?
"""

# %%
# The encoder of a category by its mean label is that of `Micci-Barreca (2001)
# <https://doi.org/10.1145/507533.507538>`_; the network is DANN, `Ganin et al. (2016)
# <https://jmlr.org/papers/v17/15-239.html>`_.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from skda import DANNClassifier, make_pipeline

rng = np.random.default_rng(0)
risk_of_job = rng.normal(size=40)  # not a column; the label depends on it


def draw(n, offset):
    """Draw n patients whose reading has this offset."""
    job, stage = rng.integers(40, size=n), rng.integers(3, size=n)
    reading = rng.normal(size=n)
    y = risk_of_job[job] + stage - 1 + 2 * reading + 0.3 * rng.normal(size=n) > 0
    frame = pd.DataFrame(
        {
            "reading": reading + offset,
            "stage": np.array(["low", "middle", "high"])[stage],
            "job": [f"job {number}" for number in job],
        }
    )
    return frame, y


X_source, y_source = draw(500, 0.0)
X_target, y_target = draw(500, 1.5)
print(X_target.head(3))

# %%
# ``skda.make_pipeline`` fits every step on the source and transforms the target with it. The
# ``TargetEncoder`` sees only the labels of the source, in its own folds.

stage = (OrdinalEncoder(categories=[["low", "middle", "high"]]), ["stage"])
steps = {
    "one-hot": make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["stage", "job"]), remainder="passthrough"
    ),
    "ordinal": make_column_transformer(stage, (OrdinalEncoder(), ["job"]), remainder="passthrough"),
    "target mean": make_column_transformer(
        stage, (TargetEncoder(cv=StratifiedKFold(5)), ["job"]), remainder="passthrough"
    ),
}

# %%
# skrub's ``TableVectorizer`` looks at the columns and chooses the encoders by itself.

try:
    from skrub import TableVectorizer
except ImportError:
    print("skrub is not installed: its TableVectorizer is left out (pip install skrub).")
else:
    steps["TableVectorizer"] = TableVectorizer()

# %%
# With ``lam=0`` a pipeline is the source-only network.

settings = {"lr": 0.01, "max_epochs": 20, "random_state": 0}
scores = {}
for name, step in steps.items():
    for lam in (0.0, 0.3):
        pipe = make_pipeline(step, DANNClassifier(lam=lam, **settings))
        pipe.fit(X_source, y_source, X_target=X_target)
        scores[name, lam] = pipe.score(X_target, y_target)
    print(f"{name:>16}: source-only {scores[name, 0.0]:.3f}, DANN {scores[name, 0.3]:.3f}")

# %%

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
places = np.arange(len(steps))
for k, (lam, label, colour) in enumerate([(0.0, "source-only", "0.8"), (0.3, "DANN", "#0072B2")]):
    heights = [scores[name, lam] for name in steps]
    bars = ax.bar(places + 0.4 * k - 0.2, heights, 0.4, label=label, color=colour, ec="k")
    ax.bar_label(bars, fmt="%.2f")
ax.set(xticks=places, xticklabels=list(steps), ylabel="accuracy on the target", ylim=(0.4, 1))
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)

# %%
# All encoders transform the rows of both domains. With each encoder the accuracy of DANN is .87 to
# .90, while source-only is hardly better than chance, because of the offset of the instrument. The
# choice of the encoder matters less than this offset. ``TargetEncoder`` makes one column of the
# forty jobs, which is as good as the forty columns of one-hot.
