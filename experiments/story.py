"""A run's ledger, read for measuring: rows by event and by window of days, and missing episodes from start to end.

Measures and targets see a run only through a `Story`, so nothing that a service or a child "knows" can slip into a result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.dates import date_of, first_day_of_year, last_day_of_year, year_of
from sim.ledger import EVENT_COLUMNS, Event

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


@dataclass(frozen=True)
class Episodes:
    """True missing episodes, one each: columns in the order of children and of time.

    `start` and `end` [day] (end is after every day for one that goes on), `away` [days], `cause`, `detail` (bits as in
    the ledger; `FOUND` known only once ended), `setting` of the placement at the start (0 for a child at home).
    """

    child: NDArray[np.uint64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    away: NDArray[np.float64]
    cause: NDArray[np.uint8]
    detail: NDArray[np.uint8]
    setting: NDArray[np.uint8]

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
        return np.concatenate(([True], self.child[1:] != self.child[:-1]))[: len(self)]


NOT_ENDED = np.iinfo(np.int64).max


class Story:
    """What happened in one run: `tables` as `model.ledger.table(name)` gives them."""

    def __init__(self, tables: Mapping[str, Columns]):
        self.stocks, self.bills, self.counts = tables["stocks"], tables["bills"], tables["counts"]
        events = tables["events"]
        self.last_day = int(self.stocks["day"].max(initial=0))
        order = np.lexsort((events["day"], events["event"]))
        self._events = {name: events[name][order] for name in EVENT_COLUMNS}
        self._edges = np.searchsorted(self._events["event"], np.arange(max(Event) + 2))

    def of(self, event: Event, window: Window | None = None) -> Columns:
        """Rows of one kind of event, by day; all, or those of a window."""
        first, last = int(self._edges[event]), int(self._edges[event + 1])
        if window is not None:
            days = self._events["day"][first:last]
            first, last = first + int(np.searchsorted(days, window.first)), first + int(np.searchsorted(days, window.last + 1))
        return {name: column[first:last] for name, column in self._events.items()}

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
        return Episodes(begun["child"], start, end, away, begun["cause"], detail, self._setting(begun["child"], start, detail))

    def in_window(self, window: Window) -> Episodes:
        """Episodes that began in a window: official years go by the day of the start."""
        return self.episodes.where(window.holds(self.episodes.start))

    def _ends(self) -> Columns:
        both = [self.of(Event.RETURNED), self.of(Event.STILL_MISSING)]
        rows = {name: np.concatenate([part[name] for part in both]) for name in EVENT_COLUMNS}
        order = np.lexsort((rows["serial"], rows["day"], rows["child"]))
        return {name: column[order] for name, column in rows.items()}

    def _setting(self, child: NDArray, start: NDArray, detail: NDArray) -> NDArray[np.uint8]:
        """Setting of each child's last placement up to a day, 0 if not looked after."""
        placed = self.of(Event.PLACED)
        order = np.lexsort((placed["serial"], placed["day"], placed["child"]))
        keys, days, cause = placed["child"][order], placed["day"][order], placed["cause"][order]
        _, at = np.unique(np.concatenate((keys, child)), return_inverse=True)
        span = np.int64(1 << 24)  # more days than a run has
        moments = at[: len(keys)] * span + days
        last = np.searchsorted(moments, at[len(keys) :] * span + start, side="right") - 1
        known = (last >= 0) & ((detail & LOOKED_AFTER) > 0)
        known[known] = keys[last[known]] == child[known]
        setting = np.zeros(len(child), dtype=np.uint8)
        setting[known] = cause[last[known]]
        return setting


def _rank(child: NDArray) -> NDArray[np.int64]:
    """0, 1, 2 ... within each run of equal values."""
    index = np.arange(len(child))
    is_new = np.concatenate(([True], child[1:] != child[:-1]))[: len(child)]
    return index - np.maximum.accumulate(np.where(is_new, index, 0))
