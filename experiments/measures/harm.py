"""Harm while away: counted, never netted, never added to budgets"""

from __future__ import annotations

from experiments.measures.registry import as_name, measure, ratio
from sim.harm import KINDS
from sim.ledger import Event
from sim.population import LINE, SEXUAL

for _number, _kind in enumerate(KINDS):
    if _kind != "death":
        measure(
            "times", f"children harmed while away: {_kind}", better="fewer", name=f"harmed_{as_name(_kind)}",
            definition=f"Missing episodes that ended in the window and in which the child met with {_kind}.",
        )(lambda story, window, kind=_number: int((story.of(Event.HARMED, window)["cause"] == kind).sum()))  # fmt: skip


@measure("children", "children who died", better="fewer")
def deaths(story, window):
    """Children who died in the window of what they met with while missing."""
    return story.number(Event.DIED, window)


@measure("times", "harm while away on a line", better="fewer")
def harmed_on_a_line(story, window):
    """Harm of any kind in missing episodes because of a line that ended in the window."""
    return int((story.of(Event.HARMED, window)["detail"] == LINE).sum())


@measure("times", "harm while away because of sexual exploitation", better="fewer")
def harmed_in_sexual_exploitation(story, window):
    """Harm of any kind in missing episodes because of sexual exploitation that ended in the window."""
    return int((story.of(Event.HARMED, window)["detail"] == SEXUAL).sum())


@measure("per 100 episodes", "harm for 100 episodes", better="fewer", official="run_harm_2011")
def harm_per_100_episodes(story, window):
    """Harm of any kind for 100 episodes that ended in the window; the survey asks runaways whether they were hurt or harmed."""
    return ratio(story.number(Event.HARMED, window), story.number(Event.RETURNED, window), 100.0)


@measure("child-days", "days in hospital", better="fewer")
def days_in_hospital(story, window):
    """Days in hospital that began in the window because of injury while missing; they are not days safe."""
    return float(story.of(Event.IN_HOSPITAL, window)["amount"].sum())
