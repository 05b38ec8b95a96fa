"""Measuring: what is kept of a run that has ended."""

from __future__ import annotations

from experiments.measures import MONTHLY, take
from experiments.store import Result, Values
from experiments.story import Story, Window, months_between, years_between
from experiments.targets import Spread, compare_with_targets
from sim.ledger import digest
from sim.model import CountyLines

CHAIN = ("eligible", "reached", "changed")


def measure_run(model: CountyLines, key: str) -> Result:
    """Every measure over all days after the warm-up and over each year, some by month, the targets in the last year, and chains."""
    tables = {name: model.ledger.table(name) for name in model.ledger.tables}
    story = Story(tables)
    whole = Window(model.world.warm_up_days + 1, model.last_day)
    years = years_between(whole.first, whole.last)
    values: Values = {}
    for window in (whole, *years):
        values |= {("measure", window.iso, name): value for name, value in take(story, window).items()}
    for window in months_between(whole.first, whole.last):
        values |= {("measure", window.iso, name): value for name, value in take(story, window, MONTHLY).items()}
    last = years[-1]
    values |= {("target", last.iso, name): value for name, value in compare_with_targets(story, model.world, last, Spread.of(model)).items()}
    for policy in model.policies:
        values |= {("chain", policy.name, link): float(policy.counts[link]) for link in CHAIN}
    return Result(key, digest(tables), values)
