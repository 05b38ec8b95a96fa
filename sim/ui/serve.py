"""The server of the room: Solara's, behind checks of our own, on this machine, with no request to any other.

Solara alone accepts a websocket from any page, believes any Host header, fetches what a visitor asks of a content network, and reports to a
telemetry service. Here a request is answered only if it names this server, comes from its own pages, and asks for something on a
list; everything else is 403, 404 or a page of our own.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.metadata
import ipaddress
import os
import re
import secrets
import socket
import sys
import threading
import warnings
import webbrowser
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sim.errors import InputError
from sim.terminal import DONE, note, say

STATIC = Path(__file__).with_name("static")
CDN = STATIC / "cdn"
PORT = 8765
MOST_SESSIONS = 120  # tabs, each of which takes about a megabyte and a thread
MOST_MESSAGE = 1 << 20  # bytes of one message from a browser
CULL = "10m"  # after which a tab that was lost, not closed, is forgotten
PAGES = ("/", "/lessons", "/results", "/about")
LOCAL = ("localhost", "127.0.0.1", "::1")
NEEDED = ("solara-ui", "solara-server", "starlette", "uvicorn", "websockets")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

KERNEL = re.compile(r"/jupyter/api/kernels/([0-9a-fA-F-]{8,64})/channels")
TOKEN = re.compile(r"/export/([A-Za-z0-9_-]{16,40})\.html")
REPORT = re.compile(r"/reports/([^/]+)/report\.html")
PLAYER = re.compile(r"/room/(?:[0-9a-f]{12}/)?((?:vendor/)?[\w.-]+\.(?:js|css|txt|svg|png|woff2))")
DROPPED = (b"script-name", b"x-script-name", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-prefix", b"x-forwarded-proto", b"forwarded")
TYPES = {".js": "text/javascript", ".css": "text/css", ".txt": "text/plain", ".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2"}
ALWAYS_SAID = {
    "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer", "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin", "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}  # fmt: skip
# Vue compiles in the page, hence eval and blob:; everything comes from here.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' blob: ws://{host} wss://{host}; worker-src 'self' blob:; frame-src 'none'; object-src 'none'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
)
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'none'; form-action 'none'; base-uri 'none'; sandbox allow-popups"


# -- the checks --------------------------------------------------------------------------------------------------------------


class Guard:
    """Between the network and Solara: who may ask, what may be asked, and what is always said."""

    def __init__(self, app: App, hosts: frozenset[str], most_sessions: int = MOST_SESSIONS):
        self.app, self.hosts, self.most_sessions = app, hosts, most_sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name.lower() not in DROPPED]
        scope["root_path"] = ""
        host = headers.get(b"host", "")
        if scope["type"] == "websocket":
            return await self._websocket(scope, receive, send, host, headers.get(b"origin", ""))
        if name_of(host) not in self.hosts:
            return await answer(send, 400, "This server does not answer to that name.")
        if headers.get(b"origin") not in (None, *(f"{scheme}://{host}" for scheme in ("http", "https"))):
            return await answer(send, 403, "This server answers its own pages only.")
        await self._http(scope, receive, send, host)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, host: str, origin: str) -> None:
        """A line to a session: only from our own pages, only to a kernel, and only while there is room."""
        kernel = KERNEL.fullmatch(scope["path"])
        ours = name_of(host) in self.hosts and urlsplit(origin).netloc.lower() == host.lower() and urlsplit(origin).scheme in ("http", "https")
        full = kernel is not None and kernel[1] not in sessions() and len(sessions()) >= self.most_sessions
        if kernel is None or not ours or full:
            await receive()  # what it says first: that it wants to connect
            return await send({"type": "websocket.close", "code": 1013 if full else 1008})
        await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send, host: str) -> None:
        path, method = scope["path"], scope["method"]
        if method not in ("GET", "HEAD") and not (method == "POST" and path.startswith("/_solara/api/close/")):
            return await answer(send, 405, "Pages are read here, nothing is written.")
        if found := PLAYER.fullmatch(path):
            return await send_file(send, STATIC / found[1], lasting=path.count("/") > 2)
        if path.startswith("/_solara/cdn/") and (name := path.removeprefix("/_solara/cdn/")) in vendored():
            return await send_vendored(send, name, b"gzip" in dict(scope["headers"]).get(b"accept-encoding", b""))
        if found := TOKEN.fullmatch(path):
            return await send_export(send, found[1])
        if found := REPORT.fullmatch(path):
            return await send_report(send, unquote(found[1]))
        if path in PAGES:
            if len(sessions()) >= self.most_sessions:
                return await answer(send, 503, FULL, title="The room is full")
        elif not is_of_solara(path):
            return await answer(send, 404, "There is no such page here.", title="Not found")
        await self.app(scope, receive, saying(send, {**ALWAYS_SAID, "content-security-policy": PAGE_POLICY.format(host=host)}))


FULL = "As many people as the server can serve are in the room. Wait until somebody closes a tab, then load this page again; or ask for the file to take away, which needs no server."


def is_of_solara(path: str) -> bool:
    """A file of Solara's that its page needs: its static files and its extensions."""
    if ".." in path or "//" in path or "\\" in path or "\0" in path:
        return False
    if path.startswith("/static/public/"):
        return False
    return path.startswith(("/static/", "/jupyter/nbextensions/", "/_solara/api/close/")) or path == "/favicon.ico"


@cache
def vendored() -> frozenset[str]:
    """What of the content network lies in this package."""
    return frozenset(path.relative_to(CDN).as_posix() for path in CDN.rglob("*") if path.is_file())


def sessions() -> dict[str, Any]:
    """The sessions that there are, by id."""
    from solara.server import kernel_context

    return kernel_context.contexts


def name_of(host: str) -> str:
    """The name in a Host header, without the port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


# -- answers of our own --------------------------------------------------------------------------------------------------------


async def answer(send: Send, status: int, text: str, title: str = "") -> None:
    """A short page."""
    body = (
        f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title or text)} - countylines</title></head>"
        f'<body style="font: 1.1rem/1.5 sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem"><main><h1>{escape(title or "countylines")}</h1>'
        f'<p>{escape(text)}</p><p><a href="/">To the room</a></p></main></body></html>'
    ).encode()
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    await send_bytes(send, body, "text/html; charset=utf-8", status, {"content-security-policy": policy, "cache-control": "no-store"})


async def send_file(send: Send, path: Path, lasting: bool) -> None:
    """A file of the player; under an address that holds its version a browser may keep it."""
    if not path.is_file() or not path.resolve().is_relative_to(STATIC.resolve()):
        return await answer(send, 404, "There is no such file here.", title="Not found")
    keep = "public, max-age=31536000, immutable" if lasting else "no-cache"
    await send_bytes(send, path.read_bytes(), TYPES.get(path.suffix, "application/octet-stream") + "; charset=utf-8", 200, {"cache-control": keep})


async def send_vendored(send: Send, name: str, compressed: bool) -> None:
    """A file of the content network: compressed once, not for each who comes, and kept by browsers, for its version is in its name."""
    said = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"} | ({"content-encoding": "gzip"} if compressed else {})
    kind = TYPES.get(Path(name).suffix, "application/octet-stream") + ("" if name.endswith(".woff2") else "; charset=utf-8")
    await send_bytes(send, read_compressed(name) if compressed else (CDN / name).read_bytes(), kind, 200, said)


@cache
def read_compressed(name: str) -> bytes:
    """One of the vendored files, by gzip; about 2 MB all together."""
    return gzip.compress((CDN / name).read_bytes(), 6, mtime=0)


async def send_export(send: Send, token: str) -> None:
    """A file to take away."""
    from sim.ui.page import Room

    content = Room.exports.get(token)
    if content is None:
        return await answer(send, 404, "This file is no longer kept; make it again.", title="Not found")
    said = {"content-encoding": "gzip", "content-disposition": 'attachment; filename="countylines.html"', "cache-control": "no-store"}
    await send_bytes(send, content, "text/html; charset=utf-8", 200, said)


async def send_report(send: Send, name: str) -> None:
    """The report of a study, which may run nothing and load nothing."""
    from sim.ui.results import report_of

    path = report_of(name)
    if path is None:
        return await answer(send, 404, "There is no such report in results/.", title="Not found")
    await send_bytes(send, path.read_bytes(), "text/html; charset=utf-8", 200, {"content-security-policy": REPORT_POLICY, "cache-control": "no-cache"})


async def send_bytes(send: Send, body: bytes, kind: str, status: int, said: dict[str, str]) -> None:
    """An answer with what is always said."""
    headers = {"content-type": kind, "content-length": str(len(body)), **ALWAYS_SAID, **said}
    await send({"type": "http.response.start", "status": status, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]})
    await send({"type": "http.response.body", "body": body})


def saying(send: Send, said: dict[str, str]) -> Send:
    """Send, with headers that Solara does not say."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            ours = [(name.encode(), value.encode()) for name, value in said.items()]
            message["headers"] = [header for header in message.get("headers", []) if header[0].lower().decode() not in said] + ours
        await send(message)

    return sending


# -- opening the room ------------------------------------------------------------------------------------------------------------


def keep_to_this_machine(home: Path) -> None:
    """Settle, before Solara is loaded, what it would otherwise do by itself: telemetry, a content network, folders in the user's home."""
    os.environ.update(
        SOLARA_TELEMETRY_MIXPANEL_ENABLE="false", SOLARA_HOME=str(home), IPYTHONDIR=str(home / "ipython"), SOLARA_MODE="production", SOLARA_ROOT_PATH="", SOLARA_APP="sim.ui.page",
        SOLARA_ASSETS_PROXY="true", SOLARA_ASSETS_PROXY_CACHE_DIR=str(CDN), SOLARA_ASSETS_FONTAWESOME_ENABLED="false",
        SOLARA_SESSION_HTTP_ONLY="true", SOLARA_SESSION_SECRET_KEY=secrets.token_hex(16), SOLARA_KERNEL_CULL_TIMEOUT=CULL,
        SOLARA_KERNEL_MAX_PER_SESSION="20", SOLARA_THEME_SHOW_BANNER="false", SOLARA_THEME_TITLE="countylines",
    )  # fmt: skip


def make_app(hosts: frozenset[str], home: Path, most_sessions: int = MOST_SESSIONS) -> Guard:
    """Solara's application behind the checks. `open_room` of the page must have been called before somebody comes."""
    keep_to_this_machine(home)
    from solara.server import cdn_helper, settings
    from solara.server.starlette import app

    if settings.telemetry.mixpanel_enable or not settings.session.http_only or settings.assets.proxy_cache_dir != CDN:
        raise RuntimeError("Solara was loaded before its settings were settled.")
    cdn_helper.fetch_from_cdn = _fetch_nothing
    warnings.filterwarnings("ignore", "Cookies with samesite=none require https")  # for pages in the frames of others, which the checks forbid
    settings.assets.extra_locations = [str(STATIC / "assets")] if (STATIC / "assets").is_dir() else []
    return Guard(app, hosts, most_sessions)


def _fetch_nothing(url: str) -> bytes:
    raise FileNotFoundError(f"{url} is not in this package, and nothing is fetched.")


def open_socket(host: str, port: int) -> socket.socket:
    """The place at which the server listens. Raises InputError if it is taken or cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except OverflowError:
        raise InputError(f"--port is {port}, but must be from 0 to 65535.") from None
    except socket.gaierror:
        raise InputError(f"--host {host} is not known on this machine.") from None
    except OSError as error:
        made.close()
        raise InputError(f"port {port} of {host} cannot be used ({error.strerror}); perhaps the room is open already: name another with --port.") from None
    return made


def names_of(host: str) -> frozenset[str]:
    """By which names browsers may ask for this server: local ones, and if it listens to the network also those of this machine."""
    names = {*LOCAL, host.lower()}
    if host in ("0.0.0.0", "::") or not is_local(host):
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        with suppress(OSError):
            names |= {str(found[4][0]).lower() for found in socket.getaddrinfo(socket.gethostname(), None)}
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.connect(("192.0.2.1", 9))  # nothing is sent: the system only says which of its addresses it would use
            names.add(asked.getsockname()[0])
    return frozenset(names)


def is_local(host: str) -> bool:
    """Can only this machine reach it?"""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_packages() -> None:
    """Raises InputError if what the page needs is not installed."""
    for name in NEEDED:
        try:
            importlib.metadata.version(name)  # asked by its name: to import it, or to look for its parts, would load its settings
        except importlib.metadata.PackageNotFoundError:
            raise InputError("the room needs the browser's packages, which are not installed; 'make ui' installs them, or: pip install 'countylines[ui]'.") from None


def ui(options: argparse.Namespace) -> int:
    """Open the room: a browser page in which trainers show the dynamics. Ctrl-C closes it."""
    check_packages()
    from sim.ui.futures import future

    first = future(options.world, 1)
    listening = open_socket(options.host, options.port)
    port = listening.getsockname()[1]
    shown = "localhost" if is_local(options.host) or options.host in ("0.0.0.0", "::") else options.host
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/{'' if options.world == 'town' else f'?world={options.world}'}"
    if not is_local(options.host):
        note("The room is open to everybody on this network; it asks for no password.")
    from sim.ui.lessons import every_lesson
    from sim.ui.store import Store

    every_lesson()  # a mistake in one is told now, not to a class
    store = Store()
    try:
        guard = make_app(names_of(options.host), store.folder)
        import uvicorn

        from sim.ui.page import open_room

        open_room(store)
        store.begun(first)  # while the browser opens
        store.get_ready()
        config = uvicorn.Config(
            guard, log_level="warning", access_log=False, timeout_graceful_shutdown=3, ws_max_size=MOST_MESSAGE, server_header=False, lifespan="on", loop="asyncio",
            ws_per_message_deflate=False,  # what is large was compressed once for all tabs, and shall not be again for each
        )  # fmt: skip
        server = uvicorn.Server(config)
        threading.Thread(target=_when_ready, args=(server, address, options.open), daemon=True).start()
        server.run(sockets=[listening])
    finally:
        store.close()
        listening.close()
    return DONE


def _when_ready(server: Any, address: str, opens: bool) -> None:
    while not server.started:
        if server.should_exit:
            return
        threading.Event().wait(0.05)
    say(f"The room is open at {address} - Ctrl-C closes it.")
    if opens and sys.stdout.isatty():
        webbrowser.open(address)
