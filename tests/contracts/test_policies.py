"""Every policy, new ones included: declared in full, nothing at coverage 0 or before it begins, real at coverage 1, over when it ends."""

import gc
import tomllib
from functools import cache

import pytest

from sim import CountyLines, load_scenario
from sim.costs import POLICIES
from sim.ledger import Event
from sim.levers import Lever
from sim.parameters import Parameter
from sim.places import read_places
from sim.policies import GRADES, Policy, every_policy
from sim.scenario import FOLDER
from tests.worlds import BASELINE, EVENTFUL, REGION, events, lived, rows_until, scenario, world

NAMES = sorted(every_policy())
TRIED = world(0.06, warm_up=40, days=180)
BEGINS, ENDS = 50, 110
KENT = read_places().index("Kent")

every = pytest.mark.parametrize("name", NAMES)


@cache
def baseline() -> CountyLines:
    return lived(BASELINE, world=TRIED, parameters=EVENTFUL)


@cache
def in_force(name: str, coverage: float = 1.0, **when_and_where) -> CountyLines:
    """A run with one policy, with as much capacity as it can have."""
    settings = {"coverage": coverage} | {p.name: p.between[1] for p in capacities(name)}
    return lived(scenario({name: settings}, **when_and_where), world=TRIED, parameters=EVENTFUL)


def capacities(name: str) -> list[Parameter]:
    """The settings that say how much of a policy there can be."""
    return [p for p in every_policy()[name].declares.declared.values() if "capacity" in p.doc.lower()]


# -- what it declares ----------------------------------------------------------------------------------------------------


def test_there_are_policies_and_each_is_a_file_of_its_name():
    assert {"early_intervention", "relocation", "specialist_foster"} <= set(NAMES)
    for name, policy in every_policy().items():
        assert policy.__module__ == f"sim.policies.{name}" and policy.name == name


@every
def test_a_policy_declares_coverage_capacity_cost_grade_and_evidence(name):
    policy, declared = every_policy()[name], every_policy()[name].declares.declared
    assert issubclass(policy, Policy) and policy.declares.group == f"policies.{name}"
    assert policy.title and policy.grade in GRADES and len(policy.evidence) > 20
    coverage = declared["coverage"]
    assert coverage.between == (0.0, 1.0) and coverage.distribution == "fixed" and coverage.unit.startswith("share of ")
    assert capacities(name), "says how much of it there can be"
    assert [p for p in declared.values() if p.unit.startswith("pounds")], "says what it costs"


@every
def test_a_policy_s_file_says_who_is_eligible_whom_it_reaches_what_changes_and_on_what_evidence(name):
    doc = __import__(every_policy()[name].__module__, fromlist=["x"]).__doc__
    for word in ("*Eligible*", "*Reaches*", "*Changes*", "*Evidence*"):
        assert word in doc


@every
def test_an_uncertain_effect_of_a_policy_may_be_none(name):
    effects = [p for p in every_policy()[name].declares.declared.values() if p.unit == "multiplier"]
    assert effects
    for effect in effects:
        assert effect.is_uncertain and effect.between[0] <= 1.0 <= effect.between[1], f"{effect.address} leaves no room for nothing"


@every
def test_a_policy_has_a_scenario_of_its_own(name):
    path = FOLDER / f"{name}.toml"
    assert list(tomllib.loads(path.read_text(encoding="utf-8"))["policies"]) == [name]
    assert load_scenario(name).policies[name].settings["coverage"] > 0


# -- what it does --------------------------------------------------------------------------------------------------------


@every
def test_at_coverage_nought_a_policy_is_the_baseline_bit_for_bit_and_costs_nothing(name):
    assert in_force(name, 0.0).ledger.digest() == baseline().ledger.digest()


def test_every_policy_at_coverage_nought_together_is_the_baseline():
    together = lived(scenario({name: {"coverage": 0.0} for name in NAMES}), world=TRIED, parameters=EVENTFUL)
    assert together.ledger.digest() == baseline().ledger.digest()


@every
def test_a_policy_acts_and_every_link_of_its_chain_is_there(name):
    model = in_force(name)
    counts = model.policies[0].counts
    assert counts["eligible"] > 0 and counts["reached"] > 0 and counts["changed"] > 0
    assert counts["reached"] == counts["eligible"] == len(events(model, Event.POLICY_REACHED)["day"])
    assert outcomes(model) != outcomes(baseline())


def outcomes(model) -> set[tuple]:
    """What became of children, without the policy's own rows."""
    table = events(model)
    kept = table["event"] != Event.POLICY_REACHED
    return set(zip(*(table[c][kept].tolist() for c in ("day", "event", "child", "serial", "cause", "detail", "amount")), strict=True))


@every
def test_half_the_coverage_reaches_about_half_of_the_occasions(name):
    counts = in_force(name, 0.5).policies[0].counts
    assert 0.25 < counts["reached"] / counts["eligible"] < 0.75


@every
def test_nothing_happens_before_a_policy_begins(name):
    later = in_force(name, begins=BEGINS)
    assert rows_until(later, BEGINS - 1) == rows_until(baseline(), BEGINS - 1)
    assert later.ledger.digest() != baseline().ledger.digest()
    reached = events(later, Event.POLICY_REACHED)["day"]
    assert reached.min() >= BEGINS


@every
def test_without_a_date_a_policy_begins_after_the_warm_up(name):
    assert rows_until(in_force(name), TRIED.warm_up_days) == rows_until(baseline(), TRIED.warm_up_days)


@every
def test_a_policy_ends_when_it_is_told_to(name):
    model = in_force(name, begins=BEGINS, ends=ENDS)
    reached, bills = events(model, Event.POLICY_REACHED)["day"], model.ledger.table("bills")
    costs = bills["day"][bills["item"] == POLICIES]
    assert len(reached) and len(costs)
    for days in (reached, costs):
        assert days.min() >= BEGINS and days.max() < ENDS
    assert not model.policies[0].in_force
    assert rows_until(model, ENDS - 1) == rows_until(in_force(name, begins=BEGINS), ENDS - 1)
    for lever in (thing for thing in gc.get_objects() if isinstance(thing, Lever)):
        assert model.levers.number_held(lever.name, name) == 0, f"{name} still holds {lever.name} seventy days after its end"


@every
def test_a_policy_of_one_authority_reaches_its_children_only(name):
    model = in_force(name, where=(KENT,))
    reached = events(model, Event.POLICY_REACHED)
    assert set(reached["home"].tolist()) == {KENT}
    assert set(events(in_force(name), Event.POLICY_REACHED)["home"].tolist()) > {KENT}


@every
def test_a_policy_of_another_authority_is_the_baseline(name):
    elsewhere = next(a for a in range(len(read_places())) if a not in REGION.authorities)
    assert in_force(name, where=(elsewhere,)).ledger.digest() == baseline().ledger.digest()


@every
def test_a_policy_says_what_it_cost(name):
    bills = in_force(name).ledger.table("bills")
    mine = bills["item"] == POLICIES
    assert mine.any() and (bills["pounds"][mine] > 0).all()
    assert not (baseline().ledger.table("bills")["item"] == POLICIES).any()


def test_a_policy_without_an_act_is_noticed(monkeypatch):
    relocation = every_policy()["relocation"]
    monkeypatch.delattr(relocation, "act")
    with pytest.raises(TypeError, match="policy relocation does nothing"):
        lived(scenario(["relocation"]), world=world(0.01, warm_up=3, days=6))


def test_the_order_in_which_a_scenario_names_its_policies_does_not_matter():
    one, other = (
        lived(scenario({name: {"coverage": 1.0} for name in names}), world=world(0.03, warm_up=40, days=120), parameters=EVENTFUL)
        for names in (NAMES, NAMES[::-1])
    )
    assert one.ledger.digest() == other.ledger.digest()
