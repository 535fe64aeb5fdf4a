"""What to know before trusting a search for duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.types import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.algo.calibration import PairCalibration
    from tamis.services.duplicates.samples import Samples

__all__ = ["duplicate_notes"]


def duplicate_notes(
    calibration: PairCalibration,
    verdicts: Mapping[str, int],
    samples: Samples,
    *,
    without_vector: int,
    drop_changed: bool,
    applied: bool,
) -> list[str]:
    """Say in sentences what the pairs and their number do not show."""
    notes = list(calibration.notes)
    changed, undecided = verdicts[Verdict.CHANGED], verdicts[Verdict.UNDECIDED]
    if changed and not drop_changed:
        notes.append(
            f"{_pairs(changed)} the same view with other content somewhere; they are listed as "
            "changed and stay. --drop changed drops them as well."
        )
    if undecided:
        notes.append(
            f"{_pairs(undecided)} the same view, and at the resolution at hand nothing tells "
            "whether anything differs; they are listed as undecided and never dropped."
        )
    if without_vector:
        notes.append(
            f"{without_vector} of {len(samples.ids)} have no vector, so that only their perceptual "
            "hashes propose pairs; run  tamis embed  first to find all."
        )
    if samples.elsewhere and applied:
        notes.append(
            f"{samples.elsewhere} were marked as duplicates of pictures that the condition leaves "
            "out; these marks are cleared, since only what fulfils it was compared."
        )
    return notes


def _pairs(number: int) -> str:
    return "1 pair shows" if number == 1 else f"{number:,} pairs show"
