"""Bases of the classifiers."""

from __future__ import annotations

from typing import Any

from torch import nn

from .._classification import ClassificationTask
from ._adapting import AdaptingEstimator
from ._estimator import DomainEstimator

__all__ = ["AdaptingClassifier", "DomainClassifier"]


class DomainClassifier(ClassificationTask, DomainEstimator):
    """Base of all deep classifiers.

    Parameters
    ----------
    criterion : class of loss module, default=nn.CrossEntropyLoss
        Classification loss on logits and class indices.
    **params
        Parameters of `DomainEstimator`.

    Attributes
    ----------
    net_ : AdaptationNet
        The skorch net of the (last) training; its ``module_`` is the trained network and its
        ``adaptation_`` what the method trains beside it, such as a discriminator.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of columns (tables) or channels (images) seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Names of the columns, where the source was a frame with string names.
    """

    def __init__(
        self, module: Any = None, *, criterion: type[nn.Module] = nn.CrossEntropyLoss, **params: Any
    ) -> None:
        super().__init__(module, criterion=criterion, **params)


class AdaptingClassifier(AdaptingEstimator, DomainClassifier):
    r"""Base of the classifiers that adapt to an unlabelled target while they train.

    .. math:: L = \mathrm{CE}(f(X_s), y_s) + \lambda \, \mathrm{adaptation}(X_s, X_t)

    Parameters
    ----------
    **params
        Parameters of `AdaptingEstimator` and `DomainClassifier`.
    """

    def __init__(
        self, module: Any = None, *, criterion: type[nn.Module] = nn.CrossEntropyLoss, **params: Any
    ) -> None:
        super().__init__(module, criterion=criterion, **params)
