"""`bench speed`: a town's year, what it takes to begin, and what a child takes.

The seconds depend on the machine; the ratios compare with the plain reference of `tests/reference`, and with the model of the first
comparison, which had three policies and a third of the mechanisms (taken from the history of the clone).
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from experiments.bench.lines import Line, at_least, at_most
from experiments.bench.timing import ROOT, Contender, by_turns, ratio, together
from sim.errors import InputError

FIRST_MODEL = "04120d5"  # commit: the model as the first comparison had it


def measure(options: Namespace) -> list[Line]:
    """A town's year, beginning, and memory."""
    return [*_years(options.quick), *_against_the_reference(options.quick), *_beginning(options.quick)]


def _years(quick: bool) -> list[Line]:
    """Whole years, built and lived, by turns: of the model, of it with as many inert children again, of the first comparison's."""
    with ExitStack() as stack:
        town: dict[str, Any] = {"world": "town", "children": 500} if quick else {"world": "town"}
        contenders = [stack.enter_context(Contender("years", town)), stack.enter_context(Contender("years", town | {"inert": 1.0}))]
        first_model = _first_model(stack)
        if first_model:
            contenders.append(stack.enter_context(Contender("years", town, first_model)))
        together(*contenders)
        seconds = by_turns(contenders, 1 if quick else 5).T
    year, crowded, *first = seconds
    lines = [Line("a town's year, built and lived", float(np.median(year)), "s", at_most(0.25, 0.12), "processor time in a process that has lived one before")]
    if first:
        note = f"{np.median(year):.2f} s over {np.median(first[0]):.2f} s; that model had three policies and a third of the mechanisms"
        lines.append(Line("the whole model over the first comparison's", ratio(year, first[0]), "times", at_most(2.0), note))
    return [*lines, Line("with as many inert children again, over without", ratio(crowded, year), "times", at_most(1.3))]


def _first_model(stack: ExitStack) -> Path | None:
    """A folder with the model of the first comparison, until the stack ends; None where the clone has no history."""
    command = ["git", "archive", "--format=tar", FIRST_MODEL, "sim", "scenarios"]
    try:
        archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        print(f"The model of the first comparison, commit {FIRST_MODEL}, is not in the history of this clone: not compared.", file=sys.stderr)
        return None
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return Path(folder)


def _against_the_reference(quick: bool) -> list[Line]:
    """The plain reference over the model, day for day."""
    needs_a_clone()
    days, turns = (2, 1) if quick else (10, 5)
    children = 500 if quick else 20_000
    part: dict[str, Any] = {"world": "region", "children": children, "days": days}
    with Contender("model", part) as model, Contender("plain", part | {"everybody": True}) as everybody, Contender("plain", part) as lists:
        together(model, everybody, lists)
        ours, asks, keeps = by_turns([model, everybody, lists], turns).T
    note = f"{{:.0f}} ms a day over {1e3 * np.median(ours) / days:.1f} ms, days 2 to {1 + days * turns}; {{}}"
    return [
        Line(f"{children:,} children: the plain reference over the model", ratio(asks, ours), "times", at_least(60.0), note.format(1e3 * np.median(asks) / days, "it asks every child every day")),
        Line(f"{children:,} children: the reference with lists of the few over the model", ratio(keeps, ours), "times", note=note.format(1e3 * np.median(keeps) / days, "the same program, made affordable for tests")),
    ]  # fmt: skip


def needs_a_clone() -> None:
    """Raises InputError where the tests are not there (an installed wheel)."""
    if not (ROOT / "tests" / "reference").is_dir():
        raise InputError("tests/reference is not there: the bench compares with the plain reference, so it needs a clone of the project.")


def _beginning(quick: bool) -> list[Line]:
    """From nothing to `import sim`, and to the evening of a town's first day; and the memory of a child."""
    imports, firsts = [], []
    for _ in range(1 if quick else 5):
        with Contender("importing") as process:
            imports.append(process.turn().since_start)
        with Contender("model", {"world": "town", "days": 1}) as process:
            first = process.turn()
            firsts.append(first.since_start)
    with Contender("arrays", {"world": "town"}) as process:
        told = process.turn().told
    return [
        Line("to begin: import sim", float(np.median(imports)), "s", note="processor time of a fresh process, whose bytecode lies on the disk"),
        Line("to begin: a town's first evening", float(np.median(firsts)), "s", note=f"the same with compiled code loaded, {first.told['children']:,} children built and their first day lived"),
        Line("memory of a child", told["bytes"], "bytes", at_most(130.0), f"all {told['arrays']} arrays that hold something for each child"),
    ]  # fmt: skip
