"""Relationships: trust belongs to a pair, a child and one named worker. It grows slowly and starts again with a new worker.

Every looked-after child has a social worker; a child who is helped to get out has a key worker, looked after or not. After some
months with the same worker a child has come to trust it, sooner where workers have fewer children. Trust ends when the worker
leaves, when a move brings another worker, when a promise is broken, or when police answer with an arrest. While it lasts it may
change three things, each with "nothing" inside its range: what is disclosed in interviews, going missing, getting out.

*Chosen*: trust is there or not, after a waiting time. *Rival*: a quantity that grows day by day; nobody has measured its shape,
and what can be observed (how long the same worker stayed) is in both.
"""

from __future__ import annotations

import mesa
import numpy as np
from numba import njit

from sim.arithmetic import _neglog, _uniform
from sim.draws import key_of
from sim.exploitation import GETTING_OUT_OF_IT
from sim.hazards import Spells
from sim.ledger import Event
from sim.levers import ALWAYS, Dial
from sim.missing import GOING_MISSING
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import AT_HOME
from sim.tables import union

COMES_TO_TRUST, WORKER_LEAVES, PROMISE_BREAKS = range(3)
TURNOVER, MOVE, HELP_BEGINS, HELP_ENDS = range(4)
WHY_CHANGED = ("turnover", "move", "help begins", "help ends")


class Relations(Parameters, group="relationships"):
    """How trust comes and goes, and what it may change."""

    trust_after = parameter(6.0, unit="months", between=(2.0, 18.0), source=ASSUMED, doc="Mean time with the same worker until a child trusts it.")
    turnover = parameter(0.9, unit="per year", between=(0.5, 1.6), source="sw_3plus_2024", doc="A child's worker leaves or is changed; fits 27 % with three or more in a year.")
    new_worker_after_move = parameter(0.25, unit="probability", between=(0.05, 0.7), source=ASSUMED, doc="... when the child is placed in another authority or over twenty miles away.")
    broken_promises = parameter(0.25, unit="per year", between=(0.0, 1.0), source=ASSUMED, doc="Of a trusted worker.")
    caseload = parameter(17.0, unit="children a worker", between=(12.0, 25.0), source=ASSUMED, doc="On day 1; trust comes later the more children each worker has.")
    going_missing = parameter(0.90, unit="multiplier", between=(0.6, 1.1), source=ASSUMED, doc="While a child trusts its worker.")
    discloses = parameter(1.8, unit="multiplier", between=(1.0, 4.0), source=ASSUMED, doc="... the chance to tell of exploitation in an interview.")
    getting_out = parameter(1.15, unit="multiplier", between=(0.9, 1.6), source="I012;I020")


class WorkerTeam(mesa.Agent):
    """The social and key workers of an authority: how many they are, and for how many children."""

    def __init__(self, model, place: int, workers: float):
        super().__init__(model)
        self.place, self.workers, self.children = place, workers, 0
        self.key = key_of("worker team", model.world.places.code[place])

    @property
    def caseload(self) -> float:
        """Children for each worker today."""
        return self.children / self.workers


class Relationships:
    """Keeps who works with whom, and whether the child trusts that worker."""

    keeper = "relationships"

    def __init__(self, model):
        self.model, self.parameters = model, model.parameters["relationships"]
        places, world = model.world.places, model.world
        self.teams = {
            place: WorkerTeam(model, place, max(1.0, float(places.looked_after_10_17[place]) * world.fraction / self.parameters.caseload))
            for place in world.authorities
        }
        self.table = Spells(model.children.kept_by(self.keeper).worker_slot, ("comes to trust", "worker leaves", "promise breaks"), worker=np.int32, trusts=np.bool_, n=np.int32)
        self.after_moves = Dial(np.full(len(places), self.parameters.new_worker_after_move))
        self.ordinals: dict[int, int] = {}  # row to the number of workers it has had, in all
        self.special: dict[int, tuple[float, float]] = {}  # row to what a policy makes of turnover and of the time to trust

    def start(self, rows) -> None:
        """Day 1: every looked-after child has a worker."""
        self._meet(rows)

    def live(self) -> None:
        """A day of workers and children: they meet, part, come to trust, are let down."""
        model, today, children = self.model, self.model.today, self.model.children
        for heading in (Event.LEFT, Event.LEFT_CARE):
            gone = today.rows(heading)
            if gone.size:
                self._part(gone[self.has_worker(gone)])
        alone = today.rows("help ended")
        if alone.size:
            alone = alone[(children.setting[alone] == AT_HOME) & self.has_worker(alone)]
            self._part(np.array([row for row in alone.tolist() if row not in self.special], dtype=np.int64))
        helped, entered = today.rows(Event.HELPED), today.rows(Event.ENTERED_CARE)
        if helped.size or entered.size:
            had_one, new = helped[self.has_worker(helped)], union(entered, helped)
            self._meet(new[~self.has_worker(new) & children.is_present[new]])
            self._change(had_one, HELP_BEGINS)
        placed, doubting = today.rows(Event.PLACED), today.rows("trust lost")
        if placed.size:
            self._after_moves(placed)
        if doubting.size:
            self._lose_trust(doubting)
        rows, causes = self.table.due(model.paused(self.table))
        if rows.size:
            self._come_to_trust(rows[causes == COMES_TO_TRUST])
            self._change(rows[causes == WORKER_LEAVES], TURNOVER)
            broken = rows[causes == PROMISE_BREAKS]
            if broken.size:
                model.tell(Event.PROMISE_BROKEN, broken, serial=self.table.worker[self.table.slot[broken]])
                self._lose_trust(broken)

    def has_worker(self, rows):
        """Which of `rows` have a worker today."""
        return self.table.slot[rows] >= 0

    def trusts(self, rows):
        """Which of `rows` trust their worker today."""
        slots = self.table.slot[rows]
        return (slots >= 0) & self.table.trusts[slots]

    # -- meeting and parting -------------------------------------------------------------------------------------------------

    def _meet(self, rows) -> None:
        if not rows.size:
            return
        self.table.add(rows)
        for place in self.model.children.authority[rows].tolist():
            self.teams[place].children += 1
        self._with_a_new_worker(rows)

    def _with_a_new_worker(self, rows) -> None:
        """Each of `rows` has a worker it has not had before; nothing is trusted yet."""
        slots = self.table.slot[rows]
        for row in rows.tolist():
            self.ordinals[row] = self.ordinals.get(row, 0) + 1
        self.table.worker[slots] = [self.ordinals[row] for row in rows.tolist()]
        self.table.trusts[slots] = False
        leaves = self.parameters.turnover / 365.25
        self._begin(rows, WORKER_LEAVES, leaves * np.array([self.special.get(row, (1.0, 1.0))[0] for row in rows.tolist()]))
        self._wait_for_trust(rows)

    def _wait_for_trust(self, rows) -> None:
        standard = self.parameters.caseload
        load = np.array([max(self.teams[place].caseload, 1.0) / standard for place in self.model.children.authority[rows].tolist()])
        sooner = np.array([self.special.get(row, (1.0, 1.0))[1] for row in rows.tolist()])
        self.table.stop(rows, PROMISE_BREAKS)
        self._begin(rows, COMES_TO_TRUST, sooner / load / (self.parameters.trust_after * 30.4375))

    def _begin(self, rows, cause: int, hazard) -> None:
        """A new spell under one cause, at a hazard for each of `rows` [per day]."""
        table, children = self.table, self.model.children
        _begin(
            rows, cause, hazard, children.few.entry, table.slot.by_entry, children.columns["key"], self.model.draws.stream(f"relationships.{table.causes[cause]}"),
            table.columns["worker"], table.columns["n"], table.left, table.hazard,
        )  # fmt: skip

    def _part(self, rows) -> None:
        if not rows.size:
            return
        self._let_go(rows)
        for row, place in zip(rows.tolist(), self.model.children.authority[rows].tolist(), strict=True):
            self.teams[place].children -= 1
            self.special.pop(row, None)
        self.table.remove(rows)

    def _change(self, rows, why: int) -> None:
        if rows.size:
            self._let_go(rows)
            self._with_a_new_worker(rows)
            self.model.tell(Event.WORKER_CHANGED, rows, cause=why, serial=self.table.worker[self.table.slot[rows]])

    def _after_moves(self, placed) -> None:
        """A child placed far away, or in another authority, may get another worker."""
        model, children = self.model, self.model.children
        rows = placed[(children.setting[placed] != AT_HOME) & self.has_worker(placed)]
        moves = model.placements.table.moves[children.care_slot[rows]]
        rows, moves = rows[moves > 1], moves[moves > 1]
        if not rows.size:
            return
        apart = (model.placements.table.place[children.care_slot[rows]] != children.authority[rows]) | model.distance.is_far(rows)
        serial = children.care_entries[rows].astype(np.int64) * 1000 + moves
        odds = self.after_moves[children.authority[rows]] * np.array([self.special.get(row, (1.0, 1.0))[0] for row in rows.tolist()])
        self._change(rows[apart & model.draws.happens("relationships.new_worker_after_move", children.key[rows], odds, serial)], MOVE)

    # -- trust ---------------------------------------------------------------------------------------------------------------

    def _come_to_trust(self, rows) -> None:
        if not rows.size:
            return
        p, slots, levers = self.parameters, self.table.slot[rows], self.model.levers
        self.table.trusts[slots] = True
        self.model.tell(Event.TRUSTS, rows, serial=self.table.worker[slots])
        levers.hold(GOING_MISSING, rows, at=p.going_missing, until=ALWAYS, by="trust")
        levers.hold(GETTING_OUT_OF_IT, rows, at=p.getting_out, until=ALWAYS, by="trust")
        self._begin(rows, PROMISE_BREAKS, np.full(len(rows), p.broken_promises / 365.25))

    def _lose_trust(self, rows) -> None:
        """Trust is gone; it may come again with the same worker."""
        rows = rows[self.trusts(rows)]
        if rows.size:
            self._let_go(rows)
            self._wait_for_trust(rows)

    def _let_go(self, rows) -> None:
        slots = self.table.slot[rows]
        trusting = rows[self.table.trusts[slots]]
        if not trusting.size:
            return
        self.table.trusts[slots] = False
        for lever in (GOING_MISSING, GETTING_OUT_OF_IT):
            self.model.levers.release(lever, trusting, by="trust")

    # -- levers for policies ---------------------------------------------------------------------------------------------------

    def give_worker_who_stays(self, rows, *, turnover: float, sooner: float) -> None:
        """A lever for policies: a worker for these children who leaves so many times as often, and is trusted so many times as soon."""
        for row in rows.tolist():
            self.special[row] = turnover, sooner
        had_one = self.table.slot[rows] >= 0
        self._meet(rows[~had_one])
        self._change(rows[had_one], HELP_BEGINS)

    def take_back_worker(self, rows) -> None:
        """The worker that a policy gave these children goes: who is looked after, or helped to get out, has an ordinary one from now on, the others none."""
        rows = np.array([row for row in rows.tolist() if row in self.special], dtype=np.int64)
        for row in rows.tolist():
            del self.special[row]
        needed = np.array([row in self.model.services.helped_by for row in rows.tolist()], dtype=bool) | (self.model.children.setting[rows] != AT_HOME)
        self._part(rows[~needed])
        self._change(rows[needed], HELP_ENDS)


@njit(cache=True)
def _begin(rows, cause, hazards, entry, slot, key, stream, worker, n, left, hazard):
    """A spell under one cause begins for each of `rows`; `n` counts the spells that a child has had with its `worker`."""
    for i in range(len(rows)):
        at = slot[entry[rows[i]]]
        n[at] += 1
        left[at, cause] = _neglog(_uniform(key[rows[i]] ^ stream, np.uint64(worker[at]) * np.uint64(4096) + np.uint64(n[at])))
        hazard[at, cause] = hazards[i]
