"""Write what online-fdr decides about made-up p-values and e-values, for the tests of alarms.

    PYTHON tools/write_sequential_golden.py tests/data/online_fdr.json

PYTHON is of an environment of its own with `online-fdr`. Written are streams of p-values with the
levels and decisions of LORD++, and e-values with the choices of e-BH.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from online_fdr.e_values import e_bh
from online_fdr.p_values import LordPlusPlus


def lord(rng: np.random.Generator, level: float, drifted: float) -> dict[str, Any]:
    """Decide one by one on 100 p-values, of which a share is small."""
    p = rng.random(100)
    p[rng.random(100) < drifted] **= 6
    test = LordPlusPlus(alpha=level, wealth=level / 2)
    given, levels, alarms = [round(one, 8) for one in p.tolist()], [], []
    for one in given:
        alarms.append(bool(test.test_one(one)))
        levels.append(float(test.alpha))
    return {"level": level, "p": given, "levels": levels, "alarms": alarms}


def benjamini_hochberg(rng: np.random.Generator, level: float, streams: int) -> dict[str, Any]:
    """Choose among e-values of which a third are large."""
    e = np.exp(rng.normal(-0.5, 1, streams) + rng.choice([0, 0, 6], streams))
    given = [round(one, 6) for one in e.tolist()]
    return {"level": level, "e": given, "chosen": e_bh(given, level)}


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(0)
    found = {
        "by": f"online-fdr {version('online-fdr')}",
        "lord_plus_plus": [lord(rng, a, d) for a in (0.05, 0.2) for d in (0.0, 0.1, 0.5)],
        "e_bh": [
            benjamini_hochberg(rng, level, streams)
            for level in (0.05, 0.1, 0.3)
            for streams in (1, 2, 10, 50)
        ],
    }
    Path(sys.argv[1]).write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
