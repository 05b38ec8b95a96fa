"""`python -m experiments national`: what a study of all England costs in time, memory and disk, on this machine or that.

It is worked out from a few measured figures, which lie in `sim/docs/what_a_national_study_costs.json`; `--measure` measures them again
(about ten minutes, on Linux) and writes the page `sim/docs/what_a_national_study_costs.md` that is made of them.
"""

from __future__ import annotations

import json
import tempfile
import time
from argparse import Namespace
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import sim
from experiments.bench.lines import machine
from experiments.running.measuring import measure_run
from experiments.running.store import Store
from experiments.studies.designs import SEEDS_PER_DRAW
from experiments.studies.study import PRESENT_PRACTICE, over_years
from sim.errors import InputError
from sim.memory import held
from sim.model import CountyLines
from sim.runs import write_atomically, write_json, write_run
from sim.scenario import load_scenario, load_world
from sim.terminal import DONE, Parser, add, note, say, say_json, show, table
from sim.workers import end_with_parent

DOCS = Path(sim.__file__).with_name("docs")
PAGE, FIGURES = DOCS / "what_a_national_study_costs.md", DOCS / "what_a_national_study_costs.json"
WORLDS = ("england", "region")
YEARS = 4  # one of them warm-up
GIGABYTE, DAY = 1e9, 86_400.0


# -- what it costs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """What a world takes: processor time [s] to begin, for a year of warm-up, to branch, for a year with every policy, to measure; and bytes."""

    children: int  # ever in the world
    begin: float
    warm_up_year: float
    branch: float
    year: float
    measure: float
    peak: float  # most memory of a process, which holds the shared warm-up and one run [bytes]
    kept: int  # what a study keeps of a run [bytes]
    ledger: int  # the run's ledger, if it is written out [bytes]

    def seconds(self, replicates: int, scenarios: int, *, shared: bool = True) -> float:
        """Processor time of a study [s], each warm-up lived once for all scenarios of a replicate, or by each for itself."""
        first, then = self.begin + self.warm_up_year, (YEARS - 1) * self.year + self.measure
        return replicates * (first + scenarios * (self.branch + then) if shared else scenarios * (first + then))


@dataclass(frozen=True)
class Machine:
    """Processors, and the memory that they share [bytes]."""

    name: str
    cores: int
    memory: float

    def processes(self, each: float) -> int:
        """How many fit beside one another; a fifth of the memory is left to others."""
        return min(self.cores, int(0.8 * self.memory / each))


@dataclass(frozen=True)
class Design:
    """A study's size."""

    world: str
    draws: int
    seeds: int
    scenarios: int = 13  # present practice and twelve policies

    @property
    def runs(self) -> int:
        """How many runs it has."""
        return self.draws * self.seeds * self.scenarios


MACHINES = (
    Machine("laptop, 8 cores, 16 GB", 8, 16 * GIGABYTE),
    Machine("laptop, 8 cores, 64 GB", 8, 64 * GIGABYTE),
    Machine("cluster, 100 cores, 4 GB each", 100, 400 * GIGABYTE),
    Machine("cluster, 100 cores, 8 GB each", 100, 800 * GIGABYTE),
)
FULL = Design("england", 200, 10)
DESIGNS = (FULL, Design("england", 200, SEEDS_PER_DRAW), Design("england", 32, SEEDS_PER_DRAW), Design("region", 200, 10), Design("region", 200, SEEDS_PER_DRAW))


def costs(design: Design, measured: Mapping[str, Measured]) -> dict[str, Any]:
    """What a study costs: processor time with and without sharing [s], bytes kept, and for each machine how many processes fit and the days."""
    world = measured[design.world]
    replicates = design.draws * design.seeds
    seconds = world.seconds(replicates, design.scenarios)
    fit = {each.name: each.processes(world.peak) for each in MACHINES}
    return {
        "design": asdict(design), "runs": design.runs, "seconds": seconds,
        "seconds_unshared": world.seconds(replicates, design.scenarios, shared=False),
        "kept": design.runs * world.kept, "ledgers": design.runs * world.ledger,
        "processes": fit, "days": {name: seconds / DAY / number if number else None for name, number in fit.items()},
    }  # fmt: skip


# -- the page ----------------------------------------------------------------------------------------------------------


def page(told: Mapping[str, Any]) -> str:
    """The page, from what was measured. Raises KeyError or TypeError if that is not what `measure` writes."""
    measured = {name: Measured(**figures) for name, figures in told["worlds"].items()}
    every = [costs(design, measured) for design in DESIGNS]
    england, full = measured["england"], every[0]
    replicates = FULL.draws * FULL.seeds
    saved = 1.0 - full["seconds"] / full["seconds_unshared"]
    small, wide = MACHINES[2], MACHINES[3]
    return TEMPLATE.format(
        runs=f"{full['runs']:,}", replicates=f"{replicates:,}", draws=FULL.draws, seeds=FULL.seeds, scenarios=FULL.scenarios, policies=FULL.scenarios - 1,
        years=YEARS, after=YEARS - 1, figures=_rows(_figures(measured)), table=_rows(_table(every)),
        processor=told["machine"]["processor"], cores=told["machine"]["cores"], loop=f"{told['loop']:.1f}", begun=told["machine"]["begun"][:10],
        core_days=f"{full['seconds'] / DAY:,.0f}", core_days_unshared=f"{full['seconds_unshared'] / DAY:,.0f}", saved=f"{saved:.0%}",
        peak=f"{england.peak / GIGABYTE:.1f}", small=small.name, small_fit=small.processes(england.peak), wide=wide.name, wide_fit=wide.processes(england.peak),
        kept=_size(full["kept"]), ledgers=_size(full["ledgers"]), ledger=_size(england.ledger), own_seeds=SEEDS_PER_DRAW,
        fewer=f"{every[1]['seconds'] / full['seconds']:.0%}", region=f"{full['seconds'] / every[3]['seconds']:.0f}",
    )  # fmt: skip


def _figures(measured: Mapping[str, Measured]) -> list[list[str]]:
    """What was measured, a world a column."""
    lines = {
        "children ever in the world": [f"{each.children:,}" for each in measured.values()],
        "to begin": [_time(each.begin) for each in measured.values()],
        "a year of warm-up, present practice": [_time(each.warm_up_year) for each in measured.values()],
        "to branch from it": [_time(each.branch) for each in measured.values()],
        "a year afterwards, every policy in force": [_time(each.year) for each in measured.values()],
        "to measure a run": [_time(each.measure) for each in measured.values()],
        "most memory of a process": [_size(each.peak) for each in measured.values()],
        "what a study keeps of a run": [_size(each.kept) for each in measured.values()],
        "the ledger of a run, if written out": [_size(each.ledger) for each in measured.values()],
    }
    return [["", *measured], *([what, *cells] for what, cells in lines.items())]


def _table(every: list[dict[str, Any]]) -> list[list[str]]:
    """A study a row, a machine a column."""
    rows = [["world", "draws × seeds", "runs", "processor time", "kept on disk", *(each.name for each in MACHINES)]]
    for cost in every:
        design = cost["design"]
        where = [f"{_time(DAY * cost['days'][name])} ({number} at once)" if number else "does not fit" for name, number in cost["processes"].items()]
        rows.append([design["world"], f"{design['draws']} × {design['seeds']}", f"{cost['runs']:,}", _time(cost["seconds"]), _size(cost["kept"]), *where])
    return rows


def _rows(cells: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are set to the right."""
    head, *rest = ("| " + " | ".join(row) + " |" for row in cells)
    return "\n".join([head, "|---|" + "---:|" * (len(cells[0]) - 1), *rest])


def _time(seconds: float) -> str:
    for unit, length in (("days", DAY), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2.0 * length:
            return f"{seconds / length:,.{0 if seconds >= 10.0 * length else 1}f} {unit}"
    return f"{seconds:.{0 if seconds >= 10.0 else 1}f} s"


def _size(size: float) -> str:
    for unit, length in (("TB", 1e12), ("GB", GIGABYTE), ("MB", 1e6)):
        if size >= length:
            return f"{size / length:,.1f} {unit}"
    return f"{size / 1e3:,.0f} kB"


TEMPLATE = """\
# What a national study costs

All of England, {policies} policies and present practice, {draws} draws of the uncertain numbers, {seeds} seeds for each draw, {years} years of which the
first is warm-up: {replicates} replicates of {scenarios} scenarios, {runs} runs. **On one processor that is {core_days} days.** This page says where
they go, what limits a study, and how to ask for less. It is made by `python -m experiments national --measure`.

## What was measured

{begun}, {processor}, {cores} cores. Times are processor time of one process. On that processor ten million rounds of `x += i` in Python take {loop} s; where
they take half, expect about half of all that follows.

{figures}

## What studies cost

Each replicate lives its warm-up once and every scenario goes on from a copy of it. As many processes at once as there are processors, or as fit into
four fifths of the memory; what is slower because they share that memory is not counted (`python -m experiments bench scale` measures it for two).

{table}

## What limits it

- **Memory for each processor, not processors.** A process holds two models of England, the end of the shared warm-up and the run that went on from it, and
  needs most when the run is measured: {peak} GB. On the {small}, {small_fit} processes fit; on the {wide}, {wide_fit}. The program works this out
  before it begins: it lowers the number of processes, and says so, or refuses.
- **The warm-up** would be lived {runs} times and is lived {replicates} times: {core_days} days of processor time instead of {core_days_unshared}, {saved} less. A
  policy that begins within the warm-up cannot share it.
- **Disk does not limit it.** A study keeps what was measured of each run, {kept} in all. With their ledgers ({ledger} each, {ledgers} in all) it would;
  they are not kept, because the same key gives the same ledger again, to the bit (`python -m experiments replay`).
- **Variance.** Scenarios of one replicate meet the same chance, so most of it cancels in their difference (`python -m experiments bench crn` measures
  how much, policy by policy). What is left is D draws of what is not known, with variance P, and S seeds for each with variance C: the mean difference has
  variance P / D + C / (D × S). More draws lessen both parts, more seeds only the second. For the same number of runs, fewer seeds and more draws are
  never worse, and a second seed is needed only to tell the two apart; the report does, and says how much of a difference is chance.
- **Many machines.** A study's pieces of work know nothing of one another, so they can be lived anywhere: `python -m experiments sweep STUDY --shard 2/5` does
  one part of a study on any machine, `--dask` all of it on a Dask cluster ([beyond one machine](beyond_one_machine.md)); `compare` uses the processors of one
  machine. The figures for clusters above are worked out from those of one machine, and have not been measured on a cluster.
- **Calibration is still to come.** Draws are from the declared ranges, by Latin hypercube; draws from a posterior will cost the same.

## Advice

1. Begin with the region. The same design costs a {region}th of England's, and finds out which policies do nothing and which numbers matter.
2. Take {own_seeds} seeds for each draw, as `python -m experiments compare` always does: {fewer} of the full study's cost.
3. Begin with 32 draws. A study that is asked for with more replicates keeps what it has, and computes only what is new.
4. Buy memory, not processors: {peak} GB for each process, and a fifth to spare.
5. A study that is stopped or killed goes on with the runs that it lacks when the same command is given again. A single long run can do so too, with
   `python -m sim run ... --checkpoint-every DAYS`.
"""


# -- measuring ---------------------------------------------------------------------------------------------------------------


def measure(name: str, days: int | None = None) -> dict[str, Any]:
    """What a world takes, in this process, which should be a new one; in fewer `days` a year counts as so much longer."""
    CountyLines(world="town", days=2).run_model()  # compiled code is loaded
    world = over_years(load_world(name), YEARS - 1)
    if days is not None:
        world = replace(world, warm_up_days=days // 2, days=days)
    warm_up = world.warm_up_days
    clocks = [time.process_time()]

    def lap() -> None:
        clocks.append(time.process_time())

    first = CountyLines(PRESENT_PRACTICE, world, 1)
    lap()
    first.run_to(warm_up)
    lap()
    model = first.branch(load_scenario("everything"))
    lap()
    model.run_to(world.days)
    lap()
    result = measure_run(model, "0" * 64)
    lap()
    peak = held()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.write(result)
        write_run(model, Path(folder) / "run")
        kept, ledger = store.path(result.key).stat().st_size, sum(path.stat().st_size for path in (Path(folder) / "run").iterdir())
    begin, before, branch, after, measuring = (later - earlier for earlier, later in pairwise(clocks))
    year = 365.25 / (world.days - warm_up)
    return asdict(Measured(len(model.children.key), begin, before * 365.0 / warm_up, branch, after * year, measuring, peak, kept, ledger))


def measure_all() -> dict[str, Any]:
    """The machine, how fast it is, and what each world takes, one after the other in processes of their own."""
    here, worlds = machine(), {}
    for name in WORLDS:
        note(f"national: {name}, {YEARS} years ...")
        with ProcessPoolExecutor(1, get_context("spawn"), end_with_parent) as pool:
            worlds[name] = pool.submit(measure, name).result()
    return {"machine": here, "loop": _loop(), "worlds": worlds}


def _loop() -> float:
    """Processor time of ten million additions in Python [s]."""
    begun, x = time.process_time(), 0
    for i in range(10_000_000):
        x += i
    return time.process_time() - begun


# -- the command -------------------------------------------------------------------------------------------------------------


def add_arguments(parser: Parser) -> None:
    """Options of the command."""
    parser.add_argument("--measure", action="store_true", help="measure again, about ten minutes, and write the page in sim/docs")
    parser.add_argument("--docs", action="store_true", help="write the page again from what was measured")
    parser.add_argument("--json", action="store_true", help="print the costs as JSON instead of a table")


def national(options: Namespace) -> int:
    """What a study of all England costs, on a laptop and on a cluster."""
    if options.measure:
        write_json(FIGURES, measure_all())
    told = read()
    if options.measure or options.docs:
        write_page(page(told))
    every = [costs(design, {name: Measured(**figures) for name, figures in told["worlds"].items()}) for design in DESIGNS]
    if options.json:
        say_json(every)
        return DONE
    head, *rest = _table(every)
    made = table(*head)
    for row in rest:
        add(made, *row)
    show(made)
    say(f"{FULL.scenarios} scenarios each, {YEARS} years. How it was worked out, and what limits it: {PAGE.name} in sim/docs.")
    return DONE


def read() -> dict[str, Any]:
    """What was measured. Raises InputError if the file is not what `measure_all` writes."""
    try:
        told = json.loads(FIGURES.read_text(encoding="utf-8"))
        page(told)
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{FIGURES.name} in sim/docs is missing or is not what --measure writes; give --measure to write it anew.") from None
    return told


def write_page(text: str) -> None:
    """Write the page, whole or not at all."""
    write_atomically(PAGE, lambda temporary: temporary.write_text(text, encoding="utf-8", newline="\n"))
