"""The room as visitors meet it: the real program, a real Chromium, the town world. These take minutes, hence slow; a file's page is tested in seconds."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.browsing import NARROW, violations

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
MODEL_TIME = 180_000  # ms: the days are simulated meanwhile, perhaps beside other tests
PAGES = ("/", "/lessons", "/results", "/about")


class Program:
    """`python -m sim ui`, and where it listens."""

    def __init__(self, folder: Path):
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sim", "ui", "--port", "0", "--no-open"], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for line in self.process.stdout:
            if found := re.search(r"http://[\w.]+:(\d+)/", line):
                self.port = int(found[1])
                break
        self.address = f"http://127.0.0.1:{self.port}"

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def program(browser, tmp_path_factory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("somewhere")
    (folder / "results/a_study").mkdir(parents=True)
    (folder / "results/a_study/report.html").write_text("<!doctype html><html lang='en'><title>Report</title><h1>A study</h1></html>")
    running = Program(folder)
    yield running
    running.stop()


@pytest.fixture
def visit(program, watch):
    """A visitor who opens an address of the program; at the end nothing was asked of anybody else, and nothing complained."""
    visitors = []

    def open_(path: str = "/", wait_for: str = ".tiles", **context):
        watched = watch(**context)
        visitors.append(watched)
        watched.page.set_default_timeout(MODEL_TIME)
        watched.page.goto(program.address + path)
        watched.page.wait_for_selector(wait_for)
        return watched.page

    yield open_
    for watched in visitors:
        assert watched.strangers() == []
        assert watched.complaints == []


def today(page) -> int:
    return int(page.locator("#scrub").input_value())


def go(page, day: int) -> None:
    """To a day, by the slider; waits until it is lived and shown."""
    page.locator("#scrub").fill(str(day))
    page.wait_for_function(f"document.querySelector('#scrub').value === '{day}' && !document.querySelector('.status').textContent", timeout=MODEL_TIME)


def numbers(page, side: str) -> list[str]:
    return page.locator(f".future-{side} .value").all_inner_texts()


def play(page) -> None:
    page.get_by_role("button", name="Play").click()
    if (begin := page.get_by_role("button", name="Begin", exact=True)).is_visible():
        begin.click()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_for_axe_and_at_320_pixels(visit, path):
    wait_for = ".card" if path != "/about" else "h2"
    assert violations(visit(path, wait_for)) == []
    page = visit(path, wait_for, viewport=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert violations(page) == []


def test_a_policy_from_today_on_by_mouse_and_its_link(visit):
    page = visit("/?world=town&seed=1&a=&b=&day=390")
    assert today(page) == 390
    before = numbers(page, "a")
    assert before == numbers(page, "b")
    card = page.locator(".card", has_text="Return interviews within 72 hours")
    card.get_by_role("button", name="Use").click()
    page.wait_for_function("document.querySelector('.future-b h2').textContent.includes('Return interviews')")
    assert today(page) == 390 and numbers(page, "a") == before and numbers(page, "b")[:4] == before[:4]
    assert "In force from 25 April 2026" in card.inner_text()
    go(page, 470)
    both = numbers(page, "a"), numbers(page, "b")
    assert page.locator(".future-b .gap").last.inner_text().endswith("more")  # interviews cost something
    page.wait_for_function("location.search.includes('return_interviews@390') && location.search.includes('day=470')")
    other = visit(page.evaluate("location.pathname + location.search"))
    assert today(other) == 470 and (numbers(other, "a"), numbers(other, "b")) == both


def test_a_policy_by_keyboard_alone(visit):
    page = visit("/?world=town&seed=1&a=&b=&day=366")
    card = page.locator(".card", has_text="Relationship-based key worker")
    card.locator("summary", has_text="numbers").focus()
    page.keyboard.press("Enter")
    slider = card.get_by_role("slider", name="How much of it is reached")
    slider.focus()
    page.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext") == "1 share of eligible occasions"
    card.get_by_role("button", name="Use").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.future-b h2').textContent.includes('key worker')")
    page.wait_for_function("location.search.includes('b=key_worker;coverage:1@366')")  # and of the numbers that nobody touched, none
    card.get_by_role("button", name="Take it away").press("Enter")
    page.wait_for_function("!document.querySelector('.future-b h2').textContent.includes('key worker')")


def test_two_tabs_are_apart(visit):
    one, other = visit("/?world=town&seed=1&b=&day=366"), visit("/?world=town&seed=1&b=&day=380")
    title = other.locator(".future-b h2").inner_text()
    one.keyboard.press("ArrowRight")
    one.locator(".card", has_text="Line disruption").get_by_role("button", name="Use").click()
    one.wait_for_function("document.querySelector('.future-b h2').textContent.includes('disruption')")
    assert (today(one), today(other)) == (367, 380)
    assert other.locator(".future-b h2").inner_text() == title


@pytest.mark.parametrize("lesson", sorted(path.stem for path in (ROOT / "sim/ui/lessons").glob("*.toml")))
def test_a_lesson_from_its_first_scene_to_its_last_by_clicker(visit, lesson):
    page = visit(f"/?lesson={lesson}&scene=1", ".lesson h2")
    scenes = tomllib.loads((ROOT / f"sim/ui/lessons/{lesson}.toml").read_text(encoding="utf-8"))["scenes"]
    for scene, told in enumerate(scenes, start=1):
        page.wait_for_function(f"document.querySelector('.where-in').textContent.includes('Scene {scene} of 5') && !document.querySelector('.status').textContent", timeout=MODEL_TIME)
        if page.locator("#guess").is_visible():
            assert numbers(page, "b")[0] == "?"
            page.locator("#guess").fill("10")
            page.get_by_role("button", name="Reveal").click()
            if (begin := page.get_by_role("button", name="Begin", exact=True)).is_visible():
                begin.click()
            page.wait_for_selector(".revealed table")
            assert numbers(page, "b")[0] != "?"
        page.wait_for_timeout(300)
        who = page.locator("#child .who").inner_text()
        assert who.startswith("Child") == ("people" in told), "a text that speaks of a child has one on the screen"
        assert told.get("people", "differ") == "differ" or f"left, {told['people']};" in who
        page.locator("body").press("PageDown")


def test_a_child_is_followed_in_plain_words(visit):
    page = visit("/?world=town&seed=1&day=420")
    page.get_by_label("Find a child who today is").select_option("on a line")
    page.get_by_role("button", name="Follow the next").click()
    page.wait_for_selector(".timeline li", state="attached")
    assert page.locator(".timeline li").count() >= 1
    assert "child=" in page.evaluate("location.search")


def test_the_file_plays_with_no_program(visit, watch, tmp_path):
    page = visit("/?world=town&seed=1&day=366")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as a file").click()
    file = tmp_path / "countylines.html"
    waiting.value.save_as(file)
    assert file.stat().st_size < 2_500_000
    watched = watch(offline=True)
    alone = watched.page
    alone.goto(file.as_uri())
    alone.wait_for_selector(".tiles")
    alone.wait_for_function("() => document.querySelector('#scrub').max - document.querySelector('#scrub').min >= 364")
    play(alone)
    alone.wait_for_function("() => Number(document.querySelector('#scrub').value) >= 370")
    assert violations(alone) == []
    assert watched.strangers() == [] and watched.complaints == []


def test_a_report_opens_and_other_paths_do_not(visit, program):
    page = visit("/results", ".card")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the report of a_study").click()
    opened.value.wait_for_selector("h1")
    assert opened.value.locator("h1").inner_text() == "A study"
    for path in ("/reports/..%2f..%2fetc/report.html", "/reports/%2e%2e/report.html", "/resourcez", "/_solara/cdn/vega@5/x.js"):
        assert ask(program, path)[0] == 404


def test_with_the_network_closed():
    """A visitor of the program where there is no network at all, only the machine itself (Linux)."""
    inside = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*inside, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody close the network for one process (unshare -rn)")
    test = f"{Path(__file__)}::test_a_child_is_followed_in_plain_words"
    ran = subprocess.run([*inside, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0 and "1 passed" in ran.stdout, ran.stdout[-2000:]


def ask(program: Program, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", program.port, timeout=30)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def test_foreign_hosts_and_origins_are_refused(program):
    assert ask(program, "/", Host="evil.example")[0] == 400
    assert ask(program, "/", Origin="http://evil.example")[0] == 403
    line = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    assert ask(program, "/jupyter/api/kernels/00000000-0000-0000-0000-000000000000/channels", Origin="http://evil.example", **line)[0] == 403
    status, said = ask(program, "/")
    assert status == 200 and "frame-ancestors 'none'" in said["content-security-policy"] and said["x-content-type-options"] == "nosniff"


def test_the_program_dies_and_the_page_plays_on_and_says_so(watch, tmp_path):
    running = Program(tmp_path)
    try:
        page = watch().page
        page.goto(running.address + "/?world=town&seed=1&day=366&speed=4")
        page.wait_for_selector(".tiles", timeout=MODEL_TIME)
        page.wait_for_function("!document.querySelector('.status').textContent", timeout=MODEL_TIME)
        play(page)
        page.wait_for_function("Number(document.querySelector('#scrub').value) >= 367")
        running.stop(signal.SIGKILL)
        at = today(page)
        page.wait_for_function(f"Number(document.querySelector('#scrub').value) >= {at + 5}")
        page.wait_for_selector(".gone", state="visible", timeout=30_000)
        text = page.locator(".gone").inner_text()
        assert "no longer answers" in text and "still plays" in text
        page.keyboard.press("Home")
        page.get_by_role("button", name="One day on").click()
        page.wait_for_function("document.querySelector('#scrub').value === '367'")
    finally:
        running.stop(signal.SIGKILL)
