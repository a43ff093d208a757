import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import PolynomialFeatures

from skda.model_selection import proxy_a_distance
from skda.model_selection._random import derive_random_state

DOMAIN = np.repeat([0, 1], 100)


def folds_of(order, random_state):
    """Mean place, before the shuffling, of the source rows of each fold."""
    folds = StratifiedKFold(5, shuffle=True, random_state=random_state)
    return [order[test[test < 100]].mean() for _, test in folds.split(DOMAIN, DOMAIN)]


@pytest.mark.parametrize("seed", range(3))
def test_folds_do_not_undo_the_shuffling_of_the_data(seed):
    order = np.arange(100)
    np.random.RandomState(seed).shuffle(order)
    # The same seed for shuffling and folds would make each fold a run of unshuffled rows.
    assert np.ptp(folds_of(order, seed)) == 80.0
    assert np.ptp(folds_of(order, derive_random_state(seed, "domain folds"))) < 40.0


def test_a_seed_shared_with_the_data_does_not_matter():
    source, _ = make_moons(300, noise=0.1, random_state=np.random.RandomState(0))
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    target, _ = make_moons(300, noise=0.1, random_state=np.random.RandomState(0))
    expand = PolynomialFeatures(4, include_bias=False)
    features = expand.fit_transform(source), expand.fit_transform(target @ turn)
    scores = [proxy_a_distance(*features, random_state=seed) for seed in range(5)]
    assert np.ptp(scores) < 0.3
    # The classifier separates the domains; a score above 0 would be worse than chance.
    assert max(scores) < -0.5


def test_a_seed_and_a_purpose_determine_the_random_numbers():
    def draw(seed, purpose):
        return derive_random_state(seed, purpose).permutation(50).tolist()

    assert draw(0, "a") == draw(0, "a")
    assert draw(0, "a") != draw(0, "b")
    assert draw(0, "a") != draw(1, "a")
