"""Costs: the day's bills by who pays, in pounds of 2024/25. Harm to children is not added to budgets."""

import csv
from pathlib import Path

import sim.places

from .words import (
    ALTERNATIVE,
    ALTERNATIVE_PROVISION,
    ASSESSMENTS,
    AT_HOME,
    CHILDREN_MET,
    CHILDRENS_HOME,
    CLOSURES,
    CUSTODY,
    DAYS_LOST,
    EDUCATION_BUDGET,
    EPISODES,
    FAMILY_BUDGET,
    FOSTER,
    HEALTH_BUDGET,
    HELP,
    HOSPITAL,
    INTERVIEWS,
    JUSTICE_BUDGET,
    KINSHIP,
    OTHER,
    POLICE_BUDGET,
    POLICIES,
    SECURE,
    SOCIAL_CARE_BUDGET,
    SOCIAL_WORK,
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
        WITH_PARENTS: p.parents_week, OTHER: p.other_week, CUSTODY: p.custody_week,
    }  # fmt: skip
    england.pounds_each = {  # who pays, and how much for one
        EPISODES: (POLICE_BUDGET, p.episode_police * index[2025] / index[2013]),
        CHILDREN_MET: (POLICE_BUDGET, p.met_by_police),
        CLOSURES: (POLICE_BUDGET, p.closure),
        INTERVIEWS: (SOCIAL_CARE_BUDGET, p.interview),
        ASSESSMENTS: (SOCIAL_CARE_BUDGET, p.assessment),
        HELP: (SOCIAL_CARE_BUDGET, p.help * index[2025] / index[2020]),
        SOCIAL_WORK: (SOCIAL_CARE_BUDGET, p.social_work_hour * index[2025] / index[2023] * p.social_work_hours / 7.0),
        HOSPITAL: (HEALTH_BUDGET, p.hospital_day),
        ALTERNATIVE_PROVISION: (EDUCATION_BUDGET, p.alternative_day),
        DAYS_LOST: (FAMILY_BUDGET, p.family_day),
    }


def charge(england):
    """The day's bills: placements, what happened today, workers and places in alternative provision, and what policies spent."""
    news = england.news
    settings = [child.setting for child in england.looked_after.values()]
    for setting, pounds in england.pounds_a_week.items():
        if setting in settings:
            bill(england, JUSTICE_BUDGET if setting == CUSTODY else SOCIAL_CARE_BUDGET, setting - 1, settings.count(setting) * pounds / 7.0)
    numbers = {
        EPISODES: sum(episode.by_police for _, episode in news["returned"]),
        CHILDREN_MET: len(news["met by police"]),
        CLOSURES: len(news["closed"]),
        INTERVIEWS: len(news["interviewed"]),
        ASSESSMENTS: len(news["assessed"]),
        HELP: len(news["helped"]),
        SOCIAL_WORK: len(england.with_worker),
        HOSPITAL: sum(child.in_hospital_until - england.day for child in news["in hospital"]),
        ALTERNATIVE_PROVISION: sum(child.schooling == ALTERNATIVE for child in england.present),
        DAYS_LOST: sum(episode.days for child, episode in news["returned"] if child.setting == AT_HOME),
    }
    for item, number in numbers.items():
        payer, each = england.pounds_each[item]
        if number * each:
            bill(england, payer, item, number * each)
    for payer, pounds in england.spent_by_policies.items():
        if pounds:
            bill(england, payer, POLICIES, pounds)
    england.spent_by_policies.clear()


def spend(england, pounds, payer):
    """A policy's own cost today."""
    england.spent_by_policies[payer] = england.spent_by_policies.get(payer, 0.0) + pounds


def bill(england, payer, item, pounds):
    england.ledger.write("bills", day=england.day, payer=payer, item=item, pounds=pounds)
