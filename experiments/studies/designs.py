"""Designs: which replicates a study has, and which parameter values each is run with.

A replicate is a pair (seed, parameter draw), the same for every scenario. A draw gives each uncertain parameter a value from
its declared distribution by Latin hypercube; each draw is run with two seeds, so that the part of the spread that is chance
alone (same draw, other seed) can be told from the part that is ignorance of the parameters.

A study can grow without computing anything twice:
- each parameter has its own column, made from the study's seed and the parameter's address, so a further scenario brings
  its own columns and leaves the others as they were;
- more draws are made by doubling: each stratum is halved and the new points take the empty halves (nested Latin hypercubes:
  Sallaberry, Helton and Hora 2008, doi 10.1016/j.ress.2007.04.005). The first 4, 8, 16, 32 ... draws are each a Latin
  hypercube, and any number of them is the beginning of a larger one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sim.parameters import Parameter

FIRST_DRAWS = 4  # the smallest Latin hypercube; larger ones are its doublings
SEEDS_PER_DRAW = 2


@dataclass(frozen=True)
class Replicate:
    """One (seed, parameter draw); `draw` numbers the draw, `parameters` holds its values by address."""

    number: int
    seed: int
    draw: int
    parameters: dict[str, float | int]


def replicates(number: int, parameters: Iterable[Parameter], *, seed: int) -> tuple[Replicate, ...]:
    """So many replicates over the uncertain ones of `parameters`: replicate k has seed `seed` + k and draw k // 2."""
    uncertain = [each for each in parameters if each.is_uncertain]
    draws = -(-number // SEEDS_PER_DRAW)
    columns = {each.address: latin_column(seed, each.address, draws) for each in uncertain}
    values = [{each.address: each.quantile(float(columns[each.address][draw])) for each in uncertain} for draw in range(draws)]
    return tuple(Replicate(k, seed + k, k // SEEDS_PER_DRAW, values[k // SEEDS_PER_DRAW]) for k in range(number))


def fixed_replicates(number: int, *, seed: int) -> tuple[Replicate, ...]:
    """So many seeds with every parameter at its default: what they differ in is chance alone. Each counts as a draw."""
    return tuple(Replicate(k, seed + k, k, {}) for k in range(number))


@cache
def latin_column(seed: int, address: str, draws: int) -> NDArray[np.float64]:
    """The probabilities at which one parameter is drawn, shape (draws,): uniform, one in each stratum."""
    from scipy.stats import qmc  # slow to load, and processes that only run a design do not need it

    name = hashlib.sha256(f"{seed} {address}".encode()).digest()
    sampler = qmc.LatinHypercube(d=1, scramble=True, rng=int.from_bytes(name[:8], "little"))
    column = sampler.random(FIRST_DRAWS)[:, 0]
    while len(column) < draws:
        column = np.concatenate((column, _other_halves(column, sampler.random(len(column))[:, 0])))
    column = column[:draws]
    column.flags.writeable = False
    return column


def _other_halves(column: NDArray[np.float64], fresh: NDArray[np.float64]) -> NDArray[np.float64]:
    """As many new points, in the halves of the strata that `column` leaves empty, in the order that `fresh` gives."""
    halves = 2 * len(column)
    empty = np.setdiff1d(np.arange(halves), (column * halves).astype(np.int64))
    stratum = (fresh * len(fresh)).astype(np.int64)
    return (empty[stratum] + (fresh * len(fresh) - stratum)) / halves
