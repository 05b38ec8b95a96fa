"""The commands `compare` and `replay`."""

from __future__ import annotations

import glob
import io
import sys
import textwrap
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments import wording
from experiments.measures import HEADLINES, Measure, named
from experiments.options import add_study_options
from experiments.reports.findings import Findings
from experiments.running.progress import progress
from experiments.running.runner import Failure, WorkerDied, cores_for, divide, execute
from experiments.studies.folder import (
    RESULTS,
    Folder,
    checked_name,
    default_name,
    describe_failure,
    differences,
    made_by,
    now,
)
from experiments.studies.study import Study, over_years
from sim.errors import InputError
from sim.scenario import Scenario, check_places, load_scenario, load_world
from sim.terminal import DONE, FAILED, STOPPED, Parser, say, say_json

WIDTH = 80  # characters of the table at the end
HEADS = ("children missing (true)", "children missing (police)", "days missing (true)", "children recruited", "cost, £ million")
READING = (
    "Each figure: mean difference, 95 % interval, and in how many draws it is worse. * the interval excludes no change. Net numbers of invented "
    "children. The intervals hold chance and what is not known about the numbers, not what may be wrong with the model. No finding may be "
    "cited to refuse, delay or end a child's placement or the reporting of a missing child."
)


def add_arguments(parser: Parser) -> None:
    """The options of `compare`."""
    parser.add_argument(
        "scenarios", nargs="+", metavar="SCENARIO", help="names in scenarios/ or paths; the first is what the others are compared with"
    )
    add_study_options(parser, name="made of what is compared", prints="the differences, not a table,")


# -- what is asked -----------------------------------------------------------------------------------------------------------


def study_of(options: Namespace) -> Study:
    """The study that the options ask for. Raises InputError."""
    scenarios = tuple(load_scenario(name) for name in expanded(options.scenarios))
    if len(scenarios) < 2:
        raise InputError(f"compare needs two scenarios or more, the first of which is the comparator; only '{scenarios[0].name}' is given.")
    for number, scenario in enumerate(scenarios):
        if scenario.name in [each.name for each in scenarios[:number]]:
            raise InputError(f"scenario '{scenario.name}' is given twice; each must have a name of its own.")
    world = over_years(load_world(options.world), options.years)
    for scenario in scenarios:
        check_places(scenario, world)
    return Study(scenarios, world, options.replicates, options.seed, options.fixed_parameters)


def expanded(names: Sequence[str]) -> list[str]:
    """Names of scenarios with patterns such as scenarios/*.toml replaced by what they match, for shells that leave that to the program."""
    found: list[str] = []
    for name in names:
        if not glob.has_magic(name) or Path(name).exists():
            found.append(name)
            continue
        matches = sorted(glob.glob(name))
        if not matches:
            raise InputError(f"no scenario file matches '{name}'.")
        found += matches
    return found


# -- doing it ------------------------------------------------------------------------------------------------------------------


def compare(options: Namespace) -> int:
    """Compare scenarios in one world, over replicates, and write a report."""
    study = study_of(options)
    folder = Folder(RESULTS / checked_name(options.name or default_name(study)))
    return carry_out(study, folder, options.command_line, cores_for(study.world, options.cores), as_json=options.json)


def carry_out(study: Study, folder: Folder, command: str, cores: int, *, as_json: bool = False) -> int:
    """Compute what a study lacks, write its folder, and print what was found; returns the exit code."""
    clock, facts = time.monotonic(), made_by(command)
    folder.open(study, facts)
    try:
        computed, failures = _compute(study, folder, cores)
    except KeyboardInterrupt:
        _tell(f"Stopped. {_kept(study, folder)} The same command goes on from there.")
        return STOPPED
    except WorkerDied:
        _tell(
            f"A process of the comparison was ended from outside, perhaps for lack of memory. {_kept(study, folder)} The same command goes "
            f"on from there; --cores {max(1, cores // 2)} would need less memory."
        )
        return FAILED
    facts |= {
        "ended": now(), "seconds": round(time.monotonic() - clock, 1), "cores": cores, "runs_computed": computed,
        "failures": [describe_failure(failure, folder.path) for failure in failures],
    }  # fmt: skip
    findings = Findings(study, folder.read(study)[0], facts)
    folder.write(findings, failures)
    if as_json:
        say_json({"folder": folder.path.as_posix(), "study": study.description(), "differences": differences(findings), "failures": facts["failures"]})
    else:
        show(findings, folder)
    for failed in facts["failures"]:
        _tell(f"A run failed: {failed['scenario']}, seed {failed['seed']}: {failed['error'].splitlines()[0]} To see it: {failed['replay']}")
    return FAILED if failures else DONE


def _compute(study: Study, folder: Folder, cores: int) -> tuple[int, list[Failure]]:
    """Do the runs that are not there yet; how many were done, and those that failed."""
    there, unusable = folder.read(study)
    missing = [run for run in study.distinct_runs if run.key not in there]
    works = divide(missing, study.world, cores)
    _announce(study, len(missing), unusable)
    with progress(sum(work.days for work in works), len(missing)) as tell:
        failures = execute(works, folder.store.folder, cores, tell)
    return len(missing) - len(failures), failures


def _kept(study: Study, folder: Folder) -> str:
    there = sum(folder.store.path(run.key).exists() for run in study.distinct_runs)
    return f"{there} of {wording.count(len(study.distinct_runs), 'run')} are kept in {folder.store.folder.as_posix()}."


# -- while it runs ---------------------------------------------------------------------------------------------------------------


def _tell(text: str) -> None:
    """A line for the reader, not for a program that reads the output."""
    print(text, file=sys.stderr, flush=True)


def _announce(study: Study, missing: int, unusable: Sequence[str]) -> None:
    titles = wording.people([scenario.title for scenario in study.policies])
    _tell(f"Compared with {study.comparator.title}: {titles}.")
    _tell(f"{wording.place(study.world)}, {wording.children(study.world):,} children; warm-up, then {study.whole.label}.")
    distinct = len(study.distinct_runs)
    there = f", {distinct - missing} of them already there" if missing < distinct else ""
    _tell(f"{wording.replicates(study.number, study.draws, chance_only=study.fixed)}: {wording.count(distinct, 'run')}{there}. Ctrl-C is safe.")
    for sentence in unusable:
        _tell(sentence)


# -- what was found --------------------------------------------------------------------------------------------------------------


def show(findings: Findings, folder: Folder) -> None:
    """The table at the end, for somebody who decides about policy."""
    study = findings.study
    measures = [named(name) for name in HEADLINES if name != "children_missing_authority"]
    say()
    chance = "CHANCE ONLY (all parameters fixed). " if study.fixed else ""
    say(f"{chance}Change against {study.comparator.title}, {study.whole.label}")
    say(f"{wording.place(study.world)}; {wording.replicates(study.number, study.draws, chance_only=study.fixed)}")
    levels = [Text(_short(findings.level(study.comparator, each).value, each.unit)) for each in measures]
    blocks = [_block("", [Text(head) for head in HEADS]), _block(f"{study.comparator.title} (comparator)", levels)]
    blocks += [_block(scenario.title, [_cell(findings, scenario, each) for each in measures]) for scenario in study.policies]
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    with console.capture() as drawn:
        console.print(*blocks)
    say("\n".join(line.rstrip() for line in drawn.get().rstrip().split("\n")))
    say()
    for line in textwrap.wrap(READING, WIDTH):
        say(line)
    say()
    say(f"Report: {folder.report.as_posix()}")


def _block(title: str, cells: Sequence[Text]) -> Table:
    """A scenario's figures under its title, in columns that stand under those of the block before."""
    block = Table(title=Text(f"\n{title}") if title else None, title_justify="left", box=None, show_header=False, padding=(0, 0, 0, 1))
    for _ in HEADS:
        block.add_column(justify="right", vertical="bottom" if not title else "top", width=WIDTH // len(HEADS) - 1)
    block.add_row(*cells)
    return block


def _cell(findings: Findings, scenario: Scenario, measure: Measure) -> Text:
    effect = findings.effect(scenario, measure)
    difference = effect.difference
    lines = [_short(difference.value, measure.unit, signed=True) + (" *" if effect.is_separable else "")]
    if difference.low == difference.low:
        lines.append(f"{_short(difference.low, measure.unit, signed=True)} to {_short(difference.high, measure.unit, signed=True)}")
    if effect.harm is not None and effect.harm.draws:
        lines.append(f"worse in {wording.harm(effect.harm)}")
    return Text("\n".join(lines))


def _short(value: float, unit: str, *, signed: bool = False) -> str:
    """A figure for a narrow column, in characters that every terminal has."""
    value = value / 1e6 if unit.startswith("pounds") else value
    text = wording.change(value, "") if signed else wording.number(value)
    return wording.plain(text)
