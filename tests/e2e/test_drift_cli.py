"""`tamis drift` as a user types it: exit codes, sentences and the JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drift_pictures import blurred, save

if TYPE_CHECKING:
    from command_line import CommandLine

KEYS = ["drift", "p_value", "e_value", "magnitude", "harm", "clusters", "covariates", "examples"]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, cli_in: type[CommandLine]) -> CommandLine:
    """A folder with a dataset that has a reference, and batches to check."""
    root = tmp_path_factory.mktemp("line")
    save(root / "usual", range(40))
    save(root / "same", range(1000, 1025))
    save(root / "blurred", range(2000, 2025), blurred)
    save(root / "few", range(3))
    cli = cli_in(root)
    cli("add", "usual", "--quiet")
    cli("embed", "--quiet")
    assert "reference of 40 pictures" in cli("drift", "fit").out
    return cli


def test_exit_code_is_the_decision(line: CommandLine) -> None:
    same = line("drift", "check", "same", "--permutations", "99")
    assert same.out.startswith("no drift: p = ")
    assert "running e-value" in same.out
    drifted = line("drift", "check", "blurred", "--no-monitor", "--permutations", "99", code=1)
    assert drifted.out.startswith("drift: p = ")
    assert "the lens may be dirty or out of focus" in drifted.out
    assert "tamis select 10 --include" in drifted.out
    assert "running e-value" not in drifted.out


def test_the_document_has_the_same_keys_with_and_without_drift(line: CommandLine) -> None:
    same = line("drift", "check", "same", "--json").json
    drifted = line("drift", "check", "blurred", "--json", code=1).json
    assert list(same) == list(drifted)
    assert set(KEYS) <= set(same)
    assert (same["drift"], drifted["drift"]) == (False, True)
    assert drifted["alarms"]
    assert {"name", "p_value", "adjusted", "reference", "batch"} == set(drifted["covariates"][0])


def test_a_file_of_a_reference_needs_no_dataset(line: CommandLine) -> None:
    line("drift", "fit", "--out", "line.npz")
    checked = ("drift", "check", "blurred", "--reference", "line.npz", "-d", "none.tamis")
    assert line(*checked, code=1).out.startswith("drift")
    assert not (line.folder / "none.tamis").exists()


def test_wrong_use_is_said_in_one_sentence(line: CommandLine) -> None:
    for words, said in (
        (["drift", "check"], "nothing to check"),
        (["drift", "check", "nowhere"], "nowhere"),
        (["drift", "check", "few"], "at least 20"),
        (["drift", "check", "same", "--reference", "none.npz"], "no drift reference none.npz"),
        (["drift", "check", "--where", "width > 0", "--covariate", "color"], "give brightness"),
    ):
        error = line(*words, code=2).err
        assert said in error
        assert error.count("\n") == 1


def test_the_log_and_undo_know_a_reference(line: CommandLine) -> None:
    assert "drift fit" in line("log").out
    line("drift", "fit", "--seed", "3", "-d", "dataset.tamis")
    assert "drift fit" in line("undo").out
