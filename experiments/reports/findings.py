"""What a study found: its results, ready for tables, sentences and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from experiments.analyses.effects import Comparison, Effect, Interval
from experiments.measures import Measure
from experiments.measures.story import Window
from experiments.running.store import Result
from experiments.studies.study import Study
from sim.scenario import Scenario


@dataclass(frozen=True)
class Findings:
    """A study and the results of its runs, by key; runs that failed have none."""

    study: Study
    results: Mapping[str, Result]
    facts: Mapping[str, Any] = field(default_factory=dict)  # command, version, commit, versions, failures

    _effects: dict[tuple[str, str, str], Effect] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def comparison(self) -> Comparison:
        """The measures of the compared runs."""
        measured = {
            (run.scenario.name, run.replicate.number): {
                (window, name): value for (kind, window, name), value in self.results[run.key].values.items() if kind == "measure"
            }
            for run in self.study.runs
            if run.key in self.results
        }
        names = [scenario.name for scenario in self.study.scenarios]
        return Comparison(measured, names, [each.draw for each in self.study.replicates], chance_only=self.study.fixed)

    def effect(self, scenario: Scenario, measure: Measure, window: Window | None = None) -> Effect:
        """What a scenario changes; over all days after the warm-up unless another window is given."""
        at = (scenario.name, (window or self.study.whole).iso, measure.name)
        if at not in self._effects:
            self._effects[at] = self.comparison.effect(*at, measure.better)
        return self._effects[at]

    def level(self, scenario: Scenario, measure: Measure, window: Window | None = None) -> Interval:
        """A scenario's own value: mean, lowest and highest replicate."""
        return self.comparison.level(scenario.name, (window or self.study.whole).iso, measure.name)
