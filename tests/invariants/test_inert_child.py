"""One more child, to whom nothing can happen, changes nothing for anybody else, wherever it lives.

It shifts the rows of everybody after it, so this fails as soon as anything depends on a row, on an order, or on how many
children there are.
"""

from dataclasses import replace

import numpy as np
import pytest

from sim import demography
from sim.dates import EIGHTEEN
from sim.ledger import EVENT_COLUMNS, Event
from sim.places import read_places
from sim.policies import every_policy
from tests.worlds import EVENTFUL, REGION, lived, scenario, world

TRIED = world(0.03, warm_up=20, days=165)  # past a first of September
EVERYTHING = scenario({name: {"coverage": 1.0} for name in every_policy()})
TWELVE_YEARS = 12 * 365
PLACES = read_places()


class Added:
    """Children who come into a world beside those who are there, and to whom nothing can happen.

    They have no strain and no exposure, so every hazard and weight of theirs is nought, and no friends.
    """

    def __init__(self, monkeypatch):
        self.keys: dict[int, int] = {}  # key to day of birth
        self.wanted: list[tuple[int, str, int]] = []
        self.lay_out, self.inert = demography.lay_out, True
        monkeypatch.setattr(demography, "lay_out", lambda *given: self.laid_out(*given))

    def add(self, place: int, where: str, born: int) -> None:
        """One child of an authority, at a place among its rows, born on a day."""
        self.wanted.append((place, where, born))

    def laid_out(self, *given):
        layout = self.lay_out(*given)
        self.keys = {}
        for place, where, born in self.wanted:
            self.insert(layout, place, where, born)
        return layout

    def insert(self, layout, place: int, where: str, born: int) -> None:
        """Put one child at the front, in the middle or at the end of an authority's rows, keys in order."""
        first, end = layout["first_row_of"][layout["first_neighbourhood"][place : place + 2]].tolist()
        at = {"front": first, "middle": (first + end) // 2, "end": end}[where]
        beside = at if where == "front" else at - 1  # whose neighbourhood it shares
        neighbourhood = int(layout["first_row_of"].searchsorted(beside, side="right")) - 1
        first, end = layout["first_row_of"][neighbourhood : neighbourhood + 2].tolist()
        before = layout["key"][first:at].tolist() or [0]
        after = layout["key"][at:end].tolist() or [2**64 - 1]
        key = (before[-1] + after[0]) // 2
        child = {"key": key, "born": born, "authority": place, "arrives": 0, "circle": -1, "inert": self.inert}
        assert before[-1] < key < after[0]
        for name, value in child.items():
            layout[name] = np.insert(layout[name], at, layout[name].dtype.type(value))
        layout["first_row_of"][neighbourhood + 1 :] += 1
        self.keys[key] = born


def without(model, keys) -> dict[str, list[tuple]]:
    """All rows of the ledger but those of some children, who are taken out of the stock of children too."""
    tables = {name: model.ledger.table(name) for name in model.ledger.tables}
    for table in ("events", "children"):
        others = ~np.isin(tables[table]["child"], np.array(list(keys), dtype=np.uint64))
        tables[table] = {name: column[others] for name, column in tables[table].items()}
    tables["stocks"]["children"] -= [sum(born + EIGHTEEN > day for born in keys.values()) for day in tables["stocks"]["day"].tolist()]
    return {name: list(zip(*(column.tolist() for column in columns.values()), strict=True)) for name, columns in tables.items()}


@pytest.fixture(scope="module")
def alone():
    return without(lived(EVERYTHING, world=TRIED, parameters=EVENTFUL, seed=3), {})


@pytest.mark.parametrize("where", ["front", "middle", "end"])
def test_an_inert_child_changes_nothing_for_anybody_else(monkeypatch, alone, where):
    added = Added(monkeypatch)
    added.add(PLACES.index("Greenwich"), where, born=-TWELVE_YEARS)
    model = lived(EVERYTHING, world=TRIED, parameters=EVENTFUL, seed=3)
    assert set(added.keys) < set(model.children.columns["key"].tolist())
    assert not np.isin(model.ledger.table("events")["child"], np.array(list(added.keys), dtype=np.uint64)).any()
    assert without(model, added.keys) == alone


def test_many_inert_children_of_all_ages_change_nothing_for_anybody_else(monkeypatch, alone):
    added = Added(monkeypatch)
    for n in range(12):
        place = REGION.authorities[n % 3]
        added.add(place, ("front", "middle", "end")[n % 3], born=-EIGHTEEN + 20 + n * 230)
    model = lived(EVERYTHING, world=TRIED, parameters=EVENTFUL, seed=3)
    events = model.ledger.table("events")
    theirs = np.isin(events["child"], np.array(list(added.keys), dtype=np.uint64))
    assert set(events["event"][theirs].tolist()) == {Event.LEFT}
    assert without(model, added.keys) == alone


def test_a_child_who_is_not_inert_does_change_something(monkeypatch, alone):
    """So that the tests above are known to look."""
    added = Added(monkeypatch)
    added.inert = False
    for n in range(320):
        added.add(REGION.authorities[n % 3], ("front", "middle", "end")[n // 3 % 3], born=-TWELVE_YEARS - n)
    assert without(lived(EVERYTHING, world=TRIED, parameters=EVENTFUL, seed=3), added.keys) != alone


def test_as_many_inert_children_again_change_nothing_for_anybody_else(alone):
    doubled = lived(EVERYTHING, world=replace(TRIED, inert=1.0), parameters=EVENTFUL, seed=3)
    others = {row[list(EVENT_COLUMNS).index("child")] for row in alone["events"]}
    table = doubled.ledger.table("events")
    theirs = np.isin(table["event"], (Event.ENTERED, Event.LEFT)) & ~np.isin(table["child"], np.array(sorted(others), dtype=np.uint64))
    kept = {name: column[~theirs].tolist() for name, column in table.items()}
    assert len(doubled.children) > 1.9 * len(lived(world=TRIED, seed=3, until=1).children)
    assert theirs.any() and list(zip(*kept.values(), strict=True)) == alone["events"]
    for name in ("bills", "counts"):
        assert without(doubled, {})[name] == alone[name]
