"""The ledger: what was entered is there, in order, and sameness is a digest that nothing else can have."""

import hashlib

import numpy as np
import pytest

from sim.ledger import EVENT_COLUMNS, SORTED_BY, TABLES, Event, Ledger, Packed, Table, digest


def filled(order=range(4)) -> Ledger:
    """Four events, entered in some order, and a row of each other table."""
    ledger = Ledger()
    events = [
        {"day": 2, "event": Event.RETURNED, "child": 7, "serial": 1, "amount": 0.5},
        {"day": 1, "event": Event.WENT_MISSING, "child": 2**63 + 1, "serial": 1},
        {"day": 1, "event": Event.WENT_MISSING, "child": 7, "serial": 1},
        {"day": 1, "event": Event.WENT_MISSING, "child": 7, "serial": 2},
    ]
    for at in order:
        ledger.enter(1, **events[at])
    ledger.tables["bills"].append(2, day=1, payer=[1, 0], item=[3, 2], pounds=[10.0, 20.0])
    ledger.tables["stocks"].append(1, day=1, children=100)
    ledger.tables["counts"].append(1, day=1, children=5)
    ledger.tables["children"].append(2, day=1, child=[2**63 + 1, 7], born=-4000)
    return ledger


def test_rows_entered_in_bulk_and_one_by_one_are_kept_and_a_table_grows():
    table = Table(EVENT_COLUMNS)
    for n in range(1000):
        table.append(1, day=n, child=n)
    table.append(3, day=1000, child=np.array([5, 6, 7], dtype=np.uint64), amount=[0.1, 0.2, 0.3])
    table.append(2000, day=np.arange(2000))
    rows = table.rows()
    assert all(column.dtype == np.dtype(EVENT_COLUMNS[name]) for name, column in rows.items())
    assert all(len(column) == 3003 for column in rows.values())
    assert rows["day"][:1000].tolist() == list(range(1000)) and rows["day"][1000:1003].tolist() == [1000] * 3
    assert rows["child"][1000:1003].tolist() == [5, 6, 7] and rows["amount"][1000:1003].tolist() == [0.1, 0.2, 0.3]
    assert rows["day"][1003:].tolist() == list(range(2000))


def test_a_column_that_is_not_named_is_nought_even_where_a_table_has_grown():
    table = Table(EVENT_COLUMNS)
    table.append(300, day=1, serial=9, amount=1.0)
    table.append(300, day=2)
    assert not table.rows()["serial"][300:].any() and not table.rows()["amount"][300:].any()


def test_rows_may_be_read_while_more_are_coming():
    table = Table(EVENT_COLUMNS)
    for n in range(3000):
        table.append(1, day=n, child=2**63 + n)
        if n % 7 == 0:
            assert table.rows()["day"][-1] == n
    assert table.rows()["child"].tolist() == [2**63 + n for n in range(3000)]


def test_what_is_packed_is_told_to_the_last_bit(monkeypatch):
    """A table whose blocks are packed tells the same as one whose are not, in its own types: nothing at all, one value, extremes, minus nought."""
    columns = EVENT_COLUMNS | {"born": "<i2"}
    plain, packed = Table(columns), Table(columns)
    values = {"day": [0, 1, 300, 2**31 - 1], "child": [0, 1, 2**64 - 1, 5], "serial": [0, 2**32 - 1, 7, 0], "amount": [0.0, -0.0, 0.1, -1e300], "born": [-32768, 0, 32767, 255]}
    for table, least in ((plain, 1 << 60), (packed, 1)):
        monkeypatch.setattr("sim.ledger.PACKED", least)
        for _ in range(3):
            table.append(4, event=3, **values)
            table.append(400, event=Event.CRISIS)
            table.append(4, **values)
        assert any(isinstance(column, Packed) for block in table._full for column in block.values()) == (table is packed)
    for _ in range(2):  # it may be read, and go on
        told, expected = packed.rows(), plain.rows()
        for name, dtype in columns.items():
            assert told[name].dtype == np.dtype(dtype) and told[name].tobytes() == expected[name].tobytes()
        for table in (plain, packed):
            table.append(300, day=7)


def test_a_table_is_read_in_the_order_of_day_event_child_agent_serial():
    table = filled().table("events")
    assert list(zip(table["day"].tolist(), table["child"].tolist(), table["serial"].tolist(), strict=True)) == [
        (1, 7, 1), (1, 7, 2), (1, 2**63 + 1, 1), (2, 7, 1),
    ]  # fmt: skip
    assert filled().table("bills")["payer"].tolist() == [0, 1]


def test_the_digest_does_not_know_the_order_of_entry():
    assert filled([3, 1, 0, 2]).digest() == filled().digest()


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, columns in TABLES.items() for column in columns])
def test_the_digest_knows_every_column_of_every_table(table, column):
    tables = {name: filled().table(name) for name in TABLES}
    assert digest(tables) == filled().digest()
    value = tables[table][column][0]
    tables[table][column][0] = value + 1 if value < 100 else value - 1
    assert digest(tables) != filled().digest()


@pytest.mark.parametrize("table", TABLES)
def test_the_digest_knows_a_row_more(table):
    other = filled()
    other.tables[table].append(1, day=0)
    assert other.digest() != filled().digest()


def test_the_digest_is_sha_256_of_names_and_little_endian_columns():
    ledger, sha = filled(), hashlib.sha256()
    for name, columns in TABLES.items():
        rows = ledger.tables[name].rows()
        order = sorted(range(len(rows["day"])), key=lambda i: tuple(rows[c][i] for c in SORTED_BY[name]))
        for column, kind in columns.items():
            sha.update(f"{name}.{column}".encode())
            for i in order:
                sha.update(np.array(rows[column][i], dtype=kind).astype(np.dtype(kind).newbyteorder("<")).tobytes())
    assert ledger.digest() == sha.hexdigest() == digest({name: ledger.table(name) for name in TABLES})


def test_every_event_has_a_number_that_fits_its_column_and_a_table_a_sorting():
    assert len({event.value for event in Event}) == len(Event) and max(Event) < 256 and min(Event) > 0
    assert set(SORTED_BY) == set(TABLES)
    assert all(set(SORTED_BY[name]) <= set(columns) for name, columns in TABLES.items())
    assert all(np.dtype(kind).str[0] in "<|" for columns in TABLES.values() for kind in columns.values())
