"""The model is a real Mesa model: its agents, sets, collectors and batch runs are the ones that Mesa's users know."""

import multiprocessing

import mesa
import numpy as np
import pytest
from mesa.agentset import AbstractAgentSet

from sim import Child, Cohort, CountyLines
from sim.ledger import STOCKS
from sim.lines import Gang, Line, Recruiter
from sim.other_exploitation import Exploiters
from sim.placements import Home
from sim.policing import MissingUnit
from sim.population import AT_HOME, FOSTER
from sim.relationships import WorkerTeam
from sim.scenario import load_world
from sim.services import InterviewTeam, SpecialistTeam
from tests.worlds import EVENTFUL, lived, scenario, world

INSTITUTIONS = (Gang, Line, Recruiter, Exploiters, Home, InterviewTeam, SpecialistTeam, WorkerTeam, MissingUnit)
SMALL = world(0.01, days=30)


@pytest.fixture(scope="module")
def model():
    return lived(world=world(0.05, days=40), parameters=EVENTFUL)


# -- the registry ------------------------------------------------------------------------------------------------------


def test_it_is_a_mesa_model_whose_day_is_a_step(model):
    assert isinstance(model, mesa.Model)
    assert model.steps == model.day == 40


@pytest.mark.parametrize("kind", INSTITUTIONS, ids=lambda kind: kind.__name__)
def test_institutions_and_lines_are_ordinary_registered_agents(model, kind):
    agents = model.agents_by_type[kind]
    assert len(agents) > 0 and all(isinstance(agent, mesa.Agent) and agent.model is model for agent in agents)
    assert all(agent in model.agents for agent in agents)
    assert len({agent.key for agent in agents}) == len(agents)
    assert len({agent.unique_id for agent in agents}) == len(agents)


def test_whoever_works_is_registered(model):
    placements, market, services = model.placements, model.lines, model.services
    assert set(model.agents_by_type[Home]) == set(placements.homes)
    assert set(model.agents_by_type[Line]) == set(market.lines)
    assert set(model.agents_by_type[Recruiter]) == {line.recruiter for line in market.lines}
    assert set(model.agents_by_type[Gang]) == {line.gang for line in market.lines}
    assert set(model.agents_by_type[InterviewTeam]) == set(services.teams.values())
    assert set(model.agents_by_type[SpecialistTeam]) == set(services.specialists.values())
    assert set(model.agents_by_type[MissingUnit]) == set(model.policing.units)
    assert set(model.agents_by_type[WorkerTeam]) == set(model.relationships.teams.values())
    assert set(model.agents_by_type[Exploiters]) == set(model.other_exploitation.exploiters)


def test_a_home_that_a_policy_opens_is_registered_too():
    opened = lived(scenario({"specialist_foster": {"coverage": 1.0, "beds": 200.0}}), world=world(0.05, warm_up=2, days=4))
    assert set(opened.agents_by_type[Home]) == set(opened.placements.homes)


def test_children_are_agents_of_the_model(model):
    children = model.agents_by_type[Child]
    assert isinstance(children, AbstractAgentSet) and isinstance(children, Cohort)
    assert len(children) == len(model.children) == len(list(children)) == int(model.children.columns["is_present"].sum())
    some = list(children)[::50]
    assert all(isinstance(child, mesa.Agent) and child.model is model and child in model.agents for child in some)
    assert Child in model.agent_types


def test_all_agents_are_institutions_and_children_together(model):
    everybody = list(model.agents)
    assert len(everybody) == len(model.agents) == sum(len(agents) for agents in model.agents_by_type.values())
    assert len({id(agent) for agent in everybody}) == len(everybody)
    assert {type(agent) for agent in everybody} == {*INSTITUTIONS, Child}


def test_nobody_s_unique_id_is_somebody_else_s(model):
    assert len({agent.unique_id for agent in model.agents}) == len(model.agents)


# -- sets --------------------------------------------------------------------------------------------------------------


def test_select_speaks_in_columns_and_child_by_child(model):
    by_column = model.agents_by_type[Child].select(lambda c: c.is_missing & (c.age < 17))
    one_by_one = [child for child in model.agents_by_type[Child] if child.is_missing and child.age < 17]
    through_all = model.agents.select(lambda c: c.is_missing & (c.age < 17), agent_type=Child)
    assert len(one_by_one) > 0
    assert list(by_column) == one_by_one == list(through_all)
    assert list(model.agents_by_type[Line].select(lambda line: line.is_open)) == [line for line in model.lines.lines if line.is_open]
    assert set(model.agents.select(agent_type=Line)) == set(model.lines.lines)


def test_groupby_agg_and_get(model):
    children = model.agents_by_type[Child]
    by_setting = children.groupby("setting")
    assert by_setting.count() == {s: int((children.present().setting == s).sum()) for s in set(children.get("setting").tolist())}
    assert (by_setting.agg("age", max)[AT_HOME], by_setting.agg("age", min)[AT_HOME]) == (17, 10)
    assert children.agg("restlessness", np.mean) == pytest.approx(float(children.get("restlessness").mean()))
    assert model.agents_by_type[Home].agg("free", sum) == sum(home.free for home in model.placements.homes)
    assert model.agents_by_type[Line].groupby("is_open").count() == {
        True: sum(line.is_open for line in model.lines.lines),
        False: sum(not line.is_open for line in model.lines.lines),
    }


def test_set_and_do():
    model = lived(world=SMALL, until=2)
    fostered = model.agents_by_type[Child].select(lambda c: c.setting == FOSTER)
    fostered.set("episodes", 7)
    assert set(fostered.get("episodes").tolist()) == {7}
    assert sum(model.agents_by_type[Child].get("episodes") == 7) >= len(fostered) > 0
    met = []
    fostered.do(lambda child: met.append(child.key))
    assert met == fostered.key.tolist()
    assert sorted(fostered.shuffle_do(lambda child: met.append(child)).key.tolist()) == sorted(met[: len(fostered)])
    model.agents.do("step")  # Mesa's users do; a child's own step is nothing, an institution's is its own business


def test_a_misspelt_fact_raises_with_the_nearest_name(model):
    with pytest.raises(AttributeError, match="nearest known name is 'is_missing'"):
        model.agents_by_type[Child].select(lambda c: c.is_misssing)
    with pytest.raises(AttributeError, match="nearest known name is 'setting'"):
        next(iter(model.agents_by_type[Child])).seting  # noqa: B018
    with pytest.raises(AttributeError, match="nearest known name is 'setting'"):
        model.agents_by_type[Child].set("seting", 3)


# -- collecting --------------------------------------------------------------------------------------------------------


class Watched(CountyLines):
    """The model with a collector, as one of Mesa's users would write it."""

    def __init__(self, **keywords):
        super().__init__(**keywords)
        self.datacollector = mesa.DataCollector(
            model_reporters={"missing": lambda model: len(model.children.select(lambda c: c.is_missing)), "day": "day"},
            agenttype_reporters={Line: {"open_positions": "open_positions"}, Home: {"free": "free", "is_full": "is_full"}},
        )

    def step(self):
        super().step()
        self.datacollector.collect(self)


def test_a_data_collector_collects_the_model_and_its_institutions():
    model = Watched(world=SMALL, seed=3, parameters=EVENTFUL)
    model.run_to(20)
    seen = model.datacollector.get_model_vars_dataframe()
    assert seen["day"].tolist() == list(range(1, 21))
    assert seen["missing"].tolist() == model.ledger.table("stocks")["missing"].tolist() and seen["missing"].max() > 0
    lines = model.datacollector.get_agenttype_vars_dataframe(Line)
    assert len(lines) == 20 * len(model.lines.lines)
    assert lines["open_positions"].groupby(level="Step").sum().tolist() == model.ledger.table("stocks")["positions_open"].tolist()
    homes = model.datacollector.get_agenttype_vars_dataframe(Home)
    assert homes.loc[20, "free"].tolist() == [home.free for home in model.agents_by_type[Home]]


def test_collecting_changes_nothing():
    assert Watched(world=SMALL, seed=3).run_to(15).ledger.digest() == CountyLines(world=SMALL, seed=3).run_to(15).ledger.digest()


@pytest.fixture
def batches():
    """Mesa's batch_run sets how processes start, for the whole process; put that back."""
    before = multiprocessing.get_start_method(allow_none=True)
    yield
    multiprocessing.set_start_method(before, force=True)


def test_batch_run_takes_flat_keywords(batches):
    results = mesa.batch_run(
        Watched,
        parameters={"world": SMALL, "scenario": ["baseline", "relocation"], "lines.contacts": [1.0, 10.0], "lines.external": 1500.0},
        rng=[1, 2],
        max_steps=20,
        display_progress=False,
        data_collection_period=-1,
    )
    assert len({result["RunId"] for result in results}) == 8
    assert {(r["scenario"], r["lines.contacts"], r["rng"]) for r in results} == {
        (s, c, seed) for s in ("baseline", "relocation") for c in (1.0, 10.0) for seed in (1, 2)
    }
    assert {result["Step"] for result in results} == {20}
    alone = CountyLines("baseline", SMALL, seed=2, parameters={"lines.contacts": 10.0, "lines.external": 1500.0}).run_to(20)
    same = next(r for r in results if (r["scenario"], r["lines.contacts"], r["rng"]) == ("baseline", 10.0, 2))
    assert same["missing"] == alone.ledger.table("stocks")["missing"][-1]


def test_batch_run_takes_the_model_as_it_is(batches):
    results = mesa.batch_run(CountyLines, parameters={"world": SMALL}, rng=[1], max_steps=5, display_progress=False)
    assert set(STOCKS) <= set(results[0])


def test_a_model_stops_running_on_its_last_day():
    model = CountyLines(world=SMALL, days=3)
    assert model.running
    model.run_model()
    assert not model.running


def test_mesa_s_own_seed_is_the_seed():
    assert CountyLines(world=SMALL, rng=5).run_to(5).ledger.digest() == CountyLines(world=SMALL, seed=5).run_to(5).ledger.digest()
    assert CountyLines(world=SMALL, rng=5).run_to(5).ledger.digest() != CountyLines(world=SMALL, seed=6).run_to(5).ledger.digest()


def test_two_models_in_one_process_know_nothing_of_each_other():
    one, other = CountyLines(world=SMALL, seed=1), CountyLines("relocation", SMALL, seed=2)
    alone = CountyLines(world=SMALL, seed=1).run_to(10).ledger.digest()
    for _ in range(10):
        other.step()
        one.step()
    assert one.ledger.digest() == alone
    child = one.agents_by_type[Child][0]
    assert child in one.agents and child not in other.agents
    assert load_world("town").name == "town"
