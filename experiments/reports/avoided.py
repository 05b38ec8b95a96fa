"""Pounds for each thing avoided: a measure of two scenarios, not of one run.

Over the same replicates, the mean change of cost over the mean fall of what is to be avoided. The interval is Fieller's (1954, Some
problems in interval estimation, J. R. Stat. Soc. B 16): the values of the ratio that the paired differences do not contradict. Where the
fall cannot be told from nothing there is no such interval, and no cost for each thing avoided either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.analyses.effects import CONFIDENCE, NAN, Comparison, Interval, means


@dataclass(frozen=True)
class ForEach:
    """Pounds for each one of a measure that does not happen; `definition` as reports print it."""

    name: str
    label: str
    unit: str
    of: str
    definition: str
    cost: str = "cost"

    def between(self, comparison: Comparison, scenario: str, window: str) -> Interval:
        """That of a scenario against the comparator."""
        rows = [
            [comparison.values(name, window, measure) for name in (scenario, comparison.scenarios[0])] for measure in (self.cost, self.of)
        ]
        cost, happens = (each[0] - each[1] for each in rows)
        known = ~(np.isnan(cost) | np.isnan(happens))
        return for_each(*(means(values[known], comparison.draws[known]) for values in (cost, -happens)))


def for_each(cost: NDArray, avoided: NDArray) -> Interval:
    """The mean of `cost` over the mean of `avoided`, paired values of independent draws; nan unless something was avoided.

    A negative value says that both cost and the thing avoided fell. Without an interval where there are fewer than two draws, or
    where what was avoided cannot be told from nothing.
    """
    draws = len(cost)
    if not draws or not avoided.mean() > 0.0:
        return Interval(NAN, NAN, NAN)
    value = float(cost.mean() / avoided.mean())
    if draws < 2:
        return Interval(value, NAN, NAN)
    square = float(stats.t.ppf(0.5 + CONFIDENCE / 2, draws - 1)) ** 2
    (var_cost, both), (_, var_avoided) = np.cov(np.stack((cost, avoided))) / draws
    a = avoided.mean() ** 2 - square * var_avoided
    b = cost.mean() * avoided.mean() - square * both
    c = cost.mean() ** 2 - square * var_cost
    if a <= 0.0:
        return Interval(value, NAN, NAN)
    half = math.sqrt(max(0.0, b * b - a * c))
    return Interval(value, float((b - half) / a), float((b + half) / a))


FOR_EACH = (
    ForEach(
        "cost_per_episode_avoided", "cost for each missing episode avoided", "pounds of 2024/25", "episodes",
        "Mean change of the cost to all payers over the mean fall of true missing episodes, recorded or not, against the comparator. Harm is not netted.",
    ),
    ForEach(
        "cost_per_recruitment_avoided", "cost for each recruitment avoided", "pounds of 2024/25", "recruitments",
        "Mean change of the cost to all payers over the mean fall of recruitments to a line, against the comparator. Harm is not netted; a child "
        "spared may stand for another who was drawn in.",
    ),
)  # fmt: skip
"""What is given for each scenario against the comparator."""
