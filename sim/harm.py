"""Harm while away: assault, sexual assault, injury, threat, rarely death; and hospital.

What a missing child meets depends on why it is away. Harm is counted, never netted against anything, and never added to budgets.
A badly hurt child is in hospital for days, which are not days safe: nothing can come to it there, and nothing that was going on
has ended.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.arithmetic import _exp, _uniform
from sim.ledger import Event
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import CAUSES, LINE, SEXUAL
from sim.tables import NOBODY, union

ASSAULT, SEXUAL_ASSAULT, INJURY, THREATENED, DEATH = range(5)
KINDS = ("assault", "sexual assault", "injury", "threat", "death")


class Harms(Parameters, group="harm"):
    """How often a child who is away is harmed."""

    assault = parameter(0.05, unit="a day away", between=(0.02, 0.12), source="run_harm_2011")
    sexual_assault = parameter(0.012, unit="a day away", between=(0.003, 0.04), source="run_risk_2011")
    injury = parameter(0.015, unit="a day away", between=(0.004, 0.05), source="run_harm_2011")
    threat = parameter(0.03, unit="a day away", between=(0.01, 0.1), source="run_risk_2011")
    death = parameter(0.000004, unit="a day away", between=(0.0, 0.00003), source=ASSUMED)
    on_a_line = parameter(2.0, unit="multiplier", between=(1.0, 4.0), source=ASSUMED, doc="Assault, injury and threat while on a line, against other absences.")
    when_sexual = parameter(20.0, unit="multiplier", between=(5.0, 60.0), source=ASSUMED, doc="Sexual assault in an episode of sexual exploitation.")
    admitted = parameter(0.15, unit="probability an injury", between=(0.05, 0.4), source=ASSUMED, doc="An injured child is in hospital.")
    hospital_days = parameter(3.0, unit="days", between=(1.0, 8.0), source=ASSUMED, doc="Mean stay.")


class Harming:
    """Keeps who is in hospital, and tells of harm."""

    keeper = "harm"

    def __init__(self, model):
        self.model, self.parameters = model, model.parameters["harm"]
        self.own = model.children.kept_by(self.keeper)
        self.in_hospital = NOBODY  # rows; some may be out already
        p = self.parameters
        self.rates = np.tile(np.array([p.assault, p.sexual_assault, p.injury, p.threat, p.death]), (len(CAUSES), 1))
        self.rates[LINE, [ASSAULT, INJURY, THREATENED]] *= p.on_a_line
        self.rates[SEXUAL, SEXUAL_ASSAULT] *= p.when_sexual
        self.know_chance()

    def know_chance(self) -> None:
        """The keys of chance that compiled rules are given: as the draws are now."""
        self.draws = np.array([self.model.draws.stream(f"harm.{name}") for name in KINDS])

    def look_back(self) -> None:
        """Those who came back today: what happened to them while they were away."""
        model = self.model
        for rows, cause, days, _, serial in model.today.get("back"):
            who, kinds = _harms(model.children.key[rows], cause, days, serial, self.rates, self.draws)
            for kind in sorted(set(kinds.tolist())):
                hurt = who[kinds == kind]
                model.tell(Event.HARMED, rows[hurt], cause=kind, detail=cause[hurt], serial=serial[hurt])
                if kind == THREATENED:
                    model.today.give("threatened", rows[hurt])
                elif kind == INJURY:
                    self._take_to_hospital(rows[hurt], serial[hurt])
                elif kind == DEATH:
                    model.tell(Event.DIED, rows[hurt])
                    # Nothing comes to a child who has died, in the hours until it has passed out of observation.
                    self._keep_away(rows[hurt], np.maximum(self.own.in_hospital_until[rows[hurt]], model.day + 1))
                    for row in rows[hurt].tolist():
                        model.demography.leave_tomorrow(row, died=True)

    def _take_to_hospital(self, rows, serial) -> None:
        model, p = self.model, self.parameters
        key = model.children.key[rows]
        admitted = model.draws.happens("harm.admitted", key, p.admitted, serial)
        rows, key, serial = rows[admitted], key[admitted], serial[admitted]
        if rows.size:
            days = 1 + (model.draws.exponential("harm.hospital_days", key, serial) * p.hospital_days).astype(np.int64)
            self._keep_away(rows, model.day + days)
            model.tell(Event.IN_HOSPITAL, rows, amount=days.astype(np.float64), serial=serial)

    def _keep_away(self, rows, until) -> None:
        """`rows` are in hospital until the morning of a day."""
        self.own.in_hospital_until[rows] = until
        still = self.own.in_hospital_until[self.in_hospital] > self.model.day
        self.in_hospital = union(self.in_hospital[still], rows)


@njit(cache=True)
def _harms(key, cause, days, serial, rates, draws):
    """Who was harmed while away (a number in `key`), and in which way; a child may be so in several."""
    who, kinds, number = np.empty(rates.shape[1] * len(key), dtype=np.int64), np.empty(rates.shape[1] * len(key), dtype=np.int64), 0
    for i in range(len(key)):
        for kind in range(rates.shape[1]):
            odds = 1.0 - _exp(-rates[cause[i], kind] * min(days[i], 60.0))
            if _uniform(key[i] ^ draws[kind], np.uint64(serial[i])) < odds:
                who[number], kinds[number] = i, kind
                number += 1
    return who[:number], kinds[:number]
