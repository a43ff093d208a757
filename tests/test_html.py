"""scikit-learn's HTML diagrams of fitted estimators and searches."""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skda import (
    ADDAClassifier,
    DANNClassifier,
    DomainStandardScaler,
    FinetuneClassifier,
    make_pipeline,
)
from skda.model_selection import LambdaSearchCV
from tests.training.small import DATA, SMALL, dann

DOMAINS = DATA.X, DATA.y, DATA.X_target
BRIEF: dict[str, Any] = SMALL | {"max_epochs": 1, "device": "cpu"}


def captions(estimator: Any) -> list[str]:
    """Text of the captions, as a browser shows them."""
    found = re.findall(r'<div class="caption">(.*?)</div>', estimator._repr_html_())
    return [html.unescape(text) for text in found]


def test_a_fitted_estimator_says_how_it_was_trained() -> None:
    assert captions(dann(lam=0.5, device="cpu")) == [
        "lam=0.5 · adapted: the input of classifier · 3 epochs · on cpu"
    ]
    assert captions(dann(lam=0, device="cpu")) == ["lam=0 · 3 epochs · on cpu"]
    adda = ADDAClassifier(**BRIEF).fit(*DOMAINS)
    assert captions(adda) == ["lam=1 · adapted: the input of classifier · 1 + 1 epochs · on cpu"]
    assert captions(FinetuneClassifier(**BRIEF).fit(*DOMAINS)) == ["1 epochs · on cpu"]


def test_shares_and_labels_are_escaped() -> None:
    labels = np.array(["<script>", "b&b"])[DATA.y]
    clf = DANNClassifier(**BRIEF, target_priors=[0.25, 0.75], adapt_layers="features.1")
    clf.fit(DATA.X, labels, DATA.X_target)
    (caption,) = captions(clf)
    assert "adapted: the output of features.1 · target shares: <script> 0.25, b&b 0.75" in caption
    assert "&lt;script&gt; 0.25, b&amp;b 0.75" in clf._repr_html_()


def test_unfitted_ones_look_as_in_scikit_learn() -> None:
    for unfitted in (DANNClassifier(), LambdaSearchCV(DANNClassifier())):
        assert not hasattr(unfitted, "_sk_visual_block_")
        assert captions(unfitted) == []
        assert "DANNClassifier" in unfitted._repr_html_()


def test_in_the_diagrams_of_pipelines() -> None:
    caption = "lam=0.3 · adapted: the input of classifier · 1 epochs · on cpu"
    pipe = make_pipeline(StandardScaler(), DANNClassifier(**BRIEF))
    assert captions(pipe.fit(DATA.X, DATA.y, X_target=DATA.X_target)) == [caption]
    assert captions(Pipeline([*pipe.steps[:-1], ("clf", pipe[-1])])) == [caption]
    assert captions(DomainStandardScaler().fit(DATA.X, X_target=DATA.X_target)) == []
    assert captions(make_pipeline(StandardScaler(), LogisticRegression())) == []


@pytest.fixture(scope="module")
def search() -> LambdaSearchCV:
    return LambdaSearchCV(DANNClassifier(**BRIEF), lams=[0.1], cv=2, random_state=0).fit(*DOMAINS)


def test_a_search_says_what_was_chosen_and_why(search: LambdaSearchCV) -> None:
    choice, best = captions(search)
    assert f"choice by {', '.join(search.validator_)}" in search._repr_html_()
    assert f"chosen: lam={search.best_params_['lam']:g}" in search._repr_html_()
    rejected = int((~search.cv_results_["accepted"]).sum())
    assert f"guard rejected {rejected} of 2 candidates" in choice
    assert choice.endswith(f"accuracy on the target {search.estimated_accuracy_:.2f}")
    assert best.startswith(f"lam={search.best_params_['lam']:g}")
    scored = f"scored {search.best_score_:.2f}, source-only {search.source_only_score_:.2f}"
    fell_back = "fell back on lam=0: no accepted lam above 0 scored higher"
    assert choice.startswith(scored if search.adapted_ else fell_back)


@pytest.mark.parametrize(
    ("adapted", "said"),
    [(True, "scored 0.25, source-only -1.00"), (False, "fell back on lam=0")],
)
def test_both_reasons(search: LambdaSearchCV, adapted: bool, said: str) -> None:
    found = LambdaSearchCV(DANNClassifier(), validator=len)
    fitted = {k: v for k, v in vars(search).items() if k.endswith("_") and k != "best_estimator_"}
    fitted |= {
        "validator_": len,
        "adapted_": adapted,
        "best_score_": 0.25,
        "source_only_score_": -1.0,
    }
    vars(found).update(fitted, best_params_={"lam": 0.0, "lr": 0.5, "module": "m" * 50})
    assert captions(found)[0].startswith(said)
    shown = found._repr_html_()
    assert "choice by len" in shown
    assert f"chosen: lam=0, lr=0.5, module={'m' * 37}..." in shown
    found.guard = False
    assert "guard" not in captions(found)[0]
