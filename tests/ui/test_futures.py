"""A future of the room is the run of a scenario; what decides its days decides its key; what is told of it is what the ledger has."""

import json

import numpy as np
import pytest

from sim import CountyLines, Scenario
from sim.errors import InputError
from sim.ledger import Event
from sim.population import LINE
from sim.runs import source_digest
from sim.scenario import PolicyUse
from sim.ui import futures, outline
from sim.ui.futures import CHUNK, MISSING, Future, future, live
from sim.ui.measures import MEASURES
from sim.ui.shown import AT_MOST, Shown
from tests.worlds import number, world

SMALL = world(0.04, warm_up=30, days=30 + 3 * CHUNK)
PLAN = Future(SMALL, 1)
CHANGED_ON = PLAN.first_day + CHUNK + 9  # in the middle of the second chunk


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def pair(folder):
    """Two futures of which the second has a policy from the second chunk on: what was before, and three chunks of each."""
    b = PLAN.changed("key_worker", {"coverage": 1.0}, CHANGED_ON)
    begun = futures.begin(PLAN, folder)
    return b, begun, [[live(plan, n, folder) for n in range(3)] for plan in (PLAN, b)]


def run_of(uses) -> CountyLines:
    scenario = Scenario("tried", policies={use.policy: PolicyUse(use.policy, dict(use.settings), use.begins, use.ends) for use in uses})
    return CountyLines(scenario, SMALL, seed=1)


def test_a_policy_changed_from_today_on_is_the_run_in_which_it_begins_that_day(folder, pair):
    b = pair[0]
    ended = b.changed("key_worker", None, CHANGED_ON + 20)
    live(ended, 2, folder)
    assert not ended.uses[0].as_policy().in_force
    for plan in (b, ended):
        resumed = futures.evening(plan, SMALL.days, folder)
        assert resumed.ledger.digest() == run_of(plan.uses).run_to(SMALL.days).ledger.digest()
        assert number(resumed, Event.POLICY_REACHED), "the policy reaches nobody, so that nothing was tried"


def test_a_policy_in_force_that_gets_other_settings_ends_and_begins_anew():
    plan = PLAN.changed("key_worker", {"coverage": 0.5}, 40).changed("key_worker", {"coverage": 0.9}, 60)
    assert [(use.begins, use.ends, dict(use.settings)["coverage"]) for use in plan.uses] == [(40, 60, 0.5), (60, None, 0.9)]
    assert plan.changed("key_worker", {"coverage": 0.9}, 70) == plan
    assert plan.changed("key_worker", None, 50).uses[0].ends == 50
    assert plan.changed("key_worker", None, 40).uses == ()


def test_futures_share_all_days_before_they_part():
    b = PLAN.changed("relocation", {}, 70)
    ended = b.changed("relocation", None, 90)
    assert b.until(69).key == PLAN.key and b.until(70).key != PLAN.key
    assert ended.until(89).key == b.key and ended.until(90).key != b.key
    assert len({PLAN.key, b.key, ended.key, Future(SMALL, 2).key, PLAN.changed("relocation", {"coverage": 0.4}, 70).key}) == 5


@pytest.mark.parametrize("policy, settings, day, said", [
    ("relocatoin", {}, 40, "nearest known name is 'relocation'"),
    ("relocation", {"coverage": 2.0}, 40, "allowed is 0 to 1"),
    ("relocation", {"coverage": float("nan")}, 40, "not a finite number"),
    ("relocation", {"coverage": "1"}, 40, "not a number"),
    ("relocation", {"cover": 1.0}, 40, "nearest known name is 'coverage'"),
    ("relocation", [], 40, "not a short table"),
    ("relocation", {}, 10**9, "from 31 to 114"),
    ("relocation", {}, 40.5, "whole number"),
    (None, {}, 40, "is not known"),
])  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(policy, settings, day, said):
    with pytest.raises(InputError, match=said) as error:
        PLAN.changed(policy, settings, day)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name, seed", [("england", 1), ("region", 1), ("../town", 1), ("town", -1), ("town", 10**9), ("town", True), (["town"], 1)])
def test_no_world_that_is_too_large_and_no_seed_beyond_the_bounds(name, seed):
    with pytest.raises(InputError):
        future(name, seed)


# -- what is told ------------------------------------------------------------------------------------------------------------


def test_numbers_are_the_ledgers(folder, pair):
    names = [measure.name for measure in MEASURES]
    numbers = np.concatenate([record.numbers for record in pair[2][0]], axis=1)
    model = futures.evening(PLAN, SMALL.days, folder)
    stocks, events = model.ledger.table("stocks"), model.ledger.table("events")
    shown = stocks["day"] > SMALL.warm_up_days
    assert numbers[names.index("missing")].tolist() == stocks["missing"][shown].tolist()
    went = (events["event"] == Event.WENT_MISSING) & (events["day"] > SMALL.warm_up_days)
    assert numbers[names.index("went_missing")].sum() == went.sum() > 0
    bills = model.ledger.table("bills")
    assert numbers[names.index("cost")].sum() == pytest.approx(bills["pounds"][bills["day"] > SMALL.warm_up_days].sum(), rel=1e-5)
    assert all(measure.as_dict()["evidence"] for measure in MEASURES)


def test_every_evening_the_missing_are_shown_missing_and_who_is_sent_away_is_where_the_line_deals(folder, pair):
    record = pair[2][0][1]
    model = futures.evening(PLAN, PLAN.days_of(0)[1], folder)
    for day in range(CHUNK):
        model.step()
        part = slice(record.starts[day], record.starts[day + 1])
        places = dict(zip(record.keys[part].tolist(), record.places[part].tolist(), strict=True))
        states = dict(zip(record.keys[part].tolist(), record.states[part].tolist(), strict=True))
        away = model.children.select(lambda c: c.is_missing)
        assert {key for key, state in states.items() if state == MISSING} == set(away.key.tolist())
        for child in away:
            line = model.exploitation.table.slot[child.row]
            if model.missing.table.cause[child.missing_slot] == LINE and line >= 0:
                assert places[child.key] == model.lines.lines[int(model.exploitation.table.line[line])].market
    arcs = record.arcs[record.arc_starts[-2] : record.arc_starts[-1]]
    assert arcs[:, 3].sum() == model.ledger.table("stocks")["positions_with_children"][-1]


def test_shown_are_all_who_are_anything_but_at_home_in_either_future_and_the_same_in_both(pair):
    b, begun, (of_a, of_b) = pair
    shown = Shown(PLAN, b, begun)
    setup = shown.setup()
    json.dumps(setup)
    assert [child["id"] for child in setup["children"]] == list(range(shown.first_n))
    before = shown.first_n
    for n in range(3):
        (args_a, bytes_a), (args_b, bytes_b) = shown.take(of_a[n], of_b[n])
        assert args_a["n"] == args_b["n"] == len(shown.key) <= AT_MOST and args_a["newcomers"] == args_b["newcomers"]
        assert [child["id"] for child in args_a["newcomers"]] == list(range(before, args_a["n"]))
        before = args_a["n"]
        assert set(of_a[n].keys.tolist()) | set(of_b[n].keys.tolist()) <= set(shown.key.tolist())
        for record, args, content in ((of_a[n], args_a, bytes_a), (of_b[n], args_b, bytes_b)):
            days, children = args["days"], args["n"]
            assert len(content) == 2 * days * children + 8 * sum(args["arcs"]) + 4 * days * args["measures"]
            states = np.frombuffer(content, np.uint8, days * children, days * children).reshape(days, children)
            assert (states[-1] == MISSING).sum() == (record.states[record.starts[-2] :] == MISSING).sum()
    assert any(args["newcomers"] for args in (args_a, args_b))
    assert setup == shown.setup(), "what was sent as the beginning must not change as the set grows"


def test_who_joins_later_was_simply_at_home_in_both_futures_until_then(pair):
    b, begun, (of_a, of_b) = pair
    shown, joined = Shown(PLAN, b, begun), 0
    for n in range(3):
        newcomers = {int(child["key"], 16) for child in shown.take(of_a[n], of_b[n])[0][0]["newcomers"]}
        joined += len(newcomers)
        for earlier in (*of_a[:n], *of_b[:n]):
            assert not newcomers & set(earlier.keys.tolist())
    assert joined > 10


def test_who_is_shown_depends_on_the_futures_alone(pair, folder):
    b, begun, (of_a, of_b) = pair
    one, two = Shown(PLAN, b, begun), Shown(PLAN, b, begun)
    for n in range(2):
        first = one.take(of_a[n], of_b[n])
        assert first == two.take(of_a[n], live(b, n, folder))


def test_the_page_is_no_part_of_the_model(tmp_path, monkeypatch):
    """A change of the room must not make every checkpoint and every study that was kept useless."""
    before = source_digest()
    source_digest.cache_clear()
    monkeypatch.setattr("sim.runs.NO_MODEL", {"__pycache__"})
    assert source_digest() != before
    source_digest.cache_clear()


def test_the_coast_is_what_was_vendored():
    assert len(outline.outline()) == 8 and outline.FILE.stat().st_size < 60_000
    assert max(abs(x) for ring in outline.outline() for x, _ in ring) < 400
