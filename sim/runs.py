"""Runs on disk: a folder with one Parquet file for each table of the ledger, and `run.json`, which says what was run and how to run it again.

A run is known by its key, a hash of everything that its result depends on. Nothing is ever half-written: a file, and a folder, is
made under another name and takes its place when it is whole.
"""

from __future__ import annotations

import glob
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray

import sim
from sim.costs import ITEMS, PAYERS
from sim.errors import InputError
from sim.ledger import TABLES, Event, digest, digest_in_turn
from sim.model import CountyLines
from sim.population import SETTINGS
from sim.world import World

Tables = dict[str, dict[str, NDArray]]

SOURCE = Path(__file__).resolve().parent
TEXT = (".py", ".csv")  # line ends may differ between checkouts; what they say does not
DATA = (*TEXT, ".npz")
NO_MODEL = {"__pycache__", "ui"}  # folders of which no result depends
FORMAT = "countylines run, format 1"
INFO = "run.json"
CHECKPOINT = "checkpoint"  # in the folder of a run that has not ended: the model on an evening, to go on from
NEVER_ENDS = 1 << 30  # the day on which a policy without end would end
LIBRARIES = ("numpy", "numba", "scipy", "mesa", "pyarrow")


# -- what a run depends on ---------------------------------------------------------------------------------------------


@cache
def source_digest() -> str:
    """SHA-256 over the program and the data of the model [hex]: another digest, another model."""
    sha = hashlib.sha256()
    for path in sorted(path for path in SOURCE.rglob("*") if path.suffix in DATA and not NO_MODEL & set(path.relative_to(SOURCE).parts)):
        content = path.read_bytes()
        if path.suffix in TEXT:
            content = content.replace(b"\r\n", b"\n")
        sha.update(f"{path.relative_to(SOURCE).as_posix()}\0{len(content)}\0".encode())
        sha.update(content)
    return sha.hexdigest()


def run_key(resolved_scenario: Mapping[str, Any], world: World, parameters: Mapping[str, float], seed: int, days: int) -> str:
    """SHA-256 of everything that a run's result depends on [hex]: runs with one key have one digest.

    `resolved_scenario` is what `Scenario.resolved` gives, `parameters` what the run was given beside it. The names of scenario and
    world do not count.
    """
    depends_on = {
        "scenario": {key: value for key, value in resolved_scenario.items() if key not in ("name", "title", "why")},
        "world": {key: value for key, value in describe_world(world).items() if key != "name"},
        "parameters": {address: float(value) for address, value in parameters.items()},
        "seed": int(seed),
        "days": int(days),
        "source": source_digest(),
        "numpy": np.__version__,
    }
    return hashlib.sha256(json.dumps(plain(depends_on), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()).hexdigest()


def describe_world(world: World) -> dict[str, Any]:
    """A world as plain data: its authorities by code, the fraction of their children, and how long."""
    codes = world.places.code
    return {
        "name": world.name, "authorities": [codes[a] for a in world.authorities], "fraction": float(world.fraction),
        "warm_up_days": int(world.warm_up_days), "days": int(world.days),
    }  # fmt: skip


def plain(value: Any) -> Any:
    """Numbers of numpy, tuples and mappings as JSON has them."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return value.item() if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0 else value


@cache
def versions() -> dict[str, str]:
    """The versions of the model, of Python and of the libraries that a run goes through, and the kind of system."""
    return {
        "countylines": sim.__version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in LIBRARIES},
        "system": f"{platform.system()} {platform.machine()}",
    }


def commit() -> str | None:
    """The git commit of the program, with "-dirty" where files differ from it; None outside its repository or without git."""
    if _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None  # installed inside somebody else's repository
    return _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")


def _git(*arguments: str) -> str | None:
    try:
        command = ["git", "--no-optional-locks", *arguments]
        done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip() or None


# -- writing, whole or not at all ----------------------------------------------------------------------------------------


def reason(error: OSError) -> str:
    """Why the system refused, in its own words."""
    return os.strerror(error.errno) if error.errno else str(error)


@contextmanager
def in_a_sentence(path: Path, verb: str = "written") -> Iterator[None]:
    """Turn a refusal of the system into one sentence about `path`."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be {verb} ({reason(error)}).") from None


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """`write` a file under a temporary name in the same folder, then let it take its place: whole, or not at all.

    Raises InputError where the system refuses (a full disk, no permission); the temporary file is gone then.
    """
    with in_a_sentence(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".part")
        os.close(handle)
        temporary = Path(name)
        try:
            write(temporary)
            _settle(temporary)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def half_written(path: Path) -> list[Path]:
    """What processes that were killed left of `path`, under temporary names beside it."""
    return sorted(path.parent.glob(f".{glob.escape(path.name[:100])}.*.part"))


def _settle(path: Path) -> None:
    """Wait until a file lies on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _umask() -> int:
    """What permissions this process withholds; mkstemp withholds all from others."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write_json(path: Path, what: Any) -> None:
    """Plain data as a JSON file, atomically."""
    write_atomically(path, lambda temporary: _write_json(temporary, what))


def _write_json(path: Path, what: Any) -> None:
    text = json.dumps(plain(what), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")  # a path may hold what is not UTF-8


def write_table(path: Path, columns: Mapping[str, NDArray]) -> None:
    """Columns as one Parquet file, in their own types; the file must not be seen before it is whole (see `write_atomically`)."""
    table = pyarrow.table({name: pyarrow.array(np.ascontiguousarray(values)) for name, values in columns.items()})
    with path.open("wb") as file:
        pyarrow.parquet.write_table(table, file, compression="zstd")


# -- a run's folder --------------------------------------------------------------------------------------------------------


def is_run(folder: Path) -> bool:
    """Is this a folder that `write_run` wrote?"""
    try:
        return json.loads((folder / INFO).read_text(encoding="utf-8")).get("format", "").startswith("countylines run")
    except (OSError, ValueError, AttributeError):
        return False


def check_folder(folder: Path, force: bool = False, goes_on: bool = False) -> None:
    """Could a run be written to `folder`? Raises InputError with the reason, and leaves nothing behind.

    It may be new, or empty, or (with `force`) hold a run, or (if the run `goes_on`) a checkpoint, which are then replaced; anything
    else is somebody's and stays.
    """
    _check_what_is_there(folder, force, goes_on)
    with in_a_sentence(folder), _folders_above(folder) as made:
        made.append(_folder_beside(folder))
        if not folder.exists():
            folder.mkdir()
            made.append(folder)
        raise _Enough


class _Enough(Exception):
    """A trial that went well, and shall leave nothing behind."""


@contextmanager
def _folders_above(folder: Path) -> Iterator[list[Path]]:
    """Make the folders that `folder` lies in, where they are missing; what was made goes again if what follows fails."""
    made: list[Path] = []
    try:
        for above in reversed([each for each in folder.absolute().parents if not each.exists()]):
            above.mkdir()
            made.append(above)
        yield made
    except BaseException as error:
        for each in reversed(made):
            with suppress(OSError):
                each.rmdir()
        if not isinstance(error, _Enough):
            raise


def _check_what_is_there(folder: Path, force: bool, goes_on: bool) -> None:
    try:
        there = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise InputError(f"{folder} cannot be written: it, or what it lies in, is a file and not a folder.") from None
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({reason(error)}).") from None
    if folder.resolve() == Path.cwd().resolve() or os.path.ismount(folder):
        raise InputError(f"{folder} is in use as the current folder or a disk of its own; name a folder inside it that does not exist yet.")
    if goes_on:
        ours = (CHECKPOINT, *(path.name for path in half_written(folder / CHECKPOINT)))
        there = [name for name in there if name not in ours]
    if CHECKPOINT in there:
        raise InputError(f"{folder} holds the checkpoint of a run that has not ended; go on from it with --checkpoint-every, or delete it.")
    if there and not is_run(folder):
        raise InputError(f"{folder} is not empty and holds no run ('{there[0]}' lies there); name a new or an empty folder.")
    if there and not force:
        raise InputError(f"{folder} holds a run already; name another folder, or replace it with --force.")


def _folder_beside(folder: Path) -> Path:
    """A temporary folder on the same disk."""
    return Path(tempfile.mkdtemp(dir=folder.absolute().parent, prefix=f".{folder.name[:100]}.", suffix=".part"))


def write_run(
    model: CountyLines, folder: Path, command: str = "", *,
    begun: datetime | None = None, seconds: float | None = None, force: bool = False, goes_on: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """The ledger of a run that has ended, and what is needed to run it again; returns what `run.json` holds.

    What may lie in `folder` is what `check_folder` says. Raises InputError, with nothing written, where the folder is somebody's or
    the system refuses; ValueError if the run goes on.
    """
    if model.day != model.last_day:
        raise ValueError(f"the run is at day {model.day}, but ends on day {model.last_day}")
    times = {
        "begun": (begun or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds"),
        "seconds": None if seconds is None else round(seconds, 3),
    }
    check_folder(folder, force, goes_on)
    with in_a_sentence(folder), _folders_above(folder):
        temporary = _folder_beside(folder)
        try:
            info = describe_run(model, digest_in_turn(_written(model, temporary)), command) | times
            _write_json(temporary / INFO, info)
            for path in temporary.iterdir():
                _settle(path)
            temporary.chmod(0o777 & ~_umask())
            _take_place(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return info


def _written(model: CountyLines, folder: Path) -> Iterator[dict[str, NDArray]]:
    """Write the tables one after the other, and give each to be summed up."""
    for name in TABLES:
        columns = model.ledger.table(name)
        write_table(folder / f"{name}.parquet", columns)
        yield columns


def _take_place(temporary: Path, folder: Path) -> None:
    """Rename the temporary folder; an earlier run steps aside first, and comes back should that fail."""
    if not folder.exists():
        temporary.rename(folder)
        return
    aside = _folder_beside(folder)
    before = aside / "before"
    folder.rename(before)
    try:
        temporary.rename(folder)
    except OSError:
        before.rename(folder)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def describe_run(model: CountyLines, digest_of_run: str, command: str = "") -> dict[str, Any]:
    """What was run, as plain data: enough to run it again, and to tell whether it was the same."""
    scenario, world = model.run_scenario, model.world
    return plain(
        {
            "format": FORMAT,
            "command": command,
            "digest": digest_of_run,
            "key": run_key(scenario.resolved(), world, model.given, model.draws.seed, model.last_day),
            "seed": model.draws.seed,
            "days": model.last_day,
            "scenario": {"name": scenario.name, "title": scenario.title, **scenario.resolved()},
            "policies_in_force": {policy.name: [policy.begins, policy.ends if policy.ends < NEVER_ENDS else None] for policy in model.policies},
            "world": describe_world(world),
            "parameters_given": dict(sorted(model.given.items())),
            "parameters": {group: values.as_dict() for group, values in model.parameters.items()},
            "versions": versions(),
            "commit": commit(),
            "source": source_digest(),
            "codes": codes(world),
        }
    )


def codes(world: World) -> dict[str, Any]:
    """What the numbers in the tables stand for."""
    return {
        "event": {str(event.value): event.name for event in Event},
        "setting": dict(enumerate(SETTINGS)),
        "payer": dict(enumerate(PAYERS)),
        "item": dict(enumerate(ITEMS)),
        "home": {a: world.places.code[a] for a in world.authorities},
    }


def read_run(folder: Path) -> tuple[Tables, dict[str, Any]]:
    """The tables of a run, in the order of its digest, and what `run.json` says of it.

    Raises InputError where something is missing, damaged or does not add up to the digest.
    """
    info = _read_info(folder)
    tables = {name: read_table(folder / f"{name}.parquet", columns) for name, columns in TABLES.items()}
    if digest(tables) != info["digest"]:
        raise InputError(f"{folder}: its tables do not add up to the digest in {INFO}; they were changed or damaged, so run it again.")
    return tables, info


def _read_info(folder: Path) -> dict[str, Any]:
    path = folder / INFO
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name one that 'sim run --out' wrote.")
    if not path.exists():
        raise InputError(f"{folder} holds no {INFO}; name a folder that 'sim run --out' wrote.")
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({reason(error)}).") from None
    except ValueError:
        raise InputError(f"{path} is damaged: it is not JSON.") from None
    if not isinstance(info, dict) or info.get("format") != FORMAT:
        raise InputError(f"{path} is not of a run of this version: 'format' must be '{FORMAT}'.")
    for key, kind in (("digest", str), ("scenario", dict), ("world", dict), ("seed", int), ("days", int), ("policies_in_force", dict)):
        if not isinstance(info.get(key), kind):
            raise InputError(f"{path} is damaged: '{key}' is missing or is not what it should be.")
    return info


def read_table(path: Path, columns: Mapping[str, Any]) -> dict[str, NDArray]:
    """Columns of a Parquet file, each of the declared type. Raises InputError if one is missing, of another type, or has gaps."""
    try:
        with path.open("rb") as file:
            table = pyarrow.parquet.read_table(file)
    except FileNotFoundError:
        raise InputError(f"{path} is missing.") from None
    except (OSError, pyarrow.ArrowException) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} is damaged or cannot be read ({first_line}).") from None
    found = {}
    for name, dtype in columns.items():
        if name not in table.column_names:
            raise InputError(f"{path} is damaged: column '{name}' is missing.")
        values = table.column(name)
        if values.null_count or not pyarrow.types.is_primitive(values.type) or values.type.to_pandas_dtype() != np.dtype(dtype):
            raise InputError(f"{path} is damaged: column '{name}' is {values.type}, but must be {np.dtype(dtype).name} without gaps.")
        found[name] = values.to_numpy()
    return found


