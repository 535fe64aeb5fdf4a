"""Verbs that fill a dataset: add, embed, and curate, which does the whole job."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tamis.errors import InputError, TamisError
from tamis.interfaces.cli.options import (
    DEFAULT_DATASET,
    DatasetOption,
    JsonOption,
    QuietOption,
    SeedOption,
)
from tamis.interfaces.cli.output import Output
from tamis.types import Failure

if TYPE_CHECKING:
    from tamis.interfaces.dataset import Dataset
    from tamis.runtime.ingest import IngestReport
    from tamis.runtime.parts import PartsReport

__all__ = ["dataset_to_fill", "register"]

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...", help="Folders, globs, pictures, videos, zip or tar archives."
    ),
]
Labels = Annotated[
    str,
    typer.Option(
        metavar="none|folder|FILE",
        help="Take labels from folder names or a table (CSV, Parquet).",
    ),
]
LabelLevel = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Which folder is the label: 1 the first below the source, 0 the source itself, -1 the "
        "one that holds the picture, -2 the one above.  [default: what tells pictures apart]",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB", help="Leave out files and folders, such as '*.png' or masks; repeatable."
    ),
]
Encoder = Annotated[
    str, typer.Option(metavar="SPEC", help="An encoder; `tamis encoders` lists them.")
]


Every = Annotated[
    str | None,
    typer.Option(
        metavar="SECONDS|frame|keyframe",
        help="How often to take a frame of videos, also of those in folders.  "
        "[default: 1 for videos that are named, none in folders]",
    ),
]


def add(
    sources: Sources,
    dataset: DatasetOption = DEFAULT_DATASET,
    labels: Labels = "none",
    label_level: LabelLevel = None,
    exclude: Exclude = None,
    every: Every = None,
    new_only: Annotated[
        bool,
        typer.Option(
            "--new-only",
            help="Add only what is unlike all that is in the dataset by its vector, so neither "
            "copies nor other pictures that are much the same; of videos every frame is looked "
            "at, unless --every says else.",
        ),
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=-1.0,
            max=1.0,
            metavar="COSINE",
            help="Similarity from which on --new-only leaves out.  [default: 0.92]",
        ),
    ] = None,
    encoder: Annotated[
        str, typer.Option(metavar="SPEC", help="The encoder by which --new-only tells.")
    ] = "default",
    crops: Annotated[
        str | None,
        typer.Option(metavar="FILE|DIR", help="Also add the boxes of a COCO, VOC or YOLO dataset."),
    ] = None,
    min_box: Annotated[
        int, typer.Option(min=1, metavar="PIXELS", help="Leave out boxes with a shorter side.")
    ] = 8,
    tiles: Annotated[
        int | None,
        typer.Option(min=2, max=16, metavar="N", help="Also add N x N tiles of each picture."),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Add pictures and frames of videos; adding again adds nothing twice."""
    output = Output(as_json=json, quiet=quiet)
    parts: dict[str, PartsReport] = {}
    trouble: TamisError | None = None
    with dataset_to_fill(dataset) as ds, output.stages() as stage:
        report = ds.add(
            *sources,
            labels=labels,
            label_level=label_level,
            exclude=exclude or (),
            every=every,
            new_only=new_only,
            threshold=threshold,
            encoder=encoder,
            progress=stage("add"),
        )
        try:
            if crops is not None:
                parts["crops"] = ds.add_crops(crops, min_box=min_box, progress=stage("crops"))
            if tiles is not None:
                parts["tiles"] = ds.add_tiles(tiles, sources=sources, progress=stage("tiles"))
        except TamisError as error:
            trouble = error  # the pictures are in, which is said before this
    document = {**vars(report)}
    output.document({**document, **parts})
    output.say(f"{report.added} added, {report.known} known, {len(report.failed)} failed")
    _tell_of_videos(output, report, often=every is not None or new_only)
    if new_only:
        _tell_of_news(output, report)
    failed = list(report.failed)
    for name, part in parts.items():
        small = f", {part.small} too small" if part.small else ""
        twice = (
            f", {part.repeated} there twice (same picture, category and box)"
            if part.repeated
            else ""
        )
        output.say(
            f"{part.added} {name} of {part.pictures} pictures added, {part.known} known"
            f"{small}{twice}, {len(part.failed)} failed"
        )
        failed += part.failed
    _list_failures(output, failed)
    for sentence in [*report.notes, *(note for part in parts.values() for note in part.notes)]:
        output.note(f"note: {sentence}")
    if trouble is not None:
        raise trouble
    _require_pictures(report)


def _require_pictures(report: IngestReport) -> None:
    """End with 2 where nothing could be read, or a named file cannot have been meant.

    Raises:
        InputError: so it is; whatever else was named was added.
    """
    from tamis.sources.locations import NO_PICTURE

    wrong = [failure.path for failure in report.failed if failure.reason == NO_PICTURE]
    if wrong:
        raise InputError(f"{wrong[0]} is {NO_PICTURE}; what else was named was added")
    read = report.added + report.known + getattr(report, "covered", 0)
    if report.failed and not read:
        first = report.failed[0]
        raise InputError(
            f"nothing that was named could be read, such as {first.path}: {first.reason}"
        )


def _tell_of_videos(output: Output, report: IngestReport, *, often: bool) -> None:
    if report.frames:
        of = "1 video" if report.videos == 1 else f"{report.videos} videos"
        default = "" if often else ", one a second; --every takes more or fewer"
        output.say(f"{report.frames} of them are frames of {of}{default}")
    passed_over = report.videos_passed_over
    if passed_over:
        are = "video in folders is" if passed_over == 1 else "videos in folders are"
        output.note(
            f"{passed_over} {are} not taken; --every 1 takes a frame a second of them as well"
        )


def _tell_of_news(output: Output, report: IngestReport) -> None:
    from tamis.runtime.ingest_new import NewsReport

    if not isinstance(report, NewsReport):
        return
    output.say(
        f"{report.covered} left out: at least {report.threshold:g} similar to one that is kept, by "
        f"{report.encoder}; {report.skipped} of them told by their pixels alone"
    )
    if report.unseen:
        output.note(
            f"{report.unseen} samples of the dataset have no vector of this encoder, so nothing "
            "was compared with them; tamis embed  before you add"
        )


def embed(
    dataset: DatasetOption = DEFAULT_DATASET,
    encoder: Encoder = "default",
    dtype: Annotated[
        str, typer.Option(metavar="float32|float16", help="How vectors are stored.")
    ] = "float32",
    retry: Annotated[bool, typer.Option("--retry", help="Try again what failed before.")] = False,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Pictures at a time.  [default: found by itself]"),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="cpu|cuda|mps", help="Where it runs.  [default: the best there is]"),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compute vectors for the pictures that lack them."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    with output.stages() as stage:
        report = ds.embed(
            encoder,
            dtype=dtype,
            retry=retry,
            batch_size=batch_size,
            progress=stage("embed"),
            **({"device": device} if device else {}),
        )
    output.document(report)
    output.say(
        f"{report.embedded} embedded by {report.encoder} ({report.dim} dimensions) in "
        f"{report.seconds:.1f} s, {report.skipped} skipped, {len(report.failed)} failed"
    )
    _list_failures(output, report.failed)


def curate(
    sources: Sources,
    keep: Annotated[int, typer.Option(min=1, metavar="N", help="How many pictures to keep.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the result goes.")],
    dataset: Annotated[
        Path | None,
        typer.Option(
            "-d",
            "--dataset",
            envvar="TAMIS_DATASET",
            help="The dataset, a folder.  [default: DIR/dataset.tamis]",
        ),
    ] = None,
    labels: Labels = "none",
    label_level: LabelLevel = None,
    exclude: Exclude = None,
    every: Every = None,
    encoder: Encoder = "default",
    drop: Annotated[
        Literal["copies", "changed"],
        typer.Option(
            metavar="copies|changed",
            help="Leave out copies only, or pictures with other content in the same view as well.",
        ),
    ] = "copies",
    seed: SeedOption = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Do the main job: add, embed, drop bad pictures and copies, select, split, report."""
    from tamis.services.curate import require_own

    output = Output(as_json=json, quiet=quiet)
    require_own(out)
    with dataset_to_fill(dataset or out / "dataset.tamis") as ds, output.stages() as stage:
        report = ds.curate(
            *sources,
            keep=keep,
            out=out,
            labels=labels,
            label_level=label_level,
            exclude=exclude or (),
            every=every,
            encoder=encoder,
            drop=drop,
            seed=seed,
            stage=stage,
        )
    output.document(report)
    output.say(
        f"{report.added} added, {len(report.failed)} failed, {report.duplicates} duplicates, "
        + (f"{report.gone} gone, " if report.gone else "")
        + f"{report.selected} selected"
    )
    output.say("  ".join(f"{name} {count}" for name, count in report.splits.items()))
    for sentence in report.notes:
        output.note(f"note: {sentence}")
    output.say(
        f"pictures  {report.pictures}\nmanifest  {report.manifest}\nreport    {report.report}"
    )


@contextmanager
def dataset_to_fill(path: Path) -> Iterator[Dataset]:
    """Open or create a dataset; after an error one that was created and never written to goes."""
    import tamis

    folders = [folder for folder in (path, *path.parents) if not folder.exists()]
    ds = tamis.open(path)
    try:
        yield ds
    except BaseException:
        if path in folders and len(ds.log()) == 1:
            shutil.rmtree(path)
            for folder in folders[1:]:
                folder.rmdir()
        raise


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    for verb in (add, embed, curate):
        app.command()(verb)


def _list_failures(output: Output, failed: Sequence[Failure], shown: int = 20) -> None:
    if failed:
        output.table(["failed", "reason"], [(f.path, f.reason) for f in failed[:shown]])
    if len(failed) > shown:
        output.say(f"... and {len(failed) - shown} more; --json or the report lists all")
