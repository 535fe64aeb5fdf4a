"""`tamis`: the command line's entry, and how errors leave it.

Exit codes: 0 done; 1 done, but the check that was asked for failed; 2 wrong use or bad input;
3 a defect of tamis.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from functools import cache
from typing import Any

import typer
import typer.main

from tamis.errors import TamisError
from tamis.interfaces.cli import (
    annotating,
    build,
    choose,
    clustering,
    defects,
    divide,
    drift,
    duplicates,
    encoders,
    find,
    finetuning,
    history,
    look,
    page,
    probing,
    watching,
)
from tamis.interfaces.cli.command import CommandGroup
from tamis.machine import keep_heaps_few
from tamis.outside_text import is_storable, showable

__all__ = ["app", "commands", "main"]

app = typer.Typer(
    name="tamis",
    cls=CommandGroup,
    help="From hours of raw pictures and video to the few that matter.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_ROOMS = (
    build,
    annotating,
    watching,
    find,
    duplicates,
    choose,
    clustering,
    defects,
    divide,
    drift,
    look,
    page,
    probing,
    finetuning,
    encoders,
    history,
)
for room in _ROOMS:
    room.register(app)


@app.callback(invoke_without_command=True)
def _top(
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    if version:
        from tamis import __version__

        typer.echo(f"tamis {__version__}")
        raise typer.Exit


@cache
def commands() -> Any:
    """Return all commands, callable; they are built once, which takes 20 ms."""
    return typer.main.get_command(app)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line on `arguments` (default: the process's) and return the exit code."""
    keep_heaps_few()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a letter it lacks is spelt out
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] and given[0] not in _TAKE_ANY_NAME and (refused := _unreadable(given)):
        return _complain(refused, 2)
    try:
        result = commands()(args=arguments, prog_name="tamis", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        result = _INTERRUPTED
    except _WrongUse as error:
        return _refuse(error)
    except BrokenPipeError:
        # the reader of our output went away (`| head`): nothing is left to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BaseException as error:  # the last resort: say whose mistake it is
        # a library in Rust that gives up raises what is no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        return _explain(error, given)
    if result == _INTERRUPTED:
        return _complain("interrupted; what was finished is kept, run again to go on", result)
    return result if isinstance(result, int) else 0


# typer carries a click of its own since some version; its errors are reached through typer's names
_WrongUse: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def _refuse(error: Any) -> int:
    """Print what typer says of words that fit no command, as one sentence of ours."""
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{error.format_message()}\n")
        return 2
    sentence = " ".join(error.format_message().split()).rstrip(".?")
    sentence = sentence.replace("Possible options:", "did you mean").replace(". Did", "; did")
    context = getattr(error, "ctx", None)
    where = "tamis" if context is None else context.command_path
    return _complain(f"{sentence[:1].lower()}{sentence[1:]}; see  {where} --help", 2)


_INTERRUPTED = 130
"""What a shell reports for a command that Ctrl-C ended; typer returns it too."""

_OUTSIDE = {
    errno.ENOSPC: "the disk is full; make room and run again, what was finished is kept",
    errno.EDQUOT: "the disk quota is used up; make room and run again, what was finished is kept",
    errno.EACCES: "permission denied; change its permissions or choose another place",
    errno.EPERM: "operation not permitted; change its permissions or choose another place",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.ENOENT: "it does not exist (any more); check the path",
    errno.ENOTDIR: "a part of the path is a file, not a folder; check the path",
    errno.ENAMETOOLONG: "the name is too long for this file system; choose a shorter one",
}
"""Errors of the operating system that the user can mend, and how."""


_TAKE_ANY_NAME = {"add", "curate", "watch"}
"""Verbs to which files of any name may be given: they list those that they cannot take."""


def _unreadable(arguments: list[str]) -> str | None:
    """Return what to say of an argument that is not UTF-8, if there is one."""
    bad = next((argument for argument in arguments if not is_storable(argument)), None)
    return bad and f"the argument {showable(bad)} is not valid UTF-8; rename the file that it names"


def _explain(error: BaseException, arguments: list[str]) -> int:
    if isinstance(error, TamisError):
        return _complain(str(error), 2)
    if isinstance(error, OSError) and error.errno in _OUTSIDE:
        return _complain(f"{error.filename or 'a file'}: {_OUTSIDE[error.errno]}", 2)
    if isinstance(error, UnicodeEncodeError) and (refused := _unreadable(arguments)):
        return _complain(refused, 2)
    sys.stderr.write(showable("".join(traceback.format_exception(error)), lines=True))
    return _complain(
        "this is a defect of tamis, not of your input; please report it with the lines above", 3
    )


def _complain(sentence: str, code: int) -> int:
    sys.stderr.write(f"tamis: {showable(sentence)}\n")
    return code
