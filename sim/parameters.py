"""Every number of the model, declared once with its unit, its range and its source.

    class Reporting(Parameters, group="reporting"):
        carers_report = parameter(0.75, unit="probability", between=(0.5, 0.95), source="run_unreported_2011")

An instance holds one value for each; the engine, the documentation, the sampling and (later) the sliders read that line.
`ASSUMED` is an honest source, and is counted.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import exp, log
from typing import Any, ClassVar

from scipy.special import betaincinv

from sim.sources import ASSUMED

__all__ = ["ASSUMED", "Parameter", "ParameterError", "Parameters", "every_parameter", "nearest", "parameter"]


DISTRIBUTIONS = ("pert", "log-pert", "uniform", "log-uniform", "fixed")
WIDE = 4.0  # a range whose ends are so many times apart


class ParameterError(ValueError):
    """A parameter was given a name, type or value that it cannot have; the message is one sentence for the user."""


@dataclass(frozen=True)
class Parameter:
    """A declared number: default value, unit, range, source and the distribution of what we do not know.

    `distribution` is "pert" or "log-pert" with the mode at the default, "uniform" or "log-uniform" over `between`, or "fixed" for what is a fact or a setting and is not
    drawn. Integer parameters are drawn as integers.
    """

    value: float | int
    unit: str
    between: tuple[float, float]
    source: Any
    doc: str = ""
    distribution: str = "uniform"
    name: str = field(default="", compare=False)
    group: str = field(default="", compare=False)

    @property
    def address(self) -> str:
        """`group.name`, the name used in scenarios, designs and tables."""
        return f"{self.group}.{self.name}"

    @property
    def is_assumed(self) -> bool:
        return self.source is ASSUMED

    @property
    def is_uncertain(self) -> bool:
        return self.distribution != "fixed"

    def check(self, value: Any, where: str = "") -> float | int:
        """The value as a number of the declared type, or `ParameterError` saying what is allowed."""
        low, high = self.between
        label = f"{where}{self.address}"
        allowed = f"allowed is {low:g} to {high:g} {self.unit}"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ParameterError(f"{label} is {value!r}, which is not a number; {allowed}.")
        if value != value or value in (float("inf"), float("-inf")):
            raise ParameterError(f"{label} is {value}, which is not a finite number; {allowed}.")
        if isinstance(self.value, int) and not isinstance(value, int):
            if value != int(value):
                raise ParameterError(f"{label} is {value}, but must be a whole number; {allowed}.")
            value = int(value)
        if not low <= value <= high:
            raise ParameterError(f"{label} is {value!r:.40}, outside its range; {allowed}.")
        return value if isinstance(self.value, int) else float(value)

    def quantile(self, u: float) -> float | int:
        """The value at probability `u` of the declared distribution (for Latin hypercube designs)."""
        low, high = self.between
        if self.distribution == "log-uniform":
            value = low * (high / low) ** u
        elif self.distribution == "pert":
            value = pert_quantile(u, low, self.value, high)
        elif self.distribution == "log-pert":
            value = exp(pert_quantile(u, log(low), log(self.value), log(high)))
        else:
            value = low + (high - low) * u
        value = min(max(value, low), high)  # the last bit of a sum may lie beyond the range
        return min(int(value + 0.5), int(high)) if isinstance(self.value, int) else value


def parameter(
    value: float | int,
    *,
    unit: str,
    between: tuple[float, float],
    source: Any,
    doc: str = "",
    distribution: str = "",
) -> Any:
    """Declare a number in the body of a `Parameters` class. Raises ValueError for a default outside its range.

    Without a `distribution` it is PERT with its mode at the default: on the scale of logarithms where the range spans a factor of
    `WIDE` or more, because a default near the lower end of a wide range would otherwise be drawn far above itself.
    """
    if not distribution:
        distribution = "log-pert" if between[0] > 0.0 and between[1] / between[0] >= WIDE else "pert"
    if not between[0] <= value <= between[1]:
        raise ValueError(f"default {value} outside {between}")
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"unknown distribution {distribution!r}")
    return Parameter(value, unit, between, source, doc, distribution)


def pert_quantile(u: float, low: float, mode: float, high: float) -> float:
    """Quantile of the PERT distribution, a beta with mean (low + 4 mode + high) / 6 (Malcolm, Roseboom, Clark and Fazar 1959).

    To twelve digits, so that the last bits of a library on another machine do not make another draw.
    """
    span = high - low
    share = float(betaincinv(1.0 + 4.0 * (mode - low) / span, 1.0 + 4.0 * (high - mode) / span, u))
    return low + span * round(share, 12)


def nearest(name: str, known) -> str:
    """A half-sentence that helps with a misspelt name."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
    return f"the nearest known name is '{close[0]}'" if close else f"known names are {', '.join(sorted(known))}"


class Parameters:
    """A group of declared numbers; an instance holds their values. Subclass with `group="..."`."""

    group: ClassVar[str] = ""
    declared: ClassVar[dict[str, Parameter]] = {}
    registry: ClassVar[dict[str, type[Parameters]]] = {}

    def __init_subclass__(cls, group: str = "", **kwargs):
        super().__init_subclass__(**kwargs)
        if not group:
            return
        cls.group = group
        cls.declared = dict(getattr(cls, "declared", {}))
        for name, value in list(vars(cls).items()):
            if isinstance(value, Parameter):
                cls.declared[name] = value
        cls.declared = {
            name: Parameter(p.value, p.unit, p.between, p.source, p.doc, p.distribution, name, group)
            for name, p in cls.declared.items()
        }
        for name, declared in cls.declared.items():
            setattr(cls, name, declared)
        Parameters.registry[group] = cls

    def __init__(self, values: Mapping[str, Any] | None = None, where: str = ""):
        for name, declared in self.declared.items():
            self.__dict__[name] = declared.value
        for name, value in (values or {}).items():
            if name not in self.declared:
                raise ParameterError(f"{where}{self.group}.{name} is not known; {nearest(name, self.declared)}.")
            self.__dict__[name] = self.declared[name].check(value, where)

    def __setattr__(self, name, value):
        raise AttributeError(f"{self.group}.{name} is fixed for the run; give it in the scenario")

    def as_dict(self) -> dict[str, float | int]:
        """Name to value, in the order of declaration."""
        return {name: self.__dict__[name] for name in self.declared}


def every_parameter() -> Iterator[Parameter]:
    """Every declared number, mechanisms first, in the order of declaration. Import `sim` first."""
    for group in Parameters.registry.values():
        yield from group.declared.values()
