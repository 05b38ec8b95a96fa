"""Every policy, new ones included: declared in full, nothing at coverage 0 or before it begins, real at coverage 1, over when it ends."""

import sys
from functools import cache

import numpy as np
import pytest

from sim import CountyLines, load_scenario
from sim.costs import POLICIES
from sim.ledger import Event
from sim.levers import Lever
from sim.parameters import Parameter
from sim.places import read_places
from sim.policies import GRADES, SIGNALS, WORKERS, Policy, every_policy
from sim.scenario import FOLDER
from sim.verify import dials_of
from tests.worlds import BASELINE, EVENTFUL, events, lived, rows_until, scenario, world

NAMES = sorted(every_policy())
TRIED = world(0.06, warm_up=15, days=105)
BEGINS, ENDS = 25, 75
OF_LINES = {"line_disruption"}  # policies that reach lines, not children: their chain counts lines, and no child has been reached
OF_PRACTICE = {"early_identification", "joint_hub", "national_guidance", "shared_data"}  # what is reached is an occasion; what is changed, how it is met
KENT = read_places().index("Kent")

every = pytest.mark.parametrize("name", NAMES)


@cache
def baseline() -> CountyLines:
    return lived(BASELINE, world=TRIED, parameters=EVENTFUL)


@cache
def in_force(name: str, coverage: float = 1.0, **when_and_where) -> CountyLines:
    """A run with one policy, with as much capacity as it can have."""
    most = {p.name: p.between[0 if p.unit == "days" else 1] for p in capacities(name)}  # days are how long it takes until there is capacity
    return lived(scenario({name: {"coverage": coverage} | most}, **when_and_where), world=TRIED, parameters=EVENTFUL)


def capacities(name: str) -> list[Parameter]:
    """The settings that say how much of a policy there can be."""
    return [p for p in every_policy()[name].declares.declared.values() if "capacity" in p.doc.lower()]


# -- what it declares ----------------------------------------------------------------------------------------------------


def test_there_are_policies_and_each_is_a_file_of_its_name():
    assert {"return_interviews", "relocation", "specialist_foster"} <= set(NAMES)
    for name, policy in every_policy().items():
        assert policy.__module__ == f"sim.policies.{name}" and policy.name == name


@every
def test_a_policy_declares_coverage_capacity_cost_grade_and_evidence(name):
    policy, declared = every_policy()[name], every_policy()[name].declares.declared
    assert issubclass(policy, Policy) and policy.declares.group == f"policies.{name}"
    assert policy.title and policy.grade in GRADES and policy.evidence.endswith(".")
    assert (policy.grade == "none") == policy.evidence.startswith("No study")
    coverage = declared["coverage"]
    assert coverage.between == (0.0, 1.0) and coverage.distribution == "fixed" and coverage.unit.startswith("share of ")
    assert capacities(name), "says how much of it there can be"
    assert [p for p in declared.values() if p.unit.startswith("pounds")], "says what it costs"


@every
def test_a_policy_s_file_says_who_is_eligible_whom_it_reaches_what_changes_and_on_what_evidence(name):
    doc = __import__(every_policy()[name].__module__, fromlist=["x"]).__doc__
    for word in ("*Eligible*", "*Reaches*", "*Changes*", "*Recording*", "*Evidence*"):
        assert word in doc


# What makes a child known to be exploited, or gives it a worker: both bring reports of its absences (`reporting.known`, `reporting.worker`).
BRINGS_REPORTS = {"services.attention", "services.shared", "services.interviewers", "services.help_places", "lines.hazard_of_closing", SIGNALS, WORKERS}
KEEPS_WORKERS = {"managed_placement"}  # gives nobody a worker who had none


@every
def test_a_policy_that_flags_children_or_gives_them_workers_does_not_say_that_it_leaves_records_alone(name):
    doc = " ".join(__import__(every_policy()[name].__module__, fromlist=["x"]).__doc__.split())
    said = doc.split("*Recording*: ")[1].split("*Evidence*")[0]
    raises = bool(BRINGS_REPORTS & set(every_policy()[name].takes_hold_of)) and name not in KEEPS_WORKERS
    assert raises == said.startswith("raised"), f"{name}: {said}"


@every
def test_an_uncertain_effect_of_a_policy_may_be_none(name):
    """Multipliers of what comes to a child: "no effect" is in each range. How much of the policy is done is a quantity, not an effect."""
    declared = every_policy()[name].declares.declared.values()
    for effect in [p for p in declared if p.unit == "multiplier" and p not in capacities(name)]:
        assert effect.is_uncertain and effect.between[0] <= 1.0 <= effect.between[1], f"{effect.address} leaves no room for nothing"


def test_each_policy_is_in_a_named_scenario_and_not_only_in_everything():
    scenarios = [load_scenario(path.stem) for path in sorted(FOLDER.glob("*.toml"))]
    used = [set(each.policies) for each in scenarios if set(each.policies) != set(NAMES)]
    assert set().union(*used) == set(NAMES)
    for each in scenarios:
        assert all(use.settings["coverage"] > 0 for use in each.policies.values()), f"a policy that {each.name} names is not done"


def test_whoever_is_reached_is_a_child_in_every_policy_but_those_listed():
    assert set(NAMES) >= OF_LINES | OF_PRACTICE


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
    assert counts["reached"] == counts["eligible"]
    assert len(events(model, Event.POLICY_REACHED)["day"]) == (0 if name in OF_LINES else counts["reached"])
    assert outcomes(model) != outcomes(baseline())


def outcomes(model) -> set[tuple]:
    """What became of children, without the policy's own rows."""
    table = events(model)
    kept = table["event"] != Event.POLICY_REACHED
    return set(zip(*(table[c][kept].tolist() for c in ("day", "event", "child", "serial", "cause", "detail", "amount")), strict=True))


@every
def test_half_the_coverage_reaches_about_half_of_the_occasions(name):
    """Of children's occasions; a policy of lines is done to half its dose at all of them."""
    model = in_force(name, 0.5)
    eligible, reached = model.policies[0].counts["eligible"], model.policies[0].counts["reached"]
    if name in OF_LINES:
        assert reached == eligible > 0
    else:
        assert eligible > 0 and abs(reached - 0.5 * eligible) <= 2.6 * max(1.0, (0.25 * eligible) ** 0.5)  # 2.6 standard errors


@every
def test_nothing_happens_before_a_policy_begins(name):
    later = in_force(name, begins=BEGINS)
    assert rows_until(later, BEGINS - 1) == rows_until(baseline(), BEGINS - 1)
    assert later.ledger.digest() != baseline().ledger.digest()
    assert first_day_of(name, later) >= BEGINS


def first_day_of(name: str, model: CountyLines) -> int:
    """The day of the first row that a policy itself wrote: a child reached, or a bill."""
    bills = model.ledger.table("bills")
    return min([*events(model, Event.POLICY_REACHED)["day"].tolist(), *bills["day"][bills["item"] == POLICIES].tolist()])


@every
def test_without_a_date_a_policy_begins_after_the_warm_up(name):
    assert rows_until(in_force(name), TRIED.warm_up_days) == rows_until(baseline(), TRIED.warm_up_days)


@every
def test_a_policy_ends_when_it_is_told_to(name):
    model = in_force(name, begins=BEGINS, ends=ENDS)
    reached, bills = events(model, Event.POLICY_REACHED)["day"], model.ledger.table("bills")
    costs = bills["day"][bills["item"] == POLICIES]
    assert len(costs) and (len(reached) or name in OF_LINES)
    for day in (*reached.tolist(), *costs.tolist()):
        assert BEGINS <= day < ENDS
    assert not model.policies[0].in_force
    assert rows_until(model, ENDS - 1) == rows_until(in_force(name, begins=BEGINS), ENDS - 1)


@every
def test_a_policy_that_has_ended_lets_go_of_practice_and_of_children(name):
    """All practice is as usual again; a lever may be held to a day of its own only where the policy gives something of a stated time."""
    model = in_force(name, begins=BEGINS, ends=ENDS)
    for where, dial in dials_of(model).items():
        assert dial.now.tobytes() == dial.usual.tobytes(), f"{name} still turns {where}"
    held = {lever.name for lever in every_lever() if model.levers.number_held(lever.name, name)}
    assert not held or name in LASTING, f"{name} still holds {held}"


def every_lever() -> list[Lever]:
    """The levers that mechanisms offer."""
    files = [module for name, module in sys.modules.items() if name.startswith("sim.")]
    return [thing for file in files for thing in vars(file).values() if isinstance(thing, Lever)]


# Policies that give a child something with a time of its own, which no end of the policy takes away.
LASTING = {"return_interviews", "sexual_exploitation_support"}


def test_dials_are_found():
    model = in_force("joint_hub")
    assert {"services.help_places", "policing.criminal", "lines.hazard_of_closing", "missing.practice"} <= set(dials_of(model))
    assert (dials_of(model)["services.help_places"].now > dials_of(model)["services.help_places"].usual).any()
    assert len({lever.name for lever in every_lever()}) >= 8


@every
def test_a_policy_of_one_authority_reaches_its_children_only(name):
    model = in_force(name, where=(KENT,))
    if name not in OF_LINES:
        assert set(events(model, Event.POLICY_REACHED)["home"].tolist()) == {KENT}
        everywhere = events(in_force(name), Event.POLICY_REACHED)["home"]
        assert len(everywhere) < 20 or set(everywhere.tolist()) > {KENT}  # with few occasions all may be Kent's
    for where, dial in dials_of(model).items():
        assert set(np.flatnonzero(dial.now != dial.usual).tolist()) <= {KENT}, f"{name} turns {where} elsewhere"


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
        lived(scenario({name: {"coverage": 1.0} for name in names}), world=world(0.03, warm_up=15, days=60), parameters=EVENTFUL)
        for names in (NAMES, NAMES[::-1])
    )
    assert one.ledger.digest() == other.ledger.digest()
