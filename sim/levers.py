"""Levers: the handles by which policies, and mechanisms among themselves, take hold of a hazard.

A mechanism declares the levers it offers and says what happens when one is moved. Whoever holds a lever for a child does so
under its own name, at a multiplier, until a day. Several holds multiply. A hold at 1 changes not one bit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.tables import NOBODY, FewFacts, Rows, union

ALWAYS = 1 << 30  # the day on which a hold without end is released


@dataclass(frozen=True)
class Lever:
    """A handle on one multiplier of a child's life; `doc` says what it multiplies."""

    name: str
    doc: str


class Levers:
    """Who holds which lever, for whom, at what, until when.

    Children for whom anything is held are in a small table, `slot` telling where. It has, for each lever, what all holds together make of
    it; and for each who holds it the multiplier (0: not held) and the day.
    """

    def __init__(self, slot: NDArray[np.int32]):
        self.table = FewFacts(slot, holds=np.int32)  # of each child, over all levers
        self._room = len(self.table.rows)  # of the columns
        self._product: dict[str, NDArray[np.float64]] = {}
        self._at: dict[str, dict[str, NDArray[np.float64]]] = defaultdict(dict)  # by lever, by holder
        self._until: dict[str, dict[str, NDArray[np.int32]]] = defaultdict(dict)
        self._ends: dict[int, dict[tuple[str, str], list[Rows]]] = {}
        self._listeners: dict[str, list[Callable]] = defaultdict(list)
        self._held_by: Counter[tuple[str, str]] = Counter()

    def when_moved(self, lever: Lever, listener: Callable[[Rows, NDArray[np.float64]], None]) -> None:
        """`listener(rows, factors)` is called when the multiplier of `rows` changes by `factors`. Give a bound method."""
        self._listeners[lever.name].append(listener)

    def hold(self, lever: Lever, rows: Rows, *, at: float | NDArray[np.float64], until: int | NDArray[np.integer], by: str) -> None:
        """Hold `lever` for `rows` (each once) at a multiplier until the morning of day `until`; an earlier hold by the same name ends.

        Raises ValueError for a multiplier that is not above 0: a hazard that is switched off could not be switched on again.
        """
        if not len(rows):
            return
        if not np.min(at) > 0.0:  # nor NaN
            raise ValueError(f"lever {lever.name} held at {np.min(at)} by {by}; a multiplier is above 0")
        slots = self._slots(rows)
        self._make_room(lever.name, by)
        mine = self._at[lever.name][by]
        new = mine[slots] == 0.0
        self.table.holds[slots] += new
        self._held_by[lever.name, by] += int(np.count_nonzero(new))
        mine[slots], self._until[lever.name][by][slots] = at, until
        self._remember(lever.name, by, rows, until)
        self._tell(lever.name, rows, slots)

    def change(self, lever: Lever, rows: Rows, *, at: float | NDArray[np.float64], by: str) -> None:
        """What `by` holds for `rows` is at another multiplier from now on, until the same day; where it holds nothing, nothing happens."""
        slots, mine = self.table.slot[rows], self._at.get(lever.name, {}).get(by)
        if mine is not None:
            held = (slots >= 0) & (mine[slots] > 0.0)
            if held.any():
                mine[slots[held]] = np.broadcast_to(at, len(rows))[held]
                self._tell(lever.name, rows[held], slots[held])

    def release(self, lever: Lever, rows: Rows, by: str) -> None:
        """Let go of `lever` for `rows`; where `by` does not hold it, nothing happens."""
        self._let_go(lever.name, rows, by, None)

    def release_due(self, day: int, gone: Rows = NOBODY) -> None:
        """Release what was held until this day; of those who have gone everything is forgotten, and no mechanism is told."""
        slots = self.table.slot[gone]
        slots = slots[slots >= 0]
        if slots.size:
            for name, holders in self._at.items():
                for by, at in holders.items():
                    self._held_by[name, by] -= int(np.count_nonzero(at[slots]))
            self._forget(slots)
        for (name, by), parts in self._ends.pop(day, {}).items():
            self._let_go(name, union(*parts), by, day)

    def value(self, lever: Lever, rows: Rows) -> NDArray[np.float64]:
        """The multiplier of each of `rows`, 1 where nobody holds the lever."""
        product = self._product.get(lever.name)
        if product is None:
            return np.ones(len(rows))
        slots = self.table.slot[rows]
        return np.where(slots >= 0, product[slots], 1.0)

    def number_held(self, name: str, by: str) -> int:
        """For how many children somebody holds a lever today."""
        return self._held_by.get((name, by), 0)

    def held_by(self, by: str) -> set[str]:
        """Names of the levers that somebody holds or has held in this run."""
        return {name for name, who in self._held_by if who == by}

    def holders(self, lever: Lever, row: int) -> dict[str, float]:
        """Who holds the lever for one child, and at what."""
        slot = int(self.table.slot[row])
        return {by: float(at[slot]) for by, at in self._at.get(lever.name, {}).items() if slot >= 0 and at[slot] > 0.0}

    # -- the table -----------------------------------------------------------------------------------------------------------

    def _slots(self, rows: Rows) -> Rows:
        slots = self.table.slot[rows].astype(np.int64)
        new = slots < 0
        if new.any():
            slots[new] = self.table.add(rows[new])
        return slots

    def _make_room(self, name: str, by: str) -> None:
        """Columns as long as the table: for this lever and holder, and where the table has grown for all."""
        if (room := len(self.table.rows)) > self._room:
            self._room = room
            for lever in self._product:
                self._product[lever] = _longer(self._product[lever], room, 1.0)
                for holder in self._at[lever]:
                    self._at[lever][holder] = _longer(self._at[lever][holder], room, 0.0)
                    self._until[lever][holder] = _longer(self._until[lever][holder], room, 0)
        if name not in self._product:
            self._product[name] = np.ones(room)
        if by not in self._at[name]:
            self._at[name][by], self._until[name][by] = np.zeros(room), np.zeros(room, dtype=np.int32)
            self._at[name] = dict(sorted(self._at[name].items()))  # so that the order of arrival leaves no trace in a product

    def _remember(self, name: str, by: str, rows: Rows, until: int | NDArray[np.integer]) -> None:
        """On which day these holds end."""
        if isinstance(until, np.ndarray):
            for day in np.unique(until).tolist():
                self._remember(name, by, rows[until == day], day)
        elif until < ALWAYS:
            self._ends.setdefault(until, {}).setdefault((name, by), []).append(rows)

    def _let_go(self, name: str, rows: Rows, by: str, day: int | None) -> None:
        """`by` lets go; with a day, only of what it holds until that day (a hold may have been renewed since)."""
        mine = self._at.get(name, {}).get(by)
        if mine is None or not len(rows):
            return
        slots = self.table.slot[rows]
        held = (slots >= 0) & (mine[slots] > 0.0)
        if day is not None:
            held &= self._until[name][by][slots] == day
        rows, slots = rows[held], slots[held]
        if rows.size:
            mine[slots] = 0.0
            self._held_by[name, by] -= rows.size
            self.table.holds[slots] -= 1
            self._tell(name, rows, slots)
            self._forget(slots[self.table.holds[slots] == 0])

    def _forget(self, slots: Rows) -> None:
        if slots.size:
            for name, holders in self._at.items():
                self._product[name][slots] = 1.0
                for at in holders.values():
                    at[slots] = 0.0
            self.table.remove(self.table.rows[slots])

    def _tell(self, name: str, rows: Rows, slots: Rows) -> None:
        """All holds of a lever together, by name; whoever listens hears for whom that has changed, and by how much."""
        product = self._product[name]
        after = np.ones(len(rows))
        for by, at in self._at[name].items():
            if self._held_by[name, by]:
                mine = at[slots]
                after *= np.where(mine > 0.0, mine, 1.0)
        changed = after != product[slots]
        if changed.any():
            rows, factors = rows[changed], after[changed] / product[slots][changed]
            product[slots] = after
            for listener in self._listeners[name]:
                listener(rows, factors)


def _longer(column: NDArray[Any], room: int, default: float) -> NDArray[Any]:
    return np.concatenate((column, np.full(room - len(column), default, dtype=column.dtype)))


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

    def towards(self, level: float | NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """Multipliers that close a share of the gap between today's value and a level [shape authorities]; nothing multiplies 0."""
        here = self.now > 0.0
        return 1.0 + share * (np.divide(level, self.now, out=np.ones_like(self.now), where=here) - 1.0)

    def _turn(self) -> None:
        self.now = self.usual.copy()
        for by in sorted(self._holds):
            self.now *= self._holds[by]
