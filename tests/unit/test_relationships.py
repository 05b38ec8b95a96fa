"""Workers and trust: who has one, how soon each leaves or is trusted, and that nobody has the same worker twice."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from sim import CountyLines
from sim.ledger import Event
from sim.population import AT_HOME
from sim.relationships import COMES_TO_TRUST, HELP_BEGINS, PROMISE_BREAKS, WORKER_LEAVES
from tests.worlds import EVENTFUL, events, lived, world

SOON = {
    "relationships.trust_after": 2.0,
    "relationships.broken_promises": 1.0,
    "relationships.new_worker_after_move": 0.7,
}


@pytest.fixture
def model() -> CountyLines:
    return lived(world=world(0.1, days=60), parameters=EVENTFUL | SOON, until=5)


@pytest.fixture(scope="module")
def half_year() -> CountyLines:
    return lived(world=world(0.1, days=180), parameters=EVENTFUL | SOON, seed=3)


def hazards(model, rows, cause: int) -> np.ndarray:
    table = model.relationships.table
    return table.hazard[table.slot[rows], cause]


def test_a_worker_leaves_and_is_trusted_at_the_declared_hazards_the_later_the_more_children_it_has(model):
    p, relationships = model.parameters["relationships"], model.relationships
    rows = model.children.select(lambda c: c.setting != AT_HOME).rows
    fresh = rows[~relationships.trusts(rows)]
    assert hazards(model, rows, WORKER_LEAVES) == pytest.approx(p.turnover / 365.25)
    assert (hazards(model, fresh, PROMISE_BREAKS) == 0).all()
    for workers, times in ((2.0, 2.0), (0.5, 0.5)):  # twice as many children for each worker, and half
        for team in relationships.teams.values():
            team.workers = team.children / (p.caseload * workers)
        relationships._wait_for_trust(fresh)
        assert hazards(model, fresh, COMES_TO_TRUST) == pytest.approx(1.0 / times / (p.trust_after * 30.4375))
    relationships._come_to_trust(fresh[:5])
    assert hazards(model, fresh[:5], PROMISE_BREAKS) == pytest.approx(p.broken_promises / 365.25)


def test_a_worker_who_stays_leaves_seldom_and_is_trusted_soon_as_long_as_the_child_has_one(model):
    p, relationships = model.parameters["relationships"], model.relationships
    had = model.children.select(lambda c: c.setting != AT_HOME).rows[:4]
    none = model.children.rows[~relationships.has_worker(model.children.rows)][:4]
    rows = np.sort(np.concatenate((had, none)))
    relationships._come_to_trust(had)
    before = relationships.table.worker[relationships.table.slot[had]].copy()
    relationships.give_worker_who_stays(rows, turnover=0.25, sooner=3.0)
    assert relationships.has_worker(rows).all() and not relationships.trusts(rows).any(), "trust starts again"
    assert (relationships.table.worker[relationships.table.slot[had]] == before + 1).all()
    assert hazards(model, rows, WORKER_LEAVES) == pytest.approx(0.25 * p.turnover / 365.25)
    teams = [relationships.teams[place] for place in model.children.authority[rows].tolist()]
    expected = [3.0 * p.caseload / max(team.caseload, 1.0) / (p.trust_after * 30.4375) for team in teams]
    assert hazards(model, rows, COMES_TO_TRUST) == pytest.approx(expected, rel=0.1)
    changed = events(model, Event.WORKER_CHANGED)
    assert (
        changed["cause"][(changed["day"] == model.day) & np.isin(changed["child"], model.children.key[had])]
        == HELP_BEGINS
    ).all()
    relationships._part(none)
    relationships._meet(none)
    assert hazards(model, none, WORKER_LEAVES) == pytest.approx(p.turnover / 365.25), (
        "the next is a worker as any other"
    )


def test_nobody_has_the_same_worker_twice_and_trust_is_in_the_present_one(half_year):
    told = half_year.ledger.events.rows()
    workers, trusted = defaultdict(list), Counter()
    for event, child, serial in zip(
        told["event"].tolist(), told["child"].tolist(), told["serial"].tolist(), strict=True
    ):
        if event == Event.WORKER_CHANGED:
            workers[child].append(serial)
        elif event in (Event.TRUSTS, Event.PROMISE_BROKEN):
            trusted[event] += 1
            assert serial == (workers[child][-1] if workers[child] else serial), "in nobody who has gone"
    assert all(numbers == sorted(set(numbers)) for numbers in workers.values()) and len(workers) > 20
    assert trusted[Event.TRUSTS] > 20 and trusted[Event.PROMISE_BROKEN] > 3


def test_teams_have_as_many_workers_as_their_children_on_day_1_need(model):
    p, places = model.parameters["relationships"], model.world.places
    for place, team in model.relationships.teams.items():
        assert team.workers == pytest.approx(max(1.0, places.looked_after_10_17[place] * 0.1 / p.caseload))
