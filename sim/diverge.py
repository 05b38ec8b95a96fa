"""Where two runs part: the first day, decision and child, and whether what differs between them explains it.

Two runs with one scenario, world, seed and program are equal to the last bit. Two scenarios with one seed are equal until a policy
begins; what differs after that, the policy or what follows from it made differ. So the first difference is either explained, or a
defect has been found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.costs import ITEMS, PAYERS
from sim.dates import date_of
from sim.draws import key_of
from sim.exploitation import SIZE, WAYS
from sim.harm import KINDS
from sim.ledger import TABLES, Event
from sim.places import read_places
from sim.policies import every_policy
from sim.policing import WHERE
from sim.population import CAUSES, FORMS, SCHOOLING, SETTINGS, STAGES
from sim.recruitment import VENUES
from sim.relationships import WHY_CHANGED
from sim.runs import Tables, read_run
from sim.schooling import PASTS
from sim.services import AGENCIES

Columns = Mapping[str, NDArray]

# A day's decisions in the order of `step()` in sim/model.py, each with the events that it leaves in the ledger.
THE_DAY: dict[str, tuple[Event, ...]] = {
    "demography": (Event.LEFT, Event.ENTERED),
    "unaccompanied": (Event.ARRIVED,),
    "placements": (
        Event.PLACEMENT_ENDED, Event.LEFT_CARE, Event.ENTERED_CARE, Event.GUEST_WAITED, Event.GUEST_PLACED, Event.REFUSED, Event.PLACED,
    ),
    "missing: ends": (Event.RETURNED, Event.STILL_MISSING),
    "harm": (Event.HARMED, Event.IN_HOSPITAL, Event.DIED),
    "lines": (Event.LINE_CLOSED, Event.LINE_DISPLACED, Event.LINE_OPENED, Event.POSITION_OPEN, Event.POSITION_FILLED),
    "recruitment": (Event.CONTACT_FAILED, Event.APPROACHED),
    "exploitation": (
        Event.LAPSED, Event.GROOMED, Event.RECRUITED, Event.DEBT_ROSE, Event.DEBT_REPAID, Event.BOUND, Event.TRIES_TO_GET_OUT,
        Event.PULLED_BACK, Event.GOT_OUT, Event.DRAWN_BACK, Event.SETTLED, Event.PRESSED,
    ),
    "other exploitation": (Event.OTHERWISE_APPROACHED, Event.OTHERWISE_EXPLOITED, Event.OTHERWISE_OUT),
    "missing: begins": (Event.CRISIS, Event.WENT_MISSING),
    "policing": (Event.ARRESTED, Event.REMANDED, Event.LATER_OFFENCE, Event.RELEASED),
    "schooling": (Event.HISTORY, Event.BACK_AT_SCHOOL, Event.EXCLUDED, Event.PART_TIME, Event.ABSENT, Event.SUSPENDED),
    "services": (
        Event.INTERVIEWED, Event.INTERVIEW_LAPSED, Event.SIGNAL, Event.IDENTIFIED, Event.FORM_NAMED, Event.REFERRED, Event.ASSESSED, Event.HELPED,
    ),
    "relationships": (Event.WORKER_CHANGED, Event.TRUSTS, Event.PROMISE_BROKEN),
    "policies": (Event.POLICY_REACHED,),
    "distance": (Event.LINE_FOLLOWED,),
}  # fmt: skip
DECISION_OF = {event: decision for decision, events in THE_DAY.items() for event in events}
ORDER_OF_DAY = {event: order for order, event in enumerate(DECISION_OF)}

CAUSE_OF = {
    **dict.fromkeys((Event.WENT_MISSING, Event.RETURNED, Event.STILL_MISSING, Event.INTERVIEWED, Event.INTERVIEW_LAPSED), CAUSES),
    **dict.fromkeys((Event.PLACED, Event.PLACEMENT_ENDED, Event.REFUSED, Event.GUEST_PLACED, Event.GUEST_WAITED), SETTINGS),
    **dict.fromkeys((Event.LEFT, Event.LAPSED, Event.TRIES_TO_GET_OUT), STAGES),
    **dict.fromkeys((Event.SIGNAL, Event.IDENTIFIED), AGENCIES),
    **dict.fromkeys((Event.GROOMED, Event.RECRUITED), WAYS),
    **dict.fromkeys((Event.OTHERWISE_APPROACHED, Event.OTHERWISE_EXPLOITED, Event.OTHERWISE_OUT, Event.FORM_NAMED, Event.REFERRED), FORMS),
    Event.APPROACHED: VENUES,
    Event.ARRESTED: WHERE,
    Event.BACK_AT_SCHOOL: SCHOOLING,
    Event.DEBT_ROSE: SIZE,
    Event.HARMED: KINDS,
    Event.HISTORY: PASTS,
    Event.WORKER_CHANGED: WHY_CHANGED,
}
HOMES = (Event.PLACED, Event.REFUSED, Event.GUEST_PLACED)


# -- rows that two tables do not share -----------------------------------------------------------------------------------


def unshared(a: Columns, b: Columns) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows of each table the other does not have as often, whatever the order of either.

    Of rows that one has more often, those that both have may be left out.
    """
    start = _alike_from_the_start(a, b)
    both = [np.concatenate((_bits(a[name][start:]), _bits(b[name][start:]))) for name in a]
    ours = np.concatenate((np.ones(len(a["day"]) - start, np.int64), -np.ones(len(b["day"]) - start, np.int64)))
    masks = np.zeros(len(a["day"]), dtype=bool), np.zeros(len(b["day"]), dtype=bool)
    if ours.size:
        order = np.lexsort(both[::-1])
        new = np.ones(len(order), dtype=bool)
        new[1:] = np.any([column[order][1:] != column[order][:-1] for column in both], axis=0)
        surplus = np.add.reduceat(ours[order], np.flatnonzero(new))
        alone = np.empty(len(order), dtype=bool)
        alone[order] = (surplus != 0)[np.cumsum(new) - 1]
        masks[0][start:], masks[1][start:] = alone[ours > 0], alone[ours < 0]
    return masks


def _alike_from_the_start(a: Columns, b: Columns) -> int:
    """How many first rows are the same in both: they need no sorting."""
    size = min(len(a["day"]), len(b["day"]))
    differ = np.zeros(size, dtype=bool)
    for name in a:
        differ |= _bits(a[name][:size]) != _bits(b[name][:size])
    return int(np.argmax(differ)) if differ.any() else size


def _bits(values: NDArray) -> NDArray:
    """Floats by their bits, as the digest sees them."""
    return values.view(np.int64) if values.dtype.kind == "f" else values


def until(columns: Columns, last_day: int) -> dict[str, NDArray]:
    """The rows up to a day, that day included."""
    return some(columns, columns["day"] <= last_day)


def some(columns: Columns, mask: NDArray[np.bool_]) -> dict[str, NDArray]:
    """The rows where `mask` holds."""
    return {name: values[mask] for name, values in columns.items()}


# -- the parting --------------------------------------------------------------------------------------------------------------


@dataclass
class Parting:
    """The first thing that two runs do not share, and why."""

    day: int
    table: str
    what: str  # the event, or the table's column(s)
    decision: str
    child: str
    agent: str
    a: dict[str, Any] | None
    b: dict[str, Any] | None
    rows_that_day: int
    reasons: list[str] = field(default_factory=list)

    @property
    def date(self) -> str:
        return date_of(self.day).isoformat()

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return {
            "day": self.day, "date": self.date, "table": self.table, "event": self.what, "decision": self.decision, "child": self.child,
            "agent": self.agent, "a": self.a, "b": self.b, "rows_that_differ_that_day": self.rows_that_day,
            "explained": bool(self.reasons), "reasons": self.reasons,
        }  # fmt: skip


@dataclass
class Comparison:
    """Two runs side by side; `parting` is None where they are equal as far as both go.

    `first_child` is the first difference in the life of a child, where the parting itself concerns none (a bed, a bill, a line).
    """

    a: dict[str, Any]
    b: dict[str, Any]
    last_day: int
    parting: Parting | None
    first_child: Parting | None = None

    @property
    def same_length(self) -> bool:
        return bool(self.a["days"] == self.b["days"])


def compare_folders(a: Path, b: Path) -> Comparison:
    """Two folders that `sim run --out` wrote. Raises InputError if one is no run or is damaged."""
    (tables_a, info_a), (tables_b, info_b) = read_run(a), read_run(b)
    return compare(tables_a, info_a, tables_b, info_b)


def compare(tables_a: Tables, info_a: dict[str, Any], tables_b: Tables, info_b: dict[str, Any]) -> Comparison:
    """The two runs, as far as both go."""
    last_day = min(info_a["days"], info_b["days"])
    if info_a["digest"] == info_b["digest"]:
        return Comparison(info_a, info_b, last_day, None)
    alone: dict[str, tuple[Columns, Columns]] = {}
    for name in TABLES:
        a, b = until(tables_a[name], last_day), until(tables_b[name], last_day)
        in_a, in_b = unshared(a, b)
        alone[name] = some(a, in_a), some(b, in_b)
    parting = _parting(alone)
    if parting is None:
        return Comparison(info_a, info_b, last_day, None)
    parting.reasons = reasons(info_a, info_b, parting.day)
    return Comparison(info_a, info_b, last_day, parting, None if parting.child else _parting({"events": _of_children(*alone["events"])}))


def _of_children(a: Columns, b: Columns) -> tuple[Columns, Columns]:
    return some(a, a["child"] > 0), some(b, b["child"] > 0)


def _parting(alone: Mapping[str, tuple[Columns, Columns]]) -> Parting | None:
    """The first difference, in the order in which a day happens; stocks, bills and counts come last. None if there is none."""
    days = [int(rows["day"].min()) for pair in alone.values() for rows in pair if rows["day"].size]
    if not days:
        return None
    day = min(days)
    of_day = {name: (_rows(a, day), _rows(b, day)) for name, (a, b) in alone.items()}
    number = sum(len(rows) for pair in of_day.values() for rows in pair)
    events_a, events_b = of_day["events"]
    if events_a or events_b:
        return _first_event(day, events_a, events_b, number)
    name = next(name for name in TABLES if any(of_day[name]))
    return _first_figure(day, name, *of_day[name], number)


def _rows(columns: Columns, day: int) -> list[dict[str, Any]]:
    lists = [values.tolist() for values in some(columns, columns["day"] == day).values()]
    return [dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True)]


def _first_event(day: int, a: list[dict[str, Any]], b: list[dict[str, Any]], number: int) -> Parting:
    def place(row):
        return ORDER_OF_DAY[Event(row["event"])], row["child"], row["agent"], row["serial"]

    first = min((*a, *b), key=place)
    event = Event(first["event"])

    def there(rows):
        """What a run has at that address: the same event to the same child, or of the same agent where no child is concerned."""
        same = [row for row in rows if row["event"] == event and row["child"] == first["child"] and (first["child"] or row["agent"] == first["agent"])]
        return in_words(min(same, key=place)) if same else None

    child = f"{first['child']:#018x}" if first["child"] else ""
    return Parting(day, "events", event.name, DECISION_OF[event], child, agent_of(first), there(a), there(b), number)


def _first_figure(day: int, table: str, a: list[dict[str, Any]], b: list[dict[str, Any]], number: int) -> Parting:
    """A difference in what is counted or charged, though all that happened that day was the same."""
    label = {"bills": _label_of_bill, "counts": _label_of_count, "children": _label_of_child}.get(table, lambda row: "stocks")
    first = min((*a, *b), key=lambda row: tuple(row.values())[:-1])
    mine, other = ([row for row in rows if label(row) == label(first)] for rows in (a, b))
    if table == "stocks" and mine and other:
        columns = [name for name in mine[0] if mine[0][name] != other[0][name]]
        return Parting(
            day, table, ", ".join(columns), "evening count", "", "", {c: mine[0][c] for c in columns}, {c: other[0][c] for c in columns}, number
        )
    decision = {"bills": "costs", "children": "demography"}.get(table, "count of 31 March")
    return Parting(day, table, label(first), decision, "", "", mine[0] if mine else None, other[0] if other else None, number)


def _label_of_bill(row: Mapping[str, Any]) -> str:
    return f"{ITEMS[row['item']]}, paid by {PAYERS[row['payer']]}"


def _label_of_count(row: Mapping[str, Any]) -> str:
    return "looked-after children, " + ", ".join(f"{name} {value}" for name, value in row.items() if name not in ("day", "children"))


def _label_of_child(row: Mapping[str, Any]) -> str:
    return f"who came into observation: child {row['child']:#018x}"


# -- words ----------------------------------------------------------------------------------------------------------------------


def in_words(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the ledger with the cause in words and the keys as they are written elsewhere."""
    event = Event(row["event"])
    causes = CAUSE_OF.get(event, ())
    words = {"event": event.name, "child": f"{row['child']:#018x}" if row["child"] else "", "agent": agent_of(row)}
    cause = causes[row["cause"]] if row["cause"] < len(causes) else row["cause"]
    words |= {"serial": row["serial"], "authority": read_places().name[row["home"]] if row["child"] else row["home"]}
    return words | {"place": row["place"], "cause": cause, "detail": row["detail"], "amount": row["amount"]}


def agent_of(row: Mapping[str, Any]) -> str:
    """Who acted: a policy by its name, others by kind and key."""
    event, key = Event(row["event"]), row["agent"]
    if not key:
        return ""
    if event == Event.POLICY_REACHED:
        named = {key_of("policy", name): f"policy {name}" for name in every_policy()}
        return named.get(key, f"policy {key:#018x}")
    kind = (
        "home" if event in HOMES else "recruiter" if event == Event.CONTACT_FAILED else "exploiter" if event == Event.OTHERWISE_APPROACHED else "line"
    )
    return f"{kind} {key:#018x}"


def reasons(a: Mapping[str, Any], b: Mapping[str, Any], day: int) -> list[str]:
    """What differs between two runs and could have parted them by a day; empty if they should still have been equal."""
    found = []
    if a["seed"] != b["seed"]:
        found.append(f"the seeds differ: {a['seed']} and {b['seed']}")
    for key, what in (("authorities", "authorities"), ("fraction", "fraction"), ("warm_up_days", "warm-up")):
        if a["world"].get(key) != b["world"].get(key):
            found.append(f"the worlds differ in {what}: {_short(a['world'].get(key))} and {_short(b['world'].get(key))}")
    found += _other_parameters(a, b)
    found += _other_policies(a, b, day)
    if a.get("source") != b.get("source"):
        found.append("the runs were made by different versions of the program or its data")
    for library in ("numpy", "mesa"):
        versions = [info.get("versions", {}).get(library) for info in (a, b)]
        if versions[0] != versions[1]:
            found.append(f"the versions of {library} differ: {versions[0]} and {versions[1]}")
    return found


def _other_parameters(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Numbers of the mechanisms that differ; those of policies are told with the policy."""
    flat = [
        {f"{group}.{name}": value for group, values in info.get("parameters", {}).items() if not group.startswith("policies.") for name, value in values.items()}
        for info in (a, b)
    ]
    names = [name for name in {**flat[0], **flat[1]} if flat[0].get(name) != flat[1].get(name)]
    told = [f"parameter {name} is {flat[0].get(name)} and {flat[1].get(name)}" for name in names[:5]]
    return [*told, f"{len(names) - 5} more parameters differ"] if len(names) > 5 else told


def _other_policies(a: Mapping[str, Any], b: Mapping[str, Any], day: int) -> list[str]:
    """Policies that differ and had begun, or ended, by the day."""
    found = []
    for name in sorted({*a["policies_in_force"], *b["policies_in_force"]}):
        uses = [_use(info, name) for info in (a, b)]
        if uses[0] == uses[1]:
            continue
        begins = min(use["from"] for use in uses if use)
        if begins > day:
            continue
        who = "differs between the runs" if all(uses) else f"is in {'A' if uses[0] else 'B'} only"
        found.append(f"policy {name} {who} and began on day {begins} ({date_of(begins)})")
    return found


def _use(info: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """How a run uses a policy, with every number that it has."""
    if name not in info["policies_in_force"]:
        return None
    begins, ends = info["policies_in_force"][name]
    policy = info["scenario"].get("policies", {}).get(name, {})
    return {"from": begins, "to": ends, "where": policy.get("where"), "numbers": info.get("parameters", {}).get(f"policies.{name}")}


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
