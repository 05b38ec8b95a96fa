"""Figures as they are published or told, which mix what causes what: crude ratios, shares by sex and cause.

They are outcomes to be explained and never an effect. They serve the claims and the emulated studies and are not among the measures of
reports, where they would be misread.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from experiments.measures import Measure
from experiments.measures.registry import mean, ratio
from experiments.measures.story import AUTHORITY, LOOKED_AFTER, PLACED_OUTSIDE, Episodes, Story, Window, years_between
from sim.ledger import Event
from sim.population import CHILDRENS_HOME, DEBT, LINE, SEXUAL, SUPPORTED

CONGREGATE = (CHILDRENS_HOME, SUPPORTED)


def crude_ratio_out_of_area(story: Story, window: Window) -> float:
    """Looked-after children recorded missing while placed outside their authority, in the last year, over those placed outside on
    31 March; divided by the same inside. A year's flow over a day's stock, of children who differ in need, refusal and recording."""
    return _out_to_in(story, window, None)


def crude_ratio_out_of_area_homes(story: Story, window: Window) -> float:
    """The same of children in children's homes alone, as it was published."""
    return _out_to_in(story, window, CHILDRENS_HOME)


def _out_to_in(story: Story, window: Window, setting: int | None) -> float:
    year = years_between(window.first, window.last)[-1]
    episodes = story.in_window(year)
    episodes = episodes.where(episodes.has(AUTHORITY, LOOKED_AFTER) & (_all(episodes) if setting is None else episodes.setting == setting))
    counted = story.counts["day"] == year.last
    if setting is not None:
        counted &= story.counts["setting"] == setting
    rates = []
    for outside in (1, 0):
        missing = episodes.where(episodes.has(PLACED_OUTSIDE) == bool(outside)).children
        rates.append(ratio(missing, int(story.counts["children"][counted & (story.counts["outside"] == outside)].sum())))
    return ratio(*rates)


def _all(episodes: Episodes) -> NDArray[np.bool_]:
    return np.ones(len(episodes), dtype=bool)


def share_of_episodes_for_a_line(story: Story, window: Window) -> float:
    """Of the missing episodes begun in the window, recorded or not, the share whose cause is a line."""
    return mean(story.in_window(window).cause == LINE)


def girls_in_sexual_episodes(story: Story, window: Window) -> float:
    """Of the children with an episode because of sexual exploitation, recorded or not, the share who are girls."""
    return _girls(story, window, SEXUAL)


def girls_in_line_and_debt_episodes(story: Story, window: Window) -> float:
    """Of the children with an episode because of a line, or of debt or fear, recorded or not, the share who are girls."""
    return _girls(story, window, LINE, DEBT)


def _girls(story: Story, window: Window, *causes: int) -> float:
    episodes = story.in_window(window)
    children = np.unique(episodes.child[np.isin(episodes.cause, causes)])
    return mean(~story.people.is_male[story.people.at(children)])


# -- residents -------------------------------------------------------------------------------------------------------------------------


def crude_ratio_of_co_residents(story: Story, window: Window) -> float:
    """How much more often residents of children's homes and supported accommodation were recruited to a line on days on which another
    resident worked one than on other days. It mixes what peers do with who is placed together."""
    homes: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for child, home, first, last in residents(story):
        homes[home].append((child, max(first, window.first), min(last, window.last)))
    recruited = story.of(Event.RECRUITED, window)
    when = set(zip(recruited["child"].tolist(), recruited["day"].tolist(), strict=True))
    days, times = np.zeros(2), np.zeros(2)
    for stays in homes.values():
        for child, first, last in stays:
            if first > last:
                continue
            beside = _somebody_works(story, [stay for stay in stays if stay[0] != child], first, last)
            free = ~_works(story, child, first, last)
            for exposed in (0, 1):
                days[exposed] += int((free & (beside == exposed)).sum())
                times[exposed] += sum((child, first + at) in when for at in np.flatnonzero(beside == exposed).tolist())
    return ratio(ratio(times[1], days[1]), ratio(times[0], days[0]))


def residents(story: Story) -> list[tuple[int, int, int, int]]:
    """Child, home, first and last day of every stay in a children's home or supported accommodation of this world."""
    ends: dict[int, list[int]] = defaultdict(list)
    for event in (Event.PLACEMENT_ENDED, Event.LEFT_CARE, Event.LEFT, Event.REMANDED, Event.PLACED):
        rows = story.of(event)
        for child, day in zip(rows["child"].tolist(), rows["day"].tolist(), strict=True):
            ends[child].append(day)
    placed, stays = story.placed, []
    for child, day, setting, home in zip(*(placed[name].tolist() for name in ("child", "day", "cause", "agent")), strict=True):
        if setting in CONGREGATE and home:
            stays.append((child, home, day, min((end for end in ends[child] if end > day), default=story.last_day + 1) - 1))
    return stays


def _works(story: Story, child: int, first: int, last: int) -> NDArray[np.bool_]:
    """On which of some days a child has worked a line since the day before."""
    days = np.arange(first, last + 1)
    return story.on_a_line.on(np.full(len(days), child, dtype=np.uint64), days - 1)


def _somebody_works(story: Story, stays: list[tuple[int, int, int]], first: int, last: int) -> NDArray[np.bool_]:
    """On which of some days one of these residents is there and works a line."""
    beside = np.zeros(last - first + 1, dtype=bool)
    involved = story.keep("ever on a line", lambda: frozenset(story.on_a_line.child.tolist()))
    for child, begins, ends in stays:
        begins, ends = max(begins, first), min(ends, last)
        if begins <= ends and child in involved:
            beside[begins - first : ends - first + 1] |= _works(story, child, begins, ends)
    return beside


def _measure(function, label: str, unit: str) -> Measure:
    return Measure(function.__name__, label, unit, " ".join(function.__doc__.split()), "", function)


CRUDE = {
    each.name: each
    for each in (
        _measure(crude_ratio_out_of_area, "crude ratio of missing, out of area to in area", "ratio"),
        _measure(crude_ratio_out_of_area_homes, "crude ratio of missing from children's homes, out of area to in area", "ratio"),
        _measure(crude_ratio_of_co_residents, "crude ratio of recruitment, beside a resident on a line to not", "ratio"),
        _measure(share_of_episodes_for_a_line, "missing episodes that are on a line", "share of episodes"),
        _measure(girls_in_sexual_episodes, "girls among children missing because of sexual exploitation", "share of children"),
        _measure(girls_in_line_and_debt_episodes, "girls among children missing because of a line, debt or fear", "share of children"),
    )
}
