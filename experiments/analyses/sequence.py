"""When is it settled which of two is better: intervals for the mean of paired differences that hold at every time together.

An ordinary 95 % interval holds at one sample size that was chosen beforehand. Who looks after each pair and stops when it excludes
0 is wrong far more often than one time in twenty. A *confidence sequence* covers the mean after every pair at once, with 95 %, so
that one may look, stop, and go on whenever one likes.

Here it is the one of the anytime-valid t test: the mixture of t likelihood ratios over an effect size (mean over standard
deviation) that is normal with variance g, with the right Haar prior on the standard deviation. The ratio is a nonnegative
martingale whatever the standard deviation is, so by Ville's inequality it exceeds 1/alpha with probability at most alpha, ever
(Lai 1976, On confidence sequences, Annals of Statistics 4(2); Wang and Ramdas 2025, Anytime-valid t-tests and confidence sequences
for Gaussian means with unknown variance, Sequential Analysis 44(1), arXiv 2310.03722; the ratio itself: Gonen, Johnson, Lu and
Westfall 2005, The American Statistician 59(3)). Solved for the mean, after n pairs with mean m and standard deviation s:

    m +- s sqrt((n - 1) / n * (K - 1) / (1 - K / a)),    a = 1 + n g,    K = (sqrt(a) / alpha)^(2/n)

and no bound as long as K >= a, which with the g used here is before the 15th pair. It is exact for normal differences. For others it
holds as far as means of some pairs are nearly normal; g is smaller than best for a few pairs, so that it does. Simulated, looking
after each of 1,000 pairs, it missed in 3 of 100 for normal differences and in at most 5 for discrete, heavy-tailed and moderately
skewed ones, but in 7 for differences as skewed as an exponential, in 13 as a lognormal, and in 12 where all the difference is made in
three pairs of a hundred, one way only. Differences of two like runs are seldom like that; `pairs.csv` shows whether they are. What no interval of this
kind can see is a rare event that has not happened yet.

*What it says*: which of two is better in the model, on average over chance and over what is declared uncertain. *What it does not
say*: that it is better in every case, or in England.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments.analyses.effects import CONFIDENCE, Interval

TIGHTEST_AT = 200  # pairs at which the interval is nearly as narrow as it can be; chosen beforehand, never from the data
ALPHA = 1.0 - CONFIDENCE
EFFECT_VARIANCE = (-2.0 * math.log(ALPHA) + math.log(1.0 - 2.0 * math.log(ALPHA))) / TIGHTEST_AT  # g; as for the normal mixture, Waudby-Smith et al. 2024, Annals of Statistics 52(6)
NO_BOUND = float("inf")


@dataclass(frozen=True)
class SoFar:
    """After so many pairs: the mean difference, and the interval that holds at all times together."""

    pairs: int
    interval: Interval
    deviation: float

    @property
    def is_settled(self) -> bool:
        """Whether the interval excludes no difference."""
        return self.interval.excludes_nothing

    def is_within(self, difference: float) -> bool:
        """Whether the interval says that the two differ by less than this."""
        return -difference < self.interval.low and self.interval.high < difference


def confidence_sequence(differences: Sequence[float]) -> Iterator[SoFar]:
    """The interval after each pair."""
    mean = squares = 0.0
    for pairs, value in enumerate(differences, 1):
        step = value - mean
        mean += step / pairs
        squares += step * (value - mean)
        deviation = math.sqrt(squares / (pairs - 1)) if pairs > 1 else 0.0
        half = half_width(pairs, deviation)
        yield SoFar(pairs, Interval(mean, mean - half, mean + half), deviation)


def half_width(pairs: int, deviation: float, alpha: float = ALPHA, effect_variance: float = EFFECT_VARIANCE) -> float:
    """Half the width of the interval after so many pairs; without bound where there are too few, or where they do not differ."""
    if pairs < 2 or deviation <= 0.0:
        return NO_BOUND
    a = 1.0 + pairs * effect_variance
    k = (math.sqrt(a) / alpha) ** (2.0 / pairs)
    return deviation * math.sqrt((pairs - 1) / pairs * (k - 1.0) / (1.0 - k / a)) if k < a else NO_BOUND


def pairs_until(so_far: SoFar, most: int, difference: float = 0.0) -> int | None:
    """After how many pairs it will be settled if mean and deviation stay as they are, or the two shown to differ by less than `difference`.

    None if not within `most`.
    """
    for pairs in _steps(so_far.pairs, most):
        half, mean = half_width(pairs, so_far.deviation), abs(so_far.interval.value)
        if half < mean or (difference > 0.0 and mean + half < difference):
            return pairs
    return None


def _steps(first: int, most: int) -> Iterator[int]:
    """Numbers from the first to the last, by one in twenty."""
    at = first
    while at < most:
        yield at
        at += max(1, at // 20)
    yield most
