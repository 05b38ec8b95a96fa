"""Policies of practice: the dial of each authority that a policy turns stands where its numbers say, in the places it serves, while it is in force."""

import numpy as np
import pytest

from sim import CountyLines
from sim.costs import CLOSURES, POLICIES
from sim.ledger import Event
from sim.missing import GOING_MISSING
from sim.placements import BREAKDOWN_OF_PLACEMENT
from sim.policing import CRIMINAL
from sim.population import AT_HOME
from tests.mechanisms.lively import LIVELY, beyond_ranges, made, rows_of
from tests.worlds import EVENTFUL, REGION, events, scenario, world

HERE, THERE = list(REGION.authorities[:2]), list(REGION.authorities[2:])
FULLY = {"coverage": 1.0, "fidelity": 1.0}

DIALS = {  # of a model
    "how often agencies see a sign": lambda m: m.services.attention, "places for help": lambda m: m.services.help_places,
    "interviewers": lambda m: m.services.interviewers, "signals shared": lambda m: m.services.shared, "interviews offered": lambda m: m.services.offered,
    "criminal responses": lambda m: m.policing.criminal, "recording practice": lambda m: m.missing.practice,
    "closures of lines": lambda m: m.lines.hazard_of_closing, "new workers after moves": lambda m: m.relationships.after_moves,
}  # fmt: skip
TURNED = [  # by which policy, with which numbers, and where it then stands, from where it usually does
    ("early_identification", {"sees": 2.0, "training_days": 30}, "how often agencies see a sign", lambda usual, m: 2.0 * usual),
    ("joint_hub", {"places": 1.5}, "places for help", lambda usual, m: 2.5 * usual),
    ("return_interviews", {"interviewers": 0.5}, "interviewers", lambda usual, m: 1.5 * usual),
    ("national_guidance", {"days": 60, "recording": 1.0}, "recording practice", lambda usual, m: np.ones_like(usual)),
    ("national_guidance", {"days": 60}, "signals shared", lambda usual, m: np.maximum(usual, m.services.parameters.shared)),
    ("national_guidance", {"days": 60}, "interviews offered", lambda usual, m: np.maximum(usual, m.services.parameters.offered)),
    ("national_guidance", {"days": 60}, "criminal responses", lambda usual, m: np.minimum(usual, m.policing.parameters.criminal)),
    ("shared_data", {"recording": 0.5}, "recording practice", lambda usual, m: 0.5 * (usual + 1.0)),
    ("safeguarding_response", {"fidelity": 0.75}, "criminal responses", lambda usual, m: 0.25 * usual),
    ("safeguarding_response", {"places": 0.4}, "places for help", lambda usual, m: 1.4 * usual),
    ("line_disruption", {"sooner": 2.5}, "closures of lines", lambda usual, m: 2.5 * usual),
    ("managed_placement", {"worker_kept": 0.6}, "new workers after moves", lambda usual, m: 0.4 * usual),
]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "numbers", "dial", "stands_at"), TURNED, ids=[f"{policy}: {dial}" for policy, _, dial, _ in TURNED]
)
def test_a_policy_turns_its_dial_where_it_serves_and_lets_go_of_it(policy, numbers, dial, stands_at):
    tried = scenario({policy: {**FULLY, **numbers}}, begins=2, ends=70, where=tuple(HERE))
    model = CountyLines(tried, world(0.002, warm_up=1, days=80), seed=2, parameters=EVENTFUL, days=75)
    turned = DIALS[dial](model)
    usual = turned[:].copy()
    model.run_to(69)
    assert turned[HERE] == pytest.approx(stands_at(usual, model)[HERE])
    assert (turned[HERE] != usual[HERE]).any()
    assert (turned[THERE] == usual[THERE]).all()
    model.run_to(71)
    assert (turned[:] == usual).all()


def test_a_managed_placement_holds_what_it_may_change_while_the_child_stays():
    numbers = {**FULLY, "arrangements": 1000.0, "going_missing": 0.7, "breakdown": 0.8}
    model = CountyLines(scenario({"managed_placement": numbers}, begins=2), world(0.03, warm_up=1, days=60), seed=2, parameters=EVENTFUL, days=60).run_to(2)
    managed, before = model.policies[0], set()
    while model.day < 60:
        model.step()
        for row in managed.inside:
            assert model.levers.holders(GOING_MISSING, row)["managed_placement"] == 0.7
            assert model.levers.holders(BREAKDOWN_OF_PLACEMENT, row)["managed_placement"] == 0.8
        for row in before - managed.inside:
            assert "managed_placement" not in model.levers.holders(GOING_MISSING, row) | model.levers.holders(BREAKDOWN_OF_PLACEMENT, row)
        before |= managed.inside
    assert len(before) > 5 and before - managed.inside


def test_a_key_worker_goes_when_the_time_with_the_place_is_over():
    """What is no longer paid for no longer acts: worker and trust have gone with the place; who must have a worker has an ordinary one."""
    settings = {"coverage": 1.0, "fidelity": 0.7, "places": 200.0, "months": 2.0}
    tried = scenario({"key_worker": settings}, begins=2)
    numbers = {**EVENTFUL, "relationships.trust_after": 2.0}
    with beyond_ranges({"policies.key_worker.months": 2.0}):
        model = CountyLines(tried, world(0.03, warm_up=1, days=150), seed=2, parameters=numbers)
    policy, relationships, ended, parted = model.policies[0], model.relationships, 0, 0
    while model.day < model.last_day:
        before = dict(getattr(policy, "until", {}))
        trusted = {row for row in before if relationships.trusts(np.array([row]))[0]}
        model.step()
        assert set(relationships.special) <= set(getattr(policy, "until", {}))
        over = np.array([row for row, day in before.items() if day == model.day and row not in policy.until and model.children.is_present[row]], dtype=int)
        ended += len(trusted & set(over.tolist()))
        assert not relationships.trusts(over).any()
        at_home = over[(model.children.setting[over] == AT_HOME) & ~np.isin(over, list(model.services.helped_by))]
        parted += len(at_home)
        assert not relationships.has_worker(at_home).any()
        assert relationships.has_worker(over[model.children.setting[over] != AT_HOME]).all()
    assert ended > 3 and parted > 3


def test_key_workers_go_when_the_policy_ends():
    model = CountyLines(scenario({"key_worker": {"coverage": 1.0, "places": 200.0}}, begins=2, ends=60), world(0.03, warm_up=1, days=80), seed=2, parameters=EVENTFUL)
    model.run_to(59)
    assert len(model.relationships.special) >= 5
    model.run_to(60)
    assert not model.relationships.special


def test_an_added_closure_is_not_billed_twice():
    """Closures are billed as such; the policy adds what an added one costs above that."""
    model = CountyLines(scenario({"line_disruption": FULLY}, begins=2), world(0.03, warm_up=1, days=150), seed=2, parameters=EVENTFUL).run_to(150)
    bills = model.ledger.table("bills")
    closures, more = (float(bills["pounds"][(bills["item"] == item) & (bills["day"] > 1)].sum()) for item in (CLOSURES, POLICIES))
    added = 1.0 - 1.0 / model.policies[0].times
    assert closures > 0.0 < more < 0.5 * added * closures


def test_only_a_move_that_the_policy_made_counts_as_relocation():
    """A child for whom no place was found when it was asked for, and who is moved far away later by a breakdown, was not relocated by the policy."""
    tried = scenario({"relocation": {**FULLY, "moves_a_year": 500.0}}, begins=2)
    model = made({**LIVELY, "care.foster_breaks": 3.0, "care.home_breaks": 4.0}, scenario=tried, fraction=0.03, days=60, seed=3).run_to(2)
    policy, far_by_itself = model.policies[0], 0
    while model.day < model.last_day:
        policy.asked |= {row: model.day - 3 for row in model.placements.table.members().tolist() if row not in policy.asked | dict.fromkeys(policy.relocated)}
        before = set(policy.relocated)
        model.step()
        ended, placed = events(model, Event.PLACEMENT_ENDED), model.today.rows(Event.PLACED)
        moved = rows_of(model, ended["child"][(ended["day"] == model.day) & (ended["detail"] == 2)])
        assert policy.relocated - before <= set(moved.tolist())
        far_by_itself += int(model.distance.is_far(placed[~np.isin(placed, moved)]).sum())
    assert far_by_itself > 5


def test_a_safeguarding_response_reaches_and_bills_what_would_have_been_criminal():
    """Under the policy, in full: as many are reached as were answered with the criminal law without it, and no more is paid for."""
    settings, numbers = {**FULLY, "places": 0.0}, {**LIVELY, "policing.street": 0.5, "policing.criminal": 0.3}
    without = made(numbers, fraction=0.02, days=120, seed=2).run_to(120)
    model = made(numbers, scenario=scenario({"safeguarding_response": settings}, begins=2), fraction=0.02, days=120, seed=2).run_to(120)
    met, criminal = events(without, Event.ARRESTED), events(without, Event.ARRESTED)["detail"] == CRIMINAL
    reached = len(events(model, Event.POLICY_REACHED)["day"])
    assert len(met["day"]) > 40 and 0.6 * criminal.sum() < reached < 1.4 * criminal.sum() < 0.7 * len(met["day"])
    bills = model.ledger.table("bills")
    assert bills["pounds"][bills["item"] == POLICIES].sum() == pytest.approx(reached * model.policies[0].parameters.cost)
    assert model.policies[0].counts["changed"] <= reached
