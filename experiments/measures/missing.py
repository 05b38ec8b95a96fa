"""Missing children"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.measures.registry import as_name, mean, measure, ratio
from experiments.measures.reporting import FixedReporting
from experiments.measures.story import AUTHORITY, LOOKED_AFTER, OVERNIGHT, POLICE, Episodes, Story, Window
from sim.population import CAUSES, DEBT, LINE

TRUE = 0
RECORDS = {TRUE: "true", POLICE: "police record", AUTHORITY: "authority's record"}
NAMES = {TRUE: "", POLICE: "_police", AUTHORITY: "_authority"}
SAID = {
    TRUE: "of true missing episodes begun in the window, recorded or not",
    POLICE: "of the missing episodes begun in the window that are in the police record",
    AUTHORITY: "of looked-after children's missing episodes begun in the window that are in their responsible authority's record",
}
BANDS = (
    ("up to 8 hours", 0.0, 1.0 / 3.0), ("8 to 24 hours", 1.0 / 3.0, 1.0), ("1 to 2 days", 1.0, 2.0), ("2 to 7 days", 2.0, 7.0),
    ("over 7 days", 7.0, np.inf),
)  # fmt: skip


def recorded(story: Story, window: Window, record: int) -> Episodes:
    """Episodes begun in the window: all of them, or those in a record."""

    def make() -> Episodes:
        episodes = story.in_window(window)
        return episodes.where(episodes.has(record, LOOKED_AFTER) if record == AUTHORITY else episodes.has(record))

    return story.keep(("recorded", record, window), make)


# -- how many ----------------------------------------------------------------------------------------------------------------


@measure("children", "children going missing (true)", better="fewer")
def children_missing(story, window):
    """Children who began at least one missing episode, recorded or not."""
    return recorded(story, window, TRUE).children


@measure("children", "children going missing (police record)", official="mis_uk_children_2023")
def children_missing_police(story, window):
    """Children with at least one episode, begun in the window, that is in the police record."""
    return recorded(story, window, POLICE).children


@measure("children", "looked-after children going missing (authority's record)", official="mis_cla_children_2022")
def children_missing_authority(story, window):
    """Looked-after children with at least one episode, begun in the window, in their responsible authority's record."""
    return recorded(story, window, AUTHORITY).children


@measure("children", "children going missing (police record, at fixed reporting)")
def children_missing_police_at_fixed_reporting(story, window):
    """Children whom the police record would hold if each true episode were recorded with the chance that such episodes had in the run's first year."""
    return FixedReporting.of(story, POLICE).children(story.in_window(window))


@measure("children", "looked-after children going missing (authority's record, at fixed reporting)")
def children_missing_authority_at_fixed_reporting(story, window):
    """Looked-after children whom their authority's record would hold, with the chances of the run's first year."""
    return FixedReporting.of(story, AUTHORITY).children(story.in_window(window))


@measure("episodes", "missing episodes (true)", better="fewer")
def episodes(story, window):
    """Missing episodes begun in the window, recorded or not."""
    return len(recorded(story, window, TRUE))


@measure("episodes", "missing episodes (police record)", official="mis_uk_inc_2023;mis_ew_inc_1819")
def episodes_police(story, window):
    """Missing episodes begun in the window that are in the police record."""
    return len(recorded(story, window, POLICE))


@measure("episodes", "missing episodes (authority's record)", official="mis_cla_inc_2025")
def episodes_authority(story, window):
    """Missing episodes of looked-after children, begun in the window, in their responsible authority's record."""
    return len(recorded(story, window, AUTHORITY))


@measure("episodes", "missing episodes (police record, at fixed reporting)")
def episodes_police_at_fixed_reporting(story, window):
    """Episodes that the police record would hold if each true one were recorded with the chance that such episodes had in the run's first year."""
    return FixedReporting.of(story, POLICE).episodes(story.in_window(window))


@measure("episodes", "missing episodes (authority's record, at fixed reporting)")
def episodes_authority_at_fixed_reporting(story, window):
    """Episodes that the authority's record would hold, with the chances of the run's first year."""
    return FixedReporting.of(story, AUTHORITY).episodes(story.in_window(window))


@measure("episodes", "missing episodes because of a line or of debt", better="fewer")
def episodes_for_a_line(story, window):
    """Missing episodes begun in the window, recorded or not, whose cause is work on a line, or debt or fear."""
    return int(np.isin(story.in_window(window).cause, (LINE, DEBT)).sum())


@measure("child-days", "days missing", better="fewer")
def days_missing(story, window):
    """Days away inside the window, of all episodes whenever begun; an episode that goes on counts up to the last day."""
    return story.episodes.days(window)


@measure("child-days", "days missing of looked-after children", better="fewer")
def days_missing_looked_after(story, window):
    """Days away inside the window, of episodes of children who were looked after when they began."""
    return story.episodes.where(story.episodes.has(LOOKED_AFTER)).days(window)


@measure("children", "looked-after children missing on an average day", better="fewer")
def looked_after_missing_on_a_day(story, window):
    """Looked-after children who are missing in the evening, mean over the days of the window."""
    return story.stock("missing_looked_after", window)


@measure("children", "children missing on an average day", better="fewer")
def missing_on_a_day(story, window):
    """Children who are missing in the evening, mean over the days of the window."""
    return story.stock("missing", window)


# -- per 1,000 ---------------------------------------------------------------------------------------------------------------------


def _others(story: Story, window: Window) -> float:
    return story.stock("children", window) - story.stock("looked_after", window)


_WHOSE: dict[str, tuple[str, Callable[[Story, Window], float]]] = {
    "children": ("children", lambda story, window: story.stock("children", window)),
    "looked_after": ("looked-after children", lambda story, window: story.stock("looked_after", window)),
    "others": ("other children", _others),
}
_COUNTED: dict[str, tuple[str, str, Callable[[Episodes], int]]] = {
    "missing": ("{people} going missing", "Children with one or more", lambda mine: mine.children),
    "episodes": ("missing episodes of {people}", "Number", len),
}


def _per_1000(whose: str, what: str, record: int) -> None:
    """Register one rate: whose, of children or of episodes, in which record."""
    (people, number), (label, noun, count) = _WHOSE[whose], _COUNTED[what]

    def of(story: Story, window: Window) -> float:
        mine = recorded(story, window, record)
        if whose != "children":
            mine = mine.where(mine.has(LOOKED_AFTER) == (whose == "looked_after"))
        return ratio(count(mine), number(story, window), 1000.0)

    measure(
        f"per 1,000 {people}", f"{label.format(people=people)} ({RECORDS[record]})", better="" if record else "fewer",
        name=f"{whose}_{what}{NAMES[record]}_per_1000",
        definition=f"{noun} {SAID[record]}, per 1,000 {people} on an average day; by care status when the episode began.",
    )(of)  # fmt: skip


for _whose, _records in (("children", (TRUE, POLICE)), ("looked_after", (TRUE, POLICE, AUTHORITY)), ("others", (TRUE, POLICE))):
    for _record in _records:
        for _what in _COUNTED:
            _per_1000(_whose, _what, _record)


@measure("per cent", "looked-after children with an incident, of all looked after in the window", official="mis_cla_pct_2025")
def looked_after_missing_percent(story, window):
    """Children with an incident in their authority's record, over all looked after on some day of the window, times 100; ages 10 to 17 (the table: 0 to 17)."""
    return ratio(recorded(story, window, AUTHORITY).children, len(story.in_care.children(window)), 100.0)


@measure("incidents", "incidents per missing looked-after child", official="mis_cla_mean_2025")
def incidents_per_missing_looked_after_child(story, window):
    """Incidents in the authority's record over the children who had one or more."""
    mine = recorded(story, window, AUTHORITY)
    return ratio(len(mine), mine.children)


# -- again -------------------------------------------------------------------------------------------------------------------------


@measure("share of incidents", "repeat incidents (police record)", official="rep_share_2015;M008")
def repeats(story, window):
    """Share of incidents in the police record that are not the child's first recorded one in the window."""
    mine = recorded(story, window, POLICE)
    return ratio(len(mine) - mine.children, len(mine))


@measure("share of incidents", "repeat incidents (authority's record)")
def repeats_authority(story, window):
    """Share of incidents in the authority's record that are not the child's first recorded one in the window."""
    mine = recorded(story, window, AUTHORITY)
    return ratio(len(mine) - mine.children, len(mine))


@measure("share of episodes", "repeat episodes (true)")
def repeats_true(story, window):
    """Share of true episodes that are not the child's first in the window."""
    mine = recorded(story, window, TRUE)
    return ratio(len(mine) - mine.children, len(mine))


@measure("share of children", "missing looked-after children with more than one incident", official="mis_cla_repeat_2018")
def missing_more_than_once(story, window):
    """Of looked-after children with an incident in their authority's record, those with two or more."""
    _, number = np.unique(recorded(story, window, AUTHORITY).child, return_counts=True)
    return ratio(int((number > 1).sum()), len(number))


# -- not recorded --------------------------------------------------------------------------------------------------------------------


@measure("share of episodes", "episodes in neither record")
def never_reported(story, window):
    """Share of episodes begun in the window that are in neither record."""
    mine = recorded(story, window, TRUE)
    return ratio(int(((mine.detail & (POLICE | AUTHORITY)) == 0).sum()), len(mine))


@measure("share of children", "missing children in neither record")
def children_never_reported(story, window):
    """Of the children who went missing in the window, those none of whose episodes, begun in it, is in a record."""
    mine = recorded(story, window, TRUE)
    return ratio(mine.children - mine.where((mine.detail & (POLICE | AUTHORITY)) > 0).children, mine.children)


# -- how long ----------------------------------------------------------------------------------------------------------------------------


@measure("days", "mean length of an episode")
def episode_length(story, window):
    """Mean days away of the episodes begun in the window, followed to their end or to the end of the run."""
    return mean(recorded(story, window, TRUE).away)


@measure("share of episodes", "episodes with a night away")
def overnight(story, window):
    """Share of true episodes begun in the window that include a night."""
    mine = recorded(story, window, TRUE)
    return ratio(int(mine.has(OVERNIGHT).sum()), len(mine))


for _record in RECORDS:
    for _band, _low, _high in BANDS:
        measure(
            "share of episodes", f"episodes of {_band} ({RECORDS[_record]})", name=f"lasting_{as_name(_band)}{NAMES[_record]}",
            definition=f"Share {SAID[_record]} that last {_band}; an episode that goes on counts as long as it has lasted.",
            official={("up to 8 hours", POLICE): "mis_dur_u8h", ("over 7 days", POLICE): "mis_dur_7d"}.get((_band, _record), ""),
        )(
            lambda story, window, record=_record, low=_low, high=_high: mean(
                (recorded(story, window, record).away > low) & (recorded(story, window, record).away <= high)
            )
        )  # fmt: skip

for _record in RECORDS:
    for _within, _days in (("24 hours", 1.0), ("48 hours", 2.0)):
        measure(
            "share of episodes", f"episodes over within {_within} ({RECORDS[_record]})", name=f"over_within_{as_name(_within)}{NAMES[_record]}",
            definition=f"Share {SAID[_record]} that are over within {_within}; lengths are cut at the end of the window, as the tables cut them at 31 March.",
            official={("24 hours", POLICE): "mis_dur_24h", ("48 hours", POLICE): "mis_dur_48h", ("48 hours", AUTHORITY): "mis_cla_le2d_2022"}.get((_within, _record), ""),
        )(
            lambda story, window, record=_record, days=_days: mean(
                np.minimum(recorded(story, window, record).away, window.last - recorded(story, window, record).start + 1) <= days
            )
        )  # fmt: skip


# -- why -------------------------------------------------------------------------------------------------------------------------------------


for _number, _cause in enumerate(CAUSES):
    for _record in RECORDS:
        measure(
            "episodes", f"episodes because of {_cause} ({RECORDS[_record]})", name=f"episodes_{as_name(_cause)}{NAMES[_record]}",
            better="" if _record else "fewer", definition=f"Number {SAID[_record]} whose cause is: {_cause}.",
        )(lambda story, window, record=_record, cause=_number: int((recorded(story, window, record).cause == cause).sum()))  # fmt: skip
    measure(
        "children", f"children missing because of {_cause} (true)", better="fewer", name=f"children_{as_name(_cause)}",
        definition=f"Children who began at least one true episode in the window whose cause is: {_cause}.",
    )(
        lambda story, window, cause=_number: recorded(story, window, TRUE)
        .where(recorded(story, window, TRUE).cause == cause)
        .children
    )  # fmt: skip
    measure(
        "child-days", f"days missing because of {_cause}", better="fewer", name=f"days_{as_name(_cause)}",
        definition=f"Days away inside the window, of episodes whose cause is: {_cause}.",
    )(lambda story, window, cause=_number: story.episodes.where(story.episodes.cause == cause).days(window))  # fmt: skip
