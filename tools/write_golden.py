"""Write what is derived from the verbs: JSON schemas, and signatures for editors.

python tools/write_golden.py
"""

from __future__ import annotations

import json
from pathlib import Path

from tamis.interfaces.stub import stub
from tamis.verbs.registry import VERBS, request_class
from tamis.verbs.schema import result_class, schema_of

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "tests" / "golden" / "schemas"
STUB = ROOT / "src" / "tamis" / "interfaces" / "verbs.pyi"


def main() -> None:
    """Write them all."""
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    for old in SCHEMAS.glob("*.json"):
        old.unlink()
    for verb in VERBS:
        asked = request_class(verb)
        schemas = {"request": schema_of(asked), "result": schema_of(result_class(asked))}
        path = SCHEMAS / f"{verb.replace(' ', '-')}.json"
        path.write_text(json.dumps(schemas, indent=1, sort_keys=True) + "\n", "utf-8")
    STUB.write_text(stub(), "utf-8")


if __name__ == "__main__":
    main()
