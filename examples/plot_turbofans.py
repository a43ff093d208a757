"""
Turbofans under other conditions
================================

How many flights does an engine have left? A network has learned the answer from engines that ran
until they failed. The new engines fly under other conditions, and none has failed yet. Adapting
helps in one of two cases and does harm in the other. In the first case, scaling by the columns of
the conditions helps more than adapting.
"""

# %%
# The engines are those of `Saxena et al. (2008) <https://doi.org/10.1109/PHM.2008.4711414>`_, which
# are not part of skda. Where they are not stored (in the folder that ``SKDA_DATA_HOME`` names),
# this page prints one sentence. DAN is described by `Long et al. (2015)
# <https://proceedings.mlr.press/v37/long15.html>`_.

from itertools import product

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import root_mean_squared_error
from sklearn.preprocessing import StandardScaler

from skda import DANRegressor, FinetuneRegressor
from skda.datasets import fetch_turbofan
from skda.preprocessing import DomainConditionScaler

CASES = {
    ("FD002", "FD001"): "six conditions → one",
    ("FD003", "FD001"): "two faults → one",
}
try:
    engines = {pair: fetch_turbofan(*pair, step=10) for pair in CASES}
except OSError:
    engines = None
    print("The turbofan data are not stored here: nothing is trained on this page.")


def columns(X):
    """Return the mean of each sensor over 30 flights, and how it changed from half to half."""
    first, second = (half.mean(axis=2) for half in np.split(X, 2, axis=2))
    return np.hstack([(first + second) / 2, second - first])


# %%
# The first three channels are the settings of a flight: altitude, speed and throttle. Either the
# network does not see them, or they define the conditions for `DomainConditionScaler`, which scales
# each sensor within each condition.

SETTINGS = [0, 1, 2]


def sensors(data, by_condition):
    """Return the columns of both domains and of the test engines."""
    parts = data.X_source, data.X_target, data.X_target_test
    if not by_condition:
        return [columns(X[:, 3:]) for X in parts]
    scaler = DomainConditionScaler(SETTINGS).fit(parts[0], X_target=parts[1])
    print(f"conditions found: {len(scaler.source_centers_)} and {len(scaler.target_centers_)}")
    domains = "source", "target", "target"
    return [columns(scaler.transform(X, domain)) for X, domain in zip(parts, domains, strict=True)]


# %%
# A training has 800 windows of each domain; the test windows are from other engines of the target.
# Three seeds draw the windows and the initial weights. The labels are the remaining flights, cut at
# 125.

SEEDS = range(3)
NETWORKS = {"source-only": FinetuneRegressor, "DAN": DANRegressor}
ENDINGS = "", ", by condition"
ROWS = [name + ending for ending in ENDINGS for name in NETWORKS]
errors = {}
if engines is not None:
    for pair, ending in product(engines, ENDINGS):
        data, parts = engines[pair], sensors(engines[pair], bool(ending))
        scaler = StandardScaler().fit(parts[0])
        varies = scaler.scale_ > 1e-3 * np.abs(scaler.mean_).clip(1)
        X_source, X_target, X_test = (scaler.transform(X)[:, varies] for X in parts)
        for name, kind in NETWORKS.items():
            row, found = name + ending, []
            for seed in SEEDS:
                rng = np.random.default_rng(seed)
                of_source, of_target = (rng.permutation(len(X))[:800] for X in (X_source, X_target))
                network = kind(max_epochs=20, random_state=seed)
                network.fit(X_source[of_source], data.y_source[of_source], X_target[of_target])
                life = network.predict(X_test).clip(0, 125)
                found.append(root_mean_squared_error(data.y_target_test, life))
            errors[pair, row] = np.array(found)
            print(f"{CASES[pair]}, {row}:", *(f"{error:.0f}" for error in found), "flights")

# %%

if engines is not None:
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), sharex=True, layout="constrained")
    colors = ["0.6", "#0072B2", "0.85", "#56B4E9"]
    for ax, (pair, title) in zip(axes, CASES.items(), strict=True):
        data = engines[pair]
        mean = np.full(len(data.y_target_test), data.y_source.mean())
        error_of_mean = root_mean_squared_error(data.y_target_test, mean)
        for place, (row, color) in enumerate(zip(ROWS, colors, strict=True)):
            found = errors[pair, row]
            ax.barh(place, found.mean(), color=color, edgecolor="k", height=0.6)
            ax.plot(found, np.full(len(found), place), "kD", markersize=5, markerfacecolor="w")
        ax.axvline(error_of_mean, color="k", linestyle="--")
        ax.text(error_of_mean + 1.5, -0.7, "the mean of the labels", va="center")
        ax.set(title=title, xlabel="error in flights (RMSE)", xlim=(0, 112), ylim=(3.6, -1.1))
        ax.set_yticks(range(len(ROWS)), ROWS)
    axes[1].tick_params(labelleft=False)

# %%
# From six conditions to one, source-only depends on the seed and may be worse than the mean of the
# labels. DAN has about the same error with every seed. After scaling by condition no adapting is
# needed, because the sensors then have the same meaning in both domains. From two faults to one,
# source-only already suits the target. The shares of worn engines differ between the domains, so
# aligning the domains, by adapting or by scaling each domain separately, makes the error 40 per
# cent larger.
