"""Missing episodes: why they begin and for whom, how long they last, which records have them, and what comes after."""

import math
from collections import defaultdict

import numpy as np
import pytest

from sim import CountyLines
from sim.draws import scale_of_median
from sim.ledger import Event
from sim.missing import AUTHORITY, FOUND, GOING_MISSING, LINE_CONTACT, LOOKED_AFTER, OLDER, OUTSIDE, OVERNIGHT, POLICE
from sim.population import (
    AT_HOME,
    BOUND,
    BY_OTHERS,
    CONFLICT,
    DEBT,
    FAMILY,
    GETTING_OUT,
    LINE,
    SECURE,
    SEXUAL,
    SEXUALLY,
    WITH_PARENTS,
    WORKING,
)
from tests.worlds import EVENTFUL, events, lived, world

AT_ONCE = 1e12


@pytest.fixture
def model() -> CountyLines:
    return lived(world=world(0.04, days=60), parameters=EVENTFUL, until=4)


@pytest.fixture(scope="module")
def many() -> CountyLines:
    """A world in which everybody at home and in care goes missing at once, so that there are thousands of episodes."""
    model = lived(world=world(0.15, days=60), until=2, parameters={"lines.substitution": 0.0})
    rows = model.children.select(lambda c: ~c.is_missing).rows
    model.levers.hold(GOING_MISSING, rows, at=AT_ONCE, until=4, by="test")
    return model.run_to(40)


def first_episodes(model, day: int) -> list[dict]:
    """Each episode that began on a day, with its end."""
    found: dict[tuple, dict] = defaultdict(dict)
    for kind in (Event.WENT_MISSING, Event.RETURNED):
        table = events(model, kind)
        for row in zip(*(table[c].tolist() for c in ("child", "serial", "day", "cause", "detail", "amount")), strict=True):
            found[row[:2]][kind] = dict(zip(("day", "cause", "detail", "amount"), row[2:], strict=True))
    return [episode for episode in found.values() if episode[Event.WENT_MISSING]["day"] == day]


# -- who goes, and why ---------------------------------------------------------------------------------------------------


def test_a_lever_on_going_missing_hurries_and_a_return_follows(model):
    rows = model.children.select(lambda c: (c.setting == AT_HOME) & ~c.is_missing & ~c.is_on_a_line).rows[:50]
    model.levers.hold(GOING_MISSING, rows, at=AT_ONCE, until=100, by="test")
    model.step()
    assert (model.children.missing_slot[rows] >= 0).all()
    went = events(model, Event.WENT_MISSING)
    mine = np.isin(went["child"], model.children.key[rows]) & (went["day"] == model.day)
    assert mine.sum() == 50 and set(went["cause"][mine].tolist()) == {CONFLICT}
    assert dict(zip(went["child"][mine], went["serial"][mine], strict=True)) == dict(
        zip(model.children.key[rows], model.children.episodes[rows], strict=True)
    )
    model.levers.release(GOING_MISSING, rows, by="test")
    for _ in range(2):
        model.step()
    assert (model.children.missing_slot[rows] >= 0).mean() < 0.7


def test_each_cause_belongs_to_those_whom_it_can_move(model):
    """To family from a placement; on a line and from debt only those whom a line holds; sexually exploited only those who are."""
    causes = defaultdict(int)
    for _ in range(120):
        settings = dict(zip(model.children.key.tolist(), model.children.setting.tolist(), strict=True))
        stages = dict(zip(model.children.key.tolist(), model.children.stage.tolist(), strict=True))
        forms = dict(zip(model.children.key.tolist(), model.children.other_forms.tolist(), strict=True))
        model.step()
        forms_now = dict(zip(model.children.key.tolist(), model.children.other_forms.tolist(), strict=True))
        now = dict(zip(model.children.key.tolist(), model.children.stage.tolist(), strict=True))
        went = events(model, Event.WENT_MISSING)
        for child, cause in zip(went["child"][went["day"] == model.day].tolist(), went["cause"][went["day"] == model.day].tolist(), strict=True):
            causes[cause] += 1
            if cause == FAMILY:
                assert settings[child] not in (AT_HOME, WITH_PARENTS, SECURE) or model.children.care_entries[model.children.key == child][0] > 0
            elif cause == LINE:
                assert {stages[child], now[child]} & {WORKING, BOUND}
            elif cause == DEBT:
                assert {stages[child], now[child]} & {WORKING, BOUND, GETTING_OUT}
            elif cause == SEXUAL:
                assert {forms[child], forms_now[child]} & {1 << SEXUALLY, 1 << SEXUALLY | 1 << BY_OTHERS}
    assert causes.keys() == {CONFLICT, FAMILY, LINE, DEBT, SEXUAL} and min(causes[LINE], causes[SEXUAL]) >= 5


def test_a_lever_on_contact_with_the_line_moves_only_being_sent_away():
    runs = {}
    for at in (1.0, 0.05):
        model = lived(world=world(0.08, days=90), parameters=EVENTFUL, until=2)
        for _ in range(80):
            rows = model.children.select(lambda c: c.is_on_a_line).rows
            model.levers.hold(LINE_CONTACT, rows, at=at, until=model.day + 2, by="test")
            model.step()
        went = events(model, Event.WENT_MISSING)
        runs[at] = {cause: int((went["cause"] == cause).sum()) for cause in (CONFLICT, FAMILY, LINE)}
    assert runs[1.0][LINE] > 20 and runs[0.05][LINE] < 0.4 * runs[1.0][LINE]
    for cause in (CONFLICT, FAMILY):
        assert runs[0.05][cause] == pytest.approx(runs[1.0][cause], rel=0.15, abs=5)


def test_a_crisis_holds_the_lever_until_it_ends_by_itself():
    model = lived(world=world(0.04, days=120), until=1, parameters={"missing.crisis_days": 10.0, "missing.crises_home": 0.1})
    p, ends, checked = model.parameters["missing"], {}, 0
    row_of = {key: row for row, key in enumerate(model.children.columns["key"].tolist())}
    for _ in range(60):
        model.step()
        crises = events(model, Event.CRISIS)
        today = crises["day"] == model.day
        for child, days in zip(crises["child"][today].tolist(), crises["amount"][today].tolist(), strict=True):
            ends[row_of[child]] = model.day + int(days)
        for row, end in ends.items():
            held = model.levers.holders(GOING_MISSING, row).get("crisis")
            assert (held is not None) == (model.day < end), f"row {row} on day {model.day}, until {end}"
            checked += held in (p.crisis_factor, p.crisis_factor_home)
    assert checked > 100
    assert model.ledger.table("stocks")["in_crisis"][-1] == sum(model.day < end for end in ends.values())


def test_the_weeks_after_a_return_carry_a_rise(model):
    p = model.parameters["missing"]
    since: dict[int, int] = {}
    for _ in range(2 * p.rise_days):
        model.step()
        since |= dict.fromkeys(model.today.rows(Event.RETURNED).tolist(), model.day)
        for row, day in since.items():
            held = model.levers.holders(GOING_MISSING, row).get("rise after return")
            holds = model.day < day + p.rise_days and model.children.is_present[row]
            assert held == (p.rise_after_return if holds else None)
    assert len(since) > 30 and min(since.values()) + p.rise_days < model.day


# -- how long, and who records it ----------------------------------------------------------------------------------------


def test_nobody_who_is_found_is_away_longer_than_it_takes_and_the_others_as_long_as_declared(many):
    episodes = [e for e in first_episodes(many, 3) if e[Event.WENT_MISSING]["cause"] == CONFLICT]
    lasting = many.parameters["duration"]
    assert len(episodes) > 20_000
    ended = np.array([e[Event.RETURNED]["amount"] if Event.RETURNED in e else math.inf for e in episodes])
    scale = scale_of_median(lasting.conflict, lasting.tail)
    # Being found only shortens: never longer than the rule, and as the rule says for the very short, whom nobody looks for in time.
    for days in (0.02, 0.3, 2.0, 7.0):
        longer = (1.0 + days / scale) ** -lasting.tail
        assert (ended > days).mean() < longer + 4.5 * math.sqrt(longer * (1 - longer) / len(ended))
    assert (ended > 0.02).mean() == pytest.approx((1.0 + 0.02 / scale) ** -lasting.tail, abs=0.005)


def test_an_absence_from_home_is_in_the_police_record_if_it_is_reported_before_it_is_over(many):
    r, lasting = many.parameters["reporting"], many.parameters["duration"]
    episodes = [e[Event.WENT_MISSING] for e in first_episodes(many, 3) if e[Event.WENT_MISSING]["cause"] == CONFLICT]
    at_home = [e for e in episodes if not e["detail"] & LOOKED_AFTER]
    scale = scale_of_median(lasting.conflict, lasting.tail)
    grid = (np.arange(100_000) + 0.5) / 100_000
    in_time = np.mean((1.0 + (-np.log(grid) * r.delay_home) / scale) ** -lasting.tail)  # still away when parents report
    expected = r.home * in_time
    share = np.mean([bool(e["detail"] & POLICE) for e in at_home])
    assert share == pytest.approx(expected, abs=4.5 * math.sqrt(expected / len(at_home)))
    assert not any(e["detail"] & AUTHORITY for e in at_home)


def test_the_authority_s_record_is_of_looked_after_children_by_its_own_practice(many):
    r = many.parameters["reporting"]
    went = events(many, Event.WENT_MISSING)
    cared_for = (went["detail"] & LOOKED_AFTER) > 0
    assert cared_for.sum() > 300
    for place in set(went["home"][cared_for].tolist()):
        mine = cared_for & (went["home"] == place) & (went["cause"] != LINE)
        expected = r.care_authority * many.missing.practice[place]
        assert r.practice_least <= many.missing.practice[place] <= 1.0
        share = ((went["detail"][mine] & AUTHORITY) > 0).mean()
        assert share == pytest.approx(expected, abs=4.5 * math.sqrt(expected * (1 - expected) / mine.sum()))
    police = ((went["detail"][cared_for] & POLICE) > 0).mean()
    assert 0.5 * r.care_police < police < r.care_police


def test_an_episode_may_be_in_either_record_in_both_or_in_neither(many):
    detail = events(many, Event.WENT_MISSING)["detail"]
    cared_for = detail[(detail & LOOKED_AFTER) > 0]
    assert set((cared_for & (POLICE | AUTHORITY)).tolist()) == {0, POLICE, AUTHORITY, POLICE | AUTHORITY}


def test_families_who_report_do_so_again(many):
    """Whether an absence from home is reported is more the family than the occasion."""
    model = lived(world=world(0.03, days=60), until=2, parameters={"reporting.habit": 1.0, "reporting.delay_home": 0.1})
    rows = model.children.select(lambda c: (c.setting == AT_HOME) & ~c.is_missing).rows
    model.levers.hold(GOING_MISSING, rows, at=AT_ONCE, until=60, by="test")
    model.run_to(25)
    went = events(model, Event.WENT_MISSING)
    by_child = defaultdict(list)
    for child, detail in zip(went["child"].tolist(), went["detail"].tolist(), strict=True):
        if not detail & LOOKED_AFTER and detail & OVERNIGHT:
            by_child[child].append(bool(detail & POLICE))
    several = [told for told in by_child.values() if len(told) >= 4]
    never, often = (sum(condition(np.mean(told)) for told in several) for condition in (lambda m: m == 0, lambda m: m > 0.5))
    assert len(several) > 300 and never + often > 0.9 * len(several) and min(never, often) > 0.2 * len(several)


def test_what_is_written_down_of_an_episode_is_so(many):
    went, columns = events(many, Event.WENT_MISSING), many.children.columns
    row_of = {key: row for row, key in enumerate(columns["key"].tolist())}
    for child, day, detail, place, home in zip(*(went[c].tolist()[:3000] for c in ("child", "day", "detail", "place", "home")), strict=True):
        age = (day - int(columns["born"][row_of[child]])) * 4 // 1461
        assert bool(detail & OLDER) == (age >= 16)
        assert bool(detail & OUTSIDE) == (place != home)
        assert not detail & FOUND and (detail & LOOKED_AFTER or place == home)


def test_police_find_some_and_sooner_than_the_child_would_have_come_back(many):
    back = [e[Event.RETURNED] for e in first_episodes(many, 3) if Event.RETURNED in e]
    found = [e for e in back if e["detail"] & FOUND]
    assert len(found) > 100 and all(e["detail"] & POLICE for e in found)
    reported = [e for e in back if e["detail"] & POLICE]
    assert 0.02 < len(found) / len(reported) < 0.6
