"""How much of the spread of an outcome is chance, how much the uncertain inputs, and how much the rival mechanisms.

A nested analysis of variance over structure, draw and seed, by the law of total variance:

    Var(y) = Var_s(E[y | s])  +  E_s[Var_d(E[y | s, d])]  +  E[Var(y | s, d)]
             structure           parameters                  chance

Every part is estimated without bias: from the spread of means what is there by the next part alone is taken off (Searle, Casella
and McCulloch 1992, Variance Components, chapter 3). Structures are not a sample: they are the study's, each counted alike. Where
all structures were run with the same draws, their means share what the draws did, and only the spread of the differences is taken
off. An estimate can be below 0, by chance; the shares then count it as 0. Intervals are of a bootstrap over draws.

*What it says*: of what a single run's outcome varies by in this study. More seeds make the chance in a mean smaller; more draws do
not make ignorance smaller. *What it does not say*: the structure is only that which somebody has put on a switch; what is wrong in
all rival mechanisms alike is not in it. In a grid or a list the "parameters" are the study's own values, not what is uncertain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.analyses.effects import NAN, Interval
from experiments.analyses.outcomes import Outcome
from experiments.analyses.resampling import percentiles, resampled

Floats = NDArray[np.float64]
PARTS = ("structure", "parameters", "chance")


@dataclass(frozen=True)
class Part:
    """A part of the variance [unit squared] and its share of the total; nan where the study cannot tell it."""

    name: str
    variance: float
    share: Interval


@dataclass(frozen=True)
class Split:
    """The parts of an outcome's variance: structure, parameters, chance."""

    parts: tuple[Part, ...]
    structures: int
    draws: int
    runs: int
    notes: tuple[str, ...]

    @property
    def total(self) -> float:
        """The variance of a single run's outcome."""
        return float(np.nansum([part.variance for part in self.parts]))

    def share(self, name: str) -> Interval:
        """The share of one part."""
        return next(part.share for part in self.parts if part.name == name)


@dataclass(frozen=True)
class Cells:
    """What is known of each structure and draw, shape (structures, draws), nan where there is no run.

    `means` over seeds, `within` the variance of a single run by chance, `of_means` the variance by chance of the mean, as far as
    it differs from draw to draw.
    """

    means: Floats
    within: Floats
    of_means: Floats


def split(outcome: Outcome) -> Split:
    """The parts of an outcome's variance."""
    cells = cells_of(outcome)
    structures, draws = cells.means.shape
    values = components(cells, np.ones((draws, 1)))
    at = resampled(draws, "split") if draws > 1 else np.zeros((1, 1), dtype=np.int64)
    weights = np.apply_along_axis(np.bincount, 0, at, minlength=draws).astype(np.float64)
    samples = components(cells, weights)
    shares, sampled = _shares(values), _shares(samples)
    parts = tuple(Part(name, float(values[k, 0]), _share(float(shares[k, 0]), sampled[k])) for k, name in enumerate(PARTS))
    notes = []
    if structures < 2:
        notes.append("One structure only, so nothing is said of rival mechanisms.")
    if draws < 2:
        notes.append("One draw only, so nothing is said of the uncertain inputs.")
    if np.isnan(values[2, 0]):
        notes.append("One seed for each draw, so chance and parameters cannot be told apart: they stand under parameters together.")
    return Split(parts, structures, draws, len(outcome.rows), tuple(notes))


def cells_of(outcome: Outcome) -> Cells:
    """Means and chance for each structure and draw."""
    grouped = outcome.rows.groupby(["structure", "draw"])["value"]
    table = pd.DataFrame({"mean": grouped.mean(), "within": grouped.var(ddof=1), "seeds": grouped.size()}).unstack("draw")
    means, within, seeds = (table[name].to_numpy(np.float64) for name in ("mean", "within", "seeds"))
    return Cells(means, within, _apart(outcome, within) / seeds)


def _apart(outcome: Outcome, within: Floats) -> Floats:
    """The variance by chance of a run as far as draws do not share it: where all draws have the same seeds, what a seed does to all is left out."""
    rows = outcome.rows
    if rows["seed"].nunique() < 2 or rows["draw"].nunique() < 2:
        return within
    apart = within.copy()
    for at, (_, part) in enumerate(rows.groupby("structure")):
        table = part.pivot(index="draw", columns="seed", values="value")
        if table.isna().to_numpy().any() or table.shape[0] < 2 or table.shape[1] < 2:
            continue
        values = table.to_numpy()
        rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
        apart[at, ~np.isnan(within[at])] = float((rest**2).sum()) / ((values.shape[0] - 1) * (values.shape[1] - 1))
    return apart


def components(cells: Cells, weights: Floats) -> Floats:
    """Structure, parameters and chance, shape (3, samples), with so much weight on each draw, shape (draws, samples)."""
    there = ~np.isnan(cells.means)
    structures = len(there)
    number = there @ weights  # of draws, shape (structures, samples)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.nanmean(cells.means)
        means = np.where(there, cells.means - centre, 0.0)
        mean = (means @ weights) / number
        spread = np.stack([_covariance(means[i], means[i], there[i], weights) for i in range(structures)])
        by_chance = (np.where(np.isnan(cells.of_means), 0.0, cells.of_means) @ weights) / number
        parameters = (spread - by_chance).mean(axis=0)
        known = ~np.isnan(cells.within)
        chance = ((np.where(known, cells.within, 0.0) @ weights) / (known @ weights)).mean(axis=0)
        between = mean.var(axis=0)
        error = np.zeros(weights.shape[1])
        for i in range(structures):
            for j in range(i):
                both = there[i] & there[j]
                shared = (both @ weights) / (number[i] * number[j])
                common = np.where(shared > 0.0, 2.0 * shared * _covariance(means[i], means[j], both, weights), 0.0) if both.any() else 0.0
                error += spread[i] / number[i] + spread[j] / number[j] - common
        structure = between - error / structures**2 if structures > 1 else np.full(weights.shape[1], NAN)
    return np.stack([structure, parameters, chance])


def _covariance(one: Floats, other: Floats, there: NDArray[np.bool_], weights: Floats) -> Floats:
    """The covariance over draws without bias, for each sample."""
    number = there @ weights
    first, second = ((values * there) @ weights / number for values in (one, other))
    return ((one * other * there) @ weights - number * first * second) / (number - 1.0)


def _shares(values: Floats) -> Floats:
    """Shares of the total; a part below 0 counts as 0, one that is not known not at all."""
    known = np.where(np.isnan(values), 0.0, np.maximum(values, 0.0))
    total = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.isnan(values), NAN, known / total)


def _share(value: float, samples: Floats) -> Interval:
    kept = samples[~np.isnan(samples)]
    return percentiles(value, kept) if len(kept) > 1 else Interval(value, NAN, NAN)
