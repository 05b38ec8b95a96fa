"""Ledgers for the tests of measures: some written by hand, and one of a small world in which much happens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np

from experiments.measures.story import Story
from sim import CountyLines, Scenario, World, load_world
from sim.ledger import STOCKS, TABLES, Event

LAST = 40
ANN, BEN, CAT, DAN, EVE = 11, 22, 33, 44, 55
FIFTEEN = -5500  # day of birth of somebody who is fifteen during the first weeks
Row = dict[str, Any]

LIVELY = {
    # Rare things made common, each within its range, so that a year of a small world has some of everything.
    "lines.external": 1500.0, "lines.internal": 900.0, "lines.contacts": 10.0, "recruitment.in_market": 0.8, "recruitment.nobody": 0.1,
    "exploitation.starts": 3.0, "missing.stays": 1.3, "services.episode_seen": 0.3, "services.recognised": 0.8, "services.discloses": 0.4,
    "sexual_exploitation.approaches": 20.0, "other_criminal.approaches": 30.0, "policing.street": 0.15, "policing.remand": 0.12,
}  # fmt: skip


def tables_of(**rows: Iterable[Row]) -> dict[str, dict[str, np.ndarray]]:
    """The ledger's tables with these rows; columns that are not named are 0."""
    given = {name: tuple(rows.get(name, ())) for name in TABLES}
    return {
        name: {column: np.array([row.get(column, 0) for row in given[name]], dtype=dtype) for column, dtype in columns.items()}
        for name, columns in TABLES.items()
    }


def story(
    *events: Row,
    days: int = LAST,
    bills: Iterable[Row] = (),
    counts: Iterable[Row] = (),
    stocks: Mapping[str, int] | None = None,
    children: Iterable[Row] | None = None,
) -> Story:
    """A story of these events, with the same stocks every day (a hundred children, ten of them looked after, unless told otherwise).

    Without `children` everybody named in the events is a girl of fifteen at home in authority 0, there from day 1.
    """
    every_day = dict.fromkeys(STOCKS, 0) | {"children": 100, "looked_after": 10} | dict(stocks or {})
    known = sorted({event.get("child", 0) for event in events} - {0})
    people = [person(child) for child in known] if children is None else children
    return Story(tables_of(
        events=events, stocks=({"day": day} | every_day for day in range(1, days + 1)), bills=bills, counts=counts, children=people,
    ))  # fmt: skip


def person(child: int, *, day: int = 1, born: int = FIFTEEN, home: int = 0, is_male: bool = False, alone: bool = False) -> Row:
    return {"child": child, "day": day, "born": born, "home": home, "is_male": is_male, "alone": alone}


def row(event: Event, child: int, day: int, **columns: Any) -> Row:
    return {"event": event, "child": child, "day": day} | columns


def went(child: int, day: int, **columns: Any) -> Row:
    return row(Event.WENT_MISSING, child, day, **columns)


def came(child: int, day: int, away: float, **columns: Any) -> Row:
    return row(Event.RETURNED, child, day, amount=away, **columns)


def away(child: int, day: int, length: float, **columns: Any) -> tuple[Row, Row]:
    """An episode with its end, on the day that its length gives."""
    return went(child, day, **columns), came(child, day + max(1, int(np.ceil(length))), length, **columns)


@cache
def lively_run() -> tuple[CountyLines, dict[str, dict[str, np.ndarray]]]:
    """A year and a half of a small world in which much happens: the model, and the tables of its ledger, not to be written to."""
    world = World("lively", load_world("region").authorities, 0.04, 365, 730)
    model = CountyLines(Scenario("baseline"), world, seed=3, parameters=LIVELY).run_to(world.days)
    tables = {name: model.ledger.table(name) for name in TABLES}
    for columns in tables.values():
        for column in columns.values():
            column.flags.writeable = False
    return model, tables
