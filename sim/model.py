"""The model: builds a world and lives its days. `step()` is the day's table of contents."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mesa
import numpy as np
from numba import njit

from sim import (
    costs,
    demography,
    distance,
    exploitation,
    harm,
    lines,
    missing,
    other_exploitation,
    placements,
    policing,
    recruitment,
    relationships,
    schooling,
    services,
    unaccompanied,
)
from sim.dates import Calendar, last_day_of_year
from sim.draws import Draws
from sim.errors import InputError
from sim.ledger import STOCKS, Event, Ledger
from sim.levers import Levers
from sim.parameters import ParameterError, Parameters, nearest
from sim.policies import Policy, every_policy
from sim.population import (
    APPROACHED,
    AT_HOME,
    BOUND,
    BY_OTHERS,
    CUSTODY,
    GETTING_OUT,
    GROOMED,
    SAFE,
    SEXUALLY,
    WORKING,
    Children,
    register,
)
from sim.scenario import Scenario, check_places, load_scenario, load_world
from sim.tables import FewFacts
from sim.today import Today
from sim.world import World


class CountyLines(mesa.Model):
    """Young people, gangs and their lines, homes and services of a world, day by day.

    `scenario` and `world` are names, paths or objects; `parameters` maps addresses ("lines.substitution") to values, which the
    scenario's own settings override; the same addresses may be given as keywords, as Mesa's `batch_run` does. `seed`
    (or Mesa's `rng`) is a whole number. Day 1 is 1 April 2025 and is the first step; `days` shortens or lengthens the run.
    `recoupled` is for experiments on chance itself: which decisions look theirs up elsewhere (see `Draws`).
    Raises InputError for whatever cannot be.
    """

    def __init__(
        self,
        scenario: str | Path | Scenario = "baseline",
        world: str | Path | World = "town",
        seed: int | None = None,
        parameters: Mapping[str, float] | None = None,
        days: int | None = None,
        rng: Any = None,
        recoupled: Mapping[str, int] | None = None,
        **addresses: float,
    ):
        self._seed_of_run = _whole_seed(seed if seed is not None else rng)
        super().__init__(rng=self._seed_of_run)
        self.world: World = load_world(world)
        self.run_scenario: Scenario = load_scenario(scenario)
        self.given = {**(parameters or {}), **addresses}
        self.parameters = resolve(self.run_scenario, self.given)
        self.last_day = self.world.days if days is None else _whole_days(days)
        self.day = 1
        self.calendar = Calendar(1, max(self.last_day, 2))
        self.draws = Draws(self._seed_of_run, recoupled)
        self.ledger, self.today = Ledger(), Today()
        self.clocks: list = []
        self.children: Children

        self.unaccompanied = unaccompanied.Arriving(self, self.last_day)
        self.demography = demography.Demography(self, self.last_day)
        self.levers = Levers(self.children.kept_by("levers").lever_slot)
        self.schooling = schooling.School(self)
        self.placements = placements.Placements(self)
        self.distance = distance.Far(self)
        self.lines = lines.Market(self)
        self.exploitation = exploitation.Exploiting(self)
        self.recruitment = recruitment.Recruiting(self)
        self.other_exploitation = other_exploitation.OtherExploitation(self)
        self.missing = missing.Missing(self)
        self.harm = harm.Harming(self)
        self.policing = policing.Police(self)
        self.services = services.Serving(self)
        self.relationships = relationships.Relationships(self)
        self.costs = costs.Charging(self)
        register(self, self.children)
        self.policies = self._adopt(self.run_scenario)
        self.datacollector = self._daily_stocks = DailyStocks(self)
        self._begin_day_1()

    def _adopt(self, scenario: Scenario) -> list[Policy]:
        """The scenario's policies, in the order of their names."""
        check_places(scenario, self.world)
        policies = []
        for name, use in sorted(scenario.policies.items()):
            begins = self.world.warm_up_days + 1 if use.begins is None else use.begins
            ends = 1 << 30 if use.ends is None else use.ends
            policies.append(every_policy()[name](self.parameters[f"policies.{name}"], begins, ends, use.where))
        return policies

    def _begin_day_1(self) -> None:
        self.placements.start()
        self.demography.settle_news()
        self.demography.write_down(self.children.rows)
        self.schooling.start(self.children.rows)
        self.missing.start(self.children.rows)
        self.relationships.start(self.placements.table.members())
        self.lines.start()
        self.recruitment.start()
        self.schooling.feel_exploitation()
        self.distance.tell()
        self.missing.begin_pulls()
        self.today.turn()
        self.day = 0

    # -- the day -----------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """One day in England, in the order things happen."""
        self._wake()
        self.demography.have_birthdays()
        self.demography.welcome_entrants()
        self.unaccompanied.arrive()
        self.levers.release_due(self.day, self.today.rows(Event.LEFT))
        self.placements.begin_end_and_move()
        self.demography.settle_news()
        self.demography.write_down_newcomers()
        self.missing.end_episodes()
        self.harm.look_back()
        self.lines.run()
        self.recruitment.recruit()
        self.exploitation.live()
        self.other_exploitation.live()
        self.policing.count_cases()
        self.missing.begin_episodes()
        self.policing.respond()
        self.schooling.open()
        self.services.respond()
        self.relationships.live()
        for policy in self.policies:
            policy.live(self)
        self.distance.tell()
        self.costs.charge()
        self._close()

    def _wake(self) -> None:
        """A new day: its kind is known, yesterday's news are gone."""
        self.day += 1
        self.today.turn()
        if self.day > self.calendar.last_day:
            self.calendar = Calendar(1, self.day + 365)

    def _close(self) -> None:
        """The evening: stocks are counted, and on 31 March looked-after children; the last evening ends the run."""
        self._count_stocks()
        if self.datacollector is self._daily_stocks:  # somebody who puts another in its place says when it collects
            self._daily_stocks.collect(self)
        self.running = self.day < self.last_day
        if self.calendar.last_of_year[self.day - 1]:
            self.placements.count()

    def run_to(self, day: int) -> CountyLines:
        """Live until the evening of a day."""
        while self.day < day:
            self.step()
        return self

    def run_model(self) -> None:
        """Live until the last day."""
        self.run_to(self.last_day)

    def recouple(self, recoupled: Mapping[str, int]) -> None:
        """From now on decisions look their chance up as `recoupled` says (see `Draws`)."""
        self.draws = Draws(self._seed_of_run, recoupled)
        for part in (*vars(self).values(), *self.other_exploitation.forms.values()):
            if hasattr(part, "know_chance"):
                part.know_chance()

    # -- what kind of day it is ----------------------------------------------------------------------------------------

    @property
    def is_school_day(self) -> bool:
        """Schools are open today (on day 1 before dawn: yes)."""
        return bool(self.calendar.school_day[max(self.day, 1) - 1])

    @property
    def is_working_day(self) -> bool:
        """Neither a weekend nor a public holiday."""
        return bool(self.calendar.working_day[self.day - 1])

    @property
    def is_first_september(self) -> bool:
        """The day on which entrants come."""
        return bool(self.calendar.first_september[self.day - 1])

    @property
    def is_first_of_year(self) -> bool:
        """1 April."""
        return self.day > 1 and bool(self.calendar.last_of_year[self.day - 2])

    # -- what mechanisms share ----------------------------------------------------------------------------------------

    def tell(self, event: Event, rows, **columns) -> None:
        """Something happened to `rows`: into the ledger, and into the day's news."""
        if len(rows):
            children = self.children.columns
            columns.setdefault("home", children["authority"][rows])
            self.ledger.events.append(len(rows), day=max(self.day, 1), event=event, child=children["key"][rows], **columns)
            self.today.give(event, rows)

    def point(self, key: int, place: int) -> tuple[float, float]:
        """A point inside an authority, by key: east and north [km]."""
        places = self.world.places
        reach = 2.0 * placements.SPREAD * places.spread_km[place]
        x = places.x_km[place] + (self.draws.one_uniform("point.east", key) - 0.5) * reach
        y = places.y_km[place] + (self.draws.one_uniform("point.north", key) - 0.5) * reach
        return float(x), float(y)

    def points(self, keys, at) -> tuple[np.ndarray, np.ndarray]:
        """A point inside each of some authorities, by key: east and north [km]."""
        places = self.world.places
        reach = 2.0 * placements.SPREAD * places.spread_km[at]
        x = places.x_km[at] + (self.draws.uniform("point.east", keys) - 0.5) * reach
        return x, places.y_km[at] + (self.draws.uniform("point.north", keys) - 0.5) * reach

    def out_of_reach(self, rows) -> np.ndarray:
        """Which of `rows` nothing can come to today: they are missing, in hospital or in custody."""
        facts = self.children.columns
        missing, in_hospital_until = facts["missing_slot"].by_entry, facts["in_hospital_until"].by_entry
        return _out_of_reach(rows, self.children.few.entry, missing, in_hospital_until, facts["setting"], self.day)

    def paused(self, table: FewFacts) -> np.ndarray:
        """Which slots of a table belong to children who are out of reach today: found from those who are, the fewest, not from the table."""
        facts, paused = self.children.columns, np.zeros(len(table.rows), dtype=np.bool_)
        missing, in_hospital_until = facts["missing_slot"].by_entry, facts["in_hospital_until"].by_entry
        for rows in (self.missing.table.rows, self.harm.in_hospital, self.placements.in_custody):
            if rows.size:
                _pause(paused, table.slot.by_entry, rows, self.children.few.entry, missing, in_hospital_until, facts["setting"], self.day)
        return paused

    def _count_stocks(self) -> None:
        children, p = self.children, self.placements
        away = self.missing.table
        missing_rows = away.rows[away.rows >= 0]
        involved = self.exploitation.table.rows
        involved = involved[involved >= 0]
        stages = np.bincount(children.stage[involved], minlength=7)
        out = involved[children.stage[involved] == SAFE]
        not_safe = (children.setting[out] == CUSTODY) | (children.in_hospital_until[out] > self.day)  # which is not being safe
        open_lines = [line for line in self.lines.lines if line.is_open]
        holders = np.array([holder for line in open_lines for holder in line.positions])
        in_crisis = self.levers.number_held("going missing", "crisis")
        values = (
            self.demography.present, len(p.table), len(away), int(np.count_nonzero(children.setting[missing_rows] != AT_HOME)),
            in_crisis, stages[APPROACHED], stages[GROOMED], stages[WORKING], stages[BOUND], stages[GETTING_OUT], len(out) - int(not_safe.sum()),
            len(open_lines), len(holders), sum(line.open_positions for line in open_lines), int(np.count_nonzero(holders >= 0)), p.beds, p.beds_taken,
            self.services.waiting(),
            self.other_exploitation.forms[SEXUALLY].exploited, self.other_exploitation.forms[BY_OTHERS].exploited,
            int(np.count_nonzero(children.setting[p.in_custody] == CUSTODY)),
            int(self.relationships.table.trusts[self.relationships.table.rows >= 0].sum()),
            sum(team.helping for team in self.services.specialists.values()),
            sum(len(team.queue) for team in self.services.specialists.values()),
        )  # fmt: skip
        self.ledger.tables["stocks"].append(1, day=self.day, **dict(zip(STOCKS, values, strict=True)))

    # -- branching -----------------------------------------------------------------------------------------------------

    def branch(self, scenario: str | Path | Scenario) -> CountyLines:
        """A copy of this model that goes on under another scenario's policies, none of which may have begun.

        Equal to having run that scenario from day 1. Raises InputError where the two could not have been equal so far.
        """
        scenario = load_scenario(scenario)
        if scenario.parameters != self.run_scenario.parameters:
            raise InputError(f"scenario '{scenario.name}' changes parameters, so it cannot share a warm-up with '{self.run_scenario.name}'.")
        other = pickle.loads(pickle.dumps(self, protocol=pickle.HIGHEST_PROTOCOL))
        other.run_scenario = scenario
        other.parameters = resolve(scenario, other.given)
        other.policies = other._adopt(scenario)
        if any(policy.begins <= self.day for policy in (*self.policies, *other.policies)):
            raise InputError(f"a policy of '{scenario.name}' or '{self.run_scenario.name}' begins by day {self.day}, within the shared warm-up.")
        return other


@njit(cache=True)
def _out_of_reach(rows, entry, missing, in_hospital_until, setting, day):
    out = np.empty(len(rows), dtype=np.bool_)
    for i in range(len(rows)):
        at = entry[rows[i]]
        out[i] = _is_out(missing[at], in_hospital_until[at], setting[rows[i]], day)
    return out


@njit(cache=True)
def _pause(paused, slot, rows, entry, missing, in_hospital_until, setting, day):
    for row in rows:
        if row >= 0:
            at = entry[row]
            if slot[at] >= 0 and _is_out(missing[at], in_hospital_until[at], setting[row], day):
                paused[slot[at]] = True


@njit(cache=True)
def _is_out(missing_slot, in_hospital_until, setting, day):
    """Missing, in hospital (or dead), or in custody: by facts of one child (given arrays, a call would count references to each for 0.1 us)."""
    return missing_slot >= 0 or in_hospital_until > day or setting == CUSTODY


class DailyStocks(mesa.DataCollector):
    """The evening stocks in the form of Mesa's data collector, for `batch_run` and plots. The ledger has them, so nothing is collected twice."""

    def __init__(self, model: CountyLines):
        self._ledger = model.ledger
        super().__init__()
        self.model_reporters = {name: name for name in STOCKS}

    @property
    def model_vars(self) -> dict[str, list[int]]:
        """Name of each stock to its value on every evening so far."""
        stocks = self._ledger.stocks.rows()
        return {name: stocks[name].tolist() for name in STOCKS}

    @model_vars.setter
    def model_vars(self, _: dict) -> None:  # Mesa's collector begins with an empty one
        pass

    def collect(self, model) -> None:
        """Only the day is noted."""
        self._collection_steps.append(model.time)


def resolve(scenario: Scenario, given: Mapping[str, float]) -> dict[str, Parameters]:
    """A value for every declared number: the default, or what is given, or what the scenario says, the later the stronger.

    Groups of policies that are not in the scenario are accepted and left out.
    """
    values: dict[str, dict[str, float]] = {group: {} for group in Parameters.registry}
    for address, value in given.items():
        group, _, name = address.rpartition(".")
        if group not in values or name not in Parameters.registry[group].declared:
            known = [f"{g}.{n}" for g, cls in Parameters.registry.items() for n in cls.declared]
            raise InputError(f"parameter '{address}' is not known; {nearest(address, known)}.")
        values[group][name] = value
    for address, value in scenario.parameters.items():
        group, _, name = address.rpartition(".")
        values[group][name] = value
    for name, use in scenario.policies.items():
        values[f"policies.{name}"].update(use.settings)
    try:
        return {
            group: cls(values[group])
            for group, cls in Parameters.registry.items()
            if not group.startswith("policies.") or group.removeprefix("policies.") in scenario.policies
        }
    except ParameterError as error:
        raise InputError(str(error)) from None


def _whole_seed(seed: Any) -> int:
    if seed is None:
        return 1
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed is {seed!r}, but must be a whole number from 0.")
    return int(seed)


def _whole_days(days: Any) -> int:
    last = last_day_of_year(6)
    if isinstance(days, bool) or not isinstance(days, (int, np.integer)) or not 1 <= days <= last:
        raise InputError(f"days is {days!r}, but must be a whole number from 1 to {last}.")
    return int(days)
