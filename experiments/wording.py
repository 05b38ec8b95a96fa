"""Wording: figures and findings as a policy maker reads them, the same in the terminal and in the report.

Every sentence is made from the figures and claims no more than they do. Changes are net: fewer children going missing does not say
which of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from experiments.analyses.effects import TELLING, Effect, Harm, Interval
from experiments.measures import Measure
from sim.world import World

MINUS = "−"
UNKNOWN = "–"  # a figure that cannot be given

# How a sentence speaks of more or less of a measure: "{amount} {fewer} children go missing".
FEWER, LESS = ("fewer", "more"), ("less", "more")
SAID = {
    "children_missing": (FEWER, "children go missing (true)", "children going missing (true)"),
    "children_missing_police": (FEWER, "children are recorded missing by the police", "children recorded missing by the police"),
    "children_missing_authority": (
        FEWER, "looked-after children are recorded missing by their authority", "looked-after children recorded missing by their authority",
    ),
    "days_missing": (FEWER, "days missing (true)", "days missing (true)"),
    "children_recruited": (FEWER, "children are recruited to a line", "children recruited to a line"),
    "cost": (LESS, "is spent by all payers", "what all payers spend"),
}  # fmt: skip


# -- figures ---------------------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Three figures or so: 12,345, 123, 12.3, 1.23, 0.12; whole numbers as they are."""
    if math.isnan(value):
        return UNKNOWN
    size = abs(value)
    if value == round(value):
        return _sign(f"{value:,.0f}") if value else "0"
    for least, places in ((99.95, 0), (9.995, 1), (0.0995, 2), (0.000995, 4)):
        if size >= least:
            return _sign(f"{value:,.{places}f}")
    return "0" if size < 5e-7 else _sign(f"{value:.1g}")


def _sign(text: str) -> str:
    return text.replace("-", MINUS)


def plain(text: str) -> str:
    """In characters that every terminal has."""
    return text.replace(MINUS, "-").replace(UNKNOWN, "-")


def in_table(unit: str) -> tuple[float, str]:
    """How a table shows a unit, so that its head can say it once: a factor, and the unit's name."""
    if unit.startswith("pounds"):
        return 1e-6, unit.replace("pounds", "£ million")
    if unit.startswith("share"):
        return 100.0, unit.replace("share", "per cent")
    return 1.0, unit


def figure(value: float, unit: str) -> str:
    """A value with what its unit needs: "£1.23 million", "12.3 %", "1,234"."""
    if math.isnan(value):
        return UNKNOWN
    if unit.startswith("pounds"):
        return f"{MINUS if value < 0 else ''}£{_pounds(abs(value))}"
    if unit.startswith("share"):
        return f"{number(100.0 * value)} %"
    return number(value)


def _pounds(size: float) -> str:
    if size >= 999_500:
        return f"{number(size / 1e6)} million"
    return f"{size:,.0f}" if size < 99_950 else f"{round(size, -3):,.0f}"


def change(value: float, unit: str) -> str:
    """A difference, with its sign: "+12.3", "−£1.23 million", "0"."""
    text = figure(value, "" if unit.startswith("share") else unit)
    if unit.startswith("share"):
        text = f"{number(100.0 * value)} points" if not math.isnan(value) else UNKNOWN
    return f"+{text}" if value > 0 and text.strip("£0., points") else text


def span(interval: Interval, unit: str) -> str:
    """An interval of a difference: "−40.1 to +16.2"; a dash where there is none."""
    if math.isnan(interval.low):
        return UNKNOWN
    return f"{change(interval.low, unit)} to {change(interval.high, unit)}"


def per_cent(value: float) -> str:
    """A difference in per cent: "+1.2 %", a dash where there is nothing to compare it with."""
    if math.isnan(value):
        return UNKNOWN
    if 0.0 < abs(value) < 0.005:
        return f"{MINUS if value < 0 else '+'}<0.01 %"
    text = f"{value:+,.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2}f}"
    return f"{_sign(text) if value else 0} %"


def share(value: float) -> str:
    """A share as whole per cent."""
    return UNKNOWN if math.isnan(value) else f"{100.0 * value:.0f} %"


def people(values: Sequence[str]) -> str:
    """A list as one says it: "Greenwich, Medway and Kent"."""
    return " and ".join(filter(None, (", ".join(values[:-1]), values[-1]))) if values else ""


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


# -- what was asked ----------------------------------------------------------------------------------------------------------


def place(world: World) -> str:
    """Where a world lies."""
    names = [world.places.name[a] for a in world.authorities]
    if len(names) == len(world.places):
        return "England"
    return people(names) if len(names) <= 5 else f"{people(names[:3])} and {len(names) - 3} other authorities"


def children(world: World) -> int:
    """How many children a world begins with, by the published tables."""
    return round(float(world.places.population_10_17[list(world.authorities)].sum()) * world.fraction)


def replicates(pairs: int, draws: int, *, chance_only: bool) -> str:
    """Upon how much a finding rests: "8 replicates (4 draws of the uncertain numbers)"."""
    if chance_only:
        return f"{count(pairs, 'replicate')} (all numbers at their declared values)"
    return f"{count(pairs, 'replicate')} ({count(draws, 'draw')} of the uncertain numbers)"


# -- findings ----------------------------------------------------------------------------------------------------------------


def finding(measure: Measure, effect: Effect) -> str:
    """What a scenario does to one measure, in a sentence or two."""
    (less, more), clause, noun = SAID.get(measure.name, (LESS, measure.label, measure.label))
    begin = noun[0].upper() + noun[1:]
    if not effect.pairs:
        return f"{begin}: nothing can be said, as no pair of runs has a value."
    difference = effect.difference
    if not effect.differing:
        return f"{begin}: no change; the runs do not differ."
    way = less if difference.value < 0 else more
    amount = figure(abs(difference.value), measure.unit)
    of = "" if math.isnan(effect.per_cent.value) else f"{per_cent(effect.per_cent.value)} of {figure(effect.comparator, measure.unit)}"
    if why := effect.why_no_interval:
        return f"{begin}: {amount} {way} ({of or 'none without it'}); {why}, so this may be chance."
    ends = _both_ends(difference, measure, less, more)
    if effect.is_separable:
        return f"{amount} {way} {clause}: {of + '; ' if of else ''}95 % interval {ends}."
    return f"{begin}: not separable from nothing. On average {amount} {way}{f' ({of})' if of else ''}; 95 % interval {ends}."


def answer(measure: Measure, effect: Effect) -> str:
    """What a scenario does to one measure in plain words: how much with its interval, or that it cannot be told, and in how many draws it is worse."""
    (less, more), clause, noun = SAID.get(measure.name, (LESS, measure.label, measure.label))
    difference, worse = effect.difference, f" Worse in {harm(effect.harm)} draws of what is uncertain." if effect.harm and effect.harm.draws else ""
    if not effect.pairs:
        return f"nothing can be said of {noun}, as no pair of runs has a value."
    if not effect.differing:
        return f"no change in {noun}; the runs do not differ."
    amount = f"{figure(abs(difference.value), measure.unit)} {less if difference.value < 0 else more}"
    of = "" if math.isnan(effect.per_cent.value) else f" ({per_cent(effect.per_cent.value)} of {figure(effect.comparator, measure.unit)})"
    if why := effect.why_no_interval:
        return f"{amount} {clause}{of}; {why}, so this cannot be told from no change."
    ends = f"95 % interval {_both_ends(difference, measure, less, more)}"
    if effect.is_separable:
        return f"{amount} {clause}{of}, {ends}.{worse}"
    return f"cannot be told from no change in {noun}: on average {amount}{of}, {ends}.{worse}"


def summary(measure: Measure, effects: Sequence[tuple[str, Effect]]) -> str:
    """What all scenarios do to one measure, in one sentence; `effects` by title."""
    (less, more), clause, noun = SAID[measure.name]
    fewer = [f"{title} ({_size(measure, effect)})" for title, effect in effects if effect.is_separable and effect.difference.value < 0]
    greater = [f"{title} ({_size(measure, effect)})" for title, effect in effects if effect.is_separable and effect.difference.value > 0]
    rest = [title for title, effect in effects if not effect.is_separable]
    parts = [
        f"{way} {clause} under {people(titles)}"
        for way, titles in ((less, fewer), (more, greater))
        if titles
    ]  # fmt: skip
    if not parts:
        return f"{noun[0].upper() + noun[1:]}: no scenario’s change can be told from nothing."
    if rest:
        parts.append(f"no change that can be told from nothing under {people(rest)}")
    said = "; ".join(parts)
    return f"{said[0].upper()}{said[1:]}."


def _size(measure: Measure, effect: Effect) -> str:
    """A difference in its unit, and in per cent where there is something to compare it with."""
    amount = change(effect.difference.value, measure.unit)
    return amount if math.isnan(effect.per_cent.value) else f"{amount}, {per_cent(effect.per_cent.value)}"


def _both_ends(interval: Interval, measure: Measure, less: str, more: str) -> str:
    """The ends of an interval, with the way at each unless both go the same way."""
    low, high = (figure(abs(end), measure.unit) for end in (interval.low, interval.high))
    if interval.low < 0 < interval.high:
        return f"{low} {less} to {high} {more}"
    return f"{low} to {high} {more}" if interval.low >= 0 else f"{high} to {low} {less}"


def harm(found: Harm | None) -> str:
    """In how many draws it does harm: "1 of 4"."""
    return UNKNOWN if found is None or not found.draws else f"{found.worse} of {found.draws}"


def harm_in_words(found: Harm, noun: str) -> str:
    """The same as a sentence, with how little so few draws can say."""
    if not found.draws:
        return f"In how many draws {noun} gets worse cannot be said."
    return (
        f"{noun[0].upper()}{noun[1:]}: worse in {found.worse} of {count(found.draws, 'draw')}, better in {found.better}; "
        f"that leaves open harm in {share(found.interval.low)} to {share(found.interval.high)} of all draws."
    )


def chance(part: Interval) -> str:
    """The part of chance, or that there are too few replicates to say."""
    if math.isnan(part.value):
        return UNKNOWN
    if part.width > TELLING:
        return f"{share(part.value)} (too few to say: {share(part.low)} to {share(part.high)})"
    if part.width == 0.0:
        return share(part.value)
    return f"{share(part.value)} ({share(part.low)} to {share(part.high)})"


def chance_in_words(part: Interval, draws: int, *, chance_only: bool) -> str:
    """The part of chance as a sentence."""
    if chance_only:
        return "All of the spread is chance, since every replicate has the same numbers; what is not known about them is left out."
    if math.isnan(part.value):
        return "What part of the spread is chance cannot be said: it needs two draws or more, with two seeds, that differ."
    ends = f"{share(part.low)} to {share(part.high)}"
    if part.width > TELLING:
        return f"What part of the spread is chance alone cannot be said with {count(draws, 'draw')} ({ends})."
    return f"Of the spread between replicates, {share(part.value)} is chance alone (same numbers, other seed; 95 % interval {ends})."
