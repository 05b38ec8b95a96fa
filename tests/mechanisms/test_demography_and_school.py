"""Demography and school: who comes and goes, and what being put out of school has to do with exploitation."""

import math
from functools import cache

import numpy as np
import pytest

from sim import CountyLines
from sim.dates import age_on
from sim.ledger import Event
from sim.recruitment import SCHOOL
from tests.mechanisms.lively import LIVELY, ran, rows_of, times
from tests.worlds import REGION, events, lived, world

OUT_OF_SCHOOL = (Event.SUSPENDED, Event.EXCLUDED, Event.PART_TIME, Event.ABSENT)
SCHOOL_MATTERS = {**LIVELY, "schooling.exclusions": 20.0, "schooling.at_13_14": 3.2}


@cache
def spring(address: str = "", value: float = 0.0) -> CountyLines:
    """April to September, with one number changed."""
    return ran({**SCHOOL_MATTERS, **({address: value} if address else {})}, fraction=0.02, days=160)


def test_a_child_is_met_at_school_only_when_there_is_school():
    model = spring()
    met = events(model, Event.APPROACHED)
    at_school = met["day"][met["cause"] == SCHOOL]
    assert len(at_school) > 10
    assert model.calendar.school_day[at_school - 1].all()


@pytest.mark.slow
def test_exploitation_brings_trouble_at_school():
    def of_the_exploited(model):
        first = {}
        for child, day in zip(
            *(events(model, Event.RECRUITED)[name].tolist() for name in ("child", "day")), strict=True
        ):
            first.setdefault(child, day)
        return times(
            [model],
            *OUT_OF_SCHOOL,
            where=lambda rows: [
                first.get(child, 1 << 30) < day
                for child, day in zip(rows["child"].tolist(), rows["day"].tolist(), strict=True)
            ],
        )

    least, most = (of_the_exploited(spring("schooling.when_exploited", value)) for value in (1.0, 8.0))
    assert most > 2 * least + 5


@pytest.mark.slow
def test_being_out_of_school_brings_approaches():
    """Of children approached, more were in alternative provision or on a part-time timetable, if these are easier to meet."""

    def out_of_school(model):
        spells = events(model, Event.EXCLUDED, Event.PART_TIME, Event.ABSENT)
        since = dict(zip(spells["child"].tolist(), spells["day"].tolist(), strict=True))
        until = {
            child: day + days
            for child, day, days in zip(
                spells["child"].tolist(), spells["day"].tolist(), spells["amount"].tolist(), strict=True
            )
        }
        return times([model], Event.APPROACHED, where=lambda rows: [
            since.get(child, 1 << 30) < day < until.get(child, 0) for child, day in zip(rows["child"].tolist(), rows["day"].tolist(), strict=True)
        ])  # fmt: skip

    one, many = (out_of_school(spring("recruitment.out_of_school", value)) for value in (1.0, 20.0))
    assert many > 2 * one


def test_children_come_on_1_september_aged_ten_and_leave_on_their_eighteenth_birthday():
    model = spring()
    came, left = events(model, Event.ENTERED), events(model, Event.LEFT)
    assert set(came["day"].tolist()) == {154}  # 1 September 2025
    assert len(came["day"]) > 50
    school_year = model.children.columns["born"][rows_of(model, came["child"])].astype(np.int64)
    assert (age_on(school_year, 153) == 10).all(), "all who are ten on 31 August"
    grown_up = (left["detail"] & 12) == 0
    born = model.children.columns["born"][rows_of(model, left["child"][grown_up])].astype(np.int64)
    assert (
        grown_up.sum() > 50
        and (age_on(born, left["day"][grown_up]) == 18).all()
        and (age_on(born, left["day"][grown_up] - 1) == 17).all()
    )


@pytest.mark.slow
def test_entrants_bring_the_declared_share_of_looked_after_children():
    model = lived(world=world(0.3, days=155), seed=3)
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
