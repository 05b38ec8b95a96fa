"""Unaccompanied children: they come to England alone, seeking asylum, and are looked after from the day they arrive.

Their way in, their placements and their going missing are their own. Mostly boys of fifteen to seventeen, they are placed in
foster care or supported accommodation; many are transferred to another authority within days; and some go missing in the
first days, before anybody knows them.

*Chosen*: as many arrive as turn eighteen at the published stock, evenly over the year, so that the stock keeps. *Rival*: the
numbers of the year, which swing with events outside this model.
"""

from __future__ import annotations

import numpy as np

from sim.dates import first_day_of_year, last_day_of_year, year_of
from sim.draws import key_of, keys_of
from sim.ledger import Event
from sim.levers import ALWAYS
from sim.missing import GOING_MISSING
from sim.parameters import ASSUMED, Parameters, parameter

YOUNGEST_DAYS, OLDEST_DAYS = 5479, 6209  # of age on arrival: fifteen to just under seventeen


class Unaccompanied(Parameters, group="unaccompanied"):
    """How unaccompanied children come, and how often they go missing."""

    male = parameter(0.93, unit="share", between=(0.85, 0.97), source=ASSUMED)
    sixteen_or_older = parameter(0.85, unit="share", between=(0.75, 0.95), source=ASSUMED, distribution="fixed", doc="Of those looked after on day 1.")
    transferred = parameter(0.25, unit="probability", between=(0.0, 0.6), source=ASSUMED, doc="Transferred to an authority outside the world soon after arrival.")
    days_to_transfer = parameter(10.0, unit="days", between=(3.0, 30.0), source=ASSUMED, doc="Mean time until then.")
    going_missing = parameter(0.35, unit="multiplier", between=(0.1, 1.0), source="mis_uasc_pct_2020", doc="Against other looked-after children in the same setting.")
    first_days = parameter(12.0, unit="multiplier", between=(2.0, 40.0), source="mis_uasc_pct_2020", doc="... in the first days; the source says that the hazard is highest then, the size is ASSUMED.")
    first_days_last = parameter(10, unit="days", between=(3, 30), source=ASSUMED)


class Arriving:
    """Knows who arrives when."""

    def __init__(self, model, last_day: int):
        self.model, self.parameters = model, model.parameters["unaccompanied"]
        self.plan = self._plan(last_day)
        self.due: dict[int, list[int]] = {}  # day to rows, told by demography once rows are laid out
        self.transfers: dict[int, list[int]] = {}

    def _plan(self, last_day: int):
        """Key, day of birth, authority and day of arrival of everybody who may arrive until the last day."""
        world, p = self.model.world, self.parameters
        stay = (6575 - (YOUNGEST_DAYS + OLDEST_DAYS) / 2.0) / 365.25
        parts = []
        for a in world.authorities:
            a_year = round(world.places.unaccompanied[a] / stay / (1.0 - p.transferred))
            for year in range(1, year_of(last_day) + 1):
                key = keys_of(key_of("unaccompanied", world.places.code[a], year), np.arange(a_year))
                key = key[(key >> np.uint64(11)).astype(np.float64) * 2.0**-53 < world.fraction]
                first, last = first_day_of_year(year), last_day_of_year(year)
                arrives = first + (self.model.draws.uniform("unaccompanied.day", key) * (last - first + 1)).astype(np.int64)
                aged = YOUNGEST_DAYS + (self.model.draws.uniform("unaccompanied.age", key) * (OLDEST_DAYS - YOUNGEST_DAYS)).astype(np.int64)
                soon = arrives <= last_day
                parts.append((key[soon], (arrives - aged)[soon], np.full(soon.sum(), a), arrives[soon]))
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    def arrive(self) -> None:
        """Those who arrive today are looked after from now on; some are transferred to another authority soon."""
        model, p = self.model, self.parameters
        for row in self.transfers.pop(model.day, ()):
            if model.children.is_present[row]:
                model.demography.leave_tomorrow(row, transferred=True)
        rows = np.array(sorted(self.due.pop(model.day, ())), dtype=np.int64)
        if not rows.size:
            return
        model.demography.bring_in(rows)
        model.tell(Event.ARRIVED, rows)
        self.settle(rows)
        keys = model.children.key[rows]
        model.levers.hold(GOING_MISSING, rows, at=p.first_days, until=model.day + p.first_days_last, by="newly arrived")
        moved_on = model.draws.happens("unaccompanied.transferred", keys, p.transferred)
        days = 1 + (model.draws.exponential("unaccompanied.days_to_transfer", keys) * p.days_to_transfer).astype(np.int64)
        for row, after in zip(rows[moved_on].tolist(), days[moved_on].tolist(), strict=True):
            self.transfers.setdefault(model.day + after, []).append(row)

    def settle(self, rows) -> None:
        """Unaccompanied children go missing at their own rate."""
        self.model.levers.hold(GOING_MISSING, rows, at=self.parameters.going_missing, until=ALWAYS, by="unaccompanied")
