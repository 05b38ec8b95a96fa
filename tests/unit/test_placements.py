"""Care: entering, finding a place, being refused, moving, leaving; beds are given by need, then by lot, and are somebody's or free."""

import numpy as np
import pytest

from sim import CountyLines
from sim.dates import last_day_of_year
from sim.ledger import Event
from sim.placements import BREAKDOWN_OF_PLACEMENT, ENTERING_CARE, FAR_KM, WITH_BEDS
from sim.places import read_places
from sim.population import AT_HOME, FOSTER, SETTINGS, SPECIALIST_FOSTER
from tests.worlds import REGION, events, lived, world

KENT, GREENWICH = (read_places().index(name) for name in ("Kent", "Greenwich"))
AT_ONCE = 1e12  # a multiplier with which a thing happens tomorrow


@pytest.fixture
def model() -> CountyLines:
    """A part of the region on the evening of day 3."""
    return lived(world=world(0.05, days=60), until=3)


def of(model, rows, *kinds):
    """The ledger's rows about some children, today."""
    table = events(model, *kinds)
    mine = np.isin(table["child"], model.children.key[rows]) & (table["day"] == model.day)
    return {name: column[mine] for name, column in table.items()}


def fostered(model, number: int):
    """Rows of some children in foster homes of this world, none of them missing."""
    children = model.children
    in_homes = children.select(lambda c: (c.setting == FOSTER) & ~c.is_missing).rows
    return in_homes[model.placements.table.home[children.care_slot[in_homes]] >= 0][:number]


def test_children_enter_care_and_have_a_placement_the_same_day(model):
    rows = model.children.select(lambda c: (c.setting == AT_HOME) & (c.authority == KENT)).rows[:20]
    model.levers.hold(ENTERING_CARE, rows, at=AT_ONCE, until=100, by="test")
    model.step()
    assert set(of(model, rows, Event.ENTERED_CARE)["child"].tolist()) == set(model.children.key[rows].tolist())
    placed = of(model, rows, Event.PLACED)
    assert len(placed["child"]) == 20 and (placed["serial"] == 1).all()
    assert (model.children.setting[rows] != AT_HOME).all() and (model.children.care_entries[rows] == 1).all()
    assert sorted(placed["cause"].tolist()) == sorted(model.children.setting[rows].tolist())


def test_a_placement_that_breaks_down_is_followed_by_another_and_its_bed_is_free_for_somebody(model):
    rows = fostered(model, 10)
    before = {row: int(model.placements.table.moves[model.children.care_slot[row]]) for row in rows.tolist()}
    model.levers.hold(BREAKDOWN_OF_PLACEMENT, rows, at=AT_ONCE, until=5, by="test")
    model.step()
    ended, placed = of(model, rows, Event.PLACEMENT_ENDED), of(model, rows, Event.PLACED)
    assert len(ended["child"]) == len(placed["child"]) == 10
    assert set(ended["detail"].tolist()) == {1} and set(ended["cause"].tolist()) == {FOSTER} and set(ended["amount"].tolist()) == {3.0}
    assert all(model.placements.table.moves[model.children.care_slot[row]] == before[row] + 1 for row in rows.tolist())
    assert sum(not home.is_full for home in model.placements.homes) > 0


def test_a_move_that_a_policy_asks_for_happens_tomorrow_and_at_least_so_far(model):
    rows = fostered(model, 15)
    model.placements.ask_for_move(rows, setting=None, at_least_km=FAR_KM, by="test")
    model.step()
    moved = of(model, rows, Event.PLACED)
    assert len(moved["child"]) > 5
    assert (moved["amount"][np.isin(moved["place"], REGION.authorities)] >= FAR_KM).all()
    assert (np.isin(moved["place"], REGION.authorities) | (moved["agent"] == 0)).all()
    ended = of(model, rows, Event.PLACEMENT_ENDED)
    assert set(ended["detail"].tolist()) == {2} and set(ended["child"].tolist()) == set(moved["child"].tolist())
    model.step()
    assert 2 not in of(model, rows, Event.PLACEMENT_ENDED)["detail"].tolist(), "it was asked for once"


def test_a_move_asked_for_at_a_distance_outside_the_world_too_ends_at_that_distance(model):
    rows = fostered(model, 15)
    model.placements.ask_for_move(rows, setting=None, at_least_km=FAR_KM, by="test")
    model.step()
    assert (of(model, rows, Event.PLACED)["amount"] >= FAR_KM).all()


def test_a_child_for_whom_no_place_is_found_stays_where_it_is(model):
    rows = fostered(model, 15)
    where = model.placements.table.home[model.children.care_slot[rows]].tolist()
    model.placements.ask_for_move(rows, setting=SPECIALIST_FOSTER, at_least_km=0.0, by="test")
    model.step()
    stayed = ~np.isin(model.children.key[rows], of(model, rows, Event.PLACEMENT_ENDED)["child"])
    assert stayed.sum() >= 14  # one or other may break down by itself
    assert [home for home, same in zip(where, stayed, strict=True) if same] == model.placements.table.home[model.children.care_slot[rows[stayed]]].tolist()


def test_a_missing_child_is_not_moved(model):
    rows = model.children.select(lambda c: c.is_missing & c.is_looked_after).rows
    while not len(rows):
        model.step()
        rows = model.children.select(lambda c: c.is_missing & c.is_looked_after).rows
    model.placements.ask_for_move(rows, setting=None, at_least_km=FAR_KM, by="test")
    model.step()
    assert not len(of(model, rows, Event.PLACEMENT_ENDED)["child"])


@pytest.mark.parametrize("order", [1, -1])
def test_one_bed_goes_to_one_child_whatever_the_order_of_asking(model, order):
    rows = fostered(model, 12)
    home = model.placements.open_homes(SPECIALIST_FOSTER, KENT, [0], 1)[0]
    model.placements.ask_for_move(rows[::order], setting=SPECIALIST_FOSTER, at_least_km=0.0, by="test")
    model.step()
    assert home.is_full and len(home.residents) == 1
    (winner,) = home.residents
    lots = {row: model.draws.one_uniform("care.lot", int(model.children.key[row]), 1001) for row in rows.tolist()}
    refused = of(model, rows, Event.REFUSED)
    before = [row for row in rows.tolist() if lots[row] < lots[winner]]
    assert {int(model.children.key[row]) for row in before} <= set(refused["child"].tolist()), "whoever drew better was refused"
    assert (refused["agent"] == home.key).all()


def test_refusals_are_counted_with_the_placement_and_a_known_child_is_refused_more():
    model = lived(world=world(0.15, days=60), until=3, parameters={"care.refusal": 0.1, "care.refusal_when_known": 0.8})
    known, unknown = np.array_split(fostered(model, 120), 2)
    model.children.columns["identified_on"][known] = 2
    model.levers.hold(BREAKDOWN_OF_PLACEMENT, np.concatenate((known, unknown)), at=AT_ONCE, until=5, by="test")
    model.step()
    mean = {}
    for name, rows in (("known", known), ("unknown", unknown)):
        placed, refused = of(model, rows, Event.PLACED), of(model, rows, Event.REFUSED)
        asked = [(int(child), int(detail)) for child, detail in zip(placed["child"], placed["detail"], strict=True)]
        assert len(asked) == len(rows) and all(detail == (refused["child"] == child).sum() for child, detail in asked)
        mean[name] = np.mean([detail for _, detail in asked])
    assert mean["unknown"] < 0.4 < 0.8 < mean["known"]


def test_closing_beds_takes_free_ones_only(model):
    placements = model.placements
    taken = [home.beds - home.free for home in placements.homes]
    free = int(placements.free[KENT, FOSTER])
    assert placements.close_beds(FOSTER, KENT, free + 100) == free
    assert placements.free[KENT, FOSTER] == 0
    assert [home.beds - home.free for home in placements.homes] == taken


@pytest.mark.slow
def test_on_31_march_the_official_count_is_everybody_in_care():
    run = lived(world=world(0.03, days=365))
    counts, stocks = run.ledger.table("counts"), run.ledger.table("stocks")
    assert set(counts["day"].tolist()) == {last_day_of_year(1)}
    assert counts["children"].sum() == stocks["looked_after"][-1]
    children = run.children.select(lambda c: c.is_looked_after)
    for place in REGION.authorities:
        assert counts["children"][counts["home"] == place].sum() == (children.authority == place).sum()
    for setting in range(1, len(SETTINGS)):
        assert counts["children"][counts["setting"] == setting].sum() == (children.setting == setting).sum()
    slots = children.care_slot
    assert counts["children"][counts["far"] == 1].sum() == (run.placements.table.km[slots] > FAR_KM).sum()
    assert counts["children"][counts["outside"] == 1].sum() == (run.placements.table.place[slots] != children.authority).sum()


def test_a_move_on_the_first_of_april_is_one_of_the_new_year():
    model = lived(world=world(0.03, days=370), until=last_day_of_year(1))
    rows = fostered(model, 8)
    model.levers.hold(BREAKDOWN_OF_PLACEMENT, rows, at=AT_ONCE, until=400, by="test")
    model.step()
    assert len(of(model, rows, Event.PLACED)["child"]) == len(rows) > 0
    assert (model.placements.table.moves_this_year[model.children.care_slot[rows]] == 1).all()


def test_where_a_child_lives_is_its_home_or_its_placement(model):
    rows = np.arange(len(model.children.columns["key"]))
    where = model.placements.where(rows)
    at_home = model.children.setting == AT_HOME
    assert (where[at_home] == model.children.authority[at_home]).all()
    inside = (~at_home).nonzero()[0]
    assert where[inside].tolist() == model.placements.table.place[model.children.care_slot[inside]].tolist()


@pytest.mark.slow
def test_closing_a_county_s_free_beds_lengthens_distances_of_its_children_and_not_of_others():
    """The same children and seed, with and without Kent's free beds, day by day kept closed."""

    def distances(closed: bool) -> dict[int, float]:
        model = lived(world=world(0.25, days=150), seed=2, until=1)
        while model.day < model.last_day:
            if closed:
                for kind in WITH_BEDS:
                    model.placements.close_beds(kind, KENT, 10_000)
            model.step()
        placed = events(model, Event.PLACED)
        later = (placed["day"] > 1) & np.isin(placed["cause"], WITH_BEDS)
        return {place: float(placed["amount"][later & (placed["home"] == place)].mean()) for place in REGION.authorities}

    as_it_is, without = distances(False), distances(True)
    assert without[KENT] > 1.5 * as_it_is[KENT]
    assert without[GREENWICH] < 1.25 * as_it_is[GREENWICH]
