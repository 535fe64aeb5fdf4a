"""The verb that divides pictures into splits or folds, and checks those that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tamis.errors import UsageError
from tamis.interfaces.cli.options import (
    DEFAULT_DATASET,
    DatasetOption,
    EncoderOption,
    JsonOption,
    QuietOption,
    SeedOption,
    WhereOption,
)
from tamis.interfaces.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.services.splits import Leak, SplitReport

__all__ = ["register"]

CHECK_FAILED = 1
_SHOWN_LEAKS, _SHOWN_APART, _SHOWN_LABELS = 50, 10, 30


def split(
    dataset: DatasetOption = DEFAULT_DATASET,
    train: Annotated[float, typer.Option(min=0, max=1, help="Share of train.")] = 0.8,
    val: Annotated[float, typer.Option(min=0, max=1, help="Share of val.")] = 0.1,
    test: Annotated[float, typer.Option(min=0, max=1, help="Share of test.")] = 0.1,
    folds: Annotated[
        int | None, typer.Option(metavar="K", help="Make K folds instead, as the mark fold.")
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Train on the past, test on the latest."),
    ] = None,
    time_block: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTH",
            help="Keep together what one camera or video took within blocks of this length: 90s, "
            "10m, 2h, 1d.",
        ),
    ] = None,
    gap: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTH",
            help="With --time-block: least time between splits; pictures in between get none.  "
            "[default: a tenth of a block]",
        ),
    ] = None,
    block_by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="With --time-block: a column of times, or of seconds.  [default: seconds of "
            "frames, captured_at of photographs]",
        ),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Rows of one value stay together; repeatable."),
    ] = None,
    label: Annotated[
        str, typer.Option(metavar="COLUMN", help="Labels to spread evenly, one or several a row.")
    ] = "label",
    delimiter: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Separates several labels in one text, e.g. ;"),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="T", help="Join from this cosine similarity on, whatever the pixels say."
        ),
    ] = None,
    changed: Annotated[
        str,
        typer.Option(
            metavar="auto|together|apart",
            help="Keep changed versions of one view in one split; auto does where they are rare.",
        ),
    ] = "auto",
    check: Annotated[
        bool, typer.Option("--check", help="Audit the splits that exist; exit 1 on a leak.")
    ] = False,
    column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="With --check: where splits are named; path means by folder. [default: split]",
        ),
    ] = None,
    where: WhereOption = None,
    encoder: EncoderOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Split into train, val and test with no copy across them."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    if check:
        if folds is not None or time is not None:
            raise UsageError(
                "--check audits splits that exist: leave out --folds and --time, and name folds "
                "with  --column fold"
            )
        report = ds.check_splits(
            column or "split",
            group=group,
            label=label,
            delimiter=delimiter,
            where=where,
            encoder=encoder,
            threshold=threshold,
            changed=changed,
            time_block=time_block,
            gap=gap,
            block_by=block_by,
            seed=seed,
        )
    else:
        if column is not None:
            raise UsageError(f"--column {column} says what to check: add --check")
        report = ds.split(
            train=train,
            val=val,
            test=test,
            folds=folds,
            time=time,
            group=group,
            label=label,
            delimiter=delimiter,
            where=where,
            encoder=encoder,
            threshold=threshold,
            changed=changed,
            time_block=time_block,
            gap=gap,
            block_by=block_by,
            seed=seed,
        )
    output.document(report)
    _tell(output, report)
    if check and report.leak_count:
        raise typer.Exit(CHECK_FAILED)


def _tell(output: Output, report: SplitReport) -> None:
    shared = any(balance.labels_in_all for balance in report.coverage.values())
    rows = []
    for name, count in report.counts.items():
        balance, found = report.coverage[name], report.difference[name]
        row: list[object] = [name, f"{count:,}"]
        if report.targets:
            row.append(f"{count - report.targets[name]:+,}")
        if report.cuts:
            row.append(report.cuts[name])
        if shared:
            row += [f"{balance.labels} of {balance.labels_in_all}", _points(balance.label_gap)]
        row += [f"{balance.clusters} of {balance.clusters_in_all}", _points(balance.cluster_gap)]
        row += ["", ""] if found is None else [f"{found.mmd2:.1e}", f"{found.p:.3f}"]
        rows.append(row)
    columns = [report.mark, "pictures"]
    columns += ["off"] if report.targets else []
    columns += ["until"] if report.cuts else []
    columns += ["labels", "gap"] if shared else []
    output.table([*columns, "clusters", "gap", "MMD²", "p"], rows)
    if 1 < len(report.labels) <= _SHOWN_LABELS:
        output.table(
            ["label", *report.counts],
            [(label, *counts.values()) for label, counts in report.labels.items()],
        )
    if report.max_cross_similarity is not None:
        output.say(f"largest cosine similarity across splits {report.max_cross_similarity:.4f}")
    _list_pairs(output, "leak", report.leaks)
    output.say(_counted(report))
    if not report.changed_together:
        _list_pairs(output, "changed, no leak", report.changed_apart[:_SHOWN_APART])
    if report.alike:
        output.say(
            f"{report.alike:,} pairs across splits are as near by their vectors, and different by "
            "their pixels"
        )
    for sentence in report.notes:
        output.note(f"note: {sentence}")
    output.note(
        "gap: largest difference between a share in the split and in all, in points. p: how often "
        "random splits of the same groups lie as far from the rest; a small p means unlike."
    )


def _list_pairs(output: Output, corner: str, pairs: Sequence[Leak]) -> None:
    output.table(
        [corner, "", "splits", "kind", "verdict", "score", "cosine", "differs at", "why"],
        [
            (
                pair.left,
                pair.right,
                " | ".join(pair.splits),
                pair.kind,
                pair.verdict or "",
                "" if pair.score is None else f"{pair.score:.2f}",
                "" if pair.similarity is None else f"{pair.similarity:.3f}",
                "" if pair.region is None else "{},{} {}x{}".format(*pair.region["left"]),
                pair.reason,
            )
            for pair in pairs[:_SHOWN_LEAKS]
        ],
    )


def _counted(report: SplitReport) -> str:
    """How many leaks there are, of which kinds, and what is no leak."""
    changed = report.changed + report.undecided
    kinds = {
        "copies": report.copies,
        "changed": report.changed if report.changed_together else 0,
        "undecided": report.undecided if report.changed_together else 0,
    }
    kinds["other"] = report.leak_count - sum(kinds.values())
    of = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    said = f"{report.leak_count:,} leaks" + (f": {of}" if of else "")
    if changed and not report.changed_together:
        said += f"; {changed:,} pairs across splits are changed versions of each other, no leaks"
    return said


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def register(app: typer.Typer) -> None:
    """Put the verb on the command line."""
    app.command()(split)
