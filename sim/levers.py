"""Levers: the handles by which policies, and mechanisms among themselves, take hold of a hazard.

A mechanism declares the levers it offers and says what happens when one is moved. Whoever holds a lever for a child does so
under its own name, at a multiplier, until a day. Several holds multiply. A hold at 1 changes not one bit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
ALWAYS = 1 << 30  # the day on which a hold without end is released


@dataclass(frozen=True)
class Lever:
    """A handle on one multiplier of a child's life; `doc` says what it multiplies."""

    name: str
    doc: str


class Levers:
    """Who holds which lever, for whom, at what, until when."""

    def __init__(self):
        self._holds: dict[str, dict[int, dict[str, tuple[float, int]]]] = defaultdict(dict)
        self._ends: dict[int, dict[tuple[str, str], list[int]]] = defaultdict(dict)
        self._listeners: dict[str, list[Callable]] = defaultdict(list)
        self._held_by: Counter[tuple[str, str]] = Counter()

    def when_moved(self, lever: Lever, listener: Callable[[Rows, NDArray[np.float64]], None]) -> None:
        """`listener(rows, factors)` is called when the multiplier of `rows` changes by `factors`. Give a bound method."""
        self._listeners[lever.name].append(listener)

    def hold(self, lever: Lever, rows: Rows, *, at: float | NDArray[np.float64], until: int | NDArray[np.integer], by: str) -> None:
        """Hold `lever` for `rows` (each once) at a multiplier until the morning of day `until`; an earlier hold by the same name ends.

        Raises ValueError for a multiplier that is not above 0: a hazard that is switched off could not be switched on again.
        """
        children = rows.tolist()
        values = at.tolist() if isinstance(at, np.ndarray) else [float(at)] * len(children)
        days = until.tolist() if isinstance(until, np.ndarray) else [until] * len(children)
        if not all(value > 0 for value in values):
            raise ValueError(f"lever {lever.name} held at {min(values)} by {by}; a multiplier is above 0")
        holds, changed, factors, new = self._holds[lever.name], [], [], 0
        for row, value, day in zip(children, values, days, strict=True):
            mine = holds.get(row)
            before = _product(mine) if mine else 1.0
            if mine is None:
                mine = holds[row] = {}
            new += by not in mine
            mine[by] = (value, day)
            if day < ALWAYS:
                self._ends[day].setdefault((lever.name, by), []).append(row)
            after = _product(mine)
            if after != before:
                changed.append(row)
                factors.append(after / before)
        self._held_by[lever.name, by] += new
        self._tell(lever.name, changed, factors)

    def release(self, lever: Lever, rows: Rows, by: str) -> None:
        """Let go of `lever` for `rows`; where `by` does not hold it, nothing happens."""
        self._let_go(lever.name, rows.tolist(), by, None)

    def change(self, lever: Lever, rows: Rows, *, at: float | NDArray[np.float64], by: str) -> None:
        """What `by` holds for `rows` is at another multiplier from now on, until the same day; where it holds nothing, nothing happens."""
        holds = self._holds[lever.name]
        mine = [by in holds.get(row, ()) for row in rows.tolist()]
        rows, values = rows[mine], np.broadcast_to(at, len(mine))[mine]
        self.hold(lever, rows, at=values, until=np.array([holds[row][by][1] for row in rows.tolist()], dtype=np.int64), by=by)

    def release_due(self, day: int, gone: Rows) -> None:
        """Release what was held until this day; of those who have gone everything is forgotten, and no mechanism is told."""
        for name, holds in self._holds.items():
            for row in gone.tolist():
                for by in holds.pop(row, ()):
                    self._held_by[name, by] -= 1
        for (name, by), rows in self._ends.pop(day, {}).items():
            self._let_go(name, rows, by, day)

    def value(self, lever: Lever, rows: Rows) -> NDArray[np.float64]:
        """The multiplier of each of `rows`, 1 where nobody holds the lever."""
        holds = self._holds[lever.name]
        if not holds:
            return np.ones(len(rows))
        return np.array([_product(holds[row]) if row in holds else 1.0 for row in rows.tolist()], dtype=np.float64)

    def held(self, lever: Lever, rows: Rows) -> NDArray[np.float64] | None:
        """As `value`, or None where nobody holds the lever for anybody (the usual case, and quick)."""
        return self.value(lever, rows) if self._holds[lever.name] else None

    def number_held(self, name: str, by: str) -> int:
        """For how many children somebody holds a lever today."""
        return self._held_by.get((name, by), 0)

    def holders(self, lever: Lever, row: int) -> dict[str, float]:
        """Who holds the lever for one child, and at what."""
        return {by: at for by, (at, _) in self._holds[lever.name].get(row, {}).items()}

    def _let_go(self, name: str, rows: list[int], by: str, day: int | None) -> None:
        """`by` lets go; with a day, only of what it holds until that day (a hold may have been renewed since)."""
        holds, changed, factors = self._holds[name], [], []
        for row in rows:
            mine = holds.get(row)
            if mine is None or by not in mine or (day is not None and mine[by][1] != day):
                continue
            before = _product(mine)
            del mine[by]
            after = _product(mine)
            if not mine:
                del holds[row]
            self._held_by[name, by] -= 1
            if after != before:
                changed.append(row)
                factors.append(after / before)
        self._tell(name, changed, factors)

    def _tell(self, name: str, rows: list[int], factors: list[float]) -> None:
        if rows:
            for listener in self._listeners[name]:
                listener(np.array(rows, dtype=np.int64), np.array(factors))


def _product(holds: dict[str, tuple[float, int]]) -> float:
    """All holds together: by name, so that the order of arrival leaves no trace."""
    if len(holds) == 1:
        return next(iter(holds.values()))[0]
    product = 1.0
    for by in sorted(holds):
        product *= holds[by][0]
    return product


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

    def towards(self, level: float | NDArray[np.float64], share: float) -> NDArray[np.float64]:
        """Multipliers that close a share of the gap between today's value and a level [shape authorities]; nothing multiplies 0."""
        here = self.now > 0.0
        return 1.0 + share * (np.divide(level, self.now, out=np.ones_like(self.now), where=here) - 1.0)

    def _turn(self) -> None:
        self.now = self.usual.copy()
        for by in sorted(self._holds):
            self.now *= self._holds[by]
