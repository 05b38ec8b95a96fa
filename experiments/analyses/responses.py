"""What an outcome is at the values that a study chose: for grids, lists, and inputs that are changed one at a time.

Such draws are no sample of what is uncertain, so nothing is averaged over them: each has its mean and its t interval over seeds,
which is chance alone. Where inputs are changed one at a time, each draw is compared with the first one, in which nothing is
changed, seed by seed.

*What it says*: what the model gives at these values. *What it does not say*: anything between or beyond them, nor, one at a time,
what two changes do together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from experiments.analyses.effects import Interval, mean_interval
from experiments.analyses.outcomes import Outcome

KINDS = ("grid", "list", "one_at_a_time")


@dataclass(frozen=True)
class Response:
    """The outcome at one draw: the inputs that it sets (of one at a time: the one that it changes), and the mean over seeds."""

    values: Mapping[str, float]
    structure: str
    interval: Interval
    seeds: int


def responses(frame: pd.DataFrame, outcome: Outcome) -> list[Response]:
    """The outcome at each draw, in the order of the study; of one at a time its change against the first draw."""
    names = list(frame.attrs["inputs"])
    drawn = frame.drop_duplicates("draw").set_index("draw")[names]
    one_at_a_time = frame.attrs["design"] == "one_at_a_time"
    rows = outcome.rows
    if one_at_a_time:
        first = rows[rows["draw"] == 0].set_index(["structure", "seed"])["value"]
        before = rows.set_index(["structure", "seed"]).index.map(first)
        rows = rows.assign(value=rows["value"] - before).query("draw != 0").dropna()
    found = []
    for (draw, structure), part in rows.groupby(["draw", "structure"], sort=True):
        values = drawn.loc[draw]
        if one_at_a_time:
            values = values[values != drawn.loc[0]]
            if set(values.index) and set(values.index) <= outcome.inert:
                continue  # a number of a policy that is not there
        found.append(Response(values.to_dict(), str(structure), mean_interval(part["value"].to_numpy()), len(part)))
    return found
