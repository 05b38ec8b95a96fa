"""The story of a run, and its measures, on a ledger written by hand."""

from typing import Any

import numpy as np
import pytest

from experiments.measures import every_measure, named, take
from experiments.measures.story import (
    AUTHORITY,
    FOUND,
    LOOKED_AFTER,
    OVERNIGHT,
    POLICE,
    Story,
    Window,
    in_words,
    months_between,
    years_between,
)
from experiments.published.targets import compare_with_targets, every_target
from sim.ledger import TABLES, Event
from sim.population import CHILDRENS_HOME, DEBT, FOSTER, LINE
from sim.scenario import load_world

LAST = 40
ANN, BEN, CAT = 11, 22, 33


def story(*events: dict[str, Any], days: int = LAST, bills: tuple[dict[str, Any], ...] = ()) -> Story:
    """A story of these events, with stocks that tell of a hundred children, ten of them looked after."""

    def table(name: str, rows: tuple[dict[str, Any], ...]) -> dict[str, Any]:
        return {column: np.array([row.get(column, 0) for row in rows], dtype=dtype) for column, dtype in TABLES[name].items()}

    stocks = tuple({"day": day, "children": 100, "looked_after": 10, "working": day % 2} for day in range(1, days + 1))
    children = tuple({"day": 1, "child": child, "born": -5000} for child in sorted({event["child"] for event in events} - {0}))
    return Story({
        "events": table("events", events), "stocks": table("stocks", stocks), "bills": table("bills", bills), "counts": table("counts", ()),
        "children": table("children", children),
    })  # fmt: skip


def row(event: Event, child: int, day: int, **columns: Any) -> dict[str, Any]:
    return {"event": event, "child": child, "day": day} | columns


def went(child: int, day: int, **columns: Any) -> dict[str, Any]:
    return row(Event.WENT_MISSING, child, day, **columns)


def came(child: int, day: int, away: float, **columns: Any) -> dict[str, Any]:
    return row(Event.RETURNED, child, day, amount=away, **columns)


@pytest.fixture
def hand_made() -> Story:
    """Ann is away twice and in care; Ben does not come back; Cat turns eighteen while away."""
    return story(
        went(CAT, 5, cause=LINE), row(Event.STILL_MISSING, CAT, 14, amount=9.0),
        row(Event.PLACED, ANN, 1, cause=FOSTER, serial=0), row(Event.PLACED, ANN, 15, cause=CHILDRENS_HOME, serial=1),
        went(ANN, 20, detail=LOOKED_AFTER | AUTHORITY, serial=1), came(ANN, 20, 0.25, detail=LOOKED_AFTER | AUTHORITY | POLICE, serial=1),
        went(ANN, 10, detail=LOOKED_AFTER | POLICE), came(ANN, 11, 1.5, detail=LOOKED_AFTER | POLICE | OVERNIGHT | FOUND),
        went(BEN, 30, cause=DEBT),
    )  # fmt: skip


def test_each_start_finds_its_own_end(hand_made: Story) -> None:
    episodes = hand_made.episodes
    assert episodes.child.tolist() == [ANN, ANN, BEN, CAT]
    assert episodes.start.tolist() == [10, 20, 30, 5]
    assert episodes.end[:2].tolist() == [11, 20]
    assert (episodes.end[2:] > LAST).all()
    assert episodes.away.tolist() == [1.5, 0.25, 11.0, 9.0]


def test_a_report_may_come_after_the_start(hand_made: Story) -> None:
    assert hand_made.episodes.has(POLICE).tolist() == [True, True, False, False]
    assert hand_made.episodes.has(AUTHORITY, LOOKED_AFTER).tolist() == [False, True, False, False]
    assert hand_made.episodes.has(FOUND).tolist() == [True, False, False, False]


def test_the_setting_is_that_of_the_day(hand_made: Story) -> None:
    assert hand_made.episodes.setting.tolist() == [FOSTER, CHILDRENS_HOME, 0, 0]


def test_children_and_episodes_are_counted_by_the_day_of_the_start_and_by_record(hand_made: Story) -> None:
    window = Window(10, 30)
    found = take(hand_made, window)
    assert {name: found[name] for name in ("children_missing", "children_missing_police", "children_missing_authority")} == {
        "children_missing": 2, "children_missing_police": 1, "children_missing_authority": 1,
    }  # fmt: skip
    assert {name: found[name] for name in ("episodes", "episodes_police", "episodes_authority", "episodes_for_a_line")} == {
        "episodes": 3, "episodes_police": 2, "episodes_authority": 1, "episodes_for_a_line": 1,
    }  # fmt: skip
    assert found["repeats"] == 0.5
    assert found["never_reported"] == pytest.approx(1 / 3)


def test_days_missing_are_those_inside_the_window(hand_made: Story) -> None:
    # Ann 0.5 of 1.5 (from the morning of day 10) and 0.25; Cat days 11 to 13 of 5 to 13; Ben not yet
    assert named("days_missing").of(hand_made, Window(11, 20)) == pytest.approx(0.5 + 0.25 + 3.0)
    assert named("days_missing").of(hand_made, Window(1, LAST)) == pytest.approx(1.5 + 0.25 + 9.0 + 11.0)


def test_windows_add_up(hand_made: Story) -> None:
    parts = [named("days_missing").of(hand_made, Window(first, first + 7)) for first in range(1, LAST, 8)]
    assert sum(parts) == pytest.approx(named("days_missing").of(hand_made, Window(1, LAST)))


def test_bills_are_added_by_payer_and_item() -> None:
    bills = ({"day": 3, "payer": 0, "item": 0, "pounds": 10.0}, {"day": 4, "payer": 1, "item": 8, "pounds": 5.0}, {"day": 9, "payer": 1, "item": 8, "pounds": 7.0})
    found = take(story(bills=bills), Window(1, 5))
    assert (found["cost"], found["cost_police"], found["cost_childrens_social_care"]) == (15.0, 5.0, 10.0)


def test_stocks_are_means_over_days() -> None:
    assert named("children_on_lines").of(story(), Window(1, LAST)) == 0.5


def test_a_story_in_which_nothing_happened_is_measured_without_a_division_by_nothing() -> None:
    with np.errstate(all="raise"):
        found = take(story(), Window(1, LAST))
    assert found["children_missing"] == 0
    assert set(found) == {each.name for each in every_measure()}
    targets = compare_with_targets(story(), load_world("town"), Window(1, LAST))
    assert targets.keys() == {each.key for each in every_target()}
    assert not any(np.isinf(value) for value in targets.values())


def test_months_and_years_are_those_of_the_calendar() -> None:
    assert [window.iso for window in months_between(366, 425)] == ["2026-04-01/2026-04-30", "2026-05-01/2026-05-30"]
    assert [(window.first, window.last) for window in years_between(366, 1095)] == [(366, 730), (731, 1095)]
    assert in_words(366) == "1 April 2026"
    assert Window(366, 730).label == "1 April 2026 to 31 March 2027"
