"""Finding, and the response of police: a criminal and a safeguarding response do different things to debt, trust and later offending."""

from functools import cache

import numpy as np
import pytest

from sim import CountyLines
from sim.exploitation import SEIZURE
from sim.ledger import Event
from sim.missing import FOUND, HIGH_RISK, POLICE
from sim.policing import AT_A_CLOSURE, CRIMINAL, ON_A_LINE, SAFEGUARDING
from sim.population import CUSTODY, LINE
from tests.mechanisms.lively import LIVELY, made, ran, rows_of, times
from tests.worlds import events

MET_OFTEN = {
    **LIVELY, "policing.street": 1.0, "policing.seized_criminal": 1.0, "policing.seized_safeguarding": 0.1, "policing.trust_lost": 0.8,
    "policing.later_offence": 3.0, "policing.later_after_safeguarding": 0.3, "policing.remand": 0.0, "relationships.trust_after": 0.5,
    "services.unevenness_of_practice": 0.0, "policing.criminal_when_known": 1.0, "relationships.turnover": 0.2, "services.help_places": 80.0,
    "services.intelligence": 0.6, "relationships.new_worker_after_move": 0.0,
}  # fmt: skip


@cache
def met(criminal: float) -> CountyLines:
    """Half a year in which police meet many children, and respond so."""
    return ran({**MET_OFTEN, "policing.criminal": criminal}, fraction=0.02, days=120)


def share(model, event, where=None) -> float:
    """Events of a kind for each child met by police."""
    return times([model], event, where=where) / times([model], Event.ARRESTED)


def test_the_two_responses_do_different_things_to_debt_and_later_offending():
    victims, criminals = met(0.0), met(1.0)
    assert set(events(victims, Event.ARRESTED)["detail"].tolist()) == {SAFEGUARDING} and set(
        events(criminals, Event.ARRESTED)["detail"].tolist()
    ) == {CRIMINAL}
    assert times([victims], Event.ARRESTED) > 100
    seized = [share(model, Event.DEBT_ROSE, lambda rows: rows["cause"] == SEIZURE) for model in (victims, criminals)]
    assert seized[0] < 0.25 and seized[1] > 0.6
    later = [share(model, Event.LATER_OFFENCE) for model in (victims, criminals)]
    assert 0.0 < later[0] < 0.6 * later[1]


def test_a_criminal_response_costs_the_child_s_trust_in_its_worker():
    kept = []
    for criminal in (0.0, 1.0):
        model, trusted, still = made({**MET_OFTEN, "policing.criminal": criminal}, fraction=0.02, days=120), 0, 0
        while model.day < model.last_day:
            rows = model.children.rows
            before = set(rows[model.relationships.trusts(rows)].tolist())
            model.step()
            now = [row for row in model.today.rows(Event.ARRESTED).tolist() if row in before]
            trusted += len(now)
            still += int(model.relationships.trusts(np.array(now, dtype=np.int64)).sum()) if now else 0
        assert trusted > 15
        kept.append(still / trusted)
    assert kept[0] > 0.9 and kept[1] < 0.5


@pytest.mark.slow
def test_a_child_graded_as_high_risk_is_found_sooner():
    found_of = {}
    for quicker in (1.0, 0.1):
        lively = {**LIVELY, "policing.high_risk_search": quicker, "policing.high_risk_in_care": 0.5, "reporting.search": 2.0, "duration.conflict": 3.0}
        back = events(ran(lively, fraction=0.02, days=90), Event.RETURNED)
        reported, high, found = ((back["detail"] & bit) > 0 for bit in (POLICE, HIGH_RISK, FOUND))
        found_of[quicker] = [found[reported & graded].mean() for graded in (high, ~high)]
    assert found_of[0.1][0] > 1.4 * found_of[1.0][0]
    assert found_of[0.1][1] == pytest.approx(found_of[1.0][1], rel=0.1)


def test_a_remanded_child_is_looked_after_in_custody_and_nothing_comes_to_it_until_it_is_released():
    model = ran(
        {**MET_OFTEN, "policing.criminal": 1.0, "policing.remand": 0.6, "policing.remand_days": 14.0},
        fraction=0.02,
        days=100,
    )
    remanded, released, left_care = (events(model, kind) for kind in (Event.REMANDED, Event.RELEASED, Event.LEFT_CARE))
    assert len(remanded["day"]) > 20 and len(released["day"]) > 10
    inside = {}
    for child, day, days in zip(*(remanded[name].tolist() for name in ("child", "day", "amount")), strict=True):
        inside.setdefault(child, []).append((day, day + int(days)))
    happened = events(
        model,
        Event.WENT_MISSING,
        Event.APPROACHED,
        Event.RECRUITED,
        Event.OTHERWISE_EXPLOITED,
        Event.DRAWN_BACK,
        Event.PLACEMENT_ENDED,
    )
    for child, day in zip(happened["child"].tolist(), happened["day"].tolist(), strict=True):
        assert not any(begin < day < end for begin, end in inside.get(child, ()))
    out = dict.fromkeys(zip(released["child"].tolist(), released["day"].tolist(), strict=True))
    assert all(any(end == day for _, end in inside[child]) for child, day in out)
    entered = events(model, Event.ENTERED_CARE)
    looked_after = set(zip(entered["child"].tolist(), entered["day"].tolist(), strict=True))
    assert sum((child, begin) in looked_after for child, spans in inside.items() for begin, _ in spans) > 5, (
        "those who were not become so"
    )
    assert len(set(left_care["child"].tolist()) & set(released["child"].tolist())) > 3, "and cease to be, on release"
    assert model.ledger.table("stocks")["in_custody"].max() > 0
    here = rows_of(model, [child for child, spans in inside.items() if spans[-1][1] > model.day])
    here = here[model.children.is_present[here]]
    assert (model.children.setting[here] == CUSTODY).all()


def test_whom_police_meet_at_a_closure_is_not_missing_the_day_after():
    """A child away on the line is met there and is back in the morning, met once; a child away for another reason is not met."""
    model = made({**MET_OFTEN, "lines.lifetime": 90.0, "policing.at_closure": 0.8, "duration.line": 10.0, "missing.debt_rate": 4.0}, fraction=0.03, days=150)
    brought_back, at_home, left_out = 0, 0, 0
    while model.day < model.last_day:
        model.step()
        told = events(model, Event.ARRESTED)
        today = told["day"] == model.day
        closure = rows_of(model, told["child"][today & (told["cause"] == AT_A_CLOSURE)])
        away = closure[model.children.missing_slot[closure] >= 0]
        assert (model.missing.table.cause[model.children.missing_slot[away]] == LINE).all()
        table = model.missing.table
        assert (table.ends[model.children.missing_slot[away]] == model.day + 1).all()
        was_on_the_line = model.today.rows(Event.LINE_CLOSED)
        slots = model.children.missing_slot[was_on_the_line]
        left_out += int(((slots >= 0) & (table.cause[slots] != LINE)).sum())
        at_home += len(closure) - len(away)
        if len(away) and model.day < model.last_day:
            model.step()
            back = model.today.rows(Event.RETURNED)
            assert set(away.tolist()) <= set(back.tolist()) | set(model.today.rows(Event.LEFT).tolist())
            again = events(model, Event.ARRESTED)
            found = rows_of(model, again["child"][(again["day"] == model.day) & (again["cause"] == ON_A_LINE)])
            assert not set(found.tolist()) & set(away.tolist())
            brought_back += len(away)
    assert brought_back > 5 and at_home > 20 and left_out > 0
