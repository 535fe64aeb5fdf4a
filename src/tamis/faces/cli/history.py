"""Verbs of the history: log, undo, diff, tag, gc."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from tamis.faces.cli.options import DEFAULT_DATASET, DatasetOption, JsonOption, QuietOption
from tamis.faces.cli.output import Output

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


def gc(
    dataset: DatasetOption = DEFAULT_DATASET,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Remove files that killed writers left behind; nothing that was committed is lost."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    freed = tamis.open(dataset, create=False).gc()
    output.document(freed)
    output.say(f"{freed.files} files, {freed.bytes} bytes freed")


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    for verb in (log, undo, diff, tag, gc):
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
