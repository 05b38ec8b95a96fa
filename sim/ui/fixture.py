"""Days of two futures as the page gets them, in a file, for whoever works on the page: `python -m sim.ui.fixture FILE`.

The file is a line of JSON, which says how long each buffer is, then the buffers end to end.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from sim.ui.futures import CHUNK, begin, future, live
from sim.ui.shown import Shown

POLICIES = {"return_interviews": {"coverage": 0.9}, "key_worker": {"coverage": 0.6}, "relocation": {}}


def write(path: Path, days: int = 60, seed: int = 1) -> dict[str, Any]:
    """Write the messages of two futures of the town; what the first line says."""
    a, b = future("town", seed), future("town", seed, POLICIES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shown = Shown(a, b, begin(a, folder))
        setup = shown.setup()
        chunks = [message for k in range(-(-days // CHUNK)) for message in shown.take(live(a, k, folder), live(b, k, folder))]
    head = {"setup": setup, "chunks": [args | {"bytes": len(buffer)} for args, buffer in chunks]}
    path.write_bytes(json.dumps(head).encode() + b"\n" + b"".join(buffer for _, buffer in chunks))
    return head


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--days", type=int, default=60)
    options = parser.parse_args()
    told = write(options.file, options.days)
    print(f"{options.file}: {len(told['setup']['children'])} children at first, {len(told['chunks'])} chunks.")
