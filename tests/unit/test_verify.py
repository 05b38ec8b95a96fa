"""Every policy acts, and a policy that does not is found out: each sabotage here breaks one link of the chain."""

import pytest

from sim import InputError, every_policy
from sim.levers import Levers
from sim.missing import GOING_MISSING
from sim.placements import Placements
from sim.policies import Policy
from sim.verify import OUTCOMES, alone, verify
from tests.worlds import EVENTFUL, world

POLICY = every_policy()["early_intervention"]
PRACTICE = {
    # As in EVENTFUL, so that a policy has somebody to serve at once; and capacities that a small world does not round to nothing.
    **EVENTFUL, "services.offered": 0.5, "services.interviewers": 20.0, "services.arranging": 0.5, "services.accepted": 0.95,
    "reporting.home": 0.7, "reporting.care_police": 0.9, "policies.relocation.moves_a_year": 500.0,
    "policies.specialist_foster.beds": 200.0, "policies.specialist_foster.episodes": 2,
}  # fmt: skip


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Policies begin soon after the warm-up."""
    monkeypatch.setattr("sim.verify.MONTH", 8)


def verdicts(policies, fraction, days):
    return verify(policies, world(fraction, warm_up=10), seed=3, days=days, parameters=PRACTICE)


def verdict():
    [found] = verdicts(["early_intervention"], 0.03, 25)
    return found


def test_every_policy_acts():
    for found in verdicts(every_policy(), 0.08, 80):
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
    verify(["early_intervention"], world(0.002, warm_up=3, days=20), days=4, tell=lambda what, done, total: told.append((what, done, total)))
    assert [done for _, done, _ in told] == list(range(1, told[-1][2] + 1))
    assert list(dict.fromkeys(what for what, _, _ in told)) == [
        "warm-up", "baseline", "early_intervention, full coverage", "early_intervention, coverage 0"
    ]  # fmt: skip


def test_a_coverage_that_cannot_be_full_is_refused(monkeypatch):
    declared = POLICY.declares.declared
    monkeypatch.setitem(declared, "coverage", type(declared["coverage"])(0.5, "share", (0.1, 0.9), "K140", name="coverage", group="policies.early_intervention"))
    with pytest.raises(InputError, match=r"coverage must reach from 0 to 1 .* 0\.1 to 0\.9"):
        alone("early_intervention", 1.0, 5)
