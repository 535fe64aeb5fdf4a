"""Verbs of `tamis encoders`: list them, try one, write one as a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tamis.interfaces.cli.options import JsonOption, QuietOption
from tamis.interfaces.cli.output import Output

__all__ = ["register"]

CHECK_FAILED = 1

Spec = Annotated[str, typer.Argument(metavar="SPEC", help="An encoder, as `tamis encoders` shows.")]

encoders = typer.Typer(no_args_is_help=False)


@encoders.callback(invoke_without_command=True)
def _top(context: typer.Context, json: JsonOption = False, quiet: QuietOption = False) -> None:
    """List the encoders that can be used here; `check SPEC` loads one and tries it."""
    # what stands before the verb counts for it
    context.obj = {"as_json": json, "quiet": quiet}
    if context.invoked_subcommand is None:
        _print_list(Output(**context.obj))


@encoders.command("list")
def list_encoders(
    context: typer.Context, json: JsonOption = False, quiet: QuietOption = False
) -> None:
    """List the encoders that can be used here."""
    _print_list(_output(context, json, quiet))


@encoders.command()
def check(
    context: typer.Context,
    spec: Spec,
    pictures: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A B", help="Two pictures such as it will see. [default: made ones]"),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Load an encoder and try it: speed, and whether it keeps what encoders promise."""
    from tamis.services.encoder_check import check_encoder

    output = _output(context, json, quiet)
    result = check_encoder(spec, pictures or ())
    output.document(result)
    output.say(f"{result.spec}: {result.dim} dimensions, {result.pictures_per_second:.1f}/s")
    for name, value in (
        ("fingerprint", result.fingerprint),
        ("pictures", result.preprocessing),
        ("texts", "yes" if result.text else "no"),
        ("feature maps", ", ".join(result.feature_levels) or "none"),
        ("runs on", f"{result.device}, {result.workers} x {result.batch_size} pictures at a time"),
        ("loaded in", f"{result.load_seconds:.1f} s"),
        ("cosine", f"{_shown(result.similarity, '.4f')} between the two pictures"),
        ("batches", f"a vector moves by {_shown(result.batch_difference, '.1g')} among others"),
        ("twice", "the same bits" if result.deterministic else "other bits"),
        ("decoding", f"cosine {_shown(result.scaled_decoding, '.5f')}, decoded smaller or whole"),
    ):
        output.say(f"{name:<14}{value}")
    if result.note:
        output.note(f"note: {result.note}")
    for problem in result.problems:
        output.note(f"problem: {problem}")
    if result.problems:
        raise typer.Exit(CHECK_FAILED)


@encoders.command()
def export(
    context: typer.Context,
    spec: Spec,
    out: Annotated[
        Path, typer.Option(metavar="DIR|FILE", help="Where it goes; a FILE ends in .onnx or .xml.")
    ],
    pictures: Annotated[
        list[str],
        typer.Option(
            metavar="SOURCE", help="Pictures such as it will see, to compare on; repeatable."
        ),
    ],
    runtime: Annotated[
        Literal["onnx", "openvino"], typer.Option(metavar="onnx|openvino", help="What runs it.")
    ] = "onnx",
    precision: Annotated[
        Literal["float32", "int8"],
        typer.Option(metavar="float32|int8", help="What it computes in; int8 needs openvino."),
    ] = "float32",
    min_overlap: Annotated[
        float,
        typer.Option(metavar="X", help="Least mean share of the nearest neighbours that stay."),
    ] = 0.95,
    min_cosine: Annotated[
        float, typer.Option(metavar="X", help="Least mean cosine between old and new vectors.")
    ] = 0.99,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there.")
    ] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write an encoder as a file that needs no PyTorch, if it stands in for it well enough."""
    import tamis

    output = _output(context, json, quiet)
    with output.stages() as stage:
        result = tamis.export_encoder(
            spec,
            out,
            pictures,
            runtime=runtime,
            precision=precision,
            min_overlap=min_overlap,
            min_cosine=min_cosine,
            overwrite=overwrite,
            stage=stage,
        )
    output.document(result)
    alike = result.fidelity
    output.say(
        f"cosine {alike.mean_cosine:.5f} on average, {alike.worst_cosine:.5f} at worst; "
        f"{alike.overlap:.1%} of the {alike.neighbours} nearest kept ({result.pictures} pictures)\n"
        f"{result.pictures_per_second:.1f} pictures/s, {result.source_pictures_per_second:.1f} by "
        f"{result.source}"
    )
    for sentence in result.notes:
        output.note(f"note: {sentence}")
    if result.failed:
        output.note(f"note: {len(result.failed)} pictures could not be read; --json lists them")
    if not result.kept:
        output.say(
            f"not kept: less than --min-overlap {min_overlap:g} or --min-cosine {min_cosine:g}"
        )
        raise typer.Exit(CHECK_FAILED)
    output.say(f"use it as  {result.spec}")


def register(app: typer.Typer) -> None:
    """Put these verbs on the command line."""
    app.add_typer(encoders, name="encoders")


def _output(context: typer.Context, json: bool, quiet: bool) -> Output:
    before: dict[str, Any] = context.obj
    return Output(as_json=json or before["as_json"], quiet=quiet or before["quiet"])


def _shown(value: float | None, form: str) -> str:
    return "not a number" if value is None else format(value, form)


def _print_list(output: Output) -> None:
    from tamis.encoders import registry
    from tamis.encoders.runtimes import find_runtimes

    rows = registry.available()
    runtimes = {runtime.name: runtime for runtime in find_runtimes() if runtime.version}
    output.document(
        [
            asdict(row)
            | {"devices": runtimes[row.runtime].devices if row.runtime in runtimes else ()}
            for row in rows
        ]
    )
    output.table(
        ["encoder", "short names", "runs here", "to use it"],
        [
            (
                row.spec,
                ", ".join(row.short_names),
                "yes" if row.installed and not row.needs_network else "not yet",
                "; ".join(
                    [row.needs] * bool(row.needs) + ["needs the network once"] * row.needs_network
                ),
            )
            for row in rows
        ],
    )
    found = [
        f"{runtime.name} {runtime.version} ({', '.join(runtime.devices)})"
        for runtime in runtimes.values()
    ]
    output.say(f"found: {'; '.join(found)}")
