"""The list of measures: each a named function of the ledger over a window of days, with a unit and a definition.

To add one, write one function in the file of its topic: its docstring is the definition that reports print.

    @measure("children", "children going missing", better="fewer")
    def children_missing(story, window):
        \"\"\"Children who began at least one missing episode, recorded or not.\"\"\"
        return story.in_window(window).children

Where an official table gives the same quantity, `official` names the rows of the project's evidence that quote it; the definition
is then the table's own, as far as children of ten to seventeen go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.measures.story import Story, Window


@dataclass(frozen=True)
class Measure:
    """A named function of the ledger. `better` is "fewer", "more" or "" where neither is better in itself.

    `topic` is the file it stands in; `official` names rows of the evidence, with ";" between them.
    """

    name: str
    label: str
    unit: str
    definition: str
    better: str
    of: Callable[[Story, Window], float]
    topic: str = ""
    official: str = ""


_MEASURES: dict[str, Measure] = {}


def measure(unit: str, label: str, *, better: str = "", name: str = "", definition: str = "", official: str = ""):
    """Register a function as a measure; its name and docstring are the measure's own unless given."""

    def register(function: Callable[[Story, Window], float]) -> Callable[[Story, Window], float]:
        own = name or function.__name__
        if own in _MEASURES:
            raise ValueError(f"there are two measures called {own}")
        said = definition or " ".join((function.__doc__ or "").split())
        if not said:
            raise ValueError(f"measure {own} has no definition; write a docstring")
        _MEASURES[own] = Measure(own, label, unit, said, better, function, function.__module__.rpartition(".")[2], official)
        return function

    return register


def every_measure() -> tuple[Measure, ...]:
    """All measures, in the order of declaration."""
    return tuple(_MEASURES.values())


def named(name: str) -> Measure:
    """The measure of that name."""
    return _MEASURES[name]


def take(story: Story, window: Window, names: tuple[str, ...] | None = None) -> dict[str, float]:
    """Every measure, or those named, over a window; nan where a measure is not defined (nobody to count)."""
    chosen = every_measure() if names is None else [_MEASURES[name] for name in names]
    return {each.name: float(each.of(story, window)) for each in chosen}


def ratio(part: float, whole: float, per: float = 1.0) -> float:
    """A part of a whole, times `per`; nan of nothing."""
    return per * part / whole if whole else float("nan")


def mean(values: NDArray) -> float:
    """The mean; nan of nothing."""
    return float(values.mean()) if len(values) else float("nan")


def median(values: NDArray) -> float:
    """The median; nan of nothing."""
    return float(np.median(values)) if len(values) else float("nan")


def as_name(words: str) -> str:
    """Words as a name: "children's social care" becomes "childrens_social_care"."""
    return "_".join("".join(c if c.isalnum() else " " if c != "'" else "" for c in words.lower()).split())
