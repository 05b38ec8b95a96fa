"""Emulated studies: counts by hand, a way in that makes a fall of nothing, and the command."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments import emulated
from experiments.__main__ import main
from experiments.emulated import (
    DESIGNS,
    Seen,
    before_and_after,
    counted,
    every,
    look,
    often_missing_and_recognised,
    pairs_of_years,
    recorded,
    summary,
    taken_in_at_a_bad_time,
    the_worst,
)
from experiments.measures.story import AUTHORITY, POLICE, Story, Window
from experiments.running.ledgers import Arm, lived
from experiments.studies.designs import Replicate
from experiments.studies.study import PRESENT_PRACTICE
from sim.dates import date_of
from sim.ledger import EVENT_COLUMNS, TABLES, Event
from sim.population import BY_A_LINE
from sim.sources import resolve
from tests.worlds import world

LAST = 900


def story(*episodes: tuple[int, int], left: dict[int, int] | None = None, detail: int = POLICE, also: list[dict] | None = None) -> Story:
    """A run with children 1 to 4, aged fifteen on day 1, and these episodes (child, day of the start), each of one day."""
    rows = [{"day": day, "event": Event.WENT_MISSING, "child": child, "detail": detail} for child, day in episodes]
    rows += [{"day": day + 1, "event": Event.RETURNED, "child": child, "detail": detail, "amount": 1.0} for child, day in episodes]
    rows += [{"day": day, "event": Event.LEFT, "child": child} for child, day in (left or {}).items()] + (also or [])
    tables = {name: {column: np.zeros(0, dtype=dtype) for column, dtype in columns.items()} for name, columns in TABLES.items()}
    tables["events"] = {name: np.array([row.get(name, 0) for row in rows], dtype=dtype) for name, dtype in EVENT_COLUMNS.items()}
    children = {"day": [1] * 4, "child": [1, 2, 3, 4], "born": [-15 * 366] * 4}
    tables["children"] = {name: np.array(children.get(name, [0] * 4), dtype=dtype) for name, dtype in TABLES["children"].items()}
    tables["stocks"] = {name: np.array([LAST if name == "day" else 0], dtype=dtype) for name, dtype in TABLES["stocks"].items()}
    return Story(tables)


ALL = Window(1, LAST)


# -- by hand ---------------------------------------------------------------------------------------------------------------------------


def test_episodes_are_counted_from_the_first_day_to_the_last():
    told = story((1, 10), (1, 20), (1, 30), (2, 20))
    child, first, last = (np.array(values) for values in ([1, 1, 2, 3], [10, 11, 1, 1], [20, 30, 19, 99]))
    assert counted(recorded(told), child.astype(np.uint64), first, last).tolist() == [2, 2, 0, 0]


def test_only_what_the_police_recorded_is_counted():
    assert len(recorded(story((1, 10), detail=AUTHORITY))) == 0


def test_rates_are_of_those_who_stayed_and_a_month_long():
    told = story((1, 95), (1, 100), (1, 130), (2, 99), left={2: 150})
    seen = before_and_after(told, np.array([1, 2], dtype=np.uint64), np.array([100, 100]), 30, 60)
    assert seen == Seen(1, pytest.approx(2 / 30 * emulated.MONTH), pytest.approx(1 / 60 * emulated.MONTH))
    assert seen.fall == pytest.approx(75.0)


def test_a_child_is_taken_in_once_on_the_return_from_its_third_recorded_episode_in_ninety_days():
    told = story((1, 200), (1, 230), (1, 260), (1, 280), (2, 200), (2, 260), (2, 350), (3, 300))
    child, entry = taken_in_at_a_bad_time(told, ALL, 100, 100)
    assert (child.tolist(), entry.tolist()) == ([1], [261])


def test_a_recognised_child_comes_to_the_caseload_when_it_has_been_missing_often():
    named = [{"day": 200, "event": Event.FORM_NAMED, "child": child, "cause": BY_A_LINE} for child in (1, 2, 3)]
    told = story((1, 150), (1, 160), (1, 190), (2, 180), (2, 210), (2, 240), (3, 100), (4, 150), (4, 160), (4, 190), also=named)
    child, entry = often_missing_and_recognised(told, ALL)
    assert (child.tolist(), entry.tolist()) == ([1, 2], [200, 241])


def test_nobody_is_taken_in_whose_windows_do_not_fit():
    told = story((1, 20), (1, 30), (1, 40), (2, 880), (2, 885), (2, 890))
    assert len(taken_in_at_a_bad_time(told, ALL, 100, 100)[0]) == 0


def test_the_worst_year_is_chosen_by_what_was_seen_before_and_not_by_what_came():
    assert the_worst([(10, 1), (30, 29), (20, 0)]) == [(30, 29)]
    assert the_worst([]) == [] and every([(1, 2), (3, 4)]) == [(1, 2), (3, 4)]


def test_ten_months_are_january_to_october_of_years_that_follow():
    first, last = 366, 366 + 3 * 365
    for a, b in pairs_of_years(Window(first, last)):
        assert (date_of(a.first).month, date_of(a.last).month, date_of(b.first).year) == (1, 10, date_of(a.first).year + 1)
        assert first <= a.first and b.last <= last
    assert [date_of(a.first).year for a, _ in pairs_of_years(Window(first, last))] == [2027]


def test_a_fall_of_nothing_is_no_figure():
    assert np.isnan(Seen(3, 0.0, 1.0).fall) and Seen(3, 4.0, 5.0).fall == -25.0


# -- the way in makes a fall -----------------------------------------------------------------------------------------------------------


def test_a_bad_time_is_followed_by_a_better_one_although_nothing_is_done():
    """Of children who go missing at one unchanging rate, those taken in after three episodes in ninety days go missing less thereafter."""
    rng = np.random.default_rng(1)
    episodes = [(child, int(day)) for child in range(1, 5) for day in np.flatnonzero(rng.random(LAST) < 0.012) + 1]
    told = story(*[(child, day) for at, (child, day) in enumerate(episodes) if at == 0 or episodes[at - 1] != (child, day - 1)])
    child, entry = taken_in_at_a_bad_time(told, ALL, 90, 180)
    assert len(child) >= 2 and before_and_after(told, child, entry, 90, 180).fall > 20.0


SMALL = world(0.03, warm_up=30, days=1461)


@pytest.fixture(scope="module")
def nothing_done() -> Story:
    """One run of a small world over four years, as the command lives it."""
    return Story(lived(Arm("nothing", PRESENT_PRACTICE), SMALL, Replicate(0, 2, 0, {})))


@pytest.fixture(scope="module")
def seen(nothing_done):
    return look(nothing_done, Window(SMALL.warm_up_days + 1, SMALL.days), [design.id for design in DESIGNS])


@pytest.mark.slow
def test_the_way_in_and_not_the_programme_makes_the_fall(seen):
    assert seen["no_wrong_door_3m"].units > 5
    assert seen["no_wrong_door_3m"].fall > seen["no_wrong_door_ordinary"].fall
    assert seen["after_a_bad_year"].fall >= seen["after_any_year"].fall
    assert seen["durham_homes"].fall > seen["durham_ordinary"].fall


def test_nothing_is_done_to_anybody_in_what_is_seen(nothing_done):
    assert not len(nothing_done.of(Event.POLICY_REACHED)["day"])


# -- what is told ----------------------------------------------------------------------------------------------------------------------


def test_every_design_has_a_source_and_says_what_it_assumes():
    assert len({design.id for design in DESIGNS}) == len(DESIGNS)
    for design in DESIGNS:
        assert resolve(design.source)[0].title and design.way_in.endswith(".")
    published = {"I001": -68.0, "I012": 31.0, "phil_durham": 36.0}
    for source, value in published.items():
        assert all(abs(design.published) == abs(value) for design in DESIGNS if design.source == source)


@pytest.mark.parametrize(
    ("after", "says"),
    [((0.6, 0.62, 0.58, 0.6), "larger than the design alone"), ((0.1, 0.12, 0.08, 0.1), "the design alone shows more"), ((0.1, 0.6, 0.2, 0.5), "within what the design alone")],
)
def test_what_is_said_follows_the_interval(after, says):
    (row,) = summary({"no_wrong_door_12m": [Seen(10, 1.0, value) for value in after]}, np.arange(4))
    assert says in emulated._says(row)


def test_the_command_refuses_an_unknown_study_and_too_few_years_in_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for words, told in ((["--only", "dorset"], "'dorset' is not known"), (["--years", "2"], "from 4 to 5")):
        assert main(["emulate", *words]) == 2
        printed = capsys.readouterr()
        assert printed.out == "" and printed.err.count("\n") == 1 and told in printed.err
    assert not list(tmp_path.iterdir())


def test_the_command_writes_a_page_rows_and_data_and_lives_no_run_twice(tmp_path, monkeypatch, capsys, nothing_done, seen):
    monkeypatch.chdir(tmp_path)
    runs: list[int] = []
    tables = {name: nothing_done._events if name == "events" else {} for name in TABLES}

    def lived_already(arm, world, replicate):
        runs.append(replicate.number)
        return tables

    monkeypatch.setattr(emulated, "lived", lived_already)
    monkeypatch.setattr(emulated, "Story", lambda tables: nothing_done)
    monkeypatch.setattr(emulated, "digest", lambda tables: "of a run")
    monkeypatch.setattr(emulated, "look", lambda story, window, ids: seen)
    Path("small.toml").write_text('authorities = ["Medway"]\nfraction = 0.05\nyears = 1\n')
    for _ in range(2):
        assert main(["emulate", "--only", "durham", "--world", "small.toml", "--replicates", "2", "--cores", "1", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert runs == [0, 1]
    assert [row["design"] for row in told["rows"]] == ["durham_area", "durham_homes", "durham_ordinary"]
    text = (tmp_path / "results" / "emulated-durham" / "emulated.md").read_text(encoding="utf-8")
    assert "*nothing* is done" in text and "fall of 36 %" in text
    assert len((tmp_path / "results" / "emulated-durham" / "emulated.csv").read_text(encoding="utf-8").splitlines()) == 1 + 3 * 2
