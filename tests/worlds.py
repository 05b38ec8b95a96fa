"""Small worlds for the tests: the region's own places, few children, short years, and a practice in which much happens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim import CountyLines, Scenario, World, load_world
from sim.ledger import Event
from sim.scenario import PolicyUse

REGION = load_world("region")
BASELINE = Scenario("baseline")

EVENTFUL: Mapping[str, float] = {
    # Rare things made common, each within its range, so that a short run of a small world has some of everything.
    "lines.external": 1500.0, "lines.internal": 900.0, "lines.contacts": 10.0, "lines.positions": 8, "lines.coast": 3.0,
    "recruitment.nobody": 0.1, "recruitment.in_market": 0.8, "recruitment.looked_after": 6.0, "exploitation.threat": 0.6, "exploitation.starts": 3.0,
    "exploitation.tries": 0.12, "missing.stays": 1.3, "missing.at_home": 0.12, "missing.in_foster": 0.8,
    "services.episode_seen": 0.3, "services.met_seen": 1.0, "policing.at_closure": 0.8,
    "services.recognised": 0.8, "services.discloses": 0.4, "services.help_days": 60, "care.occupancy": 0.97,
}  # fmt: skip


def world(fraction: float = 0.02, *, warm_up: int = 20, days: int = 120, places: tuple[int, ...] = REGION.authorities) -> World:
    """Some of the children of the region (or of other places), for some days."""
    return World("small", places, fraction, warm_up, days)


def scenario(
    policies: Mapping[str, Mapping[str, float]] | Iterable[str] = (),
    *,
    begins: int | None = None,
    ends: int | None = None,
    where: tuple[int, ...] | None = None,
    parameters: Mapping[str, float] | None = None,
) -> Scenario:
    """A scenario with these policies, all in force at the same time and places."""
    settings = policies if isinstance(policies, Mapping) else {name: {} for name in policies}
    uses = {name: PolicyUse(name, values, begins, ends, where) for name, values in settings.items()}
    return Scenario("tried", policies=uses, parameters=parameters or {})


def lived(
    run_scenario: Scenario = BASELINE,
    *,
    world: World,
    seed: int = 1,
    parameters: Mapping[str, float] | None = None,
    until: int | None = None,
) -> CountyLines:
    """A model that has lived its days."""
    model = CountyLines(run_scenario, world, seed=seed, parameters=parameters)
    return model.run_to(model.last_day if until is None else until)


def events(model: CountyLines, *kinds: Event) -> dict[str, NDArray[Any]]:
    """The rows of the ledger's events, of some kinds only if any are named, in the order of the digest."""
    table = model.ledger.table("events")
    if not kinds:
        return table
    kept = np.isin(table["event"], kinds)
    return {name: column[kept] for name, column in table.items()}


def number(model: CountyLines, *kinds: Event) -> int:
    """How many events of some kinds there were."""
    return len(events(model, *kinds)["day"])


def rows_until(model: CountyLines, day: int) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table up to the evening of a day."""
    tables = {}
    for name in model.ledger.tables:
        table = model.ledger.table(name)
        kept = table["day"] <= day
        tables[name] = list(zip(*(column[kept].tolist() for column in table.values()), strict=True))
    return tables
