"""Bases of the regressors."""

from __future__ import annotations

from typing import Any

from torch import nn

from ._adapting import AdaptingEstimator
from ._estimator import DomainEstimator
from ._regression import RegressionTask

__all__ = ["AdaptingRegressor", "DomainRegressor"]


class DomainRegressor(RegressionTask, DomainEstimator):
    """Base of all deep regressors.

    The network learns standardised labels, by the mean and the standard deviation of each output
    over the source rows that are drawn. Predictions are in the units of the labels.

    Parameters
    ----------
    module : nn.Module class or instance, callable, or None, default=None
        Network that returns standardised outputs of shape (n_rows, n_outputs), or (n_rows,) for
        one output, without bounds. Where its constructor asks for `n_features`, `n_channels`,
        `n_outputs` or `n_classes` (the number of outputs too, as in `skda.nn`), these are filled
        in; an instance is copied, in float32, and never trained in place; ``module__*`` needs a
        class. Of a tuple the first element is used, with a warning. None is `skda.nn.MLP`, for
        images `skda.nn.ConvNet`, for series `skda.nn.ConvNet1d`.
    criterion : class of loss module, or loss function (outputs, y), default=nn.MSELoss
        Loss of standardised outputs and labels, both of shape (n_rows, n_outputs), such as
        ``nn.L1Loss`` or ``nn.HuberLoss``, whose `criterion__delta` is in standard deviations.
    **params
        Parameters of `DomainEstimator`.

    Attributes
    ----------
    net_ : RegressionNet
        The skorch net of the (last) training; its ``module_`` is the trained network and its
        ``adaptation_`` what the method trains beside it, such as a discriminator. The net is
        trained on standardised labels.
    y_mean_, y_scale_ : ndarray of shape () or (n_outputs,), float64
        Mean and standard deviation of the source's labels (1 where it is 0), by which they are
        standardised. `partial_fit` and ``warm_start`` keep those of the first fit.
    n_features_in_ : int
        Number of columns (tables) or channels (images) seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Names of the columns, where the source was a frame with string names.
    """

    def __init__(
        self, module: Any = None, *, criterion: type[nn.Module] = nn.MSELoss, **params: Any
    ) -> None:
        super().__init__(module, criterion=criterion, **params)


class AdaptingRegressor(AdaptingEstimator, DomainRegressor):
    r"""Base of the regressors that adapt to an unlabelled target while they train.

    .. math:: L = \mathrm{MSE}(f(X_s), y_s) + \lambda \, \mathrm{adaptation}(X_s, X_t)

    Parameters
    ----------
    **params
        Parameters of `AdaptingEstimator` and `DomainRegressor`.
    """
