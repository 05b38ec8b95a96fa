"""Unaccompanied children: they come to England alone, seeking asylum, and are looked after from the day they arrive."""

from sim.dates import first_day_of_year, last_day_of_year, year_of
from sim.draws import key_of

from . import people
from .chance import is_kept, key_in
from .words import ARRIVED, FOR_EVER, WAS_TRANSFERRED

YOUNGEST, OLDEST, EIGHTEEN = 5479, 6209, 6575  # days of age: on arrival fifteen to just under seventeen


def plan(england):
    """Who will arrive until the last day, and when: as many as turn eighteen at the published stock, evenly over the year.

    Key, day of birth, school year of birth (all count as the oldest), authority and day of arrival of each.
    """
    p = england.p("unaccompanied")
    stay = (EIGHTEEN - (YOUNGEST + OLDEST) / 2.0) / 365.25
    for place in england.inside:
        authority = england.places[place]
        a_year = round(authority.unaccompanied / stay / (1.0 - p.transferred))
        for year in range(1, year_of(england.last_day) + 1):
            first, days = first_day_of_year(year), last_day_of_year(year) - first_day_of_year(year) + 1
            for n in range(a_year):
                key = key_in(key_of("unaccompanied", authority.code, year), n)
                arrives = first + int(england.uniform("unaccompanied.day", key) * days)
                aged = YOUNGEST + int(england.uniform("unaccompanied.age", key) * (OLDEST - YOUNGEST))
                if is_kept(key, england.fraction) and arrives <= england.last_day:
                    yield key, arrives - aged, people.OLDEST, place, arrives


def arrive(england):
    """Those who arrive today are looked after from now on; some are transferred to another authority soon."""
    p = england.p("unaccompanied")
    for child in england.transfers.pop(england.day, ()):
        if child.is_present:
            people.leave_tomorrow(england, child, WAS_TRANSFERRED)
    arrived = england.arrivals.pop(england.day, [])
    england.welcome(arrived)
    for child in arrived:
        child.band = people.band_of(child.age_on(england.day))
        england.tell(ARRIVED, child)
        england.news["arrived"].append(child)
        settle(england, child)
        people.hold(england, child, "going missing", by="newly arrived", at=p.first_days, until=england.day + p.first_days_last)
        if england.uniform("unaccompanied.transferred", child.key) < p.transferred:
            days = 1 + int(england.exponential("unaccompanied.days_to_transfer", child.key) * p.days_to_transfer)
            england.transfers.setdefault(england.day + days, []).append(child)


def settle(england, child):
    """Unaccompanied children go missing at their own rate."""
    people.hold(england, child, "going missing", by="unaccompanied", at=england.p("unaccompanied").going_missing, until=FOR_EVER)
