"""Dials of authorities, and how rows are gathered."""

import tracemalloc

import numpy as np
import pytest

from sim.levers import Dial
from sim.tables import Few, union


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_holds_on_a_dial_multiply_where_they_are_and_leave_no_trace():
    dial = Dial(np.array([0.1, 0.3, 0.7]))
    dial.hold([0, 2], 3.0, by="one")
    dial.hold([2], 0.5, by="other")
    assert dial[rows(0, 1, 2)].tolist() == [0.1 * 3.0, 0.3, 0.7 * 3.0 * 0.5]
    dial.hold([1], 2.0, by="one")  # takes the place of the first
    assert dial[rows(0, 1, 2)].tolist() == [0.1, 0.6, 0.35]
    assert dial.held_at("one").tolist() == [1.0, 2.0, 1.0] and dial.held_at("nobody").tolist() == [1.0, 1.0, 1.0]
    for by in ("one", "other", "nobody"):
        dial.release(by)
    assert dial[rows(0, 1, 2)].tolist() == [0.1, 0.3, 0.7] == dial.usual.tolist()


def test_the_order_in_which_a_dial_is_held_leaves_no_trace():
    one, other = (Dial(np.array([0.1, 0.7])) for _ in range(2))
    for dial, order in ((one, "abc"), (other, "cba")):
        for by in order:
            dial.hold([0, 1], {"a": 1.1, "b": 1.3, "c": 0.7}[by], by=by)
    assert one.now.tolist() == other.now.tolist()


def test_a_hold_at_one_on_a_dial_changes_not_a_bit():
    dial = Dial(np.array([0.1, 0.3]))
    dial.hold([0, 1], 1.0, by="one")
    assert dial.now.tolist() == [0.1, 0.3]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_dial_is_turned_a_share_of_the_way_to_a_level_and_nothing_multiplies_nothing(share):
    dial = Dial(np.array([0.2, 0.8, 0.0]))
    dial.hold([0, 1, 2], dial.towards(0.4, share), by="one")
    assert dial.now == pytest.approx([0.2 + share * 0.2, 0.8 - share * 0.4, 0.0])


def test_a_union_is_ascending_and_each_once_and_changes_no_part():
    first, second = rows(5, 1, 5), rows(2)
    assert union(first, second, rows()).tolist() == [1, 2, 5]
    assert union(first).tolist() == [1, 5] and first.tolist() == [5, 1, 5]


def test_a_fact_of_one_child_is_written_without_looking_at_everybody():
    fact = Few(1_000_000).column(np.int8, 0)
    tracemalloc.start()
    fact[5] = 3
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fact[5] == 3 and most < 100_000
