"""How many pairs of runs are enough, and for which difference: answered from a pilot study, before the big one is paid for.

A pair is the comparator and a policy with one seed and one draw of the uncertain inputs. The paired t test of n pairs finds a mean
difference D, at the 5 % level from both sides, with the power

    P(|t| > t_0.975(n - 1)),  t noncentral with n - 1 degrees of freedom and noncentrality D sqrt(n) / s

where s is the standard deviation of a pair's difference (Cohen 1988, Statistical Power Analysis, chapter 2). The pilot knows s
only roughly; so a second number of pairs is given, for the s that it lies below with 95 % confidence (chi-squared). A few pairs
more than that are needed where differences are far from normal.

Of s^2 a part is chance within a draw (see `split`), which further seeds of the same draws make smaller; the rest only more draws do.
With k seeds for each draw the number of draws is that for s^2 = parameters + chance / k, and pairs are k times as many: more pairs,
always, but for one question that needs them: how much of the spread is chance.

*What it says*: what a study of this size can find, if the model is as it is. *What it does not say*: that a difference of that size
matters, or that the model has it right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from experiments.analyses.effects import CONFIDENCE, Interval, mean_interval
from experiments.analyses.outcomes import Outcome
from sim.errors import InputError

POWER = 0.8
MOST = 10_000_000  # pairs; nobody pays for more
PER_CENT = (1.0, 2.0, 5.0, 10.0, 20.0)  # differences of which the table tells, of the comparator's level
FEWEST = 4  # draws of a pilot


@dataclass(frozen=True)
class Needed:
    """So many pairs find this difference with a power of 80 %; `at_most` if the pilot's spread is as wide as it may be; None beyond all price."""

    difference: float
    per_cent: float
    pairs: int | None
    at_most: int | None


@dataclass(frozen=True)
class Convergence:
    """What a pilot says: the difference so far, its spread from pair to pair, and how many pairs which difference needs."""

    difference: Interval
    level: float
    deviation: Interval
    part_of_chance: float
    pairs: int
    draws: int
    needed: tuple[Needed, ...]
    course: tuple[Interval, ...]  # the difference after the first 2, 3, ... draws


def convergence(outcome: Outcome, comparator: Outcome, differences: Sequence[float] = ()) -> Convergence:
    """From the pairs of a study: how many would find each of the `differences`, else of one to twenty per cent of the comparator's level.

    Raises InputError where the pilot is too small.
    """
    by_draw = outcome.rows.groupby("draw")["value"]
    means = by_draw.mean().to_numpy()
    if len(means) < FEWEST:
        raise InputError(f"{outcome.label}: {len(means)} draws are too few to say how many are enough; a pilot needs {FEWEST}.")
    level = float(comparator.rows["value"].mean())
    seeds, within = len(outcome.rows) / len(means), float(by_draw.var(ddof=1).mean())
    variance = float(means.var(ddof=1)) + (0.0 if math.isnan(within) else within * (1.0 - 1.0 / seeds))  # of one pair: draws and chance
    if variance <= 0.0:
        raise InputError(f"{outcome.label}: all {len(outcome.rows)} pairs have the same difference, so a pilot as small as this cannot say how many are enough.")
    deviation = spread(math.sqrt(variance), len(means) - 1)
    wanted = [(each, 100.0 * each / abs(level) if level else math.nan) for each in differences]
    wanted = wanted or [(abs(level) * each / 100.0, each) for each in PER_CENT if level]
    needed = tuple(Needed(size, per_cent, pairs_for(size, deviation.value), pairs_for(size, deviation.high)) for size, per_cent in wanted)
    course = tuple(mean_interval(means[:n]) for n in range(2, len(means) + 1))
    part = min(1.0, within / variance)
    return Convergence(mean_interval(means), level, deviation, part, len(outcome.rows), len(means), needed, course)


def spread(deviation: float, degrees: int) -> Interval:
    """A standard deviation with its 95 % interval from below and above (chi-squared)."""
    low, high = (deviation * math.sqrt(degrees / float(special.chdtri(degrees, p))) for p in (1.0 - CONFIDENCE, CONFIDENCE))
    return Interval(deviation, low, high)


def power(pairs: float, difference: float, deviation: float) -> float:
    """The probability that so many pairs find a mean difference."""
    if deviation <= 0.0:
        return 1.0 if difference else 0.0
    degrees, shift = pairs - 1.0, abs(difference) / deviation * math.sqrt(pairs)
    bar = float(special.stdtrit(degrees, 0.5 + CONFIDENCE / 2))
    found = 1.0 - float(special.nctdtr(degrees, shift, bar)) + float(special.nctdtr(degrees, shift, -bar))
    return found if not math.isnan(found) else float(special.ndtr(shift - bar))  # normal where there is no noncentral t


def pairs_for(difference: float, deviation: float, wanted: float = POWER) -> int | None:
    """The fewest pairs that find a mean difference with the wanted power; None if that is more than anybody pays for."""
    if not difference or not power(MOST, difference, deviation) >= wanted:
        return None
    low, high = 1, 2
    while power(high, difference, deviation) < wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle, difference, deviation) >= wanted else (middle, high)
    return high


def pairs_in_words(number: int | None) -> str:
    """A number of pairs, or that it is beyond all price."""
    return f"over {MOST:,}" if number is None else f"{number:,}"
