"""Per-child counterfactuals: flows that add up to the net change exactly, and that depend on how chance is coupled."""

import json
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.counterfactual import COUPLINGS, USUAL, Job, bounds, do, flows
from experiments.measures.story import Window
from experiments.running.ledgers import Arm, in_order, lived_side_by_side
from experiments.running.runner import WorkerDied
from experiments.studies.designs import Replicate
from sim import Scenario
from sim.draws import Draws
from sim.ledger import EVENT_COLUMNS, TABLES, Event
from sim.lines import BY_ADULT, BY_CHILD
from tests.worlds import BASELINE, EVENTFUL, scenario, world

ALL = Window(11, 100)
HERE = range(1, 11)  # keys of ten children, there from day 1


def ledger(*rows: dict) -> dict:
    """The tables of a run in which these events happened, to ten children who are there from day 1."""
    tables = {name: {column: np.zeros(0, dtype=dtype) for column, dtype in columns.items()} for name, columns in TABLES.items()}
    tables["events"] = {name: np.array([row.get(name, 0) for row in rows], dtype=dtype) for name, dtype in EVENT_COLUMNS.items()}
    tables["children"] = {
        name: np.array(list(HERE) if name == "child" else [1] * len(HERE) if name == "day" else [0] * len(HERE), dtype=dtype)
        for name, dtype in TABLES["children"].items()
    }
    return tables


def recruited(child: int, day: int = 50, line: int = 7, position: int = 0, by: int = BY_CHILD) -> tuple[dict, dict]:
    """A child begins to work a line, in one of its positions."""
    filled = {"day": day, "event": Event.POSITION_FILLED, "child": child if by == BY_CHILD else 0, "agent": line, "serial": position, "cause": by}
    return {"day": day, "event": Event.RECRUITED, "child": child, "agent": line}, filled


def rows(*pairs: tuple[dict, dict]) -> list[dict]:
    return [row for pair in pairs for row in pair]


# -- by hand -------------------------------------------------------------------------------------------------------------------------


def test_spared_and_drawn_in_are_who_was_recruited_in_one_run_only():
    found = flows(ledger(*rows(recruited(1), recruited(2), recruited(3))), ledger(*rows(recruited(3), recruited(4))), ALL)
    assert (found.without, found.with_policy, found.net) == (3, 2, -1)
    assert (found.spared, found.drawn_in) == (2, 1)


def test_instead_of_is_who_took_the_vacancy_that_a_spared_child_fills():
    without = ledger(*rows(recruited(1, line=7, position=0), recruited(2, line=7, position=1)))
    taken = ledger(*rows(recruited(3, line=7, position=0, day=80), recruited(4, line=9, position=1)))
    found = flows(without, taken, ALL)
    assert (found.spared, found.drawn_in, found.instead_of, found.knock_on) == (2, 2, 1, 1)


def test_a_vacancy_that_an_adult_or_the_same_child_fills_is_nobody_s_place():
    without = ledger(*rows(recruited(1, position=0), recruited(5, position=2)))
    with_policy = ledger(*rows(recruited(2, position=0, by=BY_ADULT), recruited(5, position=2)))
    found = flows(without, with_policy, ALL)
    assert (found.spared, found.drawn_in, found.instead_of) == (1, 1, 0)


def test_one_spared_child_stands_for_one_drawn_in_child_only():
    without = ledger(*rows(recruited(1, position=0)))
    with_policy = ledger(*rows(recruited(2, position=0, day=30), recruited(3, position=0, day=60)))
    found = flows(without, with_policy, ALL)
    assert (found.spared, found.drawn_in, found.instead_of, found.knock_on) == (1, 2, 1, 1)


def test_as_many_as_possible_are_set_against_one_another():
    # Child 3 took a vacancy of 1 and one of 2; child 4 one of 1 alone: so 3 must be set against 2.
    without = ledger(*rows(recruited(1, position=0), recruited(2, position=1)))
    with_policy = ledger(*rows(recruited(3, position=0, day=20), recruited(3, position=1, day=70), recruited(4, position=0, day=60)))
    assert flows(without, with_policy, ALL).instead_of == 2


def test_only_the_days_of_the_window_count():
    early, late = recruited(1, day=5), recruited(2, day=101)
    assert flows(ledger(*rows(early, late)), ledger(), ALL)[1:5] == (0, 0, 0, 0)


def test_who_left_before_the_window_is_not_among_its_children():
    left = [{"day": 4, "event": Event.LEFT, "child": 9}, {"day": 40, "event": Event.LEFT, "child": 8}]
    assert flows(ledger(*left), ledger(*left), ALL).children == 9


def test_runs_with_other_children_are_not_compared():
    other = ledger()
    other["children"]["child"][0] = 99
    with pytest.raises(ValueError, match="do not hold the same children"):
        flows(ledger(), other, ALL)


# -- bounds ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("without", "with_policy", "children"), [(3, 2, 10), (2, 5, 6), (0, 0, 4), (4, 4, 5), (6, 5, 6)])
def test_the_bounds_are_met_by_some_pair_of_runs_and_passed_by_none(without, with_policy, children):
    a = set(range(without))
    every = [(len(a - set(b)), len(set(b) - a)) for b in combinations(range(children), with_policy)]
    spared, drawn_in = zip(*every, strict=True)
    assert bounds(without, with_policy, children) == (min(spared), max(spared), min(drawn_in), max(drawn_in))


# -- couplings -------------------------------------------------------------------------------------------------------------------------


def test_a_coupling_moves_its_own_decisions_and_no_other():
    usual, other, none = Draws(5), Draws(5, {"recruiter.": 1}), Draws(5, {"recruiter.": 0})
    assert none.stream("recruiter.choice") == usual.stream("recruiter.choice") != other.stream("recruiter.choice")
    assert other.stream("missing.duration") == usual.stream("missing.duration")


def test_the_longest_beginning_decides():
    draws = Draws(5, {"line.": 1, "line.lag": 2})
    assert draws.stream("line.lag") == Draws(5, {"line.": 2}).stream("line.lag")
    assert draws.stream("line.nobody") == Draws(5, {"line.": 1}).stream("line.nobody")


def test_no_coupling_touches_what_a_child_is_for_life():
    assert not [beginning for beginning, _ in COUPLINGS.values() if any(name.startswith(beginning) for name in ("person.sex", "point.east", "home.x", "people"))]


SMALL = world(0.03, warm_up=30, days=150)


@pytest.fixture(scope="module")
def nothing_done():
    """Present practice set against itself, under the usual coupling and two others."""
    return do(Job(BASELINE, Scenario("nothing"), ("recruiters", "exploitation"), SMALL, Replicate(0, 3, 0, dict(EVENTFUL_NOW))))


EVENTFUL_NOW = {address: value for address, value in EVENTFUL.items() if not address.startswith("services.found")}


def test_without_a_policy_the_usual_coupling_has_no_flows_and_the_others_have_nothing_but(nothing_done):
    usual, others = nothing_done[USUAL], [each for name, each in nothing_done.items() if name != USUAL]
    assert usual.without > 5
    assert (usual.spared, usual.drawn_in, usual.net) == (0, 0, 0)
    assert all(each.spared > 0 and each.drawn_in > 0 for each in others)


def test_whatever_the_coupling_the_run_without_is_the_same_and_the_sum_is_exact(nothing_done):
    assert len({each.without for each in nothing_done.values()}) == 1
    for each in nothing_done.values():
        assert each.drawn_in - each.spared == each.with_policy - each.without == each.net
        assert each.instead_of + each.knock_on == each.drawn_in
        assert each.least_spared <= each.spared <= each.most_spared and each.least_drawn_in <= each.drawn_in <= each.most_drawn_in


def test_a_policy_that_does_something_moves_children_under_the_usual_coupling():
    policy = scenario({"line_disruption": {"coverage": 1.0, "sooner": 3.0}})
    usual = do(Job(BASELINE, policy, (), SMALL, Replicate(0, 3, 0, dict(EVENTFUL_NOW))))[USUAL]
    assert usual.spared + usual.drawn_in > 0


def test_a_coupling_begins_after_the_warm_up():
    arms = [Arm("usual", BASELINE), Arm("other", BASELINE, {"recruiter.": 1})]
    usual, other = (tables["events"] for tables in lived_side_by_side(arms, SMALL, Replicate(0, 3, 0, dict(EVENTFUL_NOW))))
    early, early_too = ({name: column[events["day"] <= SMALL.warm_up_days] for name, column in events.items()} for events in (usual, other))
    assert all(np.array_equal(early[name], early_too[name]) for name in early)
    assert len(usual["day"]) != len(other["day"]) or any(not np.array_equal(usual[name], other[name]) for name in usual)


@pytest.mark.slow
def test_another_coupling_asks_the_same_question():
    """Over many seeds the net change of nothing is nothing, under a coupling that shares little chance."""
    nets = [do(Job(BASELINE, Scenario("nothing"), ("recruiters",), SMALL, Replicate(0, seed, 0, dict(EVENTFUL_NOW))))["recruiters"] for seed in range(1, 31)]
    differences = np.array([each.net for each in nets], dtype=float)
    assert abs(differences.mean()) < 3.0 * differences.std(ddof=1) / np.sqrt(len(differences))


# -- the command -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text('authorities = ["Medway"]\nfraction = 0.02\nwarm_up_years = 1\nyears = 1\n')
    return tmp_path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["relocation", "--coupling", "recruiter"], ["'recruiter'", "'recruiters'"]),
        (["relocatoin"], ["'relocatoin'", "'relocation'"]),
        (["other.toml"], ["other numbers", "policies alone"]),
        (["early.toml"], ["begins in the warm-up"]),
    ],
)
def test_the_command_refuses_in_a_sentence(folder, capsys, words, told):
    Path("other.toml").write_text("[parameters.lines]\nsubstitution = 0.0\n")
    Path("early.toml").write_text("[policies.key_worker]\nbegins = 2025-05-01\n")
    assert main(["counterfactual", *words, "--world", "small.toml", "--replicates", "1", "--cores", "1"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and printed.err.startswith("experiments: ")
    assert [part for part in told if part not in printed.err] == []


@pytest.mark.slow
def test_the_command_writes_a_page_that_has_the_net_first_and_speaks_of_nobody_saved(folder, capsys):
    words = ["counterfactual", "relationship_first", "--world", "small.toml", "--replicates", "2", "--fixed-parameters", "--cores", "1", "--name", "tried", "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["couplings"]) == [USUAL, "recruiters", "exploitation"]
    for figures in told["couplings"].values():
        assert figures["net"]["value"] == pytest.approx(figures["drawn_in"]["value"] - figures["spared"]["value"])
    text = (folder / "results" / "tried" / "counterfactual.md").read_text(encoding="utf-8")
    assert text.index("## The result: the net change") < text.index("## Model bookkeeping")
    assert "saved" not in text.lower() and "only figure on this page that may be quoted" in text
    lines = (folder / "results" / "tried" / "flows.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + 3 * 2


# -- many runs ---------------------------------------------------------------------------------------------------------------------------


def squared(number: int) -> int:
    return number * number


def ended_from_outside(number: int) -> int:
    os._exit(number + 1)


@pytest.mark.slow
def test_jobs_are_done_on_one_process_or_two_with_the_same_answers_in_order():
    told: list[int] = []
    assert in_order(squared, [3, 1, 2], 1, told.append) == [9, 1, 4] and told == [1, 2, 3]
    assert in_order(squared, [3, 1, 2], 2) == [9, 1, 4]


def test_a_process_that_is_ended_from_outside_is_said_so():
    with pytest.raises(WorkerDied):
        in_order(ended_from_outside, [0, 1, 2], 2)
