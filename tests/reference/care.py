"""Care: entering it, finding a place, being refused, moving, leaving; and the distance that comes of it."""

from math import inf, sqrt

from sim.draws import GOLDEN, MASK, key_of

from .alone import settle
from .chance import first_over, pick
from .people import BANDS
from .words import (
    ARRIVED,
    AT_HOME,
    BROKE_DOWN,
    CARE_ENDED,
    CHILDRENS_HOME,
    CUSTODY,
    ENTERED_CARE,
    ENTRY,
    FAR_KM,
    FOSTER,
    GUEST,
    GUEST_PLACED,
    GUEST_WAITED,
    KINSHIP,
    LEFT_CARE,
    MOVE,
    MOVED_BY_POLICY,
    OTHER,
    PLACED,
    PLACEMENT_ENDED,
    REFUSED,
    SECURE,
    SETTING_NAMES,
    SPECIALIST_FOSTER,
    SUPPORTED,
    WAS_REMANDED,
    WITH_PARENTS,
    YEAR,
)

BEDS_IN_A_HOME = {FOSTER: 2, SPECIALIST_FOSTER: 1, CHILDRENS_HOME: 4, SECURE: 8, SUPPORTED: 4}  # other settings have no beds
AREAS, ASKS = 5, 10  # authorities and homes that are asked before an emergency arrangement
GUEST_WAITS = 7  # days until a child of elsewhere who found no bed asks again
YEARS_10_15 = 5 + 153 / 365  # school years on 1 April
YEARS_10_17 = 7 + 153 / 365


class Home:
    """A home with beds."""

    def __init__(self, england, kind, place, ordinal, beds):
        self.kind, self.place, self.beds, self.free = kind, place, beds, beds
        self.key = key_of("home", SETTING_NAMES[kind], england.places[place].code, ordinal)
        self.residents = []
        self.neighbourhood = england.neighbourhood("home.neighbourhood", place, self.key)
        self.point = england.point(self.key, place)


class Guests:
    """The children of elsewhere who, one after the other, take one bed here."""

    def __init__(self, kind, place, key):
        self.kind, self.place, self.key, self.ordinal, self.home, self.due = kind, place, key, 0, None, 1


class Placement:
    """Where a looked-after child lives since when, and what is left of its patience with it. `moves` counts from entry."""

    def __init__(self, child):
        self.home, self.place, self.km, self.since, self.moves, self.moves_this_year = None, child.authority, 0.0, 0, 0, 0
        self.is_only_remand = False  # looked after because it is remanded, and no longer
        self.left = {}


class Request:
    """A place is asked for. Who comes first: need class, then lot, then key."""

    def __init__(self, need, lot, who, kind, at_least_km=0.0, stays_if_none=False):
        self.turn = (need, lot, who.key)
        self.who, self.kind, self.at_least_km, self.stays_if_none = who, kind, at_least_km, stays_if_none


# -- what an authority has, and how far it looks -------------------------------------------------------------------------


def share_first_sought_outside(england, place, kind):
    """The chance that a placement of this kind is first sought outside the authority: its published share, by kind."""
    p = england.p("care")
    factor = {CHILDRENS_HOME: p.homes_outside, SECURE: 2.0, SUPPORTED: p.supported_outside}.get(kind, p.foster_outside)
    return min(0.97, england.places[place].outside_percent / 100.0 * factor)


def draws_of_others(england, here, kind):
    """How strongly each other authority draws placements of a kind: what it has, less for distance; long-tailed."""
    if (here, kind) not in england.draws_of_others:
        p, draws = england.p("care"), []
        for there, other in enumerate(england.places):
            has = other.childrens_home_places if kind == CHILDRENS_HOME else other.placed_here_by_others
            draws.append(0.0 if there == here else has * (1.0 + england.km[here][there] / p.reach_km) ** -p.reach_decay)
        england.draws_of_others[here, kind] = draws
    return england.draws_of_others[here, kind]


def shares(england, child, begun):
    """Shares of the settings for a child: of placements that begin, or of the stock on day 1."""
    if child.is_unaccompanied:
        supported = england.p("care").unaccompanied_supported
        return {FOSTER: 1.0 - supported, SUPPORTED: supported}
    return shares_by_age(england, begun, begun and child.is_identified)[child.age_on(england.day) >= 16]


def shares_by_age(england, begun, known=False):
    """Shares of the settings, under 16 and at 16 and 17."""
    p, stock = england.p("care").as_dict(), "" if begun else "stock_"
    names = {
        FOSTER: "foster", KINSHIP: "kinship", CHILDRENS_HOME: "home", SECURE: "secure", SUPPORTED: "supported", WITH_PARENTS: "parents",
        OTHER: "other",
    }  # fmt: skip
    young = {kind: p[f"{stock}young_{name}"] for kind, name in names.items() if kind != SUPPORTED}
    older = {kind: p[f"{stock}older_{name}"] for kind, name in names.items()}
    for table in (young, older):
        if known:
            table[CHILDRENS_HOME] *= p["known_to_homes"]
        total = sum(table.values())
        table.update({kind: share / total for kind, share in table.items()})
    return young, older


def build_homes(england):
    """Homes for those who live in an authority, at today's occupancy; and the children of elsewhere who take beds there."""
    p, places = england.p("care"), england.places
    young, older = shares_by_age(england, begun=False)
    england.homes, england.guests = [], []
    for kind in (FOSTER, CHILDRENS_HOME, SECURE, SUPPORTED):
        residents, guests = [0.0] * len(places), [0.0] * len(places)
        for origin, authority in enumerate(places):
            need = authority.looked_after_10_15 * young.get(kind, 0.0) + authority.looked_after_16_17 * older[kind]
            outside = share_first_sought_outside(england, origin, kind)
            draws = draws_of_others(england, origin, kind)
            total = sum(draws)
            residents[origin] += need * (1.0 - outside)
            for there, draw in enumerate(draws):
                residents[there] += need * outside * draw / total
                if origin not in england.inside:
                    guests[there] += need * outside * draw / total
        for place in england.inside:
            beds = round(residents[place] * england.fraction / p.occupancy)
            size = BEDS_IN_A_HOME[kind]
            for ordinal in range(max(1, round(beds / size)) if beds else 0):
                england.homes.append(Home(england, kind, place, ordinal, size))
            for ordinal in range(round(guests[place] * england.fraction)):
                england.guests.append(Guests(kind, place, key_of("guests", kind, places[place].code, ordinal)))


def entry_rates(england):
    """Of entering care [a day] by authority and age band: what keeps each authority's published stock steady.

    With prevalence rising evenly over the ages, entries at an age = its rise + leaving x prevalence. Unaccompanied children come otherwise.
    """
    p, places = england.p("care"), england.places
    in_england = sum(a.looked_after_10_15 for a in places) / (sum(a.people / YEARS_10_17 for a in places) * YEARS_10_15)
    rates = {}
    for place in england.inside:
        authority = places[place]
        in_a_year = authority.people / YEARS_10_17
        alone = england.p("unaccompanied").sixteen_or_older * authority.unaccompanied
        young = (authority.looked_after_10_15 - (authority.unaccompanied - alone)) / (in_a_year * YEARS_10_15)
        older = max(authority.looked_after_16_17 - alone, 0.0) / (in_a_year * 2.0)
        at_10 = england.p("people").entrants_looked_after * young / in_england
        at_16 = 2.0 * young - at_10
        at_18 = 2.0 * older - at_16
        rise_young, rise_older = (at_16 - at_10) / YEARS_10_15, (at_18 - at_16) / 2.0
        england.share_at_ten[place] = at_10
        rates[place] = [rise_young + p.leaves_10_15 * (at_10 + rise_young * (age - 10.58)) for age in (11.8, 14.0, 15.5)]
        rates[place].append(rise_older + p.leaves_16_17 * older)
    return {place: [max(rate, 0.0) * p.not_after_exploitation / YEAR for rate in of_bands] for place, of_bands in rates.items()}


# -- day 1 ---------------------------------------------------------------------------------------------------------------


def begin(england):
    """Day 1: exactly the published number of looked-after children of each authority, in placements."""
    england.entry_rates = entry_rates(england)
    for place in england.inside:
        authority, p = england.places[place], england.p("unaccompanied")
        here = [child for child in england.present if child.authority == place]
        for is_older, stock, alone in (
            (False, authority.looked_after_10_15, 1.0 - p.sixteen_or_older), (True, authority.looked_after_16_17, p.sixteen_or_older),
        ):  # fmt: skip
            of_age = [child for child in here if (child.band == len(BANDS) - 1) == is_older]
            of_age.sort(key=lambda child: (england.exponential("care.history", child.key) / child.strain, child.key))
            in_care = of_age[: round(stock * england.fraction)]
            for child in in_care:
                admit(england, child)
            came_alone(england, in_care, round(authority.unaccompanied * england.fraction * alone))
    for child in england.looked_after.values():
        kind = pick(shares(england, child, begun=False), england.uniform("care.first_setting", child.key))
        england.requests.append(Request(ENTRY, lot(england, child), child, kind))
    england.requests += [guests_ask(england, guests) for guests in england.guests]
    meet(england)
    for child in england.present:
        if child.placement is None:
            may_enter(england, child)


def came_alone(england, in_care, number):
    """So many of these, mostly boys, are unaccompanied."""
    male = england.p("unaccompanied").male
    in_order = sorted(
        (england.exponential("care.came_alone", child.key) / (male if child.is_male else 1.0 - male), child.key, child) for child in in_care
    )
    for _, _, child in in_order[:number]:
        child.is_unaccompanied = True
        england.tell(ARRIVED, child, detail=1)
        settle(england, child)


def may_enter(england, child):
    child.care_left = england.exponential("care.entry", child.key, child.care_entries)


def admit(england, child):
    """A child becomes looked after, without a place yet."""
    child.care_entries += 1
    child.placement, child.setting, child.care_left = Placement(child), OTHER, inf
    england.looked_after[child.key] = child
    england.news["entered care"].append(child)
    england.tell(ENTERED_CARE, child, place=child.authority, serial=child.care_entries)


# -- the day -------------------------------------------------------------------------------------------------------------


def begin_end_and_move(england):
    """Children enter care, leave it, break down, move; the day's requests for a place are met as far as beds go."""
    england.news["setting changed"] += england.moved_last_evening
    england.moved_last_evening = []
    if england.is_first_of_april:
        for child in england.looked_after.values():
            child.placement.moves_this_year = 0
    for child in england.news["left"]:
        child.care_left = inf
        if child.placement:
            let_go(england, child)
    for child in england.news["entered"]:
        if welcome(england, child):
            ask(england, child, ENTRY)
    for child in england.news["arrived"]:
        child.is_unaccompanied = True
        admit(england, child)
        ask(england, child, ENTRY)
    leaving, breaking_down, entering = due(england)
    for child in leaving:
        end(england, child, CARE_ENDED)
        england.news["setting changed"].append(child)
        go_home(england, child)
    for child in breaking_down:
        end(england, child, BROKE_DOWN)
        ask(england, child, MOVE)
    for child in entering:
        admit(england, child)
        ask(england, child, ENTRY)
    england.requests += [guests_ask(england, guests) for guests in england.guests if guests.due == england.day]
    england.requests += moves_that_policies_asked_for(england)
    meet(england)


def due(england):
    """Who leaves care, whose placement breaks down, who enters care today."""
    england.ask(wait_at_home)
    leaving, breaking_down = [], []
    for child in england.looked_after.values():
        if not child.is_out_of_reach(england.day):
            left = child.placement.left
            hazards = {"breakdown": rate_of_breakdown(england, child) / YEAR, "leaving": rate_of_leaving(england, child) / YEAR}
            cause = first_over(left, {cause: hazards[cause] for cause in left})
            if cause:
                {"breakdown": breaking_down, "leaving": leaving}[cause].append(child)
    return leaving, breaking_down, england.news["entering care"]


def wait_at_home(england, child):
    """A day at home: what may bring a child into care comes nearer."""
    if child.setting == AT_HOME:
        hazard = england.entry_rates[child.authority][child.band] * child.strain
        child.care_left -= hazard * child.lever("entering care") if child.holds else hazard
        if child.care_left <= 0.0:
            england.news["entering care"].append(child)


def rate_of_leaving(england, child):
    """Of leaving care [a year]; the day after the sixteenth birthday it is another. Unaccompanied children stay until they are eighteen."""
    p = england.p("care")
    return 0.0 if child.is_unaccompanied else p.leaves_16_17 if child.age_on(england.day - 1) >= 16 else p.leaves_10_15


def rate_of_breakdown(england, child):
    """Of a placement's breaking down [a year]: by setting, times a lasting difference between children."""
    p = england.p("care")
    rates = {
        FOSTER: p.foster_breaks, SPECIALIST_FOSTER: p.specialist_breaks, KINSHIP: p.kinship_breaks, CHILDRENS_HOME: p.home_breaks,
        SECURE: p.secure_ends, SUPPORTED: p.supported_breaks, WITH_PARENTS: p.parents_breaks, OTHER: p.other_ends,
    }  # fmt: skip
    return rates[child.setting] * child.difference_in_breaking * child.lever("breakdown of placement")


def welcome(england, child):
    """Of those who come in at ten, some are already looked after."""
    if england.uniform("care.at_ten", child.key) < england.share_at_ten[child.authority] * child.strain:
        admit(england, child)
        return True
    may_enter(england, child)
    return False


def moves_that_policies_asked_for(england):
    """What was asked for yesterday, unless the child has left care, is missing or in custody now."""
    asked, england.moves_asked_for = england.moves_asked_for, []
    for child, setting, at_least_km in asked:
        if child.placement and not child.is_missing and child.setting != CUSTODY:
            kind = child.setting if setting is None else setting
            kind = kind if kind in BEDS_IN_A_HOME else FOSTER
            yield Request(MOVE, lot(england, child), child, kind, at_least_km, stays_if_none=True)


def ask(england, child, need):
    """A request for a place, of a kind drawn by age and by what is known of the child."""
    kind = pick(shares(england, child, begun=True), england.uniform("care.setting", child.key, serial(child)))
    england.requests.append(Request(need, lot(england, child), child, kind))


def serial(child):
    """The number of this placement in the child's life."""
    return child.care_entries * 1000 + child.placement.moves


def lot(england, child):
    return england.uniform("care.lot", child.key, serial(child))


def end(england, child, how):
    """A placement ends."""
    placement = child.placement
    england.tell(
        PLACEMENT_ENDED, child, cause=child.setting, detail=how, place=placement.place, amount=england.day - placement.since,
        serial=placement.moves,
    )  # fmt: skip
    england.news["placement ended"].append(child)
    free_bed(child)


def free_bed(child):
    home = child.placement.home
    if home:
        home.residents.remove(child)
        home.free += 1
        child.placement.home = None


def let_go(england, child):
    """A child is no longer looked after."""
    free_bed(child)
    child.placement, child.setting = None, AT_HOME
    del england.looked_after[child.key]


def go_home(england, child):
    """Care ends, and may begin again."""
    let_go(england, child)
    england.tell(LEFT_CARE, child)
    england.news["left care"].append(child)
    may_enter(england, child)


def take_into_custody(england, child):
    """A remanded child lives in custody, and is looked after while it does, if it was not before. (In the evening: it moves overnight.)"""
    if child.placement:
        end(england, child, WAS_REMANDED)
    else:
        admit(england, child)
        child.placement.is_only_remand = True
    child.placement.left.pop("breakdown", None)
    child.placement.place, child.placement.km, child.placement.since = child.authority, 0.0, england.day
    child.setting = CUSTODY
    england.moved_last_evening.append(child)


def release_from_custody(england, child):
    """It comes out: home, or to another placement, which is sought the next morning."""
    if child.setting != CUSTODY:
        return
    if child.placement.is_only_remand:
        go_home(england, child)
        england.moved_last_evening.append(child)
    else:
        ask(england, child, MOVE)


def guests_ask(england, guests):
    """A child of elsewhere needs a bed: the next one, or the one who found none a week ago."""
    if guests.home:
        guests.home.free += 1
        guests.home = None
        guests.ordinal += 1
    return Request(GUEST, england.uniform("guest.lot", guests.key, guests.ordinal), guests, guests.kind)


# -- finding a place -----------------------------------------------------------------------------------------------------


def meet(england):
    """Meet the day's requests one by one, each in its turn."""
    requests, england.requests = england.requests, []
    for request in sorted(requests, key=lambda request: request.turn):
        if isinstance(request.who, Guests):
            place_guests(england, request.who)
        elif request.who.placement:  # it may have left observation since it was released from custody
            place(england, request.who, request.kind, request.at_least_km, request.stays_if_none)


def homes_with_a_free_bed(england, place, kind):
    return [home for home in england.homes if home.place == place and home.kind == kind and home.free > 0]


def place_guests(england, guests):
    """A child of elsewhere takes a bed, or waits."""
    told = {"child": guests.key, "cause": guests.kind, "place": guests.place, "serial": guests.ordinal}
    number = (guests.key + guests.ordinal) & MASK
    homes = homes_with_a_free_bed(england, guests.place, guests.kind)
    if not homes:
        guests.due = england.day + GUEST_WAITS
        england.write(GUEST_WAITED, **told)
        return
    guests.home = min(homes, key=lambda home: england.exponential("guest.home", home.key, number))
    guests.home.free -= 1
    stay = england.exponential("guest.stay", guests.key, guests.ordinal) * england.p("care").guest_stay
    guests.due = england.day + 1 + int(stay)
    england.write(GUEST_PLACED, agent=guests.home.key, **told)


def place(england, child, kind, at_least_km, stays_if_none):
    """Find a place for one child; where none is found, it stays where it is or is put up in an emergency arrangement."""
    number = (child.key + serial(child) * GOLDEN) & MASK
    home, where, refusals = None, child.authority, 0
    if kind in BEDS_IN_A_HOME:
        home, where, refusals = search(england, child, kind, number, at_least_km)
        if where is None and stays_if_none:
            return
        if where is None:
            kind, where = OTHER, child.authority
    elif kind == KINSHIP:
        outside = share_first_sought_outside(england, child.authority, KINSHIP)
        if england.uniform("kin.outside", child.key, serial(child)) < outside:
            where = areas_in_order(england, child, KINSHIP, number, 0.0)[0]
    if stays_if_none:
        end(england, child, MOVED_BY_POLICY)
    move_in(england, child, kind, home, where, number, refusals, at_least_km)


def move_in(england, child, kind, home, where, number, refusals, at_least_km):
    """A placement begins, with a new patience; at the first after entry also the wait until leaving care begins."""
    placement = child.placement
    from_home = england.point(child.key, child.authority)
    if home:
        there = home.point
        home.residents.append(child)
        home.free -= 1
    elif kind == WITH_PARENTS:
        there = from_home
    else:
        there = england.point(number, where)
        if where == child.authority:  # kin and emergency arrangements are somewhere between home and there
            part = england.uniform("care.nearer", number)
            there = from_home[0] + part * (there[0] - from_home[0]), from_home[1] + part * (there[1] - from_home[1])
    placement.home, placement.place, placement.since = home, where, england.day
    placement.km = distance(from_home, there)
    if home is None:  # elsewhere homes are not followed; there is one at the distance that was asked for
        placement.km = max(placement.km, at_least_km)
    placement.moves += 1
    placement.moves_this_year += 1
    child.setting = kind
    england.news["setting changed"].append(child)
    england.news["placed"].append(child)
    england.tell(
        PLACED, child, cause=kind, place=where, agent=home.key if home else 0, detail=refusals, amount=placement.km, serial=placement.moves
    )
    placement.left["breakdown"] = england.exponential("care.breakdown", child.key, serial(child))
    if placement.moves == 1:
        placement.left["leaving"] = england.exponential("care.leaving", child.key, child.care_entries)


def distance(a, b):
    """Between two points [km]."""
    return sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2)


def areas_in_order(england, child, kind, number, at_least_km):
    """The other authorities in the order in which they are asked: a keyed race by supply and nearness.

    In the simulated ones a bed must be free; elsewhere beds are not counted, but there are no specialist foster carers.
    """
    draws, races = draws_of_others(england, child.authority, kind), []
    for there, authority in enumerate(england.places):
        if kind in BEDS_IN_A_HOME:
            here_with_bed = there in england.inside and homes_with_a_free_bed(england, there, kind)
            is_open = here_with_bed or (there not in england.inside and kind != SPECIALIST_FOSTER)
        else:
            is_open = True
        if is_open and draws[there] > 0.0 and england.km[child.authority][there] >= at_least_km:
            races.append((england.exponential("care.place", authority.key, number) / draws[there], there))
    return [there for _, there in sorted(races)[:AREAS]]


def homes_in_order(england, child, where, kind, number, at_least_km):
    """The homes of one authority in the order in which they are asked: a keyed race, the nearer to the child's home the sooner."""
    p, from_home, races = england.p("care"), england.point(child.key, child.authority), []
    for home in homes_with_a_free_bed(england, where, kind):
        km = distance(from_home, home.point)
        if km >= at_least_km:
            nearness = (1.0 + km / p.near_km) ** -p.reach_decay
            races.append((england.exponential("care.home", home.key, number) / nearness, home.key, home))
    return [home for _, _, home in sorted(races, key=lambda race: race[:2])]


def search(england, child, kind, number, at_least_km):
    """A home with a free bed that does not refuse, its place (None: none was found), and how many refused.

    Providers refuse a child whose exploitation is known more often.
    """
    p, own = england.p("care"), child.authority
    areas = areas_in_order(england, child, kind, number, at_least_km)
    if at_least_km <= 0.0:
        outside = england.uniform("care.outside", child.key, serial(child)) < share_first_sought_outside(england, own, kind)
        areas = [*areas, own] if outside else [own, *areas]
    refusal = p.refusal_when_known if child.is_identified else p.refusal
    refused = asked = 0
    for where in areas:
        if where not in england.inside:
            return None, where, refused
        for home in homes_in_order(england, child, where, kind, number, at_least_km):
            if asked == ASKS:
                return None, None, refused
            asked += 1
            if england.uniform("care.refusal", home.key, number) >= refusal:
                return home, where, refused
            refused += 1
            england.write(REFUSED, child=child.key, agent=home.key, home=own, place=where, serial=refused, cause=kind)
    return None, None, refused


def open_home(england, kind, place, ordinal, beds):
    england.homes.append(Home(england, kind, place, ordinal, beds))


def close_beds(england, kind, place, beds):
    """Take free beds out of use: their carers do something else now."""
    for home in england.homes:
        if home.place == place and home.kind == kind:
            taken = min(home.free, beds)
            home.beds, home.free, beds = home.beds - taken, home.free - taken, beds - taken


def count(england):
    """31 March: looked-after children, as the official tables count them."""
    cells = {}
    for child in england.looked_after.values():
        placement = child.placement
        cell = (
            child.authority, child.setting, child.age_on(england.day) >= 16, placement.place != child.authority, placement.km > FAR_KM,
            placement.moves_this_year >= 3, child.is_unaccompanied,
        )  # fmt: skip
        cells[cell] = cells.get(cell, 0) + 1
    for (home, setting, older, outside, far, moves, alone), children in cells.items():
        england.ledger.write(
            "counts", day=england.day, home=home, setting=setting, is_16_17=older, outside=outside, far=far, moves_3plus=moves, alone=alone,
            children=children,
        )  # fmt: skip

