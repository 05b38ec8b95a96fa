"""Measuring: what is kept of a run that has ended."""

from __future__ import annotations

from experiments.measures import MONTHLY, take
from experiments.measures.story import Story, Window, months_between, years_between
from experiments.published.official import authority_counts
from experiments.published.quantities import take_quantities
from experiments.published.targets import England, Spread, compare_with_targets
from experiments.running.store import Result, Values
from sim.ledger import digest
from sim.model import CountyLines

CHAIN = ("eligible", "reached", "changed")


def measure_run(model: CountyLines, key: str) -> Result:
    """Every measure over all days after the warm-up and over each year, some by month; in the last year the targets and what validates; chains."""
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
    spread = Spread.of(model)
    values |= {("target", last.iso, name): value for name, value in compare_with_targets(story, model.world, last, spread).items()}
    quantities = take_quantities(England(story, model.world, last, spread))
    values |= {("quantity", last.iso, f"{id}|{group}"): value for (id, group), value in quantities.items()}
    values |= {("authority", last.iso, f"{code}|{name}"): value for (code, name), value in authority_counts(story, model.world, last).items()}
    for policy in model.policies:
        values |= {("chain", policy.name, link): float(policy.counts[link]) for link in CHAIN}
    return Result(key, digest(tables), values)
