"""Missing episodes: why they begin, how long they last, who records them, how they end.

Competing causes: *conflict* at home or placement (a clock, anybody), *going home to family or friends* from a placement, being sent
away on a *line*, and *debt or fear*. Children differ for life (a gamma multiplier), a passing *crisis* multiplies the hazard until
it ends by itself, and the weeks after a return carry a modest rise. Without these, a policy that starts at a child's worst
moment looks too good.

A true episode is an absence that carers, parents or services would call missing had they known. Two records are kept of it: the
*police record* (any child) and the responsible *authority's record* (looked-after children); an episode may be in either, both or
neither. An absence that ends before anybody reports it is not reported.

*Chosen*: durations are Lomax (long-tailed), because one in fifty lasts over a week while half end within hours. *Rival*:
lognormal, whose tail is lighter; the published bands do not tell them apart.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.arithmetic import _heavy_tail, _neglog, _uniform
from sim.dates import QUARTER_DAYS_IN_A_YEAR
from sim.draws import gamma_quantile, key_of, scale_of_median
from sim.hazards import Clock, Spells
from sim.kernels import by_name
from sim.ledger import Event
from sim.levers import Dial, Lever
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import (
    AT_HOME,
    BANDS,
    BOUND,
    CHILDRENS_HOME,
    CONFLICT,
    CUSTODY,
    DEBT,
    FAMILY,
    FOSTER,
    GETTING_OUT,
    KINSHIP,
    LINE,
    NEVER,
    OTHER,
    SECURE,
    SETTINGS,
    SEXUAL,
    SEXUALLY,
    SPECIALIST_FOSTER,
    STAGES,
    SUPPORTED,
    WITH_PARENTS,
    WORKING,
    group_of,
)
from sim.tables import FewFacts, by_portions, union

GOING_MISSING = Lever("going missing", "Hazards of going missing over conflict, to family or friends, and over debt or fear.")
LINE_CONTACT = Lever("contact with the line", "Hazard of being sent away on a line.")

POLICE, AUTHORITY, OVERNIGHT, LOOKED_AFTER, OLDER, OUTSIDE, FOUND = 1, 2, 4, 8, 16, 32, 64  # bits of `detail`
ALL_BUT_FOUND = 255 - FOUND
OVERNIGHT_DAYS = 0.4  # an absence of so many days includes a night
SEXUAL_CONTACT = Lever("contact with sexual exploiters", "Hazard of being away because of sexual exploitation.")
LEAST = 1e-6  # of a multiplier: a hazard may be tiny, never nothing
WHAT_PULLS = ("setting changed", "stage changed", "other exploitation changed")  # the news
PULLS = np.array((FAMILY, LINE, DEBT, SEXUAL))  # causes; among the pulls FAMILY is number 0
OPEN_PLACEMENTS = ~np.isin(range(len(SETTINGS)), (AT_HOME, WITH_PARENTS, SECURE, CUSTODY))  # by setting
INVOLVED = np.isin(range(len(STAGES)), (WORKING, BOUND, GETTING_OUT))  # by stage
DRAWS_OF_AN_EPISODE = (
    "missing.duration", "reporting.delay", "reporting.habit", "reporting.family", "reporting.police", "reporting.authority", "police.search",
)  # fmt: skip
HIGH_RISK = 128  # bit of `detail`: graded as high risk by the police


class Going(Parameters, group="missing"):
    """How often children go missing, and why."""

    at_home = parameter(0.078, unit="episodes a year", between=(0.03, 0.12), source="run_year_2011;mis_rate_noncla", doc="Over conflict, at 13-14, without crisis; most are never reported.")
    in_foster = parameter(0.235, unit="episodes a year", between=(0.1, 0.8), source="mis_cla_inc_2025;mis_cla_plc_foster_2020", doc="Over conflict, at 13-14, without crisis.")
    in_kinship = parameter(0.8, unit="times foster", between=(0.3, 1.2), source=ASSUMED)
    in_home = parameter(10.0, unit="times foster", between=(2.0, 10.0), source="mis_cla_plc_res_2020", doc="Children's homes; a part is who lives there.")
    in_supported = parameter(6.5, unit="times foster", between=(1.5, 8.0), source="mis_cla_semi_2018")
    in_secure = parameter(0.05, unit="times foster", between=(0.0, 0.2), source=ASSUMED)
    with_parents = parameter(0.7, unit="times foster", between=(0.3, 1.2), source=ASSUMED)
    in_other = parameter(3.0, unit="times foster", between=(1.0, 6.0), source=ASSUMED)
    at_10_12 = parameter(0.35, unit="multiplier", between=(0.15, 0.6), source="mis_age_1217_1516;mis_cla_inc_10_15_2025")
    at_15 = parameter(1.6, unit="multiplier", between=(1.0, 2.2), source="mis_age_1217_1516")
    at_16_17 = parameter(1.6, unit="multiplier", between=(1.0, 2.5), source="mis_cla_inc_16_2025;mis_age_1217_1516")
    family = parameter(0.2, unit="episodes a year", between=(0.1, 1.0), source="mis_foster_reason_2014", doc="Going home to family or friends, from a placement.")
    family_when_far = parameter(1.0, unit="multiplier", between=(0.5, 2.0), source="mis_ooa_ch_2018", distribution="log-uniform", doc="... from over 20 miles away: sign unknown.")
    stays = parameter(0.62, unit="a month", between=(0.3, 1.3), source="cl_exit_1y", doc="Times a child who works a line is sent away; range ASSUMED.")
    sexual = parameter(0.5, unit="a month", between=(0.1, 1.0), source=ASSUMED, doc="Times a sexually exploited child is away because of it.")
    debt_rate = parameter(1.0, unit="episodes a year", between=(0.0, 4.0), source=ASSUMED, doc="Over debt or fear, at the debt that binds.")
    fear_of_leaving = parameter(2.0, unit="multiplier", between=(1.0, 4.0), source=ASSUMED, doc="Debt or fear while a child tries to get out.")
    unevenness_home = parameter(0.014, unit="gamma shape", between=(0.01, 0.5), source="mis_share_cla_inc", doc="Lasting difference between children not looked after; crises make the rest.")
    unevenness_care = parameter(0.072, unit="gamma shape", between=(0.05, 1.0), source="mis_cla_mean_2025;mis_cla_inc_2025", doc="... between looked-after children.")
    crises_home = parameter(0.03, unit="a year", between=(0.01, 0.1), source=ASSUMED)
    crises_care = parameter(0.5, unit="a year", between=(0.1, 1.5), source=ASSUMED)
    crisis_days = parameter(30.0, unit="days", between=(10.0, 90.0), source=ASSUMED, doc="Mean length of a crisis.")
    crisis_factor = parameter(12.0, unit="multiplier", between=(4.0, 40.0), source=ASSUMED, doc="Hazard during a crisis, of a looked-after child.")
    crisis_factor_home = parameter(60.0, unit="multiplier", between=(10.0, 200.0), source=ASSUMED, doc="... of a child at home, whose usual hazard is far lower.")
    rise_after_return = parameter(1.4, unit="multiplier", between=(1.0, 2.5), source="M008", doc="Repeat risk is highest in the weeks after a return; how much of that is selection is unknown.")
    rise_days = parameter(21, unit="days", between=(7, 60), source="M008")


class Lasting(Parameters, group="duration"):
    """How long episodes last when nobody finds the child."""

    conflict = parameter(0.2, unit="days", between=(0.1, 0.6), source="mis_dur_u8h;mis_cla_le2d_2022", doc="Median.")
    family = parameter(0.45, unit="days", between=(0.2, 1.0), source="mis_dur_24h", doc="Median.")
    line = parameter(2.5, unit="days", between=(1.0, 10.0), source="M011", doc="Median stay on a line; range ASSUMED.")
    debt = parameter(0.8, unit="days", between=(0.3, 3.0), source=ASSUMED, doc="Median.")
    tail = parameter(1.11, unit="exponent", between=(1.0, 2.5), source="mis_dur_7d;mis_dur_48h", doc="The smaller, the longer the long ones.")
    sexual = parameter(0.9, unit="days", between=(0.3, 3.0), source=ASSUMED, doc="Median.")
    unaccompanied = parameter(3.0, unit="multiplier", between=(1.0, 8.0), source=ASSUMED, doc="Of the median, for unaccompanied children; some never return.")
    line_tail = parameter(1.8, unit="exponent", between=(1.2, 2.5), source="M011")


class Reporting(Parameters, group="reporting"):
    """Who records an absence as missing."""

    home = parameter(0.39, unit="probability", between=(0.2, 0.7), source="run_unreported_2011", doc="Parents would report an absence from home, if it lasts until they do.")
    habit = parameter(0.85, unit="share", between=(0.0, 1.0), source=ASSUMED, doc="How far it is the family rather than the occasion that decides whether an absence from home is reported: families who report do so again.")
    care_police = parameter(0.74, unit="probability", between=(0.4, 0.9), source="mis_share_cla_inc", doc="Carers report to the police.")
    care_authority = parameter(0.90, unit="probability", between=(0.6, 1.0), source="mis_cla_inc_2025", doc="The authority's record has it, under full recording practice.")
    practice_least = parameter(0.75, unit="multiplier", between=(0.5, 1.0), source="mis_cla_overstate;mis_cla_awa_pct_2025", doc="Recording practice of authorities lies between this and 1.")
    known = parameter(1.15, unit="multiplier", between=(1.0, 1.6), source=ASSUMED, doc="Chance of a report to the police of a child known to be exploited.")
    known_sooner = parameter(0.6, unit="multiplier", between=(0.3, 1.0), source=ASSUMED, doc="Time until then.")
    worker = parameter(1.25, unit="multiplier", between=(1.0, 1.8), source=ASSUMED, doc="Chance of a report of a child at home who has a worker.")
    line_home = parameter(0.5, unit="multiplier", between=(0.4, 1.2), source=ASSUMED, doc="Absences on a line, against other absences: families are threatened, or used to them.")
    line_care = parameter(0.9, unit="multiplier", between=(0.6, 1.1), source=ASSUMED)
    delay_home = parameter(0.35, unit="days", between=(0.1, 1.0), source=ASSUMED, doc="Mean time until parents report.")
    delay_care = parameter(0.08, unit="days", between=(0.02, 0.3), source=ASSUMED, doc="Mean time until carers report.")
    search = parameter(4.0, unit="days", between=(0.5, 4.0), source="mis_return_self", doc="Mean time until the police find a child who does not return.")
    search_line = parameter(6.0, unit="days", between=(2.0, 20.0), source=ASSUMED, doc="... who is on a line.")


class Missing:
    """Keeps who is missing, and why."""

    keeper = "missing"

    def __init__(self, model):
        self.model = model
        self.parameters: Going = model.parameters["missing"]
        self.lasting: Lasting = model.parameters["duration"]
        self.reporting: Reporting = model.parameters["reporting"]
        children = model.children
        self.own = children.kept_by(self.keeper)
        self.table = FewFacts(
            self.own.missing_slot, cause=np.uint8, detail=np.uint8, began=np.int32, ends=np.int32, days=np.float64, left=np.float64, serial=np.uint32,
        )  # fmt: skip
        group = children.columns["group"]
        conflict, crisis = self._rates()
        self.conflict = Clock(self.own.conflict_level, group, conflict)
        self.crisis = Clock(self.own.crisis_level, group, crisis)
        model.clocks += [self.conflict, self.crisis]
        self.pulls = Spells(
            self.own.pull_slot, ("family", "line", "debt", "sexual"), family=np.int32, line=np.int32, debt=np.int32, sexual=np.int32
        )  # fmt: skip
        self.pull_hazards = self._pulled_by_family, self._pulled_by_line, self._pulled_by_debt, self._pulled_by_sexual_exploiters
        model.levers.when_moved(GOING_MISSING, self._going_missing_moved)
        model.levers.when_moved(LINE_CONTACT, self._line_contact_moved)
        model.levers.when_moved(SEXUAL_CONTACT, self._sexual_contact_moved)
        self.know_chance()
        least = self.reporting.practice_least
        place_keys = np.array([key_of("place", code) for code in model.world.places.code], dtype=np.uint64)
        self.practice = Dial(least + (1.0 - least) * model.draws.uniform("authority.practice", place_keys))

    def know_chance(self) -> None:
        """The keys of chance that compiled rules are given: as the draws are now."""
        p, draws = self.lasting, self.model.draws
        tails = (p.tail, p.tail, p.line_tail, p.tail, p.tail)  # by cause
        medians = (p.conflict, p.family, p.line, p.debt, p.sexual)
        chance = {f"draw_{name.replace('.', '_')}": draws.stream(name) for name in DRAWS_OF_AN_EPISODE}
        self.numbers = by_name(
            scale=[scale_of_median(m, t) for m, t in zip(medians, tails, strict=True)], tail=tails,
            unaccompanied=p.unaccompanied, **self.reporting.as_dict(), **chance,
        )  # fmt: skip
        self.pull_draws = np.array([draws.stream(f"missing.{cause}") for cause in self.pulls.causes])

    def _rates(self):
        """Daily hazards of each group, for a multiplier of 1: going missing over conflict, and of a crisis beginning."""
        p, authorities = self.parameters, np.arange(len(self.model.world.places))
        times = {
            FOSTER: 1.0, SPECIALIST_FOSTER: 1.0, KINSHIP: p.in_kinship, CHILDRENS_HOME: p.in_home, SECURE: p.in_secure,
            SUPPORTED: p.in_supported, WITH_PARENTS: p.with_parents, OTHER: p.in_other, CUSTODY: 0.0,
        }  # fmt: skip
        self.by_setting = np.array([p.at_home] + [p.in_foster * times[setting] for setting in range(1, len(SETTINGS))])
        self.crisis_factors = np.where(np.arange(len(SETTINGS)) == AT_HOME, p.crisis_factor_home, p.crisis_factor)  # by setting
        self.by_age = np.array([p.at_10_12, 1.0, p.at_15, p.at_16_17])
        conflict = np.zeros(len(authorities) * len(BANDS) * len(SETTINGS))
        crisis = np.zeros_like(conflict)
        for band in range(len(BANDS)):
            for setting in range(len(SETTINGS)):
                at = group_of(authorities, band, setting)
                conflict[at] = self.by_setting[setting] * self.by_age[band] / 365.25
                crisis[at] = (p.crises_home if setting == AT_HOME else p.crises_care) / 365.25
        return conflict, crisis

    # -- day 1 and arrivals --------------------------------------------------------------------------------------------

    @by_portions
    def start(self, rows) -> None:
        """Clocks begin for `rows`, who have come into the world."""
        children, draws = self.model.children, self.model.draws
        inert = children.strain[rows] == 0.0
        self.own.restlessness[rows] = np.where(inert, 0.0, self._restlessness(rows))
        self.conflict.begin(rows, draws.exponential("missing.conflict", children.key[rows]), self._multiplier(rows))
        self.crisis.begin(rows, draws.exponential("missing.crisis", children.key[rows]), children.strain[rows].astype(np.float64))

    def begin_pulls(self) -> None:
        """Day 1: what pulls looked-after and exploited children away is at work."""
        today = self.model.today
        self._feel_pulls(union(today.rows("setting changed"), today.rows("stage changed"), today.rows(Event.PLACED)))

    def _restlessness(self, rows):
        """The lasting multiplier of each child: more unequal, and on another scale, outside care."""
        children, p = self.model.children, self.parameters
        e = self.model.draws.exponential("person.restlessness", children.key[rows])
        home, care = gamma_quantile(e, p.unevenness_home), gamma_quantile(e, p.unevenness_care)
        return np.maximum(np.where(children.setting[rows] == AT_HOME, home, care), LEAST).astype(np.float32)

    def _multiplier(self, rows):
        return self.own.restlessness[rows].astype(np.float64) * self.model.levers.value(GOING_MISSING, rows)

    # -- the day -------------------------------------------------------------------------------------------------------

    def end_episodes(self) -> None:
        """Children return or are found; those who turned eighteen pass out of sight."""
        model, today = self.model, self.model.today
        self.start(today.rows(Event.ENTERED))
        self.start(today.rows(Event.ARRIVED))
        moved = today.rows("setting changed")
        if moved.size:
            self._settle_in(moved[model.children.is_present[moved]])
        leavers = today.rows(Event.LEFT)
        if leavers.size:
            self._pass_out_of_sight(leavers)
        slots = _due_back(self.table.rows, self.table.ends, model.day)
        if slots.size:
            self._come_back(slots[self.table.rows[slots].argsort()])

    def _come_back(self, slots) -> None:
        """The children in these slots of the table, whose rows ascend, are back."""
        model, table = self.model, self.table
        rows, cause, detail, days, left = table.rows[slots], table.cause[slots], table.detail[slots], table.days[slots], table.left[slots]
        serial = table.serial[slots]
        table.remove(rows)
        model.tell(
            Event.RETURNED, rows, cause=cause, detail=detail, amount=days, serial=serial, place=model.placements.where(rows)
        )
        model.today.post("back", (rows, cause, days, detail, serial))
        model.today.post("returned", (rows, cause, detail, serial))
        over = cause == CONFLICT
        again = rows[over]
        if again.size:
            n = self.own.conflict_spells[again] + 1
            self.own.conflict_spells[again] = n
            self.conflict.begin(again, model.draws.exponential("missing.conflict", model.children.key[again], n), self._multiplier(again))
        if again.size < rows.size:
            self.conflict.resume(rows[~over], left[~over])
            for why in sorted(set(cause.tolist()) - {CONFLICT}):
                self._renew_pull(rows[cause == why], why - FAMILY)
        model.levers.hold(
            GOING_MISSING, rows, at=self.parameters.rise_after_return, until=model.day + self.parameters.rise_days, by="rise after return"
        )

    def _pass_out_of_sight(self, leavers) -> None:
        away = leavers[self.own.missing_slot[leavers] >= 0]
        if away.size:
            slots = self.own.missing_slot[away]
            self.model.tell(
                Event.STILL_MISSING, away, cause=self.table.cause[slots], detail=self.table.detail[slots],
                amount=(self.model.day - self.table.began[slots]).astype(np.float64), serial=self.table.serial[slots],
            )  # fmt: skip
            self.table.remove(away)
        self.conflict.stop(leavers)
        self.crisis.stop(leavers)
        self.pulls.remove(leavers)

    def _settle_in(self, rows) -> None:
        """Who has entered or left care goes missing at another lasting rate."""
        before = self.own.restlessness[rows].astype(np.float64)
        after = self._restlessness(rows)
        self.own.restlessness[rows] = after
        changed = after != before
        if changed.any():
            factors = after[changed].astype(np.float64) / before[changed]
            self._scale(rows[changed], factors, pulls=False)
        self.model.levers.change(GOING_MISSING, rows, at=self._in_crisis(rows), by="crisis")

    def begin_episodes(self) -> None:
        """Crises begin; children go missing over conflict, to family or friends, on a line, over debt or fear."""
        model, children = self.model, self.model.children
        changed = union(*map(model.today.rows, WHAT_PULLS))
        if changed.size:
            self._feel_pulls(changed[children.is_present[changed]])
        struck = self.crisis.due()
        if struck.size:
            self._fall_into_crisis(struck)
        rows, causes = self.pulls.due(model.paused(self.pulls))
        causes, left = PULLS[causes], self.conflict.left(rows)
        self.conflict.stop(rows)
        over_conflict = self.conflict.due()
        if over_conflict.size:
            waiting = model.out_of_reach(over_conflict)  # in hospital: it comes when they are out
            if np.count_nonzero(waiting):
                self.conflict.resume(over_conflict[waiting], np.zeros(np.count_nonzero(waiting)))
                over_conflict = over_conflict[~waiting]
            rows = np.concatenate((rows, over_conflict))
            causes = np.concatenate((causes, np.full(len(over_conflict), CONFLICT)))
            left = np.concatenate((left, np.full(len(over_conflict), np.inf)))
        if rows.size:
            self._go(rows, causes, left)

    def _in_crisis(self, rows):
        """What a crisis makes of the hazard of each of `rows`."""
        return self.crisis_factors[self.model.children.setting[rows]]

    def _fall_into_crisis(self, rows) -> None:
        model, p = self.model, self.parameters
        keys, n = model.children.key[rows], self.own.crises[rows]
        days = 1 + (model.draws.exponential("missing.crisis_days", keys, n) * p.crisis_days).astype(np.int64)
        model.tell(Event.CRISIS, rows, amount=days, serial=n)
        model.levers.hold(GOING_MISSING, rows, at=self._in_crisis(rows), until=model.day + days, by="crisis")
        self.own.crises[rows] = n + 1
        self.crisis.begin(rows, model.draws.exponential("missing.crisis", keys, n + 1), model.children.strain[rows].astype(np.float64))

    def _go(self, rows, causes, left) -> None:
        """`rows` go missing today. How long, who records it, whether they are found: looked up now, known to nobody yet."""
        model, children = self.model, self.model.children
        table, slots, n = self.table, self.table.add(rows), self.own.episodes[rows] + 1
        self.own.episodes[rows] = n
        place, home = model.placements.where(rows), children.authority[rows]
        days, detail, ends = self._course(rows, causes, home, place)
        table.cause[slots], table.began[slots], table.left[slots], table.serial[slots] = causes, model.day, left, n
        table.detail[slots], table.days[slots], table.ends[slots] = detail, days, ends
        model.tell(Event.WENT_MISSING, rows, cause=causes, detail=detail & ALL_BUT_FOUND, place=place, serial=n)

    def _course(self, rows, causes, home, place):
        """The course of each episode that begins: days away, what is recorded of it (bits of `detail`), on which day it ends."""
        policing, facts = self.model.policing, self.model.children.columns
        high = policing.grade(rows)
        return _course(
            rows, causes, home, place, high, policing.pace(high, home), facts["key"], facts["setting"], facts["born"], self.model.children.few.entry,
            facts["episodes"].by_entry, facts["is_unaccompanied"].by_entry, facts["identified_on"].by_entry, facts["worker_slot"].by_entry,
            self.practice.now, self.numbers, self.model.day,
        )  # fmt: skip

    def is_away_on_a_line(self, rows):
        """Which of `rows` are missing because of a line."""
        slots = self.own.missing_slot[rows]
        return (slots >= 0) & (self.table.cause[slots] == LINE)

    def bring_back(self, rows) -> None:
        """Police are with these children, who are away: they are back tomorrow, found if they had been reported."""
        if not rows.size:
            return
        slots = self.own.missing_slot[rows]
        self.table.days[slots] = np.minimum(self.table.days[slots], self.model.day - self.table.began[slots] + 0.5)
        self.table.detail[slots] |= np.where(self.table.detail[slots] & POLICE, FOUND, 0).astype(np.uint8)
        self.table.ends[slots] = self.model.day + 1

    # -- pulls ---------------------------------------------------------------------------------------------------------

    def _feel_pulls(self, rows) -> None:
        """What pulls each of `rows` away has changed with its placement, stage or debt."""
        hazards = np.zeros((len(PULLS), len(rows)))
        for cause, hazard in enumerate(self.pull_hazards):
            hazards[cause] = hazard(rows)
        self.pulls.add(_pulled_first(rows, hazards, self.model.children.few.entry, self.pulls.slot.by_entry))
        self._pull(rows, hazards, 0)

    def _renew_pull(self, rows, cause: int) -> None:
        """After an episode by one cause, the wait for the next by the same cause begins anew."""
        hazards = np.zeros((1, len(rows)))
        hazards[0] = self.pull_hazards[cause](rows)
        self._pull(rows, hazards, cause, anew=True)

    def _pull(self, rows, hazards, first: int, *, anew: bool = False) -> None:
        """`rows` are pulled away at these hazards by so many causes from the `first` on; where they were not before (or `anew`) the wait begins."""
        pulls, children = self.pulls, self.model.children
        _pull(
            rows, hazards, first, anew, children.few.entry, pulls.slot.by_entry, pulls.left, pulls.hazard, tuple(pulls.columns.values()),
            children.columns["key"], self.pull_draws,
        )  # fmt: skip

    def _pulled_by_family(self, rows):
        """Daily hazards of going missing to family or friends: of those in a placement that they can walk out of."""
        model, p = self.model, self.parameters
        placed = OPEN_PLACEMENTS[model.children.setting[rows]]
        if not np.count_nonzero(placed):
            return 0.0
        far = placed & model.distance.is_far(rows)
        restlessness, lever = self.own.restlessness[rows].astype(np.float64), model.levers.value(GOING_MISSING, rows)
        return placed * (p.family / 365.25) * restlessness * np.where(far, p.family_when_far, 1.0) * lever

    def _pulled_by_line(self, rows):
        """... on a line: of those whom one that runs today sends away."""
        if not np.count_nonzero(INVOLVED[self.model.children.stage[rows]]):
            return 0.0
        return self.model.exploitation.is_sent_away(rows) * (self.parameters.stays / 30.4375) * self.model.levers.value(LINE_CONTACT, rows)

    def _pulled_by_debt(self, rows):
        """... over debt or fear: of those who work a line or try to get out."""
        model, p, stage = self.model, self.parameters, self.model.children.stage[rows]
        involved = INVOLVED[stage]
        if not np.count_nonzero(involved):
            return 0.0
        fear = np.where(stage == GETTING_OUT, p.fear_of_leaving, 1.0)
        return involved * (p.debt_rate / 365.25) * model.exploitation.fear(rows) * fear * model.levers.value(GOING_MISSING, rows)

    def _pulled_by_sexual_exploiters(self, rows):
        """... because of sexual exploitation."""
        model, exploited = self.model, self.model.other_exploitation.forms[SEXUALLY].is_exploited(rows)
        return exploited * (self.parameters.sexual / 30.4375) * model.levers.value(SEXUAL_CONTACT, rows) if np.count_nonzero(exploited) else 0.0

    # -- levers --------------------------------------------------------------------------------------------------------

    def _scale(self, rows, factors, pulls: bool) -> None:
        """The hazard of going missing over conflict changes, also for those who are away; and that of what `pulls`, but for lines and sexual exploiters."""
        self.conflict.multiply(rows, factors)
        _scale(
            rows, factors, pulls, self.model.children.few.entry, self.own.missing_slot.by_entry, self.table.left, self.own.pull_slot.by_entry,
            self.pulls.hazard,
        )  # fmt: skip

    def _going_missing_moved(self, rows, factors) -> None:
        self._scale(rows, factors, pulls=True)

    def _line_contact_moved(self, rows, factors) -> None:
        self.pulls.multiply(rows, 1, factors)

    def _sexual_contact_moved(self, rows, factors) -> None:
        self.pulls.multiply(rows, 3, factors)


@njit(cache=True)
def _due_back(rows, ends, day):
    """Slots of the table of those missing children who are back on a day."""
    back, number = np.empty(len(rows), dtype=np.int64), 0
    for slot in range(len(rows)):
        if rows[slot] >= 0 and ends[slot] == day:
            back[number] = slot
            number += 1
    return back[:number]


@njit(cache=True)
def _course(
    rows, causes, home, place, high, pace, key, setting, born, entry, episodes, is_unaccompanied, identified_on, worker_slot, practice, numbers, day,
):  # fmt: skip
    """The course of each episode that begins: days away, what is recorded of it (bits of `detail`), on which day it ends.

    It is reported if whoever would report it does so before it is over; once the police know of it they search, at their `pace`
    and sooner for a child at `high` risk, and find the child unless it is back before.
    """
    r = numbers[0]
    all_days, all_detail, ends = np.empty(len(rows)), np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64)
    for i in range(len(rows)):
        row, child, at = rows[i], key[rows[i]], entry[rows[i]]
        n = np.uint64(episodes[at])
        on_line, cared_for, known = causes[i] == LINE, setting[row] != AT_HOME, identified_on[at] > NEVER
        longer = r.unaccompanied if is_unaccompanied[at] else 1.0
        days = _heavy_tail(_neglog(_uniform(child ^ r.draw_missing_duration, n)), r.scale[causes[i]] * longer, r.tail[causes[i]])
        delay = _neglog(_uniform(child ^ r.draw_reporting_delay, n)) * (r.delay_care if cared_for else r.delay_home)
        odds = r.care_police if cared_for else r.home
        if on_line:
            odds *= r.line_care if cared_for else r.line_home
        if known:
            odds *= r.known
            delay *= r.known_sooner
        if not cared_for and worker_slot[at] >= 0:
            odds *= r.worker
        if not cared_for and _uniform(child ^ r.draw_reporting_habit, n) < r.habit:
            u = _uniform(child ^ r.draw_reporting_family, np.uint64(0))
        else:
            u = _uniform(child ^ r.draw_reporting_police, n)
        police = delay < days and u < odds
        noted = r.care_authority * practice[home[i]] * (r.line_care if on_line else 1.0)
        authority = cared_for and _uniform(child ^ r.draw_reporting_authority, n) < noted
        search = _neglog(_uniform(child ^ r.draw_police_search, n)) * (r.search_line if on_line else r.search) * pace[i]
        found = police and delay + search < days
        if found:
            days = delay + search
        all_days[i], ends[i] = days, day + max(int(np.ceil(days)), 1)
        all_detail[i] = (
            POLICE * police + AUTHORITY * authority + OVERNIGHT * (days >= OVERNIGHT_DAYS) + LOOKED_AFTER * cared_for
            + OLDER * ((day - born[row]) * 4 >= 16 * QUARTER_DAYS_IN_A_YEAR) + OUTSIDE * (place[i] != home[i]) + FOUND * found + HIGH_RISK * (police and high[i])
        )  # fmt: skip
    return all_days, all_detail, ends


@njit(cache=True)
def _scale(rows, factors, pulls, entry, missing_slot, left, pull_slot, hazard):
    """Going missing is so many times as likely: what is left of the patience of those who are away lasts 1/factor as long; so do two of the `pulls`."""
    for i in range(len(rows)):
        at = entry[rows[i]]
        if missing_slot[at] >= 0:
            left[missing_slot[at]] /= factors[i]
        if pulls and pull_slot[at] >= 0:
            for cause in (FAMILY, DEBT):
                hazard[pull_slot[at], cause - FAMILY] *= factors[i]


@njit(cache=True)
def _pulled_first(rows, hazards, entry, slot):
    """Who of `rows` is pulled by any cause (`hazards` by cause and row), and has no slot yet."""
    first, number = np.empty(len(rows), dtype=np.int64), 0
    for i in range(len(rows)):
        if slot[entry[rows[i]]] < 0 and (hazards[:, i] > 0.0).any():
            first[number] = rows[i]
            number += 1
    return first[:number]


@njit(cache=True)
def _pull(rows, hazards, first, anew, entry, slot, left, hazard, spells, key, draws):
    """Put those of `rows` who have a slot under `hazards` (by cause, from the `first` on, and row). Where a cause was not at work, a spell begins.

    With `anew` one begins wherever there is a hazard, and nothing else changes. `spells` tells, by cause, how many each child has had.
    """
    for i in range(len(rows)):
        at = slot[entry[rows[i]]]
        if at < 0:
            continue
        for n in range(len(hazards)):
            cause, now = first + n, hazards[n, i]
            begins = now > 0.0 and (anew or (hazard[at, cause] == 0.0 and left[at, cause] == np.inf))
            if begins or not anew:
                hazard[at, cause] = now
            if begins:
                spells[cause][at] += 1
                left[at, cause] = _neglog(_uniform(key[rows[i]] ^ draws[cause], np.uint64(spells[cause][at])))
