"""Training in early identification: those who work with missing children learn to see exploitation behind an absence.

*Eligible*: what police, social care, schools and hospitals see of a child. *Reaches*: the covered share of staff, growing from the first
day until all are trained. *Changes*: how often a sign is seen, not how often a parent or neighbour tells the police; what follows is left to the mechanisms (signals, identification,
help, and the places that help has).

*Recording*: raised for children who are found. A child known to be exploited is reported more often and sooner (`reporting.known`), and at
home with a worker as well (`reporting.worker`); one who enters care comes into its authority's record. *Evidence*: none for lines; one county's training was followed by more
referrals (I064), without a comparison.
"""

from __future__ import annotations

from sim.parameters import ASSUMED, Parameters, parameter
from sim.policies import Policy


class EarlyIdentificationParameters(Parameters, group="policies.early_identification"):
    """How many are trained, and what they then see."""

    coverage = parameter(0.7, unit="share of staff", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    fidelity = parameter(0.7, unit="share who use it", between=(0.3, 1.0), source=ASSUMED)
    sees = parameter(1.5, unit="multiplier", between=(0.9, 2.5), source="I064", doc="Signs seen by those trained; range ASSUMED.")
    training_days = parameter(120, unit="days", between=(30, 365), source=ASSUMED, doc="Capacity: time until all are trained.")
    cost = parameter(40.0, unit="pounds a looked-after child a year (2024-25)", between=(10.0, 150.0), source=ASSUMED, doc="At full coverage; a handy base for the number of staff.")


class EarlyIdentification(Policy):
    """Staff are trained to see exploitation."""

    name = "early_identification"
    title = "Training in early identification"
    grade = "none"
    evidence = "No study of children found sooner; more referrals in one county, without a comparison."
    declares = EarlyIdentificationParameters
    takes_hold_of = ("services.attention",)
    more = {"coverage": ("signals seen", 1)}

    def begin(self, model) -> None:
        self.trained = 0.0
        self.began = model.day

    def act(self, model) -> None:
        p = self.parameters
        share = min(1.0, (model.day - self.began + 1) / p.training_days) * self.dose
        if share > self.trained:
            model.services.attention.hold(self.authorities(model), 1.0 + share * (p.sees - 1.0), by=self.name)
            self.trained = share
            self.changed(1)
        model.costs.policy_costs(self.looked_after(model) * p.cost * p.coverage / 365.25, payer=0)
        self.count_occasions(model, "signal")

    def end(self, model) -> None:
        model.services.attention.release(by=self.name)
