"""Demography: who is there, how old, with which lasting differences; entrants each 1 September, leavers at eighteen.

*Chosen*: entrants of a 1 September are the school year that is aged ten on that day. The official figure is everybody aged
10 to 17, the model's day 1 meets it exactly; so each school year is about 8 % larger than in life and ages 10.0 to 10.6
are thin in spring. *Rival*: entry on each tenth birthday, which is exact and costs a step a day; at ten few of the events of this
model happen, so the plainer rule was kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.arithmetic import _uniform
from sim.dates import EIGHTEEN, QUARTER_DAYS_IN_A_YEAR, date_of, day_of, first_septembers
from sim.draws import gamma_quantile, key_of, keys_of
from sim.ledger import CHILD_COLUMNS, Event, Table
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import AT_HOME, Children, band_of, group_of
from sim.tables import is_in, portions, union
from sim.world import CORNERS, FULL_COHORTS, NEIGHBOURHOOD, World

OLDEST, FIRST_NEW = 2006, 2014  # school years of birth: partly eighteen on day 1; the first entrants
BIRTHDAYS = np.array((4749, 5479, 5844, EIGHTEEN))  # days of age at thirteen, fifteen, sixteen, when the age band changes, and at eighteen
NEIGHBOURS_IN_A_YEAR = 81  # children of one school year in a neighbourhood of 600


class People(Parameters, group="people"):
    """How children differ, for life."""

    male = parameter(0.512, unit="share", between=(0.51, 0.515), source="pop_male_share_rec", distribution="fixed")
    siblings = parameter(0.9, unit="siblings", between=(0.5, 1.5), source=ASSUMED, doc="Of ten to seventeen, in the same household.")
    friends = parameter(4.5, unit="friends", between=(3.0, 6.0), source=ASSUMED, doc="Size of a circle of friends, the child apart.")
    unevenness_of_strain = parameter(0.6, unit="gamma shape", between=(0.3, 2.0), source=ASSUMED, doc="Family conflict; the smaller, the more unequal.")
    unevenness_of_exposure = parameter(0.5, unit="gamma shape", between=(0.2, 2.0), source=ASSUMED)
    exposure_from_strain = parameter(0.05, unit="share", between=(0.0, 0.8), source="G105", doc="Share of exposure to exploiters that family conflict explains; the source says risks come together, not how much.")
    entrants_looked_after = parameter(0.006, unit="share", between=(0.004, 0.009), source=ASSUMED, doc="Of children at ten, in England; authorities differ as their stocks do.")


class Demography:
    """Lays out the rows of a world and keeps birthdays."""

    keeper = "demography"

    def __init__(self, model, last_day: int):
        self.model, self.parameters = model, model.parameters["people"]
        world: World = model.world
        layout = lay_out(world, model.draws, last_day, self.parameters, model.unaccompanied.plan)
        model.children = Children(model, len(layout["key"]), **{name: layout[name] for name in ("key", "born", "authority", "circle")})
        self.own = model.children.kept_by(self.keeper)
        self.households = max(1, round(NEIGHBOURHOOD / (1.0 + self.parameters.siblings)))  # in a neighbourhood
        self.gone: list[tuple[int, int]] = []  # who leaves observation tomorrow, and why (bits of detail)
        self.first_row_of = layout["first_row_of"]  # of each neighbourhood; one more at the end
        self.first_neighbourhood = layout["first_neighbourhood"]  # of each authority of England; one more at the end
        self.first_row_of_corner = _corners(self.first_row_of, self.own.key, world.fraction)  # of each corner of each neighbourhood; one more at the end
        self.circles = layout["circles"]
        self.first_born = int(self.own.born.min())
        self.by_age, self.first_of_day = _by_age(self.own.born)  # in `by_age`, the first of each day of birth
        arrives = layout["arrives"]
        for part in portions(len(arrives)):
            self._draw_differences(part, arrives[part] > 0)
        self.own.strain[layout["inert"]] = self.own.exposure[layout["inert"]] = 0.0  # nothing can happen to them
        self.own.is_present[:] = (self.own.born <= day_of_birth_year_end(FIRST_NEW - 1)) & (arrives == 0)
        model.ledger.tables.update(children=Register(model.children.columns))
        for row in (arrives > 0).nonzero()[0].tolist():
            model.unaccompanied.due.setdefault(int(arrives[row]), []).append(row)
        self.present = 0
        for part in portions(len(arrives)):
            self.bring_in(part.start + self.own.is_present[part].nonzero()[0])

    def _draw_differences(self, part, arriving) -> None:
        """What each child of a part of the rows brings: drawn once, from its key alone."""
        model, own, p = self.model, self.own, self.parameters
        draws, key = model.draws, own.key[part]
        own.is_male[part] = draws.happens("person.sex", key, np.where(arriving, model.parameters["unaccompanied"].male, p.male))
        own.strain[part] = gamma_quantile(draws.exponential("person.strain", key), p.unevenness_of_strain)
        alone = gamma_quantile(draws.exponential("person.exposure", key), p.unevenness_of_exposure)
        own.exposure[part] = p.exposure_from_strain * own.strain[part] + (1.0 - p.exposure_from_strain) * alone

    def have_birthdays(self) -> None:
        """Children pass into the next age band; at eighteen they leave observation."""
        rows, begins = _birthdays(BIRTHDAYS, self.model.day - self.first_born, self.first_of_day, self.by_age, self.own.is_present)
        sixteen, eighteen = begins[2:].tolist()
        self.model.today.give("turned sixteen", rows[sixteen:eighteen])
        if eighteen:
            self.regroup(rows[:eighteen])
        if eighteen < len(rows) or self.gone:
            self._pass_out_of_observation(rows[eighteen:])

    def _pass_out_of_observation(self, leavers) -> None:
        """How each child stands who leaves today: exploited, in debt, missing, looked after; at eighteen, transferred or dead."""
        children = self.model.children
        why: Any = 0
        if self.gone:
            gone = {row: reason for row, reason in reversed(self.gone) if self.own.is_present[row]}  # the first reason counts
            self.gone.clear()
            others = np.array(sorted(gone), dtype=np.int64)
            others = others[~is_in(others, leavers)]  # at eighteen, whatever else
            leavers = union(leavers, others)
            why = np.zeros(len(leavers), dtype=np.int64)
            why[leavers.searchsorted(others)] = [gone[row] for row in others.tolist()]
        self.own.is_present[leavers] = False
        self.present -= leavers.size
        self.model.tell(
            Event.LEFT, leavers, cause=children.stage[leavers], amount=self.model.exploitation.debt(leavers),
            detail=1 * (children.missing_slot[leavers] >= 0) + 2 * (children.setting[leavers] != AT_HOME) + why,
        )  # fmt: skip

    def leave_tomorrow(self, row: int, *, died: bool = False, transferred: bool = False) -> None:
        """A child has died, or another authority takes over: it passes out of observation in the morning."""
        self.gone.append((row, 4 * died + 8 * transferred))

    def bring_in(self, rows) -> None:
        """Children come into the world who were not in it."""
        self.own.is_present[rows] = True
        self.present += rows.size
        band = band_of(self.model.children.ages(rows))
        self.own.group[rows] = group_of(self.own.authority[rows].astype(np.int64), band, AT_HOME)

    def welcome_entrants(self) -> None:
        """Each 1 September those who are ten come in."""
        if not self.model.is_first_september:
            return
        year = date_of(self.model.day).year - 11
        rows = self._born(day_of_birth_year_end(year - 1) + 1, day_of_birth_year_end(year))
        self.bring_in(rows)
        self.model.tell(Event.ENTERED, rows)

    def settle_news(self) -> None:
        """Children who changed their setting come under other shared hazards."""
        rows = self.model.today.rows("setting changed")
        if rows.size:
            self.regroup(rows)

    def write_down_newcomers(self) -> None:
        """Who came into observation today is written down, with what lasts."""
        self.write_down(union(self.model.today.rows(Event.ENTERED), self.model.today.rows(Event.ARRIVED)))

    def write_down(self, rows) -> None:
        """A row of the ledger for each of `rows`."""
        if rows.size:
            self.model.ledger.tables["children"].append(len(rows), day=self.model.day, row=rows)

    def regroup(self, rows) -> None:
        """Put `rows` under the hazards of their authority, age band and setting, and let the clocks follow."""
        before = _regroup(rows, self.own.group, self.own.authority, self.own.born, self.model.children.columns["setting"], self.model.day)
        for clock in self.model.clocks:
            clock.moved(rows, before)

    def neighbourhood(self, rows):
        """Neighbourhood of each of `rows`: the streets and schools around its home."""
        return self.first_row_of.searchsorted(rows, side="right") - 1

    def household(self, rows):
        """Household of each of `rows`; siblings share one. Looked up, because it is rarely asked."""
        within = self.model.draws.uniform("person.household", self.own.key[rows]) * self.households
        return self.neighbourhood(rows) * self.households + within.astype(np.int64)

    def relatives_and_friends(self, row: int):
        """Rows of the siblings and of the friends of one child who are present."""
        neighbourhood = int(self.neighbourhood(np.array([row]))[0])
        rows = np.arange(*self.first_row_of[neighbourhood : neighbourhood + 2])
        rows = rows[self.own.is_present[rows] & (rows != row)]
        same_circle = (self.own.circle[rows] == self.own.circle[row]) & (self.own.circle[row] >= 0)
        return rows[same_circle | (self.household(rows) == self.household(np.array([row]))[0])]

    def _born(self, first: int, last: int):
        """Rows of those who were born between two days, both included."""
        ends = len(self.first_of_day) - 1
        begin, end = (self.first_of_day[min(max(day - self.first_born, 0), ends)] for day in (first, last + 1))
        rows = self.by_age[begin:end].astype(np.int64)
        rows.sort()
        return rows


_band_of: Any = njit(band_of)
_group_of: Any = njit(group_of)


@njit(cache=True)
def _birthdays(ages, today, first_of_day, by_age, is_present):
    """Those present who are exactly so many days old, ascending for each of `ages`, and where those of each begin.

    `by_age` holds everybody, the eldest first, those of a day ascending; `first_of_day` tells where those born on each day begin in it, and `today` is a day counted as there.
    """
    last = len(first_of_day) - 1
    born = [(first_of_day[min(max(today - age, 0), last)], first_of_day[min(max(today - age + 1, 0), last)]) for age in ages]
    rows, begins, number = np.empty(sum([end - first for first, end in born]), dtype=np.int64), np.empty(len(ages), dtype=np.int64), 0
    for n in range(len(ages)):
        begins[n] = number
        for row in by_age[born[n][0] : born[n][1]]:
            if is_present[row]:
                rows[number] = row
                number += 1
    return rows[:number], begins


@njit(cache=True)
def _regroup(rows, group, authority, born, setting, day):
    """Put each of `rows` into the group of its authority, age and setting; in which it was before."""
    before = np.empty(len(rows), dtype=np.int64)
    for i in range(len(rows)):
        row = rows[i]
        before[i] = group[row]
        group[row] = _group_of(np.int64(authority[row]), _band_of((day - born[row]) * 4 // QUARTER_DAYS_IN_A_YEAR), np.int64(setting[row]))
    return before


class Register(Table):
    """The ledger's `children`: day and row of everybody who comes into observation; the few facts that tell results apart last, and are looked up."""

    def __init__(self, facts: Mapping[str, NDArray]):
        super().__init__({"day": np.int32, "row": np.int32})
        self._facts = facts

    def rows(self) -> dict[str, NDArray]:
        """The columns that are declared for `children`."""
        told, facts = super().rows(), self._facts
        names = {"child": "key", "born": "born", "home": "authority", "is_male": "is_male", "alone": "is_unaccompanied"}
        return {"day": told["day"]} | {name: facts[fact][told["row"]].astype(CHILD_COLUMNS[name]) for name, fact in names.items()}


def lay_out(world: World, draws, last_day: int, p, arrivals) -> dict[str, np.ndarray]:
    """The rows of everybody who is in the world on some day until `last_day`, sorted by authority and neighbourhood.

    Day 1 holds exactly the published number of children of each authority (times the fraction, by key). `arrivals` (key, born,
    authority, day) are children who come later and alone; `arrives` is 0 for all others.
    """
    oldest_on_day_1 = 1 - EIGHTEEN + 1  # born on the first day that is not yet eighteen years ago
    window = day_of_birth_year_end(OLDEST) - oldest_on_day_1 + 1
    new = {year - 11: day for day in first_septembers(1, last_day) for year in [date_of(day).year]}
    number = world.neighbourhoods()
    first_neighbourhood = np.concatenate(([0], np.cumsum(number)))
    per_year = max(1, round(NEIGHBOURS_IN_A_YEAR / (1.0 + p.friends)))
    years = [*range(OLDEST, FIRST_NEW), *new]
    last = np.array([day_of_birth_year_end(year) for year in years])
    first = np.array([oldest_on_day_1, *(last[:-1] + 1)])
    streams = draws.stream("person.neighbourhood"), draws.stream("person.circle")
    names = "key", "born", "authority", "circle", "arrives", "inert"
    columns: dict[str, list] = {name: [] for name in names}
    sizes = []
    for a in world.authorities:  # one after the other, which is quicker and needs less memory than all at once
        people = int(world.places.population_10_17[a])
        full = round(people / (FULL_COHORTS + window / 365.0))
        size = [people - FULL_COHORTS * full, *[full] * (len(years) - 1)]
        both = [children + round(children * world.inert) for children in size]
        series = [key_of("child", world.places.code[a], year) for year in years]
        key = np.concatenate([keys_of(one, np.arange(children)) for one, children in zip(series, both, strict=True)])
        key, born, year, inert = _of_an_authority(key, np.array(size), np.array(both), first, last, world.fraction)
        alone = arrivals[2] == a
        arrives = np.concatenate((np.zeros(len(key), dtype=np.int16), arrivals[3][alone]), dtype=np.int16)
        key, born = np.concatenate((key, arrivals[0][alone])), np.concatenate((born, arrivals[1][alone]), dtype=np.int16)
        year, inert = np.concatenate((year, np.zeros(alone.sum(), dtype=year.dtype))), np.concatenate((inert, np.zeros(alone.sum(), dtype=np.bool_)))
        order, circle, neighbours = _side_by_side(
            key, year, (arrives > 0) | inert, number[a], first_neighbourhood[a], world.fraction, len(years), per_year, *streams
        )
        sizes.append(neighbours)
        here = key[order], born[order], np.full(len(key), a, dtype=np.uint8), circle, arrives[order], inert[order]
        for name, column in zip(names, here, strict=True):
            columns[name].append(column)
    layout = {name: np.concatenate(columns.pop(name)) for name in names}
    return layout | {
        "circles": per_year * len(years) * int(first_neighbourhood[-1]),
        "first_neighbourhood": first_neighbourhood,
        "first_row_of": np.concatenate(([0], np.cumsum(np.concatenate(sizes)))),
    }


@njit(cache=True)
def _of_an_authority(keys, size, both, first, last, fraction):
    """Key, day of birth, school year and whether it is inert, of each child of an authority that a world of a fraction keeps.

    For each school year: its children, these and the inert ones after them, and its first and last day of birth.
    """
    key, born, year, inert = np.empty_like(keys), np.empty(len(keys), np.int16), np.empty(len(keys), np.uint8), np.empty(len(keys), np.bool_)
    kept = begin = 0
    for y in range(len(size)):
        days = last[y] - first[y] + 1
        for n in range(both[y]):
            if _unit(keys[begin + n]) < fraction:
                key[kept], year[kept], inert[kept] = keys[begin + n], y, n >= size[y]
                born[kept] = first[y] + (2 * (n % size[y]) + 1) * days // (2 * size[y])
                kept += 1
        begin += both[y]
    return key[:kept], born[:kept], year[:kept], inert[:kept]


@njit(cache=True)
def _side_by_side(key, year, without_friends, neighbourhoods, first, fraction, years, per_year, draw_neighbourhood, draw_circle):
    """Children of an authority by neighbourhood and key, the circle of friends of each in that order, and how many live in each neighbourhood."""
    by_key, neighbourhood, size = _in_order(key, fraction), np.empty(len(key), np.int64), np.zeros(neighbourhoods, np.int64)
    for n in range(len(key)):
        neighbourhood[n] = int(_uniform(key[n] ^ draw_neighbourhood, np.uint64(0)) * neighbourhoods)
        size[neighbourhood[n]] += 1
    order, circle, end = np.empty(len(key), np.int64), np.empty(len(key), np.int32), np.cumsum(size) - size
    for n in by_key:
        at = end[neighbourhood[n]]
        end[neighbourhood[n]] += 1
        order[at] = n
        mine = int(_uniform(key[n] ^ draw_circle, np.uint64(0)) * per_year)
        circle[at] = -1 if without_friends[n] else per_year * (year[n] + years * (first + neighbourhood[n])) + mine
    return order, circle, size


@njit
def _in_order(key, fraction):
    """Keys in ascending order. They are evenly spread, so each is dealt out near to its place and then comes to it by a few steps."""
    number, scale = len(key), len(key) / fraction
    slot, ends = np.empty(number, np.int32), np.zeros(number + 1, np.int32)
    for n in range(number):
        slot[n] = min(int(_unit(key[n]) * scale), number - 1)
    for n in range(number):
        ends[slot[n] + 1] += 1
    for n in range(number):
        ends[n + 1] += ends[n]
    order = np.empty(number, np.int32)
    for n in range(number):
        order[ends[slot[n]]] = n
        ends[slot[n]] += 1
    sorted_keys = key[order]
    for n in range(1, number):
        at, child, mine = n, order[n], sorted_keys[n]
        while at > 0 and sorted_keys[at - 1] > mine:
            order[at], sorted_keys[at] = order[at - 1], sorted_keys[at - 1]
            at -= 1
        order[at], sorted_keys[at] = child, mine
    return order


@njit(cache=True)
def _corners(first_row, key, fraction):
    """The first row of each corner of each neighbourhood, and one more: rows of a neighbourhood lie in the order of keys, so a corner is a slice."""
    rows = np.zeros((len(first_row) - 1) * CORNERS + 1, np.int64)
    for neighbourhood in range(len(first_row) - 1):
        for row in range(first_row[neighbourhood], first_row[neighbourhood + 1]):
            rows[neighbourhood * CORNERS + _part(key[row], fraction, CORNERS) + 1] += 1
    return np.cumsum(rows)


@njit(cache=True)
def _by_age(born):
    """Rows from the oldest to the youngest, and which of them is the first of each day of birth; one more at the end."""
    first = born.min()
    begins = np.zeros(born.max() - first + 2, np.int64)
    for day in born:
        begins[day - first + 1] += 1
    begins = np.cumsum(begins)
    by_age, filled = np.empty(len(born), np.int32), begins.copy()
    for row in range(len(born)):
        by_age[filled[born[row] - first]] = row
        filled[born[row] - first] += 1
    return by_age, begins


@njit
def _unit(key):
    """Where a key stands among all keys [0 to 1]."""
    return np.float64(key >> np.uint64(11)) * 2.0**-53


@njit
def _part(key, fraction, parts):
    """In which of some parts a key is. A world of a fraction keeps the children of the smallest keys: they are in all parts, not in the first."""
    return min(int(_unit(key) / fraction * parts), parts - 1)


def day_of_birth_year_end(school_year: int) -> int:
    """The last day of the school year of birth: 31 August of the year after it began."""
    return day_of(date(school_year + 1, 8, 31))


