"""A run told again from its events alone: on each evening, what there is must be what was counted, and the bills what it costs.

Nothing of the model's state is read but its unit costs, so an event that is not told, told twice, or told of somebody to whom it
cannot have happened, shows on its day.
"""

from collections import Counter, defaultdict

import pytest

from sim import CountyLines
from sim.costs import (
    ALTERNATIVE_PROVISION,
    ASSESSMENTS,
    CARE,
    CLOSURES,
    DAYS_LOST,
    EDUCATION,
    EPISODES,
    FAMILY,
    HEALTH,
    HELP,
    HOSPITAL,
    INTERVIEWS,
    JUSTICE,
    MET,
    POLICE_BUDGET,
    POLICIES,
    SOCIAL_WORK,
)
from sim.dates import EIGHTEEN
from sim.ledger import STOCKS, Event
from sim.lines import BY_CHILD, BY_CHILD_OF_ELSEWHERE
from sim.missing import POLICE
from sim.population import (
    ALTERNATIVE,
    APPROACHED,
    BOUND,
    BY_OTHERS,
    CUSTODY,
    GETTING_OUT,
    GROOMED,
    NOT_INVOLVED,
    SAFE,
    SEXUALLY,
    WORKING,
)

STAGE_AFTER = {  # where an event leaves a child, and where it may have been before; here working may also be bound
    Event.APPROACHED: (APPROACHED, {NOT_INVOLVED}), Event.GROOMED: (GROOMED, {APPROACHED}), Event.PRESSED: (GROOMED, {NOT_INVOLVED}),
    Event.RECRUITED: (WORKING, {NOT_INVOLVED, APPROACHED, GROOMED}), Event.TRIES_TO_GET_OUT: (GETTING_OUT, {WORKING}),
    Event.PULLED_BACK: (WORKING, {GETTING_OUT}), Event.GOT_OUT: (SAFE, {WORKING, GETTING_OUT}), Event.DRAWN_BACK: (WORKING, {SAFE}),
    Event.SETTLED: (NOT_INVOLVED, {SAFE}), Event.LAPSED: (NOT_INVOLVED, {APPROACHED, GROOMED}),
}  # fmt: skip

# What cannot come to a child who is missing, in hospital or in custody.
OUT_OF_REACH_OF = {
    Event.APPROACHED, Event.GROOMED, Event.PRESSED, Event.RECRUITED, Event.TRIES_TO_GET_OUT, Event.PULLED_BACK, Event.DRAWN_BACK,
    Event.SETTLED, Event.LAPSED, Event.OTHERWISE_APPROACHED, Event.OTHERWISE_EXPLOITED, Event.OTHERWISE_OUT, Event.TRUSTS,
    Event.PROMISE_BROKEN, Event.WENT_MISSING, Event.REMANDED,
}  # fmt: skip


class Retelling:
    """What there is on an evening, from what happened until then."""

    def __init__(self, model: CountyLines):
        self.model = model
        came = model.ledger.tables["children"].rows()
        self.born = dict(zip(came["child"].tolist(), came["born"].tolist(), strict=True))
        self.here: set[int] = set()
        self.setting: dict[int, int] = {}  # of the looked-after
        self.beds: set[int] = set()  # children and guests who have one
        self.missing: set[int] = set()
        self.hospital_until: dict[int, int] = {}
        self.remanded: set[int] = set()  # a moment ago: the next thing told of them is how custody begins
        self.dead: set[int] = set()
        self.crisis_until: dict[int, int] = {}
        self.stage: dict[int, int] = {}
        self.debt: dict[int, float] = defaultdict(float)
        self.holds: dict[int, tuple[int, int]] = {}  # line and position of each child who holds one
        self.other: dict[int, set[int]] = {SEXUALLY: set(), BY_OTHERS: set()}
        self.opening: dict[int, set[int]] = defaultdict(
            set
        )  # a line tells of its first positions before it tells that it is open
        self.positions: dict[int, tuple[int, set[int]]] = {}  # of each open line: how many, and which are sought
        self.trusts: set[int] = set()
        self.may_trust: set[int] = (
            set()
        )  # did when police met it as a criminal: the ledger does not say whether it still does
        self.key_workers = next((policy for policy in model.policies if policy.name == "key_worker"), None)
        self.key_worker_goes: dict[int, set[int]] = defaultdict(set)  # by day: whose key worker's time is over, if it had one
        self.helped_until: dict[int, int] = {}
        self.alternative: set[int] = set()
        self.numbers: Counter = Counter()  # of today, by item of cost
        self.days_away: list[tuple[int, float]] = []  # of who came back today

    # -- one event ---------------------------------------------------------------------------------------------------------

    def tell(
        self, event: Event, child: int, line: int, day: int, cause: int, detail: int, serial: int, amount: float
    ) -> None:
        if event in OUT_OF_REACH_OF:
            what = f"{event.name} of {child:016x} on day {day}"
            assert child not in self.missing, f"{what}: it is missing"
            assert self.hospital_until.get(child, 0) <= day, f"{what}: it is in hospital"
            assert self.setting.get(child) != CUSTODY, f"{what}: it is in custody"
            assert child not in self.dead, f"{what}: it has died"
        if event in STAGE_AFTER:
            after, before = STAGE_AFTER[event]
            assert self.stage.get(child, NOT_INVOLVED) in before, f"{event.name} of {child:016x} on day {day}"
            self.stage[child] = after
        if event == Event.ENTERED or (event == Event.ARRIVED and not detail):
            assert child not in self.here
            self.here.add(child)
        elif event == Event.LEFT:
            self._leave(child, day, cause, detail, amount)
        elif event == Event.ENTERED_CARE:
            assert child not in self.setting and child in self.here
            self.setting[child] = CUSTODY if child in self.remanded else -1
            self.remanded.discard(child)
        elif event == Event.PLACED:
            self.setting[child] = cause
            (self.beds.add if line else self.beds.discard)(child)
        elif event == Event.PLACEMENT_ENDED:
            assert self.setting[child] == cause
            self.beds.discard(child)
            if child in self.remanded:
                self.setting[child] = CUSTODY
                self.remanded.discard(child)
        elif event == Event.LEFT_CARE:
            del self.setting[child]
            for of in (self.beds, self.trusts, self.may_trust):
                of.discard(child)
        elif event == Event.REMANDED:
            self.remanded.add(child)
        elif event == Event.RELEASED:
            assert self.setting[child] == CUSTODY
        elif event == Event.GUEST_PLACED:
            self.beds.add(child)
        elif event == Event.GUEST_WAITED:
            self.beds.discard(child)
        elif event == Event.CRISIS:
            self.crisis_until[child] = day + int(amount)
        elif event == Event.WENT_MISSING:
            assert child in self.here
            self.missing.add(child)
        elif event in (Event.RETURNED, Event.STILL_MISSING):
            self.missing.remove(child)
            if event == Event.RETURNED:
                self.days_away.append((child, amount))
                self.numbers[EPISODES] += bool(detail & POLICE)
        elif event in (Event.RECRUITED, Event.PRESSED):
            self.debt[child] = amount
        elif event in (Event.DEBT_ROSE, Event.DEBT_REPAID):
            self.debt[child] += amount if event == Event.DEBT_ROSE else -amount
            assert self.debt[child] >= 0.0, "nobody repays more than it owes"
        elif event == Event.BOUND:
            assert self.stage[child] == WORKING and amount >= self.model.exploitation.parameters.holds
        elif event == Event.GOT_OUT:
            self.holds.pop(child, None)
        elif event == Event.OTHERWISE_EXPLOITED:
            assert child not in self.other[cause]
            self.other[cause].add(child)
        elif event == Event.OTHERWISE_OUT:
            self.other[cause].remove(child)
        elif event in (Event.LINE_OPENED, Event.LINE_CLOSED, Event.POSITION_OPEN, Event.POSITION_FILLED):
            self._line(event, child, line, cause, serial, amount)
        elif event == Event.POLICY_REACHED:
            if self.key_workers and line == self.key_workers.key:
                self.key_worker_goes[day + int(self.key_workers.parameters.months * 30.4375)].add(child)
        elif event == Event.TRUSTS:
            assert child not in self.trusts
            self.trusts.add(child)
            self.may_trust.discard(child)
        elif event in (Event.WORKER_CHANGED, Event.PROMISE_BROKEN):
            self.trusts.discard(child)
            self.may_trust.discard(child)
        elif event == Event.ARRESTED:
            self.numbers[MET] += 1
            if detail and child in self.trusts:
                self.trusts.discard(child)
                self.may_trust.add(child)
        elif event == Event.EXCLUDED:
            self.alternative.add(child)
        elif event == Event.BACK_AT_SCHOOL:
            assert (cause == ALTERNATIVE) == (child in self.alternative)
            self.alternative.discard(child)
        elif event == Event.HELPED:
            self.helped_until[child] = day + self.model.services.parameters.help_days
            self.numbers[HELP] += 1
        elif event == Event.INTERVIEWED:
            self.numbers[INTERVIEWS] += 1
        elif event == Event.ASSESSED:
            self.numbers[ASSESSMENTS] += 1
        elif event == Event.DIED:
            self.dead.add(child)
        elif event == Event.IN_HOSPITAL:
            self.hospital_until[child] = day + int(amount)
            self.numbers[HOSPITAL] += int(amount)

    def _leave(self, child: int, day: int, cause: int, detail: int, amount: float) -> None:
        """Out of observation: what is said of how the child stands is so."""
        stage = self.stage.get(child, NOT_INVOLVED)
        assert child in self.here
        assert bool(detail & 2) == (child in self.setting) and bool(detail & 1) == (child in self.missing)
        assert child in self.dead or not detail & 4
        assert detail & 4 or child not in self.dead or self.born[child] + EIGHTEEN == day, "of a death on the eve of eighteen the birthday is told"
        assert stage == (WORKING if cause == BOUND else cause)
        assert amount == (self.debt[child] if stage >= WORKING else amount)
        for of in (self.here, self.beds, self.trusts, self.may_trust, self.alternative, *self.other.values()):
            of.discard(child)
        for those in (self.setting, self.stage, self.crisis_until, self.helped_until, self.holds):
            those.pop(child, None)

    def _line(self, event: Event, child: int, line: int, cause: int, serial: int, amount: float) -> None:
        if event == Event.LINE_OPENED:
            assert line not in self.positions
            self.positions[line] = int(amount), self.opening.pop(line, set())
        elif event == Event.LINE_CLOSED:
            del self.positions[line]
            self.holds = {who: (of, n) for who, (of, n) in self.holds.items() if of != line}
            self.numbers[CLOSURES] += 1
        elif event == Event.POSITION_OPEN:
            sought = self.positions[line][1] if line in self.positions else self.opening[line]
            assert serial not in sought
            sought.add(serial)
        elif cause in (BY_CHILD, BY_CHILD_OF_ELSEWHERE):
            self.positions[line][1].remove(serial)
            if cause == BY_CHILD:
                assert child not in self.holds, "nobody holds two positions"
                self.holds[child] = line, serial
        else:
            assert serial not in self.positions[line][1], "what is given up was not sought"

    def is_at_liberty(self, child: int, day: int) -> bool:
        """Neither in custody nor in hospital, and alive."""
        return self.setting.get(child) != CUSTODY and self.hospital_until.get(child, 0) <= day and child not in self.dead

    # -- an evening --------------------------------------------------------------------------------------------------------

    def stocks(self, day: int) -> dict[str, int]:
        """What there is this evening."""
        self.crisis_until = {child: until for child, until in self.crisis_until.items() if until > day}
        alone = {child for child, until in self.helped_until.items() if until <= day and child not in self.setting}
        alone |= self.key_worker_goes.pop(day, set())
        self.may_trust |= self.trusts & alone  # the worker who helped goes, and trust with it, unless a policy keeps one there
        self.trusts -= alone
        self.helped_until = {child: until for child, until in self.helped_until.items() if until > day}
        stages, holds = Counter(self.stage.values()), self.model.exploitation.parameters.holds
        bound = sum(stage == WORKING and self.debt[child] >= holds for child, stage in self.stage.items())
        return {
            "children": len(self.here), "looked_after": len(self.setting), "missing": len(self.missing),
            "missing_looked_after": len(self.missing & self.setting.keys()), "in_crisis": len(self.crisis_until),
            "approached": stages[APPROACHED], "groomed": stages[GROOMED], "working": stages[WORKING] - bound, "bound": bound,
            "getting_out": stages[GETTING_OUT], "safe": sum(stage == SAFE and self.is_at_liberty(child, day) for child, stage in self.stage.items()), "lines": len(self.positions),
            "positions": sum(number for number, _ in self.positions.values()),
            "positions_open": sum(len(sought) for _, sought in self.positions.values()), "positions_with_children": len(self.holds),
            "beds_taken": len(self.beds), "sexually_exploited": len(self.other[SEXUALLY]), "otherwise_exploited": len(self.other[BY_OTHERS]),
            "in_custody": sum(setting == CUSTODY for setting in self.setting.values()), "helped": len(self.helped_until),
        }  # fmt: skip

    def bills(self, workers: int, spent: dict[int, float]) -> dict[tuple[int, int], float]:
        """What the day cost, by payer and item: prices times numbers. `spent` is what policies did, by payer."""
        costs, p = self.model.costs, self.model.costs.parameters
        of_settings = Counter(self.setting.values())
        bills = {
            (JUSTICE if setting == CUSTODY else CARE, setting - 1): number * costs.a_day[setting]
            for setting, number in of_settings.items()
        }
        lost = sum(days for child, days in self.days_away if child not in self.setting)
        bills |= {
            (POLICE_BUDGET, EPISODES): self.numbers[EPISODES] * costs.episode, (POLICE_BUDGET, MET): self.numbers[MET] * p.met_by_police,
            (POLICE_BUDGET, CLOSURES): self.numbers[CLOSURES] * p.closure, (CARE, INTERVIEWS): self.numbers[INTERVIEWS] * p.interview,
            (CARE, ASSESSMENTS): self.numbers[ASSESSMENTS] * p.assessment, (CARE, HELP): self.numbers[HELP] * costs.helping,
            (CARE, SOCIAL_WORK): workers * costs.social_work_day, (HEALTH, HOSPITAL): self.numbers[HOSPITAL] * p.hospital_day,
            (EDUCATION, ALTERNATIVE_PROVISION): len(self.alternative) * p.alternative_day, (FAMILY, DAYS_LOST): lost * p.family_day,
        }  # fmt: skip
        return {
            what: pounds
            for what, pounds in (bills | {(payer, POLICIES): pounds for payer, pounds in spent.items()}).items()
            if pounds
        }


def retell(model: CountyLines, workers: dict[int, int], spent: dict[int, dict[int, float]]) -> None:
    """Follow the whole run; `workers` are children with a worker, `spent` what policies did, on each evening."""
    told = model.ledger.events.rows()  # in the order in which it happened
    came, stocks, bills = (model.ledger.table(name) for name in ("children", "stocks", "bills"))
    now = Retelling(model)
    new = {
        c
        for c, e, d, of in zip(*(told[n].tolist() for n in ("child", "event", "day", "detail")), strict=True)
        if d == 1 and e == Event.ARRIVED and not of
    }
    now.here |= set(came["child"][came["day"] <= 1].tolist()) - new
    assert stocks["day"].tolist() == list(range(1, model.day + 1))
    assert (told["day"][1:] >= told["day"][:-1]).all() and told["day"][-1] <= model.day
    columns = ("event", "child", "agent", "day", "cause", "detail", "serial", "amount")
    rows = iter(zip(*(told[name].tolist() for name in columns), strict=True))
    row = next(rows, None)
    for day in range(1, model.day + 1):
        now.numbers, now.days_away = Counter(), []
        while row is not None and row[3] == day:
            now.tell(Event(row[0]), *row[1:])
            row = next(rows, None)
        assert not now.remanded, "whoever is remanded lives in custody"
        counted = {name: int(stocks[name][day - 1]) for name in STOCKS}
        apart = {name: (counted[name], number) for name, number in now.stocks(day).items() if counted[name] != number}
        assert not apart, f"evening of day {day}: counted, and what the events come to: {apart}"
        assert len(now.trusts) <= counted["trusting"] <= len(now.trusts | now.may_trust), f"evening of day {day}"
        today = bills["day"] == day
        what = list(zip(bills["payer"][today].tolist(), bills["item"][today].tolist(), strict=True))
        assert len(what) == len(set(what)), "one bill a day for each payer and item"
        billed = dict(zip(what, bills["pounds"][today].tolist(), strict=True))
        assert billed == pytest.approx(now.bills(workers[day], spent[day]), rel=1e-9), f"bills of day {day}"
    assert row is None
