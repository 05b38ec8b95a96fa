"""A relationship-based key worker: one person who stays, for a child who is exploited or often missing.

*Eligible*: a child on the day it is identified, or who returns from at least its third episode of this run. *Reaches*: the covered share,
as far as key workers have places; of these some engage. *Changes*, by default, through the mechanism of trust: the worker leaves
less often and is trusted sooner, and trust does what it does to disclosure, going missing and getting out. With `direct` = 1 the
published effects act as multipliers instead, and the worker is an ordinary one: never both. When the child's time with the place is
over, or the policy ends, this worker goes, and what trust there was.

*Recording*: raised for children at home, whose worker has their absences reported more often (`reporting.worker`). *Evidence*: low for lines (I012, I020: uncontrolled), medium for mentoring (I030-I033).
"""

from __future__ import annotations

import numpy as np

from sim.exploitation import GETTING_OUT_OF_IT
from sim.ledger import Event
from sim.missing import GOING_MISSING
from sim.parameters import ASSUMED, Parameters, parameter
from sim.policies import WORKERS, Policy
from sim.population import NEVER


class KeyWorkerParameters(Parameters, group="policies.key_worker"):
    """How many children get one, and what it may change."""

    coverage = parameter(0.6, unit="share of eligible occasions", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    fidelity = parameter(0.55, unit="share who engage", between=(0.4, 0.7), source="I020")
    places = parameter(30.0, unit="children at one time", between=(0.0, 200.0), source=ASSUMED, distribution="fixed", doc="Capacity for 1,000 looked-after children aged 10 to 17, at full coverage.")
    stays = parameter(0.4, unit="multiplier", between=(0.2, 1.0), source=ASSUMED, doc="Turnover of key workers against other workers.")
    trusted_sooner = parameter(2.5, unit="multiplier", between=(1.0, 5.0), source=ASSUMED, doc="Fewer children a worker, more hours a child.")
    direct = parameter(0, unit="switch", between=(0, 1), source=ASSUMED, distribution="fixed", doc="1: the next two numbers act; 0: trust does.")
    going_missing = parameter(0.85, unit="multiplier", between=(0.5, 1.15), source="I030;I032", doc="Direct, while engaged.")
    getting_out = parameter(1.2, unit="multiplier", between=(0.9, 1.8), source="I012;I020", doc="Direct, while engaged.")
    months = parameter(12.0, unit="months", between=(6.0, 24.0), source="I014", doc="How long a child keeps the place.")
    cost = parameter(9000.0, unit="pounds a child a year (2024-25)", between=(3000.0, 16000.0), source="I014;I022;H006")


class KeyWorker(Policy):
    """One worker who stays."""

    name = "key_worker"
    title = "Relationship-based key worker"
    grade = "low"
    evidence = "Uncontrolled for lines; medium for mentoring in general."
    declares = KeyWorkerParameters
    takes_hold_of = (WORKERS, GOING_MISSING.name, GETTING_OUT_OF_IT.name)
    more = {"places": ("occasions changed", 1)}

    def begin(self, model) -> None:
        self.until: dict[int, int] = {}  # row to the day on which its place is free again
        self.capacity = {
            a: self.parameters.places * self.parameters.coverage * float(model.world.places.looked_after_10_17[a]) * model.world.fraction / 1000.0
            for a in self.authorities(model)
        }

    def act(self, model) -> None:
        p, children = self.parameters, model.children
        self._end_work(model, [row for row, day in self.until.items() if day <= model.day])
        self.until = {row: day for row, day in self.until.items() if children.is_present[row]}
        rows = self.here(model, np.union1d(model.today.rows(Event.IDENTIFIED), model.today.rows(Event.RETURNED)))
        rows = rows[(children.identified_on[rows] > NEVER) | (children.episodes[rows] >= 3)]
        rows = rows[np.array([row not in self.until for row in rows.tolist()], dtype=bool)]
        reached = self.reach(model, rows, self.occasions(model, rows))
        lots = model.draws.uniform("key_worker.lot", children.key[reached], model.day)
        taken = {a: sum(1 for row in self.until if children.authority[row] == a) for a in self.capacity}
        given = []
        for row in reached[np.lexsort((children.key[reached], lots))].tolist():
            place = int(children.authority[row])
            if taken[place] + 1 <= self.capacity[place] or (taken[place] == 0 and self.capacity[place] > 0.0):
                taken[place] += 1
                self.until[row] = model.day + int(p.months * 30.4375)
                given.append(row)
        self._begin_work(model, np.array(sorted(given), dtype=np.int64))
        model.costs.policy_costs(len(self.until) * p.cost / 365.25, payer=0)

    def _begin_work(self, model, rows) -> None:
        p = self.parameters
        engaged = rows[model.draws.happens("key_worker.engages", model.children.key[rows], p.fidelity)]
        if not engaged.size:
            return
        self.changed(len(engaged))
        if p.direct:
            until = model.day + int(p.months * 30.4375)
            model.levers.hold(GOING_MISSING, engaged, at=p.going_missing, until=until, by=self.name)
            model.levers.hold(GETTING_OUT_OF_IT, engaged, at=p.getting_out, until=until, by=self.name)
        else:
            model.relationships.give_worker_who_stays(engaged, turnover=p.stays, sooner=p.trusted_sooner)

    def _end_work(self, model, rows: list[int]) -> None:
        """Their time is over: the places are free, and the workers go."""
        for row in rows:
            del self.until[row]
        ended = np.array(sorted(rows), dtype=np.int64)
        model.relationships.take_back_worker(ended[model.children.is_present[ended]])
        for lever in (GOING_MISSING, GETTING_OUT_OF_IT):
            model.levers.release(lever, ended, by=self.name)

    def end(self, model) -> None:
        self._end_work(model, list(self.until))
