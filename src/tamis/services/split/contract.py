"""What a split is asked: to divide pictures, or to check splits that exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from tamis.errors import UsageError
from tamis.verbs.request import Option, Request
from tamis.verbs.shared import EncoderOfVectors, Seed, Where

if TYPE_CHECKING:
    from tamis.services.split.result import SplitReport  # noqa: F401 - named by the request

__all__ = ["Changed", "Shots", "Split"]

Changed: TypeAlias = Literal["auto", "together", "apart"]
Shots: TypeAlias = Literal["histogram", "transnetv2"]
Duration: TypeAlias = float | str | None


@dataclass(frozen=True, kw_only=True)
class Split(Request["SplitReport"], verb="split", writes=True):
    """Split into train, val and test with no copy across them.

    Labels and clusters are spread evenly over the splits. With check, existing splits are audited
    instead.
    """

    train: Annotated[float, Option("Share of train.", metavar="SHARE", minimum=0, maximum=1)] = 0.8
    val: Annotated[float, Option("Share of val.", metavar="SHARE", minimum=0, maximum=1)] = 0.1
    test: Annotated[float, Option("Share of test.", metavar="SHARE", minimum=0, maximum=1)] = 0.1
    folds: Annotated[
        int | None, Option("Make K folds instead, in the column fold.", metavar="K", minimum=2)
    ] = None
    time: Annotated[
        str | None, Option("Train on the past, test on the latest.", metavar="COLUMN")
    ] = None
    time_block: Annotated[
        Duration,
        Option(
            "Keep together what one camera or video took within blocks of this length: 90s, 10m, "
            "2h, 1d.",
            metavar="LENGTH",
        ),
    ] = None
    gap: Annotated[
        Duration,
        Option(
            "With time blocks: least time between splits; pictures in between get none.",
            metavar="LENGTH",
            default="a tenth of a block",
        ),
    ] = None
    block_by: Annotated[
        str | None,
        Option(
            "With time blocks: a column of times, or of seconds.",
            metavar="COLUMN",
            default="seconds of frames, captured_at of photographs",
        ),
    ] = None
    group: Annotated[
        Sequence[str], Option("Keep rows with the same value together.", metavar="COLUMN")
    ] = ()
    shots: Annotated[
        Shots,
        Option(
            "With --group shot: find cuts in the frames' thumbnails, or by a network in whole "
            "videos (tamis[shots])."
        ),
    ] = "histogram"
    label: Annotated[
        str, Option("Labels to spread evenly, one or several a row.", metavar="COLUMN")
    ] = "label"
    delimiter: Annotated[
        str | None, Option("Separates several labels in one text, e.g. ;", metavar="TEXT")
    ] = None
    threshold: Annotated[
        float | None,
        Option(
            "Join from this cosine similarity on, whatever the pixels say.",
            metavar="T",
            minimum=-1,
            maximum=1,
        ),
    ] = None
    changed: Annotated[
        Changed,
        Option("Keep changed versions of one view in one split; auto does where they are rare."),
    ] = "auto"
    audit: Annotated[
        bool, Option("Audit existing splits; exit code 1 if there is a leak.", names=("--check",))
    ] = False
    column: Annotated[
        str | None,
        Option(
            "With check: where splits are named; path means by folder.",
            metavar="COLUMN",
            default="split",
        ),
    ] = None
    where: Where = None
    encoder: EncoderOfVectors = None
    seed: Seed = 0
    apply: Annotated[bool, Option("Mark the splits.", names=("--apply", "--no-apply"))] = True

    def check(self) -> None:
        """Refuse what does not go together: ways to divide and a check, or two ways to divide."""
        if self.audit:
            given = self.given().keys() & {"folds", "time", "train", "val", "test"}
            if given:
                raise UsageError(
                    f"a check audits splits that exist: leave out {' and '.join(sorted(given))}, "
                    "and name folds with  --column fold"
                )
        elif self.column is not None:
            raise UsageError(f"the column {self.column} says what to check: add --check")
        if self.folds is not None and self.time is not None:
            raise UsageError(
                f"folds by time would train on the future: leave out folds or time {self.time}"
            )
        if self.shots != "histogram" and "shot" not in self.group:
            raise UsageError(
                f"{self.shots} finds shots, which nothing asks for: group by them with --group shot"
            )
        self._check_blocks()

    def _check_blocks(self) -> None:
        if self.time_block is None:
            if self.gap is not None or self.block_by is not None:
                what = (
                    f"a gap of {self.gap}"
                    if self.block_by is None
                    else f"the column {self.block_by!r}"
                )
                raise UsageError(
                    f"{what} is for blocks of time: give their length (--time-block 10m)"
                )
            return
        from tamis.services.split.blocks import lengths_of

        lengths_of(self.time_block, self.gap)
