"""`tamis` as a user types it: in this process, which is quick, or in one of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from tamis.interfaces.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = {"COLUMNS": "200"}


@dataclass
class Run:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class CommandLine:
    """Runs `tamis` in a folder; warnings are errors.

    Attributes:
        folder: where.
        process: start a process for each command, as a shell does; otherwise only those get one
            that are given an environment.
    """

    folder: Path
    process: bool = False

    def __call__(self, *arguments: str | Path, code: int = 0, **environment: str) -> Run:
        words = list(map(str, arguments))
        if self.process or environment:
            run = in_process_of_its_own(
                [sys.executable, "-W", "error", "-m", "tamis", *words], self.folder, environment
            )
        else:
            run = in_this_process(words, self.folder)
        assert run.code == code, f"exit {run.code}\n{run.out}\n{run.err}"
        return run


def in_process_of_its_own(command: list[str], folder: Path, environment: dict[str, str]) -> Run:
    """Run any command in a folder and wait for its end."""
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **COLUMNS, **environment},
        timeout=300,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def in_this_process(words: list[str], folder: Path) -> Run:
    """Run `tamis` with these words in a folder."""
    with as_a_program(["tamis", *words], folder) as (out, err):
        code = main(words)
    return Run(code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode())


@contextmanager
def as_a_program(
    argv: list[str], folder: Path
) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    """Be in a folder, with streams of one's own and warnings as errors, until the block ends."""
    here = os.getcwd()  # noqa: PTH109 - as chdir takes it
    streams = [
        io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)
    ]
    os.chdir(folder)
    try:
        with (
            mock.patch.object(sys, "argv", argv),
            mock.patch.dict(os.environ, COLUMNS),
            warnings.catch_warnings(),
            redirect_stdout(streams[0]),
            redirect_stderr(streams[1]),
        ):
            warnings.simplefilter("error")
            yield streams[0], streams[1]
    finally:
        os.chdir(here)
        _forget_modules(folder)


def _forget_modules(folder: Path) -> None:
    """Let the next program import a module of the same name from its own folder."""
    inside = os.path.join(folder, "")  # noqa: PTH118 - thousands of modules, after each command
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and file.startswith(inside):
            del sys.modules[name]
