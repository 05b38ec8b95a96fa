"""What an analysis is about: one number of each run (a level), or of each pair of runs (what a policy changes).

The two runs of a pair have one seed and one draw of the uncertain inputs, so the policy alone made their difference. What a
measure counts, and over which days, is said by the study and by the measure's own definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.measures import HEADLINES, Measure, every_measure
from sim.errors import InputError
from sim.parameters import nearest

DUMMY = "dummy"
MEASURE, STRUCTURE = "measure:", "structure:"
AS_DECLARED = "as declared"  # the structure of a study that has one only


@dataclass(frozen=True)
class Outcome:
    """A number for each (structure, draw, seed): columns `structure`, `draw`, `seed`, `value` of `rows`, without gaps.

    With a `comparator` it is the paired difference: the scenario's value less the comparator's. `inert` are the inputs that are known to
    decide nothing in it: numbers of policies that its scenarios lack, or have set themselves.
    """

    measure: Measure
    scenario: str
    comparator: str
    rows: pd.DataFrame
    inert: frozenset[str] = frozenset()

    @property
    def is_difference(self) -> bool:
        return bool(self.comparator)

    @property
    def label(self) -> str:
        """As one says it: "children going missing: relocation less baseline"."""
        what = f"{self.scenario} less {self.comparator}" if self.comparator else self.scenario
        return f"{self.measure.label}: {what}"

    @property
    def columns(self) -> dict[str, str]:
        """What names it in a table of many."""
        return {"measure": self.measure.name, "unit": self.measure.unit, "scenario": self.scenario, "comparator": self.comparator}

    @cached_property
    def structures(self) -> tuple[str, ...]:
        """The rival mechanisms it was run with."""
        return tuple(self.rows["structure"].unique())

    def under(self, structure: str) -> Outcome:
        """The same under one of the rival mechanisms."""
        return replace(self, rows=self.rows[self.rows["structure"] == structure])


@dataclass(frozen=True)
class Design:
    """How a study's inputs were chosen: `points` in the unit hypercube, shape (draws, inputs), and what they stand for.

    `kind` is "sobol", "morris", "latin_hypercube", "grid", "one_at_a_time" or "list"; `inputs` gives the names in the order of
    the columns, with `DUMMY` among them where the study has an inert input.
    """

    kind: str
    inputs: tuple[str, ...]
    points: NDArray[np.float64]

    @property
    def dummy(self) -> int | None:
        """The column of the inert input."""
        return self.inputs.index(DUMMY) if DUMMY in self.inputs else None

    @property
    def is_sample(self) -> bool:
        """Whether its draws stand for what is uncertain; those of a grid, a list, or one at a time were chosen by somebody."""
        return self.kind in ("latin_hypercube", "sobol", "morris")

    @property
    def block(self) -> int:
        """How many successive draws belong together, of which the first is independent of other blocks."""
        count = len(self.inputs)
        if self.kind == "sobol":
            return 2 * count + 2 if self.has_second_order else count + 2
        return count + 1 if self.kind == "morris" else 1

    @property
    def has_second_order(self) -> bool:
        """Whether a Sobol design has the further points for second order indices, which are not used here."""
        count = len(self.inputs)
        return len(self.points) > count + 1 and bool(self.points[count + 1, 0] == self.points[0, 0])

    @property
    def independent(self) -> NDArray[np.int64]:
        """The draws that are independent of one another: the first of each block, and of a Sobol design the last too."""
        draws = np.arange(len(self.points))
        return draws[(draws % self.block == 0) | ((draws % self.block == self.block - 1) & (self.kind == "sobol"))]

    @property
    def problem(self) -> dict[str, Any]:
        """The inputs as SALib describes them."""
        return {"num_vars": len(self.inputs), "names": list(self.inputs), "bounds": [[0.0, 1.0]] * len(self.inputs)}


def design_of(frame: pd.DataFrame) -> Design:
    """The design that a frame came from. Raises InputError where the frame does not say."""
    inputs, points = tuple(frame.attrs.get("inputs", ())), np.asarray(frame.attrs.get("points", ()), dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != len(inputs):
        raise InputError(f"the frame of study '{frame.attrs.get('study', '')}' does not say how its {len(inputs)} inputs were chosen, so what they do cannot be told.")
    return Design(str(frame.attrs.get("design", "list")), inputs, points)


def scenarios_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """The scenarios of a study, the comparator first. Raises InputError where there is no run."""
    there = list(frame["scenario"].unique())
    if not there:
        raise InputError(f"study '{frame.attrs.get('study', '')}' has no run yet, so there is nothing to analyse.")
    comparator = frame.attrs.get("comparator", there[0])
    return tuple(dict.fromkeys((comparator, *there)))


def measures_of(frame: pd.DataFrame, asked: Sequence[str] = ()) -> tuple[Measure, ...]:
    """The measures asked for, else those of a report's first page that the frame has, else all. Raises InputError for one that it lacks."""
    there = [name.removeprefix(MEASURE) for name in frame.columns if name.startswith(MEASURE)]
    for name in asked:
        if name not in there:
            raise InputError(f"--measure '{name}' is not in this study; {nearest(name, there)}.")
    wanted = list(asked) or [name for name in HEADLINES if name in there] or there
    declared = {each.name: each for each in every_measure()}
    units = frame.attrs.get("units", {})
    return tuple(declared.get(name) or _undeclared(name, units.get(name, "")) for name in wanted)


def _undeclared(name: str, unit: str) -> Measure:
    return Measure(name, name.replace("_", " "), unit, "", "", lambda story, window: float("nan"))


def outcomes(frame: pd.DataFrame, measures: Sequence[Measure], scenarios: Sequence[str] = ()) -> Iterator[Outcome]:
    """For each measure: the comparator's level, then what each other scenario (or each that is named) changes."""
    comparator, *others = scenarios_of(frame)
    for name in scenarios:
        if name not in (comparator, *others):
            raise InputError(f"--scenario '{name}' is not in this study; {nearest(name, (comparator, *others))}.")
    for measure in measures:
        if not scenarios or comparator in scenarios:
            yield level(frame, measure, comparator)
        yield from (difference(frame, measure, other, comparator) for other in others if not scenarios or other in scenarios)


def level(frame: pd.DataFrame, measure: Measure, scenario: str) -> Outcome:
    """A measure's value in each run of a scenario."""
    return Outcome(measure, scenario, "", _values(frame, measure, scenario).dropna().reset_index(), inert_in(frame, scenario))


def difference(frame: pd.DataFrame, measure: Measure, scenario: str, comparator: str) -> Outcome:
    """What a scenario changes in each pair of runs; pairs that lack one are left out."""
    paired = _values(frame, measure, scenario) - _values(frame, measure, comparator)
    return Outcome(measure, scenario, comparator, paired.dropna().reset_index(), inert_in(frame, scenario) & inert_in(frame, comparator))


def inert_in(frame: pd.DataFrame, scenario: str) -> frozenset[str]:
    """The inputs that decide nothing in a scenario, as far as the frame says so."""
    return frozenset(frame.attrs.get("scenarios", {}).get(scenario, {}).get("inert", ()))


def _values(frame: pd.DataFrame, measure: Measure, scenario: str) -> pd.Series:
    """Values by structure, draw and seed."""
    rows = frame[frame["scenario"] == scenario]
    switches = [name for name in frame.columns if name.startswith(STRUCTURE)]
    parts = [name.removeprefix(STRUCTURE) + " " + rows[name].astype(str) for name in switches]
    names = parts[0].str.cat(parts[1:], sep=", ") if parts else pd.Series(AS_DECLARED, index=rows.index)
    keyed = pd.MultiIndex.from_arrays([names, rows["draw"], rows["seed"]], names=["structure", "draw", "seed"])
    return pd.Series(rows[MEASURE + measure.name].to_numpy(np.float64), index=keyed, name="value").sort_index()
