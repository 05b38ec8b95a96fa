"""Takes the README's pictures of the room anew, from a program that runs: python tests/ui/take_pictures.py http://localhost:8765"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

PICTURES = Path(__file__).parents[2] / "sim/docs/pictures"
PACKAGE = "b=return_interviews;coverage:0.9,early_identification;coverage:0.8,key_worker;coverage:0.8"


def room(page: Page) -> None:
    page.wait_for_timeout(20_000)  # until other seeds have made a ribbon
    page.evaluate("scrollTo(0, 0)")


def lesson(page: Page) -> None:
    page.locator("#guess").fill("45")
    page.get_by_role("button", name="Reveal").click()
    page.get_by_role("button", name="Begin", exact=True).click()
    page.wait_for_selector(".revealed table", timeout=120_000)
    page.wait_for_timeout(10_000)


def child(page: Page) -> None:
    page.wait_for_selector(".timeline > ol li", timeout=120_000)
    page.wait_for_timeout(1_000)
    page.locator("#child").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.querySelector('#child').getBoundingClientRect().top + scrollY - 110)")


def policies(page: Page) -> None:
    page.locator(".card", has_text="Relationship-based key worker").locator("summary", has_text="numbers").click()
    page.evaluate("scrollTo(0, document.querySelector('#policies').getBoundingClientRect().top + scrollY - 100)")


SCENES = {
    "room": (f"/?world=town&seed=1&a=&{PACKAGE}&day=560", room, 1080),
    "lesson": ("/?lesson=a_line_comes_to_town&scene=4", lesson, 1000),
    "child": ("/?lesson=one_worker_who_stays&scene=4", child, 900),
    "policies": (f"/?world=town&seed=1&a=&{PACKAGE}&day=366", policies, 900),
}


def main(address: str, names: list[str]) -> None:
    """Each picture of `names`, or all."""
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in names or SCENES:
            query, prepare, height = SCENES[name]
            page = browser.new_page(viewport={"width": 1400, "height": height})
            page.goto(address + query)
            page.wait_for_selector(".tiles", timeout=120_000)
            page.wait_for_function("!document.querySelector('.status').textContent", timeout=120_000)
            prepare(page)
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            picture.save(PICTURES / f"{name}.png", optimize=True)
            page.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
