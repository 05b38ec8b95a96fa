"""The bench: goals, the file it writes, turns, and each section at a very small size or with contenders whose cost is known."""

import json
from argparse import Namespace
from contextlib import ExitStack
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest

from experiments.__main__ import main
from experiments.bench import __main__ as bench
from experiments.bench import common_random_numbers, contenders, lines, others, scale, speed, timing
from experiments.bench.lines import Line, at_least, at_most
from experiments.bench.timing import Contender, ContenderDied, Turn, by_turns, together
from sim import CountyLines, load_world

# -- goals ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figure", "goal", "verdict"),
    [
        (60.0, at_least(60.0, 150.0), "yes"), (59.9, at_least(60.0, 150.0), "NO"), (150.0, at_least(60.0, 150.0), "stretch"),
        (0.25, at_most(0.25, 0.12), "yes"), (0.26, at_most(0.25, 0.12), "NO"), (0.1, at_most(0.25, 0.12), "stretch"),
        (1e9, at_least(1.0), "yes"), (inf, at_least(1.0), "yes"), (nan, at_least(1.0), "NO"), (nan, at_most(1.0, 0.5), "NO"), (5.0, None, ""),
    ],
)  # fmt: skip
def test_a_goal_is_met_or_not(figure, goal, verdict) -> None:
    line = Line("something", figure, "times", goal)
    assert line.verdict == verdict
    assert line.as_data()["met"] == {"": None, "NO": False}.get(verdict, True)
    json.dumps(line.as_data(), allow_nan=False)


def test_a_goal_is_said_with_its_stretch() -> None:
    assert (str(at_least(60.0, 150.0)), str(at_most(1.3))) == ("≥ 60 (150)", "≤ 1.3")


def test_a_table_shows_figure_goal_and_verdict_and_the_notes_below(capsys) -> None:
    lines.show_lines("speed", [Line("a year", 0.3, "s", at_most(0.25, 0.12), "on this machine")], lines.machine())
    told = capsys.readouterr().out
    assert [word for word in ("a year", "0.30", "≤ 0.25 (0.12)", "NO") if word not in told.splitlines()[3]] == []
    assert "  a year: on this machine.\n" in told


# -- the file ------------------------------------------------------------------------------------------------------------


def test_a_section_takes_the_place_of_its_earlier_figures_only(tmp_path: Path) -> None:
    file = tmp_path / "bench" / "bench.json"
    for section, figure in (("speed", 1.0), ("scale", 2.0), ("speed", 3.0)):
        lines.write(file, section, lines.as_data([Line("a figure", figure, "s", at_most(2.5))], {"cores": figure}))
    told = json.loads(file.read_text())
    assert {name: (section["machine"]["cores"], section["lines"][0]["figure"], section["lines"][0]["met"]) for name, section in told.items()} == {
        "speed": (3.0, 3.0, False), "scale": (2.0, 2.0, True),
    }  # fmt: skip


def test_the_machine_is_told_with_versions() -> None:
    assert {"processor", "cores", "load_before", "begun", "python", "numpy", "countylines"} <= lines.machine().keys()


@pytest.mark.parametrize("text", ["[]", "no JSON", '{"machine": {}, "lines": []}'])
def test_a_file_of_another_form_is_refused_before_anything_is_measured(text, tmp_path, monkeypatch, capsys) -> None:
    file = tmp_path / "bench.json"
    file.write_text(text)
    monkeypatch.setattr(bench, "FILE", file)
    assert main(["bench", "speed"]) == 2
    assert "bench.json is not what the bench writes" in capsys.readouterr().err
    assert file.read_text() == text


def test_an_unknown_section_is_refused(capsys) -> None:
    assert main(["bench", "speed", "sped"]) == 2
    assert capsys.readouterr().err == "experiments: section 'sped' is not known; the sections are speed, scale, others, studies, room, crn.\n"


@pytest.mark.parametrize("options, met", [([], True), (["--quick"], None)])
def test_quick_meets_no_goal_and_is_not_kept(options, met, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(bench, "FILE", tmp_path / "bench.json")
    monkeypatch.setattr(speed, "measure", lambda _: [Line("a year", 0.1, "s", at_most(0.25))])
    assert main(["bench", "speed", "--json", *options]) == 0
    assert json.loads(capsys.readouterr().out)["speed"]["lines"][0]["met"] is met
    assert bench.FILE.exists() == (not options)


# -- turns ---------------------------------------------------------------------------------------------------------------


def test_contenders_have_turns_in_processes_of_their_own() -> None:
    with Contender("reading", {"children": 1000, "times": 10}) as few, Contender("reading", {"children": 1000, "times": 20_000}) as many:
        together(few, many)
        seconds = by_turns([few, many], 3)
        last = many.turn()
    assert seconds.shape == (3, 2)
    assert (seconds[:, 1] > seconds[:, 0]).all()
    assert last.since_start > seconds[:, 1].sum()
    assert last.peak > 1e6
    assert few.process.returncode is not None and many.process.returncode is not None


def test_a_contender_that_dies_is_said_in_a_sentence(monkeypatch, tmp_path, capsys) -> None:
    with Contender("reading", {"children": -1, "times": 1}) as impossible, pytest.raises(ContenderDied, match="'reading' ended with code 1"):
        impossible.turn()

    def die(options):
        raise ContenderDied("the process of 'model' ended with code -9 before its turn was over.")

    monkeypatch.setattr(bench, "FILE", tmp_path / "bench.json")
    monkeypatch.setattr(speed, "measure", die)
    assert main(["bench", "speed"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("experiments bench: the process of 'model' ended with code -9")
    assert not (tmp_path / "bench.json").exists()


# -- what is measured ----------------------------------------------------------------------------------------------------


def test_the_model_tells_who_has_an_open_record() -> None:
    contender = contenders.model("region", 30, children=1000)
    next(contender)
    told = next(contender)()
    model = CountyLines("baseline", contenders._world("region", 1000), seed=1, days=365).run_to(31)
    surely = model.children.select(lambda c: c.is_missing | c.is_looked_after | c.is_exploited)
    assert told["children"] == len(model.children)
    assert told["events"] == len(model.ledger.table("events")["day"])
    assert 0 < len(surely) <= told["with_open_records"] < told["children"] / 4


def test_a_world_of_so_many_children_and_inert_ones() -> None:
    world = contenders._world("region", 1000, 2.0)
    children = int(world.places.population_10_17[list(world.authorities)].sum()) * world.fraction
    assert (round(children), world.inert) == (1000, 2.0)
    assert contenders._world("town") == load_world("town")


def test_plain_mesa_agents_and_the_reference_live_the_days_they_are_asked_for() -> None:
    for kind in ({}, {"everybody": True}, {"agents": True}):
        contender = contenders.plain("region", 300, days=2, **kind)
        assert next(contender)() == next(contender)() != {"children": 0}


def test_every_array_of_the_model_is_counted_in_the_memory_of_a_child() -> None:
    told = next(contenders.arrays("region", 1000))()
    columns = CountyLines("baseline", contenders._world("region", 1000), seed=1, days=365).children.columns
    assert told["bytes"] > sum(column.dtype.itemsize for column in columns.values() if isinstance(column, np.ndarray))


def test_an_epidemic_of_starsim_lives_its_days() -> None:
    starsim = pytest.importorskip("starsim", reason="Starsim comes with the extra bench")
    for network in ("RandomNet", "MixingPool"):
        contender = contenders.epidemic(1000, 3, network)
        assert next(contender)()["infected"] > 0
        assert next(contender)()["infected"] < 1000
    assert starsim.__version__


# -- sections ------------------------------------------------------------------------------------------------------------


class Known:
    """A contender whose cost is known: its children with records take 400 ns a day, and the others 4 ns."""

    def __init__(self, name: str, arguments: dict):
        self.days = arguments["days"]
        self.children = arguments.get("children", 5_000_000) * (1 + arguments.get("inert", 0))
        self.active = arguments.get("children", 5_000_000) / 50
        self.since_start = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def begin(self):
        self.since_start += self.days * (self.children * 4e-9 + self.active * 400e-9)

    def end(self) -> Turn:
        told = {"children": int(self.children), "with_open_records": int(self.active), "events": int(1e6 * self.since_start)}
        return Turn(self.days * (self.children * 4e-9 + self.active * 400e-9), self.since_start, 1.1e9, told)

    def turn(self) -> Turn:
        self.begin()
        return self.end()


def test_scale_reads_its_figures_rightly(monkeypatch) -> None:
    monkeypatch.setattr(scale, "Contender", Known)
    found = {line.what: line for line in scale.measure(Namespace(quick=False))}
    a_day = 5_000_000 * 4e-9 + 100_000 * 400e-9
    assert found["England, 365 days, whole process"].figure == pytest.approx(2 * 364 * a_day)  # to be ready costs as much here
    assert found["England, the most memory held"].verdict == "yes"
    assert found["a day of a child with an open record"].figure == pytest.approx(600.0)
    assert found["a day of any child"].figure == pytest.approx(12.0)
    assert found["as many active, four times the children"].figure == pytest.approx((4 * 4 + 8) / (4 + 8))
    assert found["as many children, four times the active"].figure == pytest.approx(4 * (4 + 8) / (4 * 4 + 8))
    assert found["a day of a further inert child"].figure == pytest.approx(4.0)
    assert found["a day of a further child with an open record"].figure == pytest.approx(400.0)


@pytest.mark.slow
def test_others_in_quick_where_starsim_is_missing(monkeypatch, tmp_path, capsys) -> None:
    """One clear sentence, the rest is measured, and nothing is kept of figures that mean nothing."""
    monkeypatch.setattr(others, "find_spec", lambda name: None)
    monkeypatch.setattr(bench, "FILE", tmp_path / "bench.json")
    assert main(["bench", "others", "--quick", "--json"]) == 0
    answer = capsys.readouterr()
    assert "Starsim is not installed, so nothing is compared with it" in answer.err
    told = [line["what"] for line in json.loads(answer.out)["others"]["lines"]]
    assert all(any(what in each for each in told) for what in ("plain Mesa agents over the model", "the plain reference over the model", "memory copied", "one byte read of each"))
    assert not any("Starsim" in each for each in told)
    assert not (tmp_path / "bench.json").exists()


def test_a_clone_without_history_is_told(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr(speed, "ROOT", tmp_path)
    with ExitStack() as stack:
        assert speed._first_model(stack) is None
    assert f"commit {speed.FIRST_MODEL}, is not in the history of this clone" in capsys.readouterr().err


def test_common_random_numbers_gain_the_ratio_of_variances() -> None:
    pairs = [({"cost": without}, {"cost": without + gain}) for without, gain in ((1.0, 1.0), (5.0, 1.5), (9.0, 1.0))]
    line = common_random_numbers._ratio("relocation", (), "cost", pairs)
    without, difference = [1.0, 5.0, 9.0], [1.0, 1.5, 1.0]
    with_policy = [2.0, 6.5, 10.0]
    variance = lambda values: sum((x - sum(values) / 3) ** 2 for x in values) / 2  # noqa: E731
    assert line.figure == pytest.approx((variance(without) + variance(with_policy)) / variance(difference))
    assert line.verdict == "yes"


def test_no_difference_in_any_seed_is_no_gain() -> None:
    line = common_random_numbers._ratio("relocation", (), "cost", [({"cost": cost}, {"cost": cost}) for cost in (1.0, 5.0)])
    assert (str(line.figure), line.verdict) == ("nan", "")
    assert line.note.startswith("no difference in any seed")


def test_a_study_of_the_bench_tells_its_rate_its_memory_and_its_overhead(monkeypatch) -> None:
    import time

    from experiments.bench import studies
    from experiments.running import runner
    from experiments.running.store import Result

    def measured(model: CountyLines, key: str) -> Result:
        begin = time.process_time()
        while time.process_time() < begin + 0.05:
            pass
        return Result(key, "", {})

    monkeypatch.setattr(runner, "measure_run", measured)
    took = studies.timed(studies.study(replace(load_world("town"), fraction=0.002, warm_up_days=2, days=4), 2, 1), cores=1)
    assert took.runs == 8
    assert 8 * 0.05 < took.in_runs < took.seconds
    assert runner.measure_run is measured
    took = replace(took, memory=[(0.1, 5.0), (0.15, 9.0), (0.3, 20.0), (0.95, 10.0)])
    assert (took.held(0.1, 0.2), took.held(0.9, 1.0), took.held(0.5, 0.6)) == (9.0, 10.0, 0.0)


def test_the_sections_are_files_of_the_bench() -> None:
    folder = Path(timing.__file__).parent
    assert all((folder / f"{file}.py").exists() for file, _ in bench.SECTIONS.values())


# -- the room --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_room_in_quick(capsys) -> None:
    assert main(["bench", "room", "--quick", "--json"]) == 0
    measured = {line["what"]: line for line in json.loads(capsys.readouterr().out)["room"]["lines"]}
    assert all(line["figure"] > 0 for what, line in measured.items() if not what.startswith("memory")), measured
    assert any(what.startswith("from a change of policy") for what in measured) and any("on one lesson" in what for what in measured)
