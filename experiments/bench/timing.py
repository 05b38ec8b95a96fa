"""Contenders, each alive in a process of its own, who have their turns one after the other; what a turn costs is processor time.

Machines differ, and one machine differs from minute to minute: two figures are compared by the median of the ratios of turns that
followed one another. What others do on the machine lengthens a turn on the clock, its processor time only a little.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent.parent


class Turn(NamedTuple):
    """What a turn cost, and what the contender tells afterwards."""

    seconds: float  # processor time, of all threads, system included
    since_start: float  # that of the whole process so far, with the interpreter and all imports [s]
    peak: float  # the most memory that the process has ever held [bytes]
    told: dict[str, Any]


class ContenderDied(Exception):
    """A process ended before its turn was over."""


class Contender:
    """One of `contenders.py` with its arguments, in a process of its own; `where` is the folder whose `sim` it imports. To be used in a `with`."""

    def __init__(self, name: str, arguments: Mapping[str, Any] | None = None, where: Path = ROOT):
        self.name = name
        command = [sys.executable, "-m", "experiments.bench.contenders", name, json.dumps(arguments or {})]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}  # who uses the model has its bytecode on the disk
        self.process = subprocess.Popen(command, cwd=where, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def begin(self) -> None:
        """Let its turn begin. The first is to get ready: to import, to build, to load compiled code."""
        assert self.process.stdin is not None
        with suppress(OSError):  # if it has died, `end` says so
            print(file=self.process.stdin, flush=True)

    def end(self) -> Turn:
        """Wait until its turn is over."""
        assert self.process.stdout is not None
        answer = self.process.stdout.readline()
        if not answer:
            raise ContenderDied(f"the process of '{self.name}' ended with code {self.process.wait()} before its turn was over.")
        return Turn(**json.loads(answer))

    def turn(self) -> Turn:
        """A whole turn."""
        self.begin()
        return self.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        with suppress(OSError), self.process:  # closes the pipes and waits
            pass


def together(*contenders: Contender) -> list[Turn]:
    """All have a turn at the same time: as when they get ready, whose cost is not compared."""
    for each in contenders:
        each.begin()
    return [each.end() for each in contenders]


def by_turns(contenders: Sequence[Contender], turns: int) -> NDArray[np.float64]:
    """Each has its turn while the others wait, so many times over; processor time [s], a row for each round."""
    return np.array([[each.turn().seconds for each in contenders] for _ in range(turns)])


def ratio(some: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """The median of the ratios, round by round."""
    return float(np.median(some / others))


def clock(*contenders: Contender) -> float:
    """Let all have a turn at the same time; how long it takes until the last is done, on the clock [s]."""
    begin = time.perf_counter()
    together(*contenders)
    return time.perf_counter() - begin
