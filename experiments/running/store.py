"""The store: one small file for each run, named by the run's key, so that a study never computes a run twice.

A file holds what was measured of the run, not its ledger, which the same key gives again to the bit. It says by which version of
the measures it was made and carries a checksum; one that is damaged, or was measured otherwise, counts as not there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import InputError
from sim.runs import write_atomically

FORMAT = "countylines measured run, format 1"
EXPERIMENTS = Path(__file__).parent.parent
MEASURED_BY = ("measures/*.py", "published/targets.py", "published/official.py", "published/quantities.py", "running/measuring.py")
"""What the values in a file depend on, beside the run."""

Values = dict[tuple[str, str, str], float]
"""(kind, window or policy, name) to value; kind is "measure", "target", "quantity", "authority" or "chain"."""


@dataclass(frozen=True)
class Result:
    """What is kept of a run: its key, the digest of its ledger, and what was measured."""

    key: str
    digest: str
    values: Values


class Unusable(Exception):
    """A file of the store cannot be used; the message says why."""


@cache
def measured_by() -> str:
    """SHA-256 of the program that measures [hex]."""
    sha = hashlib.sha256()
    for name in MEASURED_BY:
        for path in sorted(EXPERIMENTS.glob(name)):
            sha.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return sha.hexdigest()


class Store:
    """The runs of a study, in a folder that exists."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where a run is kept."""
        return self.folder / f"{key}.parquet"

    def write(self, result: Result) -> None:
        """Keep a run: whole, or not at all. Raises InputError if the disk is full or the folder cannot be written to."""
        kinds, places, names = zip(*result.values, strict=True) if result.values else ((), (), ())
        columns = {
            "kind": pa.array(kinds, pa.string()), "of": pa.array(places, pa.string()), "name": pa.array(names, pa.string()),
            "value": pa.array(list(result.values.values()), pa.float64()),
        }  # fmt: skip
        told = {"format": FORMAT, "key": result.key, "digest": result.digest, "measured_by": measured_by()}
        write_parquet(self.path(result.key), pa.table(columns).replace_schema_metadata({"run": json.dumps(told | {"sum": _sum(told, result.values)}, sort_keys=True)}))

    def read(self, key: str) -> Result | None:
        """A run, None if it was never kept. Raises Unusable if its file cannot be used, InputError if it may not be read, or is a folder."""
        path = self.path(key)
        if not path.exists():
            return None
        if path.is_dir():
            raise InputError(f"{path} is a folder, but must be the file of a run; take it away.")
        try:
            with path.open("rb") as file:
                table = pq.read_table(file)
            told = json.loads((table.schema.metadata or {})[b"run"])
            keys = zip(*(table.column(column).to_pylist() for column in ("kind", "of", "name")), strict=True)
            values = dict(zip(keys, table.column("value").to_pylist(), strict=True))
            is_whole = told.pop("sum") == _sum(told, values) and told["key"] == key and told["format"] == FORMAT
            result, by = Result(key, told["digest"], values), told["measured_by"]
        except PermissionError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}).") from None
        except Exception as error:  # whatever a damaged file makes its reader say
            reason = str(error).splitlines()[0] if str(error) else ""
            raise Unusable(f"it is damaged ({reason or type(error).__name__})") from None
        if not is_whole:
            raise Unusable("it is damaged: its content does not match its checksum")
        if by != measured_by():
            raise Unusable("another version of the measures made it")
        return result


def write_parquet(path: Path, table: pa.Table, **options: bool) -> None:
    """A table as a Parquet file: whole, or not at all. `options` are those of `pyarrow.parquet.write_table`."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:  # a file of Python's own, so that a full disk is an OSError
            pq.write_table(table, file, **options)

    write_atomically(path, write)


def _sum(told: dict[str, str], values: Values) -> str:
    """A checksum of all that a file says."""
    sha = hashlib.sha256(json.dumps([told, list(values)], sort_keys=True).encode())
    sha.update(np.array(list(values.values()), dtype="<f8").tobytes())
    return sha.hexdigest()
