"""How errors leave the command line: a sentence and an exit code that says whose mistake it is."""

from __future__ import annotations

import errno
import inspect

import pytest

import tamis
from tamis.errors import ConflictError, MissingExtraError
from tamis.interfaces.cli import command
from tamis.interfaces.cli.main import commands, main
from tamis.services.scores.contract import Scores
from tamis.verbs.request import fields_of

_PARAMETER = inspect.Parameter("one", inspect.Parameter.KEYWORD_ONLY, annotation=str, default="")


@pytest.fixture
def fails(monkeypatch, capsys):
    """Run `tamis info` with an error inside, and return the exit code and what was said."""

    def run(error):
        def broken(*_arguments, **_options):
            raise error

        monkeypatch.setattr("tamis.dataset.store.Store.open", broken)
        code = main(["info"])
        captured = capsys.readouterr()
        assert captured.out == ""
        return code, captured.err

    return run


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ConflictError("another writer is busy"), "another writer is busy"),
        (MissingExtraError("the encoder hf:x", "hf"), "pip install 'tamis[hf]'"),
        (OSError(errno.ENOSPC, "No space left on device", "/disk/a"), "/disk/a: the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/root/a"), "permission denied"),
        (FileNotFoundError(errno.ENOENT, "No such file", "gone"), "gone: it does not exist"),
    ],
)
def test_what_the_user_can_mend_is_one_sentence_and_exit_2(fails, error, says):
    code, err = fails(error)
    assert code == 2
    assert says in err
    assert "Traceback" not in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("error", [RuntimeError("boom"), OSError(errno.EIO, "I/O error")])
def test_anything_else_is_a_defect_and_exit_3(fails, error):
    code, err = fails(error)
    assert code == 3
    assert "Traceback" in err
    assert "defect of tamis" in err


def test_an_interrupt_says_that_work_is_kept(fails):
    code, err = fails(KeyboardInterrupt())
    assert code == 130
    assert "what was finished is kept" in err


def test_the_version_and_the_help_are_told(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"tamis {tamis.__version__}"
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for verb in ("add", "embed", "curate", "duplicates", "select", "split", "undo", "gc"):
        assert f" {verb} " in shown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["selectt", "5"], "no such command 'selectt'; did you mean 'select'; see  tamis --help"),
        (["select"], "missing argument 'N'; see  tamis select --help"),
        (["select", "5", "--bogus"], "no such option: --bogus"),
        (["encoders", "check"], "missing argument 'SPEC'; see  tamis encoders check --help"),
        (["embed", "--batch-size", "x"], "--batch-size is 'x'; give a whole number"),
    ],
)
def test_words_that_fit_no_command_are_one_sentence_like_all_errors(capsys, words, says):
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"tamis: {says}")
    assert said.count("\n") == 1


@pytest.fixture
def commands_made_anew():
    """Commands that no test has used before, and that none will use after."""
    commands.cache_clear()
    yield
    commands.cache_clear()


@pytest.mark.usefixtures("commands_made_anew")
def test_listing_verbs_makes_no_options_and_using_one_makes_its_own(monkeypatch, capsys):
    made = []
    monkeypatch.setattr(command, "_parameter", lambda field: made.append(field) or _PARAMETER)
    assert main(["--help"]) == 0
    assert "select" in capsys.readouterr().out
    assert made == []
    main(["scores", "--help"])
    assert {field.name for field in made} == {field.name for field in fields_of(Scores)}


@pytest.mark.parametrize("group", ["", "label", "probe", "drift", "defects", "encoders"])
def test_no_line_of_a_list_of_verbs_is_cut(group, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    main([*group.split(), "--help"])
    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert len(listed) > 1
    assert [line for line in listed if line.endswith("...") or len(line) > 80] == []


def test_help_names_the_words_that_an_option_takes_and_no_types(capsys):
    main(["export", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "One of folder, csv, parquet, coco" in shown
    assert "<str>" not in shown
    assert "<path>" not in shown
