"""
Corn on another spectrometer
============================

A network has learned to predict the moisture of corn from the spectra of one instrument. A second
instrument measures other samples, whose moisture nobody has determined. How large is the error, and
what helps?
"""

# %%
# The data are the 80 samples of corn that `Eigenvector Research
# <https://eigenvector.com/resources/data-sets/>`_ shares, which are not part of skda. Where they
# are not stored (in the folder that ``SKDA_DATA_HOME`` names), this page prints one sentence. The
# methods are AdaBN (`Li et al. (2017) <https://arxiv.org/abs/1603.04779>`_) and RSD (`Chen et al.
# (2021) <https://proceedings.mlr.press/v139/chen21u.html>`_), which was made for regression.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import root_mean_squared_error

from skda import FinetuneRegressor, RSDRegressor
from skda.datasets import fetch_corn_nir

try:
    corn = fetch_corn_nir("m5", "mp6", constituents=["moisture"], random_state=0)
except OSError:
    corn = None
    print("The corn data are not stored here: nothing is trained on this page.")

# %%
# The source has 40 labelled samples on m5, the target the other 40 on mp6. The networks get the ten
# leading components of the source's spectra. A useful model must have a smaller error than the mean
# of the source labels as prediction.

predicted, errors = {}, {}
if corn is not None:
    pca = PCA(10, whiten=True).fit(corn.X_source)
    X_source, X_target = pca.transform(corn.X_source), pca.transform(corn.X_target)
    settings = {"max_epochs": 100, "batch_size": 16, "random_state": 0}
    networks = {
        "source-only": FinetuneRegressor(**settings),
        "AdaBN": FinetuneRegressor(**settings, adapt_batch_norm=True),
        "RSD": RSDRegressor(**settings),
    }
    y_source, y_target = corn.y_source.ravel(), corn.y_target.ravel()
    predicted["the mean"] = np.full(len(y_target), y_source.mean())
    for name, network in networks.items():
        predicted[name] = network.fit(X_source, y_source, X_target).predict(X_target)
    for name, values in predicted.items():
        errors[name] = root_mean_squared_error(y_target, values)
        print(f"{name:>12}: {errors[name]:.2f} per cent of moisture")

# %%
# The corn is of the same kind on both instruments, but the spectra are shifted and stretched.
# Source-only mistakes this for a difference of the corn.

if corn is not None:
    figure, axes = plt.subplots(
        1, 3, figsize=(9.5, 3.2), width_ratios=[1.4, 1, 1], layout="constrained"
    )
    wavelengths = [int(name.split()[0]) for name in corn.feature_names]
    for X, label, style in (
        (corn.X_source, "m5 (source)", {"color": "k"}),
        (corn.X_target, "mp6 (target)", {"color": "#D55E00", "linestyle": "--"}),
    ):
        axes[0].plot(wavelengths, X.mean(axis=0), label=label, **style)
    axes[0].set(xlabel="wavelength in nm", ylabel="mean absorbance")
    axes[0].legend(frameon=False)
    for ax, name, color in zip(axes[1:], ("source-only", "RSD"), ("0.5", "#0072B2"), strict=True):
        ax.axline((10, 10), slope=1, color="k", linewidth=0.8)
        ax.scatter(y_target, predicted[name], s=16, color=color, edgecolors="k", linewidths=0.4)
        ax.set(title=f"{name}, error {errors[name]:.2f}", xlabel="true moisture in %")
    axes[1].set_ylabel("predicted moisture in %")
    for ax in axes[1:]:
        both = np.concatenate([y_target, predicted["source-only"], predicted["RSD"]])
        ax.set(xlim=(both.min() - 0.2, both.max() + 0.2), ylim=(both.min() - 0.2, both.max() + 0.2))

# %%
# Source-only is worse than the mean of the labels, because it mistakes the offset of the instrument
# for moisture. The error of both adapted networks is little more than half the error of the mean.
# RSD is no better than AdaBN here. Over six pairs of instruments, five draws of samples and four
# constituents no method is much better than AdaBN, and for three of the constituents PLS with a
# shift of the means is better than all methods (see the regression benchmark).
