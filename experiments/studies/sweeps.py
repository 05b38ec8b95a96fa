"""A sweep: scenarios, each with every draw of a design, under every rival structure, with several seeds; and so which runs it needs.

The first scenario is the comparator. A draw, a structure and a seed are the same for every scenario, so runs are paired. What a draw
says of a policy's own numbers goes into the scenarios that have that policy; so a grid over a policy's numbers needs the comparator
once for each seed, not once for each draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from experiments.measures.story import Window
from experiments.studies.designs import Replicate
from experiments.studies.sampling import METHODS, Design, Draws, Input, in_short, own_range
from experiments.studies.study import Run
from sim import every_parameter
from sim.errors import InputError
from sim.parameters import Parameter
from sim.runs import describe_world, run_key
from sim.scenario import PolicyUse, Scenario
from sim.world import World

EVERY = ("*",)
OF_POLICIES = "policies."
SEEDS_APART = 1_000_000  # the second seeds of the draws begin so far above the first ones
MOST_RUNS = 500_000


class Row(NamedTuple):
    """A run with its place in the study; `structure` has a value for each of the study's switches."""

    run: Run
    scenario: str
    draw: int
    seed: int
    structure: tuple[float | int, ...]
    turn: int  # rows with one number share a warm-up, and a shard


@dataclass(frozen=True)
class Sweep:
    """What a study file asks. `patterns` say which declared uncertainties are drawn, and so which a further policy brings with it."""

    name: str
    scenarios: tuple[Scenario, ...]
    world: World
    design: Design
    inputs: tuple[Input, ...]
    patterns: tuple[str, ...] = ()
    structure: Mapping[str, tuple[float | int, ...]] = field(default_factory=dict)
    seeds: int = 1
    seed: int = 1
    common_seeds: bool = False
    measures: tuple[str, ...] = ()  # none: all
    title: str = ""
    why: str = ""

    @property
    def comparator(self) -> Scenario:
        """What the others are compared with."""
        return self.scenarios[0]

    @property
    def whole(self) -> Window:
        """All days after the warm-up."""
        return Window(self.world.warm_up_days + 1, self.world.days)

    @cached_property
    def draws(self) -> Draws:
        """The draws of the design."""
        return self.design.draws(self.inputs, self.seed)

    @property
    def structures(self) -> list[tuple[float | int, ...]]:
        """Every combination of the switches' values; one empty one where there are no switches."""
        return list(product(*self.structure.values()))

    def seed_of(self, draw: int, turn: int) -> int:
        """The seed of a draw's first, second ... run. None changes when draws or seeds are added."""
        return self.seed + turn if self.common_seeds else self.seed + draw + turn * SEEDS_APART

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Every run of the study in its order: draw, seed, structure, scenario. Some may be the same run. Raises InputError if there are too many."""
        number = self.design.number(self.inputs) * len(self.structures) * self.seeds * len(self.scenarios)
        if number > MOST_RUNS:
            raise InputError(f"study '{self.name}' would have {in_short(number)} runs, but at most {MOST_RUNS:,} are allowed; take fewer draws, seeds, structures or scenarios.")
        return tuple(self._rows())

    def _rows(self) -> Iterator[Row]:
        structures = self.structures
        for draw, drawn in enumerate(self.draws.values):
            arms = [self.arms(drawn, structure) for structure in structures]
            for turn in range(self.seeds):
                seed = self.seed_of(draw, turn)
                for which, (structure, (parameters, scenarios)) in enumerate(zip(structures, arms, strict=True)):
                    number = draw * len(structures) + which
                    replicate = Replicate(number * self.seeds + turn, seed, number, parameters)
                    for scenario in scenarios:
                        yield Row(self._run(scenario, replicate), scenario.name, draw, seed, structure, draw + turn)

    def arms(self, drawn: Mapping[str, float | int], structure: tuple[float | int, ...]) -> tuple[dict[str, float | int], list[Scenario]]:
        """What a draw and a structure say of the mechanisms' numbers, and the scenarios with what they say of policies' numbers."""
        values = {**drawn, **dict(zip(self.structure, structure, strict=True))}
        named = {each.address for each in self.inputs if each.is_named} | set(self.structure)
        parameters = {address: value for address, value in values.items() if not address.startswith(OF_POLICIES)}
        of_policies: dict[str, dict[str, float | int]] = {}
        for address, value in values.items():
            if address.startswith(OF_POLICIES):
                policy, _, name = address.removeprefix(OF_POLICIES).partition(".")
                of_policies.setdefault(policy, {})[name] = value
        return parameters, [_with(scenario, of_policies, named) for scenario in self.scenarios]

    def _run(self, scenario: Scenario, replicate: Replicate) -> Run:
        return Run(scenario, replicate, run_key(scenario.resolved(), self.world, replicate.parameters, replicate.seed, self.world.days))

    @cached_property
    def distinct(self) -> dict[str, Row]:
        """Every run once, by its key."""
        distinct: dict[str, Row] = {}
        for row in self.rows:
            distinct.setdefault(row.run.key, row)
        return distinct

    # -- growing -----------------------------------------------------------------------------------------------------------

    def extended(self, *, seeds: int | None = None, size: int | None = None, scenarios: Sequence[Scenario] = ()) -> Sweep:
        """The study with more seeds, more draws, more scenarios. Raises InputError for what it cannot have, or if it would be less."""
        method = METHODS[self.design.method]
        if size is not None and not method.size:
            raise InputError(f"study '{self.name}': a design '{self.design.method}' has no number of draws to extend; change its inputs in a study file of its own.")
        for what, asked, has in (("seeds", seeds, self.seeds), (method.size, size, self.design.size)):
            if asked is not None and asked < has:
                raise InputError(f"study '{self.name}': {what} would be {asked}, but there are {has} already, and extend only adds.")
        names = [scenario.name for scenario in self.scenarios]
        for scenario in scenarios:
            if scenario.name in names:
                raise InputError(f"study '{self.name}' has a scenario '{scenario.name}' already.")
            names.append(scenario.name)
        everybody = (*self.scenarios, *scenarios)
        inputs = self.inputs
        if self.design.method == "latin_hypercube":  # its columns do not know of one another, so there can be more of them
            have = {each.address for each in inputs} | set(self.structure)
            inputs = (*inputs, *(each for each in uncertain(self.patterns, everybody) if each.address not in have))
        design = replace(self.design, size=self.design.size if size is None else size)
        return replace(self, seeds=self.seeds if seeds is None else seeds, design=design, scenarios=everybody, inputs=inputs)

    # -- as plain data -----------------------------------------------------------------------------------------------------

    def description(self) -> dict[str, Any]:
        """All of it but what the scenarios say, as plain data; `sweep_from` makes a study of it again."""
        return {
            "name": self.name, "title": self.title, "why": self.why, "scenarios": [scenario.name for scenario in self.scenarios],
            "world": describe_world(self.world), "seed": self.seed, "seeds": self.seeds, "common_seeds": self.common_seeds,
            "design": {"method": self.design.method, "size": self.design.size, "levels": self.design.levels, "rows": [dict(row) for row in self.design.rows]},
            "uncertainties": list(self.patterns), "inputs": [_described(each) for each in self.inputs],
            "structure": {address: list(values) for address, values in self.structure.items()}, "measures": list(self.measures),
        }  # fmt: skip


def sweep_from(told: Mapping[str, Any], scenarios: Iterable[Scenario], world: World) -> Sweep:
    """The study that `Sweep.description` described. Raises InputError where a number is not declared any more, KeyError for something else."""
    design = Design(told["design"]["method"], told["design"]["size"], told["design"]["levels"], tuple(told["design"]["rows"]))
    structure = {address: tuple(values) for address, values in told["structure"].items()}
    inputs = tuple(_input_from(each) for each in told["inputs"])
    return Sweep(
        told["name"], tuple(scenarios), world, design, inputs, tuple(told["uncertainties"]), structure, told["seeds"], told["seed"],
        told["common_seeds"], tuple(told["measures"]), told["title"], told["why"],
    )  # fmt: skip


def _described(each: Input) -> dict[str, Any]:
    parameter = each.parameter
    return {
        "address": each.address, "between": list(parameter.between), "distribution": parameter.distribution, "levels": list(each.levels),
        "is_named": each.is_named,
    }  # fmt: skip


def _input_from(told: Mapping[str, Any]) -> Input:
    declared = {parameter.address: parameter for parameter in every_parameter()}
    if told["address"] not in declared:
        raise InputError(f"the study draws '{told['address']}', which this version of the model does not have.")
    low, high = told["between"]
    return Input(own_range(declared[told["address"]], low, high, told["distribution"]), tuple(told["levels"]), told["is_named"])


def _with(scenario: Scenario, of_policies: Mapping[str, Mapping[str, float | int]], named: set[str]) -> Scenario:
    """The scenario with drawn numbers of its policies: its own settings stay, unless the study names the number."""
    uses: dict[str, PolicyUse] = {}
    for policy, use in scenario.policies.items():
        drawn = of_policies.get(policy, {})
        asked = {name: value for name, value in drawn.items() if f"{OF_POLICIES}{policy}.{name}" in named}
        uses[policy] = replace(use, settings={**drawn, **use.settings, **asked}) if drawn else use
    return replace(scenario, policies=uses)


def matters_in(scenario: Scenario, address: str, is_named: bool) -> bool:
    """Whether a drawn number is used in a scenario: not one of a policy that it lacks, nor one that it sets itself and the study does not name."""
    group, _, name = address.rpartition(".")
    if address in scenario.parameters:
        return False
    if not group.startswith(OF_POLICIES):
        return True
    use = scenario.policies.get(group.removeprefix(OF_POLICIES))
    return use is not None and (is_named or name not in use.settings)


# -- what is uncertain -------------------------------------------------------------------------------------------------------


def varied(scenarios: Iterable[Scenario]) -> dict[str, Parameter]:
    """Every declared number that matters in some of the scenarios, by address: the mechanisms', and those of the policies that are in use."""
    used = {policy for scenario in scenarios for policy in scenario.policies}
    return {each.address: each for each in every_parameter() if not each.group.startswith(OF_POLICIES) or each.group.removeprefix(OF_POLICIES) in used}


def uncertain(patterns: Sequence[str], scenarios: Sequence[Scenario]) -> tuple[Input, ...]:
    """The uncertain numbers whose addresses match a pattern such as "missing.*", in the order of declaration."""
    there = varied(scenarios)
    return tuple(Input(each) for each in there.values() if each.is_uncertain and any(fnmatchcase(each.address, pattern) for pattern in patterns))
