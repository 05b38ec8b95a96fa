"""A safeguarding response: police who meet an exploited child treat it as a victim.

*Eligible*: a meeting of police with a child who works a line, to which the response would have been criminal. *Reaches*: the covered share.
*Changes*: fewer arrests, less seized and made the child's debt, trust not lost, fewer later offences recorded, at the sizes that
`policing` declares; a referral to the specialist team.

*Recording*: raised for children at home who are helped, whose worker has their absences reported more often (`reporting.worker`).
*Evidence*: medium, indirect: pre-court diversion and formal processing (I070-I073).
"""

from __future__ import annotations

import numpy as np

from sim.parameters import ASSUMED, Parameters, parameter
from sim.policies import Policy


class SafeguardingResponseParameters(Parameters, group="policies.safeguarding_response"):
    """How many are met as victims."""

    coverage = parameter(0.7, unit="share of criminal responses", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    fidelity = parameter(0.8, unit="share done as agreed", between=(0.3, 1.0), source=ASSUMED)
    places = parameter(0.15, unit="share of today's places for help", between=(0.0, 1.0), source=ASSUMED, distribution="fixed", doc="Capacity added at full coverage; scaled by coverage.")
    cost = parameter(600.0, unit="pounds a child met (2024-25)", between=(200.0, 2000.0), source=ASSUMED, doc="Instead of a criminal response: a joint visit and a referral; less police time is not credited.")


class SafeguardingResponse(Policy):
    """Victims first."""

    name = "safeguarding_response"
    title = "Safeguarding instead of criminal response"
    grade = "medium"
    evidence = "Indirect: diversion before court and formal processing, mostly abroad."
    declares = SafeguardingResponseParameters
    takes_hold_of = ("policing.criminal", "services.help_places")
    more = {"coverage": ("criminal responses of all", -1), "places": ("children waiting for help", -1)}

    def begin(self, model) -> None:
        here, p = self.authorities(model), self.parameters
        model.policing.criminal.hold(here, 1.0 - self.dose, by=self.name)
        model.services.help_places.hold(here, 1.0 + p.places * p.coverage, by=self.name)

    def act(self, model) -> None:
        for rows, criminal, serial, _ in model.today.get("met by police"):
            mine = np.isin(rows, self.here(model, rows))
            mine &= model.policing.would_be_criminal(rows, serial, but_for=self.name)
            reached = np.isin(rows, self.reach(model, rows[mine], serial[mine]))
            self.changed(int((reached & ~criminal).sum()))
            model.costs.policy_costs(int(reached.sum()) * self.parameters.cost, payer=1)

    def end(self, model) -> None:
        model.policing.criminal.release(by=self.name)
        model.services.help_places.release(by=self.name)
