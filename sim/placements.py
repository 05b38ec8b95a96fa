"""Care: entering it, finding a place, being refused, moving, leaving; and the distance that comes of it.

A child enters care over conflict or exploitation (a clock, at the rate that keeps each authority's published stock), is given a
kind of placement by need, and a place is sought: first inside the authority or first outside, at the published share, then by
distance and supply. Providers may refuse, and refuse a child whose exploitation is known more often, so that it ends further
away. What is scarce is given by one rule: the day's requests sorted by need class, then by a keyed draw.

*Elsewhere*: children of authorities outside the world take beds here at the published shares (their own story is not
followed, only the bed is taken), and children of the world are placed there, where beds are not counted.

*Chosen*: how far an authority looks outside is its published share, so that closing homes inside can only push children out.
*Rival*: price; no price by authority was found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import mesa
import numpy as np

from sim.asking import HOME, WITH_BEDS, Homes, Requests, answer, for_guests, requests, rules
from sim.draws import gamma_quantile, key_of, power
from sim.hazards import Clock, Spells
from sim.ledger import Event
from sim.levers import Lever
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import (
    AT_HOME,
    BANDS,
    CHILDRENS_HOME,
    CUSTODY,
    FOSTER,
    KINSHIP,
    NEVER,
    OTHER,
    SECURE,
    SETTINGS,
    SPECIALIST_FOSTER,
    SUPPORTED,
    WITH_PARENTS,
    group_of,
)
from sim.tables import NOBODY, by_portions, union

BREAKDOWN_OF_PLACEMENT = Lever("breakdown of placement", "Hazard that the placement ends in a breakdown.")
ENTERING_CARE = Lever("entering care", "Hazard of entering care.")

BREAKDOWN, LEAVING = range(2)
BEDS_IN_A_HOME = {FOSTER: 2, SPECIALIST_FOSTER: 1, CHILDRENS_HOME: 4, SECURE: 8, SUPPORTED: 4}
FAR_KM = 32.187  # twenty miles
SPREAD = 1.224744871391589  # square root of 3/2: half-width of a uniform square with root mean square distance 1
ENTRY, MOVE = range(2)  # need classes: who is given a bed first; children of elsewhere come last


class Care(Parameters, group="care"):
    """Entering, moving and leaving care."""

    not_after_exploitation = parameter(0.96, unit="share", between=(0.9, 1.0), source="K174", doc="Of entries to care at home's usual hazard; the rest follow an identification (services.enters_care).")
    leaves_10_15 = parameter(0.18, unit="per year", between=(0.15, 0.27), source="cla_starts_10_15_2025", doc="Leaving care; set so that entries meet the published number at a steady stock.")
    leaves_16_17 = parameter(0.05, unit="per year", between=(0.01, 0.08), source="cla_starts_16_2025", doc="As above; most leave by turning eighteen.")
    foster_breaks = parameter(0.43, unit="moves per year", between=(0.2, 0.5), source="moves_changes_2025;stab_3plus_2025")
    specialist_breaks = parameter(0.40, unit="moves per year", between=(0.2, 0.8), source="eff_stepdown", doc="45 to 80 % stable at one year.")
    unevenness_of_breaking = parameter(0.2, unit="gamma shape", between=(0.2, 3.0), source="stab_3plus_2025;moves_changes_2025", doc="Lasting difference between children in how soon placements break down; the smaller, the more unequal.")
    kinship_breaks = parameter(0.20, unit="moves per year", between=(0.1, 0.35), source=ASSUMED)
    home_breaks = parameter(1.1, unit="moves per year", between=(0.6, 1.2), source="moves_changes_2025")
    secure_ends = parameter(2.5, unit="moves per year", between=(1.5, 4.0), source=ASSUMED)
    supported_breaks = parameter(0.8, unit="moves per year", between=(0.5, 1.2), source="moves_changes_2025")
    parents_breaks = parameter(0.5, unit="moves per year", between=(0.2, 0.9), source=ASSUMED)
    other_ends = parameter(4.0, unit="moves per year", between=(1.5, 6.0), source=ASSUMED, doc="Emergency and unregistered arrangements are short.")

    young_foster = parameter(0.44, unit="share", between=(0.3, 0.6), source="plc_foster_2025", doc="Of placements begun under 16 (shares are scaled to 1).")
    young_kinship = parameter(0.08, unit="share", between=(0.04, 0.14), source="plc_kin_2024_rec")
    young_home = parameter(0.25, unit="share", between=(0.15, 0.35), source="plc_secure_ch_2025")
    young_secure = parameter(0.01, unit="share", between=(0.0, 0.03), source=ASSUMED)
    young_parents = parameter(0.06, unit="share", between=(0.03, 0.1), source="plc_parents_2025")
    young_other = parameter(0.09, unit="share", between=(0.04, 0.2), source="plc_other_2025")
    older_foster = parameter(0.18, unit="share", between=(0.1, 0.4), source="plc_foster_2025", doc="Of placements begun at 16 or 17.")
    older_kinship = parameter(0.04, unit="share", between=(0.02, 0.1), source="plc_kin_2024_rec")
    older_home = parameter(0.2, unit="share", between=(0.08, 0.25), source="plc_secure_ch_2025")
    older_secure = parameter(0.01, unit="share", between=(0.0, 0.03), source=ASSUMED)
    older_supported = parameter(0.5, unit="share", between=(0.3, 0.6), source="plc_semi_2025")
    older_parents = parameter(0.04, unit="share", between=(0.02, 0.08), source="plc_parents_2025")
    older_other = parameter(0.06, unit="share", between=(0.03, 0.15), source="plc_other_2025")
    unaccompanied_supported = parameter(0.6, unit="share", between=(0.3, 0.8), source="plc_semi_2025", doc="Of unaccompanied children's placements; the rest foster.")
    known_to_homes = parameter(1.6, unit="multiplier", between=(1.0, 3.0), source=ASSUMED, doc="Children known to be exploited go to children's homes so much more often.")

    stock_young_foster = parameter(0.59, unit="share", between=(0.5, 0.7), source="plc_foster_2025", distribution="fixed", doc="Day 1, under 16.")
    stock_young_kinship = parameter(0.12, unit="share", between=(0.08, 0.18), source="plc_kin_2024_rec", distribution="fixed")
    stock_young_home = parameter(0.195, unit="share", between=(0.15, 0.25), source="plc_secure_ch_2025", distribution="fixed")
    stock_young_secure = parameter(0.003, unit="share", between=(0.0, 0.01), source="plc_secure_ch_2025", distribution="fixed")
    stock_young_parents = parameter(0.06, unit="share", between=(0.03, 0.08), source="plc_parents_2025", distribution="fixed")
    stock_young_other = parameter(0.032, unit="share", between=(0.01, 0.06), source="plc_other_2025", distribution="fixed")
    stock_older_foster = parameter(0.375, unit="share", between=(0.3, 0.5), source="plc_foster_2025", distribution="fixed", doc="Day 1, at 16 or 17.")
    stock_older_kinship = parameter(0.06, unit="share", between=(0.04, 0.12), source="plc_kin_2024_rec", distribution="fixed")
    stock_older_home = parameter(0.15, unit="share", between=(0.1, 0.2), source="plc_secure_ch_2025", distribution="fixed")
    stock_older_secure = parameter(0.003, unit="share", between=(0.0, 0.01), source="plc_secure_ch_2025", distribution="fixed")
    stock_older_supported = parameter(0.341, unit="share", between=(0.3, 0.4), source="plc_semi_2025", distribution="fixed")
    stock_older_parents = parameter(0.04, unit="share", between=(0.02, 0.06), source="plc_parents_2025", distribution="fixed")
    stock_older_other = parameter(0.031, unit="share", between=(0.01, 0.06), source="plc_other_2025", distribution="fixed")

    occupancy = parameter(0.90, unit="share of beds", between=(0.8, 0.97), source=ASSUMED)
    foster_outside = parameter(0.9, unit="multiplier", between=(0.7, 1.1), source="dist_outla_2025", doc="Of the authority's share of placements first sought outside.")
    homes_outside = parameter(1.45, unit="multiplier", between=(1.2, 1.7), source="dist_ch_out_2024")
    supported_outside = parameter(0.9, unit="multiplier", between=(0.7, 1.2), source=ASSUMED)
    reach_km = parameter(15.0, unit="km", between=(8.0, 40.0), source="dist_20mi_2025", doc="Scale of the long-tailed rule of distance.")
    reach_decay = parameter(2.6, unit="exponent", between=(1.5, 4.0), source="dist_20mi_2025")
    near_km = parameter(4.0, unit="km", between=(3.0, 40.0), source="dist_20mi_2025", doc="Scale of the preference, among the homes of one authority, for those near the child's home.")
    refusal = parameter(0.25, unit="probability", between=(0.1, 0.5), source=ASSUMED, doc="A home with a free bed says no.")
    refusal_when_known = parameter(0.55, unit="probability", between=(0.3, 0.8), source=ASSUMED, doc="... to a child whose exploitation is known.")
    guest_stay = parameter(400.0, unit="days", between=(200.0, 700.0), source=ASSUMED, doc="Mean stay of a child of elsewhere in a bed here.")


class Home(mesa.Agent):
    """A home with beds: a fostering household, a children's home, a secure home, supported accommodation."""

    def __init__(self, model, number: int, key: int, kind: int, place: int, beds: int, neighbourhood: int):
        super().__init__(model)
        self.number, self.key, self.kind, self.place, self.beds, self.neighbourhood = number, key, kind, place, beds, neighbourhood
        self.residents: set[int] = set()

    @property
    def free(self) -> int:
        """Beds free."""
        return int(self.model.placements.register.columns["free"][self.number])

    @property
    def is_full(self) -> bool:
        """No bed is free."""
        return self.free <= 0

    def __repr__(self):
        return f"<Home {SETTINGS[self.kind]} {self.key:016x}>"


class Guests:
    """The children of elsewhere who, one after the other, take one bed here."""

    def __init__(self, kind: int, place: int, key: int):
        self.kind, self.place, self.key, self.ordinal = kind, place, key, 0
        self.home: Home | None = None


class Placements:
    """Keeps where looked-after children live."""

    keeper = "placements"

    def __init__(self, model):
        self.model, self.parameters = model, model.parameters["care"]
        self.own = model.children.kept_by(self.keeper)
        self.table = Spells(
            self.own.care_slot, ("breakdown", "leaving care"), home=np.int32, place=np.uint8, km=np.float64, since=np.int32, moves=np.int32,
            moves_this_year=np.int16, only_remanded=np.bool_,
        )  # fmt: skip
        self.rates = self._breakdown_rates()
        self.unaccompanied_shares = np.zeros(len(SETTINGS))
        self.unaccompanied_shares[[FOSTER, SUPPORTED]] = 1.0 - self.parameters.unaccompanied_supported, self.parameters.unaccompanied_supported
        shares = *self.new_shares(False), *self.new_shares(True), self.unaccompanied_shares
        self.shares_up_to = np.cumsum(shares, axis=1)  # of the settings among placements that begin: under 16, older; the same of known; unaccompanied
        self.clock = Clock(self.own.care_level, model.children.columns["group"], self._entry_rates())
        model.clocks.append(self.clock)
        model.levers.when_moved(BREAKDOWN_OF_PLACEMENT, self._breakdown_moved)
        model.levers.when_moved(ENTERING_CARE, self.clock.multiply)
        self.place_keys = np.array([key_of("place", code) for code in model.world.places.code], dtype=np.uint64)
        self.inside = model.world.inside
        self.weights = np.stack([self._weights(model.world.places.placed_here_by_others), self._weights(model.world.places.childrens_home_places)])
        self.shares_first_sought_outside = np.array(
            [[self.share_first_sought_outside(place, kind) for kind in range(len(SETTINGS))] for place in range(len(self.inside))]
        )
        self.homes: list[Home] = []
        self.register = Homes(len(self.inside))
        self.free = self.register.free  # beds, by authority and kind
        self.beds = 0
        self.know_chance()
        self.guests_due: dict[int, list[Guests]] = defaultdict(list)
        self.asked: list[tuple[int, int, str, float]] = []  # moves that policies asked for: row, setting, by, at least km
        self.in_custody = NOBODY  # rows; some may be out already
        self._queue: list[tuple] = []  # of the day: need class, rows, their lots, their kinds, at least km, who stays if there is none
        self._moved: list[np.ndarray] = []  # rows whose setting changed today
        self._build_homes()

    def know_chance(self) -> None:
        """The keys of chance that compiled rules are given: as the draws are now."""
        self.rules = rules(self)

    # -- building ----------------------------------------------------------------------------------------------------

    def _breakdown_rates(self):
        p, rates = self.parameters, np.zeros(len(SETTINGS))
        rates[[FOSTER, SPECIALIST_FOSTER, KINSHIP, CHILDRENS_HOME]] = (
            p.foster_breaks, p.specialist_breaks, p.kinship_breaks, p.home_breaks,
        )  # fmt: skip
        rates[[SECURE, SUPPORTED, WITH_PARENTS, OTHER]] = p.secure_ends, p.supported_breaks, p.parents_breaks, p.other_ends
        return rates / 365.25

    def _entry_rates(self):
        """Daily rate of entering care of each group: what keeps the published stock of its authority steady.

        With prevalence rising evenly over the ages, entries at an age = its rise + leaving x prevalence.
        """
        p, places = self.parameters, self.model.world.places
        people = places.population_10_17 / (7.0 + 153.0 / 365.0)  # a school year
        alone = self.model.parameters["unaccompanied"].sixteen_or_older * places.unaccompanied
        young = (places.looked_after_10_15 - (places.unaccompanied - alone)) / (people * (5.0 + 153.0 / 365.0))
        older = np.maximum(places.looked_after_16_17 - alone, 0.0) / (people * 2.0)
        england = places.looked_after_10_15.sum() / (people.sum() * (5.0 + 153.0 / 365.0))
        at_10 = self.model.parameters["people"].entrants_looked_after * young / england
        at_16 = 2.0 * young - at_10
        at_18 = 2.0 * older - at_16
        rise_young, rise_older = (at_16 - at_10) / (5.0 + 153.0 / 365.0), (at_18 - at_16) / 2.0
        self.share_at_ten = at_10
        rates = np.zeros(len(places) * len(BANDS) * len(SETTINGS))
        for band, age in enumerate((11.8, 14.0, 15.5, 17.0)):
            if band < 3:
                rate = rise_young + p.leaves_10_15 * (at_10 + rise_young * (age - 10.58))
            else:
                rate = rise_older + p.leaves_16_17 * older
            rates[group_of(np.arange(len(places)), band, AT_HOME)] = np.maximum(rate, 0.0) * p.not_after_exploitation / 365.25
        return rates

    def share_first_sought_outside(self, authority: int, kind: int) -> float:
        """The chance that a placement of this kind is first sought outside the authority."""
        p = self.parameters
        factor = {CHILDRENS_HOME: p.homes_outside, SECURE: 2.0, SUPPORTED: p.supported_outside}.get(kind, p.foster_outside)
        return min(0.97, self.model.world.places.outside_percent[authority] / 100.0 * factor)

    def _weights(self, has):
        """How strongly each authority of England (second axis) draws placements from each other one (first axis): what it has, less for distance."""
        p = self.parameters
        weights = has * power(1.0 + self.model.world.places.distances / p.reach_km, -p.reach_decay)
        np.fill_diagonal(weights, 0.0)
        return weights

    def _build_homes(self) -> None:
        """Homes with beds for those who live here, at today's occupancy; and the beds that children of elsewhere take."""
        world, p = self.model.world, self.parameters
        places, built = world.places, []
        for kind in (FOSTER, CHILDRENS_HOME, SECURE, SUPPORTED):
            young, older = self.stock_shares()
            need = places.looked_after_10_15 * young[kind] + places.looked_after_16_17 * older[kind]
            outside = self.shares_first_sought_outside[:, kind]
            residents = need * (1.0 - outside)
            guests = np.zeros(len(places))
            for origin in range(len(places)):
                weight = self.weights[int(kind == CHILDRENS_HOME), origin]
                flow = need[origin] * outside[origin] * weight / weight.sum()
                residents += flow
                if not self.inside[origin]:
                    guests += flow
            for place in world.authorities:
                taken = round(float(guests[place]) * world.fraction)
                beds = round(float(residents[place]) * world.fraction / p.occupancy)
                size = BEDS_IN_A_HOME[kind]
                built += [(kind, place, ordinal, size) for ordinal in range(max(1, round(beds / size)) if beds else 0)]
                for ordinal in range(taken):
                    self.guests_due[1].append(Guests(kind, place, key_of("guests", kind, places.code[place], ordinal)))
        self._open(built)

    def open_homes(self, kind: int, place: int, ordinals: Iterable[int], beds: int) -> list[Home]:
        """New homes with so many free beds each."""
        return self._open([(kind, place, ordinal, beds) for ordinal in ordinals])

    def _open(self, built: list[tuple[int, int, int, int]]) -> list[Home]:
        """New homes, all their beds free: kind, place, ordinal and beds of each."""
        if not built:
            return []
        model, codes, homes = self.model, self.model.world.places.code, np.empty(len(built), dtype=HOME)
        homes["key"] = [key_of("home", SETTINGS[kind], codes[place], ordinal) for kind, place, ordinal, _ in built]
        homes["kind"], homes["place"], _, homes["free"] = zip(*built, strict=True)
        homes["x_km"], homes["y_km"] = model.points(homes["key"], homes["place"])
        first, last = (model.demography.first_neighbourhood[homes["place"] + n] for n in (0, 1))
        neighbourhoods = first + (model.draws.uniform("home.neighbourhood", homes["key"]) * (last - first)).astype(np.int64)
        self.register.add(homes)
        each = zip(homes["key"].tolist(), built, neighbourhoods.tolist(), strict=True)
        opened = [
            Home(model, number, key, kind, place, beds, neighbourhood)
            for number, (key, (kind, place, _, beds), neighbourhood) in enumerate(each, start=len(self.homes))
        ]
        self.homes += opened
        self.beds += int(homes["free"].sum())
        return opened

    @property
    def beds_taken(self) -> int:
        """Beds that somebody has."""
        return self.beds - int(self.free.sum())

    def close_beds(self, kind: int, place: int, beds: int) -> int:
        """Take free beds out of use (their carers do something else now); how many could be taken."""
        numbers, homes = self.register.of(place, kind), self.register.columns
        free = homes["free"][numbers]
        taken = np.clip(beds - (np.cumsum(free) - free), 0, free)  # from the first homes first
        homes["free"][numbers] -= taken
        for number, closed in zip(numbers.tolist(), taken.tolist(), strict=True):
            self.homes[number].beds -= closed
        self.free[place, kind] -= taken.sum()
        self.beds -= int(taken.sum())
        return int(taken.sum())

    def stock_shares(self):
        """Shares of the settings among looked-after children on day 1: under 16, at 16 and 17."""
        p, young, older = self.parameters, np.zeros(len(SETTINGS)), np.zeros(len(SETTINGS))
        kinds = (FOSTER, KINSHIP, CHILDRENS_HOME, SECURE, WITH_PARENTS, OTHER)
        young[list(kinds)] = (
            p.stock_young_foster, p.stock_young_kinship, p.stock_young_home, p.stock_young_secure, p.stock_young_parents,
            p.stock_young_other,
        )  # fmt: skip
        older[list(kinds)] = (
            p.stock_older_foster, p.stock_older_kinship, p.stock_older_home, p.stock_older_secure, p.stock_older_parents,
            p.stock_older_other,
        )  # fmt: skip
        older[SUPPORTED] = p.stock_older_supported
        return young / young.sum(), older / older.sum()

    def new_shares(self, known: bool):
        """Shares of the settings among placements that begin: under 16, at 16 and 17."""
        p, young, older = self.parameters, np.zeros(len(SETTINGS)), np.zeros(len(SETTINGS))
        kinds = (FOSTER, KINSHIP, CHILDRENS_HOME, SECURE, WITH_PARENTS, OTHER)
        young[list(kinds)] = p.young_foster, p.young_kinship, p.young_home, p.young_secure, p.young_parents, p.young_other
        older[list(kinds)] = p.older_foster, p.older_kinship, p.older_home, p.older_secure, p.older_parents, p.older_other
        older[SUPPORTED] = p.older_supported
        if known:
            young[CHILDRENS_HOME] *= p.known_to_homes
            older[CHILDRENS_HOME] *= p.known_to_homes
        return young / young.sum(), older / older.sum()

    # -- day 1 -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Day 1: exactly the published number of looked-after children of each authority, in placements; clocks for the rest."""
        model, world, draws = self.model, self.model.world, self.model.draws
        rows, children = model.children.rows, model.children
        home, selected = children.authority[rows], []
        for a in world.authorities:
            here = rows[slice(*np.searchsorted(home, np.array((a, a + 1), dtype=home.dtype)))]  # rows lie by authority
            with np.errstate(divide="ignore"):  # a child without strain comes last
                at = draws.exponential("care.history", children.key[here]) / children.strain[here]
            older = children.ages(here) >= 16
            for in_band, stock in ((~older, world.places.looked_after_10_15[a]), (older, world.places.looked_after_16_17[a])):
                those = in_band.nonzero()[0]
                number = min(round(int(stock) * world.fraction), len(those))
                selected.append(_first_of(here[those], at[those], children.key, number))
        chosen = np.sort(np.concatenate(selected))
        self._admit(chosen)
        alone = self._who_came_alone(chosen, children.ages(chosen) >= 16)
        model.unaccompanied.settle(alone)
        young, older = self.stock_shares()
        u = draws.uniform("care.first_setting", children.key[chosen])
        wanted = np.where(children.ages(chosen) < 16, np.searchsorted(np.cumsum(young), u), np.searchsorted(np.cumsum(older), u))
        wanted = np.where(self.own.is_unaccompanied[chosen], np.searchsorted(np.cumsum(self.unaccompanied_shares), u), wanted)
        self._request(chosen, ENTRY, np.minimum(wanted, OTHER))
        self._match()
        self._place_guests(self.guests_due.pop(1, []))
        at_home = rows[children.setting[rows] == AT_HOME]
        self._may_enter(at_home)
        self._tell_who_moved()

    def _who_came_alone(self, chosen, older):
        """On day 1 so many of the looked-after children of each authority, mostly boys of sixteen and over, are unaccompanied."""
        model, children, p = self.model, self.model.children, self.model.parameters["unaccompanied"]
        weight = np.where(children.is_male[chosen], p.male, 1.0 - p.male)
        race = model.draws.exponential("care.came_alone", children.key[chosen]) / weight
        begins = np.searchsorted(children.authority[chosen], np.arange(len(self.inside) + 1, dtype=np.uint8))  # rows lie by authority
        for a in model.world.authorities:
            number = model.world.places.unaccompanied[a] * model.world.fraction
            here = np.arange(begins[a], begins[a + 1])
            for of_age, share in ((older[here], p.sixteen_or_older), (~older[here], 1.0 - p.sixteen_or_older)):
                these = here[of_age]
                first = these[np.lexsort((children.key[chosen[these]], race[these]))][: round(float(number * share))]
                self.own.is_unaccompanied[chosen[first]] = True
        alone = chosen[self.own.is_unaccompanied[chosen]]
        model.tell(Event.ARRIVED, alone, detail=1)
        return alone

    @by_portions
    def _may_enter(self, rows) -> None:
        """Clocks of entering care begin for `rows`."""
        children = self.model.children
        patience = self.model.draws.exponential("care.entry", children.key[rows], children.care_entries[rows])
        self.clock.begin(rows, patience, children.strain[rows] * self.model.levers.value(ENTERING_CARE, rows))

    def _admit(self, rows) -> None:
        """`rows` become looked after, without a place yet."""
        self.own.care_entries[rows] += 1
        slots = self.table.add(rows)
        self.table.home[slots] = -1
        self.own.setting[rows] = OTHER
        self.clock.stop(rows)
        self._moved.append(rows)
        self.model.tell(Event.ENTERED_CARE, rows, place=self.model.children.authority[rows], serial=self.own.care_entries[rows])

    # -- the day -----------------------------------------------------------------------------------------------------

    def begin_end_and_move(self) -> None:
        """Children enter care, leave it, break down, move; the day's requests for a place are met as far as beds go."""
        model = self.model
        if model.is_first_of_year:
            self.table.columns["moves_this_year"][:] = 0
        leavers = model.today.rows(Event.LEFT)
        if leavers.size:
            self.clock.stop(leavers)
            self._let_go(leavers[self.own.care_slot[leavers] >= 0])
        entrants = model.today.rows(Event.ENTERED)
        if entrants.size:
            self._welcome(entrants)
        arrived = model.today.rows(Event.ARRIVED)
        if arrived.size:
            self.own.is_unaccompanied[arrived] = True
            self._admit(arrived)
            self._ask(arrived, ENTRY)
        rows, causes = self.table.due(model.paused(self.table))
        if rows.size:
            leaving = rows[causes == LEAVING]
            self._end(leaving, 0)
            self._let_go(leaving)
            self._moved.append(leaving)
            model.tell(Event.LEFT_CARE, leaving)
            self._may_enter(leaving)
            self._ask_for_another(rows[causes == BREAKDOWN])
        entering = self.clock.due()
        if entering.size:
            self._admit(entering)
            self._ask(entering, ENTRY)
        guests = self.guests_due.pop(model.day, [])
        self._guests_leave(guests)
        self._moves_asked_for()
        if self._queue:
            self._match()
        self._place_guests(guests)
        self._tell_who_moved()
        turned = model.today.rows("turned sixteen")
        if turned.size:
            turned = turned[(self.own.care_slot[turned] >= 0) & ~self.own.is_unaccompanied[turned]]
            self.table.change(turned, LEAVING, self.parameters.leaves_16_17 / 365.25)

    def _tell_who_moved(self) -> None:
        for rows in self._moved:
            self.model.today.give("setting changed", rows)
        self._moved = []

    def _welcome(self, entrants) -> None:
        """Of those who come in at ten, some are already looked after."""
        model, children = self.model, self.model.children
        share = self.share_at_ten[children.authority[entrants]]
        mine = model.draws.happens("care.at_ten", children.key[entrants], share * children.strain[entrants])
        inside = entrants[mine]
        self._may_enter(entrants[~mine])
        self._admit(inside)
        self._ask(inside, ENTRY)

    def ask_for_move(self, rows, *, setting: int | None, at_least_km: float, by: str) -> None:
        """A lever for policies: find another place for `rows` tomorrow, of a kind, at least so far from home."""
        for row in rows.tolist():
            self.asked.append((row, -1 if setting is None else setting, by, at_least_km))

    def _moves_asked_for(self) -> None:
        asked, self.asked = self.asked, []
        for row, setting, _, km in asked:
            if self.own.care_slot[row] < 0 or not self.model.children.is_present[row] or self.model.children.missing_slot[row] >= 0:
                continue
            if self.own.setting[row] == CUSTODY:
                continue
            kind = int(self.own.setting[row]) if setting < 0 else setting
            if kind not in WITH_BEDS:
                kind = FOSTER
            self._request(np.array([row]), MOVE, np.array([kind]), km, stays_if_none=True)

    def take_into_custody(self, rows) -> None:
        """`rows` are remanded: they live in custody now, and are looked after while they do, if they were not before."""
        if not rows.size:
            return
        in_care = self.own.care_slot[rows] >= 0
        self._end(rows[in_care], 3)
        self._admit(rows[~in_care])
        slots = self.own.care_slot[rows]
        self.table.stop(rows, BREAKDOWN)  # leaving care waits, as everything does that could come to them
        self.table.only_remanded[slots] = ~in_care
        self.table.place[slots], self.table.km[slots], self.table.since[slots] = self.model.children.authority[rows], 0.0, self.model.day
        self.own.setting[rows] = CUSTODY
        self.in_custody = union(self.in_custody[self.own.setting[self.in_custody] == CUSTODY], rows)
        self._moved.append(rows[in_care])

    def release_from_custody(self, rows) -> None:
        """`rows` come out: home, or to another placement."""
        rows = rows[self.own.setting[rows] == CUSTODY]
        only = self.table.only_remanded[self.own.care_slot[rows]]
        home = rows[only]
        self._let_go(home)
        self._moved.append(home)
        self.model.demography.regroup(home)  # or the hazard of entering care again would begin a day late
        self.model.tell(Event.LEFT_CARE, home)
        self._may_enter(home)
        self._ask(rows[~only], MOVE)

    def _ask_for_another(self, rows) -> None:
        self._end(rows, 1)
        self._ask(rows, MOVE)

    def _ask(self, rows, need: int) -> None:
        """Requests for a place, of a kind drawn by age and by what is known of the child."""
        model, children = self.model, self.model.children
        u = model.draws.uniform("care.setting", children.key[rows], self.serials(rows))
        older, known = children.ages(rows) >= 16, children.identified_on[rows] > NEVER
        which = np.where(self.own.is_unaccompanied[rows], 4, 2 * known + older)
        self._request(rows, need, np.minimum((self.shares_up_to[which] < u[:, None]).sum(axis=1), OTHER))

    def _request(self, rows, need: int, kinds, at_least_km: float = 0.0, stays_if_none: bool = False) -> None:
        """Requests join the day's queue, each with the lot that decides among those of one need class."""
        lots = self.model.draws.uniform("care.lot", self.model.children.key[rows], self.serials(rows))
        self._queue.append((need, rows, lots, kinds, at_least_km, stays_if_none))

    def serials(self, rows):
        """The number of this placement in the life of each of `rows`."""
        return self.own.care_entries[rows].astype(np.int64) * 1000 + self.table.moves[self.own.care_slot[rows]]

    def _end(self, rows, how: int) -> None:
        """The placements of `rows` end (detail 0 leaving care, 1 breakdown, 2 moved by a policy, 3 remanded to custody)."""
        if rows.size:
            self._tell_end(rows, how)
            self._free_beds(rows)

    def _tell_end(self, rows, how: int) -> None:
        slots = self.own.care_slot[rows]
        self.model.tell(
            Event.PLACEMENT_ENDED, rows, cause=self.own.setting[rows], detail=how, place=self.table.place[slots],
            amount=(self.model.day - self.table.since[slots]).astype(np.float64), serial=self.table.moves[slots],
        )  # fmt: skip

    def _free_beds(self, rows) -> None:
        slots = self.own.care_slot[rows]
        numbers = self.table.home[slots]
        self._move_out(rows, numbers)
        self.register.vacate(numbers)
        self.table.home[slots] = -1

    def _move_out(self, rows, numbers) -> None:
        """`rows` live no longer in the homes of these numbers."""
        for row, number in zip(rows.tolist(), numbers.tolist(), strict=True):
            if number >= 0:
                self.homes[number].residents.discard(row)

    def _let_go(self, rows) -> None:
        """`rows` are no longer looked after."""
        if not rows.size:
            return
        self._free_beds(rows)
        self.table.remove(rows)
        self.own.setting[rows] = AT_HOME

    def _guests_leave(self, leaving: list[Guests]) -> None:
        """Children of elsewhere go back, or have waited for a week: the next one asks."""
        for guests in leaving:
            if guests.home is not None:
                self.register.vacate(np.array([guests.home.number]))
                guests.home = None
                guests.ordinal += 1

    # -- finding a place ---------------------------------------------------------------------------------------------

    def _match(self) -> None:
        """Meet the day's requests one by one: by need class, then by lot, ties by key."""
        queue, self._queue = self._queue, []
        rows, lots, kinds = (np.concatenate([asked[n] for asked in queue]) for n in (1, 2, 3))
        need, at_least_km, stays_if_none = (np.repeat([asked[n] for asked in queue], [len(asked[1]) for asked in queue]) for n in (0, 4, 5))
        order = np.lexsort((self.model.children.key[rows], lots, need))
        order = order[self.own.care_slot[rows[order]] >= 0]  # released from custody last evening, a child may have left in the morning
        for together in _each_once(rows[order]):
            these = order[together]
            asked = requests(self, rows[these], kinds[these], at_least_km[these], stays_if_none[these])
            answer(self, asked)
            self._move_in(asked[asked["place"] >= 0])

    def _place_guests(self, waiting: list[Guests]) -> None:
        """Children of elsewhere take the beds that are left, by lot, ties by key; for whom there is none asks again in a week."""
        if not waiting:
            return
        model, draws, homes = self.model, self.model.draws, self.register
        key, ordinal = np.array([guests.key for guests in waiting], dtype=np.uint64), np.array([guests.ordinal for guests in waiting])
        order = np.lexsort((key, draws.uniform("guest.lot", key, ordinal)))
        key, ordinal, waiting = key[order], ordinal[order], [waiting[n] for n in order.tolist()]
        kind, place = np.array([guests.kind for guests in waiting]), np.array([guests.place for guests in waiting])
        found = for_guests(place, kind, key + ordinal.astype(np.uint64), draws.stream("guest.home"), homes.columns, homes.numbers, homes.first, homes.free)
        stays = (draws.exponential("guest.stay", key, ordinal) * self.parameters.guest_stay).astype(np.int64)
        for guests, number, days in zip(waiting, found.tolist(), stays.tolist(), strict=True):
            guests.home = self.homes[number] if number >= 0 else None
            self.guests_due[model.day + (1 + days if guests.home else 7)].append(guests)
        event = np.where(found >= 0, Event.GUEST_PLACED, Event.GUEST_WAITED)
        model.ledger.enter(len(waiting), day=model.day, event=event, child=key, agent=homes.keys(found), cause=kind, place=place, serial=ordinal)

    def _move_in(self, placed: Requests) -> None:
        """Placements begin: how far from home, and how long they may last."""
        if not placed.size:
            return
        model, draws = self.model, self.model.draws
        rows, keys, kind, place, home = (placed[name] for name in ("row", "key", "kind", "place", "home"))
        moved = placed[placed["stays_if_none"]]
        if moved.size:
            self._tell_end(moved["row"], 2)
            self._move_out(moved["row"], moved["leaves"])
        slots = self.own.care_slot[rows]
        km = self._distance(placed)
        self.table.home[slots], self.table.place[slots], self.table.km[slots], self.table.since[slots] = home, place, km, model.day
        for row, number in zip(rows.tolist(), home.tolist(), strict=True):
            if number >= 0:
                self.homes[number].residents.add(row)
        self.table.moves[slots] += 1
        self.table.moves_this_year[slots] += 1
        self.own.setting[rows] = kind
        self._moved.append(rows)
        model.tell(
            Event.PLACED, rows, cause=kind, place=place, agent=self.register.keys(home), detail=placed["refusals"],
            amount=km, serial=self.table.moves[slots],
        )  # fmt: skip
        difference = gamma_quantile(draws.exponential("person.breaking", keys), self.parameters.unevenness_of_breaking)
        hazard = self.rates[kind] * difference * model.levers.value(BREAKDOWN_OF_PLACEMENT, rows)
        self.table.begin(rows, BREAKDOWN, draws.exponential("care.breakdown", keys, self.serials(rows)), hazard)
        first = self.table.moves[slots] == 1
        if first.any():
            new = rows[first]
            self.table.begin(new, LEAVING, draws.exponential("care.leaving", keys[first], self.own.care_entries[new]), self._leaving(new))

    def _distance(self, placed: Requests):
        """Distance from each child's home to where it is placed [km]."""
        x, y, place, home = (placed[name] for name in ("x_km", "y_km", "place", "home"))
        there_x, there_y = self.model.points(placed["serial"], place)
        near = (place == placed["authority"]).nonzero()[0]  # kin and emergency arrangements are somewhere between home and there
        nearer = self.model.draws.uniform("care.nearer", placed["serial"][near])
        there_x[near] = x[near] + nearer * (there_x[near] - x[near])
        there_y[near] = y[near] + nearer * (there_y[near] - y[near])
        with_parents = placed["kind"] == WITH_PARENTS
        there_x[with_parents], there_y[with_parents] = x[with_parents], y[with_parents]
        followed = home >= 0
        homes = self.register.columns[home[followed]]
        there_x[followed], there_y[followed] = homes["x_km"], homes["y_km"]
        km = np.sqrt((x - there_x) ** 2 + (y - there_y) ** 2)
        # a home elsewhere is not followed: it is one at the distance that was asked for
        return np.where(followed, km, np.maximum(km, placed["at_least_km"]))

    def _leaving(self, rows):
        """Hazard of leaving care of each of `rows` [per day]; unaccompanied children stay until they are eighteen."""
        p = self.parameters
        rate = np.where(self.model.children.ages(rows) >= 16, p.leaves_16_17, p.leaves_10_15) / 365.25
        return np.where(self.own.is_unaccompanied[rows], 0.0, rate)

    # -- levers ------------------------------------------------------------------------------------------------------

    def _breakdown_moved(self, rows, factors) -> None:
        self.table.multiply(rows, BREAKDOWN, factors)

    # -- counting ----------------------------------------------------------------------------------------------------

    def where(self, rows):
        """Place where each of `rows` lives."""
        children = self.model.children
        slots = self.own.care_slot[rows]
        return np.where(slots >= 0, self.table.place[slots], children.authority[rows])

    def count(self) -> None:
        """31 March: the official count of looked-after children."""
        model, children = self.model, self.model.children
        rows = self.table.members()
        if not rows.size:
            return
        slots = self.own.care_slot[rows]
        home = children.authority[rows]
        columns = np.stack(
            [
                home, self.own.setting[rows], children.ages(rows) >= 16, self.table.place[slots] != home,
                self.table.km[slots] > FAR_KM, self.table.moves_this_year[slots] >= 3, self.own.is_unaccompanied[rows],
            ],
            axis=1,
        ).astype(np.int64)  # fmt: skip
        cells, numbers = np.unique(columns, axis=0, return_counts=True)  # of each kind of child
        model.ledger.tables["counts"].append(
            len(cells), day=model.day, home=cells[:, 0], setting=cells[:, 1], is_16_17=cells[:, 2], outside=cells[:, 3],
            far=cells[:, 4], moves_3plus=cells[:, 5], alone=cells[:, 6], children=numbers,
        )  # fmt: skip


def _each_once(rows):
    """Slices of `rows` in each of which nobody is twice: who asks twice on a day asks the second time from where it was placed the first time."""
    begin, seen = 0, set[int]()
    for n, row in enumerate(rows.tolist()):
        if row in seen:
            yield slice(begin, n)
            begin, seen = n, set()
        seen.add(row)
    yield slice(begin, len(rows))


def _first_of(rows, times, key, number: int):
    """The `number` of `rows` with the smallest times, in that order, ties by key. Only those who may be among them are put in order."""
    if 0 < number < len(rows):
        soon = times <= np.partition(times, number - 1)[number - 1]
        rows, times = rows[soon], times[soon]
    return rows[np.lexsort((key[rows], times))[:number]]
