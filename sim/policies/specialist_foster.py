"""Specialist foster placements: carers trained and supported for exploited children and those who go missing often.

*Supply*: beds for the covered share of need, some of whose carers come from the existing foster pool. *Eligible*: a looked-after
child identified as exploited, or returned from at least its third recorded episode, in an ordinary placement. *Reaches*: those for
whom a bed is free and whose carers say yes. *Changes*: going missing while there; stability follows the placement's own hazard
of breakdown (`care.specialist_breaks`). The effect on going missing is a direct multiplier (the prior is a total effect).

*Recording*: carers are assumed to report as others do; no change is assumed. *Evidence*: medium in the USA, low in England, where the trial was null and the most antisocial young people gained (I041, I042, I044).
"""

from __future__ import annotations

import numpy as np

from sim.exploitation import GETTING_OUT_OF_IT
from sim.ledger import Event
from sim.missing import GOING_MISSING
from sim.parameters import ASSUMED, Parameters, parameter
from sim.policies import BEDS, Policy
from sim.population import CHILDRENS_HOME, FOSTER, NEVER, NOT_INVOLVED, OTHER, SPECIALIST_FOSTER, SUPPORTED


class SpecialistFosterParameters(Parameters, group="policies.specialist_foster"):
    """How many beds, and what they may do."""

    coverage = parameter(0.6, unit="share of eligible occasions", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    fidelity = parameter(0.8, unit="share of placements as designed", between=(0.4, 1.0), source=ASSUMED, doc="The others are foster placements like any.")
    beds = parameter(25.0, unit="beds for 1,000 looked-after", between=(0.0, 200.0), source=ASSUMED, distribution="fixed", doc="Capacity at full coverage; supply is scaled by coverage.")
    from_pool = parameter(0.3, unit="share", between=(0.0, 0.8), source=ASSUMED, doc="Carers who had taken ordinary placements before.")
    going_missing = parameter(0.8, unit="multiplier", between=(0.5, 1.1), source="I044;I041;I042", doc="While there.")
    getting_out = parameter(1.0, unit="multiplier", between=(0.9, 1.3), source=ASSUMED, doc="While there.")
    episodes = parameter(3, unit="episodes", between=(2, 10), source=ASSUMED, distribution="fixed", doc="From which a child is eligible without having been identified.")
    set_up = parameter(12000.0, unit="pounds a bed (2024-25)", between=(4000.0, 40000.0), source="I046", doc="Recruiting and training carers.")


class SpecialistFoster(Policy):
    """A supply of specialist foster beds."""

    name = "specialist_foster"
    title = "Specialist foster placements"
    grade = "low"
    evidence = "Medium in the USA, low in England: a null trial, with gains for the most antisocial."
    declares = SpecialistFosterParameters
    takes_hold_of = (BEDS, GOING_MISSING.name, GETTING_OUT_OF_IT.name)
    more = {"beds": ("placements in specialist foster care", 1)}

    def begin(self, model) -> None:
        self.inside: set[int] = set()
        p, placements = self.parameters, model.placements
        opened = 0
        for place in self.authorities(model):
            looked_after = int(model.world.places.looked_after_10_17[place]) * model.world.fraction
            beds = round(p.beds * p.coverage * looked_after / 1000.0)
            placements.open_homes(SPECIALIST_FOSTER, place, range(beds), 1)
            placements.close_beds(FOSTER, place, round(beds * p.from_pool))
            opened += beds
        model.recruitment.meet_homes()
        model.costs.policy_costs(opened * p.set_up, payer=0)

    def act(self, model) -> None:
        p, children = self.parameters, model.children
        self._end_for_those_who_left(model)
        placed = model.today.rows(Event.PLACED)
        new = placed[children.setting[placed] == SPECIALIST_FOSTER]
        if new.size:
            placement = children.care_entries[new].astype(np.int64) * 1000 + model.placements.table.moves[children.care_slot[new]]
            designed = model.draws.happens("specialist_foster.as_designed", children.key[new], p.fidelity, placement)
            new = new[designed]
            self.inside |= set(new.tolist())
            self.changed(len(new))
            model.levers.hold(GOING_MISSING, new, at=p.going_missing, until=model.last_day + 1, by=self.name)
            model.levers.hold(GETTING_OUT_OF_IT, new, at=p.getting_out, until=model.last_day + 1, by=self.name)
        rows = self.here(model, np.union1d(model.today.rows(Event.IDENTIFIED), model.today.rows(Event.RETURNED)))
        known = (children.identified_on[rows] > NEVER) & (children.stage[rows] != NOT_INVOLVED)
        rows = rows[(known | (children.episodes[rows] >= p.episodes)) & (children.missing_slot[rows] < 0)]
        rows = rows[np.isin(children.setting[rows], (FOSTER, CHILDRENS_HOME, SUPPORTED, OTHER))]
        reached = self.reach(model, rows, self.occasions(model, rows))
        model.placements.ask_for_move(reached, setting=SPECIALIST_FOSTER, at_least_km=0.0, by=self.name)

    def _end_for_those_who_left(self, model) -> None:
        gone = np.union1d(model.today.rows(Event.PLACEMENT_ENDED), model.today.rows(Event.LEFT))
        rows = np.array([row for row in gone.tolist() if row in self.inside], dtype=np.int64)
        self._release(model, rows)

    def end(self, model) -> None:
        self._release(model, np.array(sorted(self.inside), dtype=np.int64))
        for place in self.authorities(model):  # whoever lives there stays; no bed waits for another
            model.placements.close_beds(SPECIALIST_FOSTER, place, model.world.places.looked_after_10_17[place])

    def _release(self, model, rows) -> None:
        if rows.size:
            self.inside -= set(rows.tolist())
            model.levers.release(GOING_MISSING, rows, by=self.name)
            model.levers.release(GETTING_OUT_OF_IT, rows, by=self.name)
