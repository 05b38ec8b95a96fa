"""The designs of a study file: which values its uncertain numbers take together.

A design is a table of draws. Each draw is a point of the unit cube, one coordinate for each input, and the values that the inputs have
there. `latin_hypercube`, `sobol` and `morris` choose points, which the declared distributions turn into values (`Parameter.quantile`);
`grid`, `one_at_a_time` and `list` choose values, and a coordinate then says how far a value lies between the ends of its range.

Every design has an input more, `DUMMY`, which goes nowhere: what an analysis says of it is what it says of an input without effect.

All but `grid`, `one_at_a_time` and `list` can grow, and the draws that there are stay the first of the larger design: Latin hypercubes
as `designs` tells, Sobol sequences and Morris trajectories by themselves (both come from SALib, in the order that its analyses expect).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import log10, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.studies.designs import latin_column
from sim.errors import InputError
from sim.parameters import Parameter

DUMMY = "dummy"
MOST_NUMBERS = 5_000_000  # draws times inputs: more do not fit into the memory of a laptop
MORRIS_LEVELS = 4  # Morris 1991: few and even


@dataclass(frozen=True)
class Input:
    """A number that a study draws: from its declared distribution, or from a range or levels of the study's own.

    `is_named` says that the study asks for this very number, so that it is set even where a scenario has a setting of its own.
    """

    parameter: Parameter
    levels: tuple[float | int, ...] = ()
    is_named: bool = False

    @property
    def address(self) -> str:
        """Its name in scenarios, designs and tables."""
        return self.parameter.address

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest value."""
        return (float(min(self.levels)), float(max(self.levels))) if self.levels else self.parameter.between

    def steps(self, number: int) -> tuple[float | int, ...]:
        """Its own levels, or so many from end to end; whole numbers are each there once."""
        if self.levels:
            return self.levels
        low, high = self.range
        steps = [low + (high - low) * k / (number - 1) for k in range(number)] if number > 1 else [self.parameter.value]
        return tuple(dict.fromkeys(int(step + 0.5) if isinstance(self.parameter.value, int) else float(step) for step in steps))

    def place(self, value: float) -> float:
        """How far a value lies between the ends of the range: 0 to 1, a half where there is no range."""
        low, high = self.range
        return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5


@dataclass(frozen=True)
class Design:
    """How draws are chosen. `size` is the number of draws, of base samples (`sobol`) or of trajectories (`morris`); `levels` of steps;
    `rows` are the draws of a list.
    """

    method: str
    size: int = 0
    levels: int = 0
    rows: tuple[Mapping[str, float | int], ...] = ()

    def number(self, inputs: Sequence[Input]) -> int:
        """How many draws it has."""
        return METHODS[self.method].number(self, inputs)

    def draws(self, inputs: Sequence[Input], seed: int) -> Draws:
        """The draws, the same for the same inputs and seed. Raises InputError where there would be too many."""
        number = self.number(inputs)
        if number * (len(inputs) + 1) > MOST_NUMBERS:
            most = MOST_NUMBERS // (len(inputs) + 1)
            raise InputError(f"design '{self.method}' would have {in_short(number)} draws of {len(inputs)} numbers, but at most {most:,} are allowed; take fewer of either.")
        return METHODS[self.method].draws(self, inputs, seed)


@dataclass(frozen=True)
class Draws:
    """Points in the unit cube, shape (draws, inputs and the dummy), and the values of the inputs at each."""

    points: NDArray[np.float64]
    values: tuple[dict[str, float | int], ...]


@dataclass(frozen=True)
class Method:
    """A kind of design: what it is, what its size is called in a file ("" if it cannot grow), whether all its draws have the same seeds
    unless the study says otherwise, how many draws it has, and which.
    """

    title: str
    size: str
    common_seeds: bool
    number: Callable[[Design, Sequence[Input]], int]
    draws: Callable[[Design, Sequence[Input], int], Draws]


def in_short(number: int) -> str:
    """A number of draws or runs as one says it, which may have thousands of digits."""
    return f"{number:,}" if number < 10**12 else f"about 10 to the power of {round(log10(number))}"


# -- points ---------------------------------------------------------------------------------------------------------------


def _at(points: NDArray[np.float64], inputs: Sequence[Input]) -> Draws:
    """The draws at points whose last coordinate is the dummy's."""
    columns = [[each.parameter.quantile(float(u)) for u in points[:, k]] for k, each in enumerate(inputs)]
    addresses = [each.address for each in inputs]
    return Draws(points, tuple(dict(zip(addresses, row, strict=True)) for row in zip(*columns, strict=True)) if columns else ({},) * len(points))


def _latin_hypercube(design: Design, inputs: Sequence[Input], seed: int) -> Draws:
    return _at(np.column_stack([latin_column(seed, address, design.size) for address in (*(each.address for each in inputs), DUMMY)]), inputs)


def _sobol(design: Design, inputs: Sequence[Input], seed: int) -> Draws:
    from SALib.sample import sobol  # slow to load, and of no use to other designs

    return _at(sobol.sample(problem(inputs), design.size, calc_second_order=False, seed=seed), inputs)


def _morris(design: Design, inputs: Sequence[Input], seed: int) -> Draws:
    from SALib.sample import morris

    return _at(morris.sample(problem(inputs), design.size, num_levels=design.levels or MORRIS_LEVELS, seed=seed), inputs)


def problem(inputs: Sequence[Input]) -> dict[str, Any]:
    """The inputs and the dummy on the unit cube, as SALib wants to have them."""
    names = [*(each.address for each in inputs), DUMMY]
    return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}


# -- values ---------------------------------------------------------------------------------------------------------------


def _valued(rows: Sequence[Mapping[str, float | int]], inputs: Sequence[Input], dummy: NDArray[np.float64]) -> Draws:
    """The draws of given values; an input that a row leaves out has its declared value."""
    values = tuple({each.address: row.get(each.address, each.parameter.value) for each in inputs} for row in rows)
    points = [[*(each.place(row[each.address]) for each in inputs), u] for row, u in zip(values, dummy, strict=True)]
    return Draws(np.array(points, dtype=np.float64).reshape(len(rows), len(inputs) + 1), values)


def _grid(design: Design, inputs: Sequence[Input], seed: int) -> Draws:
    steps = [each.steps(design.levels) for each in inputs]
    rows = [dict(zip([each.address for each in inputs], row, strict=True)) for row in product(*steps)]
    return _valued(rows, inputs, latin_column(seed, DUMMY, len(rows)))


def _changes(design: Design, inputs: Sequence[Input]) -> Iterator[tuple[str, float | int]]:
    """The draws of one at a time, but for the first, in which nothing is changed."""
    for each in inputs:
        yield from ((each.address, step) for step in each.steps(design.levels) if step != each.parameter.value)


def _one_at_a_time(design: Design, inputs: Sequence[Input], seed: int) -> Draws:
    rows: list[dict[str, float | int]] = [{}, *({address: value} for address, value in _changes(design, inputs)), {}, {}]
    dummy = np.full(len(rows), 0.5)
    dummy[-2:] = 0.0, 1.0  # the dummy has its turn like any other
    return _valued(rows, inputs, dummy)


def _list(design: Design, inputs: Sequence[Input], seed: int) -> Draws:
    return _valued(design.rows, inputs, latin_column(seed, DUMMY, len(design.rows)))


METHODS: dict[str, Method] = {
    "latin_hypercube": Method("Latin hypercube", "draws", False, lambda design, inputs: design.size, _latin_hypercube),
    "sobol": Method("Saltelli's design on a Sobol sequence", "samples", False, lambda design, inputs: design.size * (len(inputs) + 3), _sobol),
    "morris": Method("Morris trajectories", "trajectories", False, lambda design, inputs: design.size * (len(inputs) + 2), _morris),
    "grid": Method("grid of all levels", "", True, lambda design, inputs: prod(len(each.steps(design.levels)) for each in inputs), _grid),
    "one_at_a_time": Method("one at a time", "", True, lambda design, inputs: 3 + sum(1 for _ in _changes(design, inputs)), _one_at_a_time),
    "list": Method("list of draws", "", True, lambda design, inputs: len(design.rows), _list),
}


def own_range(parameter: Parameter, low: float, high: float, distribution: str) -> Parameter:
    """The parameter with a range and a distribution of a study's own."""
    return replace(parameter, between=(low, high), distribution=distribution)
