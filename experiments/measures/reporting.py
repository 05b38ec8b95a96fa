"""Recorded at fixed reporting: what the records would hold if each true episode were recorded with the chance that it had at first.

A policy may change what is recorded without changing what happens. So each true episode is given the chance with which episodes like
it were recorded in the run's first year (the warm-up, before any policy begins unless it is told to): of a child looked after or not, by
cause, by length. The sum of the chances is the expected record. It moves with what happens, and with nothing else.

- A kind of episode of which the first year had fewer than `ENOUGH` takes the chance of all of that length, looked after or not; where
  those are too few as well, of all episodes of children looked after, or not.
- Children: one less the chance that none of a child's episodes is recorded. Families who report do so again, so episodes of one
  child are not recorded independently; the sum is brought to the first year's true number of recorded children by one factor, for
  children looked after and for others.
- Recorded children grow with time known to services even under present practice; so in later years of the comparator itself the record
  and the record at fixed reporting differ. What counts is the difference between scenarios, which share their first year.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.measures.story import LOOKED_AFTER, Episodes, Story, Window
from sim.dates import last_day_of_year
from sim.population import CAUSES

FIRST_YEAR = Window(1, last_day_of_year(1))
ENOUGH = 30  # episodes of a kind, for a chance of its own
LENGTHS = (1.0 / 3.0, 1.0, 2.0)  # days: 8 hours, 24 hours, two days


class FixedReporting:
    """The chance that each kind of episode had to be in a record (a bit of `detail`), from a run's first year."""

    def __init__(self, story: Story, record: int):
        self.record = record
        past = story.in_window(FIRST_YEAR)
        self.chances = self._chances(past)
        self.factors = np.array([self._factor(past, looked_after) for looked_after in (False, True)])

    @classmethod
    def of(cls, story: Story, record: int) -> FixedReporting:
        """That of a story, made once."""
        return story.keep(("fixed reporting", record), lambda: cls(story, record))

    def _chances(self, past: Episodes) -> NDArray[np.float64]:
        """Shape (2, causes, lengths); nan where the first year had no such children at all."""
        recorded = past.has(self.record)
        chances = np.full((2, len(CAUSES), len(LENGTHS) + 1), np.nan)
        looked_after, length = past.has(LOOKED_AFTER), lengths(past)
        for inside in (False, True):
            here = looked_after == inside
            of_all = _share(recorded[here])
            for band in range(len(LENGTHS) + 1):
                of_length = here & (length == band)
                coarse = _share(recorded[of_length], of_all)
                for cause in range(len(CAUSES)):
                    chances[int(inside), cause, band] = _share(recorded[of_length & (past.cause == cause)], coarse)
        return chances

    def _factor(self, past: Episodes, looked_after: bool) -> float:
        """First-year children recorded, over those expected if episodes of one child were recorded independently."""
        mine = past.where(past.has(LOOKED_AFTER) == looked_after)
        expected = float(self._any(mine)[0].sum())
        return mine.where(mine.has(self.record)).children / expected if expected > 0.0 else 1.0

    def each(self, episodes: Episodes) -> NDArray[np.float64]:
        """The chance of each episode."""
        return self.chances[episodes.has(LOOKED_AFTER).astype(int), episodes.cause, lengths(episodes)]

    def episodes(self, episodes: Episodes) -> float:
        """How many of these episodes the record would hold."""
        return float(self.each(episodes).sum())

    def children(self, episodes: Episodes) -> float:
        """Of how many children the record would hold one of these episodes or more."""
        chance, child, looked_after = self._any(episodes)
        none = 1.0 - np.minimum(chance * self.factors[looked_after], 1.0)
        _, first = np.unique(child, return_index=True)
        return float((1.0 - np.multiply.reduceat(none, first)).sum()) if len(first) else 0.0

    def _any(self, episodes: Episodes) -> tuple[NDArray[np.float64], NDArray[np.uint64], NDArray[np.int64]]:
        """For each child, looked after or not at the time: the chance that some episode is recorded, were they independent."""
        inside = episodes.has(LOOKED_AFTER).astype(np.int64)
        order = np.lexsort((inside, episodes.child))
        child, inside, none = episodes.child[order], inside[order], 1.0 - self.each(episodes)[order]
        first = np.flatnonzero(np.concatenate(([True], (child[1:] != child[:-1]) | (inside[1:] != inside[:-1])))[: len(child)])
        some = 1.0 - np.multiply.reduceat(none, first) if len(first) else np.empty(0)
        return some, child[first], inside[first]


def lengths(episodes: Episodes) -> NDArray[np.intp]:
    """The band of `LENGTHS` in which each episode's length lies."""
    return np.searchsorted(LENGTHS, episodes.away, side="left")


def _share(mask: NDArray[np.bool_], otherwise: float | None = None) -> float:
    """The share of true values; `otherwise` where there are too few to tell."""
    if otherwise is not None and len(mask) < ENOUGH:
        return otherwise
    return float(mask.mean()) if len(mask) else float("nan")
