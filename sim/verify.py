"""Does every policy do something? Each link of its chain is counted, in pairs of runs that share all their chance.

For each policy, alone and at full coverage: whom it could serve (*eligible*), whom it served (*reached*), for whom something was
changed (*changed*), and for how many children the ledger then tells another story than under present practice (*outcome*). A link
with nobody in it is a policy that does nothing, whatever its file says. At coverage 0 the run must equal the baseline, and before a
policy begins nothing may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.diverge import some, unshared, until
from sim.errors import InputError
from sim.ledger import TABLES, Event
from sim.model import CountyLines
from sim.policies import every_policy
from sim.scenario import PolicyUse, Scenario
from sim.world import World

CHAIN = {"eligible": "nobody was eligible", "reached": "nobody was reached", "changed": "nothing was changed"}  # and what an empty link means
MONTH = 30  # days under present practice after the warm-up, before the policies begin

# What a policy can change in children's lives. Its own row (POLICY_REACHED), bills and the guests of elsewhere are not among it.
OUTCOMES: dict[str, tuple[Event, ...]] = {
    "missing": (Event.WENT_MISSING, Event.RETURNED, Event.STILL_MISSING),
    "exploited": (
        Event.APPROACHED, Event.GROOMED, Event.LAPSED, Event.RECRUITED, Event.DEBT_ROSE, Event.DEBT_REPAID, Event.BOUND,
        Event.TRIES_TO_GET_OUT, Event.PULLED_BACK, Event.GOT_OUT, Event.DRAWN_BACK, Event.SETTLED,
    ),
    "placed": (Event.ENTERED_CARE, Event.PLACED, Event.PLACEMENT_ENDED, Event.LEFT_CARE, Event.REFUSED),
    "known": (Event.INTERVIEWED, Event.INTERVIEW_LAPSED, Event.SIGNAL, Event.IDENTIFIED, Event.ASSESSED, Event.HELPED),
}  # fmt: skip


@dataclass
class Verdict:
    """What was found out about one policy."""

    policy: str
    title: str
    chain: dict[str, int]
    outcomes: dict[str, int]  # children whose story differs, by kind
    children: int  # children whose story differs at all
    absent_is_baseline: bool  # coverage 0 equals present practice
    quiet_before: bool  # nothing differs before it begins

    @property
    def failures(self) -> list[str]:
        """What is wrong, in words; empty if the policy acts."""
        wrong = [empty for link, empty in CHAIN.items() if not self.chain[link]]
        if not self.children:
            wrong.append("no child's story changed")
        if not self.absent_is_baseline:
            wrong.append("at coverage 0 it differs from the baseline")
        if not self.quiet_before:
            wrong.append("something differs before it begins")
        return wrong

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return {
            "policy": self.policy, **self.chain, "outcome": self.children, "outcome_by_kind": self.outcomes,
            "coverage_0_equals_baseline": self.absent_is_baseline, "nothing_before_it_begins": self.quiet_before,
            "acts": not self.failures, "failures": self.failures,
        }  # fmt: skip


def verify(
    names: Iterable[str],
    world: World,
    seed: int = 1,
    days: int = 365,
    tell: Callable[[str, int, int], None] | None = None,
    parameters: Mapping[str, float] | None = None,
) -> list[Verdict]:
    """The verdict on each policy, in force for `days` after a month of present practice.

    All runs share one warm-up. `tell(what, done, all)` hears of every day lived; `parameters` are given to every run.
    """
    names = list(names)
    begins = world.warm_up_days + MONTH + 1
    last_day = begins + days - 1
    live = _Living(tell, total=world.warm_up_days + (1 + 2 * len(names)) * (last_day - world.warm_up_days))
    warm = live.to(world.warm_up_days, CountyLines("baseline", world, seed, parameters, days=last_day), "warm-up")
    baseline = live.to(last_day, warm.branch("baseline"), "baseline")
    return [_verdict(name, begins, warm, baseline, live) for name in names]


class _Living:
    """Lives models day by day and says how far it is."""

    def __init__(self, tell: Callable[[str, int, int], None] | None, total: int):
        self.tell, self.total, self.done = tell, total, 0

    def to(self, day: int, model: CountyLines, what: str) -> CountyLines:
        while model.day < day:
            model.step()
            self.done += 1
            if self.tell:
                self.tell(what, self.done, self.total)
        return model


def _verdict(name: str, begins: int, warm: CountyLines, baseline: CountyLines, live: _Living) -> Verdict:
    last_day = baseline.day
    full = live.to(last_day, warm.branch(alone(name, 1.0, begins)), f"{name}, full coverage")
    none = live.to(last_day, warm.branch(alone(name, 0.0, begins)), f"{name}, coverage 0")
    counts = full.policies[0].counts
    everyone, outcomes = _children_affected(full, baseline)
    return Verdict(
        name, every_policy()[name].title, {link: int(counts[link]) for link in CHAIN}, outcomes, everyone,
        none.ledger.digest() == baseline.ledger.digest(), _same_until(begins - 1, full, baseline),
    )  # fmt: skip


def alone(name: str, coverage: float, begins: int) -> Scenario:
    """A scenario with one policy, from a day on. Raises InputError if the coverage is outside what the policy declares."""
    declared = every_policy()[name].declares.declared["coverage"]
    low, high = declared.between
    if not low <= coverage <= high:
        raise InputError(f"policy {name}: coverage must reach from 0 to 1 to be verified, but is declared from {low:g} to {high:g}.")
    return Scenario(f"{name} at coverage {coverage:g}", policies={name: PolicyUse(name, {"coverage": coverage}, begins)})


def _children_affected(full: CountyLines, baseline: CountyLines) -> tuple[int, dict[str, int]]:
    """How many children's stories differ: of any kind, and by kind."""
    differs: list[Mapping[str, NDArray]] = []
    events = full.ledger.table("events"), baseline.ledger.table("events")
    for rows, mask in zip(events, unshared(*events), strict=True):
        differs.append(some(rows, mask))
    by_kind = {kind: np.concatenate([rows["child"][np.isin(rows["event"], of)] for rows in differs]) for kind, of in OUTCOMES.items()}
    by_kind = {kind: np.unique(children[children > 0]) for kind, children in by_kind.items()}
    return len(np.unique(np.concatenate(list(by_kind.values())))), {kind: len(children) for kind, children in by_kind.items()}


def _same_until(day: int, full: CountyLines, baseline: CountyLines) -> bool:
    """Nothing at all differs up to the evening of a day."""
    return not any(
        mask.any()
        for name in TABLES
        for mask in unshared(until(full.ledger.table(name), day), until(baseline.ledger.table(name), day))
    )
