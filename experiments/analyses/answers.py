"""All that a study's design allows to be asked of each outcome, asked; and what cannot be asked, said.

A difference, the split of variance, convergence, scenario discovery and feature scores rest on draws that are independent of one
another: of Morris trajectories the first point of each is taken, of a Sobol design the two independent ones of each block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pandas as pd

from experiments.analyses import convergence as converging
from experiments.analyses import differences, discovery, sensitivity
from experiments.analyses import responses as responding
from experiments.analyses import split as splitting
from experiments.analyses.convergence import Convergence
from experiments.analyses.differences import Difference
from experiments.analyses.discovery import Box, Score
from experiments.analyses.outcomes import AS_DECLARED, Design, Outcome, design_of, level, measures_of, outcomes
from experiments.analyses.responses import Response
from experiments.analyses.sensitivity import Sensitivity
from experiments.analyses.split import Split
from sim.errors import InputError

Rows = list[dict[str, Any]]


@dataclass
class Answers:
    """What a study says of one outcome; what its design does not allow is not there, and why is `said`."""

    outcome: Outcome
    difference: Difference | None = None
    split: Split | None = None
    sensitivity: list[tuple[str, Sensitivity]] = field(default_factory=list)
    box: Box | None = None
    scores: list[Score] = field(default_factory=list)
    convergence: Convergence | None = None
    responses: list[Response] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def ask(self, question: Callable[[], Any]) -> Any:
        """The answer, or None where there are too few runs for it, which is said."""
        try:
            return question()
        except InputError as refusal:
            self.said.append(str(refusal))
            return None


def answers(
    frame: pd.DataFrame, measures: Sequence[str] = (), scenarios: Sequence[str] = (), wanted: Sequence[float] = (), tell: Callable[[str], None] = lambda what: None
) -> Iterator[Answers]:
    """For each outcome of a frame all that can be said. `wanted` are differences of which to say how many pairs find them.

    Raises InputError for a measure or scenario that the study lacks.
    """
    design = design_of(frame)
    few = frame[frame["draw"].isin(design.independent)]
    few.attrs = frame.attrs
    for outcome in outcomes(frame, measures_of(frame, measures), scenarios):
        tell(outcome.label)
        yield _of(frame, few, outcome, design, wanted)


def _of(frame: pd.DataFrame, few: pd.DataFrame, outcome: Outcome, design: Design, wanted: Sequence[float]) -> Answers:
    found = Answers(outcome)
    if outcome.rows.empty:
        found.said.append(f"{outcome.label}: no run has a value.")
        return found
    if not design.is_sample:
        found.responses = responding.responses(frame, outcome)
        return found
    independent = replace(outcome, rows=outcome.rows[outcome.rows["draw"].isin(design.independent)])
    found.split = found.ask(lambda: splitting.split(independent))
    if outcome.is_difference:
        comparator = level(few, outcome.measure, outcome.comparator)
        found.difference = found.ask(lambda: differences.paired(independent, comparator))
        found.convergence = found.ask(lambda: converging.convergence(independent, comparator, wanted))
    for structure in outcome.structures:
        by_method = [found.ask(partial(sensitivity.ask, method, outcome.under(structure), design)) for method in sensitivity.methods(design)]
        found.sensitivity += [(structure, each) for each in by_method if each is not None]
    if len(independent.rows.groupby(["structure", "draw"])) >= discovery.ENOUGH:
        found.box = found.ask(lambda: discovery.discover(few, independent))
        found.scores = found.ask(lambda: discovery.scores(few, independent)) or []
    else:
        found.said.append(f"{outcome.label}: too few independent draws to look for where it turns, and for what tells; {discovery.ENOUGH} are needed.")
    return found


# -- as tables -----------------------------------------------------------------------------------------------------------------


def tables(found: Sequence[Answers]) -> dict[str, Rows]:
    """Everything found, a table for each analysis that was done; a row says which outcome it is about."""
    made = {name: [each.outcome.columns | row for each in found for row in rows(each)] for name, rows in ROWS.items()}
    return {name: rows for name, rows in made.items() if rows}


def _differences(each: Answers) -> Iterator[dict[str, Any]]:
    if each.difference is not None:
        effect, bootstrap = each.difference.effect, each.difference.bootstrap
        yield {
            "pairs": effect.pairs, "draws": effect.draws, "comparator_mean": effect.comparator, "difference": effect.difference.value,
            "low_95": effect.difference.low, "high_95": effect.difference.high, "bootstrap_low_95": bootstrap.low,
            "bootstrap_high_95": bootstrap.high, "per_cent": effect.per_cent.value, "draws_worse": effect.harm.worse if effect.harm else None,
        }  # fmt: skip


def _split(each: Answers) -> Iterator[dict[str, Any]]:
    for part in each.split.parts if each.split else ():
        yield {"part": part.name, "variance": part.variance, "share": part.share.value, "low_95": part.share.low, "high_95": part.share.high}


def _sensitivity(each: Answers) -> Iterator[dict[str, Any]]:
    for structure, found in each.sensitivity:
        for row in found.table().to_dict("records"):
            yield {"structure": structure, "points": found.points, **row}


def _boxes(each: Answers) -> Iterator[dict[str, Any]]:
    if each.box is None:
        return
    box = {"of_interest": each.box.of_interest, "share": each.box.share, "coverage": each.box.coverage, "density": each.box.density, "mass": each.box.mass}
    for limit in each.box.limits:
        yield box | {
            "input": limit.input, "inside": discovery.range_in_words(limit.inside), "drawn": discovery.range_in_words(limit.whole),
            "quasi_p": limit.quasi_p, "is_believed": limit.is_believed,
        }  # fmt: skip


def _scores(each: Answers) -> Iterator[dict[str, Any]]:
    for score in each.scores:
        yield {"input": score.input, "score": score.score.value, "least": score.score.low, "greatest": score.score.high, "beats_dummy": score.beats_dummy}


def _convergence(each: Answers) -> Iterator[dict[str, Any]]:
    found = each.convergence
    for needed in found.needed if found else ():
        assert found is not None
        yield {
            "difference": needed.difference, "per_cent": needed.per_cent, "pairs": needed.pairs, "pairs_at_most": needed.at_most,
            "deviation": found.deviation.value, "deviation_high_95": found.deviation.high, "part_of_chance": found.part_of_chance,
            "pilot_pairs": found.pairs, "pilot_draws": found.draws,
        }  # fmt: skip


def _responses(each: Answers) -> Iterator[dict[str, Any]]:
    for response in each.responses:
        structure = {} if response.structure == AS_DECLARED else {"structure": response.structure}
        inputs = ", ".join(f"{name} {value:g}" for name, value in response.values.items())
        yield {
            **structure, "inputs": inputs, "seeds": response.seeds, "value": response.interval.value, "low_95": response.interval.low,
            "high_95": response.interval.high,
        }  # fmt: skip


ROWS: dict[str, Callable[[Answers], Iterator[dict[str, Any]]]] = {
    "differences": _differences, "split": _split, "sensitivity": _sensitivity, "boxes": _boxes, "scores": _scores,
    "convergence": _convergence, "responses": _responses,
}  # fmt: skip
"""The analyses, by the name of their table, and how each makes its rows."""
