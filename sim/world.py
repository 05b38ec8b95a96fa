"""A world: which authorities are simulated, what fraction of their children, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.places import Places, read_places

NEIGHBOURHOOD = 600  # children aged 10-17 in the streets and schools around a home, about one secondary school's catchment
CORNERS = 10  # parts of a neighbourhood: the children whom one contact may meet
FULL_COHORTS = 7  # school years wholly aged 10-17 on 1 April; the oldest is there in part


@dataclass(frozen=True)
class World:
    """The simulated places; every other authority of England is part of *elsewhere*.

    `authorities` are indices into `places`, ascending; `fraction` is the share of children kept (each by its own key).
    """

    name: str
    authorities: tuple[int, ...]
    fraction: float
    warm_up_days: int
    days: int
    inert: float = 0.0  # so many further children for each child, to whom nothing can happen: to measure what numbers alone cost

    @property
    def places(self) -> Places:
        """All authorities of England."""
        return read_places()

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Per authority of England: is it simulated?"""
        mask = np.zeros(len(self.places), dtype=bool)
        mask[list(self.authorities)] = True
        return mask

    def neighbourhoods(self) -> NDArray[np.int64]:
        """Number of neighbourhoods of each authority of England, 0 outside the world."""
        number = np.maximum(1, np.rint(self.places.population_10_17 * self.fraction / NEIGHBOURHOOD)).astype(np.int64)
        return np.where(self.inside, number, 0)
