"""Small worlds in which much happens, and pairs of runs of them: what one would observe of a mechanism, in seconds.

There are far more lines for each child than in life, so numbers lie beyond their declared ranges, which are widened while a model is made.
Runs of a pair share all their chance: they differ by what is tried, and by what follows from it.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from sim import CountyLines, Scenario, World
from sim.parameters import Parameters
from sim.places import read_places
from tests.worlds import BASELINE, EVENTFUL, REGION, events, world

NORTH = tuple(
    sorted(read_places().index(name) for name in ("Liverpool", "Blackpool", "Middlesbrough"))
)  # more deprived than England
MANY_LINES: Mapping[str, float] = {"lines.external": 9000.0, "lines.internal": 6000.0}
LIVELY: Mapping[str, float] = {**EVENTFUL, **MANY_LINES}


@contextmanager
def beyond_ranges(values: Mapping[str, float]) -> Iterator[None]:
    """While this lasts, ranges are wide enough for these values."""
    with ExitStack() as widened:
        for address, value in values.items():
            group, _, name = address.rpartition(".")
            declared = Parameters.registry[group].declared
            low, high = declared[name].between
            widened.enter_context(
                patch.dict(declared, {name: replace(declared[name], between=(min(low, value), max(high, value)))})
            )
        yield


def made(
    settings: Mapping[str, float] = LIVELY,
    *,
    scenario: Scenario = BASELINE,
    fraction: float = 0.02,
    places: tuple[int, ...] = REGION.authorities,
    seed: int = 1,
    days: int = 150,
    kind: type[CountyLines] = CountyLines,
    where: World | None = None,
) -> CountyLines:
    """A model on the evening before day 1, with these settings, in or out of their ranges."""
    with beyond_ranges(settings):
        return kind(
            scenario,
            where or world(fraction, warm_up=1, days=days, places=places),
            seed=seed,
            parameters=settings,
            days=days,
        )


def ran(settings: Mapping[str, float] = LIVELY, **how) -> CountyLines:
    """A model that has lived all its days."""
    model = made(settings, **how)
    return model.run_to(model.last_day)


def twin(model: CountyLines) -> CountyLines:
    """The same England once more, to let something else happen in it."""
    return pickle.loads(pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL))


def times(models, *kinds, where=None) -> int:
    """How many events of some kinds there were in all of these runs; `where(rows)` says which of them count."""
    number = 0
    for model in models:
        rows = events(model, *kinds)
        number += len(rows["day"]) if where is None else int(np.count_nonzero(where(rows)))
    return number


def moments(rows: Mapping[str, NDArray], *columns: str) -> set[tuple]:
    """What happened to whom when, as a set."""
    return set(zip(*(rows[name].tolist() for name in ("day", "child", *columns)), strict=True))


def rows_of(model: CountyLines, keys) -> NDArray[np.int64]:
    """Rows of the children of these keys."""
    order = np.argsort(model.children.columns["key"], kind="stable")
    return order[np.searchsorted(model.children.columns["key"][order], keys)]


def is_male(model: CountyLines, keys) -> NDArray[np.bool_]:
    """Which of the children of these keys are boys."""
    return model.children.columns["is_male"][rows_of(model, keys)]
