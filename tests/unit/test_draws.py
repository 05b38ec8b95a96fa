"""Draws: the same address gives the same number, everywhere; another address gives another, as chance would."""

import hashlib
import math
from decimal import Decimal, localcontext
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim import CountyLines
from sim.draws import (
    Draws,
    exp,
    exp_one,
    gamma_quantile,
    heavy_tail,
    key_of,
    keys_of,
    neglog,
    neglog_one,
    power,
    scale_of_median,
)
from tests.worlds import world

MANY = 200_000
CHILDREN = keys_of(key_of("children of these tests"), np.arange(MANY))
SURPRISING = 1e-4  # a p-value that a sound generator shows once in ten thousand tests; the addresses below are fixed

keys = st.integers(0, 2**64 - 1)
serials = st.integers(0, 2**32 - 1)
exactly = settings(deadline=None, derandomize=True)


def ulps(found: float, true: Decimal) -> float:
    """How far a number is from the true one, in units of the last place."""
    return abs(float((Decimal(found) - true) / Decimal(math.ulp(float(true)))))


# -- one address, one number -----------------------------------------------------------------------------------------


@exactly
@given(seed=st.integers(0, 2**40), key=keys, serial=serials, decision=st.text(min_size=1, max_size=20))
def test_a_number_is_the_same_alone_among_few_and_among_many(seed, key, serial, decision):
    draws = Draws(seed)
    alone = draws.one_uniform(decision, key, serial)
    for size in (1, 2, 100):
        among = draws.uniform(decision, np.full(size, key, dtype=np.uint64), serial)
        assert among.tolist() == [alone] * size
        among = draws.exponential(decision, np.full(size, key, dtype=np.uint64), np.full(size, serial, dtype=np.int64))
        assert among.tolist() == [draws.one_exponential(decision, key, serial)] * size


def test_nothing_depends_on_order_or_on_who_else_asks():
    draws, order = Draws(5), np.random.default_rng(0).permutation(1000)
    together = draws.uniform("order", CHILDREN[:1000])
    assert (draws.uniform("order", CHILDREN[:1000][order]) == together[order]).all()
    assert (draws.uniform("order", CHILDREN[::7][:1000]) == Draws(5).uniform("order", CHILDREN[::7][:1000])).all()


def test_a_key_is_the_hash_of_its_names_and_of_where_they_end():
    assert key_of("child", "E10000016", 2012) == int.from_bytes(
        hashlib.blake2b(b"child\x1fE10000016\x1f2012", digest_size=8).digest(), "little"
    )
    assert len({key_of("a", "bc"), key_of("ab", "c"), key_of("abc"), key_of("a", "b", "c")}) == 4
    assert len(set(CHILDREN.tolist())) == MANY


def test_happens_is_the_draw_under_the_probability():
    draws = Draws(8)
    u = draws.uniform("x", CHILDREN[:500], 2)
    assert (draws.happens("x", CHILDREN[:500], 0.3, 2) == (u < 0.3)).all()
    assert not draws.happens("x", CHILDREN[:500], 0.0).any() and draws.happens("x", CHILDREN[:500], 1.0).all()


# -- portable logarithm and exponential --------------------------------------------------------------------------------


@exactly
@given(st.floats(1e-300, 1e300))
def test_minus_log_is_the_same_alone_and_in_an_array_and_within_three_ulp(x):
    assert neglog(np.array([x])).tolist() == [neglog_one(x)]
    with localcontext(prec=50):
        true = -Decimal(x).ln()
        assert neglog_one(x) == 0.0 if x == 1.0 else ulps(neglog_one(x), true) < 3.0


@exactly
@given(st.floats(-699, 699))
def test_exp_is_the_same_alone_and_in_an_array_and_within_three_ulp(x):
    assert exp(np.array([x])).tolist() == [exp_one(x)]
    with localcontext(prec=50):
        assert ulps(exp_one(x), Decimal(x).exp()) < 3.0


def test_minus_log_is_within_three_ulp_of_the_machine_s_own_where_it_is_used():
    u = Draws(1).uniform("ulp", CHILDREN)
    own = np.array([-math.log(x) for x in u.tolist()])
    assert (np.abs(neglog(u) - own) < 3.5 * np.spacing(own)).all()  # half an ulp is the machine's own


@exactly
@given(x=st.floats(1e-6, 1e6), exponent=st.floats(-5.0, 5.0))
def test_power_is_power(x, exponent):
    assert float(power(np.array([x]), exponent)[0]) == pytest.approx(x**exponent, rel=1e-13)


# -- chance ------------------------------------------------------------------------------------------------------------


@cache
def uniforms():
    """Numbers whose addresses differ in one thing only: child, serial, decision, seed, other half of a pair."""
    draws, many = Draws(11), range(MANY // 10)
    one, line = int(CHILDREN[0]), key_of("line", "A", "B", 0)
    return {
        "children": draws.uniform("test", CHILDREN),
        "serials of a child": draws.uniform("test", np.full(MANY, one, dtype=np.uint64), np.arange(MANY)),
        "decisions": np.array([draws.one_uniform(f"test {n}", one) for n in many]),
        "seeds": np.array([Draws(n).one_uniform("test", one) for n in many]),
        "children met by a line": draws.uniform("test", CHILDREN, line),
        "small whole numbers as keys": draws.uniform("test", np.arange(MANY, dtype=np.uint64)),
    }


@pytest.mark.parametrize(
    "over", ["children", "serials of a child", "decisions", "seeds", "children met by a line", "small whole numbers as keys"]
)
def test_numbers_are_evenly_spread_between_nought_and_one(over):
    u = uniforms()[over]
    assert u.min() > 0.0 and u.max() < 1.0
    assert stats.kstest(u, "uniform").pvalue > SURPRISING
    squares, _, _ = np.histogram2d(u[:-1], u[1:], bins=32, range=[[0, 1], [0, 1]])
    assert stats.chisquare(squares.ravel()).pvalue > SURPRISING
    for lag in (1, 2, 3):
        assert abs(np.corrcoef(u[:-lag], u[lag:])[0, 1]) < 4.5 / math.sqrt(len(u))


@cache
def pairs_of_addresses():
    """Two series whose addresses differ in one thing only."""
    one, other, key = Draws(21), Draws(22), CHILDREN
    return {
        "next serial": (one.uniform("a", key, 0), one.uniform("a", key, 1)),
        "far serial": (one.uniform("a", key, 1), one.uniform("a", key, 4096)),
        "another decision": (one.uniform("a", key), one.uniform("b", key)),
        "another seed": (one.uniform("a", key), other.uniform("a", key)),
        "another line": (one.uniform("a", key, key_of("line", 1)), one.uniform("a", key, key_of("line", 2))),
        "key and serial changed over": (one.uniform("a", key, key[::-1].astype(np.int64) & 0xFFFF), one.uniform("a", key[::-1])),
    }


@pytest.mark.parametrize(
    "what",
    ["next serial", "far serial", "another decision", "another seed", "another line", "key and serial changed over"],
)
def test_addresses_that_differ_in_one_thing_know_nothing_of_each_other(what):
    a, b = pairs_of_addresses()[what]
    assert not (a == b).any()
    assert abs(np.corrcoef(a, b)[0, 1]) < 4.5 / math.sqrt(MANY)
    squares, _, _ = np.histogram2d(a, b, bins=32, range=[[0, 1], [0, 1]])
    assert stats.chisquare(squares.ravel()).pvalue > SURPRISING
    assert stats.kstest((a + b) % 1.0, "uniform").pvalue > SURPRISING


def test_every_bit_is_as_often_set_as_not():
    bits = (Draws(4).uniform("bits", CHILDREN, 3) * 2.0**52).astype(np.uint64)
    for place in range(52):
        ones = int(((bits >> np.uint64(place)) & np.uint64(1)).sum())
        assert abs(ones - MANY / 2) < 4.5 * math.sqrt(MANY) / 2, f"bit {place}"


def test_exponential_draws_are_exponential():
    assert stats.kstest(Draws(2).exponential("wait", CHILDREN), "expon").pvalue > SURPRISING


# -- quantiles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [0.03, 0.077, 0.12, 0.3, 0.5, 0.6, 1.0, 1.37, 2.0])
def test_gamma_quantiles_are_scipy_s_divided_by_the_mean(shape):
    e = np.linspace(1e-4, 20.0, 40_001)
    found, true = gamma_quantile(e, shape), stats.gamma.isf(np.exp(-e), shape) / shape
    assert (np.diff(found) >= 0).all() and found[0] >= 0.0
    assert (np.abs(found - true) < np.maximum(0.04, 0.03 * true)).all()


@pytest.mark.parametrize("shape", [0.12, 0.3, 0.5, 0.6, 1.0, 2.0])
def test_gamma_differences_have_mean_one_and_the_variance_of_their_shape(shape):
    p = (np.arange(1_000_000) + 0.5) / 1_000_000
    found = gamma_quantile(-np.log1p(-p), shape)
    assert found.mean() == pytest.approx(1.0, abs=1e-4)
    assert found.var() == pytest.approx(1.0 / shape, rel=0.02)


@pytest.mark.parametrize("shape", [0.0099, 4.01])
def test_a_gamma_shape_that_is_not_in_the_table_is_refused(shape):
    with pytest.raises(ValueError, match="outside the stored table"):
        gamma_quantile(np.array([1.0]), shape)


@exactly
@given(p=st.floats(0.0, 0.99999), median=st.floats(0.05, 20.0), tail=st.floats(1.1, 3.0))
def test_a_heavy_tail_is_the_lomax_quantile(p, median, tail):
    scale = scale_of_median(median, tail)
    assert scale == pytest.approx(median / (2.0 ** (1.0 / tail) - 1.0))
    found = heavy_tail(np.array([-math.log1p(-p)]), scale, tail)
    assert found[0] == pytest.approx(float(stats.lomax.ppf(p, tail, scale=scale)), rel=1e-9, abs=1e-12)


def test_half_of_the_heavy_tailed_last_longer_than_the_median_and_few_very_long():
    median, tail = 0.3, 1.7
    scale = scale_of_median(median, tail)
    days = heavy_tail(Draws(6).exponential("days", CHILDREN), scale, tail)
    assert abs((days > median).mean() - 0.5) < 4.5 * 0.5 / math.sqrt(MANY)
    for longer in (1.0, 7.0, 30.0):
        expected = (1.0 + longer / scale) ** -tail
        assert abs((days > longer).mean() - expected) < 4.5 * math.sqrt(expected * (1 - expected) / len(days))


def keys_given_to_compiled_rules(model) -> set[int]:
    """Every 64-bit number in what the mechanisms hold beside the children: among them the keys of chance."""
    parts = (*vars(model).values(), *model.other_exploitation.forms.values())
    arrays = [value for part in parts if type(part).__module__.startswith("sim.") for value in vars(part).values() if isinstance(value, np.ndarray)]
    columns = [array[name] for array in arrays if array.dtype.names for name in array.dtype.names]
    return {int(key) for array in (*arrays, *columns) if array.dtype == np.uint64 for key in array.ravel()}


def test_where_decisions_are_coupled_anew_no_compiled_rule_keeps_a_key_of_before():
    model = CountyLines(world=world(0.02, warm_up=10, days=20), seed=4, days=20).run_to(12)
    before = {int(key) for key in model.draws._streams.values()}
    assert len(before & keys_given_to_compiled_rules(model)) > 20
    model.recouple({"": 1})
    assert not before & keys_given_to_compiled_rules(model)
