"""Encoders of the user's own, as the guide shows them and as a user gets them wrong."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from user_networks import CALLABLE

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "encoders.md"


def test_a_package_that_adds_a_kind_as_the_guide_shows(tamis_cli, photos):
    guide = GUIDE.read_text("utf-8")
    code = re.search(r"```python\n# (tamis_grey\.py)\n(.*?)```", guide, re.DOTALL)
    entry = re.search(r'```toml\n\[project\.entry-points\."(.+)"\]\n(.*?)```', guide, re.DOTALL)
    package = tamis_cli.folder / "package"
    facts = package / "tamis_grey-1.0.dist-info"
    facts.mkdir(parents=True)
    (package / code[1]).write_text(code[2])
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: tamis-grey\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[{entry[1]}]\n{entry[2].replace(chr(34), '')}")
    path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))

    assert "grey:…" in tamis_cli("encoders", PYTHONPATH=path).out
    tamis_cli("add", "photos", "-q")
    embedded = tamis_cli("embed", "--encoder", "grey:16", "--json", PYTHONPATH=path).json
    assert (embedded["embedded"], embedded["dim"]) == (27, 256)


def test_a_function_that_prints_leaves_the_json_whole(tamis_cli, photos):
    (tamis_cli.folder / "mine.py").write_text(CALLABLE + "\nprint('imported')\n")
    tamis_cli("add", "photos", "-q")
    run = tamis_cli("embed", "--encoder", "py:mine:talking?size=32", "--json")
    assert run.json["embedded"] == 27
    assert "imported" in run.err
    assert "embedding" in run.err


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("py:mine.py:failing?size=8", "ZeroDivisionError: no"),
        ("py:mine:colour_moments?size=0", "it must be at least 1"),
        ("py:mine:flat?size=8", "must be [B, D]"),
        ("py:mine:warning?size=8", "this is getting old"),
        ("py:nowhere:x", "no module nowhere"),
    ],
)
def test_what_does_not_serve_is_one_sentence(tamis_cli, photos, spec, words):
    (tamis_cli.folder / "mine.py").write_text(CALLABLE)
    tamis_cli("add", "photos", "-q")
    run = tamis_cli("embed", "--encoder", spec, code=2)
    assert words in run.err
    assert "Traceback" not in run.err
    assert run.err.count("\n") <= 2
