"""`bench others`: the model against the same rules an object at a time, against a far simpler model in Starsim, and against the machine.

Each contender lives so many days a turn, by turns with the model, in a world of as many children. The reference and the Mesa agents
need minutes for a year of 200,000 children, so it is days at the beginning that are compared: days from the second on, the same days for
all. A day costs the model about the same at any time of the year, and the others too: they ask everybody every day.
"""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import numpy as np

from experiments.bench import epidemics
from experiments.bench.lines import Goal, Line, at_least
from experiments.bench.speed import needs_a_clone
from experiments.bench.timing import Contender, by_turns, ratio

# Children, days a turn, turns, and the goal for plain Mesa agents.
SIZES = ((20_000, 10, 5, at_least(60.0, 150.0)), (200_000, 4, 5, at_least(250.0, 700.0)))
QUICK = ((500, 2, 1, None),)


def measure(options: Namespace) -> list[Line]:
    """Per-child programs, epidemics, the floor."""
    needs_a_clone()
    lines = [line for size in (QUICK if options.quick else SIZES) for line in _object_by_object(*size)]
    return [*lines, *epidemics.measure(options.quick), *_floor(options.quick)]


def _object_by_object(children: int, days: int, turns: int, goal: Goal | None) -> list[Line]:
    """The plain reference, which asks every child every day, and plain Mesa agents, over the model."""
    part: dict[str, Any] = {"world": "region", "children": children, "days": days}
    with (
        Contender("model", part) as model,
        Contender("plain", part | {"everybody": True}) as plain,
        Contender("plain", part | {"agents": True}) as agents,
    ):
        ours, asks, shuffles = by_turns((model, plain, agents), turns).T
    note = f"{{:,.0f}} ms a day over {1e3 * np.median(ours) / days:.1f} ms, days 2 to {1 + days * turns}"
    return [
        Line(f"{children:,} children: plain Mesa agents over the model", ratio(shuffles, ours), "times", goal, note.format(1e3 * np.median(shuffles) / days) + "; each is asked four times a day, with AgentSet.shuffle_do"),
        Line(f"{children:,} children: the plain reference over the model", ratio(asks, ours), "times", note=note.format(1e3 * np.median(asks) / days) + "; each is looked at wherever the rules speak of some"),
    ]  # fmt: skip


def _floor(quick: bool) -> list[Line]:
    """What nothing that looks at every child every day can undercut, and how fast the machine copies."""
    lines = []
    size, times = (1 << 20, 2) if quick else (1 << 28, 8)  # bytes: far more than any cache
    with Contender("copying", {"size": size, "times": times}) as copying:
        bandwidth = size * times / float(np.median(by_turns((copying,), 5)))
    lines.append(Line("memory copied", 1e-9 * bandwidth, "GB/s", note="bytes copied, each of which is read and written, on one core"))
    worlds = (("region", 500),) if quick else (("region", 20_000), ("region", 200_000), ("england", None))
    for world, children in worlds:
        days, turns = (2, 1) if quick else (20, 3)
        part = {"world": world, "days": days} | ({"children": children} if children else {})
        with Contender("model", part) as model:
            told = model.turn().told
            with Contender("reading", {"children": told["children"], "times": 200}) as reading:
                ours, floor = by_turns((model, reading), turns).T
        day, read = float(np.median(ours)) / days, float(np.median(floor)) / 200
        note = f"{1e3 * day:.2f} ms over {1e6 * read:.1f} µs; in a day of the model the machine could copy {day * bandwidth / told['children']:,.0f} bytes of each child"
        lines.append(Line(f"{told['children']:,} children: the model over one byte read of each", day / read, "times", note=note))
    return lines
