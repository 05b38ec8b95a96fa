"""The seed report's claims, and the small studies that would show whether they hold in the model.

The claims stand in `claims.toml`: our words, where each lives in the code, on what evidence, its studies, and for every outcome what one
would expect if the claim were true. That expectation is a hypothesis. A study has a mechanism or policy off, weak and strong.
`study` runs them, `page` tells of them.
"""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from experiments.measures import Measure, every_measure
from experiments.published.crude import CRUDE
from experiments.running.ledgers import Arm
from sim.parameters import every_parameter, nearest
from sim.policies import every_policy
from sim.scenario import PolicyUse, Scenario
from sim.sources import resolve

FILE = Path(__file__).with_name("claims.toml")
LEVELS = ("off", "weak", "strong")
EXPECTED = {"+": "more", "-": "fewer or less", "0": "the same", "?": "either"}


@dataclass(frozen=True)
class Outcome:
    """What is looked at, and which way it should go from off to strong if the claim were true."""

    measure: Measure
    expect: str
    by_construction: bool


@dataclass(frozen=True)
class Level:
    """How strong a mechanism or policy is: what is set, and which decisions look their chance up elsewhere."""

    name: str
    numbers: Mapping[str, float]
    policies: Mapping[str, Mapping[str, float]]
    recoupled: Mapping[str, int]

    def arm(self, *, and_also: Mapping[str, Mapping[str, float]] | None = None) -> Arm:
        """The runs of this level; `and_also` names policies that are in force beside its own."""
        uses = {name: PolicyUse(name, settings) for name, settings in {**self.policies, **(and_also or {})}.items()}
        return Arm(self.name, Scenario(self.name, policies=uses, parameters=dict(self.numbers)), self.recoupled)

    def in_words(self) -> str:
        """What is set."""
        parts = [f"{address} {value:g}" for address, value in self.numbers.items()]
        parts += [" ".join([name, *(f"{key} {value:g}" for key, value in settings.items())]) for name, settings in self.policies.items()]
        parts += [f"{decision} shuffled" for decision in self.recoupled]
        return "; ".join(parts) or "present practice"


@dataclass(frozen=True)
class ClaimStudy:
    """One study of a claim: three levels, and the outcomes that would show it."""

    id: str
    title: str
    levels: tuple[Level, ...]
    outcomes: tuple[Outcome, ...]
    effect_of: Mapping[str, Mapping[str, float]] | None

    def arms(self) -> list[Arm]:
        """Every arm that it needs."""
        arms = [level.arm() for level in self.levels]
        return arms + ([level.arm(and_also=self.effect_of) for level in self.levels] if self.effect_of else [])


@dataclass(frozen=True)
class Claim:
    """A claim of the seed report, or a placebo run, in our words."""

    id: str
    words: str
    modules: tuple[str, ...]
    numbers: tuple[str, ...]
    sources: tuple[str, ...]
    evidence: str
    studies: tuple[ClaimStudy, ...]

    @property
    def kind(self) -> str:
        return {"F": "Finding", "R": "Recommendation", "P": "Placebo run"}[self.id[0]]


# -- reading them ----------------------------------------------------------------------------------------------------------------------


@cache
def every_claim() -> tuple[Claim, ...]:
    """All claims, in the order of the file. Raises ValueError where it names what is not there."""
    data = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return tuple(_claim(written) for written in data["claim"])


def _claim(written: Mapping[str, Any]) -> Claim:
    known = {each.address for each in every_parameter()}
    for module in written["modules"]:
        importlib.import_module(module)
    for address in written["numbers"]:
        if address not in known:
            raise ValueError(f"{FILE.name}, {written['id']}: parameter '{address}' is not known; {nearest(address, known)}.")
    resolve(";".join(written["sources"]))
    return Claim(
        written["id"], written["words"], tuple(written["modules"]), tuple(written["numbers"]), tuple(written["sources"]), written["evidence"],
        tuple(_study(study) for study in written["study"]),
    )  # fmt: skip


def _study(written: Mapping[str, Any]) -> ClaimStudy:
    levels = tuple(_level(name, written[name], written["id"]) for name in LEVELS)
    outcomes = tuple(_outcome(outcome, written["id"]) for outcome in written["outcomes"])
    return ClaimStudy(written["id"], written["title"], levels, outcomes, _policies(written.get("effect_of"), written["id"]))


def _level(name: str, written: Mapping[str, Any], study: str) -> Level:
    numbers = {address: _number(address, value, study) for address, value in written.get("numbers", {}).items()}
    return Level(name, numbers, _policies(written.get("policies", {}), study) or {}, written.get("recoupled", {}))


def _number(address: str, value: Any, study: str) -> float:
    """A number as written, or as "low", "high" or "declared" name it; always within its range."""
    known = {each.address: each for each in every_parameter()}
    if address not in known:
        raise ValueError(f"{FILE.name}, {study}: parameter '{address}' is not known; {nearest(address, known)}.")
    parameter = known[address]
    named = {"low": parameter.between[0], "high": parameter.between[1], "declared": parameter.value}
    return parameter.check(named.get(value, value) if isinstance(value, str) else value, where=f"{FILE.name}, {study}: ")


def _policies(written: Mapping[str, Any] | None, study: str) -> Mapping[str, Mapping[str, float]] | None:
    if written is None:
        return None
    for name in written:
        if name not in every_policy():
            raise ValueError(f"{FILE.name}, {study}: policy '{name}' is not known; {nearest(name, every_policy())}.")
    return {name: {key: _number(f"policies.{name}.{key}", value, study) for key, value in settings.items()} for name, settings in written.items()}


def _outcome(written: Mapping[str, Any], study: str) -> Outcome:
    known = {measure.name: measure for measure in every_measure()} | CRUDE
    if written["measure"] not in known:
        raise ValueError(f"{FILE.name}, {study}: measure '{written['measure']}' is not known; {nearest(written['measure'], known)}.")
    if written["expect"] not in EXPECTED:
        raise ValueError(f"{FILE.name}, {study}: expect is {written['expect']!r}, but must be one of {', '.join(EXPECTED)}.")
    return Outcome(known[written["measure"]], written["expect"], written.get("by_construction", False))
