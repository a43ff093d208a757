"""Several sources: how they are given, drawn and trained, and which calls are refused."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from scipy import sparse
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import TensorDataset

import skda
from skda import (
    DANClassifier,
    DANNClassifier,
    DANRegressor,
    FinetuneClassifier,
    WDGRLClassifier,
    make_pipeline,
)
from skda.model_selection import LambdaSearchCV
from skda.training import DomainPair, TwoDomainLoader, as_rows

SIZES = (60, 90, 30)
NAMES = ["moon", "dawn", "noon"]  # not sorted
_RNG = np.random.default_rng(0)
X = [_RNG.normal(size=(n, 4)) * (1 + i) + i for i, n in enumerate(SIZES)]
Y = [(x[:, 0] > i).astype(int) for i, x in enumerate(X)]
X_TARGET = _RNG.normal(size=(50, 4)) + 3
WHOLE, LABELS, OF = np.concatenate(X), np.concatenate(Y), np.repeat(NAMES, SIZES)
SMALL: dict[str, Any] = {"module__hidden": (6, 5), "max_epochs": 1, "random_state": 0}


def fitted(cls: Any = DANClassifier, **params: Any) -> Any:
    return cls(**SMALL, **params).fit(WHOLE, LABELS, X_TARGET, source_domain=OF)


@cache
def reference() -> Any:
    """Return the cached fit with which most tests compare. Do not change it."""
    return fitted()


def same(a: Any, b: Any) -> bool:
    states = a.net_.module_.state_dict(), b.net_.module_.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


# -- the forms in which sources are given -----------------------------------------------------

FORMS = {
    "arrays": list,
    "tensors": lambda parts: [torch.tensor(part) for part in parts],
    "pandas": lambda parts: [pd.DataFrame(part, columns=list("abcd")) for part in parts],
    "polars": lambda parts: [pl.DataFrame(part, schema=list("abcd")) for part in parts],
    "sparse": lambda parts: [sparse.csc_matrix(part) for part in parts],
    "Datasets": lambda parts: [TensorDataset(torch.tensor(part)) for part in parts],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_list_of_sources_is_one_array_with_names(form: str) -> None:
    target = FORMS[form]([X_TARGET])[0]
    as_list = DANClassifier(**SMALL).fit(FORMS[form](X), Y, target, source_domain=NAMES)
    assert as_list.source_domains_.tolist() == sorted(NAMES)
    assert same(as_list, reference())


def test_columns_of_frames_are_ordered_by_name_and_names_are_numbers_if_not_given() -> None:
    frames = FORMS["pandas"](X)
    frames[1] = frames[1][["d", "b", "c", "a"]]
    clf = DANClassifier(**SMALL).fit(frames, Y, FORMS["pandas"]([X_TARGET])[0])
    assert clf.source_domains_.tolist() == [0, 1, 2]
    assert same(clf, DANClassifier(**SMALL).fit(X, Y, X_TARGET))


def test_a_list_of_rows_stays_a_list_of_rows() -> None:
    series = _RNG.normal(size=(12, 2, 12))  # its rows have two axes
    y = np.arange(12) % 2
    as_rows_ = DANClassifier(max_epochs=1, random_state=0).fit(list(series), list(y), series)
    assert not hasattr(as_rows_, "source_domains_")
    assert same(as_rows_, DANClassifier(max_epochs=1, random_state=0).fit(series, y, series))


def test_datasets_of_pairs_bring_their_labels() -> None:
    pairs = [TensorDataset(torch.tensor(x), torch.tensor(y)) for x, y in zip(X, Y, strict=True)]
    clf = DANClassifier(**SMALL).fit(pairs, None, X_TARGET, source_domain=NAMES)
    assert same(clf, reference())


# -- what is drawn ----------------------------------------------------------------------------


def loader(batch_size: int = 10, **options: Any) -> TwoDomainLoader:
    of = np.repeat([0, 1, 2], SIZES)
    pair = DomainPair(as_rows(np.float32(WHOLE)), LABELS, as_rows(np.float32(X_TARGET)), **options)
    return TwoDomainLoader(pair.with_sources(of, 3), batch_size, seed=[0])


def test_each_source_has_batch_size_rows_in_each_step_and_an_epoch_as_many_as_there_are() -> None:
    batches = list(loader())
    assert len(batches) == sum(SIZES) // 30
    for batch in batches:
        assert sum(batch.sizes) == len(batch.source) == 30
        assert max(batch.sizes) - min(batch.sizes) <= 2
        assert len(batch.target) == 10
        parts = batch.source.split_with_sizes(batch.sizes)
        for part, rows in zip(parts, X, strict=True):  # one below the other
            assert all(
                any(torch.equal(row, own) for own in torch.tensor(rows).float()) for row in part
            )
    assert np.abs(np.sum([batch.sizes for batch in batches], axis=0) - 60).max() <= 1


def test_weights_are_those_within_a_source() -> None:
    weights = np.ones(sum(SIZES))
    weights[:30] = 0.0
    weights[60:] = 7.5  # the weights of another source change nothing
    pair = loader(weights=weights).domains
    drawn = np.bincount(pair.draw_source(np.random.default_rng(0)), minlength=180)
    assert drawn[:30].sum() == 0
    assert np.abs(np.add.reduceat(drawn, [0, 60, 150]) - 60).max() <= 1


def test_a_source_of_one_row_and_one_left_out_by_its_weights_train() -> None:
    of = np.array(["a"] * 100 + ["b"] * 79 + ["c"])
    weights = np.r_[np.ones(100), np.zeros(79), 1]
    clf = DANClassifier(**SMALL)
    clf.fit(WHOLE, LABELS, X_TARGET, source_domain=of, sample_weight=weights)
    assert np.isfinite(clf.decision_function(X_TARGET, domain="b")).all()


# -- what is trained --------------------------------------------------------------------------


def test_one_source_is_what_it_was() -> None:
    plain = DANNClassifier(**SMALL).fit(WHOLE, LABELS, X_TARGET)
    other = DANNClassifier(**SMALL, multi_source="union").fit(WHOLE, LABELS, X_TARGET)
    assert same(plain, other)
    assert list(plain.net_.domain_module_.statistics) == ["source", "target"]


def test_lam_zero_is_the_source_only_network_of_the_same_sources() -> None:
    source_only = FinetuneClassifier(**SMALL).fit(WHOLE, LABELS, source_domain=OF)
    for multi_source in ("pairwise", "union"):
        assert same(fitted(lam=0, multi_source=multi_source), source_only)


class Quiet(nn.Module):
    """A network whose outputs do not depend on the other rows of a batch."""

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_features, 5)
        self.head = nn.Linear(5, n_classes)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.head(self.hidden(rows).relu())


@pytest.mark.parametrize("multi_source", ["pairwise", "union"])
def test_the_loss_is_the_mean_over_pairs_or_that_of_the_union(multi_source: str) -> None:
    options: dict[str, Any] = {"max_epochs": 1, "lr": 1e-12, "batch_size": 1000, "random_state": 0}
    dan = DANClassifier(Quiet, **options, multi_source=multi_source)
    dan.fit(WHOLE, LABELS, X_TARGET, source_domain=OF)
    pair = DomainPair(as_rows(np.float32(WHOLE)), LABELS, as_rows(np.float32(X_TARGET)))
    pair = pair.with_sources(np.searchsorted(sorted(NAMES), OF), 3)
    seed = [dan.net_.seeds.batches, 0]
    batch = next(iter(TwoDomainLoader(pair, 1000, seed)))
    assert batch.sizes == (60, 60, 60)  # an epoch of one step
    hidden = dan.net_.module_.hidden
    with torch.no_grad():
        parts = [hidden(rows).relu() for rows in batch.source.split_with_sizes(batch.sizes)]
        target = hidden(batch.target).relu()
    mmd = skda.losses.mk_mmd2
    expected = (
        np.mean([mmd(part, target).item() for part in parts])
        if multi_source == "pairwise"
        else mmd(torch.cat(parts), target).item()
    )
    assert dan.history_[-1]["adaptation_loss"] == pytest.approx(expected, rel=1e-4)


def test_each_source_has_a_discriminator_of_its_own() -> None:
    dann = fitted(DANNClassifier)
    term = dann.net_.adaptation_
    assert len(term.terms) == 3
    first, second = (next(iter(term.terms[k].parameters())) for k in (0, 1))
    assert not torch.equal(first, second)
    assert not hasattr(fitted(DANNClassifier, multi_source="union").net_.adaptation_, "terms")
    assert 0 <= dann.history_[-1]["domain_accuracy"] <= 1


# -- batch statistics by name -----------------------------------------------------------------


class OneNorm(nn.Module):
    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(n_features, momentum=None)
        self.head = nn.Linear(n_features, n_classes)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(rows))


def test_each_source_has_its_own_statistics_and_source_those_of_their_mixture() -> None:
    clf = DANClassifier(OneNorm, max_epochs=20, random_state=0)
    clf.fit(WHOLE, LABELS, X_TARGET, source_domain=OF)
    for name, rows in zip(NAMES, X, strict=True):
        norm = clf.to_module(domain=name).norm
        assert norm.running_mean.numpy() == pytest.approx(rows.mean(0), abs=0.15)
    mixture = np.concatenate([np.repeat(rows, 180 // len(rows), axis=0) for rows in X])
    norm = clf.to_module(domain="source").norm
    assert norm.running_mean.numpy() == pytest.approx(mixture.mean(0), abs=0.15)
    assert norm.running_var.numpy() == pytest.approx(mixture.var(0), rel=0.15)
    by_name = [clf.predict_proba(X[0], domain=name) for name in (*NAMES, "source", "target")]
    assert all(not np.array_equal(by_name[0], other) for other in by_name[1:])


def test_joint_statistics_are_one() -> None:
    clf = fitted(batch_stats="joint")
    first, *others = (clf.predict_proba(X[0], domain=name) for name in (*NAMES, "source"))
    assert all(np.array_equal(first, other) for other in others)


def test_unknown_domains_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one of the sources \['dawn', 'moon', 'noon'\].*'night'"):
        reference().predict(X_TARGET, domain="night")
    plain = FinetuneClassifier(**SMALL).fit(WHOLE, LABELS)
    with pytest.raises(ValueError, match="must be 'source' or 'target', the domain"):
        plain.predict(X_TARGET, domain="moon")


# -- with the rest of the package -------------------------------------------------------------


@pytest.mark.parametrize("cls", [DANNClassifier, WDGRLClassifier])
def test_a_saved_model_predicts_and_goes_on_alike(cls: Any, tmp_path: Any) -> None:
    clf = fitted(cls)
    clf.save(tmp_path / "model", optimizer=True)
    loaded = skda.load(tmp_path / "model")
    for name in (*NAMES, "source", "target"):
        assert np.array_equal(
            clf.predict_proba(X[0], domain=name), loaded.predict_proba(X[0], domain=name)
        )
    for each in (clf, loaded):
        each.partial_fit(WHOLE, LABELS, X_TARGET, source_domain=OF)
    assert same(clf, loaded)


def test_a_refit_with_one_source_forgets_the_names() -> None:
    clf = fitted()
    clf.fit(WHOLE, LABELS, X_TARGET)
    assert not hasattr(clf, "source_domains_")
    assert same(clf, DANClassifier(**SMALL).fit(WHOLE, LABELS, X_TARGET))


def test_partial_fit_keeps_the_names() -> None:
    clf = DANClassifier(**SMALL).partial_fit(WHOLE, LABELS, X_TARGET, source_domain=OF)
    some = OF != "noon"
    clf.partial_fit(WHOLE[some], LABELS[some], X_TARGET, source_domain=OF[some])
    assert clf.source_domains_.tolist() == sorted(NAMES)
    with pytest.raises(ValueError, match="source_domain' parameter must be given to every call"):
        clf.partial_fit(WHOLE, LABELS, X_TARGET)
    with pytest.raises(ValueError, match=r"not there before: \['dusk'\]"):
        clf.partial_fit(X[0], Y[0], X_TARGET, source_domain=["dusk"] * 60)


def test_a_checkpoint_of_several_sources_goes_on(tmp_path: Any) -> None:
    whole = fitted(WDGRLClassifier)
    fitted(WDGRLClassifier, checkpoint=tmp_path)
    again = fitted(WDGRLClassifier, checkpoint=tmp_path)  # all epochs are there
    assert same(whole, again)


def test_a_pipeline_scales_the_union_and_routes_the_names() -> None:
    pipe = make_pipeline(StandardScaler(), DANClassifier(**SMALL))
    pipe.fit(X, Y, X_target=X_TARGET, source_domain=NAMES)
    scaler = StandardScaler().fit(WHOLE)
    plain = DANClassifier(**SMALL).fit(
        scaler.transform(WHOLE), LABELS, scaler.transform(X_TARGET), source_domain=OF
    )
    expected = plain.predict_proba(scaler.transform(X[0]), domain="dawn")
    assert np.array_equal(pipe.predict_proba(X[0], domain="dawn"), expected)
    as_array = make_pipeline(StandardScaler(), DANClassifier(**SMALL))
    as_array.fit(WHOLE, LABELS, X_target=X_TARGET, source_domain=OF)
    assert same(as_array[-1], pipe[-1])


def test_a_regressor_takes_several_sources() -> None:
    y = [rows[:, :2].sum(1) for rows in X]
    reg = DANRegressor(**SMALL).fit(X, y, X_TARGET)
    assert reg.predict(X[1], domain=1).shape == (90,)
    two = DANRegressor(**SMALL).fit(X, [rows[:, :2] for rows in X], X_TARGET)
    assert two.predict(X[1], domain=1).shape == (90, 2)


def test_a_search_cuts_every_source_into_folds() -> None:
    search = LambdaSearchCV(DANClassifier(**SMALL), lams=[1.0], cv=2, random_state=0)
    search.fit(X, Y, X_TARGET, source_domain=NAMES)
    assert search.vectorize_reason_ == "several sources are trained one model at a time"
    assert search.best_estimator_.source_domains_.tolist() == sorted(NAMES)
    assert search.predict(X[0], domain="dawn").shape == (60,)
    data = skda.model_selection._checks.check_data(X, Y, X_TARGET, None, None, source_domain=NAMES)
    folds = skda.model_selection._split.split_domains(
        3, data.X_source, data.y_source, X_TARGET, 0, source_domain=data.source_domain
    )
    held_out = np.concatenate([fold.source_test for fold in folds])
    assert np.array_equal(np.sort(held_out), np.arange(180))
    for fold in folds:
        names, counts = np.unique(OF[fold.source_test], return_counts=True)
        assert dict(zip(names, counts, strict=True)) == {"moon": 20, "dawn": 30, "noon": 10}
        assert not set(fold.source_test) & set(fold.source_train)


# -- what is refused --------------------------------------------------------------------------

WIDE = [X[0], X[1][:, :3], X[2]]
SHORT = [Y[0], Y[1][:5], Y[2]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            (WIDE, Y, NAMES),
            r"X_source\[1\] \(domain 'dawn'\) has rows of shape \(3,\), but X_sourc",
        ),
        (
            (X, SHORT, NAMES),
            r"y_source\[1\] \(domain 'dawn'\) has 5 labels, but X_source\[1\] has 9",
        ),
        ((X, LABELS, NAMES), "list of 3 domains. Pass a list of as many arrays of labels as y_sou"),
        (
            (X, Y[:2], NAMES),
            "list of 3 domains. Pass a list of as many arrays of labels as y_sourc",
        ),
        ((X, Y, NAMES[:2]), "source_domain' parameter must name each of the 3 domains"),
        ((X, Y, ["a", "a", "b"]), "source_domain' parameter must name each of the 3 domains"),
        ((X[:1], Y[:1], None), "source_domain names one domain only, 0. Leave it out"),
        ((WHOLE, LABELS, ["a"] * 180), "source_domain names one domain only, 'a'. Leave it out"),
        ((WHOLE, LABELS, OF[:9]), "source_domain has 9 names, but X_source has 180 rows"),
        ((WHOLE, LABELS, [None, *OF[1:]]), "source_domain has no name for 1 rows: None"),
        (
            (WHOLE, LABELS, [3, *OF[1:].tolist()]),
            "source_domain mixes strings and other labels, suc",
        ),
        ((WHOLE, LABELS, np.r_[np.nan, np.ones(179)]), "source_domain has no name for 1 rows: nan"),
        ((WHOLE, LABELS, np.arange(180) / 3), "must hold strings or integers.*float64"),
        ((WHOLE, LABELS, np.where(OF == "moon", "target", OF)), "has the name 'target', which sta"),
        ((WHOLE, LABELS, OF.reshape(90, 2)), "source_domain: y should be a 1d array"),
        (
            ([X[0], X[1][:0], X[2]], [Y[0], Y[1][:0], Y[2]], None),
            r"X_source\[1\] \(domain 1\) is em",
        ),
        (
            ([X[0], torch.tensor(X[1])], Y[:2], None),
            r"X_source\[1\] \(domain 1\) is a Tensor, but X",
        ),
    ],
)
def test_what_is_refused(given: Any, message: str) -> None:
    rows, y, names = given
    with pytest.raises(ValueError, match=message):
        DANClassifier(**SMALL).fit(rows, y, X_TARGET, source_domain=names)


def test_memory_maps_in_a_list_and_successive_pairs_of_a_union_are_refused(tmp_path: Any) -> None:
    mapped = np.memmap(tmp_path / "rows", dtype=np.float64, mode="w+", shape=(60, 4))
    with pytest.raises(ValueError, match=r"X_source\[0\] \(domain 0\) is a memory map"):
        DANClassifier(**SMALL).fit([mapped, X[1]], Y[:2], X_TARGET)
    with pytest.raises(ValueError, match="'estimator' parameter cannot be 'linear'"):
        fitted(estimator="linear", multi_source="union")


def test_weights_as_a_list() -> None:
    weights = [np.linspace(0.1, 1, n) for n in SIZES]
    as_list = DANClassifier(**SMALL).fit(X, Y, X_TARGET, source_domain=NAMES, sample_weight=weights)
    plain = DANClassifier(**SMALL)
    joined = np.concatenate(weights)
    plain.fit(WHOLE, LABELS, X_TARGET, source_domain=OF, sample_weight=joined)
    assert same(as_list, plain)
    with pytest.raises(ValueError, match=r"'sample_weight' parameter must be a list of 3 arrays"):
        DANClassifier(**SMALL).fit(X, Y, X_TARGET, sample_weight=joined)
