"""How far a study is: a bar with the rate and the time left, or a line now and then where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from experiments import wording
from experiments.running.runner import Done
from sim.terminal import note

STEP = 0.1  # where there is no terminal, a line each time that so much more is done


@contextmanager
def progress(days: int, runs: int) -> Iterator[Any]:
    """A bar of days lived, with the rate and the time left; a line now and then where there is no terminal."""
    console = Console(stderr=True)
    if not days:
        yield lambda done: None
    elif console.is_terminal:
        columns = (
            BarColumn(None), TextColumn("{task.percentage:3.0f} %"), TextColumn("{task.fields[runs]} of " + wording.count(runs, "run")),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=days, runs=0, rate="")

            def tell(done: Done) -> None:
                bar.update(task, completed=done.days, runs=done.runs, rate=_rate(bar, task))

            yield tell
    else:
        began, told = time.monotonic(), [0.0]

        def tell_now_and_then(done: Done) -> None:
            part = done.days / days
            if part >= told[0] + STEP:
                told[0] = part
                left = (time.monotonic() - began) * (1.0 - part) / part
                note(f"{100 * part:3.0f} %, {done.runs} of {wording.count(runs, 'run')}, about {left:.0f} s left")

        yield tell_now_and_then


def _rate(bar: Progress, task: TaskID) -> str:
    speed = next((each.speed for each in bar.tasks if each.id == task), None)
    return f"{speed / 365.25:.2f} years a second" if speed else ""
