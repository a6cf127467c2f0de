"""Write the golden file of each event version that has none yet. A file that exists is never touched."""

from __future__ import annotations

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "tests/contracts"
sys.path.insert(0, str(FOLDER))

from samples import SAMPLES, STAMP  # noqa: E402

from agiza.contracts.envelope import encode  # noqa: E402

for sample in SAMPLES:
    path = FOLDER / "golden" / f"{sample.type}.v{sample.version}.json"
    if not path.exists():
        path.write_text(json.dumps(json.loads(encode(sample, STAMP)), indent=2) + "\n")
        print(f"wrote {path.name}")
