"""What a national study costs: worked out from what was measured, and the written page is what is worked out."""

import json
from dataclasses import replace

import pytest

from experiments import national
from experiments.__main__ import main
from experiments.national import DESIGNS, FULL, MACHINES, Design, Machine, Measured, costs, measure, page, read
from experiments.running.runner import Work
from experiments.studies.designs import SEEDS_PER_DRAW
from experiments.studies.study import PRESENT_PRACTICE, Study, over_years
from sim import load_world
from sim.policies import every_policy
from sim.scenario import PolicyUse, Scenario

EASY = Measured(children=1000, begin=20.0, warm_up_year=40.0, branch=1.0, year=50.0, measure=9.0, peak=2e9, kept=100, ledger=1000)


def test_the_written_page_is_what_is_worked_out_from_what_was_measured():
    assert national.PAGE.read_text(encoding="utf-8") == page(read()), "`python -m experiments national --docs` writes it"


def test_a_study_costs_what_its_parts_cost():
    """By hand: 20 + 40 once, then thirteen times 1 + 3 × 50 + 9; without sharing thirteen times 20 + 40 + 3 × 50 + 9."""
    assert EASY.seconds(1, 13) == 20 + 40 + 13 * 160
    assert EASY.seconds(7, 13, shared=False) == 7 * 13 * 219
    cost = costs(Design("england", 5, 2), {"england": EASY})
    assert (cost["runs"], cost["kept"], cost["ledgers"]) == (130, 13_000, 130_000)
    assert cost["seconds"] == 10 * 2140
    assert cost["days"][MACHINES[0].name] == pytest.approx(21_400 / 86_400 / 6)  # 12.8 of 16 GB hold six of 2 GB
    assert costs(FULL, {"england": replace(EASY, peak=1e12)})["days"][MACHINES[0].name] is None


@pytest.mark.parametrize(("cores", "gigabytes", "each", "fit"), [(8, 16, 2, 6), (8, 64, 2, 8), (100, 400, 5, 64), (8, 16, 13, 0)])
def test_as_many_processes_as_cores_or_as_memory_holds(cores, gigabytes, each, fit):
    assert Machine("some", cores, gigabytes * 1e9).processes(each * 1e9) == fit


def test_the_designs_are_those_of_the_program():
    assert FULL.scenarios == 1 + len(every_policy())
    assert {design.world for design in DESIGNS} == set(national.WORLDS)
    one_replicate = Study((PRESENT_PRACTICE, Scenario("a"), Scenario("b", policies={"relocation": PolicyUse("relocation", {})})), over_years(load_world("town"), national.YEARS - 1), 1)
    days = Work(one_replicate.world, one_replicate.runs).days
    assert days == pytest.approx(365.25 * (1 + 3 * (national.YEARS - 1)), abs=5), "the runner shares a warm-up as the page says"
    assert SEEDS_PER_DRAW == 2


def test_measuring_a_small_world_gives_every_figure():
    found = measure("town", days=40)
    assert found.keys() == Measured.__annotations__.keys()
    assert all(value > 0 for value in found.values())
    assert 25_000 > found["children"] > 20_000 and found["peak"] > 2e8


def test_the_command_prints_a_study_a_row_or_json(capsys):
    assert main(["national"]) == 0
    table = capsys.readouterr().out
    assert len(table.splitlines()) == 2 + len(DESIGNS) and "26,000" in table
    assert main(["national", "--json"]) == 0
    assert [each["runs"] for each in json.loads(capsys.readouterr().out)] == [design.runs for design in DESIGNS]


@pytest.mark.parametrize("content", [None, "", "[]", '{"worlds": {}}', '{"worlds": {"england": {"peak": 1}}}'])
def test_figures_that_are_not_what_was_measured_are_said_in_a_sentence(tmp_path, monkeypatch, capsys, content):
    monkeypatch.setattr(national, "FIGURES", tmp_path / "figures.json")
    if content is not None:
        national.FIGURES.write_text(content)
    assert main(["national"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err == "experiments: figures.json in sim/docs is missing or is not what --measure writes; give --measure to write it anew.\n"


def test_measuring_again_writes_figures_and_page(tmp_path, monkeypatch, capsys):
    told = read()
    monkeypatch.setattr(national, "FIGURES", tmp_path / "figures.json")
    monkeypatch.setattr(national, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(national, "measure_all", lambda: told | {"loop": 9.5})
    assert main(["national", "--measure"]) == 0
    assert national.PAGE.read_text(encoding="utf-8") == page(told | {"loop": 9.5}) != page(told)
