"""Bases of the classifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from sklearn.utils._param_validation import HasMethods, Hidden, StrOptions
from torch import nn

from .._inputs.other_shares import warn_of_other_shares
from .._inputs.sources import join_sources
from ..training import DomainPair
from ._adapting import AdaptingEstimator
from ._classification import ClassificationTask
from ._estimator import DomainEstimator

__all__ = ["AdaptingClassifier", "DomainClassifier"]


class DomainClassifier(ClassificationTask, DomainEstimator):
    """Base of all deep classifiers.

    Parameters
    ----------
    criterion : class of loss module, default=nn.CrossEntropyLoss
        Classification loss on logits and class indices.
    class_weight : None, "balanced", mapping or Series of label to weight, default=None
        Weights of the classes in the classification loss, as in scikit-learn; 1 for labels that
        a mapping leaves out. "balanced" is inversely proportional to their shares among the source
        rows that are drawn: the source's own shares or `target_priors`. With both, the classes
        weigh alike in the classification loss, and `target_priors` changes only the adaptation
        loss and the batch statistics. `partial_fit` keeps the weights of its first call.
    target_priors : None, "estimate", array-like (n_classes,), mapping or Series, default=None
        Shares of the classes in the target, in the order of `classes_` or, in a mapping or a
        Series such as ``y.value_counts(normalize=True)``, by label, where they differ from the
        source's. The source rows, of several sources those of each, are then drawn with these
        shares, which changes the classification loss, the adaptation loss and the batch
        statistics. A share of 0 means that the target lacks the class; other shares are raised to
        that of one row in an epoch (of each source).
        "estimate" trains a source-only network first, on three quarters of the source for .3 of
        the epochs, and takes the shares from its errors on the rest (BBSE). The estimate is right
        if the classes look alike in both domains, and harmful if they look very different.
    **params
        Parameters of `DomainEstimator`.

    Attributes
    ----------
    net_ : AdaptationNet
        The skorch net of the (last) training; its ``module_`` is the trained network and its
        ``adaptation_`` what the method trains beside it, such as a discriminator.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    target_priors_ : ndarray of shape (n_classes,)
        Shares of the classes with which the source was drawn: its own if `target_priors` is None.
    source_domains_ : ndarray of shape (n_sources,)
        The names of the source domains, sorted; only where `fit` was given several.
    n_features_in_ : int
        Number of columns (tables) or channels (images) seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Names of the columns, where the source was a frame with string names.
    """

    __metadata_request__partial_fit: ClassVar = {"classes": True}

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        # a Series of pandas has `to_dict`
        "class_weight": [None, StrOptions({"balanced"}), Mapping, Hidden(HasMethods("to_dict"))],
        "target_priors": [None, StrOptions({"estimate"}), "array-like", Mapping],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        criterion: type[nn.Module] = nn.CrossEntropyLoss,
        class_weight: Any = None,
        target_priors: Any = None,
        **params: Any,
    ) -> None:
        super().__init__(module, criterion=criterion, **params)
        self.class_weight = class_weight
        self.target_priors = target_priors

    def partial_fit(
        self,
        X_source: Any,
        y_source: Any,
        X_target: Any = None,
        *,
        y_target: Any = None,
        classes: Any = None,
        sample_weight: Any = None,
        source_domain: Any = None,
    ) -> Self:
        """Train for one more epoch, on the rows given here, from the weights as they are.

        Parameters
        ----------
        X_source, y_source, X_target, y_target, sample_weight, source_domain
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come; needed in the first call if some are missing there.

        Returns
        -------
        self
        """
        source = join_sources(X_source, y_source, source_domain, sample_weight)
        return self._train_an_epoch(source, X_target, y_target, classes)


class AdaptingClassifier(AdaptingEstimator, DomainClassifier):
    r"""Base of the classifiers that adapt to an unlabelled target while they train.

    .. math:: L = \mathrm{CE}(f(X_s), y_s) + \lambda \, \mathrm{adaptation}(X_s, X_t)

    Parameters
    ----------
    **params
        Parameters of `AdaptingEstimator` and `DomainClassifier`.
    """

    def _look_before_training(self, domains: DomainPair) -> None:
        if self.lam > 0 and self.target_priors is None and not domains.has_target_labels:
            warn_of_other_shares(domains, self.classes_)
