"""The memory that a run needs is estimated near enough, said before the run begins, and asked for only where there is as much."""

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.__main__ import main as experiments
from experiments.running.runner import cores_for
from sim import CountyLines, InputError, load_world, memory
from sim.__main__ import main
from tests.worlds import world

SMALL = 'authorities = ["Medway"]\nfraction = 0.1\nwarm_up_years = 1\nyears = 1\n'
ENGLAND = load_world("england")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in, with a small world."""
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(SMALL)
    return tmp_path


def with_memory(monkeypatch, there: float) -> None:
    """Let there be so much [bytes]."""
    monkeypatch.setattr(memory, "available", lambda: there)


# -- the estimate ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [1, 153, 154, 520, 900])
def test_the_children_ever_in_a_world_are_counted_without_laying_it_out(days):
    small = world(0.1)
    laid_out = CountyLines("baseline", small, days=days)
    assert memory.children_ever(small, days) == pytest.approx(len(laid_out.children.key), rel=0.02)
    assert memory.children_on_day_1(small) == pytest.approx(laid_out.demography.present, rel=0.02)


def test_the_events_of_a_run_are_expected():
    small = world(0.1, days=365)
    lived = CountyLines("baseline", small).run_to(365)
    assert memory.events_expected(small, 365) == pytest.approx(lived.ledger.events.size, rel=0.25)


KINDS = {"a run": (memory.RUN, memory.A_RUN), "a piece of a study's work": (memory.WORK, memory.A_PIECE_OF_WORK)}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the most that a process held is looked up in /proc")
@pytest.mark.parametrize("kind", ["a run", pytest.param("a piece of a study's work", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("name", "days"), [("region", 60), pytest.param("town", 730, marks=pytest.mark.slow), pytest.param("region", 365, marks=pytest.mark.slow)])
def test_the_estimate_is_near_what_a_process_comes_to_hold(kind, name, days):
    """Of a region about half is for its children and their events. If it fails after a change of the model, see `python -m sim.memory`."""
    needs, program = KINDS[kind]
    memory.measured(program, "town", 2)  # what is not compiled yet is compiled by another
    most, _, _ = memory.measured(program, name, days)
    assert memory.needed(load_world(name), days, needs) == pytest.approx(most, rel=0.2)


def test_more_children_days_and_models_need_more():
    one = memory.needed(ENGLAND, 365)
    assert one < memory.needed(ENGLAND, 730) < memory.needed(ENGLAND, 730, memory.WORK)
    assert memory.needed(replace(ENGLAND, fraction=0.5), 365) < one < 2 * memory.needed(replace(ENGLAND, fraction=0.5), 365)


# -- what there is -------------------------------------------------------------------------------------------------------------

MACHINE = 8e9
CONTAINERS = {
    "none": ({}, MACHINE),
    "without a limit": ({"memory.max": "max", "memory.current": "1000", "memory.stat": "inactive_file 0"}, MACHINE),
    "version 2": ({"memory.max": "3000", "memory.current": "2500", "memory.stat": "anon 2000\ninactive_file 400"}, 900),
    "version 1": (
        {"memory/memory.limit_in_bytes": "3000", "memory/memory.usage_in_bytes": "2500", "memory/memory.stat": "cache 9\ntotal_inactive_file 0"}, 500,
    ),
    "a limit above the machine's": ({"memory.max": "90000000000", "memory.current": "0", "memory.stat": "inactive_file 0"}, MACHINE),
    "full": ({"memory.max": "3000", "memory.current": "3100", "memory.stat": "inactive_file 0"}, 0),
}  # fmt: skip


@pytest.mark.parametrize("container", CONTAINERS)
def test_what_there_is_is_the_machine_s_or_the_container_s(tmp_path, monkeypatch, container):
    files, there = CONTAINERS[container]
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content + "\n")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: type("Told", (), {"available": MACHINE}))
    assert memory.available() == there


def test_here_there_is_some():
    assert 1e8 < memory.available() < 1e14


# -- said, and refused ---------------------------------------------------------------------------------------------------------


def test_a_run_that_needs_much_says_so_before_it_begins(here, monkeypatch, capsys):
    with_memory(monkeypatch, 20.1e9)
    assert main(["run", "baseline", "--world", "small.toml", "--seed", "1", "--days", "3"]) == 0
    assert capsys.readouterr().err == "", "little is not worth a line"
    monkeypatch.setattr(memory, "WORTH_SAYING", 1e8)
    monkeypatch.setattr(CountyLines, "step", lambda self: pytest.fail(capsys.readouterr().err))
    with pytest.raises(pytest.fail.Exception, match=r"^small, 3 days: about 0\.2 GB of memory, 20\.1 GB available\.\n"):
        main(["run", "baseline", "--world", "small.toml", "--seed", "1", "--days", "3"])


def test_a_run_for_which_there_is_too_little_is_refused_before_it_begins(here, monkeypatch, capsys):
    with_memory(monkeypatch, 1.2e9)
    monkeypatch.setattr(CountyLines, "__init__", lambda self, *given, **more: pytest.fail("it began"))
    assert main(["run", "baseline", "--world", "england", "--seed", "1", "--days", "1461", "--out", "out", "--checkpoint-every", "30"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and [path.name for path in here.iterdir()] == ["small.toml"]
    needs = memory.gigabytes(memory.needed(ENGLAND, 1461))
    assert printed.err.startswith(f"sim: world 'england' needs about {needs} of memory for 1461 days, but 1.2 GB is available; ")
    fraction = float(printed.err.rpartition("fraction = ")[2].rstrip(").\n"))
    assert fraction > 0.05 and memory.needed(replace(ENGLAND, fraction=fraction), 1461) < 1.2e9


def test_there_are_as_many_processes_as_there_is_room_for(monkeypatch, capsys):
    each = memory.needed(ENGLAND, ENGLAND.days, memory.WORK)
    with_memory(monkeypatch, 3.5 * each)
    assert cores_for(ENGLAND, 3) == 3 and capsys.readouterr().err == ""
    assert cores_for(ENGLAND, 8) == 3
    assert capsys.readouterr().err == (
        f"8 processes of about {memory.gigabytes(each)} of memory each are more than the {memory.gigabytes(3.5 * each)} available: 3 at a time.\n"
    )
    with_memory(monkeypatch, 0.9 * each)
    with pytest.raises(InputError, match=r"world 'england' needs about .* in each process, but .* is available and not one can run; .*\.$"):
        cores_for(ENGLAND, 1)


COMMANDS = (("compare", "baseline", "combined"), ("claims",), ("emulate",), ("counterfactual", "combined"))


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_a_study_for_which_there_is_too_little_is_refused_and_leaves_nothing(here, monkeypatch, capsys, words):
    with_memory(monkeypatch, 1e8)
    assert experiments([*words, "--world", "small.toml"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and "world 'small' needs about" in printed.err
    assert [path.name for path in here.iterdir()] == ["small.toml"]


@pytest.mark.slow
def test_a_comparison_uses_fewer_processes_and_says_so(here, monkeypatch, capsys):
    small = load_world("small.toml")
    with_memory(monkeypatch, 1.8 * memory.needed(small, small.days, memory.WORK))
    monkeypatch.setattr("experiments.running.runner.ProcessPoolExecutor", lambda *given, **more: pytest.fail("more than one process"))
    assert experiments(["compare", "baseline", "early_intervention", "--world", "small.toml", "--replicates", "1", "--cores", "2", "--json"]) == 0
    assert "2 processes of about 0.2 GB of memory each are more than the 0.3 GB available: 1 at a time." in capsys.readouterr().err
