"""The answer of a study in a few plain sentences: what each policy does to the first measure, how sure that is, and which inputs decide it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from experiments import wording
from experiments.analyses.answers import Answers
from experiments.analyses.effects import mean_interval
from experiments.analyses.outcomes import DUMMY
from experiments.analyses.sensitivity import LOW_POWER, NOTHING, Sensitivity
from experiments.studies.sweeps import OF_POLICIES
from sim import every_parameter
from sim.policies import every_policy

MOST = 5  # inputs that are named


def in_short(frame: pd.DataFrame, found: Sequence[Answers]) -> list[str]:
    """A paragraph for each policy, about the first of the measures (about its level where nothing is compared); then how little so few draws can tell."""
    there = [each for each in found if each.outcome.measure == found[0].outcome.measure] if found else []
    told = [each for each in there if each.outcome.is_difference] or there
    one_at_a_time = frame.attrs.get("design") == "one_at_a_time"
    paragraphs = [" ".join(_of(each, titles(frame), one_at_a_time)) for each in told]
    notes = [note for each in told for found_by in _main(each) for note in found_by.notes if note.startswith(LOW_POWER)]
    return [*paragraphs, *dict.fromkeys(notes)]


def titles(frame: pd.DataFrame) -> dict[str, str]:
    """Every scenario as one says it, by its name: "More interviews (interviews)"."""
    told: Mapping[str, Any] = frame.attrs.get("scenarios", {})
    by_name = {name: told.get(name, {}).get("title", name) for name in frame["scenario"].unique()}
    return {name: name if title == name else f"{title} ({name})" for name, title in by_name.items()}


def _of(each: Answers, called: Mapping[str, str], one_at_a_time: bool) -> Iterator[str]:
    outcome = each.outcome
    title, measure = called.get(outcome.scenario, outcome.scenario), outcome.measure
    if each.difference is not None:
        yield f"{title}, against {called.get(outcome.comparator, outcome.comparator)}: {wording.answer(measure, each.difference.effect)}"
    elif each.responses:
        yield f"{title}: {_chosen(each, one_at_a_time)}"
    elif outcome.rows.empty:
        yield f"{title}: nothing can be said of {measure.label}, as no run has a value."
    elif not outcome.is_difference:
        mean = mean_interval(outcome.rows.groupby("draw")["value"].mean().to_numpy())
        yield f"{title}: {measure.label} is {wording.figure(mean.value, measure.unit)} on average over {wording.count(outcome.rows['draw'].nunique(), 'draw')}; nothing is compared with it."
    if _main(each):
        yield _decides(each)


def _main(each: Answers) -> list[Sensitivity]:
    """What the first method of the design says, under each of the structures in which the outcome varies."""
    return [found for _, found in each.sensitivity if found.method == each.sensitivity[0][1].method and NOTHING not in found.notes]


def _decides(each: Answers) -> str:
    """Which inputs matter, under any of the structures."""
    main = _main(each)
    matter = list(dict.fromkeys(name for found in main for name in found.ordered if found.named(found.main)[name].beats_dummy))
    inputs = len({index.input for found in main for index in found.indices} - {DUMMY})
    if matter:
        more = f"; and {len(matter) - MOST} more" if len(matter) > MOST else ""
        return f"What decides this most, of {wording.count(inputs, 'uncertain input')}: {'; '.join(input_in_words(name) for name in matter[:MOST])}{more}."
    return f"None of {wording.count(inputs, 'uncertain input')} can be told from one that does nothing."


def _chosen(each: Answers, one_at_a_time: bool) -> str:
    """What the values that a study chose give: from where to where, and at how many of them there is a change."""
    measure, values = each.outcome.measure, [response.interval.value for response in each.responses]
    told = sum(response.interval.excludes_nothing for response in each.responses)
    if each.outcome.is_difference or one_at_a_time:
        what = "what one input at a time changes" if one_at_a_time else f"the change against {each.outcome.comparator}"
        ends = f"{wording.change(min(values), measure.unit)} to {wording.change(max(values), measure.unit)}"
        return f"{measure.label}, {what}, is {ends} at the values that the study chose; it can be told from no change at {told} of {len(values)}."
    return f"{measure.label} is {wording.figure(min(values), measure.unit)} to {wording.figure(max(values), measure.unit)} at the values that the study chose."


def input_in_words(address: str) -> str:
    """An input as one says it, with what is declared of it: "missing, at home (over conflict, at 13-14; missing.at_home)"."""
    group, _, name = address.rpartition(".")
    declared = {each.address: each for each in every_parameter()}.get(address)
    policy = every_policy().get(group.removeprefix(OF_POLICIES)) if group.startswith(OF_POLICIES) else None
    if declared is None:
        return address
    of = policy.title if policy else group.replace("_", " ")
    return f"{of}, {name.replace('_', ' ')} ({declared.doc.rstrip('.') or declared.unit}; {address})"
