"""Verbs of the history and of what lies on disk: log, undo, diff, tag, check, relink, gc."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tamis.interfaces.cli.options import DEFAULT_DATASET, DatasetOption, JsonOption, QuietOption
from tamis.interfaces.cli.output import Output

__all__ = ["register"]

Snapshot = Annotated[str, typer.Argument(help="A snapshot number or a tag.")]


def log(
    dataset: DatasetOption = DEFAULT_DATASET,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Show every operation, oldest first."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    entries = tamis.open(dataset, create=False).log()
    output.document(entries)
    output.table(
        ["snapshot", "time", "verb", "state", "counts", "parameters"],
        [
            (
                entry.snapshot,
                entry.finished,
                entry.verb,
                entry.state,
                _pairs(entry.counts),
                _pairs(entry.params),
            )
            for entry in entries
        ],
    )


def undo(
    dataset: DatasetOption = DEFAULT_DATASET,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Take back the last operation."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    entry = tamis.open(dataset, create=False).undo()
    output.document({"undone": entry})
    output.say(f"undone: {entry.verb} of {entry.finished}")


def diff(
    a: Snapshot,
    b: Snapshot,
    dataset: DatasetOption = DEFAULT_DATASET,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Show what changed between two snapshots or tags."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    change = tamis.open(dataset, create=False).diff(_snapshot(a), _snapshot(b))
    output.document(change)
    output.say(f"{len(change.added)} added, {len(change.removed)} removed")
    output.table(["column", "values changed"], list(change.changed.items()))


def tag(
    name: Annotated[str, typer.Argument(help="The name for the present snapshot.")],
    dataset: DatasetOption = DEFAULT_DATASET,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Name the present snapshot."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    ds.tag(name)
    output.document({"tag": name, "snapshot": ds.store.snapshot})
    output.say(f"{name} is snapshot {ds.store.snapshot}")


def check(
    dataset: DatasetOption = DEFAULT_DATASET,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Is all there and whole? Reads every picture and the dataset itself; exit 1 if not."""
    from tamis.services.check import check as check_dataset

    output = Output(as_json=json, quiet=quiet)
    with output.stages() as stage:
        report = check_dataset(Path(dataset), progress=stage("check"))
    output.document(report)
    output.say(f"{report.samples} samples, {len(report.problems)} problems")
    output.table(
        ["problem", "path", "reason"],
        [(problem.kind, problem.path, problem.reason) for problem in report.problems],
    )
    for sentence in report.notes:
        output.note(f"note: {sentence}")
    if report.problems:
        raise typer.Exit(1)


def relink(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The root as the dataset has it.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Where it is now.")],
    dataset: DatasetOption = DEFAULT_DATASET,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Follow pictures that were moved: same files, another root; one operation, can be undone."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    with output.stages() as stage:
        report = ds.relink(old, new, progress=stage("relink"))
    output.document(report)
    output.say(
        f"{report.relinked} relinked, {report.missing} still missing, {report.changed} differ"
    )
    output.table(
        ["problem", "path", "reason"],
        [(problem.kind, problem.path, problem.reason) for problem in report.problems],
    )


def gc(
    dataset: DatasetOption = DEFAULT_DATASET,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Remove files that killed writers left behind; nothing that was committed is lost."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    freed = tamis.open(dataset, create=False).gc()
    output.document({**asdict(freed), "problems": [], "repaired": freed.files, "notes": []})
    output.say(f"{freed.files} files, {freed.bytes} bytes freed")


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    for verb in (log, undo, diff, tag, check, relink, gc):
        app.command()(verb)


def _snapshot(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _pairs(values: Mapping[str, object]) -> str:
    # a histogram is for the report, and the JSON document has it too
    return ", ".join(
        f"{name}={value}"
        for name, value in values.items()
        if value is not None and name != "histogram"
    )
