"""School: suspension, permanent exclusion, part-time timetables, alternative provision, persistent absence.

Trouble at school comes to a child at its authority's published rate, times its age, times a lasting difference that shares
something with family conflict and exposure; being exploited may raise it. Most trouble ends in a suspension of days, some in
weeks of absence, some in a part-time timetable, little of it in a permanent exclusion to alternative provision. Out of school a child is easier to
meet for recruiters (`recruitment`), and a school that suspends it may notice why (`services`).

*Chosen*: exclusion and exploitation are associated partly through who is exposed, partly through what exploitation does at
school, and perhaps through what being out of school does; each part is a number with "nothing" in its range. *Rival*: exclusion
as a cause only, as campaigns say; set `recruitment.out_of_school` high and `when_exploited` to 1.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.arithmetic import _neglog, _uniform
from sim.draws import gamma_quantile
from sim.hazards import Clock
from sim.kernels import by_name
from sim.ledger import Event
from sim.levers import ALWAYS, Lever
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import (
    ABSENT,
    ALTERNATIVE,
    BANDS,
    GETTING_OUT,
    GROOMED,
    MAINSTREAM,
    NOT_INVOLVED,
    PART_TIME,
    SCHOOLING,
    SETTINGS,
    SUSPENDED,
    group_of,
)
from sim.tables import NOBODY, by_portions

SCHOOL_TROUBLE = Lever("trouble at school", "Hazard of being suspended or excluded.")
WAS_LOOKED_AFTER, WAS_SUSPENDED, WAS_EXCLUDED, WAS_MISSING = range(4)
PASTS = ("looked after", "suspended", "permanently excluded", "missing")
PUT_OUT = {ALTERNATIVE: Event.EXCLUDED, PART_TIME: Event.PART_TIME, ABSENT: Event.ABSENT, SUSPENDED: Event.SUSPENDED}
USUAL_SUSPENSIONS = 4.0  # behind a child who is suspended, on average
STARTS_AT = 8.0  # years of age from which suspensions are counted


class Schooling(Parameters, group="schooling"):
    """How often children are put out of school."""

    at_10_12 = parameter(1.1, unit="times the authority's rate", between=(0.6, 1.6), source="places.csv:suspension_rate", doc="Suspensions for 100 pupils of all ages; ages ASSUMED.")
    at_13_14 = parameter(2.4, unit="times the authority's rate", between=(1.6, 3.2), source="places.csv:suspension_rate")
    at_15 = parameter(2.2, unit="times the authority's rate", between=(1.4, 3.2), source="places.csv:suspension_rate")
    at_16_17 = parameter(0.15, unit="times the authority's rate", between=(0.0, 0.5), source="places.csv:suspension_rate")
    unevenness = parameter(0.18, unit="gamma shape", between=(0.1, 1.0), source=ASSUMED, doc="Lasting difference between pupils; the smaller, the more unequal.")
    from_exposure = parameter(0.8, unit="share", between=(0.0, 0.8), source="K175;G105", doc="Of this difference: shared with exposure to exploiters.")
    when_exploited = parameter(3.0, unit="multiplier", between=(1.0, 4.0), source="K006;K175", doc="While groomed, working or getting out; a part of the association is selection.")
    days = parameter(2.5, unit="days", between=(1.5, 5.0), source=ASSUMED, doc="Mean length of a suspension.")
    exclusions = parameter(1.1, unit="times the authority's rate", between=(0.7, 1.5), source="places.csv:exclusion_rate")
    exclusion_when_exploited = parameter(18.0, unit="multiplier", between=(1.0, 20.0), source="K176;K177", doc="Permanent exclusion rather than suspension, of an exploited child: drugs, a weapon; range ASSUMED.")
    exclusion_rises = parameter(1.0, unit="share", between=(0.0, 1.0), source="K176", doc="How far a permanent exclusion is for those with many suspensions behind them; range ASSUMED.")
    alternative_days = parameter(300.0, unit="days", between=(120.0, 600.0), source=ASSUMED, doc="Mean stay in alternative provision.")
    absence = parameter(0.3, unit="share of trouble", between=(0.1, 0.6), source="K006", doc="Ends in weeks of absence, without a suspension; range ASSUMED.")
    absence_days = parameter(30.0, unit="days", between=(10.0, 80.0), source=ASSUMED, doc="Mean length.")
    part_time = parameter(0.06, unit="probability a suspension", between=(0.0, 0.2), source=ASSUMED)
    part_time_days = parameter(40.0, unit="days", between=(10.0, 120.0), source=ASSUMED)


class School:
    """Keeps where each child is in its schooling."""

    keeper = "schooling"

    def __init__(self, model):
        self.model, self.parameters = model, model.parameters["schooling"]
        self.own = model.children.kept_by(self.keeper)
        places, p = model.world.places, self.parameters
        self.permanent = np.minimum(1.0, p.exclusions * places.exclusion_rate / places.suspension_rate)
        self.ages = (p.at_10_12, p.at_13_14, p.at_15, p.at_16_17)
        rates = np.zeros(len(places) * len(BANDS) * len(SETTINGS))
        for band, times in enumerate(self.ages):
            for setting in range(len(SETTINGS)):
                rates[group_of(np.arange(len(places)), band, setting)] = places.suspension_rate / 100.0 * times / 365.25 / (1.0 - p.absence)
        self.know_chance()
        self.clock = Clock(self.own.school_level, model.children.columns["group"], rates)
        model.clocks.append(self.clock)
        model.levers.when_moved(SCHOOL_TROUBLE, self.clock.multiply)
        self.in_alternative_provision = 0  # children, today
        self.out, self.back_on = NOBODY, NOBODY  # rows of the children who are out of school, and the day on which each is back

    def know_chance(self) -> None:
        """The keys of chance that compiled rules are given: as the draws are now."""
        chance = {f"draw_{name}": self.model.draws.stream(f"school.{name}") for name in ("absence", "exclusion", "part_time", "days")}
        self.numbers = by_name(**self.parameters.as_dict(), **chance)

    # -- day 1 -----------------------------------------------------------------------------------------------------------

    @by_portions
    def start(self, rows) -> None:
        """Day 1, and arrivals: what school has been like so far, and the clock of trouble to come."""
        model, children = self.model, self.model.children
        multiplier = self._multiplier(rows)
        years = np.maximum(np.arange(BANDS[-1][1] + 1) - STARTS_AT, 0.0)  # at school, by age
        by_age = np.minimum(years, 5.0) * 0.6 * self.ages[0] + np.clip(years - 5.0, 0.0, 3.0) * self.ages[1]
        past = (model.world.places.suspension_rate / 100.0)[children.authority[rows]] * by_age[children.ages(rows)] * multiplier
        patience = model.draws.exponential("school.past", children.key[rows])
        had = (patience < past).nonzero()[0]
        times = np.floor(1.0 + (past[had] - patience[had]))
        who = rows[had]
        self.own.suspensions[who] = np.minimum(times, 254)
        model.tell(Event.HISTORY, who, cause=WAS_SUSPENDED, amount=times)
        rises = 1.0 - self.parameters.exclusion_rises + self.parameters.exclusion_rises * times / USUAL_SUSPENSIONS
        odds = np.minimum(self.permanent[children.authority[who]] * rises * times, 1.0)
        excluded = who[model.draws.happens("school.past_exclusion", children.key[who], odds)]
        model.tell(Event.HISTORY, excluded, cause=WAS_EXCLUDED, amount=1.0)
        self._begin(rows, multiplier)

    def _multiplier(self, rows):
        """The lasting difference of each child (mean 1)."""
        p, children = self.parameters, self.model.children
        alone = gamma_quantile(self.model.draws.exponential("person.at_school", children.key[rows]), p.unevenness)
        own = p.from_exposure * children.exposure[rows].astype(np.float64) + (1.0 - p.from_exposure) * alone
        return own * (children.strain[rows] > 0.0)

    def _begin(self, rows, multiplier=None) -> None:
        multiplier = self._multiplier(rows) if multiplier is None else multiplier
        patience = self.model.draws.exponential("school.trouble", self.model.children.key[rows], self.own.suspensions[rows])
        self.clock.begin(rows, patience, multiplier * self.model.levers.value(SCHOOL_TROUBLE, rows))

    # -- the day -----------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """A day of school: children come back to it, and are put out of it."""
        model, today = self.model, self.model.today
        self.start(today.rows(Event.ENTERED))
        self.start(today.rows(Event.ARRIVED))
        leavers = today.rows(Event.LEFT)
        if leavers.size:
            self.clock.stop(leavers)
            self.in_alternative_provision -= int(np.count_nonzero(self.own.schooling[leavers] == ALTERNATIVE))
        self.feel_exploitation()
        back, out = _come_back(self.out, self.back_on, model.children.is_present, model.day)
        self.out, self.back_on = self.out[:out], self.back_on[:out]
        if back.size:
            back.sort()
            state = self.own.schooling[back]
            model.tell(Event.BACK_AT_SCHOOL, back, cause=state)
            self.in_alternative_provision -= int(np.count_nonzero(state == ALTERNATIVE))
            self.own.schooling[back] = MAINSTREAM
            self._begin(back)
        rows = self.clock.due()
        if rows.size:
            waiting = model.out_of_reach(rows)  # missing, in hospital or in custody: it comes when they are back
            if np.count_nonzero(waiting):
                self.clock.resume(rows[waiting], np.zeros(np.count_nonzero(waiting)))
                rows = rows[~waiting]
            self._put_out(rows)

    def _put_out(self, rows) -> None:
        """Trouble has come to a head: a suspension, sometimes with a part-time timetable after it, or a permanent exclusion."""
        model, facts = self.model, self.model.children.columns
        n, states, days = _course(
            rows, facts["key"], facts["authority"], self.own.suspensions, model.children.few.entry, facts["stage"].by_entry, facts["other_forms"].by_entry,
            self.permanent, self.numbers,
        )  # fmt: skip
        self.own.schooling[rows] = states
        numbers = np.bincount(states, minlength=len(SCHOOLING)).tolist()
        for state, event in PUT_OUT.items():
            if numbers[state]:
                these = states == state
                model.tell(event, rows[these], amount=days[these], serial=n[these])
        self.in_alternative_provision += numbers[ALTERNATIVE]
        model.today.give("put out of school", rows[states != ABSENT])
        self.out, self.back_on = np.concatenate((self.out, rows)), np.concatenate((self.back_on, model.day + days))

    def feel_exploitation(self) -> None:
        """Those who have come to be groomed, to work or to try to get out are in trouble sooner."""
        rows = self.model.today.rows("stage changed")
        rows = rows[self.model.children.is_present[rows]] if rows.size else rows
        if rows.size:
            stage = self.model.children.stage[rows]
            inside = (stage >= GROOMED) & (stage <= GETTING_OUT)
            self.model.levers.hold(SCHOOL_TROUBLE, rows[inside], at=self.parameters.when_exploited, until=ALWAYS, by="exploitation")
            self.model.levers.release(SCHOOL_TROUBLE, rows[~inside], by="exploitation")


@njit(cache=True)
def _come_back(out, back_on, is_present, day):
    """Who is back at school today, if it is in the world still; the last of the list take their places, and so many stay on it."""
    back, number, listed, n = np.empty(len(out), dtype=np.int64), 0, len(out), 0
    while n < listed:
        if back_on[n] != day:
            n += 1
            continue
        if is_present[out[n]]:
            back[number] = out[n]
            number += 1
        listed -= 1
        out[n], back_on[n] = out[listed], back_on[listed]
    return back[:number], listed


@njit(cache=True)
def _course(rows, key, authority, suspensions, entry, stage, other_forms, permanent, numbers):
    """What trouble at school ends in for each of `rows`: which time it is (counted here), where it is in its schooling then, for how many days."""
    p = numbers[0]
    times, states, days = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64)
    for i in range(len(rows)):
        row, child, at = rows[i], key[rows[i]], entry[rows[i]]
        times[i] = min(suspensions[row], 254) + 1
        suspensions[row] = times[i]
        n = np.uint64(times[i])
        odds = permanent[authority[row]] * (1.0 - p.exclusion_rises + p.exclusion_rises * times[i] / USUAL_SUSPENSIONS)
        if stage[at] != NOT_INVOLVED or other_forms[at] != 0:
            odds *= p.exclusion_when_exploited
        if _uniform(child ^ p.draw_absence, n) < p.absence:
            states[i], mean = ABSENT, p.absence_days
        elif _uniform(child ^ p.draw_exclusion, n) < odds:
            states[i], mean = ALTERNATIVE, p.alternative_days
        elif _uniform(child ^ p.draw_part_time, n) < p.part_time:
            states[i], mean = PART_TIME, p.part_time_days
        else:
            states[i], mean = SUSPENDED, p.days
        days[i] = 1 + int(_neglog(_uniform(child ^ p.draw_days, n)) * mean)
    return times, states, days
