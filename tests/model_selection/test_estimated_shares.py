"""A search of ``target_priors="estimate"`` estimates once, and its lam=0 is source-only."""

import warnings
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skda import DANClassifier, DANNClassifier, make_pipeline
from skda.model_selection import AdaptationWarning, LambdaSearchCV
from skda.model_selection._choice.guard import _pays
from skda.model_selection._choice.shares import unknown_shares
from skda.model_selection._training.fit_and_score import FoldResult
from skda.model_selection._training.pooled_shares import pooled_shares

from .fakes import CenteringClassifier, shifted_blobs

FEW = {"max_epochs": 4, "batch_size": 32, "module__hidden": (8,), "random_state": 0}


def blobs(
    n_target: tuple[int, int], moved: float = 0.0, seed: int = 0, n_source: int = 200
) -> tuple[np.ndarray, ...]:
    """Two overlapping classes, with these counts in the target, moved along the class axis."""
    rng = np.random.default_rng(seed)

    def rows(n_rows: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        y = np.repeat([0, 1], n_rows)
        X = rng.standard_normal((len(y), 20))
        X[:, 0] += 2.0 * y - 1.0
        return X, y

    X, y = rows((n_source // 2, n_source // 2))
    X_target, y_target = rows(n_target)
    X_target[:, 0] += moved
    return X, y, X_target, y_target


ALONE = blobs((180, 20))  # nothing but the shares differs


def searched(estimator: Any, **options: Any) -> LambdaSearchCV:
    options = {"lams": [0.3, 1.0], "cv": 3, "random_state": 0, "guard": False, **options}
    return LambdaSearchCV(estimator, **options).fit(*ALONE[:3])


def lam_wins(estimator: Any, X: Any, y: Any, X_target: Any) -> float:
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    return float(last.lam)


def lam_loses(estimator: Any, X: Any, y: Any, X_target: Any) -> float:
    return -float(estimator.lam)


class Told(CenteringClassifier):
    """Records the shares of each training."""

    told: ClassVar[list[tuple[float, Any]]] = []

    def __init__(self, lam: float = 1.0, target_priors: Any = None) -> None:
        super().__init__(lam)
        self.target_priors = target_priors

    def fit(self, X: Any, y: Any, X_target: Any = None, *, y_target: Any = None) -> Any:
        self.told.append((self.lam, self.target_priors))
        return super().fit(X, y, X_target, y_target=y_target)


@pytest.fixture
def told() -> list[tuple[float, Any]]:
    Told.told.clear()
    return Told.told


def test_all_lams_and_folds_and_the_training_on_all_rows_have_the_same_shares(told: Any) -> None:
    search = searched(Told(target_priors="estimate"), validator=lam_wins)
    assert len(told) == 3 * 3 + 1
    assert {shares for lam, shares in told if lam == 0} == {None}
    (shares,) = {shares for lam, shares in told if lam > 0}
    assert_allclose(shares, [0.88, 0.12], atol=0.12)  # the shares include 5 % of the source's
    assert search.best_params_ == {"lam": 1.0}
    assert search.best_estimator_.target_priors == shares


def test_only_those_points_of_a_grid_are_estimated_that_ask_for_it(told: Any) -> None:
    grid = {"target_priors": [None, "estimate", (0.7, 0.3)]}
    search = searched(Told(), param_grid=grid, validator=lam_wins, lams=[1.0])
    by_lam = [{shares for of, shares in told if of == lam} for lam in (0, 1)]
    assert by_lam[0] == {None, (0.7, 0.3)}
    assert len(by_lam[1]) == 3
    assert by_lam[1] > by_lam[0]
    assert [params["target_priors"] for params in search.cv_results_["params"]] == [
        each for each in grid["target_priors"] for _ in range(2)
    ]


def test_a_bad_word_is_refused_as_without_a_search() -> None:
    with pytest.raises(ValueError, match="'target_priors' parameter of DANNClassifier must be"):
        searched(DANNClassifier(**FEW, target_priors="guess"))


@pytest.mark.parametrize("vectorize", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_lam_0_is_source_only_to_the_bit(seed: int, vectorize: bool) -> None:
    options = {**FEW, "random_state": seed}
    plain = DANNClassifier(**options, lam=0).fit(*ALONE[:3])
    asks = DANNClassifier(**options, target_priors="estimate")
    search = searched(asks, validator=lam_loses, vectorize=vectorize)
    assert not search.adapted_
    assert_array_equal(search.predict_proba(ALONE[2]), plain.predict_proba(ALONE[2]))
    assert_array_equal(search.best_estimator_.target_priors_, [0.5, 0.5])


@pytest.mark.parametrize("piped", [False, True])
def test_other_lams_are_trained_as_with_these_shares_given(piped: bool) -> None:
    def made(shares: Any) -> Any:
        last = DANNClassifier(**FEW, target_priors=shares)
        return make_pipeline(StandardScaler(), last) if piped else last

    options: dict[str, Any] = {"validator": lam_wins, "vectorize": False}
    search = searched(made("estimate"), **options)
    final = search.best_estimator_[-1] if piped else search.best_estimator_
    assert search.adapted_
    given = searched(made(tuple(final.target_priors)), **options)
    for name in ("target_entropy", "target_stability", "source_accuracy"):
        name = f"mean_{name}"
        assert_array_equal(search.cv_results_[name][1:], given.cv_results_[name][1:])
    assert_array_equal(search.predict_proba(ALONE[2]), given.predict_proba(ALONE[2]))


def test_a_search_that_is_gone_on_with_finds_the_results_of_all_candidates(tmp_path: Path) -> None:
    asks = Told(target_priors="estimate")
    whole = searched(asks, validator=lam_wins, refit=False)
    options = {"validator": lam_wins, "refit": False, "checkpoint": tmp_path}
    searched(asks, **options)
    assert len(list(tmp_path.glob("candidate-*-fold-*.joblib"))) == 9
    for part in tmp_path.glob("candidate-1-fold-*.joblib"):
        part.unlink()
    Told.told.clear()
    again = searched(asks, **options)
    assert [lam for lam, _ in Told.told] == [0.3] * 3
    for name in ("mean_test_score", "mean_target_stability"):
        assert_array_equal(again.cv_results_[name], whole.cv_results_[name])


@pytest.mark.parametrize(("stops_at", "finished"), [(4, 1), (7, 2)])
def test_after_ctrl_c_the_finished_candidates_are_there(stops_at: int, finished: int) -> None:
    class Stopped(Told):
        def fit(self, X: Any, y: Any, X_target: Any = None, *, y_target: Any = None) -> Any:
            if len(self.told) == stops_at:
                raise KeyboardInterrupt
            return super().fit(X, y, X_target, y_target=y_target)

    Told.told.clear()
    options = {"cv": 3, "random_state": 0, "guard": False, "validator": lam_wins}
    search = LambdaSearchCV(Stopped(target_priors="estimate"), [0.3, 1.0], **options)
    with pytest.raises(KeyboardInterrupt):
        search.fit(*ALONE[:3])
    assert search.cv_results_["param_lam"].tolist() == [0.0, 0.3, 1.0][:finished]


def test_shares_that_explain_nothing_are_not_believed_and_it_says_so() -> None:
    X, y, X_target, _ = shifted_blobs()
    options = {"validator": lam_wins, "cv": 3, "random_state": 0}
    search = LambdaSearchCV(Told(target_priors="estimate"), [1.0], **options)
    says = (
        r"The search did not adapt\. lam=1 scores best, but the class shares of the target cannot "
        r"be estimated: no shares explain how the source-only models' predictions differ between "
        r"the domains \(their energy distance stays at \d+\.\d\d\), so that the estimate, 'left': "
        r"about 0\.0\d \(source 0\.50\), 'right': about 0\.9\d \(source 0\.50\), may be far off\. "
        "Pass the shares as target_priors if you know them, also where they are those of the source"
    )
    with pytest.warns(AdaptationWarning, match=says):
        search.fit(X, y, X_target)
    assert search.best_params_ == {"lam": 0.0}
    for guard in (False, {"share_tolerance": 1.0}):
        assert search.set_params(guard=guard).fit(X, y, X_target).adapted_
    search.set_params(guard=True, estimator=Told(target_priors=(0.5, 0.5)))
    assert search.fit(X, y, X_target).adapted_


def test_a_fold_without_a_class_tells_no_shares() -> None:
    X, y, X_target, _ = blobs((60, 60), n_source=120)
    y = np.where(np.arange(120) == 0, 2, y)
    halves = np.arange(0, 120, 2), np.arange(1, 120, 2)
    options: dict[str, Any] = {"cv": [halves, halves[::-1]], "random_state": 0}
    search = LambdaSearchCV(Told(target_priors="estimate"), [1.0], validator=lam_wins, **options)
    says = "cannot be estimated: the rows of a fold lack a class"
    with pytest.warns(AdaptationWarning, match=says):
        search.fit(X, y, X_target)
    assert not search.adapted_
    search.set_params(guard=False).fit(X, y, X_target)
    assert search.best_params_ == {"lam": 1.0}
    assert search.best_estimator_.target_priors is None


def of_fold(
    n_right: int, n_common: int, share: float = 0.5, proba_target: Any = None, failure: str = ""
) -> FoldResult:
    """100 source rows of each class, this many correct; a share of the target is of class 0."""
    y = np.repeat([0, 1], 100)
    predicted = np.where(np.arange(200) < 100, np.arange(200) >= n_common, 1)
    predicted[100:] = np.arange(100) < n_right
    of_target = (np.arange(200) >= share * 200).astype(int)
    proba = np.where(y[:, None] == [0, 1], 0.8, 0.2)
    return FoldResult(
        {}, y, predicted, of_target, 2, 0.0, 0.0, of_target.astype(np.uint8),
        np.where(of_target[:, None] == [0, 1], 0.8, 0.2), failure=failure, proba_source=proba,
    )  # fmt: skip


def test_what_is_worse_on_the_source_has_to_be_better_at_the_shares() -> None:
    plain = [of_fold(80, 80, share=0.9)]
    shares = pooled_shares(plain)
    assert_allclose(shares, [0.95 * 0.9 + 0.025, 0.95 * 0.1 + 0.025], atol=2e-3)
    assert unknown_shares(plain, 0.1) == ""
    better = _pays([of_fold(40, 95, share=0.9)], plain, {})
    assert better.accepted
    assert better.reason == (
        "accepted: on held-out source rows that are weighted to the estimated shares its accuracy "
        "is 0.883, the source-only model's 0.800"
    )
    assert not _pays([of_fold(40, 90, share=0.9)], plain, {})  # .840: within the tolerance
    assert _pays([of_fold(40, 90, share=0.9)], plain, {"accuracy_tolerance": 0.02})
    assert not _pays([of_fold(40, 95, share=1.0)], plain, {})  # it predicts one class
    assert not _pays([of_fold(40, 95, share=0.9, failure="diverged")], plain, {})
    diverged = [of_fold(80, 80, failure="nan")]
    assert unknown_shares(diverged, 0.1).endswith("estimated: a source-only training diverged")


@pytest.mark.parametrize("kind", [DANNClassifier, DANClassifier])
def test_wrong_estimates_do_no_harm(kind: Any) -> None:
    """The target is moved towards one class, so this class seems far more common."""
    gains = []
    for seed in (0, 1, 2):
        X, y, X_target, y_target = blobs((100, 100), moved=1.2, seed=seed)
        options = {"max_epochs": 15, "batch_size": 32, "random_state": seed}
        plain = kind(**options, lam=0).fit(X, y, X_target).score(X_target, y_target)
        search = LambdaSearchCV(
            kind(**options, target_priors="estimate"), cv=3, random_state=seed
        ).fit(X, y, X_target)
        gains.append(search.score(X_target, y_target) - plain)
    assert min(gains) >= -0.01  # -.17 to -.14 if each training estimated the shares alone


@pytest.mark.parametrize("kind", [DANNClassifier, DANClassifier])
def test_right_estimates_still_help(kind: Any) -> None:
    gains = []
    for seed in (0, 1, 2):
        X, y, X_target, y_target = blobs((180, 20), seed=seed)
        options = {"max_epochs": 15, "batch_size": 32, "random_state": seed}
        with warnings.catch_warnings():
            warnings.simplefilter("error", AdaptationWarning)  # shares explain the shift
            search = LambdaSearchCV(
                kind(**options, target_priors="estimate"), cv=3, random_state=seed
            ).fit(X, y, X_target)
        plain = kind(**options, lam=0).fit(X, y, X_target).score(X_target, y_target)
        gains.append(search.score(X_target, y_target) - plain)
    assert min(gains) >= -0.01
    assert np.mean(gains) >= 0.03
