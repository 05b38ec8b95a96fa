"""Harm while away: assault, sexual assault, injury, threat, rarely death; and hospital."""

from math import exp

from .people import leave_tomorrow
from .words import (
    ASSAULT,
    DEATH,
    DIED,
    HARM_NAMES,
    HARMED,
    HAS_DIED,
    IN_HOSPITAL,
    INJURY,
    LINE,
    SEXUAL,
    SEXUAL_ASSAULT,
    THREATENED,
)

LONGEST = 60.0  # days away after which nothing is added


def rate(england, kind, cause):
    """Of one kind of harm [a day away]: more on a line, and of sexual assault in an episode of sexual exploitation."""
    p = england.p("harm")
    usual = {ASSAULT: p.assault, SEXUAL_ASSAULT: p.sexual_assault, INJURY: p.injury, THREATENED: p.threat, DEATH: p.death}[kind]
    if cause == LINE and kind in (ASSAULT, INJURY, THREATENED):
        return usual * p.on_a_line
    return usual * p.when_sexual if cause == SEXUAL and kind == SEXUAL_ASSAULT else usual


def look_back(england):
    """Those who came back today: what happened to them while they were away."""
    for child, episode in england.news["returned"]:
        for kind, name in enumerate(HARM_NAMES):
            chance = 1.0 - exp(-rate(england, kind, episode.cause) * min(episode.days, LONGEST))
            if england.uniform(f"harm.{name}", child.key, episode.number) < chance:
                england.tell(HARMED, child, cause=kind, detail=episode.cause, serial=episode.number)
                suffer(england, child, kind, episode.number)


def suffer(england, child, kind, n):
    """What follows: fear of a threat, for some of the injured hospital; a child who died is gone in the morning."""
    if kind == THREATENED:
        england.news["threatened"].append(child)
    elif kind == INJURY and england.uniform("harm.admitted", child.key, n) < england.p("harm").admitted:
        days = 1 + int(england.exponential("harm.hospital_days", child.key, n) * england.p("harm").hospital_days)
        child.in_hospital_until = england.day + days
        england.tell(IN_HOSPITAL, child, amount=days, serial=n)
        england.news["in hospital"].append(child)
    elif kind == DEATH:
        england.tell(DIED, child)
        child.in_hospital_until = max(child.in_hospital_until, england.day + 1)  # out of reach of everything until then
        leave_tomorrow(england, child, HAS_DIED)
