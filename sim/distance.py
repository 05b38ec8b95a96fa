"""Distance: what living far from home does to the reach of a line, to ties, and to whether the line comes after.

Three estimands that must never be mixed. Being *placed* far away at entry or by a move is here. Being *relocated* because of
exploitation is a policy with numbers of its own, which take the place of these while it lasts (both hold the same lever under
the same name). The *same child with a managed move* is another policy. Contact in person and by phone, recruitment in the host area
(`recruitment.newcomer`), ties, running home (`missing.family_when_far`) and following are separate numbers; each has "nothing"
inside its range and none has evidence.
"""

from __future__ import annotations

import numpy as np

from sim.ledger import Event
from sim.levers import ALWAYS
from sim.missing import LINE_CONTACT
from sim.parameters import ASSUMED, Parameters, parameter
from sim.placements import FAR_KM
from sim.population import AT_HOME, BOUND, GETTING_OUT, WORKING
from sim.tables import is_in, union

HELD_BY = "distance"


class Distances(Parameters, group="distance"):
    """What twenty miles do."""

    contact_in_person = parameter(0.8, unit="multiplier", between=(0.2, 1.2), source=ASSUMED, doc="Being sent away by the old line, the part that needs meeting.")
    contact_by_phone = parameter(1.0, unit="multiplier", between=(0.6, 1.5), source=ASSUMED, doc="... the part that a phone does.")
    in_person = parameter(0.5, unit="share", between=(0.2, 0.8), source=ASSUMED, doc="How much of contact is in person.")
    ties_kept = parameter(0.5, unit="share of children", between=(0.0, 1.0), source=ASSUMED, doc="Children placed far away whose friends at home still count.")
    line_follows = parameter(0.03, unit="probability", between=(0.0, 0.10), source=ASSUMED, doc="The line opens an outlet where its child was moved.")


class Far:
    """Holds and lets go of what distance does, as children move."""

    def __init__(self, model):
        self.model, self.parameters = model, model.parameters["distance"]
        p = self.parameters
        self.usual = p.in_person * p.contact_in_person + (1.0 - p.in_person) * p.contact_by_phone, p.line_follows
        self.taken_over: dict[int, tuple[float, float]] = {}  # row to contact and chance of following, where a policy says so

    def tell(self) -> None:
        """Who was placed far away today, or near again, and who far away begins to work a line."""
        model, children = self.model, self.model.children
        placed, changed = model.today.rows(Event.PLACED), model.today.rows("stage changed")
        gone = model.today.rows(Event.LEFT_CARE)
        rows = union(placed, changed, gone)
        rows = rows[children.is_present[rows]]
        if not rows.size:
            return
        stage = children.stage[rows]
        on_line = (stage == WORKING) | (stage == BOUND) | (stage == GETTING_OUT)
        far = self.is_far(rows)
        apart = on_line & far
        contact = np.array([self.taken_over.get(row, self.usual)[0] for row in rows[apart].tolist()])
        model.levers.hold(LINE_CONTACT, rows[apart], at=contact, until=ALWAYS, by=HELD_BY)
        model.levers.release(LINE_CONTACT, rows[~apart], by=HELD_BY)
        for row in rows[apart & is_in(rows, placed)].tolist():
            self._may_follow(row)

    def take_over(self, rows, *, contact: float, follows: float) -> None:
        """A lever for policies: for these children, whom the policy has moved today, its own numbers hold instead of the usual ones."""
        for row in rows.tolist():
            self.taken_over[row] = contact, follows

    def give_back(self, rows) -> None:
        """The usual numbers hold again, from the next time that the child moves or its stage changes."""
        for row in rows.tolist():
            self.taken_over.pop(row, None)

    def _may_follow(self, row: int) -> None:
        model, children = self.model, self.model.children
        line, place = model.exploitation.line_of(row), int(model.placements.table.place[children.care_slot[row]])
        serial = int(children.care_entries[row]) * 1000 + int(model.placements.table.moves[children.care_slot[row]])
        chance = self.taken_over.get(row, self.usual)[1]
        if model.draws.one_uniform("distance.line_follows", int(children.key[row]), serial) < chance and line.is_open:
            line.outlets.append(place)
            model.tell(Event.LINE_FOLLOWED, np.array([row]), agent=line.key, place=place, serial=serial)

    def is_far(self, rows):
        """Which of `rows` are placed twenty miles or more from home."""
        children = self.model.children
        slots = children.care_slot[rows]
        return (children.setting[rows] != AT_HOME) & (slots >= 0) & (self.model.placements.table.km[slots] >= FAR_KM)

    def keeps_ties(self, rows):
        """Whose friends at home still count: all who live near, and a share of those far away."""
        far = self.is_far(rows)
        if not far.any():
            return ~far
        kept = self.model.draws.uniform("distance.ties", self.model.children.key[rows]) < self.parameters.ties_kept
        return ~far | kept
