"""Finding a place: which authorities and homes are asked for a child, in which order, and who says yes.

An authority looks first inside its own area or first outside, at its published share. Other authorities are asked in the order of a
keyed race by what they have and how near they are; the homes of an authority in that of a race by how near they are to the child's
own home. A home with a free bed may refuse, a known child more often; after ten homes an emergency arrangement is made.

A race depends on nobody; what is free is seen when a request has its turn, and only those who may have a free bed then need be in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from sim.arithmetic import _exp, _neglog, _uniform
from sim.draws import GOLDEN
from sim.ledger import Event
from sim.population import CHILDRENS_HOME, FOSTER, KINSHIP, NEVER, SECURE, SPECIALIST_FOSTER, SUPPORTED
from sim.tables import is_in

if TYPE_CHECKING:
    from sim.placements import Home, Placements

WITH_BEDS = (FOSTER, SPECIALIST_FOSTER, CHILDRENS_HOME, SECURE, SUPPORTED)
AREAS, ASKS = 5, 10  # authorities and homes that are asked before an emergency arrangement


class Request(NamedTuple):
    """Somebody needs a place. Requests are met by need class, then by lot, ties by key."""

    need: int
    lot: float
    key: int
    who: Any  # row of a child, or guests
    kind: int
    at_least_km: float = 0.0
    stays_if_none: bool = False


class Answer(NamedTuple):
    """What was found for a child; place -1: nothing."""

    place: int
    home: Home | None = None
    refusals: int = 0


class Asking:
    """Some children's requests side by side: `find` answers them one by one, in the order in which they have their turn."""

    def __init__(self, placements: Placements, requests: list[Request]):
        self.placements, self.model, self.requests = placements, placements.model, requests
        model, children = self.model, self.model.children
        self.rows = np.array([request.who for request in requests], dtype=np.int64)
        self.kinds = np.array([request.kind for request in requests], dtype=np.int64)
        self.at_least_km = np.array([request.at_least_km for request in requests])
        self.keys, self.authorities = children.key[self.rows], children.authority[self.rows].astype(np.int64)
        self.number = placements.serials(self.rows)
        self.serials = self.keys + self.number.astype(np.uint64) * np.uint64(GOLDEN)  # of this child's this placement
        self.x, self.y = model.points(self.keys, self.authorities)
        with_beds = is_in(self.kinds, np.array(WITH_BEDS))
        decision = np.where(with_beds, model.draws.uniform("care.outside", self.keys, self.number), 1.0)
        of_kin = (self.kinds == KINSHIP).nonzero()[0]
        decision[of_kin] = model.draws.uniform("kin.outside", self.keys[of_kin], self.number[of_kin])
        self.first_outside = decision < placements.shares_first_sought_outside[self.authorities, self.kinds]
        self.known = children.identified_on[self.rows] > NEVER
        self.refused: list[tuple] = []

    # -- a request's turn ----------------------------------------------------------------------------------------------------

    def _others(self, n: int, number: int, beds: bool) -> list[int]:
        """Which other authorities are asked for a request, in the order of their race: so many at most; if it is about beds, where one may be free."""
        placements, kind, own = self.placements, int(self.kinds[n]), int(self.authorities[n])
        return _first_areas(
            self.model.draws.stream("care.place"), self.serials[n], placements.place_keys, placements.weights(own, kind), self.model.world.places.distances[own],
            self.at_least_km[n], placements.free[:, kind], placements.inside, kind != SPECIALIST_FOSTER, beds, number,
        ).tolist()  # fmt: skip

    def _areas(self, n: int) -> Iterator[int]:
        """The authorities that are asked for a request, in order, as beds stand now: others only where some bed may be free."""
        if not self.first_outside[n] and not self.at_least_km[n] > 0.0:
            yield int(self.authorities[n])
        yield from self._others(n, AREAS, beds=True)
        if self.first_outside[n] and not self.at_least_km[n] > 0.0:
            yield int(self.authorities[n])

    def kin(self, n: int) -> int:
        """Where relatives live with whom a child is placed."""
        return self._others(n, 1, beds=False)[0] if self.first_outside[n] else int(self.authorities[n])

    def find(self, n: int) -> Answer:
        """A home with a free bed that does not refuse, or a place elsewhere."""
        placements, draws, kind = self.placements, self.model.draws, int(self.kinds[n])
        refusal = placements.parameters.refusal_when_known if self.known[n] else placements.parameters.refusal
        refused = asked = 0
        for place in self._areas(n):
            if not placements.inside[place]:
                return Answer(place, None, refused)
            for home in self._homes(n, place, kind):
                if asked == ASKS:
                    return Answer(-1, None, refused)
                asked += 1
                if draws.one_uniform("care.refusal", home.key, int(self.serials[n])) >= refusal:
                    return Answer(place, home, refused)
                refused += 1
                self.refused.append((int(self.keys[n]), home.key, int(self.authorities[n]), place, refused, kind))
        return Answer(-1, None, refused)

    def _homes(self, n: int, place: int, kind: int) -> list[Home]:
        """Homes of an authority that have a free bed now, in the order in which they are asked; no more than can be asked, and one."""
        homes, p = self.placements.homes_of.get((place, kind)), self.placements.parameters
        if homes is None or not homes.numbers:
            return []
        first = _first_homes(
            self.model.draws.stream("care.home"), self.serials[n], homes.keys, homes.x_km, homes.y_km, homes.free, self.x[n], self.y[n], self.at_least_km[n],
            p.near_km, p.reach_decay,
        )  # fmt: skip
        return [self.placements.homes[homes.numbers[at]] for at in first.tolist()]

    def tell_refusals(self) -> None:
        """What was refused, into the ledger."""
        if self.refused:
            child, agent, home, place, serial, cause = zip(*self.refused, strict=True)
            self.model.ledger.enter(
                len(child), day=self.model.day, event=Event.REFUSED, child=np.array(child, dtype=np.uint64), agent=np.array(agent, dtype=np.uint64),
                home=home, place=place, serial=serial, cause=cause,
            )  # fmt: skip


@njit(cache=True)
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


@njit(cache=True)
def _first_homes(stream, serial, key, x, y, free, from_x, from_y, at_least_km, near, decay):
    """The first of those homes that have a free bed and are far enough, ties as listed: who is nearer is likelier to come first.

    Exp(1) draws times (1 + distance / near) to the power `decay`.
    """
    first, times, found = np.empty(ASKS + 1, dtype=np.int64), np.empty(ASKS + 1), 0
    for home in range(len(key)):
        if free[home] > 0:
            east, north = x[home] - from_x, y[home] - from_y
            distance = math.sqrt(east * east + north * north)
            if distance >= at_least_km:
                time = _neglog(_uniform(key[home] ^ stream, serial)) * _exp(-decay * _neglog(1.0 + distance / near))
                if found <= ASKS or time < times[-1]:
                    found = _put_in_order(first, times, found, home, time)
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
