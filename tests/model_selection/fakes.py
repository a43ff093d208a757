"""Small fakes of an adapting network and of shifted domains."""

from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression

from skda._inputs.validation import unwrap

SHIFT = np.array([8.0, 0.0])


def shifted_blobs(n_source=120, n_target=90, seed=0):
    """Two classes left and right of 0; the target lies far to the right of both."""
    rng = np.random.default_rng(seed)

    def draw(n_rows):
        y = np.arange(n_rows) % 2
        X = rng.normal(0.0, 0.6, (n_rows, 2))
        X[:, 0] += np.where(y == 1, 2.0, -2.0)
        return X, np.where(y == 1, "right", "left")

    X_source, y_source = draw(n_source)
    X_target, y_target = draw(n_target)
    return X_source, y_source, X_target + SHIFT, y_target


class CenteringClassifier(ClassifierMixin, TransformerMixin, BaseEstimator):
    """Logistic regression; `lam` times each domain's mean is subtracted, so lam=1 adapts."""

    __metadata_request__fit: ClassVar[dict[str, bool]] = {"X_target": True, "y_target": True}
    __metadata_request__predict: ClassVar[dict[str, bool]] = {"domain": True}
    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"domain": True}
    __metadata_request__transform: ClassVar[dict[str, bool]] = {"domain": True}

    # Shared by all instances, so that a test sees the calls of the search's clones.
    calls: ClassVar[list] = []

    def __init__(self, lam=1.0):
        self.lam = lam

    def fit(self, X, y, X_target=None, *, y_target=None):
        if X_target is None:
            raise ValueError("pass X_target")
        X_target = unwrap(X_target, "X_target")
        fresh = not hasattr(self, "head_")
        self.means_ = {"source": np.mean(X, axis=0), "target": np.mean(X_target, axis=0)}
        self.head_ = LogisticRegression().fit(X - self.lam * self.means_["source"], y)
        self.classes_ = self.head_.classes_
        self._record("fit", X=X, y=y, X_target=X_target, y_target=y_target, fresh=fresh)
        return self

    def transform(self, X, domain="target"):
        self._record("transform", X=X, domain=domain)
        return X - self.lam * self.means_[domain]

    def predict_proba(self, X, domain="target"):
        self._record("predict_proba", X=X, domain=domain)
        return self.head_.predict_proba(X - self.lam * self.means_[domain])

    def predict(self, X, domain="target"):
        self._record("predict", X=X, domain=domain)
        return self.head_.predict(X - self.lam * self.means_[domain])

    @classmethod
    def _record(cls, method, **seen):
        cls.calls.append((method, seen))

    @classmethod
    def recorded(cls, method):
        return [seen for name, seen in cls.calls if name == method]


class CenteringScaler(TransformerMixin, BaseEstimator):
    """Takes off a fixed mean per domain."""

    __metadata_request__transform: ClassVar[dict[str, bool]] = {"domain": True}

    def __init__(self, source=0.0, target=0.0):
        self.source = source
        self.target = target

    def fit(self, X, y=None):
        self.n_features_in_ = np.shape(X)[1]
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "n_features_in_")

    def transform(self, X, domain="target"):
        return X - getattr(self, domain)
