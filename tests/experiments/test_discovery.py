"""Scenario discovery and feature scores: a box that is known is found, and where there is none, none is believed."""

import numpy as np
import pytest

from experiments.analyses import discovery
from experiments.analyses.discovery import discover, of_interest, scores
from experiments.analyses.outcomes import difference, level, measures_of
from experiments.measures import Measure
from sim.errors import InputError
from tests.experiments.frames import design, frame

FEWER = Measure("y", "y", "children", "", "fewer", lambda story, window: 0.0)


def study(policy, *, noise=0.0, draws=400):
    made = frame("latin_hypercube", design("latin_hypercube", draws), lambda x: 0.0 * x[:, 0], policy=policy, noise=noise)
    return made, difference(made, FEWER, "policy", "present")


def corner(x):
    """The policy does harm where the first input is high and the second is low."""
    return np.where((x[:, 0] > 0.7) & (x[:, 1] < 0.5), 1.0, -1.0)


@pytest.mark.slow
def test_the_box_is_found_and_the_inputs_that_tell():
    made, outcome = study(corner)
    box = discover(made, outcome)
    assert box.of_interest == "policy makes it worse" and box.share == pytest.approx(0.15, abs=0.03)
    limits = {limit.input: limit for limit in box.limits if limit.is_believed}
    assert set(limits) == {"one", "two"}
    assert limits["one"].inside[0] == pytest.approx(0.7, abs=0.03) and limits["one"].inside[1] == limits["one"].whole[1]
    assert limits["two"].inside[1] == pytest.approx(0.5, abs=0.04)
    assert box.coverage > 0.85 and box.density > 0.85
    found = scores(made, outcome)
    assert [each.input for each in found[:2]] == ["one", "two"] and found[-1].input == "dummy"
    assert {each.input for each in found if each.beats_dummy} == {"one", "two"}


@pytest.mark.slow
def test_of_chance_alone_hardly_a_limit_is_believed():
    believed = helpful = 0
    for chance in range(20):
        made = frame("latin_hypercube", design("latin_hypercube", 200), lambda x: 0.0 * x[:, 0], policy=lambda x: 0.0 * x[:, 0], noise=1.0, chance=chance)
        outcome = difference(made, FEWER, "policy", "present")
        believed += any(limit.is_believed for limit in discover(made, outcome).limits)
        helpful += any(each.beats_dummy for each in scores(made, outcome)) if chance < 6 else 0
    assert believed <= 6  # a search is not a test, so this is no 5 %
    assert helpful <= 2


def test_structures_are_inputs_too():
    made = frame(
        "latin_hypercube", design("latin_hypercube", 100), lambda x: 0.1 * x[:, 0], structures=[("mild", 0.0), ("harsh", 5.0)]
    )  # fmt: skip
    outcome = level(made, FEWER, "present")
    inputs, values = discovery.inputs_of(made, outcome)
    assert "structure:rival" in inputs and len(values) == 200
    assert np.all(values[inputs["structure:rival"] == "harsh"] >= 5.0) and np.all(values[inputs["structure:rival"] == "mild"] < 1.0)


def test_what_is_of_interest():
    made, outcome = study(lambda x: -1.0 - x[:, 0])
    what, wanted = of_interest(outcome, np.linspace(-2.0, -1.0, 100))
    assert what == "the 25 % of draws with the highest values" and wanted.sum() == 25
    assert of_interest(outcome, np.linspace(-1.0, 1.0, 100))[0] == "policy makes it worse"
    unsaid = level(made, *measures_of(made), "present")
    assert of_interest(unsaid, np.arange(8.0))[1].tolist() == [False] * 6 + [True] * 2


def test_too_few_draws_and_a_missing_library_are_said(monkeypatch):
    made, outcome = study(corner, draws=20)
    with pytest.raises(InputError, match="20 draws are too few"):
        discover(made, outcome)
    made, outcome = study(corner, draws=60)
    monkeypatch.setattr(discovery, "is_there", lambda: False)
    with pytest.raises(InputError, match=r"install the extra \[analysis\]"):
        scores(made, outcome)


def test_a_box_is_found_among_whole_numbers():
    """As most studies have some: PRIM pastes halves into them."""
    made = frame("latin_hypercube", design("latin_hypercube", 100), lambda x: 0.0 * x[:, 0], policy=corner)
    for name in ("one", "two", "three"):
        made[name] = (made[name] * 40.0).astype(np.int64)
    limits = {limit.input: limit for limit in discover(made, difference(made, FEWER, "policy", "present")).limits if limit.is_believed}
    assert set(limits) == {"one", "two"}
    assert limits["one"].inside[0] == pytest.approx(28.0, abs=1.5)
    assert limits["two"].inside[1] == pytest.approx(20.0, abs=1.5)
