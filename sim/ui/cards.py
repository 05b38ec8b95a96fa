"""Policies as cards in plain words: what it is, who does it, for whom, what the evidence is, and a slider for each declared number."""

from __future__ import annotations

import inspect
import math
import re
import sys
from functools import cache
from typing import Any

from sim.parameters import Parameter
from sim.policies import Policy, every_policy
from sim.ui.evidence import describe

WHO_DOES_IT = {
    "early_identification": "Trainers; police, social workers, teachers and hospital staff who are trained.",
    "joint_hub": "Police, social care, health and education of an area, in one office.",
    "key_worker": "Key workers of the authority or of a charity, with few children each.",
    "line_disruption": "The police, in the towns where lines deal.",
    "managed_placement": "The placing authority, the host authority and its police, and the child's social worker.",
    "national_guidance": "Government writes it; authorities and forces adopt it.",
    "relocation": "Social workers and placement teams; the carers who take the child.",
    "return_interviews": "Independent interviewers, commissioned by the authority.",
    "safeguarding_response": "Police officers, with social care to refer to.",
    "sexual_exploitation_support": "Specialist workers, mostly of charities.",
    "shared_data": "Analysts of police, social care, education and health.",
    "specialist_foster": "Foster carers who are trained, paid and supported for it.",
}
"""In plain words; a policy that is not here says so itself."""

SAID = re.compile(r"\*(\w+)\*(?:, by default)?[:,] (.*?)(?=(?: \*\w+\*(?:, by default)?[:,] )|$)", re.DOTALL)
BY_THE_CODE = re.compile(r"\s*\((?:[A-Z]\d{3}\b[^)]*|`[^`]*`)\)|`|\*")


@cache
def every_card() -> list[dict[str, Any]]:
    """A card for every policy, as the page shows it."""
    return [card(kind) for kind in every_policy().values()]


def card(kind: type[Policy]) -> dict[str, Any]:
    """One policy: its words come from the head of its file, its sliders from its declared numbers."""
    what, said = in_plain_words(inspect.getdoc(sys.modules[kind.__module__]) or kind.title)
    return {
        "name": kind.name, "policy": kind.name, "title": kind.title, "what": what, "who": WHO_DOES_IT.get(kind.name, "The services of the authority."),
        "for_whom": said.get("Eligible", ""), "reaches": said.get("Reaches", ""), "changes": said.get("Changes", ""),
        "recording": said.get("Recording", ""), "evidence": kind.evidence, "grade": kind.grade,
        "sliders": [slider(parameter) for parameter in kind.declares.declared.values()],
    }  # fmt: skip


def in_plain_words(head: str) -> tuple[str, dict[str, str]]:
    """The first sentence of a policy's file, and what it says of those eligible, reached and changed."""
    text = " ".join(head.split())
    first, _, rest = text.partition(". *")
    if not rest:
        first, _, rest = text.partition(". ")
    said = {name: _sentence(words) for name, words in SAID.findall(f"*{rest}" if not rest.startswith("*") else rest)}
    return _sentence(first.partition(": ")[2] or first), said


def _sentence(words: str) -> str:
    """Words as one or more sentences, without what is meant for readers of the code."""
    words = BY_THE_CODE.sub("", words).strip().rstrip(".")
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def slider(parameter: Parameter) -> dict[str, Any]:
    """A number that can be set, with its range, its unit and its evidence."""
    low, high = parameter.between
    whole = isinstance(parameter.value, int)
    told = describe(parameter)
    return {
        "name": parameter.name, "label": parameter.name.replace("_", " ").capitalize(), "whole": whole, "unit": told["unit"],
        "low": low, "high": high, "value": parameter.value, "evidence": told,
        "step": max(1, round(step_of(high - low))) if whole else step_of(high - low),
    }  # fmt: skip


def step_of(span: float) -> float:
    """About a hundredth of a range, as 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(span / 100.0))
    return float(f"{next(times * power for times in (1, 2, 5, 10) if times * power >= span / 100.0 * 0.999):.3g}")
