"""`bench studies`: a study of many runs through the same commands as anybody's: its rate on two cores, its memory, and what runner and store cost.

- *Rate*: runs per second of the clock, from the first process to the last file. The study on one core is a shorter one, half of it before the
  long one and half after, as machines grow slower and faster.
- *Memory*: the most that all its processes together held in the last tenth of the runs, over that of the second tenth.
- *Overhead*: of the processor time of a study in one process, what was spent neither in living days nor in measuring them: planning, keys,
  copies of a shared warm-up, files, the frame.
"""

from __future__ import annotations

import tempfile
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import numpy as np
import psutil

from experiments.bench.lines import Line, at_least, at_most
from experiments.running import runner
from experiments.studies.sampling import Design
from experiments.studies.study_file import with_policies
from experiments.studies.sweep_folder import SweepFolder
from experiments.studies.sweeps import EVERY, Sweep, uncertain
from experiments.sweep import Shard, carry_out
from sim.scenario import Scenario, load_world
from sim.world import World

POLICIES = ("relocation", "specialist_foster", "key_worker")
SHORT = 0.04  # of the runs: what one core is given, twice
LEAST = 2  # draws of any study
GIGABYTE = 1e9


def measure(options: Namespace) -> list[Line]:
    """Everything, on the town's world for a year after its warm-up."""
    town = load_world("town")
    world = replace(town, fraction=0.002, warm_up_days=5, days=10) if options.quick else replace(town, days=2 * town.warm_up_days)
    return of_study(world, 40 if options.quick else options.runs)


def of_study(world: World, runs: int) -> list[Line]:
    """The figures of a study of so many runs, all scenarios of a draw and seed sharing a warm-up."""
    draws = max(LEAST, runs // (1 + len(POLICIES)))
    short = max(LEAST, round(SHORT * draws))
    alone = [timed(study(world, short, seed), cores=1) for seed in (2, 3)]
    together = timed(study(world, draws, 1), cores=2)
    alone += [timed(study(world, short, seed), cores=1) for seed in (4, 5)]
    rate = sum(each.runs for each in alone) / sum(each.clock for each in alone)
    overhead = sum(each.seconds - each.in_runs for each in alone) / sum(each.seconds for each in alone)
    said = f"{together.runs:,} runs in {together.clock:,.0f} s on the clock, {together.runs / together.clock:.2f} a second; on one core {rate:.2f} a second; whatever else the machine does counts against it"
    early, late = together.held(0.1, 0.2), together.held(0.9, 1.0)
    return [
        Line("a study on two cores over one, runs per second", together.runs / together.clock / rate, "times", at_least(1.6), said),
        Line("memory at its end over that at its beginning", late / early if early else float("nan"), "times", at_most(1.1), f"all its processes, {early / GIGABYTE:.2f} GB in the second tenth of the runs and {late / GIGABYTE:.2f} GB in the last"),
        Line("overhead of runner and store", 100.0 * overhead, "% of the processor time", at_most(10.0), f"{sum(each.runs for each in alone)} runs in one process"),
        Line("a run, with its share of the warm-up", sum(each.seconds for each in alone) / sum(each.runs for each in alone), "s", note="processor time, measuring and storing included"),
    ]  # fmt: skip


def study(world: World, draws: int, seed: int) -> Sweep:
    """Present practice and some policies, in so many draws of all that is uncertain."""
    baseline = Scenario("baseline", "Present practice")
    scenarios = (baseline, *(with_policies(baseline, name, "bench") for name in POLICIES))
    return Sweep("bench", scenarios, world, Design("latin_hypercube", draws), uncertain(EVERY, scenarios), EVERY, seed=seed)


@dataclass(frozen=True)
class Timed:
    """What a study took: clock and processor time [s], that spent in the runs themselves; and how much was held when how much was done."""

    runs: int
    clock: float
    seconds: float
    in_runs: float
    memory: list[tuple[float, float]]

    def held(self, begin: float, end: float) -> float:
        """The most memory while so much was done [bytes]; 0 if nobody looked then."""
        return max((size for done, size in self.memory if begin <= done <= end), default=0.0)


def timed(asked: Sweep, cores: int) -> Timed:
    """Carry a study out in a folder that goes again."""
    with tempfile.TemporaryDirectory() as place, InRuns() as in_runs, redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        folder = SweepFolder(Path(place) / "study")
        with watched(folder, asked) as memory:
            clock, seconds = time.perf_counter(), time.process_time()
            asked = replace(asked)  # its draws and keys are made anew, as they belong to what it costs
            carry_out(asked, folder, Namespace(cores=cores, shard=Shard(), dask=None, command_line="bench"))
            clock, seconds = time.perf_counter() - clock, time.process_time() - seconds
        return Timed(len(asked.distinct), clock, seconds, in_runs.seconds, memory)


class InRuns:
    """The processor time that runs of this process take for themselves, while it is entered [s]."""

    PARTS = ("_warmed_up", "_live", "measure_run")  # of the runner: where days are lived and measured

    def __init__(self) -> None:
        self.seconds, self._depth, self._patches = 0.0, 0, ExitStack()

    def __enter__(self) -> Self:
        for name in self.PARTS:
            self._patches.enter_context(patch.object(runner, name, self._clocked(getattr(runner, name))))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def _clocked(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self._depth, begin = self._depth + 1, time.process_time()
            try:
                return function(*arguments)
            finally:
                self._depth -= 1
                self.seconds += 0.0 if self._depth else time.process_time() - begin  # what is within another part is counted there

        return call


@contextmanager
def watched(folder: SweepFolder, asked: Sweep) -> Iterator[list[tuple[float, float]]]:
    """What this process and those that it begins hold [bytes], with the share of the runs that are done; looked at twice a second."""
    seen: list[tuple[float, float]] = []
    over, total = threading.Event(), len(asked.distinct)

    def look() -> None:
        me = psutil.Process()
        while not over.wait(0.5):
            sizes = []
            for process in (me, *me.children(recursive=True)):
                try:
                    sizes.append(process.memory_info().rss)
                except psutil.Error:
                    continue  # it has just ended
            done = len(folder.names()) / total if folder.store.folder.is_dir() else 0.0
            seen.append((done, float(np.sum(sizes))))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
