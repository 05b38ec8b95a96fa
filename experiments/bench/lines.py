"""The lines of the bench: a figure with its goal; as a table, and as JSON with the machine and the versions that it was measured on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite, isnan
from pathlib import Path
from typing import Any

from sim.errors import InputError
from sim.runs import commit, in_a_sentence, versions, write_json
from sim.terminal import add, say, show, table


@dataclass(frozen=True)
class Goal:
    """What a figure should reach, and what would be more than hoped for."""

    value: float
    stretch: float | None = None
    is_least: bool = True  # else the most that it may be

    def __str__(self) -> str:
        said = f"{'≥' if self.is_least else '≤'} {self.value:g}"
        return said if self.stretch is None else f"{said} ({self.stretch:g})"

    def is_met_by(self, figure: float) -> bool:
        """Never by what is not a number."""
        return figure >= self.value if self.is_least else figure <= self.value

    def is_surpassed_by(self, figure: float) -> bool:
        """Is the stretch reached too?"""
        return self.stretch is not None and Goal(self.stretch, is_least=self.is_least).is_met_by(figure)


def at_least(value: float, stretch: float | None = None) -> Goal:
    """The more the better."""
    return Goal(value, stretch)


def at_most(value: float, stretch: float | None = None) -> Goal:
    """The less the better."""
    return Goal(value, stretch, is_least=False)


@dataclass(frozen=True)
class Line:
    """What was measured, the figure, and how to read it."""

    what: str
    figure: float
    unit: str
    goal: Goal | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the goal is met; nothing where there is none."""
        if self.goal is None:
            return ""
        return "NO" if not self.goal.is_met_by(self.figure) else "stretch" if self.goal.is_surpassed_by(self.figure) else "yes"

    def as_data(self) -> dict[str, Any]:
        """For JSON, which has no infinity: such a figure is a word."""
        goal = self.goal
        return {
            "what": self.what, "figure": self.figure if isfinite(self.figure) else str(self.figure), "unit": self.unit,
            "goal": goal and goal.value, "stretch": goal and goal.stretch, "at_least": goal and goal.is_least,
            "met": goal and goal.is_met_by(self.figure), "surpassed": goal and goal.is_surpassed_by(self.figure), "note": self.note,
        }  # fmt: skip


def machine() -> dict[str, Any]:
    """What the figures were measured on, with what, when, and how busy others kept it."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        processor = models[0] if models else processor
    busy = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"processor": processor, "cores": os.cpu_count(), "load_before": busy, "begun": now, "commit": commit(), **versions()}


def as_data(lines: Sequence[Line], here: Mapping[str, Any]) -> dict[str, Any]:
    """A section, for JSON."""
    return {"machine": dict(here), "lines": [line.as_data() for line in lines]}


def read(path: Path) -> dict[str, Any]:
    """The sections measured so far, by name; none where there is no file. Raises InputError where it is something else."""
    if not path.exists():
        return {}
    with in_a_sentence(path, "read"):
        text = path.read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(section, dict) and "lines" in section for section in found.values()):
        raise InputError(f"{path} is not what the bench writes (for each section its 'machine' and its 'lines'); delete it or move it away.")
    return found


def write(path: Path, section: str, measured: Mapping[str, Any]) -> None:
    """Put a section into the file, in the place of its earlier figures; other sections stay as they are."""
    with in_a_sentence(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, read(path) | {section: measured})


def show_lines(section: str, lines: Sequence[Line], here: Mapping[str, Any]) -> None:
    """A section as a table, and the notes below it."""
    say(f"{here['processor']}, {here['cores']} cores, load {here['load_before']} before; Python {here['python']}, numpy {here['numpy']}, model {here['countylines']}")
    made = table("measured", "figure", "unit", "goal (stretch)", "met", title=section, numbers=("figure", "goal (stretch)"))
    for line in lines:
        figure = f"{line.figure:,.{2 if abs(line.figure) < 10 else 1 if abs(line.figure) < 100 else 0}f}" if not isnan(line.figure) else "–"
        add(made, line.what, figure, line.unit, line.goal or "", line.verdict)
    show(made)
    for line in lines:
        if line.note:
            say(f"  {line.what}: {line.note}.")
    say()
