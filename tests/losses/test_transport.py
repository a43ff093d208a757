import itertools
import re
import sys

import pytest
import torch

from skda.losses import DeepJDOTLoss, deepjdot, jdot_cost, optimal_coupling
from tests.losses import naive

pytest.importorskip("ot")


def inputs(n_source=4, n_target=5, k=3):
    source, target = naive.samples(n_source, n_target, 2)
    _, logits = naive.samples(1, n_target, k, seed=1)
    return source, target, torch.arange(n_source) % k, logits


WEIGHTS = {"feature_weight": 0.3, "label_weight": 0.7}


def test_cost_equals_the_loop():
    source, target, y, logits = inputs()
    naive.assert_same_with_gradient(
        lambda s, t, g: jdot_cost(s, t, y, g, **WEIGHTS),
        lambda s, t, g: naive.jdot_cost(s, t, y, g, *WEIGHTS.values()),
        source,
        target,
        logits,
    )
    assert torch.autograd.gradcheck(
        lambda s, t, g: jdot_cost(s, t, y, g, **WEIGHTS), (source, target, logits)
    )


def best_matching(cost):
    """Of equally many rows the best plan is a matching: try them all."""
    n = len(cost)
    return min(
        itertools.permutations(range(n)),
        key=lambda order: sum(cost[i, order[i]].item() for i in range(n)),
    )


@pytest.mark.parametrize("seed", range(3))
def test_loss_equals_the_best_of_all_matchings(seed):
    source, target = naive.samples(5, 5, 2, seed=seed)
    _, logits = naive.samples(1, 5, 3, seed=seed + 10)
    y = torch.tensor([0, 1, 2, 0, 1])

    def by_search(s, t, g):
        cost = naive.jdot_cost(s, t, y, g, *WEIGHTS.values())
        return sum(cost[i, j] for i, j in enumerate(best_matching(cost))) / 5

    naive.assert_same_with_gradient(
        lambda s, t, g: deepjdot(s, t, y, g, **WEIGHTS), by_search, source, target, logits
    )


def test_gradient_numerically():
    # The optimal plan is constant around the point, so the differences agree.
    source, target, y, logits = inputs()
    assert torch.autograd.gradcheck(
        lambda s, t, g: deepjdot(s, t, y, g, **WEIGHTS), (source, target, logits)
    )


def test_plan_is_uniform_on_both_sides_and_detached():
    source, target, y, logits = inputs(6, 4)
    plan = optimal_coupling(jdot_cost(source, target, y, logits))
    torch.testing.assert_close(plan.sum(1), torch.full((6,), 1 / 6).double())
    torch.testing.assert_close(plan.sum(0), torch.full((4,), 1 / 4).double())
    assert (plan >= 0).all()
    assert not plan.requires_grad


def test_by_hand():
    # On a line the sorted rows are matched: the distances are 2 and 2.
    source, target = torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0], [2.0]])
    logits, y = torch.zeros(2, 2), torch.tensor([0, 1])
    value = deepjdot(source, target, y, logits, feature_weight=1.0, label_weight=0.0)
    assert value.item() == pytest.approx(4)
    labels = deepjdot(source, target, y, logits, feature_weight=0.0, label_weight=1.0)
    assert labels.item() == pytest.approx(torch.tensor(2.0).log().item())


def test_labels_decide_where_features_cannot():
    rows = torch.zeros(2, 1)
    logits = torch.tensor([[0.0, 5.0], [5.0, 0.0]])
    plan = optimal_coupling(jdot_cost(rows, rows, torch.tensor([0, 1]), logits))
    torch.testing.assert_close(plan, torch.tensor([[0.0, 0.5], [0.5, 0.0]]))


def test_module_equals_the_function():
    arguments = inputs()
    assert torch.equal(DeepJDOTLoss(**WEIGHTS)(*arguments), deepjdot(*arguments, **WEIGHTS))


def test_without_pot_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ot", None)
    message = 'Optimal transport needs the package POT: pip install "skda[transport]".'
    with pytest.raises(ImportError, match=re.escape(message)):
        optimal_coupling(torch.zeros(2, 2))


def test_messages():
    source, target, y, logits = inputs()
    message = "The 'label_weight' parameter of jdot_cost must be a float in the range [0, inf)."
    with pytest.raises(ValueError, match=re.escape(message)):
        jdot_cost(source, target, y, logits, label_weight=-0.1)
    message = (
        "jdot_cost needs y_source of shape (4,) and target_logits of 5 rows, one for each row of "
        "features. Got (3,) and 5 instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        jdot_cost(source, target, y[:3], logits)
