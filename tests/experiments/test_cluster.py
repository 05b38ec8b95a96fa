"""Beyond one machine: the same study on a Dask cluster is the same study, whatever becomes of its workers."""

import os
import signal
import threading
import time
from types import SimpleNamespace

import pytest
from distributed import KilledWorker, LocalCluster

from experiments.__main__ import main
from experiments.running import cluster, runner
from experiments.studies.frame import open_failures
from experiments.studies.sweep_folder import SweepFolder
from sim import InputError
from sim.terminal import FAILED
from tests.experiments.small import bytes_of, sweep, swept


@pytest.fixture(scope="module")
def beside():
    """A scheduler and a worker in this process."""
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as here:
        yield here.scheduler_address


def test_a_study_on_a_cluster_is_the_study_here(tmp_path, beside):
    asked = sweep(size=1)
    there = swept(asked, tmp_path / "there", dask=beside)
    assert bytes_of(there) == bytes_of(swept(asked, tmp_path / "here"))


def test_a_run_that_fails_on_a_cluster_is_told_of_here(tmp_path, beside, monkeypatch):
    def fail(model, key):
        raise RuntimeError("a home was lost")

    monkeypatch.setattr(runner, "measure_run", fail)
    folder = swept(sweep(size=1), tmp_path / "study", dask=beside, code=FAILED)
    assert list(open_failures(folder.path)["error"]) == ["RuntimeError: a home was lost"] * 2


def test_a_worker_of_another_version_is_refused(tmp_path, beside, monkeypatch):
    monkeypatch.setattr(cluster, "source_digest", iter(["here", *["there"] * 9]).__next__)
    with pytest.raises(InputError, match="a worker of the cluster has another version"):
        swept(sweep(size=1), tmp_path / "study", dask=beside)


def test_a_piece_whose_workers_die_again_and_again_has_failed():
    asked = sweep(size=1)
    (work,) = runner.divide([row.run for row in asked.distinct.values()], asked.world, 1)

    class Lost:
        def result(self):
            raise KilledWorker("task", SimpleNamespace(address="tcp://there"), 3)

    failures = cluster._answer(Lost(), work)
    assert [failure.run.key for failure in failures] == [run.key for run in work.runs]
    assert all("ended from outside again and again" in failure.error for failure in failures)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense:/", "tcp://"])
def test_no_scheduler_is_said_in_one_sentence(tmp_path, monkeypatch, capsys, address):
    monkeypatch.setattr(cluster, "PATIENCE", "0.3s")
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "screening", "--dask", address]) == 2
    assert f"--dask is '{address}', where no Dask scheduler answers" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"address": 7}'])
def test_a_scheduler_file_that_is_none_is_said_in_one_sentence(tmp_path, monkeypatch, capsys, content):
    (tmp_path / "scheduler.json").write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "screening", "--dask", "scheduler.json"]) == 2
    assert "--dask is 'scheduler.json', which is not what" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9 on Windows")
def test_a_worker_that_is_killed_loses_nothing(tmp_path):
    asked = sweep(size=12)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as here:
        folder, killed = SweepFolder(tmp_path / "there"), []

        def kill_one():
            while len(list(folder.store.folder.glob("*.parquet")) if folder.store.folder.exists() else []) < 5:
                time.sleep(0.01)
            worker = next(iter(here.workers.values()))
            killed.append(worker.process.process.pid)
            os.kill(killed[0], signal.SIGKILL)

        killer = threading.Thread(target=kill_one)
        killer.start()
        swept(asked, folder.path, dask=here.scheduler_address)
        killer.join()
    assert killed
    assert bytes_of(folder) == bytes_of(swept(asked, tmp_path / "here"))
