"""A command of the command line, made from the class of a request."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import MISSING, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from tamis.errors import TamisError
from tamis.verbs.command_line import read_words
from tamis.verbs.feedback import Feedback
from tamis.verbs.request import fields_of

if TYPE_CHECKING:
    from tamis.interfaces.cli.output import Output
    from tamis.verbs.request import Field, Request

__all__ = ["DEFAULT_DATASET", "Command", "CommandGroup", "JsonOption", "QuietOption"]

DEFAULT_DATASET = Path("dataset.tamis")

Show = Callable[[Any, Any, Any], int | None]
"""Prints a result for a person: takes the output, the request and the result; an exit code."""


def _dataset_option(default: str) -> Any:
    """Return the option -d, with what it is by default in words."""
    return typer.Option(
        "-d",
        "--dataset",
        envvar="TAMIS_DATASET",
        metavar="PATH",
        help=f"The dataset, a folder.  [default: {default}]",
        show_default=False,
    )


JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout, all else on stderr.")
]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="No notes, no progress bars.")]


@dataclass(frozen=True)
class Command:
    """How the command line asks for one verb and shows what it answers.

    Attributes:
        request: the class of its request.
        show: prints the result for a person.
        dataset: what -d is by default, a function of the request; None for verbs without one.
    """

    request: type[Request[Any]]
    show: Show
    dataset: Callable[[Any], Path] | None = lambda _request: DEFAULT_DATASET
    dataset_words: str = str(DEFAULT_DATASET)

    def register(self, app: typer.Typer) -> None:
        """Put it on the command line, in the group that its first words name."""
        name, words = self.request.verb.split()[-1], inspect.getdoc(self.request) or ""
        late: Any = partial(_LateCommand, self._function)
        app.command(name, cls=late, help=words)(_nothing)

    def _function(self) -> Callable[..., None]:
        def run(context: typer.Context, **given: Any) -> None:
            # a group of verbs takes --json and --quiet before the verb as well
            before: dict[str, bool] = context.obj or {}
            self.run(given | {name: given[name] or on for name, on in before.items()})

        parameters = [_keyword("context", typer.Context, inspect.Parameter.empty)]
        parameters += [_parameter(field) for field in fields_of(self.request)]
        # words by their place come first, in the order of the request
        if self.dataset is not None:
            at = Annotated[str | None, _dataset_option(self.dataset_words)]
            parameters.append(_keyword("dataset", at, None))
        parameters.append(_keyword("json", JsonOption, False))
        parameters.append(_keyword("quiet", QuietOption, False))
        run.__name__ = self.request.verb.replace(" ", "_")
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return run

    def run(self, given: dict[str, Any]) -> None:
        """Ask for what the command line gave, print the answer, and end with its exit code.

        Raises:
            TamisError: it cannot be met.
        """
        from tamis.interfaces.cli.output import Output  # rich takes a while to load

        output = Output(as_json=given.pop("json"), quiet=given.pop("quiet"))
        named = given.pop("dataset", None)
        at = None if named is None else Path(named)
        request = self.request.of(read_words(self.request, given))
        try:
            with self.feedback(output) as feedback:
                result = self._answer(request, at, feedback)
        except TamisError as error:
            if error.result is not None:
                self._print(output, request, error.result)
            raise
        if code := self._print(output, request, result):
            raise typer.Exit(code)

    def _print(self, output: Output, request: Request[Any], result: Any) -> int | None:
        output.document(result)
        try:
            return self.show(output, request, result)
        finally:
            for sentence in result.notes:
                output.note(f"note: {sentence}")

    def _answer(self, request: Request[Any], at: Path | None, feedback: Feedback) -> Any:
        from tamis.runtime.workspace import execute

        if self.dataset is None:
            return execute(None, request, feedback)
        return self.answer(request, at or self.dataset(request), feedback)

    def feedback(self, output: Output) -> AbstractContextManager[Feedback]:
        """Return what the verb tells its progress to."""
        return output.feedback()

    def answer(self, request: Any, path: Path, feedback: Feedback) -> Any:
        """Open the dataset and do what the request asks.

        Raises:
            TamisError: it cannot be done.
        """
        from tamis.runtime.workspace import Workspace, execute

        if self.request.creates:
            from tamis.dataset.creation import dataset_to_fill

            with dataset_to_fill(path) as store:
                return execute(Workspace(store), request, feedback)
        from tamis.runtime.dataset_at import open_dataset

        return execute(Workspace(open_dataset(path)), request, feedback)


class _LateCommand(TyperCommand):
    """A command whose options are made when it is used: all of them take 0.15 CPU seconds."""

    def __init__(self, function: Callable[[], Callable[..., None]], **settings: Any) -> None:
        super().__init__(**settings)
        self._function: Callable[[], Callable[..., None]] | None = function

    def get_params(self, ctx: Any) -> Any:
        """Return the options; whoever reads words or writes help asks for them first."""
        if self._function is not None:
            app = typer.Typer(add_completion=False)
            app.command()(self._function())
            whole = typer.main.get_command(app)
            self.params, self.callback, self._function = whole.params, whole.callback, None
            for one in self.params:
                if isinstance(one, TyperArgument):
                    # its name says what it is; that it comes as a text is no news
                    vars(one)["display_type_rich"] = lambda **_: ""
        return _as_given(super().get_params(ctx))


class CommandGroup(TyperGroup):
    """Verbs under one name, whose own options are flags."""

    def get_params(self, ctx: Any) -> Any:
        """Return the options."""
        return _as_given(super().get_params(ctx))


def _as_given(params: Any) -> Any:
    """Let requests read texts: typer would load pydantic for it, 0.2 CPU seconds."""
    for one in params:
        vars(one)["_runtime_param"] = _AsGiven()
    return params


class _AsGiven:
    """Leaves texts, lists of them and flags as the command line gave them."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return a value as it is; of an option that can be repeated, none as an empty list."""
        del ctx
        return () if value is None and (param.multiple or param.nargs == -1) else value


def _nothing() -> None:
    """Stand for a command until its own function is made."""


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def _parameter(field: Field) -> inspect.Parameter:
    """Return a field as typer takes it: a text, several texts, or a flag."""
    option, kind = field.option, field.kind
    needed = field.default is MISSING
    settings: dict[str, Any] = {"help": _described(field), "show_default": False}
    settings["metavar"] = option.metavar or "|".join(kind.words()) or "VALUE"
    if words := kind.words():
        settings["autocompletion"] = lambda: list(words)
    if option.positional:
        form: Any = list[str] if kind.many else str
        form = form if needed else form | None
        return _keyword(
            field.name, Annotated[form, typer.Argument(**settings)], ... if needed else None
        )
    if isinstance(field.default, bool) or _is_flag(field):
        settings.pop("metavar", None)
        settings.pop("autocompletion", None)
        spelt = "/".join(field.spellings)
        return _keyword(field.name, Annotated[bool | None, typer.Option(spelt, **settings)], None)
    form = list[str] if kind.many else str
    if option.spread:
        form = tuple[str, str]
    form = form if needed else form | None
    return _keyword(
        field.name,
        Annotated[form, typer.Option(*field.spellings, **settings)],
        ... if needed else None,
    )


def _is_flag(field: Field) -> bool:
    return field.annotation in {bool, bool | None}


def _described(field: Field) -> str:
    """Return a field's help: what it is, whether it can be repeated, and its default."""
    sentence = field.option.help
    words = field.kind.words()
    if field.option.metavar and not all(word in sentence + field.option.metavar for word in words):
        sentence += f" One of {', '.join(words)}."
    if field.kind.many and not field.option.positional and "repeatable" not in sentence:
        sentence = f"{sentence.rstrip('.')}; repeatable."
    default = field.option.default
    if (
        default is None
        and isinstance(field.default, str | int | float)
        and not isinstance(field.default, bool)
    ):
        default = field.kind.write(field.default)
    elif default is None and isinstance(field.default, os.PathLike):
        default = str(field.default)
    return f"{sentence}  [default: {default}]" if default else sentence
