"""A pair of domains with numbers as labels: scaling, baselines, predictions of all estimators.

Only scores and the oracle read target labels.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import skda
from skda import DANRegressor, FinetuneRegressor
from skda.model_selection import LambdaSearchCV

SOURCE_ONLY, ADABN, MEAN, ORACLE = "source-only", "AdaBN", "source's mean", "target oracle"
LINEAR = "linear (PLS, ridge)"
SHIFTED, SCALED, OF_LINEAR = ", mean shift", ", scaled", ", oracle"
CHOSEN = "chosen without labels"
SEARCHED = "DAN, lam searched"
N_FOLDS = 3
ADAPTING = {
    name.removesuffix("Regressor"): getattr(skda, name)
    for name in skda.__all__
    if name.endswith("Regressor") and hasattr(getattr(skda, name)(), "lam")
}
MODELS = (
    MEAN,
    *(LINEAR + end for end in ("", SHIFTED, SCALED, OF_LINEAR)),
    SOURCE_ONLY,
    SOURCE_ONLY + SHIFTED,
    SOURCE_ONLY + SCALED,
    ADABN,
    *ADAPTING,
    CHOSEN,
    SEARCHED,
    ORACLE,
)


@dataclass
class Case:
    """Rows of two domains, how they are scaled, and the predictions made so far.

    The labels have shape (n, n_outputs). `prepare` fits the scaling to source rows and returns a
    function of rows. `linear` fits a linear model to rows and one output and returns its
    predictions of other rows. The oracle learns from `oracle_rows`. Predictions are cut to
    `limits`; the search tries `lams`.
    """

    X_source: np.ndarray
    y_source: np.ndarray
    X_target: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    oracle_rows: tuple[np.ndarray, np.ndarray]
    prepare: Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]]
    linear: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    params: Mapping[str, Any]
    seed: int
    limits: tuple[float, float] = (-np.inf, np.inf)
    lams: Sequence[float] | None = None
    known: dict[str, np.ndarray] = field(default_factory=dict)

    def predictions(self, name: str) -> np.ndarray:
        """Return the predictions, (n_test, n_outputs), of a row of the page; they are made once."""
        if name not in self.known:
            found = self._predict(name).reshape(self.y_test.shape)
            self.known[name] = np.clip(found, *self.limits)
        return self.known[name]

    def chosen(self, output: int) -> str:
        """Return the adapting method nearest to the median prediction of all of them."""
        found = np.stack([self.predictions(name)[:, output] for name in ADAPTING])
        distances = np.square(found - np.median(found, axis=0)).mean(axis=1)
        return list(ADAPTING)[int(distances.argmin())]

    def _predict(self, name: str) -> np.ndarray:
        if name == MEAN:
            return np.tile(self.y_source.mean(axis=0), (len(self.y_test), 1))
        X_target, X_test = self._moved(name)
        if name.startswith(LINEAR):
            of_oracle = name.endswith(OF_LINEAR)
            X, y = self.oracle_rows if of_oracle else (self.X_source, self.y_source)
            return np.column_stack([self.linear(X, of_output, X_test) for of_output in y.T])
        if name == ORACLE:
            return self._trained(FinetuneRegressor(), *self.oracle_rows)(X_test)
        if name.startswith(SOURCE_ONLY):
            return self._source_only(X_test)
        if name == SEARCHED:
            settings = {**self.params, "random_state": self.seed}
            model = LambdaSearchCV(DANRegressor(**settings), self.lams, cv=N_FOLDS)
            return self._trained(model, self.X_source, self.y_source, X_target)(X_test)
        adabn = FinetuneRegressor(adapt_batch_norm=True)
        model = adabn if name == ADABN else ADAPTING[name]()
        return self._trained(model, self.X_source, self.y_source, X_target)(X_test)

    @cached_property
    def _source_only(self) -> Callable[[np.ndarray], np.ndarray]:
        return self._trained(FinetuneRegressor(), self.X_source, self.y_source)

    def _trained(
        self, model: Any, X: np.ndarray, y: np.ndarray, X_target: np.ndarray | None = None
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Scale, train, and return the predictions of rows that are not yet scaled."""
        prepare = self.prepare(X)
        own = {} if isinstance(model, LambdaSearchCV) else self.params
        model.set_params(**own, random_state=self.seed)
        model.fit(prepare(X), y, *(() if X_target is None else (prepare(X_target),)))
        return lambda rows: model.predict(prepare(rows))

    def _moved(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the target's rows, scaled to the source if the name of the row ends so."""
        if not name.endswith((SHIFTED, SCALED)):
            return self.X_target, self.X_test
        # of a column of a table, or of a channel of a series
        axes = (0, *range(2, self.X_source.ndim))

        def statistics(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return X.mean(axes, keepdims=True), X.std(axes, keepdims=True)

        (mean, spread), (mean_target, spread_target) = map(
            statistics, (self.X_source, self.X_target)
        )
        known = (spread_target > 0) & name.endswith(SCALED)
        factor = np.where(known, spread / np.where(known, spread_target, 1), 1)
        return tuple((X - mean_target) * factor + mean for X in (self.X_target, self.X_test))


@dataclass(frozen=True)
class View:
    """One output of a case, and how its predictions are scored."""

    case: Case
    output: int
    metric: Callable[[np.ndarray, np.ndarray], float]

    def score(self, name: str) -> float:
        """Return the score of a row of the page."""
        name = self.case.chosen(self.output) if name == CHOSEN else name
        predicted = self.case.predictions(name)[:, self.output]
        return float(self.metric(self.case.y_test[:, self.output], predicted))
