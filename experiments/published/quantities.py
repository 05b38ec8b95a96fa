"""Quantities for validation: what the model says of things that it was not fitted to.

Each is tagged *seen* where a row or a note of the evidence gives the figure, or a range for it that the numbers were set within; only
unseen ones count as validation. A quantity is a function of a year of a run, read as if the world's children stood for England's (see
`targets`); it gives a value for each of its groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from experiments.measures import services
from experiments.measures.exploitation import OTHER_FORMS, exploited
from experiments.measures.registry import median, ratio
from experiments.measures.story import AUTHORITY, LOOKED_AFTER, POLICE, Episodes, Timeline
from experiments.published.targets import FOSTER_CARE, England
from sim.ledger import Event
from sim.places import read_places
from sim.population import BY_A_LINE, CAUSES, FAMILY, LINE, SEXUAL, SEXUALLY
from sim.sources import read_table

BY_POLICE, BY_AUTHORITY, TRUE = "police record", "authority's record", "true"
Groups = Mapping[str, float]
RANGE = "stated range without evidence"  # targets.md of the evidence gives a range and says that no figure was found


@dataclass(frozen=True)
class Quantity:
    """One thing to be validated: `rows` names, for the groups that have been seen, the row of the evidence."""

    id: str
    measure: str
    unit: str
    base: str
    of: Callable[[England], Groups] = field(repr=False)
    rows: Mapping[str, str] = field(default_factory=dict)


_QUANTITIES: dict[str, Quantity] = {}


def quantity(id: str, measure: str, unit: str, base: str, rows: Mapping[str, str] | None = None):
    """Register a function of `England` as a quantity."""

    def register(function: Callable[[England], Groups]) -> Callable[[England], Groups]:
        if id in _QUANTITIES:
            raise ValueError(f"there are two quantities called {id}")
        _QUANTITIES[id] = Quantity(id, measure, unit, base, function, rows or {})
        return function

    return register


def every_quantity() -> tuple[Quantity, ...]:
    """All of them, in order."""
    return tuple(_QUANTITIES.values())


def take_quantities(england: England) -> dict[tuple[str, str], float]:
    """(id, group) to value; nan where there is nobody to count."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return {(each.id, group): float(value) for each in every_quantity() for group, value in each.of(england).items()}


def _records(england: England) -> dict[str, Episodes]:
    return {BY_POLICE: england.police, BY_AUTHORITY: england.in_care}


# -- concentration -----------------------------------------------------------------------------------------------------------


def _share_of_most_frequent(england: England, episodes: Episodes, part: float) -> float:
    """Per cent of episodes that the given part of missing children, the most frequent, have; between two children by proportion."""
    firsts = episodes.where(episodes.is_first)
    _, number = np.unique(episodes.child, return_counts=True)
    order = np.argsort(-number, kind="stable")
    children = np.cumsum(england.weight[england.cell(firsts)][order])
    had = np.cumsum((england.weight[england.cell(firsts)] * number)[order])
    if not len(number):
        return float("nan")
    return 100.0 * float(np.interp(part * children[-1], np.append(0.0, children), np.append(0.0, had)) / had[-1])


for _per_cent in (4, 6, 10):
    quantity(
        f"concentration_{_per_cent}", f"share of incidents of the most frequent {_per_cent} % of missing children", "per cent", "incidents",
    )(lambda england, part=_per_cent / 100.0: {
        **{group: _share_of_most_frequent(england, episodes, part) for group, episodes in _records(england).items()},
        TRUE: _share_of_most_frequent(england, england.episodes, part),
    })  # fmt: skip


# -- from return to next -----------------------------------------------------------------------------------------------------


def _of_record(england: England, group: str) -> Episodes:
    """All recorded episodes of the run."""
    episodes = england.story.episodes
    return episodes.where(episodes.has(POLICE) if group == BY_POLICE else episodes.has(AUTHORITY, LOOKED_AFTER))


def _gaps(episodes: Episodes) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which episodes are followed by another of the same child, and the days from the return to its beginning."""
    followed = np.append(episodes.child[1:] == episodes.child[:-1], False)[: len(episodes)]
    return followed, np.append(episodes.start[1:], 0)[: len(episodes)] - episodes.end


@quantity("next_incident_median", "time from return to the next incident: median", "days", "incidents followed by another that began in the year")
def next_incident_median(england):
    found = {}
    for group in (BY_POLICE, BY_AUTHORITY):
        episodes = _of_record(england, group)
        followed, gap = _gaps(episodes)
        begins = np.append(episodes.start[1:], 0)[: len(episodes)]
        found[group] = median(gap[followed & england.year.holds(begins)])
    return found


for _days in (7, 28, 90):

    def _next_within(england: England, days: int = _days) -> Groups:
        """Returns of the year that could be followed for so long: those followed by another recorded incident."""
        found = {}
        for group in (BY_POLICE, BY_AUTHORITY):
            episodes = _of_record(england, group)
            followed, gap = _gaps(episodes)
            could_be = england.year.holds(episodes.end) & (episodes.end <= england.story.last_day - days)
            found[group] = ratio(int((could_be & followed & (gap <= days)).sum()), int(could_be.sum()), 100.0)
        return found

    quantity(f"next_incident_within_{_days}_days", f"returns followed by another incident within {_days} days", "per cent", "returns")(_next_within)


# -- on a given day ----------------------------------------------------------------------------------------------------------


def _missing_on_a_day(england: England, episodes: Episodes) -> float:
    """England's looked-after children missing on an average day."""
    days = [episodes.where(england.cell(episodes) == cell).days(england.year) for cell in range(len(england.weight))]
    return float((england.weight * days).sum() / england.year.days)


def _all_in_care(england: England) -> dict[str, Episodes]:
    every = england.story.episodes
    inside = every.where(every.has(LOOKED_AFTER))
    return {TRUE: inside, BY_AUTHORITY: inside.where(inside.has(AUTHORITY))}


@quantity("looked_after_missing_on_a_day", "looked-after children missing on an average day", "children, England", "looked-after children aged 10 to 17")
def looked_after_missing_on_a_day(england):
    return {group: _missing_on_a_day(england, episodes) for group, episodes in _all_in_care(england).items()}


@quantity("looked_after_missing_on_a_day_rate", "looked-after children missing on an average day", "per 1,000", "looked-after children aged 10 to 17")
def looked_after_missing_on_a_day_rate(england):
    return {group: 1000.0 * _missing_on_a_day(england, episodes) / england.looked_after for group, episodes in _all_in_care(england).items()}


# -- exploited and not exploited -----------------------------------------------------------------------------------------------


def _looked_after(england: England) -> dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]]:
    """Children looked after on some day of the year, by group: how many of England's each stands for, and its recorded incidents."""

    def make() -> dict[str, tuple[NDArray[np.float64], NDArray[np.int64]]]:
        inside = england.story.in_care.overlapping(england.year)
        child, first = np.unique(inside.child, return_index=True)
        weight = england.weight[england.cells(child, np.maximum(inside.start[first], england.year.first))]
        who, number = np.unique(england.in_care.child, return_counts=True)
        incidents = np.zeros(len(child), dtype=np.int64)
        at = np.minimum(np.searchsorted(child, who), max(len(child) - 1, 0))
        mine = child[at] == who if len(child) else np.zeros(len(who), dtype=bool)
        incidents[at[mine]] = number[mine]
        known = england.story.of(Event.IDENTIFIED)
        masks = {
            "exploited": np.isin(child, exploited(england.story, england.year)),
            "identified as exploited": np.isin(child, known["child"][known["day"] <= england.year.last]),
        }
        masks |= {f"not {name}": ~mask for name, mask in masks.items()}
        return {name: (weight[mask], incidents[mask]) for name, mask in masks.items()}

    return england.story.keep(("looked after, by exploitation", england.year), make)


@quantity("looked_after_missing_rate", "looked-after children with an incident in the year", "per cent", "children looked after on some day of the year")
def looked_after_missing_rate(england):
    return {name: ratio(float(weight[number > 0].sum()), float(weight.sum()), 100.0) for name, (weight, number) in _looked_after(england).items()}


@quantity("looked_after_incidents", "incidents of looked-after children in the year", "incidents a child", "children looked after on some day of the year")
def looked_after_incidents(england):
    return {name: ratio(float((weight * number).sum()), float(weight.sum())) for name, (weight, number) in _looked_after(england).items()}


@quantity("looked_after_incidents_of_missing", "incidents for each missing looked-after child", "incidents a child", "looked-after children with an incident")
def looked_after_incidents_of_missing(england):
    return {name: ratio(float((weight * number).sum()), float(weight[number > 0].sum())) for name, (weight, number) in _looked_after(england).items()}


# -- why -----------------------------------------------------------------------------------------------------------------------

FOSTERED = "authority's record, fostered"
SEEN_CAUSES = {
    FAMILY: {FOSTERED: "mis_foster_reason_2014", BY_AUTHORITY: "mis_foster_reason_2014"},
    SEXUAL: {FOSTERED: "mis_foster_reason_2014", BY_POLICE: "mis_ew_inc_1920"},
}
for _number, (_id, _cause) in enumerate(zip(("conflict", "family", "line", "debt", "sexual"), CAUSES, strict=True)):

    def _by_cause(england: England, cause: int = _number) -> Groups:
        groups = _records(england)
        groups[FOSTERED] = england.in_care.where(np.isin(england.in_care.setting, FOSTER_CARE))
        return {group: england.share(episodes, episodes.cause == cause) for group, episodes in groups.items()}

    quantity(f"cause_{_id}", f"incidents because of {_cause}", "per cent", "incidents", SEEN_CAUSES.get(_number))(_by_cause)


# -- exploited children ----------------------------------------------------------------------------------------------------------

ON_LINES, ANY = "on a line", "in any form"
FORMS: tuple[tuple[int | None, str], ...] = ((BY_A_LINE, ON_LINES), *OTHER_FORMS.items(), (None, ANY))


@quantity("identified", "exploited children identified by the year's end", "per cent", "children exploited on some day of the year")
def identified(england):
    return {name: 100.0 * services.share_identified(england.story, england.year, form) for form, name in FORMS}


@quantity("known_to_services", "children on a line known to services for any reason by the year's end", "per cent", "children on a line on some day of the year")
def known_to_services(england):
    """Identified, assessed, met by police as exploited, or looked after, in the run."""
    story, year = england.story, england.year
    rows = [story.of(event) for event in (Event.IDENTIFIED, Event.ASSESSED, Event.ARRESTED, Event.ENTERED_CARE)]
    known = np.concatenate([each["child"][each["day"] <= year.last] for each in rows])
    on_lines = exploited(story, year, BY_A_LINE)
    return {ON_LINES: ratio(int(np.isin(on_lines, known).sum()), len(on_lines), 100.0)}


@quantity(
    "ever_reported_missing", "exploited children ever reported missing to the police, in the run", "per cent", "children exploited on some day of the year",
    {ON_LINES: RANGE, OTHER_FORMS[SEXUALLY]: "K191"},
)  # fmt: skip
def ever_reported_missing(england):
    episodes = england.story.episodes
    reported = episodes.child[episodes.has(POLICE) & (episodes.start <= england.year.last)]
    found = {}
    for form, name in FORMS:
        children = exploited(england.story, england.year, form)
        found[name] = ratio(int(np.isin(children, reported).sum()), len(children), 100.0)
    return found


@quantity("found_per_closed_line", "children met by police when a line is closed", "children a line", "lines closed in the year", {"all lines": "L014"})
def found_per_closed_line(england):
    return {"all lines": services.children_per_closed_line(england.story, england.year)}


@quantity(
    "episodes_a_month_on_a_line", "episodes of children while on a line", "episodes a month", "child-months on a line", {TRUE: RANGE, "true, because of the line": RANGE},
)  # fmt: skip
def episodes_a_month(england):
    on_a_line, episodes = england.story.on_a_line, england.episodes
    mine = episodes.where(on_a_line.on(episodes.child, episodes.start))
    groups = {TRUE: mine, "true, because of the line": mine.where(mine.cause == LINE), BY_POLICE: mine.where(mine.has(POLICE))}
    return {name: ratio(len(each), on_a_line.days(england.year), 30.4375) for name, each in groups.items()}


@quantity("disclosures", "return interviews in which exploitation is disclosed", "per cent", "return interviews held in the year")
def disclosures(england):
    story, year = england.story, england.year
    return {
        "all interviews": 100.0 * services.disclosure_share(story, year),
        "interviews of exploited children": 100.0 * services.disclosure_share_of_exploited(story, year),
    }


# -- lines by destination ----------------------------------------------------------------------------------------------------------


def _seen_markets() -> dict[str, str]:
    """The authorities for which a row of the evidence gives the number of active lines."""
    places = read_places()
    seen: dict[str, list[str]] = {}
    for number, row in enumerate(read_table("evidence/lines_geography.csv"), start=1):
        if row["quantity"] == "lines active at one time" and row["value"] and row["destination"] in places.name:
            seen.setdefault(places.code[places.name.index(row["destination"])], []).append(f"lines_geography.csv:{number}")
    seen.setdefault(places.code[places.name.index("Shropshire")], []).append("L020")
    return {code: ";".join(rows) for code, rows in seen.items()}


@quantity("lines_by_destination", "lines with their market in an authority, open on an average day", "lines", "lines", _seen_markets())
def lines_by_destination(england):
    """By the code of the market, for the authorities of the world; the region's own lines to other markets are only a part of theirs."""
    story, year = england.story, england.year
    opened, closed = story.of(Event.LINE_OPENED), story.of(Event.LINE_CLOSED)
    order = np.argsort(closed["agent"], kind="stable")
    last = Timeline(closed["agent"][order], closed["day"][order].astype(np.int64)).last(opened["agent"], story.last_day)
    end = np.where(last >= 0, closed["day"][order][last] if len(order) else 0, story.last_day + 1).astype(np.float64)
    inside = np.clip(np.minimum(end, year.last + 1.0) - np.maximum(opened["day"], year.first), 0.0, None)
    number = np.bincount(opened["place"], weights=inside, minlength=len(england.places)) / year.days / england.world.fraction
    return {england.places.code[a]: float(number[a]) for a in england.world.authorities}
