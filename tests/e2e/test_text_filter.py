"""The keyword filter as a user types it."""

from __future__ import annotations

import shutil

import pytest

from tiny_models import save_clip


@pytest.fixture
def filtered(tmp_path, photos, tamis_cli):
    save_clip(tmp_path / "clip")
    tamis_cli("add", "photos", "--labels", "folder")
    tamis_cli("embed", "--encoder", "hf:clip")
    return tamis_cli


def test_a_text_filters_tags_and_is_undone(filtered):
    arguments = ("filter", "a cat", "two dogs", "--not", "rusty valve", "--json", "--seed", "2")
    dry = filtered(*arguments).json
    assert set(dry) >= {"matched", "tag", "threshold", "suggested", "notes", "counts", "rows"}
    assert (dry["tag"], dry["suggested"], dry["scored"]) == (None, True, 27)
    assert dry["notes"]
    assert filtered("log", "--json").json["entries"][-1]["verb"] == "embed"

    given = (*arguments, "--threshold", "-1", "--tag", "pets")
    report = filtered(*given).json
    assert (report["threshold"], report["suggested"], report["tag"]) == (-1, False, "pets")
    assert report["matched"] == len(report["rows"]) == report["tagged"]
    assert sum(report["counts"].values()) == report["matched"]
    assert all(row["margin"] > 0 for row in report["rows"])
    assert filtered(*given).json["tagged"] == 0
    filtered("undo")
    filtered("undo")
    assert filtered(*given).json["tagged"] == report["tagged"]


def test_classes_and_the_table(filtered):
    arguments = ("filter", "cat", "dog", "--classes")
    report = filtered(*arguments, "--json").json
    assert report["matched"] == 27
    assert report["threshold"] is None
    assert set(report["assigned"].values()) <= {"cat", "dog"}
    assert sum(report["counts"].values()) == 27
    shown = filtered(*arguments).out
    assert "27 of 27 pictures pass; --tag NAME marks them" in shown
    assert "photos/cats/01.jpg" in shown


def test_the_report_draws_the_scores_and_repeats_the_command(filtered):
    run = filtered("filter", "cat", "--not", "dog on a mat", "--threshold", "0", "--tag", "it's")
    assert 'are new to the tag "it\'s"' in run.out
    filtered("report")
    page = (filtered.folder / "report.html").read_text("utf-8")
    assert 'id="filter"' in page
    assert "threshold 0.000" in page
    assert "--not &#39;dog on a mat&#39; --threshold 0.0" in page
    assert "&#34;low&#34;" not in page
    assert "histogram" not in filtered("log").out


def test_vectors_without_words_and_wrong_thresholds_are_refused(tamis_cli, photos):
    tamis_cli("add", "photos")
    tamis_cli("embed")
    run = tamis_cli("filter", "cat", code=2)
    assert "reads no texts" in run.err
    shutil.rmtree(photos)
    assert "dataset" in tamis_cli("filter", "cat", "-d", "nowhere.tamis", code=2).err
