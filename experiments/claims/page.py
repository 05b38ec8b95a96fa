"""The page that follows the seed report point by point: where each claim lives in the code, on what evidence, and what the model shows.

It is made of the claims and of rows of plain data alone, so the committed page can be made again from the committed rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from experiments import wording
from experiments.claims.claim import EXPECTED, LEVELS, Claim, ClaimStudy
from experiments.measures import every_measure
from experiments.published.crude import CRUDE
from sim.sources import resolve

HOLDS, CONTRADICTED = "as expected", "against what was expected"
UNCHANGED = "no change seen"  # where none was expected: as far as the interval goes
INSEPARABLE, NO_VALUE = "cannot be told from nothing", "no value"
HEADINGS = {"F": "The findings", "R": "The recommendations", "P": "Placebo runs"}

NOTES = {
    "P": "Runs in which nothing should happen, or nothing of a kind. A fourth, an authority that adopts something after a bad year, with an effect of "
    "nothing, is among the emulated studies: `python -m experiments emulate --only after_a_bad_year`."
}

Row = Mapping[str, Any]


def page(claims: Sequence[Claim], told: Mapping[str, Any]) -> str:
    """The page as Markdown; `told` has the facts of the runs and the rows that were found."""
    rows = told["rows"]
    parts: list[Iterator[str]] = [_opening(told["facts"]), _summary(claims, rows)]
    for letter, heading in HEADINGS.items():
        chosen = [claim for claim in claims if claim.id.startswith(letter)]
        if chosen:
            parts.append(iter([f"## {heading}", NOTES.get(letter, "")]))
            parts += [_claim(claim, rows) for claim in chosen]
    return "\n\n".join(part for part in chain.from_iterable(parts) if part) + "\n"


def _opening(facts: Mapping[str, Any]) -> Iterator[str]:
    yield "# The seed report, point by point"
    yield (
        "The report *Running the Risks: the links between gang involvement and young people going missing* (Catch22 Dawes Unit with Missing "
        "People, July 2015) made five findings and five recommendations. Here each stands in our words, with where it lives in the code, what "
        "evidence there is, and what the model shows when the mechanism or the policy is off, weak and strong. A claim is a hypothesis: where "
        "the model contradicts it, or cannot tell it from nothing, this page says so. What follows from the mechanism itself is marked "
        "*by construction*: it shows that the switch works and is no finding."
    )
    yield (
        f"Made on {facts['date']} with countylines {facts['version']}, commit {facts['commit'] or 'unknown'}: {facts['place']}, "
        f"{facts['children']:,} children, {facts['days']}; {facts['replicates']}. Rebuild it with"
    )
    yield f"    {facts['command']}"
    yield (
        "Each difference is from *off*, paired by replicate, with its 95 % interval over draws. The interval holds chance "
        + ("alone, as all other numbers are at their declared values" if facts["fixed"] else "and what is not known about all other numbers")
        + ", and nothing of what may be wrong with the model. \"Cannot be told from nothing\" is not \"does nothing\": few replicates and a small "
        "world hide small effects. All children are invented; no finding may be cited to refuse, delay or end a child's placement or the reporting "
        "of a missing child; unequal effects by ethnicity and disability are unknown, not nil."
    )


def _summary(claims: Sequence[Claim], rows: Sequence[Row]) -> Iterator[str]:
    yield "## In brief"
    yield "Outcomes at the strong level that do not follow by construction, and how many went which way:"
    columns = (HOLDS, UNCHANGED, CONTRADICTED, INSEPARABLE, NO_VALUE)
    lines = [
        "| claim | as expected | no change seen, none expected | against | cannot be told from nothing | no value | either way was open |",
        "|---|---|---|---|---|---|---|",
    ]
    for claim in claims:
        strong = [row["verdict"] for row in rows if row["claim"] == claim.id and row["level"] == "strong" and not row["by_construction"]]
        known = [strong.count(verdict) for verdict in columns]
        lines.append(f"| {claim.id} | {' | '.join(str(number) for number in (*known, len(strong) - sum(known)))} |")
    yield "\n".join(lines)
    looked_at = sum(row["level"] == "strong" and not row["by_construction"] for row in rows)
    yield f"Of {looked_at} outcomes about {wording.number(round(looked_at / 20))} would seem to differ from off by chance alone, had none a difference."


def _claim(claim: Claim, rows: Sequence[Row]) -> Iterator[str]:
    yield f"### {claim.id}"
    yield f"**{claim.words}**"
    yield f"*Where it lives.* {', '.join(f'`{module.replace('.', '/')}.py`' for module in claim.modules)}. Numbers: {', '.join(f'`{address}`' for address in claim.numbers)}."
    yield f"*Evidence.* {claim.evidence} Rows: {'; '.join(_source(id) for id in claim.sources)}."
    for study in claim.studies:
        yield from _study(study, [row for row in rows if row["study"] == study.id])


def _source(id: str) -> str:
    source = resolve(id)[0]
    return f"{id} ({source.title}, {source.year}{', recalled' if source.status == 'recalled' else ''})"


def _study(study: ClaimStudy, rows: Sequence[Row]) -> Iterator[str]:
    yield f"#### {study.title}"
    if not rows:
        yield "Not run."
        return
    told = {row["level"]: row["set"] for row in rows}
    effect = f" What is compared is what {_policies(study)} changes at each level." if study.effect_of else ""
    yield "; ".join(f"*{level}*: {told[level].replace('; ', ', ')}" for level in LEVELS) + f".{effect}"
    lines = ["| outcome | off | weak less off | strong less off | expected | found at strong |", "|---|---|---|---|---|---|"]
    labels = {measure.name: measure for measure in every_measure()} | CRUDE
    for outcome in study.outcomes:
        measure = labels[outcome.measure.name]
        off, weak, strong = (next(row for row in rows if row["measure"] == measure.name and row["level"] == level) for level in LEVELS)
        found = strong["verdict"] + (" (by construction)" if outcome.by_construction else "")
        cells = (f"{measure.label} [{measure.unit}]", _value(off, "value"), _value(weak, "difference"), _value(strong, "difference"), EXPECTED[outcome.expect], found)
        lines.append("| " + " | ".join(cells) + " |")
    yield "\n".join(lines)
    yield from _conclusion(rows)


def _policies(study: ClaimStudy) -> str:
    return wording.people([f"`{name}`" for name in study.effect_of or {}])


def _value(row: Row, figure: str) -> str:
    """A figure with its interval, or the sign that there is none."""
    if row[figure] is None:
        return wording.UNKNOWN
    signed = figure == "difference"
    say = (lambda value: wording.change(value, row["unit"])) if signed else (lambda value: wording.figure(value, row["unit"]))
    if row[f"{figure}_low"] is None:
        return say(row[figure])
    return f"{say(row[figure])} ({say(row[f'{figure}_low'])} to {say(row[f'{figure}_high'])})"


def _conclusion(rows: Sequence[Row]) -> Iterator[str]:
    """What the model shows in one study, made of the verdicts alone."""
    strong = [row for row in rows if row["level"] == "strong" and not row["by_construction"]]
    if not strong:
        return
    labels = {measure.name: measure.label for measure in every_measure()} | {name: measure.label for name, measure in CRUDE.items()}
    parts = []
    for verdict, said in (
        (HOLDS, "As expected"), (UNCHANGED, "No change seen where none was expected, as far as the interval goes"), (CONTRADICTED, "**Does not hold**, the model goes the other way or changes what should stay"),
        (INSEPARABLE, "Cannot be told from nothing"), (NO_VALUE, "Too rare to have a value"),
    ):  # fmt: skip
        named = list(dict.fromkeys(labels[row["measure"]] for row in strong if row["verdict"] == verdict))
        if named:
            parts.append(f"{said}: {'; '.join(named)}.")
    others = [f"{labels[row['measure']]} ({row['verdict']})" for row in strong if row["verdict"] not in (HOLDS, UNCHANGED, CONTRADICTED, INSEPARABLE, NO_VALUE)]
    if others:
        parts.append(f"Either way was open: {'; '.join(others)}.")
    yield f"*What the model shows.* {' '.join(parts)}"
