"""The model against Starsim, a compartmental epidemic on networks of agents: far simpler than this model, and written for speed.

An SIR with Starsim's own rates, daily steps and as many agents, who meet in a `RandomNet` (four contacts a day for each, drawn anew) or
in a `MixingPool` (an average over everybody, which is cheaper than any network can be). Whoever has a faster version of Starsim gets other
ratios: its version is printed.
"""

from __future__ import annotations

import importlib.metadata
from importlib.util import find_spec
from typing import Any

import numpy as np

from experiments.bench.lines import Goal, Line, at_least
from experiments.bench.timing import Contender, by_turns, ratio
from sim.terminal import say

# World and children, days a turn, turns, and the goal for the random network.
SIZES = (("region", 20_000, 20, 5, at_least(8.0)), ("region", 200_000, 10, 5, at_least(15.0)), ("england", None, 3, 3, at_least(80.0)))
QUICK = (("region", 500, 2, 1, None),)


def measure(quick: bool) -> list[Line]:
    """Starsim over the model; nothing but a sentence where it is not installed."""
    if find_spec("starsim") is None:
        say("Starsim is not installed, so nothing is compared with it: `make bench` installs it, as does pip install -c constraints.txt -e '.[bench]'.")
        return []
    return [line for size in (QUICK if quick else SIZES) for line in _epidemic(*size)]


def _epidemic(world: str, children: int | None, days: int, turns: int, goal: Goal | None) -> list[Line]:
    part: dict[str, Any] = {"world": world, "days": days} | ({"children": children} if children else {})
    with Contender("model", part) as model:
        agents = model.turn().told["children"]
        epidemic = {"agents": agents, "days": days}
        with Contender("epidemic", epidemic | {"network": "RandomNet"}) as network, Contender("epidemic", epidemic | {"network": "MixingPool"}) as pool:
            ours, net, mixing = by_turns((model, network, pool), turns).T
    note = f"{{:,.1f}} ms a day over {1e3 * np.median(ours) / days:,.1f} ms; Starsim {importlib.metadata.version('starsim')}"
    return [
        Line(f"{agents:,} agents: Starsim SIR on RandomNet(4) over the model", ratio(net, ours), "times", goal, note.format(1e3 * np.median(net) / days)),
        Line(f"{agents:,} agents: Starsim SIR in a MixingPool over the model", ratio(mixing, ours), "times", note=note.format(1e3 * np.median(mixing) / days)),
    ]
