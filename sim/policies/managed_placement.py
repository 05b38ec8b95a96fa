"""Managed out-of-area placement: the host area is told before the child arrives, and the child keeps its worker.

*Eligible*: a child placed today outside its authority. *Reaches*: the covered share, as far as the year's arrangements go. *Changes*: going
missing and breakdown while it stays there, and how often a move brings a new worker. It is the third estimand of distance: the
*same* child with a managed move, whatever the distance itself does (`distance`), and whoever asked for the move.

*Recording*: a host force that was told records absences as before; no change is assumed. *Evidence*: none.
"""

from __future__ import annotations

import numpy as np

from sim.ledger import Event
from sim.levers import ALWAYS
from sim.missing import GOING_MISSING
from sim.parameters import ASSUMED, Parameters, parameter
from sim.placements import BREAKDOWN_OF_PLACEMENT
from sim.policies import WORKERS, Policy
from sim.population import AT_HOME


class ManagedPlacementParameters(Parameters, group="policies.managed_placement"):
    """How many moves are managed, and what that may change."""

    coverage = parameter(0.7, unit="share of placements outside", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    fidelity = parameter(0.7, unit="share done as agreed", between=(0.3, 1.0), source=ASSUMED)
    arrangements = parameter(400.0, unit="a year for 1,000 looked-after", between=(0.0, 1000.0), source=ASSUMED, distribution="fixed", doc="Capacity at full coverage.")
    going_missing = parameter(0.92, unit="multiplier", between=(0.6, 1.15), source=ASSUMED, doc="While the child stays there.")
    breakdown = parameter(0.9, unit="multiplier", between=(0.6, 1.15), source=ASSUMED, doc="Of the placement.")
    worker_kept = parameter(0.6, unit="share", between=(0.0, 1.0), source=ASSUMED, doc="Of the changes of worker that a move brings, avoided.")
    cost = parameter(1500.0, unit="pounds a placement (2024-25)", between=(500.0, 5000.0), source=ASSUMED, doc="Meetings and the worker's travel.")


class ManagedPlacement(Policy):
    """Moves that the host knows of."""

    name = "managed_placement"
    title = "Managed out-of-area placement"
    grade = "none"
    evidence = "No study."
    declares = ManagedPlacementParameters
    takes_hold_of = (WORKERS, "relationships.after_moves", GOING_MISSING.name, BREAKDOWN_OF_PLACEMENT.name)
    more = {"arrangements": ("occasions changed", 1)}

    def begin(self, model) -> None:
        self.inside: set[int] = set()
        self.credit = 0.0
        self.a_day = self.parameters.arrangements * self.parameters.coverage * self.looked_after(model) / 1000.0 / 365.25
        kept = 1.0 - self.parameters.worker_kept * self.dose
        model.relationships.after_moves.hold(self.authorities(model), kept, by=self.name)

    def act(self, model) -> None:
        p, children = self.parameters, model.children
        self.credit = min(self.credit + self.a_day, max(1.0, 30.0 * self.a_day)) if self.a_day else 0.0
        self._release(model, np.union1d(model.today.rows(Event.PLACEMENT_ENDED), model.today.rows(Event.LEFT)))
        placed = self.here(model, model.today.rows(Event.PLACED))
        rows = placed[(children.setting[placed] != AT_HOME) & (children.care_slot[placed] >= 0)]
        rows = rows[model.placements.table.place[children.care_slot[rows]] != children.authority[rows]]
        reached = self.reach(model, rows, children.care_entries[rows].astype(np.int64) * 1000 + model.placements.table.moves[children.care_slot[rows]])
        lots = model.draws.uniform("managed_placement.lot", children.key[reached], model.day)
        given = reached[np.lexsort((children.key[reached], lots))][: int(self.credit)]
        self.credit -= len(given)
        model.costs.policy_costs(len(given) * p.cost, payer=0)
        done = np.sort(given[model.draws.happens("managed_placement.as_agreed", children.key[given], p.fidelity, model.day)])
        self.inside |= set(done.tolist())
        self.changed(len(done))
        model.levers.hold(GOING_MISSING, done, at=p.going_missing, until=ALWAYS, by=self.name)
        model.levers.hold(BREAKDOWN_OF_PLACEMENT, done, at=p.breakdown, until=ALWAYS, by=self.name)

    def _release(self, model, gone) -> None:
        rows = np.array([row for row in gone.tolist() if row in self.inside], dtype=np.int64)
        self.inside -= set(rows.tolist())
        for lever in (GOING_MISSING, BREAKDOWN_OF_PLACEMENT):
            model.levers.release(lever, rows, by=self.name)

    def end(self, model) -> None:
        self._release(model, np.array(sorted(self.inside), dtype=np.int64))
        model.relationships.after_moves.release(by=self.name)
