"""The checks in front of Solara: who may ask, what may be asked, what is always said; and that nothing is asked of any other machine."""

import argparse
import asyncio
import gzip
import hashlib
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from sim.errors import InputError
from sim.ui import serve
from sim.ui.serve import CDN, LOCAL, STATIC, Guard, is_of_solara, name_of, names_of, open_socket

SOLARA = Path(importlib.util.find_spec("solara").submodule_search_locations[0])
OURS = "http://localhost:8765"
KERNEL = "/jupyter/api/kernels/2b5f6c1e-0d2a-4a65-9d55-6d0a9c1f7a11/channels"


@pytest.fixture
def reached(monkeypatch):
    """What came through the checks; there are no sessions yet."""
    monkeypatch.setattr(serve, "sessions", dict)
    return []


def ask(reached, path, *, kind="http", method="GET", host="localhost:8765", origin=None, headers=(), guard_of=8):
    """The status or close code of an answer, and its headers."""
    sent = []

    async def solara(scope, receive, send):
        reached.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"ALLOWALL"), (b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": b"page"})

    async def receive():
        return {"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    given = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin else []), *headers]
    scope = {"type": kind, "path": path, "method": method, "headers": given, "root_path": "/pwn", "query_string": b""}
    asked = Guard(solara, frozenset(LOCAL), guard_of)(scope, receive, send)
    with ThreadPoolExecutor(1) as thread:  # a test with a browser may have left an event loop running in this one
        thread.submit(asyncio.run, asked).result()
    first = sent[0]
    told = {name.decode(): value.decode() for name, value in first.get("headers", [])}
    return first.get("status", first.get("code", 101)), told, b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize("host, status", [
    ("localhost:8765", 200), ("LOCALHOST:8765", 200), ("127.0.0.1:8765", 200), ("[::1]:8765", 200), ("localhost", 200),
    ("evil.example", 400), ("localhost.evil.example:8765", 400), ("", 400), ("127.0.0.1.evil.example", 400), ("evil.example:8765@localhost", 400),
])  # fmt: skip
def test_only_who_names_this_server_is_answered(reached, host, status):
    assert ask(reached, "/", host=host)[0] == status
    assert len(reached) == (status == 200)


@pytest.mark.parametrize("origin, code", [
    (OURS, 101), ("https://localhost:8765", 101), (None, 1008), ("http://evil.example", 1008), ("http://localhost:9999", 1008), ("null", 1008),
    ("http://localhost:8765.evil.example", 1008), ("file://localhost:8765", 1008),
])  # fmt: skip
def test_a_line_is_opened_for_our_own_pages_only(reached, origin, code):
    assert ask(reached, KERNEL, kind="websocket", origin=origin)[0] == code
    assert len(reached) == (code == 101)


def test_a_line_is_opened_to_a_session_only_and_under_our_name_only(reached):
    assert ask(reached, "/jupyter/api/kernels/../channels", kind="websocket", origin=OURS)[0] == 1008
    assert ask(reached, "/", kind="websocket", origin=OURS)[0] == 1008
    assert ask(reached, KERNEL, kind="websocket", host="evil.example", origin="http://evil.example")[0] == 1008
    assert not reached


def test_a_page_of_another_site_cannot_close_a_session(reached):
    assert ask(reached, "/_solara/api/close/abc", method="POST", origin="http://evil.example")[0] == 403
    assert ask(reached, "/_solara/api/close/abc", method="POST", origin=OURS)[0] == 200
    assert ask(reached, "/", method="POST", origin=OURS)[0] == 405
    assert ask(reached, "/", method="DELETE")[0] == 405


def test_when_the_room_is_full_a_page_of_our_own_says_so_and_those_inside_stay(reached, monkeypatch):
    inside = "2b5f6c1e-0d2a-4a65-9d55-6d0a9c1f7a11"
    monkeypatch.setattr(serve, "sessions", lambda: {inside: None, "b": None})
    status, _, body = ask(reached, "/lessons", guard_of=2)
    assert status == 503 and b"The room is full" in body and not reached
    other = KERNEL.replace("2b5f6c1e", "00000000")
    assert ask(reached, other, kind="websocket", origin=OURS, guard_of=2)[0] == 1013
    assert ask(reached, KERNEL, kind="websocket", origin=OURS, guard_of=2)[0] == 101


@pytest.mark.parametrize("path", [
    "/resourcez", "/readyz", "/_solara/cdn/vue@3/dist/vue.js", "/_solara/cdn/../../page.py", "/static/public/x", "/nothing", "/static/../page.py",
    "/static//etc/passwd", "/jupyter/api/contents", "/jupyter/lab", "/_solara/test/evict", "/room/../page.py", "/room/CHECKSUMS", "/room/cdn/CHECKSUMS",
    "/export/short.html", "/reports/../report.html", "/reports/%2e%2e/report.html", "/reports/nothing/report.html",
])  # fmt: skip
def test_what_is_not_on_the_list_is_not_there(reached, path):
    assert ask(reached, path)[0] == 404 and not reached


@pytest.mark.parametrize("path", [
    "/", "/lessons", "/results", "/about", "/static/main-vuetify.js", "/jupyter/nbextensions/jupyter-vue/extension.js",
])  # fmt: skip
def test_what_the_page_needs_comes_through_with_what_is_always_said(reached, path):
    status, told, _ = ask(reached, path, headers=[(b"x-script-name", b"/pwn"), (b"script-name", b"/pwn"), (b"x-forwarded-host", b"evil.example")])
    assert status == 200 and told["x-frame-options"] == "DENY" and told["x-content-type-options"] == "nosniff"
    policy = told["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "evil" not in policy
    (scope,) = reached
    assert scope["root_path"] == "" and not any(b"script-name" in name or b"forwarded" in name for name, _ in scope["headers"])


def test_the_players_files_are_kept_by_browsers_only_under_their_version(reached):
    status, told, body = ask(reached, "/room/0123456789ab/player.js")
    assert status == 200 and told["content-type"].startswith("text/javascript") and "immutable" in told["cache-control"]
    assert body == (STATIC / "player.js").read_bytes()
    assert "immutable" not in ask(reached, "/room/player.js")[1]["cache-control"]
    assert ask(reached, "/room/0123456789ab/vendor/uPlot.iife.min.js")[0] == 200


def test_what_is_vendored_is_compressed_once_for_a_class_and_kept_by_browsers(reached, monkeypatch):
    path, whole = "/_solara/cdn/requirejs@2.3.6/require.js", (CDN / "requirejs@2.3.6/require.js").read_bytes()
    serve.read_compressed.cache_clear()
    status, told, body = ask(reached, path, headers=[(b"accept-encoding", b"gzip, br")])
    assert status == 200 and gzip.decompress(body) == whole and told["content-encoding"] == "gzip" and "immutable" in told["cache-control"]
    assert told["content-type"].startswith("text/javascript") and told["x-content-type-options"] == "nosniff" and not reached
    assert ask(reached, path, headers=[(b"accept-encoding", b"gzip")])[2] == body and serve.read_compressed.cache_info().misses == 1
    _, told, body = ask(reached, path)
    assert body == whole and "content-encoding" not in told


def test_a_report_may_run_nothing_and_load_nothing(reached, tmp_path, monkeypatch):
    (tmp_path / "results" / "tried").mkdir(parents=True)
    (tmp_path / "results" / "tried" / "report.html").write_text("<h1>report</h1>")
    monkeypatch.chdir(tmp_path)
    status, told, body = ask(reached, "/reports/tried/report.html")
    assert status == 200 and body == b"<h1>report</h1>"
    assert "default-src 'none'" in told["content-security-policy"] and "sandbox" in told["content-security-policy"] and "script-src" not in told["content-security-policy"]


def test_names():
    assert [name_of(host) for host in ("a:1", "a", "[::1]:8", "::1", "A:1")] == ["a", "a", "::1", "::1", "a"]
    assert names_of("127.0.0.1") == frozenset(LOCAL)
    assert socket.gethostname().lower() in names_of("0.0.0.0")
    assert not is_of_solara("/static/a/../../b") and is_of_solara("/static/a.js")


def test_a_port_that_is_taken_is_said_in_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} of 127.0.0.1 cannot be used .*--port"):
            open_socket("127.0.0.1", port)
    with pytest.raises(InputError, match="--host"):
        open_socket("no.such.host.invalid", 0)


def test_missing_packages_are_said_in_a_sentence(monkeypatch):
    monkeypatch.setattr(serve, "NEEDED", ("no-such-package-anywhere",))
    with pytest.raises(InputError, match="make ui"):
        serve.check_packages()


# -- what is vendored ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", ["region", "england", "nowhere"])
def test_a_world_that_the_room_does_not_open_is_said_in_a_sentence_with_what_is_allowed(world):
    with pytest.raises(InputError) as error:
        serve.ui(argparse.Namespace(world=world, host="127.0.0.1", port=0, open=False))
    assert str(error.value) == f"world '{world}' cannot be shown here; allowed are the worlds of at most 30,000 children: town."


def test_what_is_vendored_is_what_was_checked_in():
    listed = dict(reversed(line.split("  ", 1)) for line in (CDN / "CHECKSUMS").read_text().splitlines())
    there = {path.relative_to(CDN).as_posix() for path in CDN.rglob("*") if path.is_file() and path.name != "CHECKSUMS"}
    assert set(listed) == there
    for name, checksum in listed.items():
        assert hashlib.sha256((CDN / name).read_bytes()).hexdigest() == checksum, name


def test_solaras_page_asks_for_nothing_that_is_not_vendored():
    """The versions are inside Solara's template: when it is upgraded, this says what has to be vendored anew."""
    template = (SOLARA / "server" / "templates" / "solara.html.j2").read_text(encoding="utf-8")
    asked = {path for path in re.findall(r"\{\{cdn\}\}/([^\"']+)", template) if "vuetify-app@10" not in path}
    asked = {path.replace("{{ipywidget_major_version}}", "8") for path in asked}
    assert asked - serve.vendored() == {"@widgetti/solara-vuetify3-app@5.2.0/dist/solara-vuetify-app8.js"}, "only the bundle of development mode may be missing"
    fonts = (CDN / "@widgetti/solara-vuetify3-app@5.2.0/dist/fonts.css").read_text(encoding="utf-8")
    here = {path.name for path in CDN.rglob("*.woff2")}
    assert set(re.findall(r"url\(([0-9a-f]+\.woff2)", fonts)) <= here


# -- with Solara, in a process of its own ------------------------------------------------------------------------------------------

WITH_SOLARA = textwrap.dedent("""
    import asyncio, json, pathlib, socket, sys, tempfile
    asked = []
    connect = socket.socket.connect
    def refuse(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
            asked.append(str(address))
            raise OSError("the network is closed")
        return connect(self, address, *rest)
    socket.socket.connect = refuse
    looked_up = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *rest, **more: (asked.append(str(host)), looked_up("127.0.0.1", *rest, **more))[1]
    from sim.ui.serve import check_packages, make_app
    check_packages()
    home = pathlib.Path(tempfile.mkdtemp())
    app = make_app(frozenset({"localhost", "127.0.0.1"}), home)
    from sim.ui.page import Bridge, open_room
    told = {}
    async def go():
        sent, queue = [], asyncio.Queue()
        lifespan = asyncio.create_task(app({"type": "lifespan"}, queue.get, lambda message: asyncio.sleep(0, sent.append(message))))
        await queue.put({"type": "lifespan.startup"})
        while not sent:
            await asyncio.sleep(0.05)
        told["startup"] = sent[0]["type"]
        answers = []
        scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/", "raw_path": b"/", "root_path": "", "scheme": "http",
                 "query_string": b"", "headers": [(b"host", b"localhost:1"), (b"x-script-name", b"/pwn")], "client": ("127.0.0.1", 1), "server": ("localhost", 1)}
        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}
        await app(scope, receive, lambda message: asyncio.sleep(0, answers.append(message)))
        told["status"] = answers[0]["status"]
        told["cookies"] = [value.decode() for name, value in answers[0]["headers"] if name == b"set-cookie"]
        told["page"] = b"".join(message.get("body", b"") for message in answers).decode()
        there = scope | {"headers": [(b"host", b"127.0.0.1:1")], "server": ("127.0.0.1", 1)}  # Solara warns of frames where the name is not localhost
        await app(there, receive, lambda message: asyncio.sleep(0))
        await queue.put({"type": "lifespan.shutdown"})
        await lifespan
    asyncio.run(go())
    class Tried(Bridge):
        pass
    import solara
    from solara.server import cdn_helper, kernel_context, settings
    with kernel_context.create_dummy_context():
        bridge = Tried(template="<template><div></div></template>")
        heard = []
        bridge.session = type("Heard", (), {"receive": lambda self, *message: heard.append(message)})()
        bridge._handle_event(bridge, {"event": "ask", "data": {"method": "need", "args": {"first": 1}}}, [])
        bridge._handle_event(bridge, {"create_widget": ["subprocess", "Popen"], "props": {"args": ["touch", str(home / "run")]}, "id": "x"}, [])
        bridge._handle_event(bridge, {"event": "__init__", "data": {}}, [])
        bridge._handle_event(bridge, {"event": ["ask"], "data": {}}, [])
        bridge._handle_event(bridge, "ask", [])
    told["heard"], told["ran"] = heard, (home / "run").exists()
    try:
        cdn_helper.fetch_from_cdn("https://example.com/x.js")
        told["fetched"] = True
    except FileNotFoundError:
        told["fetched"] = False
    told["asked"] = asked
    told["mode"], told["cull"], told["telemetry"] = settings.main.mode, settings.kernel.cull_timeout, settings.telemetry.mixpanel_enable
    print(json.dumps(told))
""")


@pytest.fixture(scope="module")
def with_solara(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    done = subprocess.run([sys.executable, "-c", WITH_SOLARA], capture_output=True, text=True, timeout=120, env=os.environ | {"HOME": str(home)})
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1]) | {"home": [path.name for path in home.iterdir()], "said": done.stderr}


def test_nothing_leaves_the_machine(with_solara):
    assert with_solara["asked"] == [] and with_solara["telemetry"] is False and with_solara["fetched"] is False
    page = with_solara["page"]
    assert with_solara["status"] == 200 and "<iframe" not in page and "jsdelivr" not in page
    assert not re.findall(r"""(?:src|<link[^>]*href)=["'](?:https?:)?//[^"']+""", page)
    assert with_solara["home"] == [], "something is left in the user's home"
    assert with_solara["said"] == ""


def test_the_page_is_in_production_mode_and_its_cookie_is_for_the_server_alone(with_solara):
    assert with_solara["mode"] == "production" and with_solara["cull"] == "10m"
    assert with_solara["cookies"] and all("HttpOnly" in cookie for cookie in with_solara["cookies"])
    assert "/pwn" not in with_solara["page"] and "<title>countylines</title>" in with_solara["page"]


def test_a_browser_can_ask_a_widget_for_its_events_and_for_nothing_else(with_solara):
    assert with_solara["heard"] == [["need", {"first": 1}]] and with_solara["ran"] is False


# -- the whole ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_the_room_opens_answers_and_takes_its_workers_with_it(how):
    room = subprocess.Popen([sys.executable, "-m", "sim", "ui", "--port", "0", "--no-open"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://localhost:\d+/", room.stdout.readline())[0]
        with urllib.request.urlopen(address) as page:
            assert page.status == 200
        workers = psutil.Process(room.pid).children(recursive=True)
        assert workers, "the year before is lived while the browser opens"
        room.send_signal(how)
        code = room.wait(15)
        assert how == signal.SIGKILL or code in (0, 130)
        _, alive = psutil.wait_procs(workers, timeout=20)
        assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    finally:
        room.kill()
