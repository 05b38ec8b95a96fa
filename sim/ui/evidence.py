"""What the page says of a declared number: its value, its range, where it comes from, and whether it is assumed."""

from __future__ import annotations

from functools import cache
from typing import Any

from sim.declarations import describe_parameter
from sim.parameters import Parameter, every_parameter


@cache
def _by_address() -> dict[str, Parameter]:
    return {parameter.address: parameter for parameter in every_parameter()}


def evidence_of(*addresses: str) -> list[dict[str, Any]]:
    """The declared numbers at some addresses, as the evidence drawer shows them; "assumed" is said where no source was found."""
    return [describe(_by_address()[address]) for address in addresses]


def describe(parameter: Parameter) -> dict[str, Any]:
    """One declared number."""
    told = describe_parameter(parameter)
    sources = [source for source in told["sources"] if source["status"] != "assumed"]
    return {
        "address": told["address"], "value": told["value"], "unit": told["unit"], "low": told["low"], "high": told["high"],
        "status": told["status"], "note": told["note"],
        "title": "; ".join(dict.fromkeys(source["title"] for source in sources)) or "ASSUMED: no source was found",
        "publisher": "; ".join(dict.fromkeys(source["publisher"] for source in sources if source["publisher"])),
        "year": "; ".join(dict.fromkeys(str(source["year"]) for source in sources if source["year"])),
        "address_of_source": next((source["address"] for source in sources), ""),
    }  # fmt: skip
