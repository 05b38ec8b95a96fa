"""Does every policy do something? Each link of its chain is counted, in pairs of runs that share all their chance.

For each policy, alone, at full coverage and with all the places it may have: whom it could serve (*eligible*), whom it served (*reached*), for whom something was
changed (*changed*), and for how many children the ledger then tells another story than under present practice (*outcome*). A link
with nobody in it is a policy that does nothing, whatever its file says. At coverage 0 the run must equal the baseline, and before a
policy begins nothing may differ. Whatever a policy turns must stand in its file (`takes_hold_of`).

For each pair of policies, both as before for `DAYS_TOGETHER`, once in the order of their names, as every run has it, and once
with the other acting first each day. A pair that has no lever, dial or scarce thing in common must tell the same to the last byte
either way, and each of the two must turn every dial as far as it does alone. Of a pair that meets it is only said whether it matters
who acts first; it may, because both want the same thing and the earlier has it. That the order in which a *scenario file* names
policies never matters is shown for all of them at once: named forwards and backwards, the two runs must be equal.

Of mechanical quantities (work done, places given, those who wait) a policy declares that more of one of its own numbers does not make
less, or more: `more`. Its low end and its high end are run. Nothing of the kind is asked of what becomes of children.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.diverge import some, unshared, until
from sim.errors import InputError
from sim.ledger import TABLES, Event
from sim.levers import Dial
from sim.model import CountyLines
from sim.policies import every_policy
from sim.policing import CRIMINAL
from sim.population import SPECIALIST_FOSTER
from sim.scenario import PolicyUse, Scenario
from sim.world import World

CHAIN = {"eligible": "nobody was eligible", "reached": "nobody was reached", "changed": "nothing was changed"}  # and what an empty link means
MONTH = 30  # days under present practice after the warm-up, before the policies begin
DAYS_TOGETHER = 45  # days for which pairs, and ends of ranges, are in force (or as long as asked, if that is less)

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
    undeclared: tuple[str, ...]  # levers and dials that it turned and that its file does not name

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
        if self.undeclared:
            wrong.append(f"it takes hold of {', '.join(self.undeclared)}, which its file does not declare")
        return wrong

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return {
            "policy": self.policy, **self.chain, "outcome": self.children, "outcome_by_kind": self.outcomes,
            "coverage_0_equals_baseline": self.absent_is_baseline, "nothing_before_it_begins": self.quiet_before,
            "acts": not self.failures, "failures": self.failures,
        }  # fmt: skip


@dataclass
class Pair:
    """What was found out about two policies in force together."""

    policies: tuple[str, str]
    meet_at: tuple[str, ...]  # what both take hold of
    order_matters: bool  # the ledger is another when the second acts first
    as_alone: bool  # each turns every dial as far as it does alone

    @property
    def failures(self) -> list[str]:
        """What is wrong, in words; empty if the pair does as its files say."""
        if self.meet_at:
            return []
        wrong = ["it matters which acts first, though their files name nothing that both take hold of"] if self.order_matters else []
        return wrong if self.as_alone else [*wrong, "together one turns a dial otherwise than alone, though they do not meet"]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return {
            "policies": list(self.policies), "meet_at": list(self.meet_at), "order_of_acting_matters": self.order_matters,
            "each_turns_as_alone": self.as_alone, "failures": self.failures,
        }  # fmt: skip


@dataclass
class More:
    """A mechanical quantity at the low and at the high end of one of a policy's own numbers."""

    number: str  # address
    quantity: str
    sign: int  # 1: must not fall; -1: must not rise
    low: float
    high: float

    @property
    def failures(self) -> list[str]:
        """What is wrong, in words. Neither the same at both ends is a failure (nobody was short of it) nor what is unknown (nan: nobody to count)."""
        wrong = (self.high - self.low) * self.sign < 0
        return [f"{self.quantity} went from {self.low:g} to {self.high:g} as {self.number} went from its low to its high end"] if wrong else []

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        said = {1: "not less", -1: "not more"}[self.sign]
        return {"number": self.number, "quantity": self.quantity, "must_be": said, "low": self.low, "high": self.high, "failures": self.failures}


@dataclass
class Findings:
    """All that was found out."""

    policies: list[Verdict]
    pairs: list[Pair]
    more: list[More]
    file_order_is_nothing: bool  # all policies named forwards and backwards: the same bytes

    @property
    def failures(self) -> list[str]:
        """Every failure, with what it is about."""
        wrong = [f"{each.policy}: {'; '.join(each.failures)}." for each in self.policies if each.failures]
        wrong += [f"{' and '.join(each.policies)}: {'; '.join(each.failures)}." for each in self.pairs if each.failures]
        wrong += [f"{each.number}: {'; '.join(each.failures)}." for each in self.more if each.failures]
        return wrong if self.file_order_is_nothing else [*wrong, "The order in which a scenario names its policies changes what happens."]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return {
            "policies": [each.as_dict() for each in self.policies], "pairs": [each.as_dict() for each in self.pairs],
            "more": [each.as_dict() for each in self.more], "order_in_the_scenario_is_nothing": self.file_order_is_nothing,
            "all_act": not any(each.failures for each in self.policies), "failures": self.failures,
        }  # fmt: skip


def verify(
    names: Iterable[str],
    world: World,
    seed: int = 1,
    days: int = 365,
    tell: Callable[[str, int, int], None] | None = None,
    parameters: Mapping[str, float] | None = None,
    alone_only: bool = False,
) -> Findings:
    """Each policy, in force for `days` after a month of present practice; then each pair, and what more of a number must do.

    All runs share one warm-up. `tell(what, done, all)` hears of every day lived; `parameters` are given to every run. With `alone_only`
    neither pairs nor numbers are tried.
    """
    names = list(names)
    together = min(days, DAYS_TOGETHER)
    pairs = [] if alone_only else list(combinations(sorted(names), 2))
    numbers = [] if alone_only else [(name, number) for name in names for number in every_policy()[name].more]
    begins = world.warm_up_days + MONTH + 1
    last_day = begins + days - 1
    short = MONTH + together
    total = world.warm_up_days + (1 + 2 * len(names)) * (last_day - world.warm_up_days) + (bool(pairs) * (len(names) + 2) + 2 * len(pairs) + 2 * len(numbers)) * short
    live = _Living(tell, total)
    warm = live.to(world.warm_up_days, CountyLines("baseline", world, seed, parameters, days=last_day), "warm-up")
    baseline = live.to(last_day, warm.branch("baseline"), "baseline")
    verdicts = [_verdict(name, begins, warm, baseline, live) for name in names]

    def lived(settings: Mapping[str, Mapping[str, float]], what: str, backwards: bool = False) -> CountyLines:
        model = warm.branch(Scenario(what, policies={name: PolicyUse(name, values, begins) for name, values in settings.items()}))
        if backwards:
            model.policies.reverse()
        return live.to(warm.day + short, model, what)

    found = Findings(verdicts, [], [_more(name, number, lived) for name, number in numbers], True)
    if pairs:
        dials_alone = {name: dials_of(lived({name: done_in_full(name)}, f"{name}, for a while")) for name in names}
        found.pairs = [_pair(pair, lived, dials_alone) for pair in pairs]
        forwards, back = (
            lived({name: done_in_full(name) for name in order}, f"all policies, {how}").ledger.digest()
            for order, how in ((sorted(names), "named forwards"), (sorted(names)[::-1], "named backwards"))
        )
        found.file_order_is_nothing = forwards == back
    return found


def _pair(pair: tuple[str, str], lived: Callable[..., CountyLines], dials_alone: Mapping[str, dict[str, Dial]]) -> Pair:
    both = {name: done_in_full(name) for name in pair}
    first, second = lived(both, " and ".join(pair)), lived(both, f"{pair[1]} before {pair[0]}", backwards=True)
    dials = dials_of(first)
    as_alone = all(
        dial.held_at(name).tobytes() == dials_alone[name][where].held_at(name).tobytes() for where, dial in dials.items() for name in pair
    )
    meet_at = sorted(set.intersection(*(set(every_policy()[name].takes_hold_of) for name in pair)))
    return Pair(pair, tuple(meet_at), first.ledger.digest() != second.ledger.digest(), as_alone)


def _more(name: str, number: str, lived: Callable[..., CountyLines]) -> More:
    """The low end is a twentieth of the range above nothing, so that there is something to compare: of nothing, a share is unknown."""
    quantity, sign = every_policy()[name].more[number]
    low, high = every_policy()[name].declares.declared[number].between
    ends = (low + (high - low) / 20.0, high)
    found = [QUANTITIES[quantity](lived({name: done_in_full(name) | {number: at}}, f"{name}, {number} {at:g}"), name) for at in ends]
    return More(f"policies.{name}.{number}", quantity, sign, *found)


def dials_of(model: CountyLines) -> dict[str, Dial]:
    """Every number of practice that policies may change, by where it is kept: "services.attention"."""
    parts = {name: vars(part) for name, part in vars(model).items() if type(part).__module__ == f"sim.{name}"}
    return {f"{part}.{name}": thing for part, things in parts.items() for name, thing in things.items() if isinstance(thing, Dial)}


# -- mechanical quantities ---------------------------------------------------------------------------------------------------


def _number(event: Event, **bits: int) -> Callable[[CountyLines, str], float]:
    """How many rows there are of an event, with these values of columns."""

    def count(model: CountyLines, name: str) -> float:
        table = model.ledger.table("events")
        return float(np.count_nonzero((table["event"] == event) & _all_of(table, bits)))

    return count


def _all_of(table: Mapping[str, NDArray], values: Mapping[str, int]) -> NDArray[np.bool_]:
    kept = np.ones(len(table["day"]), dtype=bool)
    for column, value in values.items():
        kept &= table[column] == value
    return kept


def _in_time(model: CountyLines, name: str) -> float:
    table = model.ledger.table("events")
    return float(np.count_nonzero((table["event"] == Event.INTERVIEWED) & (table["detail"] & 1 == 1)))


def _criminal(model: CountyLines, name: str) -> float:
    table = model.ledger.table("events")
    since = model.policies[0].begins
    met = (table["event"] == Event.ARRESTED) & (table["day"] > since)
    return float((table["detail"][met] == CRIMINAL).mean()) if met.any() else float("nan")


QUANTITIES: dict[str, Callable[[CountyLines, str], float]] = {
    "occasions changed": lambda model, name: float(model.policies[0].counts["changed"]),
    "signals seen": _number(Event.SIGNAL),
    "signals known to all": lambda model, name: float(len(model.services.known_to_all)),
    "interviews held": _number(Event.INTERVIEWED),
    "interviews within 72 hours": _in_time,
    "children waiting for help": lambda model, name: float(model.ledger.table("stocks")["waiting_for_help"].mean()),
    "placements in specialist foster care": _number(Event.PLACED, cause=SPECIALIST_FOSTER),
    "lines closed": _number(Event.LINE_CLOSED),
    "criminal responses of all": _criminal,
}


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
    turned = full.levers.held_by(name) | {where for where, dial in dials_of(full).items() if (dial.held_at(name) != 1.0).any()}
    undeclared = tuple(sorted(turned - set(every_policy()[name].takes_hold_of)))
    return Verdict(
        name, every_policy()[name].title, {link: int(counts[link]) for link in CHAIN}, outcomes, everyone,
        none.ledger.digest() == baseline.ledger.digest(), _same_until(begins - 1, full, baseline), undeclared,
    )  # fmt: skip


def alone(name: str, coverage: float, begins: int) -> Scenario:
    """A scenario with one policy, from a day on. Raises InputError if the coverage is outside what the policy declares."""
    declared = every_policy()[name].declares.declared["coverage"]
    low, high = declared.between
    if not low <= coverage <= high:
        raise InputError(f"policy {name}: coverage must reach from 0 to 1 to be verified, but is declared from {low:g} to {high:g}.")
    return Scenario(f"{name} at coverage {coverage:g}", policies={name: PolicyUse(name, done_in_full(name) | {"coverage": coverage}, begins)})


def done_in_full(name: str) -> dict[str, float]:
    """Settings of a policy at full coverage and with as many places, beds or moves as its range has: a small town rounds fewer to none."""
    declared = every_policy()[name].declares.declared.values()
    return {"coverage": 1.0} | {p.name: p.between[1] for p in declared if "capacity" in p.doc.lower() and not p.is_uncertain}


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
