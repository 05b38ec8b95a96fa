"""What one would observe of each mechanism: the claims that the description of the model makes about itself."""

import math
from functools import cache

import numpy as np
import pytest
from scipy import stats

from sim import CountyLines, demography
from sim.dates import age_on
from sim.exploitation import GETTING_OUT_OF_IT
from sim.ledger import Event
from sim.parameters import Parameters
from tests.worlds import BASELINE, REGION, events, lived, number, world

FOUR_MONTHS = world(0.15, days=120)
LINES = {"lines.external": 1500.0, "lines.internal": 900.0, "lines.positions": 6, "lines.contacts": 6.0, "recruitment.nobody": 0.3}


def recruited(address: str, value: float) -> int:
    """Children who start to work a line in four months, with one number changed; of two seeds."""
    return sum(number(lived(world=FOUR_MONTHS, seed=seed, parameters={**LINES, address: value}), Event.RECRUITED) for seed in (1, 2))


@cache
def a_year() -> CountyLines:
    """A year of a part of the region, as it is."""
    return lived(world=world(0.18, days=365), seed=5)


def range_of(address: str) -> tuple[float, float]:
    group, _, name = address.rpartition(".")
    return Parameters.registry[group].declared[name].between


@pytest.mark.parametrize(
    "pull", ["threat", *(pytest.param(pull, marks=pytest.mark.slow) for pull in ("money", "affection", "status"))]
)
def test_less_of_one_way_in_alone_lowers_recruitment(pull):
    low, high = range_of(f"exploitation.{pull}")
    assert recruited(f"exploitation.{pull}", low) < recruited(f"exploitation.{pull}", high)


@pytest.mark.slow
def test_shuffled_friendships_change_who_and_not_how_many(monkeypatch):
    lay_out = demography.lay_out

    def with_other_friends(*given):
        layout = lay_out(*given)
        for neighbourhood in np.unique(layout["neighbourhood"]):
            there = (layout["neighbourhood"] == neighbourhood).nonzero()[0]
            layout["circle"][there] = layout["circle"][np.random.default_rng(int(neighbourhood)).permutation(there)]
        return layout

    settings = {**LINES, "recruitment.peers": 2.5}
    as_they_are = lived(world=FOUR_MONTHS, parameters=settings)
    monkeypatch.setattr(demography, "lay_out", with_other_friends)
    shuffled = lived(world=FOUR_MONTHS, parameters=settings)
    without_ties = lived(world=FOUR_MONTHS, parameters={**settings, "recruitment.peers": 1.0})
    monkeypatch.undo()
    one, other = (events(model, Event.RECRUITED)["child"] for model in (as_they_are, shuffled))
    assert set(one.tolist()) != set(other.tolist())
    assert abs(len(one) - len(other)) < 4.5 * math.sqrt(len(one))
    same = lived(world=FOUR_MONTHS, parameters={**settings, "recruitment.peers": 1.0})
    assert same.ledger.digest() == without_ties.ledger.digest(), "where friends do not matter, who they are does not either"


@pytest.mark.slow
def test_with_substitution_off_taking_ten_children_off_the_lines_lowers_recruitment_by_more():
    """The change in recruitment that follows, against the same world in which the ten stay."""
    changes = {}
    for substitution in (0.0, 1.0):
        model = CountyLines(
            BASELINE, world(0.2, warm_up=200, days=201), seed=1, days=240,
            parameters={**LINES, "lines.substitution": substitution, "lines.lag": 2.0, "exploitation.starts": 3.0},
        ).run_to(60)  # fmt: skip
        stay, taken = model.branch(BASELINE), model.branch(BASELINE)
        ten = taken.children.select(lambda c: c.is_on_a_line & ~c.is_missing).rows[:10]
        assert len(ten) == 10
        taken.levers.hold(GETTING_OUT_OF_IT, ten, at=1e12, until=64, by="test")
        after = [int((events(m.run_to(240), Event.RECRUITED)["day"] > 60).sum()) for m in (taken, stay)]
        changes[substitution] = after[0] - after[1]
    assert changes[0.0] < changes[1.0]
    assert changes[1.0] > 2, "where every child is replaced, ten who get out bring others in"
    assert changes[0.0] <= 1


def test_entrants_bring_the_declared_share_of_looked_after_children():
    model = lived(world=world(0.4, days=155), seed=3)
    entered = events(model, Event.ENTERED)["child"]
    entered_care = events(model, Event.ENTERED_CARE)
    same_day = entered_care["day"] == events(model, Event.ENTERED)["day"][0]
    in_care = np.isin(entered, entered_care["child"][same_day]).sum()
    places, share = model.world.places, model.parameters["people"].entrants_looked_after
    young = list(REGION.authorities)
    rate = places.looked_after_10_15 / places.population_10_17
    weight = places.population_10_17[young] / places.population_10_17[young].sum()
    expected = share * (rate[young] * weight).sum() / (places.looked_after_10_15.sum() / places.population_10_17.sum())
    assert abs(in_care - expected * len(entered)) < 4.5 * math.sqrt(expected * len(entered))
    assert in_care > 10


def test_looked_after_children_go_missing_far_more_often_than_others():
    model = a_year()
    went = events(model, Event.WENT_MISSING)
    cared_for = (went["detail"] & 8) > 0
    looked_after = model.ledger.table("stocks")["looked_after"].mean()
    others = model.ledger.table("stocks")["children"].mean() - looked_after
    assert cared_for.sum() / looked_after > 4 * (~cared_for).sum() / others


def test_few_children_make_most_of_the_episodes_without_any_being_marked():
    """Children differ for life, and crises pass: a tenth of those who go missing account for well over a tenth of episodes."""
    went = events(a_year(), Event.WENT_MISSING)
    _, times = np.unique(went["child"][went["detail"] & 8 > 0], return_counts=True)
    times = np.sort(times)[::-1]
    tenth = times[: max(1, len(times) // 10)].sum() / times.sum()
    assert len(times) > 30 and 0.2 < tenth < 0.9


def test_the_fuller_the_homes_the_fewer_children_find_a_bed_in_one():
    """A mechanical quantity, and so monotone."""
    found = []
    for occupancy in range_of("care.occupancy"):
        model = lived(world=world(0.25, days=90), seed=5, parameters={"care.occupancy": occupancy})
        placed = events(model, Event.PLACED)
        found.append(int(((placed["day"] > 1) & (placed["agent"] > 0)).sum()))
    with_more, with_fewer = found
    assert with_more > with_fewer


# -- drift -----------------------------------------------------------------------------------------------------------------


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
        "children", "missing", "in_crisis", "lines", "positions_with_children",
        pytest.param("looked_after", marks=pytest.mark.xfail(
            raises=AssertionError, reason="defect: on day 1 as many looked-after children are 16 as 17, so many turn 18 in the second year")),
        pytest.param("beds_taken"),
    ],
)  # fmt: skip
def test_a_stock_of_the_region_drifts_by_no_more_than_three_per_cent_beyond_chance(stock):
    first, second = yearly_means()[stock].T
    drift = second / first - 1.0
    doubt = stats.t.ppf(0.975, len(SEEDS) - 1) * drift.std(ddof=1) / math.sqrt(len(SEEDS))
    assert abs(drift.mean()) - doubt < 0.03, f"{drift.mean():+.1%} ± {doubt:.1%}"


@pytest.mark.slow
@pytest.mark.xfail(raises=AssertionError, reason="defect: ages of looked-after children on day 1 are even within 10-15 and within 16-17")
def test_looked_after_children_have_the_ages_on_day_1_that_they_have_later():
    model = lived(world=REGION, seed=3, until=1)
    by_age = []
    for day in (1, 1096):
        model.run_to(day)
        born = model.children.select(lambda c: c.is_looked_after).born
        by_age.append(np.bincount(np.clip(age_on(born, day), 11, 17), minlength=18)[11:])
    assert stats.chi2_contingency(by_age).pvalue > 1e-4
