"""A study: what is compared with what, in which world, over which days, with which replicates; and so which runs it needs.

The first scenario is the comparator. Beside the compared runs there are two of present practice with every number at its declared
value, other seeds alone: those are what the model was fitted with, and so what its table of targets is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from experiments.measures.story import Window, months_between, years_between
from experiments.studies.designs import Replicate, fixed_replicates, replicates
from sim import every_parameter
from sim.dates import last_day_of_year, year_of
from sim.errors import InputError
from sim.model import resolve
from sim.places import read_places
from sim.runs import describe_world, run_key
from sim.scenario import LONGEST, PolicyUse, Scenario
from sim.world import World

PRESENT_PRACTICE = Scenario("baseline", "Present practice")
SEEDS_OF_FIT = 2


@dataclass(frozen=True)
class Run:
    """One run: a scenario with a replicate's seed and parameter draw. Runs with one key are the same run."""

    scenario: Scenario
    replicate: Replicate
    key: str


@dataclass(frozen=True)
class Study:
    """A comparison of `scenarios`, the first of which is the comparator.

    `fixed` leaves every parameter at its declared value, so that replicates differ by chance alone.
    """

    scenarios: tuple[Scenario, ...]
    world: World
    number: int
    seed: int = 1
    fixed: bool = False

    @property
    def comparator(self) -> Scenario:
        """What the others are compared with."""
        return self.scenarios[0]

    @property
    def policies(self) -> tuple[Scenario, ...]:
        """The scenarios that are compared with the comparator."""
        return self.scenarios[1:]

    @cached_property
    def replicates(self) -> tuple[Replicate, ...]:
        """Seeds and parameter draws, the same for every scenario."""
        if self.fixed:
            return fixed_replicates(self.number, seed=self.seed)
        return replicates(self.number, every_parameter(), seed=self.seed)

    @property
    def draws(self) -> int:
        """How many different parameter draws there are (with fixed parameters: how many seeds)."""
        return len({replicate.draw for replicate in self.replicates})

    # -- runs ----------------------------------------------------------------------------------------------------------

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The compared runs: each scenario with each replicate."""
        return tuple(self._run(scenario, replicate) for replicate in self.replicates for scenario in self.scenarios)

    @cached_property
    def runs_of_fit(self) -> tuple[Run, ...]:
        """Present practice with every number at its declared value."""
        return tuple(self._run(PRESENT_PRACTICE, replicate) for replicate in fixed_replicates(SEEDS_OF_FIT, seed=self.seed))

    @property
    def distinct_runs(self) -> tuple[Run, ...]:
        """All that are needed, each once."""
        return tuple({run.key: run for run in (*self.runs, *self.runs_of_fit)}.values())

    def _run(self, scenario: Scenario, replicate: Replicate) -> Run:
        key = run_key(scenario.resolved(), self.world, replicate.parameters, replicate.seed, self.world.days)
        return Run(scenario, replicate, key)

    # -- days ----------------------------------------------------------------------------------------------------------

    @property
    def whole(self) -> Window:
        """All days after the warm-up."""
        return Window(self.world.warm_up_days + 1, self.world.days)

    @property
    def years(self) -> tuple[Window, ...]:
        """The official years after the warm-up."""
        return years_between(self.whole.first, self.whole.last)

    @property
    def months(self) -> tuple[Window, ...]:
        """The months after the warm-up."""
        return months_between(self.whole.first, self.whole.last)

    def description(self) -> dict[str, Any]:
        """What was asked, as plain data."""
        return {
            "comparator": self.comparator.name, "scenarios": [scenario.name for scenario in self.scenarios],
            "world": describe_world(self.world), "replicates": self.number, "draws": self.draws, "seed": self.seed,
            "fixed_parameters": self.fixed,
        }  # fmt: skip


def over_years(world: World, years: int | None) -> World:
    """The world for so many years after its warm-up. Raises InputError if they are too many."""
    if years is None:
        return world
    warm_up = year_of(world.warm_up_days)
    if not 1 <= years <= LONGEST - warm_up:
        raise InputError(f"--years is {years}, but must be a whole number from 1 to {LONGEST - warm_up} in world '{world.name}'.")
    return replace(world, days=last_day_of_year(warm_up + years))


def describe_scenario(scenario: Scenario) -> dict[str, Any]:
    """A scenario as plain data: what it says, and every number as it is used unless a replicate draws it."""
    used = resolve(scenario, {})
    return {
        "name": scenario.name, "title": scenario.title, "why": " ".join(scenario.why.split()), **scenario.resolved(),
        "parameters_by_default": {group: values.as_dict() for group, values in used.items()},
    }  # fmt: skip


def scenario_from(data: Mapping[str, Any]) -> Scenario:
    """The scenario that `describe_scenario` described."""
    uses = {}
    for name, use in data["policies"].items():
        where = None if use["where"] is None else tuple(sorted(read_places().index(code) for code in use["where"]))
        uses[name] = PolicyUse(name, use["settings"], use["begins"], use["ends"], where)
    return Scenario(data["name"], data["title"], data["why"], uses, data["parameters"])


def world_from(data: Mapping[str, Any]) -> World:
    """The world that `describe_world` described."""
    authorities = tuple(sorted(read_places().index(code) for code in data["authorities"]))
    return World(data["name"], authorities, data["fraction"], data["warm_up_days"], data["days"])
