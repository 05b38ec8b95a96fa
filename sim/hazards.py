"""When things happen: clocks for the many, spells for the few.

A spell begins with one Exp(1) draw, its *patience*, and ends on the first day on which the hazard added up since its
beginning has reached it (Sellke 1983): in daily steps this is exactly a chance of 1 - exp(-hazard) a day. A policy
changes the hazard and not the draw. When a hazard is multiplied by f, what is left of the patience lasts 1/f as long;
that rule stands here and nowhere else.

`Clock` serves rare things that may happen to anybody: the hazard of a child is its own multiplier times the hazard of a
group, so only the group's sum moves from day to day, and only children near their level are looked at.
`Spells` serves the few in an active stage, each with several competing hazards, and is swept daily.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.tables import NOBODY, FewColumn, FewFacts, portions

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

WINDOW = 90  # days of hazard that a shortlist covers; flat between 45 and 180 in measurements


class Clock:
    """A rare event that may happen to any child: due when the group's accumulated hazard reaches the child's level.

    `level` [hazard units, shape children] and `group` [shape children] are columns that belong to the children; a level of
    infinity means never. `rate` [per day, shape groups] is today's hazard of each group for a multiplier of 1.
    """

    def __init__(self, level: Floats, group: NDArray[np.integer], rate: Floats):
        self.level, self.group = level, group
        self.rate = rate.astype(np.float64)
        self.sum = np.zeros(len(rate))
        self.horizon = np.full(len(rate), -1.0)
        self._listed, self._rows, self._levels, self._groups = self._list(NOBODY)
        self._new: list[Rows] = []

    def begin(self, rows: Rows, patience: Floats, multiplier: Floats | float) -> None:
        """New spells for `rows` from now on, with their Exp(1) patience and own multiplier (0: it never happens)."""
        if not isinstance(multiplier, np.ndarray):
            multiplier = np.full(len(rows), multiplier)
        self._look_out_for(_begin(self.level, self.group, self.sum, self.horizon, rows, patience, multiplier))

    def stop(self, rows: Rows) -> None:
        """It cannot happen to `rows` until their next spell begins."""
        self.level[rows] = np.inf

    def multiply(self, rows: Rows, factors: Floats) -> None:
        """The hazard of each of `rows` is so many times what it was, from now on."""
        self._look_out_for(_multiply(self.level, self.group, self.sum, self.horizon, rows, factors))

    def left(self, rows: Rows) -> Floats:
        """Hazard still to be added up before it happens, per unit of multiplier."""
        return self.level[rows] - self.sum[self.group[rows]]

    def resume(self, rows: Rows, left: Floats) -> None:
        """Go on with spells that were interrupted with `left` to go."""
        self._set(rows, self.sum[self.group[rows]] + left)

    def moved(self, rows: Rows, before: NDArray[np.integer]) -> None:
        """`rows` have changed from group `before` to the one in the column; what is left of their patience is kept."""
        self._look_out_for(_move(self.level, self.group, self.sum, self.horizon, rows, before))

    def due(self) -> Rows:
        """Let a day's hazard pass; the rows to whom it happens today, ascending. Their levels become infinite."""
        if _pass_a_day(self.sum, self.rate, self.horizon):
            self._refresh()
        elif self._new:
            self._extend()
        rows = _reached(self._rows, self._levels, self._groups, self._listed, self.sum, self.level, self.group)
        rows.sort()
        return rows

    def _set(self, rows: Rows, level: Floats) -> None:
        self._look_out_for(_set(self.level, self.group, self.horizon, rows, level))

    def _look_out_for(self, near: Rows) -> None:
        """Rows whose new level is within the horizon join the shortlist."""
        if near.size:
            self._new.append(near)

    def _extend(self) -> None:
        new = np.concatenate(self._new)
        self._new.clear()
        end = self._listed + len(new)
        if end > len(self._rows):  # there is no more room: those who have left the list make some
            listed = self._rows[: self._listed]
            listed = np.concatenate((listed[self._levels[: self._listed] < np.inf], new))
            self._listed, self._rows, self._levels, self._groups = self._list(listed)
        else:
            self._rows[self._listed : end], self._levels[self._listed : end], self._groups[self._listed : end] = new, self.level[new], self.group[new]
            self._listed = end

    def _list(self, rows: Rows) -> tuple[int, Rows, Floats, NDArray[np.int64]]:
        """A shortlist: how many are on it; row, level and group of each, with room for a quarter more."""
        listed, room = len(rows), len(rows) + len(rows) // 4 + 64
        all_rows, levels, groups = np.empty(room, dtype=np.int64), np.empty(room), np.empty(room, dtype=np.int64)
        all_rows[:listed], levels[:listed], groups[:listed] = rows, self.level[rows], self.group[rows]
        return listed, all_rows, levels, groups

    def _refresh(self) -> None:
        """Make the shortlist anew: everybody who may be due within the window at today's rates."""
        self._new.clear()
        self.horizon = self.sum + self.rate * WINDOW
        near = [_near(self.level, self.group, self.horizon, part.start, part.stop) for part in portions(len(self.level))]
        self._listed, self._rows, self._levels, self._groups = self._list(np.concatenate(near) if near else NOBODY)


@njit(cache=True)
def _near(level, group, horizon, start, stop):
    """Rows from one to before another whose level is within the horizon of their group."""
    stop = min(stop, len(level))
    rows, number = np.empty(stop - start, dtype=np.int64), 0
    for row in range(start, stop):
        rows[number] = row
        number += level[row] <= horizon[group[row]]
    return rows[:number].copy()


@njit(cache=True)
def _pass_a_day(total, rate, horizon):
    """Add a day's hazard to each group's; whether any is past its horizon then."""
    past = False
    for group in range(len(total)):
        total[group] += rate[group]
        past |= total[group] > horizon[group]
    return past


@njit(cache=True)
def _reached(rows, levels, groups, listed, total, level, group):
    """Whose level is reached of those on the shortlist, without those whose level has changed since; they leave it: their level is infinite there."""
    hit, number = np.empty(listed, dtype=np.int64), 0
    for n in range(listed):
        if total[groups[n]] >= levels[n]:
            row, levels[n] = rows[n], np.inf
            if total[group[row]] >= level[row]:
                level[row] = np.inf
                hit[number] = row
                number += 1
    return hit[:number].copy()


@njit(cache=True)
def _set(level, group, horizon, rows, levels):
    """Give `rows` their levels; those that are within the horizon."""
    near, number = np.empty(len(rows), dtype=np.int64), 0
    for n in range(len(rows)):
        row = rows[n]
        level[row] = levels[n]
        if levels[n] <= horizon[group[row]]:
            near[number] = row
            number += 1
    return near[:number]


@njit(cache=True, error_model="numpy")
def _begin(level, group, total, horizon, rows, patience, multiplier):
    """As `_set`, for new spells; with a multiplier of 0 it never happens."""
    levels = np.empty(len(rows))
    for n in range(len(rows)):
        levels[n] = total[group[rows[n]]] + patience[n] / multiplier[n]
    return _set(level, group, horizon, rows, levels)


@njit(cache=True)
def _multiply(level, group, total, horizon, rows, factors):
    """As `_set`, where what is left lasts 1/factor as long."""
    levels = np.empty(len(rows))
    for n in range(len(rows)):
        now = total[group[rows[n]]]
        levels[n] = now + (level[rows[n]] - now) / factors[n]
    return _set(level, group, horizon, rows, levels)


@njit(cache=True)
def _move(level, group, total, horizon, rows, before):
    """As `_set`, where what is left is the same in another group."""
    levels = np.empty(len(rows))
    for n in range(len(rows)):
        levels[n] = level[rows[n]] + (total[group[rows[n]]] - total[before[n]])
    return _set(level, group, horizon, rows, levels)


class Spells(FewFacts):
    """The few in an active stage, each under several competing hazards.

    `causes` names the ways a spell can end. A child whose spell ends by one cause keeps what is left of the others, until
    its keeper renews or removes it. A cause that is not at work has hazard 0 and infinite patience.
    """

    def __init__(self, slot: FewColumn, causes: tuple[str, ...], **dtypes: Any):
        super().__init__(slot, **dtypes)
        self.causes = causes
        self.left = np.full((len(self.rows), len(causes)), np.inf)
        self.hazard = np.zeros((len(self.rows), len(causes)))

    def _grow(self) -> None:
        self.left = np.concatenate((self.left, np.full_like(self.left, np.inf)))
        self.hazard = np.concatenate((self.hazard, np.zeros_like(self.hazard)))
        super()._grow()

    def remove(self, rows: Rows) -> None:
        """Let `rows` go; those who are not in are passed over."""
        self.stop(rows)
        super().remove(rows)

    def begin(self, rows: Rows, cause: int, patience: Floats | float, hazard: Floats | float) -> None:
        """New spells under one cause, with their Exp(1) patience and hazard [per day]."""
        at = self.slot[rows]
        self.left[at, cause] = patience
        self.hazard[at, cause] = hazard

    def stop(self, rows: Rows, cause: int | None = None) -> None:
        """The cause (without one: no cause) can end the spells of `rows`; those who are not in are passed over."""
        first, end = (0, len(self.causes)) if cause is None else (cause, cause + 1)
        _stop(self.left, self.hazard, self.slot[rows], first, end)

    def change(self, rows: Rows, cause: int, hazard: Floats | float) -> None:
        """The hazard [per day] of `rows` under one cause, from now on; what is left of the patience is kept."""
        self.hazard[self.slot[rows], cause] = hazard

    def multiply(self, rows: Rows, cause: int, factor: Floats) -> None:
        """The hazard under one cause is `factor` times what it was, for those of `rows` who are in."""
        _times(self.hazard, self.slot[rows], cause, factor)

    def due(self, paused: NDArray[np.bool_]) -> tuple[Rows, NDArray[np.int64]]:
        """Let a day's hazard pass; the rows whose spell ends today, ascending, with the cause of each.

        `paused` [shape of `self.rows`] tells of those to whom nothing can happen today: their patience does not run.
        Where two causes are due on one day, the one that came first within the day (least left over hazard) counts.
        """
        hit, cause = _run_down(self.left, self.hazard, paused)
        if not hit.size:
            return NOBODY, NOBODY
        rows = self.rows[hit]
        order = rows.argsort()
        return rows[order], cause[order]


@njit(cache=True)
def _stop(left, hazard, slots, first, end):
    """Causes from one to before another are at work no more in some slots; -1 is no slot."""
    for slot in slots:
        if slot >= 0:
            left[slot, first:end], hazard[slot, first:end] = np.inf, 0.0


@njit(cache=True)
def _times(hazard, slots, cause, factor):
    """The hazard under one cause is so many times what it was in some slots; -1 is no slot."""
    for n in range(len(slots)):
        if slots[n] >= 0:
            hazard[slots[n], cause] *= factor[n]


@njit(cache=True)
def _run_down(left, hazard, paused):
    """Let a day's hazard pass for all slots but the paused; those that end, and by which cause. What ended is at work no more."""
    slots, causes = np.empty(len(left), dtype=np.int64), np.empty(len(left), dtype=np.int64)
    ended = 0
    for slot in range(len(left)):
        if paused[slot]:
            continue
        first, soonest = -1, np.inf
        for cause in range(left.shape[1]):
            left[slot, cause] -= hazard[slot, cause]
            if left[slot, cause] <= 0.0 and hazard[slot, cause] > 0.0 and left[slot, cause] / hazard[slot, cause] < soonest:
                first, soonest = cause, left[slot, cause] / hazard[slot, cause]
        if first >= 0:
            left[slot, first], hazard[slot, first] = np.inf, 0.0
            slots[ended], causes[ended] = slot, first
            ended += 1
    return slots[:ended], causes[:ended]
