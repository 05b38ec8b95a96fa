"""Which of two scenarios is better: pairs of runs, until that is settled or no longer worth its price.

Each pair has a seed of its own and, unless parameters are fixed, an independent draw of the uncertain numbers. After every pair the
mean difference has an interval that holds at all times together (see `analyses.sequence`), so one may stop at the first that settles
it. The order of pairs is fixed; on how many processes they ran, or where one went on after a stop, changes nothing.
"""

from __future__ import annotations

import csv
import io
import math
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from experiments import wording
from experiments.analyses.sequence import SoFar, confidence_sequence, pairs_until
from experiments.measures import Measure, every_measure, named
from experiments.options import add_study_options
from experiments.running.progress import progress
from experiments.running.runner import Failure, cores_for, divide, execute
from experiments.running.store import Result
from experiments.studies.designs import Replicate, fixed_replicates
from experiments.studies.folder import (
    LONGEST_NAME,
    RESULTS,
    Folder,
    checked_name,
    describe_failure,
    made_by,
    now,
    read_json,
)
from experiments.studies.study import Run, Study, over_years
from sim import every_parameter
from sim.draws import Draws
from sim.errors import InputError
from sim.parameters import nearest
from sim.runs import write_atomically, write_json
from sim.scenario import check_places, load_scenario, load_world
from sim.terminal import DONE, FAILED, STOPPED, Parser, note, positive_number, say, say_json, whole_number

FIRST = 16  # pairs before one looks for the first time: the interval has no bounds sooner
GROWTH = 4  # then a quarter more at a time


def add_arguments(parser: Parser) -> None:
    """The options of `settle`."""
    parser.add_argument("a", metavar="A", help="a scenario, by name in scenarios/ or by path")
    parser.add_argument("b", metavar="B", help="the scenario that it is held against")
    parser.add_argument("--measure", default="children_missing", metavar="M", help="by which measure (default: %(default)s)")
    parser.add_argument("--difference", type=positive_number, default=0.0, metavar="D", help="the smallest difference that matters: end as well once it is known to be smaller")
    parser.add_argument("--most-pairs", type=whole_number(2, 100_000), default=200, metavar="N", help="the price: no more pairs than these (default: %(default)s)")
    add_study_options(parser, name="made of what is asked", prints="the verdict", world="town", without={"replicates"})


@dataclass(frozen=True)
class Pairs(Study):
    """A study of two scenarios whose replicates are independent of one another, as intervals that hold at any time need."""

    @cached_property
    def replicates(self) -> tuple[Replicate, ...]:
        """Pair k has seed `seed` + k and draw k."""
        if self.fixed:
            return fixed_replicates(self.number, seed=self.seed)
        return tuple(Replicate(k, self.seed + k, k, drawn(self.seed, k)) for k in range(self.number))

    @cached_property
    def runs_of_fit(self) -> tuple[Run, ...]:
        """None: nothing is compared with published figures here."""
        return ()

    def description(self) -> dict[str, Any]:
        """What was asked, as plain data."""
        return super().description() | {"settles": [scenario.name for scenario in self.scenarios]}

    def of(self, number: int) -> Pairs:
        """The same with so many pairs."""
        return Pairs(self.scenarios, self.world, number, self.seed, self.fixed)


@cache
def drawn(seed: int, pair: int) -> dict[str, float | int]:
    """The uncertain numbers of one pair, each from its declared distribution, independent of one another and of other pairs."""
    draws = Draws(seed)
    return {each.address: each.quantile(draws.one_uniform(f"pair.{each.address}", pair)) for each in every_parameter() if each.is_uncertain}


@dataclass(frozen=True)
class Pair:
    """One pair that has a difference."""

    replicate: Replicate
    a: float
    b: float

    @property
    def difference(self) -> float:
        return self.a - self.b


@dataclass(frozen=True)
class Question:
    """By which measure, and which difference matters."""

    study: Pairs
    measure: Measure
    difference: float
    most: int

    def pairs(self, results: Mapping[str, Result]) -> list[Pair]:
        """The pairs of which both runs are there and have a value, in order."""
        key = ("measure", self.study.whole.iso, self.measure.name)
        values = {(run.replicate.number, run.scenario.name): results[run.key].values.get(key, math.nan) for run in self.study.runs if run.key in results}
        a, b = (scenario.name for scenario in self.study.scenarios)
        pairs = [Pair(each, values.get((each.number, a), math.nan), values.get((each.number, b), math.nan)) for each in self.study.replicates]
        return [pair for pair in pairs if not math.isnan(pair.difference)]

    def is_answered(self, so_far: SoFar) -> bool:
        """Whether it is settled, or the difference known to be too small to matter."""
        return so_far.is_settled or so_far.is_within(self.difference)

    def course(self, pairs: Sequence[Pair]) -> list[SoFar]:
        """The interval after each pair, up to the first that answers the question."""
        course = []
        for so_far in confidence_sequence([pair.difference for pair in pairs]):
            course.append(so_far)
            if self.is_answered(so_far):
                break
        return course


def settle(options: Namespace) -> int:
    """Run pairs of two scenarios until it is settled which is better, or no longer worth its price."""
    question = _question(options)
    study = question.study
    years = f"{round(study.whole.days / 365.25)}y"
    also = (["fixed"] if study.fixed else []) + ([f"seed{study.seed}"] if study.seed != 1 else [])
    name = "-".join(["settle", study.world.name, years, *(scenario.name for scenario in study.scenarios), *also])[:LONGEST_NAME]
    folder = Folder(RESULTS / checked_name(options.name or name))
    return carry_out(question, folder, options.command_line, cores_for(study.world, options.cores), as_json=options.json)


def _question(options: Namespace) -> Question:
    """What the options ask. Raises InputError."""
    a, b = (load_scenario(name) for name in (options.a, options.b))
    if a.name == b.name:
        raise InputError(f"scenario '{a.name}' is given twice; settle needs two.")
    known = [measure.name for measure in every_measure()]
    if options.measure not in known:
        raise InputError(f"--measure '{options.measure}' is not known; {nearest(options.measure, known)}.")
    world = over_years(load_world(options.world), options.years)
    for scenario in (a, b):
        check_places(scenario, world)
    return Question(Pairs((a, b), world, 0, options.seed, options.fixed_parameters), named(options.measure), options.difference, options.most_pairs)


def carry_out(question: Question, folder: Folder, command: str, cores: int, *, as_json: bool = False) -> int:
    """Run pairs until the question is answered, write the folder, and say the verdict; returns the exit code."""
    there = read_json(folder.path / "study.json")
    asked_there = (there or {}).get("study")
    if there is not None and not (isinstance(asked_there, dict) and "settles" in asked_there):
        raise InputError(f"{folder.path} holds a comparison that `settle` did not make; give this one another --name.")
    facts, failures, pairs, course = made_by(command), dict[str, Failure](), list[Pair](), list[SoFar]()
    a, b = (scenario.name for scenario in question.study.scenarios)
    note(f"{a} less {b}: {question.measure.label} [{question.measure.unit}], {wording.place(question.study.world)}, {question.study.whole.label}; at most {question.most:,} pairs. Ctrl-C is safe.")
    number = 0
    while number < question.most and not (course and question.is_answered(course[-1])):
        number = min(question.most, max(FIRST, number + max(cores, number // GROWTH)))
        asked = Question(question.study.of(number), question.measure, question.difference, question.most)
        try:
            failures |= _run(asked.study, folder, facts, cores, set(failures))
        except KeyboardInterrupt:
            note(f"Stopped after {len(course)} pairs. The same command goes on from there.")
            return STOPPED
        results, _ = folder.read(asked.study)
        pairs = asked.pairs(results)
        course = asked.course(pairs)
        if not (course and question.is_answered(course[-1])) and number < question.most:
            note(wording.plain(said_so_far(question, course)))
    verdict = said(question, course)
    _write(asked, folder, facts, pairs, course, verdict, list(failures.values()))
    if as_json:
        say_json(described(question, course, verdict) | {"folder": folder.path.as_posix()})
    else:
        say(wording.plain(verdict))
        say(f"Pairs: {(folder.path / 'pairs.csv').as_posix()}")
    for failure in failures.values():
        told = describe_failure(failure, folder.path)
        note(f"A run failed: {told['scenario']}, seed {told['seed']}: {told['error'].splitlines()[0]} To see it: {told['replay']}")
    return FAILED if failures else DONE


def _run(study: Pairs, folder: Folder, facts: Mapping[str, Any], cores: int, failed: set[str]) -> dict[str, Failure]:
    """Do the runs that are not there yet, but for those that failed before; the failures by key."""
    folder.open(study, facts)
    _write_readme(folder, facts["command"])
    there, unusable = folder.read(study)
    for sentence in unusable:
        note(sentence)
    missing = [run for run in study.distinct_runs if run.key not in there and run.key not in failed]
    works = divide(missing, study.world, cores)
    with progress(sum(work.days for work in works), len(missing)) as tell:
        return {failure.run.key: failure for failure in execute(works, folder.store.folder, cores, tell)}


# -- in words ------------------------------------------------------------------------------------------------------------------


def said_so_far(question: Question, course: Sequence[SoFar]) -> str:
    """How it stands, and how many pairs more it will take if it stays so."""
    a, b = (scenario.name for scenario in question.study.scenarios)
    if not course:
        return "No pair has a value yet."
    so_far = course[-1]
    begin = f"After {wording.count(so_far.pairs, 'pair')}: {a} less {b} is {wording.change(so_far.interval.value, question.measure.unit)}"
    if math.isinf(so_far.interval.high):
        return f"{begin}; too few to say more." if so_far.deviation else f"{begin}; the pairs do not differ among themselves."
    until = pairs_until(so_far, 100 * question.most, question.difference)
    more = f"about {until - so_far.pairs:,} more" if until and until <= question.most else f"more than the {question.most:,} allowed"
    return f"{begin} ({wording.span(so_far.interval, question.measure.unit)}); {more} would settle it if it stays so."


def said(question: Question, course: Sequence[SoFar]) -> str:
    """The verdict: who beats whom after how many pairs, or that it cannot be told at this price."""
    a, b = (scenario.name for scenario in question.study.scenarios)
    unit, label = question.measure.unit, question.measure.label
    if not course:
        return f"Nothing can be said: no pair of {a} and {b} has a value of {label}."
    so_far = course[-1]
    pairs, matters = wording.count(so_far.pairs, "pair"), wording.figure(question.difference, unit)
    if math.isinf(so_far.interval.high):
        told = "they are too few for an interval" if so_far.deviation else f"the difference is {wording.change(so_far.interval.value, unit)} in every pair"
        return f"{a} and {b} are not separable within {pairs}; {told}."
    between = f"between {wording.change(so_far.interval.low, unit)} and {wording.change(so_far.interval.high, unit)}"
    if so_far.is_settled:
        is_less = so_far.interval.value < 0.0
        first, other = (a, b) if question.measure.better == ("fewer" if is_less else "more") else (b, a)
        verdict = f"{first} beats {other} after {pairs}" if question.measure.better else f"{a} has {'less' if is_less else 'more'} than {b} after {pairs}"
        also = f", but by less than {matters}" if so_far.is_within(question.difference) else ""
        return f"{verdict}{also}: {label}, {a} less {b}, is {wording.change(so_far.interval.value, unit)}, {between}."
    if so_far.is_within(question.difference):
        return f"{a} and {b} differ by less than {matters} after {pairs}: {label}, {a} less {b}, is {between}."
    until = pairs_until(so_far, 1000 * question.most, question.difference)
    price = f" About {until:,} pairs would settle it if it stays so." if until else " No number of pairs worth paying for would settle it if it stays so."
    return f"{a} and {b} are not separable within {pairs}; the difference ({label}, {a} less {b}) is {between}.{price}"


def described(question: Question, course: Sequence[SoFar], verdict: str) -> dict[str, Any]:
    """The verdict as plain data."""
    a, b = (scenario.name for scenario in question.study.scenarios)
    last = course[-1] if course else None
    interval = last.interval if last and not math.isinf(last.interval.high) else None
    return {
        "verdict": verdict, "a": a, "b": b, "measure": question.measure.name, "unit": question.measure.unit, "better": question.measure.better,
        "smallest_difference_that_matters": question.difference or None, "most_pairs": question.most, "pairs": last.pairs if last else 0,
        "is_settled": bool(last and question.is_answered(last)), "difference": last.interval.value if last else None,
        "low_95_at_any_time": interval.low if interval else None, "high_95_at_any_time": interval.high if interval else None,
    }  # fmt: skip


# -- files -----------------------------------------------------------------------------------------------------------------------


def _write(
    question: Question, folder: Folder, facts: Mapping[str, Any], pairs: Sequence[Pair], course: Sequence[SoFar], verdict: str,
    failures: Sequence[Failure],
) -> None:  # fmt: skip
    """All that was found."""
    a, b = (scenario.name for scenario in question.study.scenarios)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["pair", "seed", a, b, "difference", "mean_difference", "low_95_at_any_time", "high_95_at_any_time"])
    for pair, so_far in zip(pairs, course, strict=False):  # what was run beyond the answer is not part of it
        ends = ("", "") if math.isinf(so_far.interval.high) else (so_far.interval.low, so_far.interval.high)
        writer.writerow([so_far.pairs, pair.replicate.seed, pair.a, pair.b, pair.difference, so_far.interval.value, *ends])
    _put(folder.path / "pairs.csv", text.getvalue())
    write_json(folder.path / "settled.json", described(question, course, verdict))
    state = "failed" if failures else "complete"
    folder.write_study(question.study, {**facts, "ended": now()}, folder.read(question.study)[0], failures, state)


def _write_readme(folder: Folder, command: str) -> None:
    _put(
        folder.path / "README.md",
        f"""# Which of two scenarios is better

To rebuild it, with the version and commit that `study.json` names:

    {command}

`settled.json` has the verdict; `pairs.csv` each pair with the interval after it, which holds at all times together; `study.json` what was
asked and the key and digest of every run; `scenarios/` both scenarios and the world as they were used; `replicates.csv` the seeds and
parameter draws; `runs/` one small file for each run.

All children are invented. No finding may be cited to refuse, delay or end a child's placement or the reporting of a missing child.
""",
    )


def _put(path: Path, text: str) -> None:
    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8", newline="\n")

    write_atomically(path, write)
