"""A real Chromium for the tests of the page. Where there is none, they are skipped and say how to get one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui import made_up
from tests.ui.browsing import Watched

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome") if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args) -> dict[str, Any]:
    """pytest-playwright starts the machine's own Chromium."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": sandbox}


@pytest.fixture(scope="session")
def taken_away(tmp_path_factory) -> Path:
    """A file of made-up days that plays by itself."""
    file = tmp_path_factory.mktemp("page") / "taken away.html"
    file.write_text(made_up.page(made_up.messages()), encoding="utf-8")
    return file


@pytest.fixture
def watch(browser) -> Iterator[Any]:
    """Makes watched pages, and closes them at the end."""
    opened: list[Watched] = []

    def make(**context: Any) -> Watched:
        opened.append(Watched(browser, **context))
        return opened[-1]

    yield make
    for one in opened:
        one.context.close()
