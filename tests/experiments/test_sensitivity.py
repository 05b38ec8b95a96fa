"""Indices against known answers: Ishigami's function, an inert input, and chance that is taken off."""

import warnings

import numpy as np
import pytest
from SALib.analyze import morris as salib_morris
from SALib.analyze import pawn as salib_pawn

from experiments.analyses.outcomes import design_of, level, measures_of
from experiments.analyses.sensitivity import (
    ALL_CHANCE,
    FEW_SEEDS,
    NO_DUMMY,
    ONE_SEED,
    distance,
    methods,
    morris,
    pawn,
    sobol,
)
from sim.errors import InputError
from tests.experiments.frames import ISHIGAMI, NAMES, design, frame, ishigami


def asked(made):
    return level(made, *measures_of(made), "present"), design_of(made)


def found(result, name):
    """Values of one index in the order of the inputs: raw, and the one to read."""
    indices = result.named(name)
    return np.array([indices[each].raw.value for each in indices]), np.array([indices[each].best.value for each in indices])


def test_sobol_gives_ishigami_s_indices():
    result = sobol(*asked(frame("sobol", design("sobol", 512), ishigami)))
    for name, known in ISHIGAMI.items():
        np.testing.assert_allclose(found(result, name)[0], known, atol=0.06)
        for index in result.named(name).values():
            if index.input != "dummy":
                assert index.raw.low - 0.02 <= dict(zip(NAMES, known, strict=True))[index.input] <= index.raw.high + 0.02
    assert {name for name, index in result.named("total").items() if index.beats_dummy} == {"one", "two", "three"}
    assert {name for name, index in result.named("first order").items() if index.beats_dummy} == {"one", "two"}
    assert result.ordered == ["one", "two", "three", "dummy"]


@pytest.mark.parametrize("one_set", [False, True], ids=["seeds of their own", "the same seeds"])
def test_chance_is_taken_off(one_set):
    """With as much chance as there is signal, the raw total indices are far too high, the corrected ones near the true."""
    result = sobol(*asked(frame("sobol", design("sobol", 1024), ishigami, noise=5.0, seeds=2, one_set=one_set, chance=4)))
    raw, corrected = found(result, "total")
    if not one_set:
        assert raw[3] > 0.35  # the inert input
    np.testing.assert_allclose(corrected, ISHIGAMI["total"], atol=0.12)
    np.testing.assert_allclose(found(result, "first order")[1], ISHIGAMI["first order"], atol=0.12)
    assert {name for name, index in result.named("total").items() if index.beats_dummy} == {"one", "two", "three"}


def test_chance_that_is_shared_within_seeds_is_taken_off_per_seed():
    """One seed of two gives the second input an effect, which is chance that only the differences within seeds show."""
    points = design("sobol", 256)
    made = frame("sobol", points, lambda x: 3.0 * x[:, 0], seeds=2, one_set=True)
    made["measure:y"] += np.array([4.0, 0.0])[made["seed"]] * (made["two"] - 0.5)
    raw, corrected = found(sobol(*asked(made)), "total")
    assert raw[1] > 0.25
    np.testing.assert_allclose(corrected, (1.0, 0.0, 0.0, 0.0), atol=0.05)


def test_of_nothing_but_chance_no_index_is_left():
    result = sobol(*asked(frame("sobol", design("sobol", 128), lambda x: 0.0 * x[:, 0], noise=1.0, seeds=2)))
    raw, corrected = found(result, "total")
    assert np.all((raw > 0.2) & (raw < 1.3))  # what would be read without the correction
    assert np.all(np.abs(corrected) < 0.05)
    assert not any(index.beats_dummy for index in result.indices)
    assert ALL_CHANCE in result.notes


@pytest.mark.slow
def test_that_nothing_but_chance_is_seldom_taken_for_an_effect():
    named = 0
    for chance in range(40):
        made = frame("sobol", design("sobol", 32), lambda x: 0.0 * x[:, 0], noise=1.0, seeds=2, chance=chance)
        named += any(index.beats_dummy for index in sobol(*asked(made)).indices)
    assert named <= 4


def test_one_seed_a_draw_is_corrected_by_the_inert_input():
    result = sobol(*asked(frame("sobol", design("sobol", 512), ishigami, noise=2.0, chance=2)))
    raw, corrected = found(result, "total")
    assert raw[3] > 0.15
    np.testing.assert_allclose(corrected, ISHIGAMI["total"], atol=0.12)
    assert result.notes == (FEW_SEEDS,)


def test_one_seed_for_all_draws_is_said_to_be_too_few():
    result = sobol(*asked(frame("sobol", design("sobol", 64), ishigami, one_set=True)))
    assert ONE_SEED in result.notes and all(index.corrected is None for index in result.indices)


def test_without_an_inert_input_that_is_said():
    names = ("one", "two", "three")
    result = sobol(*asked(frame("sobol", design("sobol", 64, names), ishigami, names=names, seeds=2, noise=0.1)))
    assert result.notes == (NO_DUMMY,)


def test_blocks_that_lack_a_run_are_left_out_and_others_are_not_mixed_up():
    made = frame("sobol", design("sobol", 512), ishigami)
    holes = made[~made["draw"].isin([7, 8, 100])]
    holes.attrs = made.attrs
    result = sobol(*asked(holes))
    assert (result.points, result.left_out) == (510 * 6, 12)
    np.testing.assert_allclose(found(result, "total")[0], ISHIGAMI["total"], atol=0.06)


def test_a_study_that_has_hardly_begun_is_refused():
    made = frame("sobol", design("sobol", 16), ishigami)
    few = made[made["draw"] < 8]
    few.attrs = made.attrs
    with pytest.raises(InputError, match="fewer than two blocks of 6 draws"):
        sobol(*asked(few))


def test_an_outcome_that_never_varies_has_no_indices():
    result = sobol(*asked(frame("sobol", design("sobol", 16), lambda x: 0.0 * x[:, 0])))
    assert not any(index.beats_dummy for index in result.indices)


# -- Morris ------------------------------------------------------------------------------------------------------------


def test_morris_is_salib_s():
    points = design("morris", 50)
    made = frame("morris", points, ishigami)
    result = morris(*asked(made))
    theirs = salib_morris.analyze(design_of(made).problem, points, ishigami(points), num_levels=4, seed=1)
    for name, key in (("mu star", "mu_star"), ("mu", "mu"), ("sigma", "sigma")):
        np.testing.assert_allclose(found(result, name)[0], theirs[key].astype(float), atol=1e-9)


def test_morris_of_a_plane_is_its_slopes_and_chance_is_taken_off():
    result = morris(*asked(frame("morris", design("morris", 200), lambda x: 5.0 * x[:, 0] - 2.0 * x[:, 1], noise=1.0, seeds=2)))
    raw, corrected = found(result, "root mean square")
    assert raw[2] > 1.0 and raw[3] > 1.0  # by chance alone
    np.testing.assert_allclose(corrected, (5.0, 2.0, 0.0, 0.0), atol=0.6)
    np.testing.assert_allclose(found(result, "mu")[0], (5.0, -2.0, 0.0, 0.0), atol=0.35)
    assert np.all(found(result, "sigma")[1] < 0.6) and np.all(found(result, "sigma")[0] > 1.0)
    assert {name for name, index in result.named("root mean square").items() if index.beats_dummy} == {"one", "two"}


def test_morris_with_one_seed_is_corrected_by_the_inert_input():
    result = morris(*asked(frame("morris", design("morris", 200), lambda x: 5.0 * x[:, 0], noise=1.0)))
    np.testing.assert_allclose(found(result, "root mean square")[1][[0, 3]], (5.0, 0.0), atol=0.4)
    assert result.notes == (FEW_SEEDS,)


# -- PAWN --------------------------------------------------------------------------------------------------------------


def test_pawn_finds_what_matters_and_nothing_else():
    result = pawn(*asked(frame("latin_hypercube", design("latin_hypercube", 400), ishigami)))
    assert {name for name, index in result.named("median distance").items() if index.beats_dummy} == {"one", "two", "three"}
    noise = pawn(*asked(frame("latin_hypercube", design("latin_hypercube", 100), lambda x: 0.0 * x[:, 0], noise=1.0)))
    assert not any(index.beats_dummy for index in noise.indices)


@pytest.mark.parametrize("round_to", [12, 0], ids=["all values differ", "many values are equal"])
def test_pawn_s_distance_is_salib_s(round_to):
    points = design("latin_hypercube", 200)
    y = np.round(ishigami(points), round_to)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = salib_pawn.analyze({"num_vars": 4, "names": list(NAMES), "bounds": [[0, 1]] * 4}, points, y, S=10)["median"]
    np.testing.assert_allclose([distance(points[:, k], y) for k in range(4)], theirs, atol=1e-12)


# -- what is done for which design ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "size", "known"), [("sobol", 16, ["Sobol", "PAWN"]), ("morris", 8, ["Morris"]), ("latin_hypercube", 40, ["PAWN"])])
def test_each_design_has_its_methods(kind, size, known):
    made = frame(kind, design(kind, size), ishigami)
    results = [method(*asked(made)) for method in methods(design_of(made))]
    assert [each.method for each in results] == known
    for each in results:
        assert set(each.table()["input"]) == set(NAMES)
        assert each.ordered[-1] == "dummy"
