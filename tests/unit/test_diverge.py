"""Where two runs part: the rows that one has and the other has not, the first of them, and what explains it."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import CountyLines, every_policy
from sim.diverge import CAUSE_OF, DECISION_OF, compare, compare_folders, unshared
from sim.draws import key_of
from sim.ledger import EVENT_COLUMNS, TABLES, Event, digest
from sim.runs import describe_run, write_json, write_run, write_table
from tests.worlds import EVENTFUL, scenario, world

SMALL = world(0.02, warm_up=10, days=50)
LONGER = world(0.04, warm_up=10, days=110)
OF_LINES = {"line_disruption"}  # policies that reach lines, not children: no child has been reached


def lived(policies=(), seed=5, days=None, of=SMALL, **settings):
    """Tables of a run and what is said of it."""
    model = CountyLines(scenario(policies, **settings), of, seed=seed, parameters=EVENTFUL, days=days)
    model.run_model()
    return {name: model.ledger.table(name) for name in TABLES}, describe_run(model, model.ledger.digest())


@pytest.fixture(scope="module")
def present():
    return lived()


def altered(run, table, row, **values):
    """The run with one row of one table changed, and its digest made to fit."""
    tables, info = run
    tables = {name: {column: numbers.copy() for column, numbers in columns.items()} for name, columns in tables.items()}
    for column, value in values.items():
        assert tables[table][column][row] != value
        tables[table][column][row] = value
    return tables, info | {"digest": digest(tables)}


# -- rows --------------------------------------------------------------------------------------------------------------------

few = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2), st.sampled_from([0.0, -0.0, 0.5])), max_size=12)


def columns(rows):
    day, child, amount = zip(*rows, strict=True) if rows else ((), (), ())
    return {"day": np.array(day, dtype="<i4"), "child": np.array(child, dtype="<u8"), "amount": np.array(amount, dtype="<f8")}


@given(few, few)
def test_rows_alone_are_those_that_the_other_has_not_as_often(a, b):
    def bits(row):
        return (*row[:2], str(row[2]))  # 0.0 and -0.0 are two numbers to a digest

    in_a, in_b = Counter(map(bits, a)), Counter(map(bits, b))
    masks = unshared(columns(a), columns(b))
    alone = {bits(row) for rows, mask in zip((a, b), masks, strict=True) for row, is_alone in zip(rows, mask, strict=True) if is_alone}
    assert alone == {row for row in {**in_a, **in_b} if in_a[row] != in_b[row]}


@given(few, st.randoms())
def test_the_order_of_rows_does_not_matter(rows, shuffler):
    others = list(rows)
    shuffler.shuffle(others)
    assert not any(mask.any() for mask in unshared(columns(rows), columns(others)))


# -- the first difference ----------------------------------------------------------------------------------------------------


def test_equal_runs_do_not_part(present):
    assert compare(*present, *lived()).parting is None


@pytest.mark.parametrize("place", [0.2, 0.5, 0.99])
def test_a_planted_difference_is_found_and_nothing_explains_it(present, place):
    events = present[0]["events"]
    went = np.flatnonzero(events["event"] == Event.WENT_MISSING)
    row = went[int(place * len(went))]
    planted = altered(present, "events", row, amount=99.5)
    for first, second, side in ((present, planted, "b"), (planted, present, "a")):
        parting = compare(*first, *second).parting
        assert (parting.day, parting.what, parting.decision) == (events["day"][row], "WENT_MISSING", "missing: begins")
        assert int(parting.child, 16) == events["child"][row] and parting.rows_that_day == 2
        here, there = (parting.b, parting.a) if side == "b" else (parting.a, parting.b)
        assert here["amount"] == 99.5 and there["amount"] == events["amount"][row] and here["cause"] == there["cause"]
        assert isinstance(here["cause"], str) and not parting.reasons
        assert json.dumps(parting.as_dict(), allow_nan=False)


def test_of_two_differences_on_one_day_the_earlier_in_the_day_is_named(present):
    events = present[0]["events"]
    day = next(
        day for day in range(1, 51) if {Event.RETURNED, Event.WENT_MISSING, Event.SIGNAL} <= set(events["event"][events["day"] == day].tolist())
    )
    run = present
    for event in (Event.SIGNAL, Event.WENT_MISSING, Event.RETURNED):
        run = altered(run, "events", np.flatnonzero((events["day"] == day) & (events["event"] == event))[0], amount=77.25)
        assert compare(*present, *run).parting.what == event.name


def test_a_difference_that_meets_no_child_is_named_and_then_the_first_child(present):
    stocks, events = present[0]["stocks"], present[0]["events"]
    counted = altered(present, "stocks", 9, beds=stocks["beds"][9] + 3)
    found = compare(*present, *counted)
    assert (found.parting.day, found.parting.table, found.parting.what, found.parting.child) == (10, "stocks", "beds", "")
    assert found.parting.b["beds"] - found.parting.a["beds"] == 3 and found.first_child is None
    later = np.flatnonzero((events["event"] == Event.CRISIS) & (events["day"] > 20))[0]
    found = compare(*present, *altered(counted, "events", later, amount=1.5))
    assert found.parting.what == "beds" and found.first_child.what == "CRISIS" and found.first_child.day == events["day"][later]
    assert int(found.first_child.child, 16) == events["child"][later]


def test_a_bill_that_differs_is_named_with_its_payer(present):
    row = np.flatnonzero(present[0]["bills"]["day"] == 4)[0]
    found = compare(*present, *altered(present, "bills", row, pounds=1.0)).parting
    assert (found.day, found.table, found.decision) == (4, "bills", "costs") and "paid by" in found.what
    assert found.b["pounds"] == 1.0 != found.a["pounds"]


def test_a_missing_row_is_nothing_of_the_kind(present):
    tables, info = present
    last = len(tables["events"]["day"]) - 1
    shorter = tables | {"events": {name: values[:last] for name, values in tables["events"].items()}}
    found = compare(tables, info, shorter, info | {"digest": digest(shorter)}).parting
    assert found.b is None and found.a["event"] == found.what == Event(tables["events"]["event"][last]).name


# -- why -----------------------------------------------------------------------------------------------------------------------


def test_seeds_parameters_and_worlds_explain(present):
    tables, info = present
    for change, said in (
        ({"seed": 6}, "the seeds differ: 5 and 6"),
        ({"world": info["world"] | {"fraction": 0.5}}, "the worlds differ in fraction: 0.02 and 0.5"),
        ({"parameters": info["parameters"] | {"lines": info["parameters"]["lines"] | {"lag": 39.0}}}, "parameter lines.lag is "),
        ({"source": "another"}, "different versions of the program"),
        ({"versions": info["versions"] | {"numpy": "0.1"}}, "the versions of numpy differ: "),
    ):
        planted = altered(present, "events", 5, amount=12.5)
        [reason] = compare(tables, info, planted[0], planted[1] | change).parting.reasons
        assert said in reason


def test_a_policy_explains_nothing_before_it_begins(present):
    events = present[0]["events"]
    early, late = (np.flatnonzero(events["day"] == day)[0] for day in (20, 30))
    with_policy = present[1] | {"policies_in_force": {"relocation": [25, None]}}
    for row, reasons in ((early, []), (late, ["policy relocation is in B only and began on day 25 (2025-04-25)"])):
        tables, info = altered((present[0], with_policy), "events", row, amount=31.5)
        assert compare(*present, tables, info).parting.reasons == reasons


@pytest.fixture(scope="module")
def longer():
    """Present practice in a world in which every policy has somebody to serve."""
    return lived(of=LONGER)


@pytest.mark.parametrize("policy", sorted(every_policy()))
def test_a_policy_parts_from_the_baseline_not_before_it_begins_and_explains_it(longer, policy):
    with_policy = lived({policy: {"coverage": 1.0}}, begins=26, of=LONGER)
    found = compare(*longer, *with_policy)
    assert found.parting.day >= 26
    assert found.parting.reasons == [f"policy {policy} is in B only and began on day 26 (2025-04-26)"]
    reached = with_policy[0]["events"]["event"] == Event.POLICY_REACHED
    whom = set() if policy in OF_LINES else {key_of("policy", policy)}
    assert set(with_policy[0]["events"]["agent"][reached].tolist()) == whom


def test_two_doses_of_a_policy_are_told_apart():
    runs = [lived({"key_worker": {"coverage": coverage}}, begins=26) for coverage in (0.5, 1.0)]
    assert compare(*runs[0], *runs[1]).parting.reasons == ["policy key_worker differs between the runs and began on day 26 (2025-04-26)"]


def test_runs_are_compared_as_far_as_both_go(present):
    found = compare(*present, *lived(days=30))
    assert found.parting is None and found.last_day == 30 and not found.same_length


def test_folders_are_compared(present, tmp_path):
    model = CountyLines(scenario(), SMALL, seed=5, parameters=EVENTFUL)
    model.run_model()
    write_run(model, tmp_path / "a")
    write_run(model, tmp_path / "b")
    assert compare_folders(tmp_path / "a", tmp_path / "b").parting is None
    tables, info = altered(present, "events", 3, amount=5.25)
    write_table(tmp_path / "b" / "events.parquet", tables["events"])
    write_json(tmp_path / "b" / "run.json", info)
    assert compare_folders(tmp_path / "a", tmp_path / "b").parting.day == tables["events"]["day"][3]


# -- words ---------------------------------------------------------------------------------------------------------------------


def test_every_event_has_its_place_in_the_day():
    assert sorted(DECISION_OF) == sorted(Event)


def test_causes_have_words(present):
    events = present[0]["events"]
    assert set(events) == set(EVENT_COLUMNS)
    for event, words in CAUSE_OF.items():
        causes = events["cause"][events["event"] == event]
        assert not causes.size or causes.max() < len(words), event.name
