"""What must be true on the evening of every day, whatever the seed and whatever the numbers: nobody in two places, nothing from nothing."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim import CountyLines, World
from sim.costs import ASSESSMENTS, EPISODES, HELP, INTERVIEWS
from sim.dates import EIGHTEEN, is_weekend
from sim.ledger import Event
from sim.missing import AUTHORITY, FOUND, LOOKED_AFTER, OVERNIGHT, OVERNIGHT_DAYS, POLICE
from sim.parameters import every_parameter
from sim.placements import WITH_BEDS
from sim.policies import every_policy
from sim.population import (
    APPROACHED,
    AT_HOME,
    BOUND,
    GETTING_OUT,
    GROOMED,
    NEVER,
    NOT_INVOLVED,
    SAFE,
    WORKING,
    band_of,
    group_of,
)
from tests.worlds import EVENTFUL, scenario, world

ON_A_LINE = (WORKING, BOUND, GETTING_OUT)
EVERYTHING = scenario({name: {"coverage": 1.0} for name in every_policy()})
DRAWN = [p for p in every_parameter() if p.is_uncertain]


# -- the evening of a day ------------------------------------------------------------------------------------------------


def check_people(model: CountyLines) -> None:
    columns = model.children.columns
    present, born = columns["is_present"], columns["born"].astype(np.int64)
    days_old = model.day - born[present]
    assert days_old.min() >= 3650 and days_old.max() < EIGHTEEN
    assert model.demography.present == len(model.children) == int(present.sum())
    ages, setting = np.asarray(model.children.present().age), columns["setting"][present].astype(np.int64)
    assert (columns["group"][present] == group_of(columns["authority"][present].astype(np.int64), band_of(ages), setting)).all()
    for level in ("care_level", "crisis_level", "conflict_level"):
        assert not np.isnan(columns[level]).any()
        assert np.isinf(columns[level][~present]).all(), f"{level}: nothing happens to those who are not in the world"


def check_few(table, slot: np.ndarray, present: np.ndarray) -> np.ndarray:
    """A table and its column agree about who is in; the rows that are in."""
    members = table.members()
    assert (slot[members] >= 0).all() and (table.rows[slot[members]] == members).all()
    assert int((slot >= 0).sum()) == len(members) == len(table)
    assert present[members].all()
    return members


def check_missing(model: CountyLines) -> None:
    """Nobody is both missing and at home."""
    columns, table = model.children.columns, model.missing.table
    away = check_few(table, columns["missing_slot"], columns["is_present"])
    slots = columns["missing_slot"][away]
    assert (table.began[slots] <= model.day).all() and (table.days[slots] > 0).all()
    due = defaultdict(set)
    for day, rows in model.missing.returns.items():
        for row in rows:
            due[row].add(day)
    assert all(any(day > model.day for day in due[row]) for row in away.tolist()), "whoever is away has a day of return"
    assert (columns["episodes"][away] == table.serial[slots]).all()


def check_care(model: CountyLines) -> None:
    columns, placements = model.children.columns, model.placements
    inside = check_few(placements.table, columns["care_slot"], columns["is_present"])
    assert set(inside.tolist()) == set((columns["setting"] != AT_HOME).nonzero()[0].tolist())
    slots, table = columns["care_slot"][inside], placements.table
    assert (table.moves[slots] >= 1).all(), "every looked-after child has a placement"
    assert (table.km[slots] >= 0).all() and np.isfinite(table.km[slots]).all()
    lives_with: dict[int, set[int]] = defaultdict(set)
    for row, slot in zip(inside.tolist(), slots.tolist(), strict=True):
        number = int(table.home[slot])
        if number >= 0:
            lives_with[number].add(row)
            home = placements.homes[number]
            assert (home.kind, home.place) == (columns["setting"][row], table.place[slot])
        elif columns["setting"][row] in WITH_BEDS:
            assert not placements.inside[table.place[slot]], "a bed of the world is a bed of one of its homes"
    guests = Counter(
        guest.home.number for waiting in placements.guests_due.values() for guest in waiting if guest.home is not None
    )
    free: Counter = Counter()
    for home in placements.homes:
        assert 0 <= home.free <= home.beds
        assert home.residents == lives_with[home.number]
        assert home.beds - home.free == len(home.residents) + guests[home.number], "a bed is free or somebody's"
        free[home.place, home.kind] += home.free
    assert all(placements.free[at] == free[at] for at in np.ndindex(placements.free.shape))
    assert placements.beds == sum(home.beds for home in placements.homes)
    assert placements.beds_taken == sum(home.beds - home.free for home in placements.homes)


def check_lines(model: CountyLines) -> None:
    columns, exploitation = model.children.columns, model.exploitation
    involved = check_few(exploitation.table, columns["line_slot"], columns["is_present"])
    assert set(involved.tolist()) == set((columns["stage"] != NOT_INVOLVED).nonzero()[0].tolist())
    assert (exploitation.table.debt[columns["line_slot"][involved]] >= 0).all()
    holds: dict[int, list[int]] = defaultdict(list)
    for line in model.lines.lines:
        assert line.is_open == bool(line.positions)
        assert line.open_positions == line.positions.count(-1)
        for holder in line.positions:
            if holder >= 0:
                holds[holder].append(line.number)
    working = {row for row in involved.tolist() if columns["stage"][row] in ON_A_LINE}
    assert set(holds) == working, "who holds a position works a line, and the other way round"
    for row, numbers in holds.items():
        assert numbers == [int(exploitation.table.line[columns["line_slot"][row]])]
    friends = model.recruitment.working_friends
    mine = Counter(columns["circle"][row] for row in working if columns["stage"][row] != GETTING_OUT)
    assert all(friends[circle] == number for circle, number in mine.items()) and friends.sum() == sum(mine.values())


def check_knowledge(model: CountyLines) -> None:
    columns = model.children.columns
    known = columns["identified_on"] > NEVER
    assert (columns["identified_on"][known] <= model.day).all()
    assert (columns["involvements"][known] > 0).all(), "nobody is identified who was never approached"
    assert ((columns["signals_police"].astype(int) + columns["signals_care"]) > 0)[known].all()
    for team in model.services.teams.values():
        assert team.credit >= 0.0 and len({item[2:4] + item[7:8] for item in team.queue}) == len(team.queue)
    spells = [model.exploitation.table, model.placements.table, model.missing.pulls]
    assert all((table.hazard >= 0).all() and not np.isnan(table.left).any() for table in spells)


def check_evening(model: CountyLines) -> None:
    for check in (check_people, check_missing, check_care, check_lines, check_knowledge):
        check(model)


# -- the whole ledger ----------------------------------------------------------------------------------------------------


def check_stocks_are_flows(model: CountyLines) -> None:
    """What there is in the evening is what there was, and came, less what went."""
    events, stocks = model.ledger.table("events"), model.ledger.table("stocks")
    days = len(stocks["day"])
    assert stocks["day"].tolist() == list(range(1, days + 1))

    def a_day(*kinds: Event, where=True) -> np.ndarray:
        return np.bincount(events["day"][np.isin(events["event"], kinds) & where], minlength=days + 1)[1 : days + 1]

    def detail(bit: int) -> np.ndarray:
        return (events["detail"] & bit) > 0

    exploited = events["cause"] != NOT_INVOLVED
    flows = {
        "children": a_day(Event.ENTERED) - a_day(Event.LEFT),
        "looked_after": a_day(Event.ENTERED_CARE) - a_day(Event.LEFT_CARE) - a_day(Event.LEFT, where=detail(2)),
        "missing": a_day(Event.WENT_MISSING) - a_day(Event.RETURNED) - a_day(Event.STILL_MISSING),
        "lines": a_day(Event.LINE_OPENED) - a_day(Event.LINE_CLOSED),
    }
    for stock, flow in flows.items():
        assert (np.diff(stocks[stock]) == flow[1:]).all(), stock
    for stock in ("looked_after", "missing", "lines"):
        assert stocks[stock][0] == flows[stock][0], f"{stock}: day 1 begins with nobody"
    involved = stocks["approached"] + stocks["groomed"] + stocks["working"] + stocks["bound"] + stocks["getting_out"] + stocks["safe"]
    came = a_day(Event.APPROACHED) - a_day(Event.LAPSED) - a_day(Event.SETTLED) - a_day(Event.LEFT, where=exploited)
    assert (np.diff(involved) == came[1:]).all()
    assert (stocks["positions_with_children"] == stocks["working"] + stocks["bound"] + stocks["getting_out"]).all()
    for part, whole in (("beds_taken", "beds"), ("missing_looked_after", "missing"), ("positions_open", "positions"), ("looked_after", "children")):
        assert ((stocks[part] >= 0) & (stocks[part] <= stocks[whole])).all()


def episodes(model: CountyLines) -> dict[tuple[int, int], dict]:
    """Every true episode by child and number: when it began, when and how it ended, who recorded it."""
    events, found = model.ledger.table("events"), {}
    for i in np.isin(events["event"], (Event.WENT_MISSING, Event.RETURNED, Event.STILL_MISSING)).nonzero()[0].tolist():
        key = (int(events["child"][i]), int(events["serial"][i]))
        row = {name: events[name][i].item() for name in ("day", "cause", "detail", "amount", "event")}
        found.setdefault(key, []).append(row)
    return found


def check_episodes(model: CountyLines) -> None:
    """Every recorded episode is a true one, every end has a beginning, and no child is away twice at once."""
    ended = {}
    last_of: dict[int, int] = {}
    for (child, serial), rows in sorted(episodes(model).items()):
        rows.sort(key=lambda row: (row["day"], row["event"]))
        went, *end = rows
        assert went["event"] == Event.WENT_MISSING and len(end) <= 1
        assert serial == last_of.get(child, 0) + 1, "episodes of a child are numbered without gaps"
        last_of[child] = serial
        if serial > 1:
            assert went["day"] >= ended[child, serial - 1]["day"]
        assert not went["detail"] & FOUND, "who goes missing has not been found yet"
        if not end:
            continue
        (end,) = end
        ended[child, serial] = end
        assert end["day"] > went["day"] or end["event"] == Event.STILL_MISSING
        assert end["cause"] == went["cause"]
        same = POLICE | AUTHORITY | OVERNIGHT | LOOKED_AFTER
        assert end["detail"] & same == went["detail"] & same, "records do not change afterwards"
        if end["event"] == Event.RETURNED:
            assert end["amount"] > 0 and end["day"] == went["day"] + max(1, int(np.ceil(end["amount"])))
            assert bool(end["detail"] & OVERNIGHT) == (end["amount"] >= OVERNIGHT_DAYS)
        assert not end["detail"] & FOUND or end["detail"] & POLICE, "who is found was reported"
        assert not end["detail"] & AUTHORITY or end["detail"] & LOOKED_AFTER, "the authority's record is of looked-after children"


def check_interviews(model: CountyLines, capacity: dict[int, float]) -> None:
    """An interview follows a return from a recorded episode, within its days; no team holds more than it can."""
    events = model.ledger.table("events")
    of = episodes(model)
    held: dict[int, Counter] = defaultdict(Counter)
    seen = Counter()
    for i in np.isin(events["event"], (Event.INTERVIEWED, Event.INTERVIEW_LAPSED)).nonzero()[0].tolist():
        key, day = (int(events["child"][i]), int(events["serial"][i])), int(events["day"][i])
        back = next(row for row in of[key] if row["event"] == Event.RETURNED)
        assert back["detail"] & (POLICE | AUTHORITY), "only a recorded episode leads to an interview"
        assert back["day"] < day <= back["day"] + 15
        seen[key] += 1
        if events["event"][i] == Event.INTERVIEWED:
            assert bool(events["detail"][i] & 1) == (day - back["day"] <= 3)
            assert not is_weekend(day)
            held[int(events["home"][i])][day] += 1
    assert not seen or max(seen.values()) == 1, "one interview for an episode"
    for place, by_day in held.items():
        a_day, carried = capacity[place], max(1.0, 3.0 * capacity[place])
        days = sorted(by_day)
        for first in range(len(days)):
            number = 0
            for last in range(first, len(days)):
                number += by_day[days[last]]
                working = sum(not is_weekend(day) for day in range(days[first], days[last] + 1))
                assert number <= carried + a_day * working + 1e-9


def check_nothing_happens_to_who_is_away(model: CountyLines) -> None:
    """Nobody who is away is interviewed, approached, groomed, put to work, tries to get out or breaks a placement down."""
    events, away = model.ledger.table("events"), defaultdict(list)
    for (child, _), rows in episodes(model).items():
        went = min(row["day"] for row in rows)
        back = max((row["day"] for row in rows if row["event"] != Event.WENT_MISSING), default=model.day + 1)
        away[child].append((went, back))
    kinds = (
        Event.INTERVIEWED, Event.APPROACHED, Event.GROOMED, Event.RECRUITED, Event.TRIES_TO_GET_OUT, Event.PULLED_BACK,
        Event.DRAWN_BACK, Event.SETTLED, Event.LAPSED, Event.LEFT_CARE,
    )  # fmt: skip
    for i in np.isin(events["event"], kinds).nonzero()[0].tolist():
        child, day = int(events["child"][i]), int(events["day"][i])
        assert not any(went < day < back for went, back in away.get(child, ())), (Event(events["event"][i]).name, day)


def check_bills(model: CountyLines) -> None:
    """Every bill is a number of things times what one costs."""
    events, bills, costs = model.ledger.table("events"), model.ledger.table("bills"), model.costs
    p = costs.parameters
    back = (events["event"] == Event.RETURNED) & ((events["detail"] & POLICE) > 0)
    billed = bills["pounds"][bills["item"] == EPISODES].sum()
    assert billed == pytest.approx(int(back.sum()) * costs.episode, abs=1e-6)
    for item, kind, each in ((INTERVIEWS, Event.INTERVIEWED, p.interview), (ASSESSMENTS, Event.ASSESSED, p.assessment), (HELP, Event.HELPED, costs.helping)):
        happened = events["event"] == kind
        # One of a kind a day for a child, as long as the test of the second one is marked in test_services.py.
        once = set(zip(events["day"][happened].tolist(), events["child"][happened].tolist(), strict=True))
        billed = bills["pounds"][bills["item"] == item].sum()
        assert billed == pytest.approx(len(once) * each, abs=1e-6), f"item {item}"
    assert (bills["pounds"] > 0).all()
    placements = bills["item"] < EPISODES
    days = np.bincount(bills["day"][placements], minlength=model.day + 1)
    assert (days[1:] > 0).all(), "somebody is in a placement every day"
    nights = sum(bills["pounds"][placements & (bills["item"] == item)].sum() / costs.a_day[item + 1] for item in range(EPISODES) if costs.a_day[item + 1])
    free = [s for s in range(1, len(costs.a_day)) if not costs.a_day[s]]
    assert free or nights == pytest.approx(model.ledger.table("stocks")["looked_after"].sum())


def check_stages(model: CountyLines) -> None:
    """A child passes from stage to stage as they follow one another."""
    events = model.ledger.table("events")
    steps = {
        Event.APPROACHED: ({NOT_INVOLVED}, APPROACHED), Event.GROOMED: ({APPROACHED}, GROOMED),
        Event.RECRUITED: ({NOT_INVOLVED, APPROACHED, GROOMED}, WORKING), Event.TRIES_TO_GET_OUT: ({WORKING}, GETTING_OUT),
        Event.PULLED_BACK: ({GETTING_OUT}, WORKING), Event.GOT_OUT: ({WORKING, GETTING_OUT}, SAFE),
        Event.DRAWN_BACK: ({SAFE}, WORKING), Event.SETTLED: ({SAFE}, NOT_INVOLVED), Event.LAPSED: ({APPROACHED, GROOMED}, NOT_INVOLVED),
    }  # fmt: skip
    moved = np.isin(events["event"], list(steps))
    by_child = defaultdict(lambda: defaultdict(list))
    for day, event, child in zip(events["day"][moved].tolist(), events["event"][moved].tolist(), events["child"][moved].tolist(), strict=True):
        by_child[child][day].append(Event(event))
    for child, days in by_child.items():
        stage = NOT_INVOLVED
        for day in sorted(days):
            todo = list(days[day])
            while todo:  # the ledger does not say in which order things happened within a day
                event = next((event for event in todo if stage in steps[event][0]), None)
                assert event is not None, f"{child:016x} on day {day}: {[e.name for e in todo]} at stage {stage}"
                stage = steps[event][1]
                todo.remove(event)


def check_ledger(model: CountyLines, capacity: dict[int, float]) -> None:
    check_stocks_are_flows(model)
    check_episodes(model)
    check_interviews(model, capacity)
    check_nothing_happens_to_who_is_away(model)
    check_bills(model)
    check_stages(model)


def live_and_check(use, place: World, seed: int, parameters) -> CountyLines:
    model = CountyLines(use, place, seed=seed, parameters=parameters)
    capacity: dict[int, float] = defaultdict(float)
    while model.day < model.last_day:
        model.step()
        check_evening(model)
        for number, team in model.services.teams.items():
            capacity[number] = max(capacity[number], team.a_day * (1.0 + team.extra))
    check_ledger(model, capacity)
    return model


# -- the tests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("use", [scenario(), EVERYTHING], ids=["present practice", "every policy"])
def test_every_evening_of_an_eventful_half_year(use, seed):
    model = live_and_check(use, world(0.03, warm_up=20, days=180), seed, EVENTFUL)
    happened = {Event(event) for event in model.ledger.table("events")["event"].tolist()}
    never = set(Event) - happened
    assert never <= {Event.POLICY_REACHED, Event.STILL_MISSING, Event.GUEST_WAITED, Event.DRAWN_BACK, Event.SETTLED}, f"checked nothing of {never}"


def test_every_evening_of_a_town_s_year_as_it_is():
    live_and_check(scenario(), world(0.04, warm_up=20, days=400), 5, {})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 9))
def test_every_evening_of_two_eventful_years(seed):
    live_and_check(EVERYTHING, world(0.05, warm_up=100, days=800), seed, EVENTFUL)


places = st.lists(st.integers(0, 150), min_size=1, max_size=4, unique=True).map(lambda some: tuple(sorted(some)))
values = st.dictionaries(st.sampled_from(DRAWN), st.integers(0, 1000).map(lambda n: n / 1000), max_size=len(DRAWN)).map(
    lambda drawn: {p.address: p.quantile(u) for p, u in drawn.items()}
)
uses = st.sets(st.sampled_from(sorted(every_policy()))).map(lambda some: scenario({name: {"coverage": 1.0} for name in some}))
tried = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@settings(tried, max_examples=10)
@given(use=uses, values=values, seed=st.integers(0, 2**31))
def test_every_evening_whatever_the_numbers(use, values, seed):
    live_and_check(use, world(0.02, warm_up=5, days=40), seed, {**EVENTFUL, **values})


@pytest.mark.slow
@settings(tried, max_examples=60)
@given(use=uses, values=values, seed=st.integers(0, 2**31), places=places, fraction=st.floats(0.002, 0.05))
def test_every_evening_whatever_the_numbers_and_the_places(use, values, seed, places, fraction):
    live_and_check(use, world(fraction, warm_up=10, days=170, places=places), seed, {**EVENTFUL, **values})

