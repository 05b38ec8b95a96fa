"""Line disruption: police close more lines, sooner.

*Eligible*: lines into the served markets. *Reaches*: the covered share of the added effort. *Changes*: the hazard of closure; what follows
(replacement, displacement, pressure, adaptation, children met at a closure) is left to the mechanisms. The effect of a closure on
recruitment has a prior of 0.8 to 1.2, a pattern to lay beside the outcome. Added closures cost what all closures cost, and something more.

*Recording*: raised a little, as children met at a closure come to be known (`reporting.known`). *Evidence*: none for recruitment (I026-I028 are about other outcomes, and inconclusive).
"""

from __future__ import annotations

from sim.parameters import ASSUMED, Parameters, parameter
from sim.policies import Policy


class LineDisruptionParameters(Parameters, group="policies.line_disruption"):
    """How much more is done."""

    coverage = parameter(0.7, unit="share of lines", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    fidelity = parameter(0.8, unit="share of the effort that reaches lines", between=(0.3, 1.0), source=ASSUMED)
    sooner = parameter(1.6, unit="multiplier", between=(1.0, 3.0), source="L012;L015", doc="Hazard of closure of a line that is reached; 670 closures a year became 2,300 in the time of the programme.")
    capacity = parameter(3.0, unit="multiplier", between=(1.0, 4.0), source=ASSUMED, distribution="fixed", doc="Capacity: the hazard cannot be raised above this.")
    cost = parameter(5000.0, unit="pounds a closure added (2024-25)", between=(1000.0, 20000.0), source=ASSUMED, doc="Above the price of any closure (`costs.closure`), at which the added ones are billed too.")


class LineDisruption(Policy):
    """More closures."""

    name = "line_disruption"
    title = "Line disruption"
    grade = "none"
    evidence = "No study of children recruited; other outcomes inconclusive."
    declares = LineDisruptionParameters
    takes_hold_of = ("lines.hazard_of_closing",)
    more = {"coverage": ("lines closed", 1)}

    def begin(self, model) -> None:
        self.times = min(1.0 + self.dose * (self.parameters.sooner - 1.0), self.parameters.capacity)
        model.lines.hazard_of_closing.hold(self.authorities(model), self.times, by=self.name)

    def act(self, model) -> None:
        here = set(self.authorities(model))
        closed = [number for number in model.today.closed_lines if model.lines.lines[number].market in here]
        self.counts["eligible"] += len(closed)
        self.counts["reached"] += len(closed) if self.dose else 0
        self.changed(len(closed) if self.times > 1.0 else 0)
        model.costs.policy_costs(len(closed) * (1.0 - 1.0 / self.times) * self.parameters.cost, payer=1)

    def end(self, model) -> None:
        model.lines.hazard_of_closing.release(by=self.name)
