"""The curve of the transferability of layers."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.metrics import balanced_accuracy_score, make_scorer

from skda import DANNClassifier, FinetuneClassifier
from skda.inspection import TransferabilityCurve, TransferabilityDisplay, transferability_curve
from skda.inspection._transferability import TREATMENTS
from tests.shifted import shifted

DATA = shifted(80, 80, n_classes=3)
TASK_A, TASK_B = (DATA.X, DATA.y), (DATA.X_target[:60], DATA.y_target[:60])
TEST = (DATA.X_target[60:], DATA.y_target[60:])
SMALL: dict[str, Any] = {"module__hidden": (6, 5), "max_epochs": 3, "batch_size": 16}
curve = partial(transferability_curve, random_state=0)


def small(**params: Any) -> FinetuneClassifier:
    return FinetuneClassifier(**{**SMALL, **params})


def test_with_all_layers_fixed_each_network_is_what_it_was() -> None:
    found = curve(small(), *TASK_A, *TASK_B, *TEST, n_repeats=2, random_state=1)
    assert_array_equal(found.layers, [1, 2, 3])
    assert_array_equal(found.scores["BnB"][2], found.base_scores)
    # the networks of A, trained by hand, at the seeds that the curve draws
    seeds = np.random.RandomState(1).randint(np.iinfo(np.int32).max, size=(2, 2))[:, 0]
    of_a = [small(random_state=int(seed)).fit(*TASK_A).score(*TEST) for seed in seeds]
    of_b = [small(random_state=int(seed)).fit(*TASK_B).score(*TEST) for seed in seeds]
    assert_array_equal(found.scores["AnB"][2], of_a)
    assert_array_equal(found.base_scores, of_b)
    assert of_a != of_b
    assert len({*of_b}) > 1, "repeats have weights of their own"


def test_each_score_is_that_of_the_network_made_by_hand() -> None:
    found = curve(small(backbone_lr_ratio=0.5), *TASK_A, *TASK_B, *TEST, layers=[1, 2])
    base_seed, new_seed = (int(s) for s in np.random.RandomState(0).randint(2**31 - 1, size=2))
    bases = {
        False: small(random_state=base_seed).fit(*TASK_B),
        True: small(random_state=base_seed).fit(*TASK_A),
    }
    for name, (from_a, fixed) in {
        "BnB": (False, True),
        "BnB+": (False, False),
        "AnB": (True, True),
        "AnB+": (True, False),
    }.items():
        by_hand = [
            small(
                pretrained=bases[from_a],
                n_frozen=k if fixed else 0,
                reinit=3 - k,
                backbone_lr_ratio=0.5,
                random_state=new_seed,
            )
            .fit(*TASK_B)
            .score(*TEST)
            for k in (1, 2)
        ]
        assert_array_equal(found.scores[name][:, 0], by_hand)


def test_the_network_of_a_may_come_trained() -> None:
    base_seed = int(np.random.RandomState(0).randint(2**31 - 1, size=2)[0])
    of_a = small(random_state=base_seed).fit(*TASK_A)
    of_rows = curve(small(), *TASK_A, *TASK_B, *TEST, layers=[1, 2])
    found = curve(small(pretrained=of_a), None, None, *TASK_B, *TEST)
    assert_array_equal(found.layers, [1, 2])
    assert list(found.scores) == ["AnB", "AnB+"]
    for name, scores in found.scores.items():
        assert_array_equal(scores, of_rows.scores[name])
    new = small(pretrained=of_a, reinit=3, random_state=base_seed).fit(*TASK_B)
    assert_array_equal(found.base_scores, [new.score(*TEST)])
    assert TransferabilityDisplay.from_curve(found).lines_.keys() == {"base", "AnB", "AnB+"}
    with pytest.raises(ValueError, match=r"'X_a' parameter .* is None.*Got pretrained=None"):
        curve(small(), None, None, *TASK_B, *TEST)


def test_if_a_is_b_it_does_not_matter_where_the_layers_come_from() -> None:
    options: dict[str, Any] = {"layers": [2], "n_repeats": 2}
    found = curve(small(), *TASK_B, *TASK_B, *TEST, **options)
    assert_array_equal(found.scores["AnB"], found.scores["BnB"])
    assert_array_equal(found.scores["AnB+"], found.scores["BnB+"])
    different = curve(small(), *TASK_A, *TASK_B, *TEST, **options)
    assert not np.array_equal(different.scores["AnB"], different.scores["BnB"])
    assert_array_equal(different.scores["BnB"], found.scores["BnB"])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_layers_of_a_task_about_other_columns_are_worth_less_and_tuning_repairs_them(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(1200, 8))
    of_a, of_b = (X[:, 0] > 0).astype(int), (X[:, 1] * X[:, 2] > 0).astype(int)
    estimator = FinetuneClassifier(
        module__hidden=(8, 8), max_epochs=40, batch_size=200, lr=0.03, backbone_lr_ratio=1.0
    )
    train, test = slice(None, 800), slice(800, None)
    found = transferability_curve(
        estimator,
        X[train],
        of_a[train],
        X[train],
        of_b[train],
        X[test],
        of_b[test],
        layers=[2],
        random_state=seed,
    )
    scores = {name: values.item() for name, values in found.scores.items()}
    assert scores["AnB"] < 0.75
    assert scores["BnB"] > found.base_scores.item() - 0.03
    assert min(found.base_scores.item(), scores["BnB"], scores["BnB+"], scores["AnB+"]) > 0.85


def test_other_classes_leave_the_last_layer_out() -> None:
    y_b, y_test = np.array(["x", "y"])[TASK_B[1] % 2], np.array(["x", "y"])[TEST[1] % 2]
    found = curve(small(), *TASK_A, TASK_B[0], y_b, TEST[0], y_test)
    assert_array_equal(found.layers, [1, 2])
    assert [len(names) for names in found.layer_names] == [2, 2, 1]
    assert found.layer_names[2] == ["classifier"]
    with pytest.raises(
        ValueError,
        match=r"The 'layers' parameter of transferability_curve must hold numbers up to 2, the "
        r"layers of the module, without the last one, because A and B differ in classes\. "
        r"Got 3 instead",
    ):
        curve(small(), *TASK_A, TASK_B[0], y_b, TEST[0], y_test, layers=[1, 3])


def test_numbers_are_sorted_and_taken_once() -> None:
    found = curve(small(max_epochs=1), *TASK_A, *TASK_B, *TEST, layers=(2, 1, 2))
    assert isinstance(found, TransferabilityCurve)
    assert_array_equal(found.layers, [1, 2])
    assert list(found.scores) == list(TREATMENTS) == ["BnB", "BnB+", "AnB", "AnB+"]
    assert all(scores.shape == (2, 1) for scores in found.scores.values())


def test_the_scorer_is_used() -> None:
    # rows of one class only on which the two scores differ
    scorer = make_scorer(balanced_accuracy_score)
    rows = np.r_[0:20, 21:80:3]
    test = DATA.X_target[rows], DATA.y_target[rows]
    plain, balanced = (
        curve(small(), *TASK_A, *TASK_B, *test, layers=[1], scoring=scoring)
        for scoring in (None, scorer)
    )
    named = curve(small(), *TASK_A, *TASK_B, *test, layers=[1], scoring="balanced_accuracy")
    assert plain.base_scores != balanced.base_scores
    assert named.base_scores == balanced.base_scores
    assert named.scores == balanced.scores


def test_it_is_the_same_with_more_jobs_and_leaves_global_generators_and_input_alone() -> None:
    estimator = small(random_state=3)
    before = estimator.get_params()
    rows = [np.array(part) for part in (*TASK_A, *TASK_B, *TEST)]
    for part in rows:
        part.setflags(write=False)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one = curve(estimator, *rows, layers=[1], n_repeats=2)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert estimator.get_params() == before
    assert not hasattr(estimator, "net_")
    with parallel_config("threading"):  # tests/test_n_jobs.py starts processes
        two = curve(estimator, *rows, layers=[1], n_repeats=2, n_jobs=2)
    assert_array_equal(one.base_scores, two.base_scores)
    for name in TREATMENTS:
        assert_array_equal(one.scores[name], two.scores[name])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"estimator": DANNClassifier()},
            "The 'estimator' parameter of transferability_curve must be an instance of "
            "'skda.methods.finetune.FinetuneClassifier'",
        ),
        (
            {"estimator": small(n_frozen=1)},
            "The 'estimator' parameter of transferability_curve must have n_frozen=0: the curve "
            "sets what is copied and kept fixed. Got n_frozen=1 instead.",
        ),
        ({"estimator": small(reinit=2)}, "must have reinit=0"),
        ({"estimator": small(unfreeze_schedule=1)}, "must have unfreeze_schedule=None"),
        ({"estimator": small(pretrained={})}, "must have pretrained=None"),
        (
            {"layers": [0, 1]},
            "The 'layers' parameter of transferability_curve must hold one or more int in the "
            "range [1, inf). Got [0, 1] instead.",
        ),
        ({"layers": []}, "Got [] instead."),
        ({"layers": [1.5]}, "Got [1.5] instead."),
        ({"layers": [True]}, "Got [True] instead."),
        (
            {"layers": [4]},
            "must hold numbers up to 3, the layers of the module. Got 4 instead.",
        ),
        ({"layers": 2}, "The 'layers' parameter of transferability_curve must be an array-like"),
        ({"n_repeats": 0}, "The 'n_repeats' parameter of transferability_curve must be an int"),
    ],
)
def test_messages(params: dict[str, Any], message: str) -> None:
    given = {"estimator": small(max_epochs=1), **params}
    with pytest.raises((ValueError, TypeError)) as caught:
        curve(given.pop("estimator"), *TASK_A, *TASK_B, *TEST, **given)
    assert message in str(caught.value)
