"""Return interviews: fewer where two authorities are needed; trust decides what is told; what is told is a signal that one agency holds."""

from functools import cache

import numpy as np

from sim import CountyLines
from sim.ledger import Event
from sim.missing import LOOKED_AFTER, OUTSIDE
from sim.services import DISCLOSURE, SOCIAL_CARE
from tests.mechanisms.lively import LIVELY, moments, ran, times
from tests.worlds import events

OFTEN = {
    **LIVELY,
    "services.interviewers": 1000.0,
    "services.offered": 0.95,
    "services.accepted": 0.95,
    "services.unevenness_of_practice": 0.0,
    "relationships.trust_after": 0.5,
    "missing.in_foster": 4.0,
    "missing.unevenness_care": 1.0,
}
IN_TIME, DISCLOSED = 1, 2


@cache
def spring(address: str = "", value: float = 0.0) -> CountyLines:
    return ran({**OFTEN, **({address: value} if address else {})}, fraction=0.015, days=100)


def share_interviewed(model, outside: bool) -> float:
    """Interviews for each recorded episode of looked-after children who were placed outside their authority, or inside."""
    back, held = events(model, Event.RETURNED), moments(events(model, Event.INTERVIEWED), "serial")
    asked = {(child, serial) for _, child, serial in held}
    mine = (
        ((back["detail"] & 3) > 0)
        & ((back["detail"] & LOOKED_AFTER) > 0)
        & (((back["detail"] & OUTSIDE) > 0) == outside)
        & (back["day"] < model.last_day - 15)
    )
    episodes = list(zip(back["child"][mine].tolist(), back["serial"][mine].tolist(), strict=True))
    assert len(episodes) > 40
    return sum(episode in asked for episode in episodes) / len(episodes)


def test_where_two_authorities_are_needed_it_happens_less():
    model = spring("services.offered_outside", 0.4)
    assert share_interviewed(model, outside=True) < 0.65 * share_interviewed(model, outside=False)
    model = spring("services.offered_outside", 1.0)
    assert share_interviewed(model, outside=True) > 0.7 * share_interviewed(model, outside=False)


def test_trust_decides_what_is_disclosed():
    told = [
        times(
            [spring("relationships.discloses", times_as_often)],
            Event.INTERVIEWED,
            where=lambda rows: (rows["detail"] & DISCLOSED) > 0,
        )
        for times_as_often in (1.0, 4.0)
    ]
    held = [
        times([spring("relationships.discloses", times_as_often)], Event.INTERVIEWED) for times_as_often in (1.0, 4.0)
    ]
    assert told[1] > 1.1 * told[0] and abs(held[1] - held[0]) < 0.1 * held[0]


def test_what_is_disclosed_is_a_signal_that_social_care_alone_holds():
    held, signals = events(spring(), Event.INTERVIEWED), events(spring(), Event.SIGNAL)
    told = {name: column[(held["detail"] & DISCLOSED) > 0] for name, column in held.items()}
    of_it = {name: column[signals["detail"] == DISCLOSURE] for name, column in signals.items()}
    assert len(told["day"]) > 20 and moments(told) == moments(of_it)
    assert set(of_it["cause"].tolist()) == {SOCIAL_CARE}


def test_within_72_hours_or_not_is_a_matter_of_arranging_and_of_interviewers():
    soon, late, few = (
        spring("services.arranging", 0.5),
        spring("services.arranging", 5.0),
        spring("services.interviewers", 4.0),
    )
    share = [np.mean((events(model, Event.INTERVIEWED)["detail"] & IN_TIME) > 0) for model in (soon, late)]
    assert share[1] < 0.8 * share[0]
    assert times([few], Event.INTERVIEWED) < 0.7 * times([spring()], Event.INTERVIEWED)
    assert times([few], Event.INTERVIEW_LAPSED) > 2 * times([spring()], Event.INTERVIEW_LAPSED)
