"""Services: return interviews, signals of exploitation and who holds them, identification, help to get out.

After a return from a recorded episode an interview is offered, accepted, arranged, and held when an interviewer of the
responsible authority is free: more often within 72 hours when the child lives there. What agencies see becomes a signal held by
the agency that saw it; each signal gives that agency one chance to recognise exploitation. An identified child is assessed, and
some are helped to get out.

*Chosen*: each signal is recognised or not by a keyed draw, so a missed signal stays missed. *Rival*: a threshold of signals;
the order of identification is the same, the spread of delays differs.
"""

from __future__ import annotations

import mesa
import numpy as np

from sim.draws import key_of
from sim.exploitation import GETTING_OUT_OF_IT
from sim.ledger import Event
from sim.missing import AUTHORITY, FOUND, LOOKED_AFTER, POLICE
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import LINE, NEVER, NOT_INVOLVED

POLICE_FORCE, SOCIAL_CARE = range(2)
AGENCIES = ("police", "social care")
EPISODE, ON_A_LINE, DISCLOSURE, CLOSED_LINE, SHARED = range(5)
SIGNALS = ("missing episode", "found on a line", "disclosure in a return interview", "line closed", "shared by another agency")
WAITING_DAYS = 14  # an interview that has not been held by then lapses


class Services(Parameters, group="services"):
    """Today's practice, the year to 31 March 2025."""

    offered = parameter(0.80, unit="probability", between=(0.5, 0.95), source="rhi_offered_2024", doc="After a recorded episode, interviews are offered.")
    offered_outside = parameter(0.7, unit="multiplier", between=(0.4, 1.0), source="rhi_devon_ooa", doc="... to a child placed in another authority.")
    accepted = parameter(0.75, unit="probability", between=(0.4, 0.95), source="rhi_completed_2024")
    arranging = parameter(2.4, unit="days", between=(0.5, 5.0), source="rhi_72h_2024", doc="Mean time until the child can be met.")
    interviewers = parameter(9.0, unit="interviews a working day", between=(4.0, 20.0), source=ASSUMED, doc="For 1,000 looked-after children aged 10 to 17 of the authority.")
    discloses = parameter(0.12, unit="probability", between=(0.02, 0.4), source=ASSUMED, doc="An exploited child says something of it in an interview.")
    episode_seen = parameter(0.08, unit="probability", between=(0.02, 0.3), source=ASSUMED, doc="A recorded episode of an exploited child shows a sign.")
    found_on_line = parameter(0.5, unit="probability", between=(0.2, 0.9), source="L014", doc="Police who find a child on a line see what it is.")
    found_at_closure = parameter(0.4, unit="probability", between=(0.1, 0.8), source="L014", doc="A child working a line is found when it is closed.")
    recognised = parameter(0.45, unit="probability", between=(0.2, 0.8), source=ASSUMED, doc="A signal leads its agency to recognise exploitation.")
    shared = parameter(0.3, unit="probability", between=(0.1, 0.7), source=ASSUMED, doc="A disclosure is passed on to the police.")
    assessed = parameter(0.85, unit="probability", between=(0.5, 1.0), source="K111", doc="An identified child is assessed by social work.")
    helped = parameter(0.30, unit="probability", between=(0.1, 0.6), source="I020", doc="An identified child gets a worker who helps it to get out.")
    help_works = parameter(1.2, unit="multiplier", between=(0.9, 1.8), source="I012;I030", doc="Hazards of getting out while helped; the sources are uncontrolled or of other children.")
    help_days = parameter(180, unit="days", between=(60, 365), source="I014")


class InterviewTeam(mesa.Agent):
    """The return interviewers of an authority: so many interviews a working day; what waits is sorted by need, then by lot."""

    def __init__(self, model, place: int, a_day: float):
        super().__init__(model)
        self.place, self.a_day = place, a_day
        self.key = key_of("interview team", model.world.places.code[place])
        self.queue: list[tuple] = []  # need class, lot, key, row, earliest day, returned on, cause, serial, for whom
        self.extra = 0.0  # what policies add, as a share of today's practice
        self.credit = 0.0

    def step(self) -> None:
        """A working day: interviews are held as far as capacity goes."""
        day, a_day = self.model.day, self.a_day * (1.0 + self.extra)
        self.credit = min(self.credit + a_day, max(1.0, 3.0 * a_day))
        ready = sorted(item for item in self.queue if item[4] <= day)
        for item in ready:
            if self.credit < 1.0:
                break
            if self.model.services.interview(item):
                self.credit -= 1.0
            self.queue.remove(item)

    def let_lapse(self) -> None:
        """What has waited too long lapses."""
        late = sorted(item for item in self.queue if self.model.day - item[5] > WAITING_DAYS)
        for item in late:
            self.queue.remove(item)
            self.model.tell(Event.INTERVIEW_LAPSED, np.array([item[3]]), cause=item[6], serial=item[7])


class Serving:
    """Keeps what agencies know."""

    keeper = "services"

    def __init__(self, model):
        self.model, self.parameters = model, model.parameters["services"]
        self.own = model.children.kept_by(self.keeper)
        places, world = model.world.places, model.world
        self.teams = {
            place: InterviewTeam(
                model, place, self.parameters.interviewers * places.looked_after_10_17[place] * world.fraction / 1000.0
            )
            for place in world.authorities
        }

    def respond(self) -> None:
        """Police and social care see what happened; interviews are offered and held; exploitation is recognised."""
        today = self.model.today
        for rows, cause, detail, serial in today.get("returned"):
            self._see(rows, cause, detail, serial)
            self._offer(rows, cause, detail, serial)
        closed = today.rows(Event.LINE_CLOSED)
        if closed.size:
            found = closed[self._happens("services.found_at_closure", closed, self.model.children.involvements[closed], self.parameters.found_at_closure)]
            self.signal(found, POLICE_FORCE, CLOSED_LINE)
        for team in self.teams.values():
            if team.queue:
                if not self.model.is_weekend:
                    team.step()
                team.let_lapse()

    def _happens(self, decision: str, rows, serial, probability: float):
        return self.model.draws.happens(decision, self.model.children.key[rows], probability, serial)

    def _see(self, rows, cause, detail, serial) -> None:
        """Each agency that knew of the episode may see a sign of exploitation in it."""
        p = self.parameters
        exploited = self.model.children.stage[rows] != NOT_INVOLVED
        if not exploited.any():
            return
        rows, cause, detail, serial = rows[exploited], cause[exploited], detail[exploited], serial[exploited]
        police = (detail & POLICE) > 0
        on_line = police & (cause == LINE) & ((detail & FOUND) > 0)
        seen = on_line & self._happens("services.found_on_line", rows, serial, p.found_on_line)
        self.signal(rows[seen], POLICE_FORCE, ON_A_LINE)
        seen = police & ~on_line & self._happens("services.police_see", rows, serial, p.episode_seen)
        self.signal(rows[seen], POLICE_FORCE, EPISODE)
        seen = ((detail & AUTHORITY) > 0) & self._happens("services.care_sees", rows, serial, p.episode_seen)
        self.signal(rows[seen], SOCIAL_CARE, EPISODE)

    # -- return interviews -------------------------------------------------------------------------------------------

    def _offer(self, rows, cause, detail, serial) -> None:
        """A return interview is offered after a recorded episode, less often where two authorities are needed."""
        p, children = self.parameters, self.model.children
        recorded = (detail & (POLICE | AUTHORITY)) > 0
        away = self.model.placements.where(rows) != children.authority[rows]
        odds = np.where(away, p.offered * p.offered_outside, p.offered)
        offered = recorded & self._happens("services.offered", rows, serial, odds)
        self._arrange(rows[offered], cause[offered], detail[offered], serial[offered], by="")
        left_out = recorded & ~offered
        if left_out.any():
            self.model.today.post("not offered", (rows[left_out], cause[left_out], detail[left_out], serial[left_out]))

    def _arrange(self, rows, cause, detail, serial, by: str) -> None:
        """Those who accept wait for an interviewer; looked-after children come first."""
        model, p = self.model, self.parameters
        accept = self._happens("services.accepted", rows, serial, p.accepted)
        if not accept.any():
            return
        rows, serial, keys = rows[accept], serial[accept], model.children.key[rows[accept]]
        lots = model.draws.uniform("services.lot", keys, serial)
        earliest = model.day + 1 + (model.draws.exponential("services.arranging", keys, serial) * p.arranging).astype(np.int64)
        need = np.where(detail[accept] & LOOKED_AFTER, 0, 1)
        columns = (need, lots, keys, rows, earliest, cause[accept], serial, model.children.authority[rows])
        for *request, why, n, place in zip(*(column.tolist() for column in columns), strict=True):
            self.teams[place].queue.append((*request, model.day, why, n, by))

    def offer_more(self, rows, cause, detail, serial, by: str) -> None:
        """A lever for policies: interviews for children to whom none was offered today."""
        self._arrange(rows, cause, detail, serial, by)

    def add_interviewers(self, share: float, places: list[int]) -> None:
        """A lever for policies: raise (or lower) teams' capacity by a share of today's practice."""
        for place in places:
            team = self.teams[place]
            team.extra += share

    def interview(self, item) -> bool:
        """Hold a return interview; False where the child is away again or has left."""
        model, p = self.model, self.parameters
        _, _, key, row, _, returned_on, cause, serial, _ = item
        children = model.children
        if children.missing_slot[row] >= 0 or not children.is_present[row]:
            return False
        rows = np.array([row])
        told = children.stage[row] != NOT_INVOLVED and model.draws.one_uniform("services.discloses", key, serial) < p.discloses
        in_time = model.day - returned_on <= 3
        model.tell(Event.INTERVIEWED, rows, cause=cause, detail=int(in_time) + 2 * int(told), serial=serial)
        model.today.post("interviewed", (row, bool(told), in_time, item[8], serial))
        if told:
            self.signal(rows, SOCIAL_CARE, DISCLOSURE)
            if model.draws.one_uniform("services.shared", key, serial) < p.shared:
                self.signal(rows, POLICE_FORCE, SHARED)
        return True

    # -- signals and identification ------------------------------------------------------------------------------------

    def signal(self, rows, agency: int, kind: int) -> None:
        """An agency holds one more signal about each of `rows`, and may recognise exploitation."""
        if not rows.size:
            return
        held = self.own.signals_police if agency == POLICE_FORCE else self.own.signals_care
        held[rows] = np.minimum(held[rows], 254) + 1
        self.model.tell(Event.SIGNAL, rows, cause=agency, detail=kind, serial=held[rows])
        sees = self._happens(f"services.recognised by {AGENCIES[agency]}", rows, held[rows], self.parameters.recognised)
        new = rows[sees & (self.own.identified_on[rows] == NEVER)]
        if new.size:
            self._identify(new, agency)

    def _identify(self, rows, agency: int) -> None:
        model, p = self.model, self.parameters
        self.own.identified_on[rows] = model.day
        model.tell(Event.IDENTIFIED, rows, cause=agency, amount=model.exploitation.days_since_approach(rows))
        assessed = rows[self._happens("services.assessed", rows, 0, p.assessed)]
        model.tell(Event.ASSESSED, assessed)
        self.help(rows[self._happens("services.helped", rows, 0, p.helped)], by="help to get out")

    def help(self, rows, by: str, at: float | None = None) -> None:
        """A worker helps `rows` to get out, for a time."""
        if rows.size:
            p = self.parameters
            self.model.tell(Event.HELPED, rows)
            self.model.levers.hold(GETTING_OUT_OF_IT, rows, at=p.help_works if at is None else at, until=self.model.day + p.help_days, by=by)

    def waiting(self) -> int:
        """Interviews that wait today."""
        return sum(len(team.queue) for team in self.teams.values())
