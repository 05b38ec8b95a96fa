"""Runs on disk: a key for everything that a result depends on, files whole or not at all, and damage that is noticed."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from sim import CountyLines, InputError, load_scenario, runs
from sim.ledger import TABLES, digest
from tests.worlds import scenario, world

SMALL = world(0.01, warm_up=5, days=12)


@pytest.fixture(scope="module")
def model():
    """A short run that has ended."""
    made = CountyLines(scenario(["relocation"], begins=3), SMALL, seed=7, parameters={"lines.lag": 4.0})
    made.run_model()
    return made


# -- keys ------------------------------------------------------------------------------------------------------------------


def test_a_key_depends_on_everything_that_a_result_depends_on(monkeypatch):
    use = scenario({"relocation": {"coverage": 0.4}}).resolved()
    given = {"scenario": use, "world": SMALL, "parameters": {"lines.lag": 4.0}, "seed": 1, "days": 12}

    def key(**others):
        values = given | others
        return runs.run_key(values["scenario"], values["world"], values["parameters"], values["seed"], values["days"])

    first = key()
    others = [
        key(scenario=scenario({"relocation": {"coverage": 0.5}}).resolved()), key(scenario=scenario(["relocation"], begins=9).resolved()),
        key(scenario=scenario({"relocation": {"coverage": 0.4}}, where=(107,)).resolved()), key(scenario=scenario().resolved()),
        key(world=replace(SMALL, fraction=0.02)), key(world=replace(SMALL, authorities=SMALL.authorities[:1])),
        key(world=replace(SMALL, warm_up_days=6)), key(world=replace(SMALL, days=13)), key(parameters={"lines.lag": 4.5}),
        key(parameters={}), key(seed=2), key(days=13),
    ]  # fmt: skip
    monkeypatch.setattr(runs, "source_digest", lambda: "another program")
    others.append(key())
    monkeypatch.undo()
    monkeypatch.setattr(np, "__version__", "0.0")
    others.append(key())
    monkeypatch.undo()
    assert key() == first and len({first, *others}) == len(others) + 1
    assert len(first) == 64 and int(first, 16)


def test_a_key_does_not_depend_on_names_order_or_the_type_of_a_number():
    use = load_scenario("combined").resolved()
    renamed = {"name": "x", "title": "y", "why": "z"} | dict(reversed(use.items()))
    first = runs.run_key(use, SMALL, {"lines.lag": 4.0, "lines.positions": 5}, 1, 12)
    assert runs.run_key(renamed, replace(SMALL, name="other"), {"lines.positions": np.float64(5), "lines.lag": 4}, np.int64(1), 12) == first


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The program's folder, as a copy that a test may change."""
    folder = tmp_path / "sim"
    shutil.copytree(runs.SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(runs, "SOURCE", folder)
    return folder


def test_the_source_digest_follows_programs_and_data_and_nothing_else(copied):
    def now():
        runs.source_digest.cache_clear()
        return runs.source_digest()

    try:
        first = now()
        (copied / "__pycache__").mkdir()
        (copied / "__pycache__" / "model.py").write_text("old")
        (copied / "notes.md").write_text("read me")
        for path in ("model.py", "data/exporters.csv"):
            content = (copied / path).read_bytes().replace(b"\r\n", b"\n")
            (copied / path).write_bytes(content.replace(b"\n", b"\r\n"))  # as a checkout on Windows has it
            assert now() == first
            (copied / path).write_bytes(content)
        assert now() == first
        changed = [first]
        for path in ("draws.py", "policies/relocation.py", "data/exporters.csv", "data/gamma_quantiles.npz"):
            (copied / path).write_bytes((copied / path).read_bytes() + b"#")
            changed.append(now())
        (copied / "draws.py").rename(copied / "drawn.py")
        changed.append(now())
        assert len(set(changed)) == len(changed)
    finally:
        runs.source_digest.cache_clear()


def test_the_commit_is_none_outside_git_and_dirty_where_files_differ(copied, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(copied.parent.parent))
    assert runs.commit() is None
    if shutil.which("git") is None:
        pytest.skip("no git here")

    def git(*arguments):
        command = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.org", *arguments]
        return subprocess.run(command, cwd=copied.parent, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    (copied.parent / "notes.txt").write_text("somebody's")
    git("add", "notes.txt")
    git("commit", "-q", "-m", "zero")
    assert runs.commit() is None  # a repository, but not of the program
    git("add", "sim/runs.py")
    git("commit", "-q", "-m", "one")
    assert runs.commit() == git("rev-parse", "HEAD")
    (copied / "runs.py").write_text("changed")
    assert runs.commit() == git("rev-parse", "HEAD") + "-dirty"
    monkeypatch.setenv("PATH", "")
    assert runs.commit() is None


# -- whole, or not at all ----------------------------------------------------------------------------------------------------


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    path = tmp_path / "figures.txt"
    path.write_text("before")

    def write(temporary):
        assert temporary.parent == path.parent and path.read_text() == "before"
        temporary.write_text("after")

    with path.open() as opened:
        runs.write_atomically(path, write)
        assert os.name == "nt" or opened.read() == "before"  # who was reading reads on: no byte of the old file was touched
    assert path.read_text() == "after" and list(tmp_path.iterdir()) == [path]
    runs.write_json(tmp_path / "figures.json", {"number": np.float64(0.1), "path": "\udcff"})
    assert json.loads((tmp_path / "figures.json").read_text()) == {"number": 0.1, "path": "\udcff"}


@pytest.mark.parametrize("problem", [KeyboardInterrupt, ValueError, OSError(28, "No space left on device")], ids=str)
def test_a_file_that_is_not_whole_leaves_what_was_there(tmp_path, problem):
    path = tmp_path / "figures.txt"
    path.write_text("before")

    def write(temporary):
        temporary.write_text("half")
        raise problem

    with pytest.raises(InputError if isinstance(problem, OSError) else problem) as refused:
        runs.write_atomically(path, write)
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
    assert not isinstance(problem, OSError) or str(refused.value) == f"{path} cannot be written (No space left on device)."


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_with_the_file_that_was_wanted(tmp_path):
    columns = {"day": np.arange(3, dtype=np.int32)}
    with pytest.raises(InputError, match=r"figures\.parquet cannot be written \(No space left on device\)\.$"):
        runs.write_atomically(tmp_path / "figures.parquet", lambda _: runs.write_table(Path("/dev/full"), columns))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match=r"missing/figures\.txt cannot be written"):
        runs.write_atomically(tmp_path / "missing" / "figures.txt", lambda temporary: None)


# -- folders -----------------------------------------------------------------------------------------------------------------


def test_a_run_is_read_as_it_was_written(model, tmp_path):
    written = runs.write_run(model, tmp_path / "runs" / "one", "a command", seconds=1.5)
    tables, info = runs.read_run(tmp_path / "runs" / "one")
    assert info == written and info["digest"] == digest(tables) == model.ledger.digest()
    for name, columns in TABLES.items():
        for column, dtype in columns.items():
            assert tables[name][column].dtype == np.dtype(dtype)
            assert np.array_equal(tables[name][column], model.ledger.table(name)[column])
    assert info["key"] == runs.run_key(model.run_scenario.resolved(), SMALL, {"lines.lag": 4.0}, 7, 12)
    assert info["parameters_given"] == {"lines.lag": 4.0} and info["parameters"]["lines"]["lag"] == 4.0
    assert info["policies_in_force"] == {"relocation": [3, None]} and info["command"] == "a command"
    assert info["codes"]["event"]["11"] == "WENT_MISSING" and set(info["codes"]["home"].values()) == {"E06000035", "E09000011", "E10000016"}
    assert {"countylines", "python", "numpy", "scipy", "mesa", "pyarrow"} < set(info["versions"])
    assert (os.stat(tmp_path / "runs" / "one").st_mode & 0o700) == 0o700


def test_a_run_can_be_run_again_from_what_it_says_of_itself(model, tmp_path):
    info = runs.write_run(model, tmp_path / "one")
    again = CountyLines(
        scenario({name: use["settings"] for name, use in info["scenario"]["policies"].items()}, begins=info["scenario"]["policies"]["relocation"]["begins"]),
        world(info["world"]["fraction"], warm_up=info["world"]["warm_up_days"], days=info["world"]["days"]),
        seed=info["seed"], parameters=info["parameters_given"], days=info["days"],
    )  # fmt: skip
    again.run_model()
    assert again.ledger.digest() == info["digest"]


def test_a_run_that_goes_on_is_not_written(tmp_path):
    going = CountyLines("baseline", SMALL, seed=1).run_to(3)
    with pytest.raises(ValueError, match="day 3"):
        runs.write_run(going, tmp_path / "one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_a_folder_that_is_not_whole_leaves_what_was_there(model, tmp_path, monkeypatch, problem):
    runs.write_run(model, tmp_path / "old")
    before = {path: path.read_bytes() for path in (tmp_path / "old").iterdir()}
    write, written = runs.write_table, []

    def fails(path, columns):
        written.append(path)
        if len(written) == 3:
            raise problem
        write(path, columns)

    monkeypatch.setattr(runs, "write_table", fails)
    for folder in (tmp_path / "old", tmp_path / "new" / "one"):
        written.clear()
        with pytest.raises(InputError if isinstance(problem, OSError) else KeyboardInterrupt) as refused:
            runs.write_run(model, folder, force=True)
        assert isinstance(problem, KeyboardInterrupt) or str(refused.value) == f"{folder} cannot be written (No space left on device)."
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert {path: path.read_bytes() for path in (tmp_path / "old").iterdir()} == before


def test_an_empty_folder_is_filled_and_a_run_is_replaced_only_when_told(model, tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    runs.write_run(model, folder)
    with pytest.raises(InputError, match=r"holds a run already; .* --force"):
        runs.check_folder(folder)
    runs.check_folder(folder, force=True)
    runs.write_run(model, folder, "another command", force=True)
    assert runs.read_run(folder)[1]["command"] == "another command" and list(tmp_path.iterdir()) == [folder]
    (tmp_path / "somebody").mkdir()
    (tmp_path / "somebody" / "run.json").write_text('{"format": "another program"}')
    with pytest.raises(InputError, match=r"not empty and holds no run \('run\.json' lies there\)"):
        runs.write_run(model, tmp_path / "somebody", force=True)


def test_a_look_leaves_nothing_behind(tmp_path):
    runs.check_folder(tmp_path / "a" / "b" / "c")
    assert list(tmp_path.iterdir()) == []


# -- damage ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(model, tmp_path):
    """A folder with a run in it, to be damaged."""
    runs.write_run(model, tmp_path / "one")
    return tmp_path / "one"


def rewritten(path: Path, change) -> None:
    """A Parquet file with its table changed."""
    pyarrow.parquet.write_table(change(pyarrow.parquet.read_table(path)), path)


def test_damage_is_named(folder, tmp_path):
    def said(part: str) -> None:
        with pytest.raises(InputError) as refused:
            runs.read_run(folder)
        assert part in str(refused.value) and "\n" not in str(refused.value) and str(refused.value).endswith(".")

    whole = {path: path.read_bytes() for path in folder.iterdir()}
    events, told = folder / "events.parquet", folder / "run.json"

    def restore() -> None:
        for path, content in whole.items():
            path.write_bytes(content)

    events.unlink()
    said("events.parquet is missing.")
    events.write_bytes(whole[events][: len(whole[events]) // 2])
    said("events.parquet is damaged")
    events.write_bytes(b"")
    said("events.parquet is damaged")
    restore()
    rewritten(events, lambda table: table.drop_columns(["amount"]))
    said("events.parquet is damaged: column 'amount' is missing.")
    restore()
    rewritten(events, lambda table: table.set_column(0, "day", table.column("day").cast(pyarrow.int64())))
    said("column 'day' is int64, but must be int32 without gaps")
    restore()
    rewritten(events, lambda table: table.set_column(0, "day", pyarrow.array([None] * len(table), pyarrow.int32())))
    said("column 'day' is int32, but must be int32 without gaps")
    restore()
    rewritten(events, lambda table: table.slice(1))
    said("do not add up to the digest")
    restore()
    told.write_text("{")
    said("run.json is damaged: it is not JSON.")
    told.write_bytes(b"\xff")
    said("run.json is damaged: it is not JSON.")
    told.write_text("[]")
    said("'format' must be")
    told.write_text(json.dumps(json.loads(whole[told]) | {"seed": "7"}))
    said("'seed' is missing or is not what it should be")
    told.unlink()
    said("holds no run.json")
    restore()
    assert runs.read_run(folder)
    with pytest.raises(InputError, match="is not a folder"):
        runs.read_run(told)
