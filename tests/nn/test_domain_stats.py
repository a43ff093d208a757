import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from skda.nn import DomainStatistics, batch_norm_layers, norms_in_eval


def net() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.BatchNorm1d(2, affine=False), nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)
        )


def rows(seed: int, n: int = 8) -> Tensor:
    scale = 1 + seed
    return scale * torch.randn(n, 2, generator=torch.Generator().manual_seed(seed)) + scale


def buffers(module: nn.Module) -> list[Tensor]:
    return [b.clone() for b in module.buffers()]


def assert_equal(ours: list[Tensor], theirs: list[Tensor]) -> None:
    assert len(ours) == len(theirs) > 0
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a, b)


def test_layers_are_found_by_their_running_mean() -> None:
    module = nn.Sequential(
        nn.Conv1d(1, 1, 1),
        nn.BatchNorm1d(1, track_running_stats=False),
        nn.Sequential(nn.InstanceNorm1d(1), nn.LayerNorm(1)),
        nn.SyncBatchNorm(1),
    )
    assert batch_norm_layers(module) == [module[1], module[2][0], module[3]]


def test_norms_in_eval_restores_the_modes_that_it_found() -> None:
    module = net().train()
    module[0].eval()
    with norms_in_eval(module):
        assert [m.training for m in module] == [False, True, False, True]
    assert [m.training for m in module] == [False, True, True, True]
    with pytest.raises(RuntimeError, match="elements"), norms_in_eval(module):
        module(torch.zeros(2, 9))
    assert [m.training for m in module] == [False, True, True, True]


def test_each_domain_has_the_statistics_of_its_own_passes_only() -> None:
    module, source_only, target_only = net(), net(), net()
    stats = DomainStatistics(module)
    for step in range(3):
        module(rows(step))
        source_only(rows(step))
        with stats.of("target", module):
            module(rows(10 + step, n=5))
        target_only(rows(10 + step, n=5))
    assert_equal(buffers(module), buffers(source_only))
    with stats.of("target", module):
        assert_equal(buffers(module), buffers(target_only))
    assert_equal(buffers(module), buffers(source_only))
    assert not torch.equal(module[0].running_mean, target_only[0].running_mean)
    assert module[0].num_batches_tracked == 3


def test_before_the_first_target_rows_the_domains_predict_alike() -> None:
    module = net()
    stats = DomainStatistics(module)
    module(rows(0))
    module.eval()
    x = rows(1)
    with stats.of("target", module):
        assert torch.equal(module(x), module(x.clone()))
        unseen = module(x)
    assert torch.equal(unseen, module(x))
    stats.mark_seen()
    with stats.of("target", module):
        assert not torch.equal(module(x), unseen)


def test_statistics_come_back_if_the_body_fails() -> None:
    module = net()
    stats = DomainStatistics(module)
    before = buffers(module)
    with stats.of("target", module):
        module(rows(0))
    with pytest.raises(RuntimeError, match="elements"), stats.of("target", module):
        module(torch.zeros(2, 9))
    assert_equal(buffers(module), before)


def test_state_dict_holds_the_target_and_whether_it_was_seen() -> None:
    module = net()
    stats = DomainStatistics(module)
    with stats.of("target", module):
        module(rows(3))
    stats.mark_seen()
    other_module = net()
    other = DomainStatistics(other_module)
    other.load_state_dict(stats.state_dict())
    module.eval()
    other_module.eval()
    x = rows(4)
    with stats.of("target", module), other.of("target", other_module):
        assert torch.equal(other_module(x), module(x))
    assert list(stats.state_dict()) == [
        "layer0_running_mean",
        "layer0_running_var",
        "layer0_num_batches_tracked",
        "layer1_running_mean",
        "layer1_running_var",
        "layer1_num_batches_tracked",
        "seen",
    ]


def test_reestimated_statistics_by_hand() -> None:
    module = net()
    stats = DomainStatistics(module)
    module(rows(0))
    source, weights = buffers(module), copy.deepcopy(list(module.parameters()))
    x = rows(7, n=40)
    stats.reestimate(module, [x])

    mean, var = x.double().mean(0), x.double().var(0, correction=1)
    normed = (x - mean) / (x.double().var(0, correction=0) + 1e-5).sqrt()
    linear = copy.deepcopy(module[1]).double()
    hidden = linear(normed)
    state = stats.state_dict()
    expected = [mean, var, hidden.mean(0), hidden.var(0, correction=1)]
    names = [f"layer{i}_running_{what}" for i in (0, 1) for what in ("mean", "var")]
    for name, value in zip(names, expected, strict=True):
        torch.testing.assert_close(state[name], value.float(), rtol=1e-5, atol=1e-5)
    assert_equal(buffers(module), source)
    assert_equal(list(module.parameters()), weights)
    assert [m.momentum for m in batch_norm_layers(module)] == [0.1, 0.1]
    assert not any(m.training for m in module.modules())
    assert stats.seen


def test_reestimate_averages_the_batches_whatever_was_there_before() -> None:
    module = nn.BatchNorm1d(2)
    stats = DomainStatistics(module)
    with stats.of("target", module):
        module(1e6 * rows(0))
    batches = [rows(1), rows(2), rows(3)]
    stats.reestimate(module, [batches[0], rows(4, n=1), *batches[1:]])  # one row is skipped
    expected = np.mean([b.double().numpy().mean(0) for b in batches], axis=0)
    np.testing.assert_allclose(stats.layer0_running_mean, expected, rtol=1e-5)
    expected = np.mean([b.double().numpy().var(0, ddof=1) for b in batches], axis=0)
    np.testing.assert_allclose(stats.layer0_running_var, expected, rtol=1e-5)


def test_a_lone_row_reestimates_nothing() -> None:
    module = net()
    stats = DomainStatistics(module)
    module(rows(0))
    stats.reestimate(module, [rows(1, n=1)])
    assert not stats.seen
    module.eval()
    with stats.of("target", module):
        as_target = module(rows(2))
    assert torch.equal(as_target, module(rows(2)))


def test_instance_normalisation_is_reestimated_as_well() -> None:
    module = nn.InstanceNorm1d(2, track_running_stats=True)
    stats = DomainStatistics(module)
    x = torch.randn(4, 2, 9, generator=torch.Generator().manual_seed(0)) * 3 + 5
    stats.reestimate(module, [x])
    torch.testing.assert_close(stats.layer0_running_mean, x.mean(2).mean(0))
    torch.testing.assert_close(stats.layer0_running_var, x.var(2, correction=1).mean(0))


def test_layers_that_track_nothing_need_nothing() -> None:
    module = nn.Sequential(nn.BatchNorm1d(2, track_running_stats=False))
    stats = DomainStatistics(module)
    stats.reestimate(module, [rows(0)])
    assert list(stats.state_dict()) == ["seen"]
