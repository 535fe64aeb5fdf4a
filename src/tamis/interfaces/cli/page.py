"""`tamis app`: the page of a dataset in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tamis.errors import UsageError
from tamis.interfaces.cli.command import DEFAULT_DATASET

__all__ = ["register"]

_NOTE = (
    "listening on {host}: whoever reaches this machine and knows the address with its token can "
    "see and change the dataset, and the connection is not encrypted; a tunnel is safer:  "
    "ssh -L {port}:127.0.0.1:{port} MACHINE\n"
)


def register(app: typer.Typer) -> None:
    """Put it on the command line."""
    app.command("app", help=serve_app.__doc__)(serve_app)


def serve_app(
    dataset: Annotated[
        Path | None,
        typer.Argument(
            envvar="TAMIS_DATASET",
            metavar="[DATASET]",
            help=f"The dataset, a folder.  [default: {DEFAULT_DATASET}]",
            show_default=False,
        ),
    ] = None,
    also: Annotated[
        Path | None,
        typer.Option("-d", "--dataset", help="The same, as for other verbs.", show_default=False),
    ] = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 takes any free port.")
    ] = 8090,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    remote: Annotated[
        bool, typer.Option("--remote", help="Let other machines in, with the token.")
    ] = False,
    segmenter: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Your function that makes masks of points; it runs as you.",
            show_default=False,
        ),
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Open no browser.")] = False,
) -> None:
    """Open the dataset in the browser: look, search and label.

    Prints the page's address with its token, one line, and serves it until Ctrl-C.
    """
    from tamis.interfaces.server.serve import serve_page

    if not (host in {"127.0.0.1", "localhost", "::1"} or remote):
        raise UsageError(
            f"with --host {host} other machines can reach the page; add --remote if they may"
        )
    if remote:
        typer.echo(_NOTE.format(host=host, port=port), err=True, nl=False)
    place = also or dataset or DEFAULT_DATASET
    serve_page(place, host, port, open_page=not no_open, segmenter=segmenter)
