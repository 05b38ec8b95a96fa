"""Police: how hard they search, and whether they meet an exploited child as a criminal or as a child to be safeguarded.

A missing child who is reported is graded; the search is quicker for high risk, and slower where a force has more missing children
than it is staffed for. Police meet exploited children when they find them on a line, when they close one, and in the street. A child
who is away on a line that is closed, and is met there, is back the next day; one who is away for another reason is not met. The
response is *criminal* (arrest, what the child carried is seized, sometimes remand to custody) or *safeguarding* (a referral). The
two differ in what they do to the child's debt, to its trust in whoever works with it, and to whether an offence is recorded against
it later: each difference is a number with "nothing" in its range.

A remanded child becomes looked after; custody is a state with a cost and a return, and its days are not days safe.
"""

from __future__ import annotations

import mesa
import numpy as np
from numba import njit

from sim.arithmetic import _uniform
from sim.draws import key_of
from sim.exploitation import GETTING_OUT_OF_IT
from sim.ledger import Event
from sim.levers import Dial
from sim.missing import FOUND, POLICE
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import AT_HOME, BOUND, GETTING_OUT, LINE, NEVER, NOT_INVOLVED, WORKING
from sim.tables import NOBODY, is_in

ON_A_LINE, AT_A_CLOSURE, IN_THE_STREET = range(3)
WHERE = ("found on a line", "when a line was closed", "in the street")
SAFEGUARDING, CRIMINAL = range(2)
RESPONSES = ("safeguarding", "criminal")


class Policing(Parameters, group="policing"):
    """Search and response."""

    high_risk_search = parameter(0.6, unit="multiplier", between=(0.3, 1.0), source=ASSUMED, doc="Time until found, for a child graded as high risk.")
    high_risk_in_care = parameter(0.25, unit="probability", between=(0.05, 0.6), source=ASSUMED, doc="A looked-after child not known to be exploited is graded as high risk; known ones always are.")
    staffed_for = parameter(1.3, unit="times the usual number", between=(1.0, 2.0), source=ASSUMED, doc="Missing children whom a force's missing unit can search for at full pace.")
    street = parameter(0.05, unit="per month", between=(0.01, 0.15), source=ASSUMED, doc="Police meet a child who works a line, not missing.")
    at_closure = parameter(0.4, unit="probability", between=(0.1, 0.8), source="L014", doc="A child working a line is met when it is closed, unless it is away for another reason.")
    criminal = parameter(0.55, unit="probability", between=(0.3, 0.8), source="I075", doc="The response is criminal; range ASSUMED.")
    criminal_when_known = parameter(0.6, unit="multiplier", between=(0.3, 1.0), source=ASSUMED, doc="... to a child known to be exploited.")
    seized_criminal = parameter(0.8, unit="probability", between=(0.5, 1.0), source=ASSUMED, doc="What the child carried is seized, and made its debt, in a criminal response.")
    seized_safeguarding = parameter(0.5, unit="probability", between=(0.1, 1.0), source=ASSUMED)
    trust_lost = parameter(0.4, unit="probability", between=(0.0, 0.8), source="I073", doc="A criminal response ends the child's trust in its worker; the source is about delinquency.")
    remand = parameter(0.04, unit="probability", between=(0.0, 0.12), source=ASSUMED, doc="Of criminal responses.")
    remand_days = parameter(40.0, unit="days", between=(14.0, 120.0), source=ASSUMED, doc="Mean.")
    later_offence = parameter(0.35, unit="a year", between=(0.1, 0.8), source=ASSUMED, doc="Rate at which an offence is recorded in the year after a criminal response.")
    later_after_safeguarding = parameter(0.88, unit="multiplier", between=(0.7, 1.1), source="I070;I071;I073", doc="... after a safeguarding response; medium evidence, indirect.")
    turning_point = parameter(1.4, unit="multiplier", between=(0.8, 2.5), source=ASSUMED, doc="Hazards of getting out in the month after police met the child.")


class MissingUnit(mesa.Agent):
    """Those of a police force who look for missing children."""

    def __init__(self, model, force: str, places: list[int]):
        super().__init__(model)
        self.force, self.places = force, places
        self.key = key_of("missing unit", force)
        self.open_cases = 0  # children of its places who are missing and reported, since this morning
        self.usual = 0.0  # a slow average of that

    @property
    def pace(self) -> float:
        """How much longer a search takes than at full pace."""
        return max(1.0, self.open_cases / max(1.0, self.usual * self.model.policing.parameters.staffed_for))


class Police:
    """Meets children, and answers."""

    def __init__(self, model):
        self.model, self.parameters = model, model.parameters["policing"]
        places = model.world.places
        forces: dict[str, list[int]] = {}
        for place in model.world.authorities:
            forces.setdefault(places.police_force[place], []).append(place)
        self.units = [MissingUnit(model, force, here) for force, here in sorted(forces.items())]
        self.unit_of = {place: unit for unit in self.units for place in unit.places}
        self.number_of_unit = np.full(len(places), -1, dtype=np.int64)  # by place, in `units`
        for number, unit in enumerate(self.units):
            self.number_of_unit[unit.places] = number
        level = 1.0 + model.parameters["services"].unevenness_of_practice * (2.0 * model.draws.uniform("force.level", model.placements.place_keys) - 1.0)
        self.criminal = Dial(np.minimum(self.parameters.criminal * level, 1.0))  # by home authority
        self.later: dict[int, list[tuple[int, int]]] = {}  # day to (row, response)
        self.released: dict[int, list[int]] = {}
        self.brought_back = NOBODY  # rows of those who were away on a line that was closed yesterday, and whom police met there

    # -- missing children --------------------------------------------------------------------------------------------------

    def count_cases(self) -> None:
        """The morning's list of missing children, by force."""
        table, days = self.model.missing.table, min(max(self.model.day, 1), 90)
        cases = _cases(table.rows, table.columns["detail"], self.model.children.columns["authority"], self.number_of_unit, len(self.units))
        for unit, number in zip(self.units, cases.tolist(), strict=True):
            unit.open_cases = number
            unit.usual += (unit.open_cases - unit.usual) / days

    def grade(self, rows):
        """Who would be graded as high risk: children known to be exploited, some others in care."""
        children = self.model.children
        known = children.identified_on[rows] > NEVER
        lot = self.model.draws.uniform("policing.grade", children.key[rows], children.episodes[rows]) < self.parameters.high_risk_in_care
        return known | ((children.setting[rows] != AT_HOME) & lot)

    def pace(self, high, home):
        """How much longer, or shorter, each search takes."""
        load = np.array([unit.pace for unit in self.units])
        return load[self.number_of_unit[home]] * np.where(high, self.parameters.high_risk_search, 1.0)

    # -- meeting exploited children ------------------------------------------------------------------------------------------

    def respond(self) -> None:
        """Police meet exploited children; offences are recorded later; who was remanded is released."""
        model, today, p, children = self.model, self.model.today, self.parameters, self.model.children
        for rows, cause, detail, serial in today.get("returned"):
            on_line = ((cause == LINE) & ((detail & FOUND) > 0)).nonzero()[0]
            if on_line.size:
                found = rows[on_line]
                met = is_in(children.stage[found], np.array((WORKING, BOUND, GETTING_OUT)))
                met &= ~is_in(found, self.brought_back)  # whom police had met when the line was closed
                self._meet(found[met], serial[on_line[met]].astype(np.int64), ON_A_LINE)
        self.brought_back = NOBODY
        closed = today.rows(Event.LINE_CLOSED)
        if closed.size:
            closed = closed[children.stage[closed] != NOT_INVOLVED]  # not those who turned eighteen this morning
            closed = closed[model.missing.is_away_on_a_line(closed) | ~model.out_of_reach(closed)]
        if closed.size:
            lines = np.array([model.exploitation.line_of(row).key for row in closed.tolist()], dtype=np.uint64)  # another each time it opens
            met = closed[model.draws.happens("policing.at_closure", children.key[closed], p.at_closure, lines)]
            self._meet(met, np.full(met.size, model.day), AT_A_CLOSURE)
            self.brought_back = met[model.missing.is_away_on_a_line(met)]
            model.missing.bring_back(self.brought_back)
        met = _drawn_among_working(
            model.exploitation.table.rows, children.few.entry, children.columns["stage"].by_entry, children.columns["key"],
            model.draws.stream("policing.street"), np.uint64(model.day), p.street / 30.4375,
        )  # fmt: skip
        if met.size:
            met = met[~model.out_of_reach(met)]
            self._meet(met, np.full(met.size, model.day), IN_THE_STREET)
        self._record_later()
        self._release()

    def would_be_criminal(self, rows, n, but_for: str):
        """To which of today's meetings the response would have been criminal, but for one holder of that dial (`n` as it was posted)."""
        identified_on = self.model.children.identified_on[rows]
        known = (identified_on > NEVER) & (identified_on < self.model.day)  # who is identified today was not known when they met
        return self._is_criminal(rows, n, known, self.criminal.without(but_for))

    def _is_criminal(self, rows, n, known, odds):
        """To which of these meetings the response is criminal; `odds` by home authority."""
        odds = odds[self.model.children.authority[rows]] * np.where(known, self.parameters.criminal_when_known, 1.0)
        return self.model.draws.happens("policing.response", self.model.children.key[rows], odds, n)

    def _meet(self, rows, serial, where: int) -> None:
        """The response, and what follows from it."""
        if not rows.size:
            return
        model, p, children, draws = self.model, self.parameters, self.model.children, self.model.draws
        key, n = children.key[rows], serial * 4 + where
        criminal = self._is_criminal(rows, n, children.identified_on[rows] > NEVER, self.criminal)
        model.tell(Event.ARRESTED, rows, cause=where, detail=np.where(criminal, CRIMINAL, SAFEGUARDING), serial=serial)
        model.today.post("met by police", (rows, criminal, n, where))
        for row in rows.tolist():
            model.exploitation.line_of(row).feel_pressure()
        seized = draws.happens("policing.seized", key, np.where(criminal, p.seized_criminal, p.seized_safeguarding), n)
        model.exploitation.seize(rows[seized], draws.exponential("policing.seizure", key[seized], n[seized]), n[seized])
        model.levers.hold(GETTING_OUT_OF_IT, rows, at=p.turning_point, until=model.day + 30, by="met by police")
        doubt = criminal & draws.happens("policing.trust_lost", key, p.trust_lost, n)
        model.today.give("trust lost", rows[doubt])
        remanded = criminal & draws.happens("policing.remand", key, p.remand, n)
        self._remand(rows[remanded], n[remanded])
        self._look_ahead(rows, criminal, n)

    def _look_ahead(self, rows, criminal, n) -> None:
        rate = self.parameters.later_offence * np.where(criminal, 1.0, self.parameters.later_after_safeguarding)
        days = 1.0 + self.model.draws.exponential("policing.later", self.model.children.key[rows], n) / rate * 365.25
        for row, after, how in zip(rows.tolist(), days.tolist(), criminal.tolist(), strict=True):
            if after <= 365.0:
                self.later.setdefault(self.model.day + int(after), []).append((row, int(how)))

    def _record_later(self) -> None:
        for row, how in sorted(self.later.pop(self.model.day, ())):
            if self.model.children.is_present[row]:
                self.model.tell(Event.LATER_OFFENCE, np.array([row]), detail=how)

    # -- custody -----------------------------------------------------------------------------------------------------------

    def _remand(self, rows, n) -> None:
        model = self.model
        here = ~model.out_of_reach(rows)  # not away, in hospital, or remanded already today
        rows, n = rows[here], n[here]
        if not rows.size:
            return
        days = 1 + (model.draws.exponential("policing.remand_days", model.children.key[rows], n) * self.parameters.remand_days).astype(np.int64)
        model.tell(Event.REMANDED, rows, amount=days.astype(np.float64), serial=n)
        model.exploitation.taken_into_custody(rows)
        model.placements.take_into_custody(rows)
        for row, after in zip(rows.tolist(), days.tolist(), strict=True):
            self.released.setdefault(model.day + after, []).append(row)

    def _release(self) -> None:
        if self.model.day not in self.released:
            return
        rows = np.array(sorted(self.released.pop(self.model.day)), dtype=np.int64)
        rows = rows[self.model.children.is_present[rows]]
        if rows.size:
            self.model.tell(Event.RELEASED, rows)
            self.model.placements.release_from_custody(rows)


@njit(cache=True)
def _cases(members, detail, authority, number_of_unit, units):
    """How many of the missing children (`members`, by slot) are reported to each unit."""
    cases = np.zeros(units, dtype=np.int64)
    for slot in range(len(members)):
        if members[slot] >= 0 and detail[slot] & POLICE:
            cases[number_of_unit[authority[members[slot]]]] += 1
    return cases


@njit(cache=True)
def _drawn_among_working(members, entry, stage, key, stream, day, odds):
    """Of the children in the table of lines (`members`, by slot) who work one, those whose draw of the day is under `odds`; ascending."""
    drawn = [row for row in members if row >= 0 and stage[entry[row]] in (WORKING, BOUND) and _uniform(key[row] ^ stream, day) < odds]
    return np.sort(np.array(drawn, dtype=np.int64))
