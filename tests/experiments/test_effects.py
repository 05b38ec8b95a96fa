"""Paired differences, their intervals, the part of chance and harm: against answers worked by hand, or known beforehand."""

import math
import warnings

import numpy as np
import pytest
from scipy import stats

from experiments.analyses.effects import (
    Comparison,
    Interval,
    effect,
    harm,
    mean_interval,
    means,
    part_of_chance,
    share_interval,
)
from experiments.measures import named
from experiments.wording import answer, finding


def test_an_interval_worked_by_hand() -> None:
    # mean 3, standard deviation sqrt(2.5), t(4) at 97.5 % = 2.7764451
    half = 2.7764451051977987 * math.sqrt(2.5) / math.sqrt(5)
    found = mean_interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert (found.value, found.low, found.high) == pytest.approx((3.0, 3.0 - half, 3.0 + half))


def test_an_interval_is_that_of_the_t_test() -> None:
    values = np.random.default_rng(4).normal(2.0, 3.0, 17)
    theirs = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    found = mean_interval(values)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))


def test_replicates_of_one_draw_are_averaged_before_the_interval() -> None:
    comparator = np.array([10.0, 20.0, 30.0, 40.0])
    scenario = comparator + np.array([1.0, 3.0, 5.0, 7.0])
    found = effect(scenario, comparator, np.array([0, 0, 1, 1]), "fewer")
    theirs = stats.ttest_1samp([2.0, 6.0], 0.0).confidence_interval(0.95)
    assert (found.pairs, found.draws) == (4, 2)
    assert (found.difference.value, found.difference.low, found.difference.high) == pytest.approx((4.0, theirs.low, theirs.high))
    assert found.comparator == 25.0
    assert found.scenario == 29.0
    assert found.per_cent.value == pytest.approx(16.0)
    assert found.per_cent.low == pytest.approx(4.0 * theirs.low)


def test_pairing_takes_out_what_both_have() -> None:
    shared = np.random.default_rng(1).normal(1000.0, 300.0, 12)
    found = effect(shared - np.tile([1.9, 2.1], 6), shared, np.arange(12), "fewer")
    assert found.difference.value == pytest.approx(-2.0)
    assert found.difference.width < 0.15
    assert found.is_separable


def test_draws_count_alike_however_many_replicates_they_have() -> None:
    assert means(np.array([1.0, 3.0, 10.0]), np.array([0, 0, 1])).tolist() == [2.0, 10.0]


# -- the part of chance ---------------------------------------------------------------------------------------------------------


def test_the_part_of_chance_worked_by_hand() -> None:
    # draws (1, 3) and (5, 7): mean square within (1+1+1+1)/2 = 2, between 2*(2²+2²)/1 = 16; F = 8; 2/9 of the variance is within
    found = part_of_chance(np.array([1.0, 3.0, 5.0, 7.0]), np.array([0, 0, 1, 1]))
    assert found.value == pytest.approx(2.0 / 9.0)
    low, high = (8.0 / stats.f.ppf(p, 1, 2) for p in (0.025, 0.975))
    assert found.low == pytest.approx(1.0 / (1.0 + (low - 1.0) / 2.0))
    assert found.high == pytest.approx(1.0 / (1.0 + max(0.0, high - 1.0) / 2.0))


@pytest.mark.parametrize(("between", "within", "part"), [(2.0, 1.0, 0.2), (1.0, 1.0, 0.5), (0.0, 1.0, 1.0), (1.0, 0.0, 0.0)])
def test_the_part_of_chance_is_found_where_the_variances_are_known(between: float, within: float, part: float) -> None:
    make = np.random.default_rng(7)
    draws = np.repeat(np.arange(4000), 2)
    values = make.normal(0.0, between, 4000)[draws] + make.normal(0.0, within, 8000)
    found = part_of_chance(values, draws)
    assert found.value == pytest.approx(part, abs=0.03)
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_the_interval_of_the_part_of_chance_holds_the_truth_about_as_often_as_it_says() -> None:
    make, hits, tries = np.random.default_rng(3), 0, 600
    draws = np.repeat(np.arange(6), 2)
    for _ in range(tries):
        values = make.normal(0.0, 1.0, 6)[draws] + make.normal(0.0, 1.0, 12)
        found = part_of_chance(values, draws)
        hits += found.low <= 0.5 <= found.high
    assert 0.92 <= hits / tries <= 0.98


def test_a_draw_with_a_single_replicate_is_allowed() -> None:
    found = part_of_chance(np.array([1.0, 2.0, 5.0, 6.0, 3.0]), np.array([0, 0, 1, 1, 2]))
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0


@pytest.mark.parametrize(
    ("values", "draws"), [([], []), ([1.0], [0]), ([1.0, 2.0], [0, 0]), ([1.0, 2.0], [0, 1]), ([3.0, 3.0, 3.0, 3.0], [0, 0, 1, 1])]
)
def test_where_the_part_of_chance_cannot_be_said_it_is_not_said(values: list[float], draws: list[int]) -> None:
    assert math.isnan(part_of_chance(np.array(values), np.array(draws)).value)


def test_with_fixed_parameters_all_is_chance() -> None:
    found = effect(np.array([1.0, 2.0, 4.0]), np.zeros(3), np.arange(3), "fewer", chance_only=True)
    assert found.chance == Interval(1.0, 1.0, 1.0)


def test_draws_that_are_all_alike_have_no_interval_unless_nothing_differs() -> None:
    """A difference of one child in each of two draws is not told from nothing with certainty."""
    alike = effect(np.full(4, 3.0), np.full(4, 2.0), np.repeat([0, 1], 2), "fewer")
    assert alike.difference.value == 1.0 and math.isnan(alike.difference.low) and not alike.is_separable
    assert "all 2 draws are alike" in finding(named("children_recruited"), alike)
    assert "all 2 draws are alike" in answer(named("children_recruited"), alike)
    cancelling = effect(np.array([9.0, 8.0]), np.array([8.0, 9.0]), np.array([0, 0]), "fewer")
    assert cancelling.difference.value == 0.0 and math.isnan(cancelling.difference.low)
    assert all("do not differ" not in said(named("children_recruited"), cancelling) for said in (answer, finding))
    same = effect(np.full(4, 2.0), np.full(4, 2.0), np.repeat([0, 1], 2), "fewer")
    assert same.difference == Interval(0.0, 0.0, 0.0) and "do not differ" in finding(named("children_recruited"), same)


# -- harm -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("better", "worse", "good"), [("fewer", 1, 2), ("more", 2, 1)])
def test_harm_is_counted_by_draw_and_by_which_way_is_better(better: str, worse: int, good: int) -> None:
    differences = np.array([-5.0, 4.0, 3.0, -1.0, -1.0, -2.0, 1.0, -1.0])  # draws: -0.5, 1, -1.5, 0
    found = effect(differences, np.zeros(8), np.repeat(np.arange(4), 2), better).harm
    assert found is not None
    assert (found.worse, found.better, found.draws) == (worse, good, 4)
    assert found.probability_of_improvement == good / 4
    assert found.interval.value == worse / 4


def test_where_neither_way_is_better_there_is_no_harm() -> None:
    assert harm(np.array([1.0, 2.0]), "") is None


def test_few_draws_exclude_little_harm() -> None:
    # exact binomial: with none of n, the upper end solves (1 - p)^n = 0.025
    assert share_interval(0, 4).high == pytest.approx(1.0 - 0.025**0.25)
    assert share_interval(4, 4).low == pytest.approx(0.025**0.25)
    theirs = stats.binomtest(3, 11).proportion_ci(0.95, "exact")
    assert (share_interval(3, 11).low, share_interval(3, 11).high) == pytest.approx((theirs.low, theirs.high))


# -- nothing divides by nothing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", [[], [math.nan], [0.0], [0.0, 0.0], [1.0, math.nan, 2.0], [0.0, 0.0, 0.0, 0.0]])
@pytest.mark.parametrize("better", ["", "fewer", "more"])
def test_nothing_divides_by_nothing(scenario: list[float], better: str) -> None:
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        found = effect(np.array(scenario), np.zeros(len(scenario)), np.arange(len(scenario)) // 2, better)
        assert math.isnan(found.per_cent.value)  # nothing to compare with
        assert found.harm is None or found.harm.draws == found.draws


def test_runs_that_failed_leave_their_pair_out() -> None:
    measured = {("a", 0): {("w", "m"): 1.0}, ("a", 1): {("w", "m"): 2.0}, ("b", 0): {("w", "m"): 5.0}}
    comparison = Comparison(measured, ["a", "b"], [0, 0])
    found = comparison.effect("b", "w", "m", "fewer")
    assert (found.pairs, found.difference.value) == (1, 4.0)
    assert comparison.level("a", "w", "m") == Interval(1.5, 1.0, 2.0)
    assert math.isnan(comparison.level("b", "elsewhere", "m").value)
