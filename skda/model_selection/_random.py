"""Random streams that share nothing with the user's."""

import zlib

import numpy as np


def own_stream(random_state: int, purpose: str) -> np.random.RandomState:
    """Return a generator that depends on a seed and on what it is for.

    Parameters
    ----------
    random_state : int
        A seed, at least 0.
    purpose : str
        What the generator is for; each purpose has its own stream.

    Returns
    -------
    numpy.random.RandomState
        A new generator; the global one is left alone.

    Notes
    -----
    A data set that was shuffled by ``RandomState(0)`` and is cut into folds by ``RandomState(0)``
    is cut by the very permutation that shuffled it: the folds are then runs of the unshuffled rows,
    whole classes or regions, and a held-out score falls far below chance. With 0 as everybody's
    favourite seed, this does happen.

    Examples
    --------
    >>> from skda.model_selection._random import own_stream
    >>> first, again, other = (own_stream(0, purpose) for purpose in ("folds", "folds", "pairs"))
    >>> number = first.randint(1000)
    >>> bool(number == again.randint(1000)), bool(number == other.randint(1000))
    (True, False)
    """
    seed = np.random.SeedSequence([random_state, zlib.crc32(purpose.encode())])
    return np.random.RandomState(np.random.MT19937(seed))
