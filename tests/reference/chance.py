"""From draws to what they decide. The draws themselves are the engine's own, looked up by decision, key and serial."""

import struct

import numpy as np

from sim.draws import GOLDEN, gamma_quantile


def mixed(z):
    """splitmix64's finaliser (Steele, Lea and Flood 2014)."""
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) % 2**64
    return z ^ z >> 31


def key_in(series, n):
    """The key of a member (0, 1 ...) of a numbered series whose own key is `series`."""
    return mixed((n + 1) * GOLDEN % 2**64 ^ series)


def is_kept(key, fraction):
    """Of children by their keys, a fraction is kept in a small world."""
    return (key >> 11) * 2.0**-53 < fraction


def gamma(e, shape):
    """A gamma variable with mean 1, from an Exp(1) draw (the stored table of quantiles)."""
    return float(gamma_quantile(np.array([e]), shape)[0])


def single(x):
    """A number as it is after being stored in single precision."""
    return struct.unpack("f", struct.pack("f", x))[0]


def pick(weights, u):
    """One of several, each as often as its weight says: the one under which a number between 0 and 1 falls, in their order."""
    reached, total = 0.0, sum(weights.values())
    for name, weight in weights.items():
        reached += weight / total
        if u <= reached:
            return name
    return name  # the last: shares may add up to a little under 1


def first_over(left, hazards):
    """A day passes: its hazards are taken off what is left of each patience. What was used up first within the day, or None.

    Where two are used up on one day the second stays, and comes when it can.
    """
    for cause, hazard in hazards.items():
        left[cause] -= hazard
    over = {cause: left[cause] / hazard for cause, hazard in hazards.items() if left[cause] <= 0.0 < hazard}
    if not over:
        return None
    first = min(over, key=over.get)
    del left[first]
    return first
