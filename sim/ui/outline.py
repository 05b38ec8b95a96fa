"""The coast of Great Britain, in the kilometres of `sim.places`, for the map behind England's authorities.

`outline.json` is made of Natural Earth 1:10m (public domain), as packaged in world-atlas 2.0.2 (ISC licence, Michael Bostock):
`countries-10m.json`, SHA-256 3bc6f1d367a9bcec479841bae0e76092f512838411d0cef124e92eec4db45f79. Its country "United Kingdom" was projected by
`places.planar_km`, Northern Ireland, the Scottish isles and islands under 12 km2 were left out, and lines simplified to within 0.6 km
(Douglas and Peucker 1973) and 0.1 km. England's borders with Scotland and Wales are not in that source, so none is drawn.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("outline.json")
CHECKSUM = "aad22e6af113bdb778c4f399631fb6342896cd8f4435dd37ed645553caa2f27b"


@cache
def outline() -> list[list[list[float]]]:
    """Closed lines of points east and north of the origin [km]; empty if the file is not what it was, and the page draws a cartogram."""
    content = FILE.read_bytes().replace(b"\r\n", b"\n")
    return json.loads(content) if hashlib.sha256(content).hexdigest() == CHECKSUM else []
