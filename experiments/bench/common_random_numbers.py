"""`python -m experiments bench [SECTION ...]`: what the model costs, and what common random numbers gain.

Everything is a ratio within one run, because machines differ and one machine differs from minute to minute; seconds are printed
for orientation and never asserted. Sections:

- `speed`: a town year of the whole Mesa model against the plain reference of `tests/reference`, and against the model of the first
  comparison, which had three policies and a third of the mechanisms (taken from the history of the clone); the same with as many
  inert children again; bytes for each child.
- `crn`: for every policy at full coverage, its effects at an end of their ranges, and four measures, the variance of the policy's difference between runs with independent
  seeds over that between runs with the same seed.

The table goes to the terminal and, with machine and versions, to `results/bench/bench.json`.
"""

from __future__ import annotations

import gc
import importlib.util
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

import sim
from experiments.measures import named, take
from experiments.runner import cores_here
from experiments.story import Story, Window
from sim.errors import InputError
from sim.model import CountyLines
from sim.policies import every_policy
from sim.runs import versions, write_atomically
from sim.scenario import PolicyUse, Scenario, load_world
from sim.terminal import DONE, Parser, add, say, say_json, show, table, whole_number

ROOT = Path(__file__).resolve().parent.parent
SECTIONS = ("speed", "crn")
YEAR = 365
WARM_UP = 60  # days before a policy begins in the runs of `crn`
AT_WORK = 180  # days from then until the year that is measured: who returns in it has been missing already
MEASURES = ("children_missing", "days_missing", "children_recruited", "cost")


@dataclass(frozen=True)
class Line:
    """One line of the bench: what was measured, the figure, the goal, and what it means."""

    section: str
    what: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = True
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is no goal."""
        return None if self.goal is None else (self.value >= self.goal) == self.at_least or self.value == self.goal


def main(argv: Sequence[str]) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog="python -m experiments bench", description="Measure speed, memory, and what common random numbers gain.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--seeds", type=whole_number(4, 1000), default=8, metavar="N", help="seeds for `crn` (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the lines as JSON instead of tables")
    options = parser.parse_args(list(argv))
    for section in options.sections:
        if section not in SECTIONS:
            raise InputError(f"section '{section}' is not known; the sections are {', '.join(SECTIONS)}.")
    lines: list[Line] = []
    for section in options.sections or SECTIONS:
        lines += speed() if section == "speed" else common_random_numbers(options.seeds)
    _write(lines)
    if options.json:
        say_json([vars(line) | {"met": line.met} for line in lines])
    else:
        _show(lines)
    return DONE


# -- speed -----------------------------------------------------------------------------------------------------------------


def speed() -> list[Line]:
    """Engine against reference, against itself with twice the children, and the bytes of a child."""
    world = load_world("town")
    engine, model = _median_of(3, lambda: _town_year(world))
    crowded, _ = _median_of(3, lambda: _town_year(replace(world, inert=1.0)))
    plain, _ = _median_of(1, lambda: _reference_year(looks_at_everybody=True))
    with_lists, _ = _median_of(1, lambda: _reference_year(looks_at_everybody=False))
    bytes_each = bytes_a_child(model)
    return [
        Line("speed", "a town year, plain reference over engine", plain / engine, "times", 60.0, note=f"{plain:.1f} s over {engine:.2f} s of processor time; it asks every child every day"),
        Line("speed", "... the reference with lists of the few over engine", with_lists / engine, "times", note=f"{with_lists:.1f} s; the same program, made affordable for tests"),
        *_against_the_first_model(),
        Line("speed", "... with as many inert children again, over without", crowded / engine, "times", 1.3, at_least=False),
        Line("speed", "memory of a child, all columns and rows", bytes_each, "bytes", 130.0, at_least=False),
    ]


FIRST_MODEL = "04120d5"  # commit: the model as the first comparison had it
A_YEAR = """
import time
from sim import CountyLines
model = CountyLines("baseline", "town", seed=1).run_to(100)
begin = time.process_time()
model.run_to(465)
print(time.process_time() - begin)
"""


def _against_the_first_model() -> list[Line]:
    """A town year after a hundred days, of this model over the first comparison's, by turns; nothing where the clone has no history."""
    try:
        archive = subprocess.run(["git", "archive", "--format=tar", FIRST_MODEL, "sim", "scenarios"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        say(f"The model of the first comparison, commit {FIRST_MODEL}, is not in the history of this clone: not compared.")
        return []
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        pairs = [[_seconds_of_a_year(where) for where in (ROOT, Path(folder))] for _ in range(5)]
    now, first = (float(np.median(column)) for column in zip(*pairs, strict=True))
    ratio = float(np.median([a / b for a, b in pairs]))
    return [Line("speed", "a town year, the whole model over the first comparison's", ratio, "times", 2.0, at_least=False, note=f"{now:.2f} s over {first:.2f} s")]


def _seconds_of_a_year(where: Path) -> float:
    told = subprocess.run([sys.executable, "-c", A_YEAR], cwd=where, env=os.environ | {"PYTHONPATH": str(where)}, capture_output=True, text=True, check=True)
    return float(told.stdout)


def _median_of(times: int, do: Callable[[], Any]) -> tuple[float, Any]:
    """Median processor time of doing something so many times [s], and its last result."""
    seconds, result = [], None
    for _ in range(times):
        result = None
        gc.collect()
        begin = time.process_time()
        result = do()
        seconds.append(time.process_time() - begin)
    return float(np.median(seconds)), result


def _town_year(world) -> CountyLines:
    return CountyLines(world=world, seed=1, days=YEAR).run_to(YEAR)


def _reference_year(looks_at_everybody: bool) -> Any:
    reference = plain_reference()
    world = load_world("town")
    return reference.run_reference(world.authorities, world.fraction, 1, YEAR, world.warm_up_days, looks_at_everybody=looks_at_everybody)


def plain_reference() -> Any:
    """The package `tests/reference`, loaded by its path. Raises InputError where the tests are not there (an installed wheel)."""
    path = ROOT / "tests" / "reference" / "__init__.py"
    if not path.exists():
        raise InputError(f"{path.relative_to(ROOT)} is not there: the bench compares with the plain reference, so it needs a clone of the project.")
    spec = importlib.util.spec_from_file_location("plain_reference", path, submodule_search_locations=[str(path.parent)])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["plain_reference"] = module
    spec.loader.exec_module(module)
    return module


def bytes_a_child(model: CountyLines) -> float:
    """Bytes of all arrays that hold one value for each child, for each row."""
    rows = len(model.children.columns["key"])
    columns = sum(column.nbytes for column in model.children.columns.values())
    others = sum(value.nbytes for value in vars(model.demography).values() if isinstance(value, np.ndarray) and len(value) == rows)
    return (columns + others) / rows


# -- common random numbers -------------------------------------------------------------------------------------------------


def common_random_numbers(seeds: int) -> list[Line]:
    """Variance ratios of every policy's difference, independent seeds over common random numbers."""
    tasks = [(name, parameters, seed) for name, parameters in _variants() for seed in range(1, seeds + 1)]
    with ProcessPoolExecutor(cores_here(), mp_context=get_context("spawn")) as pool:
        found = list(pool.map(_measured, tasks))
    by_variant: dict[tuple[str, tuple], list[tuple[dict, dict]]] = {}
    for (name, parameters, _), pair in zip(tasks, found, strict=True):
        by_variant.setdefault((name, parameters), []).append(pair)
    return [_ratio(name, parameters, measure, pairs) for (name, parameters), pairs in by_variant.items() for measure in MEASURES]


def _variants():
    """Every policy as it is; and return interviews with substitution off, where nothing but the coupling of chance is at work."""
    for name in every_policy():
        yield name, ()
    yield INTERVIEWS, (("lines.substitution", 0.0),)


STRONG: dict[str, dict[str, float]] = {
    "return_interviews": {"next_episode": 0.80, "lasting": 120, "interviewers": 2.0},
    "relocation": {"contact": 0.2, "going_missing": 0.5, "moves_a_year": 500.0},
    "specialist_foster": {"going_missing": 0.5, "beds": 100.0},
}
"""Effects at an end of their declared ranges: at the default several are so near to nothing that a town year shows no difference at all."""

INTERVIEWS = "return_interviews"


def _measured(task: tuple[str, tuple, int]) -> tuple[dict[str, float], dict[str, float]]:
    """The four measures of a year in which a policy has been at work for a while, without it and with it, of one seed."""
    name, parameters, seed = task
    last = WARM_UP + AT_WORK + YEAR
    base = CountyLines("baseline", "town", seed=seed, parameters=dict(parameters), days=last).run_to(WARM_UP)
    use = PolicyUse(name, {"coverage": 1.0} | STRONG.get(name, {}), begins=WARM_UP + 1)
    other = base.branch(Scenario(name, policies={name: use}))
    return _take(base.run_to(last)), _take(other.run_to(last))


def _take(model: CountyLines) -> dict[str, float]:
    story = Story({name: model.ledger.table(name) for name in model.ledger.tables})
    return take(story, Window(WARM_UP + AT_WORK + 1, WARM_UP + AT_WORK + YEAR), MEASURES)


def _ratio(name: str, parameters: tuple, measure: str, pairs: list[tuple[dict, dict]]) -> Line:
    without, with_policy = (np.array([pair[i][measure] for pair in pairs]) for i in (0, 1))
    difference = with_policy - without
    independent = float(without.var(ddof=1) + with_policy.var(ddof=1))
    paired = float(difference.var(ddof=1))
    ratio = independent / paired if paired > 0.0 else float("inf") if independent > 0.0 else float("nan")
    title = every_policy()[name].title + (", substitution off" if parameters else "")
    goal = 10.0 if parameters and measure == "children_missing" else 1.0
    return Line("crn", f"{title}: {named(measure).label}", ratio, "times", goal, note=_why(ratio, difference))


def _why(ratio: float, difference: np.ndarray) -> str:
    """Why a ratio is low, or that there was nothing to see."""
    nothing = int((difference == 0.0).sum())
    if nothing == len(difference):
        return "no difference in any seed: the policy meets too few such children in a town year"
    if ratio < 3.0:
        moved = float(np.abs(difference).mean())
        return (
            f"the policy itself moves {moved:,.1f} on average and by chance meets other children in each seed, and where places, beds and "
            "positions are scarce one child's change becomes another's: that spread is not noise that pairing could take away"
        )
    return ""


# -- output ----------------------------------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        processor = models[0] if models else processor
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.system(), **versions()}


def _write(lines: list[Line]) -> None:
    folder = ROOT / "results" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine(), "lines": [vars(line) | {"met": line.met} for line in lines]}
    text = json.dumps(told, indent=2, default=str).replace("Infinity", '"infinite"').replace("NaN", '"not defined"')

    def put(path: Path) -> None:
        path.write_text(text + "\n", encoding="utf-8")

    write_atomically(folder / "bench.json", put)


def _show(lines: list[Line]) -> None:
    here = machine()
    say(f"{here['processor']}, {here['cores']} cores; Python {platform.python_version()}, numpy {np.__version__}, model {sim.__version__}")
    for section in dict.fromkeys(line.section for line in lines):
        made = table("measured", "value", "unit", "goal", "met", title=section, numbers=("value", "goal"))
        mine = [line for line in lines if line.section == section]
        for line in mine:
            goal = "" if line.goal is None else f"{'≥' if line.at_least else '≤'} {line.goal:g}"
            add(made, line.what, f"{line.value:,.1f}", line.unit, goal, {True: "yes", False: "NO", None: ""}[line.met])
        show(made)
        for line in mine:
            if line.note:
                say(f"  {line.what}: {line.note}.")
        say()
