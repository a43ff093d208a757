"""Scaling of each domain by its own statistics."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import OneToOneFeatureMixin, clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags, get_tags
from sklearn.utils._param_validation import HasMethods

from .._typing import Array, Domain
from ._base import DomainTransformer, transformer_docs

__all__ = ["DomainScaler", "DomainStandardScaler"]


@transformer_docs
class DomainScaler(OneToOneFeatureMixin, DomainTransformer):
    """Scale each domain by its own statistics, with any scikit-learn scaler.

    One copy of `scaler` is fitted on the source, another on the target. This removes differences of
    location and scale in single features, at little cost and without labels.

    Parameters
    ----------
    scaler : transformer
        A scikit-learn scaler such as ``MinMaxScaler()``, with one output column for each input
        column.

    Attributes
    ----------
    source_scaler_, target_scaler_ : transformer
        Copies of `scaler`, each fitted on the rows of one domain.
    <features_in>

    See Also
    --------
    DomainStandardScaler : The common case, z-scores.
    CORAL : Aligns the correlations of the features, too.

    Examples
    --------
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> from skda.preprocessing import DomainScaler
    >>> scaler = DomainScaler(MinMaxScaler())
    >>> scaler = scaler.fit([[0.0], [4.0]], X_target=[[10.0], [20.0]])
    >>> scaler.transform([[15.0]])
    array([[0.5]])
    >>> scaler.transform([[1.0]], domain="source")
    array([[0.25]])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "scaler": [HasMethods(["fit", "transform"])]
    }

    def __init__(self, scaler: Any) -> None:
        self.scaler = scaler

    def _unfitted(self) -> Any:
        if isinstance(self.scaler, type):
            raise ValueError(
                "The 'scaler' parameter of DomainScaler must be an instance. Got the class "
                f"{self.scaler.__name__}: pass {self.scaler.__name__}()."
            )
        return clone(self.scaler)

    def _fit_domains(self, source: Array, target: Array) -> None:
        scalers = [self._unfitted(), self._unfitted()]
        for scaler in scalers:
            # this transformer makes the frames, because it knows names and index
            if hasattr(scaler, "set_output"):
                scaler.set_output(transform="default")
        self.source_scaler_ = scalers[0].fit(source)
        self.target_scaler_ = scalers[1].fit(target)
        pairs = zip(scalers, (source, target), strict=True)
        widths = [scaler.transform(rows[:1]).shape[1] for scaler, rows in pairs]
        if widths != [source.shape[1]] * 2:
            raise ValueError(
                "The 'scaler' parameter of DomainScaler must have one output column for each input "
                f"column. {self.scaler!r} makes {widths[0]} of the source's {source.shape[1]} and "
                f"{widths[1]} of the target's. Put it before, in a pipeline."
            )

    def _map_rows(self, X: Array, domain: Domain, /) -> Array:
        scaler = self.source_scaler_ if domain == "source" else self.target_scaler_
        scaled: Array = scaler.transform(X)
        return scaled

    def _refuse_undefined(self, name: str, mapped: Any) -> None:
        if np.isnan(mapped).any() and not get_tags(self).input_tags.allow_nan:
            raise ValueError(
                f"{name} has rows that the 'scaler' of {type(self).__name__}, "
                f"{self._unfitted()!r}, maps to NaN: it is not defined for their values. Pass "
                "another scaler, or leave these rows out."
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._unfitted()).input_tags
        tags.input_tags.sparse = inner.sparse
        tags.input_tags.allow_nan = inner.allow_nan
        return tags


@transformer_docs
class DomainStandardScaler(DomainScaler):
    """Give every feature mean 0 and variance 1 within each domain.

    This is the cheapest adaptation and a strong baseline: source rows are scaled by the statistics
    of the source, target rows by those of the target.

    Parameters
    ----------
    with_mean : bool, default=True
        Subtract the domain's mean.
    with_std : bool, default=True
        Divide by the domain's standard deviation; a constant feature is not divided.

    Attributes
    ----------
    source_scaler_, target_scaler_ : StandardScaler
        Each fitted on the rows of one domain.
    <features_in>

    See Also
    --------
    DomainScaler : The same with any other scaler.
    DomainConditionScaler : The same within each operating condition of a domain.

    Examples
    --------
    >>> from skda.preprocessing import DomainStandardScaler
    >>> scaler = DomainStandardScaler()
    >>> scaler = scaler.fit([[0.0], [2.0]], X_target=[[10.0], [14.0]])
    >>> scaler.transform([[12.0], [16.0]])
    array([[0.],
           [2.]])
    >>> scaler.transform([[3.0]], domain="source")
    array([[2.]])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "with_mean": ["boolean"],
        "with_std": ["boolean"],
    }

    def __init__(self, *, with_mean: bool = True, with_std: bool = True) -> None:
        self.with_mean = with_mean
        self.with_std = with_std

    def _unfitted(self) -> StandardScaler:
        return StandardScaler(with_mean=self.with_mean, with_std=self.with_std)
