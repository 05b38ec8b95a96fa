"""Every measure, by contract; and each topic against answers worked out by hand."""

import ast
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import experiments.measures
from experiments.measures import HEADLINES, MONTHLY, TOPICS, every_measure, named, take
from experiments.measures.registry import measure
from experiments.measures.reporting import ENOUGH, FixedReporting
from experiments.measures.story import (
    AUTHORITY,
    FOUND,
    LOOKED_AFTER,
    OLDER,
    POLICE,
    Spells,
    Story,
    Timeline,
    Window,
    months_between,
    spells,
)
from experiments.measures.strata import DIMENSIONS, thirds
from sim.ledger import Event
from sim.places import read_places
from sim.population import (
    AT_HOME,
    BY_A_LINE,
    BY_OTHERS,
    CHILDRENS_HOME,
    CONFLICT,
    CUSTODY,
    DEBT,
    FOSTER,
    LINE,
    NOT_INVOLVED,
    OTHER,
    SEXUAL,
    SEXUALLY,
    SUPPORTED,
    WORKING,
)
from sim.schooling import WAS_EXCLUDED, WAS_SUSPENDED
from sim.sources import read_table, source
from tests.experiments.hand_made import (
    ANN,
    BEN,
    CAT,
    DAN,
    EVE,
    FIFTEEN,
    LAST,
    away,
    lively_run,
    person,
    row,
    story,
    went,
)

ALL_DAYS = Window(1, LAST)
FOLDER = Path(experiments.measures.__file__).parent
READERS = sorted(FOLDER.glob("*.py"))
COUNTED = (  # units of what is counted anew in each window, so that windows add up
    "episodes", "child-days", "recruitments", "approaches", "times", "assessments", "referrals", "signals", "interviews", "disclosures",
    "placements", "breakdowns", "moves", "refusals", "suspensions", "exclusions", "entries", "vacancies", "pounds of 2024/25",
)  # fmt: skip


def value(of: Story, name: str, window: Window = ALL_DAYS) -> float:
    return float(named(name).of(of, window))


@pytest.fixture(scope="module")
def lively() -> Story:
    return Story(lively_run()[1])


YEAR = Window(366, 730)


# -- every measure ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("each", every_measure(), ids=lambda each: each.name)
def test_every_measure_says_what_it_is(each) -> None:
    assert each.name.isidentifier() and each.name == each.name.lower()
    assert each.label and each.unit and each.unit == each.unit.strip()
    assert each.definition[0].isupper() and each.definition.endswith(".") and len(each.definition) > 15
    assert each.better in ("", "fewer", "more")
    assert not re.search(r"\boffender|\bsav(e|ed|es|ing)\b|\bchose|\bchoice|\brunners?\b", f"{each.label} {each.definition}", re.IGNORECASE)
    assert each.topic in TOPICS
    for official in each.official.split(";") if each.official else ():
        assert source(official).title, "a row of the evidence that quotes an official table"


def test_what_stands_beside_an_official_figure_is_a_quantity_of_its_kind() -> None:
    """A share beside a share, never a count beside a share or a total beside the price of one."""
    rows = {row["id"]: row for name in ("missing_and_care", "lines_and_interventions") for row in read_table(f"evidence/{name}.csv")}
    beside = [(each, official) for each in every_measure() for official in each.official.split(";") if official]
    assert len(beside) > 30
    for each, official in beside:
        is_share = each.unit.startswith(("share of", "per cent", "per 100 "))
        assert is_share == (rows[official]["unit"].split()[0] in ("per", "percent")), f"{each.name} [{each.unit}] beside {official} [{rows[official]['unit']}]"
        assert not rows[official]["unit"].startswith("GBP per"), f"{each.name} is a total, {official} a price"
    named = {official: each.name for each, official in beside}
    assert (named["mis_dur_24h"], named["mis_dur_48h"], named["mis_dur_7d"]) == ("over_within_24_hours_police", "over_within_48_hours_police", "lasting_over_7_days_police")
    assert (named["mis_cla_le2d_2022"], named["dist_newplc_out_2025"]) == ("over_within_48_hours_authority", "placed_outside_and_far")
    assert len(beside) == len({(each.name, official) for each, official in beside})


def test_three_or_more_workers_in_a_year() -> None:
    """Ann had one when the year began and two changes; Ben came in the year and has one; Cat has left care by 31 March; Dan's changes were earlier."""
    changes = [row(Event.WORKER_CHANGED, child, day) for child, day in ((ANN, 400), (ANN, 500), (BEN, 600), (CAT, 400), (CAT, 500), (DAN, 200), (DAN, 300), (DAN, 500))]
    entries = [row(Event.ENTERED_CARE, child, day) for child, day in ((ANN, 1), (BEN, 550), (CAT, 1), (DAN, 1))]
    told = story(*entries, *changes, row(Event.LEFT_CARE, CAT, 700), days=730, counts=[{"day": 730, "children": 3}])
    assert value(told, "three_or_more_workers", Window(366, 730)) == pytest.approx(1 / 3)
    assert math.isnan(value(told, "three_or_more_workers", Window(366, 729)))


def test_no_two_measures_are_called_alike() -> None:
    labels = [(each.label, each.unit) for each in every_measure()]
    assert len(set(labels)) == len(labels)
    assert set(HEADLINES) | set(MONTHLY) <= {each.name for each in every_measure()}
    assert all(TOPICS.values())


def test_a_second_measure_of_a_name_and_one_without_a_definition_are_refused() -> None:
    with pytest.raises(ValueError, match="two measures called children_missing"):
        measure("children", "again", name="children_missing", definition="Something.")(lambda story, window: 0)
    with pytest.raises(ValueError, match="no definition"):
        measure("children", "nothing said", name="nothing_said")(lambda story, window: 0)


@pytest.mark.parametrize("window", [YEAR, Window(366, 395), Window(700, 700), Window(2000, 2100)], ids=lambda window: window.iso)
def test_every_measure_is_a_finite_number_or_unknown_in_every_window(lively: Story, window: Window) -> None:
    with np.errstate(all="raise"):
        found = take(lively, window)
    assert set(found) == {each.name for each in every_measure()}
    assert all(isinstance(number, float) and not math.isinf(number) for number in found.values())


def test_every_measure_has_something_to_say_of_a_world_in_which_much_happens(lively: Story) -> None:
    """But for what is rare, or of beds that only policies open: nine in ten have an answer other than nothing."""
    found = take(lively, Window(1, 730))
    spoken = {name for name, number in found.items() if number > 0.0}
    others = {each.name for each in every_measure() if each.topic != "equity"}
    assert len(spoken & others) > 0.9 * len(others), sorted(others - spoken)
    assert len(spoken - others) > 130  # of the kinds of children: this world has two thirds of deprivation, and no inland places


def test_a_measure_reads_the_tables_of_the_ledger_and_nothing_else() -> None:
    """No file that measures imports the running model, its numbers or what policies are; what it is given cannot be written to."""
    for path in READERS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert not name.startswith(("sim.model", "sim.parameters", "sim.policies", "sim.scenario", "experiments.published.targets")), f"{path.name} imports {name}"
    names: set[str] = set()

    class Watched(dict):
        def __getitem__(self, name):
            names.add(name)
            return super().__getitem__(name)

    watched = Story(Watched(lively_run()[1]))  # its columns refuse to be written to
    first = take(watched, YEAR)
    assert names <= {"events", "stocks", "bills", "counts", "children"}
    again = take(Story(lively_run()[1]), YEAR)
    assert all(first[name] == again[name] or math.isnan(first[name]) for name in first)


def test_what_is_counted_adds_up_over_months(lively: Story) -> None:
    months = [take(lively, month) for month in months_between(YEAR.first, YEAR.last)]
    year = take(lively, YEAR)
    of_stocks = {"looked_after_missing_on_a_day", "missing_on_a_day"}
    for each in every_measure():
        if each.unit in COUNTED and each.name not in of_stocks:
            assert math.isclose(sum(month[each.name] for month in months), year[each.name], rel_tol=1e-9, abs_tol=1e-6), each.name


def test_causes_and_lengths_are_parts_of_a_whole(lively: Story) -> None:
    found = take(lively, YEAR)
    for record in ("", "_police", "_authority"):
        by_cause = [
            found[f"episodes_{cause}{record}"]
            for cause in ("conflict_at_home_or_placement", "going_home_to_family_or_friends", "line", "debt_or_fear", "sexual_exploitation")
        ]
        assert sum(by_cause) == found[f"episodes{record}"] > 0
        bands = [found[f"lasting_{band}{record}"] for band in ("up_to_8_hours", "8_to_24_hours", "1_to_2_days", "2_to_7_days", "over_7_days")]
        assert sum(bands) == pytest.approx(1.0)
    assert found["cost"] == pytest.approx(sum(number for name, number in found.items() if name.startswith("cost_of_")))


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda dimension: dimension.name)
def test_every_child_is_of_one_kind_and_the_kinds_make_the_whole(lively: Story, dimension) -> None:
    present = lively.people.present(YEAR.middle)
    codes = dimension.of(lively, present, YEAR.middle)
    assert codes.min() >= -1 and codes.max() < len(dimension.kinds)
    some_are_of_none = dimension.name in ("setting", "distance")
    assert (codes == -1).any() == some_are_of_none
    people = dimension.people(lively, YEAR.middle)
    assert people.sum() == (len(present) if not some_are_of_none else (codes >= 0).sum())
    if not some_are_of_none:
        episodes = sum(
            people[kind] * value(lively, f"episodes_{name}_per_1000", YEAR) for kind, (name, _) in enumerate(dimension.kinds) if people[kind]
        )
        assert episodes == pytest.approx(1000.0 * value(lively, "episodes", YEAR))


# -- people, spells and placements ---------------------------------------------------------------------------------------------


def test_people_are_there_from_their_coming_to_their_leaving() -> None:
    of = story(
        row(Event.LEFT, BEN, 20), row(Event.ENTERED, CAT, 5),
        children=[person(CAT, day=5), person(ANN, is_male=True, home=7), person(BEN, alone=True, born=FIFTEEN - 365)],
    )  # fmt: skip
    assert of.people.key.tolist() == [ANN, BEN, CAT]
    assert [of.people.present(day).tolist() for day in (1, 5, 19, 20)] == [[ANN, BEN], [ANN, BEN, CAT], [ANN, BEN, CAT], [ANN, CAT]]
    assert of.people.ages(np.array([BEN, ANN], dtype=np.uint64), np.array([10, 10])).tolist() == [16, 15]
    assert of.inside.tolist() == [0, 7]
    with pytest.raises(KeyError, match="not in its table of children"):
        of.people.at(np.array([DAN], dtype=np.uint64))


def test_spells_are_paired_and_what_cannot_be_is_passed_over() -> None:
    def rows(*pairs: tuple[int, int]):
        return {"child": np.array([child for child, _ in pairs], dtype=np.uint64), "day": np.array([day for _, day in pairs])}

    found = spells(rows((BEN, 3), (ANN, 5), (ANN, 20), (ANN, 25), (CAT, 9)), rows((ANN, 10), (BEN, 2), (CAT, 9)), rows((BEN, 30), (DAN, 4)))
    assert found.child.tolist() == [ANN, ANN, BEN, CAT]
    assert found.start.tolist() == [5, 20, 3, 9]
    assert found.end[[0, 2, 3]].tolist() == [10, 30, 9] and found.end[1] > 1 << 40
    assert found.days(Window(8, 21)) == (10 - 8) + (22 - 20) + (22 - 8) + (9 - 9)
    who = np.array([ANN, ANN, ANN, ANN, BEN, DAN], dtype=np.uint64)
    assert found.on(who, np.array([4, 5, 10, 30, 29, 4])).tolist() == [False, True, False, True, True, False]
    assert found.children(Window(9, 9)).tolist() == [ANN, BEN, CAT]
    assert found.children(Window(10, 19)).tolist() == [BEN]
    nobody = spells(rows(), rows())
    assert nobody.on(who, 5).tolist() == [False] * 6 and nobody.days(ALL_DAYS) == 0.0
    assert isinstance(found, Spells)


def test_a_timeline_gives_the_last_row_of_the_same_child_alone() -> None:
    timeline = Timeline(np.array([ANN, ANN, CAT], dtype=np.uint64), np.array([3, 8, 1]))
    who = np.array([ANN, ANN, ANN, BEN, CAT], dtype=np.uint64)
    assert timeline.last(who, np.array([2, 3, 9, 9, 1])).tolist() == [-1, 0, 1, -1, 2]


@pytest.mark.parametrize("day", [1, 2, 40, 200, 366, 500, 730])
def test_on_every_evening_as_many_are_in_a_state_as_the_model_itself_counts(lively: Story, day: int) -> None:
    present = lively.people.present(day)
    on_a_line = sum(lively.stock_on(stage, day) for stage in ("working", "bound", "getting_out"))
    counted = {
        "children": (len(present), lively.stock_on("children", day)), "on a line": (lively.on_a_line.on(present, day).sum(), on_a_line),
        "looked after": (lively.in_care.on(present, day).sum(), lively.stock_on("looked_after", day)),
        "in custody": (lively.in_custody.on(present, day).sum(), lively.stock_on("in_custody", day)),
        "sexually": (lively.otherwise_exploited(SEXUALLY).on(present, day).sum(), lively.stock_on("sexually_exploited", day)),
        "by others": (lively.otherwise_exploited(BY_OTHERS).on(present, day).sum(), lively.stock_on("otherwise_exploited", day)),
        "not at home": ((lively.settings(present, np.full(len(present), day)) != AT_HOME).sum(), lively.stock_on("looked_after", day)),
    }  # fmt: skip
    assert {name: int(found) for name, (found, _) in counted.items()} == {name: stock for name, (_, stock) in counted.items()}


@pytest.fixture
def in_care() -> Story:
    """Ann: fostered nearby, then far away, then home. Ben: in a home elsewhere, then remanded. Cat: at home. Dan: remanded from home."""
    return story(
        row(Event.ENTERED_CARE, ANN, 2), row(Event.PLACED, ANN, 2, cause=FOSTER, amount=3.0, serial=1),
        row(Event.PLACEMENT_ENDED, ANN, 10, detail=1, amount=8.0, serial=1),
        row(Event.PLACED, ANN, 10, cause=CHILDRENS_HOME, amount=80.0, place=9, detail=2, serial=2),
        row(Event.PLACEMENT_ENDED, ANN, 20, detail=0, amount=10.0, serial=2), row(Event.LEFT_CARE, ANN, 20),
        row(Event.ENTERED_CARE, BEN, 1), row(Event.PLACED, BEN, 1, cause=OTHER, amount=10.0, place=9, serial=1),
        row(Event.REMANDED, BEN, 12, amount=5.0), row(Event.PLACEMENT_ENDED, BEN, 12, detail=3, amount=11.0, serial=1), row(Event.RELEASED, BEN, 17),
        row(Event.PLACED, BEN, 17, cause=SUPPORTED, amount=10.0, serial=2),
        row(Event.REMANDED, DAN, 30, amount=20.0), row(Event.ENTERED_CARE, DAN, 30),
        row(Event.REFUSED, ANN, 10, serial=1), row(Event.REFUSED, ANN, 10, serial=2), row(Event.SUSPENDED, CAT, 5, amount=2.0),
        children=[person(ANN), person(BEN, is_male=True, alone=True), person(CAT), person(DAN, home=9)],
        stocks={"missing_looked_after": 3},
    )  # fmt: skip


def test_the_setting_of_a_day_knows_care_and_custody(in_care: Story) -> None:
    who = np.array([ANN, ANN, ANN, ANN, BEN, BEN, BEN, CAT, DAN], dtype=np.uint64)
    days = np.array([1, 9, 10, 20, 11, 12, 17, 12, 40])
    assert in_care.settings(who, days).tolist() == [AT_HOME, FOSTER, CHILDRENS_HOME, AT_HOME, OTHER, CUSTODY, SUPPORTED, AT_HOME, CUSTODY]


def test_kinds_of_children_are_those_of_the_day(in_care: Story) -> None:
    by_name = {dimension.name: dimension for dimension in DIMENSIONS}
    who, days = np.array([ANN, ANN, BEN, BEN, CAT], dtype=np.uint64), np.array([9, 10, 5, 12, 5])
    assert by_name["sex"].of(in_care, who, days).tolist() == [0, 0, 1, 1, 0]
    assert by_name["care"].of(in_care, who, days).tolist() == [1, 1, 2, 2, 0]
    assert by_name["setting"].of(in_care, who, days).tolist() == [0, 1, 4, 4, -1]
    assert by_name["distance"].of(in_care, who, days).tolist() == [0, 2, 1, -1, -1]
    assert by_name["age"].of(in_care, who, days).tolist() == [2] * 5
    assert by_name["schooling"].of(in_care, np.array([CAT, CAT], dtype=np.uint64), np.array([4, 5])).tolist() == [0, 1]


def test_thirds_of_deprivation_hold_a_third_of_englands_children_each() -> None:
    places = read_places()
    children = np.bincount(thirds(), weights=places.population_10_17)
    assert children / children.sum() == pytest.approx([1 / 3] * 3, abs=0.02)
    assert places.imd_score[thirds() == 0].min() >= places.imd_score[thirds() == 1].max() >= places.imd_score[thirds() == 1].min() >= places.imd_score[thirds() == 2].max()


def test_care_is_counted(in_care: Story) -> None:
    found = take(in_care, ALL_DAYS)
    assert {name: found[name] for name in ("ever_looked_after", "entries_to_care", "left_care", "placements", "breakdowns", "moves_by_policy", "refusals")} == {
        "ever_looked_after": 3, "entries_to_care": 2, "left_care": 1, "placements": 4, "breakdowns": 1, "moves_by_policy": 0, "refusals": 2,
    }  # fmt: skip
    assert found["changes_of_placement"] == pytest.approx(2 / (10 * LAST / 365.25))
    assert found["placement_distance"] == pytest.approx((3 + 80 + 10 + 10) / 4)
    assert (found["placed_outside"], found["placed_far"], found["placed_elsewhere"]) == (0.5, 0.25, 0.0)
    assert found["placed_outside_and_far"] == 0.25
    assert (found["refusals_per_placement"], found["emergency_arrangements"], found["emergency_after_refusal"]) == (0.5, 1, 0)
    assert (found["remands"], found["looked_after_missing_on_a_day"]) == (2, 3.0)


def test_what_is_counted_on_31_march_is_of_the_last_one() -> None:
    counts = [
        {"day": 10, "setting": FOSTER, "children": 90},
        {"day": 30, "setting": FOSTER, "children": 6}, {"day": 30, "setting": CHILDRENS_HOME, "outside": 1, "far": 1, "moves_3plus": 1, "children": 3},
        {"day": 30, "setting": CHILDRENS_HOME, "alone": 1, "children": 1},
    ]  # fmt: skip
    found = take(story(counts=counts), ALL_DAYS)
    assert found["on_31_march_outside"] == found["on_31_march_far"] == found["on_31_march_moved_often"] == pytest.approx(0.3)
    assert (found["on_31_march_foster"], found["on_31_march_unaccompanied"], found["homes_outside"]) == (0.6, 0.1, 0.75)
    assert math.isnan(value(story(counts=counts), "on_31_march_outside", Window(31, LAST)))


# -- missing -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def absences() -> Story:
    """Ann, looked after: three episodes, two in the authority's record. Ben: one, in the police record. Cat: two, in none."""
    both = LOOKED_AFTER | POLICE | AUTHORITY
    return story(
        *away(ANN, 5, 0.25, detail=both, serial=1), *away(ANN, 10, 3.0, detail=LOOKED_AFTER, cause=LINE, serial=2),
        *away(ANN, 20, 1.5, detail=LOOKED_AFTER | AUTHORITY, cause=DEBT, serial=3), *away(BEN, 7, 0.75, detail=POLICE, serial=1),
        *away(CAT, 8, 0.2, serial=1), *away(CAT, 30, 8.0, cause=SEXUAL, serial=2),
        row(Event.ENTERED_CARE, ANN, 1), row(Event.PLACED, ANN, 1, cause=FOSTER),
    )  # fmt: skip


def test_records_are_kept_apart(absences: Story) -> None:
    found = take(absences, ALL_DAYS)
    assert [found[f"children_missing{record}"] for record in ("", "_police", "_authority")] == [3, 2, 1]
    assert [found[f"episodes{record}"] for record in ("", "_police", "_authority")] == [6, 2, 2]
    assert found["never_reported"] == pytest.approx(3 / 6)
    assert found["children_never_reported"] == pytest.approx(1 / 3)
    assert (found["repeats_true"], found["repeats"], found["repeats_authority"], found["missing_more_than_once"]) == (0.5, 0.0, 0.5, 1.0)
    assert found["incidents_per_missing_looked_after_child"] == 2.0
    assert found["looked_after_missing_percent"] == 100.0


def test_rates_are_over_those_on_an_average_day(absences: Story) -> None:
    found = take(absences, ALL_DAYS)
    assert found["children_missing_per_1000"] == 30.0
    assert (found["looked_after_missing_per_1000"], found["looked_after_missing_police_per_1000"], found["looked_after_episodes_authority_per_1000"]) == (100.0, 100.0, 200.0)
    assert found["others_missing_per_1000"] == pytest.approx(2000 / 90)
    assert found["others_episodes_police_per_1000"] == pytest.approx(1000 / 90)


def test_days_causes_and_lengths(absences: Story) -> None:
    found = take(absences, ALL_DAYS)
    assert found["days_missing"] == pytest.approx(0.25 + 3.0 + 1.5 + 0.75 + 0.2 + 8.0)
    assert found["days_missing_looked_after"] == pytest.approx(4.75)
    assert (found["episodes_line"], found["children_line"], found["days_line"]) == (1, 1, 3.0)
    assert (found["episodes_line_authority"], found["episodes_debt_or_fear_authority"], found["episodes_sexual_exploitation"]) == (0, 1, 1)
    assert [found[f"lasting_{band}"] for band in ("up_to_8_hours", "8_to_24_hours", "1_to_2_days", "2_to_7_days", "over_7_days")] == pytest.approx(
        [2 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6]
    )
    assert found["lasting_8_to_24_hours_police"] == 0.5
    assert (found["over_within_24_hours"], found["over_within_48_hours"], found["over_within_48_hours_authority"]) == (0.5, pytest.approx(4 / 6), 1.0)
    assert value(absences, "over_within_48_hours", Window(1, 11)) == 1.0  # cut on the last day, as at 31 March
    assert value(absences, "days_missing", Window(31, 32)) == 2.0


# -- recorded at fixed reporting ---------------------------------------------------------------------------------------------------


def many(first_day: int, reported: Callable[[int], bool], *, bit: int = POLICE, number: int = 2 * ENOUGH) -> list:
    """As many children, one episode each, from a day on; those recorded of whom `reported` says so."""
    return [each for n in range(number) for each in away(1000 + n, first_day + n % 10, 0.5, detail=bit * reported(n), serial=first_day)]


def test_in_the_first_year_the_record_at_fixed_reporting_is_the_record() -> None:
    of = story(*many(1, lambda n: n % 3 == 0))
    assert value(of, "episodes_police") == 20
    assert value(of, "episodes_police_at_fixed_reporting") == pytest.approx(20)
    assert value(of, "children_missing_police_at_fixed_reporting") == pytest.approx(20)


def test_a_protocol_that_reduces_reports_and_not_absences_leaves_it_as_it_was() -> None:
    later = Window(366, 400)
    of = story(*many(1, lambda n: n % 3 == 0), *many(370, lambda n: n % 6 == 0), days=400)
    assert value(of, "episodes", later) == value(of, "episodes", ALL_DAYS)
    assert value(of, "episodes_police", later) == 10
    assert value(of, "episodes_police_at_fixed_reporting", later) == pytest.approx(20)
    assert value(of, "children_missing_police_at_fixed_reporting", later) == pytest.approx(20)


def test_a_fall_of_absences_is_a_fall_at_fixed_reporting() -> None:
    of = story(*many(1, lambda n: n % 3 == 0), *many(370, lambda n: True, number=ENOUGH), days=400)
    later = Window(366, 400)
    assert (value(of, "episodes_police", later), value(of, "episodes_police_at_fixed_reporting", later)) == (ENOUGH, pytest.approx(ENOUGH / 3))


def test_each_kind_of_episode_has_its_own_chance_and_rare_ones_that_of_their_length() -> None:
    long_ones = [each for n in range(ENOUGH) for each in away(2000 + n, 3, 4.0, detail=POLICE, serial=1)]
    line = [each for n in range(ENOUGH) for each in away(3000 + n, 3, 0.5, cause=LINE, serial=1)]
    rare = away(4000, 4, 0.5, cause=SEXUAL, serial=1)
    of = story(*many(1, lambda n: n % 2 == 0), *long_ones, *line, *rare)
    fixed, episodes = FixedReporting.of(of, POLICE), of.episodes
    chance = dict(zip(episodes.child.tolist(), fixed.each(episodes).tolist(), strict=True))
    assert (chance[1000], chance[2000], chance[3000]) == (0.5, 1.0, 0.0)
    assert chance[4000] == pytest.approx(ENOUGH / (3 * ENOUGH + 1))  # of all of that length: 30 of 60, none of 30, not the rare one
    assert FixedReporting.of(of, AUTHORITY).episodes(episodes) == 0.0


def test_families_who_report_do_so_again_and_the_number_of_children_knows_it() -> None:
    """Sixty children, two episodes each; twenty families report both. Independent chances would make it 33 children."""
    both = [*many(1, lambda n: n % 3 == 0), *many(20, lambda n: n % 3 == 0)]
    of = story(*both)
    assert value(of, "episodes_police_at_fixed_reporting") == pytest.approx(40)
    assert value(of, "children_missing_police_at_fixed_reporting") == pytest.approx(20)


def test_without_a_first_year_nothing_is_made_up() -> None:
    of = story(*many(370, lambda n: True), days=400)
    assert math.isnan(value(of, "episodes_police_at_fixed_reporting", Window(366, 400)))
    assert value(story(), "episodes_police_at_fixed_reporting") == 0.0


# -- lines -------------------------------------------------------------------------------------------------------------------------

OLD, NEW = 901, 902  # two lines: from 0 to 9, and within 0


@pytest.fixture
def on_lines() -> Story:
    """Ann works a line from day 5 to 15 (it closes), is drawn back on day 20 and gets out, helped, on day 30. Ben turns eighteen on one."""
    return story(
        row(Event.LINE_OPENED, 0, 1, agent=OLD, home=0, place=9, amount=2), row(Event.LINE_OPENED, 0, 2, agent=NEW, home=0, place=0, amount=2),
        row(Event.LINE_OPENED, 0, 3, agent=903, home=8, place=0, amount=2), row(Event.LINE_CLOSED, 0, 15, agent=OLD, home=0, place=9, amount=14.0),
        row(Event.POSITION_OPEN, 0, 1, agent=OLD, serial=0), row(Event.POSITION_FILLED, ANN, 5, agent=OLD, serial=0, cause=1),
        row(Event.POSITION_OPEN, 0, 6, agent=NEW, serial=0), row(Event.POSITION_FILLED, BEN, 8, agent=NEW, serial=0, cause=1),
        row(Event.POSITION_FILLED, 0, 9, agent=NEW, serial=1, cause=0),
        row(Event.APPROACHED, ANN, 2, cause=3, agent=OLD), row(Event.RECRUITED, ANN, 5, cause=3, agent=OLD, place=9),
        row(Event.GOT_OUT, ANN, 15, cause=1, agent=OLD), row(Event.DRAWN_BACK, ANN, 20, agent=NEW), row(Event.HELPED, ANN, 22),
        row(Event.GOT_OUT, ANN, 30, cause=0, agent=NEW),
        row(Event.RECRUITED, BEN, 8, cause=0, agent=NEW, amount=300.0), row(Event.LEFT, BEN, 25, cause=WORKING, amount=120.0),
        row(Event.LEFT, CAT, 25, cause=NOT_INVOLVED), row(Event.LEFT, DAN, 26, detail=8, cause=WORKING),
        row(Event.RECRUITED, DAN, 10, agent=903, home=3), row(Event.RECRUITED, DAN, 12, agent=903, home=3),
        row(Event.DEBT_ROSE, BEN, 9, cause=1, amount=50.0), row(Event.BOUND, BEN, 9), row(Event.LINE_DISPLACED, 0, 16, agent=OLD, place=7, detail=0),
        row(Event.ARRESTED, ANN, 15, cause=1, detail=1), row(Event.ARRESTED, DAN, 15, cause=2, detail=0),
        *away(ANN, 6, 0.5, cause=LINE, serial=1), *away(ANN, 16, 0.5, serial=2), *away(BEN, 9, 0.5, detail=POLICE, serial=1),
        children=[person(ANN), person(BEN, is_male=True, born=-6549), person(CAT), person(DAN, home=3, is_male=True)],
        stocks={"working": 2, "bound": 1, "getting_out": 1, "positions": 4, "positions_open": 1, "lines": 3},
    )  # fmt: skip


def test_recruitment_is_counted_and_the_completed_cohort(on_lines: Story) -> None:
    found = take(on_lines, ALL_DAYS)
    assert (found["children_recruited"], found["recruitments"], found["children_newly_recruited"]) == (3, 4, 3)
    assert value(on_lines, "children_newly_recruited", Window(11, LAST)) == 0
    assert value(on_lines, "children_recruited", Window(11, LAST)) == 1
    assert found["recruited_by_18"] == 0.5  # Ben of Ben and Cat; Dan was transferred
    assert (found["recruited_by_threat_or_force"], found["recruited_by_money"], found["approached_online"]) == (1, 3, 1)
    assert found["recruited_aged_16_to_17"] == 0.25 and found["recruited_aged_15"] == 0.75
    assert found["boys_recruited"] == pytest.approx(2 / 3)
    assert found["age_recruited"] == pytest.approx(np.mean([5 + 5500, 8 + 6549, 10 + 5500, 12 + 5500]) / 365.25)


def test_where_from_and_where_to(on_lines: Story) -> None:
    found = take(on_lines, ALL_DAYS)
    assert (found["recruited_to_be_sent_out"], found["recruited_within"], found["recruited_away_from_home"]) == (0.25, 0.25, 0.5)
    assert found["recruited_by_a_line_from_outside"] == 0.0
    assert (found["lines_opened"], found["internal_lines"], found["lines_to_elsewhere"], found["lines_from_elsewhere"]) == (3, 1, 1, 1)
    assert (found["lines_displaced"], found["lines_displaced_to_elsewhere"], found["life_of_a_line"]) == (1, 1, 14.0)


def test_positions_and_who_fills_them(on_lines: Story) -> None:
    found = take(on_lines, ALL_DAYS)
    assert (found["vacancies"], found["vacancies_arising"], found["time_to_fill"]) == (0.25, 2, 3.0)
    assert found["filled_by_a_child"] == pytest.approx(2 / 3) and found["filled_by_somebody_of_eighteen_or_over"] == pytest.approx(1 / 3)


def test_a_position_that_a_relative_or_friend_was_made_to_take_is_told_apart() -> None:
    """Ann was pressed, and works; Ben is recruited as children are; Cat was pressed once, got away, and is recruited by others later."""
    told = story(
        row(Event.PRESSED, ANN, 3, agent=OLD, serial=1), row(Event.RECRUITED, ANN, 9, cause=3, agent=OLD, serial=1), row(Event.POSITION_FILLED, ANN, 9, agent=OLD, cause=1),
        row(Event.RECRUITED, BEN, 9, agent=OLD, serial=1), row(Event.POSITION_FILLED, BEN, 9, agent=OLD, serial=1, cause=1),
        row(Event.PRESSED, CAT, 3, agent=OLD, serial=1), row(Event.RECRUITED, CAT, 20, agent=NEW, serial=2), row(Event.POSITION_FILLED, CAT, 20, agent=NEW, cause=1),
        row(Event.POSITION_FILLED, 0, 21, agent=NEW, serial=1, cause=5),
    )  # fmt: skip
    assert [value(told, f"filled_by_{by}") for by in ("a_relative_or_friend_in_debt", "a_child", "nobody")] == [0.25, 0.5, 0.25]


def test_being_locked_up_is_not_getting_out() -> None:
    told = story(row(Event.GOT_OUT, ANN, 9, cause=2), row(Event.GOT_OUT, BEN, 9))
    assert (value(told, "got_out"), value(told, "got_out_because_of_custody")) == (1, 1)


def test_time_on_a_line_and_ways_out(on_lines: Story) -> None:
    found = take(on_lines, ALL_DAYS)
    assert (found["days_on_a_line"], found["days_bound"], found["children_on_lines"]) == (4.0 * LAST, 1.0 * LAST, 3.0)
    assert on_lines.on_a_line.days(ALL_DAYS) == (15 - 5) + (30 - 20) + (25 - 8) + (26 - 10)
    assert (found["got_out"], found["got_out_because_the_line_closed"], found["got_out_supported"], found["got_out_by_itself"]) == (2, 1, 1, 0)
    assert (found["drawn_back"], found["grew_up_on_a_line"], found["leaving_in_debt"]) == (1, 1, 1)
    assert found["rate_of_getting_out"] == pytest.approx(2 / (4.0 * LAST / 365.25))
    assert (found["debt_by_staged_robbery"], found["debt_by_police_seizure"], found["bound_by_debt"], found["debt_of_gifts"]) == (1, 0, 1, 75.0)
    assert found["time_on_a_line"] == np.median([10, 10, 17, 16])
    assert math.isnan(found["re_exploited"])  # nobody can be followed for half a year


def test_out_after_police_and_exploited_again() -> None:
    of = story(
        row(Event.RECRUITED, ANN, 1, agent=OLD), row(Event.ARRESTED, ANN, 8), row(Event.GOT_OUT, ANN, 10), row(Event.DRAWN_BACK, ANN, 100),
        row(Event.RECRUITED, BEN, 1, agent=OLD), row(Event.ARRESTED, BEN, 2), row(Event.GOT_OUT, BEN, 40), row(Event.DRAWN_BACK, BEN, 221),
        row(Event.RECRUITED, CAT, 1, agent=OLD), row(Event.HELPED, CAT, 2), row(Event.GOT_OUT, CAT, 300), row(Event.LINE_OPENED, 0, 1, agent=OLD),
        days=400,
    )  # fmt: skip
    found = take(of, Window(1, 400))
    assert (found["got_out_after_police"], found["got_out_by_itself"], found["got_out_supported"]) == (1, 2, 0)
    assert found["re_exploited"] == 0.5  # Ann within half a year; Ben a day after; Cat cannot be followed so long


def test_episodes_and_reports_of_children_on_lines(on_lines: Story) -> None:
    found = take(on_lines, ALL_DAYS)
    assert found["episodes_of_children_on_lines"] == pytest.approx(30.4375 * 2 / 53)  # Ann's second came while she was out
    assert found["on_lines_ever_reported"] == pytest.approx(1 / 3)


def test_police_and_the_children_they_meet(on_lines: Story) -> None:
    found = take(on_lines, ALL_DAYS)
    assert (found["met_by_police"], found["met_when_a_line_was_closed"], found["criminal_response"], found["children_per_closed_line"]) == (2, 1, 0.5, 1.0)
    assert (found["criminal_response_girls"], found["criminal_response_boys"]) == (1.0, 0.0)


# -- exploitation, identification, interviews ----------------------------------------------------------------------------------------


@pytest.fixture
def recognised() -> Story:
    """Ann: by a line, identified on day 20. Ben: sexually, identified on day 25. Cat: by others, twice, never identified. Dan: nothing."""
    return story(
        row(Event.RECRUITED, ANN, 5, agent=OLD), row(Event.LINE_OPENED, 0, 1, agent=OLD),
        row(Event.OTHERWISE_APPROACHED, BEN, 3, cause=SEXUALLY), row(Event.OTHERWISE_EXPLOITED, BEN, 8, cause=SEXUALLY),
        row(Event.OTHERWISE_EXPLOITED, CAT, 4, cause=BY_OTHERS), row(Event.OTHERWISE_OUT, CAT, 14, cause=BY_OTHERS, amount=10.0),
        row(Event.OTHERWISE_EXPLOITED, CAT, 30, cause=BY_OTHERS, detail=1),
        row(Event.IDENTIFIED, ANN, 20, cause=0, amount=18.0), row(Event.FORM_NAMED, ANN, 20, cause=BY_A_LINE),
        row(Event.IDENTIFIED, BEN, 25, cause=4, amount=0.0), row(Event.FORM_NAMED, BEN, 25, cause=SEXUALLY),
        row(Event.ASSESSED, ANN, 21, detail=1 | 2), row(Event.ASSESSED, DAN, 22, detail=8), row(Event.REFERRED, ANN, 20, cause=BY_A_LINE),
        row(Event.SIGNAL, ANN, 10, cause=0), row(Event.SIGNAL, ANN, 19, cause=0), row(Event.SIGNAL, BEN, 24, cause=1),
        *away(ANN, 6, 0.5, detail=POLICE, serial=1), *away(ANN, 12, 0.5, detail=POLICE, serial=2), *away(DAN, 6, 0.5, detail=AUTHORITY | LOOKED_AFTER, serial=1),
        *away(DAN, 9, 0.5, serial=2),
        row(Event.INTERVIEWED, ANN, 9, detail=1 | 2, serial=1), row(Event.INTERVIEWED, DAN, 12, detail=0, serial=1),
        row(Event.HARMED, ANN, 7, cause=0, detail=LINE), row(Event.HARMED, ANN, 7, cause=3, detail=LINE), row(Event.IN_HOSPITAL, ANN, 7, amount=4.0),
        children=[person(ANN), person(BEN, is_male=True), person(CAT), person(DAN, is_male=True)],
    )  # fmt: skip


def test_forms_of_exploitation(recognised: Story) -> None:
    found = take(recognised, ALL_DAYS)
    assert found["days_sexually_exploited"] == LAST - 8 + 1
    assert found["sexually_exploited"] == pytest.approx((LAST - 8 + 1) / LAST)
    assert found["days_criminally_exploited_other_than_by_a_line"] == 10 + (LAST - 30 + 1)
    assert (found["newly_criminally_exploited_other_than_by_a_line"], found["again_criminally_exploited_other_than_by_a_line"]) == (1, 1)
    assert found["time_criminally_exploited_other_than_by_a_line"] == 10.0
    assert (found["children_exploited"], found["children_newly_exploited"], value(recognised, "children_newly_exploited", Window(5, LAST))) == (3, 3, 2)
    assert (found["boys_newly_sexually_exploited"], found["recognised_by_a_line"]) == (1.0, 1.0)


def test_harm_is_valued_on_two_lines_that_are_in_no_cost(recognised: Story) -> None:
    found = take(recognised, ALL_DAYS)
    # GDP deflators (2024/25 = 100) of 2011, a quarter 2010/11 and three quarters 2011/12, and of 2016/17, from sim/data/gdp_deflator.csv
    deflator = {line.split(",")[0]: float(line.split(",")[1]) for line in (Path("sim/data/gdp_deflator.csv").read_text().splitlines()[1:])}
    assert found["harm_fiscal"] == pytest.approx(3 * 63_508 * 100 / (0.25 * deflator["2011"] + 0.75 * deflator["2012"]))
    assert found["harm_with_quality_of_life"] == pytest.approx(3 * 328_720 * 100 / deflator["2017"])
    assert found["cost"] == 0.0
    assert (found["harmed_assault"], found["harmed_threat"], found["harmed_on_a_line"], found["days_in_hospital"]) == (1, 1, 2, 4.0)


def test_identification_by_share_delay_and_agency(recognised: Story) -> None:
    found = take(recognised, ALL_DAYS)
    assert (found["children_identified"], found["identified_by_police"], found["identified_by_all_together"]) == (2, 1, 1)
    assert found["identified_share"] == pytest.approx(2 / 3)
    assert value(recognised, "identified_share", Window(1, 22)) == pytest.approx(1 / 3)
    assert (found["identified_share_exploited_by_a_line"], found["identified_share_criminally_exploited_other_than_by_a_line"]) == (1.0, 0.0)
    assert found["identification_delay"] == 18.0  # the nought of Ben, who works no line, does not count
    assert found["identification_delay_sexually_exploited"] == 22.0
    assert (found["signals_police"], found["signals_social_care"]) == (2, 1)
    assert (found["assessments"], found["assessments_criminal_exploitation"], found["assessments_gangs"], found["assessments_going_missing"]) == (2, 1, 1, 1)
    assert (found["nrm_referrals"], found["nrm_boys"]) == (1, 0.0)
    assert (found["identified_girls"], found["identified_boys"]) == (0.5, 1.0)


def test_interviews(recognised: Story) -> None:
    found = take(recognised, ALL_DAYS)
    assert (found["interviews"], found["interviews_within_72h"], found["disclosures"], found["disclosure_share"]) == (2, 0.5, 1, 0.5)
    assert found["disclosure_share_of_exploited"] == 1.0
    assert found["interviewed"] == pytest.approx(2 / 3)
    assert (found["interviewed_girls"], found["interviewed_boys"]) == (0.5, 1.0)


def test_rates_of_kinds_of_children_are_over_those_there_on_the_middle_day(recognised: Story) -> None:
    found = take(recognised, ALL_DAYS)
    assert (found["missing_girls_per_1000"], found["episodes_girls_per_1000"], found["missing_boys_per_1000"]) == (500.0, 1000.0, 500.0)
    assert (found["recruited_girls_per_1000"], found["recruited_boys_per_1000"], found["sexually_exploited_boys_per_1000"]) == (500.0, 0.0, 500.0)
    assert math.isnan(found["missing_in_homes_per_1000"])


# -- school, costs -------------------------------------------------------------------------------------------------------------------


def test_schooling() -> None:
    of = story(
        row(Event.HISTORY, ANN, 1, cause=WAS_SUSPENDED), row(Event.HISTORY, BEN, 1, cause=WAS_EXCLUDED), row(Event.SUSPENDED, CAT, 5, amount=4.0),
        row(Event.EXCLUDED, ANN, 30, amount=100.0), row(Event.ABSENT, DAN, 39, amount=10.0), row(Event.PART_TIME, DAN, 3, amount=5.0),
        went(EVE, 20), *away(CAT, 20, 0.5),
    )  # fmt: skip
    found = take(of, ALL_DAYS)
    assert (found["suspensions"], found["exclusions"], found["part_time_timetables"], found["absences"]) == (1, 1, 1, 1)
    assert (found["days_out_of_school"], found["days_in_alternative_provision"], found["suspensions_per_100"]) == (4 + 2, 11.0, 1.0)
    assert found["missing_suspended_per_1000"] == 500.0  # Cat, of Cat and Ann on the middle day
    assert found["missing_never_put_out_per_1000"] == 500.0  # Eve, of Eve and Dan
    assert found["missing_excluded_per_1000"] == 0.0


def test_found_and_older_are_no_records() -> None:
    """Bits of an episode's detail that say something else do not put it into a record."""
    of = story(*away(ANN, 5, 0.5, detail=FOUND | OLDER, cause=CONFLICT))
    assert (value(of, "never_reported"), value(of, "episodes_police")) == (1.0, 0)
