"""Unaccompanied children: a plan of arrivals that no other run renames, and what their first days are like."""

import numpy as np
import pytest

from sim import CountyLines
from sim.ledger import Event
from sim.missing import GOING_MISSING
from sim.places import read_places
from sim.population import AT_HOME, FOSTER, OTHER, SUPPORTED
from sim.unaccompanied import OLDEST_DAYS, YOUNGEST_DAYS
from tests.worlds import REGION, events, lived, world

KENT = read_places().index("Kent")
MANY = {"unaccompanied.transferred": 0.6, "unaccompanied.days_to_transfer": 10.0}


@pytest.fixture(scope="module")
def half_year() -> CountyLines:
    return lived(world=world(0.4, days=180), seed=2, parameters=MANY)


def plan(**about) -> dict[int, tuple]:
    model = CountyLines(**{"world": world(0.3), "seed": 4, "days": 400} | about)
    return {key: what for key, *what in zip(*(column.tolist() for column in model.unaccompanied.plan), strict=True)}


def test_neither_a_longer_run_nor_more_children_nor_other_places_rename_who_arrives():
    usual = plan()
    assert len(usual) > 60 and all(1 <= day <= 400 for *_, day in usual.values())
    assert plan(days=200) == {key: what for key, what in usual.items() if what[-1] <= 200}
    smaller, kent = plan(world=world(0.1)), plan(world=world(0.3, places=(KENT,)))
    assert all(usual[key] == what for key, what in smaller.items()) and 0.2 < len(smaller) / len(usual) < 0.5
    assert kent == {key: what for key, what in usual.items() if what[1] == KENT}


def test_as_many_arrive_as_keep_the_published_stock():
    places, model = (
        read_places(),
        CountyLines(world=world(1.0), seed=1, days=365, parameters={"unaccompanied.transferred": 0.25}),
    )
    _, born, authority, day = model.unaccompanied.plan
    for place in REGION.authorities:
        stay = (6575 - (YOUNGEST_DAYS + OLDEST_DAYS) / 2) / 365.25  # years until eighteen
        expected = places.unaccompanied[place] / stay / 0.75
        assert (authority == place).sum() == pytest.approx(expected, abs=0.51)
    days_old = day - born
    assert days_old.min() >= YOUNGEST_DAYS and days_old.max() < OLDEST_DAYS
    assert np.histogram(day, bins=4, range=(1, 366))[0] == pytest.approx(len(day) / 4, rel=0.3)


def test_who_arrives_is_looked_after_from_that_day_and_known_to_be_alone(half_year):
    arrived = events(half_year, Event.ARRIVED)
    new = arrived["child"][arrived["detail"] == 0]
    entered, placed = events(half_year, Event.ENTERED_CARE), events(half_year, Event.PLACED)
    day = dict(zip(arrived["child"].tolist(), arrived["day"].tolist(), strict=True))
    first = {
        child: when
        for child, when in zip(entered["child"].tolist(), entered["day"].tolist(), strict=True)
        if child in set(new.tolist())
    }
    assert len(new) > 30 and first == {child: day[child] for child in new.tolist()}
    mine = np.isin(placed["child"], new) & (placed["serial"] == 1)
    assert (
        set(placed["cause"][mine].tolist()) <= {FOSTER, SUPPORTED, OTHER}
        and (placed["cause"][mine] == OTHER).mean() < 0.3
    )
    here = half_year.children.select(lambda c: np.isin(c.key, new))
    assert here.is_unaccompanied.all() and (here.setting != AT_HOME).all()


def test_some_are_transferred_soon_and_the_first_days_hold_the_lever(half_year):
    p, arrived, left = (
        half_year.parameters["unaccompanied"],
        events(half_year, Event.ARRIVED),
        events(half_year, Event.LEFT),
    )
    new = {
        child: day
        for child, day, before in zip(*(arrived[n].tolist() for n in ("child", "day", "detail")), strict=True)
        if not before and day < 100
    }
    gone = {
        child: day
        for child, day, why in zip(*(left[n].tolist() for n in ("child", "day", "detail")), strict=True)
        if why & 8
    }
    share = np.mean([child in gone for child in new])
    assert share == pytest.approx(p.transferred, abs=4.5 * np.sqrt(0.25 / len(new)))
    assert set(gone) <= set(arrived["child"][arrived["detail"] == 0].tolist()), "those who were here on day 1 stay"
    waits = [gone[child] - new[child] for child in new if child in gone]
    assert min(waits) >= 1 and np.mean(waits) == pytest.approx(p.days_to_transfer + 1.5, rel=0.5)
    rows = half_year.children.select(lambda c: c.is_unaccompanied).rows.tolist()
    day = dict(
        zip(arrived["child"].tolist(), np.where(arrived["detail"] == 0, arrived["day"], -999).tolist(), strict=True)
    )
    for row in rows:
        holds = half_year.levers.holders(GOING_MISSING, row)
        assert holds["unaccompanied"] == p.going_missing
        young = half_year.day < day[int(half_year.children.key[row])] + p.first_days_last
        assert holds.get("newly arrived") == (p.first_days if young else None)
