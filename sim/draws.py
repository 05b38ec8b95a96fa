"""Chance is looked up, not used up.

A draw has an address: seed, decision, key (of a child, a home, a recruiter ...) and serial (the number of the spell, or
the key of the other half of a pair). It is a hash of that address, so it depends on nothing that happened before, on no
order and on nobody else: two scenarios with one seed differ only where a policy, or what follows from it, made them
differ (*common random numbers*). The hash is splitmix64's finaliser (Steele, Lea and Flood 2014), applied twice.

Every function here gives the same bits on every processor: logarithm and exponential are computed with + - x / alone,
because numpy's own differ with the vector instructions at hand. The scalar twins give the same bits as the arrays.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Draws", "exp", "gamma_quantile", "heavy_tail", "key_of", "neglog", "power", "scale_of_median"]

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_GOLDEN, _FIRST, _SECOND = np.uint64(GOLDEN), np.uint64(FIRST), np.uint64(SECOND)
_30, _27, _31, _12 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12)
UNIT = 2.0**-52
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # their sum is ln 2 (fdlibm)
SQRT_HALF = 0.7071067811865476
ATANH = tuple(2.0 / (2 * n + 1) for n in range(11, -1, -1))  # 2 atanh(s) = s * polynomial in s*s
EXPONENTIAL = tuple(1.0 / math.factorial(n) for n in range(14, -1, -1))
BLOCK = 1 << 14  # values worked on at a time, so that they stay in the processor's cache
FEW = 14  # up to this many values plain Python is faster than numpy


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * FIRST) & MASK
    z = ((z ^ (z >> 27)) * SECOND) & MASK
    return z ^ (z >> 31)


def _address(z: int, serial: int) -> float:
    """The uniform number at an address: its decision and key (xor), and its serial. `_mix` twice, written out for speed."""
    z = ((z ^ (z >> 30)) * FIRST) & MASK
    z = ((z ^ (z >> 27)) * SECOND) & MASK
    z = ((z ^ (z >> 31) ^ ((serial * GOLDEN) & MASK)) + GOLDEN) & MASK
    z = ((z ^ (z >> 30)) * FIRST) & MASK
    z = ((z ^ (z >> 27)) * SECOND) & MASK
    return (((z ^ (z >> 31)) >> 12) + 0.5) * UNIT


def _mixed(z: Keys) -> Keys:
    """splitmix64's finaliser, in place."""
    z ^= z >> _30
    z *= _FIRST
    z ^= z >> _27
    z *= _SECOND
    z ^= z >> _31
    return z


@cache
def key_of(*names: str | int) -> int:
    """The 64-bit key of something by its names, the same on every machine and in every run."""
    text = "\x1f".join(str(name) for name in names)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def keys_of(first: int, ordinals: NDArray[np.integer]) -> Keys:
    """Keys of the members of a numbered series whose own key is `first`, shape of `ordinals`."""
    z = (ordinals.astype(np.uint64) + np.uint64(1)) * _GOLDEN
    z ^= np.uint64(first)
    return _mixed(z)


def neglog(x: Floats) -> Floats:
    """-ln x for positive x, with IEEE + - x / only, so that every machine gives the same bits (error under 3 ulp)."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < SQRT_HALF
    mantissa = np.where(small, mantissa + mantissa, mantissa)
    power_of_two = exponent - small
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    series = np.full_like(square, ATANH[0])
    for coefficient in ATANH[1:]:
        series *= square
        series += coefficient
    series *= s
    return -(power_of_two * LN2_HIGH + (series + power_of_two * LN2_LOW))


def neglog_one(x: float) -> float:
    """The scalar twin of `neglog`: the same bits."""
    mantissa, exponent = math.frexp(x)
    if mantissa < SQRT_HALF:
        mantissa, exponent = mantissa + mantissa, exponent - 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    series = ATANH[0]
    for coefficient in ATANH[1:]:
        series = series * square + coefficient
    series *= s
    return -(exponent * LN2_HIGH + (series + exponent * LN2_LOW))


def exp(x: Floats | float) -> Any:
    """e to the x for |x| < 700, with IEEE + - x / only."""
    x = np.asarray(x, dtype=np.float64)
    if x.ndim == 1 and len(x) <= FEW:
        return np.array([exp_one(one) for one in x.tolist()], dtype=np.float64)
    k = np.rint(x * 1.4426950408889634)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    series = np.full_like(r, EXPONENTIAL[0])
    for coefficient in EXPONENTIAL[1:]:
        series = series * r + coefficient
    return np.ldexp(series, k.astype(np.int32))


def exp_one(x: float) -> float:
    """The scalar twin of `exp`: the same bits."""
    k = float(round(x * 1.4426950408889634))
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    series = EXPONENTIAL[0]
    for coefficient in EXPONENTIAL[1:]:
        series = series * r + coefficient
    return math.ldexp(series, int(k))


def power(x: Floats | float, exponent: float) -> Any:
    """x to the exponent for positive x, portable."""
    return exp(-exponent * neglog(np.asarray(x, dtype=np.float64)))


def heavy_tail(e: Floats, scale: Floats | float, tail: Floats | float) -> Floats:
    """Durations from Exp(1) draws `e`: Lomax (Pareto II), whose chance of lasting past x is (1 + x/scale)^-tail.

    The smaller `tail`, the heavier. In the unit of `scale`; see `scale_of_median`.
    """
    return scale * (exp(e / tail) - 1.0)


def scale_of_median(median: float, tail: float) -> float:
    """The scale of a Lomax distribution with this median and tail."""
    return median / (exp_one(0.6931471805599453 / tail) - 1.0)


TABLE = Path(__file__).with_name("data") / "gamma_quantiles.npz"


@cache
def _gamma_table() -> tuple[Floats, Floats, Floats]:
    with np.load(TABLE) as table:
        return table["shape"], table["e"], table["quantile"]


@cache
def _gamma_row(shape: float) -> Floats:
    shapes, _, quantiles = _gamma_table()
    if not shapes[0] <= shape <= shapes[-1]:
        raise ValueError(f"gamma shape {shape} is outside the stored table, {shapes[0]} to {shapes[-1]}")
    above = min(max(int(np.searchsorted(shapes, shape)), 1), len(shapes) - 1)
    share = (shape - shapes[above - 1]) / (shapes[above] - shapes[above - 1])
    return quantiles[above - 1] + share * (quantiles[above] - quantiles[above - 1])


def gamma_quantile(e: Floats, shape: float) -> Floats:
    """A gamma variable with mean 1 and the given shape, from Exp(1) draws: its value at probability 1 - exp(-e).

    The smaller the shape, the more of the total belongs to the few. Interpolated with + - x / in a stored table
    (made and checked with scipy in the tests), so the bits are the same everywhere.
    """
    row = _gamma_row(shape)
    grid = _gamma_table()[1]
    at = np.minimum(e * ((len(grid) - 1) / grid[-1]), len(grid) - 1.001)
    below = at.astype(np.int64)
    low = row[below]
    return low + (at - below) * (row[below + 1] - low)


class Draws:
    """All the chance of one run.

    `seed` [integer >= 0] names the run; decisions are named by text, such as "missing.duration". `recoupled` maps beginnings of such
    names to numbers: those decisions look their chance up elsewhere, with the same distribution, so that two runs of one seed share
    all other chance but not theirs. A number of 0 changes nothing.
    """

    def __init__(self, seed: int, recoupled: Mapping[str, int] | None = None):
        self.seed, self.recoupled = seed, dict(recoupled or {})
        self._streams: dict[str, int] = {}

    def stream(self, decision: str) -> int:
        """The 64-bit key of a decision in this run."""
        try:
            return self._streams[decision]
        except KeyError:
            return self._streams.setdefault(decision, key_of("decision", decision, self.seed, *self._elsewhere(decision)))

    def _elsewhere(self, decision: str) -> tuple[int, ...]:
        """The number by which a decision is recoupled: that of the longest beginning of its name; none if it is not."""
        beginnings = [beginning for beginning in self.recoupled if decision.startswith(beginning)]
        number = self.recoupled[max(beginnings, key=len)] if beginnings else 0
        return (number,) if number else ()

    def hash(self, decision: str, key: Keys, serial: NDArray[np.integer] | int = 0) -> Keys:
        """64 random bits for each address. `key` and `serial` broadcast; negative serials are not allowed."""
        z = np.bitwise_xor(key, np.uint64(self.stream(decision)))
        z = _mixed(z)
        if isinstance(serial, np.ndarray):
            z = z ^ (serial.astype(np.uint64) * _GOLDEN)
        else:
            z ^= np.uint64((int(serial) * GOLDEN) & MASK)
        z += _GOLDEN
        return _mixed(z)

    def uniform(self, decision: str, key: Keys, serial: NDArray[np.integer] | int = 0) -> Floats:
        """Numbers evenly spread between 0 and 1, never either, one for each address; shape of key and serial."""
        size = len(key)
        if size <= FEW:
            stream = self.stream(decision)
            if isinstance(serial, np.ndarray):
                return np.array([_address(k ^ stream, s) for k, s in zip(key.tolist(), serial.tolist(), strict=True)], dtype=np.float64)
            return np.array([_address(k ^ stream, int(serial)) for k in key.tolist()], dtype=np.float64)
        if size <= 2 * BLOCK:
            return np.add(self.hash(decision, key, serial) >> _12, 0.5, dtype=np.float64) * UNIT
        out = np.empty(size)
        for part in _blocks(size):
            some = serial[part] if isinstance(serial, np.ndarray) else serial
            out[part] = ((self.hash(decision, key[part], some) >> _12) + 0.5) * UNIT
        return out

    def exponential(self, decision: str, key: Keys, serial: NDArray[np.integer] | int = 0) -> Floats:
        """Exp(1) draws, one for each address: the patience of one spell."""
        size = len(key)
        if size <= FEW:
            return np.array([neglog_one(u) for u in self.uniform(decision, key, serial).tolist()], dtype=np.float64)
        if size <= 2 * BLOCK:
            return neglog(self.uniform(decision, key, serial))
        out = np.empty(size)
        for part in _blocks(size):
            out[part] = neglog(self.uniform(decision, key[part], serial[part] if isinstance(serial, np.ndarray) else serial))
        return out

    def one_uniform(self, decision: str, key: int, serial: int = 0) -> float:
        """The scalar twin of `uniform`: the same number for the same address."""
        return _address(int(key) ^ self.stream(decision), int(serial))

    def one_exponential(self, decision: str, key: int, serial: int = 0) -> float:
        """The scalar twin of `exponential`."""
        return neglog_one(self.one_uniform(decision, key, serial))

    def happens(self, decision: str, key: Keys, probability: Floats | float, serial: NDArray[np.integer] | int = 0):
        """True where the draw at this address falls under `probability` [0 to 1]."""
        return self.uniform(decision, key, serial) < probability


def _blocks(size: int):
    return (slice(start, start + BLOCK) for start in range(0, size, BLOCK))
