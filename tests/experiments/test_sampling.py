"""Designs of studies: what each of them takes together, the dummy in all of them, and growing without drawing anything anew."""

from math import prod

import numpy as np
import pytest
from SALib.analyze import morris as analyze_morris
from SALib.analyze import sobol as analyze_sobol

from experiments.studies.sampling import DUMMY, METHODS, Design, Input, own_range, problem
from sim import InputError, every_parameter

DECLARED = {each.address: each for each in every_parameter()}
INPUTS = tuple(Input(DECLARED[address]) for address in ("missing.at_home", "lines.positions", "recruitment.peers"))
WHOLE = "lines.positions"
ROWS = ({"missing.at_home": 0.05}, {"missing.at_home": 0.1, WHOLE: 3}, {})
DESIGNS = {
    "latin_hypercube": Design("latin_hypercube", 11), "sobol": Design("sobol", 8), "morris": Design("morris", 3, 4), "grid": Design("grid", levels=3),
    "one_at_a_time": Design("one_at_a_time", levels=2), "list": Design("list", rows=ROWS),
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_a_design_has_as_many_draws_as_it_says_each_with_a_dummy_and_within_its_ranges(method):
    design = DESIGNS[method]
    draws = design.draws(INPUTS, 1)
    assert draws.points.shape == (design.number(INPUTS), len(INPUTS) + 1)
    assert len(draws.values) == len(draws.points)
    assert ((draws.points >= 0) & (draws.points <= 1)).all()
    assert len(np.unique(draws.points[:, -1])) > 1, "the dummy does not vary"
    for row in draws.values:
        assert list(row) == [each.address for each in INPUTS]
        assert type(row[WHOLE]) is int
        for address, value in row.items():
            DECLARED[address].check(value)


@pytest.mark.parametrize("method", ["latin_hypercube", "sobol", "morris"])
def test_points_become_values_by_the_declared_distributions(method):
    draws = DESIGNS[method].draws(INPUTS, 1)
    for point, row in zip(draws.points, draws.values, strict=True):
        assert list(row.values()) == [each.parameter.quantile(u) for each, u in zip(INPUTS, point[:-1], strict=True)]


@pytest.mark.parametrize(("method", "more"), [("latin_hypercube", 29), ("sobol", 32), ("morris", 7)])
def test_a_larger_design_begins_with_the_smaller_one(method, more):
    design = DESIGNS[method]
    smaller, larger = design.draws(INPUTS, 5), Design(method, more, design.levels).draws(INPUTS, 5)
    assert np.array_equal(smaller.points, larger.points[: len(smaller.points)])
    assert smaller.values == larger.values[: len(smaller.values)]


@pytest.mark.parametrize("method", ["latin_hypercube", "sobol", "morris"])
def test_another_seed_is_another_sample_and_the_same_seed_the_same(method):
    design = DESIGNS[method]
    assert np.array_equal(design.draws(INPUTS, 1).points, design.draws(INPUTS, 1).points)
    assert not np.array_equal(design.draws(INPUTS, 1).points, design.draws(INPUTS, 2).points)


def test_further_inputs_leave_the_columns_of_a_latin_hypercube_as_they_were():
    fewer, more = (DESIGNS["latin_hypercube"].draws(inputs, 1) for inputs in (INPUTS[:2], INPUTS))
    assert np.array_equal(fewer.points[:, :2], more.points[:, :2])
    assert np.array_equal(fewer.points[:, -1], more.points[:, -1])


def test_a_latin_hypercube_has_one_draw_in_each_stratum():
    points = Design("latin_hypercube", 16).draws(INPUTS, 1).points
    assert (np.sort((points * 16).astype(int), axis=0) == np.arange(16)[:, None]).all()


def line(points):
    """A function of known effects: the first input twice the second's, the third and the dummy without any."""
    return 2.0 * points[:, 0] + points[:, 1]


def test_the_order_of_sobol_draws_is_that_of_salibs_analysis():
    points = Design("sobol", 256).draws(INPUTS, 1).points
    found = analyze_sobol.analyze(problem(INPUTS), line(points), calc_second_order=False, seed=1)
    assert found["ST"] == pytest.approx([0.8, 0.2, 0.0, 0.0], abs=0.02)


def test_the_order_of_morris_draws_is_that_of_salibs_analysis():
    points = Design("morris", 6, 4).draws(INPUTS, 1).points
    found = analyze_morris.analyze(problem(INPUTS), points, line(points), num_levels=4, seed=1)
    assert list(found["mu"]) == pytest.approx([2.0, 1.0, 0.0, 0.0])
    assert found["names"][-1] == DUMMY


def test_a_grid_has_every_combination_of_levels():
    levels = ((0.05, 0.1), (2, 3, 4))
    inputs = tuple(Input(own_range(each.parameter, min(own), max(own), "uniform"), own) for each, own in zip(INPUTS[:2], levels, strict=True))
    draws = Design("grid", levels=5).draws(inputs, 1)
    assert len(draws.values) == prod(map(len, levels))
    assert {tuple(row.values()) for row in draws.values} == {(a, b) for a in levels[0] for b in levels[1]}
    assert draws.points[:, :2].tolist() == [[a, b] for a in (0.0, 1.0) for b in (0.0, 0.5, 1.0)]


def test_whole_numbers_have_each_level_once():
    narrow = Input(own_range(DECLARED[WHOLE], 2, 4, "uniform"))
    assert narrow.steps(9) == (2, 3, 4)


def test_one_at_a_time_changes_one_and_leaves_the_others_as_declared():
    declared = {each.address: each.parameter.value for each in INPUTS}
    first, *others = DESIGNS["one_at_a_time"].draws(INPUTS, 1).values
    assert first == declared
    changed = [[address for address in row if row[address] != declared[address]] for row in others]
    assert changed == [[each.address] for each in INPUTS for _ in range(2)] + [[], []]  # the last two are the dummy's turn


def test_a_list_is_taken_as_it_stands_and_what_it_leaves_out_is_as_declared():
    values = DESIGNS["list"].draws(INPUTS, 1).values
    assert [row["missing.at_home"] for row in values] == [0.05, 0.1, DECLARED["missing.at_home"].value]
    assert [row[WHOLE] for row in values] == [DECLARED[WHOLE].value, 3, DECLARED[WHOLE].value]


def test_a_design_without_end_is_refused():
    with pytest.raises(InputError, match="at most"):
        Design("grid", levels=1000).draws(INPUTS, 1)


def test_no_input_at_all_leaves_chance_and_the_dummy():
    draws = Design("latin_hypercube", 3).draws((), 1)
    assert draws.values == ({}, {}, {})
    assert draws.points.shape == (3, 1)
