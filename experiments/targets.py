"""What is published about England, and what the model says of it: a row for each number that the model is fitted to.

A world is not England: its children differ in how many are in care and how old those are. So each count is made in three
cells (looked after at 10-15, looked after at 16-17, not looked after) and each cell is scaled from the model's children to
England's (post-stratification). Children who are not looked after are one cell: no published table divides an authority's
by age, and the model's ages are even. What differs between places within a cell (homes, distance, recording, lines) is not
scaled, so a region that is unlike England misses for that reason too; `why_if_missed` says so where it matters.

Years are official ones, to 31 March, by the day on which an episode began. A recorded figure is compared with the record of
its name, never with the truth. The targets are those of the project's evidence (`sim/data/evidence`, rows named in each).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from experiments.story import AUTHORITY, LOOKED_AFTER, OLDER, OVERNIGHT, POLICE, Episodes, Story, Window
from sim.ledger import Event
from sim.places import read_places
from sim.population import CHILDRENS_HOME, FOSTER, KINSHIP, SECURE, SPECIALIST_FOSTER, SUPPORTED, WITH_PARENTS
from sim.world import World

YOUNG, OLD, HOME = range(3)
CELLS = ("looked after, 10-15", "looked after, 16-17", "not looked after")
FOSTER_CARE = (FOSTER, SPECIALIST_FOSTER, KINSHIP)


@dataclass(frozen=True)
class Target:
    """One published number: `low` to `high` is the tolerance; `why_if_missed` the likeliest reason when the model is outside."""

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

    def is_met(self, model: float) -> bool:
        """Whether the model's value lies within the tolerance."""
        return self.low <= model <= self.high


_TARGETS: dict[str, Target] = {}


def target(key: str, label: str, value: float, low: float, high: float, unit: str, rows: str, why: str):
    """Register a function of `England` as the model's value of one published number."""

    def register(function: Callable[[England], float]) -> Callable[[England], float]:
        if key in _TARGETS:
            raise ValueError(f"there are two targets called {key}")
        _TARGETS[key] = Target(key, int(key.rstrip("abcdefgh")), label, value, low, high, unit, rows, why, function)
        return function

    return register


def every_target() -> tuple[Target, ...]:
    """All rows of the target table, in order."""
    return tuple(_TARGETS.values())


def compare_with_targets(story: Story, world: World, year: Window) -> dict[str, float]:
    """The model's value of each target for one year, scaled to England; nan where the model has nobody to count."""
    england = England(story, world, year)
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

    def __init__(self, story: Story, world: World, year: Window):
        self.story, self.world, self.year = story, world, year
        self.places = read_places()

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
        young = float(self.places.looked_after_10_15[authorities].sum())
        old = float(self.places.looked_after_16_17[authorities].sum())
        return np.array([young, old, float(self.places.population_10_17[authorities].sum()) - young - old])

    @cached_property
    def looked_after(self) -> float:
        """England's looked-after children aged 10 to 17 on 31 March 2025."""
        return float(self.published[YOUNG] + self.published[OLD])

    @cached_property
    def children(self) -> NDArray[np.float64]:
        """The model's children in each cell: looked after by age as counted at the year's end, scaled to the year's mean."""
        mean = self.story.stock("looked_after", self.year)
        counted = self.count()
        older = counted["children"][counted["is_16_17"] > 0].sum()
        share = older / counted["children"].sum() if counted["children"].sum() else self.expected[OLD] / self.expected[:HOME].sum()
        return np.array([mean * (1.0 - share), mean * share, self.story.stock("children", self.year) - mean])

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """How many of England's children each child of the model stands for, in each cell."""
        return self.published / self.children

    def count(self) -> dict[str, NDArray]:
        """The rows of the count of 31 March that ends the year (or the last before its end)."""
        days = self.story.counts["day"][self.story.counts["day"] <= self.year.last]
        here = self.story.counts["day"] == days.max(initial=-1)
        return {name: column[here] for name, column in self.story.counts.items()}

    def counted(self, mask: Callable[[dict], NDArray], of: Callable[[dict], NDArray] | None = None) -> float:
        """England's children in the count of 31 March to whom `mask` applies; divided by those to whom `of` applies, if given."""
        rows = self.count()
        number = rows["children"] * self.published[:HOME][rows["is_16_17"]] / self._counted_by_age[rows["is_16_17"]]
        part = float(number[mask(rows)].sum())
        return part if of is None else part / float(number[of(rows)].sum())

    @cached_property
    def _counted_by_age(self) -> NDArray[np.float64]:
        rows = self.count()
        return np.array([float(rows["children"][rows["is_16_17"] == age].sum()) for age in (0, 1)])

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
        return np.where(episodes.has(LOOKED_AFTER), np.where(episodes.has(OLDER), OLD, YOUNG), HOME)

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
        return 100.0 * self.incidents(episodes.where(mask)) / self.incidents(episodes)

    def cared_for(self, episodes: Episodes, looked_after: bool) -> Episodes:
        """Those of looked-after children, or those of others."""
        return episodes.where(episodes.has(LOOKED_AFTER) == looked_after)

    # -- flows through care ---------------------------------------------------------------------------------------------

    @cached_property
    def entries(self) -> int:
        """Children's entries to care in the year; those who came into the age range already looked after are not among them."""
        entered, came = self.story.of(Event.ENTERED_CARE, self.year), self.story.of(Event.ENTERED, self.year)
        days = {(int(child), int(day)) for child, day in zip(came["child"], came["day"], strict=True)}
        at_start = self.year.first == 1  # that day tells of everybody who is in care already
        pairs = zip(entered["child"].tolist(), entered["day"].tolist(), strict=True)
        return sum((child, day) not in days and not (at_start and day == 1) for child, day in pairs)

    @cached_property
    def ever_looked_after(self) -> float:
        """Model's children looked after at any time in the year: those at its beginning and those who came in, each once."""
        entered, left = self.story.of(Event.ENTERED_CARE, self.year), self.story.of(Event.LEFT_CARE, self.year)
        backwards = zip(left["child"][::-1].tolist(), left["day"][::-1].tolist(), strict=True)
        first_left = dict(backwards)  # the earliest of each child is the last to be entered
        pairs = zip(entered["child"].tolist(), entered["day"].tolist(), strict=True)
        again = sum(first_left.get(child, self.year.last + 1) <= day for child, day in pairs)
        before = self.story.stock_on("looked_after", self.year.first - 1)
        return before + len(entered["day"]) - again

    @cached_property
    def ever_over_stock(self) -> float:
        """Children looked after at any time in the year, for each one looked after on an average day."""
        return self.ever_looked_after / self.story.stock("looked_after", self.year)

    def on_day_0(self, stock: str) -> float:
        """A stock as the world began: at the end of day 1, less that day's comings and goings."""
        day = Window(1, 1)
        if stock == "looked_after":  # day 1 tells of everybody who is in care already
            return self.story.number(Event.ENTERED_CARE, day)
        return self.story.stock_on(stock, 1) + self.story.number(Event.LEFT, day) - self.story.number(Event.ENTERED, day)


# -- the targets ---------------------------------------------------------------------------------------------------------

SMALL = "Few children of this kind live in so small a world, so chance weighs."
HOMES = "What homes and distances a region has is its own: the weights bring its children to England's, not its homes."


@target("1a", "children 10-17 on day 1", 5.71e6, 5.70e6, 5.72e6, "children", "places.csv:population_10_17",
        "In a world of a fraction each child is kept by its own key, so the number is right only on average.")  # fmt: skip
def children_on_day_1(england):
    """England's children, if the world's were short or in excess by as much as on day 1."""
    return england.published.sum() * england.on_day_0("children") / england.expected.sum()


@target("1b", "looked after on day 1", 52_990, 52_725, 53_255, "children", "places.csv:looked_after_10_15",
        "Rounding of each authority's number in a world of a fraction.")  # fmt: skip
def looked_after_on_day_1(england):
    """England's looked-after children, if the world's were short or in excess by as much as on day 1."""
    return england.looked_after * england.on_day_0("looked_after") / england.expected[:HOME].sum()


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
    return 100.0 * england.missing(england.in_care) / (england.looked_after * england.ever_over_stock)


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
    return england.incidents(episodes.where(england.cell(episodes) == YOUNG)) / england.published[YOUNG]


@target("5b", "incidents per looked-after child, 16-17", 2.21, 1.88, 2.54, "incidents", "mis_cla_inc_16_2025",
        "Multipliers of age; unaccompanied children, who go missing less, are not told apart yet.")  # fmt: skip
def incidents_old(england):
    episodes = england.in_care
    return england.incidents(episodes.where(england.cell(episodes) == OLD)) / england.published[OLD]


@target("5c", "ratio of the two", 1.8, 1.6, 2.0, "ratio", "mis_cla_inc_10_15_2025;mis_cla_inc_16_2025",
        "Multipliers of age and of settings; unaccompanied children are not told apart yet.")  # fmt: skip
def incidents_ratio(england):
    return incidents_old(england) / incidents_young(england)


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
        "As 13a, at 16 and 17; unaccompanied children are not told apart yet.")  # fmt: skip
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
    """Placements that ended otherwise than by leaving care, per child looked after on an average day; not reweighted."""
    ended = england.story.of(Event.PLACEMENT_ENDED, england.year)["detail"]
    return float((ended > 0).sum()) / england.story.stock("looked_after", england.year)


@target("15c", "entries to care per looked-after child", 0.34, 0.29, 0.39, "entries a year", "cla_starts_10_15_2025;cla_starts_16_2025",
        "Entry rates follow from leaving rates and the published stock; unaccompanied children's own route is not there yet.")  # fmt: skip
def entries(england):
    return england.entries / england.story.stock("looked_after", england.year)


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


def _everybody(rows: dict) -> NDArray[np.bool_]:
    return np.ones(len(rows["children"]), dtype=bool)
