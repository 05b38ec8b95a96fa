"""Checkpoints: a model as it stands on the evening of a day, in a file from which it goes on to the same bytes.

    checkpoints.write(model, Path("checkpoint"))
    model, told = checkpoints.read(Path("checkpoint"))

A file is a line that names the format, the SHA-256 of all that follows, a line of JSON that says which run this is, on which day
and by which versions, and the model as Python pickles it. **A pickle is a program**, and the checksum tells damage, not who wrote
it: read checkpoints that you wrote yourself, and nobody else's.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from sim.errors import InputError
from sim.model import CountyLines
from sim.runs import half_written, in_a_sentence, plain, run_key, source_digest, versions, write_atomically

PROGRAM = b"countylines checkpoint, "
FORMAT = PROGRAM + b"format 1\n"
HEX = 64  # characters of a SHA-256
AGAIN = "delete it, and the same command begins from the first day"


# -- one file ----------------------------------------------------------------------------------------------------------


def write(model: CountyLines, path: Path, **facts: Any) -> None:
    """The model as it stands between two days, and `facts` for `read` to tell: whole, or not at all.

    What was there is replaced when the new file is whole. Raises InputError where the system refuses (a full disk, no permission).
    """
    write_atomically(path, lambda temporary: _write(model, temporary, facts))


def _write(model: CountyLines, path: Path, facts: dict[str, Any]) -> None:
    told = {
        "key": run_key(model.run_scenario.resolved(), model.world, model.given, model.draws.seed, model.last_day),
        "scenario": model.run_scenario.name, "world": model.world.name, "seed": model.draws.seed, "days": model.last_day,
        "day": model.day, "source": source_digest(), "versions": versions(), **facts,
    }  # fmt: skip
    with path.open("wb") as file:
        file.write(FORMAT + b"-" * HEX + b"\n")
        summed = _Summed(file)
        summed.write(json.dumps(plain(told)).encode() + b"\n")
        pickle.dump(model, summed, protocol=pickle.HIGHEST_PROTOCOL)
        file.seek(len(FORMAT))
        file.write(summed.sha.hexdigest().encode())


class _Summed:
    """A file that is summed up while it is written, so that no model is held in memory twice."""

    def __init__(self, file: BinaryIO):
        self.file, self.sha = file, hashlib.sha256()

    def write(self, data: Any) -> int:
        self.sha.update(data)
        return self.file.write(data)


def read(path: Path, key: str | None = None) -> tuple[CountyLines, dict[str, Any]]:
    """The model of a checkpoint that you wrote yourself, and what the file says of it; with a `key` (see `run_key`) only of that run.

    Raises InputError if it is damaged, of another version, or of another run.
    """
    with _opened(path) as (told, file):
        if told["source"] != source_digest() or told["versions"] != versions():
            raise InputError(f"{path} was written by another version of the program ({_what_differs(told)}); {AGAIN}.")
        if key not in (None, told["key"]):
            about = f"scenario {told['scenario']}, world {told['world']}, seed {told['seed']}, {told['days']} days"
            raise InputError(f"{path} is of another run ({about}, or with other numbers); name another folder, or delete it to begin anew.")
        return pickle.load(file), told


@contextmanager
def _opened(path: Path) -> Iterator[tuple[dict[str, Any], BinaryIO]]:
    """What a file says of its model, and the file where the model begins; only if it is whole."""
    with in_a_sentence(path, "read"), path.open("rb") as file:
        first = file.readline(len(FORMAT))
        if first != FORMAT and first.startswith(PROGRAM) and first.endswith(b"\n"):
            raise InputError(f"{path} was written by another version of the program; {AGAIN}.")
        checksum, begins = file.readline(HEX + 1).strip(), file.tell()
        if first != FORMAT or hashlib.file_digest(file, "sha256").hexdigest().encode() != checksum:
            raise InputError(f"{path} is damaged, or is no checkpoint: its content does not match its checksum; {AGAIN}.")
        file.seek(begins)
        yield json.loads(file.readline()), file


def _what_differs(told: dict[str, Any]) -> str:
    here = versions()
    parted = [f"{name} {then}, here {here.get(name, 'none')}" for name, then in told["versions"].items() if then != here.get(name)]
    return "; ".join(parted) or "the files of sim/ were others"


# -- the newest one of a run ---------------------------------------------------------------------------------------------


class Keeper:
    """Keeps the newest checkpoint of one run at `path`, every so many days, and finds it when the same run is asked for again.

    `every` None keeps and finds nothing. `begun` and `seconds` are of the run, over all processes that it took.
    """

    def __init__(self, path: Path, key: str, every: int | None):
        self.path, self.key, self.every = path, key, every
        self.day = 0  # of the newest; 0 if there is none
        self.begun, self._clock = datetime.now(UTC), time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long the run has been at work [s]."""
        return time.perf_counter() - self._clock

    def found(self) -> CountyLines | None:
        """The model to go on with, None if there is none. Raises InputError if there is one that cannot be gone on with."""
        if self.every is None:
            return None
        for left in half_written(self.path):
            left.unlink()
        if not self.path.exists():
            return None
        model, told = read(self.path, self.key)
        self.day = model.day
        self.begun = datetime.fromisoformat(told["begun"])
        self._clock -= told["seconds"]
        return model

    def keep(self, model: CountyLines) -> None:
        """On its days, write the checkpoint of this evening in place of the one before. Raises InputError; the one before stays then."""
        if self.every is None or model.day % self.every or model.day == model.last_day:
            return
        with in_a_sentence(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        write(model, self.path, begun=self.begun.isoformat(), seconds=self.seconds)
        self.day = model.day

    @contextmanager
    def staying(self) -> Iterator[None]:
        """Whoever ends the run early, by Ctrl-C or a full disk, is told from where it can go on."""
        try:
            yield
        except (KeyboardInterrupt, InputError) as error:
            if not self.day:
                raise
            before = f"{str(error).rstrip('.')}; " if str(error) else ""
            raise type(error)(f"{before}{self.path} holds the evening of day {self.day}, and the same command goes on from there.") from None
