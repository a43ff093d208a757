"""The methods of the pages: names of rows, shipped defaults, rows with and without scaling."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import skda
from skda import FinetuneClassifier, make_pipeline
from skda.preprocessing import DomainStandardScaler

from .runner import Method
from .runs import network, of_seed, z_scores
from .search_internals import DEFAULT_VALIDATOR
from .shifts import Data, Shift

SCALED = ", scaled"
SOURCE_ONLY, ADABN, ORACLE = "source-only", "AdaBN", "target oracle"
LOGISTIC, RAW_COUNTS = "logistic regression", "logistic regression, raw counts"
JOINT, SEARCHED = ", joint statistics", ", lam searched"

CLASSES = [getattr(skda, name) for name in skda.__all__ if name.endswith("Classifier")]
# a method for several sources has a page of its own
ADAPTING = {
    cls.__name__.removesuffix("Classifier"): cls
    for cls in CLASSES
    if hasattr(cls(), "lam") and cls is not skda.M3SDAClassifier
}
# those that LambdaSearchCV takes by itself
VALIDATORS = DEFAULT_VALIDATOR
# not the default: in a long training on few rows it may diverge
UNBIASED = "DDC, unbiased"
COMPARED = [*ADAPTING, UNBIASED]


def shipped(estimator: type) -> str:
    """Return the defaults in which an estimator differs from the source-only network."""
    plain = FinetuneClassifier().get_params()
    own = {k: v for k, v in estimator().get_params().items() if v != plain.get(k)}
    # no page uses these options
    for name in ("backbone_lr_ratio", "multi_source", "target_label_weight"):
        own.pop(name, None)
    return ", ".join(f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in own.items())


DEFAULTS = "\n".join(
    [
        "## The defaults\n",
        "Differences from the defaults that all estimators share (lr=0.001, lr_schedule=constant,",
        "batch_size=64, Adam):\n",
        *(f"- {name}: {shipped(cls)}" for name, cls in ADAPTING.items()),
    ]
)


@dataclass(frozen=True)
class Scaling:
    """How rows are scaled before an estimator sees them."""

    by_domain: bool

    def predictions(self, data: Shift, estimator: Any, **target: Any) -> np.ndarray:
        """Fit on the source and the given arrays of the target, and predict the test rows."""
        if data.X_source.ndim > 2:
            return self._of_images(data, estimator, **target)
        scaler = DomainStandardScaler if self.by_domain else StandardScaler
        scaling = scaler(with_mean=not issparse(data.X_source))
        pipe = make_pipeline(*data.steps, scaling, estimator)
        if self.by_domain:
            target = {"X_target": data.X_target}
        predicted: np.ndarray = pipe.fit(data.X_source, data.y_source, **target).predict(
            data.X_test
        )
        return predicted

    def _of_images(self, data: Shift, estimator: Any, **target: Any) -> np.ndarray:
        X_source, X_test = data.X_source, data.X_test
        if self.by_domain:
            X_source, X_test = z_scores(X_source, X_source), z_scores(X_test, data.X_target)
        predicted: np.ndarray = estimator.fit(X_source, data.y_source, **target).predict(X_test)
        return predicted


def scaled(
    estimator: type, by_domain: bool, takes_target: bool = True, **params: Any
) -> Callable[[Data, int], float]:
    """Return the run of an estimator with its shipped defaults, after scaling."""

    def run(data: Shift, seed: int) -> float:
        target = {"X_target": data.X_target} if takes_target else {}
        clf = network(estimator, data, seed, **params)
        return data.score(Scaling(by_domain).predictions(data, clf, **target))

    return of_seed(run)


def scaled_regression(by_domain: bool) -> Callable[[Data, int], float]:
    def run(data: Shift, seed: int) -> float:
        return data.score(Scaling(by_domain).predictions(data, LogisticRegression(max_iter=5000)))

    return of_seed(run)


def rows(by_domain: bool) -> list[Method]:
    end = SCALED if by_domain else ""
    adabn = scaled(FinetuneClassifier, by_domain, adapt_batch_norm=True)
    return [
        Method(LOGISTIC + end, scaled_regression(by_domain)),
        Method(SOURCE_ONLY + end, scaled(FinetuneClassifier, by_domain, takes_target=False)),
        Method(ADABN + end, adabn),
        *(
            Method(name + end, scaled(cls, by_domain), shipped(cls))
            for name, cls in ADAPTING.items()
        ),
        Method(
            UNBIASED + end,
            scaled(skda.DDCClassifier, by_domain, unbiased=True),
            f"{shipped(skda.DDCClassifier)}; here unbiased=True",
        ),
    ]
