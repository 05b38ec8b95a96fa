"""Relocation: an identified child is deliberately moved to a placement far from home.

*Eligible*: a looked-after child on the day its exploitation is identified, or of whom it is known when it returns from an
episode, placed within twenty miles of home. *Reaches*: the covered share, as far as the year's moves go. *Changes*: contact with
the line, going missing, and how easily recruiters find the child where it now lives, for as long as it stays there; each has
"no effect" inside its range and an unknown sign. The move itself goes through the placements mechanism: it needs a bed, may be
refused, and takes the bed from somebody else.

*Recording*: a child's absences are reported and recorded as they were before it was moved; no change is assumed. *Evidence*: none for the
effect on contact or on being found again; contradictory for going missing (M006, M007, I074, I075).
The crude ratio of missing children out of area to in area is an outcome to be explained, not a prior.
"""

from __future__ import annotations

import numpy as np

from sim.ledger import Event
from sim.missing import GOING_MISSING, LINE_CONTACT
from sim.parameters import ASSUMED, Parameters, parameter
from sim.placements import FAR_KM
from sim.policies import BEDS, Policy
from sim.population import CUSTODY, NEVER, NOT_INVOLVED, SECURE, WITH_PARENTS
from sim.recruitment import BEING_FOUND

ASKED_AGAIN = 30  # days after which a move that could not be arranged may be asked for again


class RelocationParameters(Parameters, group="policies.relocation"):
    """How much relocation, and what it may do."""

    coverage = parameter(0.5, unit="share of eligible occasions", between=(0.0, 1.0), source=ASSUMED, distribution="fixed")
    fidelity = parameter(0.9, unit="share arranged as decided", between=(0.5, 1.0), source=ASSUMED)
    moves_a_year = parameter(40.0, unit="moves for 1,000 looked-after", between=(0.0, 500.0), source=ASSUMED, distribution="fixed", doc="Capacity: moves that can be arranged.")
    contact = parameter(0.75, unit="multiplier", between=(0.2, 1.2), source=ASSUMED, doc="Being sent away on the line.")
    going_missing = parameter(1.0, unit="multiplier", between=(0.5, 2.0), source="mis_ooa_ch_2018;mis_ina_ch_2018;M007", distribution="log-uniform")
    being_found = parameter(1.0, unit="multiplier", between=(0.5, 2.0), source="I074", distribution="log-uniform", doc="Recruitment in the host area.")
    line_follows = parameter(0.03, unit="probability", between=(0.0, 0.10), source=ASSUMED, doc="The line keeps its hold: contact is not reduced.")
    extra_week = parameter(900.0, unit="pounds a week (2024-25)", between=(200.0, 2500.0), source="I004", doc="Transport, visits and price above the placement's own cost.")


class Relocation(Policy):
    """Deliberate out-of-area moves."""

    name = "relocation"
    title = "Relocation away from the line"
    grade = "none"
    evidence = "No study of the effect on contact with a line or on recruitment elsewhere; contradictory on going missing."
    declares = RelocationParameters
    takes_hold_of = (BEDS, LINE_CONTACT.name, GOING_MISSING.name, BEING_FOUND.name)
    more = {"moves_a_year": ("occasions changed", 1)}

    def begin(self, model) -> None:
        self.asked: dict[int, int] = {}  # row to the day on which a move was asked for
        self.relocated: set[int] = set()
        self.credit = 0.0
        looked_after = sum(int(model.world.places.looked_after_10_17[a]) for a in self.authorities(model))
        self.moves_a_day = self.parameters.moves_a_year * looked_after * model.world.fraction / 1000.0 / 365.25

    def act(self, model) -> None:
        self._end_for_those_who_left(model)
        self._hold_for_those_who_moved(model)
        self.credit = min(self.credit + self.moves_a_day, max(1.0, 30.0 * self.moves_a_day))
        rows = self._eligible(model)
        reached = self.reach(model, rows, self.occasions(model, rows))
        lots = model.draws.uniform("relocation.lot", model.children.key[reached], model.day)
        for row in reached[np.lexsort((model.children.key[reached], lots))].tolist():
            if self.credit < 1.0:
                break
            self.credit -= 1.0
            if model.draws.one_uniform("relocation.arranged", int(model.children.key[row]), model.day) >= self.parameters.fidelity:
                continue
            self.asked[row] = model.day
            model.placements.ask_for_move(np.array([row]), setting=None, at_least_km=FAR_KM, by=self.name)
        model.costs.policy_costs(len(self.relocated) * self.parameters.extra_week / 7.0, payer=0)

    def _eligible(self, model):
        children = model.children
        rows = np.union1d(model.today.rows(Event.IDENTIFIED), model.today.rows(Event.RETURNED))
        rows = self.here(model, rows)
        rows = rows[
            (children.identified_on[rows] > NEVER) & (children.care_slot[rows] >= 0) & (children.stage[rows] != NOT_INVOLVED)
            & ~np.isin(children.setting[rows], (WITH_PARENTS, SECURE, CUSTODY)) & (children.missing_slot[rows] < 0)
        ]  # fmt: skip
        near = model.placements.table.km[children.care_slot[rows]] < FAR_KM
        waiting = np.array([row in self.asked or row in self.relocated for row in rows.tolist()], dtype=bool)
        return rows[near & ~waiting]

    def _hold_for_those_who_moved(self, model) -> None:
        p = self.parameters
        placed = model.today.rows(Event.PLACED)
        rows = np.array([row for row in placed.tolist() if self.asked.get(row) == model.day - 1], dtype=np.int64)  # later it is a move like any
        for row in [*rows.tolist(), *(row for row, day in self.asked.items() if model.day - day >= ASKED_AGAIN)]:
            self.asked.pop(row, None)
        if not rows.size:
            return
        far = rows[model.placements.table.km[model.children.care_slot[rows]] >= FAR_KM]
        self.relocated |= set(far.tolist())
        self.changed(len(far))
        model.distance.take_over(far, contact=p.contact, follows=p.line_follows)
        self.hold(model, GOING_MISSING, far, p.going_missing)
        self.hold(model, BEING_FOUND, far, p.being_found)

    def hold(self, model, lever, rows, at: float) -> None:
        """Hold a lever for as long as the child stays."""
        model.levers.hold(lever, rows, at=at, until=model.last_day + 1, by=self.name)

    def _end_for_those_who_left(self, model) -> None:
        gone = np.union1d(model.today.rows(Event.PLACEMENT_ENDED), model.today.rows(Event.LEFT))
        rows = np.array([row for row in gone.tolist() if row in self.relocated], dtype=np.int64)
        self._release(model, rows)

    def end(self, model) -> None:
        self._release(model, np.array(sorted(self.relocated), dtype=np.int64))

    def _release(self, model, rows) -> None:
        if rows.size:
            self.relocated -= set(rows.tolist())
            model.distance.give_back(rows)
            for lever in (GOING_MISSING, BEING_FOUND):
                model.levers.release(lever, rows, by=self.name)
