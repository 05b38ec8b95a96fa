"""The rules of the model once more, in the plainest Python: an object for each child, loops over children and over days.

There are no columns, no clocks, no shortlists here. What may happen to a child is a hazard a day, and a *patience*: an Exp(1)
draw, from which the hazards are taken off day by day until it is used up (so that the chance of a day is 1 - exp(-hazard)).
Read `world.py` first (the day), then the file of the theme: people, alone (unaccompanied children), schooling, care, lines, recruiting,
exploitation (by a line), otherwise (by others), missing, harm, police, services, trust, distance, costs, policies. `people.hold` is a lever
on one child's hazard, `practice.py` a number of an authority; by these two, policies and mechanisms take hold of what happens.

Chance is looked up by (decision, key, serial), as in the engine, so both must agree exactly, child by child: every row that the
engine's ledger holds, and every fact of every child. Only `sim.draws`, `sim.parameters`, `sim.dates` and `sim.places` are shared.

*Ties.* Where the engine compares a group's sum with a child's level, this compares what is left with nought, and floating-point sums
differ in their last bits. An event would fall on another day only if a patience, drawn from 2^52 values, met a sum of hazards to about
one part in 10^13: no two things that are compared are ever equal by construction, for each holds a draw of its own.

From a test: `from . import run_reference`. From a script: load this file by path with `importlib.util.spec_from_file_location` under
any name, and put the module into `sys.modules` before it is executed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from .facts import facts_of
from .world import England

__all__ = ["Reference", "run_reference"]


class Reference:
    """A run of the reference."""

    def __init__(self, england: England):
        self.england = england

    def tables(self) -> dict[str, dict[str, Any]]:
        """Every table of the ledger, as `model.ledger.table(name)` gives it."""
        return self.england.ledger.tables()

    def facts(self) -> dict[str, list]:
        """What is known of every child on the last evening: columns in the order of the children's keys."""
        return facts_of(self.england)


def run_reference(
    world_authorities: Iterable[int],
    fraction: float,
    seed: int,
    days: int,
    warm_up_days: int = 365,
    parameters: Mapping[str, float] | None = None,
    policies: Mapping[str, Mapping[str, Any]] | None = None,
    looks_at_everybody: bool = False,
    kind: type[England] = England,
) -> Reference:
    """Live the days of a world by the plain rules.

    `parameters` maps addresses ("lines.substitution") to values; `policies` maps names to `settings` (name to value) and, where they
    differ from "from the end of the warm-up, for ever, everywhere", `begins` and `ends` [day] and `where` [authorities]. The declared
    numbers must have been imported, policies included, as loading a scenario does. `looks_at_everybody` asks every child every day, as the
    plainest program would, where otherwise lists of the few are kept; `kind` may be the England of `mesa_agents.py`. The answer is the same.
    """
    england = kind(sorted(world_authorities), fraction, seed, days, warm_up_days, parameters or {}, policies or {}, looks_at_everybody)
    while england.day < days:
        england.step()
    return Reference(england)
