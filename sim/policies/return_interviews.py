"""Return home interviews: more of them, within 72 hours, by somebody independent, and what is learnt is shared.

*Eligible*: every return from a recorded episode after which present practice offers nothing. *Reaches*: the covered share, as far
as the added interviewers go. *Changes*: the next episode after an interview within 72 hours (a direct multiplier, because the
prior is a total effect, 0.80 to 1.15; it acts on episodes of conflict, family, debt or fear, and leaves those on a line to
identification and help); what was disclosed becomes known to all agencies soon.

*Recording*: raised a little, as children who disclose come to be known (`reporting.known`). *Evidence*: none for the next episode; indirect for sharing (I061, I062).
"""

from __future__ import annotations

import numpy as np

from sim.missing import GOING_MISSING
from sim.parameters import ASSUMED, Parameters, parameter
from sim.policies import SIGNALS, Policy
from sim.services import SOCIAL_CARE


class ReturnInterviewsParameters(Parameters, group="policies.return_interviews"):
    """How many interviews, and what they may do."""

    coverage = parameter(0.7, unit="share of returns without an offer", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    fidelity = parameter(0.8, unit="share held as designed", between=(0.3, 1.0), source=ASSUMED, doc="Independent, and acted on.")
    interviewers = parameter(0.6, unit="share of today's", between=(0.0, 2.0), source=ASSUMED, distribution="fixed", doc="Capacity added at full coverage; scaled by coverage.")
    next_episode = parameter(0.98, unit="multiplier", between=(0.80, 1.15), source=ASSUMED, doc="After an interview of the policy within 72 hours.")
    lasting = parameter(60, unit="days", between=(30, 120), source=ASSUMED)
    shared_within = parameter(2.0, unit="days", between=(1.0, 14.0), source="I061;I062", doc="Mean time until a disclosure is known to all agencies.")
    cost = parameter(60.0, unit="pounds an interview (2024-25)", between=(0.0, 200.0), source=ASSUMED, doc="Independent interviewers, above present practice.")


class ReturnInterviews(Policy):
    """More return interviews, in time and shared."""

    name = "return_interviews"
    title = "Return interviews within 72 hours, shared"
    grade = "none"
    evidence = "No study of the next episode; indirect for sharing."
    declares = ReturnInterviewsParameters
    takes_hold_of = ("services.interviewers", SIGNALS, GOING_MISSING.name)
    more = {"coverage": ("interviews held", 1), "interviewers": ("interviews within 72 hours", 1)}

    def begin(self, model) -> None:
        more = 1.0 + self.parameters.interviewers * self.parameters.coverage
        model.services.interviewers.hold(self.authorities(model), more, by=self.name)

    def act(self, model) -> None:
        for rows, cause, detail, serial in model.today.get("not offered"):
            mine = np.isin(rows, self.here(model, rows))
            rows, cause, detail, serial = rows[mine], cause[mine], detail[mine], serial[mine]
            reached = np.isin(rows, self.reach(model, rows, serial))
            model.services.offer_more(rows[reached], cause[reached], detail[reached], serial[reached], by=self.name)
        for rows, told, in_time, by, serial, disclosure in model.today.get("interviewed"):
            mine = np.array([whose == self.name for whose in by])
            self._act_on(model, rows[mine], told[mine], in_time[mine], serial[mine], disclosure[mine])

    def _act_on(self, model, rows, told, in_time, serial, disclosure) -> None:
        p = self.parameters
        model.costs.policy_costs(p.cost * len(rows), payer=0)
        designed = model.draws.happens("return_interviews.as_designed", model.children.key[rows], p.fidelity, serial)
        soon, told = in_time & designed, told & designed
        self.changed(int(soon.sum()))
        model.levers.hold(GOING_MISSING, rows[soon], at=p.next_episode, until=model.day + p.lasting, by=self.name)
        model.services.share(rows[told], SOCIAL_CARE, disclosure[told], p.shared_within, by=self.name)

    def end(self, model) -> None:
        model.services.interviewers.release(by=self.name)
