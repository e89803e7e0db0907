"""Numbers in fewer bits come back as near as the bits allow."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis.strategies import integers

from headstart.compression.methods.four_bit import pack
from headstart.compression.storing import int8_of


@given(seed=integers(0, 2**32 - 1))
def test_eight_bits_are_within_half_a_step(seed):
    array = np.random.default_rng(seed).normal(size=(7, 5)).astype(np.float32)
    for axis in (0, 1):
        stored, scale = int8_of(array, axis)
        assert stored.dtype == np.int8
        assert (np.abs(stored * scale - array) <= scale * 0.5001).all()


@given(seed=integers(0, 2**32 - 1))
def test_four_bits_are_within_a_step_and_zero_stays_zero(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(rng.normal(), 1, (40, 3)).astype(np.float32)  # a whole block, and a part of one
    matrix[5] = 0
    numbers, scales, zeros = pack(matrix)
    assert numbers.shape == (3, 2, 16)
    unpacked = np.stack([numbers & 15, numbers >> 4], axis=-1).reshape(3, 2, 32).astype(float)
    zero = np.stack([zeros & 15, zeros >> 4], axis=-1).reshape(3, 2)
    decoded = ((unpacked - zero[..., None]) * scales[..., None]).reshape(3, 64)[:, :40].T
    step = np.repeat(scales, 32, axis=1)[:, :40].T
    assert (np.abs(decoded - matrix) <= 1.0001 * step).all()
    assert (decoded[5] == 0).all()


def test_zeros_have_a_scale():
    stored, scale = int8_of(np.zeros((2, 3), np.float32), 0)
    assert not stored.any()
    assert np.isfinite(scale).all()
    assert np.isfinite(pack(np.zeros((32, 2), np.float32))[1]).all()
