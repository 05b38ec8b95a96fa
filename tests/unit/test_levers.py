"""Levers: holds multiply, end on their day, give way to a later hold of the same name, and at 1 change nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.levers import ALWAYS, Lever, Levers
from sim.tables import Few

LEVER, OTHER = Lever("going missing", "a hazard"), Lever("grooming", "another")
CHILDREN = 6


class Listener:
    """A hazard that follows its lever, as a mechanism's would."""

    def __init__(self, levers, lever):
        self.hazard, self.calls = np.ones(CHILDREN), 0
        levers.when_moved(lever, self.moved)

    def moved(self, rows, factors):
        self.calls += 1
        assert len(set(rows.tolist())) == len(rows)
        self.hazard[rows] *= factors


def new_levers():
    return Levers(Few(CHILDREN).column(np.int32, -1))


def rows(*children):
    return np.array(children, dtype=np.int64)


def test_several_holds_multiply_and_each_ends_on_its_day():
    levers = new_levers()
    hazard = Listener(levers, LEVER)
    levers.hold(LEVER, rows(0, 1), at=0.5, until=10, by="crisis")
    levers.hold(LEVER, rows(1, 2), at=np.array([4.0, 8.0]), until=20, by="placement")
    assert levers.value(LEVER, rows(0, 1, 2, 3)).tolist() == hazard.hazard[:4].tolist() == [0.5, 2.0, 8.0, 1.0]
    levers.release_due(9)
    assert hazard.hazard[0] == 0.5
    levers.release_due(10)
    assert levers.value(LEVER, rows(0, 1, 2)).tolist() == hazard.hazard[:3].tolist() == [1.0, 4.0, 8.0]
    levers.release(LEVER, rows(1, 5), by="placement")
    levers.release_due(20)
    assert hazard.hazard.tolist() == [1.0] * CHILDREN


def test_a_later_hold_of_the_same_name_takes_the_place_of_the_earlier():
    levers = new_levers()
    hazard = Listener(levers, LEVER)
    levers.hold(LEVER, rows(0), at=0.5, until=10, by="rise after return")
    levers.hold(LEVER, rows(0), at=4.0, until=15, by="rise after return")
    assert hazard.hazard[0] == 4.0 and levers.holders(LEVER, 0) == {"rise after return": 4.0}
    levers.release_due(10)
    assert hazard.hazard[0] == 4.0
    levers.hold(LEVER, rows(0), at=2.0, until=12, by="rise after return")
    levers.release_due(12)
    assert hazard.hazard[0] == 1.0
    levers.hold(LEVER, rows(0), at=2.0, until=ALWAYS, by="rise after return")
    levers.release_due(15)
    assert hazard.hazard[0] == 2.0


def test_one_lever_is_not_another():
    levers = new_levers()
    hazard, other = Listener(levers, LEVER), Listener(levers, OTHER)
    levers.hold(LEVER, rows(3), at=2.0, until=10, by="x")
    assert hazard.hazard[3] == 2.0 and other.calls == 0
    assert levers.value(OTHER, rows(3)).tolist() == [1.0] and levers.value(LEVER, rows(3, 4)).tolist() == [2.0, 1.0]


def test_a_hold_at_one_tells_nobody_and_changes_not_a_bit():
    levers = new_levers()
    hazard = Listener(levers, LEVER)
    levers.hold(LEVER, rows(0, 1, 2), at=1.0, until=10, by="neutral")
    levers.hold(LEVER, rows(0), at=0.3, until=ALWAYS, by="crisis")
    with_neutral = levers.value(LEVER, rows(0))
    levers.release_due(10)
    assert levers.value(LEVER, rows(0)) == with_neutral == 0.3
    assert hazard.calls == 1 and hazard.hazard[1:].tolist() == [1.0] * (CHILDREN - 1)


def test_the_same_hold_again_tells_nobody():
    levers = new_levers()
    hazard = Listener(levers, LEVER)
    for until in (10, 20, 30):
        levers.hold(LEVER, rows(0), at=0.7, until=until, by="x")
    assert hazard.calls == 1


@pytest.mark.parametrize("at", [0.0, -1.0, math.nan])
def test_a_hazard_cannot_be_switched_off(at):
    levers = new_levers()
    with pytest.raises(ValueError, match=r"going missing held at .* by x; a multiplier is above 0"):
        levers.hold(LEVER, rows(0, 1), at=np.array([1.0, at]), until=10, by="x")
    assert levers.value(LEVER, rows(0, 1)).tolist() == [1.0, 1.0]


def test_the_number_held_counts_children_once():
    levers = new_levers()
    levers.hold(LEVER, rows(0, 1), at=2.0, until=5, by="crisis")
    levers.hold(LEVER, rows(1, 2), at=3.0, until=6, by="crisis")
    levers.hold(LEVER, rows(4), at=3.0, until=6, by="other")
    assert levers.number_held(LEVER.name, "crisis") == 3
    levers.release_due(5)
    assert levers.number_held(LEVER.name, "crisis") == 2
    levers.release(LEVER, rows(0, 1), by="crisis")
    assert levers.number_held(LEVER.name, "crisis") == 1
    levers.release_due(6)
    assert levers.number_held(LEVER.name, "crisis") == 0


some = st.lists(st.integers(0, CHILDREN - 1), min_size=1, max_size=4, unique=True)
names = st.sampled_from(["a", "b", "c"])
doings = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), some, names, st.sampled_from([0.25, 0.5, 1.0, 2.0, 8.0]), st.integers(1, 9)),
        st.tuples(st.just("release"), some, names),
        st.tuples(st.just("day")),
    ),
    max_size=60,
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(doings)
def test_levers_are_a_plain_list_of_holds(doings):
    levers, day, holds = new_levers(), 0, {}
    hazard = Listener(levers, LEVER)
    for what, *how in doings:
        if what == "hold":
            children, by, at, days = how
            levers.hold(LEVER, rows(*children), at=at, until=day + days, by=by)
            holds |= {(child, by): (at, day + days) for child in children}
        elif what == "release":
            children, by = how
            levers.release(LEVER, rows(*children), by=by)
            holds = {key: hold for key, hold in holds.items() if not (key[0] in children and key[1] == by)}
        else:
            day += 1
            levers.release_due(day)
            holds = {key: hold for key, hold in holds.items() if hold[1] > day}
        expected = [math.prod(at for (who, _), (at, _) in holds.items() if who == child) for child in range(CHILDREN)]
        assert levers.value(LEVER, np.arange(CHILDREN)).tolist() == expected == hazard.hazard.tolist()
        for by in "abc":
            assert levers.number_held(LEVER.name, by) == sum(key[1] == by for key in holds)


def test_columns_of_all_levers_grow_with_the_table():
    levers = Levers(Few(1000).column(np.int32, -1))
    levers.hold(LEVER, np.arange(10), at=2.0, until=ALWAYS, by="a")
    levers.hold(OTHER, np.arange(5, 900), at=3.0, until=ALWAYS, by="b")
    assert levers.value(LEVER, rows(9, 10, 899)).tolist() == [2.0, 1.0, 1.0]
    assert levers.value(OTHER, rows(4, 5, 899)).tolist() == [1.0, 3.0, 3.0]
