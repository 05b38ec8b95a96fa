"""The runner: each run once, whatever happens in between, and the same on any number of processes."""

import json
from pathlib import Path
from typing import Any

import pytest

from experiments import compare
from experiments.running import runner
from experiments.running.runner import divide, makespan
from experiments.running.store import Store
from experiments.studies.folder import Folder, is_whole, recorded, write_told
from experiments.studies.study import Run, Study
from sim import CountyLines
from sim.terminal import FAILED, STOPPED
from tests.experiments.small import BASELINE, BEDS, EARLY, INTERVIEWS, RESTLESS, done, same_files, study, world

ALL = (BASELINE, INTERVIEWS, BEDS, RESTLESS, EARLY)


def digests(folder: Folder) -> dict[str, str]:
    told = json.loads((folder.path / "study.json").read_text(encoding="utf-8"))
    return {f"{run['purpose']} {run['scenario']} {run['replicate']}": run["digest"] for run in told["runs"]}


def runs_computed(folder: Folder) -> int:
    return json.loads((folder.path / "study.json").read_text(encoding="utf-8"))["runs_computed"]


# -- one warm-up for all -------------------------------------------------------------------------------------------------------


def test_a_run_with_a_shared_warm_up_is_the_run_by_itself(tmp_path: Path) -> None:
    asked = study(*ALL, number=1)
    folder = done(asked, tmp_path / "study")
    for run in asked.runs:
        alone = CountyLines(run.scenario, asked.world, run.replicate.seed, run.replicate.parameters)
        alone.run_model()
        kept = folder.store.read(run.key)
        assert kept is not None
        assert kept.digest == alone.ledger.digest(), run.scenario.name


def test_scenarios_that_differ_in_parameters_or_begin_early_do_not_share() -> None:
    (work,) = divide(study(*ALL, number=1).runs, world(), 1)
    assert sorted([run.scenario.name for run in runs] for runs in work.sharing()) == [["baseline", "interviews", "beds"], ["early"], ["restless"]]
    assert work.days == 20 + 3 * 60 + 80 + 80


# -- dividing -----------------------------------------------------------------------------------------------------------------------


def names(works: list[runner.Work]) -> list[tuple[int, str]]:
    return sorted((run.replicate.number, run.scenario.name) for work in works for run in work.runs)


@pytest.mark.parametrize("cores", [1, 2, 3, 8, 40])
@pytest.mark.parametrize("number", [1, 3, 8])
def test_every_run_is_in_one_piece_of_work(cores: int, number: int) -> None:
    runs = study(*ALL, number=number).runs
    assert names(divide(runs, world(), cores)) == sorted((run.replicate.number, run.scenario.name) for run in runs)


def test_a_replicate_stays_together_where_there_are_enough_of_them() -> None:
    assert [len(work.runs) for work in divide(study(*ALL[:3], number=8).runs, world(), 2)] == [3] * 8


def test_a_replicate_is_divided_where_cores_would_idle() -> None:
    works = divide(study(*ALL[:3], number=1).runs, world(), 3)
    assert [len(work.runs) for work in works] == [1, 1, 1]


def test_nothing_to_do_is_no_work() -> None:
    assert divide([], world(), 4) == []


def test_the_longest_pieces_go_first() -> None:
    assert makespan([1, 1, 1, 3], 2) == 3
    assert makespan([], 2) == 0


# -- the same on any number of processes, and after any interruption -----------------------------------------------------------------


def test_one_or_two_processes_give_equal_runs(tmp_path: Path) -> None:
    one, two = (done(study(BASELINE, INTERVIEWS, number=2), tmp_path / str(cores), cores=cores, page=True) for cores in (1, 2))
    assert digests(one) == digests(two)
    assert None not in digests(one).values()
    assert "report.html" in same_files(one, two)


def interrupted(asked: Study, path: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> Folder:
    """The folder of a study that was stopped with Ctrl-C when so many runs were kept."""
    whole = Store.write

    def write(self: Store, result: Any) -> None:
        if len(list(self.folder.iterdir())) == after:
            raise KeyboardInterrupt
        whole(self, result)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", write)
        return done(asked, path, code=STOPPED)


def test_an_interrupted_study_goes_on_and_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = study(BASELINE, INTERVIEWS, BEDS, number=2)
    total = len(asked.distinct_runs)
    folder = interrupted(asked, tmp_path / "stopped", monkeypatch, 3)
    assert f"3 of {total} runs are kept" in capsys.readouterr().err
    assert json.loads((folder.path / "study.json").read_text(encoding="utf-8"))["state"] == "running"
    done(asked, folder.path)
    assert runs_computed(folder) == total - 3
    whole = done(asked, tmp_path / "whole")
    assert len(same_files(folder, whole)) == total + 4
    assert digests(folder) == digests(whole)


def test_a_study_that_is_there_is_not_computed_again(tmp_path: Path) -> None:
    asked = study()
    folder = done(asked, tmp_path / "study")
    before = {path.name: path.stat().st_mtime_ns for path in folder.store.folder.iterdir()}
    done(asked, tmp_path / "study", cores=2)
    assert runs_computed(folder) == 0
    assert {path.name: path.stat().st_mtime_ns for path in folder.store.folder.iterdir()} == before


@pytest.mark.slow
def test_a_study_grows_by_what_it_lacks(tmp_path: Path) -> None:
    folder = done(study(number=2), tmp_path / "study")
    done(study(BASELINE, INTERVIEWS, BEDS, number=3), tmp_path / "study")
    assert runs_computed(folder) == 2 + 3  # the third replicate of the two, and three of the new scenario


def test_damaged_runs_are_named_and_computed_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = study(number=2)
    folder = done(asked, tmp_path / "study")
    paths = [folder.store.path(run.key) for run in asked.runs]
    whole = [path.read_bytes() for path in paths]
    for path, damaged in zip(paths, (whole[0][:-40], b"", whole[2][:300] + b"!" + whole[2][301:]), strict=False):
        path.write_bytes(damaged)
    capsys.readouterr()
    done(asked, tmp_path / "study")
    said = capsys.readouterr().err
    assert [path.name in said for path in paths] == [True, True, True, False]
    assert runs_computed(folder) == 3
    assert [path.read_bytes() for path in paths] == whole


# -- a run that fails -----------------------------------------------------------------------------------------------------------------


def failing(monkeypatch: pytest.MonkeyPatch, *keys: str) -> None:
    """Let some runs fail when they are measured."""
    whole = runner.measure_run

    def measure_run(model: CountyLines, key_of_run: str) -> Any:
        if key_of_run in keys:
            raise RuntimeError("a home was lost")
        return whole(model, key_of_run)

    monkeypatch.setattr(runner, "measure_run", measure_run)


def test_a_run_that_fails_is_recorded_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = study(number=4)
    run = asked.runs[3]
    failing(monkeypatch, run.key)
    folder = done(asked, tmp_path / "study", code=FAILED, page=True)
    told = json.loads((folder.path / "study.json").read_text(encoding="utf-8"))
    assert told["state"] == "failed"
    (failure,) = told["failures"]
    assert (failure["scenario"], failure["seed"], failure["key"]) == ("interviews", run.replicate.seed, run.key)
    assert "a home was lost" in failure["error"]
    assert "measure_run" in failure["trace"]
    assert failure["replay"] in capsys.readouterr().err
    assert [key for key, digest in digests(folder).items() if digest is None] == ["comparison interviews 1"]
    page = folder.report.read_text(encoding="utf-8")
    assert "1 of 10 runs failed" in page
    assert failure["replay"] in page


def test_a_study_without_a_comparator_says_that_nothing_can_be_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = study(number=2)
    failing(monkeypatch, *(run.key for run in asked.distinct_runs if run.scenario.name == "baseline"))
    page = done(asked, tmp_path / "study", code=FAILED, page=True).report.read_text(encoding="utf-8")
    assert "nothing can be said, as no pair of runs has a value" in page


def test_a_run_of_a_study_can_be_run_again_from_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from experiments.__main__ import main

    asked = study(BASELINE, BEDS, number=2)
    folder = done(asked, tmp_path / "study")
    for run in (asked.runs[1], asked.runs_of_fit[1]):
        again = recorded(folder.path, run.key[:12])
        assert (again.run, again.world) == (Run(again.run.scenario, run.replicate, run.key), asked.world)
        assert again.run.scenario.resolved() == run.scenario.resolved()
        capsys.readouterr()
        assert main(["replay", str(folder.path), run.key[:12]]) == 0
        assert "the same as in the study" in capsys.readouterr().out


def test_a_replay_that_comes_out_otherwise_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from experiments.__main__ import main

    asked = study(number=1)
    folder = done(asked, tmp_path / "study")
    path = folder.path / "study.json"
    text = path.read_text(encoding="utf-8").replace(digests(folder)["comparison interviews 0"], "0" * 64)
    path.write_text(text, encoding="utf-8")
    assert main(["replay", str(folder.path), asked.runs[1].key]) == 2
    assert "study.json is damaged: its content does not match its checksum" in capsys.readouterr().err
    told = json.loads(text)
    assert not is_whole(told)
    write_told(path, told)
    assert main(["replay", str(folder.path), asked.runs[1].key]) == FAILED
    assert "NOT the same" in capsys.readouterr().out


def test_a_program_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    asked = study(number=1)
    (work,) = divide(asked.runs, asked.world, 1)
    with pytest.raises(compare.InputError, match="changed while the comparison ran"):
        runner._do(0, work, tmp_path, "another digest")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("study.json", lambda text: text.replace('"seed": 1', '"seed": "one"')), ("study.json", lambda text: '{"format": "countylines study, format 1", "study": null}'),
        ("replicates.csv", lambda text: ""), ("replicates.csv", lambda text: text[:2000]), ("replicates.csv", lambda text: text.replace(".0", ".1")),
        ("scenarios/interviews.json", lambda text: "{}"), ("scenarios/interviews.json", lambda text: text.replace('"title": "', '"title": "Not ')), ("scenarios/world-small.json", lambda text: '{"name": 1}'),
    ],
)  # fmt: skip
def test_a_damaged_file_of_a_comparison_is_said_in_one_sentence(tmp_path, name, damage, capsys):
    from experiments.__main__ import main

    asked, folder = study(number=2), Folder(tmp_path / "study")
    folder.open(asked, {"command": "…"})
    path = folder.path / name
    text = path.read_text(encoding="utf-8")
    assert damage(text) != text
    path.write_text(damage(text), encoding="utf-8")
    commands = [["replay", str(folder.path), next(run.key for run in asked.runs if run.scenario.name == "interviews")]]
    commands += [["analyse", str(folder.path)]] if not name.startswith("scenarios") else []
    for command in commands:
        assert main(command) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert "damaged" in said
        assert "give the command in its README.md again (or, of several, all in turn) to restore it" in said
    folder.open(asked, {"command": "…"})
    assert path.read_text(encoding="utf-8") == text  # restored
