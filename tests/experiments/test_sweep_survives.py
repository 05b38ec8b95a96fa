"""What becomes of a study that is really killed, with -9, at any moment: it goes on, and is the same bytes in the end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from distributed import LocalCluster

from experiments.studies.frame import open_frame
from experiments.studies.sweep_folder import SweepFolder
from tests.experiments.small import bytes_of, sweep, swept

ROOT = Path(__file__).resolve().parents[2]
SIZE = 10
RUN = f"""
import sys
from pathlib import Path
from tests.experiments.small import sweep, swept
swept(sweep(size={SIZE}), Path(sys.argv[1]), cores=int(sys.argv[2]), shard=sys.argv[3])
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="there is no kill -9 on Windows")]


def begun(folder: SweepFolder, cores: int = 1, shard: str = "1/1") -> subprocess.Popen:
    """The study, in a process of its own."""
    return subprocess.Popen([sys.executable, "-c", RUN, str(folder.path), str(cores), shard], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)


def kept(folder: SweepFolder) -> dict[str, float]:
    """The runs that are there, and when each was written."""
    return {path.name: path.stat().st_mtime for path in folder.store.folder.glob("*.parquet")} if folder.store.folder.exists() else {}


def wait_until(process: subprocess.Popen, folder: SweepFolder, runs: int) -> None:
    while len(kept(folder)) < runs and process.poll() is None:
        time.sleep(0.005)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """The files of the study that nobody stopped."""
    return bytes_of(swept(sweep(size=SIZE), tmp_path_factory.mktemp("whole") / "study"))


@pytest.mark.parametrize(("cores", "moments"), [(1, (0, 1, 9)), (2, (4,))])
def test_a_study_that_is_killed_again_and_again_ends_as_the_same_bytes(tmp_path, whole, cores, moments):
    folder, there = SweepFolder(tmp_path / "study"), {}
    for runs in moments:
        process = begun(folder, cores)
        wait_until(process, folder, runs)
        time.sleep(0.02 * runs % 0.07)  # now and then in the middle of a file
        process.kill()
        process.wait()
        time.sleep(1.5)  # workers end when whoever began them has gone; one may still be writing
        assert there.items() <= kept(folder).items()  # nothing that was there is lost, or written again
        there = kept(folder)
    swept(sweep(size=SIZE), folder.path, cores=cores)
    assert there.items() <= kept(folder).items()
    assert {name: content for name, content in bytes_of(folder).items() if not name.startswith(".")} == whole


FILE = """
scenarios = ["baseline", "relocation"]
uncertainties = ["missing.*"]
world = { like = "town", fraction = 0.002, years = 1 }
[design]
draws = 3
"""


def test_ctrl_c_ends_a_study_in_one_line_and_its_folder_alone_goes_on_with_it(tmp_path):
    (tmp_path / "mine.toml").write_text(FILE, encoding="utf-8")
    environment, folder = os.environ | {"PYTHONPATH": str(ROOT)}, SweepFolder(tmp_path / "results" / "mine")
    words = [sys.executable, "-m", "experiments", "sweep", "mine.toml", "--cores", "2"]
    process = subprocess.Popen(words, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_until(process, folder, 1)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130
    assert "Traceback" not in said
    assert f"Stopped. {len(kept(folder))} of 6 runs are kept in results/mine/runs. The same command goes on from there." in said
    (tmp_path / "mine.toml").unlink()
    again = subprocess.run([*words[:3], "extend", "results/mine"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert again.returncode == 0
    assert "6 of 6 runs are in results/mine, all that the study asks for." in again.stdout


def test_three_shards_at_once_in_one_folder_are_the_whole_study(tmp_path, whole):
    folder = SweepFolder(tmp_path / "study")
    processes = [begun(folder, shard=f"{k}/3") for k in (1, 2, 3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert bytes_of(folder) == whole


def test_two_who_run_the_same_study_in_one_folder_do_each_other_no_harm(tmp_path, whole):
    folder = SweepFolder(tmp_path / "study")
    processes = [begun(folder) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert bytes_of(folder) == whole


def test_processes_a_cluster_with_a_kill_and_a_study_resumed_after_one_have_the_same_digests(tmp_path, whole):
    on_processes = swept(sweep(size=SIZE), tmp_path / "processes", cores=2)
    resumed = SweepFolder(tmp_path / "resumed")
    process = begun(resumed, 2)
    wait_until(process, resumed, 7)
    process.kill()
    process.wait()
    time.sleep(1.5)
    assert 7 <= len(kept(resumed)) < 2 * SIZE
    swept(sweep(size=SIZE), resumed.path, cores=2)
    on_cluster = SweepFolder(tmp_path / "cluster")
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as here:
        study = subprocess.Popen(
            [sys.executable, "-c", RUN.replace("cores=int(sys.argv[2])", f"dask={here.scheduler_address!r}"), str(on_cluster.path), "1", "1/1"],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(study, on_cluster, 4)
        os.kill(next(iter(here.workers.values())).process.process.pid, signal.SIGKILL)
        assert len(kept(on_cluster)) < 2 * SIZE
        assert study.wait() == 0
    digests = [{key: folder.store.read(key).digest for key in open_frame(folder.path)["key"]} for folder in (on_processes, resumed, on_cluster)]
    assert len(digests[0]) == 2 * SIZE
    assert digests[0] == digests[1] == digests[2]
    assert bytes_of(on_processes) == bytes_of(resumed) == bytes_of(on_cluster) == whole
