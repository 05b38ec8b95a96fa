"""Designs: which replicates a study has, and what it draws."""

import numpy as np
import pytest

from experiments.studies.designs import fixed_replicates, latin_column, replicates
from sim import every_parameter
from sim.parameters import Parameter

ADDRESS = "missing.at_home"


@pytest.mark.parametrize("draws", [4, 8, 16, 64])
@pytest.mark.parametrize("seed", [1, 2])
def test_each_stratum_is_drawn_once(draws: int, seed: int) -> None:
    column = latin_column(seed, ADDRESS, draws)
    assert sorted((column * draws).astype(int).tolist()) == list(range(draws))


def test_a_larger_design_begins_with_the_smaller() -> None:
    largest = latin_column(1, ADDRESS, 32)
    for draws in (1, 3, 4, 7, 16):
        assert latin_column(1, ADDRESS, draws).tolist() == largest[:draws].tolist()


def test_parameters_are_drawn_apart() -> None:
    columns = [latin_column(1, each.address, 64) for each in every_parameter()]
    correlations = np.corrcoef(columns)[np.triu_indices(len(columns), 1)]
    assert np.abs(correlations).max() < 0.65  # four and a half standard deviations of chance
    assert abs(correlations.mean()) < 0.01


def test_another_seed_draws_otherwise() -> None:
    assert latin_column(1, ADDRESS, 8).tolist() != latin_column(2, ADDRESS, 8).tolist()


def test_two_seeds_share_a_draw_and_all_seeds_differ() -> None:
    design = replicates(6, every_parameter(), seed=10)
    assert [each.seed for each in design] == [10, 11, 12, 13, 14, 15]
    assert [each.draw for each in design] == [0, 0, 1, 1, 2, 2]
    assert design[0].parameters == design[1].parameters != design[2].parameters


def test_more_replicates_leave_the_first_as_they_were() -> None:
    assert replicates(12, every_parameter(), seed=1)[:5] == replicates(5, every_parameter(), seed=1)


def test_another_parameter_changes_no_other() -> None:
    known = list(every_parameter())
    one, all_of_them = (replicates(4, some, seed=1) for some in (known[:5], known))
    for few, many in zip(one, all_of_them, strict=True):
        assert few.parameters.items() <= many.parameters.items()


def test_what_is_certain_is_not_drawn_and_the_rest_lies_in_its_range() -> None:
    declared = {each.address: each for each in every_parameter()}
    for replicate in replicates(8, every_parameter(), seed=3):
        assert replicate.parameters.keys() == {address for address, each in declared.items() if each.is_uncertain}
        for address, value in replicate.parameters.items():
            assert declared[address].check(value) == value


def test_a_draw_follows_its_declared_distribution() -> None:
    even = Parameter(0.5, "share", (0.0, 1.0), "K140", distribution="uniform", name="even", group="made")
    ratio = Parameter(1.0, "multiplier", (0.25, 4.0), "K140", distribution="log-uniform", name="ratio", group="made")
    drawn = replicates(512, [even, ratio], seed=5)
    assert np.mean([each.parameters["made.even"] for each in drawn]) == pytest.approx(0.5, abs=0.005)
    assert np.mean(np.log([each.parameters["made.ratio"] for each in drawn])) == pytest.approx(0.0, abs=0.02)


def test_fixed_replicates_differ_in_their_seeds_alone() -> None:
    design = fixed_replicates(3, seed=7)
    assert [(each.seed, each.draw, each.parameters) for each in design] == [(7, 0, {}), (8, 1, {}), (9, 2, {})]
