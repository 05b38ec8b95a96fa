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
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from sim.arithmetic import _neglog, _uniform
from sim.dates import QUARTER_DAYS_IN_A_YEAR
from sim.draws import GOLDEN, MASK
from sim.ledger import Event
from sim.levers import Lever
from sim.lines import ELSEWHERE, SEEKS, Line, Recruiter
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import (
    ABSENT,
    AT_HOME,
    BOUND,
    BY_A_LINE,
    CHILDRENS_HOME,
    KINSHIP,
    MAINSTREAM,
    NEVER,
    NOT_INVOLVED,
    SUPPORTED,
    SUSPENDED,
    WITH_PARENTS,
    WORKING,
)
from sim.tables import is_in, portions
from sim.world import CORNERS, NEIGHBOURHOOD

if TYPE_CHECKING:
    from sim.other_exploitation import Exploiters

BEING_FOUND = Lever("being found by recruiters", "The child's weight among those whom a recruiter may approach.")

STREET, SCHOOL, HOME, ONLINE = range(4)
NOT_AT_SCHOOL = np.array(sorted((SUSPENDED, ABSENT)))
TOGETHER = 4096  # contacts that are looked at together, each with everybody in its reach; bounds memory
TRIES_ON_DAY_1 = 3  # contacts for a position that a child holds when the run begins; most contacts reach nobody
VENUES = ("streets", "school or alternative provision", "children's home or supported accommodation", "online")


class Recruitment(Parameters, group="recruitment"):
    """Whom recruiters meet."""

    in_market = parameter(0.45, unit="share of contacts", between=(0.1, 0.8), source="L021", doc="Made in the market, the rest in the city the line comes from; lines are localising.")
    at_outlet = parameter(0.3, unit="share of contacts", between=(0.1, 0.6), source=ASSUMED, doc="Of a line that has followed a moved child: made where the child was moved to.")
    street = parameter(0.35, unit="share of contacts", between=(0.2, 0.6), source=ASSUMED, doc="Venues' shares are scaled to 1.")
    school = parameter(0.25, unit="share of contacts", between=(0.05, 0.4), source=ASSUMED)
    home = parameter(0.02, unit="share of contacts", between=(0.02, 0.3), source=ASSUMED)
    online = parameter(0.28, unit="share of contacts", between=(0.05, 0.5), source=ASSUMED)
    at_10_12 = parameter(0.15, unit="weight", between=(0.02, 0.3), source="K179;K160", doc="By age; recruitment comes earlier than the offence whose ages are known.")
    at_13_14 = parameter(0.9, unit="weight", between=(0.3, 1.0), source="K179;K160")
    at_15 = parameter(1.2, unit="weight", between=(0.7, 1.3), source="K179;K160")
    at_16_17 = parameter(0.65, unit="weight", between=(0.4, 1.3), source="K179;K160")
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


@dataclass(slots=True)
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
        self.working_in_neighbourhood = np.zeros(len(model.demography.first_row_of), dtype=np.int32)
        self.inside = model.world.inside
        self.contacts: list[Contact] = []  # of today
        self._sought: list[tuple[Recruiter, int, float]] = []  # for a line today: recruiter, serial, how far the line adapts to pressure
        self._sought_otherwise: list[tuple[Exploiters, int, float]] = []  # ... for other exploiters: who, serial, their share made in homes
        self.elsewhere: list[tuple[Recruiter, int, int]] = []  # contacts outside the world: recruiter, serial, place
        self.meet_homes()

    def meet_homes(self) -> None:
        """Homes have opened: recruiters learn where they are."""
        homes = self.model.placements.homes
        self.working_residents = np.zeros(len(homes) + 1, dtype=np.int16)  # the last is of those without a home
        self.homes_at: dict[int, list] = defaultdict(list)  # by corner of a neighbourhood
        for home in homes:
            self.homes_at[home.neighbourhood * CORNERS + home.key % CORNERS].append(home)
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
        """A recruiter's next contact, which has its place and venue when all of the day are known."""
        adaptation = self.model.lines.parameters.adaptation if recruiter.line.is_under_pressure else 0.0
        self._sought.append((recruiter, recruiter.contact, adaptation))

    def seek_otherwise(self, exploiters: Exploiters, in_homes: float) -> None:
        """A contact of exploiters who are no recruiters of a line."""
        self._sought_otherwise.append((exploiters, exploiters.contact, in_homes))

    def _go_for_lines(self) -> None:
        """Where recruiters make their contacts: in a place, at a venue. Under pressure they turn to the market's own children, and online."""
        model, draws, p = self.model, self.model.draws, self.parameters
        recruiters, serials, adaptations = zip(*self._sought, strict=True)
        self._sought.clear()
        keys, serial, adaptation = np.array([each.key for each in recruiters], dtype=np.uint64), np.array(serials), np.array(adaptations)
        in_market = draws.uniform("recruiter.in_market", keys, serial) < p.in_market + adaptation * (1.0 - p.in_market)
        at_outlet = draws.uniform("recruiter.at_outlet", keys, serial) < p.at_outlet
        venue = np.searchsorted(self.venues, draws.uniform("recruiter.venue", keys, serial))
        if not model.is_school_day:
            venue[venue == SCHOOL] = STREET
        if any(adaptations):
            venue[draws.uniform("recruiter.goes_online", keys, serial) < 0.5 * adaptation] = ONLINE
        for n, (recruiter, in_its_market, at_an_outlet, at) in enumerate(zip(recruiters, in_market.tolist(), at_outlet.tolist(), venue.tolist(), strict=True)):
            line = recruiter.line
            place = line.outlets[serials[n] % len(line.outlets)] if line.outlets and at_an_outlet else line.market if in_its_market else line.origin
            if self.inside[place]:
                self.contacts.append(Contact(recruiter, serials[n], place, at, BY_A_LINE, 1.0 - adaptations[n]))
            else:
                self.elsewhere.append((recruiter, serials[n], place))

    def _go_otherwise(self) -> None:
        """Other exploiters make their contacts in their own authority."""
        exploiters, serials, shares = zip(*self._sought_otherwise, strict=True)
        self._sought_otherwise.clear()
        keys, in_homes = np.array([each.key for each in exploiters], dtype=np.uint64), np.array(shares)
        u = self.model.draws.uniform("exploiters.venue", keys, np.array(serials))
        venue = np.where(u < in_homes, HOME, np.where(u < in_homes + 0.5 * (1.0 - in_homes), ONLINE, STREET))
        self.contacts += [Contact(by, serial, by.place, at, by.form, 1.0) for by, serial, at in zip(exploiters, serials, venue.tolist(), strict=True)]

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
        if self._sought:
            self._go_for_lines()
        if self._sought_otherwise:
            self._go_otherwise()
        model, contacts = self.model, sorted(self.contacts, key=lambda contact: (contact.by.key, contact.serial))
        self.contacts.clear()
        self._meet_elsewhere(on_day_1)
        met: dict[int, dict[int, Contact]] = defaultdict(dict)  # form to the children met, and by whom
        failed: list[Contact] = []
        chosen = [row for part in portions(len(contacts), TOGETHER) for row in self._choose(contacts[part])]
        for contact, row in zip(contacts, chosen, strict=True):
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
        """Those who were met work for the line, as far as it has open positions."""
        working: dict[int, Line] = {}
        left = {contact.by.line.number: contact.by.line.open_positions for contact in by.values()}
        for row, contact in by.items():
            line = contact.by.line
            if left[line.number]:
                left[line.number] -= 1
                working[row] = line
        self.model.exploitation.working_on_day_1(np.array(list(working), dtype=np.int64), list(working.values()))

    def _in_reach(self, contacts: list[Contact]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows of the children whom the contacts may reach, the contact of each, and how many children usually are where each contact is made.

        A contact is made in one children's home, or in a corner of a neighbourhood. Online it reaches those who live there wherever they are
        placed; on the streets and at school those who are there today.
        """
        model, facts, demography = self.model, self.model.children.columns, self.model.demography
        usual = np.full(len(contacts), NEIGHBOURHOOD / CORNERS)
        venues = np.array([contact.venue for contact in contacts], dtype=np.int64)
        corners = _corners(
            np.array([contact.place for contact in contacts], dtype=np.int64), np.array([contact.by.key for contact in contacts], dtype=np.uint64),
            np.array([contact.serial for contact in contacts], dtype=np.uint64), demography.first_neighbourhood,
            model.draws.stream("recruiter.neighbourhood"), model.draws.stream("recruiter.corner"),
        )  # fmt: skip
        rows, of = _around(
            corners, venues, demography.first_row_of_corner, facts["is_present"], facts["setting"], facts["authority"], facts["schooling"],
            model.children.few.entry, facts["care_slot"].by_entry, model.placements.table.place,
        )  # fmt: skip
        of_homes, residents = [], []
        for number, (contact, corner) in enumerate(zip(contacts, corners.tolist(), strict=True)):
            homes = self.homes_at.get(corner, []) if contact.venue in (STREET, SCHOOL) else []
            if contact.venue == HOME:
                home = self._a_home(contact)
                usual[number] = home.beds if home else 1.0
                homes = [home] if home else []
            for home in homes:
                of_homes.append(number)
                residents.append(list(home.residents))
        if not of_homes:
            return rows, of, usual
        more = np.array([row for some in residents for row in some], dtype=np.int64)
        of_more = np.repeat(np.array(of_homes, dtype=np.int64), [len(some) for some in residents])
        there = (venues[of_more] != SCHOOL) | ~is_in(facts["schooling"][more], NOT_AT_SCHOOL)
        return np.concatenate((rows, more[there])), np.concatenate((of, of_more[there])), usual

    def _a_home(self, contact: Contact):
        """The children's home or supported accommodation where a contact is made; None where the place has none."""
        homes, register = self.model.placements.homes, self.model.placements.register
        numbers = np.concatenate([register.of(contact.place, kind) for kind in (CHILDRENS_HOME, SUPPORTED)])
        keys = register.columns["key"][numbers]
        race = self.model.draws.exponential("recruiter.home", keys, (contact.by.key + contact.serial * GOLDEN) & MASK)
        in_order = (homes[number] for number in numbers[np.lexsort((keys, race))].tolist())
        return next((home for home in in_order if home.beds), None)

    # -- whom a contact reaches --------------------------------------------------------------------------------------------

    def weights(self, rows, place):
        """The weight of each of `rows` in a contact at its `place`, whoever makes it."""
        facts, p = self.model.children.columns, self.parameters
        weight = _weights(
            rows, place, self.model.day, facts["born"], facts["exposure"], facts["authority"], facts["schooling"], facts["setting"],
            self.ages, self.deprivation, p.out_of_school, p.looked_after, p.newcomer,
        )  # fmt: skip
        weight *= self.model.levers.value(BEING_FOUND, rows)
        return weight * ~self.model.out_of_reach(rows)

    def _weights_for_a_line(self, rows, known):
        """What makes a child likelier than another for a line: sex, peers and siblings who work one; nobody in its reach already.

        `known` is the weight of a child whom services know: the more a line under pressure adapts, the less it goes near them.
        """
        children, demography, p = self.model.children, self.model.demography, self.parameters
        weight = np.where(children.is_male[rows], 1.0, p.girls) * (children.stage[rows] == NOT_INVOLVED)
        weight *= np.where(children.identified_on[rows] > NEVER, known, 1.0)
        with_peer = self.working_friends[children.circle[rows]] > 0
        with_friend = with_peer.nonzero()[0]
        if with_friend.size:
            with_peer[with_friend] = self.model.distance.keeps_ties(rows[with_friend])
        slots = children.care_slot[rows]
        homes = np.where(slots >= 0, self.model.placements.table.home[slots], -1)
        with_peer |= self.working_residents[homes] > 0
        weight[with_peer] *= p.peers
        near = self.working_in_neighbourhood[demography.neighbourhood(rows)].nonzero()[0]
        if near.size:
            households = demography.household(rows[near]).tolist()
            weight[near[[household in self.working_in_household for household in households]]] *= p.siblings
        return weight

    def _choose(self, contacts: list[Contact]) -> list[int]:
        """The row of the child whom each contact reaches, or -1 for nobody."""
        model, draws = self.model, self.model.draws
        rows, of, usual = self._in_reach(contacts)
        weight = self.weights(rows, np.array([contact.place for contact in contacts], dtype=np.int64)[of])
        forms = np.array([contact.form for contact in contacts])
        known = np.array([contact.known for contact in contacts])
        for form in set(forms.tolist()):
            mine = (forms == form)[of].nonzero()[0]
            if form == BY_A_LINE:
                weight[mine] *= self._weights_for_a_line(rows[mine], known[of[mine]])
            else:
                weight[mine] *= model.other_exploitation.forms[form].weights(rows[mine])
        keys = np.array([contact.by.key for contact in contacts], dtype=np.uint64)
        serials = np.array([contact.serial for contact in contacts], dtype=np.int64)
        pairs = keys + serials.astype(np.uint64) * np.uint64(GOLDEN)
        nobody = draws.exponential("recruiter.nobody", keys, serials) / (self.parameters.nobody * usual)
        return _first(rows, of, weight, model.children.columns["key"], pairs, draws.stream("recruiter.choice"), nobody).tolist()

    def note_peers(self, rows, change: int) -> None:
        """`rows` begin (+1) or cease (-1) to work a line: their friends and siblings know."""
        np.add.at(self.working_friends, self.model.children.circle[rows], change)
        self.working_friends[-1] = 0
        np.add.at(self.working_in_neighbourhood, self.model.demography.neighbourhood(rows), change)
        for household in self.model.demography.household(rows).tolist():
            self.working_in_household[household] += change
            if not self.working_in_household[household]:
                del self.working_in_household[household]

    def note_residents(self) -> None:
        """Who works a line among the residents of each home."""
        model, children = self.model, self.model.children
        stage, care_slot = children.columns["stage"].by_entry, children.columns["care_slot"].by_entry
        _count_residents(self.working_residents, model.exploitation.table.rows, children.few.entry, stage, care_slot, model.placements.table.home)


@njit(cache=True)
def _count_residents(number, exploited, entry, stage, care_slot, home):
    """How many of the exploited work a line in each home."""
    number[:] = 0
    for row in exploited:
        if row >= 0 and (stage[entry[row]] == WORKING or stage[entry[row]] == BOUND):
            slot = care_slot[entry[row]]
            if slot >= 0 and home[slot] >= 0:
                number[home[slot]] += 1


@njit(cache=True)
def _corners(places, keys, serials, first_neighbourhood, of_neighbourhood, of_corner):
    """In which corner of a neighbourhood of its place each contact is made."""
    corners = np.empty(len(places), dtype=np.int64)
    for n in range(len(places)):
        first, last = first_neighbourhood[places[n]], first_neighbourhood[places[n] + 1]
        neighbourhood = first + int(_uniform(keys[n] ^ of_neighbourhood, serials[n]) * (last - first))
        corners[n] = neighbourhood * CORNERS + int(_uniform(keys[n] ^ of_corner, serials[n]) * CORNERS)
    return corners


@njit(cache=True)
def _around(corners, venues, first_row, is_present, setting, authority, schooling, entry, care_slot, place):
    """Rows of the children around each corner whom the contact there, not made in a home, may reach, and the number of the contact of each.

    Online, all whose home is there; else those who live there now, and at a school only those who go to it. Relatives may live in another authority.
    """
    room = 0
    for n in range(len(corners)):
        if venues[n] != HOME:
            room += first_row[corners[n] + 1] - first_row[corners[n]]
    rows, of, found = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64), 0
    for n in range(len(corners)):
        venue = venues[n]
        if venue == HOME:
            continue
        for row in range(first_row[corners[n]], first_row[corners[n] + 1]):
            if not is_present[row]:
                continue
            here = venue == ONLINE or setting[row] == AT_HOME or setting[row] == WITH_PARENTS
            if not here and setting[row] == KINSHIP:
                slot = care_slot[entry[row]]
                here = slot < 0 or place[slot] == authority[row]
            if here and not (venue == SCHOOL and (schooling[row] == SUSPENDED or schooling[row] == ABSENT)):
                rows[found], of[found] = row, n
                found += 1
    return rows[:found], of[:found]


@njit(cache=True)
def _weights(rows, place, day, born, exposure, authority, schooling, setting, ages, deprivation, out_of_school, looked_after, newcomer):
    """Exposure of each of `rows` times what its age, its home authority, its schooling, care and being new in a place make of it."""
    weight = np.empty(len(rows))
    for n in range(len(rows)):
        row = rows[n]
        age, home = (day - born[row]) * 4 // QUARTER_DAYS_IN_A_YEAR, authority[row]
        weight[n] = exposure[row]
        weight[n] *= ages[(age > 12) + (age > 14) + (age > 15)]
        weight[n] *= deprivation[home]
        if schooling[row] != MAINSTREAM:
            weight[n] *= out_of_school
        if setting[row] != AT_HOME:
            weight[n] *= looked_after
            if home != place[n]:
                weight[n] *= newcomer
    return weight


@njit(cache=True)
def _first(rows, of, weight, key, pairs, stream, nobody):
    """The child who is first in the race of each contact: Exp(1) over weight, against `nobody`. -1 where nobody is."""
    best, first = nobody.copy(), np.full(len(nobody), -1)
    for n in range(len(rows)):
        if weight[n] > 0.0:
            race = _neglog(_uniform(key[rows[n]] ^ stream, pairs[of[n]])) / weight[n]
            if race <= best[of[n]]:
                best[of[n]], first[of[n]] = race, rows[n]
    return first
