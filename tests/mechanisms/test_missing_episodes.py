"""Missing episodes: competing causes, children who differ, crises that pass; so whoever is picked at the worst moment improves by itself."""

from functools import cache

import numpy as np
import pytest

from sim import CountyLines
from sim.ledger import Event
from sim.missing import FOUND
from sim.population import CAUSES, DEBT, FAMILY, LINE, SEXUAL
from tests.mechanisms.lively import LIVELY, ran, times
from tests.worlds import EVENTFUL, events, lived, world

# Many crises of children who would seldom go missing otherwise, and nobody works a line.
CRISES = {
    **EVENTFUL,
    "missing.crises_care": 1.5,
    "missing.crisis_factor": 40.0,
    "missing.unevenness_care": 1.0,
    "missing.in_home": 2.0,
    "missing.in_supported": 1.5,
    "missing.in_other": 1.0,
    "missing.at_home": 0.03,
    "lines.external": 0.0,
    "lines.internal": 0.0,
}


@cache
def spring(address: str = "", value: float = 0.0) -> CountyLines:
    more = {"sexual_exploitation.approaches": 20.0, "sexual_exploitation.starts": 1.0}
    return ran({**LIVELY, **more, **({address: value} if address else {})}, fraction=0.025, days=100)


@cache
def with_crises() -> CountyLines:
    return ran(CRISES, fraction=0.12, days=360, seed=3)


@pytest.mark.slow
def test_each_cause_of_an_episode_can_be_taken_away_alone():
    for cause, address in (
        (LINE, "missing.stays"),
        (DEBT, "missing.debt_rate"),
        (SEXUAL, "missing.sexual"),
        (FAMILY, "missing.family"),
    ):
        of = [events(model, Event.WENT_MISSING)["cause"] for model in (spring(), spring(address, 0.0))]
        before, after = (np.bincount(causes, minlength=len(CAUSES)) for causes in of)
        assert before[cause] > 0 and after[cause] == 0, CAUSES[cause]
        assert (np.delete(after, cause) > 0).sum() == (np.delete(before, cause) > 0).sum(), CAUSES[cause]


@pytest.mark.slow
def test_a_crisis_multiplies_episodes_until_it_ends_by_itself():
    model = with_crises()
    crises, went = events(model, Event.CRISIS), events(model, Event.WENT_MISSING)
    spans = {}
    for child, day, days in zip(*(crises[name].tolist() for name in ("child", "day", "amount")), strict=True):
        spans.setdefault(child, (day, day + int(days)))
    during = after = 0
    for child, day in zip(went["child"].tolist(), went["day"].tolist(), strict=True):
        begin, end = spans.get(child, (1 << 30, 1 << 30))
        if end + (end - begin) <= model.last_day:
            during += begin <= day < end
            after += end <= day < end + (end - begin)
    assert during > 25 and during > 2.5 * after


def test_children_picked_at_their_worst_go_missing_less_afterwards_though_nobody_does_anything():
    """Whoever was often missing last quarter was at a peak: the fall that follows is nobody's success."""
    model = with_crises()
    went = events(model, Event.WENT_MISSING)
    before, after = (went["child"][(went["day"] > first) & (went["day"] <= first + 60)] for first in (150, 210))
    child, number = np.unique(before, return_counts=True)
    often = child[number >= 4]
    assert len(often) > 15
    assert np.isin(after, often).sum() < 0.8 * np.isin(before, often).sum()


def test_episodes_are_soon_over_or_very_long():
    """Half are over within hours, and a few last for many times as long: far more unequal than an exponential."""
    days = events(spring(), Event.RETURNED)["amount"]
    assert len(days) > 100
    assert np.median(days) < 0.8 and np.quantile(days, 0.98) > 12 * np.median(days)
    assert days.std() > 1.3 * days.mean()


@pytest.mark.slow
def test_children_return_or_are_found_and_where_police_search_longer_fewer_are_found():
    quick, slow = (spring("reporting.search", days) for days in (0.5, 4.0))
    found = [times([model], Event.RETURNED, where=lambda rows: (rows["detail"] & FOUND) > 0) for model in (quick, slow)]
    assert 0 < found[1] < 0.8 * found[0] < times([quick], Event.RETURNED)


@pytest.mark.slow
def test_the_weeks_after_a_return_carry_more_episodes_the_more_the_rise():
    none, much = (
        ran({**EVENTFUL, "missing.rise_after_return": rise, "missing.rise_days": 60}, fraction=0.05, days=150, seed=2)
        for rise in (1.0, 6.0)
    )
    assert times([much], Event.WENT_MISSING) > 1.15 * times([none], Event.WENT_MISSING)


@pytest.mark.slow
def test_few_children_make_most_of_the_episodes_without_any_being_marked():
    """Children differ for life, and crises pass: a tenth of those who go missing account for well over a tenth of episodes."""
    went = events(lived(world=world(0.18, days=365), seed=5), Event.WENT_MISSING)
    _, number = np.unique(went["child"][went["detail"] & 8 > 0], return_counts=True)
    number = np.sort(number)[::-1]
    tenth = number[: max(1, len(number) // 10)].sum() / number.sum()
    assert len(number) > 30 and 0.2 < tenth < 0.9
