"""Services: return interviews, signals of exploitation and who holds them, identification, assessment, help to get out.

After a return from a recorded episode an interview is offered, accepted, arranged, and held when an interviewer of the
responsible authority is free: more often within 72 hours when the child lives there. What agencies see becomes a signal, held by
the agency that saw it; some signals are shared, after a delay, and then all know them. A child is identified on the day on which
the signals of one agency, or those that all know, are as many as that child needs. How many it needs is drawn once, and depends
on who is believed: girls on lines and boys who are sexually exploited less than the others.

*Chosen*: a number of signals, geometric, so that one agency alone recognises each signal with the same chance. *Rival*: each signal
is recognised or missed for ever (`needs_pooling` 0 switches sharing off and comes to that); then agencies that share do not gain.
"""

from __future__ import annotations

import math

import mesa
import numpy as np
from numba import njit

from sim.arithmetic import _neglog, _uniform
from sim.draws import key_of
from sim.exploitation import GETTING_OUT_OF_IT
from sim.kernels import by_name
from sim.ledger import Event
from sim.levers import Dial
from sim.missing import AUTHORITY, LOOKED_AFTER, POLICE
from sim.other_exploitation import EXPLOITED, GETTING_OUT_OTHERWISE
from sim.parameters import ASSUMED, Parameters, parameter
from sim.placements import ENTERING_CARE
from sim.population import (
    AT_HOME,
    BOUND,
    BY_A_LINE,
    BY_OTHERS,
    GETTING_OUT,
    GROOMED,
    NEVER,
    NOT_INVOLVED,
    SEXUALLY,
    WORKING,
)
from sim.tables import union

POLICE_FORCE, SOCIAL_CARE, EDUCATION, HEALTH, ALL = range(5)
AGENCIES = ("police", "social care", "education", "health", "all together")
EPISODE, MET, DISCLOSURE, SCHOOL, HOSPITAL, INTELLIGENCE = range(6)
SIGNALS = ("missing episode", "met by police", "disclosure in a return interview", "put out of school", "hospital", "intelligence")
CRIMINAL_FACTOR, GANG_FACTOR, SEXUAL_FACTOR, MISSING_FACTOR = 1, 2, 4, 8
FACTORS = {CRIMINAL_FACTOR: "criminal exploitation", GANG_FACTOR: "gangs", SEXUAL_FACTOR: "sexual exploitation", MISSING_FACTOR: "going missing"}
WAITING_DAYS = 14  # an interview that has not been held by then lapses


class Services(Parameters, group="services"):
    """Today's practice, the year to 31 March 2025."""

    offered = parameter(0.80, unit="probability", between=(0.5, 0.95), source="rhi_offered_2024", doc="After a recorded episode, interviews are offered.")
    offered_outside = parameter(0.7, unit="multiplier", between=(0.4, 1.0), source="rhi_devon_ooa", doc="... to a child placed in another authority.")
    accepted = parameter(0.75, unit="probability", between=(0.4, 0.95), source="rhi_completed_2024")
    arranging = parameter(2.4, unit="days", between=(0.5, 5.0), source="rhi_72h_2024", doc="Mean time until the child can be met.")
    interviewers = parameter(9.0, unit="interviews a working day", between=(4.0, 20.0), source=ASSUMED, doc="For 1,000 looked-after children aged 10 to 17 of the authority.")
    discloses = parameter(0.1, unit="probability", between=(0.02, 0.4), source=ASSUMED, doc="An exploited child says something of it in an interview, to somebody it does not trust yet.")
    episode_seen = parameter(0.035, unit="probability", between=(0.02, 0.3), source=ASSUMED, doc="A recorded episode of an exploited child shows a sign.")
    met_seen = parameter(0.9, unit="probability", between=(0.3, 1.0), source=ASSUMED, doc="Police who meet a child on a line see what it is.")
    school_sees = parameter(0.5, unit="probability", between=(0.03, 0.5), source=ASSUMED, doc="A school that suspends or excludes an exploited child sees a sign.")
    hospital_sees = parameter(0.3, unit="probability", between=(0.1, 0.7), source=ASSUMED)
    intelligence = parameter(0.09, unit="a month", between=(0.0, 0.15), source=ASSUMED, doc="Police hear of an exploited child from a parent, a neighbour, another child.")
    recognised = parameter(0.5, unit="probability", between=(0.15, 0.8), source=ASSUMED, doc="One signal is enough, for a child who is believed.")
    girls_on_lines = parameter(0.7, unit="multiplier", between=(0.3, 1.0), source="K153", doc="Of that chance; girls are thought to be under-identified.")
    boys_sexually = parameter(0.5, unit="multiplier", between=(0.2, 1.0), source=ASSUMED)
    otherwise = parameter(0.6, unit="multiplier", between=(0.2, 1.0), source=ASSUMED, doc="Of that chance, for criminal exploitation that is not by a line.")
    unevenness_of_practice = parameter(0.25, unit="share", between=(0.0, 0.8), source=ASSUMED, doc="Authorities offer and share up to so much more or less than the mean.")
    shared = parameter(0.3, unit="probability", between=(0.1, 0.7), source=ASSUMED, doc="A signal is shared with all agencies.")
    sharing_days = parameter(21.0, unit="days", between=(3.0, 90.0), source=ASSUMED, doc="Mean time until then.")
    needs_pooling = parameter(1, unit="switch", between=(0, 1), source=ASSUMED, distribution="fixed", doc="1: shared signals count together; 0: each agency counts its own only.")
    assessed = parameter(0.95, unit="probability", between=(0.5, 1.0), source="K111", doc="A referral of an identified child is accepted, and an assessment made.")
    assessed_again = parameter(1.5, unit="a year", between=(0.1, 1.5), source=ASSUMED, doc="Further assessments of a child known to be exploited.")
    enters_care = parameter(40.0, unit="multiplier", between=(1.0, 40.0), source="K174", doc="Hazard of entering care of a child identified at home; the source gives the order of care and first offence.")
    enters_care_days = parameter(365, unit="days", between=(90, 730), source=ASSUMED)
    gang_named = parameter(0.9, unit="probability", between=(0.3, 0.9), source="K110", doc="The assessment of a child exploited by a line names gangs as well.")
    missing_referred = parameter(0.067, unit="probability an episode", between=(0.02, 0.2), source="K113", doc="A recorded episode leads to an assessment that names going missing.")
    referred = parameter(0.68, unit="probability", between=(0.2, 0.9), source="K150;K152", doc="An identified child whom a line exploits is referred to the National Referral Mechanism.")
    helped = parameter(0.30, unit="probability", between=(0.1, 0.6), source="I020", doc="An identified child is offered a worker who helps it to get out.")
    help_places = parameter(25.0, unit="children at one time", between=(8.0, 80.0), source=ASSUMED, doc="Of the specialist team, for 1,000 looked-after children aged 10 to 17.")
    help_works = parameter(1.2, unit="multiplier", between=(0.9, 1.8), source="I012;I030", doc="Hazards of getting out while helped; the sources are uncontrolled or of other children.")
    help_days = parameter(180, unit="days", between=(60, 365), source="I014")


class InterviewTeam(mesa.Agent):
    """The return interviewers of an authority: so many interviews a working day; what waits is sorted by need, then by lot."""

    def __init__(self, model, place: int, a_day: float):
        super().__init__(model)
        self.place, self.a_day = place, a_day
        self.key = key_of("interview team", model.world.places.code[place])
        self.queue: list[tuple] = []  # need class, lot, key, row, earliest day, returned on, cause, serial, for whom
        self.credit = 0.0

    def step(self) -> list[tuple]:
        """A working day: the interviews that are held, as far as capacity goes."""
        day, a_day = self.model.day, self.a_day * float(self.model.services.interviewers[self.place])
        self.credit = min(self.credit + a_day, max(1.0, 3.0 * a_day))
        if not self.queue:
            return []
        entry, missing = self.model.children.few.entry, self.model.children.columns["missing_slot"].by_entry
        self.queue.sort()
        number = int(self.credit)
        held: list[tuple] = []
        waiting: list[tuple] = []
        for item in self.queue:
            can_be_held = len(held) < number and item[4] <= day and missing[entry[item[3]]] < 0
            (held if can_be_held else waiting).append(item)
        self.credit -= len(held)
        self.queue = waiting
        return held

    def let_lapse(self) -> None:
        """What has waited too long lapses, also where the child was away again; and what waits for a child who has left."""
        oldest, is_present = self.model.day - WAITING_DAYS, self.model.children.is_present
        late = [item for item in self.queue if item[5] < oldest or not is_present[item[3]]]
        for item in late:
            self.queue.remove(item)
            self.model.tell(Event.INTERVIEW_LAPSED, np.array([item[3]]), cause=item[6], serial=item[7])


class SpecialistTeam(mesa.Agent):
    """Those of an authority who help exploited children to get out: so many children at a time; who waits is sorted by need, then by lot."""

    def __init__(self, model, place: int, places: float):
        super().__init__(model)
        self.place, self.places = place, places
        self.key = key_of("specialist team", model.world.places.code[place])
        self.helping = 0
        self.queue: list[tuple[int, float, int, int]] = []  # need class, lot, key, row

    @property
    def free(self) -> int:
        """Places free today."""
        return int(self.places * self.model.services.help_places[self.place]) - self.helping

    def step(self) -> None:
        """Free places go to those who wait."""
        is_present, free = self.model.children.is_present, self.free
        self.queue = [item for item in self.queue if is_present[item[3]]]
        if free <= 0:
            return
        self.queue.sort()
        served, self.queue = self.queue[:free], self.queue[free:]
        self.helping += len(served)
        if served:
            self.model.services.begin_help(np.array([item[3] for item in served], dtype=np.int64), self)


class Serving:
    """Keeps what agencies know."""

    keeper = "services"

    def __init__(self, model):
        self.model, self.parameters = model, model.parameters["services"]
        self.own = model.children.kept_by(self.keeper)
        self.held = (self.own.signals_police, self.own.signals_care, self.own.signals_education, self.own.signals_health)
        places, world, p = model.world.places, model.world, self.parameters
        looked_after = {place: float(places.looked_after_10_17[place]) * world.fraction / 1000.0 for place in world.authorities}
        self.teams = {place: InterviewTeam(model, place, p.interviewers * number) for place, number in looked_after.items()}
        self.specialists = {place: SpecialistTeam(model, place, max(1.0, p.help_places * number)) for place, number in looked_after.items()}
        self.numbers = by_name(girls_on_lines=p.girls_on_lines, boys_sexually=p.boys_sexually, otherwise=p.otherwise, recognised=p.recognised)
        self.counted: list[tuple] = []  # what is to be asked whether it is enough: rows, number of signals, agency
        self.sharing: dict[int, list[tuple[int, int]]] = {}  # day to (row, number of the signal) of what becomes known to all
        self.known_to_all: set[tuple[int, int]] = set()
        self.help_ends: dict[int, list[int]] = {}  # day to rows
        self.helped_by: dict[int, SpecialistTeam] = {}  # by row
        self.again: dict[int, list[int]] = {}  # day to rows who are assessed again
        self.times_assessed: dict[int, int] = {}
        level = 1.0 + p.unevenness_of_practice * (2.0 * model.draws.uniform("authority.level", model.placements.place_keys) - 1.0)
        self.offered = Dial(np.minimum(p.offered * level, 1.0))
        self.shared = Dial(np.minimum(p.shared * level, 1.0))
        self.sharing_days = Dial(np.full(len(places), p.sharing_days))
        self.attention = Dial(np.ones(len(places)))  # how often agencies see a sign, against today
        self.interviewers = Dial(np.ones(len(places)))
        self.help_places = Dial(np.ones(len(places)))

    def respond(self) -> None:
        """What happened becomes signals; signals are shared; interviews are offered and held; children are identified, assessed, helped."""
        today, p = self.model.today, self.parameters
        returned = [item for item in map(_on_record, today.get("returned")) if item[0].size]
        for rows, _, detail, serial in returned:
            self._see_episodes(rows, detail, serial)
        for rows, _, serial, _ in today.get("met by police"):
            self._see(rows, serial, POLICE_FORCE, MET, p.met_seen)
        out_of_school = today.rows("put out of school")
        self._see(out_of_school, self.model.children.suspensions[out_of_school], EDUCATION, SCHOOL, p.school_sees)
        in_hospital = today.rows(Event.IN_HOSPITAL)
        self._see(in_hospital, self.model.children.episodes[in_hospital], HEALTH, HOSPITAL, p.hospital_sees)
        self._hear()
        self._share()
        self._identify_if_enough()
        for rows, cause, detail, serial in returned:
            self._offer(rows, cause, detail, serial)
            self._refer_missing(rows, serial)
        held: list[tuple] = []
        is_working_day = self.model.is_working_day
        for team in self.teams.values():
            if team.queue:
                team.let_lapse()
            if is_working_day:
                held += team.step()
        self._interview(held)
        self._identify_if_enough()
        self._assess_again()
        self._end_help([*today.rows(Event.LEFT).tolist(), *self.help_ends.pop(self.model.day, ())])
        for specialists in self.specialists.values():
            if specialists.queue:
                specialists.step()

    def _happens(self, decision: str, rows, serial, probability):
        return self.model.draws.happens(decision, self.model.children.key[rows], probability, serial)

    # -- what agencies see -------------------------------------------------------------------------------------------------

    def _see_episodes(self, rows, detail, serial) -> None:
        """Each agency that knew of the episode may see a sign of exploitation in it."""
        exploited = self.is_exploited(rows)
        if not np.count_nonzero(exploited):
            return
        rows, detail, serial, seen = rows[exploited], detail[exploited], serial[exploited], self.parameters.episode_seen
        for bit, agency in ((POLICE, POLICE_FORCE), (AUTHORITY, SOCIAL_CARE)):
            known = (detail & bit) > 0
            self._see(rows[known], serial[known], agency, EPISODE, seen)

    def _see(self, rows, serial, agency: int, kind: int, probability: float) -> None:
        """An agency may see a sign of exploitation in what happened to `rows`."""
        exploited = self.is_exploited(rows)
        if np.count_nonzero(exploited):
            rows, serial = rows[exploited], serial[exploited]
            odds = probability * self.attention[self.model.children.authority[rows]]
            seen = self._happens(f"services.{AGENCIES[agency]} sees {SIGNALS[kind]}", rows, serial, odds)
            self._hold(rows[seen], agency, kind)

    def _hear(self) -> None:
        """Somebody tells the police of a child, whatever agencies have learnt to see."""
        model = self.model
        facts, forms = model.children.columns, model.other_exploitation.forms
        sexually, otherwise = forms[SEXUALLY].table, forms[BY_OTHERS].table
        heard = _heard(
            model.exploitation.table.rows, facts["stage"].by_entry, model.children.few.entry, sexually.rows, sexually.columns["stage"], otherwise.rows,
            otherwise.columns["stage"], facts["key"], model.draws.stream("services.intelligence"), np.uint64(model.day), self.parameters.intelligence / 30.4375,
        )  # fmt: skip
        self._hold(union(heard), POLICE_FORCE, INTELLIGENCE)

    def is_exploited(self, rows):
        """Who of `rows` is being exploited, or still in reach of those who did."""
        facts = self.model.children.columns
        return _is_exploited(rows, self.model.children.few.entry, facts["stage"].by_entry, facts["other_forms"].by_entry)

    # -- return interviews -------------------------------------------------------------------------------------------

    def _offer(self, rows, cause, detail, serial) -> None:
        """A return interview is offered after a recorded episode, less often where two authorities are needed."""
        facts, placed = self.model.children.columns, self.model.placements.table
        offered = _offered(
            rows, serial, self.model.children.few.entry, facts["care_slot"].by_entry, placed.columns["place"], facts["authority"], facts["key"],
            self.model.draws.stream("services.offered"), self.offered.now, self.parameters.offered_outside,
        )  # fmt: skip
        self._arrange(rows[offered], cause[offered], detail[offered], serial[offered], by="")
        left_out = ~offered
        if np.count_nonzero(left_out):
            self.model.today.post("not offered", (rows[left_out], cause[left_out], detail[left_out], serial[left_out]))

    def _arrange(self, rows, cause, detail, serial, by: str) -> None:
        """Those who accept wait for an interviewer; looked-after children come first."""
        model, p, stream = self.model, self.parameters, self.model.draws.stream
        accepted, lots, days = _accepted(
            rows, serial, model.children.columns["key"], stream("services.accepted"), p.accepted, stream("services.lot"), stream("services.arranging"), p.arranging,
        )  # fmt: skip
        if not accepted.size:
            return
        rows, need = rows[accepted], np.where(detail[accepted] & LOOKED_AFTER, 0, 1)
        columns = (need, lots, model.children.key[rows], rows, days + (model.day + 1), cause[accepted], serial[accepted], model.children.authority[rows])
        for *request, why, n, place in zip(*(column.tolist() for column in columns), strict=True):
            self.teams[place].queue.append((*request, model.day, why, n, by))

    def offer_more(self, rows, cause, detail, serial, by: str) -> None:
        """A lever for policies: interviews for children to whom none was offered today."""
        self._arrange(rows, cause, detail, serial, by)

    def _interview(self, held: list[tuple]) -> None:
        """Return interviews are held; a child's second of a day after its first."""
        while held:
            first = {item[3]: item for item in reversed(held)}
            now = [item for item in held if first[item[3]] is item]
            self._interview_each(now)
            held = [item for item in held if first[item[3]] is not item]

    def _interview_each(self, held: list[tuple]) -> None:
        model = self.model
        _, _, _, row, _, returned_on, cause, serial, by = zip(*held, strict=True)
        rows, n = np.array(row, dtype=np.int64), np.array(serial, dtype=np.int64)
        told, in_time = self._tells(rows, n), model.day - np.array(returned_on) <= 3
        model.tell(Event.INTERVIEWED, rows, cause=cause, detail=in_time + 2 * told, serial=n)
        self._hold(rows[told], SOCIAL_CARE, DISCLOSURE)
        model.today.post("interviewed", (rows, told, in_time, by, n, self.own.signals_care[rows]))

    def _tells(self, rows, n):
        """Who of `rows` says something of exploitation in an interview: more often who trusts its worker."""
        model, p, told = self.model, self.parameters, self.is_exploited(rows)
        if np.count_nonzero(told):
            trusting = np.where(model.relationships.trusts(rows), model.relationships.parameters.discloses, 1.0)
            told &= self._happens("services.discloses", rows, n, p.discloses * trusting)
        return told

    # -- signals and identification ------------------------------------------------------------------------------------

    def signal(self, rows, agency: int, kind: int) -> None:
        """An agency holds one more signal about each of `rows`; it may be shared, and it may be enough."""
        self._hold(rows, agency, kind)
        self._identify_if_enough()

    def _hold(self, rows, agency: int, kind: int) -> None:
        """The same, but whether it is enough is to be asked."""
        if not rows.size:
            return
        model, held = self.model, self.held[agency]
        held[rows] = np.minimum(held[rows], 254) + 1
        model.tell(Event.SIGNAL, rows, cause=agency, detail=kind, serial=held[rows])
        model.today.post("signal", (rows, agency, kind, held[rows].astype(np.int64)))
        home = model.children.authority[rows]
        sharing = self._happens(f"services.shared by {AGENCIES[agency]}", rows, held[rows], self.shared[home])
        self.share(rows[sharing], agency, held[rows[sharing]], self.sharing_days[home[sharing]], by="services")
        self.counted.append((rows, held[rows], agency))

    def share(self, rows, agency: int, number, mean_days, by: str) -> None:
        """An agency's signal about each of `rows` (the first, second ... it holds) becomes known to all agencies, tomorrow at the soonest.

        So many days later on average. It counts once, whoever shares it (`by`) and however often.
        """
        if not self.parameters.needs_pooling:
            return
        signal = number.astype(np.int64) * 4 + agency
        after = (self.model.draws.exponential(f"{by}.sharing", self.model.children.key[rows], signal) * mean_days).astype(np.int64)
        for row, which, days in zip(rows.tolist(), signal.tolist(), after.tolist(), strict=True):
            self.sharing.setdefault(self.model.day + max(days, 1), []).append((row, which))

    def _share(self) -> None:
        """What is shared today is known to all."""
        new = set(self.sharing.pop(self.model.day, ())) - self.known_to_all
        if not new:
            return
        self.known_to_all |= new
        rows, times = np.unique(np.array([row for row, _ in new], dtype=np.int64), return_counts=True)
        here = self.model.children.is_present[rows]
        rows, times = rows[here], times[here]
        if rows.size:
            pooled = self.own.signals_pooled
            pooled[rows] = np.minimum(pooled[rows] + times, 255)
            self.counted.append((rows, pooled[rows], ALL))

    def _identify_if_enough(self) -> None:
        """Who is identified by the signals that were counted since this was asked last: by the first agency that counts enough."""
        if not self.counted:
            return
        parts, numbers, agencies = zip(*self.counted, strict=True)
        self.counted.clear()
        rows, number, agency = np.concatenate(parts), np.concatenate(numbers), np.repeat(agencies, [len(part) for part in parts])
        enough = ((self.own.identified_on[rows] == NEVER) & self.is_exploited(rows) & (number >= self._needed(rows))).nonzero()[0]
        if enough.size:
            first = enough[np.unique(rows[enough], return_index=True)[1]]
            self._identify(rows[first], agency[first])

    def _needed(self, rows):
        """How many signals it takes for each of `rows`: drawn once a child, more for children who are less believed."""
        children, facts = self.model.children, self.model.children.columns
        return _needed(
            rows, children.few.entry, facts["stage"].by_entry, facts["other_forms"].by_entry, facts["is_male"], facts["key"],
            self.model.draws.stream("services.needed"), self.numbers,
        )  # fmt: skip

    def _identify(self, rows, agency) -> None:
        """An agency recognises that each of `rows` is exploited; social work assesses, the specialist team may help."""
        model, p, children = self.model, self.parameters, self.model.children
        self.own.identified_on[rows] = model.day
        model.tell(Event.IDENTIFIED, rows, cause=agency, amount=model.exploitation.days_since_approach(rows))
        for form, inside in ((BY_A_LINE, children.stage[rows] != NOT_INVOLVED), *((f, (children.other_forms[rows] & (1 << f)) > 0) for f in (SEXUALLY, BY_OTHERS))):
            model.tell(Event.FORM_NAMED, rows[inside], cause=form, detail=agency[inside])
            model.today.give(("named", form), rows[inside])
        by_line = rows[children.stage[rows] != NOT_INVOLVED]
        model.tell(Event.REFERRED, by_line[self._happens("services.referred", by_line, 0, p.referred)], cause=BY_A_LINE)
        at_home = rows[children.setting[rows] == AT_HOME]
        model.levers.hold(ENTERING_CARE, at_home, at=p.enters_care, until=model.day + p.enters_care_days, by="identified")
        self._assess(rows[self._happens("services.assessed", rows, 0, p.assessed)])
        self._queue_for_help(rows[self._happens("services.helped", rows, 0, p.helped)])

    # -- assessment --------------------------------------------------------------------------------------------------------

    def _assess(self, rows, factors: int = 0) -> None:
        """Social work completes an assessment of each of `rows`; it names what social care knows today."""
        if not rows.size:
            return
        model, p, facts = self.model, self.parameters, self.model.children.columns
        n = np.array([self.times_assessed.get(row, 0) for row in rows.tolist()], dtype=np.int64)
        named, days = _assessed(
            rows, n, factors, model.children.few.entry, facts["identified_on"].by_entry, facts["stage"].by_entry, facts["other_forms"].by_entry,
            facts["missing_slot"].by_entry, facts["key"], model.draws.stream("services.gang_named"), p.gang_named,
            model.draws.stream("services.assessed_again"), p.assessed_again,
        )  # fmt: skip
        model.tell(Event.ASSESSED, rows, detail=named, serial=n)
        for row, after, times in zip(rows.tolist(), days.tolist(), n.tolist(), strict=True):
            if after:
                self.again.setdefault(model.day + after, []).append(row)
                self.times_assessed[row] = times + 1

    def _assess_again(self) -> None:
        if self.model.day not in self.again:
            return
        rows = union(np.array(self.again.pop(self.model.day), dtype=np.int64))
        rows = rows[self.model.children.is_present[rows]]
        self._assess(rows[self.is_exploited(rows)])

    def _refer_missing(self, rows, serial) -> None:
        """A recorded episode may lead to an assessment because of going missing."""
        referred = self._happens("services.missing_referred", rows, serial, self.parameters.missing_referred)
        self._assess(rows[referred], MISSING_FACTOR)

    # -- help to get out ---------------------------------------------------------------------------------------------------

    def _queue_for_help(self, rows) -> None:
        """`rows` wait for the specialist team of their authority: those who work a line, or are exploited, first."""
        model, children = self.model, self.model.children
        lots = model.draws.uniform("services.help_lot", children.key[rows])
        for row, lot, key in zip(rows.tolist(), lots.tolist(), children.key[rows].tolist(), strict=True):
            need = 0 if children.stage[row] in (WORKING, BOUND, GETTING_OUT) else 1 if children.stage[row] == GROOMED else 2
            self.specialists[int(children.authority[row])].queue.append((need, lot, key, row))

    def begin_help(self, rows, team: SpecialistTeam) -> None:
        """The team's workers begin to help children, for a time."""
        self.help_ends.setdefault(self.model.day + self.parameters.help_days, []).extend(rows.tolist())
        self.helped_by.update(dict.fromkeys(rows.tolist(), team))
        self.help(rows, by="help to get out")

    def _end_help(self, rows: list[int]) -> None:
        """Help ends after its time, or when the child leaves observation: the worker is free for another."""
        ended = sorted(self.helped_by.keys() & rows)
        for row in ended:
            self.helped_by.pop(row).helping -= 1
        self.model.today.give("help ended", np.array(ended, dtype=np.int64))

    def help(self, rows, by: str, at: float | None = None) -> None:
        """A worker helps `rows` to get out, for a time."""
        if rows.size:
            p, until = self.parameters, self.model.day + self.parameters.help_days
            self.model.tell(Event.HELPED, rows)
            for lever in (GETTING_OUT_OF_IT, GETTING_OUT_OTHERWISE):
                self.model.levers.hold(lever, rows, at=p.help_works if at is None else at, until=until, by=by)

    def waiting(self) -> int:
        """Interviews that wait today."""
        return sum(len(team.queue) for team in self.teams.values())


def _on_record(returned: tuple) -> tuple:
    """Of children who came back (rows, cause, detail, serial), those whose episode police or the authority have on record."""
    recorded = (returned[2] & (POLICE | AUTHORITY)).nonzero()[0]
    return tuple(column[recorded] for column in returned)


@njit(cache=True)
def _is_exploited(rows, entry, stage, other_forms):
    out = np.empty(len(rows), dtype=np.bool_)
    for i in range(len(rows)):
        at = entry[rows[i]]
        out[i] = stage[at] != NOT_INVOLVED or other_forms[at] != 0
    return out


@njit(cache=True)
def _heard(on_lines, stage, entry, sexually, sexual_stage, otherwise, other_stage, key, stream, day, odds):
    """Of whom the police hear today, among those who work a line or are exploited in another form; in no order, and once for each of these."""
    heard = [row for row in on_lines if row >= 0 and stage[entry[row]] in (WORKING, BOUND) and _uniform(key[row] ^ stream, day) < odds]
    for rows, stages in ((sexually, sexual_stage), (otherwise, other_stage)):
        for slot in range(len(rows)):
            if rows[slot] >= 0 and stages[slot] == EXPLOITED and _uniform(key[rows[slot]] ^ stream, day) < odds:
                heard.append(rows[slot])
    return np.array(heard, dtype=np.int64)


@njit(cache=True)
def _offered(rows, serial, entry, care_slot, place, authority, key, stream, offered, outside):
    """To which of `rows` an interview is offered: so often in each authority (`offered`), and times `outside` to a child who lives in another."""
    out = np.empty(len(rows), dtype=np.bool_)
    for i in range(len(rows)):
        row, slot = rows[i], care_slot[entry[rows[i]]]
        is_outside = slot >= 0 and place[slot] != authority[row]
        out[i] = _uniform(key[row] ^ stream, np.uint64(serial[i])) < offered[authority[row]] * (outside if is_outside else 1.0)
    return out


@njit(cache=True)
def _accepted(rows, serial, key, accepting, odds, drawing_lots, arranging, days):
    """Who accepts (places in `rows`), the lot of each among those who wait, and the whole days until it can be met."""
    accepted, lots, until = np.empty(len(rows), dtype=np.int64), np.empty(len(rows)), np.empty(len(rows), dtype=np.int64)
    number = 0
    for i in range(len(rows)):
        child, n = key[rows[i]], np.uint64(serial[i])
        if _uniform(child ^ accepting, n) < odds:
            accepted[number], lots[number] = i, _uniform(child ^ drawing_lots, n)
            until[number] = int(_neglog(_uniform(child ^ arranging, n)) * days)
            number += 1
    return accepted[:number], lots[:number], until[:number]


@njit(cache=True)
def _needed(rows, entry, stage, other_forms, is_male, key, stream, numbers):
    """How many signals it takes for each of `rows`: of the forms of exploitation the one believed most counts."""
    p, out = numbers[0], np.empty(len(rows))
    for i in range(len(rows)):
        row, forms, believed = rows[i], other_forms[entry[rows[i]]], 0.1
        if stage[entry[row]] != NOT_INVOLVED:
            believed = max(believed, 1.0 if is_male[row] else p.girls_on_lines)
        if forms & (1 << SEXUALLY):
            believed = max(believed, p.boys_sexually if is_male[row] else 1.0)
        if forms & (1 << BY_OTHERS):
            believed = max(believed, p.otherwise)
        patience = _neglog(_uniform(key[row] ^ stream, np.uint64(0)))
        out[i] = 1.0 + math.floor(patience / _neglog(1.0 - p.recognised * believed))
    return out


@njit(cache=True)
def _assessed(rows, n, factors, entry, identified_on, stage, other_forms, missing_slot, key, naming_gangs, gang_named, again, a_year):
    """What the assessment of each of `rows` names: `factors`, and of a child known to be exploited the forms; days until the next one, 0 for others."""
    named, days = np.empty(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    for i in range(len(rows)):
        row, at, names, times = rows[i], entry[rows[i]], factors, np.uint64(n[i])
        if identified_on[at] > NEVER:
            if stage[at] != NOT_INVOLVED:
                names |= CRIMINAL_FACTOR
                if _uniform(key[row] ^ naming_gangs, times) < gang_named:
                    names |= GANG_FACTOR
            if other_forms[at] & (1 << BY_OTHERS):
                names |= CRIMINAL_FACTOR
            if other_forms[at] & (1 << SEXUALLY):
                names |= SEXUAL_FACTOR
            days[i] = 1 + int(_neglog(_uniform(key[row] ^ again, times)) / a_year * 365.25)
        if missing_slot[at] >= 0:
            names |= MISSING_FACTOR
        named[i] = names
    return named, days
