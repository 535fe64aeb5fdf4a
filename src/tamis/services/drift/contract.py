"""What a drift reference and a drift check are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from tamis.errors import UsageError
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.shared import EncoderOfVectors, Every, Exclude, Seed, Where

if TYPE_CHECKING:
    from tamis.services.drift.result import (  # noqa: F401 - named below
        DriftAdaptation,
        DriftFitReport,
        DriftReport,
    )

__all__ = ["CovariateName", "DriftAdapt", "DriftCheck", "DriftFit"]

CovariateName: TypeAlias = Literal["brightness", "sharpness", "size", "hour", "camera"]


@dataclass(frozen=True, kw_only=True)
class DriftFit(Request["DriftFitReport"], verb="drift fit", writes=True, run="fit:fit"):
    """Store a reference for `drift check` to compare with.

    It holds rounded vectors and simple figures of up to some 10,000 pictures, in 4 MB at most.
    """

    where: Where = None
    out: Annotated[
        Path | None,
        Option("The reference's file.", metavar="FILE", default="in the dataset"),
    ] = None
    encoder: EncoderOfVectors = None
    block: Annotated[
        int | None,
        Option(
            "Consecutive pictures of one video, camera or folder that count as one draw.",
            metavar="N",
            minimum=1,
            default="found from frames of videos; 1 for photographs",
        ),
    ] = None
    level: Annotated[
        float,
        Option(
            "Chance that the running e-value ever raises a false alarm.",
            metavar="SHARE",
            minimum=0.0001,
            maximum=0.5,
        ),
    ] = 0.05
    seed: Seed = 0


@dataclass(frozen=True)
class DriftCheck(Request["DriftReport"], verb="drift check", run="check:check"):
    """Test whether pictures have drifted from the reference.

    Exit code 1 if they have. Pictures are rows of the dataset, or come from folders, archives and
    videos, which are embedded but not added.
    """

    sources: Annotated[
        Sequence[str],
        Argument("New pictures: folders, globs, archives or videos.", metavar="SOURCE"),
    ] = ()
    _: KW_ONLY
    where: Annotated[
        str | None, Option("Rows of the dataset that meet this SQL condition.", metavar="SQL")
    ] = None
    tag: Annotated[str | None, Option("Rows with this tag.", metavar="TAG")] = None
    split: Annotated[str | None, Option("Rows of this split.", metavar="NAME")] = None
    snapshot: Annotated[
        int | str | None,
        Option("The dataset as it was at this snapshot or tag of one.", metavar="SNAPSHOT"),
    ] = None
    reference: Annotated[
        Path | None,
        Option(
            "A reference that `drift fit --out` wrote.",
            metavar="FILE",
            default="the dataset's last",
        ),
    ] = None
    every: Every = None
    exclude: Exclude = ()
    covariates: Annotated[
        Sequence[CovariateName],
        Option(
            "Compare this figure, and no other that is not named: brightness, sharpness, size, "
            "hour, camera.",
            names=("--covariate",),
            metavar="NAME",
            default="all that vary; hour and camera unless the pictures are of one day or camera",
        ),
    ] = ()
    level: Annotated[
        float,
        Option("Chance of a false alarm.", metavar="SHARE", minimum=0.0001, maximum=0.5),
    ] = 0.05
    permutations: Annotated[
        int, Option("No p-value is under 1 / (N + 1).", metavar="N", minimum=19, maximum=100_000)
    ] = 999
    examples: Annotated[
        int, Option("How many pictures to show and to label.", metavar="N", minimum=1)
    ] = 10
    gallery: Annotated[
        Path | None,
        Option(
            "Write a page of what changed, with pictures before and after.", metavar="FILE.html"
        ),
    ] = None
    monitor: Annotated[
        bool,
        Option(
            "Count the pictures in the running e-value that is kept beside the reference.",
            names=("--monitor", "--no-monitor"),
        ),
    ] = True
    seed: Seed = 0

    def check(self) -> None:
        """Refuse a check of nothing, or of pictures from two places."""
        rows = (self.where, self.tag, self.split, self.snapshot)
        of_rows = any(one is not None for one in rows)
        if self.sources and of_rows:
            raise UsageError(
                "new pictures and rows of the dataset were both given: check one, then the other"
            )
        if not self.sources and not of_rows:
            raise UsageError(
                "nothing to check: name a folder, an archive or a video, or rows of the dataset "
                "(where, tag, split, snapshot)"
            )
        if (self.every is not None or self.exclude) and not self.sources:
            raise UsageError("every and exclude are of new pictures: name their source")


@dataclass(frozen=True, kw_only=True)
class DriftAdapt(Request["DriftAdaptation"], verb="drift adapt", writes=True, run="adapt:adapt"):
    """Adapt a probe to drifted pictures, and show how well it does.

    Without labels of drifted pictures, its classes are weighted by how frequent they are now. With
    20 labels or more, that, a new temperature and a new fit are compared, and the best is kept.
    """

    where: Annotated[
        str | None, Option("Drifted pictures fulfill this SQL condition.", metavar="SQL")
    ] = None
    tag: Annotated[str | None, Option("Drifted pictures have this tag.", metavar="TAG")] = None
    split: Annotated[str | None, Option("Drifted pictures are of this split.", metavar="NAME")] = (
        None
    )
    name: Annotated[str, Option("The probe's name.", metavar="NAME")] = "classes"
    method: Annotated[
        Literal["auto", "prior", "temperature", "retrain"],
        Option(
            "Weight classes by their shares, fit the certainty, or fit on old and new labels; auto "
            "takes what does best on new labels."
        ),
    ] = "auto"
    test_split: Annotated[
        str, Option("Pictures of this split are never fitted on.", metavar="SPLIT")
    ] = "test"
    dry_run: Annotated[bool, Option("Show what would be done, and change nothing.")] = False
    seed: Seed = 0

    def check(self) -> None:
        """Refuse to adapt to nothing."""
        if self.where is None and self.tag is None and self.split is None:
            raise UsageError("which pictures drifted? name them (where, tag, split)")
