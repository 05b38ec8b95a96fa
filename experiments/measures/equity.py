"""Who is affected: sex, age, care, placement, deprivation, schooling, place

Each rate is over the children of that kind on the middle day of the window. Unequal effects by ethnicity and by disability are unknown,
not nil: the model holds neither.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from experiments.measures.exploitation import of_form
from experiments.measures.missing import TRUE, recorded
from experiments.measures.registry import measure, ratio
from experiments.measures.services import returns_in_a_record
from experiments.measures.story import POLICE, Columns, Story, Window, in_order_of_children, some
from experiments.measures.strata import DIMENSIONS, Dimension
from sim.ledger import Event
from sim.policing import CRIMINAL
from sim.population import BY_A_LINE, FORMS, SEXUALLY

Who = tuple[NDArray[np.uint64], NDArray[np.int64]]
"""Children, and for each the day on which its kind is asked."""


def _once(rows: Columns) -> Who:
    """Each child of these rows once, on its first day."""
    rows = in_order_of_children(rows)
    rows = some(rows, np.unique(rows["child"], return_index=True)[1])
    return rows["child"], rows["day"].astype(np.int64)


def _episodes(record: int) -> Callable[[Story, Window], Who]:
    return lambda story, window: (recorded(story, window, record).child, recorded(story, window, record).start)


def _missing(record: int) -> Callable[[Story, Window], Who]:
    def of(story: Story, window: Window) -> Who:
        first = recorded(story, window, record)
        first = first.where(first.is_first)
        return first.child, first.start

    return of


RATES: dict[str, tuple[str, str, str, Callable[[Story, Window], Who]]] = {
    "missing": ("children going missing (true)", "fewer", "Children who began at least one missing episode in the window, recorded or not", _missing(TRUE)),
    "missing_police": ("children going missing (police record)", "", "Children with at least one episode, begun in the window, in the police record", _missing(POLICE)),
    "episodes": ("missing episodes (true)", "fewer", "Missing episodes begun in the window, recorded or not", _episodes(TRUE)),
    "recruited": (
        "children recruited to a line", "fewer", "Children who began to work a line in the window", lambda story, window: _once(story.of(Event.RECRUITED, window)),
    ),
    "sexually_exploited": (
        "children newly sexually exploited", "fewer", "Children who in the window began to be sexually exploited",
        lambda story, window: _once(of_form(story, Event.OTHERWISE_EXPLOITED, SEXUALLY, window)),
    ),
}  # fmt: skip
"""Rates for 1,000 children of a kind: label, better, what is counted, and who that is."""


def _identified(story: Story, window: Window) -> tuple[Who, NDArray[np.bool_]]:
    """The children exploited in a window, on the first day of it on which they are; whether they were identified by its end."""
    spells = [story.on_a_line, *(story.otherwise_exploited(form) for form in range(len(FORMS)) if form != BY_A_LINE)]
    inside = [each.overlapping(window) for each in spells]
    child, day = (np.concatenate([getattr(each, name) for each in inside]) for name in ("child", "start"))
    child, day = _once({"child": child, "day": np.maximum(day, window.first), "serial": np.zeros(len(child))})
    known = story.of(Event.IDENTIFIED)
    return (child, day), np.isin(child, known["child"][known["day"] <= window.last])


def _interviewed(story: Story, window: Window) -> tuple[Who, NDArray[np.bool_]]:
    back, followed = returns_in_a_record(story, window)
    return (back["child"], back["day"].astype(np.int64)), followed


def _criminal(story: Story, window: Window) -> tuple[Who, NDArray[np.bool_]]:
    rows = story.of(Event.ARRESTED, window)
    return (rows["child"], rows["day"].astype(np.int64)), rows["detail"] == CRIMINAL


SHARES: dict[str, tuple[str, str, str, str, Callable[[Story, Window], tuple[Who, NDArray[np.bool_]]]]] = {
    "identified": (
        "exploited children who are identified", "more", "share of children",
        "Of the children exploited in any form on some day of the window, those whose exploitation some agency had recognised by its end", _identified,
    ),
    "interviewed": (
        "recorded episodes followed by a return interview", "more", "share of episodes",
        "Of the recorded episodes that ended in the window, those after which a return interview was held", _interviewed,
    ),
    "criminal_response": (
        "criminal responses to exploited children", "fewer", "share of those met",
        "Of the times in the window that police met a child who works a line, those that they answered with the criminal law and not by safeguarding it", _criminal,
    ),
}  # fmt: skip
"""Shares among children of a kind: label, better, unit, definition, and of whom to whom it applies."""


def _rate(outcome: str, dimension: Dimension, kind: int) -> None:
    label, better, said, who = RATES[outcome]
    name, whose = dimension.kinds[kind]

    def of(story: Story, window: Window) -> float:
        number = story.keep((outcome, dimension.name, window), lambda: dimension.count(story, *who(story, window)))
        return ratio(int(number[kind]), int(dimension.people(story, window.middle)[kind]), 1000.0)

    measure(
        "per 1,000 such children", f"{label}: {whose}", better=better, name=f"{outcome}_{name}_per_1000",
        definition=f"{said}, of children {whose} on that day, per 1,000 children {whose} on the middle day of the window.",
    )(of)  # fmt: skip


def _share(outcome: str, dimension: Dimension, kind: int) -> None:
    label, better, unit, said, who = SHARES[outcome]
    name, whose = dimension.kinds[kind]

    def counts(story: Story, window: Window) -> tuple[NDArray, NDArray]:
        (child, day), mask = who(story, window)
        return dimension.count(story, child, day), dimension.count(story, child[mask], day[mask])

    def of(story: Story, window: Window) -> float:
        whole, part = story.keep((outcome, dimension.name, window), lambda: counts(story, window))
        return ratio(int(part[kind]), int(whole[kind]))

    measure(
        unit, f"{label}: {whose}", better=better, name=f"{outcome}_{name}", definition=f"{said}; of children {whose} on that day.",
    )(of)  # fmt: skip


for _dimension in DIMENSIONS:
    for _kind in range(len(_dimension.kinds)):
        for _outcome in RATES:
            _rate(_outcome, _dimension, _kind)
        for _outcome in SHARES:
            _share(_outcome, _dimension, _kind)
