"""What a run is asked: each measure is a named function of the ledger over a window of days, with a unit and a definition.

To add one, write one function here: its docstring is the definition that reports print.

    @measure("children", "children going missing", better="fewer")
    def children_missing(story, window):
        \"\"\"Children who began at least one missing episode, recorded or not.\"\"\"
        return story.in_window(window).children

"True" means: an absence that carers, parents or services would call missing had they known. "Police record" holds any child;
"authority's record" looked-after children alone. Official years go by the day on which an episode began. Flows count what
happened in the window, stocks are means over its days. All children are simulated; none is real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from experiments.story import AUTHORITY, LOOKED_AFTER, POLICE, Story, Window
from sim import costs
from sim.ledger import Event
from sim.population import DEBT, LINE


@dataclass(frozen=True)
class Measure:
    """A named function of the ledger. `better` is "fewer", "more" or "" where neither is better in itself."""

    name: str
    label: str
    unit: str
    definition: str
    better: str
    of: Callable[[Story, Window], float]


_MEASURES: dict[str, Measure] = {}


def measure(unit: str, label: str, *, better: str = "", name: str = "", definition: str = ""):
    """Register a function as a measure; its name and docstring are the measure's own unless given."""

    def register(function: Callable[[Story, Window], float]) -> Callable[[Story, Window], float]:
        own = name or function.__name__
        if own in _MEASURES:
            raise ValueError(f"there are two measures called {own}")
        said = definition or " ".join((function.__doc__ or "").split())
        if not said:
            raise ValueError(f"measure {own} has no definition; write a docstring")
        _MEASURES[own] = Measure(own, label, unit, said, better, function)
        return function

    return register


def every_measure() -> tuple[Measure, ...]:
    """All measures, in the order of declaration."""
    return tuple(_MEASURES.values())


def named(name: str) -> Measure:
    """The measure of that name."""
    return _MEASURES[name]


def take(story: Story, window: Window, names: tuple[str, ...] | None = None) -> dict[str, float]:
    """Every measure, or those named, over a window; nan where a measure is not defined (nobody to count)."""
    chosen = every_measure() if names is None else [_MEASURES[name] for name in names]
    return {each.name: float(each.of(story, window)) for each in chosen}


HEADLINES = (
    "children_missing", "children_missing_police", "children_missing_authority", "days_missing", "children_recruited", "cost",
)  # fmt: skip
"""The measures of the first page of a report."""

MONTHLY = (
    "children_missing", "children_missing_police", "children_missing_authority", "children_recruited", "children_on_lines",
    "days_missing", "cost",
)  # fmt: skip
"""The measures that are also kept month by month, for the charts over time."""


def _ratio(part: float, whole: float, per: float = 1.0) -> float:
    return per * part / whole if whole else float("nan")


# -- missing -------------------------------------------------------------------------------------------------------------


@measure("children", "children going missing (true)", better="fewer")
def children_missing(story, window):
    """Children who began at least one missing episode, recorded or not."""
    return story.in_window(window).children


@measure("children", "children going missing (police record)")
def children_missing_police(story, window):
    """Children with at least one episode, begun in the window, that is in the police record."""
    episodes = story.in_window(window)
    return episodes.where(episodes.has(POLICE)).children


@measure("children", "looked-after children going missing (authority's record)")
def children_missing_authority(story, window):
    """Looked-after children with at least one episode, begun in the window, in their responsible authority's record."""
    episodes = story.in_window(window)
    return episodes.where(episodes.has(AUTHORITY, LOOKED_AFTER)).children


@measure("episodes", "missing episodes (true)", better="fewer")
def episodes(story, window):
    """Missing episodes begun in the window, recorded or not."""
    return len(story.in_window(window))


@measure("episodes", "missing episodes (police record)")
def episodes_police(story, window):
    """Missing episodes begun in the window that are in the police record."""
    return int(story.in_window(window).has(POLICE).sum())


@measure("episodes", "missing episodes (authority's record)")
def episodes_authority(story, window):
    """Missing episodes of looked-after children, begun in the window, in their responsible authority's record."""
    return int(story.in_window(window).has(AUTHORITY, LOOKED_AFTER).sum())


@measure("episodes", "missing episodes because of a line or of debt", better="fewer")
def episodes_for_a_line(story, window):
    """Missing episodes begun in the window, recorded or not, whose cause is work on a line, or debt or fear."""
    return int(np.isin(story.in_window(window).cause, (LINE, DEBT)).sum())


@measure("child-days", "days missing", better="fewer")
def days_missing(story, window):
    """Days away inside the window, of all episodes whenever begun; an episode that goes on counts up to the last day."""
    begin = story.episodes.start - 1.0  # in days since day 1 began
    end = begin + story.episodes.away
    inside = np.minimum(end, window.last) - np.maximum(begin, window.first - 1.0)
    return float(np.clip(inside, 0.0, None).sum())


@measure("share of episodes", "episodes in neither record")
def never_reported(story, window):
    """Share of episodes begun in the window that are in neither record."""
    episodes = story.in_window(window)
    return _ratio(int(((episodes.detail & (POLICE | AUTHORITY)) == 0).sum()), len(episodes))


@measure("share of incidents", "repeat incidents (police record)")
def repeats(story, window):
    """Share of incidents in the police record that are not the child's first recorded one in the window."""
    recorded = story.in_window(window)
    recorded = recorded.where(recorded.has(POLICE))
    return _ratio(len(recorded) - recorded.children, len(recorded))


@measure("days", "mean length of an episode")
def episode_length(story, window):
    """Mean days away of the episodes begun in the window, followed to their end or to the end of the run."""
    away = story.in_window(window).away
    return float(away.mean()) if len(away) else float("nan")


def _per_1000(story, window, record: int, looked_after: bool) -> float:
    episodes = story.in_window(window)
    mine = episodes.where((episodes.has(LOOKED_AFTER) == looked_after) & episodes.has(record))
    there = story.stock("looked_after", window)
    return _ratio(mine.children, there if looked_after else story.stock("children", window) - there, 1000.0)


@measure("per 1,000 looked-after children", "looked-after children going missing (true)", better="fewer")
def looked_after_missing_per_1000(story, window):
    """Children looked after when an episode of theirs began, per 1,000 looked after on an average day."""
    return _per_1000(story, window, 0, True)


@measure("per 1,000 other children", "other children going missing (true)", better="fewer")
def others_missing_per_1000(story, window):
    """Children not looked after when an episode of theirs began, per 1,000 children not looked after on an average day."""
    return _per_1000(story, window, 0, False)


@measure("per 1,000 looked-after children", "looked-after children going missing (police record)")
def looked_after_missing_police_per_1000(story, window):
    """As for true episodes, of those in the police record."""
    return _per_1000(story, window, POLICE, True)


@measure("per 1,000 other children", "other children going missing (police record)")
def others_missing_police_per_1000(story, window):
    """As for true episodes, of those in the police record."""
    return _per_1000(story, window, POLICE, False)


# -- lines ---------------------------------------------------------------------------------------------------------------


@measure("children", "children recruited to a line", better="fewer")
def children_recruited(story, window):
    """Children who began to work a line in the window, each once, at the first time."""
    return story.children(Event.RECRUITED, window)


@measure("recruitments", "recruitments to a line", better="fewer")
def recruitments(story, window):
    """How often a child began to work a line in the window; a child may be recruited again."""
    return story.number(Event.RECRUITED, window)


@measure("times", "children drawn back", better="fewer")
def drawn_back(story, window):
    """How often a child who had got out was exploited again by its old line."""
    return story.number(Event.DRAWN_BACK, window)


@measure("times", "children getting out", better="more")
def got_out(story, window):
    """How often a child got out of a line and was safe for now."""
    return story.number(Event.GOT_OUT, window)


@measure("children", "children working a line", better="fewer")
def children_on_lines(story, window):
    """Children working a line on an average day, bound by debt or not."""
    return story.stock("working", window) + story.stock("bound", window)


@measure("children", "children bound by debt", better="fewer")
def children_bound(story, window):
    """Children held to a line by debt on an average day."""
    return story.stock("bound", window)


@measure("lines", "lines open")
def lines_open(story, window):
    """Lines open on an average day."""
    return story.stock("lines", window)


@measure("lines", "lines closed")
def lines_closed(story, window):
    """Lines that closed in the window."""
    return story.number(Event.LINE_CLOSED, window)


# -- identification and interviews ---------------------------------------------------------------------------------------


@measure("children", "exploited children identified", better="more")
def children_identified(story, window):
    """Children whose exploitation some agency recognised in the window."""
    return story.children(Event.IDENTIFIED, window)


@measure("days", "delay of identification", better="fewer")
def identification_delay(story, window):
    """Median days from the first approach to identification, of those identified in the window."""
    delays = story.of(Event.IDENTIFIED, window)["amount"]
    return float(np.median(delays)) if len(delays) else float("nan")


@measure("interviews", "return interviews held")
def interviews(story, window):
    """Return interviews held in the window."""
    return story.number(Event.INTERVIEWED, window)


@measure("share of interviews", "interviews within 72 hours", better="more")
def interviews_within_72h(story, window):
    """Share of the return interviews held in the window that came within 72 hours of the return."""
    held = story.of(Event.INTERVIEWED, window)["detail"]
    return _ratio(int((held & 1).sum()), len(held))


@measure("interviews", "return interviews that lapsed", better="fewer")
def interviews_lapsed(story, window):
    """Return interviews offered and accepted for which no interviewer was free in time."""
    return story.number(Event.INTERVIEW_LAPSED, window)


# -- care ----------------------------------------------------------------------------------------------------------------


@measure("children", "children looked after")
def looked_after(story, window):
    """Children aged 10 to 17 looked after on an average day."""
    return story.stock("looked_after", window)


@measure("placements", "placements made")
def placements(story, window):
    """Placements begun in the window, first ones and moves."""
    return story.number(Event.PLACED, window)


@measure("refusals", "refusals by providers", better="fewer")
def refusals(story, window):
    """How often a provider with a free bed refused a child."""
    return story.number(Event.REFUSED, window)


@measure("breakdowns", "placements that broke down", better="fewer")
def breakdowns(story, window):
    """Placements that ended in a breakdown in the window."""
    return int((story.of(Event.PLACEMENT_ENDED, window)["detail"] == 1).sum())


@measure("moves", "moves made by a policy")
def moves_by_policy(story, window):
    """Placements that a policy ended in the window to move the child."""
    return int((story.of(Event.PLACEMENT_ENDED, window)["detail"] == 2).sum())


@measure("km", "distance of placements made")
def placement_distance(story, window):
    """Mean distance from home of the placements begun in the window."""
    km = story.of(Event.PLACED, window)["amount"]
    return float(km.mean()) if len(km) else float("nan")


@measure("share of placements", "placements made outside the authority")
def placed_outside(story, window):
    """Share of the placements begun in the window that are outside the child's own authority."""
    made = story.of(Event.PLACED, window)
    return _ratio(int((made["place"] != made["home"]).sum()), len(made["day"]))


@measure("times", "children of other areas who found no bed here", better="fewer")
def guests_waited(story, window):
    """How often a child of an area outside the world found no bed here: a place that was given to somebody else."""
    return story.number(Event.GUEST_WAITED, window)


# -- costs ---------------------------------------------------------------------------------------------------------------


def _bills(story: Story, window: Window, column: str = "", number: int = 0) -> float:
    chosen = window.holds(story.bills["day"])
    if column:
        chosen &= story.bills[column] == number
    return float(story.bills["pounds"][chosen].sum())


@measure("pounds of 2024/25", "cost to all payers")
def cost(story, window):
    """What all payers spent in the window on what the model counts; harm to children is not in it, and is never netted."""
    return _bills(story, window)


def _plain(words: str) -> str:
    """Words as a name: "children's social care" becomes "childrens_social_care"."""
    return "_".join("".join(c if c.isalnum() else " " if c != "'" else "" for c in words.lower()).split())


COST_BY_PAYER: dict[str, str] = {}
"""Name of the cost measure of each payer."""

for _number, _payer in enumerate(costs.PAYERS):
    COST_BY_PAYER[_payer] = f"cost_{_plain(_payer)}"
    measure(
        "pounds of 2024/25", f"cost to {_payer}", name=COST_BY_PAYER[_payer], definition=f"What {_payer} spent in the window."
    )(lambda story, window, number=_number: _bills(story, window, "payer", number))

for _number, _item in enumerate(costs.ITEMS):
    measure(
        "pounds of 2024/25", f"cost of {_item}", name=f"cost_of_{_plain(_item)}", definition=f"What was spent in the window on {_item}."
    )(lambda story, window, number=_number: _bills(story, window, "item", number))
