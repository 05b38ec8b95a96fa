"""Children: who lives where and with whom, how they differ for life, birthdays, entrants each 1 September, leavers at eighteen."""

from datetime import date
from math import inf

from sim.dates import EIGHTEEN, age_on, date_of, day_of, first_septembers
from sim.draws import key_of

from . import alone
from .chance import gamma, is_kept, key_in, single
from .words import (
    AT_HOME,
    BY_OTHERS,
    CORNERS,
    CUSTODY,
    ENTERED,
    LEFT,
    MAINSTREAM,
    NEIGHBOURHOOD,
    NEVER,
    NOT_INVOLVED,
    SEXUALLY,
)

OLDEST, FIRST_NEW = 2006, 2014  # school years of birth: partly eighteen on day 1; the first entrants
WHOLE_YEARS = 7  # school years wholly aged 10 to 17 on day 1
NEIGHBOURS_IN_A_YEAR = 81
BANDS = ((10, 12), (13, 14), (15, 15), (16, 17))  # ages that share hazards
THIRTEEN, FIFTEEN, SIXTEEN = (-(-age * 1461 // 4) for age in (13, 15, 16))  # first day of life at that age
TURNS = {THIRTEEN: 1, FIFTEEN: 2, SIXTEEN: 3}  # the age band from then on
LEAST_RESTLESSNESS = 1e-6


class Child:
    """One child, and everything the rules know of it."""

    def __init__(self, key, born, school_year, authority, arrives=0):
        self.key, self.born, self.school_year, self.authority = key, born, school_year, authority
        self.arrives = arrives  # the day on which an unaccompanied child comes; 0 for all others
        self.is_present = self.is_unaccompanied = False
        self.band = 0
        self.holds = {}  # lever -> who holds it -> (multiplier, until which morning)
        # school
        self.schooling, self.suspensions, self.school_left, self.back_at_school = MAINSTREAM, 0, inf, NEVER
        # care
        self.setting, self.care_entries, self.placement, self.care_left = AT_HOME, 0, None, inf
        self.distance_of_policy = None  # contact and chance of being followed, where a policy has moved the child
        # a line, and other exploiters
        self.stage, self.involvements, self.involvement = NOT_INVOLVED, 0, None
        self.otherwise, self.times_otherwise = {}, {SEXUALLY: 0, BY_OTHERS: 0}  # by form
        # going missing
        self.restlessness, self.crises, self.crisis_left = 0.0, 0, inf
        self.conflict_spells, self.conflict_left = 0, inf
        self.pulls, self.pull_spells = {}, {}
        self.episodes, self.episode, self.in_hospital_until = 0, None, NEVER
        # what services know and do
        self.signals, self.signals_known_to_all = [0, 0, 0, 0], 0
        self.identified_on, self.times_assessed = NEVER, 0
        self.worker, self.workers, self.special_worker = None, 0, None  # the last: what a policy makes of turnover and of time to trust

    @property
    def is_missing(self):
        return self.episode is not None

    @property
    def is_identified(self):
        return self.identified_on > NEVER

    @property
    def is_exploited(self):
        """By a line or otherwise, or still in reach of those who did."""
        return self.stage != NOT_INVOLVED or bool(self.otherwise)

    def is_out_of_reach(self, day):
        """Nothing can come to it: it is missing, in hospital or in custody."""
        return self.episode is not None or self.in_hospital_until > day or self.setting == CUSTODY

    def age_on(self, day):
        """Age in completed years."""
        return age_on(self.born, day)

    def lever(self, name):
        """What everybody who holds a lever for this child makes of it together."""
        product = 1.0
        for _, (at, _) in sorted(self.holds.get(name, {}).items()):  # by name, so that the order of arrival leaves no trace
            product *= at
        return product


def last_birthday_of(school_year):
    """31 August of the year after a school year of birth began [day]."""
    return day_of(date(school_year + 1, 8, 31))


def lay_out(england):
    """Everybody who will be in the world until the last day; on day 1 exactly the published number of each authority.

    A child is kept in a small world by its own key, so that another fraction renames nobody. Sorted by neighbourhood.
    """
    oldest_day = 2 - EIGHTEEN  # who was born then is not yet eighteen on day 1
    part_of_a_year = (last_birthday_of(OLDEST) - oldest_day + 1) / 365.0
    new_years = [date_of(day).year - 11 for day in first_septembers(1, england.last_day)]
    everybody = []
    for place in england.inside:
        people = england.places[place].people
        in_a_year = round(people / (WHOLE_YEARS + part_of_a_year))
        for year in (*range(OLDEST, FIRST_NEW), *new_years):
            size = people - WHOLE_YEARS * in_a_year if year == OLDEST else in_a_year
            first = oldest_day if year == OLDEST else last_birthday_of(year - 1) + 1
            days = last_birthday_of(year) - first + 1
            series = key_of("child", england.places[place].code, year)
            for n in range(size):
                key = key_in(series, n)
                if is_kept(key, england.fraction):
                    everybody.append(england.child(key, first + (2 * n + 1) * days // (2 * size), year, place))
    everybody += [england.child(*who) for who in alone.plan(england)]
    give_neighbours_and_friends(england, everybody, len(new_years))
    for child in everybody:
        draw_differences(england, child)
        child.is_present = child.school_year < FIRST_NEW and not child.arrives
        child.band = band_of(age_on(child.born, 1)) if child.is_present else 0
        if child.arrives:
            england.arrivals.setdefault(child.arrives, []).append(child)
    return sorted(everybody, key=lambda child: (child.neighbourhood, child.key))


def band_of(age):
    """Which ages share a child's hazards."""
    return next(n for n, (first, last) in enumerate(BANDS) if first <= age <= last)


def give_neighbours_and_friends(england, everybody, number_of_new_years):
    """Neighbourhoods are numbered through England; friends are of one neighbourhood and school year, siblings of one household.

    A contact reaches one corner of a neighbourhood. Who came alone has no circle of friends (-1).
    """
    england.first_neighbourhood = {}
    number = 0
    for place in england.inside:
        england.first_neighbourhood[place] = number
        england.neighbourhoods[place] = max(1, round(england.places[place].people * england.fraction / NEIGHBOURHOOD))
        number += england.neighbourhoods[place]
    p = england.p("people")
    circles_in_a_year = max(1, round(NEIGHBOURS_IN_A_YEAR / (1.0 + p.friends)))
    households = max(1, round(NEIGHBOURHOOD / (1.0 + p.siblings)))
    years = FIRST_NEW + number_of_new_years - OLDEST
    for child in everybody:
        child.neighbourhood = england.neighbourhood("person.neighbourhood", child.authority, child.key)
        # A small world keeps the smallest keys, so that it is among them that a child's corner is told.
        child.corner = min(int((child.key >> 11) * 2.0**-53 / england.fraction * CORNERS), CORNERS - 1)
        child.household = child.neighbourhood, int(england.uniform("person.household", child.key) * households)
        child.circle = -1
        if not child.arrives:
            circle = int(england.uniform("person.circle", child.key) * circles_in_a_year)
            child.circle = circle + circles_in_a_year * (child.school_year - OLDEST + years * child.neighbourhood)
            england.friends.setdefault(child.circle, []).append(child)
        england.corners.setdefault((child.neighbourhood, child.corner), []).append(child)
        england.siblings.setdefault(child.household, []).append(child)


def draw_differences(england, child):
    """What a child brings, drawn once from its key alone."""
    p, key = england.p("people"), child.key
    child.is_male = england.uniform("person.sex", key) < (england.p("unaccompanied").male if child.arrives else p.male)
    child.strain = single(gamma(england.exponential("person.strain", key), p.unevenness_of_strain))
    by_itself = gamma(england.exponential("person.exposure", key), p.unevenness_of_exposure)
    # the engine multiplies the first term in single precision
    from_strain = single(single(p.exposure_from_strain) * child.strain)
    child.exposure = single(from_strain + (1.0 - p.exposure_from_strain) * by_itself)
    child.difference_in_breaking = gamma(england.exponential("person.breaking", key), england.p("care").unevenness_of_breaking)
    school = england.p("schooling")
    at_school = gamma(england.exponential("person.at_school", key), school.unevenness)
    child.difference_at_school = school.from_exposure * child.exposure + (1.0 - school.from_exposure) * at_school


def restlessness(england, child):
    """The lasting multiplier of going missing: more unequal, and on another scale, outside care."""
    p = england.p("missing")
    shape = p.unevenness_home if child.setting == AT_HOME else p.unevenness_care
    return single(max(gamma(england.exponential("person.restlessness", child.key), shape), LEAST_RESTLESSNESS))


# -- birthdays, entrants, leavers -------------------------------------------------------------------------------------------


def have_birthdays(england):
    """Children pass into the next age band; at eighteen they leave observation, as do those who died or were transferred yesterday."""
    england.ask(have_birthday)
    leaving = dict.fromkeys(england.news["turned eighteen"], 0)
    for child, why in england.leaving_tomorrow:
        if child.is_present:
            leaving.setdefault(child, why)
    england.leaving_tomorrow = []
    england.see_off(leaving)
    for child, why in leaving.items():
        england.news["left"].append(child)
        debt = child.involvement.debt if child.involvement else 0.0
        england.tell(LEFT, child, cause=child.stage, detail=child.is_missing + 2 * (child.setting != AT_HOME) + why, amount=debt)


def have_birthday(england, child):
    lived = england.day - child.born
    if lived == EIGHTEEN:
        england.news["turned eighteen"].append(child)
    elif lived in TURNS:
        child.band = TURNS[lived]


def leave_tomorrow(england, child, why):
    england.leaving_tomorrow.append((child, why))


def welcome_entrants(england):
    """On 1 September the school year that is ten comes in."""
    today = date_of(england.day)
    if (today.month, today.day) != (9, 1):
        return
    entering = [child for child in england.children if child.school_year == today.year - 11]
    england.welcome(entering)
    for child in entering:
        england.tell(ENTERED, child)
        england.news["entered"].append(child)


def write_down(england, children):
    """A row of the ledger for each who comes into observation: the few lasting facts that tell results apart."""
    for child in children:
        england.ledger.write(
            "children", day=england.day, child=child.key, born=child.born, home=child.authority, is_male=child.is_male,
            alone=child.is_unaccompanied,
        )  # fmt: skip


# -- levers, by which policies, and mechanisms among themselves, take hold of a hazard ---------------------------------------


def hold(england, child, lever, by, at, until):
    """`by` holds a lever for a child until the morning of a day; its earlier hold ends."""
    child.holds.setdefault(lever, {})[by] = (at, until)
    england.held[child.key] = child


def release(child, lever, by):
    child.holds.get(lever, {}).pop(by, None)


def let_go_of_levers(england):
    """In the morning what was held until today ends, and everything that was held for those who have left."""
    for child in england.news["left"]:
        child.holds = {}
        england.held.pop(child.key, None)
    for child in list(england.held.values()):
        for lever, holds in child.holds.items():
            for by in [by for by, (_, until) in holds.items() if until == england.day]:
                release(child, lever, by)
        if not any(child.holds.values()):
            child.holds = {}
            del england.held[child.key]
