"""Where the engine and the reference part, told in words: the first row of a ledger, the first fact of a child.

This file is no part of the reference: it knows the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isclose
from typing import Any

import numpy as np

from sim import CountyLines, Scenario, World
from sim.costs import ITEMS, PAYERS
from sim.dates import date_of
from sim.diverge import CAUSE_OF, DECISION_OF, ORDER_OF_DAY
from sim.exploitation import GETTING_OUT_OF_IT, GROOMING
from sim.ledger import TABLES, Event
from sim.missing import GOING_MISSING, LINE_CONTACT, SEXUAL_CONTACT
from sim.other_exploitation import GETTING_OUT_OTHERWISE
from sim.placements import BREAKDOWN_OF_PLACEMENT, ENTERING_CARE
from sim.places import read_places
from sim.population import BANDS, FACTS, FORMS, SETTINGS
from sim.recruitment import BEING_FOUND
from sim.schooling import SCHOOL_TROUBLE

from . import Reference, run_reference

NEAR = 1e-9  # floats that differ by less, relative or absolute, are the same
HASHES = ("child", "agent")
PLACES = ("home", "place")

LEVERS = (
    GOING_MISSING, LINE_CONTACT, SEXUAL_CONTACT, BEING_FOUND, GETTING_OUT_OF_IT, GROOMING, GETTING_OUT_OTHERWISE, ENTERING_CARE,
    BREAKDOWN_OF_PLACEMENT,
)  # fmt: skip

STORAGE = {
    # facts that say where something is stored or how a clock is kept, and what is compared in their stead
    "group": "band", "care_slot": "is_looked_after", "care_level": "patience: entering care",
    "crisis_level": "patience: crisis", "conflict_level": "patience: conflict", "missing_slot": "is_missing",
    "school_level": "patience: trouble at school", "line_slot": "line", "sexual_slot": "sexual: stage",
    "criminal_slot": "criminal, otherwise: stage", "pull_slot": "spells: family", "worker_slot": "worker", "lever_slot": "lever: going missing",
}  # fmt: skip


def run_both(
    scenario: Scenario, world: World, seed: int, parameters: Mapping[str, float] | None = None, only_engine: Mapping[str, float] | None = None
) -> tuple[CountyLines, Reference]:
    """One run by each, until the world's last day. `only_engine`: parameters that the reference is not told of."""
    given = parameters or {}
    model = CountyLines(scenario, world, seed=seed, parameters={**given, **(only_engine or {})}).run_to(world.days)
    uses = {
        name: {"settings": use.settings, "begins": use.begins, "ends": use.ends, "where": use.where}
        for name, use in scenario.policies.items()
    }
    numbers = {**given, **scenario.parameters}
    return model, run_reference(world.authorities, world.fraction, seed, world.days, world.warm_up_days, numbers, uses)


def how_they_part(model: CountyLines, reference: Reference) -> str:
    """In words, or nothing where they agree in every row and every fact."""
    engine_tables = {name: model.ledger.table(name) for name in model.ledger.tables}
    return first_row(engine_tables, reference.tables()) or first_fact(engine_facts(model), reference.facts())


# -- the ledger -----------------------------------------------------------------------------------------------------------


def first_row(engine: Mapping[str, Mapping], reference: Mapping[str, Mapping]) -> str:
    """The first day on which the tables differ, and on that day the first of the day's decisions."""
    only_engine, only_reference = {}, {}
    for table in TABLES:
        only_engine[table], only_reference[table] = unshared(rows_of(table, engine[table]), rows_of(table, reference[table]))
    first = min(
        (
            (row["day"], list(TABLES).index(table), at)
            for alone in (only_engine, only_reference)
            for table in TABLES
            for at, row in enumerate(alone[table][:1])
        ),
        default=None,
    )
    if first is None:
        return ""
    day, table = first[0], list(TABLES)[first[1]]
    candidates = [(row, "the engine") for row in only_engine[table][:1]] + [(row, "the reference") for row in only_reference[table][:1]]
    row, who = min(candidates, key=lambda candidate: in_order(table, candidate[0]))
    others = only_reference[table] if who == "the engine" else only_engine[table]
    twin = next((other for other in others if same_thing(table, row, other)), None)
    counted = ", ".join(
        f"{table}: {len(only_engine[table])} rows of the engine and {len(only_reference[table])} of the reference"
        for table in TABLES
        if only_engine[table] or only_reference[table]
    )
    lines = [f"They part on day {day} ({date_of(day):%-d %B %Y}) in {table}: {name_of(table, row)}.", f"  {who} has {in_words(table, row)}"]
    if twin:
        other = "the reference" if who == "the engine" else "the engine"
        lines.append(f"  {other} has  {in_words(table, twin)}")
        lines.append(f"  differing: {', '.join(column for column in row if not alike(row[column], twin[column]))}")
    else:
        lines.append("  the other has no such row")
    lines += before(row, rows_of("events", engine["events"])) if table == "events" else []
    return "\n".join([*lines, f"  rows that only one has, in all: {counted}"])


def rows_of(table: str, columns: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """The rows of a table, in the order of the day's decisions."""
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*(column.tolist() for column in columns.values()), strict=True)]
    return sorted(rows, key=lambda row: in_order(table, row))


def in_order(table: str, row: Mapping[str, Any]) -> tuple:
    decision = ORDER_OF_DAY[Event(row["event"])] if table == "events" else 0
    return (row["day"], decision, *whole(row), *(value for value in row.values() if isinstance(value, float)))


def whole(row: Mapping[str, Any]) -> tuple:
    """The columns that hold whole numbers."""
    return tuple(value for value in row.values() if not isinstance(value, float))


def unshared(ours: list[dict], theirs: list[dict]) -> tuple[list[dict], list[dict]]:
    """The rows of each that the other does not have; whole numbers must be equal, floats near."""
    waiting: dict[tuple, list[dict]] = {}
    for row in theirs:
        waiting.setdefault(whole(row), []).append(row)
    alone = []
    for row in ours:
        twins = waiting.get(whole(row), [])
        twin = next((twin for twin in twins if all(alike(row[column], twin[column]) for column in row)), None)
        if twin is None:
            alone.append(row)
        else:
            twins.remove(twin)
    left_over = {id(row) for rows in waiting.values() for row in rows}
    return alone, [row for row in theirs if id(row) in left_over]


def alike(a: Any, b: Any) -> bool:
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(alike, a, b))
    return a == b or (isinstance(a, float) and isinstance(b, float) and isclose(a, b, rel_tol=NEAR, abs_tol=NEAR))


def same_thing(table: str, row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Rows that tell of one thing, differently."""
    same = ("day", "event", "child", "agent", "serial") if table == "events" else ("day", "payer", "item", "home", "setting")
    named = [column for column in same if column in row]
    if table == "events" and row["child"]:
        named.remove("agent")
    return all(row[column] == other[column] for column in named)


def name_of(table: str, row: Mapping[str, Any]) -> str:
    if table == "bills":
        return f"{ITEMS[row['item']]}, paid by {PAYERS[row['payer']]}"
    if table != "events":
        return "a row of the day"
    event = Event(row["event"])
    who = f"child {row['child']:016x}" if row["child"] else f"agent {row['agent']:016x}"
    return f"{event.name} ({DECISION_OF[event]}), {who}"


def in_words(table: str, row: Mapping[str, Any]) -> str:
    """The columns of a row that hold something, with the words for its numbers."""
    words = []
    for column, value in row.items():
        if column == "event":
            words.append(Event(value).name)
        elif column in HASHES and value:
            words.append(f"{column} {value:016x}")
        elif column in PLACES and value:
            words.append(f"{column} {read_places().name[value]}")
        elif column == "cause" and row["event"] in CAUSE_OF:
            words.append(f"cause {CAUSE_OF[row['event']][value]}")
        elif value or column not in (*HASHES, *PLACES, "cause"):
            words.append(f"{column} {value}")
    return ", ".join(words)


def before(row: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], number: int = 5) -> list[str]:
    """What the engine told last of the same child, or else of the same agent."""
    who = "child" if row["child"] else "agent"
    earlier = [each for each in rows if each[who] == row[who] and in_order("events", each) < in_order("events", row)]
    return [f"  before: {in_words('events', each)}" for each in earlier[-number:]]


# -- facts ----------------------------------------------------------------------------------------------------------------


def first_fact(engine: Mapping[str, list], reference: Mapping[str, list]) -> str:
    """The first child, by key, of which they know something different, and what."""
    if engine["key"] != reference["key"]:
        return f"They do not hold the same children: {len(set(engine['key']) ^ set(reference['key']))} are in one only."
    different = {
        name: at
        for name in reference
        if (at := [n for n, (a, b) in enumerate(zip(engine[name], reference[name], strict=True)) if not alike(a, b)])
    }
    if not different:
        return ""
    first = min(at[0] for at in different.values())
    lines = [f"Of child {engine['key'][first]:016x} they know something different on the last evening:"]
    lines += [f"  {name}: the engine {engine[name][first]!r}, the reference {reference[name][first]!r}" for name, at in different.items() if first in at]
    return "\n".join([*lines, "  in all: " + ", ".join(f"{name} of {len(at)} children" for name, at in different.items())])


def engine_facts(model: CountyLines) -> dict[str, list]:
    """What the engine knows of every child, in the words of the reference, in the order of the children's keys."""
    columns = model.children.columns
    rows = np.argsort(columns["key"])
    facts = {name: columns[name][rows] for name in FACTS if name not in STORAGE}
    facts["band"] = columns["group"][rows] // len(SETTINGS) % len(BANDS)
    facts["neighbourhood"] = model.demography.neighbourhood(rows)
    facts["is_looked_after"] = columns["care_slot"][rows] >= 0
    facts["is_missing"] = columns["missing_slot"][rows] >= 0
    for part in (_of_placements, _of_exploitation, _of_other_exploitation, _of_episodes, _of_pulls, _of_workers, _of_clocks):
        facts |= part(model, rows)
    for lever in LEVERS:
        facts[f"lever: {lever.name}"] = model.levers.value(lever, rows)
    return {name: column.tolist() for name, column in facts.items()}


def _from_table(table, rows):
    """A reader of the columns of a small table; for those who are not in, a default."""
    slots = table.slot[rows]

    def read(column, default=0):
        return np.where(slots >= 0, column[slots], np.array(default, dtype=column.dtype))

    return read


def _of_placements(model, rows):
    table = model.placements.table
    read = _from_table(table, rows)
    homes = read(table.home, -1)
    keys = np.array([home.key for home in model.placements.homes] + [0], dtype=np.uint64)
    return {
        "placement: home": keys[homes], "placement: place": read(table.place), "placement: km": read(table.km),
        "placement: since": read(table.since), "placement: moves": read(table.moves), "placement: moves this year": read(table.moves_this_year),
        "patience: breakdown": read(table.left[:, 0], np.inf), "patience: leaving care": read(table.left[:, 1], np.inf),
        "placement: only remanded": read(table.only_remanded),
    }  # fmt: skip


def _of_exploitation(model, rows):
    table = model.exploitation.table
    read = _from_table(table, rows)
    routes = np.array([line.route for line in model.lines.lines] + [0], dtype=np.uint64)
    facts = {
        "line": np.where(table.slot[rows] >= 0, routes[read(table.line)], np.uint64(0)), "way in": read(table.way), "debt": read(table.debt),
        "spell on the line": read(table.n), "fear": read(table.fear),
    }  # fmt: skip
    return facts | {f"patience: {cause}": read(table.left[:, number], np.inf) for number, cause in enumerate(table.causes)}


def _of_other_exploitation(model, rows):
    facts = {}
    for number, form in model.other_exploitation.forms.items():
        read, name = _from_table(form.table, rows), FORMS[number]
        facts |= {f"{name}: stage": read(form.table.stage), f"{name}: spell": read(form.table.n), f"{name}: since": read(form.table.since)}
        facts |= {f"{name}: patience: {cause}": read(form.table.left[:, at], np.inf) for at, cause in enumerate(form.table.causes)}
    return facts


def _of_workers(model, rows):
    relationships = model.relationships
    table, children = relationships.table, rows.tolist()
    read = _from_table(table, rows)
    facts = {
        "worker": read(table.worker), "worker: is trusted": read(table.trusts), "worker: spell": read(table.n),
        "workers": np.array([relationships.ordinals.get(row, 0) for row in children]),
        "worker: by a policy": np.array([relationships.special.get(row, (1.0, 1.0)) for row in children]),
        "times assessed": np.array([model.services.times_assessed.get(row, 0) for row in children]),
    }  # fmt: skip
    return facts | {f"patience: {cause}": read(table.left[:, number], np.inf) for number, cause in enumerate(table.causes)}


def _of_episodes(model, rows):
    table = model.missing.table
    read = _from_table(table, rows)
    return {"episode: cause": read(table.cause), "episode: began": read(table.began), "episode: days": read(table.days)}


def _of_pulls(model, rows):
    table = model.missing.pulls
    read = _from_table(table, rows)
    facts = {f"patience: {cause}": read(table.left[:, number], np.inf) for number, cause in enumerate(table.causes)}
    return facts | {f"spells: {cause}": read(table.columns[cause]) for cause in table.causes}


def _of_clocks(model, rows):
    """What is left of each patience, away from home or not: hazard still to come times the child's own multiplier."""
    children, missing = model.children.columns, model.missing
    strain, restlessness = children["strain"][rows].astype(float), children["restlessness"][rows].astype(float)
    left_while_away = _from_table(missing.table, rows)(missing.table.left)
    conflict = np.where(missing.table.slot[rows] >= 0, left_while_away, missing.conflict.left(rows))
    return {
        "patience: entering care": _patience(model.placements.clock.left(rows), strain * model.levers.value(ENTERING_CARE, rows)),
        "patience: crisis": _patience(missing.crisis.left(rows), strain),
        "patience: conflict": _patience(conflict, restlessness * model.levers.value(GOING_MISSING, rows)),
        "patience: trouble at school": _patience(
            model.schooling.clock.left(rows), model.schooling._multiplier(rows) * model.levers.value(SCHOOL_TROUBLE, rows)
        ),
    }


def _patience(left, multiplier):
    return np.multiply(left, multiplier, out=np.full(len(left), np.inf), where=np.isfinite(left))
