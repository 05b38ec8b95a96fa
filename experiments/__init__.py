"""Experiments with the model: scenarios compared with common random numbers, studies as files, and how sure one can be of what they show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def open_frame(*folders: str | Path) -> pd.DataFrame:
    """The runs of a study that `sweep` made, as a table: see `experiments.studies.frame`."""
    from experiments.studies import frame  # pandas is slow to load, and who runs studies does not need it

    return frame.open_frame(*folders)
