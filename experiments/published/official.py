"""Beside the official tables: what the model gives under the definitions of the Department for Education, the National Crime Agency and
the National Referral Mechanism, and by authority.

Authority results are for checking the model and for nothing else: each is of invented children who follow the authority's published
numbers and England's rules, so it says nothing about an authority's work. They come with intervals, in the order of the authorities'
codes, and what rests on fewer than ten children is suppressed. Nobody may rank places by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.measures import every_measure
from experiments.measures.missing import recorded
from experiments.measures.story import AUTHORITY, Story, Window
from sim.ledger import Event
from sim.places import read_places
from sim.services import CRIMINAL_FACTOR, GANG_FACTOR, MISSING_FACTOR, SEXUAL_FACTOR
from sim.sources import read_table, source
from sim.world import World

LEAST = 10  # a count below it is suppressed
EVER_OVER_STOCK = 115_410 / 81_770
"""Children of all ages looked after at any time in the year to 31 March 2025, for each one looked after on its last day."""


# -- by authority ------------------------------------------------------------------------------------------------------------


def _looked_after_missing(story: Story, world: World, year: Window) -> NDArray:
    """Looked-after children aged 10 to 17 with an incident in the authority's record, by responsible authority."""
    episodes = recorded(story, year, AUTHORITY)
    return _by_home(episodes.home[episodes.is_first], world)


def _naming(factor: int) -> Callable[[Story, World, Window], NDArray]:
    def count(story: Story, world: World, year: Window) -> NDArray:
        rows = story.of(Event.ASSESSED, year)
        return _by_home(rows["home"][(rows["detail"] & factor) > 0], world)

    return count


def _by_home(home: NDArray, world: World) -> NDArray:
    """A count by authority, as if the whole world had been simulated."""
    return (np.bincount(home, minlength=len(read_places())) / world.fraction).astype(np.float64)


COUNTS: dict[str, Callable[[Story, World, Window], NDArray]] = {
    "looked_after_missing_percent": _looked_after_missing,
    "cce_assessments": _naming(CRIMINAL_FACTOR),
    "gang_assessments": _naming(GANG_FACTOR),
    "cse_assessments": _naming(SEXUAL_FACTOR),
    "missing_assessments": _naming(MISSING_FACTOR),
}
"""What is counted by authority: the columns of places.csv of these names."""


def authority_counts(story: Story, world: World, year: Window) -> dict[tuple[str, str], float]:
    """(code, column) to the count behind it, for the authorities of a world in one year."""
    codes, counts = read_places().code, {name: count(story, world, year) for name, count in COUNTS.items()}
    return {(codes[a], name): float(values[a]) for name, values in counts.items() for a in world.authorities}


def per_cent_of_looked_after() -> NDArray:
    """What one child more adds to `looked_after_missing_percent` of each authority.

    The published figure is over children aged 0 to 17 looked after at any time in the year. The model has none under ten, who go missing
    hardly at all; so its children are divided by the published stock of all ages times England's ratio of flow to stock.
    """
    return 100.0 / (read_places().looked_after_31_march * EVER_OVER_STOCK)


# -- beside published tables -----------------------------------------------------------------------------------------------


def beside_tables(values: Mapping[str, float]) -> Iterator[dict[str, Any]]:
    """A row for each measure that an official table gives as well, and for each row of the evidence that quotes the table."""
    published = {row["id"]: row for name in ("missing_and_care", "lines_and_interventions") for row in read_table(f"evidence/{name}.csv")}
    for measure in every_measure():
        for row in measure.official.split(";") if measure.official else ():
            quoted, table = published.get(row, {}), source(row)
            yield {
                "measure": measure.name, "label": measure.label, "unit": measure.unit, "model": values.get(measure.name, float("nan")), "row": row,
                "published": quoted.get("value", ""), "published_unit": quoted.get("unit", ""), "of": quoted.get("population", ""),
                "where": quoted.get("geography", ""), "year": table.year, "table": table.title, "publisher": table.publisher,
            }  # fmt: skip
