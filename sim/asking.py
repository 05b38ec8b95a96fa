"""Finding a place: which authorities and homes are asked for a child, in which order, and who says yes.

An authority looks first inside its own area or first outside, at its published share. Other authorities are asked in the order of a
keyed race by what they have and how near they are; the homes of an authority in that of a race by how near they are to the child's
own home. A home with a free bed may refuse, a known child more often; after ten homes an emergency arrangement is made.

A race depends on nobody; what is free is seen when a request has its turn, and only those who may have a free bed then need be in it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.arithmetic import _exp, _neglog, _uniform
from sim.draws import GOLDEN
from sim.kernels import by_name
from sim.ledger import Event
from sim.population import CHILDRENS_HOME, FOSTER, KINSHIP, NEVER, OTHER, SECURE, SETTINGS, SPECIALIST_FOSTER, SUPPORTED
from sim.tables import is_in

if TYPE_CHECKING:
    from sim.placements import Placements

WITH_BEDS = (FOSTER, SPECIALIST_FOSTER, CHILDRENS_HOME, SECURE, SUPPORTED)
AREAS, ASKS = 5, 10  # authorities and homes that are asked before an emergency arrangement

HOME = np.dtype([("key", np.uint64), ("kind", np.int64), ("place", np.int64), ("x_km", np.float64), ("y_km", np.float64), ("free", np.int64)])  # beds free
REQUEST = np.dtype(
    [
        ("row", np.int64), ("key", np.uint64), ("serial", np.uint64), ("authority", np.int64), ("x_km", np.float64), ("y_km", np.float64),
        ("known", np.bool_), ("first_outside", np.bool_), ("at_least_km", np.float64), ("stays_if_none", np.bool_),
        ("leaves", np.int64),  # number of the home where a bed becomes free if there is another, -1 none
        ("kind", np.int64), ("place", np.int64), ("home", np.int64), ("refusals", np.int64),  # the answer; place -1: nothing, home -1: of nobody here
    ]
)  # fmt: skip
Requests = NDArray[np.void]


class Homes:
    """Homes with beds side by side, by number in the order in which they opened; and which are of one kind in one authority."""

    def __init__(self, places: int):
        self.columns = np.empty(0, dtype=HOME)
        self.free = np.zeros((places, len(SETTINGS)), dtype=np.int64)  # beds, by authority and kind
        self._in_order()

    def add(self, homes: NDArray[np.void]) -> None:
        """More homes."""
        self.columns = np.concatenate((self.columns, homes))
        np.add.at(self.free, (homes["place"], homes["kind"]), homes["free"])
        self._in_order()

    def _in_order(self) -> None:
        """By authority and kind: the numbers of the homes, and where those of each begin."""
        of = self.columns["place"] * len(SETTINGS) + self.columns["kind"]
        self.numbers = of.argsort(kind="stable")
        self.first = of[self.numbers].searchsorted(np.arange(self.free.size + 1))

    def of(self, place: int, kind: int) -> NDArray[np.int64]:
        """The numbers of the homes of one kind in one authority."""
        at = place * len(SETTINGS) + kind
        return self.numbers[self.first[at] : self.first[at + 1]]

    def keys(self, numbers: NDArray[np.integer]) -> NDArray[np.uint64]:
        """The key of each of some homes, 0 for number -1."""
        keys, followed = np.zeros(len(numbers), dtype=np.uint64), numbers >= 0
        keys[followed] = self.columns["key"][numbers[followed]]
        return keys

    def vacate(self, numbers: NDArray[np.integer]) -> None:
        """A bed becomes free in each of some homes, as often as it is named; -1 is none."""
        _vacate(self.columns, self.free, numbers)


def requests(placements: Placements, rows, kinds, at_least_km, stays_if_none) -> Requests:
    """Requests for a place side by side, each with all that the search depends on."""
    model, children = placements.model, placements.model.children
    keys, authorities = children.key[rows], children.authority[rows].astype(np.int64)
    number = placements.serials(rows)
    with_beds = is_in(kinds, np.array(WITH_BEDS))
    decision = np.where(with_beds, model.draws.uniform("care.outside", keys, number), 1.0)
    of_kin = (kinds == KINSHIP).nonzero()[0]
    if of_kin.size:
        decision[of_kin] = model.draws.uniform("kin.outside", keys[of_kin], number[of_kin])
    asked = np.empty(len(rows), dtype=REQUEST)
    asked["row"], asked["key"], asked["authority"], asked["kind"] = rows, keys, authorities, kinds
    asked["serial"] = keys + number.astype(np.uint64) * np.uint64(GOLDEN)  # of this child's this placement
    asked["x_km"], asked["y_km"] = model.points(keys, authorities)
    asked["known"] = children.identified_on[rows] > NEVER
    asked["first_outside"] = decision < placements.shares_first_sought_outside[authorities, kinds]
    asked["at_least_km"], asked["stays_if_none"] = at_least_km, stays_if_none
    asked["leaves"] = np.where(stays_if_none, placements.table.home[placements.own.care_slot[rows]], -1)
    asked["place"] = asked["home"] = -1
    asked["refusals"] = 0
    return asked


def rules(placements: Placements) -> NDArray[np.void]:
    """The numbers of the search."""
    p, stream = placements.parameters, placements.model.draws.stream
    return by_name(
        draw_place=stream("care.place"), draw_home=stream("care.home"), draw_refusal=stream("care.refusal"),
        refusal=p.refusal, refusal_when_known=p.refusal_when_known, near_km=p.near_km, reach_decay=p.reach_decay,
    )  # fmt: skip


def answer(placements: Placements, asked: Requests) -> None:
    """Answer requests one by one, in the order in which they have their turn: a bed is taken at once. What is refused goes into the ledger."""
    model, homes = placements.model, placements.register
    refused = _answer(
        asked, homes.columns, homes.numbers, homes.first, homes.free, placements.inside, placements.place_keys, placements.weights,
        model.world.places.distances, placements.rules, AREAS, ASKS,
    )  # fmt: skip
    n, before = (refused >= 0).nonzero()
    if n.size:
        by = homes.columns[refused[n, before]]
        model.ledger.enter(
            len(n), day=model.day, event=Event.REFUSED, child=asked["key"][n], agent=by["key"], home=asked["authority"][n], place=by["place"],
            serial=before + 1, cause=by["kind"],
        )  # fmt: skip


@njit(cache=True)
def _answer(asked, homes, numbers, first, free, inside, place_key, weights, distances, rules, areas, asks):
    """Find a home with a free bed that does not refuse, or a place elsewhere, for each request in its turn; the homes that refused it."""
    refused = np.full((len(asked), asks), -1)
    for n in range(len(asked)):
        request, own, kind = asked[n], asked[n].authority, asked[n].kind
        weight, distance, elsewhere = weights[1 if kind == CHILDRENS_HOME else 0, own], distances[own], kind != SPECIALIST_FOSTER
        if kind in WITH_BEDS:
            within = not request.at_least_km > 0.0
            over = within and not request.first_outside and _ask_in(own, request, refused[n], homes, numbers, first, inside, rules[0], asks)
            if not over:  # other authorities, as beds stand now: only where some bed may be free
                for area in _first_areas(
                    rules[0].draw_place, request.serial, place_key, weight, distance, request.at_least_km, free[:, kind], inside, elsewhere, True, areas
                ):
                    over = over or _ask_in(area, request, refused[n], homes, numbers, first, inside, rules[0], asks)
            if not over and within and request.first_outside:
                _ask_in(own, request, refused[n], homes, numbers, first, inside, rules[0], asks)
        elif request.first_outside:  # where relatives live with whom the child is placed
            request.place = _first_areas(rules[0].draw_place, request.serial, place_key, weight, distance, 0.0, free[:, kind], inside, True, False, 1)[0]
        else:
            request.place = own
        if request.place < 0:
            if request.stays_if_none:
                continue
            request.place, request.kind = own, OTHER
        if request.leaves >= 0:
            _give(homes, free, request.leaves, 1)
        if request.home >= 0:
            _give(homes, free, request.home, -1)
    return refused


@njit
def _ask_in(place, request, refused, homes, numbers, first, inside, rule, asks):
    """Ask in one authority. Whether the search is over: a home says yes, beds are not counted there, or so many have refused that nobody else is asked."""
    if not inside[place]:
        request.place = place
        return True
    at = place * len(SETTINGS) + request.kind
    refusal = rule.refusal_when_known if request.known else rule.refusal
    for home in _first_homes(request, homes, numbers[first[at] : first[at + 1]], rule, asks + 1):
        if request.refusals == asks:
            return True
        if _uniform(homes[home].key ^ rule.draw_refusal, request.serial) >= refusal:
            request.place, request.home = place, home
            return True
        refused[request.refusals] = home
        request.refusals += 1
    return False


@njit
def _first_areas(stream, serial, key, weight, distance, at_least_km, free, inside, elsewhere, beds, number):
    """The first of those authorities that draw placements and are far enough, Exp(1) over weight, ties as listed.

    If it is about beds: where one is free or, if `elsewhere` counts, where beds are not counted.
    """
    first, times, found = np.empty(number, dtype=np.int64), np.empty(number), 0
    for area in range(len(key)):
        may_be_free = not beds or free[area] > 0 or (elsewhere and not inside[area])
        if may_be_free and weight[area] > 0.0 and distance[area] >= at_least_km:
            time = _neglog(_uniform(key[area] ^ stream, serial)) / weight[area]
            if found < number or time < times[-1]:
                found = _put_in_order(first, times, found, area, time)
    return first[:found]


@njit
def _first_homes(request, homes, numbers, rule, number):
    """The first of those homes that have a free bed and are far enough, ties as listed: who is nearer is likelier to come first.

    Exp(1) draws times (1 + distance / near) to the power of the decay.
    """
    first, times, found = np.empty(number, dtype=np.int64), np.empty(number), 0
    for n in numbers:
        home = homes[n]
        if home.free > 0:
            east, north = home.x_km - request.x_km, home.y_km - request.y_km
            distance = math.sqrt(east * east + north * north)
            if distance >= request.at_least_km:
                time = _neglog(_uniform(home.key ^ rule.draw_home, request.serial)) * _exp(-rule.reach_decay * _neglog(1.0 + distance / rule.near_km))
                if found < number or time < times[-1]:
                    found = _put_in_order(first, times, found, n, time)
    return first[:found]


@njit
def _put_in_order(first, times, found, who, time):
    """One more in a race, after those who were as quick, in the last one's place where there is no more room. How many they are."""
    found = min(found + 1, len(first))
    at = found - 1
    while at > 0 and times[at - 1] > time:
        first[at], times[at] = first[at - 1], times[at - 1]
        at -= 1
    first[at], times[at] = who, time
    return found


@njit
def _give(homes, free, home, beds):
    """A home has so many more free beds."""
    homes[home].free += beds
    free[homes[home].place, homes[home].kind] += beds


@njit(cache=True)
def _vacate(homes, free, numbers):
    for home in numbers:
        if home >= 0:
            _give(homes, free, home, 1)


@njit(cache=True)
def for_guests(place, kind, serial, stream, homes, numbers, first, free):
    """The home that takes each of some children of elsewhere, in their turn, -1 where none has a bed: the first of a race, ties as listed."""
    found = np.full(len(place), -1)
    for n in range(len(place)):
        soonest, at = np.inf, place[n] * len(SETTINGS) + kind[n]
        for home in numbers[first[at] : first[at + 1]]:
            if homes[home].free > 0:
                time = _neglog(_uniform(homes[home].key ^ stream, serial[n]))
                if time < soonest:
                    soonest, found[n] = time, home
        if found[n] >= 0:
            _give(homes, free, found[n], -1)
    return found
