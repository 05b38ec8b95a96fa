"""How much memory a run needs, said before it begins, and how much there is.

A run needs most when it ends, as its ledger is sorted and written, or measured. So the estimate adds what any run needs, so much for
each child who is ever in the world, and so much for each event that the ledger will hold: what children had lived through before day
1, and what happens to them in each year. What a child's facts take is known; the other numbers are measured:

    python -m sim.memory

runs worlds in processes of their own, prints what they took beside the estimate, and the numbers that would fit best.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from sim.dates import first_septembers
from sim.demography import OLDEST, day_of_birth_year_end
from sim.errors import InputError
from sim.population import FACTS
from sim.scenario import load_world
from sim.terminal import add, say, show, table
from sim.world import FULL_COHORTS, World

# -- measured (see above) ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Needs:
    """What a process needs: for anything at all [bytes], for each child beside the facts, and for each event; and how many models it holds."""

    anything: float
    per_child: float
    per_event: float
    models: int


RUN = Needs(163e6, 55.0, 122.0, models=1)  # `python -m sim run`
WORK = Needs(163e6, 174.0, 172.0, models=2)  # a process of a study: the warm-up that its runs share, and a run that is measured

EVENTS_BEFORE = 0.38  # events for each child, of what it had lived through before day 1
EVENTS_A_YEAR = 1.1  # ... and for each child and year

WORTH_SAYING = 0.5e9


# -- what is needed ----------------------------------------------------------------------------------------------------


def children_ever(world: World, days: int) -> int:
    """About how many children are in the world on some day of so many: those of day 1, and a school year each 1 September."""
    on_day_1 = children_on_day_1(world)
    oldest_year = (day_of_birth_year_end(OLDEST) + 6574) / 365.0  # the part of the oldest school year that is not yet eighteen
    entrants = on_day_1 / (FULL_COHORTS + oldest_year)
    return round((on_day_1 + entrants * len(first_septembers(1, days))) * (1.0 + world.inert))


def children_on_day_1(world: World) -> float:
    """About how many children are in the world on any day."""
    return float(world.places.population_10_17[list(world.authorities)].sum()) * world.fraction


def needed(world: World, days: int, by: Needs = RUN) -> float:
    """What a process needs for so many days of a world [bytes]."""
    children = children_ever(world, days)
    return by.anything + children * (by.models * bytes_of_facts() + by.per_child) + events_expected(world, days) * by.per_event


def bytes_of_facts() -> int:
    """What the facts of one child take; those of few children are with the events."""
    return sum(fact.dtype.itemsize for fact in FACTS.values() if not fact.of_few)


def events_expected(world: World, days: int) -> float:
    """About how many rows of events the ledger will hold."""
    return children_on_day_1(world) * (EVENTS_BEFORE + EVENTS_A_YEAR * days / 365.25)


# -- what there is -----------------------------------------------------------------------------------------------------------

CGROUP = Path("/sys/fs/cgroup")
LIMITS = (  # of a container: its limit, what it uses, and which of that it would give up if asked
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
)


def available() -> float:
    """Memory that could be used without any going to disk [bytes]: of the machine, or of the container if that has less."""
    free = [psutil.virtual_memory().available]
    for limit, used, stat, cache in LIMITS:
        with suppress(OSError, ValueError, KeyError):  # there is no such file, or "max", which is no limit
            told = dict(line.split() for line in (CGROUP / stat).read_text().splitlines())
            free.append(int((CGROUP / limit).read_text()) - int((CGROUP / used).read_text()) + int(told[cache]))
    return float(max(0, min(free)))


def check(world: World, days: int) -> str:
    """A line about what a run will need, "" if that is little. Raises InputError if there is not enough."""
    wanted, there = needed(world, days), available()
    if wanted > there:
        raise InputError(
            f"world '{world.name}' needs about {gigabytes(wanted)} of memory for {days} days, but {gigabytes(there)} is available; end other "
            f"programs, run fewer days, or take a smaller fraction of the children (a world file with fraction = {_fraction(world, days, there)})."
        )
    return f"{world.name}, {days} days: about {gigabytes(wanted)} of memory, {gigabytes(there)} available." if wanted > WORTH_SAYING else ""


def processes(world: World, days: int, asked: int) -> tuple[int, str]:
    """How many of the processes asked for there is room for, and a line if those are fewer.

    Raises InputError if there is not enough for one.
    """
    wanted, there = needed(world, days, WORK), available()
    room = int(there / wanted)
    if not room:
        raise InputError(
            f"world '{world.name}' needs about {gigabytes(wanted)} of memory for {days} days in each process, but {gigabytes(there)} is available "
            f"and not one can run; end other programs, run fewer years, or take a smaller fraction of the children."
        )
    if room >= asked:
        return asked, ""
    said = f"{asked} processes of about {gigabytes(wanted)} of memory each are more than the {gigabytes(there)} available"
    return room, f"{said}: {room} at a time."


def gigabytes(size: float) -> str:
    """Bytes for a reader, such as "1.9 GB"."""
    return f"{size / 1e9:.1f} GB"


def _fraction(world: World, days: int, there: float) -> float:
    """A fraction of the children for whom there is room: all but what anything needs grows with them."""
    grows = needed(world, days) - RUN.anything
    return float(f"{max(0.001, world.fraction * (0.9 * there - RUN.anything) / grows):.1g}")


# -- measuring ---------------------------------------------------------------------------------------------------------------

WORLDS = (("town", 2), ("town", 365), ("region", 365), ("region", 1096), ("greater_manchester", 731), ("england", 30), ("england", 365))

A_RUN = """
import json, sys, tempfile
from pathlib import Path
from sim.__main__ import figures_by_year
from sim.memory import held
from sim.model import CountyLines
from sim.runs import write_run

model = CountyLines("baseline", sys.argv[1], 1, days=int(sys.argv[2]))
model.run_model()
with tempfile.TemporaryDirectory() as folder:
    write_run(model, Path(folder) / "run")
figures_by_year(model)
print(json.dumps([held(), len(model.children.key), model.ledger.events.size]))
"""

A_PIECE_OF_WORK = """
import json, sys
from dataclasses import replace
import experiments.__main__
from experiments.running.measuring import measure_run
from sim.memory import held
from sim.model import CountyLines
from sim.scenario import load_world

days = int(sys.argv[2])
world = replace(load_world(sys.argv[1]), warm_up_days=days // 2, days=days)
first = CountyLines("baseline", world, 1).run_to(days // 2)
model = first.branch("everything").run_to(days)
measure_run(model, "")
print(json.dumps([held(), len(model.children.key), model.ledger.events.size]))
"""


def held() -> float:
    """The most that this process has held in memory [bytes], beside the pages of the program's files; on Linux.

    Those can be given up at any time and are shared by all processes, so they are part of what is `available`; and how many are kept
    differs between kernels (140 to 225 MB seen).
    """
    told = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return 1024.0 * (int(told["VmHWM"].split()[0]) - int(told["RssFile"].split()[0]))


def measured(program: str, world: str, days: int) -> tuple[float, int, int]:
    """What a run took in a process of its own [bytes], the children who were ever in it, and its events."""
    told = subprocess.run([sys.executable, "-c", program, world, str(days)], stdout=subprocess.PIPE, text=True, check=True)
    held, children, events = json.loads(told.stdout)
    return held, children, events


def main(worlds: Sequence[tuple[str, int]] = WORLDS) -> None:
    """Measure, and print it beside the estimate and the numbers that fit best."""
    for name, needs, program in (("RUN", RUN, A_RUN), ("WORK", WORK, A_PIECE_OF_WORK)):
        measured(program, "town", 2)  # compiles what is not compiled yet
        parts, found = [], []
        made = table(name, "days", "measured, MB", "estimate over measured", "children, alike", "events, alike")
        for place, days in worlds:
            world, (most, children, events) = load_world(place), measured(program, place, days)
            expected = children_ever(world, days), events_expected(world, days)
            parts.append((1.0, *expected))
            found.append((most, most - expected[0] * needs.models * bytes_of_facts()))
            ratios = needed(world, days, needs) / most, expected[0] / children, expected[1] / events
            add(made, place, days, f"{most / 1e6:,.0f}", *(f"{ratio:.2f}" for ratio in ratios))
        show(made)
        most, rest = np.array(found).T  # what is wrong counts as a part of what was measured, whether the world is small or large
        anything, per_child, per_event = np.linalg.lstsq(np.array(parts) / most[:, None], rest / most)[0]
        say(f"{name} = Needs({anything / 1e6:.0f}e6, {per_child:.0f}, {per_event:.0f}, models={needs.models}) would fit best\n")


if __name__ == "__main__":
    main()
