"""The commands `sweep` and `extend`: a study file's runs, on this machine, on a cluster, or a shard of them."""

from __future__ import annotations

import argparse
import re
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments import wording
from experiments.running import cluster
from experiments.running.progress import progress
from experiments.running.runner import Failure, Work, WorkerDied, cores_for, divide, execute
from experiments.studies.folder import RESULTS, made_by, now
from experiments.studies.frame import write_frame
from experiments.studies.sampling import METHODS
from experiments.studies.study_file import load_study, refuse_fixed, refuse_same_policies, with_policies
from experiments.studies.sweep_folder import SweepFolder, described
from experiments.studies.sweeps import Sweep
from sim.errors import InputError
from sim.scenario import check_places, load_scenario
from sim.terminal import DONE, FAILED, STOPPED, Parser, note, say, whole_number

DEATHS = 3  # how many times a worker process may be ended from outside before the study ends too


@dataclass(frozen=True)
class Shard:
    """Part `number` of `of` parts. Each has the runs of every so many-th draw, with all scenarios; so no two parts have a run in common,
    nobody must hand out the work, and a part stays what it is when draws or seeds are added.
    """

    number: int = 1
    of: int = 1

    def has(self, turn: int) -> bool:
        """Whether runs of this turn (see `sweeps.Row`) belong to it."""
        return turn % self.of == self.number - 1

    def __str__(self) -> str:
        return f"shard {self.number} of {self.of}"


def shard(text: str) -> Shard:
    """Reads "2/5"."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text, re.ASCII)
    number, of = (int(each) for each in found.groups()) if found else (0, 0)
    if not 1 <= number <= of:
        raise argparse.ArgumentTypeError(f"'{text}' must be a shard and the number of shards, such as 1/4 or 4/4.")
    return Shard(number, of)


# -- what is asked -----------------------------------------------------------------------------------------------------------


def add_arguments(parser: Parser) -> None:
    """The options of `sweep`."""
    parser.add_argument("study", metavar="STUDY", help="a name in experiments/studies/, or the path of a study file")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the study's folder (default: results/ and the name of the study)")
    parser.add_argument("--dry-run", action="store_true", help="say how many runs the study has, and how many are missing; run none")
    _add_common_arguments(parser)


def _add_common_arguments(parser: Parser) -> None:
    parser.add_argument("--cores", type=whole_number(1, 10_000), metavar="N", help="how many processes (default: all cores)")
    parser.add_argument("--shard", type=shard, default=Shard(), metavar="K/N", help="only the K-th of N parts; others may be run anywhere, at any time")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on the Dask cluster with this scheduler, tcp://HOST:PORT or its scheduler file")


def sweep(options: Namespace) -> int:
    """Run what a study file asks for, as far as it is not there yet."""
    study = load_study(options.study)
    folder = SweepFolder(options.out or RESULTS / study.name)
    if options.dry_run:
        return announce(study, folder)
    return carry_out(study, folder, options)


def add_extend_arguments(parser: Parser) -> None:
    """The options of `extend`."""
    parser.add_argument("folder", type=Path, help="the folder of a study, such as results/NAME")
    parser.add_argument("--seeds", type=whole_number(1, 100_000), metavar="N", help="so many seeds for each draw, with those that are there")
    parser.add_argument("--draws", type=whole_number(2, 1_000_000), metavar="N", help="so many draws (samples, trajectories), with those that are there")
    parser.add_argument("--scenarios", nargs="+", default=[], metavar="SCENARIO", help="further scenarios, by name or path")
    parser.add_argument("--policies", nargs="+", default=[], metavar="POLICY", help="further policies, each with the comparator; NAME+NAME for several at once")
    _add_common_arguments(parser)


def extend(options: Namespace) -> int:
    """Add seeds, draws, scenarios or policies to a study, or with none of them go on where it was stopped."""
    folder = SweepFolder(options.folder)
    study = folder.study()
    added = [load_scenario(name) for name in options.scenarios]
    added += [with_policies(study.comparator, text, "--policies") for text in options.policies]
    if options.draws is not None and study.design.method == "sobol" and options.draws & (options.draws - 1):
        raise InputError(f"--draws is {options.draws}, but a Sobol sequence is even only at powers of two.")
    grown = study.extended(seeds=options.seeds, size=options.draws, scenarios=added)
    if added:
        refuse_same_policies([scenario.name for scenario in grown.scenarios], folder.path.as_posix())
    for scenario in added:
        check_places(scenario, study.world)
    refuse_fixed(grown, folder.path.as_posix())
    return carry_out(grown, folder, options)


# -- doing it ------------------------------------------------------------------------------------------------------------------


def announce(study: Sweep, folder: SweepFolder) -> int:
    """Say what a study would run."""
    _introduce(study)
    there, _ = folder.there(list(study.distinct)) if folder.store.folder.is_dir() else (set(), [])
    say(f"{len(study.distinct):,} different runs, {len(there):,} of them there already; {len(study.distinct) - len(there):,} would be computed.")
    return DONE


def carry_out(study: Sweep, folder: SweepFolder, options: Namespace) -> int:
    """Compute what a shard of a study lacks, gather the frame, and say what there is; returns the exit code."""
    clock, facts = time.monotonic(), made_by(options.command_line)
    with _executing(options, study) as (run_all, at_once):
        changed = folder.open(study, facts)
        _introduce(study)
        for sentence in changed:
            note(sentence)
        mine = [row.run.key for row in study.distinct.values() if options.shard.has(row.turn)]
        try:
            computed, failures = _compute(study, folder, mine, options.shard, run_all, at_once)
        except KeyboardInterrupt:
            note(f"Stopped. {_kept(folder, mine)} The same command goes on from there.")
            return STOPPED
        except WorkerDied:
            note(f"Processes of the study were ended from outside, {DEATHS} times, perhaps for lack of memory. {_kept(folder, mine)} The same command goes on from there; fewer --cores need less memory.")
            return FAILED
    frame = write_frame(folder)
    there = set(frame.column("key").to_pylist()) & set(study.distinct)
    folder.forgive(sorted(there))
    failed, total = folder.told_of_failures(), len(study.distinct)
    state = "complete" if len(there) == total else "failed" if failed else "running"
    told = folder.told()
    more = {"ended": now(), "seconds": round(time.monotonic() - clock, 1), "runs": total, "runs_there": len(there), "runs_computed": computed, "failures": [each["key"] for each in failed]}
    if told["study"] == described(study):
        folder.write_study(study, facts, state, **more)
    else:
        note(f"{folder.path.as_posix()} was meanwhile extended by another command, and {folder.info.name} stays as that one wrote it.")
    _conclude(study, folder, there, failures)
    return FAILED if failures else DONE


@contextmanager
def _executing(options: Namespace, study: Sweep) -> Iterator[tuple[Any, int]]:
    """What does pieces of work, and how many at once."""
    if options.dask:
        with cluster.connected(options.dask) as client:
            number = cluster.threads(client)
            note(f"Dask at {options.dask}: {wording.count(number, 'thread')} of workers so far.")
            yield lambda works, folder, tell, failed: cluster.execute(works, folder, client, tell, failed), number
    else:
        cores = cores_for(study.world, options.cores)
        yield lambda works, folder, tell, failed: execute(works, folder, cores, tell, failed), cores


def _compute(study: Sweep, folder: SweepFolder, mine: Sequence[str], part: Shard, run_all: Any, at_once: int) -> tuple[int, list[Failure]]:
    """Do the runs of a shard that are not there yet; how many were done, and those that failed."""
    deaths = 0
    while True:
        works, missing = _left(study, folder, mine, at_once, part if not deaths else None)
        try:
            with progress(sum(work.days for work in works), missing) as tell:
                failures = run_all(works, folder.store.folder, tell, folder.failed)
            return missing - len(failures), failures
        except WorkerDied:
            deaths += 1
            if deaths == DEATHS:
                raise
            note("A process of the study was ended from outside, perhaps for lack of memory; what it was doing is done again.")


def _left(study: Sweep, folder: SweepFolder, mine: Sequence[str], at_once: int, part: Shard | None) -> tuple[list[Work], int]:
    """What is still to be done, which is said for a `part`; and how many runs that is."""
    there, unusable = folder.there(mine)
    missing = [study.distinct[key].run for key in mine if key not in there]
    for sentence in unusable:
        note(sentence)
    if part is not None:
        of = "" if part.of == 1 else f" of {part}"
        already = f", {len(there):,} of them already there" if there else ""
        note(f"{wording.count(len(mine), 'different run')}{of}{already}. Ctrl-C is safe.")
        before = {each["key"] for each in folder.told_of_failures()} & {run.key for run in missing}
        if before:
            note(f"{wording.count(len(before), 'run')} failed before and will be tried again.")
            folder.forgive(sorted(before))
    return divide(missing, study.world, at_once), len(missing)


def _kept(folder: SweepFolder, mine: Sequence[str]) -> str:
    names = folder.names()
    there = sum(folder.store.path(key).name in names for key in mine)
    return f"{there} of {wording.count(len(mine), 'run')} are kept in {folder.store.folder.as_posix()}."


def _introduce(study: Sweep) -> None:
    """What the study is."""
    method = METHODS[study.design.method]
    note(f"{study.title}: {wording.people([scenario.title or scenario.name for scenario in study.scenarios])}.")
    note(f"{wording.place(study.world)}, {wording.children(study.world):,} children; warm-up, then {study.whole.label}.")
    structures = f", {wording.count(len(study.structures), 'structure')}" if study.structure else ""
    own = "the same for every draw" if study.common_seeds else "each draw its own"
    seeds = f"{wording.count(study.seeds, 'seed')} for each ({own})"
    note(f"{method.title}: {wording.count(len(study.inputs), 'uncertain number')} and a dummy, {wording.count(len(study.draws.values), 'draw')}{structures}, {seeds}.")


def _conclude(study: Sweep, folder: SweepFolder, there: set[str], failures: Sequence[Failure]) -> None:
    total = len(study.distinct)
    for failure in failures:
        told = folder.described(failure)
        note(f"A run failed: {told['scenario']}, seed {told['seed']}: {told['error'].splitlines()[0]} To see it: {told['replay']}")
    say(f"{len(there):,} of {wording.count(total, 'run')} are in {folder.path.as_posix()}" + (", all that the study asks for." if len(there) == total else "."))
    say(f"In Python: experiments.open_frame({folder.path.as_posix()!r}); in other programs: {(folder.path / 'frame.parquet').as_posix()}")
