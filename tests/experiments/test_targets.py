"""Published figures beside the model: a world's children stand for England's, by cell; what lines do goes by lines."""

import math

import numpy as np
import pytest

from experiments.measures.story import AUTHORITY, LOOKED_AFTER, OLDER, OVERNIGHT, POLICE, Story, Window
from experiments.published.targets import (
    ALONE,
    CELLS,
    HOME,
    NOW,
    OLD,
    THEN,
    YOUNG,
    England,
    Spread,
    compare_with_targets,
    every_target,
    term,
)
from sim.dates import day_of, last_day_of_year
from sim.ledger import Event
from sim.lines import BY_ADULT, BY_CHILD, BY_CHILD_OF_ELSEWHERE
from sim.places import read_places
from sim.population import BY_A_LINE, CHILDRENS_HOME, DEBT, FOSTER, LINE, SEXUALLY, SUPPORTED
from sim.schooling import WAS_EXCLUDED, WAS_LOOKED_AFTER, WAS_SUSPENDED
from sim.services import CRIMINAL_FACTOR, GANG_FACTOR, MISSING_FACTOR, SEXUAL_FACTOR
from sim.sources import source
from sim.world import World
from tests.experiments.hand_made import ANN, BEN, CAT, DAN, EVE, away, lively_run, person, row, story

PLACES = read_places()
KENT = PLACES.index("Kent")
HERE = World("here", (KENT,), 0.5, 365, 730)
ALL = World("all", tuple(range(len(PLACES))), 0.5, 365, 730)
YEAR = Window(1, 40)
UNDER_16, OVER_16 = -5500, -6000
NO_LINES = np.zeros((len(PLACES), len(PLACES)))


def targets(of: Story, spread: Spread | None = None, world: World = HERE, era: str = NOW) -> dict[str, float]:
    return compare_with_targets(of, world, YEAR, spread, era)


def counts(**children: int) -> list[dict]:
    """The count of 31 March: so many young, old and alone."""
    kinds = {"young": {}, "old": {"is_16_17": 1}, "alone": {"is_16_17": 1, "alone": 1}}
    return [{"day": 40, "home": KENT, "setting": FOSTER, "children": number} | kinds[kind] for kind, number in children.items()]


# -- what is published -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("each", every_target(), ids=lambda each: each.key)
def test_every_target_has_a_tolerance_a_source_and_a_reason(each) -> None:
    assert each.low <= each.value <= each.high
    assert each.label and each.unit and each.why_if_missed.endswith(".")
    assert "offender" not in (each.label + each.why_if_missed).lower()
    assert all(source(row_of).title for row_of in each.rows.split(";"))


def test_all_twenty_four_are_there_in_order_with_the_published_values() -> None:
    numbers = [each.number for each in every_target()]
    assert sorted(set(numbers)) == list(range(1, 25)) and numbers == sorted(numbers)
    by_key = {each.key: each for each in every_target()}
    expected = {
        "17a": (16_250, 14_625, 17_875), "17b": (8_860, 7_974, 9_746), "17c": (12_400, 11_160, 13_640), "17d": (16_940, 15_246, 18_634),
        "18": (1_800, 1_250, 2_700), "20a": (2_300, 1_955, 2_645), "20b": (600, 400, 1_100), "21a": (24, 19, 29), "21b": (82, 77, 87),
        "21c": (16, 11, 21), "21d": (61, 53, 69), "21e": (11, 3, 19), "21f": (28, 20, 36), "22b": (80, 74, 86), "23": (36, 25, 50),
    }  # fmt: skip
    assert {key: (by_key[key].value, by_key[key].low, by_key[key].high) for key in expected} == expected
    assert (by_key["17a"].rows, by_key["18"].rows, by_key["21d"].rows) == ("K111", "K140", "K174")


def test_the_cells_hold_all_of_englands_children_and_those_who_came_alone_apart() -> None:
    england = England(story(), ALL, YEAR)
    assert len(CELLS) == len(england.published) == 4
    assert england.published.sum() == pytest.approx(PLACES.population_10_17.sum())
    assert england.looked_after == pytest.approx(PLACES.looked_after_10_17.sum())
    older = sum(min(0.85 * PLACES.unaccompanied[a], PLACES.looked_after_16_17[a]) for a in range(len(PLACES)))
    younger = sum(min(0.15 * PLACES.unaccompanied[a], PLACES.looked_after_10_15[a]) for a in range(len(PLACES)))
    assert england.published[ALONE] == pytest.approx(older + younger)
    assert england.published[ALONE] / PLACES.looked_after_31_march.sum() == pytest.approx(0.08, abs=0.005)  # cla_uasc_2025
    assert england.published[OLD] == pytest.approx(PLACES.looked_after_16_17.sum() - older)
    assert england.published[YOUNG] == pytest.approx(PLACES.looked_after_10_15.sum() - younger)
    assert england.expected == pytest.approx(0.5 * england.published)


# -- how children stand for England's ------------------------------------------------------------------------------------------------


@pytest.fixture
def cared_for() -> Story:
    """Forty looked after (20 young, 5 old, 15 alone) of a thousand: Ann is young, Ben old, Cat alone, Dan at home, Eve was in care for a day."""
    recorded = LOOKED_AFTER | AUTHORITY | POLICE
    return story(
        *(row(Event.ENTERED_CARE, child, 1) for child in (ANN, BEN, CAT)), *(row(Event.PLACED, child, 1, cause=FOSTER) for child in (ANN, BEN, CAT)),
        row(Event.ENTERED_CARE, EVE, 10), row(Event.LEFT_CARE, EVE, 11), row(Event.PLACEMENT_ENDED, BEN, 12, detail=1),
        *away(ANN, 5, 0.5, detail=recorded, serial=1), *away(ANN, 15, 3.5, detail=recorded, serial=2),
        *away(BEN, 5, 0.5, detail=recorded | OLDER, serial=1), *away(CAT, 6, 0.5, detail=recorded | OLDER, serial=1),
        *away(DAN, 7, 0.5, detail=POLICE | OVERNIGHT, serial=1), *away(DAN, 17, 0.5, detail=OVERNIGHT, serial=2),
        children=[
            person(ANN, born=UNDER_16, home=KENT), person(BEN, born=OVER_16, home=KENT), person(CAT, born=OVER_16, home=KENT, alone=True),
            person(DAN, born=UNDER_16, home=KENT), person(EVE, born=UNDER_16, home=KENT),
        ],
        stocks={"children": 1000, "looked_after": 40}, counts=counts(young=20, old=5, alone=15),
    )  # fmt: skip


def test_each_child_stands_for_as_many_as_its_cell_has(cared_for: Story) -> None:
    england = England(cared_for, HERE, YEAR)
    assert england.children == pytest.approx([20, 5, 15, 960])
    young, old, alone, home = england.weight
    assert england.cell(england.episodes).tolist() == [YOUNG, YOUNG, OLD, ALONE, HOME, HOME]
    found = targets(cared_for)
    assert found["2a"] == pytest.approx(young + old + alone)
    assert found["3"] == pytest.approx((2 * young + old + alone) / (young + old + alone))
    assert found["4"] == pytest.approx(100 * young / (young + old + alone))
    assert found["5a"] == pytest.approx(2 * young / PLACES.looked_after_10_15.sum())
    assert found["5b"] == pytest.approx((old + alone) / PLACES.looked_after_16_17.sum())
    assert found["5d"] == pytest.approx(1 / 5)
    assert found["6"] == pytest.approx(100 * (young + old + alone) / (2 * young + old + alone))
    assert found["10"] == pytest.approx(100 / 960)
    assert (found["12a"], found["12b"]) == (100.0, pytest.approx(home))
    assert found["15b"] == pytest.approx(old / england.looked_after)
    assert found["15c"] == pytest.approx(young / england.looked_after)  # Eve's; that of those in care on day 1 is no entry
    assert found["2b"] == pytest.approx(100 * (young + old + alone) / (2 * young + old + alone))


def test_many_who_came_alone_weigh_as_englands_eight_in_a_hundred(cared_for: Story) -> None:
    """Fifteen of this world's forty came alone; in England it is one in eight of those of this age."""
    england = England(cared_for, HERE, YEAR)
    assert england.weight[ALONE] * 15 == pytest.approx(england.published[ALONE])
    assert england.weight[ALONE] < england.weight[OLD]


def test_settings_of_31_march_are_weighed_by_cell() -> None:
    of = story(
        counts=[
            {"day": 40, "setting": FOSTER, "children": 10}, {"day": 40, "setting": CHILDRENS_HOME, "outside": 1, "children": 10},
            {"day": 40, "setting": SUPPORTED, "is_16_17": 1, "children": 4}, {"day": 40, "setting": SUPPORTED, "is_16_17": 1, "alone": 1, "children": 6},
            {"day": 20, "setting": SUPPORTED, "children": 1000},
        ],
        stocks={"children": 1000, "looked_after": 30},
    )  # fmt: skip
    found, england = targets(of), England(of, HERE, YEAR)
    assert found["13a"] == pytest.approx(england.published[YOUNG] / 2)
    assert found["13b"] == pytest.approx(england.published[OLD] + england.published[ALONE])
    assert england.counted(lambda rows: rows["is_16_17"] == 0) == pytest.approx(england.published[YOUNG])
    assert found["14a"] == pytest.approx(100 * found["13a"] / england.looked_after)
    assert found["14c"] == 100.0


# -- what lines do -------------------------------------------------------------------------------------------------------------------


def spread() -> Spread:
    """Ten lines from elsewhere (0) to Kent, five the other way, five within Kent, twenty within elsewhere."""
    lines = NO_LINES.copy()
    lines[0, KENT], lines[KENT, 0], lines[KENT, KENT], lines[0, 0] = 10, 5, 5, 20
    return Spread(lines, np.where(np.arange(len(PLACES)) == KENT, 3.0, 1.0))


def test_a_world_has_its_part_of_lines_and_need() -> None:
    inside = HERE.inside
    assert spread().lines_in(inside) == pytest.approx(20 / 40)
    assert spread().need_in(inside) == pytest.approx(3 / (len(PLACES) + 2))
    assert spread().lines_in(ALL.inside) == spread().need_in(ALL.inside) == pytest.approx(1.0)


@pytest.fixture
def served() -> Story:
    """Ann, of a line, is recognised and referred; so is Ben, a boy, who was recorded missing; Cat is sexually exploited; Dan is exploited by others."""
    return story(
        row(Event.FORM_NAMED, ANN, 10, cause=BY_A_LINE), row(Event.FORM_NAMED, BEN, 12, cause=BY_A_LINE), row(Event.FORM_NAMED, CAT, 12, cause=SEXUALLY),
        row(Event.REFERRED, ANN, 10, cause=BY_A_LINE), row(Event.REFERRED, BEN, 12, cause=BY_A_LINE),
        row(Event.ASSESSED, ANN, 11, detail=CRIMINAL_FACTOR | GANG_FACTOR), row(Event.ASSESSED, BEN, 12, detail=CRIMINAL_FACTOR | MISSING_FACTOR),
        row(Event.ASSESSED, CAT, 12, detail=SEXUAL_FACTOR), row(Event.ASSESSED, DAN, 12, detail=CRIMINAL_FACTOR), row(Event.ASSESSED, ANN, 9, detail=0),
        *away(BEN, 3, 1.0, cause=LINE, detail=POLICE, serial=1), *away(ANN, 3, 1.0, cause=LINE, serial=1), *away(DAN, 3, 1.0, cause=LINE, detail=POLICE, serial=1),
        *(row(Event.POSITION_FILLED, child, 5, agent=1, serial=n, cause=BY_CHILD) for n, child in enumerate((ANN, BEN, DAN))),
        *(row(Event.POSITION_FILLED, 0, 6, agent=2, serial=n, cause=cause) for n, cause in enumerate((BY_CHILD_OF_ELSEWHERE, BY_ADULT, BY_ADULT))),
        row(Event.LINE_CLOSED, 0, 8, agent=1), row(Event.LINE_CLOSED, 0, 9, agent=2), row(Event.LINE_CLOSED, 0, 9, agent=3),
        *(row(Event.GOT_OUT, child, 20) for child in (ANN, BEN)),
        children=[person(ANN, home=KENT), person(BEN, home=KENT, is_male=True), person(CAT, home=KENT), person(DAN, home=KENT, is_male=True)],
        stocks={"children": 1000, "looked_after": 40, "lines": 30, "working": 1, "getting_out": 1}, counts=counts(young=20, old=5, alone=15),
    )  # fmt: skip


def test_children_of_lines_are_scaled_by_lines_and_positions_and_others_by_need(served: Story) -> None:
    found, england = targets(served, spread()), England(served, HERE, YEAR, spread())
    by_lines, by_need = 2 / 0.5 * 4 / 3, (len(PLACES) + 2) / 3 / 0.5  # a quarter of the positions went to children of elsewhere
    assert (england.exploited_by_lines, england.exploited_otherwise, england.lines) == pytest.approx((by_lines, by_need, 2 / 0.5))
    assert found["17a"] == pytest.approx(2 * by_lines + by_need)
    assert found["17b"] == pytest.approx(by_lines)
    assert found["17c"] == pytest.approx(by_need)
    assert found["17d"] == pytest.approx(england.weight[HOME])
    assert found["18"] == pytest.approx(by_lines)  # Ben: Ann is in no record, of Dan nobody knows
    assert (found["19a"], found["19b"]) == pytest.approx((2 * by_lines, by_lines))
    assert found["23"] == pytest.approx(100 * 2 / (2 * 40 / 365.25))


def test_lines_are_compared_in_the_era_of_their_figure(served: Story) -> None:
    now, then = targets(served, spread()), targets(served, spread(), era=THEN)
    assert now["20a"] == pytest.approx(3 * 4) and math.isnan(now["20b"]) and math.isnan(now["20c"])
    assert (then["20b"], then["20c"]) == pytest.approx((30 * 4, 3 * 4)) and math.isnan(then["20a"])


def test_without_a_spread_nothing_that_lines_do_is_compared(served: Story) -> None:
    found = targets(served)
    assert all(math.isnan(found[key]) for key in ("17a", "17b", "17c", "18", "19a", "19b", "20a"))
    assert not math.isnan(found["17d"])


# -- detected children ---------------------------------------------------------------------------------------------------------------


def test_detected_children_are_those_of_the_cohort_that_turned_eighteen() -> None:
    """Ann: in care before. Ben: after, next term; suspended. Cat: the same term; excluded. Dan: never. Eve is not eighteen yet."""
    year = Window(366, 730)
    autumn, spring = day_of_date(2026, 10, 1), day_of_date(2027, 1, 20)
    eighteen = [row(Event.LEFT, child, 720) for child in (ANN, BEN, CAT, DAN)]
    of = story(
        *eighteen, *(row(Event.IDENTIFIED, child, autumn) for child in (ANN, BEN, CAT, DAN, EVE)),
        row(Event.ENTERED_CARE, ANN, 1), row(Event.ENTERED_CARE, BEN, spring), row(Event.ENTERED_CARE, CAT, autumn + 20),
        row(Event.HISTORY, ANN, 1, cause=WAS_SUSPENDED), row(Event.SUSPENDED, BEN, 400), row(Event.HISTORY, CAT, 1, cause=WAS_EXCLUDED),
        row(Event.SUSPENDED, EVE, 400), days=730,
    )  # fmt: skip
    found = compare_with_targets(of, HERE, year)
    assert (found["21a"], found["21b"], found["21c"]) == (75.0, 50.0, 25.0)
    assert (found["21d"], found["21e"], found["21f"]) == pytest.approx((100 / 3,) * 3)


def test_care_before_the_run_counts_as_before_detection() -> None:
    of = story(
        row(Event.LEFT, ANN, 40), row(Event.IDENTIFIED, ANN, 5), row(Event.HISTORY, ANN, 1, cause=WAS_LOOKED_AFTER), row(Event.ENTERED_CARE, ANN, 30),
    )  # fmt: skip
    found = targets(of)
    assert (found["21a"], found["21d"], found["21f"]) == (100.0, 100.0, 0.0)


def test_who_is_in_care_as_the_run_begins_was_so_before_a_detection_of_the_same_term() -> None:
    of = story(row(Event.LEFT, ANN, 40), row(Event.IDENTIFIED, ANN, 5), row(Event.ENTERED_CARE, ANN, 1))
    assert (targets(of)["21d"], targets(of)["21e"]) == (100.0, 0.0)


def day_of_date(year: int, month: int, day: int) -> int:
    from datetime import date

    return day_of(date(year, month, day))


def test_terms_follow_each_other() -> None:
    days = [day_of_date(2026, 9, 1), day_of_date(2026, 12, 31), day_of_date(2027, 1, 1), day_of_date(2027, 3, 31), day_of_date(2027, 4, 1), day_of_date(2027, 8, 31), day_of_date(2027, 9, 1)]
    terms = [term(day) - term(days[0]) for day in days]
    assert terms == [0, 0, 1, 1, 2, 2, 3]


def test_ages_are_those_at_the_first_criminal_response() -> None:
    of = story(
        row(Event.ARRESTED, ANN, 5, detail=1), row(Event.ARRESTED, ANN, 30, detail=1), row(Event.ARRESTED, BEN, 6, detail=1), row(Event.ARRESTED, CAT, 6, detail=1),
        row(Event.ARRESTED, DAN, 6, detail=0),
        children=[person(ANN, born=-5500), person(BEN, born=-5500), person(CAT, born=-4900), person(DAN, born=-6500)],
    )  # fmt: skip
    found = targets(of)
    assert found["22a"] == 15.0 and found["22b"] == pytest.approx(200 / 3)


# -- regions -------------------------------------------------------------------------------------------------------------------------


def test_regions_are_compared_in_england_alone() -> None:
    """A world that has every authority's published children meets every region; one whose children are all of London meets none."""
    exact = [{"day": 40, "home": a, "setting": FOSTER, "children": int(PLACES.looked_after_10_17[a] * 0.5)} for a in range(len(PLACES))]
    found = compare_with_targets(story(counts=exact), ALL, YEAR)
    assert found["24a"] == 9 and found["24b"] == pytest.approx(1.0, abs=0.02)
    assert all(math.isnan(compare_with_targets(story(counts=exact), HERE, YEAR)[f"24{part}"]) for part in "abcdef")
    wrong = [{"day": 40, "home": PLACES.region.index("London"), "setting": FOSTER, "children": 100}]
    assert compare_with_targets(story(counts=wrong), ALL, YEAR)["24a"] == 0
    assert all(each.only for each in every_target() if each.number == 24)


def test_assessments_of_regions_are_over_the_authorities_that_published_theirs() -> None:
    rows = [row(Event.ASSESSED, 1000 + a, 5, home=a, detail=CRIMINAL_FACTOR) for a in range(len(PLACES)) if not math.isnan(PLACES.cce_assessments[a])]
    known = ~np.isnan(PLACES.cce_assessments)
    found = compare_with_targets(story(*rows), ALL, YEAR)
    published = np.array([PLACES.cce_assessments[known & (np.array(PLACES.region) == region)].sum() for region in PLACES.regions])
    people = np.array([PLACES.population_10_17[known & (np.array(PLACES.region) == region)].sum() for region in PLACES.regions])
    number = np.array([(known & (np.array(PLACES.region) == region)).sum() for region in PLACES.regions]) / 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        assert found["24e"] == (np.abs(number / people / (published / people) - 1) <= 0.25).sum()


# -- a run ---------------------------------------------------------------------------------------------------------------------------


def test_every_target_but_those_of_other_eras_and_worlds_has_a_value_in_a_run() -> None:
    model, tables = lively_run()
    found = compare_with_targets(Story(tables), model.world, Window(366, last_day_of_year(2)), Spread.of(model))
    assert {each.key for each in every_target()} == set(found)
    unknown = {key for key, value in found.items() if math.isnan(value)}
    assert {"20b", "20c"} <= unknown <= {each.key for each in every_target() if each.only or each.number in (21, 22)}
    assert not any(math.isinf(value) for value in found.values())
    assert 5.4e6 < found["1a"] < 6.0e6
    assert found["9a"] > 0 and found["14a"] > 0 and found["17a"] > 0 and found["20a"] > 0


def test_debt_is_not_a_line_in_what_is_known_through_a_line() -> None:
    of = story(
        row(Event.FORM_NAMED, ANN, 2, cause=BY_A_LINE), row(Event.POSITION_FILLED, ANN, 2, agent=1, cause=BY_CHILD),
        *away(ANN, 3, 1.0, cause=DEBT, detail=POLICE),
    )  # fmt: skip
    assert targets(of, spread())["18"] == 0.0
