"""How much memory a run needs, said before it begins, and how much there is.

A run needs most when it ends and its ledger is sorted. So the estimate adds what every run needs, so much for each child who is ever
in the world, and so much for each row that the ledger will hold: the children once more, what they had lived through before day 1,
and what happens to them in each year. What a child's facts take is known; the other numbers are measured:

    python -m sim.memory

runs worlds in processes of their own, prints what they took beside the estimate, and the numbers that would fit best.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
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

# -- measured (see above), in bytes unless said otherwise ------------------------------------------------------------------

PROGRAM = 220e6  # Python, with all that the program imports
TO_BEGIN = 80e6  # what the first days of the smallest world bring: compiled code, tables of places
PER_CHILD = 60.0  # beside the facts: the order of ages, clocks, the room to build it all, the child's row of the ledger while it is sorted
PER_EVENT = 160.0  # its row of the ledger, and the same again and more while it is sorted
EVENTS_BEFORE = 0.38  # rows of the ledger for each child, of what it had lived through before day 1
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


def needed(world: World, days: int, models: int = 1) -> float:
    """What a process needs that runs so many days of a world [bytes]; with `models` more than one at a time, as those that share a warm-up."""
    children = children_ever(world, days)
    facts = children * bytes_of_facts()
    return PROGRAM + TO_BEGIN + models * facts + children * PER_CHILD + events_expected(world, days) * PER_EVENT


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
    """How many of the processes asked for there is room for, each with two models of a world, and a line if those are fewer.

    Raises InputError if there is not enough for one.
    """
    wanted, there = needed(world, days, models=2), available()
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
    """A fraction of the children for whom there is room, as everything but the beginning grows with them."""
    grows = needed(world, days) - PROGRAM - TO_BEGIN
    return float(f"{max(0.001, world.fraction * (0.9 * there - PROGRAM - TO_BEGIN) / grows):.1g}")


# -- measuring ---------------------------------------------------------------------------------------------------------------

ENGLAND_AND_LESS = (("town", 365), ("region", 365), ("region", 1096), ("greater_manchester", 731), ("england", 30))

A_RUN = """
import json, sys, tempfile
from pathlib import Path
from sim.__main__ import figures_by_year
from sim.memory import held
from sim.model import CountyLines
from sim.runs import write_run

before = held("VmRSS")
model = CountyLines("baseline", sys.argv[1], 1, days=int(sys.argv[2]))
model.run_model()
with tempfile.TemporaryDirectory() as folder:
    write_run(model, Path(folder) / "run")
figures_by_year(model)
print(json.dumps({"before": before, "most": held("VmHWM"), "children": len(model.children.key), "events": model.ledger.events.size}))
"""


def held(what: str) -> float:
    """What this process holds in memory ("VmRSS") or has held at most ("VmHWM") [bytes]; on Linux."""
    told = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return 1024.0 * int(told[what].split()[0])


def measured(world: str, days: int) -> dict[str, float]:
    """What a run took in a process of its own: bytes held before it and at most; children and rows of events in it."""
    told = subprocess.run([sys.executable, "-c", A_RUN, world, str(days)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(told.stdout)


def main(worlds: Sequence[tuple[str, int]] = ENGLAND_AND_LESS) -> None:
    """Measure, and print it beside the estimate and the numbers that fit best."""
    measured("town", 1)  # compiles what is not compiled yet
    least, parts, left = measured("town", 1), [], []
    say(f"PROGRAM {least['before'] / 1e6:.0f} MB, TO_BEGIN {(least['most'] - least['before']) / 1e6:.0f} MB")
    made = table("world", "days", "measured, MB", "estimate over measured", "children ever, over measured", "events, over measured", numbers=("days",))
    for name, days in worlds:
        world, told = load_world(name), measured(name, days)
        parts.append((children_ever(world, days), events_expected(world, days)))
        left.append(told["most"] - least["most"] - parts[-1][0] * bytes_of_facts())
        ratios = needed(world, days) / told["most"], parts[-1][0] / told["children"], parts[-1][1] / told["events"]
        add(made, name, days, f"{told['most'] / 1e6:,.0f}", *(f"{ratio:.2f}" for ratio in ratios))
    show(made)
    weights = 1.0 / np.array(left)
    per_child, per_event = np.linalg.lstsq(np.array(parts) * weights[:, None], np.array(left) * weights)[0]
    say(f"PER_CHILD {per_child:.0f} bytes, PER_EVENT {per_event:.0f} bytes would fit best")


if __name__ == "__main__":
    main()
