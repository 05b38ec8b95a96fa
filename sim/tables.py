"""Facts that only a few children need, in small tables keyed by a column of the children."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from types import SimpleNamespace
from typing import Any

import numpy as np
from numba import njit
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

Rows = NDArray[np.int64]
ROOM = 64  # rows that a table starts with; it doubles as needed
NOBODY: Rows = np.empty(0, dtype=np.int64)
PORTION = 1 << 17  # children who are looked at together; what is done for everybody needs memory for so many only


def portions(number: int, size: int = PORTION) -> Iterator[slice]:
    """Slices that cover a number of items, each of `size` at most."""
    for begin in range(0, number, size):
        yield slice(begin, begin + size)


def by_portions(method: Callable[[Any, Rows], None]) -> Callable[[Any, Rows], None]:
    """A method that is given rows, called portion by portion: the same for each child, in less memory."""

    @wraps(method)
    def called(self, rows: Rows) -> None:
        for part in portions(len(rows)):
            method(self, rows[part])

    return called


def union(*parts: Rows) -> Rows:
    """The rows of all parts, ascending, each once."""
    if len(parts) > 1:
        parts = tuple(part for part in parts if part.size) or parts[:1]
    rows = np.concatenate(parts) if len(parts) > 1 else parts[0].copy()
    if len(rows) < 2:
        return rows
    rows.sort()
    return rows[: _each_once(rows)]


@njit(cache=True)
def _each_once(rows):
    """Move the first of equals among ascending `rows` to the front; how many there are."""
    number = 1
    for i in range(1, len(rows)):
        if rows[i] != rows[number - 1]:
            rows[number] = rows[i]
            number += 1
    return number


def is_in(rows: Rows, others: Rows) -> NDArray[np.bool_]:
    """Which of `rows` are among `others`, which are ascending."""
    if not others.size:
        return np.zeros(len(rows), dtype=bool)
    return others.take(others.searchsorted(rows), mode="clip") == rows


class Few:
    """The children of whom anything is true that is not true of most: one column of all children, `entry`, leads to what is.

    Most children share entry 0, which holds the usual values, so a further fact about the few costs no memory for them.
    """

    def __init__(self, children: int):
        self.entry = np.zeros(children, dtype=np.int64)  # in the type by which numpy looks up fast
        self.entries = 1
        self.columns: list[NDArray[Any]] = []  # by entry

    def column(self, dtype: Any, usual: Any) -> FewColumn:
        """One more fact."""
        self.columns.append(np.full(max(ROOM, self.entries), usual, dtype=dtype))
        return FewColumn(self, len(self.columns) - 1)

    def enter(self, rows: Rows) -> None:
        """An entry of its own for each of `rows` (each once) that has none yet."""
        entries = _enter(self.entry, rows, self.entries)
        if entries == self.entries:
            return
        self.entries = entries
        for n, column in enumerate(self.columns):
            if self.entries > len(column):
                more = max(self.entries, len(column) + len(column) // 4) - len(column)
                self.columns[n] = np.concatenate((column, np.full(more, column[0])))


@njit(cache=True)
def _enter(entry, rows, entries):
    """Give those of `rows` that have no entry the next ones; how many entries there are then."""
    for row in rows:
        if entry[row] == 0:
            entry[row] = entries
            entries += 1
    return entries


class FewColumn(NDArrayOperatorsMixin):
    """A fact that few children have: it reads as an array of all children, and is written to by rows (each once)."""

    def __init__(self, few: Few, number: int):
        self.few, self.number = few, number
        self.flags = SimpleNamespace(writeable=True)

    @property
    def by_entry(self) -> NDArray[Any]:
        """The values of the few, those of all others first."""
        return self.few.columns[self.number]

    @property
    def to_write(self) -> NDArray[Any]:
        """The same, for a compiled rule that writes them; each row needs an entry of its own. Raises ValueError where only others write."""
        if not self.flags.writeable:
            raise ValueError("assignment destination is read-only")
        return self.by_entry

    @property
    def nbytes(self) -> int:
        """Memory of the values; the way to them, shared by all such facts, is apart."""
        return self.by_entry.nbytes

    def __getitem__(self, rows):
        few = self.few
        values = few.columns[self.number][few.entry[rows]]
        if isinstance(rows, slice):  # of an array it would be a view, through which one can write
            values.flags.writeable = False
        return values

    def __setitem__(self, rows, values):
        if not self.flags.writeable:
            raise ValueError("assignment destination is read-only")
        if isinstance(rows, (int, np.integer)):  # not to look at everybody for the sake of one
            rows = np.array([rows])
        elif not isinstance(rows, np.ndarray) or rows.dtype == bool:
            rows = np.arange(len(self))[rows]
        few = self.few
        few.enter(rows)
        few.columns[self.number][few.entry[rows]] = values

    def __len__(self):
        return len(self.few.entry)

    def __array__(self, dtype=None, copy=None):
        return self[:]

    def __array_ufunc__(self, ufunc, method, *inputs, **how):
        if method == "at" or "out" in how:
            raise ValueError("a fact of the few is written to by rows: column[rows] = values")
        return getattr(ufunc, method)(*(each[:] if isinstance(each, FewColumn) else each for each in inputs), **how)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self[:], name)

    def view(self) -> FewColumn:
        """The same column, under flags of its own."""
        return FewColumn(self.few, self.number)


class FewFacts:
    """A small table: the column `slot` tells each child's place in it, -1 for those who are not in.

    Other keywords name the columns and their types; `table.debt[table.slot[rows]]` reads one.
    """

    def __init__(self, slot: FewColumn, **dtypes: Any):
        self.slot = slot
        self.rows = np.full(ROOM, -1, dtype=np.int64)
        self.columns = {name: np.zeros(ROOM, dtype=dtype) for name, dtype in dtypes.items()}
        self._free, self._vacant = np.arange(ROOM - 1, -1, -1), ROOM  # slots that nobody has, of which the last is taken next, and how many

    def __getattr__(self, name):
        try:
            return self.__dict__["columns"][name]
        except KeyError:
            raise AttributeError(f"no column '{name}'") from None

    def __len__(self):
        return len(self.rows) - self._vacant

    def add(self, rows: Rows) -> Rows:
        """Let `rows` (none of them in yet) come in; their slots, all columns zero."""
        if not len(rows):
            return NOBODY
        while self._vacant < len(rows):
            self._grow()
        few = self.slot.few
        few.enter(rows)
        slots = _come_in(rows, few.entry, self.slot.to_write, self.rows, self._free, self._vacant)
        self._vacant -= len(rows)
        for column in self.columns.values():
            column[slots] = 0
        return slots

    def _grow(self) -> None:
        old = len(self.rows)
        self.rows = np.concatenate((self.rows, np.full(old, -1, dtype=np.int64)))
        for name, column in self.columns.items():
            self.columns[name] = np.concatenate((column, np.zeros(old, dtype=column.dtype)))
        self._free = np.concatenate((np.arange(2 * old - 1, old - 1, -1), self._free))
        self._vacant += old

    def remove(self, rows: Rows) -> None:
        """Let `rows` go; those who are not in are passed over."""
        self._vacant = _go_out(rows, self.slot.few.entry, self.slot.to_write, self.rows, self._free, self._vacant)

    def members(self) -> Rows:
        """The rows that are in, ascending."""
        return np.sort(self.rows[self.rows >= 0])

    @property
    def bytes(self) -> int:
        """Memory of the table."""
        return self.rows.nbytes + sum(column.nbytes for column in self.columns.values())


@njit(cache=True)
def _come_in(rows, entry, slot, members, free, vacant):
    """Give each of `rows` a free slot, the last first; their slots."""
    slots = free[vacant - len(rows) : vacant][::-1].copy()
    for n in range(len(rows)):
        members[slots[n]] = rows[n]
        slot[entry[rows[n]]] = slots[n]
    return slots


@njit(cache=True)
def _go_out(rows, entry, slot, members, free, vacant):
    """Take their slots from those of `rows` who have one; how many are free then."""
    for row in rows:
        at = slot[entry[row]]
        if at >= 0:
            members[at], slot[entry[row]] = -1, -1
            free[vacant] = at
            vacant += 1
    return vacant
