"""The command `python -m experiments`: what it refuses, each in one sentence, and one small comparison from end to end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.__main__ import main
from tests.experiments.small import BASELINE, INTERVIEWS, done, same_files, study

ROOT = Path(__file__).resolve().parents[2]
SMALL_WORLD = 'authorities = ["Greenwich", "Medway", "Kent"]\nfraction = 0.01\nwarm_up_years = 1\nyears = 1\n'


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "experiments", *words]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def run(folder: Path, *words: str, fraction: float = 0.01, timeout: float = 300.0) -> subprocess.CompletedProcess[str]:
    """The command in a folder of its own, which holds a small world."""
    (folder / "small.toml").write_text(SMALL_WORLD.replace("0.01", str(fraction)), encoding="utf-8")
    return subprocess.run(command(*words), cwd=folder, env=environment(), capture_output=True, text=True, encoding="utf-8", timeout=timeout)


# -- refusals ----------------------------------------------------------------------------------------------------------------------


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


NOTHING: Callable[[Path], object] = lambda folder: None  # noqa: E731
REFUSALS = {
    "no scenario": (("compare",), NOTHING, "SCENARIO"),
    "one scenario": (("compare", "baseline"), NOTHING, "needs two scenarios or more"),
    "a scenario given twice": (("compare", "baseline", "combined", "combined"), NOTHING, "'combined' is given twice"),
    "one name for two files": (("compare", "baseline", "baseline.toml"), write("baseline.toml", ""), "'baseline' is given twice"),
    "a misspelt scenario": (("compare", "baseline", "relocaton"), NOTHING, "nearest known name is 'relocation'"),
    "a missing file": (("compare", "baseline", "elsewhere.toml"), NOTHING, "elsewhere.toml does not exist"),
    "a pattern that matches nothing": (("compare", "no/*.toml"), NOTHING, "no scenario file matches 'no/*.toml'"),
    "a misspelt key": (("compare", "baseline", "a.toml"), write("a.toml", "[policies.relocation]\ncovrage = 0.5\n"), "nearest known name is 'coverage'"),
    "a value out of range": (("compare", "baseline", "a.toml"), write("a.toml", "[policies.relocation]\ncoverage = 1.5\n"), "allowed is 0 to 1"),
    "a scenario that names a world": (("compare", "baseline", "a.toml"), write("a.toml", 'authorities = ["Kent"]\n'), "key 'authorities' is not known"),
    "a policy that is nowhere in the world": (
        ("compare", "baseline", "a.toml"), write("a.toml", '[policies.relocation]\nwhere = ["Leeds"]\n'), "Leeds",
    ),
    "a misspelt world": (("compare", "baseline", "combined", "--world", "regoin"), NOTHING, "nearest known name is 'region'"),
    "too many years": (("compare", "baseline", "combined", "--years", "6"), NOTHING, "from 1 to 5"),
    "no replicate": (("compare", "baseline", "combined", "--replicates", "0"), NOTHING, "whole number from 1"),
    "a word for a number": (("compare", "baseline", "combined", "--seed", "one"), NOTHING, "whole number from 0"),
    "no core": (("compare", "baseline", "combined", "--cores", "0"), NOTHING, "whole number from 1"),
    "a name that is a path": (("compare", "baseline", "combined", "--name", "../elsewhere"), NOTHING, "--name is '../elsewhere'"),
    "a misspelt option": (("compare", "baseline", "combined", "--replicate", "2"), NOTHING, "nearest known name is '--replicates'"),
    "a misspelt command": (("comapre", "baseline"), NOTHING, "nearest known name is 'compare'"),
    "no command": ((), NOTHING, "compare, replay, sweep, extend, analyse, settle, check, schema, claims"),
    "results that are a file": (("compare", "baseline", "combined"), write("results", ""), "results/region-2y-baseline-combined cannot be written"),
    "no study": (("sweep",), NOTHING, "STUDY"),
    "a misspelt study": (("sweep", "screning"), NOTHING, "nearest known name is 'screening'"),
    "a shard too many": (("sweep", "screening", "--shard", "5/4"), NOTHING, "must be a shard and the number of shards"),
    "a study where a file is": (("sweep", "specialist_foster_grid", "--out", "there/inside"), write("there", ""), "there/inside cannot be written"),
    "a check of nothing": (("check", "results/nothing"), NOTHING, "is not the folder of a study"),
    "an extension of nothing": (("extend", "results/nothing"), NOTHING, "is not the folder of a sweep"),
    "a schema of nothing": (("schema", "policy"), NOTHING, "invalid choice"),
    "a replay of nothing": (("replay", "results/nothing", "abc"), NOTHING, "is not the folder of a study"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSALS)
def test_what_cannot_be_is_refused_in_one_sentence(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, prepare, said = REFUSALS[what]
    prepare(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err.replace("\\", "/")
    assert printed.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("what", ["a misspelt option", "a misspelt key", "results that are a file"])
def test_a_refusal_is_the_same_for_the_shell(what: str, tmp_path: Path) -> None:
    words, prepare, said = REFUSALS[what]
    prepare(tmp_path)
    answer = run(tmp_path, *words)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert said in answer.stderr.replace("\\", "/")
    assert answer.stderr.count("\n") == 1


def test_another_study_under_the_same_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    done(study(BASELINE, INTERVIEWS, number=1), tmp_path / "results" / "mine")
    monkeypatch.chdir(tmp_path)
    before = (tmp_path / "results" / "mine" / "study.json").read_bytes()
    capsys.readouterr()
    assert main(["compare", "baseline", "combined", "--world", "town", "--name", "mine"]) == 2
    assert "holds another study" in capsys.readouterr().err
    assert (tmp_path / "results" / "mine" / "study.json").read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="limits on the size of files are Unix's")
def test_a_full_disk_is_said_in_one_sentence_and_leaves_no_half_file(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL_WORLD.replace("0.01", "0.002"), encoding="utf-8")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, 4_000)); from experiments.__main__ import main; raise SystemExit(main())"
    words = ["compare", "baseline", "combined", "--world", "small.toml", "--replicates", "1", "--cores", "1", "--name", "full"]
    answer = subprocess.run([sys.executable, "-B", "-c", limit, *words], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300)
    assert answer.returncode == 2
    assert [line for line in answer.stderr.splitlines() if line.startswith("experiments: ") and "cannot be written (File too large)" in line]
    assert "Traceback" not in answer.stderr
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="limits on the size of files are Unix's")
def test_a_full_disk_in_the_middle_of_a_sweep_is_said_in_one_sentence(tmp_path: Path) -> None:
    """Everything fits but the files of runs."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9_200, 9_200)); from pathlib import Path; from sim.terminal import run_to_its_end; "
    run_it = "from tests.experiments.small import sweep, swept; raise SystemExit(run_to_its_end('experiments', lambda: bool(swept(sweep(size=2), Path('full')))))"
    answer = subprocess.run([sys.executable, "-B", "-c", limit + run_it], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300)
    assert answer.returncode == 2
    (said,) = [line for line in answer.stderr.splitlines() if line.startswith("experiments: ")]
    assert said.startswith("experiments: full/runs/")
    assert said.endswith("cannot be written (File too large).")
    assert "Traceback" not in answer.stderr
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_said_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o500)
    assert main(["sweep", "specialist_foster_grid", "--out", str(tmp_path / "study")]) == 2
    assert "cannot be written (Permission denied)" in capsys.readouterr().err


# -- patterns ------------------------------------------------------------------------------------------------------------------------


def test_patterns_are_expanded_where_the_shell_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.compare import expanded

    for name in ("b.toml", "a.toml", "note.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert expanded(["baseline", "*.toml"]) == ["baseline", "a.toml", "b.toml"]


# -- from end to end -----------------------------------------------------------------------------------------------------------------


def test_a_comparison_from_end_to_end(tmp_path: Path) -> None:
    answer = run(tmp_path, "compare", "baseline", "early_intervention", "--world", "small.toml", "--replicates", "2", "--cores", "2", fraction=0.004)
    assert answer.returncode == 0, answer.stderr
    assert "Compared with Present practice" in answer.stderr
    lines = answer.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("Change against Present practice, 1 April 2026 to 31 March 2027" in line for line in lines)
    assert "(comparator)" in answer.stdout
    assert "worse in" in answer.stdout
    report = tmp_path / lines[-1].removeprefix("Report: ")
    assert report.stat().st_size > 100_000
    assert report.parent.name == "small-1y-baseline-early_intervention"
    again = run(tmp_path, "compare", "baseline", "early_intervention", "--world", "small.toml", "--replicates", "2", "--json", fraction=0.004)
    told = json.loads(again.stdout)
    assert "6 of them already there" in again.stderr
    found = {(row["scenario"], row["measure"]): row for row in told["differences"]}
    assert found["early_intervention", "interviews"]["difference"] > 0
    assert found["early_intervention", "children_missing"]["draws_worse"] is not None
    assert found["early_intervention", "interviews"]["low_95"] is None  # one draw has no interval


def test_help_names_every_command() -> None:
    answer = subprocess.run(command("--help"), cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert "usage: python -m experiments" in answer.stdout
    assert all(name in answer.stdout for name in ("compare", "replay", "bench"))


@pytest.mark.parametrize("name", ["compare", "replay"])
def test_each_command_has_its_own_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"usage: python -m experiments {name}" in capsys.readouterr().out


# -- kills ---------------------------------------------------------------------------------------------------------------------------


def begun(folder: Path, *, least: int, replicates: int = 8) -> subprocess.Popen[str]:
    """A comparison that runs until at least so many runs are kept."""
    (folder / "small.toml").write_text(SMALL_WORLD, encoding="utf-8")
    words = ("compare", "baseline", "early_intervention", "--world", "small.toml", "--replicates", str(replicates), "--cores", "2", "--name", "killed")
    program = subprocess.Popen(command(*words), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    runs, until = folder / "results" / "killed" / "runs", time.monotonic() + 300
    while len(list(runs.glob("*.parquet"))) < least:
        assert program.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    return program


def processes_of(session: int) -> list[int]:
    """The living processes of a session, by the kernel's own list."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def ended_within(session: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while processes_of(session):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")


@linux
@pytest.mark.slow
def test_a_killed_comparison_leaves_no_process_and_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    from experiments.studies.folder import Folder

    (tmp_path / "whole").mkdir()
    words = ("compare", "baseline", "early_intervention", "--world", "small.toml", "--replicates", "8", "--cores", "2", "--name", "killed")
    assert run(tmp_path / "whole", *words).returncode == 0
    program = begun(tmp_path, least=3)
    program.kill()
    program.communicate(timeout=60)
    assert ended_within(program.pid, 20)
    kept = list((tmp_path / "results" / "killed" / "runs").glob("*.parquet"))
    assert 3 <= len(kept) < 18
    answer = run(tmp_path, *words)
    assert answer.returncode == 0, answer.stderr
    assert "of them already there" in answer.stderr
    both = [Folder(folder / "results" / "killed") for folder in (tmp_path, tmp_path / "whole")]
    assert len(same_files(*both)) == 18 + 4


@linux
@pytest.mark.slow
def test_ctrl_c_ends_soon_says_what_is_kept_and_how_to_go_on(tmp_path: Path) -> None:
    program = begun(tmp_path, least=2, replicates=60)  # so many that it cannot have ended by itself
    os.killpg(program.pid, signal.SIGINT)
    _, said = program.communicate(timeout=60)
    assert program.returncode == 130
    assert "runs are kept in results/killed/runs. The same command goes on from there." in said
    assert "Traceback" not in said
    assert ended_within(program.pid, 5)
    assert not list(tmp_path.rglob("*.part"))


@linux
@pytest.mark.slow
def test_a_worker_that_is_killed_is_said_and_fails(tmp_path: Path) -> None:
    program = begun(tmp_path, least=1)
    workers = [pid for pid in processes_of(program.pid) if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")]
    os.kill(workers[0], signal.SIGKILL)
    _, said = program.communicate(timeout=120)
    assert program.returncode == 1
    assert "ended from outside" in said
    assert "--cores 1" in said
    assert "Traceback" not in said
    assert ended_within(program.pid, 10)
