"""The report: one page for somebody who decides about policy, which needs no other file and asks nothing of a network.

What it says is made from the figures (see `wording`); how it looks is `templates/report.html` and `report.css`.
"""

from __future__ import annotations

import html
import math
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jinja2

from experiments import wording
from experiments.analyses.effects import Effect, Interval, share_interval
from experiments.measures import COST_BY_PAYER, HEADLINES, Measure, every_measure, named
from experiments.measures.story import Window
from experiments.published.targets import Target, every_target
from experiments.reports import charts
from experiments.reports.avoided import FOR_EACH, ForEach
from experiments.reports.charts import Chart, Line, Row, Table
from experiments.reports.findings import Findings
from experiments.running.measuring import CHAIN
from experiments.running.store import Result
from experiments.studies.study import PRESENT_PRACTICE, Study
from sim import Scenario, every_policy
from sim.costs import PAYERS
from sim.dates import date_of
from sim.model import resolve
from sim.parameters import Parameter, Parameters
from sim.sources import Source
from sim.sources import resolve as sources_of

TEMPLATES = Path(__file__).parent / "templates"
COURSES = ("children_missing", "children_missing_police", "children_missing_authority", "children_recruited", "children_on_lines")
"""The measures that the report draws month by month."""
HEADS = {
    "children_missing": "Going missing (true)", "children_missing_police": "Going missing (police record)",
    "children_missing_authority": "Going missing (authority’s record, looked after)", "days_missing": "Days missing (true)",
    "children_recruited": "Recruited to a line", "cost": "Cost to all payers",
}  # fmt: skip
"""The headline measures as the heads of a table's columns."""


def write(findings: Findings) -> str:
    """The report as HTML."""
    return finished(environment().get_template("report.html").render(**_context(findings)))


def environment() -> jinja2.Environment:
    """The templates, in which text is always escaped."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    made.filters |= {"people": wording.people, "number": wording.number}
    return made


def style() -> str:
    """How pages look."""
    return (TEMPLATES / "report.css").read_text(encoding="utf-8")


def finished(page: str) -> str:
    """A page whose figures do not part from their units at the end of a line."""
    return re.sub(r"(?<=\d) (?=%|million\b)", "\N{NO-BREAK SPACE}", page.lstrip()).replace("+£", "+\N{WORD JOINER}£").replace("−£", "−\N{WORD JOINER}£")


def _context(findings: Findings) -> dict[str, Any]:
    study = findings.study
    return {
        "css": style(),
        "study": study,
        "facts": findings.facts,
        "place": wording.place(study.world),
        "children": f"{wording.children(study.world):,}",
        "rests_on": wording.replicates(study.number, study.draws, chance_only=study.fixed),
        "years_in_words": _years_in_words(study),
        "none_worse": wording.share(share_interval(0, study.draws).high),
        "summary": [
            wording.summary(named(name), [(each.title, findings.effect(each, named(name))) for each in study.policies]) for name in HEADLINES
        ],
        "answers": [_answer(findings, scenario) for scenario in study.policies],
        "headlines": _headline_table(findings),
        "forests": list(_forests(findings)),
        "policies": _policies(findings),
        "chains": _chains(findings),
        "courses": list(_courses(findings)),
        "differences": [_all_differences(findings, scenario) for scenario in study.policies],
        "by_year": _by_year(findings) if len(study.years) > 1 else None,
        "definitions": [(each.label, each.unit, each.definition) for each in every_measure()],
        "costs": _costs(findings),
        "targets": _targets(findings),
        "assumptions": _assumptions(study),
        "sources": _sources(study),
    }


def _years_in_words(study: Study) -> str:
    years = study.whole.days / 365.25
    if abs(years - round(years)) > 0.01:
        return f"the {study.whole.days} days"
    words = ("", "the year", "the two years", "the three years", "the four years", "the five years")
    return words[round(years)]


# -- the answer ------------------------------------------------------------------------------------------------------------


def _answer(findings: Findings, scenario: Scenario) -> dict[str, Any]:
    study = findings.study
    effects = {name: findings.effect(scenario, named(name)) for name in HEADLINES}
    missing, recruited = effects["children_missing"], effects["children_recruited"]
    return {
        "title": scenario.title,
        "name": scenario.name,
        "findings": [
            (effects[name].is_separable, wording.finding(named(name), effects[name])) for name in HEADLINES
        ],
        "harm": [
            wording.harm_in_words(effect.harm, noun)
            for noun, effect in (("going missing (true)", missing), ("recruitment", recruited))
            if effect.harm
        ],
        "chance": wording.chance_in_words(missing.chance, missing.draws, chance_only=study.fixed),
    }


def _headline_table(findings: Findings) -> dict[str, Any]:
    measures = [named(name) for name in HEADLINES]
    comparator = findings.study.comparator
    return {
        "heads": [(HEADS[each.name], wording.in_table(each.unit)[1]) for each in measures],
        "comparator": [_in_table(findings.level(comparator, each).value, each) for each in measures],
        "rows": [
            (scenario, [_cell(findings.effect(scenario, each), each) for each in measures]) for scenario in findings.study.policies
        ],
    }


def _cell(effect: Effect, measure: Measure) -> dict[str, Any]:
    """What the table says of one effect, in the unit of its head."""
    difference = effect.difference.times(wording.in_table(measure.unit)[0])
    return {
        "change": wording.change(difference.value, ""),
        "is_separable": effect.is_separable,
        "span": wording.span(difference, ""),
        "per_cent": wording.per_cent(effect.per_cent.value),
        "harm": wording.harm(effect.harm),
        "chance": wording.chance(effect.chance),
    }


def _in_table(value: float, measure: Measure) -> str:
    """A level, in the unit of the table's head."""
    return wording.number(value * wording.in_table(measure.unit)[0])


def _forests(findings: Findings) -> Iterator[Chart]:
    for name in HEADLINES:
        yield _forest(findings, named(name))


def _forest(findings: Findings, measure: Measure) -> Chart:
    """One measure: the difference that each scenario makes."""
    factor, unit = _axis(measure)
    effects = [(scenario, findings.effect(scenario, measure)) for scenario in findings.study.policies]
    rows = [Row(scenario.title, effect.difference.times(factor), effect.is_separable) for scenario, effect in effects]
    title = _chart_title(measure)
    caption = "Mean over draws and 95 % interval; filled where it excludes no change. Source: the runs of this study."
    description = f"{title}, difference from {findings.study.comparator.title} over {findings.study.whole.label} [{unit}]. {caption} The figures are in the table below."
    table = Table(
        f"{title}: difference from {findings.study.comparator.title}",
        ("Scenario", "Difference", "95 % interval", "Per cent", "Worse in draws"),
        tuple(
            (scenario.title, cell["change"], cell["span"], cell["per_cent"], cell["harm"])
            for scenario, cell in ((scenario, _cell(effect, measure)) for scenario, effect in effects)
        ),
    )
    return charts.differences(f"difference-{_id(measure.name)}", title, unit, description, caption, rows, table)


def _axis(measure: Measure) -> tuple[float, str]:
    """The unit on an axis, and what to multiply by."""
    if measure.unit.startswith("pounds"):
        return 1e-6, "£ million of 2024/25, difference"
    if measure.unit.startswith("share"):
        return 100.0, "percentage points"
    return 1.0, f"{measure.unit}, difference"


def _chart_title(measure: Measure) -> str:
    return measure.label[0].upper() + measure.label[1:]


def _id(name: str) -> str:
    return name.replace("_", "-")


# -- policies and their chains ---------------------------------------------------------------------------------------------------


def _policies(findings: Findings) -> list[dict[str, Any]]:
    """Each policy of the study once, with what it says of itself."""
    return [
        {
            "title": every_policy()[name].title,
            "grade": every_policy()[name].grade,
            "evidence": every_policy()[name].evidence,
            "text": paragraphs(sys.modules[every_policy()[name].__module__].__doc__ or ""),
        }
        for name in _policy_names(findings.study)
    ]


def _policy_names(study: Study) -> list[str]:
    return list(dict.fromkeys(name for scenario in study.scenarios for name in scenario.policies))


def paragraphs(docstring: str) -> list[str]:
    """The paragraphs of a docstring, with its *emphasis* and `names` as HTML."""
    texts = [html.escape(" ".join(paragraph.split()), quote=False) for paragraph in docstring.strip().split("\n\n")]
    texts = [re.sub(r"\*(\S[^*]*)\*", r"<em>\1</em>", text) for text in texts]
    return [re.sub(r"`([^`]+)`", r"<code>\1</code>", text) for text in texts]


def _chains(findings: Findings) -> list[dict[str, Any]]:
    """For each scenario and policy: how often somebody was eligible, reached, and something changed."""
    rows = []
    for scenario in findings.study.scenarios:
        keys = [run.key for run in findings.study.runs if run.scenario.name == scenario.name and run.key in findings.results]
        for name, use in scenario.policies.items():
            counts = {link: [findings.results[key].values.get(("chain", name, link), math.nan) for key in keys] for link in CHAIN}
            rows.append(
                {
                    "scenario": scenario.title,
                    "policy": every_policy()[name].title,
                    "begins": _date(use.begins) if use.begins is not None else _date(findings.study.whole.first),
                    "links": {link: _range(values) for link, values in counts.items()},
                    "settings": _settings(scenario, name),
                }
            )
    return rows


def _date(day: int) -> str:
    when = date_of(day)
    return f"{when.day} {when:%B %Y}"


def _range(values: Sequence[float]) -> str:
    """A mean with the lowest and the highest."""
    if not values:
        return wording.UNKNOWN
    mean = wording.number(_mean(values))
    return mean if min(values) == max(values) else f"{mean} ({_ends(values)})"


def _ends(values: Sequence[float]) -> str:
    """The lowest and the highest."""
    return f"{wording.number(min(values))} to {wording.number(max(values))}" if len(set(values)) > 1 else wording.UNKNOWN


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _settings(scenario: Scenario, policy: str) -> str:
    """The dose: what is not drawn, such as coverage and capacity."""
    used = resolve(scenario, {})[f"policies.{policy}"]
    return "; ".join(
        f"{name.replace('_', ' ')} {wording.number(getattr(used, name))} {declared.unit}"
        for name, declared in used.declared.items()
        if not declared.is_uncertain
    )


# -- over time -------------------------------------------------------------------------------------------------------------------


def _courses(findings: Findings) -> Iterator[tuple[Chart, Chart]]:
    """For each measure: the levels by month, and the differences by month."""
    for name in COURSES:
        yield _levels_by_month(findings, named(name)), _differences_by_month(findings, named(name))


def _levels_by_month(findings: Findings, measure: Measure) -> Chart:
    study = findings.study
    levels = {each.name: tuple(findings.level(each, measure, month) for month in study.months) for each in study.scenarios}
    title = f"{_chart_title(measure)}, by month"
    table = Table(
        f"{title} ({measure.unit}); for {study.comparator.title} with the lowest and highest replicate",
        ("Month", *(each.title for each in study.scenarios)),
        tuple(
            (
                _month(month),
                _with_range(levels[study.comparator.name][k]),
                *(wording.number(levels[each.name][k].value) for each in study.policies),
            )
            for k, month in enumerate(study.months)
        ),
    )
    caption = "Mean over draws; the ribbon reaches from the comparator’s lowest to its highest replicate. Source: the runs of this study."
    description = f"{title} [{measure.unit}], {study.comparator.title} and {len(study.policies)} other scenarios. {caption} The figures are in the table below."
    lines = [Line(each.title, levels[each.name]) for each in study.policies]
    comparator = Line(study.comparator.title, levels[study.comparator.name])
    return charts.over_time(f"course-{_id(measure.name)}", title, f"{measure.unit} a month" if measure.name != "children_on_lines" else "children, mean of days", description, caption, study.months, comparator, lines, table)  # fmt: skip


def _with_range(level: Interval) -> str:
    return f"{wording.number(level.value)} ({wording.number(level.low)} to {wording.number(level.high)})"


def _differences_by_month(findings: Findings, measure: Measure) -> Chart:
    study = findings.study
    points = {each.name: tuple(findings.effect(each, measure, month).difference for month in study.months) for each in study.policies}
    title = "Difference from the comparator"
    name = f"{_chart_title(measure)}: difference from {study.comparator.title}, by month"
    table = Table(
        f"{name} ({measure.unit}), with 95 % intervals",
        ("Month", *(each.title for each in study.policies)),
        tuple(
            (_month(month), *(f"{wording.change(points[each.name][k].value, '')} ({wording.span(points[each.name][k], '')})" for each in study.policies))
            for k, month in enumerate(study.months)
        ),
    )  # fmt: skip
    caption = "Mean over draws with a ribbon of 95 % intervals, all panels on one scale. Source: the runs of this study."
    description = f"{name}, one panel for each scenario. {caption} The figures are in the table below."
    lines = [Line(each.title, points[each.name]) for each in study.policies]
    return charts.differences_over_time(f"course-difference-{_id(measure.name)}", title, measure.unit, description, caption, study.months, lines, table)


def _month(window: Window) -> str:
    return f"{date_of(window.first):%B %Y}"


# -- all differences ---------------------------------------------------------------------------------------------------------------


def _all_differences(findings: Findings, scenario: Scenario) -> dict[str, Any]:
    rows = []
    for measure in every_measure():
        effect = findings.effect(scenario, measure)
        if effect.pairs and (effect.comparator or effect.scenario or effect.difference.width > 0):
            cell = _cell(effect, measure)
            rows.append({"measure": measure, "comparator": _in_table(effect.comparator, measure), "unit": wording.in_table(measure.unit)[1], "pairs": effect.pairs, **cell})
    return {"scenario": scenario, "rows": rows}


def _by_year(findings: Findings) -> dict[str, Any]:
    measures = [named(name) for name in HEADLINES]
    rows = []
    for scenario in findings.study.policies:
        for year in findings.study.years:
            effects = [(findings.effect(scenario, each, year), each) for each in measures]
            rows.append((scenario.title, year.label, [_cell(effect, each) for effect, each in effects]))
    return {"heads": [(HEADS[each.name], wording.in_table(each.unit)[1]) for each in measures], "rows": rows}


# -- costs -------------------------------------------------------------------------------------------------------------------------


def _costs(findings: Findings) -> dict[str, Any]:
    study = findings.study
    counted = [payer for payer in PAYERS if any(findings.level(each, named(COST_BY_PAYER[payer])).high > 0 for each in study.scenarios)]
    measures = [(payer, named(COST_BY_PAYER[payer])) for payer in counted] + [("all payers", named("cost"))]
    return {
        "not_counted": [payer for payer in PAYERS if payer not in counted],
        "rows": [
            (
                payer,
                _in_table(findings.level(study.comparator, measure).value, measure),
                [_cell(findings.effect(scenario, measure), measure) for scenario in study.policies],
            )
            for payer, measure in measures
        ],
        "for_each": [(each, [_for_each(findings, scenario, each) for scenario in study.policies]) for each in FOR_EACH],
        "charts": [_forest(findings, measure) for _, measure in measures[:-1]],
    }


def _for_each(findings: Findings, scenario: Scenario, each: ForEach) -> str:
    """Pounds for each thing avoided, as far as it can be said."""
    found = each.between(findings.comparison, scenario.name, findings.study.whole.iso)
    if math.isnan(found.value):
        return "none avoided"
    if math.isnan(found.low):
        return "not separable from none avoided"
    return f"{wording.figure(found.value, each.unit)} ({wording.figure(found.low, each.unit)} to {wording.figure(found.high, each.unit)})"


# -- published figures -----------------------------------------------------------------------------------------------------------------


def _targets(findings: Findings) -> dict[str, Any]:
    """Each published figure beside the model's: with every number at its declared value, and over the draws."""
    study, year = findings.study, findings.study.years[-1].iso
    fit = [findings.results[run.key] for run in study.runs_of_fit if run.key in findings.results]
    drawn = []
    if not study.fixed and study.comparator.resolved() == PRESENT_PRACTICE.resolved():
        drawn = [
            findings.results[run.key] for run in study.runs if run.scenario is study.comparator and run.key in findings.results
        ]
    rows = [_target(target, _values(fit, year, target), _values(drawn, year, target)) for target in every_target()]
    compared = [row for row in rows if row["is_compared"]]
    judged = {number: [row["is_met"] for row in compared if row["target"].number == number] for number in {row["target"].number for row in compared}}
    return {
        "rows": rows,
        "seeds": len(fit),
        "drawn": len(drawn),
        "year": study.years[-1].label,
        "rows_compared": len(compared),
        "rows_met": sum(row["is_met"] for row in rows),
        "rows_met_by_draws": sum(row["is_met_by_draws"] for row in rows),
        "fitted": len(judged),
        "fitted_met": sum(all(met) for met in judged.values()),
    }


def _values(results: Sequence[Result], year: str, target: Target) -> list[float]:
    values = [result.values.get(("target", year, target.key), math.nan) for result in results]
    return [value for value in values if not math.isnan(value)]


def _target(target: Target, fit: Sequence[float], drawn: Sequence[float]) -> dict[str, Any]:
    mean = _mean(fit)
    return {
        "target": target,
        "published": wording.number(target.value),
        "tolerance": f"{wording.number(target.low)} to {wording.number(target.high)}",
        "model": wording.number(mean),
        "seeds": _ends(fit),
        "draws": _range(drawn),
        "is_compared": not math.isnan(mean),
        "is_met": target.is_met(mean),
        "is_met_by_draws": target.is_met(_mean(drawn)),
        "why": _why(target, mean),
    }


def _why(target: Target, mean: float) -> str:
    """Why a row is missed or not compared; nothing where it is met."""
    if math.isnan(mean):
        return f"Compared {target.only} only." if target.only else "The model has nobody to count."
    return "" if target.is_met(mean) else target.why_if_missed


# -- assumptions and sources ---------------------------------------------------------------------------------------------------------------


def _used_parameters(study: Study) -> list[Parameter]:
    """The declared numbers of the mechanisms, and of the study's policies."""
    names = _policy_names(study)
    groups = [group for group in Parameters.registry if not group.startswith("policies.") or group.removeprefix("policies.") in names]
    return [declared for group in groups for declared in Parameters.registry[group].declared.values()]


def _assumptions(study: Study) -> dict[str, Any]:
    used = _used_parameters(study)
    statuses = {each.address: {source.status for source in sources_of(each.source)} for each in used}
    return {
        "rows": [
            {
                "address": each.address,
                "value": wording.number(each.value),
                "unit": each.unit,
                "range": f"{wording.number(each.between[0])} to {wording.number(each.between[1])}",
                "distribution": each.distribution if each.is_uncertain else "not drawn",
                "source": said_source(each),
                "doc": each.doc,
            }
            for each in used
        ],
        "number": len(used),
        "assumed": sum(each.is_assumed for each in used),
        "uncertain": sum(each.is_uncertain for each in used),
        "recalled": sum("recalled" in statuses[each.address] for each in used),
    }


def said_source(parameter: Parameter) -> str:
    """The ids of a number's sources, or that it is assumed."""
    return "assumed" if parameter.is_assumed else "; ".join(source.id for source in sources_of(parameter.source))


def _sources(study: Study) -> list[Source]:
    """Every source of a number or a target, once."""
    found = {source.id: source for each in _used_parameters(study) for source in sources_of(each.source) if not each.is_assumed}
    found |= {source.id: source for target in every_target() for source in sources_of(target.rows)}
    return [found[id] for id in sorted(found)]


