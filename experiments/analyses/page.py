"""The page of an analysis: for reading, in the manner of the report of a comparison; needs no other file and asks nothing of a network."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

import sim
from experiments import wording
from experiments.analyses import in_short
from experiments.analyses.answers import Answers
from experiments.analyses.convergence import Convergence, pairs_in_words
from experiments.analyses.discovery import range_in_words
from experiments.analyses.effects import Interval
from experiments.analyses.outcomes import DUMMY, design_of, scenarios_of
from experiments.analyses.sensitivity import Index, Sensitivity
from experiments.reports import charts
from experiments.reports.charts import Chart, Row, Table
from experiments.reports.report import environment, finished, paragraphs, said_source, style
from sim import every_parameter
from sim.runs import commit

SHOWN, ALSO = 12, 3  # inputs in a picture, at most, and how many that do not matter; the table below it has all
MOST_ROWS = 200  # draws of a grid or list that the page shows
DESIGNS = {
    "sobol": "Saltelli’s design on a Sobol sequence", "morris": "Morris trajectories", "latin_hypercube": "Latin hypercube", "grid": "grid",
    "one_at_a_time": "one input at a time", "list": "list of draws",
}  # fmt: skip
TOLD = ("differences", "split", "sensitivity", "discovery", "convergence", "responses")
SOURCE = "Source: the runs of this study."


def write(frame: pd.DataFrame, found: Sequence[Answers], answer: Sequence[str], failed: int, command: str) -> str:
    """The page as HTML; `answer` is what it comes to in a few sentences."""
    design, called = design_of(frame), in_short.titles(frame)
    return finished(
        environment().get_template("analysis.html").render(
            css=style(),
            study=frame.attrs.get("title") or frame.attrs.get("study", ""),
            why=" ".join(frame.attrs.get("why", "").split()),
            about=frame.attrs.get("about", ""),
            design=DESIGNS.get(design.kind, design.kind),
            draws=frame["draw"].nunique(),
            inputs=len(design.inputs) - (design.dummy is not None),
            seeds=_seeds(frame),
            runs=len(frame),
            scenarios=[called.get(name, name) for name in scenarios_of(frame)],
            answer=answer,
            missing=frame.attrs.get("missing", 0),
            failed=failed,
            said=list(dict.fromkeys(sentence for each in found for sentence in each.said)),
            forests=list(_forests(found)),
            differences=[_difference(each) for each in found if each.difference],
            splits=_splits(found),
            split_rows=[_split(each) for each in found if each.split],
            split_notes=list(dict.fromkeys(note for each in found if each.split for note in each.split.notes)),
            sensitivities=[
                (each.outcome.label, [_sensitivity(each, structure, one, f"{at}-{k}") for k, (structure, one) in enumerate(each.sensitivity)])
                for at, each in enumerate(found) if each.sensitivity
            ],
            boxes=[_box(each) for each in found if each.box],
            scores=[_scores(each, at) for at, each in enumerate(found) if each.scores],
            convergences=[_convergence(each, each.convergence, at) for at, each in enumerate(found) if each.convergence],
            responses=[_responses(each) for each in found if each.responses],
            declared=list(_declared(frame)),
            told=[(name, paragraphs(importlib.import_module(f"experiments.analyses.{name}").__doc__ or "")) for name in _told(found)],
            version=sim.__version__,
            commit=commit(),
            command=command,
            measures=[(each.measure.label, each.measure.unit, each.measure.definition) for each in {one.outcome.measure.name: one.outcome for one in found}.values()],
        )
    )  # fmt: skip


def _seeds(frame: pd.DataFrame) -> str:
    """How many seeds a draw has."""
    number = frame.groupby("draw")["seed"].nunique()
    return str(number.min()) if number.min() == number.max() else f"{number.min()} to {number.max()}"


def _told(found: Sequence[Answers]) -> list[str]:
    """The analyses that were done, whose explanations the page has."""
    there = {
        "differences": any(each.difference for each in found), "split": any(each.split for each in found),
        "sensitivity": any(each.sensitivity for each in found), "discovery": any(each.box or each.scores for each in found),
        "convergence": any(each.convergence for each in found), "responses": any(each.responses for each in found),
    }  # fmt: skip
    return [name for name in TOLD if there[name]]


# -- differences -----------------------------------------------------------------------------------------------------------


def _difference(each: Answers) -> dict[str, Any]:
    assert each.difference is not None
    effect, unit = each.difference.effect, each.outcome.measure.unit
    return {
        "label": each.outcome.label, "comparator": wording.figure(effect.comparator, unit), "change": wording.change(effect.difference.value, unit),
        "span": wording.span(effect.difference, unit), "bootstrap": wording.span(each.difference.bootstrap, unit),
        "per_cent": wording.per_cent(effect.per_cent.value), "harm": wording.harm(effect.harm), "is_separable": effect.is_separable,
    }  # fmt: skip


def _forests(found: Sequence[Answers]) -> Iterator[Chart]:
    """One picture for each measure: what each policy changes."""
    measures = dict.fromkeys(each.outcome.measure.name for each in found if each.difference)
    for at, name in enumerate(measures):
        of_measure = [each for each in found if each.difference and each.outcome.measure.name == name]
        measure = of_measure[0].outcome.measure
        factor, unit = wording.in_table(measure.unit)
        rows = [Row(each.outcome.scenario, each.difference.effect.difference.times(factor), each.difference.effect.is_separable) for each in of_measure if each.difference]
        cells = [_difference(each) for each in of_measure]
        table = Table(
            measure.label, ("Scenario", "Difference", "95 %, t", "95 %, bootstrap", "Worse in draws"),
            tuple((each.outcome.scenario, cell["change"], cell["span"], cell["bootstrap"], cell["harm"]) for each, cell in zip(of_measure, cells, strict=True)),
        )  # fmt: skip
        title = f"{_capital(measure.label)}: difference from {of_measure[0].outcome.comparator}"
        caption = f"Mean over draws and 95 % t interval; filled where it excludes no change. {SOURCE}"
        yield charts.differences(f"difference-{at}", title, unit, f"{title} [{unit}]. {caption}", caption, rows, table)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# -- split -----------------------------------------------------------------------------------------------------------------


def _split(each: Answers) -> dict[str, Any]:
    assert each.split is not None
    return {"label": each.outcome.label, "draws": each.split.draws, "structures": each.split.structures, "shares": [_share(part.share) for part in each.split.parts]}


def _share(share: Interval) -> str:
    ends = "" if math.isnan(share.low) else f" ({wording.share(share.low)} to {wording.share(share.high)})"
    return wording.share(share.value) + ends


def _splits(found: Sequence[Answers]) -> Chart | None:
    """Bars of the shares of structure, parameters and chance."""
    rows = [(each.outcome.label, [part.share.value for part in each.split.parts]) for each in found if each.split]
    if not rows:
        return None
    title = "What the variance of a run is made of"
    table = Table(title, ("Outcome", "Structure", "Parameters", "Chance"), tuple((each.outcome.label, *_split(each)["shares"]) for each in found if each.split))
    names = ("structure", "parameters", "chance")
    return charts.parts("split", title, "per cent of the variance", f"{title}, one bar for each outcome. {SOURCE}", SOURCE, rows, names, table)


# -- sensitivity -----------------------------------------------------------------------------------------------------------


def _sensitivity(each: Answers, structure: str, found: Sensitivity, number: str) -> dict[str, Any]:
    method = found.method + (f", {structure}" if len(each.outcome.structures) > 1 else "")
    title = f"{method}: {each.outcome.label}"
    unit = {"Morris": each.outcome.measure.unit, "Sobol": "share of the variance"}.get(found.method, "distance, 0 to 1")
    by_name = {name: found.named(name) for name in dict.fromkeys(index.name for index in found.indices)}
    main, ordered = by_name[found.main], found.ordered
    matter = [name for name in ordered if main[name].beats_dummy]
    shown = [name for name in ordered if name != DUMMY][: min(SHOWN, len(matter) + ALSO)] + [name for name in ordered if name == DUMMY]
    head = ("Input", *(label for name in by_name for label in (_capital(name), "95 %", "raw")))
    cells = tuple((name, *(cell for indices in by_name.values() for cell in _index(indices[name]))) for name in ordered)
    quiet = frozenset(k for k, name in enumerate(ordered) if not main[name].beats_dummy)
    band = ", whose interval is the band" if DUMMY in main else ""
    caption = f"{_capital(found.main)} with its 95 % bootstrap interval; grey: not distinguishable from an input that does nothing{band}. {SOURCE}"
    rows = [Row(name, main[name].best, main[name].beats_dummy) for name in shown]
    inert = main[DUMMY].best if DUMMY in main else None
    chart = charts.ranked(
        f"sensitivity-{number}", title, f"{found.main} [{unit}]", f"{title} [{unit}]. {caption}", caption, rows, Table(title, head, cells, quiet), inert
    )  # fmt: skip
    return {
        "method": method, "chart": chart, "matter": matter, "inputs": len(main) - (DUMMY in main), "points": found.points,
        "left_out": found.left_out, "notes": found.notes,
    }  # fmt: skip


def _index(index: Index) -> tuple[str, str, str]:
    best = index.best
    ends = wording.UNKNOWN if math.isnan(best.low) else f"{wording.number(best.low)} to {wording.number(best.high)}"
    return wording.number(best.value), ends, wording.number(index.raw.value) if index.corrected else ""


# -- discovery -------------------------------------------------------------------------------------------------------------


def _box(each: Answers) -> dict[str, Any]:
    assert each.box is not None
    limits = [
        {
            "input": limit.input, "span": range_in_words(limit.inside), "whole": range_in_words(limit.whole),
            "quasi_p": f"{limit.quasi_p:.2g}", "is_believed": limit.is_believed,
        }
        for limit in each.box.limits
    ]  # fmt: skip
    return {"label": each.outcome.label, "sentence": each.box.in_words(each.outcome.label), "limits": limits, "box": each.box}


def _scores(each: Answers, at: int) -> dict[str, Any]:
    ordered = each.scores
    title = f"Feature scores, {each.outcome.label}"
    matter = sum(score.beats_dummy for score in ordered)
    shown = [score for score in ordered if score.input != DUMMY][: min(SHOWN, matter + ALSO)] + [score for score in ordered if score.input == DUMMY]
    caption = f"Mean of ten forests, least to greatest; grey: not distinguishable from an input that does nothing. {SOURCE}"
    table = Table(
        title, ("Input", "Score", "Least to greatest"),
        tuple((score.input, wording.number(score.score.value), f"{wording.number(score.score.low)} to {wording.number(score.score.high)}") for score in ordered),
        frozenset(k for k, score in enumerate(ordered) if not score.beats_dummy),
    )  # fmt: skip
    rows = [Row(score.input, score.score, score.beats_dummy) for score in shown]
    return {"chart": charts.ranked(f"scores-{at}", title, "share of what the forest can tell", f"{title}. {caption}", caption, rows, table)}


# -- convergence -----------------------------------------------------------------------------------------------------------


def _convergence(each: Answers, found: Convergence, at: int) -> dict[str, Any]:
    factor, unit = wording.in_table(each.outcome.measure.unit)
    title = f"{_capital(each.outcome.label)}, by draws counted"
    steps = list(range(2, len(found.course) + 2))
    points = [point.times(factor) for point in found.course]
    caption = f"The mean difference and its 95 % t interval after so many draws, in the study’s order. {SOURCE}"
    kept = sorted({2, len(steps) + 1, *(2**k for k in range(2, 20) if 2**k <= len(steps) + 1)})
    table = Table(title, ("Draws", "Difference", "95 %"), tuple((str(n), wording.change(points[n - 2].value, ""), wording.span(points[n - 2], "")) for n in kept))
    chart = charts.course(f"course-{at}", title, unit, "draws", f"{title} [{unit}]. {caption}", caption, steps, points, table)
    rows = [
        (wording.figure(needed.difference, each.outcome.measure.unit), f"{wording.number(needed.per_cent)} %", pairs_in_words(needed.pairs), pairs_in_words(needed.at_most))
        for needed in found.needed
    ]  # fmt: skip
    return {
        "label": each.outcome.label, "rows": rows, "chart": chart, "deviation": wording.figure(found.deviation.value, each.outcome.measure.unit),
        "chance": wording.share(found.part_of_chance), "pairs": found.pairs, "draws": found.draws,
    }  # fmt: skip


# -- responses -------------------------------------------------------------------------------------------------------------


def _responses(each: Answers) -> dict[str, Any]:
    names = list(dict.fromkeys(name for response in each.responses for name in response.values if name != DUMMY))
    change = any(not set(names) <= set(response.values) for response in each.responses)  # each names the one input that it changes
    unit = each.outcome.measure.unit
    rows = [
        {
            "inputs": "; ".join(f"{name} {wording.number(value)}" for name, value in response.values.items() if name != DUMMY) or "the input that does nothing",
            "structure": response.structure, "seeds": response.seeds,
            "value": wording.change(response.interval.value, unit) if change or each.outcome.is_difference else wording.figure(response.interval.value, unit),
            "span": wording.span(response.interval, unit), "is_separable": response.interval.excludes_nothing,
        }
        for response in each.responses
    ]  # fmt: skip
    return {
        "label": each.outcome.label, "rows": rows[:MOST_ROWS], "left_out": max(0, len(rows) - MOST_ROWS),
        "has_structures": len(each.outcome.structures) > 1, "is_change": change,
    }  # fmt: skip


# -- what it rests on ------------------------------------------------------------------------------------------------------


def _declared(frame: pd.DataFrame) -> Iterator[dict[str, str]]:
    """What each input is, with its unit, what the study drew, and its source."""
    parameters = {each.address: each for each in every_parameter()}
    for name, (low, high) in frame.attrs["inputs"].items():
        if name == DUMMY or name not in parameters:
            continue
        each = parameters[name]
        yield {
            "name": name, "unit": each.unit, "range": f"{wording.number(low)} to {wording.number(high)}", "doc": each.doc,
            "source": said_source(each),
        }  # fmt: skip
