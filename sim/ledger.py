"""What happened is a row: one for each event, the day's stocks and bills, the yearly count of looked-after children, and who came.

Nothing in the model reads the ledger back; what services know is a fact about a child. All measures come from here.
Sameness is a digest: SHA-256 over the columns of each table in their declared types, little-endian, rows sorted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Event(IntEnum):
    """What can happen. The comment says what the columns cause, detail, agent and amount hold, where they hold anything."""

    ENTERED = 1  # came into the age range
    LEFT = 2  # out of observation; cause: stage of exploitation; detail 1: missing, 2: looked after, 4: died, 8: transferred, else eighteen; amount: debt [pounds]
    ENTERED_CARE = 3
    PLACED = 4  # cause: setting; detail: refusals by providers before; agent: home; amount: distance from home [km]
    PLACEMENT_ENDED = 5  # cause: setting; detail 1: breakdown, 2: moved by a policy, 3: remanded to custody; amount: days in the placement
    LEFT_CARE = 6
    REFUSED = 7  # a provider said no; agent: home
    GUEST_PLACED = 8  # a child of elsewhere takes a bed here; child: key of that bed's guests; cause: setting; agent: home
    GUEST_WAITED = 9  # ... or finds none
    CRISIS = 10  # a passing crisis begins; amount: days it will last
    WENT_MISSING = 11  # cause; detail bits: 1 police record, 2 authority's record, 4 overnight, 8 looked after, 16 aged 16-17, 32 placed outside
    RETURNED = 12  # cause; detail bits as above, and 64 found; amount: days away
    STILL_MISSING = 13  # the age range ended during the episode; amount: days away so far
    INTERVIEWED = 14  # return interview held; cause: of the episode; detail 1: within 72 hours; 2: disclosed something
    INTERVIEW_LAPSED = 15  # offered and accepted, but no interviewer was free in time
    SIGNAL = 16  # cause: agency that holds it; detail: kind of signal
    IDENTIFIED = 17  # an agency recognises exploitation; cause: agency; amount: days since first approached
    ASSESSED = 18  # social work completes an assessment; detail bits: factors it names (FACTORS of services)
    HELPED = 19  # a worker begins to support the child to get out
    CONTACT_FAILED = 20  # a recruiter reaches nobody; agent: recruiter; child 0
    APPROACHED = 21  # cause: venue; agent: line
    GROOMED = 22  # cause: way in; agent: line
    LAPSED = 23  # an approach or grooming comes to nothing
    RECRUITED = 24  # starts to work a line; cause: way in; agent: line; amount: debt made of gifts [pounds]
    DEBT_ROSE = 25  # cause: of the debt; amount: rise [pounds]
    DEBT_REPAID = 26  # amount: repaid by work [pounds]
    BOUND = 27  # debt passes what holds a child; amount: debt [pounds]
    TRIES_TO_GET_OUT = 28
    PULLED_BACK = 29
    GOT_OUT = 30  # safe for now; cause 0: tried, 1: line closed, 2: in custody
    DRAWN_BACK = 31  # re-exploited by the old line
    SETTLED = 32  # no longer in reach of it
    LINE_OPENED = 33  # agent: line; home: origin; place: market; amount: positions
    LINE_CLOSED = 34  # agent: line; amount: days it ran
    POSITION_OPEN = 35  # agent: line; serial: position; a child is sought
    POSITION_FILLED = 36  # agent: line; serial: position; cause: by whom
    POLICY_REACHED = 37  # agent: key of the policy
    ARRIVED = 38  # an unaccompanied child comes and is looked after from today; on day 1 (detail 1): came before
    HISTORY = 39  # what a child had lived through before day 1; cause: of PASTS; amount: how often
    SUSPENDED = 40  # from school; serial: which time; amount: days
    EXCLUDED = 41  # permanently, to alternative provision; serial: as above
    PART_TIME = 42  # put on a part-time timetable; amount: days
    ABSENT = 62  # persistently, from school; amount: days
    BACK_AT_SCHOOL = 43  # cause: what ended (state of schooling)
    OTHERWISE_APPROACHED = 44  # by exploiters other than a line; cause: form; agent: exploiter
    OTHERWISE_EXPLOITED = 45  # begins to be exploited; cause: form; detail: 1 again, after having got out
    OTHERWISE_OUT = 46  # gets out; cause: form; amount: days exploited
    HARMED = 47  # while away; cause: kind of harm; detail: cause of the episode
    IN_HOSPITAL = 48  # amount: days
    DIED = 49
    ARRESTED = 50  # cause: where police met the child; detail: 1 criminal response, 0 safeguarding
    REMANDED = 51  # to custody; amount: days
    RELEASED = 52
    LATER_OFFENCE = 53  # an offence is recorded against a child whom police had met as exploited; detail: response then
    TRUSTS = 54  # the child has come to trust its worker; serial: which worker
    WORKER_CHANGED = 55  # cause: why; serial: which worker now
    PROMISE_BROKEN = 56  # and trust with it
    FORM_NAMED = 57  # an identified child is recognised as exploited in a form; cause: form; detail: agency
    REFERRED = 58  # to the National Referral Mechanism; cause: form
    LINE_DISPLACED = 59  # a line reopens in another market; home: origin; place: new market; detail 1: exchanged with elsewhere
    LINE_FOLLOWED = 60  # a line opens an outlet where a child was moved; place: there
    PRESSED = 61  # a sibling or friend is made to take the place of a child who got out; agent: line


EVENTS = tuple(event.name for event in Event)

EVENT_COLUMNS: dict[str, Any] = {
    "day": "<i4", "event": "<u1", "child": "<u8", "agent": "<u8", "serial": "<u4",
    "home": "<u1", "place": "<u1", "cause": "<u1", "detail": "<u1", "amount": "<f8",
}  # fmt: skip

STOCKS = (
    "children", "looked_after", "missing", "missing_looked_after", "in_crisis", "approached", "groomed", "working", "bound",
    "getting_out", "safe", "lines", "positions", "positions_open", "positions_with_children", "beds", "beds_taken",
    "interviews_waiting", "sexually_exploited", "otherwise_exploited", "in_custody", "trusting", "helped", "waiting_for_help",
)  # fmt: skip
STOCK_COLUMNS: dict[str, Any] = {"day": "<i4"} | dict.fromkeys(STOCKS, "<i4")
BILL_COLUMNS: dict[str, Any] = {"day": "<i4", "payer": "<u1", "item": "<u1", "pounds": "<f8"}
# The count on 31 March: looked-after children by responsible authority and what the official tables tell of them.
COUNT_COLUMNS: dict[str, Any] = {
    "day": "<i4", "home": "<u1", "setting": "<u1", "is_16_17": "<u1", "outside": "<u1", "far": "<u1",
    "moves_3plus": "<u1", "alone": "<u1", "children": "<i4",
}  # fmt: skip
# Everybody who comes into observation, on day 1 or later, with the few lasting facts by which results are told apart.
CHILD_COLUMNS: dict[str, Any] = {"day": "<i4", "child": "<u8", "born": "<i2", "home": "<u1", "is_male": "<u1", "alone": "<u1"}

TABLES: dict[str, dict[str, Any]] = {
    "events": EVENT_COLUMNS, "stocks": STOCK_COLUMNS, "bills": BILL_COLUMNS, "counts": COUNT_COLUMNS, "children": CHILD_COLUMNS,
}  # fmt: skip
SORTED_BY = {
    "events": ("day", "event", "child", "agent", "serial", "cause", "detail"),
    "stocks": ("day",),
    "bills": ("day", "payer", "item"),
    "counts": ("day", "home", "setting", "is_16_17", "outside", "far", "moves_3plus", "alone"),
    "children": ("day", "child"),
}


ROOM, BLOCK = 256, 1 << 18  # rows of a table's first block, and of its later ones at most
PACKED = 1 << 17  # rows from which on a full block is packed: an event then takes about 18 bytes instead of 37


class Packed:
    """A column that is full, in less memory: which of its rows hold anything but 0, by bits, and what these hold, in the smallest type."""

    def __init__(self, column: NDArray):
        held = column.view(f"u{column.itemsize}") != 0  # to the last bit
        values = column[held]
        if values.dtype.kind != "f":
            least, most = (np.min_scalar_type(end) for end in (values.min(initial=0), values.max(initial=0)))
            values = values.astype(np.promote_types(least, most))
        self.bits, self.values = np.packbits(held), values
        self.size, self.dtype = len(column), column.dtype

    def column(self) -> NDArray:
        """The column as it was."""
        column = np.zeros(self.size, dtype=self.dtype)
        column[np.unpackbits(self.bits, count=self.size).view(np.bool_)] = self.values
        return column


class Table:
    """Columns of one table, filled row by row or in bulk. They grow by blocks, so that growing copies nothing; large blocks are packed once they are full."""

    def __init__(self, columns: dict[str, Any]):
        self.size = 0
        self.dtypes = columns
        self._full: list[dict[str, Any]] = []  # of blocks, as they are or packed
        self._open(ROOM)

    def _open(self, room: int) -> None:
        """A new block for so many rows."""
        self._block = {name: np.zeros(room, dtype=dtype) for name, dtype in self.dtypes.items()}
        self._room, self._used = room, 0

    def _filled(self) -> dict[str, NDArray]:
        return {name: column[: self._used] for name, column in self._block.items()}

    def _packed(self) -> dict[str, Packed]:
        """The filled part, given up column by column."""
        return {name: Packed(self._block.pop(name)[: self._used]) for name in self.dtypes}

    def append(self, count: int, **values: Any) -> None:
        """Add `count` rows; each value is a scalar or a sequence of that length. Columns not named are 0."""
        start, end = self._used, self._used + count
        if end > self._room:
            self._full.append(self._packed() if self._used >= PACKED else self._filled())
            self._open(max(count, min(2 * self._room, BLOCK)))
            start, end = 0, count
        block = self._block
        if count == 1:  # as mostly in a town; numpy writes one item several times faster than a slice of one
            for name, value in values.items():
                block[name][start] = value[0] if isinstance(value, (np.ndarray, list, tuple)) else value
        else:
            for name, value in values.items():
                block[name][start:end] = value
        self._used = end
        self.size += count

    def rows(self) -> dict[str, NDArray]:
        """The filled part of each column."""
        if self._full:
            blocks, self._full = [*self._full, self._filled()], []
            self._block = {name: np.concatenate([_column(block.pop(name)) for block in blocks]) for name in self.dtypes}
            self._room = self._used = self.size
        return self._filled()


def _column(column: NDArray | Packed) -> NDArray:
    return column.column() if isinstance(column, Packed) else column


class Ledger:
    """The tables of one run: `events`, `stocks`, `bills`, `counts`, `children`."""

    def __init__(self):
        self.tables = {name: Table(columns) for name, columns in TABLES.items()}
        self.events = self.tables["events"]
        self.stocks = self.tables["stocks"]

    def enter(self, count: int, **values: Any) -> None:
        """Add event rows (see `Event` for what the columns hold)."""
        self.events.append(count, **values)

    def table(self, name: str) -> dict[str, NDArray]:
        """A table's columns, rows in the order that the digest uses."""
        rows = self.tables[name].rows()
        order = np.lexsort([rows[column] for column in reversed(SORTED_BY[name])])
        return {column: values[order] for column, values in rows.items()}

    def digest(self) -> str:
        """SHA-256 of everything that happened [hex]."""
        return digest_in_turn(self.table(name) for name in TABLES)


def digest(tables: Mapping[str, dict[str, NDArray]]) -> str:
    """SHA-256 over the columns of sorted tables, in the declared types and order."""
    return digest_in_turn(tables[name] for name in TABLES)


def digest_in_turn(tables: Iterable[dict[str, NDArray]]) -> str:
    """The same over tables in the declared order, each made when it is its turn: a country's at once would need much memory."""
    sha = hashlib.sha256()
    for (name, columns), table in zip(TABLES.items(), tables, strict=True):
        for column, dtype in columns.items():
            sha.update(f"{name}.{column}".encode())
            sha.update(np.ascontiguousarray(table[column], dtype=dtype).data)
    return sha.hexdigest()
