"""The reference's ledger: rows as they happen, and the same tables that the engine's ledger gives."""

import numpy as np

COLUMNS = {
    "events": {
        "day": "<i4", "event": "<u1", "child": "<u8", "agent": "<u8", "serial": "<u4",
        "home": "<u1", "place": "<u1", "cause": "<u1", "detail": "<u1", "amount": "<f8",
    },
    "stocks": {"day": "<i4"} | dict.fromkeys(
        (
            "children", "looked_after", "missing", "missing_looked_after", "in_crisis", "approached", "groomed", "working", "bound",
            "getting_out", "safe", "lines", "positions", "positions_open", "positions_with_children", "beds", "beds_taken",
            "interviews_waiting", "sexually_exploited", "otherwise_exploited", "in_custody", "trusting", "helped", "waiting_for_help",
        ),
        "<i4",
    ),
    "bills": {"day": "<i4", "payer": "<u1", "item": "<u1", "pounds": "<f8"},
    "counts": {
        "day": "<i4", "home": "<u1", "setting": "<u1", "is_16_17": "<u1", "outside": "<u1", "far": "<u1", "moves_3plus": "<u1",
        "alone": "<u1", "children": "<i4",
    },
    "children": {"day": "<i4", "child": "<u8", "born": "<i2", "home": "<u1", "is_male": "<u1", "alone": "<u1"},
}  # fmt: skip
SORTED_BY = {
    "events": ("day", "event", "child", "agent", "serial", "cause", "detail"), "stocks": ("day",), "bills": ("day", "payer", "item"),
    "counts": ("day", "home", "setting", "is_16_17", "outside", "far", "moves_3plus", "alone"), "children": ("day", "child"),
}  # fmt: skip


class Ledger:
    """What happened: a list of rows for each table; a column that is not named is 0."""

    def __init__(self):
        self.rows = {table: [] for table in COLUMNS}

    def write(self, table, **row):
        self.rows[table].append(row)

    def tables(self):
        """Columns of each table, rows sorted as the engine sorts them."""
        return {table: self._columns(table) for table in COLUMNS}

    def _columns(self, table):
        rows = sorted(self.rows[table], key=lambda row: [row.get(name, 0) for name in SORTED_BY[table]])
        return {name: np.array([row.get(name, 0) for row in rows], dtype=kind) for name, kind in COLUMNS[table].items()}
