"""Who is shown, and the messages from which a player draws two futures of the same children.

Shown are all children who in either future are looked after, approached, on a line, missing, in custody or in hospital, and a keyed
sample of the others, at most 3,000, the same in both futures. The set grows as the futures are lived, so that nobody waits for a year to
be looked ahead: who joins it on some day has been at home in both futures until then, and a player knows that without being told.
It depends on the two futures alone, not on who looks or when.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.dates import age_on, date_of
from sim.ledger import Event
from sim.places import read_places
from sim.policies import every_policy
from sim.ui.futures import ABSENT, CARE, CHUNK, HOME, NOWHERE, STATES, Future, Record
from sim.ui.measures import MEASURES
from sim.ui.outline import outline

AT_MOST = 3000
OF_THE_OTHERS = 1000  # of the children who are simply at home at the beginning, so many are shown; of those who come later, as many of a thousand
NEVER = 1 << 30
PRESENT_PRACTICE = "Present practice"
Message = tuple[dict[str, Any], bytes]


class Shown:
    """Two futures side by side: takes the records of both, chunk by chunk, and gives what the player needs."""

    def __init__(self, a: Future, b: Future, begun: Record):
        self.a, self.b, self.begun = a, b, begun
        self.share = min(1.0, OF_THE_OTHERS / max(begun.present, 1))
        self.key = np.empty(0, dtype=np.uint64)
        self.home = np.empty(0, dtype=np.uint8)
        self.comes = np.empty(0, dtype=np.int64)  # first day in the world
        self.leaves = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))  # first day no longer in it, in each future
        self.born = np.empty(0, dtype=np.int64)
        self.girl = np.empty(0, dtype=bool)
        self._people: list[dict[str, NDArray[Any]]] = []  # who came into the world, record by record; the arrays are the records' own
        self._left: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._people.append(begun.children)
        left = begun.events["child"][begun.events["event"] == Event.LEFT]
        present = ~np.isin(begun.children["key"], left)
        sampled = begun.children["key"][present & (begun.children["u"] < self.share)]
        self._show(np.union1d(sampled, begun.keys[begun.starts[-2] :]))
        self.first_n = len(self.key)
        in_care = begun.keys[begun.starts[-2] :][begun.states[begun.starts[-2] :] == CARE]
        self.in_care = set(in_care.tolist())

    # -- who ---------------------------------------------------------------------------------------------------------------

    def _facts(self, keys: NDArray[np.uint64]) -> dict[str, NDArray[np.int64]]:
        """Of each child the day on which it came, its day of birth, its home, and whether it is male."""
        facts = {name: np.zeros(len(keys), dtype=np.int64) for name in ("day", "born", "home", "is_male")}
        for people in reversed(self._people):  # what was told first is what holds
            if not len(people["key"]):
                continue
            order = np.argsort(people["key"])
            at = order[np.minimum(np.searchsorted(people["key"], keys, sorter=order), len(order) - 1)]
            met = people["key"][at] == keys
            for name, column in facts.items():
                column[met] = people[name][at[met]]
        return facts

    def _show(self, keys: NDArray[np.uint64]) -> list[int]:
        """Show these children too, as far as there is room; returns their ids."""
        new = np.setdiff1d(keys, self.key)[: AT_MOST - len(self.key)]
        facts = self._facts(new)
        first_id = len(self.key)
        self.key = np.concatenate((self.key, new))
        self.comes, self.born = np.concatenate((self.comes, facts["day"])), np.concatenate((self.born, facts["born"]))
        self.home = np.concatenate((self.home, facts["home"].astype(np.uint8)))
        self.girl = np.concatenate((self.girl, facts["is_male"] == 0))
        leaves = [np.array([left.get(key, NEVER) for key in new.tolist()], dtype=np.int64) for left in self._left]
        self.leaves = tuple(np.concatenate(pair) for pair in zip(self.leaves, leaves, strict=True))  # type: ignore[assignment]
        return list(range(first_id, len(self.key)))

    def children(self, ids: list[int]) -> list[dict[str, Any]]:
        """Children as the player knows them."""
        ages = age_on(self.born, self.a.first_day)
        return [
            {
                "id": i, "key": f"{int(self.key[i]):016x}", "home": int(self.home[i]), "age": int(ages[i]), "girl": bool(self.girl[i]),
                "looked_after_at_start": int(self.key[i]) in self.in_care, "from": int(self.comes[i]),
            }
            for i in ids
        ]  # fmt: skip

    # -- messages ------------------------------------------------------------------------------------------------------------

    def setup(self) -> dict[str, Any]:
        """All that does not change from day to day."""
        world, places = self.a.world, read_places()
        inside = world.inside
        whole = "" if world.fraction == 1.0 else f"; the world holds {100 * world.fraction:.2g} % of the children of its places"
        return {
            "version": 1,
            "world": {"name": world.name, "title": ", ".join(places.name[a] for a in world.authorities), "fraction": world.fraction},
            "children_in_world": self.begun.present,
            "scale": (
                f"One dot is one child. Shown is every child who in either future is in care, approached, on a line, missing, in custody or in "
                f"hospital, and {100 * self.share:.2g} % of the others{whole}. "
                f"Each is drawn as one thing: who is away tonight as missing, also when in care or on a line. Charts and numbers count all {self.begun.present:,} children."
            ),
            "first_date": date_of(1).isoformat(), "first_day": self.a.first_day, "last_day": self.a.last_day, "chunk_days": CHUNK,
            "places": [
                {
                    "id": i, "code": places.code[i], "name": places.name[i], "x": round(float(places.x_km[i]), 1), "y": round(float(places.y_km[i]), 1),
                    "spread": round(float(places.spread_km[i]), 1), "population": int(places.population_10_17[i]), "inside": bool(inside[i]),
                }
                for i in range(len(places))
            ],
            "outline": outline(),
            "children": self.children(list(range(self.first_n))),
            "states": list(STATES),
            "measures": [measure.as_dict() for measure in MEASURES],
            "futures": [{"id": name, "title": title_of(plan), "policies": plan.described()} for name, plan in (("a", self.a), ("b", self.b))],
            "seed": self.a.seed,
        }  # fmt: skip

    def take(self, a: Record, b: Record) -> list[Message]:
        """The next chunk of both futures: two messages, each with its buffer."""
        wanted = []
        for record, left, leaves in zip((a, b), self._left, self.leaves, strict=True):
            self._people.append(record.children)
            sampled = record.children["key"][record.children["u"] < self.share]
            wanted += [record.keys, sampled]
            gone = record.events["event"] == Event.LEFT
            for key, day in zip(record.events["child"][gone].tolist(), record.events["day"][gone].tolist(), strict=True):
                left[key] = day
            shown = np.isin(self.key, record.events["child"][gone])
            leaves[shown] = [left[key] for key in self.key[shown].tolist()]
        newcomers = self.children(self._show(np.unique(np.concatenate(wanted))))
        return [self._chunk(name, record, n, newcomers) for n, (name, record) in enumerate((("a", a), ("b", b)))]

    def _chunk(self, name: str, record: Record, which: int, newcomers: list[dict[str, Any]]) -> Message:
        days = np.arange(record.first, record.first + record.days)[:, None]
        here = (self.comes <= days) & (days < self.leaves[which])
        state = np.where(here, HOME, ABSENT).astype(np.uint8)
        place = np.where(here, self.home, NOWHERE).astype(np.uint8)
        order = np.argsort(self.key)
        at = np.searchsorted(self.key[order], record.keys)
        ids = order[np.minimum(at, len(order) - 1)]
        shown = self.key[ids] == record.keys
        day = np.repeat(np.arange(record.days), np.diff(record.starts))
        state[day[shown], ids[shown]] = record.states[shown]
        place[day[shown], ids[shown]] = record.places[shown]
        args = {
            "future": name, "first": record.first, "days": record.days, "n": len(self.key), "arcs": np.diff(record.arc_starts).tolist(),
            "measures": len(record.numbers), "newcomers": newcomers, "not_shown": len(np.setdiff1d(record.keys, self.key)),
        }  # fmt: skip
        parts = (place, state, record.arcs.astype("<u2"), record.numbers.astype("<f4"))
        return args, b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def title_of(plan: Future) -> str:
    """A future's name in plain words."""
    ends = {use.policy: use.ends for use in plan.uses}  # of each policy its last use
    titles = [every_policy()[policy].title + (f" (until {in_words(day - 1)})" if day else "") for policy, day in ends.items()]
    return " + ".join(titles) or PRESENT_PRACTICE


def in_words(day: int) -> str:
    """A day as one writes it."""
    date = date_of(day)
    return f"{date.day} {date:%B %Y}"
