"""What must be true on the evening of every day, whatever the seed and whatever the numbers: nobody in two places, nothing from nothing."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim import CountyLines, World
from sim.costs import CARE, POLICE_BUDGET
from sim.dates import EIGHTEEN, is_working_day
from sim.harm import DEATH, INJURY
from sim.ledger import Event
from sim.lines import ADULT, ELSEWHERE, PAUSED, SEEKS
from sim.missing import AUTHORITY, FOUND, GOING_MISSING, LOOKED_AFTER, OVERNIGHT, OVERNIGHT_DAYS, POLICE
from sim.other_exploitation import EXPLOITED
from sim.parameters import every_parameter
from sim.placements import WITH_BEDS
from sim.policies import every_policy
from sim.population import (
    ALTERNATIVE,
    AT_HOME,
    BOUND,
    CUSTODY,
    GETTING_OUT,
    MAINSTREAM,
    NEVER,
    NOT_INVOLVED,
    SPECIALIST_FOSTER,
    WORKING,
    band_of,
    group_of,
)
from tests.invariants.retelling import retell
from tests.worlds import EVENTFUL, scenario, world

ON_A_LINE = (WORKING, BOUND, GETTING_OUT)
EVERYTHING = scenario({name: {"coverage": 1.0} for name in every_policy()})
MORE = EVENTFUL | {
    "policing.remand": 0.12, "policing.criminal": 0.8, "policing.street": 0.15, "policing.later_offence": 0.8, "harm.injury": 0.05,
    "harm.admitted": 0.4, "harm.hospital_days": 8.0, "lines.relative_or_friend": 0.3, "lines.displaced": 0.6, "lines.lifetime": 90.0,
    "distance.line_follows": 0.1, "schooling.exclusions": 1.5, "schooling.exclusion_when_exploited": 20.0, "relationships.trust_after": 2.0,
    "relationships.broken_promises": 1.0, "exploitation.drawn_back": 0.12, "exploitation.settles": 0.3, "exploitation.out": 2.0,
}  # fmt: skip
DRAWN = [p for p in every_parameter() if p.is_uncertain]


# -- the evening of a day ------------------------------------------------------------------------------------------------


def check_people(model: CountyLines) -> None:
    """Everybody is 10 to 17, present, under the hazards of their place, age and setting."""
    columns = model.children.columns
    present, born = columns["is_present"], columns["born"].astype(np.int64)
    days_old = model.day - born[present]
    assert days_old.min() >= 3650 and days_old.max() < EIGHTEEN
    assert model.demography.present == len(model.children) == int(present.sum())
    ages, setting = np.asarray(model.children.present().age), columns["setting"][present].astype(np.int64)
    group = group_of(columns["authority"][present].astype(np.int64), band_of(ages), setting)
    tonight = np.concatenate(
        [*model.placements._moved, np.empty(0, dtype=np.int64)]
    )  # remanded this evening: told in the morning
    assert set(present.nonzero()[0][columns["group"][present] != group].tolist()) <= set(tonight.tolist())
    for level in ("care_level", "crisis_level", "conflict_level", "school_level"):
        assert not np.isnan(columns[level]).any()
        assert np.isinf(columns[level][~present]).all(), f"{level}: nothing happens to those who are not in the world"
    out, back_on = model.schooling.out, model.schooling.back_on
    assert len(out) == len(set(out.tolist())), "whoever is out of school is so once"
    assert set((present & (columns["schooling"] != MAINSTREAM)).nonzero()[0].tolist()) <= set(out[back_on > model.day].tolist()), (
        "whoever is out of school has a day of return"
    )
    assert model.schooling.in_alternative_provision == int((present & (columns["schooling"] == ALTERNATIVE)).sum())


def check_one_place(model: CountyLines) -> None:
    """Nobody is missing, in hospital and in custody at once."""
    columns = model.children.columns
    away, hospital = columns["missing_slot"] >= 0, columns["in_hospital_until"] > model.day
    custody = columns["setting"] == CUSTODY
    assert not (away & hospital).any(), "missing and in hospital"
    assert not (away & custody).any(), "missing and in custody"
    assert not (hospital & custody).any(), "in hospital and in custody"


def check_few(table, slot, present: np.ndarray) -> np.ndarray:
    """A table and its column agree about who is in; the rows that are in."""
    members = table.members()
    assert (slot[members] >= 0).all() and (table.rows[slot[members]] == members).all()
    assert int((slot >= 0).sum()) == len(members) == len(table) == len(set(members.tolist()))
    assert present[members].all()
    return members


def check_missing(model: CountyLines) -> None:
    columns, table = model.children.columns, model.missing.table
    away = check_few(table, columns["missing_slot"], columns["is_present"])
    slots = columns["missing_slot"][away]
    assert (table.began[slots] <= model.day).all() and (table.days[slots] > 0).all()
    assert (table.ends[slots] > model.day).all(), "whoever is away has a day of return"
    assert (columns["episodes"][away] == table.serial[slots]).all()
    check_few(model.missing.pulls, model.missing.pulls.slot, columns["is_present"])


def check_care(model: CountyLines) -> None:
    """Who is looked after lives in one place; no home has more residents than beds."""
    columns, placements = model.children.columns, model.placements
    inside = check_few(placements.table, columns["care_slot"], columns["is_present"])
    assert set(inside.tolist()) == set((columns["setting"] != AT_HOME).nonzero()[0].tolist())
    slots, table = columns["care_slot"][inside], placements.table
    custody = columns["setting"][inside] == CUSTODY
    assert ((table.moves[slots] >= 1) | custody).all(), "every looked-after child has a placement"
    assert (table.km[slots] >= 0).all() and np.isfinite(table.km[slots]).all()
    assert (table.home[slots[custody]] == -1).all(), "nobody in custody keeps a bed elsewhere"
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
        assert 0 <= home.free <= home.beds, "no more residents than beds"
        assert home.residents == lives_with[home.number]
        assert home.beds - home.free == len(home.residents) + guests[home.number], "a bed is free or somebody's"
        free[home.place, home.kind] += home.free
    residents = [row for home in placements.homes for row in home.residents]
    assert len(residents) == len(set(residents)), "nobody lives in two homes"
    assert all(placements.free[at] == free[at] for at in np.ndindex(placements.free.shape))
    assert placements.beds == sum(home.beds for home in placements.homes)
    assert placements.beds_taken == sum(home.beds - home.free for home in placements.homes)


def check_lines(model: CountyLines) -> None:
    """A position is sought, or held by one; who holds one works that line; debts are not negative and bind where they must."""
    columns, exploitation = model.children.columns, model.exploitation
    slot = exploitation.table.slot
    involved = check_few(exploitation.table, slot, columns["is_present"])
    assert set(involved.tolist()) == set((columns["stage"] != NOT_INVOLVED).nonzero()[0].tolist())
    debt, fear, stage = (
        exploitation.table.debt[slot[involved]],
        exploitation.table.fear[slot[involved]],
        columns["stage"][involved],
    )
    assert (debt >= 0).all() and ((fear >= 0) & (fear <= 3)).all()
    working = (stage == WORKING) | (stage == BOUND)
    assert ((stage == BOUND) == (debt >= exploitation.parameters.holds))[working].all(), "debt binds where it is enough"
    holds: dict[int, list[int]] = defaultdict(list)
    kept: dict[int, int] = {}
    for line in model.lines.lines:
        assert line.is_open == bool(line.positions)
        held = [holder for holder in line.positions if holder >= 0]
        others = Counter(holder for holder in line.positions if holder < 0)
        assert set(others) <= {SEEKS, PAUSED, ADULT, ELSEWHERE}
        assert (
            line.open_positions == len(line.positions) - len(held) - others[PAUSED] - others[ADULT] - others[ELSEWHERE]
        )
        assert all(
            line.until[n] > model.day for n, holder in enumerate(line.positions) if holder in (PAUSED, ELSEWHERE)
        )
        for holder in held:
            holds[holder].append(line.number)
        assert line.is_open <= (not line.kept), "who was kept is taken up or let go when the line opens"
        for row in line.kept:
            if slot[row] >= 0 and exploitation.table.line[slot[row]] == line.number:
                kept[row] = line.number
    on_a_line = {row for row in involved.tolist() if columns["stage"][row] in ON_A_LINE}
    assert set(holds) <= on_a_line, "who holds a position works a line"
    assert on_a_line - set(holds) <= set(kept), "who works a line holds a position, or is kept until it runs again"
    assert not set(holds) & set(kept)
    for row, numbers in holds.items():
        assert numbers == [int(exploitation.table.line[slot[row]])]
    of_line = np.array([exploitation.table.line[slot[row]] for row in involved.tolist()], dtype=int)
    assert ((of_line >= 0) & (of_line < len(model.lines.lines))).all()
    rows = involved[working]
    recruiting, everybody = model.recruitment, model.demography
    friends = Counter(circle for circle in columns["circle"][rows].tolist() if circle >= 0)
    assert all(recruiting.working_friends[circle] == number for circle, number in friends.items())
    assert recruiting.working_friends.sum() == sum(friends.values())
    assert recruiting.working_in_household == Counter(everybody.household(rows).tolist())
    number = np.bincount(everybody.neighbourhood(rows), minlength=len(recruiting.working_in_neighbourhood))
    assert (recruiting.working_in_neighbourhood == number).all()


def check_other_exploitation(model: CountyLines) -> None:
    columns = model.children.columns
    for form in model.other_exploitation.forms.values():
        rows = check_few(form.table, form.table.slot, columns["is_present"])
        assert set(rows.tolist()) == set(((columns["other_forms"] & form.bit) > 0).nonzero()[0].tolist())
        assert form.exploited == int((form.table.stage[form.table.slot[rows]] == EXPLOITED).sum())
        assert all(form.involvements[row] >= 1 for row in rows.tolist())


def check_knowledge(model: CountyLines) -> None:
    """What is known of a child was seen by somebody, and is of an exploited child."""
    columns, services = model.children.columns, model.services
    known = columns["identified_on"] > NEVER
    assert (columns["identified_on"][known] <= model.day).all()
    forms = model.other_exploitation.forms.values()
    involved = (columns["involvements"] > 0) | np.isin(
        np.arange(len(known)), [row for form in forms for row in form.involvements]
    )
    held = sum(columns[f"signals_{agency}"].astype(int) for agency in ("police", "care", "education", "health"))
    assert involved[held > 0].all(), "nobody gives a sign who was never approached"
    assert (held[known] > 0).all(), "nobody is identified of whom nothing was seen"
    assert (columns["signals_pooled"] <= held).all(), "all know only what one has seen"
    for team in services.teams.values():
        assert team.credit >= 0.0 and len({item[2:4] + item[7:8] for item in team.queue}) == len(team.queue)
    for place, team in services.specialists.items():
        mine = [row for row, by in services.helped_by.items() if by is team]
        assert team.helping == len(mine) <= int(team.places * services.help_places[place])
        assert columns["is_present"][mine].all() and (columns["authority"][mine] == place).all()
        assert not {item[3] for item in team.queue} & set(mine), "nobody waits who is helped"
    spells = [
        model.exploitation.table,
        model.placements.table,
        model.missing.pulls,
        model.relationships.table,
        *(form.table for form in forms),
    ]
    assert all((table.hazard >= 0).all() and not np.isnan(table.left).any() for table in spells)


def check_workers(model: CountyLines) -> None:
    """A team's children are those who hold one of its workers; trust is held as long as it is there."""
    columns, relationships = model.children.columns, model.relationships
    table = relationships.table
    rows = check_few(table, table.slot, columns["is_present"])
    assert set((columns["setting"] != AT_HOME).nonzero()[0].tolist()) <= set(rows.tolist()), (
        "every looked-after child has a worker"
    )
    of_place = Counter(columns["authority"][rows].tolist())
    assert {place: team.children for place, team in relationships.teams.items()} == {
        place: of_place[place] for place in relationships.teams
    }
    assert (table.worker[table.slot[rows]] >= 1).all()
    for row, trusts in zip(rows.tolist(), table.trusts[table.slot[rows]].tolist(), strict=True):
        assert trusts == ("trust" in model.levers.holders(GOING_MISSING, row))


def check_evening(model: CountyLines) -> None:
    for check in (
        check_people, check_one_place, check_missing, check_care, check_lines, check_other_exploitation, check_knowledge, check_workers,
    ):  # fmt: skip
        check(model)


# -- the whole ledger ----------------------------------------------------------------------------------------------------


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
        assert not end["detail"] & AUTHORITY or end["detail"] & LOOKED_AFTER, (
            "the authority's record is of looked-after children"
        )


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
            assert is_working_day(day)
            held[int(events["home"][i])][day] += 1
    assert not seen or max(seen.values()) == 1, "one interview for an episode"
    for place, by_day in held.items():
        a_day, carried = capacity[place], max(1.0, 3.0 * capacity[place])
        days = sorted(by_day)
        for first in range(len(days)):
            number = 0
            for last in range(first, len(days)):
                number += by_day[days[last]]
                working = sum(is_working_day(day) for day in range(days[first], days[last] + 1))
                assert number <= carried + a_day * working + 1e-9


class Spending:
    """What each policy that is in force did today, and what that costs, by payer: its own rule, once more."""

    def __init__(self):
        self.until: dict[str, dict[int, int]] = {}
        self.credit = 0.0

    def today(self, model: CountyLines) -> dict[int, float]:
        spent: dict[int, float] = defaultdict(float)
        for policy in model.policies:
            if policy.in_force:
                payer = (
                    POLICE_BUDGET
                    if policy.name in ("shared_data", "line_disruption", "safeguarding_response")
                    else CARE
                )
                spent[payer] += getattr(self, policy.name)(model, policy)
        return spent

    def a_day_for_those_looked_after(self, model, policy) -> float:
        places = model.world.places
        number = sum(
            places.looked_after_10_17[a] for a in model.world.authorities if policy.where is None or a in policy.where
        )
        return number * model.world.fraction * policy.parameters.coverage * policy.parameters.cost / 365.25

    early_identification = joint_hub = national_guidance = shared_data = a_day_for_those_looked_after

    def new_places(self, policy) -> int:
        """How many children were given a place of a policy today: those whose time ends later than it did, or who had none."""
        before = self.until.get(policy.name, {})
        self.until[policy.name] = dict(policy.until)
        return sum(before.get(row, -1) < until for row, until in policy.until.items())

    def key_worker(self, model, policy) -> float:
        return len(policy.until) * policy.parameters.cost / 365.25

    def line_disruption(self, model, policy) -> float:
        p = policy.parameters
        times = min(1.0 + p.coverage * p.fidelity * (p.sooner - 1.0), p.capacity)
        here = [
            number
            for number in model.today.closed_lines
            if model.lines.lines[number].market in policy.authorities(model)
        ]
        return len(here) * (1.0 - 1.0 / times) * p.cost

    def managed_placement(self, model, policy) -> float:
        before, self.credit = self.credit, policy.credit
        given = min(before + policy.a_day, max(1.0, 30.0 * policy.a_day)) - policy.credit if policy.a_day else 0.0
        assert given == pytest.approx(round(given), abs=1e-9) and given > -0.5
        return round(given) * policy.parameters.cost

    def relocation(self, model, policy) -> float:
        return len(policy.relocated) * policy.parameters.extra_week / 7.0

    def return_interviews(self, model, policy) -> float:
        return sum(whose == policy.name for _, _, _, by, _, _ in model.today.get("interviewed") for whose in by) * policy.parameters.cost

    def safeguarding_response(self, model, policy) -> float:
        told = model.ledger.events.rows()
        reached = (
            (told["day"] == model.day)
            & (told["event"] == Event.POLICY_REACHED)
            & (told["agent"] == np.uint64(policy.key))
        )
        return int(reached.sum()) * policy.parameters.cost

    def sexual_exploitation_support(self, model, policy) -> float:
        return self.new_places(policy) * policy.parameters.cost

    def specialist_foster(self, model, policy) -> float:
        if model.day != policy.begins:
            return 0.0
        return sum(home.kind == SPECIALIST_FOSTER for home in model.placements.homes) * policy.parameters.set_up


def live_and_check(use, place: World, seed: int, parameters, harmful: bool = False) -> CountyLines:
    model = CountyLines(use, place, seed=seed, parameters=parameters)
    if harmful:  # far more often than it is, so that what follows is looked at
        model.harm.rates[:, [INJURY, DEATH]] = 1.0, 0.005
    capacity: dict[int, float] = defaultdict(float)
    workers, spent, spending = {}, {}, Spending()
    while model.day < model.last_day:
        model.step()
        check_evening(model)
        workers[model.day], spent[model.day] = len(model.relationships.table), spending.today(model)
        for number, team in model.services.teams.items():
            capacity[number] = max(capacity[number], team.a_day * float(model.services.interviewers[number]))
    retell(model, workers, spent)
    check_episodes(model)
    check_interviews(model, capacity)
    return model


# -- the tests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("use", [scenario(), EVERYTHING], ids=["present practice", "every policy"])
def test_every_evening_of_an_eventful_half_year(use, seed):
    model = live_and_check(use, world(0.05, warm_up=20, days=200), seed, MORE, harmful=True)
    happened = {Event(event) for event in model.ledger.table("events")["event"].tolist()}
    rare = {Event.STILL_MISSING, Event.GUEST_WAITED, Event.LINE_FOLLOWED, Event.PRESSED, Event.DRAWN_BACK}
    never = set(Event) - happened - (set() if use.policies else {Event.POLICY_REACHED})
    assert never <= rare, f"checked nothing of {never}"


@pytest.mark.slow
def test_every_evening_of_a_town_s_year_as_it_is():
    live_and_check(scenario(), world(0.04, warm_up=20, days=400), 5, {})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 9))
def test_every_evening_of_two_eventful_years(seed):
    live_and_check(EVERYTHING, world(0.05, warm_up=100, days=800), seed, MORE, harmful=True)


places = st.lists(st.integers(0, 150), min_size=1, max_size=4, unique=True).map(lambda some: tuple(sorted(some)))
values = st.dictionaries(st.sampled_from(DRAWN), st.integers(0, 1000).map(lambda n: n / 1000), max_size=len(DRAWN)).map(
    lambda drawn: {p.address: p.quantile(u) for p, u in drawn.items()}
)
uses = st.sets(st.sampled_from(sorted(every_policy()))).map(
    lambda some: scenario({name: {"coverage": 1.0} for name in some})
)
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
