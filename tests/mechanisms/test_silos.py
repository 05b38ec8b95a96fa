"""Silos: the same signals in two agencies identify later than in one; sharing closes the gap by its delay."""

from functools import cache

import numpy as np
import pytest

from sim.ledger import Event
from sim.population import BY_A_LINE, NEVER, SEXUALLY
from sim.services import (
    CRIMINAL_FACTOR,
    GANG_FACTOR,
    INTELLIGENCE,
    MET,
    MISSING_FACTOR,
    POLICE_FORCE,
    SEXUAL_FACTOR,
    SOCIAL_CARE,
)
from tests.mechanisms.lively import LIVELY, made, ran, twin
from tests.worlds import events

# Nobody sees anything but what a test lets them see.
NOTHING_SEEN = {
    **LIVELY, "services.episode_seen": 0.0, "services.met_seen": 0.0, "services.discloses": 0.0, "services.school_sees": 0.0,
    "services.hospital_sees": 0.0, "services.intelligence": 0.0, "services.unevenness_of_practice": 0.0, "services.recognised": 0.4,
    "exploitation.approach_lapses": 0.01, "exploitation.grooming_lapses": 0.01, "exploitation.settles": 0.01,
}  # fmt: skip
FIRST = 30  # day on which the signals come


@cache
def settings(shared: float, sharing_days: float) -> dict[str, float]:
    return {**NOTHING_SEEN, "services.shared": shared, "services.sharing_days": sharing_days}


def identified(agencies: tuple[int, int], shared: float = 0.0, sharing_days: float = 10.0) -> np.ndarray:
    """Days until those children are identified who need two signals and have two, each held by one of two agencies; -1 not within 120 days."""
    model = made(settings(shared, sharing_days), fraction=0.02, days=FIRST + 120).run_to(FIRST)
    exploited = model.children.rows[model.services.is_exploited(model.children.rows)]
    two = exploited[(model.services._needed(exploited) == 2.0) & (model.children.identified_on[exploited] == NEVER)]
    two = two[model.children.ages(two) < 17]
    for agency in agencies:
        model.services.signal(two, agency, INTELLIGENCE)
    while model.day < model.last_day:
        model.step()
    when = model.children.columns["identified_on"][two].astype(np.int64)
    assert len(two) > 15
    return np.where(when == NEVER, -1, when - FIRST)


def test_the_same_signals_in_two_agencies_identify_later_than_in_one():
    assert (identified((POLICE_FORCE, POLICE_FORCE)) == 0).all()
    assert (identified((POLICE_FORCE, SOCIAL_CARE)) == -1).all(), "never, if nobody shares"


def test_sharing_closes_the_gap_by_its_delay():
    gaps = {}
    for mean_days in (3.0, 20.0):
        days = identified((POLICE_FORCE, SOCIAL_CARE), shared=1.0, sharing_days=mean_days)
        known = days[days >= 0]
        assert len(known) > 0.7 * len(days) and known.min() >= 1
        gaps[mean_days] = known.mean()
    # the later of two exponential delays: one and a half times their mean
    assert gaps[3.0] == pytest.approx(1.5 * 3.0, abs=2.0)
    assert gaps[20.0] == pytest.approx(1.5 * 20.0, rel=0.35)


def test_an_assessment_lists_the_factors_that_are_known_that_day():
    model = ran(
        {**LIVELY, "services.intelligence": 0.5, "services.gang_named": 0.5, "sexual_exploitation.approaches": 60.0},
        fraction=0.02,
        days=120,
    )
    assessed, named, went = (events(model, kind) for kind in (Event.ASSESSED, Event.FORM_NAMED, Event.IDENTIFIED))
    on = dict(zip(went["child"].tolist(), went["day"].tolist(), strict=True))
    forms: dict[int, set[int]] = {}
    for child, form in zip(named["child"].tolist(), named["cause"].tolist(), strict=True):
        forms.setdefault(child, set()).add(form)
    gangs = []
    for child, day, detail in zip(*(assessed[name].tolist() for name in ("child", "day", "detail")), strict=True):
        if day < on.get(child, 1 << 30):
            assert detail == MISSING_FACTOR, "of a child who is not identified only going missing is known"
        elif day == on[child] and not detail & MISSING_FACTOR:
            assert bool(detail & SEXUAL_FACTOR) == (SEXUALLY in forms[child])
            assert bool(detail & CRIMINAL_FACTOR) == bool(forms[child] - {SEXUALLY})
            assert BY_A_LINE in forms[child] or not detail & GANG_FACTOR
            gangs += [bool(detail & GANG_FACTOR)] if BY_A_LINE in forms[child] else []
    assert len(gangs) > 20 and 0.25 < np.mean(gangs) < 0.75


def test_staff_who_see_more_are_not_told_more_by_others():
    """Training changes what agencies see; what a parent or a neighbour tells the police comes as it did."""
    model = ran({**LIVELY, "services.intelligence": 3.0, "services.met_seen": 0.3, "policing.street": 3.0}, fraction=0.03, days=60)
    trained = twin(model)
    trained.services.attention.hold(list(model.world.authorities), 2.0, by="training")
    told: dict[bool, list[set]] = {}
    for one in (model, trained):
        one.run_to(one.day + 1)
        rows = events(one, Event.SIGNAL)
        today = rows["day"] == one.day
        told[one is trained] = [set(rows["child"][today & (rows["detail"] == kind)].tolist()) for kind in (INTELLIGENCE, MET)]
    (heard, saw), (heard_when_trained, saw_when_trained) = told[False], told[True]
    assert len(heard) > 3 and heard == heard_when_trained
    assert saw < saw_when_trained
