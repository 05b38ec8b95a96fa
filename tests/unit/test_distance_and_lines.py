"""What twenty miles do, by whose numbers and until when; and where a line may reopen."""

import numpy as np
import pytest

from sim import CountyLines
from sim.ledger import Event
from sim.lines import SEEKS
from sim.missing import LINE_CONTACT
from sim.placements import FAR_KM
from sim.population import AT_HOME
from tests.worlds import EVENTFUL, REGION, events, lived, world

NUMBERS = {
    "distance.contact_in_person": 0.2,
    "distance.contact_by_phone": 1.5,
    "distance.in_person": 0.4,
    "distance.ties_kept": 0.3,
}


@pytest.fixture
def model() -> CountyLines:
    return lived(world=world(0.1, days=60), parameters=EVENTFUL | NUMBERS, until=4)


def placed_and_working(model, number: int = 6) -> np.ndarray:
    """Some looked-after children who come to work a line today."""
    rows = model.children.select(lambda c: (c.setting != AT_HOME) & (c.stage == 0) & ~c.is_missing).rows[:number]
    for row in rows.tolist():
        line, n = next((line, n) for line in model.lines.lines for n, holder in enumerate(line.positions) if holder < 0)
        line.open_positions += line.positions[n] != SEEKS
        line.positions[n] = SEEKS
        model.exploitation.working_on_day_1(np.array([row]), [line])
    return rows


def put(model, rows, km: float) -> None:
    """Let `rows` be placed today so far from home."""
    model.placements.table.km[model.children.care_slot[rows]] = km
    model.today.give(Event.PLACED, rows)
    model.distance.tell()


def contact(model, row: int) -> float | None:
    return model.levers.holders(LINE_CONTACT, row).get("distance")


def test_contact_is_part_in_person_and_part_by_phone_for_as_long_as_the_child_is_far_away(model):
    rows = placed_and_working(model)
    usual = 0.4 * 0.2 + 0.6 * 1.5
    for km, held in ((FAR_KM - 0.1, None), (FAR_KM, usual), (3.0, None), (100.0, usual)):
        put(model, rows, km)
        assert model.distance.is_far(rows).all() == (km >= FAR_KM)
        assert all(contact(model, row) == (None if held is None else pytest.approx(held)) for row in rows.tolist())
    model.children.columns["setting"][rows] = AT_HOME
    model.today.give(Event.LEFT_CARE, rows)
    model.distance.tell()
    assert all(contact(model, row) is None for row in rows.tolist())


def test_a_policy_s_own_numbers_hold_until_they_are_given_back(model):
    rows = placed_and_working(model)
    model.distance.take_over(rows[:3], contact=0.25, follows=1.0)
    put(model, rows, 90.0)
    assert [contact(model, row) for row in rows.tolist()] == pytest.approx([0.25] * 3 + [0.98] * 3)
    followed = events(model, Event.LINE_FOLLOWED)
    assert set(model.children.key[rows[:3]].tolist()) <= set(followed["child"].tolist())
    for row in rows[:3].tolist():
        assert (
            int(model.placements.table.place[model.children.care_slot[row]]) in model.exploitation.line_of(row).outlets
        )
    model.distance.give_back(rows[:3])
    put(model, rows, 90.0)
    assert [contact(model, row) for row in rows.tolist()] == pytest.approx([0.98] * 6)


def test_a_share_of_those_far_away_keeps_ties_and_everybody_near_does(model):
    rows = model.children.select(lambda c: c.setting != AT_HOME).rows
    slots, kept = model.children.care_slot[rows], model.distance.keeps_ties
    model.placements.table.km[slots] = FAR_KM - 1
    assert kept(rows).all()
    model.placements.table.km[slots] = FAR_KM
    assert (
        kept(rows).mean() == pytest.approx(0.3, abs=4.5 * np.sqrt(0.21 / len(rows)))
        and (kept(rows) == kept(rows)).all()
    )


def test_a_closed_line_does_not_follow(model):
    rows = placed_and_working(model, 3)
    model.distance.take_over(rows, contact=1.0, follows=1.0)
    for row in rows.tolist():
        model.exploitation.line_of(row).is_open = False
    put(model, rows, 90.0)
    assert not np.isin(model.children.key[rows], events(model, Event.LINE_FOLLOWED)["child"]).any()


# -- lines that reopen elsewhere -------------------------------------------------------------------------------------------


def test_a_line_reopens_in_another_market_at_the_declared_probability_and_stays_in_reach_of_the_world():
    model = CountyLines(world=world(0.4), seed=3, days=2, parameters={"lines.displaced": 0.4, "lines.external": 1500.0})
    inside, tried, moved = model.world.inside, 0, 0
    for line in model.lines.lines:
        if line.origin == line.market:
            model.lines.move_if_displaced(line)
            assert line.market == line.origin, "a line within one authority stays there"
            continue
        for line.generation in range(100, 110):
            market = line.market
            model.lines.move_if_displaced(line)
            tried += 1
            moved += line.market != market
            assert line.market != line.origin and (inside[line.origin] or inside[line.market])
    assert moved / tried == pytest.approx(0.4, abs=4.5 * np.sqrt(0.24 / tried)) and tried > 400
    told = events(model, Event.LINE_DISPLACED)
    assert len(told["day"]) == moved
    from_inside = inside[told["home"]]
    assert not told["detail"][from_inside].any(), "what begins in the world is in it wherever it goes"
    assert 0.2 < told["detail"][~from_inside].mean() <= 1.0, (
        "what comes from outside is mostly exchanged for another that comes"
    )


def test_a_line_that_opens_again_has_another_key_all_its_positions_and_no_outlets():
    model = lived(world=world(0.1, days=30), parameters=EVENTFUL, until=3)
    line = next(line for line in model.lines.lines if line.is_open and any(holder >= 0 for holder in line.positions))
    line.outlets.append(REGION.authorities[0])
    key, positions = line.key, len(line.positions)
    line.close()
    assert not line.is_open and not line.positions and line.open_positions == 0 and line.is_under_pressure
    line.open()
    assert line.key != key and len(line.positions) == positions and line.outlets == []
    assert line.open_positions == line.positions.count(-1) > 0 and all(holder < 0 for holder in line.positions)


def test_a_recruiter_is_deterred_under_pressure():
    numbers = {}
    for deterrence in (0.0, 0.5):
        model = lived(world=world(0.05, days=10), parameters=EVENTFUL | {"lines.deterrence": deterrence}, until=2)
        line = next(line for line in model.lines.lines if line.open_positions >= 2)
        line.feel_pressure()
        made, line.recruiter.left = [], 1.0
        model.recruitment.seek_for = made.append
        for _ in range(400):
            line.recruiter.step()
        expected = 400 * line.open_positions * model.lines.contacts_a_day * (1.0 - deterrence)
        assert abs(len(made) - expected) < 4.5 * np.sqrt(expected)
        numbers[deterrence] = len(made)
    assert numbers[0.5] < 0.75 * numbers[0.0]
