"""Parameters: one line declares a number; whatever it cannot be is refused in one sentence; its distribution is the declared one."""

import numpy as np
import pytest
from scipy import stats

import sim  # declares every group
from sim.parameters import ASSUMED, Parameter, ParameterError, Parameters, every_parameter, parameter
from sim.policies import every_policy

every_policy()
EVERY = list(every_parameter())
DISTRIBUTIONS = ("pert", "log-pert", "uniform", "log-uniform", "fixed")


class Kept(Parameters):  # without a group it is not registered, so it is in nobody's list
    """What the tests below set."""

    group = "kept"
    declared = {
        "share": Parameter(0.4, "share", (0.1, 0.9), ASSUMED, name="share", group="kept"),
        "days": Parameter(30, "days", (10, 60), ASSUMED, name="days", group="kept"),
    }


@pytest.mark.parametrize("declared", EVERY, ids=lambda p: p.address)
def test_every_number_is_declared_with_unit_range_source_and_distribution(declared):
    low, high = declared.between
    assert low <= declared.value <= high and low < high
    assert declared.unit.strip() and declared.name and declared.group
    assert declared.source is ASSUMED or (isinstance(declared.source, str) and declared.source)
    assert declared.distribution in DISTRIBUTIONS
    assert declared.distribution != "log-uniform" or low > 0
    assert isinstance(declared.value, int) == isinstance(declared.check(declared.value), int)


def test_no_two_numbers_share_an_address():
    assert len({p.address for p in EVERY}) == len(EVERY) > 100
    assert sim.every_parameter is every_parameter


def test_given_values_replace_the_declared_ones_and_stay():
    kept = Kept({"share": 0.7})
    assert (kept.share, kept.days) == (0.7, 30)
    assert kept.as_dict() == {"share": 0.7, "days": 30}
    with pytest.raises(AttributeError, match="fixed for the run"):
        kept.share = 0.1
    assert isinstance(Kept({"share": 0.5}).share, float) and Kept({"days": 20.0}).days == 20
    assert isinstance(Kept({"days": 20.0}).days, int)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("shore", 0.5, "kept.shore is not known; the nearest known name is 'share'."),
        ("zzz", 0.5, "kept.zzz is not known; known names are days, share."),
        ("share", "0.5", "kept.share is '0.5', which is not a number; allowed is 0.1 to 0.9 share."),
        ("share", True, "kept.share is True, which is not a number; allowed is 0.1 to 0.9 share."),
        ("share", None, "kept.share is None, which is not a number; allowed is 0.1 to 0.9 share."),
        ("share", [0.5], "kept.share is [0.5], which is not a number; allowed is 0.1 to 0.9 share."),
        ("share", float("nan"), "kept.share is nan, which is not a finite number; allowed is 0.1 to 0.9 share."),
        ("share", float("-inf"), "kept.share is -inf, which is not a finite number; allowed is 0.1 to 0.9 share."),
        ("share", 0.95, "kept.share is 0.95, outside its range; allowed is 0.1 to 0.9 share."),
        ("share", 0, "kept.share is 0, outside its range; allowed is 0.1 to 0.9 share."),
        ("days", 20.5, "kept.days is 20.5, but must be a whole number; allowed is 10 to 60 days."),
        ("days", 9, "kept.days is 9, outside its range; allowed is 10 to 60 days."),
        ("days", 10**400, "kept.days is 10000000000"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_a_number_cannot_be_is_refused_in_a_sentence(name, value, sentence):
    with pytest.raises(ParameterError) as refused:
        Kept({name: value}, where="file.toml: ")
    text = str(refused.value)
    assert text.startswith(f"file.toml: {sentence.split(' is ')[0]}") and "\n" not in text
    assert text.startswith(f"file.toml: {sentence}")


@pytest.mark.parametrize(
    ("declared", "true"),
    [
        (Parameter(0.3, "x", (0.1, 0.9), ASSUMED, distribution="pert"), stats.beta(2.0, 4.0, 0.1, 0.8)),
        (Parameter(0.1, "x", (0.1, 0.9), ASSUMED, distribution="pert"), stats.beta(1.0, 5.0, 0.1, 0.8)),
        (Parameter(0.9, "x", (0.1, 0.9), ASSUMED, distribution="pert"), stats.beta(5.0, 1.0, 0.1, 0.8)),
        (Parameter(0.3, "x", (-1.0, 2.0), ASSUMED, distribution="uniform"), stats.uniform(-1.0, 3.0)),
        (Parameter(1.0, "x", (0.5, 2.0), ASSUMED, distribution="log-uniform"), stats.loguniform(0.5, 2.0)),
    ],
    ids=lambda value: getattr(value, "distribution", ""),
)
def test_quantiles_are_those_of_the_declared_distribution(declared, true):
    for u in np.linspace(0.001, 0.999, 97).tolist():
        assert declared.quantile(u) == pytest.approx(true.ppf(u), abs=1e-12)


@pytest.mark.parametrize("declared", EVERY, ids=lambda p: p.address)
def test_every_quantile_of_every_number_is_allowed(declared):
    for u in (0.0, 1e-9, 0.25, 0.5, 0.75, 1.0 - 1e-9, 1.0):
        value = declared.quantile(u)
        assert declared.check(value) == pytest.approx(value)


def test_a_wide_range_is_drawn_on_the_scale_of_logarithms():
    declared = parameter(0.014, unit="shape", between=(0.01, 0.5), source=ASSUMED)
    assert declared.distribution == "log-pert" and parameter(0.5, unit="share", between=(0.2, 0.6), source=ASSUMED).distribution == "pert"
    logarithm = stats.beta(1.0 + 4.0 * np.log(1.4) / np.log(50.0), 1.0 + 4.0 * np.log(0.5 / 0.014) / np.log(50.0))
    for u in (0.1, 0.5, 0.9):
        assert declared.quantile(u) == pytest.approx(0.01 * 50.0 ** logarithm.ppf(u), rel=1e-9)
    assert declared.quantile(0.5) < 0.03


def test_whole_numbers_are_drawn_whole_and_each_can_come():
    declared = Parameter(3, "positions", (2, 6), ASSUMED, distribution="uniform")
    drawn = [declared.quantile(u) for u in np.linspace(0.0, 1.0, 1001)]
    assert set(drawn) == {2, 3, 4, 5, 6} and all(type(value) is int for value in drawn)


def test_a_default_outside_its_range_or_an_unknown_distribution_is_a_mistake_at_once():
    with pytest.raises(ValueError, match="default"):
        parameter(2.0, unit="share", between=(0.0, 1.0), source=ASSUMED)
    with pytest.raises(ValueError, match="distribution"):
        parameter(0.5, unit="share", between=(0.0, 1.0), source=ASSUMED, distribution="normal")
