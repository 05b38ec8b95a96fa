"""School: trouble comes to a head in one of four ways, for so many days, and nobody is put out who is out already."""

import numpy as np
import pytest

from sim import CountyLines
from sim.ledger import Event
from sim.population import ABSENT, ALTERNATIVE, GROOMED, MAINSTREAM, PART_TIME, SUSPENDED
from sim.schooling import SCHOOL_TROUBLE, WAS_EXCLUDED, WAS_SUSPENDED
from tests.worlds import events, lived, world

STATES = {Event.SUSPENDED: SUSPENDED, Event.EXCLUDED: ALTERNATIVE, Event.PART_TIME: PART_TIME, Event.ABSENT: ABSENT}
LIKELY = {"schooling.exclusions": 1.5, "schooling.exclusion_when_exploited": 20.0, "schooling.part_time": 0.2}


@pytest.fixture(scope="module")
def trouble() -> tuple[CountyLines, np.ndarray]:
    """The evening of a day on which trouble comes to a head for everybody of some years who has any; half of them taken for groomed."""
    model = lived(world=world(0.15, days=90), until=2, parameters=LIKELY)
    rows = model.children.select(
        lambda c: (c.age >= 12) & (c.age <= 15) & (c.schooling == MAINSTREAM) & ~c.is_exploited
    ).rows
    model.children.columns["stage"][rows[::2]] = GROOMED
    model.day += 1
    model.today.turn()
    model.schooling._put_out(rows)
    return model, rows


def happened(model, rows, *kinds):
    table = events(model, *kinds)
    mine = np.isin(table["child"], model.children.key[rows]) & (table["day"] == model.day)
    return {name: column[mine] for name, column in table.items()}


def test_trouble_ends_in_one_of_four_ways_at_the_declared_shares(trouble):
    model, rows = trouble
    p, told = model.parameters["schooling"], happened(model, rows, *STATES)
    assert sorted(told["child"].tolist()) == sorted(model.children.key[rows].tolist()), "each once"
    state = dict(zip(told["child"].tolist(), told["event"].tolist(), strict=True))
    assert all(
        model.children.schooling[row] == STATES[Event(state[key])]
        for row, key in zip(rows.tolist(), model.children.key[rows].tolist(), strict=True)
    )
    n = len(rows)
    absent = (told["event"] == Event.ABSENT).sum() / n
    assert absent == pytest.approx(p.absence, abs=4.5 * np.sqrt(p.absence / n))
    part_time = (told["event"] == Event.PART_TIME).sum() / (told["event"] != Event.ABSENT).sum()
    assert 0.6 * p.part_time < part_time < p.part_time + 4.5 * np.sqrt(p.part_time / n), "of those who are not excluded"


def test_an_exploited_child_is_excluded_rather_than_suspended(trouble):
    model, rows = trouble
    excluded = np.isin(model.children.key[rows], happened(model, rows, Event.EXCLUDED)["child"])
    groomed, others = excluded[::2], excluded[1::2]
    assert groomed.mean() > 4 * others.mean() and others.any()


def test_who_was_put_out_comes_back_on_the_day_that_was_told(trouble):
    model, rows = trouble
    told = happened(model, rows, *STATES)
    until = {
        key: model.day + int(days) for key, days in zip(told["child"].tolist(), told["amount"].tolist(), strict=True)
    }
    assert min(told["amount"]) >= 1
    keys, back_on = model.children.key[model.schooling.out].tolist(), model.schooling.back_on.tolist()
    due = {key: day for key, day in zip(keys, back_on, strict=True) if key in until}
    assert due == until
    means = {kind: told["amount"][told["event"] == kind].mean() - 0.5 for kind in STATES}
    p = model.parameters["schooling"]
    for kind, mean in ((Event.SUSPENDED, p.days), (Event.ABSENT, p.absence_days)):
        assert means[kind] == pytest.approx(mean, rel=0.12)


def test_places_in_alternative_provision_are_counted(trouble):
    model, _ = trouble
    assert model.schooling.in_alternative_provision == len(model.children.select(lambda c: c.schooling == ALTERNATIVE)) > 10


def test_the_lives_of_children_out_of_school_go_on():
    """Over some months: each who is put out comes back or leaves, and is not put out in between."""
    model = lived(world=world(0.05, days=150), seed=2, parameters=LIKELY)
    told = events(model, *STATES, Event.BACK_AT_SCHOOL, Event.LEFT)
    order = np.lexsort((told["event"] != Event.BACK_AT_SCHOOL, told["day"]))
    out: dict[int, int] = {}
    backs = 0
    for day, event, child, cause, amount in zip(
        *(told[name][order].tolist() for name in ("day", "event", "child", "cause", "amount")), strict=True
    ):
        if event == Event.BACK_AT_SCHOOL:
            state, due = out.pop(child)
            assert state == cause and due == day
            backs += 1
        elif event == Event.LEFT:
            out.pop(child, None)
        else:
            assert child not in out
            out[child] = STATES[Event(event)], day + int(amount)
    assert backs > 50 and len(out) > 5
    now = dict(zip(model.children.get("key").tolist(), model.children.get("schooling").tolist(), strict=True))
    assert {child: state for child, state in now.items() if state != MAINSTREAM} == {
        child: state for child, (state, _) in out.items()
    }


def test_day_1_knows_what_school_has_been_like():
    model = lived(world=world(0.1, days=5), until=1)
    past, p = events(model, Event.HISTORY), model.parameters["schooling"]
    suspended = np.isin(model.children.get("key"), past["child"][past["cause"] == WAS_SUSPENDED])
    excluded = past["child"][past["cause"] == WAS_EXCLUDED]
    age = np.asarray(model.children.get("age"))
    assert set(excluded.tolist()) <= set(past["child"][past["cause"] == WAS_SUSPENDED].tolist()) and len(excluded) > 3
    shares = [suspended[age == years].mean() for years in range(10, 17)]
    assert shares == sorted(shares) and 0.0 < shares[0] < 0.5 * shares[-1], "the older, the more have been"
    assert ((model.children.get("suspensions") > 0) == suspended).mean() > 0.999
    assert p.at_13_14 > p.at_10_12


def test_a_lever_on_trouble_hurries_it():
    model = lived(world=world(0.03, days=10), until=2)
    rows = model.children.select(lambda c: (c.schooling == MAINSTREAM) & (c.age < 16) & (c.exposure > 0)).rows[:100]
    model.levers.hold(SCHOOL_TROUBLE, rows, at=1e12, until=9, by="test")
    model.step()
    assert (model.children.schooling[rows] != MAINSTREAM).all()
