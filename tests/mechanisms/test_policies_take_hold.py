"""Policies of practice: the dial of each authority that a policy turns stands where its numbers say, in the places it serves, while it is in force."""

import numpy as np
import pytest

from sim import CountyLines
from sim.missing import GOING_MISSING
from sim.placements import BREAKDOWN_OF_PLACEMENT
from tests.worlds import EVENTFUL, REGION, scenario, world

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
