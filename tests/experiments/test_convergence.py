"""How many pairs are enough: against simulated studies of that size; and the intervals of paired differences."""

import numpy as np
import pytest
from scipy import stats

from experiments.analyses.convergence import POWER, convergence, pairs_for, power
from experiments.analyses.differences import bootstrap, paired, wide
from experiments.analyses.outcomes import difference, level, measures_of
from sim.errors import InputError
from tests.experiments.frames import design, frame


def study(draws=40, **options):
    made = frame("latin_hypercube", design("latin_hypercube", draws), lambda x: 100.0 + 0.0 * x[:, 0], policy=lambda x: -4.0 + 6.0 * (x[:, 0] - 0.5), **options)
    (measure,) = measures_of(made)
    return difference(made, measure, "policy", "present"), level(made, measure, "present")


@pytest.mark.parametrize(("shift", "deviation"), [(1.0, 1.0), (0.5, 2.0), (3.0, 2.0)])
def test_so_many_pairs_find_the_difference_that_often(shift, deviation):
    pairs = pairs_for(shift, deviation)
    rng = np.random.default_rng(1)
    found = {}
    for n in (pairs, pairs - 1):
        values = rng.normal(shift, deviation, (4000, n))
        found[n] = float((np.abs(values.mean(axis=1)) / values.std(axis=1, ddof=1) * np.sqrt(n) > stats.t.ppf(0.975, n - 1)).mean())
    assert found[pairs] == pytest.approx(power(pairs, shift, deviation), abs=0.025)
    assert power(pairs, shift, deviation) >= POWER > power(pairs - 1, shift, deviation)


def test_what_cohen_s_table_says():
    """n for d = 0.5, two-sided 5 %, power 0.8, one sample: 34 (Cohen 1988, table 2.4.1 by d sqrt 2)."""
    assert pairs_for(0.5, 1.0) == 34


def test_what_nobody_can_pay_for_and_what_needs_no_search():
    assert pairs_for(1e-6, 10.0) is None and pairs_for(0.0, 1.0) is None
    assert pairs_for(1.0, 0.0) == 2
    assert pairs_for(0.001, 1.0) == pytest.approx(7.85e6, rel=0.01)  # where the noncentral t is the normal


def test_a_pilot_says_how_many_pairs_which_difference_needs():
    result = convergence(*study(noise=1.0, seeds=2))
    assert result.level == pytest.approx(100.0, abs=0.5)
    assert result.deviation.low < np.sqrt(3.0 + 2.0) < result.deviation.high  # 6 times uniform: variance 3; two runs of chance: 2
    assert result.part_of_chance == pytest.approx(0.4, abs=0.2)
    assert [each.per_cent for each in result.needed] == [1.0, 2.0, 5.0, 10.0, 20.0]
    assert all(each.pairs <= each.at_most for each in result.needed)
    assert (result.pairs, result.draws, len(result.course)) == (80, 40, 39)
    assert convergence(*study(noise=1.0), [2.0]).needed[0].difference == 2.0


def test_too_small_a_pilot_is_refused():
    with pytest.raises(InputError, match="3 draws are too few"):
        convergence(*study(draws=3))
    change, before = study(draws=8)
    change.rows["value"] = 0.0
    with pytest.raises(InputError, match="all 8 pairs have the same difference"):
        convergence(change, before)


# -- differences -------------------------------------------------------------------------------------------------------------


def test_paired_differences_are_those_of_draws():
    result = paired(*study(noise=0.5, seeds=2))
    assert (result.effect.pairs, result.effect.draws) == (80, 40)
    assert result.effect.difference.low < -4.0 < result.effect.difference.high
    assert result.bootstrap.value == pytest.approx(result.effect.difference.value)
    assert result.bootstrap.low == pytest.approx(result.effect.difference.low, abs=0.15)


def test_the_bootstrap_interval_is_scipy_s():
    values = np.random.default_rng(1).exponential(size=200)
    expanded = 2.0 * stats.norm.cdf(wide(len(values))) - 1.0
    theirs = stats.bootstrap((values,), np.mean, method="BCa", n_resamples=9999, confidence_level=expanded, rng=1).confidence_interval
    ours = bootstrap(values)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.03)
    assert np.isnan(bootstrap(values[:5]).low)


@pytest.mark.parametrize("draw", [lambda rng: rng.normal(size=10), lambda rng: rng.poisson(1.0, size=10) - rng.poisson(1.0, size=10).astype(float)])
def test_of_ten_draws_the_bootstrap_interval_holds_the_mean_about_as_often_as_it_says(draw):
    rng = np.random.default_rng(1)
    intervals = [bootstrap(draw(rng)) for _ in range(600)]
    assert 0.925 <= np.mean([each.low <= 0.0 <= each.high for each in intervals]) <= 0.975
