"""Wording: sentences claim what the figures say, and no more."""

import math

import numpy as np
import pytest

from experiments import wording
from experiments.analyses.effects import Effect, Interval, effect
from experiments.measures import named

CHILDREN, COST = named("children_missing"), named("cost")


def made(differences: list[float], level: float = 1000.0) -> Effect:
    """An effect with these differences, one for each draw."""
    column = np.array(differences)
    return effect(level + column, np.full(len(column), level), np.arange(len(column)), "fewer")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (12345.4, "12,345"), (-123.4, "−123"), (12.34, "12.3"), (1.234, "1.23"), (-0.123, "−0.12"), (0.0123, "0.0123"), (999.96, "1,000"), (math.nan, "–")],
)  # fmt: skip
def test_numbers_have_about_three_figures(value: float, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1_234_567.0, "pounds of 2024/25", "£1.23 million"), (-45_678.0, "pounds of 2024/25", "−£45,678"), (0.123, "share of episodes", "12.3 %"),
        (999_999.0, "pounds of 2024/25", "£1.00 million"), (412_345.0, "pounds of 2024/25", "£412,000"), (7.0, "children", "7"),
    ],
)  # fmt: skip
def test_figures_have_their_unit(value: float, unit: str, text: str) -> None:
    assert wording.figure(value, unit) == text


@pytest.mark.parametrize(("value", "text"), [(3.0, "+3"), (-3.0, "−3"), (0.0, "0")])
def test_a_change_has_its_sign(value: float, text: str) -> None:
    assert wording.change(value, "children") == text


@pytest.mark.parametrize(("value", "text"), [(1.234, "+1.23 %"), (-0.04, "−0.04 %"), (-12.34, "−12.3 %"), (1234.0, "+1,234 %"), (-0.001, "−<0.01 %"), (0.0, "0 %"), (math.nan, "–")])
def test_per_cent_have_two_places_at_most(value: float, text: str) -> None:
    assert wording.per_cent(value) == text


def test_a_clear_effect_is_stated() -> None:
    said = wording.finding(CHILDREN, made([-10.0, -11.0, -9.0, -10.0]))
    assert said.startswith("10 fewer children go missing (true): −1.00 % of 1,000; 95 % interval 8.70 to 11.3 fewer")


def test_an_unclear_effect_is_not_stated_as_one() -> None:
    said = wording.finding(CHILDREN, made([-30.0, 20.0, 5.0, -15.0]))
    assert "not separable from nothing" in said
    assert "fewer to" in said
    assert said.count("more") == 1


def test_no_difference_is_said_as_such() -> None:
    assert "the runs do not differ" in wording.finding(CHILDREN, made([0.0, 0.0]))


def test_one_draw_claims_nothing() -> None:
    assert "may be chance" in wording.finding(CHILDREN, made([-5.0]))


def test_no_pair_says_nothing() -> None:
    assert "nothing can be said" in wording.finding(CHILDREN, made([]))


def test_the_summary_names_those_whose_effect_is_clear_and_only_those() -> None:
    clear, unclear = made([-10.0, -11.0, -9.0]), made([-10.0, 11.0, 3.0])
    assert wording.summary(CHILDREN, [("A", clear), ("B", unclear)]) == (
        "Fewer children go missing (true) under A (−10, −1.00 %); no change that can be told from nothing under B."
    )
    assert wording.summary(COST, [("A", made([9.0, 10.0, 11.0])), ("B", made([9.0, 10.0, 11.0]))]) == "More is spent by all payers under A (+£10, +1.00 %) and B (+£10, +1.00 %)."
    assert wording.summary(CHILDREN, [("B", unclear)]) == "Children going missing (true): no scenario’s change can be told from nothing."


def test_harm_says_how_little_few_draws_exclude() -> None:
    found = made([-1.0, -2.0, -3.0, -1.0]).harm
    assert found is not None
    assert wording.harm(found) == "0 of 4"
    assert "harm in 0 % to 60 % of all draws" in wording.harm_in_words(found, "recruitment")


def test_too_few_replicates_do_not_give_a_part_of_chance() -> None:
    assert "cannot be said with 4 draws" in wording.chance_in_words(Interval(0.4, 0.1, 0.9), 4, chance_only=False)
    assert "too few" in wording.chance(Interval(0.4, 0.1, 0.9))
    assert wording.chance(Interval(0.4, 0.3, 0.5)) == "40 % (30 % to 50 %)"
    assert "All of the spread is chance" in wording.chance_in_words(Interval(1.0, 1.0, 1.0), 4, chance_only=True)


@pytest.mark.parametrize(("items", "text"), [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C"], "A, B and C")])
def test_a_list_reads_as_one_says_it(items: list[str], text: str) -> None:
    assert wording.people(items) == text


@pytest.mark.parametrize(
    ("differences", "text"),
    [
        ([-40.0, -41.0, -39.0, -40.0], "40 fewer children go missing (true) (−4.00 % of 1,000), 95 % interval 38.7 to 41.3 fewer. Worse in 0 of 4 draws of what is uncertain."),
        (
            [-40.0, 20.0, 4.0, -16.0],
            "cannot be told from no change in children going missing (true): on average 8 fewer (−0.80 % of 1,000), 95 % interval 49.2 fewer to 33.2 more. "
            "Worse in 2 of 4 draws of what is uncertain.",
        ),
        ([0.0, 0.0, 0.0], "no change in children going missing (true); the runs do not differ."),
        ([-3.0], "3 fewer children go missing (true) (−0.30 % of 1,000); a single draw has no interval, so this cannot be told from no change."),
        ([], "nothing can be said of children going missing (true), as no pair of runs has a value."),
    ],
)  # fmt: skip
def test_an_answer_says_how_much_how_sure_and_how_often_worse(differences: list[float], text: str) -> None:
    assert wording.answer(CHILDREN, made(differences)) == text
