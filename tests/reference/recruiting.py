"""Recruiters meet children where children are; each contact goes to one child in reach, or to nobody."""

from sim.dates import is_school_day
from sim.draws import GOLDEN, MASK

from . import exploitation, lines
from .chance import pick
from .words import (
    AT_HOME,
    CHILDRENS_HOME,
    CONTACT_FAILED,
    HOME,
    KINSHIP,
    MONTH,
    NEIGHBOURHOOD,
    NOT_INVOLVED,
    ON_A_LINE,
    ONLINE,
    SCHOOL,
    SOMEWHERE_ELSE,
    STREET,
    SUPPORTED,
    WITH_PARENTS,
)


def begin(england):
    """Day 1: children already work some of the positions. Nobody knows yet with whom they share a home."""
    for line in england.lines:
        for n, position in enumerate(line.positions):
            filled = england.uniform("line.filled_on_day_1", line.key, n) < england.p("recruitment").filled_on_day_1
            if position.holder == lines.SEEKS and filled:
                meet(england, line, on_day_1=True)


def recruit(england):
    """Recruiters whose line has an open position go where children are: contacts come at a rate for each such position."""
    for line in england.lines:
        line.until_contact -= line.open_positions * england.p("lines").contacts / MONTH
        while line.until_contact <= 0.0 and line.open_positions:
            meet(england, line)
            line.until_contact += england.exponential("recruiter.contact", line.recruiter, line.contacts)


def meet(england, line, on_day_1=False):
    """One contact: a place, a venue there, and one child in reach, or nobody."""
    p, recruiter, n = england.p("recruitment"), line.recruiter, line.contacts
    line.contacts += 1
    in_market = england.uniform("recruiter.in_market", recruiter, n) < p.in_market
    place = line.market if in_market else line.origin
    if place not in england.inside:
        if on_day_1 or england.uniform("recruiter.elsewhere", recruiter, n) < p.success_elsewhere:
            lines.take(england, line, lines.ELSEWHERE)
        else:
            england.write(CONTACT_FAILED, agent=recruiter, serial=n, place=place, cause=SOMEWHERE_ELSE)
        return
    venue = choose_venue(england, england.uniform("recruiter.venue", recruiter, n))
    child = choose_child(england, line, n, place, venue, on_day_1)
    if child is None:
        england.write(CONTACT_FAILED, agent=recruiter, serial=n, place=place, cause=venue)
    elif on_day_1:
        exploitation.work_on_day_1(england, child, line)
    else:
        exploitation.approach(england, child, line, venue, place)


def choose_venue(england, u):
    """Streets, schools, homes, online; when there is no school, streets instead."""
    p = england.p("recruitment")
    venue = pick({STREET: p.street, SCHOOL: p.school, HOME: p.home, ONLINE: p.online}, u)
    return STREET if venue == SCHOOL and not is_school_day(england.day) else venue


def in_reach(england, line, n, place, venue):
    """The children whom a contact may reach, and how many there usually are at such a venue."""
    if venue == HOME:
        homes = [home for home in england.homes if home.place == place and home.kind in (CHILDRENS_HOME, SUPPORTED)]
        if not homes:
            return [], 1.0
        number = (line.recruiter + n * GOLDEN) & MASK
        home = min(homes, key=lambda home: (england.exponential("recruiter.home", home.key, number), home.key))
        return home.residents, float(home.beds)
    where = england.neighbourhood("recruiter.neighbourhood", place, line.recruiter, n)
    here = [child for child in england.neighbours[where] if child.is_present]
    if venue == ONLINE:
        return here, float(NEIGHBOURHOOD)
    with_family = [child for child in here if child.setting in (AT_HOME, WITH_PARENTS, KINSHIP)]
    residents = [child for home in england.homes if home.neighbourhood == where for child in home.residents]
    return with_family + residents, float(NEIGHBOURHOOD)


def weight(england, child, place, on_day_1):
    """How easily a recruiter at a place finds a child and approaches it."""
    p, home = england.p("recruitment"), child.placement.home if child.placement else None
    friends = england.friends[child.circle]
    peers = friends if on_day_1 or not home else friends + home.residents
    weight = child.exposure * (p.at_10_12, p.at_13_14, p.at_15, p.at_16_17)[child.band] * (1.0 if child.is_male else p.girls)
    weight *= 1.0 + p.place * (england.places[child.authority].deprivation / england.mean_deprivation - 1.0)
    if any(peer.stage in ON_A_LINE for peer in peers):
        weight *= p.peers
    if child.placement:
        weight *= p.looked_after
        if child.authority != place:
            weight *= p.newcomer
    return weight * child.lever("being found by recruiters")


def choose_child(england, line, n, place, venue, on_day_1):
    """The child with the smallest Exp(1) draw over its weight; or nobody, who competes with a weight of its own."""
    number = (line.recruiter + n * GOLDEN) & MASK
    children, usual = in_reach(england, line, n, place, venue)
    nobody = england.exponential("recruiter.nobody", line.recruiter, n) / (england.p("recruitment").nobody * usual)
    races = [(nobody, 0, None)]
    for child in children:
        if child.stage == NOT_INVOLVED and not child.is_missing:
            at_this_weight = weight(england, child, place, on_day_1)
            if at_this_weight > 0.0:
                races.append((england.exponential("recruiter.choice", child.key, number) / at_this_weight, child.key, child))
    return min(races)[-1]
