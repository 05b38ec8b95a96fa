"""Store and sessions: lived once for everybody, within bounds, each tab apart, and whatever a browser sends is met with a sentence."""

import gc
import gzip
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import psutil
import pytest

import sim
from sim.errors import InputError
from sim.ui import export, results
from sim.ui.export import Exports
from sim.ui.futures import CHUNK, Future, path_of
from sim.ui.measures import as_the_page_counts
from sim.ui.session import WAITING, Session, planned
from sim.ui.store import DO, LATER, SOON, Store, result
from tests.ui.conftest import SMALL, Player

PLAN = Future(SMALL, 1)
KEY_WORKER = [{"name": "key_worker", "settings": {"coverage": 1.0}, "from_day": 31}]


# -- the store -----------------------------------------------------------------------------------------------------------------


def test_fifty_who_look_at_one_scenario_cost_one_simulation(store):
    a, b = Future(SMALL, 77), Future(SMALL, 77).changed("key_worker", {}, 31)
    before, seen = store.lived.copy(), []
    looking = [threading.Thread(target=lambda: seen.append(store.pair(a, b).messages(1))) for _ in range(50)]
    for each in looking:
        each.start()
    for each in looking:
        each.join()
    assert len(seen) == 50 and all(messages == seen[0] for messages in seen)
    lived = store.lived - before
    assert lived["begin"] == 1
    assert lived["live"] == 2 * 2  # two futures, two chunks each
    store.pair(a, b).messages(1)
    assert (store.lived - before) == lived


def test_two_futures_share_the_chunks_before_they_part(store):
    a = Future(SMALL, 77)
    later = a.changed("relocation", {}, 31 + CHUNK + 3)
    result(store.record(a, 0))
    before = store.lived.copy()
    assert store.record(later, 0) is store.record(a, 0)
    assert not store.lived - before
    assert store.record(later, 1) is not store.record(a, 1)


def test_what_is_waited_for_comes_before_what_is_lived_ahead_and_only_once(tmp_path, monkeypatch):
    lived, gate = [], threading.Event()
    monkeypatch.setitem(DO, "begin", lambda plan, *_: gate.wait(30) and np.zeros(1))
    monkeypatch.setitem(DO, "live", lambda plan, chunk, *_: lived.append((plan.seed, chunk)) or np.zeros(1))
    small = Store(workers=0, folder=tmp_path)
    small.begun(Future(SMALL, 1))  # keeps the only worker busy
    ahead = [Future(SMALL, seed) for seed in (1002, 1003, 1004)]
    for plan in ahead:
        path_of(plan, 30, tmp_path).touch()
        small.record(plan, 0, LATER)
    waited_for = small.record(ahead[2], 0, SOON)
    gate.set()
    result(waited_for)
    done = [each for each in lived if each[0] > 1000]  # the store that all tests share may be living days ahead
    assert done[0] == (1004, 0)
    assert all(result(small.record(plan, 0)) is not None for plan in ahead)
    assert sorted(each for each in lived if each[0] > 1000) == [(1002, 0), (1003, 0), (1004, 0)]
    small.close()


@pytest.mark.slow
def test_memory_and_disk_are_bounded_and_what_was_dropped_comes_back_the_same(tmp_path):
    small = Store(workers=0, folder=tmp_path, memory=1, disk=1)
    first = result(small.record(PLAN, 0))
    until = time.monotonic() + 10
    while len(small._kept) > 1 or list(tmp_path.glob("*.model")):  # room is made just after the result is there
        assert time.monotonic() < until, "what is kept is not bounded"
        time.sleep(0.01)
    result(small.begun(PLAN))  # takes the place of the chunk
    while small.nbytes != result(small.begun(PLAN)).nbytes:
        assert time.monotonic() < until
        time.sleep(0.01)
    again = result(small.record(PLAN, 0))
    assert again is not first and all(np.array_equal(getattr(first, name), getattr(again, name)) for name in ("keys", "states", "places", "numbers"))
    small.close()


@pytest.mark.slow
def test_a_checkpoint_that_is_damaged_is_lived_again(store):
    path = path_of(PLAN, 30, store.folder)
    result(store.record(PLAN, 0))
    path.write_bytes(path.read_bytes()[:-10])
    other = PLAN.changed("relocation", {}, 31)
    assert result(store.record(other, 0)).days == CHUNK


@pytest.mark.slow
def test_what_fails_is_told_and_may_be_asked_again(store, monkeypatch):
    plan = Future(SMALL, 99)
    monkeypatch.setitem(DO, "begin", lambda *_: 1 / 0)
    with pytest.raises(InputError, match="The simulation failed \\(ZeroDivisionError"):
        result(store.record(plan, 0))
    monkeypatch.undo()
    assert result(store.record(plan, 0)).days == CHUNK


PARENT = textwrap.dedent("""
    import time
    from sim.ui.store import Store
    from sim.ui.futures import future
    if __name__ == "__main__":
        store = Store(workers=1)
        plan = future("town", 1)
        store.begun(plan, lambda *told: print("working", *(p.pid for p in store.soon.processes.values()), flush=True))
        time.sleep(600)
""")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_workers_end_with_the_server_however_it_ends(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    here = str(Path(sim.__file__).parents[1])
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": here})
    pid = int(parent.stdout.readline().split()[1])
    assert psutil.pid_exists(pid)
    parent.kill()
    parent.wait()
    until = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "a worker lives on"
        time.sleep(0.1)


# -- sessions --------------------------------------------------------------------------------------------------------------------


def test_a_tab_gets_a_setup_then_chunks_as_it_plays(player):
    player.start(world="town", seed=1, policies_a=[], policies_b=KEY_WORKER)
    setup = player.wait_for("setup")
    assert [future["title"] for future in setup["futures"]] == ["Present practice", "Relationship-based key worker"]
    assert setup["first_day"] == 31 and setup["last_day"] == SMALL.days
    player.need(first=SMALL.days)
    player.wait_for("chunk", 4)
    firsts = [(args["first"], args["future"]) for name, args, _ in player.sent if name == "chunk"]
    assert firsts == [(day, name) for day in (31, 31 + CHUNK) for name in "ab"]


def test_what_every_tab_is_sent_is_made_once(store, small_town):
    sent = [[], []]
    tabs = [Session(store, lambda method, args, buffers, to=to: to.append((method, buffers)), Exports()) for to in sent]
    for tab, to in zip(tabs, sent, strict=True):
        tab.receive("start", {"world": "town", "seed": 1, "policies_b": KEY_WORKER})
        until = time.monotonic() + 60.0
        while sum(method == "chunk" for method, _ in to) < 4 and time.monotonic() < until:
            time.sleep(0.01)
        tab.close()
    one, other = ([buffers[0] for method, buffers in to if method in ("setup", "chunk")] for to in sent)
    assert len(one) == 5 and all(a is b for a, b in zip(one, other, strict=True))


def test_a_change_from_today_on_keeps_what_was_before(player):
    player.start(world="town", seed=1, policies_b=KEY_WORKER)
    player.need(first=SMALL.days)
    player.wait_for("chunk", 4)
    before = [(args, buffers) for name, args, buffers in player.sent if name == "chunk"]
    today = 31 + CHUNK + 5
    player.change(policy="key_worker", settings=None, from_day=today, future="b", day=today)
    setup = player.wait_for("setup", 2)
    assert setup["from_day"] == today and setup["futures"][1]["policies"][0]["to_day"] == today
    player.need(first=SMALL.days)
    player.wait_for("chunk", 8)
    after = [(args, buffers) for name, args, buffers in player.sent if name == "chunk"][4:]
    assert after[:2] == before[:2]


def test_two_tabs_are_apart(store, small_town, player):
    other = Player(store)
    player.start(world="town", seed=1, policies_b=KEY_WORKER)
    other.start(world="town", seed=2, policies_b=[])
    assert player.wait_for("setup")["seed"] == 1 and other.wait_for("setup")["seed"] == 2
    player.change(policy="relocation", settings={}, from_day=40, future="a", day=40)
    player.wait_for("setup", 2)
    assert len([name for name, _, _ in other.sent if name == "setup"]) == 1
    other.session.close()


def test_a_child_is_followed_through_both_futures(player):
    player.start(world="town", seed=1, policies_b=KEY_WORKER)
    player.need(first=SMALL.days)
    player.wait_for("chunk", 4)
    pair = player.session.pair
    went = [int(key) for record in pair.records(0)[1:] for key in record.events["child"][record.events["event"] == 11]]
    who = pair.shown().key.tolist().index(went[0])
    player.follow(id=who)
    told = player.wait_for("child")
    assert told["id"] == who and len(told["futures"]["a"]["strip"]) == len(told["futures"]["b"]["strip"]) == 2 * CHUNK
    missing = [event for event in told["futures"]["a"]["events"] if event["kind"] == "missing"]
    assert missing[0]["text"].startswith("Went missing") and missing[0]["day"] >= 1
    assert "not what would happen to a real child" in told["note"]
    days_missing = [day for day, state in enumerate(told["futures"]["a"]["strip"], start=31) if state == 4]
    in_clock = [event for event in missing if event["event"] == "WENT_MISSING" and event["day"] >= 31]
    assert all(event["day"] in days_missing for event in in_clock)


def test_other_seeds_come_as_a_range_in_the_background(player):
    player.start(world="town", seed=1, policies_b=KEY_WORKER)
    ribbons = {ribbon["measure"]: ribbon for ribbon in player.wait_for("ribbons")["ribbons"]}
    missing, cost = ribbons["missing"], ribbons["cost"]
    assert len(missing["low"]) == 2 * CHUNK and missing["seeds"] == 2
    assert all(low <= high for low, high in zip(missing["low"], missing["high"], strict=True))
    assert cost["low"] == sorted(cost["low"]), "costs are told so far, so they only grow"
    numbers = np.ones((14, 3), dtype=np.float32)
    assert as_the_page_counts(numbers)[-1].tolist() == [1, 2, 3] and as_the_page_counts(numbers)[0].tolist() == [1, 1, 1]


def test_a_tab_that_is_gone_is_forgotten_also_by_what_it_waited_for(store, small_town):
    """Promises keep whom they tell: fifty tabs that come and go must not stay in memory until the background has done its work."""
    other = Player(store)
    other.start(world="town", seed=900, policies_b=KEY_WORKER)
    other.wait_for("chunk", 2)
    session, thread = weakref.ref(other.session), other.session.thread
    other.session.close()
    thread.join(10)
    del other
    gc.collect()
    assert session() is None, gc.get_referrers(session())


def test_other_seeds_of_what_nobody_looks_at_any_more_are_not_lived(store, small_town):
    plan = Future(SMALL, 500)
    promise = store.numbers(plan, 1)
    with pytest.raises(InputError):
        result(promise)
    store.want([plan])
    assert result(store.numbers(plan, 1)).shape[1] == CHUNK
    store.want([plan], wanted=False)


@pytest.mark.parametrize("method, args, said", [
    ("start", {"world": "england"}, "cannot be shown"),
    ("start", {"seed": 10**12}, "whole number from 0"),
    ("start", {"policies_b": {"a": 1}}, "list of at most 40"),
    ("start", {"policies_b": [{"name": "x"}] * 41}, "list of at most 40"),
    ("start", {"policies_b": [{"name": "relocation", "settings": {"coverage": 9}}]}, "allowed is 0 to 1"),
    ("start", {"policies_b": [{"name": "__import__", "settings": {}}]}, "is not known"),
    ("change", {"policy": "relocation"}, "Nothing is shown yet"),
    ("follow", {"id": 1}, "Nothing is shown yet"),
    ("need", {"first": 1}, "Nothing is shown yet"),
    ("export", {}, "Nothing is shown yet"),
    ("close", {}, "does not know"),
    ("__init__", {}, "does not know"),
])  # fmt: skip
def test_what_a_browser_should_not_send_is_answered_with_a_sentence(player, method, args, said):
    player.session.receive(method, args)
    text = player.wait_for("problem")["text"]
    assert said in text and "Traceback" not in text
    player.alive(n=3)
    assert player.wait_for("alive")["n"] == 3


@pytest.mark.parametrize("args", [{"id": 10**9}, {"id": -1}, {"id": "0"}, {"id": True}, {"id": [1]}])
def test_no_child_beyond_those_shown_is_followed(player, args):
    player.start(world="town", seed=1, policies_b=[])
    player.wait_for("setup")
    player.session.receive("follow", args)
    assert "must be a whole number" in player.wait_for("problem")["text"]


def test_too_much_at_once_is_refused_not_kept(player):
    player.session._answer = None
    for _ in range(WAITING + 20):
        player.session._asked.put(("alive", {}))
    player.need(first=1)
    assert "too much" in player.wait_for("problem")["text"]


def test_a_link_restores_the_futures():
    b = planned(PLAN, [{"name": "key_worker", "settings": {"coverage": 0.3}, "from_day": 40, "to_day": 60}, {"name": "relocation", "from_day": 50}])
    described = b.described()
    assert [use["changed"] for use in described] == [{"coverage": 0.3}, {}]  # a link names these, a setting at its default never
    assert planned(PLAN, described) == b
    many = planned(PLAN, [{"name": "key_worker", "settings": {"places": 20.0, "coverage": 0.3, "months": 8.0, "cost": 4000.0, "stays": 0.5}}])
    names = [name for name, _ in many.uses[0].settings]
    changed = list(many.described()[0]["changed"])
    assert len(changed) == 5 and changed == sorted(changed, key=names.index), "the same link and file each time"


# -- to take away, and results -----------------------------------------------------------------------------------------------------


def test_the_file_to_take_away_is_one_page_that_needs_no_network(player):
    player.start(world="town", seed=1, policies_b=KEY_WORKER)
    player.need(first=SMALL.days)
    player.export()
    told = player.wait_for("export")
    token = told["address"].removeprefix("/export/").removesuffix(".html")
    page = gzip.decompress(player.session.exports.get(token)).decode()
    assert page.count("<script type=\"importmap\">") == 1 and 'lang="en-GB"' in page and "default-src 'none'" in page
    assert "http-equiv=\"Content-Security-Policy\"" in page and 'src="http' not in page
    assert 'from "./' not in page and "Key worker" not in page.split('id="taken-away">')[0]
    assert player.session.exports.get("../" + token) is None


def test_text_in_the_file_cannot_end_its_script():
    assert "</script" not in export._json({"title": "</script><script>alert(1)</script>"})


def test_modules_import_each_other_by_name_in_the_file():
    assert export._rewritten('import { a } from "./a.js";') == 'import { a } from "room/a.js";'
    assert export._rewritten("await import('./b.js')") == "await import('room/b.js')"


def test_only_reports_of_studies_are_found(tmp_path):
    folder = tmp_path / "results"
    (folder / "a_study").mkdir(parents=True)
    (folder / "a_study" / "report.html").write_text("<p>report</p>")
    (folder / "a_study" / "study.json").write_text('{"command": "python -m experiments compare", "study": {"scenarios": ["baseline", "relocation"]}}')
    (folder / "empty").mkdir()
    (tmp_path / "report.html").write_text("secret")
    (folder / "link").symlink_to(tmp_path)
    listed = results.studies(folder)
    told = {study["name"]: (study["title"], study["address"], study["command"]) for study in listed}
    assert told == {"a_study": ("baseline, relocation", "/reports/a_study/report.html", "python -m experiments compare"), "empty": ("empty", None, "")}
    assert results.report_of("a_study", folder) is not None
    for name in ("..", ".", "", "link", "a_study/..", "../results/a_study", "%2e%2e", "a\0b", "empty", "x" * 200):
        assert results.report_of(name, folder) is None
    assert results.studies(tmp_path / "nothing") == []
