"""A joint missing-and-gangs hub: agencies sit together, share what they see daily, and have a team for the children.

As in Greenwich, and in Greater Manchester. *Eligible*: every signal of exploitation that an agency of the place holds. *Reaches*: the
covered share. *Changes*: a signal is known to all within days; the specialist team has more places. Detection, delay and harm are
left to the mechanisms: the priors (detection 0.9-1.6, delay 0.5-1.2, harm 0.8-1.1) are patterns that their sum may be laid beside.

*Recording*: raised for children who are found and helped: known to be exploited they are reported more often and sooner (`reporting.known`),
and at home with a worker as well (`reporting.worker`). *Evidence*: indirect, from sharing between hospitals and police (I061-I063).
"""

from __future__ import annotations

from sim.parameters import ASSUMED, Parameters, parameter
from sim.policies import SIGNALS, Policy


class JointHubParameters(Parameters, group="policies.joint_hub"):
    """What the hub shares, and its team."""

    coverage = parameter(0.8, unit="share of signals", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    fidelity = parameter(0.8, unit="share shared as agreed", between=(0.3, 1.0), source=ASSUMED)
    within = parameter(4.0, unit="days", between=(1.0, 14.0), source=ASSUMED, doc="Mean time until all know.")
    places = parameter(0.5, unit="share of today's places for help", between=(0.0, 2.0), source=ASSUMED, distribution="fixed", doc="Capacity added at full coverage; scaled by coverage.")
    cost = parameter(350.0, unit="pounds a looked-after child a year (2024-25)", between=(100.0, 900.0), source="I063", doc="At full coverage; the source is one city's sharing alone.")


class JointHub(Policy):
    """Agencies share daily, and one team helps."""

    name = "joint_hub"
    title = "Joint missing-and-gangs hub"
    grade = "low"
    evidence = "Indirect: hospitals that shared with police; no study of a missing-and-gangs hub."
    declares = JointHubParameters
    takes_hold_of = ("services.help_places", SIGNALS)
    more = {"coverage": ("signals known to all", 1), "places": ("children waiting for help", -1)}

    def begin(self, model) -> None:
        more = 1.0 + self.parameters.places * self.parameters.coverage
        model.services.help_places.hold(self.authorities(model), more, by=self.name)

    def act(self, model) -> None:
        self.share_signals(model, self.parameters.within)
        model.costs.policy_costs(self.looked_after(model) * self.parameters.cost * self.parameters.coverage / 365.25, payer=0)

    def end(self, model) -> None:
        model.services.help_places.release(by=self.name)
