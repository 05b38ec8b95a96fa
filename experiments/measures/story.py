"""A run's ledger, read for measuring: rows by event and by window of days; missing episodes, and other spells, from start to end.

Measures and targets see a run only through a `Story`, so nothing that a service or a child "knows" can slip into a result.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.dates import age_on, date_of, first_day_of_year, last_day_of_year, year_of
from sim.ledger import EVENT_COLUMNS, Event
from sim.population import AT_HOME, CUSTODY

Columns = dict[str, NDArray]

# Bits of `detail` in the rows that begin and end a missing episode (sim/ledger.py).
POLICE, AUTHORITY, OVERNIGHT, LOOKED_AFTER, OLDER, PLACED_OUTSIDE, FOUND = 1, 2, 4, 8, 16, 32, 64


@dataclass(frozen=True)
class Window:
    """Days from the first to the last, both included."""

    first: int
    last: int

    @property
    def days(self) -> int:
        return self.last - self.first + 1

    @property
    def years(self) -> float:
        """Its length in years, for rates a year."""
        return self.days / 365.25

    @property
    def middle(self) -> int:
        """The day in its middle, on which children are counted for rates."""
        return (self.first + self.last) // 2

    @property
    def label(self) -> str:
        """How a report names it, such as "1 April 2026 to 31 March 2027"."""
        return f"{in_words(self.first)} to {in_words(self.last)}"

    @property
    def iso(self) -> str:
        """How a table names it, such as "2026-04-01/2027-03-31"."""
        return f"{date_of(self.first)}/{date_of(self.last)}"

    def holds(self, day: NDArray) -> NDArray[np.bool_]:
        """Which of these days lie in the window."""
        return (day >= self.first) & (day <= self.last)

    def days_inside(self, begin: NDArray, end: NDArray) -> float:
        """Days of the window between moments, in days since the dawn of day 0 (day n lasts from n to n + 1)."""
        inside = np.minimum(end, self.last + 1.0) - np.maximum(begin, float(self.first))
        return float(np.clip(inside, 0.0, None).sum())


def in_words(day: int) -> str:
    """The date of a day, such as "1 April 2026"."""
    when = date_of(day)
    return f"{when.day} {when:%B %Y}"


def years_between(first: int, last: int) -> tuple[Window, ...]:
    """The official years (to 31 March) from the first to the last day; the first and last may be in part."""
    years = range(year_of(first), year_of(last) + 1)
    return tuple(Window(max(first, first_day_of_year(y)), min(last, last_day_of_year(y))) for y in years)


def months_between(first: int, last: int) -> tuple[Window, ...]:
    """The calendar months from the first to the last day; the first and last may be in part."""
    windows, start = [], first
    while start <= last:
        end, month = start, date_of(start).month
        while end < last and date_of(end + 1).month == month:
            end += 1
        windows.append(Window(start, end))
        start = end + 1
    return tuple(windows)

NOT_ENDED = np.iinfo(np.int64).max
SPAN = np.int64(1 << 24)  # more days than a run has


# -- who -----------------------------------------------------------------------------------------------------------------


class People:
    """Everybody who was in observation on some day, in the order of their keys: what lasts of them, and from when to when.

    `came` and `left` [day]: in observation from the first until the day before the second.
    """

    def __init__(self, rows: Columns, left: Columns):
        order = np.argsort(rows["child"], kind="stable")
        self.key = rows["child"][order]
        self.came = rows["day"][order].astype(np.int64)
        self.born = rows["born"][order].astype(np.int64)
        self.home = rows["home"][order]
        self.is_male = rows["is_male"][order] > 0
        self.alone = rows["alone"][order] > 0
        self.left = np.full(len(self.key), NOT_ENDED)
        self.left[self.at(left["child"])] = left["day"]

    def __len__(self) -> int:
        return len(self.key)

    def at(self, child: NDArray) -> NDArray[np.intp]:
        """Where each of these children stands in the columns. Raises KeyError for one that never came."""
        at = np.searchsorted(self.key, child)
        at[at == len(self.key)] = 0
        if len(child) and (not len(self.key) or (self.key[at] != child).any()):
            raise KeyError("a child of the ledger's events is not in its table of children")
        return at

    def ages(self, child: NDArray, day: NDArray | int) -> NDArray[np.int32]:
        """Age of each of these children on its day [years]."""
        return age_on(self.born[self.at(child)], day)

    def present(self, day: int) -> NDArray[np.uint64]:
        """The children who are in observation on a day."""
        return self.key[(self.came <= day) & (self.left > day)]


# -- from when to when -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spells:
    """Spells of children in some state, in the order of children and of time.

    `start` and `end` [day]: from the first until the day before the second; `end` is after every day for one that goes on.
    """

    child: NDArray[np.uint64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.child)

    def where(self, mask: NDArray[np.bool_]) -> Spells:
        """Some of them."""
        return Spells(self.child[mask], self.start[mask], self.end[mask])

    def overlapping(self, window: Window) -> Spells:
        """Those of which some day lies in the window; one that begins and ends on the same day counts on that day."""
        return self.where((self.start <= window.last) & ((self.end > window.first) | (self.start >= window.first)))

    def children(self, window: Window) -> NDArray[np.uint64]:
        """The children who were in the state on some day of the window, each once."""
        return np.unique(self.overlapping(window).child)

    def days(self, window: Window) -> float:
        """Child-days in the state, in the window."""
        return window.days_inside(self.start.astype(np.float64), self.end.astype(np.float64))

    @cached_property
    def timeline(self) -> Timeline:
        """The beginnings, by child."""
        return Timeline(self.child, self.start)

    def on(self, child: NDArray, day: NDArray | int) -> NDArray[np.bool_]:
        """Whether each of these children is in the state on its day."""
        last = self.timeline.last(child, day)
        return (last >= 0) & (taken(self.end, last) > day)


def spells(begun: Columns, *ended: Columns) -> Spells:
    """The spells that begin and end with such events; what happens while a child is in the state already, or not in it, is passed over."""
    child = np.concatenate([rows["child"] for rows in (begun, *ended)])
    day = np.concatenate([rows["day"] for rows in (begun, *ended)]).astype(np.int64)
    is_end = np.arange(len(child)) >= len(begun["child"])
    order = np.lexsort((is_end, day, child))
    child, day, is_end = child[order], day[order], is_end[order]
    turns = _new(child) & ~is_end
    turns[1:] |= (child[1:] == child[:-1]) & (is_end[1:] != is_end[:-1])  # from out to in, or from in to out
    child, day, is_end = child[turns], day[turns], is_end[turns]
    starts = np.flatnonzero(~is_end)
    following = np.minimum(starts + 1, max(len(child) - 1, 0))
    goes_on = (following == starts) | (child[following] != child[starts])
    return Spells(child[starts], day[starts], np.where(goes_on, NOT_ENDED, day[following]))


class Timeline:
    """Rows in the order of children and of time, to be searched for the last of a child up to a day."""

    def __init__(self, child: NDArray, day: NDArray):
        self.children, rank = np.unique(child, return_inverse=True)
        self.moments = rank * SPAN + day

    def last(self, child: NDArray, day: NDArray | int) -> NDArray[np.int64]:
        """The last row of each of these children up to its day, -1 for none."""
        if not len(self.children):
            return np.full(len(child), -1)
        at = np.minimum(np.searchsorted(self.children, child), len(self.children) - 1)
        last = np.searchsorted(self.moments, at * SPAN + day, side="right") - 1
        mine = (self.children[at] == child) & (last >= 0) & (self.moments[np.maximum(last, 0)] >= at * SPAN)
        return np.where(mine, last, -1)


# -- missing episodes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Episodes:
    """True missing episodes, one each: columns in the order of children and of time.

    `start` and `end` [day] (end is after every day for one that goes on), `away` [days], `cause`, `detail` (bits as in
    the ledger; `FOUND` known only once ended), `setting` of the placement at the start (0 for a child at home), `home`
    authority, `serial` (which episode of the child's).
    """

    child: NDArray[np.uint64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    away: NDArray[np.float64]
    cause: NDArray[np.uint8]
    detail: NDArray[np.uint8]
    setting: NDArray[np.uint8]
    home: NDArray[np.uint8]
    serial: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.child)

    def has(self, *bits: int) -> NDArray[np.bool_]:
        """Which episodes carry all of these bits."""
        wanted = sum(bits)
        return (self.detail & wanted) == wanted

    def where(self, mask: NDArray[np.bool_]) -> Episodes:
        """Some of them."""
        return Episodes(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))

    @property
    def children(self) -> int:
        """How many children they are of."""
        return len(np.unique(self.child))

    @property
    def is_first(self) -> NDArray[np.bool_]:
        """Which are the child's first among these."""
        return _new(self.child)

    def days(self, window: Window) -> float:
        """Days away inside a window; the first day away begins at dawn."""
        begin = self.start.astype(np.float64)
        return window.days_inside(begin, begin + self.away)


# -- a run -------------------------------------------------------------------------------------------------------------------


class Story:
    """What happened in one run: `tables` as `model.ledger.table(name)` gives them."""

    def __init__(self, tables: Mapping[str, Columns]):
        self.stocks, self.bills, self.counts, self._children = (tables[name] for name in ("stocks", "bills", "counts", "children"))
        self._events = tables["events"]
        self.last_day = int(self.stocks["day"].max(initial=0))
        self._order = np.lexsort((self._events["day"], self._events["event"]))
        self._edges = np.searchsorted(self._events["event"][self._order], np.arange(max(Event) + 2))
        self._kept: dict[Hashable, Any] = {}

    def keep[T](self, name: Hashable, make: Callable[[], T]) -> T:
        """What is asked more than once is made once."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def of(self, event: Event, window: Window | None = None) -> Columns:
        """Rows of one kind of event, by day; all, or those of a window."""
        rows = self.keep(("of", event), lambda: self._of(event))
        if window is None:
            return rows
        first, last = np.searchsorted(rows["day"], (window.first, window.last + 1)).tolist()
        return {name: column[first:last] for name, column in rows.items()}

    def _of(self, event: Event) -> Columns:
        here = self._order[self._edges[event] : self._edges[event + 1]]
        return {name: self._events[name][here] for name in EVENT_COLUMNS}

    def number(self, event: Event, window: Window) -> int:
        """How often something happened."""
        return len(self.of(event, window)["day"])

    def children(self, event: Event, window: Window) -> int:
        """To how many children something happened, once or more."""
        return len(np.unique(self.of(event, window)["child"]))

    def stock(self, name: str, window: Window) -> float:
        """Mean over the days of a window of a daily stock."""
        inside = window.holds(self.stocks["day"])
        return float(self.stocks[name][inside].mean()) if inside.any() else float("nan")

    def stock_on(self, name: str, day: int) -> int:
        """A daily stock at the end of a day."""
        return int(self.stocks[name][self.stocks["day"] == day].sum())

    def child_days(self, name: str, window: Window) -> float:
        """The sum over the days of a window of a daily stock of children."""
        return float(self.stocks[name][window.holds(self.stocks["day"])].sum())

    # -- children ------------------------------------------------------------------------------------------------------

    @cached_property
    def people(self) -> People:
        """Everybody who was in observation."""
        return People(self._children, self.of(Event.LEFT))

    @cached_property
    def inside(self) -> NDArray[np.uint8]:
        """The authorities of this world, ascending: those in which children of its have their home."""
        return np.unique(self._children["home"])

    @cached_property
    def in_care(self) -> Spells:
        """Looked after."""
        return spells(self.of(Event.ENTERED_CARE), self.of(Event.LEFT_CARE), self.of(Event.LEFT))

    @cached_property
    def on_a_line(self) -> Spells:
        """Exploited by a line: working it, bound by debt or trying to get out."""
        return spells(both(self.of(Event.RECRUITED), self.of(Event.DRAWN_BACK)), self.of(Event.GOT_OUT), self.of(Event.LEFT))

    def otherwise_exploited(self, form: int) -> Spells:
        """Exploited in another form than by a line."""

        def make() -> Spells:
            begun, out = (some(self.of(event), self.of(event)["cause"] == form) for event in (Event.OTHERWISE_EXPLOITED, Event.OTHERWISE_OUT))
            return spells(begun, out, self.of(Event.LEFT))

        return self.keep(("otherwise", form), make)

    @cached_property
    def in_custody(self) -> Spells:
        """Remanded to custody."""
        return spells(self.of(Event.REMANDED), self.of(Event.RELEASED), self.of(Event.LEFT))

    @cached_property
    def placed(self) -> Columns:
        """Every placement that began, in the order of children and of time."""
        return in_order_of_children(self.of(Event.PLACED))

    def placement(self, child: NDArray, day: NDArray | int) -> NDArray[np.int64]:
        """Which of `placed` each of these children last began up to its day, -1 for none; a child may have left care since."""
        return self.keep("placements", lambda: Timeline(self.placed["child"], self.placed["day"])).last(child, day)

    def settings(self, child: NDArray, day: NDArray | int) -> NDArray[np.uint8]:
        """Where each of these children lives on its day: the setting, AT_HOME for one who is not looked after."""
        last = self.placement(child, day)
        setting = np.where(last >= 0, taken(self.placed["cause"], last), AT_HOME).astype(np.uint8)
        setting[~self.in_care.on(child, day)] = AT_HOME
        setting[self.in_custody.on(child, day)] = CUSTODY
        return setting

    @cached_property
    def episodes(self) -> Episodes:
        """Every missing episode; the k-th start of a child belongs with its k-th end."""
        begun, ended = self.of(Event.WENT_MISSING), self._ends()
        starts = np.lexsort((begun["serial"], begun["day"], begun["child"]))
        begun = {name: column[starts] for name, column in begun.items()}
        at = np.searchsorted(begun["child"], ended["child"]) + _rank(ended["child"])
        start = begun["day"].astype(np.int64)
        end = np.full(len(start), NOT_ENDED)
        away = (self.last_day - start + 1).astype(np.float64)
        detail = begun["detail"].copy()
        end[at] = np.where(ended["event"] == Event.RETURNED, ended["day"].astype(np.int64), NOT_ENDED)
        away[at] = ended["amount"]
        detail[at] |= ended["detail"] & (POLICE | AUTHORITY | OVERNIGHT | FOUND)  # a report may come after the start
        last = self.placement(begun["child"], start)
        setting = np.where((last >= 0) & ((detail & LOOKED_AFTER) > 0), taken(self.placed["cause"], last), AT_HOME).astype(np.uint8)
        return Episodes(begun["child"], start, end, away, begun["cause"], detail, setting, begun["home"], begun["serial"])

    def in_window(self, window: Window) -> Episodes:
        """Episodes that began in a window: official years go by the day of the start."""
        return self.keep(("episodes", window), lambda: self.episodes.where(window.holds(self.episodes.start)))

    def _ends(self) -> Columns:
        return in_order_of_children(both(self.of(Event.RETURNED), self.of(Event.STILL_MISSING)))


# -- rows --------------------------------------------------------------------------------------------------------------------


def some(rows: Columns, mask: NDArray) -> Columns:
    """Some rows of a table."""
    return {name: column[mask] for name, column in rows.items()}


def both(a: Columns, b: Columns) -> Columns:
    """The rows of two tables of the same columns."""
    return {name: np.concatenate((a[name], b[name])) for name in a}


def in_order_of_children(rows: Columns) -> Columns:
    """Rows in the order of children, then of days, then of serials."""
    return some(rows, np.lexsort((rows["serial"], rows["day"], rows["child"])))


def taken(column: NDArray, at: NDArray) -> NDArray:
    """The values at these positions; nothing in particular where the position is -1."""
    return column[at] if len(column) else np.zeros(len(at), dtype=column.dtype)


def _new(child: NDArray) -> NDArray[np.bool_]:
    """Which are the first of each run of equal values."""
    return np.concatenate(([True], child[1:] != child[:-1]))[: len(child)]


def _rank(child: NDArray) -> NDArray[np.int64]:
    """0, 1, 2 ... within each run of equal values."""
    index = np.arange(len(child))
    return index - np.maximum.accumulate(np.where(_new(child), index, 0))
