"""The arithmetic of chance: hashes, logarithm, exponential, quantiles, compiled by numba.

A day asks for chance some fifty times, mostly for a handful of children. numpy needs twenty to fifty microseconds for each of these,
whoever many they are; compiled, it is one, and a year of a town or of England takes a third less (`python -m experiments bench`).

Every function gives the same bits on every processor: IEEE + - x / alone, never fused (numba does not, without fastmath), because the
logarithms of processors and libraries differ. `neglog_one` and `exp_one` are plain Python for one number; what is compiled for
many is their very source.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload

GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_GOLDEN, _FIRST, _SECOND = np.uint64(GOLDEN), np.uint64(FIRST), np.uint64(SECOND)
_12, _27, _30, _31 = np.uint64(12), np.uint64(27), np.uint64(30), np.uint64(31)
UNIT = 2.0**-52
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # their sum is ln 2 (fdlibm)
LOG2_E = 1.4426950408889634
SQRT_HALF = 0.7071067811865476
ATANH = tuple(2.0 / (2 * n + 1) for n in range(11, -1, -1))  # 2 atanh(s) = s * polynomial in s*s
EXPONENTIAL = tuple(1.0 / math.factorial(n) for n in range(14, -1, -1))


def _parts(x: float) -> tuple[float, int]:
    """A number from 1/2 to 1, and the power of two it is to be taken times to give x; x is positive and normal."""
    return math.frexp(x)


def _whole(x: float) -> int:
    """The whole number next to x, of two the even one."""
    return round(x)


def _times_power(x: float, k: int) -> float:
    """x times 2 to the k; that and the result are normal."""
    return math.ldexp(x, k)


# numba calls a library for these three, which takes longer than all else in a logarithm; from the bits of a number they are the same.


@overload(_parts)
def _parts_compiled(x):
    def parts(x):
        bits = np.float64(x).view(np.int64)
        return np.int64((bits & 0xFFFFFFFFFFFFF) | (1022 << 52)).view(np.float64), (bits >> 52) - 1022

    return parts


@overload(_whole)
def _whole_compiled(x):
    return lambda x: np.int64(np.rint(x))


@overload(_times_power)
def _times_power_compiled(x, k):
    return lambda x, k: x * np.int64((k + 1023) << 52).view(np.float64)


def neglog_one(x: float) -> float:
    """-ln x for positive x (error under 3 ulp)."""
    mantissa, exponent = _parts(x)
    if mantissa < SQRT_HALF:
        mantissa, exponent = mantissa + mantissa, exponent - 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    series = ATANH[0]
    for coefficient in ATANH[1:]:
        series = series * square + coefficient
    series *= s
    return -(exponent * LN2_HIGH + (series + exponent * LN2_LOW))


def exp_one(x: float) -> float:
    """e to the x for |x| < 700."""
    k = _whole(x * LOG2_E)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    series = EXPONENTIAL[0]
    for coefficient in EXPONENTIAL[1:]:
        series = series * r + coefficient
    return _times_power(series, k)


# mantissa + 1.0 is never 0; a test for it would keep numbers one at a time
_neglog: Any = njit(neglog_one, error_model="numpy")
_exp: Any = njit(exp_one)


@njit
def _mixed(z):
    """splitmix64's finaliser."""
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)


@njit
def _uniform(z, serial):
    """The number at an address: decision and key (xor), and serial."""
    return ((_mixed((_mixed(z) ^ (serial * _GOLDEN)) + _GOLDEN) >> _12) + 0.5) * UNIT


@njit
def _heavy_tail(e, scale, tail):
    """See `heavy_tail` of draws."""
    return scale * (_exp(e / tail) - 1.0)


@njit(cache=True)
def heavy_tails(e, scale, tail):
    """The same for each of `e`, of one scale and tail."""
    out = np.empty(len(e))
    for i in range(len(e)):
        out[i] = _heavy_tail(e[i], scale, tail)
    return out


@njit(cache=True)
def mixed(z):
    """splitmix64's finaliser of each of `z`."""
    out = np.empty_like(z)
    for i in range(len(z)):
        out[i] = _mixed(z[i])
    return out


@njit(cache=True)
def uniforms(stream, key, serial):
    """The number at each address; `serial` as long as `key`."""
    out = np.empty(len(key))
    for i in range(len(key)):
        out[i] = _uniform(key[i] ^ stream, np.uint64(serial[i]))
    return out


@njit(cache=True)
def uniforms_of_one_serial(stream, key, serial):
    """The number at each address; one serial for all."""
    out = np.empty(len(key))
    for i in range(len(key)):
        out[i] = _uniform(key[i] ^ stream, serial)
    return out


@njit(cache=True)
def exponentials(stream, key, serial):
    """-ln of the number at each address; `serial` as long as `key`."""
    out = np.empty(len(key))
    for i in range(len(key)):
        out[i] = _neglog(_uniform(key[i] ^ stream, np.uint64(serial[i])))
    return out


@njit(cache=True)
def exponentials_of_one_serial(stream, key, serial):
    """-ln of the number at each address; one serial for all."""
    out = np.empty(len(key))
    for i in range(len(key)):
        out[i] = _neglog(_uniform(key[i] ^ stream, serial))
    return out


@njit(cache=True)
def one_exponential(stream, key, serial):
    """-ln of the number at one address."""
    return _neglog(_uniform(key ^ stream, serial))


@njit(cache=True)
def neglogs(x):
    """-ln of each of `x`, one axis."""
    out = np.empty(len(x))
    for i in range(len(x)):
        out[i] = _neglog(x[i])
    return out


@njit(cache=True)
def exps(x):
    """e to each of `x`, one axis."""
    out = np.empty(len(x))
    for i in range(len(x)):
        out[i] = _exp(x[i])
    return out


@njit(cache=True)
def interpolated(e, scale, row):
    """Values of a table at `e` times `scale` steps from its beginning, between its rows in proportion."""
    out = np.empty(len(e))
    last = len(row) - 1.001
    for i in range(len(e)):
        at = min(e[i] * scale, last)
        below = int(at)
        out[i] = row[below] + (at - below) * (row[below + 1] - row[below])
    return out
