"""Recruitment: recruiters meet children where children are.

The contacts of a day are simultaneous. Each contact of a recruiter goes to one place (the city the line comes from, or its market) and one venue there (streets, a
school, a children's home or supported accommodation, online), and to one child in reach: the one with the smallest
-ln u(recruiter, contact, child) / weight, so each child's chance is its weight over the sum of weights, and nobody's draw
depends on who else is there. One further competitor is *nobody*: the larger the weights of the children in reach, the fewer
contacts fail. A weight is the child's exposure, times age, sex, care, friends and co-residents who work a line (1 = pure
selection), deprivation of the place, and, where a child was moved into the area, what being new there does (unknown sign).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.draws import GOLDEN, MASK
from sim.ledger import Event
from sim.levers import Lever
from sim.lines import ELSEWHERE, SEEKS, Recruiter
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import (
    ABSENT,
    AT_HOME,
    BY_A_LINE,
    CHILDRENS_HOME,
    KINSHIP,
    MAINSTREAM,
    NEVER,
    NOT_INVOLVED,
    SUPPORTED,
    SUSPENDED,
    WITH_PARENTS,
    band_of,
)
from sim.world import CORNERS, NEIGHBOURHOOD

BEING_FOUND = Lever("being found by recruiters", "The child's weight among those whom a recruiter may approach.")

STREET, SCHOOL, HOME, ONLINE = range(4)
TRIES_ON_DAY_1 = 3  # contacts for a position that a child holds when the run begins; most contacts reach nobody
VENUES = ("streets", "school or alternative provision", "children's home or supported accommodation", "online")


class Recruitment(Parameters, group="recruitment"):
    """Whom recruiters meet."""

    in_market = parameter(0.45, unit="share of contacts", between=(0.1, 0.8), source="L021", doc="Made in the market, the rest in the city the line comes from; lines are localising.")
    at_outlet = parameter(0.3, unit="share of contacts", between=(0.1, 0.6), source=ASSUMED, doc="Of a line that has followed a moved child: made where the child was moved to.")
    street = parameter(0.35, unit="share of contacts", between=(0.2, 0.6), source=ASSUMED, doc="Venues' shares are scaled to 1.")
    school = parameter(0.25, unit="share of contacts", between=(0.05, 0.4), source=ASSUMED)
    home = parameter(0.05, unit="share of contacts", between=(0.02, 0.3), source=ASSUMED)
    online = parameter(0.28, unit="share of contacts", between=(0.05, 0.5), source=ASSUMED)
    at_10_12 = parameter(0.15, unit="weight", between=(0.02, 0.3), source="K179;K160", doc="By age; recruitment comes earlier than the offence whose ages are known.")
    at_13_14 = parameter(0.75, unit="weight", between=(0.3, 1.0), source="K179;K160")
    at_15 = parameter(1.00, unit="weight", between=(0.7, 1.3), source="K179;K160")
    at_16_17 = parameter(0.80, unit="weight", between=(0.4, 1.3), source="K179;K160")
    girls = parameter(0.25, unit="weight", between=(0.06, 0.45), source=ASSUMED, doc="Boys 1; the true share of girls on lines is unknown (5-30 %).")
    out_of_school = parameter(1.5, unit="multiplier", between=(1.0, 2.5), source="K177;K006", doc="A child suspended, on a part-time timetable or in alternative provision; 1 = only who these children are.")
    looked_after = parameter(1.0, unit="multiplier", between=(1.0, 6.0), source="K172;K174", doc="A part of the association of care and exploitation runs from exploitation to care.")
    peers = parameter(1.6, unit="multiplier", between=(1.0, 2.5), source="G101;G102", doc="A friend or co-resident works a line; 1 = pure selection.")
    siblings = parameter(1.5, unit="multiplier", between=(1.0, 2.5), source="G103", doc="A sibling works a line.")
    place = parameter(0.5, unit="share", between=(0.0, 1.0), source="G103", doc="How far exposure follows the deprivation of the home authority.")
    newcomer = parameter(1.0, unit="multiplier", between=(0.5, 2.0), source=ASSUMED, distribution="log-uniform", doc="A child moved into another authority, in that host area; sign unknown.")
    nobody = parameter(0.5, unit="weight per child in reach", between=(0.1, 2.0), source=ASSUMED, distribution="log-uniform", doc="The weight with which a contact reaches nobody.")
    success_elsewhere = parameter(0.10, unit="probability", between=(0.03, 0.3), source=ASSUMED, doc="A contact made elsewhere puts a child of elsewhere into the position.")
    filled_on_day_1 = parameter(0.75, unit="probability", between=(0.2, 0.8), source=ASSUMED, distribution="fixed", doc="Positions held by children on day 1; the warm-up year forgets it.")


@dataclass(frozen=True)
class Contact:
    """One contact of today: who makes it, which of theirs it is, where, for which form of exploitation, and the weight of known children."""

    by: Any
    serial: int
    place: int
    venue: int
    form: int
    known: float


class Recruiting:
    """Knows who is in reach of whom."""

    keeper = "recruitment"

    def __init__(self, model):
        self.model, self.parameters = model, model.parameters["recruitment"]
        p, places = self.parameters, model.world.places
        venues = np.array([p.street, p.school, p.home, p.online])
        self.venues = np.cumsum(venues / venues.sum())
        self.ages = np.array([p.at_10_12, p.at_13_14, p.at_15, p.at_16_17])
        mean = (places.imd_score * places.population_10_17).sum() / places.population_10_17.sum()
        self.deprivation = 1.0 + p.place * (places.imd_score / mean - 1.0)
        self.working_friends = np.zeros(model.demography.circles + 1, dtype=np.int16)  # the last is of those without friends
        self.working_in_household: Counter[int] = Counter()
        self.working_in_neighbourhood: Counter[int] = Counter()
        self.inside = model.world.inside
        self.contacts: list[Contact] = []  # of today
        self.elsewhere: list[tuple[Recruiter, int, int]] = []  # contacts outside the world: recruiter, serial, place
        self.meet_homes()

    def meet_homes(self) -> None:
        """Homes have opened: recruiters learn where they are."""
        homes = self.model.placements.homes
        self.working_residents = np.zeros(len(homes), dtype=np.int16)
        self.homes_in: dict[int, list[int]] = {}
        for home in homes:
            self.homes_in.setdefault(home.neighbourhood, []).append(home.number)
        self.note_residents()

    def start(self) -> None:
        """Day 1: children already work some of the positions."""
        draws, share = self.model.draws, self.parameters.filled_on_day_1
        for line in self.model.lines.lines:
            for n, holder in enumerate(line.positions):
                if holder == SEEKS and draws.one_uniform("line.filled_on_day_1", line.key, n) < share:
                    for _ in range(TRIES_ON_DAY_1):
                        self.seek_for(line.recruiter)
                        line.recruiter.contact += 1
        for exploiters in self.model.other_exploitation.exploiters:
            exploiters.fill_on_day_1()
        self._meet(on_day_1=True)

    def recruit(self) -> None:
        """Recruiters whose line has an open position, and other exploiters, go where children are; the day's contacts are simultaneous."""
        self.note_residents()
        for line in self.model.lines.lines:
            if line.open_positions:
                line.recruiter.step()
        for exploiters in self.model.other_exploitation.exploiters:
            exploiters.step()
        self._meet()

    # -- where contacts are made -------------------------------------------------------------------------------------------

    def seek_for(self, recruiter: Recruiter) -> None:
        """A recruiter's next contact: in a place, at a venue. Under pressure it turns to the market's own children, and online."""
        model, draws, p, line = self.model, self.model.draws, self.parameters, recruiter.line
        key, serial = recruiter.key, recruiter.contact
        adaptation = model.lines.parameters.adaptation if line.is_under_pressure else 0.0
        in_market = draws.one_uniform("recruiter.in_market", key, serial) < p.in_market + adaptation * (1.0 - p.in_market)
        place = line.market if in_market else line.origin
        if line.outlets and draws.one_uniform("recruiter.at_outlet", key, serial) < p.at_outlet:
            place = line.outlets[serial % len(line.outlets)]
        if not self.inside[place]:
            self.elsewhere.append((recruiter, serial, place))
            return
        venue = int(np.searchsorted(self.venues, draws.one_uniform("recruiter.venue", key, serial)))
        if venue == SCHOOL and not model.is_school_day:
            venue = STREET
        if adaptation and draws.one_uniform("recruiter.goes_online", key, serial) < 0.5 * adaptation:
            venue = ONLINE
        self.contacts.append(Contact(recruiter, serial, place, venue, BY_A_LINE, 1.0 - adaptation))

    def seek_otherwise(self, exploiters, in_homes: float) -> None:
        """A contact of exploiters who are no recruiters of a line, in their own authority."""
        u = self.model.draws.one_uniform("exploiters.venue", exploiters.key, exploiters.contact)
        venue = HOME if u < in_homes else ONLINE if u < in_homes + 0.5 * (1.0 - in_homes) else STREET
        self.contacts.append(Contact(exploiters, exploiters.contact, exploiters.place, venue, exploiters.form, 1.0))

    def _meet_elsewhere(self, on_day_1: bool) -> None:
        """Contacts outside the world: no child of ours, but the position may be taken by a child of elsewhere."""
        model = self.model
        for recruiter, serial, place in self.elsewhere:
            u = model.draws.one_uniform("recruiter.elsewhere", recruiter.key, serial)
            if recruiter.line.open_positions and (on_day_1 or u < self.parameters.success_elsewhere):
                recruiter.line.take(ELSEWHERE)
            else:
                model.ledger.enter(1, day=max(model.day, 1), event=Event.CONTACT_FAILED, agent=recruiter.key, serial=serial, place=place, cause=len(VENUES))
        self.elsewhere.clear()

    def _meet(self, on_day_1: bool = False) -> None:
        """Each contact of the day reaches one child, or nobody; a child whom two contacts of one form reach is met by the first, by key."""
        model, contacts = self.model, sorted(self.contacts, key=lambda contact: (contact.by.key, contact.serial))
        self.contacts.clear()
        self._meet_elsewhere(on_day_1)
        met: dict[int, dict[int, Contact]] = defaultdict(dict)  # form to the children met, and by whom
        failed: list[Contact] = []
        for contact, row in zip(contacts, self._choose(contacts), strict=True):
            if row < 0 or row in met[contact.form]:
                failed.append(contact)
            else:
                met[contact.form][row] = contact
        if failed:
            model.ledger.enter(
                len(failed), day=max(model.day, 1), event=Event.CONTACT_FAILED, agent=np.array([one.by.key for one in failed], dtype=np.uint64),
                serial=[one.serial for one in failed], place=[one.place for one in failed], cause=[one.venue for one in failed],
            )  # fmt: skip
        for form, by in met.items():
            rows, by_whom = np.array(list(by), dtype=np.int64), list(by.values())
            if not rows.size:
                continue
            if form != BY_A_LINE:
                model.other_exploitation.forms[form].approach(rows, [one.by for one in by_whom], on_day_1)
            elif not on_day_1:
                model.exploitation.approach(rows, [one.by.line for one in by_whom], [one.venue for one in by_whom], [one.place for one in by_whom])
            else:
                self._work_on_day_1(by)

    def _work_on_day_1(self, by: dict[int, Contact]) -> None:
        for row, contact in by.items():
            if contact.by.line.open_positions:
                self.model.exploitation.working_on_day_1(row, contact.by.line)

    def _in_reach(self, by, contact: int, place: int, venue: int) -> tuple[np.ndarray, float]:
        """Rows of the children whom this contact may reach, and the usual number of children at such a venue."""
        model, children = self.model, self.model.children
        if venue == HOME:
            homes = [i for kind in (CHILDRENS_HOME, SUPPORTED) for i in model.placements.homes_of[place, kind].numbers if model.placements.homes[i].beds]
            if not homes:
                return np.empty(0, dtype=np.int64), 1.0
            keys = np.array([model.placements.homes[i].key for i in homes], dtype=np.uint64)
            race = model.draws.exponential("recruiter.home", keys, (by.key + contact * GOLDEN) & MASK)
            home = model.placements.homes[homes[int(np.lexsort((keys, race))[0])]]
            return np.array(sorted(home.residents), dtype=np.int64), float(home.beds)
        first, last = model.demography.first_neighbourhood[place : place + 2]
        u = model.draws.one_uniform("recruiter.neighbourhood", by.key, contact)
        neighbourhood = int(first + int(u * (last - first)))
        tenth = int(model.draws.one_uniform("recruiter.corner", by.key, contact) * CORNERS)
        start, end = model.demography.corner(neighbourhood, tenth)
        rows = np.arange(start, end)
        rows = rows[children.is_present[start:end]]
        usual = NEIGHBOURHOOD / CORNERS
        if venue == ONLINE:
            return rows, usual
        setting = children.setting[rows]
        rows = rows[(setting == AT_HOME) | (setting == WITH_PARENTS) | (setting == KINSHIP)]
        homes = [model.placements.homes[i] for i in self.homes_in.get(neighbourhood, ()) if model.placements.homes[i].key % CORNERS == tenth]
        residents = [row for home in homes for row in home.residents]
        rows = np.concatenate((rows, np.array(sorted(residents), dtype=np.int64)))
        if venue == SCHOOL:  # the same streets, but those who are suspended or absent are not there
            rows = rows[(children.schooling[rows] != SUSPENDED) & (children.schooling[rows] != ABSENT)]
        return rows, usual

    # -- whom a contact reaches --------------------------------------------------------------------------------------------

    def weights(self, rows, place):
        """The weight of each of `rows` in a contact at a place, whoever makes it."""
        children, p = self.model.children, self.parameters
        weight = children.exposure[rows].astype(np.float64)
        weight *= self.ages[band_of(children.ages(rows))]
        weight *= self.deprivation[children.authority[rows]]
        weight *= np.where(children.schooling[rows] == MAINSTREAM, 1.0, p.out_of_school)
        in_care = children.setting[rows] != AT_HOME
        weight *= np.where(in_care, p.looked_after, 1.0)
        weight *= np.where(in_care & (children.authority[rows] != place), p.newcomer, 1.0)
        held = self.model.levers.held(BEING_FOUND, rows)
        if held is not None:
            weight *= held
        return weight * ~self.model.out_of_reach(rows)

    def _weights_for_a_line(self, rows, known):
        """What makes a child likelier than another for a line: sex, peers and siblings who work one; nobody in its reach already.

        `known` is the weight of a child whom services know: the more a line under pressure adapts, the less it goes near them.
        """
        children, p = self.model.children, self.parameters
        weight = np.where(children.is_male[rows], 1.0, p.girls) * (children.stage[rows] == NOT_INVOLVED)
        weight *= np.where(children.identified_on[rows] > NEVER, known, 1.0)
        with_peer = self.working_friends[children.circle[rows]] > 0
        if with_peer.any():
            with_peer &= self.model.distance.keeps_ties(rows)
        slots = children.care_slot[rows]
        homes = np.where(slots >= 0, self.model.placements.table.home[slots], -1)
        with_peer |= (homes >= 0) & (self.working_residents[homes] > 0)
        weight *= np.where(with_peer, p.peers, 1.0)
        near = np.isin(self.model.demography.neighbourhood(rows), list(self.working_in_neighbourhood)).nonzero()[0]
        if near.size:
            households = self.model.demography.household(rows[near])
            weight[near] *= np.where(np.isin(households, list(self.working_in_household)), p.siblings, 1.0)
        return weight

    def _choose(self, contacts: list[Contact]) -> list[int]:
        """The row of the child whom each contact reaches, or -1 for nobody."""
        if not contacts:
            return []
        model, draws = self.model, self.model.draws
        reach = [self._in_reach(contact.by, contact.serial, contact.place, contact.venue) for contact in contacts]
        numbers = np.array([len(rows) for rows, _ in reach])
        rows, of = np.concatenate([rows for rows, _ in reach]), np.repeat(np.arange(len(contacts)), numbers)
        weight = self.weights(rows, np.repeat([contact.place for contact in contacts], numbers))
        form = np.repeat([contact.form for contact in contacts], numbers)
        known = np.repeat([contact.known for contact in contacts], numbers)
        for which in np.unique(form).tolist():
            mine = form == which
            if which == BY_A_LINE:
                weight[mine] *= self._weights_for_a_line(rows[mine], known[mine])
            else:
                weight[mine] *= model.other_exploitation.forms[which].weights(rows[mine])
        rows, of, weight = rows[weight > 0.0], of[weight > 0.0], weight[weight > 0.0]
        serials = np.array([(contact.by.key + contact.serial * GOLDEN) & MASK for contact in contacts], dtype=np.uint64)
        keys = model.children.key[rows]
        race = draws.exponential("recruiter.choice", keys, serials[of]) / weight
        order = np.lexsort((keys, race, of))
        first = np.searchsorted(of, np.arange(len(contacts)))
        chosen = []
        for i, ((_, usual), contact) in enumerate(zip(reach, contacts, strict=True)):
            nobody = draws.one_exponential("recruiter.nobody", contact.by.key, contact.serial) / (self.parameters.nobody * usual)
            at = order[first[i]] if first[i] < len(of) and of[first[i]] == i else -1
            chosen.append(int(rows[at]) if at >= 0 and race[at] < nobody else -1)
        return chosen

    def note_peers(self, rows, change: int) -> None:
        """`rows` begin (+1) or cease (-1) to work a line: their friends and siblings know."""
        np.add.at(self.working_friends, self.model.children.circle[rows], change)
        self.working_friends[-1] = 0
        households, neighbourhoods = self.model.demography.household(rows), self.model.demography.neighbourhood(rows)
        for number, where in ((self.working_in_household, households), (self.working_in_neighbourhood, neighbourhoods)):
            for one in where.tolist():
                number[one] += change
                if not number[one]:
                    del number[one]

    def note_residents(self) -> None:
        """Who works a line among the residents of each home."""
        model = self.model
        self.working_residents[:] = 0
        rows = model.exploitation.members_working()
        rows = rows[model.children.care_slot[rows] >= 0]
        homes = model.placements.table.home[model.children.care_slot[rows]]
        np.add.at(self.working_residents, homes[homes >= 0], 1)


