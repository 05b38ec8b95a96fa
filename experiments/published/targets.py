"""What is published about England, and what the model says of it: a row for each number that the model is fitted to.

A world is not England: its children differ in how many are in care, how old those are, and how many of them came alone. So each
count is made in four cells (looked after at 10-15; at 16-17; looked after and unaccompanied, of any age; not looked after) and each
cell is scaled from the model's children to England's (post-stratification). Children who are not looked after are one cell: no
published table divides an authority's by age, and the model's ages are even. What differs between places within a cell (homes,
distance, recording) is not scaled, so a region that is unlike England misses for that reason too; `why_if_missed` says so where it
matters.

Lines do not go with children but with exporters and markets: one county may hold a tenth of a region's children and half of its
lines. So what lines do is scaled by lines (`Spread`, the model's own expected lines from each authority of England to each):

- lines themselves, opened or closed, by England's lines over those that begin or have their market in the world;
- children whom lines exploit, by the same, times the positions of those lines that children took in the year over the positions
  that the world's own children took. For in the model vacancies, not contacts, decide how many children lines take, and on a line
  that runs between the world and elsewhere some are taken by children of elsewhere. (Scaled by where contacts are made, the region
  gave half as many again as a run of all England; so scaled, from 16 per cent fewer to as many.) What services make of it is the
  world's own;
- children exploited in other ways, by England's children times deprivation over the world's, as the model's exploiters are spread.

Years are official ones, to 31 March, by the day on which an episode began. A recorded figure is compared with the record of
its name, never with the truth. The targets are those of the project's evidence (`sim/data/evidence`, rows named in each).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.measures.care import entries
from experiments.measures.lines import days_on_a_line, of_age
from experiments.measures.registry import ratio
from experiments.measures.story import (
    AUTHORITY,
    LOOKED_AFTER,
    OLDER,
    OVERNIGHT,
    POLICE,
    SPAN,
    Episodes,
    Story,
    Timeline,
    Window,
    in_order_of_children,
    some,
)
from experiments.measures.strata import ever_excluded, ever_suspended
from sim.dates import date_of, school_year
from sim.ledger import Event
from sim.lines import BY_CHILD, BY_CHILD_OF_ELSEWHERE
from sim.model import CountyLines
from sim.parameters import Parameters
from sim.places import read_places
from sim.policing import CRIMINAL
from sim.population import (
    BY_A_LINE,
    CHILDRENS_HOME,
    FOSTER,
    KINSHIP,
    LINE,
    SECURE,
    SPECIALIST_FOSTER,
    SUPPORTED,
    WITH_PARENTS,
)
from sim.schooling import WAS_LOOKED_AFTER
from sim.services import CRIMINAL_FACTOR, GANG_FACTOR, MISSING_FACTOR, SEXUAL_FACTOR
from sim.world import World

YOUNG, OLD, ALONE, HOME = range(4)
CELLS = ("looked after, 10-15", "looked after, 16-17", "looked after, unaccompanied", "not looked after")
FOSTER_CARE = (FOSTER, SPECIALIST_FOSTER, KINSHIP)
THEN, NOW = "2020-22", "2024/25"  # the two eras of published figures about lines


@dataclass(frozen=True)
class Spread:
    """How the model spreads exploitation over England: what a world's part of it is.

    `lines`: expected active lines from each authority (rows) to each (columns); `need`: children times deprivation of each
    authority, by which other exploiters are spread.
    """

    lines: NDArray[np.float64]
    need: NDArray[np.float64]

    @classmethod
    def of(cls, model: CountyLines) -> Spread:
        """That of a run's own numbers."""
        return cls(model.lines.flows(), model.world.places.population_10_17 * model.recruitment.deprivation)

    def lines_in(self, inside: NDArray[np.bool_]) -> float:
        """The share of England's lines that begin or have their market in these authorities."""
        return float(self.lines[inside[:, None] | inside[None, :]].sum() / self.lines.sum())

    def need_in(self, inside: NDArray[np.bool_]) -> float:
        """The share of England's children times deprivation in these authorities."""
        return float(self.need[inside].sum() / self.need.sum())


@dataclass(frozen=True)
class Target:
    """One published number: `low` to `high` is the tolerance; `why_if_missed` the likeliest reason when the model is outside.

    `only` says when it can be compared, if not always; the model's value is nan otherwise.
    """

    key: str
    number: int
    label: str
    value: float
    low: float
    high: float
    unit: str
    rows: str
    why_if_missed: str
    of: Callable[[England], float] = field(repr=False)
    only: str = ""

    def is_met(self, model: float) -> bool:
        """Whether the model's value lies within the tolerance."""
        return self.low <= model <= self.high


_TARGETS: dict[str, Target] = {}


def target(key: str, label: str, value: float, low: float, high: float, unit: str, rows: str, why: str, only: str = ""):
    """Register a function of `England` as the model's value of one published number."""

    def register(function: Callable[[England], float]) -> Callable[[England], float]:
        if key in _TARGETS:
            raise ValueError(f"there are two targets called {key}")
        _TARGETS[key] = Target(key, int(key.rstrip("abcdefgh")), label, value, low, high, unit, rows, why, function, only)
        return function

    return register


def every_target() -> tuple[Target, ...]:
    """All rows of the target table, in order."""
    return tuple(_TARGETS.values())


def compare_with_targets(story: Story, world: World, year: Window, spread: Spread | None = None, era: str = NOW) -> dict[str, float]:
    """The model's value of each target for one year, scaled to England; nan where the model has nobody to count, or none is compared.

    Without `spread` nothing that lines or other exploiters do is compared.
    """
    england = England(story, world, year, spread, era)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {each.key: _value(each, england) for each in every_target()}


def _value(target: Target, england: England) -> float:
    """The model's value, nan where there is nobody to count."""
    try:
        value = float(target.of(england))
    except ZeroDivisionError:
        return float("nan")
    return value if np.isfinite(value) else float("nan")


class England:
    """A year of one run, read as if the world's children stood for England's."""

    def __init__(self, story: Story, world: World, year: Window, spread: Spread | None = None, era: str = NOW):
        self.story, self.world, self.year, self.spread, self.era = story, world, year, spread, era
        self.places = read_places()

    @property
    def is_all_of_england(self) -> bool:
        """Whether the world has every authority."""
        return len(self.world.authorities) == len(self.places)

    # -- children in each cell ------------------------------------------------------------------------------------------

    @cached_property
    def published(self) -> NDArray[np.float64]:
        """England's children in each cell on 31 March 2025."""
        return self._published(np.arange(len(self.places)))

    @cached_property
    def expected(self) -> NDArray[np.float64]:
        """The published children of the world's own authorities in each cell, times its fraction."""
        return self._published(np.array(self.world.authorities)) * self.world.fraction

    def _published(self, authorities: NDArray) -> NDArray[np.float64]:
        """Of the unaccompanied, no table gives the ages; the share at 16 and 17 is the model's own (unaccompanied.sixteen_or_older)."""
        share = Parameters.registry["unaccompanied"].declared["sixteen_or_older"].value
        young, old = self.places.looked_after_10_15[authorities], self.places.looked_after_16_17[authorities]
        alone = self.places.unaccompanied[authorities]
        alone_young, alone_old = np.minimum((1.0 - share) * alone, young), np.minimum(share * alone, old)
        home = self.places.population_10_17[authorities] - young - old
        return np.array([float(cell.sum()) for cell in (young - alone_young, old - alone_old, alone_young + alone_old, home)])

    @cached_property
    def looked_after(self) -> float:
        """England's looked-after children aged 10 to 17 on 31 March 2025."""
        return float(self.published[:HOME].sum())

    @cached_property
    def children(self) -> NDArray[np.float64]:
        """The model's children in each cell: looked after as counted at the year's end, scaled to the year's mean."""
        mean = self.story.stock("looked_after", self.year)
        counted = self._counted if self._counted.any() else self.expected[:HOME]
        return np.append(mean * counted / counted.sum(), self.story.stock("children", self.year) - mean)

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """How many of England's children each child of the model stands for, in each cell."""
        return self.published / self.children

    def cells(self, child: NDArray, day: NDArray) -> NDArray[np.int64]:
        """The cell of each of these children on its day."""
        people = self.story.people
        older, alone = people.ages(child, day) >= 16, people.alone[people.at(child)]
        return np.where(self.story.in_care.on(child, day), np.where(alone, ALONE, np.where(older, OLD, YOUNG)), HOME)

    def count(self) -> dict[str, NDArray]:
        """The rows of the count of 31 March that ends the year (or the last before its end)."""
        days = self.story.counts["day"][self.story.counts["day"] <= self.year.last]
        return some(self.story.counts, self.story.counts["day"] == days.max(initial=-1))

    def counted(self, mask: Callable[[dict], NDArray], of: Callable[[dict], NDArray] | None = None) -> float:
        """England's children in the count of 31 March to whom `mask` applies; divided by those to whom `of` applies, if given."""
        rows = self.count()
        number = rows["children"] * (self.published[:HOME] / self._counted)[_cells_of_count(rows)]
        part = float(number[mask(rows)].sum())
        return part if of is None else part / float(number[of(rows)].sum())

    @cached_property
    def _counted(self) -> NDArray[np.float64]:
        """The model's looked-after children in each cell, as counted on 31 March."""
        rows = self.count()
        return np.bincount(_cells_of_count(rows), weights=rows["children"], minlength=HOME)

    # -- what lines and other exploiters do -----------------------------------------------------------------------------

    def _of_england(self, share: Callable[[Spread, NDArray], float]) -> float:
        """How many times England has what the world has; nan without `spread`."""
        return 1.0 / (share(self.spread, self.world.inside) * self.world.fraction) if self.spread else float("nan")

    @cached_property
    def lines(self) -> float:
        """How many of England's lines each line of the world stands for."""
        return self._of_england(Spread.lines_in)

    @cached_property
    def exploited_by_lines(self) -> float:
        """How many of England's children on lines each child on a line stands for; nan where none was taken in the year."""
        filled = self.story.of(Event.POSITION_FILLED, self.year)["cause"]
        ours, others = int((filled == BY_CHILD).sum()), int((filled == BY_CHILD_OF_ELSEWHERE).sum())
        return self.lines * ratio(ours + others, ours)

    @cached_property
    def exploited_otherwise(self) -> float:
        """How many of England's children exploited otherwise each such child stands for."""
        return self._of_england(Spread.need_in)

    @cached_property
    def assessments(self) -> dict[str, NDArray]:
        """Assessments completed in the year."""
        return self.story.of(Event.ASSESSED, self.year)

    def naming(self, factor: int) -> dict[str, NDArray]:
        """Of these, the ones that name a factor."""
        return some(self.assessments, (self.assessments["detail"] & factor) > 0)

    def known_to_be_on_a_line(self, rows: dict[str, NDArray]) -> NDArray[np.bool_]:
        """Whether the child of each row had been recognised by its day as exploited by a line."""
        named = self.story.of(Event.FORM_NAMED)
        named = in_order_of_children(some(named, named["cause"] == BY_A_LINE))
        return Timeline(named["child"], named["day"].astype(np.int64)).last(rows["child"], rows["day"].astype(np.int64)) >= 0

    # -- detected children ----------------------------------------------------------------------------------------------

    @cached_property
    def detected(self) -> dict[str, NDArray]:
        """Children who turned eighteen in the year and whose exploitation had been identified in the run: when it was."""
        known = in_order_of_children(self.story.of(Event.IDENTIFIED))
        return some(known, np.isin(known["child"], of_age(self.story, self.year)["child"]))

    def of_the_detected(self, had: Timeline) -> float:
        """Per cent of the detected children who had a row in a timeline by eighteen."""
        mask = had.last(self.detected["child"], self.story.last_day) >= 0
        return 100.0 * float(mask.mean()) if len(mask) else float("nan")

    @cached_property
    def ever_in_care(self) -> Timeline:
        """Children who had been looked after, from the day on which they first were; before the run, day 0."""
        history = self.story.of(Event.HISTORY)
        before = history["child"][history["cause"] == WAS_LOOKED_AFTER]
        child = np.concatenate((before, self.story.in_care.child))
        day = np.concatenate((np.zeros(len(before), dtype=np.int64), self.story.in_care.start))
        order = np.lexsort((day, child))
        return Timeline(child[order], day[order])

    @cached_property
    def first_in_care(self) -> NDArray[np.int64]:
        """For each detected child who was ever looked after: school terms from identification to the first day in care."""
        spells, days = self.ever_in_care, self.detected["day"]
        at = np.searchsorted(spells.children, self.detected["child"])
        known = np.isin(self.detected["child"], spells.children)
        first = spells.moments[np.searchsorted(spells.moments, at[known] * SPAN)] - at[known] * SPAN
        first = np.where(first <= 1, first - 1000, first)  # day 1 tells of everybody who is in care already
        return np.array([term(day) for day in first.tolist()]) - np.array([term(day) for day in days[known].tolist()])

    # -- missing episodes -----------------------------------------------------------------------------------------------

    @cached_property
    def episodes(self) -> Episodes:
        """All true episodes that began in the year."""
        return self.story.in_window(self.year)

    @cached_property
    def in_care(self) -> Episodes:
        """Incidents of looked-after children in their authority's record."""
        return self.episodes.where(self.episodes.has(AUTHORITY, LOOKED_AFTER))

    @cached_property
    def police(self) -> Episodes:
        """Incidents in the police record, of any child."""
        return self.episodes.where(self.episodes.has(POLICE))

    @cached_property
    def overnight(self) -> Episodes:
        """True episodes with a night away, of children under 16 who are not looked after."""
        has = self.episodes.has
        return self.episodes.where(has(OVERNIGHT) & ~has(LOOKED_AFTER) & ~has(OLDER))

    def cell(self, episodes: Episodes) -> NDArray[np.int64]:
        """The cell of the child when each episode began."""
        alone = self.story.people.alone[self.story.people.at(episodes.child)]
        return np.where(episodes.has(LOOKED_AFTER), np.where(alone, ALONE, np.where(episodes.has(OLDER), OLD, YOUNG)), HOME)

    def incidents(self, episodes: Episodes) -> float:
        """How many such episodes England has in a year."""
        return float(self.weight[self.cell(episodes)].sum())

    def missing(self, episodes: Episodes, *, at_least: int = 1) -> float:
        """How many children in England have so many of these episodes or more; each counts in the cell of its first."""
        firsts = episodes.where(episodes.is_first)
        _, number = np.unique(episodes.child, return_counts=True)
        return float(self.weight[self.cell(firsts)][number >= at_least].sum())

    def share(self, episodes: Episodes, mask: NDArray[np.bool_]) -> float:
        """Per cent of these incidents, in England, to which the mask applies."""
        return ratio(self.incidents(episodes.where(mask)), self.incidents(episodes), 100.0)

    def cared_for(self, episodes: Episodes, looked_after: bool) -> Episodes:
        """Those of looked-after children, or those of others."""
        return episodes.where(episodes.has(LOOKED_AFTER) == looked_after)

    # -- flows through care ---------------------------------------------------------------------------------------------

    @cached_property
    def entries(self) -> float:
        """England's entries to care in the year; children who came into the age range already looked after are not among them."""
        rows = entries(self.story, self.year)
        return float(self.weight[self.cells(rows["child"], rows["day"].astype(np.int64))].sum())

    @cached_property
    def ever_looked_after(self) -> float:
        """England's children looked after at any time in the year, each once, in the cell of its first day in care that year."""
        inside = self.story.in_care.overlapping(self.year)
        child, first = np.unique(inside.child, return_index=True)
        return float(self.weight[self.cells(child, np.maximum(inside.start[first], self.year.first))].sum())

    def on_day_0(self, event: Event | None = None) -> float:
        """Children as the world began, or those of them who were looked after: who is told of on day 1, less those who came alone that day."""
        day = Window(1, 1)
        told = self.story.number(event, day) if event else int((self.story.people.came == 1).sum())
        return float(told - int((self.story.of(Event.ARRIVED, day)["detail"] == 0).sum()))


# -- the targets ---------------------------------------------------------------------------------------------------------

SMALL = "Few children of this kind live in so small a world, so chance weighs."
HOMES = "What homes and distances a region has is its own: the weights bring its children to England's, not its homes."


@target("1a", "children 10-17 on day 1", 5.71e6, 5.70e6, 5.72e6, "children", "places.csv:population_10_17",
        "In a world of a fraction each child is kept by its own key, so the number is right only on average.")  # fmt: skip
def children_on_day_1(england):
    """England's children, if the world's were short or in excess by as much as on day 1."""
    return england.published.sum() * england.on_day_0() / england.expected.sum()


@target("1b", "looked after on day 1", 52_990, 52_725, 53_255, "children", "places.csv:looked_after_10_15",
        "Rounding of each authority's number in a world of a fraction.")  # fmt: skip
def looked_after_on_day_1(england):
    """England's looked-after children, if the world's were short or in excess by as much as on day 1."""
    return england.looked_after * england.on_day_0(Event.ENTERED_CARE) / england.expected[:HOME].sum()


@target("1c", "looked after on the year's 31 March", 52_990, 51_400, 54_580, "children", "places.csv:looked_after_10_15",
        "Entries and exits do not balance: look at leaving rates and at entrants who are already looked after.")  # fmt: skip
def looked_after_later(england):
    """England's looked-after children, if the world's had drifted from the published number by as much."""
    return england.looked_after * england.count()["children"].sum() / england.expected[:HOME].sum()


@target("2a", "looked-after children with a recorded incident", 12_700, 11_430, 13_970, "children", "mis_cla_mean_2025",
        "The rate of going missing in care, or the authority's recording, is set too high or too low.")  # fmt: skip
def looked_after_missing(england):
    return england.missing(england.in_care)


@target("2b", "… of all looked after at any time in the year", 17, 15, 19, "per cent", "mis_cla_inc_2025;cla_starts_10_15_2025",
        "As 2a; and how many pass through care in a year.")  # fmt: skip
def looked_after_missing_of_ever(england):
    return 100.0 * england.missing(england.in_care) / england.ever_looked_after


@target("2c", "… of those looked after on 31 March", 24, 21, 27, "per cent", "mis_cla_mean_2025;places.csv:looked_after_10_15",
        "As 2a: the count over a fixed number.")  # fmt: skip
def looked_after_missing_of_stock(england):
    return 100.0 * england.missing(england.in_care) / england.looked_after


@target("3", "incidents per missing looked-after child", 6.8, 6.0, 7.0, "incidents", "mis_cla_mean_2025",
        "How unequal looked-after children are (gamma shape, crises) decides how incidents bunch.")  # fmt: skip
def incidents_per_missing_child(england):
    return england.incidents(england.in_care) / england.missing(england.in_care)


@target("4", "missing looked-after children with more than one incident", 65, 58, 72, "per cent", "mis_cla_repeat_2018",
        "As 3: the more unequal children are, the fewer have just one incident. The figure is of 2018.")  # fmt: skip
def missing_more_than_once(england):
    return 100.0 * england.missing(england.in_care, at_least=2) / england.missing(england.in_care)


@target("5a", "incidents per looked-after child, 10-15", 1.23, 1.05, 1.41, "incidents", "mis_cla_inc_10_15_2025",
        "Multipliers of age, and what share of the young is placed in homes.")  # fmt: skip
def incidents_young(england):
    episodes = england.in_care
    return england.incidents(episodes.where(~episodes.has(OLDER))) / england.places.looked_after_10_15.sum()


@target("5b", "incidents per looked-after child, 16-17", 2.21, 1.88, 2.54, "incidents", "mis_cla_inc_16_2025",
        "Multipliers of age and of supported settings; how much less unaccompanied children go missing.")  # fmt: skip
def incidents_old(england):
    episodes = england.in_care
    return england.incidents(episodes.where(episodes.has(OLDER))) / england.places.looked_after_16_17.sum()


@target("5c", "ratio of the two", 1.8, 1.6, 2.0, "ratio", "mis_cla_inc_10_15_2025;mis_cla_inc_16_2025",
        "Multipliers of age and of settings; how much less unaccompanied children go missing.")  # fmt: skip
def incidents_ratio(england):
    return incidents_old(england) / incidents_young(england)


@target("5d", "incidents per looked-after child, 16-17, without the unaccompanied", 2.8, 2.38, 3.22, "incidents", "mis_cla_inc_16_2025;mis_uasc_pct_2020",
        "As 5b; the figure is arithmetic, not published, and its tolerance is ours.")  # fmt: skip
def incidents_old_not_alone(england):
    episodes = england.in_care
    return england.incidents(episodes.where(england.cell(episodes) == OLD)) / england.published[OLD]


@target("6", "looked-after incidents of 2 days or less", 90, 86, 94, "per cent", "mis_cla_le2d_2022",
        "Median and tail of durations, or too many of the recorded episodes are stays on a line.")  # fmt: skip
def short_incidents(england):
    """Lengths are cut at 31 March, as in the official table."""
    episodes = england.in_care
    length = np.minimum(episodes.away, england.year.last - episodes.start + 1)
    return england.share(episodes, length <= 2.0)


@target("7a", "police incidents over within 24 hours", 75, 70, 85, "per cent", "mis_dur_24h;mis_dur_24h_child_rec",
        "Median of durations. The figure is of all ages, a lower bound for children (75-85, recalled).")  # fmt: skip
def within_24h(england):
    return england.share(england.police, england.police.away <= 1.0)


@target("7b", "… within 48 hours", 85, 80, 90, "per cent", "mis_dur_48h",
        "Median and tail of durations. The figure is of all ages, a lower bound for children.")  # fmt: skip
def within_48h(england):
    return england.share(england.police, england.police.away <= 2.0)


@target("7c", "… longer than 7 days", 2, 1, 3, "per cent", "mis_dur_7d",
        "The tail of durations, and how long a stay on a line lasts (no evidence). The figure is of all ages.")  # fmt: skip
def over_a_week(england):
    return england.share(england.police, england.police.away > 7.0)


@target("8a", "looked-after incidents from homes, secure and supported settings", 70, 64, 76, "per cent", "mis_cla_plc_res_2020;mis_cla_semi_2018",
        "Multipliers of settings and who lives there. " + HOMES)  # fmt: skip
def from_homes(england):
    return england.share(england.in_care, np.isin(england.in_care.setting, (CHILDRENS_HOME, SECURE, SUPPORTED)))


@target("8b", "… from foster care", 25, 19, 31, "per cent", "mis_cla_plc_foster_2020",
        "Multipliers of settings, and the share of children fostered. " + HOMES)  # fmt: skip
def from_foster(england):
    return england.share(england.in_care, np.isin(england.in_care.setting, FOSTER_CARE))


@target("9a", "police record: looked-after share of missing children", 19, 14, 24, "per cent", "mis_share_cla_children",
        "How much more often absences from care are reported than absences from home.")  # fmt: skip
def looked_after_share_of_children(england):
    inside = england.missing(england.cared_for(england.police, True))
    return 100.0 * inside / (inside + england.missing(england.cared_for(england.police, False)))


@target("9b", "… of incidents", 36, 30, 42, "per cent", "mis_share_cla_inc",
        "As 9a; and the incidents of each child, below.")  # fmt: skip
def looked_after_share_of_incidents(england):
    return england.share(england.police, england.police.has(LOOKED_AFTER))


@target("9c", "police incidents per missing child in care", 5.3, 4.24, 6.36, "incidents", "mis_share_cla_inc",
        "How unequal looked-after children are, and how often carers report.")  # fmt: skip
def police_incidents_in_care(england):
    episodes = england.cared_for(england.police, True)
    return england.incidents(episodes) / england.missing(episodes)


@target("9d", "… not in care", 2.2, 1.76, 2.64, "incidents", "mis_share_cla_inc",
        "How unequal children at home are, and how often families report a second time.")  # fmt: skip
def police_incidents_outside_care(england):
    episodes = england.cared_for(england.police, False)
    return england.incidents(episodes) / england.missing(episodes)


@target("10", "children not in care recorded missing", 0.9, 0.7, 1.2, "per cent", "mis_rate_noncla",
        "The rate at home, or the share that families report.")  # fmt: skip
def others_missing(england):
    return 100.0 * england.missing(england.cared_for(england.police, False)) / england.published[HOME]


@target("11", "police incidents that are repeats", 70, 60, 80, "per cent", "rep_share_2015;M008",
        "How unequal children are. The figures are of single forces.")  # fmt: skip
def repeats(england):
    """Not the child's first recorded one in the year."""
    return england.share(england.police, ~england.police.is_first)


@target("12a", "under 16, away overnight from home, last time: not reported", 70, 60, 83, "per cent", "run_unreported_2011",
        "The chance that families report. The survey is of 2011, at age 14-15.")  # fmt: skip
def not_reported(england):
    episodes = england.overnight
    is_last = np.concatenate((episodes.child[1:] != episodes.child[:-1], [True]))[: len(episodes)]
    last = episodes.where(is_last)
    return england.share(last, ~last.has(POLICE))


@target("12b", "… children doing so in a year", 84_000, 60_000, 110_000, "children", "run_year_2011",
        "The true rate at home. The survey is of 2011, at age 14-15, and looks back a year.")  # fmt: skip
def away_overnight(england):
    return england.missing(england.overnight)


@target("13a", "in children's homes and secure, 31 March", 9_480, 8_532, 10_428, "children", "plc_secure_ch_2025",
        "Where placements begin and how long they last; in a region, how many beds there are. " + HOMES)  # fmt: skip
def in_homes(england):
    return england.counted(lambda rows: np.isin(rows["setting"], (CHILDRENS_HOME, SECURE)))


@target("13b", "in supported or independent settings, 31 March", 7_520, 6_768, 8_272, "children", "plc_semi_2025",
        "As 13a, at 16 and 17; and how many unaccompanied children are fostered.")  # fmt: skip
def in_supported(england):
    return england.counted(lambda rows: rows["setting"] == SUPPORTED)


@target("13c", "fostered, 31 March", 59.5, 56, 63, "per cent", "plc_foster_2025",
        "As 13a. The published share is of all ages; the range at 10-17 is assumed.")  # fmt: skip
def fostered(england):
    return 100.0 * england.counted(lambda rows: np.isin(rows["setting"], FOSTER_CARE), _everybody)


@target("13d", "placed with parents, 31 March", 4.5, 3, 6, "per cent", "plc_parents_2025",
        "As 13a. The published share is of all ages; the range at 10-17 is assumed.")  # fmt: skip
def with_parents(england):
    return 100.0 * england.counted(lambda rows: rows["setting"] == WITH_PARENTS, _everybody)


@target("14a", "placed outside the authority, 31 March", 44, 38, 50, "per cent", "dist_outla_2025",
        "The region's own share differs from England's (places.csv), and is not scaled. " + HOMES)  # fmt: skip
def outside(england):
    return 100.0 * england.counted(lambda rows: rows["outside"] > 0, _everybody)


@target("14b", "over 20 miles from home, 31 March", 22, 16, 28, "per cent", "dist_20mi_2025",
        "Reach of the search for a place; Kent alone is 60 miles long. " + HOMES)  # fmt: skip
def far(england):
    return 100.0 * england.counted(lambda rows: rows["far"] > 0, _everybody)


@target("14c", "of children in children's homes: outside the authority", 67, 61, 73, "per cent", "dist_ch_out_2024",
        "Where the region's homes stand. " + HOMES)  # fmt: skip
def homes_outside(england):
    def in_a_home(rows):
        return rows["setting"] == CHILDRENS_HOME

    return 100.0 * england.counted(lambda rows: in_a_home(rows) & (rows["outside"] > 0), in_a_home)


@target("15a", "three or more placements in the year", 10, 7, 14, "per cent", "stab_3plus_2025",
        "Rates of breakdown, and how unequal they are between children.")  # fmt: skip
def three_placements(england):
    return 100.0 * england.counted(lambda rows: rows["moves_3plus"] > 0, _everybody)


@target("15b", "changes of placement per looked-after child", 0.59, 0.49, 0.69, "changes a year", "moves_changes_2025",
        "Rates of breakdown.")  # fmt: skip
def changes(england):
    """Placements that ended otherwise than by leaving care, per child looked after on an average day."""
    ended = england.story.of(Event.PLACEMENT_ENDED, england.year)
    ended = some(ended, ended["detail"] > 0)
    return float(england.weight[england.cells(ended["child"], ended["day"].astype(np.int64))].sum()) / england.looked_after


@target("15c", "entries to care per looked-after child", 0.34, 0.29, 0.39, "entries a year", "cla_starts_10_15_2025;cla_starts_16_2025",
        "Entry rates follow from leaving rates and the published stock; unaccompanied children come as many as turn eighteen.")  # fmt: skip
def entries_to_care(england):
    return england.entries / england.looked_after


@target("16a", "episodes in a record followed by a return interview", 50, 20, 90, "per cent", "rhi_episodes_2019",
        "Offers, acceptance and interviewers' capacity.")  # fmt: skip
def interviewed(england):
    """Interviews held in the year over recorded episodes that ended in it; not reweighted."""
    returned = england.story.of(Event.RETURNED, england.year)["detail"]
    return 100.0 * england.story.number(Event.INTERVIEWED, england.year) / float(((returned & (POLICE | AUTHORITY)) > 0).sum())


@target("16b", "… within 72 hours", 63, 42, 70, "per cent", "rhi_72h_2024",
        "How soon interviewers can meet the child, and the queue.")  # fmt: skip
def interviewed_in_time(england):
    held = england.story.of(Event.INTERVIEWED, england.year)["detail"]
    return 100.0 * float((held & 1).sum()) / len(held) if len(held) else float("nan")


AS_SERVED = "How many lines there are, and what services here make of what they see. "


@target("17a", "assessments naming criminal exploitation", 16_250, 14_625, 17_875, "assessments", "K111",
        AS_SERVED + "The figure is of ages 0 to 17, the model's of 10 to 17.")  # fmt: skip
def assessed_criminal(england):
    rows = england.naming(CRIMINAL_FACTOR)
    on_a_line = england.known_to_be_on_a_line(rows)
    return float(on_a_line.sum()) * england.exploited_by_lines + float((~on_a_line).sum()) * england.exploited_otherwise


@target("17b", "… naming gangs", 8_860, 7_974, 9_746, "assessments", "K110",
        AS_SERVED + "In the model only children on lines are assessed as such; the figure has gangs without lines.")  # fmt: skip
def assessed_gangs(england):
    return len(england.naming(GANG_FACTOR)["day"]) * england.exploited_by_lines


@target("17c", "… naming sexual exploitation", 12_400, 11_160, 13_640, "assessments", "K112",
        "How many children are sexually exploited, and how many of them services see; the figure is of ages 0 to 17.")  # fmt: skip
def assessed_sexual(england):
    return len(england.naming(SEXUAL_FACTOR)["day"]) * england.exploited_otherwise


@target("17d", "… naming going missing", 16_940, 15_246, 18_634, "assessments", "K113",
        "The chance that a recorded episode leads to an assessment; the figure is of ages 0 to 17.")  # fmt: skip
def assessed_missing(england):
    rows = england.naming(MISSING_FACTOR)
    return float(england.weight[england.cells(rows["child"], rows["day"].astype(np.int64))].sum())


@target("18", "children recorded missing and known to be so through a line", 1_800, 1_250, 2_700, "children", "K140",
        AS_SERVED + "The figure is of England and Wales in 2021/22, times 0.95.")  # fmt: skip
def missing_through_a_line(england):
    """Children with an episode in the police record because of a line who had been recognised by the year's end as exploited by one."""
    recorded = england.police.where(england.police.cause == LINE)
    child = np.unique(recorded.child)
    rows = {"child": child, "day": np.full(len(child), england.year.last)}
    return float(england.known_to_be_on_a_line(rows).sum()) * england.exploited_by_lines


def _referred(england: England, boys_only: bool) -> float:
    rows = england.story.of(Event.REFERRED, england.year)
    people = england.story.people
    mask = (rows["cause"] == BY_A_LINE) & (people.is_male[people.at(rows["child"])] | (not boys_only))
    return float(mask.sum()) * england.exploited_by_lines


@target("19a", "referrals to the National Referral Mechanism because of lines", 1_640, 1_318, 1_955, "referrals", "K150;K151;K152",
        AS_SERVED + "The figure is of all ages (0.85 of the United Kingdom's); the model's are children alone, so a lower bound.")  # fmt: skip
def referred(england):
    return _referred(england, boys_only=False)


@target("19b", "… of boys", 1_260, 1_062, 1_454, "referrals", "K150;K151;K153",
        AS_SERVED + "The figure is 0.85 of the United Kingdom's; the share of girls among referred children is not known.")  # fmt: skip
def referred_boys(england):
    return _referred(england, boys_only=True)


@target("20a", "line closures in the year", 2_300, 1_955, 2_645, "lines", "L015",
        "Number and lifetime of lines. The figure is of England and Wales.", only=f"in a run of {NOW}")  # fmt: skip
def closures_now(england):
    return _closures(england) if england.era == NOW else float("nan")


@target("20b", "active lines, 2020-22", 600, 400, 1_100, "lines", "L010;L011",
        "Number of lines.", only=f"in a run of {THEN}: a hazard of closing as it was, nothing else changed")  # fmt: skip
def lines_then(england):
    return england.story.stock("lines", england.year) * england.lines if england.era == THEN else float("nan")


@target("20c", "line closures in a year, 2020-22", 670, 570, 770, "lines", "L012",
        "Number and lifetime of lines.", only=f"in a run of {THEN}: a hazard of closing as it was, nothing else changed")  # fmt: skip
def closures_then(england):
    return _closures(england) if england.era == THEN else float("nan")


def _closures(england: England) -> float:
    return england.story.number(Event.LINE_CLOSED, england.year) * england.lines


PROXY = "The figure is of children cautioned or sentenced for serious violence, not of children known to be exploited. "
FEW = "The model knows of a child's detection only within the run, so of few who have turned eighteen. "


@target("21a", "detected exploited children: ever looked after by 18", 24, 19, 29, "per cent", "K172",
        PROXY + FEW + "Care weighs in who is approached, and in who is seen.")  # fmt: skip
def detected_in_care(england):
    return england.of_the_detected(england.ever_in_care)


@target("21b", "… ever suspended", 82, 77, 87, "per cent", "K175", PROXY + FEW + "How far trouble at school and exposure go together.")
def detected_suspended(england):
    return england.of_the_detected(ever_suspended(england.story))


@target("21c", "… ever permanently excluded", 16, 11, 21, "per cent", "K176", PROXY + FEW + "Rates of exclusion, and who is excluded.")
def detected_excluded(england):
    return england.of_the_detected(ever_excluded(england.story))


@target("21d", "… of those ever looked after: before detection", 61, 53, 69, "per cent", "K174",
        PROXY + FEW + "How many were in care before, and how soon care follows on detection.")  # fmt: skip
def care_before(england):
    return _care_in_terms(england, lambda terms: terms < 0)


@target("21e", "… in the same school term", 11, 3, 19, "per cent", "K174", PROXY + FEW + "How soon care follows on detection.")
def care_in_the_same_term(england):
    return _care_in_terms(england, lambda terms: terms == 0)


@target("21f", "… after it", 28, 20, 36, "per cent", "K174", PROXY + FEW + "How many enter care because of exploitation.")
def care_after(england):
    return _care_in_terms(england, lambda terms: terms > 0)


def _care_in_terms(england: England, mask: Callable[[NDArray], NDArray]) -> float:
    terms = england.first_in_care
    return 100.0 * float(mask(terms).mean()) if len(terms) else float("nan")


LATER = "The figure is of serious violence; recruitment is earlier than the offence, by an uncertain lag. "


@target("22a", "age at the first criminal response of police to a child on a line: commonest", 15.5, 15, 16, "years", "K179",
        LATER + "Weights of ages in recruitment. " + SMALL)  # fmt: skip
def commonest_age(england):
    ages = _ages_at_first_response(england)
    return float(np.bincount(ages).argmax()) if len(ages) else float("nan")


@target("22b", "… share aged 14 to 17", 80, 74, 86, "per cent", "K179", LATER + "Weights of ages in recruitment.")
def share_of_older(england):
    ages = _ages_at_first_response(england)
    return 100.0 * float((ages >= 14).mean()) if len(ages) else float("nan")


def _ages_at_first_response(england: England) -> NDArray[np.int32]:
    """Ages of the children to whom police first answered with the criminal law in the year (the first time in the run)."""
    rows = in_order_of_children(england.story.of(Event.ARRESTED))
    rows = some(rows, rows["detail"] == CRIMINAL)
    first = some(rows, np.unique(rows["child"], return_index=True)[1])
    first = some(first, england.year.holds(first["day"]))
    return england.story.people.ages(first["child"], first["day"].astype(np.int64))


@target("23", "getting out of lines, all routes but growing up", 36, 25, 50, "for 100 child-years", "G001;G004",
        "A child whose line is closed counts as out here, though its gang goes on. The figure is of gangs in the USA, not of lines.")  # fmt: skip
def getting_out(england):
    return 100.0 * england.story.number(Event.GOT_OUT, england.year) / days_on_a_line(england.story, england.year) * 365.25


# -- the nine regions ------------------------------------------------------------------------------------------------------

REGIONS = "in the world england"
ORDER = "The order is of Spearman's rank correlation; 0.9 as its tolerance is ours."


def _looked_after_rates(england: England) -> tuple[NDArray, NDArray]:
    """Looked after for 10,000 children of each region on 31 March: published, model."""
    rows, places = england.count(), england.places
    counted = np.bincount(rows["home"], weights=rows["children"], minlength=len(places)) / england.world.fraction
    return _by_region(places.looked_after_10_17, places.population_10_17), _by_region(counted, places.population_10_17)


def _outside_rates(england: England) -> tuple[NDArray, NDArray]:
    """Share placed outside the authority on 31 March in each region: published (ages 0 to 17), model."""
    rows, places = england.count(), england.places
    all_of, outside = (np.bincount(rows["home"], weights=rows["children"] * mask, minlength=len(places)) for mask in (1, rows["outside"] > 0))
    published = _by_region(places.outside_percent / 100.0 * places.looked_after_31_march, places.looked_after_31_march)
    return published, _by_region(outside, all_of)


def _assessment_rates(england: England) -> tuple[NDArray, NDArray]:
    """Assessments naming criminal exploitation for 10,000 children of each region, over the authorities that published theirs."""
    places, rows = england.places, england.naming(CRIMINAL_FACTOR)
    known = ~np.isnan(places.cce_assessments)
    number = np.bincount(rows["home"], minlength=len(places)) / england.world.fraction
    people = np.where(known, places.population_10_17, 0)
    return _by_region(np.where(known, places.cce_assessments, 0.0), people), _by_region(np.where(known, number, 0.0), people)


def _by_region(part: NDArray, whole: NDArray) -> NDArray[np.float64]:
    """The ratio of two sums over the authorities of each region."""
    places = read_places()
    of = np.searchsorted(places.regions, places.region)
    sums = [np.bincount(of, weights=np.asarray(values, dtype=np.float64)) for values in (part, whole)]
    return sums[0] / sums[1]


for _key, _label, _rates, _rows, _why in (
    ("24a", "looked after for 10,000 children", _looked_after_rates, "places.csv:looked_after_10_15", "Entries and exits of authorities."),
    ("24c", "placed outside the authority", _outside_rates, "places.csv:outside_authority_percent", "Where homes stand, and distance. The figure is of ages 0 to 17."),
    ("24e", "assessments naming criminal exploitation", _assessment_rates, "places.csv:cce_assessments", "Where lines are, and local practice. Half of the authorities published theirs."),
):  # fmt: skip

    def _near(england: England, rates: Callable = _rates) -> float:
        if not england.is_all_of_england:
            return float("nan")
        published, model = rates(england)
        return float((np.abs(model / published - 1.0) <= 0.25).sum())

    def _in_order(england: England, rates: Callable = _rates) -> float:
        if not england.is_all_of_england:
            return float("nan")
        published, model = rates(england)
        return float(stats.spearmanr(published, model).statistic) if np.ptp(model) > 0.0 else float("nan")

    target(_key, f"nine regions, {_label}: within a quarter of the published", 9, 9, 9, "regions", _rows, _why, REGIONS)(_near)
    target(f"24{chr(ord(_key[-1]) + 1)}", "… order of the regions", 1.0, 0.9, 1.0, "rank correlation", _rows, f"{_why} {ORDER}", REGIONS)(_in_order)


# -- small things ----------------------------------------------------------------------------------------------------------


def term(day: int) -> int:
    """The school term of a day, counted on: autumn to December, spring to March, summer to August."""
    month = date_of(day).month
    return 3 * school_year(day) + (0 if month >= 9 else 1 if month <= 3 else 2)


def _cells_of_count(rows: dict[str, NDArray]) -> NDArray[np.int64]:
    """The cell of each row of the count of 31 March."""
    return np.where(rows["alone"] > 0, ALONE, np.where(rows["is_16_17"] > 0, OLD, YOUNG))


def _everybody(rows: dict) -> NDArray[np.bool_]:
    return np.ones(len(rows["children"]), dtype=bool)
