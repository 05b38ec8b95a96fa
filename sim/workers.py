"""Worker processes: however the process that began them ends, also killed, none is left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def leave_ctrl_c() -> None:
    """First thing in a worker whose parent ends it in order: Ctrl-C is for the parent, and the worker ends at the latest with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def end_with_parent() -> None:
    """From now on this process ends when the one that began it has gone."""
    threading.Thread(target=_wait_for_its_end, daemon=True).start()


def _wait_for_its_end() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
