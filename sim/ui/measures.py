"""The numbers above each map and behind each chart: one value a day, counted in the whole world, not in the children shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.exploitation import IN_CUSTODY
from sim.ledger import Event
from sim.missing import POLICE
from sim.ui.evidence import evidence_of

WITHIN_72_HOURS = 1  # bit of an interview's detail


@dataclass(frozen=True)
class Days:
    """What the ledger holds of some days: tables' columns, and the days."""

    first: int
    days: int
    tables: dict[str, dict[str, NDArray[Any]]]

    def stock(self, *names: str) -> NDArray[np.float64]:
        """The sum of some stocks on each evening."""
        stocks = self.tables["stocks"]
        return np.sum([stocks[name].astype(np.float64) for name in names], axis=0)

    def flow(self, *events: Event, bit: int = 0, but: int = -1) -> NDArray[np.float64]:
        """How often any of `events` happened on each day; where `bit` is given, only if the row's detail has it; `but` for one cause."""
        rows = self.tables["events"]
        counted = np.isin(rows["event"], events)
        if bit:
            counted &= (rows["detail"] & bit) > 0
        counted &= rows["cause"] != but
        return np.bincount(rows["day"][counted] - self.first, minlength=self.days).astype(np.float64)

    def pounds(self) -> NDArray[np.float64]:
        """What each day cost, over all payers [pounds of 2024-25]."""
        bills = self.tables["bills"]
        return np.bincount(bills["day"] - self.first, weights=bills["pounds"], minlength=self.days)


@dataclass(frozen=True)
class DailyMeasure:
    """One number a day. A stock is the state of an evening; a flow and a cost are of one day, to be summed over days."""

    name: str
    label: str
    unit: str
    kind: str  # stock, flow or cost
    definition: str
    behind: tuple[str, ...]  # addresses of the declared numbers that drive it most
    count: Callable[[Days], NDArray[np.float64]]

    def as_dict(self) -> dict[str, Any]:
        """As the page shows it, with the evidence behind it."""
        return {
            "name": self.name, "label": self.label, "unit": self.unit, "kind": self.kind, "definition": self.definition,
            "source": "Counted in the simulated world; invented children. What drives the number most is listed with its evidence.",
            "evidence": evidence_of(*self.behind),
        }  # fmt: skip


CARE_COSTS = ("costs.foster_week", "costs.home_week", "costs.supported_week", "costs.episode_police", "costs.social_work_hour")

MEASURES: tuple[DailyMeasure, ...] = (
    DailyMeasure("missing", "Missing now", "children", "stock", "Children who are away this evening, whether anybody reported it or not.",
                 ("missing.at_home", "missing.in_foster", "missing.in_home", "missing.stays", "duration.conflict", "duration.line"), lambda d: d.stock("missing")),
    DailyMeasure("missing_looked_after", "Missing now, from care", "children", "stock", "Looked-after children who are away this evening.",
                 ("missing.in_foster", "missing.in_home", "missing.in_supported"), lambda d: d.stock("missing_looked_after")),
    DailyMeasure("went_missing", "Went missing", "episodes", "flow", "Missing episodes that began, reported or not.",
                 ("missing.at_home", "missing.in_foster", "missing.in_home", "missing.rise_after_return"), lambda d: d.flow(Event.WENT_MISSING)),
    DailyMeasure("reported", "Reported to the police", "episodes", "flow", "Of the missing episodes that began, those that enter the police record.",
                 ("reporting.home", "reporting.care_police", "reporting.line_home"), lambda d: d.flow(Event.WENT_MISSING, bit=POLICE)),
    DailyMeasure("recruited", "Made to work a line", "children", "flow", "Children who began to work for a line.",
                 ("exploitation.money", "exploitation.affection", "exploitation.threat", "exploitation.starts", "lines.contacts"), lambda d: d.flow(Event.RECRUITED)),
    DailyMeasure("on_line", "Exploited by a line now", "children", "stock", "Children who work for a line this evening, bound by debt or not, or are trying to get out.",
                 ("lines.external", "lines.positions", "lines.children_share", "exploitation.tries", "exploitation.out"), lambda d: d.stock("working", "bound", "getting_out")),
    DailyMeasure("approached", "Approached or groomed now", "children", "stock", "Children whom a recruiter has approached or is grooming this evening.",
                 ("lines.contacts", "exploitation.approach_lapses", "exploitation.grooming_lapses"), lambda d: d.stock("approached", "groomed")),
    DailyMeasure("identified", "Identified", "children", "flow", "Children of whom an agency first recognised that they are exploited, by a line or otherwise.",
                 ("services.recognised", "services.shared", "services.discloses", "services.met_seen"), lambda d: d.flow(Event.IDENTIFIED)),
    DailyMeasure("got_out", "Got out, safe for now", "times", "flow", "How often a child got out of a line, by being locked up apart; who is drawn back may get out again.",
                 ("exploitation.tries", "exploitation.out", "exploitation.drawn_back", "services.help_works"), lambda d: d.flow(Event.GOT_OUT, but=IN_CUSTODY)),
    DailyMeasure("interviews", "Return interviews held", "interviews", "flow", "Return interviews that were held, on time or late.",
                 ("services.offered", "services.accepted", "services.interviewers"), lambda d: d.flow(Event.INTERVIEWED)),
    DailyMeasure("interviews_in_time", "Interviews within 72 hours", "interviews", "flow", "Of the return interviews held, those within 72 hours of the return.",
                 ("services.arranging", "services.interviewers"), lambda d: d.flow(Event.INTERVIEWED, bit=WITHIN_72_HOURS)),
    DailyMeasure("looked_after", "Looked after now", "children", "stock", "Children aged 10 to 17 in the care of their authority this evening.",
                 ("care.leaves_10_15", "care.leaves_16_17"), lambda d: d.stock("looked_after")),
    DailyMeasure("lines", "Lines running now", "lines", "stock", "Lines that begin or end in the world and run this evening.",
                 ("lines.external", "lines.internal", "lines.lifetime", "lines.replacement_lag"), lambda d: d.stock("lines")),
    DailyMeasure("cost", "Cost", "pounds", "cost", "What all payers spent, in pounds of 2024-25: care, police, health, education, justice, families, and the policies themselves.",
                 CARE_COSTS, lambda d: d.pounds()),
)  # fmt: skip


def count(days: Days) -> NDArray[np.float32]:
    """Every measure on each day, shape (measures, days)."""
    return np.stack([measure.count(days) for measure in MEASURES]).astype(np.float32)


def as_the_page_counts(numbers: NDArray[np.float32]) -> NDArray[np.float64]:
    """Stocks as they are each evening; what is counted by the day summed since the first: lows of days do not add up to the low of a year."""
    stock = np.array([measure.kind == "stock" for measure in MEASURES])[:, None]
    return np.where(stock, numbers, np.cumsum(numbers, axis=1, dtype=np.float64))
