"""The engine and the plain reference agree: every row of every table, every fact of every child, floats to 1e-9."""

import ast
import importlib.util
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import mesa
import pytest

from sim import (
    CountyLines,
    asking,
    exploitation,
    harm,
    ledger,
    lines,
    load_scenario,
    missing,
    other_exploitation,
    placements,
    policing,
    population,
    recruitment,
    relationships,
    schooling,
    services,
    world,
)
from sim.draws import Draws, key_of
from sim.parameters import Parameters
from sim.places import read_places
from sim.policies import every_policy
from sim.population import FACTS
from sim.scenario import FOLDER
from sim.world import World
from tests.worlds import EVENTFUL

from . import care, mesa_agents, run_reference, words
from .comparing import STORAGE, engine_facts, first_fact, first_row, how_they_part, run_both
from .facts import FACTS as FACTS_OF_REFERENCE
from .ledger import COLUMNS, SORTED_BY

SCENARIOS = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
WORLDS = {
    "region": ("Greenwich", "Medway", "Kent"),
    "north": ("Liverpool", "Blackpool", "Middlesbrough"),  # many there are looked after, and many lines begin there
    "england": read_places().name,  # a home here and there, and no elsewhere that takes whoever found no bed
    "manchester": ("Bolton", "Bury", "Manchester", "Oldham", "Rochdale", "Salford", "Stockport", "Tameside", "Trafford", "Wigan"),
}
OWN = ("__init__.py", "alone.py", "care.py", "chance.py", "costs.py", "distance.py", "exploitation.py", "facts.py", "harm.py", "ledger.py",
       "lines.py", "mesa_agents.py", "missing.py", "otherwise.py", "people.py", "police.py", "policies.py", "practice.py", "recruiting.py",
       "schooling.py", "services.py", "trust.py", "words.py", "world.py")  # fmt: skip
MAY_IMPORT = {"sim.draws", "sim.parameters", "sim.dates", "sim.places"}

# Beds, interviewers, help and moves for fewer than ask for them; lines that close, move and open again; absences so long that a child is
# missing on its eighteenth birthday; and policies that reach somebody in so small a world.
SCARCE = {
    **EVENTFUL, "services.interviewers": 4.0, "services.helped": 0.6, "services.help_places": 8.0, "missing.debt_rate": 4.0,
    "missing.at_16_17": 2.5, "duration.line": 10.0, "duration.tail": 1.0, "duration.conflict": 0.6, "reporting.home": 0.2,
    "reporting.care_police": 0.4, "recruitment.home": 0.3, "recruitment.street": 0.2, "recruitment.online": 0.05, "recruitment.peers": 2.5,
    "recruitment.siblings": 2.5, "recruitment.girls": 0.45, "lines.lifetime": 90.0, "lines.substitution": 0.9, "lines.relative_or_friend": 0.3,
    "lines.displaced": 0.6, "lines.adaptation": 0.8, "exploitation.drawn_back": 0.12, "exploitation.settles": 0.05, "exploitation.tries": 0.06,
    "exploitation.out_at_closure": 0.3, "care.foster_breaks": 0.5, "care.home_breaks": 1.2, "care.unevenness_of_breaking": 3.0,
    "distance.line_follows": 0.1, "harm.injury": 0.05, "harm.admitted": 0.4, "policing.street": 0.15, "policing.criminal": 0.8,
    "policing.remand": 0.12, "policing.remand_days": 14.0, "relationships.trust_after": 2.0, "relationships.broken_promises": 1.0,
    "relationships.new_worker_after_move": 0.7, "unaccompanied.transferred": 0.6, "sexual_exploitation.approaches": 20.0,
    "sexual_exploitation.boys": 0.55, "other_criminal.approaches": 30.0, "other_criminal.girls": 0.5, "schooling.exclusions": 1.5,
}  # fmt: skip
# Rare things, far beyond their ranges: death, custody, lines that follow a child; and so many lines that they meet.
RARE = {
    "harm.death": 0.004, "harm.injury": 0.2, "policing.remand": 0.7, "distance.line_follows": 0.9, "distance.ties_kept": 0.5,
    "lines.external": 9000.0, "lines.internal": 9000.0, "lines.relative_or_friend": 0.8, "recruitment.at_outlet": 0.9,
    "sexual_exploitation.approaches": 150.0, "other_criminal.approaches": 150.0, "schooling.exclusions": 20.0, "care.leaves_10_15": 1.0,
    "care.leaves_16_17": 1.0, "services.recognised": 0.9, "services.help_places": 2.0,
    "services.interviewers": 20.0,
}  # fmt: skip
SMALL_DOSES = {
    "relocation": {"moves_a_year": 150.0, "coverage": 0.9}, "specialist_foster": {"beds": 200.0, "coverage": 0.9},
    "managed_placement": {"arrangements": 200.0, "coverage": 0.9}, "key_worker": {"places": 200.0, "coverage": 0.9},
    "sexual_exploitation_support": {"places": 200.0, "coverage": 0.9},
}  # fmt: skip


def small_world(children: int, days: int, warm_up_days: int, where: str = "region") -> World:
    """About so many children of some authorities."""
    places = read_places()
    authorities = tuple(sorted(places.index(name) for name in WORLDS[where]))
    return World("small", authorities, children / int(places.population_10_17[list(authorities)].sum()), warm_up_days, days)


def with_small_doses(name: str):
    """A scenario of the project, its policies with capacities that bind in a small world."""
    scenario = load_scenario(name)
    uses = {name: replace(use, settings={**use.settings, **SMALL_DOSES.get(name, {})}) for name, use in scenario.policies.items()}
    return replace(scenario, policies=uses)


def at_ends(seed: int, scenario) -> dict[str, float]:
    """Every declared number at one end of its range, by a draw; policies' numbers too, where they are in the scenario."""
    draws, values = Draws(seed), dict[str, float]()
    for group, declared in Parameters.registry.items():
        if not group.startswith("policies.") or group.removeprefix("policies.") in scenario.policies:
            for name, number in declared.declared.items():
                values[f"{group}.{name}"] = number.between[draws.one_uniform("end", key_of(group, name)) < 0.5]
    return values


def holds(where: str, scenario) -> bool:
    """Could the scenario's policies reach anybody in that world?"""
    authorities = {read_places().index(name) for name in WORLDS[where]}
    return all(use.where is None or authorities & set(use.where) for use in scenario.policies.values())


def bare(scenario):
    """The scenario with every policy at its declared numbers."""
    return replace(scenario, policies={name: replace(use, settings={}) for name, use in scenario.policies.items()})


@pytest.fixture
def rare_is_common(monkeypatch) -> dict[str, float]:
    """What happens in a scarce practice, and what is rare made common: numbers outside their ranges, which are widened for it."""
    for address, value in RARE.items():
        group, _, name = address.rpartition(".")
        declared = Parameters.registry[group].declared
        low, high = declared[name].between
        monkeypatch.setitem(declared, name, replace(declared[name], between=(min(low, value), max(high, value))))
    return {**SCARCE, **RARE}


# -- they agree -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_a_short_run_of_all_policies_together_agrees(seed: int) -> None:
    assert how_they_part(*run_both(with_small_doses("everything"), small_world(1500, 120, 20, "north"), seed, SCARCE)) == ""


def test_a_short_run_of_a_larger_world_agrees() -> None:
    """So many that co-residents who work a line decide whom a recruiter reaches."""
    assert how_they_part(*run_both(load_scenario("baseline"), small_world(6000, 40, 20, "north"), 7, SCARCE)) == ""


def test_a_short_run_in_which_rare_things_are_common_agrees(rare_is_common) -> None:
    assert how_they_part(*run_both(with_small_doses("everything"), small_world(1500, 120, 20, "north"), 3, rare_is_common)) == ""


def test_they_give_up_asking_after_as_many_refusals(monkeypatch) -> None:
    """Ten homes in a row seldom refuse; two do."""
    monkeypatch.setattr(asking, "ASKS", 2)
    monkeypatch.setattr(care, "ASKS", 2)
    assert how_they_part(*run_both(load_scenario("baseline"), small_world(1500, 20, 10), 1, {**SCARCE, "care.refusal": 0.5, "care.occupancy": 0.8})) == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_agrees(name: str, seed: int) -> None:
    """Each in two worlds that can hold it, as it is and in a scarce practice."""
    scenario = with_small_doses(name)
    worlds = [where for where in WORLDS if holds(where, scenario)]
    where, parameters = (worlds[0], {}) if seed == 1 else (worlds[1 % len(worlds)], SCARCE)
    assert how_they_part(*run_both(scenario, small_world(3000, 400, 60, where), seed, parameters)) == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4])
def test_long_runs_in_which_rare_things_are_common_agree(seed: int, rare_is_common) -> None:
    assert how_they_part(*run_both(with_small_doses("everything"), small_world(3000, 400, 60, "north"), seed, rare_is_common)) == ""


@pytest.mark.slow
def test_a_thin_england_agrees() -> None:
    assert how_they_part(*run_both(with_small_doses("combined"), small_world(3000, 400, 60, "england"), 5, SCARCE)) == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 9))
def test_they_agree_with_every_number_at_one_end_of_its_range(seed: int) -> None:
    scenario = bare(load_scenario("everything"))
    where = tuple(WORLDS)[seed % len(WORLDS)]
    assert how_they_part(*run_both(scenario, small_world(3000, 400, 60, where), seed, at_ends(seed, scenario))) == ""


@pytest.mark.slow
def test_they_agree_where_policies_end_and_serve_one_place() -> None:
    scenario = with_small_doses("everything")
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
def test_the_runs_compared_have_some_of_everything(rare_is_common) -> None:
    """Nothing agrees merely because it never happened."""
    told: Counter[int] = Counter()
    changed: Counter[str] = Counter()
    for name, where, parameters in (("everything", "north", SCARCE), ("everything", "north", rare_is_common), ("baseline", "region", SCARCE)):
        model = CountyLines(with_small_doses(name), small_world(3000, 400, 60, where), 3, parameters).run_to(400)
        told.update(model.ledger.table("events")["event"].tolist())
        changed.update({policy.name: policy.counts["changed"] for policy in model.policies})
    assert [policy for policy in every_policy() if changed[policy] < 3] == []
    assert [event.name for event in ledger.Event if told[event] < 3] == []


# -- and speak of the same things ------------------------------------------------------------------------------------------


def test_the_reference_shares_only_draws_numbers_dates_and_places() -> None:
    for name in OWN:
        for node in ast.walk(ast.parse((Path(__file__).parent / name).read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            assert {module for module in modules if module.split(".")[0] == "sim"} <= MAY_IMPORT, name


def test_it_can_be_loaded_by_its_path() -> None:
    spec = importlib.util.spec_from_file_location("loaded_by_path", Path(__file__).with_name("__init__.py"))
    assert spec and spec.loader
    module = sys.modules["loaded_by_path"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    world = small_world(100, 2, 1)
    runs = [run(world.authorities, world.fraction, 1, 2).tables() for run in (module.run_reference, run_reference)]
    assert first_row(*runs) == ""


def test_every_file_of_the_reference_is_looked_at() -> None:
    own = {path.name for path in Path(__file__).parent.glob("*.py")}
    assert own == {*OWN, "comparing.py", "test_reference.py"}


def test_events_have_the_same_numbers() -> None:
    renamed = {
        "APPROACHED": "APPROACHED_BY", "GROOMED": "GROOMED_BY", "BOUND": "BECAME_BOUND", "SUSPENDED": "WAS_PUT_OUT_FOR_DAYS",
        "EXCLUDED": "WAS_EXCLUDED_FOR_GOOD", "PART_TIME": "WENT_PART_TIME", "ABSENT": "STAYED_AWAY_FROM_SCHOOL",
    }  # fmt: skip
    assert {event.name: event.value for event in ledger.Event} == {
        event.name: getattr(words, renamed.get(event.name, event.name)) for event in ledger.Event
    }


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (population, "NOT_INVOLVED APPROACHED GROOMED WORKING BOUND GETTING_OUT SAFE"),
        (population, "AT_HOME FOSTER SPECIALIST_FOSTER KINSHIP CHILDRENS_HOME SECURE SUPPORTED WITH_PARENTS OTHER CUSTODY"),
        (population, "CONFLICT FAMILY LINE DEBT SEXUAL BY_A_LINE SEXUALLY BY_OTHERS NEVER"),
        (population, "MAINSTREAM SUSPENDED PART_TIME ALTERNATIVE ABSENT"),
        (schooling, "WAS_LOOKED_AFTER WAS_SUSPENDED WAS_EXCLUDED WAS_MISSING"),
        (other_exploitation, "GROOMING EXPLOITED OUT"),
        (missing, "POLICE AUTHORITY OVERNIGHT LOOKED_AFTER OLDER OUTSIDE FOUND HIGH_RISK"),
        (harm, "ASSAULT SEXUAL_ASSAULT INJURY THREATENED DEATH"),
        (recruitment, "STREET SCHOOL HOME ONLINE"),
        (exploitation, "THREAT GIFTS ROBBERY SEIZURE TRIED CLOSED IN_CUSTODY"),
        (lines, "BY_ADULT BY_CHILD BY_CHILD_OF_ELSEWHERE BY_RELATIVE_OR_FRIEND BY_SAME_GROWN_UP BY_NOBODY"),
        (policing, "AT_A_CLOSURE IN_THE_STREET SAFEGUARDING CRIMINAL"),
        (services, "POLICE_FORCE SOCIAL_CARE EDUCATION HEALTH ALL EPISODE MET DISCLOSURE INTELLIGENCE"),
        (services, "CRIMINAL_FACTOR GANG_FACTOR SEXUAL_FACTOR MISSING_FACTOR"),
        (relationships, "TURNOVER HELP_BEGINS HELP_ENDS"),
        (placements, "ENTRY MOVE FAR_KM"),
        (world, "NEIGHBOURHOOD CORNERS"),
    ],
)
def test_words_mean_the_same(module, names: str) -> None:
    assert {name: getattr(module, name) for name in names.split()} == {name: getattr(words, name) for name in names.split()}


def test_names_that_draws_are_looked_up_by_are_the_same() -> None:
    assert (words.AGENCY_NAMES, words.SIGNAL_NAMES) == (services.AGENCIES, services.SIGNALS)
    assert (words.FORM_NAMES, words.SETTING_NAMES, words.HARM_NAMES) == (population.FORMS, population.SETTINGS, harm.KINDS)


def test_tables_have_the_same_columns_in_the_same_order() -> None:
    assert COLUMNS == ledger.TABLES
    assert SORTED_BY == ledger.SORTED_BY


def test_every_fact_of_a_child_is_compared() -> None:
    assert FACTS.keys() - FACTS_OF_REFERENCE.keys() == STORAGE.keys()
    assert set(STORAGE.values()) <= FACTS_OF_REFERENCE.keys()


def test_every_policy_is_in_the_reference() -> None:
    from .policies import EVERY_POLICY

    assert EVERY_POLICY.keys() == every_policy().keys()


@pytest.mark.slow
@pytest.mark.parametrize("other", [{"looks_at_everybody": True}, {"kind": mesa_agents.England}], ids=["everybody", "Mesa agents"])
def test_plainer_programs_find_the_same_as_lists_of_the_few(other) -> None:
    world = small_world(800, 60, 20, "north")
    few, plainer = (run_reference(world.authorities, world.fraction, 3, 60, 20, SCARCE, **how) for how in ({}, other))
    assert len(few.tables()["events"]["day"]) > 500
    assert first_row(few.tables(), plainer.tables()) + first_fact(few.facts(), plainer.facts()) == ""


def test_plain_mesa_agents_are_all_asked_four_times_a_day(monkeypatch) -> None:
    """For birthdays, entry to care, crises and conflict, and school; each is a registered agent for as long as it is present."""
    asked: Counter[int] = Counter()
    set_of_agents = type(mesa.Model().agents)
    shuffle_do = set_of_agents.shuffle_do

    def count(agents, what):
        asked[england.day] += len(agents)
        return shuffle_do(agents, what)

    monkeypatch.setattr(set_of_agents, "shuffle_do", count)
    world = small_world(300, 3, 1)
    england = mesa_agents.England(world.authorities, world.fraction, 1, 3, 1, {}, {})
    england.step()
    present = [child for child in england.children if child.is_present]
    assert set(present) == set(england.agents)
    assert asked == {1: 4 * len(present)}
