"""The checksum of a file, which is zlib's."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from skda._crc import _FAR, _NEAR, _STEPS, crc32

LEAST = 8 * (_FAR + _NEAR)
SIZES = [
    *(0, 7, LEAST - 1, LEAST, LEAST + 13, LEAST + 8 * _NEAR - 1, LEAST + 8 * _NEAR),
    *(LEAST + 8 * (_STEPS - 1) * _NEAR, LEAST + 8 * _STEPS * _NEAR + 5, 20_000_003),
]


@pytest.mark.parametrize("start", [0, 1, 0xDEADBEEF, 0xFFFFFFFF])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_that_of_zlib(size: int, start: int) -> None:
    data = np.random.default_rng(size).integers(256, size=size, dtype=np.uint8)
    assert crc32(data, start) == zlib.crc32(data, start)


def test_the_polynomial_of_crc_32_divides_that_of_three_powers() -> None:
    """This property lets the checksum skip words."""
    ends = np.zeros(_FAR + 1, dtype=np.uint8)
    ends[[0, _NEAR, _FAR]] = 1
    assert zlib.crc32(ends, 0xFFFFFFFF) == 0xFFFFFFFF  # the remainder is 0


def test_each_bit_counts() -> None:
    data = np.zeros(LEAST + 8 * _NEAR, dtype=np.uint8)
    before = crc32(data)
    for place in np.random.default_rng(0).integers(len(data), size=20):
        data[place] ^= 4
        assert crc32(data) == zlib.crc32(data) != before
        data[place] ^= 4
