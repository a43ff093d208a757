from __future__ import annotations

import numpy as np
import pytest

from skda import DDCClassifier, select_bottleneck
from skda.datasets import make_rotated_moons


def test_the_width_of_least_mmd_is_chosen_by_the_source_only_features() -> None:
    moons = make_rotated_moons(60, 60, random_state=0)
    data = moons.X_source, moons.y_source, moons.X_target
    ddc = DDCClassifier(max_epochs=20, lr=1e-2, random_state=0)
    choice = select_bottleneck(ddc, *data, widths=(2, 8, 32))
    assert list(choice.mmd) == [2, 8, 32]
    for width, mmd in choice.mmd.items():
        net = DDCClassifier(max_epochs=20, lr=1e-2, random_state=0, lam=0, bottleneck_width=width)
        net.fit(*data)
        source, target = (net.transform(X, domain="source") for X in (data[0], data[2]))
        both = np.concatenate([source, target]).astype(float)
        gap = ((source.mean(axis=0) - target.mean(axis=0)) ** 2).sum()
        assert mmd == pytest.approx(gap / (both**2).sum(axis=1).mean(), rel=1e-4)
    assert choice.mmd[choice.width] == min(choice.mmd.values())
    assert choice.estimator.bottleneck_width == choice.width
    assert ddc.bottleneck_width == 256
    with pytest.raises(ValueError, match="'widths' parameter must hold at least one width"):
        select_bottleneck(ddc, *data, widths=())
