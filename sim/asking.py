"""Finding a place: which authorities and homes are asked for a child, in which order, and who says yes.

An authority looks first inside its own area or first outside, at its published share. Other authorities are asked in the order of a
keyed race by what they have and how near they are; the homes of an authority in that of a race by how near they are to the child's
own home. A home with a free bed may refuse, a known child more often; after ten homes an emergency arrangement is made.

The races are looked up for all requests of a day together, because they depend on nobody; what is free is seen when a request has
its turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

from sim.arithmetic import races_by_distance
from sim.draws import GOLDEN
from sim.ledger import Event
from sim.population import CHILDRENS_HOME, FOSTER, KINSHIP, NEVER, SECURE, SPECIALIST_FOSTER, SUPPORTED
from sim.tables import is_in

if TYPE_CHECKING:
    from sim.placements import Home, Homes, Placements

WITH_BEDS = (FOSTER, SPECIALIST_FOSTER, CHILDRENS_HOME, SECURE, SUPPORTED)
AREAS, ASKS = 5, 10  # authorities and homes that are asked before an emergency arrangement
TOGETHER = 1 << 18  # draws of a race that are looked up at a time, to bound memory


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
        outside = [placements.share_first_sought_outside(place, kind) for place, kind in zip(self.authorities.tolist(), self.kinds.tolist(), strict=True)]
        with_beds = is_in(self.kinds, np.array(WITH_BEDS))
        decision = np.where(with_beds, model.draws.uniform("care.outside", self.keys, self.number), 1.0)
        of_kin = (self.kinds == KINSHIP).nonzero()[0]
        decision[of_kin] = model.draws.uniform("kin.outside", self.keys[of_kin], self.number[of_kin])
        self.first_outside = decision < np.array(outside)
        self.known = children.identified_on[self.rows] > NEVER
        self.refused: list[tuple] = []
        self._areas: dict[int, np.ndarray] = {}
        self._homes: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
        self._look_up_areas((with_beds | self.first_outside).nonzero()[0])
        self._look_up_homes(with_beds.nonzero()[0])

    # -- races -------------------------------------------------------------------------------------------------------------

    def _look_up_areas(self, which) -> None:
        """For each of some requests the authorities that may be asked, in order."""
        places, keys = self.model.world.places, self.placements.place_keys
        for start in range(0, len(which), some := max(1, TOGETHER // len(keys))):
            part = which[start : start + some]
            weight = np.array([self.placements.weights(a, k) for a, k in zip(self.authorities[part].tolist(), self.kinds[part].tolist(), strict=True)])
            weight *= places.distances[self.authorities[part]] >= self.at_least_km[part, None]
            race = self.model.draws.exponential("care.place", np.tile(keys, len(part)), np.repeat(self.serials[part], len(keys)))
            race = np.divide(race.reshape(weight.shape), weight, out=np.full(weight.shape, np.inf), where=weight > 0.0)
            order, possible = race.argsort(axis=1, kind="stable"), np.isfinite(race).sum(axis=1)
            for n, areas, number in zip(part.tolist(), order, possible.tolist(), strict=True):
                self._areas[n] = areas[:number]

    def _look_up_homes(self, which) -> None:
        """For each of some requests the homes of the area that will probably be asked first."""
        at: dict[tuple[int, int], list[int]] = {}
        for n in which.tolist():
            kind, areas = int(self.kinds[n]), self.areas(n)
            if areas and self.placements.inside[areas[0]]:
                at.setdefault((areas[0], kind), []).append(n)
        for (place, kind), group in at.items():
            homes = self.placements.homes_of.get((place, kind))
            if homes is not None and homes.numbers:
                for start in range(0, len(group), some := max(1, TOGETHER // len(homes.numbers))):
                    self._race_of_homes(group[start : start + some], place, homes)

    def _race_of_homes(self, group: list[int], place: int, homes: Homes) -> None:
        stream, p = self.model.draws.stream("care.home"), self.placements.parameters
        race, km = races_by_distance(
            stream, homes.keys, self.serials[group], homes.x_km, homes.y_km, self.x[group], self.y[group], p.near_km, p.reach_decay
        )
        for n, run, far in zip(group, race, km, strict=True):
            self._homes[n, place] = run, far

    # -- a request's turn ----------------------------------------------------------------------------------------------------

    def areas(self, n: int) -> list[int]:
        """The authorities that are asked for a request, in order, as beds stand now: others only where some bed may be free."""
        placements, kind, own = self.placements, int(self.kinds[n]), int(self.authorities[n])
        others = _some_may_be_free(self._areas[n], placements.free[:, kind], placements.inside, kind != SPECIALIST_FOSTER).tolist()
        if self.at_least_km[n] > 0.0:
            return others
        return [*others, own] if self.first_outside[n] else [own, *others]

    def kin(self, n: int) -> int:
        """Where relatives live with whom a child is placed."""
        return int(self._areas[n][0]) if self.first_outside[n] else int(self.authorities[n])

    def find(self, n: int) -> Answer:
        """A home with a free bed that does not refuse, or a place elsewhere."""
        placements, draws, kind = self.placements, self.model.draws, int(self.kinds[n])
        refusal = placements.parameters.refusal_when_known if self.known[n] else placements.parameters.refusal
        refused = asked = 0
        for place in self.areas(n):
            if not placements.inside[place]:
                return Answer(place, None, refused)
            for home in self._with_a_free_bed(n, place, kind):
                if asked == ASKS:
                    return Answer(-1, None, refused)
                asked += 1
                if draws.one_uniform("care.refusal", home.key, int(self.serials[n])) >= refusal:
                    return Answer(place, home, refused)
                refused += 1
                self.refused.append((int(self.keys[n]), home.key, int(self.authorities[n]), place, refused, kind))
        return Answer(-1, None, refused)

    def _with_a_free_bed(self, n: int, place: int, kind: int) -> Iterator[Home]:
        """Homes of an authority that have a free bed now, in the order in which they are asked."""
        homes = self.placements.homes_of.get((place, kind))
        if homes is None or not homes.numbers:
            return
        if (n, place) not in self._homes:
            self._race_of_homes([n], place, homes)
        (race, km), at = self._homes[n, place], -1
        while (at := _next_home(race, km, homes.free, self.at_least_km[n], at)) >= 0:
            yield self.placements.homes[homes.numbers[at]]

    def tell_refusals(self) -> None:
        """What was refused, into the ledger."""
        if self.refused:
            child, agent, home, place, serial, cause = zip(*self.refused, strict=True)
            self.model.ledger.enter(
                len(child), day=self.model.day, event=Event.REFUSED, child=np.array(child, dtype=np.uint64), agent=np.array(agent, dtype=np.uint64),
                home=home, place=place, serial=serial, cause=cause,
            )  # fmt: skip


@njit(cache=True)
def _some_may_be_free(areas, free, inside, elsewhere):
    """The first of some areas, in order, where a bed is free or, if `elsewhere` counts, where beds are not counted."""
    found, number = np.empty(AREAS, dtype=np.int64), 0
    for area in areas:
        if free[area] > 0 or (elsewhere and not inside[area]):
            found[number] = area
            number += 1
            if number == AREAS:
                break
    return found[:number]


@njit(cache=True)
def _next_home(race, km, free, at_least_km, after):
    """Which home is asked after another (-1: first): of those with a free bed that are far enough, the next in the race; -1 for none."""
    best = -1
    for at in range(len(race)):
        is_later = after < 0 or race[at] > race[after] or (race[at] == race[after] and at > after)
        if is_later and free[at] > 0 and km[at] >= at_least_km and (best < 0 or race[at] < race[best]):
            best = at
    return best
