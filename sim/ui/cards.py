"""Policies as cards in plain words: what it is, who does it, for whom, what the evidence is, and a slider for each declared number."""

from __future__ import annotations

import inspect
import math
import sys
from functools import cache
from typing import Any, NamedTuple

from sim.parameters import Parameter
from sim.policies import Policy, every_policy
from sim.ui.evidence import describe


class Words(NamedTuple):
    """A policy as one would explain it to somebody who works with children."""

    what: str
    who: str
    for_whom: str
    changes: str


PLAIN = {
    "early_identification": Words(
        "Those who work with missing children learn to see exploitation behind an absence.",
        "Trainers; police, social workers, teachers and hospital staff who are trained.",
        "Every child of whom a trained person sees something.",
        "Signs are seen more often. Whether help follows depends on who shares what, and on free places.",
    ),
    "joint_hub": Words(
        "Agencies sit together, share daily what they see, and have a team for the children, as in Greenwich and Greater Manchester.",
        "Police, social care, health and education of an area, in one office.",
        "Every child about whom one of the agencies holds a sign of exploitation.",
        "What one agency knows, all know within days; the team that helps children to get out has more places.",
    ),
    "key_worker": Words(
        "One person who stays, for a child who is exploited or often missing.",
        "Key workers of the authority or of a charity, with few children each.",
        "A child on the day it is identified, or who comes back from at least its third time missing.",
        "The worker leaves less often and is trusted sooner. A child who trusts somebody says more, goes missing less, and gets out more easily.",
    ),
    "line_disruption": Words(
        "Police close more lines, sooner.",
        "The police, in the towns where lines deal.",
        "Lines, not children.",
        "Lines run for a shorter time. They may be replaced, move elsewhere, or look for children whom nobody knows yet.",
    ),
    "managed_placement": Words(
        "When a child is placed in another area, that area is told before, and the child keeps its worker.",
        "The placing authority, the host authority and its police, and the child's social worker.",
        "A child placed outside its authority, from that day on.",
        "How often it goes missing there, how long the placement lasts, and whether a move means a new worker.",
    ),
    "national_guidance": Words(
        "All places do what the better ones do.",
        "Government writes it; authorities and forces adopt it.",
        "Every authority, most where practice was below the common level.",
        "Sharing, offers of return interviews, responses of police and recording move up to the common level where they were below it.",
    ),
    "relocation": Words(
        "An identified child is deliberately moved to a placement far from home.",
        "Social workers and placement teams; the carers who take the child.",
        "A looked-after child who is known to be exploited and lives within twenty miles of home.",
        "Contact with the line, going missing, and how easily others find the child where it now lives; each may get better, worse, or stay. The move needs a "
        "bed, may be refused, and takes the bed from somebody else.",
    ),
    "return_interviews": Words(
        "More return interviews, within 72 hours, by somebody independent, and what is learnt is shared.",
        "Independent interviewers, commissioned by the authority.",
        "A child who comes back from a recorded time missing, and whom nobody would have offered an interview.",
        "The next time missing, for some weeks; and what the child says is known to all agencies soon.",
    ),
    "safeguarding_response": Words(
        "Police who meet an exploited child treat it as a victim.",
        "Police officers, with social care to refer to.",
        "A child whom police meet while it works for a line.",
        "Fewer arrests, less seized that becomes the child's debt, trust that is not lost, and a referral to those who help.",
    ),
    "sexual_exploitation_support": Words(
        "A specialist worker for sexually exploited children.",
        "Specialist workers, mostly of charities.",
        "A child on the day it is recognised as sexually exploited.",
        "Getting out, and being away with those who exploit it, for the time of the support.",
    ),
    "shared_data": Words(
        "The agencies of an area regularly pool what they record about missing and exploited children.",
        "Analysts of police, social care, education and health.",
        "Every child about whom one of the agencies holds a sign of exploitation.",
        "What one agency knows, all know at the next exchange, weeks later than in a hub. More absences are recorded: look at the true number beside the recorded one.",
    ),
    "specialist_foster": Words(
        "Foster carers trained and supported for exploited children and those who go missing often.",
        "Foster carers who are trained, paid and supported for it; some come from ordinary fostering.",
        "A looked-after child who is known to be exploited or often missing, if a bed is free and the carers say yes.",
        "How often it goes missing while it lives there, and whether it gets out.",
    ),
}
"""A policy that is not here is told by the first sentence of its file."""

LABELS = {
    "coverage": "How much of it is reached", "fidelity": "How well it is done", "cost": "What it costs", "places": "Places", "within": "Time until all know",
    "going_missing": "Times as often missing", "getting_out": "Times as likely to get out", "contact": "Times as much contact", "months": "How long it lasts",
    "stays": "Times as often a worker leaves", "trusted_sooner": "Times as soon trusted", "sees": "Times as often a sign is seen", "sooner": "Times as soon closed",
    "capacity": "At most so many times as many closures", "breakdown": "Times as often the placement breaks down", "worker_kept": "Keep their worker",
    "moves_a_year": "Moves that can be arranged", "being_found": "Times as easily found by others", "line_follows": "The line keeps its hold",
    "extra_week": "What it costs more", "next_episode": "Times as often missing again", "lasting": "How long that lasts", "shared_within": "Time until all know",
    "interviewers": "More interviewers", "recording": "Recording closes the gap by", "beds": "Beds", "from_pool": "Beds taken from ordinary fostering",
    "set_up": "What a bed costs once", "episodes": "Times missing before it is offered", "training_days": "Time until all are trained",
    "arrangements": "Moves that can be arranged", "days": "Time until it is followed", "direct": "Published effects instead of trust",
}  # fmt: skip


@cache
def every_card() -> list[dict[str, Any]]:
    """A card for every policy, as the page shows it."""
    return [card(kind) for kind in every_policy().values()]


def card(kind: type[Policy]) -> dict[str, Any]:
    """One policy, with a slider for each of its declared numbers."""
    return {
        "name": kind.name, "policy": kind.name, "title": kind.title, **in_plain_words(kind)._asdict(), "evidence": kind.evidence, "grade": kind.grade,
        "sliders": [slider(parameter) for parameter in kind.declares.declared.values()],
    }  # fmt: skip


def in_plain_words(kind: type[Policy]) -> Words:
    """What is written here of a policy; of a new one, the first sentence of its file."""
    first = " ".join((inspect.getdoc(sys.modules[kind.__module__]) or kind.title).split()).partition(". ")[0].rstrip(".")
    return PLAIN.get(kind.name) or Words(f"{first}.", "The services of the authority.", "", "")


def slider(parameter: Parameter) -> dict[str, Any]:
    """A number that can be set, with its range, its unit and its evidence."""
    low, high = parameter.between
    whole = isinstance(parameter.value, int)
    return {
        "name": parameter.name, "label": LABELS.get(parameter.name, parameter.name.replace("_", " ").capitalize()), "unit": parameter.unit, "whole": whole,
        "low": low, "high": high, "value": parameter.value, "step": max(1, round(step_of(high - low))) if whole else step_of(high - low),
        "evidence": describe(parameter),
    }  # fmt: skip


def step_of(span: float) -> float:
    """About a hundredth of a range, as 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(span / 100.0))
    return float(f"{next(times * power for times in (1, 2, 5, 10) if times * power >= span / 100.0 * 0.999):.3g}")
