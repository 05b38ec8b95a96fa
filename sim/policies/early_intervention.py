"""Return interviews with early intervention: more interviews, in time, shared quickly, and acted on.

*Eligible*: every return from a recorded episode after which present practice offers nothing. *Reaches*: the covered share, as far as the
added interviewers go. *Changes*: the next episode after an interview within 72 hours (a direct multiplier: the prior is a total effect,
0.80 to 1.15, on episodes of conflict, family, debt or fear; episodes on a line are changed only through identification and help);
what was disclosed is passed on to the police; a child who discloses gets a worker.

*Evidence*: none for the next episode; indirect for sharing (I061, I062); low for a worker in county lines (I012, I020).
"""

from __future__ import annotations

import numpy as np

from sim.missing import GOING_MISSING
from sim.parameters import ASSUMED, Parameters, parameter
from sim.policies import Policy


class EarlyInterventionParameters(Parameters, group="policies.early_intervention"):
    """How many interviews, and what they may do."""

    coverage = parameter(0.7, unit="share of returns without an offer", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    interviewers = parameter(0.6, unit="share of today's", between=(0.0, 2.0), source=ASSUMED, distribution="fixed", doc="Capacity added at full coverage; scaled by coverage.")
    next_episode = parameter(0.98, unit="multiplier", between=(0.80, 1.15), source=ASSUMED, doc="After an interview of the policy within 72 hours.")
    lasting = parameter(60, unit="days", between=(30, 120), source=ASSUMED)
    shared = parameter(0.8, unit="probability", between=(0.4, 1.0), source="I061;I062", doc="A disclosure reaches the police the same day.")
    worker = parameter(0.5, unit="probability", between=(0.2, 0.9), source="I020", doc="A child who discloses gets a worker.")
    worker_helps = parameter(1.2, unit="multiplier", between=(0.9, 1.8), source="I012;I030", doc="Hazards of getting out while helped.")
    interview_extra = parameter(60.0, unit="pounds an interview (2024-25)", between=(0.0, 200.0), source=ASSUMED, doc="Independent interviewers, above present practice.")


class EarlyIntervention(Policy):
    """More return interviews, acted on."""

    name = "early_intervention"
    title = "Return interviews with early intervention"
    grade = "none"
    evidence = "No study of the next episode; indirect for sharing; low for a worker in county lines."
    declares = EarlyInterventionParameters

    def begin(self, model) -> None:
        self.added = self.parameters.interviewers * self.parameters.coverage
        model.services.add_interviewers(self.added, self.authorities(model))

    def act(self, model) -> None:
        for rows, cause, detail, serial in model.today.get("not offered"):
            mine = np.isin(rows, self.here(model, rows))
            rows, cause, detail, serial = rows[mine], cause[mine], detail[mine], serial[mine]
            reached = np.isin(rows, self.reach(model, rows, serial))
            model.services.offer_more(rows[reached], cause[reached], detail[reached], serial[reached], by=self.name)
        for row, told, in_time, by, serial in model.today.get("interviewed"):
            if by == self.name:
                self._act_on(model, np.array([row]), told, in_time, serial)

    def _act_on(self, model, rows, told: bool, in_time: bool, serial: int) -> None:
        p, key = self.parameters, int(model.children.key[rows[0]])
        model.costs.policy_costs(p.interview_extra, payer=0)
        if in_time:
            self.changed(1)
            model.levers.hold(GOING_MISSING, rows, at=p.next_episode, until=model.day + p.lasting, by=self.name)
        if told and model.draws.one_uniform("early_intervention.shared", key, serial) < p.shared:
            model.services.share(rows, np.array([serial], dtype=np.int64) * 4 + 3, np.array([1.0]))
        if told and model.draws.one_uniform("early_intervention.worker", key, serial) < p.worker:
            model.services.help(rows, by=self.name, at=p.worker_helps)

    def end(self, model) -> None:
        model.services.add_interviewers(-self.added, self.authorities(model))
