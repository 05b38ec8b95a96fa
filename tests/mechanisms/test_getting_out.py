"""Getting out and return: by themselves, supported, after police met them, when a line is closed; and drawn back."""

from functools import cache

import numpy as np
import pytest

from sim import CountyLines
from sim.exploitation import CLOSED, IN_CUSTODY, TRIED
from sim.ledger import Event
from tests.mechanisms.lively import LIVELY, made, moments, ran, times, twin
from tests.worlds import events

OUT = {
    **LIVELY,
    "exploitation.settles": 0.05,
    "exploitation.drawn_back": 0.3,
    "lines.lifetime": 90.0,
    "exploitation.out_at_closure": 0.5,
    "policing.remand": 0.3,
    "policing.remand_days": 14.0,
    "policing.street": 0.3,
}


@cache
def half_a_year(**changed: float) -> CountyLines:
    """Half a year, with some numbers changed (a double underscore stands for the point)."""
    return ran(
        {**OUT, **{address.replace("__", "."): value for address, value in changed.items()}}, fraction=0.02, days=150
    )


def how(*ways):
    return lambda rows: np.isin(rows["cause"], ways)


def test_children_get_out_by_trying_when_a_line_is_closed_and_in_custody():
    model = half_a_year()
    assert all(times([model], Event.GOT_OUT, where=how(way)) > 5 for way in (TRIED, CLOSED, IN_CUSTODY))
    assert times([half_a_year(exploitation__out_at_closure=0.0)], Event.GOT_OUT, where=how(CLOSED)) < 0.5 * times(
        [model], Event.GOT_OUT, where=how(CLOSED)
    )
    assert times([half_a_year(policing__remand=0.0)], Event.GOT_OUT, where=how(IN_CUSTODY)) == 0


@pytest.mark.slow
def test_not_every_attempt_succeeds():
    model = half_a_year()
    tries, pulled_back, out = (
        times([model], Event.TRIES_TO_GET_OUT),
        times([model], Event.PULLED_BACK),
        times([model], Event.GOT_OUT, where=how(TRIED)),
    )
    assert tries > 15 and pulled_back > 5 and out > 5 and pulled_back + out <= tries
    held = half_a_year(exploitation__pulled_back=20.0)
    assert times([held], Event.GOT_OUT, where=how(TRIED)) / times([held], Event.TRIES_TO_GET_OUT) < 0.5 * out / tries


def test_whoever_is_helped_gets_out_sooner():
    """The same children, on the same day: some get a worker who helps them."""
    settings = {
        **OUT,
        "services.helped": 0.0,
        "services.help_works": 8.0,
        "exploitation.tries": 0.2,
        "exploitation.out_at_closure": 0.0,
        "lines.lifetime": 1000.0,
        "policing.street": 0.01,
        "policing.remand": 0.0,
    }
    alone = made(settings, fraction=0.02, days=100).run_to(40)
    supported = twin(alone)
    working = supported.exploitation.members_working()
    supported.services.help(working, by="test")
    keys = set(alone.children.key[working].tolist())
    out = []
    for model in (alone, supported):
        model.run_to(100)
        rows = events(model, Event.GOT_OUT)
        out.append(len(keys & set(rows["child"][rows["day"] > 40].tolist())))
    assert len(keys) > 30 and out[1] > 1.7 * out[0]


@pytest.mark.slow
def test_meeting_the_police_may_be_a_turning_point():
    tries = []
    for at in (0.8, 10.0):
        model = half_a_year(policing__turning_point=at, policing__remand=0.0)
        met: dict[int, list[int]] = {}
        for child, day in zip(
            *(events(model, Event.ARRESTED)[name].tolist() for name in ("child", "day")), strict=True
        ):
            met.setdefault(child, []).append(day)
        tries.append(times([model], Event.TRIES_TO_GET_OUT, where=lambda rows, met=met: [
            any(0 <= day - when < 30 for when in met.get(child, ())) for child, day in zip(rows["child"].tolist(), rows["day"].tolist(), strict=True)
        ]))  # fmt: skip
    assert tries[1] > 2 * tries[0]


@pytest.mark.slow
def test_some_who_were_safe_are_drawn_back_and_only_they():
    model, never = half_a_year(), half_a_year(exploitation__drawn_back=0.0)
    back = events(model, Event.DRAWN_BACK)
    assert len(back["day"]) > 3 and times([never], Event.DRAWN_BACK) == 0
    out = events(model, Event.GOT_OUT)
    first = {}
    for child, day in zip(out["child"].tolist(), out["day"].tolist(), strict=True):
        first.setdefault(child, day)
    assert all(first[child] < day for child, day in zip(back["child"].tolist(), back["day"].tolist(), strict=True))
    assert not moments(back) & moments(events(model, Event.RECRUITED)), (
        "it is the old line that has them again, without a new recruitment"
    )
