"""Recruiters, and other exploiters, meet children where children are. The contacts of a day are simultaneous."""

from dataclasses import dataclass
from typing import Any

from sim.dates import is_school_day
from sim.draws import GOLDEN, MASK

from . import distance, exploitation, lines, otherwise
from .chance import pick
from .words import (
    ABSENT,
    AT_HOME,
    BY_A_LINE,
    CHILDRENS_HOME,
    CONTACT_FAILED,
    CORNERS,
    HOME,
    KINSHIP,
    MAINSTREAM,
    MONTH,
    NEIGHBOURHOOD,
    NOT_INVOLVED,
    ON_A_LINE,
    ONLINE,
    SCHOOL,
    SOMEWHERE_ELSE,
    STREET,
    SUPPORTED,
    SUSPENDED,
    WITH_PARENTS,
)

TRIES_ON_DAY_1 = 3  # contacts for a position that a child holds when the run begins; most contacts reach nobody


@dataclass
class Contact:
    """A contact of today: of which line or exploiters, by whom (a key) and which of theirs, where, for which form of exploitation.

    `weight_of_known` tells how readily a child is approached whom services know to be exploited.
    """

    of: Any
    by: int
    serial: int
    place: int
    venue: int
    form: int
    weight_of_known: float = 1.0

    @property
    def number(self):
        """For draws about this contact and somebody else."""
        return (self.by + self.serial * GOLDEN) & MASK


def begin(england):
    """Day 1: children already work some of the positions, others are exploited otherwise."""
    for line in england.lines:
        for n, position in enumerate(line.positions):
            filled = england.uniform("line.filled_on_day_1", line.key, n) < england.p("recruitment").filled_on_day_1
            if position.holder == lines.SEEKS and filled:
                for _ in range(TRIES_ON_DAY_1):
                    seek(england, line)
    for exploiters in england.exploiters:
        for _ in range(otherwise.number_on_day_1(england, exploiters)):
            seek_otherwise(england, exploiters)
        exploiters.until_contact = england.exponential("exploiters.contact", exploiters.key, exploiters.contacts)
    meet(england, on_day_1=True)


def recruit(england):
    """Recruiters whose line has an open position go where children are: contacts come at a rate for each such position."""
    p = england.p("lines")
    for line in england.lines:
        open_positions = line.open_positions
        if open_positions:
            deterred = p.deterrence if england.day < line.pressure_until else 0.0
            line.until_contact -= open_positions * p.contacts / MONTH * (1.0 - deterred)
            while line.until_contact <= 0.0:
                seek(england, line)
                line.until_contact += england.exponential("recruiter.contact", line.recruiter, line.contacts)
    for exploiters in england.exploiters:
        exploiters.until_contact -= exploiters.a_day
        while exploiters.until_contact <= 0.0:
            seek_otherwise(england, exploiters)
            exploiters.until_contact += england.exponential("exploiters.contact", exploiters.key, exploiters.contacts)
    meet(england)


# -- where contacts are made ------------------------------------------------------------------------------------------------


def seek(england, line):
    """A recruiter's next contact: in the market, or in the city the line comes from; or where it followed a child.

    Under pressure the line turns to the market's own children, online, and to those whom services do not know.
    """
    p, recruiter, n = england.p("recruitment"), line.recruiter, line.contacts
    line.contacts += 1
    adaptation = england.p("lines").adaptation if england.day < line.pressure_until else 0.0
    in_market = england.uniform("recruiter.in_market", recruiter, n) < p.in_market + adaptation * (1.0 - p.in_market)
    place = line.market if in_market else line.origin
    if line.outlets and england.uniform("recruiter.at_outlet", recruiter, n) < p.at_outlet:
        place = line.outlets[n % len(line.outlets)]
    if place not in england.inside:
        england.contacts_elsewhere.append((line, n, place))
        return
    venues = {STREET: p.street, SCHOOL: p.school, HOME: p.home, ONLINE: p.online}
    venue = pick(venues, england.uniform("recruiter.venue", recruiter, n))
    if venue == SCHOOL and not is_school_day(england.day):
        venue = STREET
    if england.uniform("recruiter.goes_online", recruiter, n) < 0.5 * adaptation:
        venue = ONLINE
    england.contacts.append(Contact(line, recruiter, n, place, venue, BY_A_LINE, 1.0 - adaptation))


def seek_otherwise(england, exploiters):
    """A contact of other exploiters, in their own authority: at homes; half of the rest online."""
    n, in_homes = exploiters.contacts, england.p(otherwise.GROUPS[exploiters.form]).in_homes
    exploiters.contacts += 1
    u = england.uniform("exploiters.venue", exploiters.key, n)
    venue = HOME if u < in_homes else ONLINE if u < in_homes + 0.5 * (1.0 - in_homes) else STREET
    england.contacts.append(Contact(exploiters, exploiters.key, n, exploiters.place, venue, exploiters.form))


def meet(england, on_day_1=False):
    """Each contact of the day reaches one child, or nobody; a child whom two of one form reach is met by the first, by key."""
    meet_elsewhere(england, on_day_1)
    contacts, england.contacts = sorted(england.contacts, key=lambda contact: (contact.by, contact.serial)), []
    chosen = [choose_child(england, contact, on_day_1) for contact in contacts]
    met = set()
    for contact, child in zip(contacts, chosen, strict=True):
        if child is None or (child, contact.form) in met:
            england.write(CONTACT_FAILED, agent=contact.by, serial=contact.serial, place=contact.place, cause=contact.venue)
            continue
        met.add((child, contact.form))
        if contact.form != BY_A_LINE:
            otherwise.approach(england, child, contact.of, on_day_1)
        elif not on_day_1:
            exploitation.approach(england, child, contact.of, contact.venue, contact.place)
        elif contact.of.open_positions:
            exploitation.work_on_day_1(england, child, contact.of)


def meet_elsewhere(england, on_day_1):
    """Contacts outside the world: no child of ours, but the position may be taken by a child of elsewhere."""
    contacts, england.contacts_elsewhere = england.contacts_elsewhere, []
    for line, n, place in contacts:
        succeeds = england.uniform("recruiter.elsewhere", line.recruiter, n) < england.p("recruitment").success_elsewhere
        if line.open_positions and (on_day_1 or succeeds):
            lines.take(england, line, lines.ELSEWHERE)
        else:
            england.write(CONTACT_FAILED, agent=line.recruiter, serial=n, place=place, cause=SOMEWHERE_ELSE)


# -- whom a contact reaches -------------------------------------------------------------------------------------------------


def in_reach(england, contact):
    """The children whom a contact may reach, and how many there usually are at such a venue.

    A home; or a corner of a neighbourhood: those who live there with their family, and in homes. School is the same streets, without those
    who are suspended or absent; online is everybody whose own home is there.
    """
    if contact.venue == HOME:
        homes = [home for home in england.homes if home.place == contact.place and home.kind in (CHILDRENS_HOME, SUPPORTED) and home.beds]
        if not homes:
            return [], 1.0
        home = min(homes, key=lambda home: (england.exponential("recruiter.home", home.key, contact.number), home.key))
        return home.residents, float(home.beds)
    usual = NEIGHBOURHOOD / CORNERS
    where = england.neighbourhood("recruiter.neighbourhood", contact.place, contact.by, contact.serial)
    corner = int(england.uniform("recruiter.corner", contact.by, contact.serial) * CORNERS)
    here = [child for child in england.corners.get((where, corner), ()) if child.is_present]
    if contact.venue == ONLINE:
        return here, usual
    here = [
        child for child in here
        if child.setting in (AT_HOME, WITH_PARENTS) or (child.setting == KINSHIP and child.placement.place == child.authority)
    ]  # fmt: skip
    here += [child for home in england.homes if home.neighbourhood == where and home.key % CORNERS == corner for child in home.residents]
    if contact.venue == SCHOOL:
        here = [child for child in here if child.schooling not in (SUSPENDED, ABSENT)]
    return here, usual


def weight(england, child, place):
    """How easily a contact at a place finds a child and approaches it, whoever makes it."""
    p = england.p("recruitment")
    weight = child.exposure * (p.at_10_12, p.at_13_14, p.at_15, p.at_16_17)[child.band] * deprivation(england, child.authority)
    if child.schooling != MAINSTREAM:
        weight *= p.out_of_school
    if child.placement:
        weight *= p.looked_after
        if child.authority != place:
            weight *= p.newcomer
    return weight * child.lever("being found by recruiters")


def deprivation(england, place):
    """How far exposure follows the deprivation of an authority."""
    return 1.0 + england.p("recruitment").place * (england.places[place].deprivation / england.mean_deprivation - 1.0)


def weight_for_a_line(england, child, weight_of_known, on_day_1):
    """What makes a child likelier for a line: sex, peers and siblings who work one; but no child that is in its reach already.

    Peers are friends (of those who live far from home, some) and co-residents. On day 1 nobody knows yet with whom they share a home.
    """
    p = england.p("recruitment")
    if child.stage != NOT_INVOLVED:
        return 0.0
    weight = (1.0 if child.is_male else p.girls) * (weight_of_known if child.is_identified else 1.0)
    home = child.placement.home if child.placement and not on_day_1 else None
    has_friend = works(england.friends.get(child.circle, ())) and distance.keeps_ties(england, child)
    if has_friend or (home and works(home.residents)):
        weight *= p.peers
    if works(england.siblings[child.household]):
        weight *= p.siblings
    return weight


def works(children):
    return any(child.stage in ON_A_LINE for child in children)


def choose_child(england, contact, on_day_1):
    """The child with the smallest Exp(1) draw over its weight; or nobody, who competes with a weight of its own."""
    children, usual = in_reach(england, contact)
    nobody = england.exponential("recruiter.nobody", contact.by, contact.serial) / (england.p("recruitment").nobody * usual)
    races = [(nobody, 0, None)]
    for child in children:
        if child.is_out_of_reach(england.day):
            continue
        if contact.form == BY_A_LINE:
            at_this_weight = weight_for_a_line(england, child, contact.weight_of_known, on_day_1)
        else:
            at_this_weight = otherwise.weight(england, child, contact.form)
        at_this_weight *= weight(england, child, contact.place)
        if at_this_weight > 0.0:
            races.append((england.exponential("recruiter.choice", child.key, contact.number) / at_this_weight, child.key, child))
    return min(races)[-1]
