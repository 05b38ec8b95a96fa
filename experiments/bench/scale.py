"""`bench scale`: every child in England for a year, in one process; and how cost grows with children, with activity and with cores.

At most so many seconds a *person-day of active children* is a goal that can be read in several ways, so all readings are printed:

- *children with an open record* (the goal, the strictest reading): those who on an evening are in any of the model's tables of the few,
  because they are or have been looked after, missing, approached, groomed or exploited, pulled away by somebody, have a named worker, or a
  policy or a crisis holds a lever for them. Mean of the first and the last evening.
- *all children*: to each of them something can happen on any day.
- *a further child with an open record*: what a day costs more where, among as many children, more are active.
"""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack
from typing import Any

import numpy as np

from experiments.bench.lines import Line, at_least, at_most
from experiments.bench.timing import Contender, by_turns, clock, ratio, together

GIGABYTE = 1e9


def measure(options: Namespace) -> list[Line]:
    """Growth and cores first: from then on the compiled code lies on the disk, as it does for everybody who has run the model before."""
    growth, cores = _growth(options.quick), _two_cores(options.quick)
    return [*_england(options.quick), *growth, *cores]


def _england(quick: bool) -> list[Line]:
    """A year of everybody, from nothing to the last evening."""
    days = 10 if quick else 365
    with Contender("model", {"world": "england", "days": days - 1} | ({"children": 1_000} if quick else {})) as england:
        first, year = england.turn(), england.turn()
    children, active = ((first.told[what] + year.told[what]) / 2 for what in ("children", "with_open_records"))
    each = 1e9 * year.seconds / (days - 1)
    return [
        Line(f"England, {days} days, whole process", year.since_start, "s", at_most(30.0, 13.0), f"processor time, of which {first.since_start:.1f} s until the first evening; {first.told['children']:,} children, daily stocks and all {year.told['events']:,} events kept"),
        Line("England, the most memory held", year.peak / GIGABYTE, "GB", at_most(1.2, 0.7)),
        Line("a day of a child with an open record", each / active, "ns", at_most(300.0), f"{active:,.0f} children on an evening, looked after, missing, exploited, pulled away, with a worker or a lever held; days 2 to {days}, with all that the day costs"),
        Line("a day of any child", each / children, "ns", note="all are at risk every day, so this is the other end of what 'active' can mean"),
        Line("a row of the ledger's events", 1e-3 * year.seconds * 1e9 / max(1, year.told["events"] - first.told["events"]), "µs"),
    ]  # fmt: skip


def _growth(quick: bool) -> list[Line]:
    """Four times the children at the same activity, four times the activity among as many children; inert ones make up the difference."""
    days, turns, part = (2, 1, 200) if quick else (30, 4, 50_000)
    mixes = {"few": (part, 0.0), "few among twice": (part, 1.0), "few among many": (part, 3.0), "half": (2 * part, 1.0), "all": (4 * part, 0.0)}
    with ExitStack() as stack:
        contenders = {name: stack.enter_context(Contender("model", {"world": "region", "days": days, "children": children, "inert": inert})) for name, (children, inert) in mixes.items()}
        together(*contenders.values())
        seconds = dict(zip(contenders, by_turns([*contenders.values()], turns).T, strict=True))
        told = {name: contender.turn().told for name, contender in contenders.items()}

    def times(some: str, others: str) -> float:
        return ratio(seconds[some], seconds[others])

    def slope(some: str, others: str, what: str) -> float:
        more = told[some][what] - told[others][what]
        return 1e9 * float(np.median(seconds[some] - seconds[others])) / (days * more) if more else float("nan")

    return [
        Line("as many active, twice the children", times("few among twice", "few"), "times", note=f"{part:,} children alone, and with inert ones to whom nothing can happen"),
        Line("as many active, four times the children", times("few among many", "few"), "times"),
        Line("as many children, twice the active", times("half", "few among many"), "times", note=f"{4 * part:,} children in all, a quarter, half and all of them active; in step with activity would be 2 and 4"),
        Line("as many children, four times the active", times("all", "few among many"), "times"),
        Line("a day of a further inert child", slope("few among many", "few", "children"), "ns"),
        Line("a day of a further child with an open record", slope("all", "few among many", "with_open_records"), "ns"),
    ]  # fmt: skip


def _two_cores(quick: bool) -> list[Line]:
    """Two replicates of England at once over one, on the clock; and what sharing the memory alone costs."""
    days, turns = (2, 1) if quick else (15, 5)
    england: dict[str, Any] = {"world": "england", "days": days} | ({"children": 1_000} if quick else {})
    with Contender("model", england) as one, Contender("model", england) as other:
        together(one, other)
        rounds = np.array([(clock(one), clock(one, other), clock(other)) for _ in range(turns)])
    alone, at_once = (rounds[:, 0] + rounds[:, 2]) / 2.0, rounds[:, 1]
    note = f"{days} days of England, {np.median(alone):.1f} s alone and {np.median(at_once):.1f} s at once; on the clock, so whatever else the machine does counts against it"
    return [Line("two replicates on two cores over one", 2.0 * ratio(alone, at_once), "times", at_least(1.6), note)]
