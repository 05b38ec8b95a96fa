"""Clocks and spells against the plainest loop: one child after the other, one day after the other, nothing clever.

All hazards here are multiples of 1/64 and all multipliers powers of two, so both sides add and divide without rounding and
must agree on every day and every child, not nearly.
"""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.hazards import WINDOW, Clock, Spells
from sim.tables import Few

GROUPS, CHILDREN = 3, 12
tried = settings(deadline=None, derandomize=True, max_examples=150)

portions = st.integers(0, 8).map(lambda n: n / 64)  # a day's hazard
patiences = st.integers(1, 640).map(lambda n: n / 64)
factors = st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0])
some = st.lists(st.integers(0, CHILDREN - 1), min_size=1, max_size=5, unique=True).map(sorted)


class PlainClock:
    """Each child counts down what is left of its patience by its own multiplier times its group's hazard."""

    def __init__(self, group, rate):
        self.group, self.rate = list(group), list(rate)
        self.left, self.multiplier, self.kept = [math.inf] * len(group), [1.0] * len(group), [math.inf] * len(group)

    def due(self):
        happened = []
        for child, group in enumerate(self.group):
            if self.left[child] < math.inf:
                self.left[child] -= self.rate[group] * self.multiplier[child]
                if self.left[child] <= 0:
                    self.left[child] = math.inf
                    happened.append(child)
        return happened


@st.composite
def days_of_a_clock(draw):
    """What is done to whom on each of some days."""
    changes = st.one_of(
        st.tuples(st.just("begin"), some, patiences, st.sampled_from([0.0, 0.5, 1.0, 2.0])),
        st.tuples(st.just("stop"), some),
        st.tuples(st.just("multiply"), some, factors),
        st.tuples(st.just("interrupt"), some),
        st.tuples(st.just("resume"), some),
        st.tuples(st.just("move"), some, st.integers(0, GROUPS - 1)),
        st.tuples(st.just("rate"), st.integers(0, GROUPS - 1), portions),
        st.tuples(st.just("wait"), st.integers(1, 2 * WINDOW)),
    )
    return draw(st.lists(changes, min_size=5, max_size=40))


@tried
@given(
    group=st.lists(st.integers(0, GROUPS - 1), min_size=CHILDREN, max_size=CHILDREN),
    rate=st.lists(portions, min_size=GROUPS, max_size=GROUPS),
    first=st.lists(patiences, min_size=CHILDREN, max_size=CHILDREN),
    doings=days_of_a_clock(),
)
def test_a_clock_is_the_plain_loop_whatever_happens_to_whom(group, rate, first, doings):
    column = np.array(group, dtype=np.uint16)
    level = np.full(CHILDREN, np.inf)
    clock, plain = Clock(level, column, np.array(rate)), PlainClock(group, rate)
    everybody = np.arange(CHILDREN)
    clock.begin(everybody, np.array(first), 1.0)
    plain.left = list(first)
    kept = {}
    for what, *how in doings:
        days = 1
        if what == "begin":
            rows, patience, multiplier = how
            clock.begin(np.array(rows), np.full(len(rows), patience), multiplier)
            for child in rows:
                plain.left[child] = patience if multiplier else math.inf
                plain.multiplier[child] = multiplier or 1.0
                kept.pop(child, None)
        elif what == "stop":
            clock.stop(np.array(how[0]))
            for child in how[0]:
                plain.left[child] = math.inf
                kept.pop(child, None)
        elif what == "multiply":
            rows, factor = how
            clock.multiply(np.array(rows), np.full(len(rows), factor))
            for child in rows:
                plain.multiplier[child] *= factor
        elif what == "interrupt":
            rows = [child for child in how[0] if plain.left[child] < math.inf]
            if rows:
                for child, left in zip(rows, clock.left(np.array(rows)).tolist(), strict=True):
                    kept[child] = left
                    assert left == plain.left[child] / plain.multiplier[child]
                    plain.kept[child], plain.left[child] = plain.left[child], math.inf
                clock.stop(np.array(rows))
        elif what == "resume":
            rows = [child for child in how[0] if child in kept]
            if rows:
                clock.resume(np.array(rows), np.array([kept[child] for child in rows]))
                for child in rows:
                    plain.left[child] = kept.pop(child) * plain.multiplier[child]
        elif what == "move":
            rows, to = how
            before = column[rows].astype(np.int64)
            column[rows] = to
            clock.moved(np.array(rows), before)
            for child in rows:
                plain.group[child] = to
        elif what == "rate":
            clock.rate[how[0]] = plain.rate[how[0]] = how[1]
        else:
            days = how[0]
        for _ in range(days):
            assert clock.due().tolist() == plain.due()


def test_a_multiplied_hazard_leaves_what_is_left_of_the_patience():
    clock = Clock(np.full(2, np.inf), np.zeros(2, dtype=np.uint16), np.array([0.125]))
    both = np.arange(2)
    clock.begin(both, np.ones(2), 1.0)
    for _ in range(4):  # half of the patience is used up on day 4
        assert not clock.due().size
    clock.multiply(both[:1], np.array([2.0]))
    happened = {day: rows for day in range(5, 9) if (rows := clock.due().tolist())}
    assert happened == {6: [0], 8: [1]}


def test_a_hazard_of_nothing_never_happens():
    clock = Clock(np.full(1, np.inf), np.zeros(1, dtype=np.uint16), np.array([1.0]))
    clock.begin(np.array([0]), np.array([0.001]), 0.0)
    assert not any(clock.due().size for _ in range(1000))


# -- spells ------------------------------------------------------------------------------------------------------------

CAUSES = ("one", "other", "third")


class PlainSpells:
    """Each child who is in counts down the patience of every cause; the first to be used up within the day counts."""

    def __init__(self):
        self.left, self.hazard = {}, {}

    def due(self, away):
        happened = []
        for child in sorted(self.left):
            if child in away:
                continue
            left, hazard = self.left[child], self.hazard[child]
            for cause in range(len(CAUSES)):
                left[cause] -= hazard[cause]
            over = [(left[cause] / hazard[cause], cause) for cause in range(len(CAUSES)) if left[cause] <= 0 and hazard[cause] > 0]
            if over:
                _, cause = min(over)
                left[cause], hazard[cause] = math.inf, 0.0
                happened.append((child, cause))
        return happened


def nobody_away(spells):
    """For `due`: nobody is out of reach today."""
    return np.zeros(len(spells.rows), dtype=bool)


@st.composite
def days_of_spells(draw):
    causes = st.integers(0, len(CAUSES) - 1)
    hazards = st.integers(1, 128).map(lambda n: n / 64)
    short = st.integers(1, 256).map(lambda n: n / 64)  # so that two causes are often due on one day
    changes = st.one_of(
        st.tuples(st.just("begin"), some, causes, short, hazards),
        st.tuples(st.just("stop"), some, st.one_of(st.none(), causes)),
        st.tuples(st.just("change"), some, causes, hazards),
        st.tuples(st.just("multiply"), some, causes, factors),
        st.tuples(st.just("go away"), some),
        st.tuples(st.just("come back"), some),
        st.tuples(st.just("remove"), some),
        st.tuples(st.just("wait"), st.integers(1, 60)),
    )
    return draw(st.lists(changes, min_size=5, max_size=60))


@tried
@given(days_of_spells())
def test_spells_are_the_plain_loop_whatever_happens_to_whom(doings):
    slot = Few(CHILDREN).column(np.int32, -1)
    spells, plain, away = Spells(slot, CAUSES, debt=np.float64), PlainSpells(), set()
    for what, *how in doings:
        days = 1
        rows = [child for child in how[0] if child in plain.left] if isinstance(how[0], list) else []
        if what == "begin":
            new = [child for child in how[0] if child not in plain.left]
            if new:
                spells.add(np.array(new))
                for child in new:
                    plain.left[child], plain.hazard[child] = [math.inf] * len(CAUSES), [0.0] * len(CAUSES)
            _, cause, patience, hazard = how
            spells.begin(np.array(how[0]), cause, patience, hazard)
            for child in how[0]:
                plain.left[child][cause], plain.hazard[child][cause] = patience, hazard
        elif what == "stop":
            spells.stop(np.array(how[0]), how[1])
            for child in rows:
                for cause in range(len(CAUSES)) if how[1] is None else [how[1]]:
                    plain.left[child][cause], plain.hazard[child][cause] = math.inf, 0.0
        elif what == "change":
            at_work = [child for child in rows if plain.left[child][how[1]] < math.inf]
            if at_work:
                spells.change(np.array(at_work), how[1], how[2])
                for child in at_work:
                    plain.hazard[child][how[1]] = how[2]
        elif what == "multiply":
            spells.multiply(np.array(how[0]), how[1], np.full(len(how[0]), how[2]))
            for child in rows:
                plain.hazard[child][how[1]] *= how[2]
        elif what == "go away":
            away |= set(how[0])
        elif what == "come back":
            away -= set(how[0])
        elif what == "remove":
            spells.remove(np.array(how[0]))
            for child in rows:
                del plain.left[child], plain.hazard[child]
        else:
            days = how[0]
        for _ in range(days):
            happened, causes = spells.due(np.isin(spells.rows, list(away)))
            assert list(zip(happened.tolist(), causes.tolist(), strict=True)) == plain.due(away)
        assert spells.members().tolist() == sorted(plain.left)
        assert len(spells) == len(plain.left)


def test_of_two_causes_due_on_one_day_the_earlier_in_the_day_counts():
    slot = Few(1).column(np.int32, -1)
    spells, row = Spells(slot, ("slow", "fast")), np.array([0])
    spells.add(row)
    spells.begin(row, 0, 0.5, 1.0)  # used up at noon
    spells.begin(row, 1, 3.0, 4.0)  # used up in the evening, and by more when the day is over
    rows, causes = spells.due(nobody_away(spells))
    assert rows.tolist() == [0] and causes.tolist() == [0]
    assert spells.left[slot[0]].tolist() == [math.inf, -1.0]


def test_a_child_who_comes_into_a_table_again_brings_nothing_of_the_last_time():
    slot = Few(3).column(np.int32, -1)
    spells, row = Spells(slot, CAUSES, debt=np.float64), np.array([1])
    spells.add(row)
    spells.begin(row, 2, 0.5, 1.0)
    spells.debt[slot[row]] = 300.0
    spells.remove(row)
    spells.remove(row)  # passed over
    spells.add(row)
    assert spells.debt[slot[1]] == 0.0
    assert not any(spells.due(nobody_away(spells))[0].size for _ in range(5))


def test_a_table_grows_as_many_as_come_in():
    slot = Few(1000).column(np.int32, -1)
    spells = Spells(slot, CAUSES, debt=np.float64)
    rows = np.arange(0, 1000, 3)
    for part in np.array_split(rows, 7):
        spells.add(part)
        spells.begin(part, 0, part + 1.0, 1.0)
        spells.debt[slot[part]] = part
    assert spells.members().tolist() == rows.tolist()
    assert spells.debt[slot[rows]].tolist() == rows.tolist()
    assert len(set(slot[rows].tolist())) == len(rows)
    happened = [spells.due(nobody_away(spells))[0].tolist() for _ in range(1000)]
    assert [day for day, who in enumerate(happened) for _ in who] == rows.tolist()


def test_a_cause_whose_hazard_has_gone_does_not_come():
    """Two causes are due on one day and the first counts; before the next day the other's hazard ends: nothing is due."""
    slot = Few(1).column(np.int32, -1)
    spells, row = Spells(slot, ("line", "debt")), np.array([0])
    spells.add(row)
    spells.begin(row, 0, 0.5, 1.0)
    spells.begin(row, 1, 0.9, 1.0)
    assert spells.due(nobody_away(spells))[1].tolist() == [0]
    spells.change(row, 1, 0.0)
    assert not any(spells.due(nobody_away(spells))[0].size for _ in range(10))
