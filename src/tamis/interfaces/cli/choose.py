"""Verbs that choose pictures: select, scores."""

from __future__ import annotations

from typing import Annotated, Any

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
from tamis.interfaces.cli.rounds import show_round, show_simulation

__all__ = ["register"]


def select(
    n: Annotated[int, typer.Argument(min=1, metavar="N", help="How many pictures.")],
    dataset: DatasetOption = DEFAULT_DATASET,
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How: default, random, k-means, facility-location, k-center, typicality, "
            "prob-cover, max-herding, dpp, hierarchical-k-means; or several with their shares, "
            "such as dpp:.5,random:.5. With --round or --simulate also uncertainty-herding, "
            "margin, entropy, badge; there the number of labels decides if none is named.",
            show_default=False,
        ),
    ] = None,
    diverse: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Share that the default picks for diversity; if not given, none of the first 30 "
            "and a fifth of the rest.",
            show_default=False,
        ),
    ] = None,
    quota: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=VALUE:AMOUNT",
            help="How many of a group: label=cat:10, :10.. at least, :..10 at most, :5..10, :20%, "
            "label=*:2.. for each value, label=*:equal, label=*:proportional; repeatable.",
        ),
    ] = None,
    include: Annotated[
        str | None,
        typer.Option(metavar="SQL", help="Selected in any case; they count in N."),
    ] = None,
    forbid: Annotated[
        str | None, typer.Option(metavar="SQL", help="Represented, but not selected.")
    ] = None,
    labelled: Annotated[
        str | None,
        typer.Option(metavar="SQL", help="Labelled already: represent others, not selected again."),
    ] = None,
    round_: Annotated[
        bool, typer.Option("--round", help="The next to label, after what the labels so far teach.")
    ] = False,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Replay rounds up to N labels on known labels.")
    ] = False,
    label_column: Annotated[
        str, typer.Option(metavar="COLUMN", help="Where labels are, for rounds.")
    ] = "label",
    rounds: Annotated[int, typer.Option(min=1, help="How many to simulate.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each strategy to simulate.")] = 10,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another strategy to simulate; repeatable."),
    ] = None,
    where: WhereOption = None,
    encoder: EncoderOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Select the pictures that represent the dataset."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    if simulate:
        with output.stages() as stage:
            found = ds.simulate_rounds(
                n,
                rounds=rounds,
                seeds=seeds,
                strategies=[_strategy(name) for name in (strategy or "schedule", *(against or []))],
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
                strategy=None if strategy is None else _strategy(strategy),
                label_column=label_column,
                where=where,
                encoder=encoder,
                seed=seed,
                progress=stage("select"),
            )
        show_round(output, done)
        return
    with output.stages() as stage:
        selection = ds.select(
            n,
            strategy=_strategy(strategy or "default"),
            diverse=diverse,
            where=where,
            labelled=labelled,
            forbid=forbid,
            include=include,
            quotas=quota or [],
            encoder=encoder,
            seed=seed,
            progress=stage("select"),
        )
    output.document(selection.rows)
    output.table(
        ["rank", "path", "reason"],
        [(rank, row.path, row.reason) for rank, row in enumerate(selection.rows, start=1)],
    )
    if selection.coverage is not None:
        ours, chance = selection.coverage.picked, selection.coverage.random
        output.note(
            f"mean similarity to the nearest selected {ours.mean_similarity:.4f}, at random "
            f"{chance.mean_similarity:.4f}; within cosine distance "
            f"{selection.coverage.radius:.4f} {ours.share_within:.1%}, at random "
            f"{chance.share_within:.1%}; outliers taken {selection.outliers_taken} of "
            f"{'about ' if selection.neighbors == 'sample' else ''}{selection.outliers:,}"
        )
    if len(selection.rows) < n:
        output.note(f"note: {n} were asked for and {len(selection.rows)} can be selected")
    if selection.parts > 1:
        output.note(
            f"note: chosen in {selection.parts} random parts and from their union, for "
            f"{selection.represented:,} pictures are too many to compare all"
        )


def scores(
    dataset: DatasetOption = DEFAULT_DATASET,
    where: WhereOption = None,
    encoder: EncoderOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Mark how representative and how unique each picture is."""
    import tamis

    output = Output(as_json=json, quiet=quiet)
    ds = tamis.open(dataset, create=False)
    with output.stages() as stage:
        report = ds.scores(where=where, encoder=encoder, seed=seed, progress=stage("scores"))
    output.document(report)
    output.say(f"{report.scored} scored, {report.copies} of them with an identical vector beside")
    for title, rows in (
        ("most representative", report.representative),
        ("most unique", report.unique),
    ):
        output.table(
            [title, "representativeness", "uniqueness"],
            [(row.path, row.representativeness, row.uniqueness) for row in rows],
        )


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    for verb in (select, scores):
        app.command()(verb)


def _strategy(text: str) -> Any:
    """Read a strategy's name, or several with their shares."""
    if ":" not in text:
        return text
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.partition(":")
        try:
            shares[name.strip()] = float(share)
        except ValueError:
            raise UsageError(
                f"--strategy is {text!r}; give one name, or NAME:SHARE,NAME:SHARE with shares that "
                "add up to 1"
            ) from None
    return shares
