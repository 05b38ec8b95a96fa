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
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim import arithmetic
from sim.arithmetic import FIRST, GOLDEN, SECOND, UNIT, exp_one, neglog_one

__all__ = ["GOLDEN", "MASK", "Draws", "exp", "exp_one", "gamma_quantile", "heavy_tail", "key_of", "keys_of", "neglog", "neglog_one", "power", "scale_of_median"]

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]

MASK = (1 << 64) - 1
_NO_SERIAL = np.uint64(0)  # made once: numpy needs as long to make one number as the draw takes


def _address(z: int, serial: int) -> float:
    """The uniform number at an address: its decision and key (xor), and its serial. Plain Python for one of them."""
    z = ((z ^ (z >> 30)) * FIRST) & MASK
    z = ((z ^ (z >> 27)) * SECOND) & MASK
    z = ((z ^ (z >> 31) ^ ((serial * GOLDEN) & MASK)) + GOLDEN) & MASK
    z = ((z ^ (z >> 30)) * FIRST) & MASK
    z = ((z ^ (z >> 27)) * SECOND) & MASK
    return (((z ^ (z >> 31)) >> 12) + 0.5) * UNIT


@cache
def key_of(*names: str | int) -> int:
    """The 64-bit key of something by its names, the same on every machine and in every run."""
    text = "\x1f".join(str(name) for name in names)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def keys_of(first: int, ordinals: NDArray[np.integer]) -> Keys:
    """Keys of the members of a numbered series whose own key is `first`, shape of `ordinals`."""
    z = (ordinals.astype(np.uint64) + np.uint64(1)) * np.uint64(GOLDEN)
    z ^= np.uint64(first)
    return arithmetic.mixed(z)


def neglog(x: Floats) -> Floats:
    """-ln of each of `x`, all positive; shape of `x`."""
    return arithmetic.neglogs(x.ravel()).reshape(x.shape)


def exp(x: Floats) -> Floats:
    """e to each of `x`, |x| < 700; shape of `x`."""
    return arithmetic.exps(x.ravel()).reshape(x.shape)


def power(x: Floats, exponent: float) -> Floats:
    """Each of `x`, all positive, to the exponent; shape of `x`."""
    return exp(-exponent * neglog(x))


def heavy_tail(e: Floats, scale: float, tail: float) -> Floats:
    """Durations from Exp(1) draws `e`: Lomax (Pareto II), whose chance of lasting past x is (1 + x/scale)^-tail.

    The smaller `tail`, the heavier. In the unit of `scale`; see `scale_of_median`.
    """
    return arithmetic.heavy_tails(e, scale, tail)


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
    grid = _gamma_table()[1]
    return arithmetic.interpolated(e, (len(grid) - 1) / grid[-1], _gamma_row(shape))


class Draws:
    """All the chance of one run.

    `seed` [integer >= 0] names the run; decisions are named by text, such as "missing.duration". `recoupled` maps beginnings of such
    names to numbers: those decisions look their chance up elsewhere, with the same distribution, so that two runs of one seed share
    all other chance but not theirs. A number of 0 changes nothing.
    """

    def __init__(self, seed: int, recoupled: Mapping[str, int] | None = None):
        self.seed, self.recoupled = seed, dict(recoupled or {})
        self._streams: dict[str, np.uint64] = {}

    def stream(self, decision: str) -> np.uint64:
        """The 64-bit key of a decision in this run."""
        try:
            return self._streams[decision]
        except KeyError:
            return self._streams.setdefault(decision, np.uint64(key_of("decision", decision, self.seed, *self._elsewhere(decision))))

    def _elsewhere(self, decision: str) -> tuple[int, ...]:
        """The number by which a decision is recoupled: that of the longest beginning of its name; none if it is not."""
        beginnings = [beginning for beginning in self.recoupled if decision.startswith(beginning)]
        number = self.recoupled[max(beginnings, key=len)] if beginnings else 0
        return (number,) if number else ()

    def uniform(self, decision: str, key: Keys, serial: NDArray[np.integer] | int | np.uint64 = _NO_SERIAL) -> Floats:
        """Numbers evenly spread between 0 and 1, never either, one for each address; `serial` is not negative. Shape of `key`."""
        if isinstance(serial, np.ndarray):
            return arithmetic.uniforms(self.stream(decision), key, serial)
        return arithmetic.uniforms_of_one_serial(self.stream(decision), key, serial if serial is _NO_SERIAL else np.uint64(serial))

    def exponential(self, decision: str, key: Keys, serial: NDArray[np.integer] | int | np.uint64 = _NO_SERIAL) -> Floats:
        """Exp(1) draws, one for each address: the patience of one spell."""
        if isinstance(serial, np.ndarray):
            return arithmetic.exponentials(self.stream(decision), key, serial)
        return arithmetic.exponentials_of_one_serial(self.stream(decision), key, serial if serial is _NO_SERIAL else np.uint64(serial))

    def one_uniform(self, decision: str, key: int, serial: int = 0) -> float:
        """The scalar twin of `uniform`: the same number for the same address."""
        return _address(int(key) ^ int(self.stream(decision)), int(serial))

    def one_exponential(self, decision: str, key: int, serial: int = 0) -> float:
        """The scalar twin of `exponential`."""
        return arithmetic.one_exponential(self.stream(decision), np.uint64(key), np.uint64(serial))

    def happens(self, decision: str, key: Keys, probability: Floats | float, serial: NDArray[np.integer] | int | np.uint64 = _NO_SERIAL):
        """True where the draw at this address falls under `probability` [0 to 1]."""
        return self.uniform(decision, key, serial) < probability
