"""The report on two domains: its measures and its trainings."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression

from skda import DANNClassifier, FinetuneClassifier, make_pipeline
from skda.inspection import (
    domain_report,
    estimate_accuracy,
    estimate_target_priors,
    mmd_test,
    proxy_a_distance,
)
from skda.model_selection import LambdaSearchCV

FAST = {"n_permutations": 19, "n_bootstrap": 10, "random_state": 0}


class Shifted:
    """Knows where the classes lie: at -2 and 2 in the source, and `offset` further in the target.

    Its features are the distances from the middle between the classes.
    """

    classes_ = np.array(["no", "<yes>"])

    def __init__(self, offset=0.0, wrong=0.0):
        self.offset, self.wrong = offset, wrong

    def transform(self, X, domain="target"):
        return X[:, :1] - (self.offset if domain == "target" else 0)

    def predict_proba(self, X, domain="target"):
        z = self.transform(X, domain)
        z = np.where(np.arange(len(z)) < self.wrong * len(z), -z[:, 0], z[:, 0])
        return softmax(np.stack([-2 * z, 2 * z], axis=1), axis=1)


def domains(shift=3.0, share=0.5, n_source=200, n_target=160):
    rng = np.random.default_rng(0)
    y = np.arange(n_source) % 2
    y_target = (np.arange(n_target) < share * n_target).astype(int)
    X = rng.normal(4 * y - 2, 0.7)[:, None]
    X_target = rng.normal(4 * y_target - 2 + shift, 0.7)[:, None]
    return X, Shifted.classes_[y], X_target


@cache
def report(shift=3.0, share=0.5, wrong=0.0):
    after = Shifted(shift, wrong)
    return domain_report(after, *domains(shift, share), source_only=Shifted(), **FAST)


def test_the_numbers_are_those_of_the_functions():
    X, y, X_target = domains()
    frame = report().to_frame()
    assert list(frame.index) == ["inputs", "source-only", "adapted"]
    assert_allclose(frame.loc["inputs", "a_distance"], proxy_a_distance(X, X_target), atol=0.1)
    assert_allclose(frame.loc["inputs", "mmd2"], mmd_test(X, X_target).statistic)
    moved = mmd_test(X, X_target - 3).statistic
    assert_allclose(frame.loc["adapted", "mmd2"], moved)
    assert frame.loc["source-only", "mmd2"] == frame.loc["inputs", "mmd2"]
    assert frame.loc["inputs", "mmd_pvalue"] == 1 / 20
    assert frame.loc["adapted", "mmd_pvalue"] > 0.05
    for name, model in (("source-only", Shifted()), ("adapted", Shifted(3.0))):
        expected = estimate_accuracy(model, X, y, X_target, n_bootstrap=2)
        assert_allclose(frame.loc[name, "target_accuracy"], expected.accuracy)
        assert frame.loc[name, "source_accuracy"] == expected.source_accuracy
        low, high = frame.loc[name, ["target_accuracy_low", "target_accuracy_high"]]
        assert low < high
    assert frame.loc["inputs", "source_accuracy":].isna().all()


def test_the_shares_are_those_that_are_predicted_and_estimated():
    X, y, X_target = domains()
    found = report()
    shares = found.shares_to_frame()
    assert list(shares.index) == ["no", "<yes>"]
    assert_array_equal(shares["source"], [0.5, 0.5])
    assert_allclose(
        shares["predicted by source-only"], [(X_target < 0).mean(), (X_target > 0).mean()]
    )
    assert_allclose(shares["predicted by adapted"], [(X_target < 3).mean(), (X_target > 3).mean()])
    expected = estimate_target_priors(Shifted(), X, y, X_target, n_bootstrap=2)
    assert_allclose(shares["estimated"], expected.priors)
    assert (shares["low"] <= shares["high"]).all()
    same = ((X_target > 0) == (X_target > 3)).mean()
    assert found.agreement == same
    assert (found.n_source, found.n_target) == (200, 160)


def test_other_shares_of_classes_that_look_alike_are_found():
    assert "other_shares" in report(0.0, 0.15).findings
    assert not {"other_shares", "shares_unknown"} & set(report(0.0).findings)


def test_a_forgotten_source_is_found():
    assert "source_forgotten" in report(0.0, wrong=0.2).findings
    assert "fell 20 points" in " ".join(report(0.0, wrong=0.2).verdict)
    assert "source_forgotten" not in report().findings


def test_domains_that_are_alike_are_barely_separable():
    assert list(report(0.0).findings) == ["barely_separable", "hardly_changed"]


def test_without_a_source_only_model_the_inputs_are_compared():
    X, y, X_target = domains()
    clf = LogisticRegression().fit(X[:100], y[:100])
    found = domain_report(clf, X[100:], y[100:], X_target, source_only=None, **FAST)
    frame = found.to_frame()
    assert frame.loc["adapted", "mmd2"] == frame.loc["inputs", "mmd2"]
    assert list(found.states) == ["inputs", "adapted"]
    assert found.agreement is None
    assert list(found.shares_to_frame())[1] == "predicted by adapted"


def test_few_rows_are_measured_and_a_seed_fixes_them():
    given = Shifted(3.0), *domains()
    first, again = (domain_report(*given, source_only=None, n_rows=50, **FAST) for _ in "ab")
    assert (first.n_source, first.n_target) == (50, 50)
    assert_array_equal(first.shares_to_frame()["source"], [0.5, 0.5])
    pd.testing.assert_frame_equal(first.to_frame(), again.to_frame())


def frames():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 3)), columns=list("abc"))
    y = np.where(X["a"] > 0, "up", "down")
    X.iloc[::7, 1] = np.nan
    X_target = X.iloc[:60].assign(c=X["c"][:60] + 2)
    return X, y, X_target


DANN = DANNClassifier(max_epochs=2, random_state=0, device="cpu")


def test_clones_are_trained_on_a_part_of_the_source():
    pipe = make_pipeline(SimpleImputer(), DANN)
    X, y, X_target = frames()
    found = domain_report(pipe, X, y, X_target, **FAST)
    assert found.n_source == 20
    assert list(found.states) == ["inputs", "source-only", "adapted"]
    assert found.to_frame().loc["inputs", "a_distance"] > 0.8
    assert not hasattr(pipe[-1], "net_")


def test_the_source_only_clone_has_lam_0(monkeypatch):
    trained = []
    fit = DANNClassifier.fit

    def noted(self, X_source, y_source, X_target=None):
        trained.append((self.lam, self.random_state, len(X_source)))
        return fit(self, X_source, y_source, X_target)

    monkeypatch.setattr(DANNClassifier, "fit", noted)
    rng = np.random.default_rng(0)
    images = rng.normal(size=(40, 1, 8, 8)).astype(np.float32)
    found = domain_report(DANN, images, np.arange(40) % 2, images[:30] + 1, **FAST)
    assert trained == [(0.3, 0, 30), (0.0, 0, 30)]
    assert "inputs" in found.states
    trained.clear()
    off = DANNClassifier(lam=0.0, max_epochs=1)
    found = domain_report(off, images, np.arange(40) % 2, images[:30] + 1, **FAST)
    assert [lam for lam, *_ in trained] == [0.0]
    assert found.agreement == 1.0
    assert "same_model" in found.findings
    assert "hardly_changed" not in found.findings


def test_the_best_candidate_of_a_search_is_trained():
    X, y, X_target = frames()
    X, X_target = X.fillna(0.0), X_target.fillna(0.0)
    search = LambdaSearchCV(DANN, [0.3], cv=2, random_state=0).fit(X, y, X_target)
    before = search.predict_proba(X_target)
    found = domain_report(search, X, y, X_target, **FAST)
    assert found.n_source == 20
    assert_array_equal(search.predict_proba(X_target), before)
    assert list(domain_report(search, X, y, X_target, source_only=None, **FAST).states) == [
        "inputs",
        "adapted",
    ]
    with pytest.raises(ValueError, match="must be a fitted search, with refit=True"):
        domain_report(LambdaSearchCV(DANN), X, y, X_target)


def test_inputs_in_a_dict_are_not_compared():
    X, y, X_target = domains(n_source=40, n_target=30)

    class OfDict(Shifted):
        def transform(self, X, domain="target"):
            return super().transform(X["x"], domain)

    found = domain_report(OfDict(), {"x": X}, y, {"x": X_target}, source_only=None, **FAST)
    assert list(found.states) == ["adapted"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X_target": None}, "Got X_target=None: pass domain_report"),
        ({"y_source": None}, "Got y_source=None"),
        ({"y_source": ["a"] * 80}, "has none of the classes in columns"),
        ({"y_source": ["a"]}, "y_source has 1 labels, but X_source has 80 rows"),
        ({"estimator": FinetuneClassifier()}, "must have a parameter 'lam'.*'source_only'"),
        ({"source_only": "fitted"}, "'source_only' parameter of domain_report"),
        ({"test_size": 1.0}, "'test_size' parameter of domain_report"),
        ({"n_rows": 1}, "'n_rows' parameter of domain_report"),
        ({"estimator": SimpleImputer()}, "'estimator' parameter of domain_report"),
    ],
)
def test_errors(change, message):
    X, y, X_target = frames()
    given = {"estimator": DANN, "X_source": X, "y_source": y, "X_target": X_target} | FAST | change
    if message.startswith("has none"):
        given |= {"estimator": Shifted(), "source_only": Shifted(), "y_source": ["no"] * 80}
        given |= {"X_source": X.fillna(0).to_numpy(), "X_target": X_target.fillna(0).to_numpy()}
    with pytest.raises(ValueError, match=message):
        domain_report(**given)


def test_it_shows_itself_with_the_labels_escaped():
    found = report(0.0, 0.15)
    text = repr(found)
    assert text.startswith("DomainReport: 200 source rows, 160 target rows\n")
    assert "<yes>" in text
    assert all(f"- {sentence}" in text for sentence in found.verdict)
    assert max(len(line) for line in text.split("\n\n- ")[0].splitlines()) <= 100
    html = found._repr_html_()
    assert "<yes>" not in html
    assert "&lt;yes&gt;" in html
    assert html.count("<table") == 2
    # the only colour is half-transparent grey, which is legible on light and on dark pages
    assert html.count("rgba(") == 1
    assert "color: inherit" in html
    assert "#" not in html
