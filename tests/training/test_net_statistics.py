from typing import Any

import numpy as np
import pytest
import torch
from skorch.dataset import ValidSplit
from torch import Tensor, nn

from skda import FinetuneClassifier
from skda.training import ArrayRows, DomainPair, TwoDomainLoader
from tests.shifted import Shifted, shifted
from tests.training.small import DATA, SMALL, dann, held_out_loss, same, weights


def epochs_of_batches(estimator: Any, data: Shifted, batch_size: int) -> list[Any]:
    """The batches of `fit`: a loader with the same seeds draws the same batches."""
    domains = DomainPair(ArrayRows(data.X), data.y, ArrayRows(data.X_target))
    loader = TwoDomainLoader(domains, batch_size, [estimator.net_.seeds.batches, 0])
    return [batch for _ in range(estimator.max_epochs) for batch in loader]


def passed_through(norm: nn.Module, batches: list[Tensor]) -> nn.Module:
    for batch in batches:
        norm(batch)
    return norm


@pytest.mark.parametrize("data", [shifted(60, 60), shifted(33, 100), shifted(60, 9)])
def test_each_domain_has_its_own_running_statistics(data: Shifted) -> None:
    fitted = dann(data, batch_size=16)
    batches = epochs_of_batches(fitted, data, 16)
    source = passed_through(nn.BatchNorm1d(4, affine=False), [b.source for b in batches])
    target = passed_through(nn.BatchNorm1d(4, affine=False), [b.target for b in batches])
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert torch.equal(getattr(fitted.module_.features[0], name), getattr(source, name))
        of_target = getattr(fitted.net_.domain_stats_, f"layer0_{name}")
        assert torch.equal(of_target, getattr(target, name))
    assert (abs(target.running_mean - source.running_mean) > 0.3).all()


def test_joint_statistics_are_those_of_the_concatenated_batch() -> None:
    fitted = dann(batch_stats="joint", batch_size=16)
    both = [torch.cat([b.source, b.target]) for b in epochs_of_batches(fitted, DATA, 16)]
    norm = passed_through(nn.BatchNorm1d(4, affine=False), both)
    torch.testing.assert_close(fitted.module_.features[0].running_mean, norm.running_mean)
    for domain in ("source", "target"):
        np.testing.assert_array_equal(
            fitted.decision_function(DATA.X, domain=domain), fitted.decision_function(DATA.X)
        )


def test_adabn_takes_the_exact_statistics_of_the_target() -> None:
    fitted = FinetuneClassifier(**SMALL, adapt_batch_norm=True)
    fitted.fit(DATA.X, DATA.y, DATA.X_target)
    plain = FinetuneClassifier(**SMALL).fit(DATA.X, DATA.y)
    stats = fitted.net_.domain_stats_
    np.testing.assert_allclose(stats.layer0_running_mean, DATA.X_target.mean(0), rtol=1e-5)
    np.testing.assert_allclose(stats.layer0_running_var, DATA.X_target.var(0, ddof=1), rtol=1e-5)
    assert same(weights(fitted), weights(plain))
    np.testing.assert_array_equal(
        fitted.predict_proba(DATA.X, domain="source"), plain.predict_proba(DATA.X)
    )
    assert (
        abs(fitted.predict_proba(DATA.X_target) - plain.predict_proba(DATA.X_target)).max() > 0.01
    )


def test_adabn_on_rows_sorted_by_class_sees_the_whole_variance() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 1500)  # more than one batch of it
    X = 10 * y[:, None] + rng.normal(size=(3000, 2))
    fitted = FinetuneClassifier(**{**SMALL, "max_epochs": 1}, adapt_batch_norm=True).fit(X, y, X)
    variance = fitted.net_.domain_stats_.layer0_running_var
    np.testing.assert_allclose(variance, X.var(0), rtol=0.02)  # within a class it is 1, not 26


def test_target_statistics_are_trained_even_where_they_are_first_used_late() -> None:
    # source-only has not seen the target, so target rows use the source's statistics
    plain = FinetuneClassifier(**SMALL).fit(DATA.X, DATA.y)
    np.testing.assert_array_equal(
        plain.decision_function(DATA.X_target, domain="source"),
        plain.decision_function(DATA.X_target, domain="target"),
    )
    adapted = dann()
    assert not np.allclose(
        adapted.decision_function(DATA.X_target, domain="source"),
        adapted.decision_function(DATA.X_target, domain="target"),
    )


def test_held_out_rows_of_the_target_stage_are_judged_by_its_statistics() -> None:
    split = ValidSplit(0.3, random_state=0)
    data = shifted(shift=4.0)
    fitted = FinetuneClassifier(**{**SMALL, "max_epochs": 30}, train_split=split)
    fitted.fit(data.X, data.y, data.X_target, y_target=data.y_target)
    loss = {
        domain: held_out_loss(fitted, data.X_target, data.y_target, domain)
        for domain in ("source", "target")
    }
    assert fitted.history_[-1, "valid_loss"] == pytest.approx(loss["target"], rel=1e-4)
    assert abs(loss["source"] - loss["target"]) > 0.01
