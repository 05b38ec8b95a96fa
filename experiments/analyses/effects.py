"""Effects: what a scenario changes against the comparator, and how sure that is.

Runs are paired: the same replicate of both scenarios has the same seed and the same parameter draw, so each difference is what the
scenario alone made. Two replicates of one draw share its assumptions and are not two pieces of evidence about them; so they are
averaged first, and intervals and shares go over draws.

- *Interval*: the 95 % t interval of the mean over draws. It holds chance and ignorance of the parameters, not of the model's form.
- *Part of chance*: of the variance of a single paired difference, the part that is there within a draw (the same parameters, another
  seed). One-way analysis of variance with random draws, and its exact F interval: with few draws it says little, and says so.
- *Harm*: in how many draws the mean difference goes the wrong way, with the exact binomial interval of that share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special  # quantiles of t, F and beta, without the second that scipy.stats takes to load

CONFIDENCE = 0.95
NAN = float("nan")
TELLING = 0.5  # an interval of the part of chance wider than this says nothing worth printing


@dataclass(frozen=True)
class Interval:
    """A value and what it may be with 95 % confidence; nan where it cannot be said."""

    value: float
    low: float
    high: float

    @property
    def excludes_nothing(self) -> bool:
        """Whether the interval lies wholly on one side of no change."""
        return self.low > 0.0 or self.high < 0.0

    @property
    def width(self) -> float:
        return self.high - self.low

    def times(self, factor: float) -> Interval:
        """In another unit."""
        low, high = sorted((self.low * factor, self.high * factor)) if factor < 0 else (self.low * factor, self.high * factor)
        return Interval(self.value * factor, low, high)


@dataclass(frozen=True)
class Harm:
    """In how many draws the mean difference goes the wrong way (`worse`), the right way (`better`), or is nothing."""

    worse: int
    better: int
    draws: int
    interval: Interval

    @property
    def probability_of_improvement(self) -> float:
        """The share of draws that go the right way."""
        return self.better / self.draws if self.draws else NAN


@dataclass(frozen=True)
class Effect:
    """The paired difference of one measure: a scenario less the comparator, over the replicates that have both."""

    pairs: int
    draws: int
    comparator: float  # mean over draws
    scenario: float
    difference: Interval
    chance: Interval
    harm: Harm | None  # None where neither way is better in itself
    differing: int  # pairs whose two values are not the same

    @property
    def per_cent(self) -> Interval:
        """The difference in per cent of the comparator's mean; nan where that is 0."""
        return self.difference.times(100.0 / self.comparator if self.comparator else NAN)

    @property
    def is_separable(self) -> bool:
        """Whether the difference can be told from nothing with so many replicates."""
        return self.difference.excludes_nothing

    @property
    def why_no_interval(self) -> str:
        """Why nothing is said of how far the difference could have been, in words; "" where there is an interval."""
        if not math.isnan(self.difference.low):
            return ""
        return "a single draw has no interval" if self.draws < 2 else f"all {self.draws} draws are alike, which gives no interval"


def effect(scenario: NDArray, comparator: NDArray, draws: NDArray, better: str, *, chance_only: bool = False) -> Effect:
    """What a scenario changes: two columns of values with one row for each replicate, and the number of each one's draw.

    `better` is "fewer", "more" or "". Rows where either value is nan are left out. With `chance_only` the draws have no
    parameters of their own, so all that varies is chance.
    """
    known = ~(np.isnan(scenario) | np.isnan(comparator))
    scenario, comparator, draws = scenario[known], comparator[known], draws[known]
    by_draw, differing = means(scenario - comparator, draws), int((scenario != comparator).sum())
    chance = part_of_chance(scenario - comparator, draws)
    if chance_only:
        chance = Interval(1.0, 1.0, 1.0) if len(by_draw) else Interval(NAN, NAN, NAN)
    return Effect(
        len(draws), len(by_draw), _mean(means(comparator, draws)), _mean(means(scenario, draws)),
        _unless_alike(mean_interval(by_draw), differing), chance, harm(by_draw, better), differing,
    )  # fmt: skip


def means(values: NDArray, draws: NDArray) -> NDArray[np.float64]:
    """The mean of each draw's values, in the order of draws."""
    _, which, number = np.unique(draws, return_inverse=True, return_counts=True)
    return np.bincount(which, weights=values, minlength=len(number)) / number


def mean_interval(values: NDArray) -> Interval:
    """The mean of independent values, and its t interval; without an interval where there are fewer than two."""
    mean = _mean(values)
    if len(values) < 2:
        return Interval(mean, NAN, NAN)
    half = float(special.stdtrit(len(values) - 1, 0.5 + CONFIDENCE / 2)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def _unless_alike(difference: Interval, differing: int) -> Interval:
    """Without an interval where every draw gave the same difference, unless no pair differs at all: how far it could have been is then not known."""
    return Interval(difference.value, NAN, NAN) if differing and difference.width == 0.0 else difference


def part_of_chance(values: NDArray, draws: NDArray) -> Interval:
    """Of the variance of one value, the part within draws: 1 for chance alone, 0 for none.

    nan where it cannot be said: fewer than two draws, no draw with two values, or values that do not differ at all. The interval
    is exact for normal values and equally many in each draw (Searle, Casella and McCulloch 1992, Variance Components, 3.6).
    """
    _, which, number = np.unique(draws, return_inverse=True, return_counts=True)
    groups, within = len(number), len(values) - len(number)
    if groups < 2 or within < 1 or np.ptp(values) == 0.0:
        return Interval(NAN, NAN, NAN)
    mean_of_draw = np.bincount(which, weights=values) / number
    inside = float(((values - mean_of_draw[which]) ** 2).sum()) / within
    between = float((number * (mean_of_draw - values.mean()) ** 2).sum()) / (groups - 1)
    size = (len(values) - float((number**2).sum()) / len(values)) / (groups - 1)  # values in a draw, as if all had equally many
    if inside == 0.0:
        return Interval(0.0, 0.0, 0.0)
    ratio = between / inside
    tail = (1.0 - CONFIDENCE) / 2
    highest, lowest = (ratio / float(special.fdtri(groups - 1, within, p)) for p in (tail, 1.0 - tail))
    return Interval(*(_part_of_chance(r, size) for r in (ratio, highest, lowest)))


def _part_of_chance(ratio: float, size: float) -> float:
    """The part within draws, from the ratio of the mean squares between draws and within."""
    return 1.0 / (1.0 + max(0.0, ratio - 1.0) / size)


def harm(by_draw: NDArray, better: str) -> Harm | None:
    """How many draws go the wrong way and the right way; None if neither way is better in itself."""
    if better not in ("fewer", "more"):
        return None
    wrong = by_draw > 0 if better == "fewer" else by_draw < 0
    worse, draws = int(wrong.sum()), len(by_draw)
    if not draws:
        return Harm(0, 0, 0, Interval(NAN, NAN, NAN))
    return Harm(worse, draws - worse - int((by_draw == 0).sum()), draws, share_interval(worse, draws))


def share_interval(part: int, whole: int) -> Interval:
    """A share of independent cases, and its exact binomial interval."""
    tail = (1.0 - CONFIDENCE) / 2  # Clopper and Pearson 1934
    low = float(special.betaincinv(part, whole - part + 1, tail)) if part else 0.0
    high = float(special.betaincinv(part + 1, whole - part, 1.0 - tail)) if part < whole else 1.0
    return Interval(part / whole, low, high)


def _mean(values: NDArray) -> float:
    return float(values.mean()) if len(values) else NAN


# -- of a study ----------------------------------------------------------------------------------------------------------


Measured = Mapping[tuple[str, int], Mapping[tuple[str, str], float]]
"""(scenario, replicate) to (window, measure) to value; runs that failed are not there."""


class Comparison:
    """The values of a study's runs, ready to be compared."""

    def __init__(self, measured: Measured, scenarios: Sequence[str], draws: Sequence[int], *, chance_only: bool = False):
        self.measured, self.scenarios, self.chance_only = measured, tuple(scenarios), chance_only
        self.draws = np.asarray(draws)

    def values(self, scenario: str, window: str, measure: str) -> NDArray[np.float64]:
        """One value for each replicate, nan where the run failed or the measure is not defined."""
        runs = (self.measured.get((scenario, replicate), {}) for replicate in range(len(self.draws)))
        return np.array([run.get((window, measure), NAN) for run in runs], dtype=np.float64)

    def effect(self, scenario: str, window: str, measure: str, better: str) -> Effect:
        """The paired difference of a scenario from the comparator."""
        scenario_values, comparator_values = (self.values(name, window, measure) for name in (scenario, self.scenarios[0]))
        return effect(scenario_values, comparator_values, self.draws, better, chance_only=self.chance_only)

    def level(self, scenario: str, window: str, measure: str) -> Interval:
        """The mean of a scenario over draws, with the lowest and the highest replicate."""
        values = self.values(scenario, window, measure)
        known = ~np.isnan(values)
        if not known.any():
            return Interval(NAN, NAN, NAN)
        return Interval(_mean(means(values[known], self.draws[known])), float(values[known].min()), float(values[known].max()))
