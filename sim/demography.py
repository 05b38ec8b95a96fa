"""Demography: who is there, how old, with which lasting differences; entrants each 1 September, leavers at eighteen.

*Chosen*: entrants of a 1 September are the school year that is aged ten on that day. The official figure is everybody aged
10 to 17, the model's day 1 meets it exactly; so each school year is about 8 % larger than in life and ages 10.0 to 10.6
are thin in spring. *Rival*: entry on each tenth birthday, which is exact and costs a step a day; at ten few of the events of this
model happen, so the plainer rule was kept.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from sim.dates import EIGHTEEN, date_of, day_of, first_septembers
from sim.draws import gamma_quantile, key_of, keys_of
from sim.ledger import Event
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import AT_HOME, Children, band_of, group_of
from sim.world import FULL_COHORTS, World

OLDEST, FIRST_NEW = 2006, 2014  # school years of birth: partly eighteen on day 1; the first entrants
THIRTEEN, FIFTEEN, SIXTEEN = 4749, 5479, 5844  # days of age at which the age band changes
NEIGHBOURS_IN_A_YEAR = 81  # children of one school year in a neighbourhood of 600


class People(Parameters, group="people"):
    """How children differ, for life."""

    male = parameter(0.512, unit="share", between=(0.51, 0.515), source="pop_male_share_rec", distribution="fixed")
    friends = parameter(4.5, unit="friends", between=(3.0, 6.0), source=ASSUMED, doc="Size of a circle of friends, the child apart.")
    unevenness_of_strain = parameter(0.6, unit="gamma shape", between=(0.3, 2.0), source=ASSUMED, doc="Family conflict; the smaller, the more unequal.")
    unevenness_of_exposure = parameter(0.5, unit="gamma shape", between=(0.2, 2.0), source=ASSUMED)
    exposure_from_strain = parameter(0.4, unit="share", between=(0.0, 0.8), source="G105", doc="Share of exposure to exploiters that family conflict explains; the source says risks come together, not how much.")
    entrants_looked_after = parameter(0.006, unit="share", between=(0.004, 0.009), source=ASSUMED, doc="Of children at ten, in England; authorities differ as their stocks do.")


class Demography:
    """Lays out the rows of a world and keeps birthdays."""

    keeper = "demography"

    def __init__(self, model, last_day: int):
        self.model, self.parameters = model, model.parameters["people"]
        world: World = model.world
        layout = lay_out(world, model.draws, last_day, self.parameters)
        model.children = Children(model, len(layout["key"]))
        self.own = model.children.kept_by(self.keeper)
        for name in ("key", "born", "authority", "neighbourhood", "circle"):
            getattr(self.own, name)[:] = layout[name]
        self.first_row_of = layout["first_row_of"]  # of each neighbourhood; one more at the end
        self.first_neighbourhood = layout["first_neighbourhood"]  # of each authority of England; one more at the end
        self.circles = layout["circles"]
        self.by_age = np.argsort(self.own.born, kind="stable").astype(np.int32)
        born = self.own.born[self.by_age]
        self.first_born = int(born[0])
        self.first_of_day = np.searchsorted(born, np.arange(born[0], int(born[-1]) + 2))  # in `by_age`, of each day of birth
        self._draw_differences()
        self.own.strain[layout["inert"]] = self.own.exposure[layout["inert"]] = 0.0  # nothing can happen to them
        self.own.is_present[:] = self.own.born <= day_of_birth_year_end(FIRST_NEW - 1)
        rows = model.children.rows
        self.present = rows.size
        self.own.group[rows] = group_of(
            self.own.authority[rows].astype(np.int64), band_of(model.children.ages(rows)), AT_HOME
        )

    def _draw_differences(self) -> None:
        """What a child brings: drawn once, from its key alone."""
        model, own, p = self.model, self.own, self.parameters
        draws, key = model.draws, own.key
        own.is_male[:] = draws.happens("person.sex", key, p.male)
        own.strain[:] = gamma_quantile(draws.exponential("person.strain", key), p.unevenness_of_strain)
        alone = gamma_quantile(draws.exponential("person.exposure", key), p.unevenness_of_exposure)
        own.exposure[:] = p.exposure_from_strain * own.strain + (1.0 - p.exposure_from_strain) * alone

    def have_birthdays(self) -> None:
        """Children pass into the next age band; at eighteen they leave observation."""
        older = [self._aged(age) for age in (THIRTEEN, FIFTEEN, SIXTEEN)]
        self.model.today.give("turned sixteen", older[2])
        rows = np.concatenate(older)
        if rows.size:
            self.regroup(rows, band=np.repeat((1, 2, 3), [len(aged) for aged in older]))
        leavers = self._aged(EIGHTEEN)
        if leavers.size:
            self.own.is_present[leavers] = False
            self.present -= leavers.size
            self._tell_of(leavers)

    def _tell_of(self, leavers) -> None:
        """How each child stands who passes out of observation today: exploited, in debt, missing, looked after."""
        children = self.model.children
        self.model.tell(
            Event.LEFT, leavers, cause=children.stage[leavers], amount=self.model.exploitation.debt(leavers),
            detail=1 * (children.missing_slot[leavers] >= 0) + 2 * (children.setting[leavers] != AT_HOME),
        )  # fmt: skip

    def welcome_entrants(self) -> None:
        """Each 1 September those who are ten come in."""
        if not self.model.is_first_september:
            return
        year = date_of(self.model.day).year - 11
        rows = self._born(day_of_birth_year_end(year - 1) + 1, day_of_birth_year_end(year))
        self.own.is_present[rows] = True
        self.present += rows.size
        self.own.group[rows] = group_of(self.own.authority[rows].astype(np.int64), 0, AT_HOME)
        self.model.tell(Event.ENTERED, rows)

    def settle_news(self) -> None:
        """Children who changed their setting come under other shared hazards."""
        rows = self.model.today.rows("setting changed")
        if rows.size:
            self.regroup(rows)

    def regroup(self, rows, band=None) -> None:
        """Put `rows` under the hazards of their authority, age band and setting, and let the clocks follow."""
        before = self.own.group[rows].astype(np.int64)
        bands = band_of(self.model.children.ages(rows)) if band is None else band
        setting = self.model.children.setting[rows].astype(np.int64)
        self.own.group[rows] = group_of(self.own.authority[rows].astype(np.int64), bands, setting)
        for clock in self.model.clocks:
            clock.moved(rows, before)

    def _aged(self, days: int):
        """Rows of those present who are exactly so many days old today."""
        rows = self._born(self.model.day - days, self.model.day - days)
        return rows[self.own.is_present[rows]]

    def _born(self, first: int, last: int):
        """Rows of those who were born between two days, both included."""
        ends = len(self.first_of_day) - 1
        begin, end = (self.first_of_day[min(max(day - self.first_born, 0), ends)] for day in (first, last + 1))
        rows = self.by_age[begin:end].astype(np.int64)
        rows.sort()
        return rows


def lay_out(world: World, draws, last_day: int, p) -> dict[str, np.ndarray]:
    """The rows of everybody who is in the world on some day until `last_day`, sorted by authority and neighbourhood.

    Day 1 holds exactly the published number of children of each authority (times the fraction, by key).
    """
    oldest_on_day_1 = 1 - EIGHTEEN + 1  # born on the first day that is not yet eighteen years ago
    window = day_of_birth_year_end(OLDEST) - oldest_on_day_1 + 1
    new = {year - 11: day for day in first_septembers(1, last_day) for year in [date_of(day).year]}
    number = world.neighbourhoods()
    first_neighbourhood = np.concatenate(([0], np.cumsum(number)))
    parts = []
    for a in world.authorities:
        people = int(world.places.population_10_17[a])
        full = round(people / (FULL_COHORTS + window / 365.0))
        for year in (*range(OLDEST, FIRST_NEW), *new):
            size = people - FULL_COHORTS * full if year == OLDEST else full
            more = round(size * world.inert)
            ordinal = np.concatenate((np.arange(size), np.arange(more) % max(size, 1)))
            inert = np.arange(size + more) >= size
            key = keys_of(key_of("child", world.places.code[a], year), np.arange(size + more))
            start = oldest_on_day_1 if year == OLDEST else day_of_birth_year_end(year - 1) + 1
            days = day_of_birth_year_end(year) - start + 1
            born = start + (2 * ordinal + 1) * days // (2 * size)
            kept = (key >> np.uint64(11)).astype(np.float64) * 2.0**-53 < world.fraction
            parts.append((key[kept], born[kept], np.full(kept.sum(), a), np.full(kept.sum(), year), inert[kept]))
    key, born, authority, year, inert = (np.concatenate(column) for column in zip(*parts, strict=True))
    within = (draws.uniform("person.neighbourhood", key) * number[authority]).astype(np.int64)
    neighbourhood = first_neighbourhood[authority] + within
    order = np.lexsort((key, neighbourhood))
    key, born, authority, year = key[order], born[order], authority[order], year[order]
    inert, neighbourhood = inert[order], neighbourhood[order]
    per_year = max(1, round(NEIGHBOURS_IN_A_YEAR / (1.0 + p.friends)))
    years = FIRST_NEW + len(new) - OLDEST
    circle = (draws.uniform("person.circle", key) * per_year).astype(np.int64)
    circle += per_year * ((year - OLDEST) + years * neighbourhood)
    circle[inert] = -1
    return {
        "key": key, "born": born, "authority": authority, "neighbourhood": neighbourhood, "circle": circle,
        "inert": inert,
        "circles": per_year * years * int(first_neighbourhood[-1]),
        "first_neighbourhood": first_neighbourhood,
        "first_row_of": np.searchsorted(neighbourhood, np.arange(first_neighbourhood[-1] + 1)),
    }  # fmt: skip


def day_of_birth_year_end(school_year: int) -> int:
    """The last day of the school year of birth: 31 August of the year after it began."""
    return day_of(date(school_year + 1, 8, 31))


