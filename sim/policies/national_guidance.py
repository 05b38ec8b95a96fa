"""National guidance: all places do what the better ones do, instead of each what it happens to.

*Eligible*: every authority. *Reaches*: the covered share of what is written down. *Changes*: practice that is below the common level (sharing,
offers of return interviews, criminal responses, recording) moves up to it; practice above it stays. The gap between places is
`services.unevenness_of_practice`, an assumption: with 0 there is nothing for guidance to close.

*Recording*: raised where it was low. *Evidence*: none for outcomes.
"""

from __future__ import annotations

import numpy as np

from sim.parameters import ASSUMED, Parameters, parameter
from sim.policies import Policy


class NationalGuidanceParameters(Parameters, group="policies.national_guidance"):
    """How much of the guidance is followed, how soon."""

    coverage = parameter(0.8, unit="share of the guidance", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    fidelity = parameter(0.6, unit="share followed", between=(0.2, 1.0), source=ASSUMED)
    days = parameter(180, unit="days", between=(60, 365), source=ASSUMED, doc="Capacity: until it is followed everywhere.")
    recording = parameter(0.5, unit="share of the gap", between=(0.0, 1.0), source=ASSUMED, doc="Between an authority's recording practice and full recording.")
    cost = parameter(25.0, unit="pounds a looked-after child a year (2024-25)", between=(5.0, 100.0), source=ASSUMED)


class NationalGuidance(Policy):
    """One common level, for all places together."""

    name = "national_guidance"
    title = "National guidance"
    grade = "none"
    evidence = "No study of outcomes."
    declares = NationalGuidanceParameters
    takes_hold_of = ("services.offered", "services.shared", "policing.criminal", "missing.practice")
    more = {"coverage": ("signals known to all", 1)}

    def begin(self, model) -> None:
        self.began = model.day

    def act(self, model) -> None:
        p, here = self.parameters, self.authorities(model)
        days = model.day - self.began + 1
        self.count_occasions(model, "signal")
        if days <= p.days and (days % 30 == 0 or days == p.days):
            self._level(model, here, self.dose * days / p.days)
        model.costs.policy_costs(self.looked_after(model) * p.cost * p.coverage / 365.25, payer=0)

    def _level(self, model, here, share: float) -> None:
        """Close a share of the gap to the common level: the mean, or better where a place is better already."""
        services, criminal, practice = model.services, model.policing.criminal, model.missing.practice
        for dial, usual in ((services.offered, services.parameters.offered), (services.shared, services.parameters.shared)):
            dial.release(by=self.name)
            dial.hold(here, np.maximum(dial.towards(usual, share), 1.0)[here], by=self.name)
        criminal.release(by=self.name)
        criminal.hold(here, np.minimum(criminal.towards(model.policing.parameters.criminal, share), 1.0)[here], by=self.name)
        practice.release(by=self.name)
        practice.hold(here, practice.towards(1.0, share * self.parameters.recording)[here], by=self.name)
        self.changed(len(here) if share else 0)

    def end(self, model) -> None:
        for dial in (model.services.offered, model.services.shared, model.policing.criminal, model.missing.practice):
            dial.release(by=self.name)
