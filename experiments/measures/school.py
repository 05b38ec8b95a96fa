"""Schooling"""

from __future__ import annotations

from experiments.measures.registry import measure, ratio
from experiments.measures.story import Story, Window
from sim.ledger import Event


def _days_out(story: Story, window: Window, event: Event) -> float:
    """Days, of all days of the week, that fall into a window, of what begins with such an event and lasts `amount`."""
    rows = story.of(event)
    return window.days_inside(rows["day"].astype(float), rows["day"] + rows["amount"])


@measure("suspensions", "suspensions from school", better="fewer")
def suspensions(story, window):
    """Suspensions in the window; children aged 10 to 17 (the published rate is for 100 pupils of all ages)."""
    return story.number(Event.SUSPENDED, window)


@measure("exclusions", "permanent exclusions", better="fewer")
def exclusions(story, window):
    """Permanent exclusions in the window."""
    return story.number(Event.EXCLUDED, window)


@measure("per 100 children", "suspensions for 100 children")
def suspensions_per_100(story, window):
    """Suspensions in the window for 100 children on an average day."""
    return ratio(suspensions(story, window), story.stock("children", window), 100.0)


@measure("times", "part-time timetables begun", better="fewer")
def part_time_timetables(story, window):
    """How often in the window a child was put on a part-time timetable."""
    return story.number(Event.PART_TIME, window)


@measure("times", "spells of persistent absence begun", better="fewer")
def absences(story, window):
    """How often in the window a child began weeks of absence from school."""
    return story.number(Event.ABSENT, window)


@measure("child-days", "days suspended or absent", better="fewer")
def days_out_of_school(story, window):
    """Days of suspension and of persistent absence that fall into the window, holidays and weekends included."""
    return _days_out(story, window, Event.SUSPENDED) + _days_out(story, window, Event.ABSENT)


@measure("child-days", "days in alternative provision", better="fewer")
def days_in_alternative_provision(story, window):
    """Days of the window that children spend in alternative provision after a permanent exclusion, holidays and weekends included."""
    return _days_out(story, window, Event.EXCLUDED)
