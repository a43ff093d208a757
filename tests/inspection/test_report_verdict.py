"""The sentences of a report, from numbers."""

from __future__ import annotations

import numpy as np
import pytest

from skda.inspection import DomainState, TargetPriors
from skda.inspection._report_verdict import Measured, find


def state(a_distance=1.0, mmd2=0.1, pvalue=0.01, accuracy=0.9, shares=(0.5, 0.5)):
    return DomainState(a_distance, mmd2, pvalue, accuracy, None, np.array(shares))


def priors(estimated=0.5, low=0.4, high=0.6):
    ends = np.array([[low, 1 - high], [high, 1 - low]])
    shares = np.array([estimated, 1 - estimated])
    return TargetPriors(np.array(["a", "b"]), shares, ends, np.array([0.5, 0.5]), 1.0, 0.95)


def found(inputs=None, before=None, after=None, **changes):
    given = [inputs or state(), before or state(), after or state()]
    states = dict(zip(("inputs", "source-only", "adapted"), given, strict=True))
    measured = Measured(states, priors(), 0.8, 0, 0, 0.5, 0.3, False)
    return find(measured._replace(**changes))


def test_nothing_to_say():
    assert found() == {"no_sign": "Nothing that was measured speaks against adapting."}


@pytest.mark.parametrize(
    ("of_inputs", "said"),
    [
        ({"a_distance": 0.3, "pvalue": 0.05, "mmd2": 0.1}, True),
        ({"a_distance": 0.3, "pvalue": 0.01, "mmd2": 0.005}, True),
        ({"a_distance": 0.3, "pvalue": 0.01, "mmd2": 0.006}, False),
        ({"a_distance": 0.31, "pvalue": 0.5, "mmd2": 0.0}, False),
    ],
)
def test_barely_separable_needs_both_distances_small(of_inputs, said):
    near = state(**of_inputs)
    told = found(inputs=near, before=near)
    assert ("barely_separable" in told) == said
    assert "barely_separable" not in found(inputs=near)
    if said:
        assert told["barely_separable"] == (
            "The domains are barely separable: adapting will hardly matter."
        )


def test_models_that_agree_cannot_differ_in_accuracy():
    assert found(agreement=0.98)["hardly_changed"] == (
        "Adapting hardly changed anything: 98.0% of the target rows are predicted as before, so "
        "that the accuracy cannot have changed by more than 2.0 points."
    )
    assert "every target row is predicted as before" in found(agreement=1.0)["hardly_changed"]
    assert "hardly_changed" not in found(agreement=0.96)
    assert list(found(agreement=1.0, lam=0.0)) == ["same_model"]


@pytest.mark.parametrize(
    ("accuracy", "forgotten", "learnt", "said"),
    [(0.76, 16, 2, True), (0.86, 16, 2, False), (0.85, 5, 0, True), (0.85, 8, 3, False)],
)
def test_a_fall_must_be_large_and_no_chance(accuracy, forgotten, learnt, said):
    told = found(after=state(accuracy=accuracy), forgotten=forgotten, learnt=learnt)
    assert ("source_forgotten" in told) == said
    if accuracy == 0.76:
        assert told["source_forgotten"] == (
            "Source accuracy fell 14 points after adapting, from 0.90 to 0.76: suspect negative "
            "transfer, and try a smaller lam."
        )


def test_a_collapse_is_one_that_source_only_has_not():
    collapsed = state(shares=(0.98, 0.02))
    assert found(after=collapsed)["collapsed"].startswith(
        "After adapting, 98% of the target rows are predicted to be of class a, before it 50%"
    )
    assert "collapsed" not in found(before=collapsed, after=collapsed)


def test_other_shares_where_they_explain_the_distance():
    rare = {"shares": priors(0.1, 0.05, 0.2)}
    assert found(**rare)["other_shares"] == (
        "The classes seem to have other shares in the target, such as 90% of class b, of which "
        "the source has 50%: pass target_priors."
    )
    assert "target_priors that were passed" in found(**rare, knows_shares=True)["other_shares"]
    # 13 of 100 rows, and 14, would have to change class at least
    assert "other_shares" not in found(shares=priors(0.3, 0.2, 0.37))
    assert "other_shares" in found(shares=priors(0.3, 0.2, 0.36))


@pytest.mark.parametrize("distance", [1.4, 2.0, float("nan")])
def test_where_the_domains_are_far_apart_the_shares_are_unknown(distance):
    told = found(shares=priors(0.1, 0.05, 0.2), explained_distance=distance)
    assert list(told) == ["shares_unknown"]
    assert "pass target_priors if you know the shares" in told["shares_unknown"]
    assert list(found(explained_distance=distance, knows_shares=True)) == ["no_sign"]
