"""What a compiled rule is given: many numbers under their names, for the price of one argument."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def by_name(**values: Any) -> NDArray[np.void]:
    """An array of one row, with a field for each of `values` (numbers, or arrays of them): a compiled rule reads `numbers[0].name`."""
    fields = [(name, np.asarray(value).dtype, np.shape(value)) for name, value in values.items()]
    return np.array([tuple(values.values())], dtype=fields)
