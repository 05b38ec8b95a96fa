"""Clocks and spells against the analytic answer: the chance of an event by day t is 1 - exp(-hazard t).

Every tolerance is four and a half standard errors, and each test also shows that a hazard a tenth off would have been seen.
"""

import math

import numpy as np
import pytest
from scipy import stats

from sim.draws import Draws, key_of, keys_of
from sim.hazards import Clock, Spells
from sim.tables import Few

MANY = 40_000
KEYS = keys_of(key_of("children of these tests"), np.arange(MANY))
EVERYBODY = np.arange(MANY)


def agrees(happened: int, of: int, chance: float) -> bool:
    """Whether a number of events is what this chance gives, as far as so many can tell."""
    return abs(happened - of * chance) < 4.5 * math.sqrt(of * chance * (1 - chance))


def days_of_events(clock: Clock, days: int, each_day=lambda day: None) -> np.ndarray:
    """The day on which it happened to each child; infinity if not."""
    when = np.full(MANY, np.inf)
    for day in range(1, days + 1):
        each_day(day)
        when[clock.due()] = day
    return when


@pytest.mark.parametrize(("hazard", "multiplier"), [(0.002, 1.0), (0.01, 0.3), (0.0004, 5.0), (0.05, 1.0)])
def test_a_clock_s_event_by_day_t_has_the_analytic_chance(hazard, multiplier):
    clock = Clock(np.full(MANY, np.inf), np.zeros(MANY, dtype=np.uint16), np.array([hazard]))
    clock.begin(EVERYBODY, Draws(1).exponential("event", KEYS), multiplier)
    when = days_of_events(clock, 250)
    for t in (10, 60, 250):
        chance = 1.0 - math.exp(-hazard * multiplier * t)
        assert agrees(int((when <= t).sum()), MANY, chance)
    t = int(min(250, max(1, 1.0 / (hazard * multiplier))))
    for wrong in (0.9, 1.1):
        assert not agrees(int((when <= t).sum()), MANY, 1.0 - math.exp(-wrong * hazard * multiplier * t))


def test_each_day_has_the_same_chance_for_those_left():
    hazard = 0.02
    clock = Clock(np.full(MANY, np.inf), np.zeros(MANY, dtype=np.uint16), np.array([hazard]))
    clock.begin(EVERYBODY, Draws(2).exponential("event", KEYS), 1.0)
    when = days_of_events(clock, 400)
    observed = np.bincount(when[when < 200].astype(int), minlength=200)[1:]
    expected = MANY * np.exp(-hazard * np.arange(199)) * (1.0 - math.exp(-hazard))
    tail = MANY - observed.sum()
    assert stats.chisquare([*observed, tail], [*expected, MANY - expected.sum()]).pvalue > 1e-4


def test_a_hazard_that_changes_with_the_days_and_with_a_policy_has_the_analytic_chance():
    """Rates go up and down; half of the children are multiplied by 0.4 on day 40, and back on day 90; a fifth change group."""
    group = np.zeros(MANY, dtype=np.uint16)
    clock = Clock(np.full(MANY, np.inf), group, np.array([0.004, 0.02]))
    clock.begin(EVERYBODY, Draws(3).exponential("event", KEYS), 1.0)
    half, fifth = EVERYBODY[::2], EVERYBODY[::5]
    hazard = np.zeros((121, MANY))

    def each_day(day):
        clock.rate[0] = 0.004 if day <= 60 else 0.007
        if day == 40:
            clock.multiply(half, np.full(len(half), 0.4))
        if day == 90:
            clock.multiply(half, np.full(len(half), 1.0 / 0.4))
        if day == 70:
            group[fifth] = 1
            clock.moved(fifth, np.zeros(len(fifth), dtype=np.int64))
        hazard[day] = clock.rate[group]
        if 40 <= day < 90:
            hazard[day, half] *= 0.4

    when = days_of_events(clock, 120, each_day)
    for some in (half, fifth, EVERYBODY[1::2], EVERYBODY[::10]):
        for t in (39, 60, 80, 120):
            chance = 1.0 - np.exp(-hazard[: t + 1, some].sum(axis=0))
            expected, spread = chance.sum(), math.sqrt((chance * (1 - chance)).sum())
            happened = (when[some] <= t).sum()
            assert abs(happened - expected) < 4.5 * spread
    assert abs((when[half] <= 89).sum() - (when[EVERYBODY[1::2]] <= 89).sum()) > 4.5 * math.sqrt(MANY * 0.3)


def test_competing_causes_share_as_their_hazards_and_take_an_exponential_time():
    hazards = np.array([0.003, 0.012, 0.006])
    spells = Spells(Few(MANY).column(np.int32, -1), ("a", "b", "c"))
    spells.add(EVERYBODY)
    for cause, name in enumerate("abc"):
        spells.begin(EVERYBODY, cause, Draws(4).exponential(name, KEYS), hazards[cause])
    when, why = np.full(MANY, np.inf), np.full(MANY, -1)
    for day in range(1, 201):
        rows, causes = spells.due(np.zeros(len(spells.rows), dtype=bool))
        if rows.size:
            first = np.isinf(when[rows])
            when[rows[first]], why[rows[first]] = day, causes[first]
            spells.stop(rows)
    total = hazards.sum()
    assert agrees(int((when <= 50).sum()), MANY, 1.0 - math.exp(-total * 50))
    ended = int((why >= 0).sum())
    for cause in range(3):
        assert agrees(int((why == cause).sum()), ended, hazards[cause] / total)
        assert not agrees(int((why == cause).sum()), ended, 1.1 * hazards[cause] / total)
    early, late = why[when <= 20], why[(when > 20) & (when < np.inf)]
    counts = [[(part == cause).sum() for cause in range(3)] for part in (early, late)]
    assert stats.chi2_contingency(counts).pvalue > 1e-4, "which comes first does not depend on when"


def test_days_away_do_not_count():
    hazard = 0.01
    spells = Spells(Few(MANY).column(np.int32, -1), ("only",))
    spells.add(EVERYBODY)
    spells.begin(EVERYBODY, 0, Draws(5).exponential("x", KEYS), hazard)
    happened = np.zeros(MANY, dtype=bool)
    for day in range(1, 61):
        away = (spells.rows % 2 == 0) & (10 < day <= 40)
        rows, _ = spells.due(away)
        assert not np.isin(rows, spells.rows[away]).any()
        happened[rows] = True
    for some, days in ((slice(0, None, 2), 30), (slice(1, None, 2), 60)):
        assert agrees(int(happened[some].sum()), MANY // 2, 1.0 - math.exp(-hazard * days))
        assert not agrees(int(happened[some].sum()), MANY // 2, 1.0 - math.exp(-1.1 * hazard * days))


def test_one_draw_a_spell_is_monotone_in_the_hazard():
    """A lower hazard never brings a child's event forward: common random numbers couple whole lives."""
    patience = Draws(6).exponential("event", KEYS)
    times = []
    for hazard in (0.004, 0.005):
        clock = Clock(np.full(MANY, np.inf), np.zeros(MANY, dtype=np.uint16), np.array([hazard]))
        clock.begin(EVERYBODY, patience, 1.0)
        times.append(days_of_events(clock, 150))
    lower, higher = times
    assert (lower >= higher).all() and (lower > higher).any()
