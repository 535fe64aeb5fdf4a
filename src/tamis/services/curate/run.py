"""The whole pipeline: from sources of pictures to a curated, split and reported set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tamis.dataset.columns import Column
from tamis.dataset.layout import is_draft, remove_drafts
from tamis.dataset.presence import gone_ids
from tamis.dataset.samples import Kind
from tamis.errors import InputError, UsageError
from tamis.formats.exports import MANIFESTS, export
from tamis.machine import return_free_memory
from tamis.services.add.contract import Add
from tamis.services.add.run import add
from tamis.services.curate.contract import CurateReport
from tamis.services.duplicates.contract import Duplicates
from tamis.services.duplicates.run import duplicates
from tamis.services.embed.contract import Embed
from tamis.services.embed.run import embed
from tamis.services.report.write import write_report
from tamis.services.select.contract import Select
from tamis.services.select.run import select_representative
from tamis.services.split.contract import Split
from tamis.services.split.run import split
from tamis.types import Verdict
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.runtime.workspace import Workspace
    from tamis.services.curate.contract import Curate
    from tamis.verbs.feedback import Feedback

__all__ = ["curate", "require_own"]

BLANK = "contrast < 0.01"
"""A picture whose grey values spread less than a hundredth of the range shows nothing."""

LEAST_TO_SPLIT = 10
"""Fewer pictures than this make no train, validation and test set worth the name."""


def curate(workspace: Workspace, request: Curate, feedback: Feedback = SILENT) -> CurateReport:
    """Add, embed, drop bad pictures and copies, select, split, export and report.

    Every step is an operation of its own in the log, so a run that is killed goes on where it
    was when the same call is made again. All pictures of the dataset take part, also those that
    were added before.

    Raises:
        UsageError: `out` holds something that tamis did not write, or lies inside a source.
        InputError: a source is missing, or no picture could be read.
        EncoderError: the encoder is unknown or cannot be loaded.
    """
    store, stage = workspace.store, feedback.stage
    keep, out, drop, seed = request.keep, request.out, request.drop, request.seed
    require_own(out)
    remove_drafts(store.path)
    _require_apart(out, request.sources)
    workspace.encoders.load(request.encoder)  # before hours of work
    notes: list[str] = []

    ingested = add(
        workspace,
        Add(
            request.sources,
            labels=request.labels,
            label_level=request.label_level,
            exclude=request.exclude,
            every=request.every,
            embed=True,
            encoder=request.encoder,
        ),
        feedback,
    )
    notes += ingested.notes
    if ingested.videos_passed_over:
        notes.append(
            f"{counted(ingested.videos_passed_over, 'video in folders was')} not taken; --every "
            f"1 takes a "
            "frame a second of them as well"
        )
    return_free_memory()
    embedded = embed(workspace, Embed(request.encoder), feedback)
    workspace.encoders.release()  # what follows reads vectors only
    return_free_memory()
    whole = workspace.samples.of(kind=Kind.WHOLE)
    usable = workspace.samples.of(kind=Kind.ALL).embedded(embedded.column)
    if usable == 0:
        raise InputError(
            f"none of {ingested.added + ingested.known + len(ingested.failed)} pictures could be "
            "read; the first reason: " + next((f.reason for f in ingested.failed), "unknown")
        )

    found = duplicates(
        workspace,
        Duplicates(encoder=embedded.column, drop=drop, apply=True, seed=seed),
        feedback,
    )
    notes += found.notes
    return_free_memory()
    gone = gone_ids(store, whole.condition)
    if gone:
        notes.append(
            f"{counted(len(gone), 'picture of the dataset is')} gone or changed, and left out; "
            "tamis check lists them, tamis relink OLD NEW follows a folder that moved"
        )
    left_out = len(set(whole.having(Column.DUPLICATE_OF).ids) - gone)
    blank = whole.where(BLANK).count()
    chosen = select_representative(
        workspace,
        Select(keep, encoder=embedded.column, where=f"NOT ({BLANK})", seed=seed),
        feedback,
    )
    if len(chosen.picks) < keep:
        dropped = "copies" if drop == "copies" else "copies and changed versions"
        notes.append(
            f"{counted(keep, 'picture was')} asked for and {len(chosen.picks)} are left after "
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
            f"{counted(len(chosen.picks), 'picture is')} too few to split; the least is "
            f"{LEAST_TO_SPLIT}"
        )

    out.mkdir(parents=True, exist_ok=True)
    pictures = export(
        store, "folder", out / "pictures", where="selected", overwrite=True, manifests=out
    )
    notes += [f"{f.path} was not exported: {f.reason}" for f in pictures.failed]
    if pictures.failed and splits:
        written = _all_but(tuple(failure.path for failure in pictures.failed))
        column = store.read(["split"], written).column("split")
        splits = {name: column.to_pylist().count(name) for name in splits}
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
        embedded=(ingested.embedded or 0) + embedded.embedded,
        blank=blank,
        duplicates=left_out,
        changed=found.verdicts[Verdict.CHANGED],
        gone=len(gone),
        selected=pictures.exported,
        splits=splits,
        max_cross_similarity=cross,
        pictures=pictures.path,
        manifest=out / MANIFESTS[0],
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
_OWN = {"pictures", *MANIFESTS, "report.html", _DATASET}


def require_own(out: Path) -> None:
    """Refuse a folder that holds files of others, before hours of work.

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
