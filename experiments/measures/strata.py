"""Kinds of children, by which results are told apart: sex, age, care, placement, deprivation, schooling, place.

Each kind is what a child was on a day, read from the ledger alone. Ethnicity and disability are not among them: the model holds
neither, so unequal effects by them are unknown, not nil.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from experiments.measures.story import Columns, Story, Timeline, both, some
from sim.ledger import Event
from sim.placements import FAR_KM
from sim.places import read_places
from sim.population import (
    AT_HOME,
    BANDS,
    CHILDRENS_HOME,
    CUSTODY,
    FOSTER,
    KINSHIP,
    OTHER,
    SECURE,
    SPECIALIST_FOSTER,
    SUPPORTED,
    WITH_PARENTS,
    band_of,
)
from sim.schooling import WAS_EXCLUDED, WAS_SUSPENDED

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Dimension:
    """One way to divide children. `codes` gives each child's kind on its day, an index into `kinds`, -1 for none of them.

    `kinds`: a name for columns and a label for readers.
    """

    name: str
    kinds: tuple[tuple[str, str], ...]
    codes: Callable[[Story, NDArray, NDArray], Codes]

    def of(self, story: Story, child: NDArray, day: NDArray | int) -> Codes:
        """The kind of each of these children on its day."""
        return self.codes(story, child, np.broadcast_to(np.asarray(day, dtype=np.int64), child.shape))

    def count(self, story: Story, child: NDArray, day: NDArray) -> NDArray[np.int64]:
        """How many of these children are of each kind on their day."""
        codes = self.of(story, child, day)
        return np.bincount(codes[codes >= 0], minlength=len(self.kinds))

    def people(self, story: Story, day: int) -> NDArray[np.int64]:
        """How many children in observation on a day are of each kind."""

        def make() -> NDArray[np.int64]:
            present = story.people.present(day)
            return self.count(story, present, np.full(len(present), day))

        return story.keep((self.name, "people", day), make)


# -- who they are ----------------------------------------------------------------------------------------------------------


def _sex(story: Story, child: NDArray, day: NDArray) -> Codes:
    return story.people.is_male[story.people.at(child)].astype(np.int64)


def _age(story: Story, child: NDArray, day: NDArray) -> Codes:
    return band_of(story.people.ages(child, day)).astype(np.int64)


def _deprivation(story: Story, child: NDArray, day: NDArray) -> Codes:
    return thirds()[story.people.home[story.people.at(child)]]


@cache
def thirds() -> Codes:
    """The third of England's children, by the deprivation of their authority, in which each authority's live: 0 most, 2 least deprived."""
    places = read_places()
    order = np.argsort(-places.imd_score, kind="stable")
    people = places.population_10_17[order]
    third = np.empty(len(places), dtype=np.int64)
    third[order] = np.minimum(((np.cumsum(people) - people / 2.0) * 3.0 / people.sum()).astype(np.int64), 2)
    return third


def _place(story: Story, child: NDArray, day: NDArray) -> Codes:
    places = read_places()
    exports = np.array([bool(group) for group in places.exporter_group])
    return np.where(exports, 0, np.where(places.coastal, 1, 2))[story.people.home[story.people.at(child)]]


# -- care ----------------------------------------------------------------------------------------------------------------------


def _care(story: Story, child: NDArray, day: NDArray) -> Codes:
    inside, alone = story.in_care.on(child, day), story.people.alone[story.people.at(child)]
    return np.where(inside, np.where(alone, 2, 1), 0)


_SETTING = np.full(256, -1)
_SETTING[[FOSTER, SPECIALIST_FOSTER, KINSHIP]], _SETTING[[CHILDRENS_HOME, SECURE]], _SETTING[SUPPORTED] = 0, 1, 2
_SETTING[WITH_PARENTS], _SETTING[[OTHER, CUSTODY]] = 3, 4


def _setting(story: Story, child: NDArray, day: NDArray) -> Codes:
    return _SETTING[story.settings(child, day)]


def _distance(story: Story, child: NDArray, day: NDArray) -> Codes:
    """Inside the authority, outside it and near, outside it and far; -1 for those who live in no placement."""
    setting, last = story.settings(child, day), story.placement(child, day)
    placed = np.flatnonzero((setting != AT_HOME) & (setting != CUSTODY) & (last >= 0))
    rows = some(story.placed, last[placed])
    codes = np.full(len(child), -1)
    codes[placed] = np.where(rows["place"] == rows["home"], 0, np.where(rows["amount"] > FAR_KM, 2, 1))
    return codes


# -- schooling -----------------------------------------------------------------------------------------------------------------


def ever_suspended(story: Story) -> Timeline:
    """Children who had been suspended, from the first day that the ledger tells of it."""
    return story.keep("suspended", lambda: _timeline(both(_history(story, WAS_SUSPENDED), story.of(Event.SUSPENDED))))


def ever_excluded(story: Story) -> Timeline:
    """Children who had been permanently excluded, from the first day that the ledger tells of it."""
    return story.keep("excluded", lambda: _timeline(both(_history(story, WAS_EXCLUDED), story.of(Event.EXCLUDED))))


def _history(story: Story, past: int) -> Columns:
    rows = story.of(Event.HISTORY)
    return some(rows, rows["cause"] == past)


def _timeline(rows: Columns) -> Timeline:
    order = np.lexsort((rows["day"], rows["child"]))
    return Timeline(rows["child"][order], rows["day"][order].astype(np.int64))


def _schooling(story: Story, child: NDArray, day: NDArray) -> Codes:
    suspended, excluded = ever_suspended(story).last(child, day) >= 0, ever_excluded(story).last(child, day) >= 0
    return np.where(excluded, 2, np.where(suspended, 1, 0))


DIMENSIONS = (
    Dimension("sex", (("girls", "girls"), ("boys", "boys")), _sex),
    Dimension("age", tuple((f"aged_{a}_{b}" if a < b else f"aged_{a}", f"aged {a} to {b}" if a < b else f"aged {a}") for a, b in BANDS), _age),
    Dimension(
        "care",
        (("not_looked_after", "not looked after"), ("looked_after", "looked after, unaccompanied children apart"), ("unaccompanied", "unaccompanied, looked after")),
        _care,
    ),
    Dimension(
        "setting",
        (
            ("fostered", "fostered, with kin or others"), ("in_homes", "in children's homes and secure"), ("in_supported", "in supported or independent settings"),
            ("with_parents", "looked after, with their parents"), ("in_other", "in emergency and other arrangements, or in custody"),
        ),
        _setting,
    ),
    Dimension(
        "distance",
        (
            ("placed_inside", "placed inside their authority"), ("placed_outside_near", "placed outside it, within 20 miles of home"),
            ("placed_outside_far", "placed outside it, over 20 miles from home"),
        ),
        _distance,
    ),
    Dimension(
        "deprivation",
        (
            ("most_deprived", "of the most deprived third of authorities"), ("middle_deprived", "of the middle third"),
            ("least_deprived", "of the least deprived third"),
        ),
        _deprivation,
    ),
    Dimension(
        "schooling",
        (("never_put_out", "never suspended or excluded"), ("suspended", "ever suspended, never excluded"), ("excluded", "ever permanently excluded")),
        _schooling,
    ),
    Dimension("place", (("exporting", "of areas from which lines start"), ("coastal", "of other coastal areas"), ("inland", "of other inland areas")), _place),
)  # fmt: skip
"""All ways to divide children."""
