"""The model for the Exploratory Modeling Workbench: `ema_workbench`'s own designs, evaluators, searches and analyses, on this model.

    from ema_workbench import perform_experiments
    from experiments.workbench import workbench_model

    model = workbench_model("relocation", "town", measures=["children_missing"], seeds=(1, 2))
    experiments, outcomes = perform_experiments(model, scenarios=100)

What the workbench calls a scenario is a draw of the uncertain numbers; what it calls a policy, values of levers. A study file
(`python -m experiments sweep`) does more: it pairs, stores, resumes and says what it rests on. It needs the extra `[analysis]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ema_workbench import Constant, Model, RealParameter, ReplicatorModel, ScalarOutcome
from scipy.stats import rv_continuous

from experiments.measures import HEADLINES, named, take
from experiments.measures.story import Story, Window
from experiments.studies.sweeps import OF_POLICIES, varied
from sim import CountyLines, Scenario, World, load_scenario, load_world
from sim.errors import InputError
from sim.parameters import Parameter, nearest


class Declared(rv_continuous):
    """A number's declared distribution, as scipy has distributions; the same quantiles as in the project's own designs."""

    def __init__(self, parameter: Parameter, **keywords: Any):
        self.parameter = parameter
        super().__init__(**({"a": parameter.between[0], "b": parameter.between[1], "name": parameter.address} | keywords))

    def _updated_ctor_param(self) -> dict[str, Any]:  # with which scipy copies it
        return super()._updated_ctor_param() | {"parameter": self.parameter}

    def _ppf(self, q: Any) -> Any:
        return np.vectorize(self.parameter.quantile, otypes=[float])(q)


class Lived:
    """The model as a function: numbers by their addresses, and a seed; the measures by their names, over all days after the warm-up."""

    def __init__(self, scenario: Scenario, world: World, measures: Sequence[str]):
        self.scenario, self.world, self.measures = scenario, world, tuple(measures)

    def __call__(self, seed: int = 1, **addresses: float) -> dict[str, float]:
        """One run. Raises InputError for a number that is not known or cannot be."""
        known = varied([self.scenario])
        values = {address: _as_declared(known[address], value) for address, value in addresses.items() if address in known}
        settings = {address: value for address, value in values.items() if address.startswith(OF_POLICIES)}
        given = {address: value for address, value in values.items() if address not in settings}
        model = CountyLines(self._set(settings), self.world, seed=int(seed), parameters=given)
        model.run_model()
        story = Story({name: model.ledger.table(name) for name in model.ledger.tables})
        return take(story, Window(self.world.warm_up_days + 1, model.last_day), self.measures)

    def _set(self, settings: Mapping[str, float | int]) -> Scenario:
        """The scenario with these numbers of its policies."""
        policies = dict(self.scenario.policies)
        for address, value in settings.items():
            policy, _, name = address.removeprefix(OF_POLICIES).partition(".")
            policies[policy] = replace(policies[policy], settings={**policies[policy].settings, name: value})
        return replace(self.scenario, policies=policies)


def _as_declared(parameter: Parameter, value: float) -> float | int:
    """The value as a whole number where the parameter is one."""
    return round(value) if isinstance(parameter.value, int) else float(value)


def name_of(address: str) -> str:
    """What the workbench calls a number, as its names must be Python's: "missing.at_home" is `missing__at_home`."""
    return address.replace(".", "__")


def workbench_model(
    scenario: str | Path | Scenario = "baseline", world: str | Path | World = "town", *,
    measures: Sequence[str] = HEADLINES, uncertainties: Sequence[str] | None = None, levers: Sequence[str] = (), seeds: Sequence[int] = (1,),
) -> Model | ReplicatorModel:  # fmt: skip
    """The model of a scenario for the workbench.

    `uncertainties` are addresses, every uncertain number of the scenario unless given, drawn from their declared distributions;
    `levers` addresses of numbers that a search may set, such as "policies.relocation.coverage". With several `seeds` each outcome is
    the mean over them. Raises InputError for a name that is not known.
    """
    scenario, world = load_scenario(scenario), load_world(world)
    known = varied([scenario])
    drawn = [address for address, each in known.items() if each.is_uncertain and address not in levers] if uncertainties is None else uncertainties
    for address in (*drawn, *levers):
        if address not in known:
            raise InputError(f"'{address}' is not a number of scenario '{scenario.name}'; {nearest(address, known)}.")
    function = Lived(scenario, world, measures)
    made: Model | ReplicatorModel
    if len(seeds) == 1:
        made = Model("countylines", function=function)
        made.constants = [Constant("seed", seeds[0])]
    else:
        made = ReplicatorModel("countylines", function=function)
        made.replications = [{"seed": seed} for seed in seeds]
    made.uncertainties = [RealParameter.from_dist(name_of(address), Declared(known[address])(), variable_name=[address]) for address in drawn]
    made.levers = [RealParameter(name_of(address), *known[address].between, variable_name=[address]) for address in levers]
    made.outcomes = [_outcome(name, several=len(seeds) > 1) for name in measures]
    return made


def _outcome(name: str, *, several: bool) -> ScalarOutcome:
    """A measure, with the way that is better."""
    better = {"fewer": ScalarOutcome.MINIMIZE, "more": ScalarOutcome.MAXIMIZE}.get(named(name).better, ScalarOutcome.INFO)
    return ScalarOutcome(name, kind=better, variable_name=name, function=_mean if several else None)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
