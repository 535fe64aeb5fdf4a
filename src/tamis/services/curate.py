"""The main job in one go: from sources of pictures to a curated, split, reported set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from tamis.dataset.layout import is_draft, remove_drafts
from tamis.dataset.parts import whole_pictures
from tamis.dataset.presence import gone_ids
from tamis.errors import InputError, UsageError
from tamis.formats.exports import export
from tamis.runtime.embed import embed
from tamis.runtime.encoder_pool import EncoderPool
from tamis.runtime.ingest import ingest
from tamis.runtime.workspace import Workspace
from tamis.services.duplicates.contract import Drop, Duplicates
from tamis.services.duplicates.run import duplicates
from tamis.services.report import write_report
from tamis.services.select.contract import Select
from tamis.services.select.run import select_representative
from tamis.services.split.contract import Split
from tamis.services.split.run import split
from tamis.types import Verdict
from tamis.verbs.feedback import Feedback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tamis.dataset.store import Store
    from tamis.sources.video.sampling import Sampling
    from tamis.types import Failure, Progress

__all__ = ["CurateReport", "curate", "require_own"]

BLANK = "contrast < 0.01"
"""A picture whose grey values spread less than a hundredth of the range shows nothing."""

LEAST_TO_SPLIT = 10
"""Fewer pictures than this make no train, validation and test set worth the name."""


@dataclass(frozen=True)
class CurateReport:
    """What the main job did.

    Attributes:
        added: pictures that were new to the dataset.
        known: pictures that were in it already.
        failed: files that could not be read, with their reasons.
        embedded: pictures that got a vector in this run.
        blank: pictures without any contrast, left out.
        duplicates: pictures left out since a better copy is kept, or with `drop="changed"` another
            version of the same view; those that are gone are not counted.
        changed: pairs of pictures that show the same view with other content somewhere.
        gone: pictures of earlier runs whose file is missing or holds something else, left out.
        selected: pictures in the result, all of them written.
        splits: pictures of the result in each split.
        max_cross_similarity: largest cosine similarity between pictures of two splits.
        pictures: folder of the result.
        manifest: table of the result, CSV; a Parquet file lies beside it.
        report: the HTML report.
        notes: sentences on what the user should know.
    """

    added: int
    known: int
    failed: list[Failure]
    embedded: int
    blank: int
    duplicates: int
    changed: int
    gone: int
    selected: int
    splits: dict[str, int]
    max_cross_similarity: float | None
    pictures: Path
    manifest: Path
    report: Path
    notes: list[str]


def curate(
    store: Store,
    sources: Sequence[str],
    *,
    keep: int,
    out: Path,
    labels: str = "none",
    label_level: int | None = None,
    exclude: Sequence[str] = (),
    sampling: Sampling | None = None,
    encoder: str = "default",
    drop: Drop = "copies",
    seed: int = 0,
    stage: Callable[[str], Progress],
    encoders: EncoderPool | None = None,
) -> CurateReport:
    """Add, embed, drop bad pictures and copies, select `keep`, split, export and report.

    Pictures of the same view with other content, such as frames of a fixed camera, are no copies
    and stay to be selected, unless `drop` says so.

    Every step is an operation of its own in the log, so a run that is killed goes on where it
    was when the same call is made again. All pictures of the dataset take part, also those that
    were added before.

    Args:
        store: the dataset.
        sources: folders, globs, pictures, videos or archives.
        keep: how many pictures the result has at most.
        out: folder for `pictures/`, `manifest.csv`, `manifest.parquet` and `report.html`.
        labels: as for `ingest`.
        label_level: as for `ingest`.
        exclude: as for `ingest`.
        sampling: which frames of videos are taken, as for `ingest`.
        encoder: spec of the encoder.
        drop: `copies`, or `changed` to leave out changed versions of a view as well.
        seed: makes the choice repeatable.
        stage: opens a progress bar for each named step.
        encoders: loads the encoder; a pool of its own if None.

    Raises:
        UsageError: `keep` is below 1, `drop` is neither, or `out` holds something that tamis did
            not write, or lies inside a source.
        InputError: a source is missing, or no picture could be read.
        EncoderError: the encoder is unknown or cannot be loaded.
    """
    if keep < 1:
        raise UsageError(f"keep is {keep}; keep at least 1 picture")
    if drop not in get_args(Drop):
        raise UsageError(f"what to drop has to be one of {', '.join(get_args(Drop))}, not {drop!r}")
    require_own(out)
    remove_drafts(store.path)
    _require_apart(out, sources)
    model = (encoders or EncoderPool(store)).load(encoder)
    notes: list[str] = []

    ingested = ingest(
        store,
        sources,
        labels=labels,
        label_level=label_level,
        exclude=exclude,
        sampling=sampling,
        progress=stage("add"),
    )
    notes += ingested.notes
    if ingested.videos_passed_over:
        notes.append(
            f"{ingested.videos_passed_over} videos in folders were not taken; --every 1 takes a "
            "frame a second of them as well"
        )
    embedded = embed(store, model, progress=stage("embed"))
    usable = store.count(f"{embedded.column} IS NOT NULL")
    if usable == 0:
        raise InputError(
            f"none of {ingested.added + ingested.known + len(ingested.failed)} pictures could be "
            "read; the first reason: " + next((f.reason for f in ingested.failed), "unknown")
        )

    workspace = Workspace(store)
    found = duplicates(
        workspace,
        Duplicates(encoder=embedded.column, drop=drop, apply=True, seed=seed),
        Feedback(stage=stage),
    )
    notes += found.notes
    gone = gone_ids(store, whole_pictures(store.columns(), None))
    if gone:
        notes.append(
            f"{len(gone)} pictures of the dataset are gone or changed and were left out; "
            "tamis check lists them, tamis relink OLD NEW follows a folder that moved"
        )
    marked = store.read(["sample_id"], whole_pictures(store.columns(), "duplicate_of IS NOT NULL"))
    left_out = len(set(marked.column("sample_id").to_pylist()) - gone)
    blank = store.count(whole_pictures(store.columns(), BLANK))
    chosen = select_representative(
        workspace,
        Select(keep, encoder=embedded.column, where=f"NOT ({BLANK})", seed=seed),
        Feedback(stage=stage),
    )
    if len(chosen.picks) < keep:
        dropped = "copies" if drop == "copies" else "copies and changed versions"
        notes.append(
            f"{keep} pictures were asked for and {len(chosen.picks)} are left after "
            f"unreadable, gone and blank ones and {dropped} are taken out: all of them are kept"
        )

    splits: dict[str, int] = {}
    cross, divided = None, None
    if len(chosen.picks) >= LEAST_TO_SPLIT:
        divided = split(workspace, Split(encoder=embedded.column, where="selected", seed=seed))
        splits, cross = dict(divided.counts), divided.max_cross_similarity
        notes += divided.notes
    else:
        notes.append(
            f"{len(chosen.picks)} pictures are too few to split; {LEAST_TO_SPLIT} are the least"
        )

    out.mkdir(parents=True, exist_ok=True)
    pictures = export(store, "folder", out / "pictures", where="selected", overwrite=True)
    notes += [f"{f.path} was not exported: {f.reason}" for f in pictures.failed]
    written = _all_but(tuple(failure.path for failure in pictures.failed))
    if pictures.failed and splits:
        column = store.read(["split"], written).column("split")
        splits = {name: column.to_pylist().count(name) for name in splits}
    manifest = export(store, "csv", out / "manifest.csv", where=written, overwrite=True)
    export(store, "parquet", out / "manifest.parquet", where=written, overwrite=True)
    report = write_report(
        store,
        out / "report.html",
        column=embedded.column,
        audit=divided,
        seed=seed,
        progress=stage("report"),
    )
    return CurateReport(
        added=ingested.added,
        known=ingested.known,
        failed=ingested.failed,
        embedded=embedded.embedded,
        blank=blank,
        duplicates=left_out,
        changed=found.verdicts[Verdict.CHANGED],
        gone=len(gone),
        selected=pictures.exported,
        splits=splits,
        max_cross_similarity=cross,
        pictures=pictures.path,
        manifest=manifest.path,
        report=report,
        notes=notes,
    )


def _all_but(paths: Sequence[str]) -> str:
    """Return the condition on the selected pictures that were written."""
    if not paths:
        return "selected"
    quoted = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"selected AND path NOT IN ({quoted})"


_DATASET = "dataset.tamis"
_OWN = {"pictures", "manifest.csv", "manifest.parquet", "report.html", _DATASET}


def require_own(out: Path) -> None:
    """Refuse a folder that holds what this job did not write, before hours of work.

    Raises:
        UsageError: `out` is a file, or a folder with other things in it.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{out} is a file; give a folder for the result")
    strange = sorted(
        entry.name
        for entry in out.iterdir()
        if entry.name not in _OWN and not is_draft(entry, out / _DATASET)
    )
    if strange:
        raise UsageError(
            f"{out} holds {strange[0]!r}, which is no earlier result of this command; "
            "give a new or an empty folder"
        )


def _require_apart(out: Path, sources: Sequence[str]) -> None:
    """Refuse a result inside a source: the next run would take it for new pictures."""
    for source in sources:
        if out.resolve().is_relative_to(Path(source).expanduser().resolve()):
            raise UsageError(
                f"{out} lies inside the source {source}, so that the next run would find its own "
                "result there; give a folder outside"
            )
