"""Working a line: sent away, harmed while away; girls and boys, both forms; sexual exploitation goes its own way."""

from functools import cache

import pytest

from sim import CountyLines
from sim.harm import ASSAULT, DEATH, SEXUAL_ASSAULT
from sim.ledger import Event
from sim.population import BY_A_LINE, BY_OTHERS, LINE, SEXUAL, SEXUALLY
from tests.mechanisms.lively import LIVELY, is_male, moments, ran, times
from tests.worlds import events

BOTH_FORMS = {
    **LIVELY,
    "sexual_exploitation.approaches": 120.0,
    "sexual_exploitation.boys": 0.55,
    "recruitment.girls": 0.45,
    "services.intelligence": 0.3,
    "services.recognised": 0.5,
    "recruitment.nobody": 0.1,
}
OTHERWISE = (Event.OTHERWISE_APPROACHED, Event.OTHERWISE_EXPLOITED, Event.OTHERWISE_OUT)


@cache
def half_a_year(**changed: float) -> CountyLines:
    """Half a year in which both forms are common, with some numbers changed (a double underscore stands for the point)."""
    return ran(
        {**BOTH_FORMS, **{address.replace("__", "."): value for address, value in changed.items()}},
        fraction=0.025,
        days=120,
    )


def sexually(rows):
    return rows["cause"] == SEXUALLY


def test_only_children_who_work_a_line_that_runs_are_sent_away_on_it():
    model = half_a_year()
    works: dict[int, list[tuple[int, bool]]] = {}
    begins = (Event.RECRUITED, Event.DRAWN_BACK, Event.PULLED_BACK)
    ends = (Event.GOT_OUT, Event.TRIES_TO_GET_OUT, Event.LEFT)
    told = events(model, *begins, *ends)
    for day, event, child in sorted(zip(*(told[name].tolist() for name in ("day", "event", "child")), strict=True)):
        works.setdefault(child, []).append((day, event in begins))
    went = events(model, Event.WENT_MISSING)
    away = [
        (day, child)
        for day, child, cause in zip(*(went[name].tolist() for name in ("day", "child", "cause")), strict=True)
        if cause == LINE
    ]
    assert len(away) > 100
    assert all([began for since, began in works.get(child, []) if since <= day][-1:] == [True] for day, child in away)


@pytest.mark.slow
def test_harm_comes_while_away_and_more_of_it_on_a_line():
    model = half_a_year()
    harmed, back = events(model, Event.HARMED), events(model, Event.RETURNED)
    assert moments(harmed, "serial") <= moments(back, "serial"), (
        "harm is told of on the day of the return from that episode"
    )
    as_elsewhere, more = half_a_year(harm__on_a_line=1.0), half_a_year(harm__on_a_line=4.0)
    on_line, elsewhere = (
        [times([m], Event.HARMED, where=lambda rows, there=there: (rows["cause"] == ASSAULT) & ((rows["detail"] == LINE) == there)) for m in (as_elsewhere, more)]
        for there in (True, False)
    )  # fmt: skip
    assert on_line[1] > 1.5 * on_line[0] > 0
    assert abs(elsewhere[1] - elsewhere[0]) < 0.25 * elsewhere[0]


@pytest.mark.slow
def test_death_is_counted_and_the_child_is_gone():
    model = half_a_year(harm__death=0.02)
    died, left = events(model, Event.DIED), events(model, Event.LEFT)
    assert len(died["day"]) > 3
    assert set(died["child"][died["day"] < model.last_day].tolist()) <= set(
        left["child"][(left["detail"] & 4) > 0].tolist()
    )
    assert moments(died) <= moments(
        {
            name: column[events(model, Event.HARMED)["cause"] == DEATH]
            for name, column in events(model, Event.HARMED).items()
        }
    )


def test_the_recorded_mix_by_sex_comes_out_through_who_is_believed_and_not_through_who_is_exploited():
    """The same girls work lines; fewer of them are named as exploited by a line."""
    believed, doubted = half_a_year(services__girls_on_lines=1.0), half_a_year(services__girls_on_lines=0.05)

    def girls(model, event, form=BY_A_LINE):
        rows = events(model, event)
        mine = rows["child"] if event == Event.RECRUITED else rows["child"][rows["cause"] == form]
        return int((~is_male(model, mine)).sum()), len(mine)

    true = [girls(model, Event.RECRUITED) for model in (believed, doubted)]
    named = [girls(model, Event.FORM_NAMED) for model in (believed, doubted)]
    assert true[0][0] > 20 and abs(true[0][0] / true[0][1] - true[1][0] / true[1][1]) < 0.06
    assert named[1][0] < 0.6 * named[0][0]


@pytest.mark.slow
def test_boys_and_girls_meet_both_forms():
    model = half_a_year()
    on_line = is_male(model, events(model, Event.RECRUITED)["child"])
    exploited = events(model, Event.OTHERWISE_EXPLOITED)
    in_other = is_male(model, exploited["child"][sexually(exploited)])
    assert 0.5 < on_line.mean() < 0.95
    assert 0.05 < in_other.mean() < 0.5


def test_sexual_exploitation_goes_on_without_any_line():
    """Its own approach, stages, episodes and exits."""
    model = half_a_year(
        lines__external=0.0, lines__internal=0.0, other_criminal__approaches=0.0, sexual_exploitation__gets_out=0.25
    )
    assert times([model], Event.APPROACHED, Event.RECRUITED, Event.LINE_OPENED) == 0
    assert all(times([model], event, where=sexually) > 5 for event in OTHERWISE)
    assert times([model], Event.OTHERWISE_EXPLOITED, where=lambda rows: rows["detail"] == 1) > 0, "some are drawn back"
    assert times([model], Event.WENT_MISSING, where=lambda rows: rows["cause"] == SEXUAL) > 10
    assert (
        times([model], Event.HARMED, where=lambda rows: (rows["cause"] == SEXUAL_ASSAULT) & (rows["detail"] == SEXUAL))
        >= 3
    )


@pytest.mark.slow
def test_without_it_lines_go_on_as_they_did():
    with_it, without = half_a_year(), half_a_year(sexual_exploitation__approaches=0.0)
    assert times([without], *OTHERWISE, where=sexually) == 0
    assert times([without], Event.WENT_MISSING, where=lambda rows: rows["cause"] == SEXUAL) == 0
    one, other = (times([model], Event.RECRUITED) for model in (with_it, without))
    assert abs(one - other) < 0.15 * one


@pytest.mark.slow
@pytest.mark.parametrize(("numbers", "event", "more"), [
    ({"sexual_exploitation__starts": 0.05}, Event.OTHERWISE_EXPLOITED, False),
    ({"sexual_exploitation__gets_out": 0.6}, Event.OTHERWISE_OUT, True),
])  # fmt: skip
def test_its_stages_have_hazards_of_their_own(numbers, event, more):
    before, after = half_a_year(), half_a_year(**numbers)
    number = [times([model], event, where=lambda rows: sexually(rows) & (rows["day"] > 1)) for model in (before, after)]
    if event == Event.OTHERWISE_OUT:  # of those who are exploited, fewer of whom there are
        number = [
            out / model.ledger.table("stocks")["sexually_exploited"].sum()
            for out, model in zip(number, (before, after), strict=True)
        ]
    assert number[1] > 1.5 * number[0] if more else number[1] < 0.7 * number[0]
    line = [times([model], Event.RECRUITED) for model in (before, after)]
    assert abs(line[0] - line[1]) < 0.15 * line[0]
    others = [
        times([model], Event.OTHERWISE_APPROACHED, where=lambda rows: rows["cause"] == BY_OTHERS)
        for model in (before, after)
    ]
    assert abs(others[0] - others[1]) <= 0.1 * others[0] + 2
