"""Relationships: trust belongs to a child and a worker, grows slowly, starts again with a new worker, and changes what it may."""

from functools import cache

import numpy as np
import pytest

from sim import CountyLines
from sim.exploitation import GETTING_OUT_OF_IT
from sim.ledger import Event
from sim.missing import GOING_MISSING
from sim.population import AT_HOME
from tests.mechanisms.lively import made, ran, rows_of, times
from tests.worlds import EVENTFUL, events

TRUSTING = {
    **EVENTFUL,
    "relationships.trust_after": 1.0,
    "relationships.turnover": 1.0,
    "relationships.broken_promises": 0.2,
}


@cache
def half_a_year(**changed: float) -> CountyLines:
    """Half a year of children in care and their workers, with some numbers changed (a double underscore stands for the point)."""
    return ran(
        {**TRUSTING, **{address.replace("__", "."): value for address, value in changed.items()}},
        fraction=0.05,
        days=150,
    )


def test_trust_starts_again_with_a_new_worker():
    """On the day of a change it is gone, and it takes as long to come as it took at first."""
    model = made({**TRUSTING, "relationships.turnover": 6.0}, fraction=0.06, days=130)
    lost = 0
    while model.day < model.last_day:
        rows = model.children.rows
        before = set(rows[model.relationships.trusts(rows)].tolist())
        model.step()
        told = events(model, Event.WORKER_CHANGED)
        changed = rows_of(model, told["child"][told["day"] == model.day])
        assert not model.relationships.trusts(changed).any()
        lost += len(before & set(changed.tolist()))
    assert lost > 20
    waits: dict[str, list[int]] = {"first": [], "again": []}
    told = events(model, Event.ENTERED_CARE, Event.WORKER_CHANGED, Event.TRUSTS)
    since: dict[int, tuple[str, int]] = {}
    for child, day, event in sorted(
        zip(*(told[name].tolist() for name in ("child", "day", "event")), strict=True), key=lambda row: (row[1], row[2])
    ):
        if event == Event.TRUSTS:
            which, begin = since.pop(child, ("", 0))
            if which and begin < 75 and day - begin <= 60:
                waits[which].append(day - begin)
        else:
            since[child] = ("first" if event == Event.ENTERED_CARE else "again", day)
    assert min(len(days) for days in waits.values()) > 20
    assert np.mean(waits["again"]) == pytest.approx(np.mean(waits["first"]), rel=0.4)
    assert np.mean(waits["again"]) > 10


@pytest.mark.slow
def test_the_more_workers_change_the_less_trust_there_is():
    few, many = (
        half_a_year(relationships__turnover=a_year, relationships__trust_after=3.0)
        .ledger.table("stocks")["trusting"][90:]
        .mean()
        for a_year in (0.5, 6.0)
    )
    assert many < 0.75 * few


@pytest.mark.slow
def test_the_more_children_a_worker_has_the_later_trust_comes():
    """Ten times as many children for each worker as on day 1: their teams have lost nine workers of ten."""
    model, short_of_workers = (made(TRUSTING, fraction=0.06, days=120) for _ in range(2))
    for team in short_of_workers.relationships.teams.values():
        team.workers /= 10.0
    for each in (model, short_of_workers):
        each.run_to(120)
    trusts = [times([each], Event.TRUSTS, where=lambda rows: rows["day"] > 1) for each in (model, short_of_workers)]
    assert trusts[1] < 0.8 * trusts[0]


@pytest.mark.slow
def test_broken_promises_and_moves_cost_trust():
    kept, broken = half_a_year(relationships__broken_promises=0.0), half_a_year(relationships__broken_promises=8.0)
    assert times([kept], Event.PROMISE_BROKEN) == 0 and times([broken], Event.PROMISE_BROKEN) > 20
    stock = [model.ledger.table("stocks")["trusting"][60:].mean() for model in (kept, broken)]
    assert stock[1] < 0.9 * stock[0]
    seldom, always = (
        times(
            [half_a_year(relationships__new_worker_after_move=share)],
            Event.WORKER_CHANGED,
            where=lambda rows: rows["cause"] == 1,
        )
        for share in (0.0, 1.0)
    )
    assert seldom == 0 and always > 10


def test_trust_holds_the_levers_of_going_missing_and_of_getting_out_while_it_lasts():
    model = half_a_year(relationships__going_missing=0.6, relationships__getting_out=1.6, relationships__turnover=6.0)
    rows = model.children.select(lambda c: c.setting != AT_HOME).rows
    trusting = model.relationships.trusts(rows)
    assert trusting.sum() > 20 and (~trusting).sum() > 20
    for row, trusts in zip(rows.tolist(), trusting.tolist(), strict=True):
        for lever, at in ((GOING_MISSING, 0.6), (GETTING_OUT_OF_IT, 1.6)):
            assert model.levers.holders(lever, row).get("trust") == (at if trusts else None)


@pytest.mark.slow
def test_trust_that_keeps_children_from_going_missing_shows_in_episodes():
    much, nothing = (
        times(
            [half_a_year(relationships__going_missing=at)],
            Event.WENT_MISSING,
            where=lambda rows: (rows["detail"] & 8) > 0,
        )
        for at in (0.05, 1.0)
    )
    assert much < 0.9 * nothing
