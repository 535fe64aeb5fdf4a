"""Random faults of machines in datasets, and a table of what became of them.

    python benchmarks/faults.py --faults 1000 --seed 0

Kills and power cuts at every write, rename and commit; full disks, missing permissions and disk
errors at any of them; bits that flip, files that are cut short or lost; a server that is busy or
goes away while a dataset is pushed and pulled; a clock that jumps by years. A fault that did harm
(what was committed is lost, no sentence, damage that no check notices) is listed, and the exit code
is 1.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from faults import FaultFoundError, clocks, damages, kills, networks, refusals


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    kinds = {
        "kill": lambda rng, folder: kills(rng, folder, most=12),
        "power cut": lambda rng, folder: kills(rng, folder, power_cut=True, most=12),
        "refusal by the system": refusals,
        "damaged file": damages,
        "network": networks,
        "clock": clocks,
    }
    table: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    harm: list[str] = []
    seed = given.seed
    while sum(sum(outcomes.values()) for outcomes in table.values()) < given.faults:
        for kind, inject in kinds.items():
            share = sum(table[kind].values())
            if share >= given.faults / len(kinds):
                continue
            with tempfile.TemporaryDirectory() as folder:
                try:
                    table[kind] += inject(random.Random(f"{kind} {seed}"), Path(folder))
                except FaultFoundError as error:
                    table[kind]["HARM"] += 1
                    harm.append(f"{kind}, seed {seed}: {error}")
                except Exception as error:  # noqa: BLE001 - any other error is what is looked for
                    table[kind]["HARM"] += 1
                    harm.append(f"{kind}, seed {seed}: {error!r:.400}")
        seed += 1
    for kind, outcomes in table.items():
        for outcome, count in sorted(outcomes.items()):
            print(f"{kind:<24} {outcome:<44} {count:>6}")
    for sentence in harm:
        print("HARM", sentence)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{used.ru_utime + used.ru_stime:.0f} CPU s")
    return 1 if harm else 0


if __name__ == "__main__":
    sys.exit(main())
