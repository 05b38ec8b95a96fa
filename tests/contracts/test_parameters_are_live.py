"""No number is for show: moved from the low to the high end of its range, each changes some row of the ledger.

All policies are in force at full coverage and capacity, and rare things are common, so every number has something to act on. The
smallest and shortest world in which it might is tried first.
"""

from functools import cache

import pytest

from sim.parameters import Parameter, every_parameter
from sim.policies import every_policy
from tests.worlds import EVENTFUL, lived, scenario, world

EVERY_POLICY = scenario(sorted(every_policy()))
EVERY = list(every_parameter())
WORLDS = (
    world(0.02, warm_up=3, days=25),
    world(0.03, warm_up=10, days=100),
    world(0.09, warm_up=10, days=200),
    world(0.09, warm_up=30, days=400),
    world(0.30, warm_up=10, days=300),
    world(1.00, warm_up=10, days=250),
)

# Numbers that act on few children, so that they need a larger world or a longer time than a quick test has.
RARE = {
    "care.older_secure", "policies.shared_data.fidelity", "recruitment.peers", "schooling.exclusion_when_exploited", "services.sharing_days",
    "care.kinship_breaks", "care.known_to_homes", "care.secure_ends", "care.specialist_breaks", "care.young_secure",
    "costs.secure_week", "distance.ties_kept", "exploitation.bound_tries", "exploitation.drawn_back", "lines.internal", "missing.fear_of_leaving",
    "missing.in_kinship", "missing.in_secure", "people.friends", "people.male", "policies.safeguarding_response.places",
    "policies.sexual_exploitation_support.months", "policies.managed_placement.fidelity", "policies.return_interviews.lasting",
    "policies.key_worker.getting_out", "policies.key_worker.going_missing",
    "policies.relocation.being_found",
    "policies.relocation.contact", "policies.relocation.going_missing", "policies.relocation.line_follows",
    "policies.specialist_foster.getting_out", "recruitment.at_outlet", "recruitment.place", "services.help_days",
}  # fmt: skip

# What must be at hand for a number to have anything to act on, beyond what is at hand for all.
AT_HAND = {
    "distance.ties_kept": {  # friends at home, of children who are placed far away
        "care.foster_outside": 1.1, "care.homes_outside": 1.7, "care.reach_km": 40.0, "care.reach_decay": 1.5,
        "people.friends": 6.0, "recruitment.peers": 2.5, "recruitment.online": 0.5,
    },
    "recruitment.at_outlet": {  # lines that follow a child who was moved, and are not closed soon after
        "distance.line_follows": 0.1, "policies.relocation.line_follows": 0.1, "policies.line_disruption.coverage": 0.0,
        "lines.lifetime": 300.0, "care.reach_decay": 1.5, "care.reach_km": 40.0,
    },
    "policies.key_worker.going_missing": {"policies.key_worker.direct": 1},
    "policies.key_worker.getting_out": {"policies.key_worker.direct": 1},
    "missing.in_secure": {
        "care.young_secure": 0.03, "care.older_secure": 0.03, "care.secure_ends": 1.5,
        "care.stock_young_secure": 0.01, "care.stock_older_secure": 0.01, "missing.unevenness_care": 1.0,
    },
    "policies.relocation.being_found": {  # relocated children are found again once their old line has let go of them
        "exploitation.settles": 0.3, "exploitation.out": 2.0, "exploitation.drawn_back": 0.01,
        "exploitation.approach_lapses": 1.5, "policies.specialist_foster.coverage": 0.0,
    },
}  # fmt: skip


@cache
def everything_in_force() -> dict[str, float]:
    """Parameters with which every policy does as much as it can."""
    settings = dict(EVENTFUL)
    for p in EVERY:
        if p.group.startswith("policies."):
            if p.name == "coverage":
                settings[p.address] = 1.0
            elif "capacity" in p.doc.lower():
                settings[p.address] = p.between[1]
    return settings


def digest(world, number: Parameter, value: float) -> str:
    parameters = {**everything_in_force(), **AT_HAND.get(number.address, {}), number.address: value}
    return lived(EVERY_POLICY, world=world, parameters=parameters).ledger.digest()


def cases():
    """A twelfth of the numbers quickly, all in the long tests; which twelfth is fixed by the order of declaration."""
    slow = [number.address in RARE or at % 12 != 0 for at, number in enumerate(EVERY)]
    return [pytest.param(n, id=n.address, marks=pytest.mark.slow if s else ()) for n, s in zip(EVERY, slow, strict=True)]


@pytest.mark.parametrize("number", cases())
def test_a_number_from_its_low_to_its_high_end_changes_what_happens(number):
    low, high = number.between
    tried = WORLDS[2:] if number.address in AT_HAND else WORLDS
    assert any(digest(world, number, low) != digest(world, number, high) for world in tried), f"{number.address} does nothing"


def test_the_lists_above_name_numbers_that_exist():
    known = {number.address for number in EVERY}
    assert set(AT_HAND) <= RARE <= known and set(everything_in_force()) <= known
