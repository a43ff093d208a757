"""The guard rejects a model less confident on the target than source-only, and no more stable."""

import re
import warnings
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skda import DANNClassifier
from skda.datasets import make_rotated_moons
from skda.model_selection import AdaptationWarning, LambdaSearchCV
from skda.model_selection._choice.guard import OnTarget, is_unsure
from skda.model_selection._choice.shares import other_shares
from skda.model_selection._training.fit_and_score import FoldResult

from .fakes import CenteringClassifier, shifted_blobs

TOLERANCES = {"tolerance": 0.05, "stability_tolerance": 0.05}


def found(entropy: float, stability: float) -> OnTarget:
    return OnTarget(*np.array([stability, 0.5, entropy]))


@pytest.mark.parametrize(
    ("entropy", "stability", "unsure"),
    [
        (0.30, 0.80, False),  # as source-only
        (0.35, 0.80, False),  # at the tolerance
        (0.36, 0.80, True),
        (0.36, 0.84, True),
        (0.36, 0.85, False),  # clearly more stable
        (2.00, 0.70, True),
        (0.10, 0.10, False),  # another check rejects unstable models
    ],
)
def test_what_is_unsure(entropy: float, stability: float, unsure: bool) -> None:
    assert is_unsure(found(entropy, stability), found(0.30, 0.80), **TOLERANCES) == unsure


def test_a_source_only_model_without_an_entropy_makes_none_unsure() -> None:
    for nothing in (np.inf, np.nan):
        assert not is_unsure(found(3.0, 0.1), found(nothing, 0.8), **TOLERANCES)


class Sure(CenteringClassifier):
    """Predicts the true classes of the blobs; the script has the confidence of each lam."""

    script: ClassVar[dict[float, float]] = {}
    one_class: ClassVar[bool] = False  # whether lam=0 predicts one class on the target

    def predict_proba(self, X: Any, domain: str = "target") -> np.ndarray:
        means = self.means_[domain] if domain == "target" else 0.0
        right = (np.asarray(X) - means)[:, 0] > 0
        if domain == "target" and self.one_class and self.lam == 0:
            right[:] = True
        sure = self.script[self.lam] if domain == "target" else 0.99
        return np.where(right[:, None], [1 - sure, sure], [sure, 1 - sure])


class Sharpening(Sure):
    """Declares that it sharpens predictions, as MCC does."""

    sharpens_target: ClassVar[bool] = True


class Told(Sure):
    """Has the parameter `target_priors`."""

    def __init__(self, lam: float = 1.0, target_priors: Any = None) -> None:
        super().__init__(lam)
        self.target_priors = target_priors


def searched(script: dict[float, float], one_class: bool = False, **options: Any) -> LambdaSearchCV:
    Sure.script, Sure.one_class = script, one_class
    X, y, X_target, _ = shifted_blobs()
    lam_wins = lambda e, X, y, X_target: e.lam  # noqa: E731
    options = {"validator": lam_wins, "cv": 3, "refit": False, "random_state": 0, **options}
    return LambdaSearchCV(Sure(), list(script), **options).fit(X, y, X_target)


def entropy(p: float) -> float:
    return float(-(p * np.log(p) + (1 - p) * np.log(1 - p)))


def test_the_search_rejects_what_is_unsure_and_says_why() -> None:
    result = searched({0.0: 0.95, 0.5: 0.94, 1.0: 0.8})  # no warning: it adapts
    assert result.best_params_ == {"lam": 0.5}
    table = result.cv_results_
    expected = [entropy(0.95), entropy(0.94), entropy(0.8)]
    assert_allclose(table["mean_target_entropy"], expected, rtol=1e-6)
    assert table["accepted"].tolist() == [True, True, False]
    assert table["guard_reason"][2] == (
        "unsure of the target: the entropy of its predictions is 0.722 of the largest, the "
        "source-only model's 0.286 (more than 0.08 less), and its models are not clearly more "
        "stable, which suggests that adapting does harm, as it does where the classes have other "
        "shares in the target"
    )
    for guard in ({"entropy_tolerance": 0.5}, False):
        assert searched(Sure.script, guard=guard).best_params_ == {"lam": 1.0}


def test_what_passes_where_most_are_rejected_is_rejected_too() -> None:
    sure = {0.0: 0.95, 0.1: 0.8, 0.3: 0.8, 0.5: 0.94, 1.0: 0.8}
    with pytest.warns(AdaptationWarning, match="did not adapt"):
        result = searched(sure)
    assert result.best_params_ == {"lam": 0.0}
    assert result.cv_results_["guard_reason"][3] == (
        "unsure of the target, or unstable on it, as most other lams: 3 of 4 are rejected, and "
        "that this one is not may be by chance"
    )
    assert searched({**sure, 0.3: 0.94}).best_params_ == {"lam": 0.5}  # two of four are rejected


def test_a_method_that_makes_any_prediction_surer_is_judged_by_its_smallest_lam() -> None:
    script = {0.0: 0.9, 0.1: 0.8, 0.3: 0.95, 0.5: 0.95, 1.0: 0.99}
    assert searched(script).best_params_ == {"lam": 1.0}
    X, y, X_target, _ = shifted_blobs()
    lam_wins = lambda e, X, y, X_target: e.lam  # noqa: E731
    search = LambdaSearchCV(Sharpening(), list(script), validator=lam_wins, cv=3, refit=False)
    says = "lam=1 scores best, but those of a smaller lam are less sure of the target"
    with pytest.warns(AdaptationWarning, match=says):
        search.fit(X, y, X_target)
    assert search.best_params_ == {"lam": 0.0}
    assert search.cv_results_["guard_reason"][2] == (
        "unsure of the target, or unstable on it, at a smaller lam, which a larger one hides: the "
        "adaptation loss of this method makes any prediction surer"
    )
    Sure.script = {**script, 0.1: 0.89}
    assert search.fit(X, y, X_target).best_params_ == {"lam": 1.0}


def test_knowing_the_shares_decides() -> None:
    Sure.script, Sure.one_class = {0.0: 0.95, 0.5: 0.9, 1.0: 0.8}, False
    X, y, X_target, _ = shifted_blobs()
    options = {"validator": lambda e, X, y, X_target: e.lam, "cv": 3, "refit": False}
    search = LambdaSearchCV(Told(), [0.5, 1.0], random_state=0, **options)
    says = (
        r"The search did not adapt\. lam=1 scores best, but its models are less sure .*pass the "
        "shares as target_priors"
    )
    for unknown in (None, "estimate"):
        with pytest.warns(AdaptationWarning, match=says):
            search.set_params(estimator=Told(target_priors=unknown)).fit(X, y, X_target)
        assert search.best_params_ == {"lam": 0.0}
    search.set_params(estimator=Told(target_priors=[0.5, 0.5])).fit(X, y, X_target)
    assert search.best_params_ == {"lam": 1.0}
    # a grid of shares overrides the shares of the estimator
    grid = {"target_priors": [None, {"left": 0.5, "right": 0.5}]}
    search.set_params(param_grid=grid).fit(X, y, X_target)
    assert search.cv_results_["accepted"].tolist() == [True, False, False, True, True, True]


def test_a_source_only_model_that_predicts_one_class_is_not_heard() -> None:
    with pytest.warns(AdaptationWarning, match="did not adapt"):
        assert searched({0.0: 0.99, 1.0: 0.8}).best_params_ == {"lam": 0.0}
    assert searched({0.0: 0.99, 1.0: 0.8}, one_class=True).best_params_ == {"lam": 1.0}


def test_a_bad_tolerance_is_named() -> None:
    with pytest.raises(ValueError, match=r"entropy_tolerance must be a float in the range \[0, 1"):
        searched({0.0: 0.9}, guard={"entropy_tolerance": -1})


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_moons_that_differ_in_their_shares_alone_are_left_alone(seed: int) -> None:
    moons = make_rotated_moons(300, 300, angle=0, random_state=seed)
    rare = np.flatnonzero(moons.y_target == 1)[15:]
    X_target, y_target = np.delete(moons.X_target, rare, 0), np.delete(moons.y_target, rare)
    net = DANNClassifier(max_epochs=25, lr=1e-2, batch_size=32, random_state=seed)
    search = LambdaSearchCV(net, [1.0], cv=3, random_state=seed)
    with warnings.catch_warnings():  # it warns if low confidence is the reason
        warnings.simplefilter("ignore", AdaptationWarning)
        search.fit(moons.X_source, moons.y_source, X_target)
    assert not search.adapted_
    assert search.score(X_target, y_target) == pytest.approx(1.0, abs=0.01)


def outputs(n_target: int = 300, n_classes: int = 2, known: bool = True) -> list[FoldResult]:
    """Return the results of source-only models in two folds; a tenth of the target is class 1."""
    rng = np.random.default_rng(0)

    def proba(y: np.ndarray) -> np.ndarray:
        sure = rng.beta(5, 2, size=len(y))[:, None]
        return np.where(y[:, None] == [0, 1], sure, 1 - sure)

    def of_fold() -> FoldResult:
        y, rare = np.arange(200) % 2, (np.arange(n_target) % 10 == 0).astype(int)
        found = (proba(y), proba(rare)) if known else (None, None)
        votes = np.zeros(n_target, np.uint8)
        return FoldResult(
            {}, y, y, rare, n_classes, 0.0, 0.0, votes, found[1], proba_source=found[0]
        )

    return [of_fold(), of_fold()]


def test_other_shares_are_named_with_their_numbers() -> None:
    assert re.fullmatch(
        r"other class shares in the target explain how the source-only models' predictions differ "
        r"between the domains, 0: about 0\.(8|9)\d \(source 0\.50\), 1: about 0\.(0|1)\d \(source "
        r"0\.50\): their energy distance falls from 0\.\d{3} to -?0\.00\d with these shares\. "
        "Adapting as if the shares were equal then does harm",
        other_shares(outputs(), 0.1),
    )
    assert not other_shares(outputs(), 0.5)  # the distance is below this tolerance


@pytest.mark.parametrize(
    "options",
    [{"n_target": 49}, {"n_classes": 1}, {"known": False}],
    ids=["few rows", "a fold lacks a class", "results of an earlier version"],
)
def test_no_shares_are_named_where_nothing_can_be_told(options: dict[str, Any]) -> None:
    assert not other_shares(outputs(**options), 0.1)
