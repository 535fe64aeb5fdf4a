"""Rules of what to keep, as users write them."""

from __future__ import annotations

import pytest

from tamis.errors import UsageError
from tamis.services.duplicates.preferences import RULES, lies_in, parse_preferences


def parsed(*texts: str) -> list[str]:
    return [str(rule) for rule in parse_preferences(texts)]


def test_commas_and_repetition_are_the_same():
    assert parsed("oldest,exif", "size") == parsed("oldest", "exif", "size")
    assert parsed(" oldest , exif ") == ["oldest", "exif"]
    assert parsed() == []


def test_a_folder_may_have_a_comma_in_its_name():
    assert parsed("folder=a, b/raw,oldest") == ["folder=a, b/raw", "oldest"]


def test_both_spellings():
    assert parsed("labelled,unlabelled") == ["labeled", "unlabeled"]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "folder"])
def test_every_rule_is_known(rule):
    assert parsed(rule) == [rule]


@pytest.mark.parametrize("text", ["", "best", "folder", "folder=", "oldest=1", "oldest=", "a,b"])
def test_wrong_rules_are_refused(text):
    with pytest.raises(UsageError):
        parse_preferences([text])


@pytest.mark.parametrize(
    ("folder", "inside"),
    [
        ("photos/raw", True),
        ("photos/raw/", True),
        ("photos", True),
        ("/data/photos", True),
        ("/data/photos/raw/1.jpg", True),
        ("raw", False),
        ("photos/ra", False),
        ("*/raw", True),
        ("*/ra", False),
        ("*/raw/*.jpg", True),
        ("*.png", False),
        ("/data/*", True),
    ],
)
def test_folders_and_globs(folder, inside):
    assert lies_in(folder, "photos/raw/1.jpg", "/data/photos/raw/1.jpg") is inside
