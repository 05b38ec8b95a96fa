"""Costs: what everything costs, by who pays, in pounds of 2024/25.

Each unit cost keeps its own price year and is brought to 2024/25 by the stored deflator. Harm to children is not
added to budgets here: `experiments/measures/costs.py` tells it on two lines of its own, which contain service costs.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.ledger import Event
from sim.missing import POLICE
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import (
    AT_HOME,
    CHILDRENS_HOME,
    CUSTODY,
    FOSTER,
    KINSHIP,
    OTHER,
    SECURE,
    SETTINGS,
    SPECIALIST_FOSTER,
    SUPPORTED,
    WITH_PARENTS,
)
from sim.sources import to_2024_25

PAYERS = ("children's social care", "police", "health", "education", "justice", "child and family")
CARE, POLICE_BUDGET, HEALTH, EDUCATION, JUSTICE, FAMILY = range(6)
ITEMS = (
    *(f"placement: {setting}" for setting in SETTINGS[1:]),
    "police: missing episodes", "police: exploited children met", "police: lines closed", "return interviews", "assessments",
    "help to get out", "social work", "hospital", "alternative provision", "families: days lost", "policies",
)  # fmt: skip
(EPISODES, MET, CLOSURES, INTERVIEWS, ASSESSMENTS, HELP, SOCIAL_WORK, HOSPITAL, ALTERNATIVE_PROVISION, DAYS_LOST, POLICIES) = range(
    len(SETTINGS) - 1, len(ITEMS)
)


class Costs(Parameters, group="costs"):
    """Unit costs in the prices of the year that the comment names."""

    foster_week = parameter(765.0, unit="pounds a week (2024-25)", between=(575.0, 1035.0), source="cost_foster_week_2425")
    specialist_week = parameter(1700.0, unit="pounds a week (2024-25)", between=(1000.0, 2500.0), source="cost_intfoster_scot", doc="Specialist foster placement; range ASSUMED.")
    kinship_week = parameter(400.0, unit="pounds a week (2024-25)", between=(200.0, 600.0), source=ASSUMED)
    home_week = parameter(7385.0, unit="pounds a week (2024-25)", between=(6015.0, 9610.0), source="cost_res_week_2425")
    secure_week = parameter(4040.0, unit="pounds a week (2018)", between=(3500.0, 8000.0), source="cost_secure_year")
    supported_week = parameter(1278.0, unit="pounds a week (2022-23)", between=(750.0, 5027.0), source="cost_supported_thurrock")
    parents_week = parameter(100.0, unit="pounds a week (2024-25)", between=(0.0, 300.0), source=ASSUMED)
    other_week = parameter(7000.0, unit="pounds a week (2024-25)", between=(3000.0, 15000.0), source=ASSUMED, doc="Emergency and unregistered arrangements.")
    episode_police = parameter(1325.0, unit="pounds an episode (2012)", between=(400.0, 2415.0), source="cost_misper", doc="All ages and medium risk; most episodes of children are short.")
    met_by_police = parameter(900.0, unit="pounds a child (2024-25)", between=(300.0, 2500.0), source=ASSUMED, doc="Arrest or referral, interview, paper work.")
    closure = parameter(18700.0, unit="pounds a closure (2024-25)", between=(5000.0, 50000.0), source="I025;L015", doc="The programme's budget over its closures.")
    custody_week = parameter(4500.0, unit="pounds a week (2024-25)", between=(2500.0, 7000.0), source=ASSUMED)
    hospital_day = parameter(650.0, unit="pounds a day (2024-25)", between=(400.0, 1500.0), source=ASSUMED)
    alternative_day = parameter(95.0, unit="pounds a day (2024-25)", between=(50.0, 160.0), source=ASSUMED, doc="Alternative provision, each day of the year, above a mainstream place.")
    social_work_hour = parameter(52.0, unit="pounds an hour (2022-23)", between=(45.0, 60.0), source="cost_sw_hour_rec")
    social_work_hours = parameter(2.5, unit="hours a child a week", between=(1.0, 5.0), source=ASSUMED)
    family_day = parameter(60.0, unit="pounds a day away (2024-25)", between=(0.0, 150.0), source=ASSUMED, doc="Work lost and travel of the family of a child at home who is missing.")
    interview = parameter(150.0, unit="pounds an interview (2024-25)", between=(60.0, 400.0), source=ASSUMED)
    assessment = parameter(900.0, unit="pounds an assessment (2024-25)", between=(400.0, 2000.0), source=ASSUMED)
    help = parameter(7200.0, unit="pounds a child helped (2019-20)", between=(2900.0, 12400.0), source="I014;I022;H006")


class Charging:
    """Writes the day's bills."""

    def __init__(self, model):
        self.model, self.parameters = model, model.parameters["costs"]
        p = self.parameters
        week = np.zeros(len(SETTINGS))
        week[[FOSTER, SPECIALIST_FOSTER, KINSHIP, CHILDRENS_HOME]] = p.foster_week, p.specialist_week, p.kinship_week, p.home_week
        week[[SECURE, SUPPORTED]] = to_2024_25(p.secure_week, "2018-19"), to_2024_25(p.supported_week, "2022-23")
        week[[WITH_PARENTS, OTHER, CUSTODY]] = p.parents_week, p.other_week, p.custody_week
        self.a_day = (week / 7.0).tolist()
        self.episode = to_2024_25(p.episode_police, "2012-13")
        self.helping = to_2024_25(p.help, "2019-20")
        self.social_work_day = to_2024_25(p.social_work_hour, "2022-23") * p.social_work_hours / 7.0
        self.from_policies: dict[int, float] = {}

    def policy_costs(self, pounds: float, payer: int) -> None:
        """A policy's own cost today."""
        self.from_policies[payer] = self.from_policies.get(payer, 0.0) + pounds

    def charge(self) -> None:
        """The day's bills, by payer and item."""
        model = self.model
        table = model.placements.table
        placed = _by_setting(table.rows, model.children.columns["setting"]).tolist()
        bills = [
            (JUSTICE if setting == CUSTODY else CARE, setting - 1, placed[setting] * self.a_day[setting])
            for setting in range(AT_HOME + 1, len(SETTINGS)) if placed[setting]
        ]  # fmt: skip
        bills += [bill for bill in self._of_events() if bill[2]]
        bills += [(payer, POLICIES, spent) for payer, spent in sorted(self.from_policies.items()) if spent]
        self.from_policies.clear()
        if bills:
            payer, item, pounds = zip(*bills, strict=True)
            model.ledger.tables["bills"].append(len(bills), day=model.day, payer=payer, item=item, pounds=pounds)

    def _of_events(self):
        """What the day's events cost: payer, item, pounds."""
        model, today, p = self.model, self.model.today, self.parameters
        returned = today.get("returned")
        days = today.get("back")
        reported = sum(int(np.count_nonzero(detail & POLICE)) for _, _, detail, _ in returned)
        at_home = sum(float((away * (model.children.setting[rows] == AT_HOME)).sum()) for rows, _, away, _, _ in days)
        in_hospital = today.rows(Event.IN_HOSPITAL)
        in_bed = int((model.children.in_hospital_until[in_hospital].astype(np.int64) - model.day).sum()) if in_hospital.size else 0  # days
        yield POLICE_BUDGET, EPISODES, reported * self.episode
        yield POLICE_BUDGET, MET, today.number(Event.ARRESTED) * p.met_by_police
        yield POLICE_BUDGET, CLOSURES, len(today.closed_lines) * p.closure
        yield CARE, INTERVIEWS, today.number(Event.INTERVIEWED) * p.interview
        yield CARE, ASSESSMENTS, today.number(Event.ASSESSED) * p.assessment
        yield CARE, HELP, today.number(Event.HELPED) * self.helping
        yield CARE, SOCIAL_WORK, len(model.relationships.table) * self.social_work_day
        yield HEALTH, HOSPITAL, in_bed * p.hospital_day
        yield EDUCATION, ALTERNATIVE_PROVISION, model.schooling.in_alternative_provision * p.alternative_day
        yield FAMILY, DAYS_LOST, at_home * p.family_day


@njit(cache=True)
def _by_setting(members, setting):
    """How many of the children in a table (`members`, by slot) live in each setting."""
    number = np.zeros(len(SETTINGS), dtype=np.int64)
    for row in members:
        if row >= 0:
            number[setting[row]] += 1
    return number
