"""Folders of pictures: all that can be read, once each, and the originals as they were."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet

from tamis.errors import InputError, StorageError, UsageError
from tamis.formats.exports import MANIFESTS, export

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Example


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in MANIFESTS
    }


def listed(folder: Path) -> dict[str, str]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return {row["path"]: row["file"] for row in csv.DictReader(file)}


def test_pictures_are_copied_by_split_and_listed(example: Example, tmp_path: Path) -> None:
    before = files(example.photos)
    out = tmp_path / "out"
    report = export(example.store, "folder", out)
    assert (report.exported, report.failed, report.path) == (5, (), out)
    names = listed(out)
    assert {names[path]: content for path, content in example.contents.items()} == files(out)
    assert names["photos/b/two.jpg"] == "test/two.jpg"
    assert names["more.zip!root.jpg"] == "train/root.jpg"
    assert names["more.zip!deep/1.jpg"] == "test/1.jpg"
    assert files(example.photos) == before
    manifest = parquet.read_table(out / "manifest.parquet")
    assert manifest.column_names[0] == "file"
    assert manifest.column("file").to_pylist() == list(names.values())


def test_manifests_can_lie_above_and_name_the_pictures_from_there(
    example: Example, tmp_path: Path
) -> None:
    out = tmp_path / "out" / "pictures"
    for _ in range(2):  # what they list may be replaced
        export(example.store, "folder", out, manifests=out.parent, overwrite=True)
        assert {out.parent / name for name in listed(out.parent).values()} == {
            out / name for name in files(out)
        }
    assert not [name for name in MANIFESTS if (out / name).exists()]
    # a run killed before they were moved left them in the folder
    for name in MANIFESTS:
        (out.parent / name).rename(out / name)
    export(example.store, "folder", out, manifests=out.parent, overwrite=True)
    assert sorted(path.name for path in out.parent.iterdir()) == [*MANIFESTS, "pictures"]
    (out / "mine.txt").write_text("kept")
    with pytest.raises(UsageError, match=r"mine\.txt was not written by the earlier export"):
        export(example.store, "folder", out, manifests=out.parent, overwrite=True)


def test_names_that_clash_get_their_sample_id(example: Example, tmp_path: Path) -> None:
    export(example.store, "folder", tmp_path / "out", by=())
    ids = dict(
        zip(
            *(example.store.read([c]).column(c).to_pylist() for c in ("path", "sample_id")),
            strict=True,
        )
    )
    assert listed(tmp_path / "out") == {
        "photos/a/1.jpg": f"1-{ids['photos/a/1.jpg'][:8]}.jpg",
        "photos/b/1.jpg": f"1-{ids['photos/b/1.jpg'][:8]}.jpg",
        "photos/b/two.jpg": "two.jpg",
        "more.zip!root.jpg": "root.jpg",
        "more.zip!deep/1.jpg": f"1-{ids['more.zip!deep/1.jpg'][:8]}.jpg",
    }


def test_labels_make_folders_that_cannot_lead_out(example: Example, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(example.store, "folder", out, by=("split", "label"))
    names = listed(out)
    assert names["photos/b/two.jpg"] == "test/sour, _dog__/two.jpg"
    assert names["more.zip!root.jpg"] == "train/_up/root.jpg"
    assert names["more.zip!deep/1.jpg"] == "test/no-label/1.jpg"
    assert len(files(out)) == 5


def test_an_empty_level_is_left_out(example: Example, tmp_path: Path) -> None:
    export(example.store, "folder", tmp_path / "out", by=("camera",))
    assert all("/" not in name for name in listed(tmp_path / "out").values())


def test_bad_originals_are_listed_and_others_go_on(example: Example, tmp_path: Path) -> None:
    (example.photos / "a" / "1.jpg").unlink()
    (example.photos / "b" / "two.jpg").write_bytes(b"something else")
    report = export(example.store, "folder", tmp_path / "out")
    assert report.exported == 3
    reasons = {failure.path: failure.reason for failure in report.failed}
    assert reasons.keys() == {"photos/a/1.jpg", "photos/b/two.jpg"}
    assert "exist" in reasons["photos/a/1.jpg"]
    assert "changed since it was added" in reasons["photos/b/two.jpg"]
    assert report.failed[0].source == "photos"
    assert reasons.keys().isdisjoint(listed(tmp_path / "out"))
    assert len(files(tmp_path / "out")) == 3


def test_when_no_original_can_be_read_nothing_is_written(example: Example, tmp_path: Path) -> None:
    (example.photos / "a" / "1.jpg").unlink()
    with pytest.raises(InputError, match=r"photos/a/1\.jpg"):
        export(example.store, "folder", tmp_path / "out", "path = 'photos/a/1.jpg'")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_links_lead_to_the_originals_and_members_are_written_out(
    example: Example, tmp_path: Path, link: str
) -> None:
    out = tmp_path / "out"
    export(example.store, "folder", out, link=link)
    names = listed(out)
    for path in ("photos/a/1.jpg", "photos/b/two.jpg"):
        copy, original = out / names[path], tmp_path / path
        assert copy.samefile(original)
        assert copy.is_symlink() == (link == "symlink")
    member = out / names["more.zip!root.jpg"]
    assert member.read_bytes() == example.contents["more.zip!root.jpg"]
    assert not member.is_symlink()


def test_links_to_changed_or_lost_originals_fail(example: Example, tmp_path: Path) -> None:
    (example.photos / "a" / "1.jpg").write_bytes(b"longer or shorter")
    (example.photos / "b" / "1.jpg").unlink()
    report = export(example.store, "folder", tmp_path / "out", link="symlink")
    assert [failure.path for failure in report.failed] == ["photos/a/1.jpg", "photos/b/1.jpg"]


def test_an_earlier_export_is_replaced_only_when_asked(example: Example, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(example.store, "folder", out)
    with pytest.raises(UsageError, match="not empty"):
        export(example.store, "folder", out)
    export(example.store, "folder", out, "label = 'cat'", overwrite=True)
    assert len(files(out)) == 2
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_folder_of_the_users_is_never_replaced(example: Example, tmp_path: Path) -> None:
    before = files(example.photos)
    with pytest.raises(UsageError, match="not an earlier export"):
        export(example.store, "folder", example.photos, overwrite=True)
    out = tmp_path / "out"
    export(example.store, "folder", out)
    (out / "train" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt was not written"):
        export(example.store, "folder", out, overwrite=True)
    assert (out / "train" / "notes.txt").read_text() == "mine"
    assert files(example.photos) == before


def test_an_export_that_was_added_as_a_source_is_never_replaced(
    example: Example, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export(example.store, "folder", out)
    row = example.store.read(["sample_id", "path", "uri"]).slice(0, 1).to_pylist()[0]
    row |= {"sample_id": "0" * 32, "uri": str(out / "train" / "root.jpg")}
    with example.store.operation("add") as op:
        op.insert(example.store.read(list(row)).schema.empty_table().from_pylist([row]))
    with pytest.raises(UsageError, match="an original of this dataset"):
        export(example.store, "folder", out, overwrite=True)


def test_a_full_disk_leaves_nothing(
    example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(StorageError, match="No space left"):
        export(example.store, "folder", tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))


def test_progress_counts_every_picture(example: Example, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    export(
        example.store,
        "folder",
        tmp_path / "out",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(number, 5) for number in range(1, 6)]
