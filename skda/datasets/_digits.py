"""Two disjoint samples of scikit-learn's bundled handwritten digits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ._pairs import LabelledRows, check_parameters

SIDE = 16
N_DIGITS = 1797
N_CLASSES = 10
INK_MAX = 16.0
TARGET_NAMES = tuple(str(digit) for digit in range(N_CLASSES))
PARTS = ("source", "target", "target_test")


@dataclass(frozen=True)
class DigitSplit:
    """The bundled digits, split into three parts.

    The images have shape (n_part, 16, 16), float64 from 0 (paper) to 1 (ink). `rows` names the rows
    of :func:`sklearn.datasets.load_digits` that the images come from, as ``rows_source``,
    ``rows_target`` and ``rows_target_test``.
    """

    source: LabelledRows
    target: LabelledRows
    target_test: LabelledRows
    rows: dict[str, Any]


def check_digit_parameters(
    caller: str, params: Mapping[str, Any], **constraints: list[Any]
) -> None:
    """Validate the parameters of `caller`, a public function that makes digits.

    In `params`, ``n_source`` and ``n_target`` must each be at least 10 and together at most 1787,
    because all three parts need ten digits. `check_parameters` checks the others.

    >>> check_digit_parameters("make_scanned_digits", {"n_source": 1500, "n_target": 500})
    Traceback (most recent call last):
        ...
    ValueError: The 'n_source' and 'n_target' parameters of make_scanned_digits must add up to
    at most 1787, so that 10 of the 1797 bundled digits are left to test on. Got 1500 + 500 = 2000
    instead. Lower one of them.
    """
    check_parameters(caller, params, constraints, least=N_CLASSES)
    n_source, n_target = params["n_source"], params["n_target"]
    most = N_DIGITS - N_CLASSES
    if n_source + n_target > most:
        raise ValueError(
            f"The 'n_source' and 'n_target' parameters of {caller} must add up to at most {most}, "
            f"so that {N_CLASSES} of the {N_DIGITS} bundled digits are left to test on. "
            f"Got {n_source} + {n_target} = {n_source + n_target} instead. Lower one of them."
        )


def split_digits(n_source: int, n_target: int, random_state: np.random.RandomState) -> DigitSplit:
    """Split the bundled digits into source, target and target test.

    The parts are stratified: they differ in their images, but not in the frequency of each digit.
    The target test part has the digits that are in neither of the other two. Images are enlarged
    bilinearly from 8 x 8 to 16 x 16; `random_state` is advanced.

    >>> split = split_digits(900, 600, np.random.RandomState(0))
    >>> split.target_test.X.shape
    (297, 16, 16)
    """
    images, labels = load_digits().images / INK_MAX, load_digits().target
    source, rest = train_test_split(
        np.arange(N_DIGITS), train_size=n_source, stratify=labels, random_state=random_state
    )
    target, test = train_test_split(
        rest, train_size=n_target, stratify=labels[rest], random_state=random_state
    )
    factor = SIDE // images.shape[1]
    ink = ndimage.zoom(images, (1, factor, factor), order=1, mode="nearest", grid_mode=True)
    rows = dict(zip(PARTS, (source, target, test), strict=True))
    return DigitSplit(
        **{part: LabelledRows(ink[index], labels[index]) for part, index in rows.items()},
        rows={f"rows_{part}": index for part, index in rows.items()},
    )
