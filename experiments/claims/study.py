"""Running the claims' studies: what is not there yet is lived, and each difference from *off* is told with its interval.

Every replicate has the same seed and the same draw of all other numbers at each level, so differences are paired. Whether one can be
told from nothing, and whether it goes the way that was expected, is said as it is.
"""

from __future__ import annotations

import csv
import hashlib
import io
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sim
from experiments import wording
from experiments.analyses.effects import Effect, Interval, effect, mean_interval, means
from experiments.claims.claim import Claim, ClaimStudy, Level, Outcome, every_claim
from experiments.claims.page import CONTRADICTED, HOLDS, INSEPARABLE, NO_VALUE, UNCHANGED, page
from experiments.measures import every_measure
from experiments.measures.story import Story, Window
from experiments.options import add_study_options
from experiments.published import crude
from experiments.published.crude import CRUDE
from experiments.running.ledgers import Arm, Tables, each, lived, lived_side_by_side
from experiments.running.runner import begins_in_warm_up, cores_for
from experiments.running.store import Result, Store, Unusable
from experiments.studies.designs import Replicate, fixed_replicates, replicates
from experiments.studies.folder import RESULTS, checked_name
from experiments.studies.study import over_years
from sim.errors import InputError
from sim.ledger import digest
from sim.parameters import every_parameter
from sim.runs import commit, in_a_sentence, plain, run_key, source_digest, write_atomically, write_json
from sim.scenario import load_world
from sim.terminal import DONE, Parser, progress, say, say_json
from sim.world import World

DOCS = Path(sim.__file__).with_name("docs")

# -- running them ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """Which claims, where, and with which replicates."""

    claims: tuple[Claim, ...]
    world: World
    number: int
    seed: int = 1
    fixed: bool = False

    @property
    def studies(self) -> list[ClaimStudy]:
        return [study for claim in self.claims for study in claim.studies]

    @property
    def replicates(self) -> tuple[Replicate, ...]:
        """The same for every level of every study."""
        if self.fixed:
            return fixed_replicates(self.number, seed=self.seed)
        return replicates(self.number, every_parameter(), seed=self.seed)

    @property
    def window(self) -> Window:
        """All days after the warm-up."""
        return Window(self.world.warm_up_days + 1, self.world.days)

    def key(self, arm: Arm, replicate: Replicate) -> str:
        """What names a run of this plan: equal keys, equal results."""
        resolved = arm.scenario.resolved() | {"recoupled": dict(sorted(arm.recoupled.items()))}
        run = run_key(resolved, self.world, replicate.parameters, replicate.seed, self.world.days)
        return hashlib.sha256(" ".join([run, _asked(), *measured()]).encode()).hexdigest()


@cache
def measured() -> tuple[str, ...]:
    """The names of all measures that some claim looks at: they are taken of every run, so that no run is needed twice."""
    return tuple(sorted({outcome.measure.name for claim in every_claim() for study in claim.studies for outcome in study.outcomes}))


@cache
def _asked() -> str:
    """SHA-256 of the program that asks what the store's own stamp does not cover [hex]."""
    return hashlib.sha256(Path(crude.__file__).read_bytes().replace(b"\r\n", b"\n")).hexdigest()


@dataclass(frozen=True)
class Job:
    """Arms of one replicate that can share a warm-up, or one that cannot; their keys, and where to keep the results."""

    arms: tuple[Arm, ...]
    keys: tuple[str, ...]
    world: World
    replicate: Replicate
    folder: Path


def do(job: Job) -> None:
    """Live, measure and store."""
    runs: Iterator[Tables] = lived_side_by_side(job.arms, job.world, job.replicate) if len(job.arms) > 1 else iter([lived(job.arms[0], job.world, job.replicate)])
    window = Window(job.world.warm_up_days + 1, job.world.days)
    known = {measure.name: measure for measure in every_measure()} | CRUDE
    for key, tables in zip(job.keys, runs, strict=True):
        story = Story(tables)
        values = {("claim", window.iso, name): float(known[name].of(story, window)) for name in measured()}
        Store(job.folder).write(Result(key, digest(dict(tables)), values))


def jobs(plan: Plan, folder: Path) -> list[Job]:
    """What is not in the folder yet, the longest first."""
    store, found = Store(folder), []
    for replicate in plan.replicates:
        wanted = {plan.key(arm, replicate): arm for study in plan.studies for arm in study.arms()}
        together: dict[Any, list[tuple[str, Arm]]] = {}
        for key, arm in wanted.items():
            if not _is_there(store, key):
                alone = bool(arm.recoupled) or begins_in_warm_up(arm.scenario, plan.world)
                together.setdefault(key if alone else tuple(sorted(arm.scenario.parameters.items())), []).append((key, arm))
        for some in together.values():
            keys, arms = zip(*some, strict=True)
            found.append(Job(arms, keys, plan.world, replicate, folder))
    return sorted(found, key=lambda job: -len(job.arms))


def _is_there(store: Store, key: str) -> bool:
    try:
        return store.read(key) is not None
    except Unusable:
        return False


def run(plan: Plan, folder: Path, cores: int, tell: Callable[[int, int], None] = lambda done, of: None) -> None:
    """Live what is not in the folder yet. It may be interrupted and goes on from there."""
    left = jobs(plan, folder)
    for _ in each(do, left, cores, lambda done: tell(done, len(left))):
        pass


# -- what was found ---------------------------------------------------------------------------------------------------------------------


class Found:
    """The values of a plan's runs."""

    def __init__(self, plan: Plan, folder: Path):
        self.plan, self.store = plan, Store(folder)
        self.draws = np.array([replicate.draw for replicate in plan.replicates])
        self._values: dict[str, Mapping[Any, float]] = {}

    def values(self, arm: Arm, measure: str) -> NDArray[np.float64]:
        """One value for each replicate."""
        return np.array([self._of(self.plan.key(arm, replicate))["claim", self.plan.window.iso, measure] for replicate in self.plan.replicates])

    def _of(self, key: str) -> Mapping[Any, float]:
        if key not in self._values:
            result = self.store.read(key)
            if result is None:
                raise InputError(f"{self.store.path(key)} is missing; give the same command again.")
            self._values[key] = result.values
        return self._values[key]

    def at(self, study: ClaimStudy, level: Level, measure: str) -> NDArray[np.float64]:
        """The outcome at a level: its value, or, of a study about a policy, what that policy changes there."""
        there = self.values(level.arm(), measure)
        return there if study.effect_of is None else self.values(level.arm(and_also=study.effect_of), measure) - there

    def rows(self) -> list[dict[str, Any]]:
        """Every outcome of every study at every level, as plain data; None where there is no figure."""
        return [row for claim in self.plan.claims for study in claim.studies for outcome in study.outcomes for row in self._rows(claim, study, outcome)]

    def _rows(self, claim: Claim, study: ClaimStudy, outcome: Outcome) -> Iterator[dict[str, Any]]:
        off = self.at(study, study.levels[0], outcome.measure.name)
        for level in study.levels:
            there = self.at(study, level, outcome.measure.name)
            compared = effect(there, off, self.draws, outcome.measure.better, chance_only=self.plan.fixed)
            known = ~np.isnan(there)
            value = mean_interval(means(there[known], self.draws[known])) if known.any() else Interval(np.nan, np.nan, np.nan)
            yield {
                "claim": claim.id, "study": study.id, "level": level.name, "set": level.in_words(), "measure": outcome.measure.name,
                "unit": outcome.measure.unit, "expect": outcome.expect, "by_construction": outcome.by_construction,
                "pairs": compared.pairs, "draws": compared.draws, **_figures("value", value), **_figures("difference", compared.difference),
                "verdict": "" if level.name == "off" else verdict(outcome, compared),
            }  # fmt: skip


def _figures(name: str, interval: Interval) -> dict[str, float | None]:
    ends = {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return {key: float(value) if np.isfinite(value) else None for key, value in ends.items()}


def verdict(outcome: Outcome, compared: Effect) -> str:
    """What a difference from off says of the expectation."""
    difference = compared.difference
    if not compared.pairs or np.isnan(difference.value) or compared.comparator == compared.scenario == 0.0:
        return NO_VALUE
    alike = compared.draws > 1 and difference.value != 0.0 and np.isnan(difference.width)  # which is no chance only in what follows by construction
    separable = compared.is_separable or (alike and outcome.by_construction)
    if outcome.expect == "0":
        return CONTRADICTED if separable else UNCHANGED if difference.width >= 0.0 else INSEPARABLE
    if not separable:
        return INSEPARABLE
    if outcome.expect == "?":
        return "more" if difference.value > 0 else "fewer or less"
    return HOLDS if (difference.value > 0) == (outcome.expect == "+") else CONTRADICTED


# -- the command -------------------------------------------------------------------------------------------------------------------------


def add_arguments(parser: Parser) -> None:
    """The options of `claims`."""
    parser.add_argument("--only", action="append", default=[], metavar="CLAIM", help="such as F3; may be repeated (default: all)")
    parser.add_argument("--docs", action="store_true", help="also write sim/docs/seed_report.md; needs all claims")
    add_study_options(parser, name="claims", prints="what was found")


def claims(options: Namespace) -> int:
    """The seed report's claims as experiments: each mechanism off, weak, strong."""
    plan = plan_of(options)
    cores = cores_for(plan.world, options.cores)
    folder = RESULTS / checked_name(options.name or "-".join(["claims", *(claim.id for claim in plan.claims if options.only)]))
    with in_a_sentence(folder):
        (folder / "runs").mkdir(parents=True, exist_ok=True)
    with progress() as tell:
        run(plan, folder / "runs", cores, lambda done, of: tell("pieces of work", done, of))
    told: dict[str, Any] = {"facts": facts(plan, options.command_line), "rows": Found(plan, folder / "runs").rows()}
    write(plan, told, folder)
    if options.docs:
        write_docs(told)
    if options.json:
        say_json({"folder": folder.as_posix(), **told})
    else:
        say(in_brief(plan, told["rows"]))
        say(f"\nWritten to {folder.as_posix()}: claims.md to read, claims.csv, claims.json." + (f" And to {DOCS / 'seed_report.md'}." if options.docs else ""))
    return DONE


def plan_of(options: Namespace) -> Plan:
    """The plan that the options ask for. Raises InputError."""
    known = {claim.id: claim for claim in every_claim()}
    for id in options.only:
        if id not in known:
            raise InputError(f"--only '{id}' is not known; the claims are {', '.join(known)}.")
    if options.docs and options.only:
        raise InputError("--docs writes the page about all claims, so it cannot be given with --only.")
    chosen = tuple(claim for id, claim in known.items() if not options.only or id in options.only)
    return Plan(chosen, over_years(load_world(options.world), options.years), options.replicates, options.seed, options.fixed_parameters)


def facts(plan: Plan, command: str) -> dict[str, Any]:
    """What a reader needs to know of the runs, and to rebuild them."""
    draws = len({replicate.draw for replicate in plan.replicates})
    return {
        "command": command, "version": sim.__version__, "commit": commit(), "source": source_digest(), "date": datetime.now(UTC).date().isoformat(),
        "world": plan.world.name, "place": wording.place(plan.world), "children": wording.children(plan.world), "days": plan.window.label,
        "replicates": wording.replicates(plan.number, draws, chance_only=plan.fixed), "fixed": plan.fixed,
    }  # fmt: skip


def write(plan: Plan, told: Mapping[str, Any], folder: Path) -> None:
    """The page, the rows as CSV, and both as data."""
    rows = io.StringIO()
    table = csv.DictWriter(rows, list(told["rows"][0]), lineterminator="\n")
    table.writeheader()
    table.writerows(told["rows"])
    write_json(folder / "claims.json", told)
    for name, text in (("claims.csv", rows.getvalue()), ("claims.md", page(plan.claims, told))):
        _write(folder / name, text)


def write_docs(told: Mapping[str, Any]) -> None:
    """The page in sim/docs, and the data that it was made of."""
    write_json(DOCS / "seed_report.json", told)
    _write(DOCS / "seed_report.md", page(every_claim(), plain(told)))


def _write(path: Path, text: str) -> None:
    def to(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8", newline="\n")

    write_atomically(path, to)


def in_brief(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for each claim: how many outcomes went which way at the strong level."""
    lines = []
    for claim in plan.claims:
        strong = [row["verdict"] for row in rows if row["claim"] == claim.id and row["level"] == "strong" and not row["by_construction"]]
        counts = [f"{strong.count(what)} {what}" for what in dict.fromkeys((HOLDS, CONTRADICTED, INSEPARABLE, *strong)) if strong.count(what)]
        lines.append(f"{claim.id}  {', '.join(counts)}")
    return "\n".join(lines)
