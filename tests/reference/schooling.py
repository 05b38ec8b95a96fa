"""School: suspension, permanent exclusion, part-time timetables, alternative provision, persistent absence."""

from math import floor, inf

from .words import (
    ABSENT,
    ALTERNATIVE,
    BACK_AT_SCHOOL,
    BOUND,
    GETTING_OUT,
    GROOMED,
    HISTORY,
    MAINSTREAM,
    NEVER,
    PART_TIME,
    STAYED_AWAY_FROM_SCHOOL,
    SUSPENDED,
    WAS_EXCLUDED,
    WAS_EXCLUDED_FOR_GOOD,
    WAS_PUT_OUT_FOR_DAYS,
    WAS_SUSPENDED,
    WENT_PART_TIME,
    WORKING,
    YEAR,
)

USUAL_SUSPENSIONS = 4.0  # behind a child who is suspended, on average
STARTS_AT = 8.0  # years of age from which suspensions are counted
WHEN_EXPLOITED = (GROOMED, WORKING, BOUND, GETTING_OUT)


def begin(england):
    p = england.p("schooling")
    england.at_school = (p.at_10_12, p.at_13_14, p.at_15, p.at_16_17)  # times the authority's rate, by age band
    england.trouble_rates = [
        [authority.suspension_rate / 100.0 * times / (1.0 - p.absence) / YEAR for times in england.at_school] for authority in england.places
    ]
    for child in england.present:
        come_to_school(england, child)


def come_to_school(england, child):
    """Day 1, and arrivals: what school has been like so far, and the wait for trouble to come."""
    years = max(child.age_on(england.day) - STARTS_AT, 0.0)
    by_age = min(years, 5.0) * 0.6 * england.at_school[0] + min(max(years - 5.0, 0.0), 3.0) * england.at_school[1]
    past = england.places[child.authority].suspension_rate / 100.0 * by_age * child.difference_at_school
    left = england.exponential("school.past", child.key)
    if left < past:
        times = floor(1.0 + past - left)
        child.suspensions = min(times, 254)
        england.tell(HISTORY, child, cause=WAS_SUSPENDED, amount=times)
        chance = share_permanent(england, child, times) * times
        if england.uniform("school.past_exclusion", child.key) < min(chance, 1.0):
            england.tell(HISTORY, child, cause=WAS_EXCLUDED, amount=1.0)
    wait_for_trouble(england, child)


def share_permanent(england, child, suspensions):
    """Of trouble at school, what ends in a permanent exclusion: the more, the more suspensions a child has behind it."""
    p, authority = england.p("schooling"), england.places[child.authority]
    usual = min(1.0, p.exclusions * authority.exclusion_rate / authority.suspension_rate)
    return usual * (1.0 - p.exclusion_rises + p.exclusion_rises * suspensions / USUAL_SUSPENSIONS)


def wait_for_trouble(england, child):
    child.school_left = england.exponential("school.trouble", child.key, child.suspensions)


def trouble(england, child):
    """The hazard of trouble at school [a day]: by authority and age, times the child's own difference, more while a line exploits it."""
    usual = england.trouble_rates[child.authority][child.band] * child.difference_at_school
    return usual * england.p("schooling").when_exploited if child.stage in WHEN_EXPLOITED else usual


def open_schools(england):
    """A day of school: children come back to it, and are put out of it."""
    for child in england.news["entered"] + england.news["arrived"]:
        come_to_school(england, child)
    for child in england.news["left"]:
        child.school_left = inf
    england.ask(go_to_school)


def go_to_school(england, child):
    if child.back_at_school == england.day:
        england.tell(BACK_AT_SCHOOL, child, cause=child.schooling)
        child.schooling, child.back_at_school = MAINSTREAM, NEVER
        wait_for_trouble(england, child)
    if child.schooling == MAINSTREAM:
        child.school_left -= trouble(england, child)
        if child.school_left <= 0.0 and child.is_out_of_reach(england.day):
            child.school_left = 0.0  # it comes when the child is back
        elif child.school_left <= 0.0:
            put_out(england, child)


def put_out(england, child):
    """Trouble has come to a head: weeks of absence, a permanent exclusion, a part-time timetable, or a suspension."""
    p, key = england.p("schooling"), child.key
    child.suspensions = n = min(child.suspensions, 254) + 1
    excluded = share_permanent(england, child, n) * (p.exclusion_when_exploited if child.is_exploited else 1.0)
    if england.uniform("school.absence", key, n) < p.absence:
        child.schooling, event, mean = ABSENT, STAYED_AWAY_FROM_SCHOOL, p.absence_days
    elif england.uniform("school.exclusion", key, n) < excluded:
        child.schooling, event, mean = ALTERNATIVE, WAS_EXCLUDED_FOR_GOOD, p.alternative_days
    elif england.uniform("school.part_time", key, n) < p.part_time:
        child.schooling, event, mean = PART_TIME, WENT_PART_TIME, p.part_time_days
    else:
        child.schooling, event, mean = SUSPENDED, WAS_PUT_OUT_FOR_DAYS, p.days
    days = 1 + int(england.exponential("school.days", key, n) * mean)
    child.school_left, child.back_at_school = inf, england.day + days
    england.tell(event, child, amount=days, serial=n)
    if child.schooling != ABSENT:
        england.news["put out of school"].append(child)
