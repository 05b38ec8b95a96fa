"""The store: a run that was kept comes back as it was, or not at all."""

import ast
import math
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from experiments.running import store
from experiments.running.store import Result, Store, Unusable
from sim import InputError

KEY = "ab" * 32
RESULT = Result(KEY, "cd" * 32, {("measure", "2026-04-01/2027-03-31", f"measure_{k}"): k / 7 for k in range(40)})


def kept(folder: Path, result: Result = RESULT) -> Store:
    made = Store(folder)
    made.write(result)
    return made


def test_a_run_comes_back_as_it_was(tmp_path: Path) -> None:
    assert kept(tmp_path).read(KEY) == RESULT
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEY}.parquet"]


def test_an_undefined_value_stays_undefined(tmp_path: Path) -> None:
    found = kept(tmp_path, Result(KEY, "", {("target", "w", "16b"): math.nan})).read(KEY)
    assert found is not None
    assert math.isnan(found.values["target", "w", "16b"])


def test_a_run_that_was_never_kept_is_not_there(tmp_path: Path) -> None:
    assert Store(tmp_path).read(KEY) is None


def refused(folder: Path) -> str:
    """What is said when a run is to be kept where files may not be longer than a kilobyte."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        kept(folder)
    except InputError as error:
        return str(error)
    return "nothing"


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="limits on the size of files are Unix's")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        said = pool.submit(refused, tmp_path).result()
    assert said == f"{tmp_path / KEY}.parquet cannot be written (File too large)."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_not_used(tmp_path: Path, part: float) -> None:
    made = kept(tmp_path)
    whole = made.path(KEY).read_bytes()
    made.path(KEY).write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(Unusable, match="damaged"):
        made.read(KEY)


def test_no_flipped_bit_goes_unnoticed_into_a_result(tmp_path: Path) -> None:
    made = kept(tmp_path)
    whole, noticed = made.path(KEY).read_bytes(), 0
    for at in range(0, len(whole), 11):
        changed = bytearray(whole)
        changed[at] ^= 1 << (at % 8)
        made.path(KEY).write_bytes(changed)
        try:
            assert made.read(KEY) == RESULT  # what the format does not use, such as its writer's name
        except Unusable:
            noticed += 1
    assert noticed > len(whole) / 22


def test_a_file_under_another_key_is_not_used(tmp_path: Path) -> None:
    made = kept(tmp_path)
    other = "ef" * 32
    made.path(KEY).rename(made.path(other))
    with pytest.raises(Unusable, match="damaged"):
        made.read(other)


def test_what_another_version_measured_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = kept(tmp_path)
    monkeypatch.setattr(store, "measured_by", lambda: "another")
    with pytest.raises(Unusable, match="another version of the measures"):
        made.read(KEY)


def test_the_version_of_the_measures_depends_on_their_program() -> None:
    """Every file that `measuring` imports of this package, and those that they import, but for the store itself."""
    folder = store.EXPERIMENTS
    named = {path for name in store.MEASURED_BY for path in folder.glob(name)}
    assert all(any(folder.glob(name)) for name in store.MEASURED_BY)
    imported, reached = {folder / "running" / "measuring.py"}, set()
    while imported - reached:
        path = (imported - reached).pop()
        reached.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("experiments."):
                file = folder.joinpath(*module.split(".")[1:])
                imported |= set(file.glob("*.py")) if file.is_dir() else {file.with_suffix(".py")}
    assert reached - {folder / "running" / "store.py"} == named


def test_equal_runs_are_equal_files(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        files.append(kept(tmp_path / name).path(KEY).read_bytes())
    assert files[0] == files[1]
