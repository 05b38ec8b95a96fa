"""England in the reference: authorities, children, homes, lines, and the day in the order things happen."""

from collections import defaultdict
from math import sqrt

from sim.dates import date_of
from sim.draws import Draws, key_of
from sim.parameters import Parameters
from sim.places import read_places

from . import (
    alone,
    care,
    costs,
    distance,
    exploitation,
    harm,
    lines,
    missing,
    otherwise,
    people,
    police,
    policies,
    recruiting,
    schooling,
    services,
    trust,
)
from .ledger import Ledger
from .people import Child
from .words import APPROACHED, AT_HOME, BOUND, BY_OTHERS, CUSTODY, GETTING_OUT, GROOMED, SAFE, SEXUALLY, WORKING

SPREAD = sqrt(1.5)  # half-width of a uniform square whose root mean square distance from its middle is 1


class Authority:
    """One of the 151 authorities: its published figures."""

    def __init__(self, places, n):
        self.code = places.code[n]
        self.key = key_of("place", self.code)
        self.x_km, self.y_km, self.spread_km = float(places.x_km[n]), float(places.y_km[n]), float(places.spread_km[n])
        self.people = int(places.population_10_17[n])
        self.looked_after_10_15, self.looked_after_16_17 = int(places.looked_after_10_15[n]), int(places.looked_after_16_17[n])
        self.looked_after_10_17 = self.looked_after_10_15 + self.looked_after_16_17
        self.outside_percent = float(places.outside_percent[n])
        self.childrens_home_places, self.placed_here_by_others = int(places.childrens_home_places[n]), int(places.placed_here_by_others[n])
        self.deprivation, self.is_coastal = float(places.imd_score[n]), bool(places.coastal[n])
        self.group, self.share_of_group = places.exporter_group[n], float(places.exporter_weight[n])
        self.police_force, self.unaccompanied = places.police_force[n], int(places.unaccompanied[n])
        self.suspension_rate, self.exclusion_rate = float(places.suspension_rate[n]), float(places.exclusion_rate[n])


class Register(dict):
    """The children of whom something is true, by key.

    Kept as a list of the few, so that tests can afford many runs; or, when `looks_at_everybody`, found each time by asking every child,
    as the plainest program would: the same children, at the price of a loop.
    """

    def __init__(self, england, what, looks_at_everybody):
        super().__init__()
        self.england, self.what, self.looks_at_everybody = england, what, looks_at_everybody

    def values(self):
        if self.looks_at_everybody:
            return [child for child in self.england.children if getattr(child, self.what) and child.key in self]
        return super().values()


class England:
    """Everything there is, and the day's news (gone by the next morning)."""

    child = Child

    def __init__(self, authorities, fraction, seed, days, warm_up_days, parameters, uses_of_policies, looks_at_everybody=False):
        draws = Draws(seed)
        self.uniform, self.exponential = draws.one_uniform, draws.one_exponential
        self.inside, self.fraction, self.last_day, self.warm_up_days = tuple(authorities), fraction, days, warm_up_days
        self.values = values_of(parameters, uses_of_policies)
        self.day, self.news, self.ledger = 1, defaultdict(list), Ledger()
        self.places = [Authority(read_places(), n) for n in range(len(read_places()))]
        self.km = [[sqrt((a.x_km - b.x_km) ** 2 + (a.y_km - b.y_km) ** 2) for b in self.places] for a in self.places]
        self.mean_deprivation = sum(a.deprivation * a.people for a in self.places) / sum(a.people for a in self.places)
        # the children of whom it is true (each has one), by key
        what = "placement", "stage", "otherwise", "worker", "episode", "holds"
        self.looked_after, self.exploited, self.exploited_otherwise, self.with_worker, self.missing, self.held = (
            Register(self, name, looks_at_everybody) for name in what
        )
        # who lives where, with whom
        self.neighbourhoods, self.corners, self.friends, self.siblings = {}, {}, {}, {}
        # what is due, by day
        self.arrivals, self.transfers, self.later_offences, self.releases = {}, {}, {}, {}
        self.sharing, self.assessments_due, self.help_ends = {}, {}, {}
        # what waits for the next morning, or the next of its kind
        self.leaving_tomorrow, self.moved_last_evening, self.seized_last_evening, self.moves_asked_for = [], [], [], []
        self.requests, self.contacts, self.contacts_elsewhere, self.to_be_pressed = [], [], [], []
        self.draws_of_others, self.share_at_ten, self.known_to_all, self.spent_by_policies = {}, {}, set(), {}
        self.children, self.present = people.lay_out(self), []
        self.welcome([child for child in self.children if child.is_present])
        care.build_homes(self)
        lines.lay_out(self)
        otherwise.begin(self)
        police.begin(self)
        services.begin(self)
        costs.begin(self)
        self.policies = [policies.EVERY_POLICY[name](self, **use_without_settings(use)) for name, use in sorted(uses_of_policies.items())]
        care.begin(self)
        people.write_down(self, self.present)
        schooling.begin(self)
        missing.begin(self)
        trust.begin(self)
        lines.begin(self)
        recruiting.begin(self)
        distance.tell(self)
        missing.begin_pulls(self)
        self.day = 0

    def step(self):
        """One day in England, in the order things happen."""
        self.day += 1
        self.news.clear()
        people.have_birthdays(self)
        people.welcome_entrants(self)
        alone.arrive(self)
        people.let_go_of_levers(self)
        care.begin_end_and_move(self)
        people.write_down(self, self.news["entered"] + self.news["arrived"])
        missing.end_episodes(self)
        harm.look_back(self)
        lines.run(self)
        recruiting.recruit(self)
        exploitation.live(self)
        otherwise.live(self)
        police.count_cases(self)
        missing.begin_episodes(self)
        police.respond(self)
        schooling.open_schools(self)
        services.respond(self)
        trust.live(self)
        for policy in self.policies:
            policy.live(self)
        distance.tell(self)
        costs.charge(self)
        self.count_stocks()
        if (date_of(self.day).month, date_of(self.day).day) == (3, 31):
            care.count(self)

    def welcome(self, children):
        """Children come into observation."""
        for child in children:
            child.is_present = True
        self.present += children

    def see_off(self, children):
        """Children leave observation."""
        for child in children:
            child.is_present = False
        self.present = [child for child in self.present if child.is_present]

    def ask(self, verb):
        """Every child who is present, one by one; the order must not matter."""
        for child in self.present:
            verb(self, child)

    def p(self, group):
        """The declared numbers of a group."""
        return self.values[group]

    @property
    def is_first_of_april(self):
        today = date_of(self.day)
        return self.day > 1 and (today.month, today.day) == (4, 1)

    def tell(self, event, child, **columns):
        """Something happened to a child."""
        self.write(event, **{"child": child.key, "home": child.authority} | columns)

    def write(self, event, **columns):
        self.ledger.write("events", day=self.day, event=event, **columns)

    def neighbourhood(self, decision, place, key, serial=0):
        """One of the neighbourhoods of an authority, by a keyed draw."""
        return self.first_neighbourhood[place] + int(self.uniform(decision, key, serial) * self.neighbourhoods[place])

    def point(self, key, place):
        """A point inside an authority, by key: east and north [km]."""
        authority = self.places[place]
        reach = 2.0 * SPREAD * authority.spread_km
        return (
            authority.x_km + (self.uniform("point.east", key) - 0.5) * reach,
            authority.y_km + (self.uniform("point.north", key) - 0.5) * reach,
        )

    def where_lives(self, child):
        """The authority in which a child lives."""
        return child.placement.place if child.placement else child.authority

    def count_stocks(self):
        """The evening: everybody is counted."""
        stages = [child.stage for child in self.exploited.values()]
        number = {stage: stages.count(stage) for stage in (APPROACHED, GROOMED, WORKING, BOUND, GETTING_OUT, SAFE)}
        in_crisis = sum("crisis" in child.holds.get("going missing", ()) for child in self.held.values())
        self.ledger.write(
            "stocks", day=self.day, children=len(self.present), looked_after=len(self.looked_after),
            missing=len(self.missing), missing_looked_after=sum(child.setting != AT_HOME for child in self.missing.values()), in_crisis=in_crisis,
            approached=number[APPROACHED], groomed=number[GROOMED], working=number[WORKING], bound=number[BOUND],
            getting_out=number[GETTING_OUT], safe=sum(
                child.stage == SAFE and child.setting != CUSTODY and child.in_hospital_until <= self.day for child in self.exploited.values()
            ), lines=sum(line.is_open for line in self.lines),
            positions=sum(len(line.positions) for line in self.lines), positions_open=sum(line.open_positions for line in self.lines),
            positions_with_children=sum(isinstance(position.holder, Child) for line in self.lines for position in line.positions), beds=sum(home.beds for home in self.homes),
            beds_taken=sum(home.beds - home.free for home in self.homes),
            interviews_waiting=sum(len(team.queue) for team in self.teams.values()),
            sexually_exploited=sum(otherwise.is_exploited(child, SEXUALLY) for child in self.exploited_otherwise.values()),
            otherwise_exploited=sum(otherwise.is_exploited(child, BY_OTHERS) for child in self.exploited_otherwise.values()),
            in_custody=sum(child.setting == CUSTODY for child in self.looked_after.values()),
            trusting=sum(child.worker.is_trusted for child in self.with_worker.values()),
            helped=sum(len(team.helping) for team in self.specialists.values()),
            waiting_for_help=sum(len(team.queue) for team in self.specialists.values()),
        )  # fmt: skip


def values_of(parameters, uses_of_policies):
    """A value for every declared number: the default, or what is given (address to value), or a policy's own settings."""
    given = defaultdict(dict)
    for address, value in parameters.items():
        group, _, name = address.rpartition(".")
        given[group][name] = value
    for name, use in uses_of_policies.items():
        given[f"policies.{name}"].update(use.get("settings", {}))
    return {group: declared(given[group]) for group, declared in Parameters.registry.items()}


def use_without_settings(use):
    return {key: value for key, value in use.items() if key != "settings"}
