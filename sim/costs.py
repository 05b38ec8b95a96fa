"""Costs: what everything costs, by who pays, in pounds of 2024/25.

Each unit cost keeps its own price year and is brought to 2024/25 by the stored deflator. Harm to children is not added to
budgets here.
"""

from __future__ import annotations

import numpy as np

from sim.ledger import Event
from sim.missing import POLICE
from sim.parameters import ASSUMED, Parameters, parameter
from sim.population import (
    AT_HOME,
    CHILDRENS_HOME,
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
SOCIAL_CARE, POLICE_BUDGET = 0, 1
ITEMS = (
    *(f"placement: {setting}" for setting in SETTINGS[1:]),
    "police: missing episodes", "return interviews", "assessments", "help to get out", "policies",
)  # fmt: skip
EPISODES, INTERVIEWS, ASSESSMENTS, HELP, POLICIES = range(len(SETTINGS) - 1, len(ITEMS))


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
        week[[WITH_PARENTS, OTHER]] = p.parents_week, p.other_week
        self.a_day = week / 7.0
        self.episode = to_2024_25(p.episode_police, "2012-13")
        self.helping = to_2024_25(p.help, "2019-20")
        self.from_policies: dict[int, float] = {}

    def policy_costs(self, pounds: float, payer: int) -> None:
        """A policy's own cost today."""
        self.from_policies[payer] = self.from_policies.get(payer, 0.0) + pounds

    def charge(self) -> None:
        """The day's bills, by payer and item."""
        model, today, p = self.model, self.model.today, self.parameters
        table = model.placements.table
        settings = np.bincount(model.children.setting[table.rows[table.rows >= 0]], minlength=len(SETTINGS))
        payer, item, pounds = [], [], []
        for setting in range(AT_HOME + 1, len(SETTINGS)):
            if settings[setting]:
                payer.append(SOCIAL_CARE)
                item.append(setting - 1)
                pounds.append(float(settings[setting]) * self.a_day[setting])
        reported = sum(int(np.count_nonzero(detail & POLICE)) for _, _, detail, _ in today.get("returned"))
        for who, what, number, each in (
            (POLICE_BUDGET, EPISODES, reported, self.episode),
            (SOCIAL_CARE, INTERVIEWS, today.rows(Event.INTERVIEWED).size, p.interview),
            (SOCIAL_CARE, ASSESSMENTS, today.rows(Event.ASSESSED).size, p.assessment),
            (SOCIAL_CARE, HELP, today.rows(Event.HELPED).size, self.helping),
        ):
            if number:
                payer.append(who)
                item.append(what)
                pounds.append(number * each)
        for who, spent in sorted(self.from_policies.items()):
            if spent:
                payer.append(who)
                item.append(POLICIES)
                pounds.append(spent)
        self.from_policies.clear()
        if payer:
            model.ledger.tables["bills"].append(len(payer), day=model.day, payer=payer, item=item, pounds=pounds)
