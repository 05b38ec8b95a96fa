"""Facts that only a few children need, in small tables keyed by a column of the children."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from types import SimpleNamespace
from typing import Any

import numpy as np
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
    rows = np.concatenate(parts) if len(parts) > 1 else parts[0].copy()
    if len(rows) < 2:
        return rows
    rows.sort()
    new = np.empty(len(rows), dtype=bool)
    new[0] = True
    np.not_equal(rows[1:], rows[:-1], out=new[1:])
    return rows[new]


def ranges(begin: Rows, end: Rows, names: Rows) -> tuple[Rows, Rows]:
    """All whole numbers of several ranges (`end` not included), and the name of the range of each."""
    sizes = end - begin
    before = np.cumsum(sizes) - sizes
    return np.arange(sizes.sum()) + np.repeat(begin - before, sizes), np.repeat(names, sizes)


class Few:
    """Which children are or were in any small table: one column of all children, `entry`, leads to their slots in every table.

    Most children are in none and share entry 0, so a further small table costs no memory for them.
    """

    def __init__(self, children: int):
        self.entry = np.zeros(children, dtype=np.int32)
        self.entries = 1
        self.slots: list[NDArray[np.int32]] = []  # of each table, by entry

    def enter(self, rows: Rows) -> None:
        """An entry of its own for each of `rows` (each once) that has none yet."""
        new = rows[self.entry[rows] == 0]
        if not new.size:
            return
        self.entry[new] = np.arange(self.entries, self.entries + new.size)
        self.entries += new.size
        for n, slots in enumerate(self.slots):
            if self.entries > len(slots):
                more = max(self.entries, 2 * len(slots)) - len(slots)
                self.slots[n] = np.concatenate((slots, np.full(more, -1, dtype=np.int32)))


class Slots(NDArrayOperatorsMixin):
    """The slot of each child in one small table, -1 for those who are not in: read and written as a column of all children."""

    dtype = np.dtype(np.int32)

    def __init__(self, few: Few, number: int):
        self.few, self.number = few, number
        self.flags = SimpleNamespace(writeable=True)

    @classmethod
    def of_one_more_table(cls, few: Few) -> Slots:
        """A column for a further table."""
        few.slots.append(np.full(max(ROOM, few.entries), -1, dtype=np.int32))
        return cls(few, len(few.slots) - 1)

    @property
    def by_entry(self) -> NDArray[np.int32]:
        """The slots of the few."""
        return self.few.slots[self.number]

    def __getitem__(self, rows):
        return self.few.slots[self.number][self.few.entry[rows]]

    def __setitem__(self, rows, slots):
        if not self.flags.writeable:
            raise ValueError("assignment destination is read-only")
        self.few.enter(np.atleast_1d(rows))
        self.few.slots[self.number][self.few.entry[rows]] = slots

    def __len__(self):
        return len(self.few.entry)

    def __array__(self, dtype=None, copy=None):
        return self[:]

    def __array_ufunc__(self, ufunc, method, *inputs, **how):
        return getattr(ufunc, method)(*(each[:] if isinstance(each, Slots) else each for each in inputs), **how)

    def view(self) -> Slots:
        """The same slots, under flags of their own."""
        return Slots(self.few, self.number)

    @property
    def nbytes(self) -> int:
        """Memory of the slots of the few; the way to them, shared by all tables, is apart."""
        return self.by_entry.nbytes


class FewFacts:
    """A small table: the column `slot` tells each child's place in it, -1 for those who are not in.

    Other keywords name the columns and their types; `table.debt[table.slot[rows]]` reads one.
    """

    def __init__(self, slot: Slots, **dtypes: Any):
        self.slot = slot
        self.rows = np.full(ROOM, -1, dtype=np.int64)
        self.columns = {name: np.zeros(ROOM, dtype=dtype) for name, dtype in dtypes.items()}
        self.free = list(range(ROOM - 1, -1, -1))

    def __getattr__(self, name):
        try:
            return self.__dict__["columns"][name]
        except KeyError:
            raise AttributeError(f"no column '{name}'") from None

    def __len__(self):
        return len(self.rows) - len(self.free)

    def add(self, rows: Rows) -> Rows:
        """Let `rows` (none of them in yet) come in; their slots, all columns zero."""
        while len(self.free) < len(rows):
            self._grow()
        slots = np.array([self.free.pop() for _ in range(len(rows))], dtype=np.int64)
        self.rows[slots] = rows
        self.slot[rows] = slots
        for column in self.columns.values():
            column[slots] = 0
        return slots

    def _grow(self) -> None:
        old = len(self.rows)
        self.rows = np.concatenate((self.rows, np.full(old, -1, dtype=np.int64)))
        for name, column in self.columns.items():
            self.columns[name] = np.concatenate((column, np.zeros(old, dtype=column.dtype)))
        self.free[:0] = range(2 * old - 1, old - 1, -1)

    def remove(self, rows: Rows) -> None:
        """Let `rows` go; those who are not in are passed over."""
        slots = self.slot[rows]
        slots = slots[slots >= 0]
        self.slot[self.rows[slots]] = -1
        self.rows[slots] = -1
        self.free.extend(slots.tolist())

    def members(self) -> Rows:
        """The rows that are in, ascending."""
        return np.sort(self.rows[self.rows >= 0])

    @property
    def bytes(self) -> int:
        """Memory of the table."""
        return self.rows.nbytes + sum(column.nbytes for column in self.columns.values())
