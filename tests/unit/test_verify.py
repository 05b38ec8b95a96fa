"""Every policy acts, and a policy that does not is found out: each sabotage here breaks one link of the chain."""

import pytest

from sim import InputError, every_policy
from sim.levers import Levers
from sim.missing import GOING_MISSING
from sim.placements import Placements
from sim.policies import BEDS, SIGNALS, WORKERS, Policy
from sim.verify import OUTCOMES, QUANTITIES, More, alone, dials_of, verify
from tests.contracts.test_policies import every_lever
from tests.worlds import EVENTFUL, lived, world

POLICY = every_policy()["return_interviews"]
PRACTICE = {
    # As in EVENTFUL, so that a policy has somebody to serve at once; and capacities that a small world does not round to nothing.
    **EVENTFUL, "services.offered": 0.5, "services.interviewers": 20.0, "services.arranging": 0.5, "services.accepted": 0.95,
    "reporting.home": 0.7, "reporting.care_police": 0.9, "policies.relocation.moves_a_year": 500.0,
    "policies.specialist_foster.beds": 200.0, "policies.specialist_foster.episodes": 2, "sexual_exploitation.approaches": 20.0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Policies begin soon after the warm-up."""
    monkeypatch.setattr("sim.verify.MONTH", 8)


def verdicts(policies, fraction, days):
    return verify(policies, world(fraction, warm_up=10), seed=3, days=days, parameters=PRACTICE, alone_only=True).policies


def together(policies, fraction=0.03, days=25):
    return verify(policies, world(fraction, warm_up=10), seed=3, days=days, parameters=PRACTICE)


def verdict():
    [found] = verdicts(["return_interviews"], 0.03, 25)
    return found


def test_every_policy_acts():
    for found in verdicts(every_policy(), 0.08, 60):
        assert found.failures == [] and found.as_dict()["acts"]
        assert found.chain["eligible"] >= found.chain["reached"] > 0 and found.chain["changed"] > 0
        assert max(found.outcomes.values()) <= found.children <= sum(found.outcomes.values()) and set(found.outcomes) == set(OUTCOMES)


def test_a_policy_that_reaches_nobody_is_found_out(monkeypatch):
    monkeypatch.setattr(Policy, "reach", lambda self, model, rows, serial: rows[:0])
    assert {"nobody was eligible", "nobody was reached", "nothing was changed"} <= set(verdict().failures)


def test_a_policy_that_only_counts_is_found_out(monkeypatch):
    """It reports reach and change, and its rows stand in the ledger, but no child's story is another."""

    def counts(self, model):
        for rows, _, _, serial in model.today.get("not offered"):
            self.changed(len(self.reach(model, rows, serial)))

    monkeypatch.setattr(POLICY, "act", counts)
    monkeypatch.setattr(POLICY, "begin", lambda self, model: None)
    found = verdict()
    assert min(found.chain.values()) > 0 and found.children == 0
    assert found.failures == ["no child's story changed"]


def test_a_policy_that_acts_at_coverage_0_is_found_out(monkeypatch):
    act = POLICY.act

    def acts_anyway(self, model):
        act(self, model)
        model.levers.hold(GOING_MISSING, model.children.rows[:500], at=0.5, until=model.day + 5, by=self.name)

    monkeypatch.setattr(POLICY, "act", acts_anyway)
    assert verdict().failures == ["at coverage 0 it differs from the baseline"]


def test_a_policy_that_costs_something_at_coverage_0_is_found_out(monkeypatch):
    monkeypatch.setattr(POLICY, "begin", lambda self, model: (setattr(self, "added", 0.0), model.costs.policy_costs(10.0, payer=0)))
    assert "at coverage 0 it differs from the baseline" in verdict().failures


def test_a_policy_that_acts_before_it_begins_is_found_out(monkeypatch):
    def live(self, model):
        if not self.in_force:
            self.in_force = True
            self.begin(model)
        if self.parameters.coverage:
            self.act(model)

    monkeypatch.setattr(Policy, "live", live)
    assert verdict().failures == ["something differs before it begins"]


def test_a_lever_that_leads_nowhere_is_found_out(monkeypatch):
    """Relocation without its moves and without its levers: reached, and nothing follows."""
    monkeypatch.setattr(Levers, "hold", lambda self, *_, **__: None)
    monkeypatch.setattr(Placements, "ask_for_move", lambda self, rows, **_: None)
    [found] = verdicts(["relocation"], 0.08, 80)
    assert found.chain["reached"] > 0 and "no child's story changed" in found.failures  # "changed" may count a move that came by itself


def test_progress_is_told_to_the_end():
    told = []
    verify(["return_interviews"], world(0.002, warm_up=3, days=20), days=4, alone_only=True, tell=lambda what, done, total: told.append((what, done, total)))
    assert [done for _, done, _ in told] == list(range(1, told[-1][2] + 1))
    assert list(dict.fromkeys(what for what, _, _ in told)) == [
        "warm-up", "baseline", "return_interviews, full coverage", "return_interviews, coverage 0"
    ]  # fmt: skip


def test_a_coverage_that_cannot_be_full_is_refused(monkeypatch):
    declared = POLICY.declares.declared
    monkeypatch.setitem(declared, "coverage", type(declared["coverage"])(0.5, "share", (0.1, 0.9), "K140", name="coverage", group="policies.return_interviews"))
    with pytest.raises(InputError, match=r"coverage must reach from 0 to 1 .* 0\.1 to 0\.9"):
        alone("return_interviews", 1.0, 5)


# -- what a policy's file declares ---------------------------------------------------------------------------------------------


def test_what_policies_declare_is_there():
    """Dials by where they are kept, levers by name, and quantities that can be counted; each number is the policy's own."""
    model = lived(world=world(0.005, warm_up=1, days=2))
    known = {*dials_of(model), *(lever.name for lever in every_lever()), BEDS, WORKERS, SIGNALS}
    for policy in every_policy().values():
        assert policy.takes_hold_of and set(policy.takes_hold_of) <= known, policy.name
        assert policy.more and set(policy.more) <= set(policy.declares.declared), policy.name
        for quantity, sign in policy.more.values():
            assert quantity in QUANTITIES and sign in (1, -1)


def test_what_a_policy_turns_and_does_not_declare_is_found_out(monkeypatch):
    monkeypatch.setattr(POLICY, "takes_hold_of", ())
    assert verdict().failures == ["it takes hold of going missing, services.interviewers, which its file does not declare"]


# -- pairs ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_pairs_that_do_not_meet_do_not_mind_who_acts_first():
    found = together(["joint_hub", "line_disruption", "shared_data"])
    assert [pair.policies for pair in found.pairs] == [("joint_hub", "line_disruption"), ("joint_hub", "shared_data"), ("line_disruption", "shared_data")]
    assert [pair.meet_at for pair in found.pairs] == [(), (SIGNALS,), ()]
    assert found.file_order_is_nothing and not found.failures
    assert all(pair.as_alone for pair in found.pairs if not pair.meet_at)


def acts_first(model, name):
    """Whoever acts first in a day has its way with those who are missing."""
    if model.day != getattr(model, "taken_on", 0):
        model.taken_on = model.day
        model.levers.hold(GOING_MISSING, model.missing.table.members(), at=0.2 if name == "joint_hub" else 3.0, until=model.day + 9, by="a common name")


@pytest.mark.slow
def test_a_pair_that_minds_who_acts_first_and_does_not_say_so_is_found_out(monkeypatch):
    for name in ("joint_hub", "line_disruption"):
        act = every_policy()[name].act
        monkeypatch.setattr(every_policy()[name], "act", lambda self, model, act=act: (act(self, model), acts_first(model, self.name)))
    found = together(["joint_hub", "line_disruption"])
    assert found.failures[-1] == "joint_hub and line_disruption: it matters which acts first, though their files name nothing that both take hold of."
    for name in ("joint_hub", "line_disruption"):
        monkeypatch.setattr(every_policy()[name], "takes_hold_of", (*every_policy()[name].takes_hold_of, WORKERS))
    [pair] = together(["joint_hub", "line_disruption"]).pairs
    assert pair.order_matters and pair.meet_at == (WORKERS,) and not pair.failures


@pytest.mark.slow
def test_a_pair_in_which_one_turns_a_dial_otherwise_than_alone_is_found_out(monkeypatch):
    shared_data, guidance = every_policy()["shared_data"], every_policy()["national_guidance"]
    monkeypatch.setattr(shared_data, "takes_hold_of", (SIGNALS,))
    [pair] = together(["national_guidance", "shared_data"], days=35).pairs
    assert guidance.takes_hold_of and not pair.as_alone and not pair.meet_at
    assert pair.failures == ["together one turns a dial otherwise than alone, though they do not meet"]


@pytest.mark.slow
def test_a_scenario_whose_order_matters_is_found_out(monkeypatch):
    monkeypatch.setattr("sim.model.sorted", lambda things, **how: list(things) if things and "PolicyUse" in str(things) else sorted(things, **how), raising=False)
    for name in ("joint_hub", "line_disruption"):
        act = every_policy()[name].act
        monkeypatch.setattr(every_policy()[name], "act", lambda self, model, act=act: (act(self, model), acts_first(model, self.name)))
    found = together(["joint_hub", "line_disruption"])
    assert not found.file_order_is_nothing
    assert found.failures[-1] == "The order in which a scenario names its policies changes what happens."


# -- more of a number ------------------------------------------------------------------------------------------------------------


def test_more_interviewers_hold_more_interviews_and_the_contrary_is_found_out(monkeypatch):
    found = together(["return_interviews"], fraction=0.06)
    assert [each.failures for each in found.more] == [[], []] and not found.pairs
    assert found.more[0].high > found.more[0].low > 0
    monkeypatch.setattr(POLICY, "more", {"coverage": ("interviews held", -1)})
    [failure] = together(["return_interviews"], fraction=0.06).failures
    assert failure.startswith("policies.return_interviews.coverage: interviews held went from ")


@pytest.mark.parametrize(("low", "high", "sign", "fails"), [(1, 2, 1, False), (2, 1, 1, True), (1, 1, 1, False), (1, 2, -1, True), (2, 1, -1, False)])
def test_less_where_more_was_declared_is_a_failure_and_the_same_is_none(low, high, sign, fails):
    assert bool(More("policies.x.y", "lines closed", sign, low, high).failures) == fails


def test_what_nobody_could_be_counted_for_is_no_failure():
    assert not More("policies.x.y", "criminal responses of all", -1, float("nan"), 0.3).failures
