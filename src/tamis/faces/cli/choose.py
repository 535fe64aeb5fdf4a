"""Verbs that choose pictures: duplicates, select, split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

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
from tamis.faces.cli.rounds import show_round, show_simulation

if TYPE_CHECKING:
    from tamis.algo.selection import Strategy

__all__ = ["register"]

CHECK_FAILED = 1


def duplicates(
    dataset: DatasetOption = DEFAULT_DATASET,
    threshold: Annotated[
        str, typer.Option(metavar="T|auto", help="Least verification score in [0, 1].")
    ] = "auto",
    apply: Annotated[
        bool, typer.Option("--apply", help="Mark the duplicates; no file is ever deleted.")
    ] = False,
    encoder: EncoderOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find near-duplicate groups, and which picture of each to keep."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    with output.stages() as stage:
        report = ds.duplicates(
            threshold=_threshold(threshold),
            apply=apply,
            encoder=encoder,
            seed=seed,
            progress=stage("duplicates"),
        )
    output.document(report)
    dropped = sum(len(group.drop) for group in report.groups)
    output.say(
        f"{len(report.groups)} groups, {dropped} duplicates at threshold {report.threshold:.3f}"
        + ("" if apply else "; --apply marks them")
    )
    if report.note:
        output.note(f"note: {report.note}")
    output.table(
        ["keep", "drop"],
        [(group.keep, "\n".join(group.drop)) for group in report.groups[:50]],
    )


def select(
    n: Annotated[
        int | None,
        typer.Argument(min=1, metavar="N", help="How many pictures.", show_default=False),
    ] = None,
    dataset: DatasetOption = DEFAULT_DATASET,
    diverse: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="SHARE", help="Share picked for diversity."),
    ] = 0.2,
    round_: Annotated[
        bool, typer.Option("--round", help="The next to label, after the labels so far.")
    ] = False,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Replay rounds to N labels on known labels.")
    ] = False,
    strategy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="How to pick; with --simulate several."),
    ] = None,
    label_column: Annotated[
        str, typer.Option(metavar="COLUMN", help="Where labels are, for rounds.")
    ] = "label",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds to simulate.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, help="Runs to simulate.")] = 10,
    where: WhereOption = None,
    encoder: EncoderOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Select the pictures that represent the dataset."""
    import tamis

    if n is None:
        raise UsageError("say how many pictures to select: tamis select N")
    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    if simulate:
        with output.stages() as stage:
            found = ds.simulate_rounds(
                n,
                rounds=rounds,
                seeds=seeds,
                strategies=strategy or ["schedule"],
                label_column=label_column,
                where=where,
                encoder=encoder,
                seed=seed,
                progress=stage("rounds"),
            )
        show_simulation(output, found)
        return
    if round_:
        with output.stages() as stage:
            done = ds.select_round(
                n,
                strategy=_one_strategy(strategy),
                label_column=label_column,
                where=where,
                encoder=encoder,
                seed=seed,
                progress=stage("select"),
            )
        show_round(output, done)
        return
    if strategy:
        raise UsageError("--strategy goes with --round or --simulate")
    with output.stages() as stage:
        selection = ds.select(
            n, diverse=diverse, where=where, encoder=encoder, seed=seed, progress=stage("select")
        )
    output.document(selection.rows)
    output.table(
        ["rank", "path", "reason"],
        [(rank, row.path, row.reason) for rank, row in enumerate(selection.rows, start=1)],
    )


def split(
    dataset: DatasetOption = DEFAULT_DATASET,
    train: Annotated[float, typer.Option(min=0, max=1, help="Share of train.")] = 0.8,
    val: Annotated[float, typer.Option(min=0, max=1, help="Share of val.")] = 0.1,
    test: Annotated[float, typer.Option(min=0, max=1, help="Share of test.")] = 0.1,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Rows of one value stay together.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Audit the splits that exist; exit 1 on a leak.")
    ] = False,
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
        report = ds.check_splits(where=where, encoder=encoder)
    else:
        report = ds.split(
            train=train,
            val=val,
            test=test,
            group=group,
            where=where,
            encoder=encoder,
            seed=seed,
        )
    output.document(report)
    output.say("  ".join(f"{name} {count}" for name, count in report.counts.items()))
    if report.max_cross_similarity is not None:
        output.say(f"largest cosine similarity across splits {report.max_cross_similarity:.4f}")
    output.table(
        ["leak", "", "why"], [(leak.left, leak.right, leak.reason) for leak in report.leaks[:50]]
    )
    output.say(f"{report.leak_count} leaks")
    for sentence in report.notes:
        output.note(f"note: {sentence}")
    if check and report.leak_count:
        raise typer.Exit(CHECK_FAILED)


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    for verb in (duplicates, select, split):
        app.command()(verb)


def _one_strategy(names: list[str] | None) -> Strategy | None:
    from tamis.algo.selection import STRATEGIES

    if not names:
        return None
    if len(names) > 1 or names[0] not in STRATEGIES:
        raise UsageError(
            f"--strategy takes one of {', '.join(STRATEGIES)} here, not {' and '.join(names)}"
        )
    return cast("Strategy", names[0])


def _threshold(text: str) -> float | str:
    if text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"--threshold is {text!r}; give a number in [0, 1] or the word auto"
        ) from None
