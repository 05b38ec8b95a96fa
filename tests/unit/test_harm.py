"""Harm while away: by the day, by the cause, and what follows from it."""

import numpy as np
import pytest

from sim import CountyLines
from sim.harm import ASSAULT, DEATH, INJURY, KINDS, SEXUAL_ASSAULT, THREATENED
from sim.ledger import Event
from sim.population import CONFLICT, DEBT, LINE, SEXUAL
from tests.worlds import events, lived, world


@pytest.fixture
def model() -> CountyLines:
    """The morning of day 4, nobody back yet."""
    model = lived(world=world(0.1, days=60), parameters={"harm.hospital_days": 8.0}, until=3)
    model.day += 1
    model.today.turn()
    return model


def come_back(model, cause: int, days: float, serial: int, number: int = 8_000) -> tuple[np.ndarray, dict]:
    """So many children come back today from a cause after some days; what harm is told of them."""
    rows = model.children.select(lambda c: ~c.is_missing).rows[:number]
    many = np.full(number, serial)
    model.today.post(
        "back", (rows, np.full(number, cause), np.full(number, float(days)), np.zeros(number, dtype=bool), many)
    )
    model.harm.look_back()
    model.today.get("back").clear()
    told = events(model, Event.HARMED)
    return rows, {
        name: column[(told["serial"] == serial) & (told["day"] == model.day)] for name, column in told.items()
    }


@pytest.mark.parametrize("cause", [CONFLICT, LINE, DEBT, SEXUAL])
def test_each_kind_of_harm_has_its_rate_a_day_and_no_more_after_sixty(model, cause):
    p, n = model.parameters["harm"], 8_000
    usual = {ASSAULT: p.assault, SEXUAL_ASSAULT: p.sexual_assault, INJURY: p.injury, THREATENED: p.threat}
    for serial, (days, counted) in enumerate(((2.0, 2.0), (90.0, 60.0)), 1001):
        rows, told = come_back(model, cause, days, serial)
        assert (told["detail"] == cause).all() and set(told["child"].tolist()) <= set(model.children.key[rows].tolist())
        for kind, rate in usual.items():
            times = (
                p.on_a_line
                if cause == LINE and kind != SEXUAL_ASSAULT
                else p.when_sexual
                if (cause, kind) == (SEXUAL, SEXUAL_ASSAULT)
                else 1.0
            )
            odds = 1.0 - np.exp(-rate * times * counted)
            share = (told["cause"] == kind).sum() / n
            assert share == pytest.approx(odds, abs=4.5 * np.sqrt(odds * (1 - odds) / n) + 1e-9), KINDS[kind]


def test_some_of_the_injured_are_in_hospital_for_as_long_as_is_told_and_out_of_reach(model):
    p = model.parameters["harm"]
    rows, told = come_back(model, CONFLICT, 60.0, 1001)
    injured, stays = (told["cause"] == INJURY).sum(), events(model, Event.IN_HOSPITAL)
    stays = {name: column[stays["day"] == model.day] for name, column in stays.items()}
    assert len(stays["day"]) / injured == pytest.approx(p.admitted, abs=4.5 * np.sqrt(p.admitted / injured))
    assert stays["amount"].mean() == pytest.approx(p.hospital_days + 0.5, rel=0.15)
    until = dict(zip(stays["child"].tolist(), (model.day + stays["amount"]).tolist(), strict=True))
    inside = rows[model.children.in_hospital_until[rows] > model.day]
    assert {int(model.children.key[row]): int(model.children.in_hospital_until[row]) for row in inside} == until
    assert model.out_of_reach(inside).all() and not model.out_of_reach(rows[~np.isin(rows, inside)][:50]).any()
    assert set(inside.tolist()) == set(model.today.rows(Event.IN_HOSPITAL).tolist())


def test_threats_are_news_and_a_child_who_dies_is_out_of_reach_and_leaves_in_the_morning(model):
    model.harm.rates[:, DEATH] = 0.002
    rows, told = come_back(model, CONFLICT, 2.0, 1001, number=2_000)
    keys = model.children.key
    threatened = told["child"][told["cause"] == THREATENED]
    assert sorted(keys[model.today.rows("threatened")].tolist()) == sorted(threatened.tolist()) and len(threatened) > 20
    dead = rows[np.isin(keys[rows], events(model, Event.DIED)["child"])]
    assert len(dead) > 2 and model.out_of_reach(dead).all() and model.children.is_present[dead].all()
    model.step()
    left = events(model, Event.LEFT)
    why = dict(zip(left["child"].tolist(), left["detail"].tolist(), strict=True))
    assert not model.children.is_present[dead].any() and all(why[int(keys[row])] & 4 for row in dead)
