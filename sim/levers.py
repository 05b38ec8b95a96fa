"""Levers: the handles by which policies, and mechanisms among themselves, take hold of a hazard.

A mechanism declares the levers it offers and says what happens when one is moved. Whoever holds a lever for a child does so
under its own name, at a multiplier, until a day. Several holds multiply. A hold at 1 changes not one bit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.tables import NOBODY, FewColumn, FewFacts, Rows, union

ALWAYS = 1 << 30  # the day on which a hold without end is released


@dataclass(frozen=True)
class Lever:
    """A handle on one multiplier of a child's life; `doc` says what it multiplies."""

    name: str
    doc: str


class Levers:
    """Who holds which lever, for whom, at what, until when.

    Children for whom anything is held are in a small table, `slot` telling where.
    """

    def __init__(self, slot: FewColumn):
        self.table = FewFacts(slot, holds=np.int32)  # how many, of each child, over all levers
        self._levers: dict[str, _Holds] = {}
        self._ends: dict[int, dict[tuple[str, str], list[int]]] = defaultdict(_lists)  # day to what is held until then, by whom, for whom
        self._listeners: dict[str, list[Callable]] = defaultdict(list)

    def when_moved(self, lever: Lever, listener: Callable[[Rows, NDArray[np.float64]], None]) -> None:
        """`listener(rows, factors)` is called when the multiplier of `rows` changes by `factors`. Give a bound method."""
        self._listeners[lever.name].append(listener)

    def hold(self, lever: Lever, rows: Rows, *, at: float | NDArray[np.float64], until: int | NDArray[np.integer], by: str) -> None:
        """Hold `lever` for `rows` (each once) at a multiplier until the morning of day `until`; an earlier hold by the same name ends.

        Raises ValueError for a multiplier that is not above 0: a hazard that is switched off could not be switched on again.
        """
        if not len(rows):
            return
        least = at.min() if isinstance(at, np.ndarray) else at
        if not least > 0.0:  # nor NaN
            raise ValueError(f"lever {lever.name} held at {least} by {by}; a multiplier is above 0")
        slots = self.table.slot[rows]
        new = slots < 0
        if np.count_nonzero(new):
            slots[new] = self.table.add(rows[new])
        holds = self._levers.setdefault(lever.name, _Holds())
        holds.make_room(len(self.table.rows))
        who = holds.number(by)
        holds.children[who] += _begin(holds.until[who], self.table.holds, slots)
        holds.at[who, slots], holds.until[who, slots] = at, until
        self._remember(lever.name, by, rows, until)
        self._tell(lever.name, holds, rows, slots)

    def change(self, lever: Lever, rows: Rows, *, at: float | NDArray[np.float64], by: str) -> None:
        """What `by` holds for `rows` is at another multiplier from now on, until the same day; where it holds nothing, nothing happens."""
        rows, slots, holds, who, held = self._held(lever.name, rows, by)
        if rows.size:
            holds.at[who, slots] = np.broadcast_to(at, len(held))[held]
            self._tell(lever.name, holds, rows, slots)

    def release(self, lever: Lever, rows: Rows, by: str) -> None:
        """Let go of `lever` for `rows`; where `by` does not hold it, nothing happens."""
        self._let_go(lever.name, rows, by)

    def release_due(self, day: int, gone: Rows = NOBODY) -> None:
        """Release what was held until this day; of those who have gone everything is forgotten, and no mechanism is told."""
        if gone.size:
            slots = self.table.slot[gone]
            slots = slots[slots >= 0]
            if slots.size:
                for holds in self._levers.values():
                    holds.forget(slots)
                self.table.remove(gone)
        for (name, by), rows in self._ends.pop(day, {}).items():
            self._let_go(name, union(np.array(rows)), by, day)

    def value(self, lever: Lever, rows: Rows) -> NDArray[np.float64]:
        """The multiplier of each of `rows`, 1 where nobody holds the lever."""
        holds = self._levers.get(lever.name)
        if holds is None:
            return np.ones(len(rows))
        return _products(holds.product, self.table.slot[rows])

    def number_held(self, name: str, by: str) -> int:
        """For how many children somebody holds a lever today."""
        holds = self._levers.get(name)
        return holds.children[holds.by.index(by)] if holds and by in holds.by else 0

    def held_by(self, by: str) -> set[str]:
        """Names of the levers that somebody holds or has held in this run."""
        return {name for name, holds in self._levers.items() if by in holds.by}

    def holders(self, lever: Lever, row: int) -> dict[str, float]:
        """Who holds the lever for one child, and at what."""
        slot, holds = int(self.table.slot[row]), self._levers.get(lever.name)
        if slot < 0 or holds is None or slot >= holds.room:
            return {}
        return {by: float(holds.at[who, slot]) for who, by in enumerate(holds.by) if holds.until[who, slot]}

    def _held(self, name: str, rows: Rows, by: str) -> tuple[Rows, NDArray[Any], _Holds, int, NDArray[np.bool_]]:
        """Those of `rows` for whom `by` holds the lever, their slots, the lever's holds, the number of the holder, and who of `rows` they are."""
        holds = self._levers.get(name)
        if holds is None or by not in holds.by or not len(rows):
            return NOBODY, NOBODY, _Holds(), 0, np.zeros(len(rows), dtype=bool)
        who, slots = holds.by.index(by), self.table.slot[rows]
        held = (slots >= 0) & (slots < holds.room) & (holds.until[who].take(slots, mode="clip") > 0)
        return rows[held], slots[held], holds, who, held

    def _remember(self, name: str, by: str, rows: Rows, until: int | NDArray[np.integer]) -> None:
        """On which day these holds end."""
        days = until.tolist() if isinstance(until, np.ndarray) else [until] * len(rows)
        for row, day in zip(rows.tolist(), days, strict=True):
            if day < ALWAYS:
                self._ends[day][name, by].append(row)

    def _let_go(self, name: str, rows: Rows, by: str, day: int = 0) -> None:
        """`by` lets go; with a day, only of what it holds until that day (a hold may have been renewed since)."""
        holds = self._levers.get(name)
        if holds is None or by not in holds.by:
            return
        who = holds.by.index(by)
        rows, slots = _let_go(rows, self.table.slot[rows], holds.at[who], holds.until[who], self.table.holds, day)
        if not rows.size:
            return
        holds.children[who] -= rows.size
        self._tell(name, holds, rows, slots)
        self.table.remove(rows[self.table.holds[slots] == 0])

    def _tell(self, name: str, holds: _Holds, rows: Rows, slots: NDArray[Any]) -> None:
        """Whoever listens hears for whom the multiplier has changed, and by how much."""
        changed, factors = _renew(holds.product, holds.at, slots)
        if changed.size:
            rows = rows[changed]
            for listener in self._listeners[name]:
                listener(rows, factors)


def _lists() -> dict[tuple[str, str], list[int]]:
    return defaultdict(list)


@njit(cache=True)
def _begin(until, holds, slots):
    """In which of `slots` somebody holds nothing yet: there, one hold more. How many they are."""
    number = 0
    for slot in slots:
        if until[slot] == 0:
            holds[slot] += 1
            number += 1
    return number


@njit(cache=True)
def _let_go(rows, slots, at, until, holds, day):
    """Somebody lets go for those of `rows` for whom it holds the lever (with a day: until then). They, and their slots."""
    number = 0
    rows, slots = rows.copy(), slots.astype(np.int64)
    for n in range(len(rows)):
        slot = slots[n]
        if 0 <= slot < len(until) and until[slot] > 0 and (day == 0 or until[slot] == day):
            at[slot], until[slot] = 1.0, 0
            holds[slot] -= 1
            rows[number], slots[number] = rows[n], slot
            number += 1
    return rows[:number], slots[:number]


@njit(cache=True)
def _products(product, slots):
    """The product of what is held in each of some slots; 1 where there is no slot, or none yet."""
    out = np.ones(len(slots))
    for n in range(len(slots)):
        if 0 <= slots[n] < len(product):
            out[n] = product[slots[n]]
    return out


@njit(cache=True)
def _renew(product, at, slots):
    """Multiply what is held in `slots` anew; where that changes the product, and by what factor."""
    changed, factors = np.empty(len(slots), dtype=np.int64), np.empty(len(slots))
    number = 0
    for n in range(len(slots)):
        slot = slots[n]
        after = 1.0
        for who in range(at.shape[0]):
            after *= at[who, slot]
        if after != product[slot]:
            changed[number], factors[number] = n, after / product[slot]
            product[slot] = after
            number += 1
    return changed[:number], factors[:number]


class _Holds:
    """All holds of one lever: holders in the order of their names, so that the order of arrival leaves no trace in a product."""

    def __init__(self):
        self.by: list[str] = []
        self.children: list[int] = []  # for how many each holds the lever today
        self.room = 0
        self.at = np.ones((0, 0))  # the multiplier, by holder and slot; 1 where it is not held
        self.until = np.zeros((0, 0), dtype=np.int32)  # 0 where it is not held
        self.product = np.ones(0)

    def number(self, by: str) -> int:
        """The row of a holder, a new one if need be."""
        if by not in self.by:
            who = sum(other < by for other in self.by)
            self.by.insert(who, by)
            self.children.insert(who, 0)
            self.at, self.until = np.insert(self.at, who, 1.0, axis=0), np.insert(self.until, who, 0, axis=0)
        return self.by.index(by)

    def make_room(self, room: int) -> None:
        """Columns for so many slots."""
        if room > self.room:
            more, self.room = ((0, 0), (0, room - self.room)), room
            self.at, self.until = np.pad(self.at, more, constant_values=1.0), np.pad(self.until, more)
            self.product = np.pad(self.product, more[1], constant_values=1.0)

    def forget(self, slots: NDArray[Any]) -> None:
        """Nobody holds it any more for the children in these slots."""
        slots = slots[slots < self.room]
        for who, number in enumerate(np.count_nonzero(self.until[:, slots], axis=1).tolist()):
            self.children[who] -= number
        self.at[:, slots], self.until[:, slots], self.product[slots] = 1.0, 0, 1.0


class Dial:
    """A number of each authority that policies may change: its usual value, times what each holder makes of it.

    Read it as an array, `dial[places]`. A hold at 1 changes not one bit, and who lets go leaves no trace.
    """

    def __init__(self, usual: NDArray[np.float64]):
        self.usual = usual
        self.now = usual.copy()
        self._holds: dict[str, NDArray[np.float64]] = {}

    def __getitem__(self, places):
        return self.now[places]

    def hold(self, places: list[int], times: float | NDArray[np.float64], by: str) -> None:
        """In `places` the number is so many times what it is otherwise; an earlier hold by the same name ends."""
        mine = np.ones_like(self.usual)
        mine[places] = times
        self._holds[by] = mine
        self._turn()

    def release(self, by: str) -> None:
        """`by` lets go of it everywhere."""
        self._holds.pop(by, None)
        self._turn()

    def held_at(self, by: str) -> NDArray[np.float64]:
        """What one holder makes of the number: a multiplier for each authority, 1 where it does nothing."""
        return self._holds.get(by, np.ones_like(self.usual))

    def without(self, by: str) -> NDArray[np.float64]:
        """Today's value in each authority, but for one holder."""
        value = self.usual.copy()
        for other in sorted(self._holds):
            if other != by:
                value *= self._holds[other]
        return value

    def towards(self, level: float | NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """Multipliers that close a share of the gap between today's value and a level [shape authorities]; nothing multiplies 0."""
        here = self.now > 0.0
        return 1.0 + share * (np.divide(level, self.now, out=np.ones_like(self.now), where=here) - 1.0)

    def _turn(self) -> None:
        self.now = self.usual.copy()
        for by in sorted(self._holds):
            self.now *= self._holds[by]
