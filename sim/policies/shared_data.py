"""Shared data: the agencies of an area pool what they record about missing and exploited children, regularly.

*Eligible*: every signal of exploitation. *Reaches*: the covered share. *Changes*: it is known to all at the next exchange, weeks
later than in a hub, and nobody is added to act on it. Records of absences are compared, too: an authority that recorded few of
its absences as missing comes to record more.

*Recording*: raised; every effect of this policy on recorded episodes must be read beside the true one. *Evidence*: indirect
(I061, I062).
"""

from __future__ import annotations

from sim.parameters import ASSUMED, Parameters, parameter
from sim.policies import SIGNALS, Policy


class SharedDataParameters(Parameters, group="policies.shared_data"):
    """What is pooled, and how soon."""

    coverage = parameter(0.7, unit="share of signals", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    fidelity = parameter(0.7, unit="share pooled as agreed", between=(0.3, 1.0), source=ASSUMED)
    within = parameter(14.0, unit="days", between=(5.0, 45.0), source=ASSUMED, doc="Mean time until the next exchange. It is the capacity of those who collate.")
    recording = parameter(0.5, unit="share of the gap", between=(0.0, 1.0), source=ASSUMED, doc="Between an authority's recording practice and full recording, closed at full coverage.")
    cost = parameter(35.0, unit="pounds a looked-after child a year (2024-25)", between=(10.0, 120.0), source="I063")


class SharedData(Policy):
    """What agencies record is pooled."""

    name = "shared_data"
    title = "Shared data collection"
    grade = "low"
    evidence = "Indirect: hospitals that shared with police."
    declares = SharedDataParameters
    takes_hold_of = (SIGNALS, "missing.practice")
    more = {"coverage": ("signals known to all", 1)}

    def begin(self, model) -> None:
        here, practice = self.authorities(model), model.missing.practice
        practice.hold(here, practice.towards(1.0, self.parameters.recording * self.dose)[here], by=self.name)

    def act(self, model) -> None:
        self.share_signals(model, self.parameters.within)
        model.costs.policy_costs(self.looked_after(model) * self.parameters.cost * self.parameters.coverage / 365.25, payer=1)

    def end(self, model) -> None:
        model.missing.practice.release(by=self.name)
