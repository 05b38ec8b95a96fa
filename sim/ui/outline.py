"""England's outline, in the kilometres of `sim.places`; empty where none is at hand, and the page then draws a cartogram."""

from __future__ import annotations

from functools import cache


@cache
def outline() -> list[list[list[float]]]:
    """Closed lines of points east and north of the origin [km]."""
    return []
