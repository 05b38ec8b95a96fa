"""Policies: one file each. A policy is a change from present practice; its dose is `coverage`.

A policy acts only through levers and verbs that mechanisms offer; no mechanism names a policy. Its chain is counted - eligible,
reached, changed - so that a policy that does nothing is noticed.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from functools import cache
from typing import Any, ClassVar

import numpy as np

from sim.draws import key_of
from sim.ledger import Event
from sim.parameters import Parameters

GRADES = ("none", "low", "medium", "high")
BEDS, WORKERS, SIGNALS = "beds", "workers", "signals"  # scarce things, and things done once, that policies ask for in the same place


class Policy:
    """What a newcomer supplies: `name`, `title`, `grade` and `evidence`, a `Parameters` class with `coverage` (group
    `policies.<name>`), and `act(model)`, called at the end of each day on which the policy is in force.

    `begin(model)` and `end(model)` are called once, on the first day in force and on the first day after it.

    `takes_hold_of` names what another policy may want too: levers by their name, dials by where they are kept ("services.attention"),
    and `BEDS`, `WORKERS`, `SIGNALS`. Two policies without a common name do not meet, and must not depend on which acts first.
    `more` says of its own numbers which mechanical quantity of `sim.verify` must not fall (1) or rise (-1) when the number rises. It is
    for work done and places given; what becomes of children may go either way.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    grade: ClassVar[str] = "none"
    evidence: ClassVar[str] = ""
    declares: ClassVar[type[Parameters]]
    takes_hold_of: ClassVar[tuple[str, ...]] = ()
    more: ClassVar[dict[str, tuple[str, int]]] = {}

    def __init__(self, parameters: Any, begins: int, ends: int, where: tuple[int, ...] | None):
        self.parameters, self.begins, self.ends = parameters, begins, ends
        self.where = None if where is None else np.array(sorted(where))
        self.key = key_of("policy", self.name)
        self.counts: Counter[str] = Counter()
        self.in_force = False

    def live(self, model) -> None:
        """A day of the policy."""
        if self.begins <= model.day < self.ends:
            if not self.in_force:
                self.in_force = True
                self.begin(model)
            self.act(model)
        elif self.in_force:
            self.in_force = False
            self.end(model)

    def begin(self, model) -> None:
        """What is done once, when the policy comes into force."""

    def act(self, model) -> None:
        """What is done each day, at its end."""
        raise TypeError(f"policy {self.name} does nothing: it has no act()")

    def end(self, model) -> None:
        """What is done once, when the policy ends."""

    @property
    def dose(self) -> float:
        """Coverage times fidelity: how much of the policy is really done, where it is a matter of practice and not of children."""
        return self.parameters.coverage * self.parameters.fidelity

    def looked_after(self, model) -> float:
        """Looked-after children aged 10 to 17 of the authorities that the policy serves: the base of capacities and costs."""
        return sum(float(model.world.places.looked_after_10_17[a]) for a in self.authorities(model)) * model.world.fraction

    def share_signals(self, model, within: float) -> None:
        """Of today's signals, the covered share is known to all agencies within so many days on average."""
        for rows, agency, kind, number in model.today.get("signal"):
            mine = np.isin(rows, self.here(model, rows))
            rows, serial = rows[mine], number[mine] * 64 + kind * 8 + agency
            reached = np.isin(rows, self.reach(model, rows, serial))
            done = reached & model.draws.happens(f"{self.name}.as_agreed", model.children.key[rows], self.parameters.fidelity, serial)
            model.services.share(rows[done], agency, number[mine][done], within, by=self.name)
            self.changed(int(done.sum()))

    def count_occasions(self, model, heading: str) -> None:
        """Count the day's occasions of a kind as eligible, and the covered share of them as reached."""
        for rows, agency, kind, number in model.today.get(heading):
            mine = np.isin(rows, self.here(model, rows))
            self.reach(model, rows[mine], number[mine] * 64 + kind * 8 + agency)

    def here(self, model, rows):
        """Those of `rows` whose responsible authority the policy serves."""
        return rows if self.where is None else rows[np.isin(model.children.authority[rows], self.where)]

    def authorities(self, model) -> list[int]:
        """The authorities of the world that the policy serves."""
        return [a for a in model.world.authorities if self.where is None or a in self.where]

    def reach(self, model, rows, serial):
        """Of the eligible `rows`, those whom the policy reaches: a keyed draw against its coverage, one for each occasion."""
        self.counts["eligible"] += len(rows)
        if not len(rows):
            return rows
        u = model.draws.uniform(f"{self.name}.reached", model.children.key[rows], serial)
        reached = rows[u < self.parameters.coverage]
        self.counts["reached"] += len(reached)
        model.tell(Event.POLICY_REACHED, reached, agent=self.key)
        return reached

    @staticmethod
    def occasions(model, rows):
        """A number for each of a child's occasions to be reached: the return from each episode, and its identification."""
        children = model.children
        return children.episodes[rows].astype(np.int64) * 2 + (children.identified_on[rows] == model.day)

    def changed(self, number: int) -> None:
        """Count what the policy really changed."""
        self.counts["changed"] += int(number)


@cache
def every_policy() -> dict[str, type[Policy]]:
    """Name to class of every policy in this folder."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {policy.name: policy for policy in sorted(Policy.__subclasses__(), key=lambda p: p.name)}
