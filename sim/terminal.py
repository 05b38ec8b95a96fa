"""What the command lines share: arguments that help with a misspelling, output, progress, and how a program ends.

Exit codes: 0 done, 1 failed, 2 bad input (one sentence), 130 stopped by Ctrl-C, 141 nobody reads the output any more.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sim.errors import InputError
from sim.parameters import nearest
from sim.runs import plain, reason

DONE, FAILED, BAD_INPUT, STOPPED, UNREAD = 0, 1, 2, 130, 141
AS_WIDE_AS_IT_IS = 10_000  # columns, for tables that go to a file or another program


# -- arguments -------------------------------------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """Arguments as argparse reads them; a mistake is an InputError of one sentence, with the nearest known name."""

    def __init__(self, *args: Any, **kwargs: Any):
        self.options: list[str] = []
        self.commands: list[str] = []
        super().__init__(*args, **(kwargs | {"allow_abbrev": False}))

    def add_argument(self, *names: Any, **kwargs: Any) -> argparse.Action:
        action = super().add_argument(*names, **kwargs)
        self.options += [name for name in action.option_strings if name.startswith("--")]  # "--no-open" beside "--open", too
        return action

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        words = sys.argv[1:] if args is None else list(args)
        self._refuse_unknown_command(words) if self.commands else self._refuse_unknown_options(words)
        return super().parse_known_args(words, namespace)

    def _refuse_unknown_command(self, words: list[str]) -> None:
        if not words:
            raise InputError(f"name a command: {', '.join(self.commands)}; --help says what each does.")
        if not words[0].startswith("-") and words[0] not in self.commands:
            raise InputError(f"command '{words[0]}' is not known; {nearest(words[0], self.commands)}.")

    def _refuse_unknown_options(self, words: list[str]) -> None:
        """Before argparse looks, which would only say that the option it expected is missing."""
        for word in words:
            if word == "--":
                return
            name = word.partition("=")[0]
            if name.startswith("--") and name not in self.options:
                raise InputError(f"option '{name}' is not known; {nearest(name, self.options)}.")

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ")
        for theirs, ours in (("the following arguments are required: ", "missing: "), ("unrecognized arguments: ", "not expected: ")):
            message = message.replace(theirs, ours)
        raise InputError(f"{message.rstrip('.')}; --help says what is allowed." if "must be" not in message else message)


def whole_number(least: int, greatest: int | None = None) -> Callable[[str], int]:
    """Reads a whole number from `least` to `greatest`."""
    allowed = f"from {least}" + (f" to {greatest}" if greatest is not None else "")

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least or (greatest is not None and number > greatest):
            raise argparse.ArgumentTypeError(f"'{text}' must be a whole number {allowed}.")
        return number

    return read


def positive_number(text: str) -> float:
    """Reads a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' must be a number above 0.")
    return number


# -- output ----------------------------------------------------------------------------------------------------------------


def say(text: str = "") -> None:
    """A line of output."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _abandon_output()
        raise InputError(f"the output cannot be written ({reason(error)}).") from None


def note(text: str) -> None:
    """A line for the reader, not for a program that reads the output."""
    print(text, file=sys.stderr, flush=True)


def say_json(what: Any) -> None:
    """Plain data as JSON."""
    say(json.dumps(plain(what), indent=2, ensure_ascii=False, allow_nan=False))


def table(*headings: str, title: str = "", numbers: tuple[str, ...] = ()) -> Table:
    """A table to fill with `add` and print with `show`; the columns named in `numbers` are set to the right."""
    made = Table(title=Text(title) if title else None, title_justify="left", title_style="bold", header_style="bold", box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for heading in headings:
        first = not made.columns
        made.add_column(Text(heading), justify="right" if heading in numbers else "left", no_wrap=first)
    return made


def add(made: Table, *cells: Any) -> None:
    """A row, as it stands: nothing in it is read as markup."""
    made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells))


def show(made: Table) -> None:
    """A table: drawn in a terminal, plain columns as wide as they are for a file or another program."""
    console = Console(force_jupyter=False)
    if not console.is_terminal:
        made.box, made.collapse_padding = None, False
        console = Console(file=io.StringIO(), width=AS_WIDE_AS_IT_IS, color_system=None)
    with console.capture() as drawn:
        console.print(made)
    say("\n".join(line.rstrip() for line in drawn.get().rstrip("\n").split("\n")))


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error, if that is a terminal; give what is being done, how much is done, and of how much."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, rate="")

        def tell(what: str, done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, description=what, completed=done, total=total, rate=f"{speed:,.0f} days/s" if speed else "")

        yield tell


# -- the end ---------------------------------------------------------------------------------------------------------------


def run_to_its_end(program: str, do: Callable[[], int]) -> int:
    """What a command line program does, with its exit code; mistakes, Ctrl-C and closed pipes end it in one line or none."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _code_of(do)
        sys.stdout.flush()
        return code
    except InputError as error:
        print(f"{program}: {in_one_line(str(error))}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt as stop:
        print(f"{program}: stopped by Ctrl-C; {str(stop) or 'nothing was left half-written.'}", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        _abandon_output()
        return UNREAD


def in_one_line(text: str) -> str:
    """A sentence in which line ends and other signs that move the cursor, as a name in a file may hold them, stand as they are written in code."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text.rstrip())


def _code_of(do: Callable[[], int]) -> int:
    """The exit code, also of --help, which argparse ends by itself."""
    try:
        return do()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else DONE


def _abandon_output() -> None:
    """Nobody reads, or nothing can be written: Python shall not try again when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
