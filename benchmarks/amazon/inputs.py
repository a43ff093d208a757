"""The inputs that are computed from the counts of the Amazon reviews without labels."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize

from skda.preprocessing import DomainScaler
from skda.subspace import MSDA

from ..harness.shifts import Shift

MIN_REVIEWS = 5
LENGTH = 9.0
MSDA_OPTIONS = {"n_components": 1000, "n_layers": 2, "corruption": 0.8}
BY_SOURCE, BY_DOMAIN, DENOISED = "", ", scaled", ", mSDA"
SETTINGS = {
    BY_SOURCE: f"sublinear tf-idf by source, in {MIN_REVIEWS} source reviews, length {LENGTH:g}",
    BY_DOMAIN: f"sublinear tf-idf by domain, in {MIN_REVIEWS} source reviews, length {LENGTH:g}",
}
SETTINGS[DENOISED] = f"{SETTINGS[BY_DOMAIN]}, MSDA {MSDA_OPTIONS}"

# None is the counts as they are
Inputs = Callable[[str | None], Shift]
# of rows of a domain
Map = Callable[[Any, str], Any]


def inputs_of(counts: Shift) -> Inputs:
    """Return a function from a kind of input to a task's rows of that kind; it caches the rows."""
    seen = counts.X_source.getnnz(axis=0) >= MIN_REVIEWS
    frequent = mapped(counts, lambda X, domain: X[:, np.flatnonzero(seen)])

    @cache
    def weighted(by_domain: bool) -> Shift:
        tfidf = TfidfTransformer(sublinear_tf=True)
        if not by_domain:
            tfidf.fit(frequent.X_source)
            return mapped(frequent, lambda X, domain: tfidf.transform(X))
        scaler = DomainScaler(tfidf).fit(frequent.X_source, X_target=frequent.X_target)
        return mapped(frequent, scaler.transform)

    @cache
    def denoised() -> Shift:
        data = weighted(by_domain=True)
        msda = MSDA(**MSDA_OPTIONS, include_input=False)
        msda.fit(data.X_source, X_target=data.X_target)
        return mapped(data, lambda X, domain: beside(X, msda.transform(X, domain)))

    @cache
    def inputs(kind: str | None) -> Shift:
        if kind is None:
            return counts
        data = denoised() if kind == DENOISED else weighted(kind == BY_DOMAIN)
        return mapped(data, lambda X, domain: LENGTH * X)

    return inputs


def beside(X: Any, hidden: np.ndarray) -> Any:
    """Append the layers to the rows, each layer with rows of length 1."""
    layers = np.split(hidden, MSDA_OPTIONS["n_layers"], axis=1)
    return np.hstack([X.toarray(), *map(normalize, layers)])


def mapped(data: Shift, of: Map) -> Shift:
    return replace(
        data,
        X_source=of(data.X_source, "source"),
        X_target=of(data.X_target, "target"),
        X_test=of(data.X_test, "target"),
    )
