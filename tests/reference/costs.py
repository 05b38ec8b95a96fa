"""Costs: the day's bills by who pays, in pounds of 2024/25. Harm to children is not added to budgets."""

import csv
from pathlib import Path

import sim.places

from .words import (
    ASSESSMENTS,
    CHILDRENS_HOME,
    EPISODES,
    FOSTER,
    HELP,
    INTERVIEWS,
    KINSHIP,
    OTHER,
    POLICE_BUDGET,
    POLICIES,
    SECURE,
    SOCIAL_CARE_BUDGET,
    SPECIALIST_FOSTER,
    SUPPORTED,
    WITH_PARENTS,
)

DEFLATOR = Path(sim.places.__file__).with_name("data") / "gdp_deflator.csv"


def begin(england):
    """Unit costs, each brought from its own price year (named by the March in which it ends) to 2024/25."""
    p = england.p("costs")
    with DEFLATOR.open(encoding="utf-8", newline="") as file:
        index = {int(row["year_ending_march"]): float(row["index"]) for row in csv.DictReader(file)}
    england.pounds_a_week = {
        FOSTER: p.foster_week, SPECIALIST_FOSTER: p.specialist_week, KINSHIP: p.kinship_week, CHILDRENS_HOME: p.home_week,
        SECURE: p.secure_week * index[2025] / index[2019], SUPPORTED: p.supported_week * index[2025] / index[2023],
        WITH_PARENTS: p.parents_week, OTHER: p.other_week,
    }  # fmt: skip
    england.pounds_each = {
        EPISODES: p.episode_police * index[2025] / index[2013], INTERVIEWS: p.interview, ASSESSMENTS: p.assessment,
        HELP: p.help * index[2025] / index[2020],
    }  # fmt: skip


def charge(england):
    """The day's bills: placements, recorded episodes, interviews, assessments, help, and what policies spent."""
    settings = [child.setting for child in england.looked_after.values()]
    for setting, pounds in england.pounds_a_week.items():
        bill(england, SOCIAL_CARE_BUDGET, setting - 1, settings.count(setting), pounds / 7.0)
    interviewed = {interview.child.key for interview, _, _ in england.news["interviewed"]}
    numbers = {
        EPISODES: sum(episode.by_police for _, episode in england.news["returned"]), INTERVIEWS: len(interviewed),
        ASSESSMENTS: len(england.news["assessed"]), HELP: len({child.key for child in england.news["helped"]}),
    }  # fmt: skip
    for item, number in numbers.items():
        bill(england, POLICE_BUDGET if item == EPISODES else SOCIAL_CARE_BUDGET, item, number, england.pounds_each[item])
    bill(england, SOCIAL_CARE_BUDGET, POLICIES, england.spent_by_policies, 1.0)
    england.spent_by_policies = 0.0


def bill(england, payer, item, number, each):
    if number:
        england.ledger.write("bills", day=england.day, payer=payer, item=item, pounds=number * each)
