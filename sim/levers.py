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
        self._ends: dict[int, list[tuple[str, str, list[int]]]] = defaultdict(list)
        self._listeners: dict[str, list[Callable]] = defaultdict(list)
        self._held_by: Counter[tuple[str, str]] = Counter()

    def when_moved(self, lever: Lever, listener: Callable[[Rows, NDArray[np.float64]], None]) -> None:
        """`listener(rows, factors)` is called when the multiplier of `rows` changes by `factors`. Give a bound method."""
        self._listeners[lever.name].append(listener)

    def hold(self, lever: Lever, rows: Rows, *, at: float | NDArray[np.float64], until: int, by: str) -> None:
        """Hold `lever` for `rows` at a multiplier until the morning of day `until`; an earlier hold by the same name ends.

        Raises ValueError for a multiplier that is not above 0: a hazard that is switched off could not be switched on again.
        """
        if not len(rows):
            return
        values = np.broadcast_to(np.asarray(at, dtype=np.float64), rows.shape)
        if not (values > 0).all():
            raise ValueError(f"lever {lever.name} held at {values.min()} by {by}; a multiplier is above 0")
        holds = self._holds[lever.name]
        before = [self._product(holds.get(row)) for row in rows.tolist()]
        for row, value in zip(rows.tolist(), values.tolist(), strict=True):
            mine = holds.setdefault(row, {})
            self._held_by[lever.name, by] += by not in mine
            mine[by] = (value, until)
        if until < ALWAYS:
            self._ends[until].append((lever.name, by, rows.tolist()))
        self._tell(lever.name, rows.tolist(), before)

    def release(self, lever: Lever, rows: Rows, by: str) -> None:
        """Let go of `lever` for `rows`; where `by` does not hold it, nothing happens."""
        self._let_go(lever.name, rows.tolist(), by, None)

    def release_due(self, day: int) -> None:
        """Release what was held until this day."""
        for name, by, rows in self._ends.pop(day, ()):
            self._let_go(name, rows, by, day)

    def value(self, lever: Lever, rows: Rows) -> NDArray[np.float64]:
        """The multiplier of each of `rows`, 1 where nobody holds the lever."""
        holds = self._holds[lever.name]
        if not holds:
            return np.ones(len(rows))
        return np.array([self._product(holds.get(row)) for row in rows.tolist()], dtype=np.float64)

    def held(self, lever: Lever, rows: Rows) -> NDArray[np.float64] | None:
        """As `value`, or None where nobody holds the lever for anybody (the usual case, and quick)."""
        return self.value(lever, rows) if self._holds[lever.name] else None

    def number_held(self, name: str, by: str) -> int:
        """For how many children somebody holds a lever today."""
        return self._held_by.get((name, by), 0)

    def holders(self, lever: Lever, row: int) -> dict[str, float]:
        """Who holds the lever for one child, and at what."""
        return {by: at for by, (at, _) in self._holds[lever.name].get(row, {}).items()}

    @staticmethod
    def _product(holds: dict[str, tuple[float, int]] | None) -> float:
        product = 1.0
        if holds:
            for by in sorted(holds):  # by name, so that the order of arrival leaves no trace
                product *= holds[by][0]
        return product

    def _let_go(self, name: str, rows: list[int], by: str, day: int | None) -> None:
        holds = self._holds[name]
        rows = [row for row in rows if by in holds.get(row, ()) and (day is None or holds[row][by][1] == day)]
        if not rows:
            return
        before = [self._product(holds[row]) for row in rows]
        self._held_by[name, by] -= len(rows)
        for row in rows:
            del holds[row][by]
            if not holds[row]:
                del holds[row]
        self._tell(name, rows, before)

    def _tell(self, name: str, rows: list[int], before: list[float]) -> None:
        holds = self._holds[name]
        changed, factors = [], []
        for row, old in zip(rows, before, strict=True):
            new = self._product(holds.get(row))
            if new != old:
                changed.append(row)
                factors.append(new / old)
        if changed:
            for listener in self._listeners[name]:
                listener(np.array(changed, dtype=np.int64), np.array(factors))
