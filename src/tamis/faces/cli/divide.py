"""The verb that divides pictures into splits or folds, and checks those that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tamis.errors import UsageError
from tamis.faces.cli.options import (
    DEFAULT_DATASET,
    DatasetOption,
    EncoderOption,
    JsonOption,
    QuietOption,
    SeedOption,
    WhereOption,
)
from tamis.faces.cli.output import Output

if TYPE_CHECKING:
    from tamis.services.splits import SplitReport

__all__ = ["register"]

CHECK_FAILED = 1
_SHOWN_LEAKS, _SHOWN_LABELS = 50, 30


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
        typer.Option(metavar="T", help="Join from this cosine similarity on; found if not given."),
    ] = None,
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
    """Split into train, val and test with no near-duplicate across them."""
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
    output.table(
        ["leak", "", "splits", "kind", "score", "cosine", "why"],
        [
            (
                leak.left,
                leak.right,
                " | ".join(leak.splits),
                leak.kind,
                "" if leak.score is None else f"{leak.score:.2f}",
                "" if leak.similarity is None else f"{leak.similarity:.3f}",
                leak.reason,
            )
            for leak in report.leaks[:_SHOWN_LEAKS]
        ],
    )
    output.say(f"{report.leak_count:,} leaks")
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


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def register(app: typer.Typer) -> None:
    """Put the verb on the command line."""
    app.command()(split)
