"""A dataset with two encoders: every verb works without a name, and says whose vectors it used."""

from __future__ import annotations

import pytest

from tiny_models import save_clip

BUNDLED = "bundled:efficientnet-lite0"


@pytest.fixture(scope="module")
def both(cli_in, photos_master, tmp_path_factory):
    """A dataset with vectors of the default encoder and, later, of one that reads texts."""
    tamis = cli_in(tmp_path_factory.mktemp("both"))
    save_clip(tamis.folder / "clip")
    tamis("add", photos_master, "--labels", "folder")
    tamis("embed")
    tamis("embed", "--encoder", "hf:clip")
    return tamis


@pytest.mark.parametrize(
    ("words", "encoder"),
    [
        (["select", "5", "--no-apply"], BUNDLED),
        (["duplicates"], BUNDLED),
        (["split", "--no-apply"], BUNDLED),
        (["search", "a ball"], "hf:clip"),
        (["filter", "a ball"], "hf:clip"),
        (["select", "5", "--no-apply", "--encoder", "hf:clip"], "hf:clip"),
    ],
    ids=" ".join,
)
def test_a_verb_works_and_names_the_encoder(both, words, encoder):
    assert both(*words, "--json").json["encoder"] == encoder
    assert encoder in both(*words).err


def test_an_example_is_looked_for_by_the_default(both):
    picture = both("search", "a ball", "--json").json["hits"][0]["path"]
    assert both("search", "--like", picture, "--json").json["encoder"] == BUNDLED
    assert both("encoders", "default", "hf:clip").out.startswith("hf:clip")
    assert both("search", "--like", picture, "--json").json["encoder"] == "hf:clip"
    both("undo")
    assert both("search", "--like", picture, "--json").json["encoder"] == BUNDLED
