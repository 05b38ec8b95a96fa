"""The results page: which studies lie in `results/`, and their reports."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path("results")
REPORT = "report.html"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")
LARGEST = 50_000_000  # bytes of a report that is served
MOST = 200  # studies that are listed
LONGEST_FACT = 4_000_000  # bytes of a study.json that is read


def studies(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """The studies in a folder, the newest first: name, title, when made, the address of its report or None, and how to rebuild it."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink() and NAME.fullmatch(path.name)]
    listed = sorted(map(_study, found), key=lambda study: study["made"], reverse=True)
    return listed[:MOST]


def _study(folder: Path) -> dict[str, Any]:
    facts = _facts(folder / "study.json")
    report = folder / REPORT
    made = datetime.fromtimestamp((report if report.is_file() else folder).stat().st_mtime, UTC)
    told = facts.get("study", {})
    scenarios = told.get("scenarios", []) if isinstance(told, dict) else []
    return {
        "name": folder.name, "title": ", ".join(map(str, scenarios)) or _first_heading(folder) or folder.name.replace("_", " "), "made": made.isoformat(timespec="minutes"),
        "address": f"/reports/{folder.name}/{REPORT}" if report.is_file() else None, "command": str(facts.get("command", ""))[:2000],
    }  # fmt: skip


def _facts(path: Path) -> dict[str, Any]:
    try:
        if path.is_symlink() or path.stat().st_size > LONGEST_FACT:
            return {}
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _first_heading(folder: Path) -> str:
    """What a folder's README says it is."""
    try:
        return next((line.lstrip("# ").strip()[:200] for line in (folder / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("#")), "")
    except (OSError, ValueError):
        return ""


def report_of(name: str, folder: Path = RESULTS) -> Path | None:
    """The report of a study by the name of its folder; None for whatever is not the name of a folder that lies there and holds one."""
    if not NAME.fullmatch(name):
        return None
    path = folder / name / REPORT
    inside = path.is_file() and path.resolve().is_relative_to(folder.resolve())
    return path if inside and path.stat().st_size <= LARGEST else None
