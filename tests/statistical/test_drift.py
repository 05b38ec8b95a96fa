"""Drift: a world that nobody changes stays as it is, in stocks and in ages."""

import math
from functools import cache

import numpy as np
import pytest
from scipy import stats

from sim.dates import age_on
from tests.worlds import REGION, lived

SEEDS = (1, 2, 3, 4, 5)


@cache
def yearly_means() -> dict[str, np.ndarray]:
    """Of each stock of the region, the mean of the year after the warm-up and of the next, for each seed."""
    runs = [lived(world=REGION, seed=seed, until=1096).ledger.table("stocks") for seed in SEEDS]
    return {name: np.array([(run[name][365:730].mean(), run[name][730:].mean()) for run in runs]) for name in runs[0]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "stock",
    [
        "children", "missing", "in_crisis", "lines", "positions_with_children", "looked_after", "beds_taken",
    ],
)  # fmt: skip
def test_a_stock_of_the_region_drifts_by_no_more_than_three_per_cent_beyond_chance(stock):
    first, second = yearly_means()[stock].T
    drift = second / first - 1.0
    doubt = stats.t.ppf(0.975, len(SEEDS) - 1) * drift.std(ddof=1) / math.sqrt(len(SEEDS))
    assert abs(drift.mean()) - doubt < 0.03, f"{drift.mean():+.1%} ± {doubt:.1%}"


@pytest.mark.slow
@pytest.mark.xfail(
    raises=AssertionError,
    reason="defect: ages of looked-after children on day 1 are even within 10-15 and within 16-17",
)
def test_looked_after_children_have_the_ages_on_day_1_that_they_have_later():
    model = lived(world=REGION, seed=3, until=1)
    by_age = []
    for day in (1, 1096):
        model.run_to(day)
        born = model.children.select(lambda c: c.is_looked_after).born
        by_age.append(np.bincount(np.clip(age_on(born, day), 11, 17), minlength=18)[11:])
    assert stats.chi2_contingency(by_age).pvalue > 1e-4
