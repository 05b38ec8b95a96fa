"""The interval that holds at every time together: how often it misses, when one looks after every pair."""

import math

import numpy as np
import pytest

from experiments.analyses.effects import Interval
from experiments.analyses.sequence import ALPHA, SoFar, confidence_sequence, half_width, pairs_until

PAIRS = 1000
DIFFERENCES = {  # each with mean 0
    "normal": lambda rng, shape: rng.normal(size=shape),
    "skewed": lambda rng, shape: rng.gamma(2.0, size=shape) - 2.0,
    "heavy-tailed": lambda rng, shape: rng.standard_t(3, size=shape),
    "few values": lambda rng, shape: rng.integers(-1, 2, size=shape).astype(float),
    "differences of small counts": lambda rng, shape: rng.poisson(1.0, size=shape) - rng.poisson(1.0, size=shape).astype(float),
    "nearly always nothing": lambda rng, shape: np.where(rng.uniform(size=shape) < 0.95, 0.0, rng.choice([-1.0, 1.0], size=shape)),
    "mostly nothing": lambda rng, shape: np.where(rng.uniform(size=shape) < 0.7, 0.0, rng.normal(size=shape)),
}


def ever_misses(values):
    """In which rows the interval excludes the true mean, 0, at any time."""
    pairs = np.arange(1, values.shape[1] + 1)
    mean = values.cumsum(axis=1) / pairs
    deviation = np.sqrt(np.maximum((values**2).cumsum(axis=1) - pairs * mean**2, 0.0) / np.maximum(pairs - 1, 1))
    half = np.array([half_width(int(n), 1.0) for n in pairs])
    with np.errstate(invalid="ignore"):
        width = np.where(deviation > 1e-6, deviation * half, np.inf)
    return (np.abs(mean) > width).any(axis=1)


@pytest.mark.parametrize("kind", DIFFERENCES)
def test_the_interval_misses_at_any_time_in_at_most_one_of_twenty(kind):
    missed = ever_misses(DIFFERENCES[kind](np.random.default_rng(3), (1500, PAIRS)))
    assert missed.mean() <= ALPHA


@pytest.mark.slow
@pytest.mark.parametrize("kind", DIFFERENCES)
def test_the_same_with_many_more_trials(kind):
    rng = np.random.default_rng(11)
    missed = np.concatenate([ever_misses(DIFFERENCES[kind](rng, (5000, PAIRS))) for _ in range(4)])
    assert missed.mean() <= ALPHA


def test_of_very_skewed_differences_it_misses_a_little_more_often_as_is_said():
    missed = ever_misses(np.random.default_rng(3).exponential(size=(1500, PAIRS)) - 1.0)
    assert ALPHA < missed.mean() < 0.075
    rng = np.random.default_rng(3)
    rare = (rng.uniform(size=(1500, PAIRS)) < 0.03) - 0.03
    assert 0.08 < ever_misses(rare).mean() < 0.16


def test_an_ordinary_interval_would_miss_far_more_often():
    values = np.random.default_rng(3).normal(size=(500, PAIRS))
    pairs = np.arange(1, PAIRS + 1)
    mean = values.cumsum(axis=1) / pairs
    assert (np.abs(mean) > 1.96 / np.sqrt(pairs))[:, 12:].any(axis=1).mean() > 0.3


def test_the_interval_is_where_the_martingale_reaches_one_over_alpha():
    """Against the likelihood ratio itself, integrated numerically over the effect size."""
    n, g = 20, 0.16
    half = half_width(n, 2.0, effect_variance=g)
    t = math.sqrt(n) * half / 2.0
    from scipy import integrate, stats

    def ratio(effect):
        return stats.nct.pdf(t, n - 1, effect * math.sqrt(n)) / stats.t.pdf(t, n - 1) * stats.norm.pdf(effect, scale=math.sqrt(g))

    assert integrate.quad(ratio, -5, 5)[0] == pytest.approx(1.0 / ALPHA, rel=1e-5)


def test_it_is_as_wide_at_any_scale_and_narrows():
    assert half_width(40, 3.0) == pytest.approx(3.0 * half_width(40, 1.0))
    widths = [half_width(n, 1.0) for n in (15, 16, 64, 256, 4096)]
    assert widths == sorted(widths, reverse=True) and math.isinf(half_width(14, 1.0)) and widths[0] < math.inf
    assert 1.0 < half_width(50, 1.0) / (1.96 / math.sqrt(50)) < 1.8  # the price of looking at any time


def test_of_pairs_that_do_not_differ_nothing_is_settled():
    assert all(not each.is_settled and math.isinf(each.interval.high) for each in confidence_sequence([2.0] * 30))


def test_it_goes_as_the_numbers_say():
    values = np.random.default_rng(2).normal(1.0, 1.0, 60)
    course = list(confidence_sequence(values))
    assert [each.pairs for each in course] == list(range(1, 61))
    assert course[-1].interval.value == pytest.approx(values.mean()) and course[-1].deviation == pytest.approx(values.std(ddof=1))
    assert course[-1].is_settled and not course[13].is_settled
    settled = next(each.pairs for each in course if each.is_settled)
    assert 15 <= settled < 40


def test_how_many_more_pairs_it_will_take():
    so_far = SoFar(10, Interval(1.0, -2.0, 4.0), 3.0)
    wanted = pairs_until(so_far, 10_000)
    assert half_width(wanted, 3.0) < 1.0 <= half_width(int(wanted / 1.06), 3.0)
    assert pairs_until(so_far, 50) is None
    assert pairs_until(SoFar(10, Interval(0.1, -2.0, 2.0), 3.0), 10_000, difference=2.0) < 100
    assert pairs_until(SoFar(10, Interval(0.0, -2.0, 2.0), 3.0), 10_000) is None
