"""Random generators that differ from the user's, though the seed is the same."""

from __future__ import annotations

import zlib

import numpy as np


def derive_random_state(random_state: int, purpose: str) -> np.random.RandomState:
    """Return a new generator from a seed, at least 0, and its purpose.

    If one ``RandomState(0)`` shuffles a data set and another cuts it into folds, both draw the same
    permutation. Each fold then consists of neighbouring rows of the unshuffled data, such as a
    whole class, and held-out scores fall far below chance. Since 0 is the most common seed, this
    happens in practice.
    """
    seed = np.random.SeedSequence([random_state, zlib.crc32(purpose.encode())])
    return np.random.RandomState(np.random.MT19937(seed))
