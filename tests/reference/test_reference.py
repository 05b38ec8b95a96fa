"""The engine and the plain reference agree: every row of every table, every fact of every child, floats to 1e-9."""

import ast
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from sim import (
    CountyLines,
    exploitation,
    ledger,
    lines,
    load_scenario,
    missing,
    placements,
    population,
    recruitment,
    services,
)
from sim.draws import Draws, key_of
from sim.parameters import Parameters
from sim.places import read_places
from sim.policies import every_policy
from sim.population import FACTS
from sim.world import World
from tests.worlds import EVENTFUL

from . import run_reference, words
from .comparing import STORAGE, engine_facts, first_fact, first_row, how_they_part, run_both
from .facts import FACTS as FACTS_OF_REFERENCE
from .ledger import COLUMNS, SORTED_BY

SCENARIOS = ("baseline", "relocation", "specialist_foster", "early_intervention", "combined")
WORLDS = {"region": ("Greenwich", "Medway", "Kent"), "north": ("Liverpool", "Blackpool", "Middlesbrough")}  # many there are looked after
OWN = ("__init__.py", "care.py", "chance.py", "costs.py", "exploitation.py", "facts.py", "ledger.py", "lines.py", "missing.py", "people.py",
       "policies.py", "recruiting.py", "services.py", "words.py", "world.py")  # fmt: skip
MAY_IMPORT = {"sim.draws", "sim.parameters", "sim.dates", "sim.places"}

# Beds, interviewers and moves for fewer than ask for them; lines that close and open again; absences so long that a child is missing on
# its eighteenth birthday; and policies that reach somebody in so small a world.
SCARCE = {
    **EVENTFUL, "services.interviewers": 4.0, "services.helped": 0.6, "missing.debt_rate": 4.0, "missing.at_16_17": 2.5, "duration.line": 10.0,
    "duration.tail": 1.0, "duration.conflict": 0.6, "reporting.home": 0.2, "reporting.care_police": 0.4, "recruitment.home": 0.3,
    "recruitment.street": 0.2, "recruitment.online": 0.05, "lines.lifetime": 90.0, "exploitation.drawn_back": 0.12, "exploitation.settles": 0.05,
}  # fmt: skip
SMALL_DOSES = {"relocation": {"moves_a_year": 150.0, "coverage": 0.9}, "specialist_foster": {"beds": 200.0, "coverage": 0.9}, "early_intervention": {}}


def small_world(children: int, days: int, warm_up_days: int, where: str = "region") -> World:
    """About so many children of some authorities."""
    places = read_places()
    authorities = tuple(sorted(places.index(name) for name in WORLDS[where]))
    return World("small", authorities, children / int(places.population_10_17[list(authorities)].sum()), warm_up_days, days)


def with_small_doses(name: str):
    """A scenario of the project, its policies with capacities that bind in a small world."""
    scenario = load_scenario(name)
    uses = {name: replace(use, settings={**use.settings, **SMALL_DOSES[name]}) for name, use in scenario.policies.items()}
    return replace(scenario, policies=uses)


def at_ends(seed: int, scenario) -> dict[str, float]:
    """Every declared number at one end of its range, by a draw; policies' numbers too, where they are in the scenario."""
    draws, values = Draws(seed), dict[str, float]()
    for group, declared in Parameters.registry.items():
        if not group.startswith("policies.") or group.removeprefix("policies.") in scenario.policies:
            for name, number in declared.declared.items():
                values[f"{group}.{name}"] = number.between[draws.one_uniform("end", key_of(group, name)) < 0.5]
    return values


# -- they agree -----------------------------------------------------------------------------------------------------------


def test_a_short_run_of_all_policies_together_agrees() -> None:
    assert how_they_part(*run_both(with_small_doses("combined"), small_world(1500, 120, 20, "north"), 2, SCARCE)) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "seed", "parameters"),
    [
        pytest.param("region", 1, {}, id="region-1-as it is"), pytest.param("region", 2, SCARCE, id="region-2-scarce"),
        pytest.param("north", 3, SCARCE, id="north-3-scarce"), pytest.param("north", 4, SCARCE, id="north-4-scarce"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_agrees(name: str, where: str, seed: int, parameters: dict[str, float]) -> None:
    assert how_they_part(*run_both(with_small_doses(name), small_world(3000, 400, 60, where), seed, parameters)) == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 9))
def test_they_agree_with_every_number_at_one_end_of_its_range(seed: int) -> None:
    scenario = load_scenario("combined")
    bare = replace(scenario, policies={name: replace(use, settings={}) for name, use in scenario.policies.items()})
    where = tuple(WORLDS)[seed % 2]
    assert how_they_part(*run_both(bare, small_world(3000, 400, 60, where), seed, at_ends(seed, bare))) == ""


@pytest.mark.slow
def test_they_agree_where_policies_end_and_serve_one_place() -> None:
    scenario = with_small_doses("combined")
    world = small_world(3000, 400, 60, "north")
    uses = {name: replace(use, begins=30, ends=200, where=world.authorities[1:]) for name, use in scenario.policies.items()}
    assert how_they_part(*run_both(replace(scenario, policies=uses), world, 3, SCARCE)) == ""


# -- and could disagree ---------------------------------------------------------------------------------------------------


def test_one_changed_number_is_noticed_and_the_first_difference_named() -> None:
    scenario, world = load_scenario("baseline"), small_world(800, 40, 20)
    told = how_they_part(*run_both(scenario, world, 1, SCARCE, only_engine={"missing.at_home": 0.11}))
    assert told.startswith("They part on day ")
    first = told.splitlines()[0]
    assert "WENT_MISSING (missing: begins), child " in first
    assert "2025" in first
    assert "rows that only one has, in all: events: " in told


def test_a_difference_that_no_row_tells_is_found_in_the_facts() -> None:
    scenario, world = load_scenario("baseline"), small_world(300, 5, 2)
    model, reference = run_both(scenario, world, 1, only_engine={"missing.crises_home": 0.0301})
    assert first_row({name: model.ledger.table(name) for name in model.ledger.tables}, reference.tables()) == ""
    told = first_fact(engine_facts(model), reference.facts())
    assert told.startswith("Of child ")
    assert "patience: crisis: the engine" in told


def test_another_seed_is_another_england() -> None:
    world = small_world(300, 3, 1)
    runs = [run_reference(world.authorities, world.fraction, seed, 3) for seed in (1, 2)]
    assert first_row(*(run.tables() for run in runs)) != ""


@pytest.mark.slow
def test_the_runs_compared_have_some_of_everything() -> None:
    """Nothing agrees merely because it never happened."""
    told: Counter[int] = Counter()
    for name in SCENARIOS:
        for seed in (3, 4):
            model = CountyLines(with_small_doses(name), small_world(3000, 400, 60, "north"), seed, SCARCE).run_to(400)
            told.update(model.ledger.table("events")["event"].tolist())
            assert [policy.name for policy in model.policies if not policy.counts["changed"]] == []
    assert [event.name for event in ledger.Event if told[event] < 3] == []


# -- and speak of the same things ------------------------------------------------------------------------------------------


def test_the_reference_shares_only_draws_numbers_dates_and_places() -> None:
    for name in OWN:
        for node in ast.walk(ast.parse((Path(__file__).parent / name).read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            assert {module for module in modules if module.split(".")[0] == "sim"} <= MAY_IMPORT, name


def test_every_file_of_the_reference_is_looked_at() -> None:
    own = {path.name for path in Path(__file__).parent.glob("*.py")}
    assert own == {*OWN, "comparing.py", "test_reference.py"}


def test_events_have_the_same_numbers() -> None:
    renamed = {"APPROACHED": "APPROACHED_BY", "GROOMED": "GROOMED_BY", "BOUND": "BECAME_BOUND"}
    assert {event.name: event.value for event in ledger.Event} == {
        event.name: getattr(words, renamed.get(event.name, event.name)) for event in ledger.Event
    }


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (population, "NOT_INVOLVED APPROACHED GROOMED WORKING BOUND GETTING_OUT SAFE"),
        (population, "AT_HOME FOSTER SPECIALIST_FOSTER KINSHIP CHILDRENS_HOME SECURE SUPPORTED WITH_PARENTS OTHER"),
        (population, "CONFLICT FAMILY LINE DEBT NEVER"),
        (missing, "POLICE AUTHORITY OVERNIGHT LOOKED_AFTER OLDER OUTSIDE FOUND"),
        (recruitment, "STREET SCHOOL HOME ONLINE"),
        (exploitation, "THREAT GIFTS ROBBERY SEIZURE"),
        (lines, "BY_ADULT BY_CHILD BY_CHILD_OF_ELSEWHERE"),
        (services, "POLICE_FORCE SOCIAL_CARE EPISODE DISCLOSURE CLOSED_LINE SHARED"),
        (placements, "ENTRY MOVE GUEST FAR_KM"),
    ],
)
def test_words_mean_the_same(module, names: str) -> None:
    assert {name: getattr(module, name) for name in names.split()} == {name: getattr(words, name) for name in names.split()}


def test_tables_have_the_same_columns_in_the_same_order() -> None:
    assert COLUMNS == ledger.TABLES
    assert SORTED_BY == ledger.SORTED_BY


def test_every_fact_of_a_child_is_compared() -> None:
    assert FACTS.keys() - FACTS_OF_REFERENCE.keys() == STORAGE.keys()
    assert set(STORAGE.values()) <= FACTS_OF_REFERENCE.keys()


def test_every_policy_is_in_the_reference() -> None:
    from .policies import EVERY_POLICY

    assert EVERY_POLICY.keys() == every_policy().keys()
