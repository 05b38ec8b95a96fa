"""The commands `replay` and `check`: runs of a study again, from what its folder says alone."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from hashlib import sha256
from pathlib import Path

from experiments.running.measuring import measure_run
from experiments.running.store import Result, Store, Unusable
from experiments.studies import folder, sweep_folder
from experiments.studies.folder import Recorded
from sim.errors import InputError
from sim.model import CountyLines
from sim.runs import source_digest, write_run
from sim.terminal import DONE, FAILED, Parser, note, progress, say, whole_number


def recorded(path: Path, key: str) -> Recorded:
    """The run of a study whose key begins so. Raises InputError."""
    told = folder.read_json(path / "study.json") or {}
    return sweep_folder.SweepFolder(path).recorded(key) if told.get("format") == sweep_folder.FORMAT else folder.recorded(path, key)


def lived(run: Recorded) -> CountyLines:
    """The model at the end of the run."""
    model = CountyLines(run.run.scenario, run.world, run.run.replicate.seed, run.run.replicate.parameters)
    model.run_model()
    return model


# -- one run -------------------------------------------------------------------------------------------------------------------


def add_replay_arguments(parser: Parser) -> None:
    """The options of `replay`."""
    parser.add_argument("folder", type=Path, help="the folder of a study, such as results/NAME")
    parser.add_argument("key", help="how the run's key begins, as study.json, plan.parquet or the name of its file gives it")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the run's ledger to this new folder")


def replay(options: Namespace) -> int:
    """Run one run of a study again, and say whether it came out the same."""
    run = recorded(options.folder, options.key)
    if run.source != source_digest():
        note("The model has changed since that study, so the run may come out otherwise.")
    model = lived(run)
    digest = model.ledger.digest()
    if options.out:
        write_run(model, options.out, options.command_line)
    if run.digest is None:
        measure_run(model, run.run.key)  # where it may have failed
    same = {None: "it had not ended in the study", digest: "the same as in the study"}.get(run.digest, "NOT the same as in the study")
    say(f"{run.run.scenario.name}, seed {run.run.replicate.seed}: {digest}, {same}.")
    return DONE if run.digest in (None, digest) else FAILED


# -- some of them ----------------------------------------------------------------------------------------------------------------


def add_check_arguments(parser: Parser) -> None:
    """The options of `check`."""
    parser.add_argument("folder", type=Path, help="the folder of a study, such as results/NAME")
    parser.add_argument("--runs", type=whole_number(1), default=5, metavar="N", help="how many runs to compute again (default: %(default)s)")
    parser.add_argument("--seed", type=whole_number(0), default=1, metavar="S", help="another seed, another sample of runs (default: %(default)s)")


def check(options: Namespace) -> int:
    """Compute a sample of a study's runs again, and compare the bytes of their files."""
    path: Path = options.folder
    keys = sorted((file.stem for file in (path / "runs").glob("*.parquet")), key=lambda key: sha256(f"{options.seed} {key}".encode()).digest())
    asked = _asked(path)
    old, keys = sum(key not in asked for key in keys), [key for key in keys if key in asked]
    if not keys:
        raise InputError(f"{path} has no run of its study to check.")
    chosen = [recorded(path, key) for key in keys[: options.runs]]
    if any(run.source != source_digest() for run in chosen):
        note("The model has changed since that study, so its runs may come out otherwise; check it with the commit that its study.json names.")
    different = 0
    with progress() as tell:
        for number, run in enumerate(chosen):
            tell("checking", number, len(chosen))
            said = _difference(Store(path / "runs"), run)
            different += bool(said)
            if said:
                say(f"{run.run.scenario.name}, seed {run.run.replicate.seed}, {run.run.key[:12]}: {said}.")
    left = f"; {old} others are left over from an earlier version of it" if old else ""
    say(f"{path.as_posix()}: {len(chosen) - different} of {len(chosen)} runs, taken by chance from the {len(keys)} of the study, are the same to the byte{left}.")
    return FAILED if different else DONE


def _asked(path: Path) -> set[str]:
    """The keys of the runs that a study asked for. Raises InputError."""
    told = folder.read_json(path / "study.json") or {}
    if told.get("format") == sweep_folder.FORMAT:
        return set(sweep_folder.SweepFolder(path).table("plan").column("key").to_pylist())
    return {run["key"] for run in folder.told_by(path)["runs"]}


def _difference(store: Store, run: Recorded) -> str:
    """What is not the same when the run is lived again; "" if nothing is."""
    key = run.run.key
    try:
        kept = store.read(key)
    except Unusable as error:
        return f"its file cannot be used: {error}"
    again: Result = measure_run(lived(run), key)
    with tempfile.TemporaryDirectory() as beside:
        fresh = Store(Path(beside))
        fresh.write(again)
        if fresh.path(key).read_bytes() == store.path(key).read_bytes():
            return ""
    if kept is not None and kept.digest != again.digest:
        return f"its digest is {again.digest}, but was {kept.digest}"
    changed = [" ".join(which) for which in again.values if kept is None or repr(kept.values.get(which)) != repr(again.values[which])]
    return f"measured otherwise: {', '.join(changed[:3])}" if changed else "the same values in other bytes, perhaps of another version of pyarrow"
