"""Verbs on pictures that were renamed, replaced or deleted, or are named by another spelling."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from filling import embed, ingest
from synthetic_pictures import scene
from tamis.dataset.store import Store
from tamis.encoders.registry import load_encoder
from tamis.errors import InputError, UsageError
from tamis.formats.exports import export
from tamis.runtime.workspace import Workspace
from tamis.services.curate.contract import Curate
from tamis.services.curate.run import curate
from tamis.services.duplicates.contract import Duplicates
from tamis.services.duplicates.run import duplicates
from tamis.services.search.contract import Search
from tamis.services.search.run import search
from tamis.services.select.contract import Select
from tamis.services.select.run import select

pytestmark = pytest.mark.usefixtures("few_measured", "compared_once")

COUNT = 6


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("default", threads=1)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("photos", {f"{number}.jpg": number for number in range(COUNT)})
    return Path("photos")


def save(folder, seeds):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, seed in seeds.items():
        Image.fromarray(scene(seed)).convert("RGB").save(Path(folder, name), quality=92)


@pytest.fixture
def store(photos, encoder):
    store = Store.create("d.tamis")
    ingest(store, ["photos"])
    embed(store, encoder)
    return store


def column(store):
    return store.vector_columns()[0].name


def find(store, name, k=1, **options):
    return search(Workspace(store), Search(like=name, k=k, **options))


# Adding


@pytest.mark.parametrize(
    "spelling",
    ["./photos", "photos/", "photos/../photos", "link", "photos/*.jpg", "link/../photos"],
)
def test_other_spellings_of_a_source_add_nothing(store, spelling):
    Path("link").symlink_to("photos", target_is_directory=True)
    report = ingest(store, [spelling])
    assert (report.added, report.known) == (0, COUNT)


def test_a_link_and_what_it_leads_to_are_one_picture_in_whatever_order(photos):
    Path("links").mkdir()
    Path("links/x.jpg").symlink_to(Path("photos/0.jpg").absolute())
    for number, sources in enumerate((["links", "photos"], ["photos", "links"])):
        store = Store.create(f"{number}.tamis")
        report = ingest(store, sources)
        assert (report.added, report.known) == (COUNT, 1)
        assert ingest(store, ["links"]).known == 1


def test_a_copy_is_another_picture(store):
    shutil.copy("photos/0.jpg", "photos/copy.jpg")
    assert ingest(store, ["photos"]).added == 1


def test_a_replaced_picture_is_new(store):
    save("photos", {"0.jpg": 99})
    assert ingest(store, ["photos"]).added == 1


def test_members_of_an_archive_by_another_spelling_add_nothing(photos):
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.write("photos/0.jpg", "0.jpg")
    Path("b.zip").symlink_to("a.zip")
    store = Store.create("d.tamis")
    assert ingest(store, ["a.zip"]).added == 1
    assert ingest(store, ["b.zip"]).added == 0


# Searching


def test_an_example_is_no_answer_however_it_is_spelt(store):
    Path("link").symlink_to("photos", target_is_directory=True)
    Path("example.jpg").symlink_to("photos/3.jpg")
    spellings = ["photos/3.jpg", "./photos/3.jpg", str(Path.cwd() / "photos/3.jpg")]
    spellings += ["photos/../photos/3.jpg", "link/3.jpg", "example.jpg"]
    answers = [[hit.path for hit in find(store, name, k=COUNT).hits] for name in spellings]
    assert "photos/3.jpg" not in answers[0]
    assert len(answers[0]) == COUNT - 1
    assert all(answer == answers[0] for answer in answers)


def test_an_example_that_was_replaced_is_looked_at_anew(store):
    shutil.copy("photos/1.jpg", "photos/3.jpg")
    report = find(store, "photos/3.jpg", k=COUNT)
    assert report.hits[0].path == "photos/1.jpg"
    assert report.hits[0].score == pytest.approx(1, abs=1e-5)
    assert "photos/3.jpg" not in [hit.path for hit in report.hits]
    assert any("has changed since" in note for note in report.notes)


def test_an_example_that_was_replaced_and_added_again_is_the_new_one(store, encoder):
    shutil.copy("photos/1.jpg", "photos/3.jpg")
    ingest(store, ["photos"])
    embed(store, encoder)
    report = find(store, "photos/3.jpg", k=COUNT)
    assert report.hits[0].path == "photos/1.jpg"
    assert "photos/3.jpg" not in [hit.path for hit in report.hits]
    assert not report.notes


def test_a_deleted_example_is_known_by_what_it_showed(store):
    expected = [hit.path for hit in find(store, "photos/3.jpg", k=COUNT).hits]
    Path("photos/3.jpg").unlink()
    report = find(store, "photos/3.jpg", k=COUNT)
    assert [hit.path for hit in report.hits] == expected
    assert any("does not exist" in note for note in report.notes)


def test_gone_pictures_are_found_after_those_that_are_there(store, encoder):
    Path("photos/3.jpg").rename("photos/z.jpg")
    ingest(store, ["photos"])
    embed(store, encoder)
    shutil.copy("photos/z.jpg", "example.jpg")
    hits = [hit.path for hit in find(store, "example.jpg", k=COUNT + 1).hits]
    assert hits[0] == "photos/z.jpg"
    assert hits[-1] == "photos/3.jpg"
    report = find(store, "example.jpg", k=COUNT)
    assert "photos/3.jpg" not in [hit.path for hit in report.hits]
    assert any("gone or changed" in note for note in report.notes)


def test_a_path_as_the_dataset_has_it_serves_from_another_folder(store, tmp_path, monkeypatch):
    expected = [hit.path for hit in find(store, "photos/3.jpg", k=COUNT).hits]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    store = Store.open(tmp_path / "d.tamis")
    assert [hit.path for hit in find(store, "photos/3.jpg", k=COUNT).hits] == expected
    with pytest.raises(InputError, match="no such file"):
        find(store, "photos/none.jpg")


def test_a_path_that_means_several_pictures_is_refused(store, tmp_path, monkeypatch, encoder):
    for name in ("one", "two"):
        save(tmp_path / name / "photos", {"3.jpg": 40})
        monkeypatch.chdir(tmp_path / name)
        ingest(Store.open(tmp_path / "d.tamis"), ["photos"])
    monkeypatch.chdir(tmp_path / "photos")
    store = Store.open(tmp_path / "d.tamis")
    with pytest.raises(UsageError, match="several places"):
        find(store, "photos/3.jpg")


def test_a_member_of_an_archive_can_be_an_example(store):
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.write("photos/2.jpg", "2.jpg")
    report = find(store, "a.zip!2.jpg")
    assert report.hits[0].path == "photos/2.jpg"


# Choosing


def test_a_vanished_copy_never_keeps_a_present_one_out(store, encoder):
    # the vanished one is the better picture
    large = Image.open("photos/0.jpg").resize((256, 256), Image.Resampling.LANCZOS)
    large.save("photos/large.jpg", quality=95)
    ingest(store, ["photos"])
    embed(store, encoder)
    kept = {group.keep for group in duplicates(Workspace(store), Duplicates(apply=True)).groups}
    assert kept == {"photos/large.jpg"}
    Path("photos/large.jpg").unlink()
    groups = duplicates(Workspace(store), Duplicates(apply=True)).groups
    assert [(group.keep, group.drop) for group in groups] == [
        ("photos/0.jpg", ["photos/large.jpg"])
    ]


def test_what_is_gone_is_not_selected_where_anything_is_there(store):
    Path("photos/0.jpg").unlink()
    save("photos", {"1.jpg": 50})
    chosen = select(Workspace(store), Select(COUNT))
    assert {pick.path for pick in chosen.picks} == {f"photos/{n}.jpg" for n in range(2, COUNT)}
    assert chosen.gone == 2
    shutil.rmtree("photos")
    assert len(select(Workspace(store), Select(COUNT)).picks) == COUNT


@pytest.mark.parametrize("link", ["copy", "symlink", "hardlink"])
def test_exports_name_what_is_gone(store, link):
    Path("photos/0.jpg").unlink()
    shutil.copy("photos/2.jpg", "photos/1.jpg")
    report = export(store, "folder", "out", link=link)
    assert report.exported == COUNT - 2
    assert {failure.path for failure in report.failed} == {"photos/0.jpg", "photos/1.jpg"}
    table = export(store, "csv", "out.csv")
    assert table.exported == COUNT
    assert table.notes == (f"2 of {COUNT} rows are of pictures that are gone or changed",)


def test_curate_writes_what_it_says(photos, encoder):
    store = Store.create("d.tamis")

    def run():
        return curate(Workspace(store), Curate("photos", keep=COUNT - 1, out=Path("out")))

    assert run().selected == COUNT - 1
    for number in range(3):
        Path(f"photos/{number}.jpg").rename(f"photos/z{number}.jpg")
    report = run()
    written = list(Path("out/pictures").rglob("*.jpg"))
    assert report.selected == len(written) == COUNT - 1
    assert (report.added, report.gone, report.duplicates) == (3, 3, 0)
    for number in range(3, COUNT):
        Path(f"photos/{number}.jpg").rename(f"photos/z{number}.jpg")
    report = run()
    assert report.selected == len(list(Path("out/pictures").rglob("*.jpg"))) == COUNT - 1
    assert report.gone == COUNT
