"""The runner: computes the runs that a study lacks, on all cores, and stores each as soon as it has ended.

The runs of one replicate share their warm-up: it is lived once, and each scenario goes on from a copy. A piece of work is one
replicate with some of its scenarios: all of them where there are replicates enough for every core, fewer where cores would idle,
although each piece then lives the warm-up for itself.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from experiments.running.measuring import measure_run
from experiments.running.store import Result, Store
from experiments.studies.study import Run
from sim import CountyLines, InputError, Scenario, World, memory
from sim.runs import source_digest
from sim.terminal import note
from sim.workers import leave_ctrl_c

SOON = 0.2  # seconds between two looks at how far the workers are


@dataclass(frozen=True)
class Failure:
    """A run that failed, and why."""

    run: Run
    error: str
    trace: str


class Done(NamedTuple):
    """How far all work is."""

    days: int
    runs: int


class Keeps(Protocol):
    """Where results go: a store, or what sends them to one."""

    def write(self, result: Result) -> None:
        """Keep a run."""


class WorkerDied(Exception):
    """A worker process was ended from outside, most often for lack of memory."""


class Stopped(Exception):
    """The work was asked to end early; what had been stored stays."""


@dataclass(frozen=True)
class Work:
    """Runs of one replicate, done one after the other by one process."""

    world: World
    runs: tuple[Run, ...]

    def sharing(self) -> Iterator[tuple[Run, ...]]:
        """The runs by whether they can share a warm-up: the same parameters, and no policy within it."""

        def kind(run: Run) -> tuple[bool, list]:
            return begins_in_warm_up(run.scenario, self.world), sorted(run.scenario.parameters.items())

        for (is_early, _), group in groupby(sorted(self.runs, key=kind), kind):
            runs = tuple(group)
            yield from ((run,) for run in runs) if is_early else (runs,)

    @property
    def days(self) -> int:
        """How many days have to be lived, shared ones once."""
        warm_up = self.world.warm_up_days
        return sum(warm_up + len(runs) * (self.world.days - warm_up) for runs in self.sharing())


def begins_in_warm_up(scenario: Scenario, world: World) -> bool:
    """Whether a policy begins so early that the scenario cannot share a warm-up with others."""
    return any(use.begins is not None and use.begins <= world.warm_up_days for use in scenario.policies.values())


# -- dividing the work -----------------------------------------------------------------------------------------------------


def divide(runs: Iterable[Run], world: World, cores: int) -> list[Work]:
    """Pieces of work, longest first, such that `cores` processes end soonest."""
    replicates: dict[tuple[int, int], list[Run]] = {}
    for run in runs:
        replicates.setdefault((run.replicate.seed, run.replicate.draw if run.replicate.parameters else -1), []).append(run)
    most = max((len(runs) for runs in replicates.values()), default=0)
    parts_worth_trying = range(1, min(most, cores) + 1)
    ways = [[Work(world, part) for runs in replicates.values() for part in _parts(runs, parts)] for parts in parts_worth_trying]
    best = min(ways, key=lambda works: makespan([work.days for work in works], cores), default=[])
    return sorted(best, key=lambda work: -work.days)


def _parts(runs: Sequence[Run], parts: int) -> Iterator[tuple[Run, ...]]:
    """The runs in so many nearly equal parts, none of them empty."""
    parts = min(parts, len(runs))
    for k in range(parts):
        yield tuple(runs[k * len(runs) // parts : (k + 1) * len(runs) // parts])


def makespan(lengths: Sequence[int], cores: int) -> int:
    """When the last core ends, if each takes the longest piece left."""
    busy = [0] * cores
    for length in sorted(lengths, reverse=True):
        busy[busy.index(min(busy))] += length
    return max(busy)


def cores_here() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores_for(world: World, asked: int | None) -> int:
    """How many processes to use: as many as asked for, else one for each core; fewer where memory would not suffice, which is said.

    Raises InputError if it would not suffice for one.
    """
    cores, said = memory.processes(world, world.days, asked or cores_here())
    if said:
        note(said)
    return cores


# -- doing it ----------------------------------------------------------------------------------------------------------------


class Report:
    """Where a piece of work says how far it is, and asks whether it should stop. Each has its own slot, so none needs a lock."""

    def __init__(self, slot: int, days: Any, runs: Any, stop: Any, tell: Callable[[], None] = lambda: None):
        self.slot, self.days, self.runs, self.stop, self.tell = slot, days, runs, stop, tell

    def lived(self, days: int) -> None:
        """So many days more. Raises Stopped if the work should stop."""
        self.days[self.slot] += days
        self.tell()
        if self.stop.value:
            raise Stopped

    def ended(self, runs: int = 1) -> None:
        """So many runs more have ended."""
        self.runs[self.slot] += runs
        self.tell()


def do(work: Work, store: Keeps, report: Report) -> list[Failure]:
    """Live, measure and store the runs of a piece of work. A run that fails is returned, and the others go on.

    Raises InputError where a run cannot be stored, since no other could be.
    """
    failures = []
    for runs in work.sharing():
        try:
            first = _warmed_up(work, runs, report)
        except Stopped:
            raise
        except Exception as error:
            failures += [_failure(run, error) for run in runs]
            report.ended(len(runs))
            continue
        for run in runs:
            try:
                result = measure_run(_live(first.branch(run.scenario) if len(runs) > 1 else first, report), run.key)
            except Stopped:
                raise
            except Exception as error:
                failures.append(_failure(run, error))
            else:
                store.write(result)
            report.ended()
            gc.collect()  # a model that has ended holds itself in circles, and the next one needs the room
    return failures


def _warmed_up(work: Work, runs: Sequence[Run], report: Report) -> CountyLines:
    """The model of a run's first day, or, where several share it, at the end of the warm-up."""
    scenario, replicate = runs[0].scenario, runs[0].replicate
    if len(runs) > 1:
        scenario = Scenario("warm-up", parameters=scenario.parameters)
    model = CountyLines(scenario, work.world, replicate.seed, replicate.parameters)
    return _live(model, report, work.world.warm_up_days) if len(runs) > 1 else model


def _live(model: CountyLines, report: Report, last: int | None = None) -> CountyLines:
    """Live until the evening of a day, else of the last."""
    last = model.last_day if last is None else last
    while model.day < last:
        model.run_to(model.day + 1)
        report.lived(1)
    return model


def _failure(run: Run, error: Exception) -> Failure:
    return Failure(run, f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))


def execute(
    works: Sequence[Work], folder: Path, cores: int, tell: Callable[[Done], None], failed: Callable[[Failure], None] = lambda failure: None
) -> list[Failure]:  # fmt: skip
    """Do all work, on so many processes, and `tell` how far it is from time to time; the runs that failed are returned.

    They are also told to `failed`, each when its piece of work has ended. Ctrl-C ends it within a day of each model: what had been stored stays. Raises InputError where a run cannot be stored,
    WorkerDied where a process was ended from outside.
    """
    context = multiprocessing.get_context("spawn")  # the same everywhere, and no half-copied state
    days, runs, stop = context.RawArray("q", max(1, len(works))), context.RawArray("q", max(1, len(works))), context.RawValue("b", 0)

    def tell_all() -> None:
        tell(Done(sum(days), sum(runs)))

    failures: list[Failure] = []
    if min(cores, len(works)) <= 1:
        gc.freeze()  # what is there already need not be looked through after each run
        try:
            for slot, work in enumerate(works):
                found = do(work, Store(folder), Report(slot, days, runs, stop, _now_and_then(tell_all)))
                tell_all()
                _tell_each(failed, found)
                failures += found
        finally:
            gc.unfreeze()
        return failures
    with ProcessPoolExecutor(min(cores, len(works)), context, _begin, (days, runs, stop)) as pool:
        try:
            left = {pool.submit(_do, slot, work, folder, source_digest()) for slot, work in enumerate(works)}
            while left:
                ended, left = wait(left, timeout=SOON, return_when=FIRST_COMPLETED)
                tell_all()
                for future in ended:
                    _tell_each(failed, future.result())
                    failures += future.result()
        except BrokenProcessPool:
            raise WorkerDied from None
        except BaseException:
            stop.value = 1
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return failures


def _now_and_then(tell: Callable[[], None]) -> Callable[[], None]:
    """Tells at most once in so many seconds, as adding up the work of a long study takes longer than a day of a small world."""
    told = 0.0

    def tell_if_it_is_time() -> None:
        nonlocal told
        if time.monotonic() >= told + SOON:
            told = time.monotonic()
            tell()

    return tell_if_it_is_time


def _tell_each(failed: Callable[[Failure], None], failures: Sequence[Failure]) -> None:
    for failure in failures:
        failed(failure)


# -- in a worker process ------------------------------------------------------------------------------------------------------

_shared: tuple[Any, Any, Any]


def _begin(days: Any, runs: Any, stop: Any) -> None:
    """A worker begins: it leaves Ctrl-C to the process that started it, and ends when that one has gone."""
    global _shared
    _shared = (days, runs, stop)
    leave_ctrl_c()
    gc.freeze()


def _do(slot: int, work: Work, folder: Path, source: str) -> list[Failure]:
    if source_digest() != source:
        raise InputError("files of sim/ were changed while the comparison ran; what is stored stays, so give the same command again.")
    return do(work, Store(folder), Report(slot, *_shared))
