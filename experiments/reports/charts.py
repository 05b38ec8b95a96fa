"""Charts: drawn into the page as SVG, each with a title, a description and a table of the same figures.

They are narrow, so that one fits on a telephone and several stand side by side on a screen. Colours are those of Okabe and Ito,
which people with any colour vision can tell apart; lines differ in their dashes too.
"""

from __future__ import annotations

import html
import io
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from experiments.analyses.effects import Interval
from experiments.measures.story import Window
from sim.dates import date_of

INK, PALE, COMPARATOR, GREY = "#222222", "#d9d9d9", "#444444", "#a3a3a3"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2)))
BEHIND = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
WIDTH = 3.9  # inches; 281 points, about a telephone's width
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "font.family": ["sans-serif"], "font.size": 9, "axes.titlesize": 9.5, "axes.labelsize": 9,
    "axes.edgecolor": "#888888", "axes.spines.top": False, "axes.spines.right": False, "text.color": INK,
    "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.titlelocation": "left",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Figures as text: the first column names the row. `quiet` are the numbers of rows that are set in grey."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    quiet: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Chart:
    """An SVG picture, and the same figures as a table."""

    name: str
    title: str
    description: str
    caption: str
    svg: str
    table: Table


@dataclass(frozen=True)
class Row:
    """One line of a chart of differences."""

    label: str
    interval: Interval
    is_separable: bool


@dataclass(frozen=True)
class Line:
    """A course over time: one interval for each month."""

    label: str
    points: tuple[Interval, ...]


def differences(name: str, title: str, unit: str, description: str, caption: str, rows: Sequence[Row], table: Table) -> Chart:
    """Intervals beside one another against a line at no change; filled where they exclude it."""
    with matplotlib.rc_context(STYLE):
        sheet = Sheet(title, inside=0.42 * len(rows), below=0.5, left=0.12, right=0.12)
        axes = sheet.figure.subplots()
        axes.axvline(0.0, color=INK, linewidth=0.8)
        for at, row in enumerate(rows):
            _difference(axes, len(rows) - 1 - at, row, COLOURS[at % len(COLOURS)])
        axes.set_ylim(-0.4, len(rows) - 0.15)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(unit)
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(lambda value, _: _tick(value, signed=True))
        axes.grid(axis="x", color=PALE, linewidth=0.5)
        axes.set_axisbelow(True)
        return Chart(name, title, description, caption, _svg(sheet.figure, name, title, description), table)


def _difference(axes: Axes, at: int, row: Row, colour: str, ink: str = INK) -> None:
    value, low, high = row.interval.value, row.interval.low, row.interval.high
    if low == low:
        axes.plot([low, high], [at, at], color=colour, linewidth=2.4, solid_capstyle="butt")
    if value == value:
        axes.plot([value], [at], "o", color=colour, markersize=6, markerfacecolor=colour if row.is_separable else "white", markeredgewidth=1.6)
    axes.annotate(row.label, (0.0, at + 0.24), xycoords=("axes fraction", "data"), va="bottom", fontsize=8.5, bbox=BEHIND, color=ink)


def ranked(
    name: str, title: str, unit: str, description: str, caption: str, rows: Sequence[Row], table: Table, inert: Interval | None = None
) -> Chart:
    """Values with intervals, one below another; grey where nothing can be told from an input that does nothing, whose interval is the band."""
    with matplotlib.rc_context(STYLE):
        sheet = Sheet(title, inside=0.36 * len(rows), below=0.5, left=0.12, right=0.12)
        axes = sheet.figure.subplots()
        if inert is not None and inert.low == inert.low:
            axes.axvspan(inert.low, inert.high, color=PALE, alpha=0.6, linewidth=0)
        axes.axvline(0.0, color=INK, linewidth=0.8)
        for at, row in enumerate(rows):
            _difference(axes, len(rows) - 1 - at, row, COLOURS[0] if row.is_separable else GREY, INK if row.is_separable else "#6b6b6b")
        axes.set_ylim(-0.4, len(rows) - 0.1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(unit)
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(lambda value, _: _tick(value))
        return Chart(name, title, description, caption, _svg(sheet.figure, name, title, description), table)


def parts(name: str, title: str, unit: str, description: str, caption: str, rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str], table: Table) -> Chart:
    """Shares of a whole as bars, one below another."""
    with matplotlib.rc_context(STYLE):
        sheet = Sheet(title, inside=0.46 * len(rows), below=0.5 + 0.2, left=0.12, right=0.12)
        axes = sheet.figure.subplots()
        for at, (label, shares) in enumerate(rows):
            left, height = 0.0, len(rows) - 1 - at
            for k, share in enumerate(shares):
                if share == share:
                    axes.barh(height, 100.0 * share, left=100.0 * left, height=0.36, color=COLOURS[k])
                    left += share
            axes.annotate(label, (0.0, height + 0.22), xycoords=("axes fraction", "data"), va="bottom", fontsize=8.5)
        axes.set_xlim(0.0, 100.0)
        axes.set_ylim(-0.4, len(rows) - 0.15)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(unit)
        patches = [Patch(color=COLOURS[k], label=each) for k, each in enumerate(names)]
        sheet.figure.legend(handles=patches, loc="lower left", ncols=len(names), frameon=False, fontsize=8.5, handlelength=1.2, borderaxespad=0.1)
        return Chart(name, title, description, caption, _svg(sheet.figure, name, title, description), table)


def course(name: str, title: str, unit: str, below: str, description: str, caption: str, steps: Sequence[int], points: Sequence[Interval], table: Table) -> Chart:
    """A difference with its interval, as more and more draws are counted."""
    with matplotlib.rc_context(STYLE):
        sheet = Sheet(title, inside=1.5, below=0.5)
        axes = sheet.figure.subplots()
        axes.fill_between(steps, [p.low for p in points], [p.high for p in points], color=COLOURS[0], alpha=0.22, linewidth=0)
        axes.plot(steps, [p.value for p in points], color=COLOURS[0], linewidth=1.6)
        axes.axhline(0.0, color=INK, linewidth=0.8)
        late = [end for point in points[len(points) // 4 :] for end in (point.low, point.high)]
        low, high = min(0.0, *late), max(0.0, *late)
        axes.set_ylim(low - 0.05 * (high - low or 1.0), high + 0.05 * (high - low or 1.0))  # the first intervals would hide all others
        axes.set_ylabel(unit)
        axes.set_xlabel(below)
        axes.yaxis.set_major_formatter(lambda value, _: _tick(value, signed=True))
        axes.grid(axis="y", color=PALE, linewidth=0.5)
        axes.set_axisbelow(True)
        return Chart(name, title, description, caption, _svg(sheet.figure, name, title, description), table)


def over_time(
    name: str, title: str, unit: str, description: str, caption: str, months: Sequence[Window], comparator: Line, lines: Sequence[Line],
    table: Table,
) -> Chart:
    """The comparator with its ribbon, and the mean course of each scenario."""
    with matplotlib.rc_context(STYLE):
        sheet = Sheet(title, inside=1.75, below=0.55 + 0.17 * (len(lines) + 1))
        axes, x = sheet.figure.subplots(), list(range(len(months)))
        axes.fill_between(x, [p.low for p in comparator.points], [p.high for p in comparator.points], color=COMPARATOR, alpha=0.16, linewidth=0)
        axes.plot(x, [p.value for p in comparator.points], color=COMPARATOR, linewidth=2.2, label=f"{comparator.label} (ribbon: its replicates)")
        for k, line in enumerate(lines):
            axes.plot(x, [p.value for p in line.points], color=COLOURS[k % 6], linestyle=DASHES[k % 6], linewidth=1.4, label=line.label)
        axes.set_ylim(bottom=0.0)
        axes.set_ylabel(unit)
        _months(axes, months)
        axes.yaxis.set_major_formatter(lambda value, _: _tick(value))
        sheet.figure.legend(loc="lower left", ncols=1, frameon=False, fontsize=8.5, handlelength=2.6, borderaxespad=0.1, labelspacing=0.25)
        return Chart(name, title, description, caption, _svg(sheet.figure, name, title, description), table)


def differences_over_time(
    name: str, title: str, unit: str, description: str, caption: str, months: Sequence[Window], lines: Sequence[Line], table: Table
) -> Chart:
    """Each scenario's monthly difference with its ribbon, one above the other on one scale."""
    with matplotlib.rc_context(STYLE):
        sheet = Sheet(title, inside=0.95 * len(lines), below=0.4, above=0.2)
        panels = sheet.figure.subplots(len(lines), 1, sharex=True, sharey=True, squeeze=False, gridspec_kw={"hspace": 0.4})[:, 0]
        x = list(range(len(months)))
        for k, (axes, line) in enumerate(zip(panels, lines, strict=True)):
            axes.fill_between(x, [p.low for p in line.points], [p.high for p in line.points], color=COLOURS[k % 6], alpha=0.22, linewidth=0)
            axes.plot(x, [p.value for p in line.points], color=COLOURS[k % 6], linewidth=1.6)
            axes.axhline(0.0, color=INK, linewidth=0.8)
            axes.set_title(line.label, fontsize=8.5, pad=3)
            axes.yaxis.set_major_formatter(lambda value, _: _tick(value, signed=True))
            axes.locator_params(axis="y", nbins=4)
        _months(panels[-1], months)
        sheet.figure.text(0.0, 0.5, unit, rotation="vertical", va="center", fontsize=9)
        return Chart(name, title, description, caption, _svg(sheet.figure, name, title, description), table)


class Sheet:
    """A figure of our width with a bold title; sizes are in inches, so that it is as high as what is in it needs."""

    def __init__(self, title: str, *, inside: float, below: float, above: float = 0.0, left: float = 0.62, right: float = 0.08):
        lines = textwrap.wrap(title, 48)
        top = 0.12 + 0.16 * len(lines) + above
        height = top + inside + below
        self.figure = Figure(figsize=(WIDTH, height))
        self.figure.subplots_adjust(left=left / WIDTH, right=1.0 - right / WIDTH, bottom=below / height, top=1.0 - top / height)
        self.figure.text(0.0, 1.0 - 0.03 / height, "\n".join(lines), va="top", fontsize=9.5, fontweight="bold")


def _months(axes: Axes, months: Sequence[Window]) -> None:
    """Name each April and October, or every month where there are few."""
    starts = [date_of(month.first) for month in months]
    marked = [k for k, start in enumerate(starts) if len(starts) <= 4 or start.month in (4, 10)]
    axes.set_xticks(marked, [f"{starts[k]:%b}\n{starts[k]:%Y}" for k in marked])
    axes.set_xlim(-0.3, len(months) - 0.7)
    axes.grid(axis="y", color=PALE, linewidth=0.5)
    axes.set_axisbelow(True)


def _tick(value: float, *, signed: bool = False) -> str:
    if abs(value) < 1e-12:
        return "0"
    text = f"{abs(value):,.0f}" if abs(value) >= 10 else f"{abs(value):.3g}"
    return f"{'−' if value < 0 else '+' if signed else ''}{text}"


def _svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as SVG for the inside of an HTML page: named, described, and with ids that no other chart has."""
    drawn = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(drawn, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = drawn.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text).replace("xlink:href", "href")
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)  # its style is in report.css
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
    text = re.sub(r' (width|height)="[0-9.]+pt"', "", text, count=2)
    text = re.sub(r' version="1.1"', "", text, count=1)
    label = f'<title id="{name}-title">{html.escape(title)}</title><desc id="{name}-desc">{html.escape(description)}</desc>'
    return re.sub(r"<svg([^>]*)>", rf'<svg\1 role="img" aria-labelledby="{name}-title {name}-desc">' + label.replace("\\", r"\\"), text, count=1)
