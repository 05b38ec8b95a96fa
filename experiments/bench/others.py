"""`bench others`: the model against the same rules an object at a time, against Starsim, and against the machine.

Every contender lives so many days a turn, in a world of as many children or agents, by turns with the model.

- *Plain Mesa agents*: the rules of the reference; each child is an agent, asked four times a day with `AgentSet.shuffle_do`.
- *The plain reference*, which looks at every child wherever the rules speak of some.
- *Starsim*, a framework of agents on networks that was written for speed: its SIR with its own rates, far simpler than this model, daily steps,
  on a `RandomNet` (four contacts a day for each, drawn anew) and in a `MixingPool` (an average over everybody, cheaper than any network).
- *The floor*: one byte of each child read once a day, less than any program can do that looks at everybody; and how fast memory is copied.

The reference and the Mesa agents need many minutes for a year of 200,000, so days at its beginning are compared, from the second on. The
more has happened, the more the model's day costs: at 20,000 children no more at a year's end than at its beginning, at 200,000 about a fifth
more. So the ratios of large worlds flatter the model somewhat; what a day of England costs over a whole year is in `bench scale`.
"""

from __future__ import annotations

import importlib.metadata
import sys
from argparse import Namespace
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from experiments.bench.lines import Goal, Line, at_least
from experiments.bench.speed import needs_a_clone
from experiments.bench.timing import Contender, by_turns, ratio, together

READS = 200  # of one byte of each child, in a turn


class Size(NamedTuple):
    """How many children, for how many days a turn, how often; and the goals."""

    world: str
    children: int | None  # None: all
    days: int
    turns: int
    goal_of_agents: Goal | None = None
    goal_of_network: Goal | None = None
    object_by_object: bool = True


SIZES = (
    Size("region", 20_000, 10, 5, at_least(60.0, 150.0), at_least(8.0)),
    Size("region", 200_000, 4, 5, at_least(250.0, 700.0), at_least(15.0)),
    Size("england", None, 5, 3, None, at_least(80.0), object_by_object=False),
)
QUICK = (Size("region", 500, 2, 1),)


def measure(options: Namespace) -> list[Line]:
    """Each size in turn, after the speed of memory."""
    needs_a_clone()
    starsim = find_spec("starsim") is not None
    if not starsim:
        print("Starsim is not installed, so nothing is compared with it; `make bench` installs it, as does pip install -c constraints.txt -e '.[bench]'.", file=sys.stderr)
    bandwidth = _bandwidth(*((1 << 20, 2) if options.quick else (1 << 28, 8)))
    copied = Line("memory copied", 1e-9 * bandwidth, "GB/s", note="bytes copied, each of which is read and written, by one core")
    return [copied, *(line for size in (QUICK if options.quick else SIZES) for line in _at(size, starsim, bandwidth))]


def _bandwidth(size: int, times: int) -> float:
    """How fast memory is copied, by pieces far larger than any cache [bytes a second]."""
    with Contender("copying", {"size": size, "times": times}) as copying:
        together(copying)
        return size * times / float(np.median(by_turns([copying], 5)))


def _at(size: Size, starsim: bool, bandwidth: float) -> list[Line]:
    """Everybody by turns in a world of one size."""
    part: dict[str, Any] = {"world": size.world, "days": size.days} | ({"children": size.children} if size.children else {})
    with ExitStack() as stack:
        model = stack.enter_context(Contender("model", part))
        (first,) = together(model)
        children = first.told["children"]
        epidemic = {"agents": children, "days": size.days}
        version = f"Starsim {importlib.metadata.version('starsim')}" if starsim else ""
        wanted = {
            "one byte read of each": ("reading", {"children": children, "times": READS}, None, ""),
            "plain Mesa agents": ("plain", part | {"agents": True}, size.goal_of_agents, "each is asked four times a day"),
            "the plain reference": ("plain", part | {"everybody": True}, None, "each is looked at wherever the rules speak of some"),
            "Starsim SIR on RandomNet(4)": ("epidemic", epidemic | {"network": "RandomNet"}, size.goal_of_network, version),
            "Starsim SIR in a MixingPool": ("epidemic", epidemic | {"network": "MixingPool"}, None, version),
        }
        chosen = {what: each for what, each in wanted.items() if (each[0] != "plain" or size.object_by_object) and (each[0] != "epidemic" or starsim)}
        others = [stack.enter_context(Contender(name, arguments)) for name, arguments, _, _ in chosen.values()]
        together(*others)
        ours, floor, *theirs = by_turns([model, *others], size.turns).T
    day = float(np.median(ours)) / size.days
    days = f"days 2 to {1 + size.days * size.turns}"
    lines = [
        Line(f"{children:,} children: {what} over the model", ratio(seconds, ours), "times", goal, f"{1e3 * np.median(seconds) / size.days:,.1f} ms a day over {1e3 * day:,.2f} ms, {days}; {how}")
        for (what, (_, _, goal, how)), seconds in zip(list(chosen.items())[1:], theirs, strict=True)
    ]  # fmt: skip
    note = f"{1e3 * day:,.2f} ms a day over {1e6 * np.median(floor) / READS:,.1f} µs; in such a day the machine could copy {day * bandwidth / children:,.0f} bytes of each child"
    return [*lines, Line(f"{children:,} children: the model over one byte read of each", ratio(ours, floor) * READS / size.days, "times", note=note)]
