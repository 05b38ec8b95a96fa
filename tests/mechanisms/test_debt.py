"""Debt: a seizure raises it that day; without debts children run from it less and get out sooner; relatives and friends inherit it."""

from functools import cache

import numpy as np

from sim import CountyLines
from sim.exploitation import SEIZURE, TRIED
from sim.ledger import Event
from sim.population import DEBT
from tests.mechanisms.lively import LIVELY, made, moments, ran, times, twin
from tests.worlds import events

HEAVY = {
    **LIVELY, "missing.debt_rate": 12.0, "policing.street": 0.6, "exploitation.bound_tries": 0.2, "exploitation.tries": 0.3, "exploitation.gifts": 1500.0,
    "exploitation.holds": 400.0, "exploitation.pulled_back": 0.2, "exploitation.out": 2.0, "lines.relative_or_friend": 0.9, "lines.substitution": 1.0,
}  # fmt: skip


@cache
def in_debt() -> CountyLines:
    return ran(HEAVY, fraction=0.02, days=150)


def test_a_seizure_raises_the_child_s_debt_that_day():
    model = made(HEAVY, fraction=0.02, days=60)
    seized = 0
    while model.day < model.last_day:
        working = model.exploitation.members_working() if model.day else np.empty(0, dtype=np.int64)
        before = dict(zip(model.children.key[working].tolist(), model.exploitation.debt(working).tolist(), strict=True))
        model.step()
        told = events(model, Event.DEBT_ROSE, Event.DEBT_REPAID)
        today = told["day"] == model.day
        for child in set(
            told["child"][today & (told["event"] == Event.DEBT_ROSE) & (told["cause"] == SEIZURE)].tolist()
        ) & set(before):
            mine = today & (told["child"] == child)
            change = np.where(told["event"][mine] == Event.DEBT_ROSE, told["amount"][mine], -told["amount"][mine]).sum()
            row = model.children.rows[model.children.key[model.children.rows] == np.uint64(child)]
            after = float(model.exploitation.debt(row)[0])
            seized += 1
            assert after > 0.0 and abs(after - (before[child] + change)) < 1e-6
    assert seized > 10


def test_what_is_seized_is_seized_when_police_meet_the_child():
    rose = events(in_debt(), Event.DEBT_ROSE)
    seized = {name: column[rose["cause"] == SEIZURE] for name, column in rose.items()}
    assert len(seized["day"]) > 20
    assert moments(seized) <= moments(events(in_debt(), Event.ARRESTED))


def test_cancelling_debts_changes_episodes_and_exits():
    owed = made(HEAVY, fraction=0.04, days=150).run_to(40)
    free = twin(owed)
    while owed.day < owed.last_day:
        owed.step()
        free.step()
        free.exploitation.cancel_debts(free.children.rows)
    ran_away, got_out = (
        [times([m], kind, where=lambda rows, c=cause: rows["cause"] == c) for m in (owed, free)]
        for kind, cause in ((Event.WENT_MISSING, DEBT), (Event.GOT_OUT, TRIED))
    )
    assert ran_away[1] < 0.7 * ran_away[0]
    assert got_out[1] > 1.2 * got_out[0]


def test_a_relative_or_friend_who_is_made_to_take_the_place_takes_the_debt_too():
    pressed = events(in_debt(), Event.PRESSED)
    assert len(pressed["day"]) > 3
    assert (pressed["amount"] > 0.0).any()
    recruited = events(in_debt(), Event.RECRUITED)
    for day, child, line, debt in zip(*(pressed[name].tolist() for name in ("day", "child", "agent", "amount")), strict=True):
        later = recruited["amount"][(recruited["child"] == child) & (recruited["agent"] == line) & (recruited["day"] > day)]
        assert not later.size or later[0] == debt, "no gifts to one who is forced: what it owes is what it inherited"
