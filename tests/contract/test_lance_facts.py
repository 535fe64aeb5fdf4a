"""What the dataset relies on in Lance; an upgrade of pylance has to pass these."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import lance
import pyarrow as pa
import pytest

from sample_rows import sample_rows
from tamis.dataset.fragments import TableVersion

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tamis"
SCHEMA = pa.schema([*sample_rows(0, 1).schema, pa.field("label", pa.string())])


@pytest.fixture
def table(tmp_path: Path) -> TableVersion:
    """Three fragments of 4,096, 904 and 10 rows."""
    table = TableVersion.create(tmp_path / "samples.lance", SCHEMA)
    return table.append(sample_rows(0, 5000)).append(sample_rows(5000, 5010))


def edits(table: TableVersion, fragment: int, label: str, rows: slice) -> dict[int, pa.Table]:
    ids = table.read_fragment(fragment, [], row_ids=True)["_rowid"].combine_chunks()[rows]
    return {fragment: pa.table({"_rowid": ids, "label": [label] * len(ids)})}


def test_rows_have_stable_ids_that_count_up(table: TableVersion) -> None:
    ids = table.read([], row_ids=True)["_rowid"].to_pylist()
    assert ids == list(range(5010))
    assert [part.rows for part in table.fragments()] == [4096, 904, 10]


def test_a_version_never_changes(table: TableVersion) -> None:
    before = table.read(SCHEMA.names)
    later = table.append(sample_rows(6000, 6010)).update_columns(edits(table, 0, "a", slice(0, 10)))
    assert table.read(SCHEMA.names).equals(before)
    assert TableVersion.open(table.path, table.version).read(SCHEMA.names).equals(before)
    assert later.count("label = 'a'") == 10


def test_edits_touch_the_edited_columns_files_alone(table: TableVersion) -> None:
    later = table.update_columns(edits(table, 1, "a", slice(None)))
    for old, new in zip(table.fragments(), later.fragments(), strict=True):
        changed = {name for name in SCHEMA.names if old.files.get(name) != new.files.get(name)}
        assert changed == ({"label"} if new.number == 1 else set())
    again = later.update_columns(edits(later, 1, "b", slice(None)))
    files = [file.path for file in again.tracked_files(again.version) if file.kind == "data file"]
    assert len(files) == 4


def test_an_edit_shows_in_the_delta(table: TableVersion) -> None:
    later = table.update_columns(edits(table, 1, "a", slice(5, 8)))
    delta = later._dataset.delta(compared_against=table.version)
    updated = delta.get_updated_rows().read_all()["sample_id"].to_pylist()
    touched = later.read_fragment(1, ["sample_id"])["sample_id"].to_pylist()
    assert updated == touched


def test_the_end_is_merged_in_place_and_keeps_row_ids(table: TableVersion) -> None:
    later = table.append(sample_rows(5010, 5015)).merged(keep=[0, 1])
    assert [part.rows for part in later.fragments()] == [4096, 904, 15]
    rows = later.read(["width"], row_ids=True)
    assert rows["width"].to_pylist() == rows["_rowid"].to_pylist() == list(range(5015))


def test_restoring_writes_no_data_and_reuses_no_version(table: TableVersion) -> None:
    later = table.append(sample_rows(6000, 6010))
    restored = later.restored(table.version)
    assert restored.version == later.version + 1
    assert restored.read(SCHEMA.names).equals(table.read(SCHEMA.names))
    assert [part.files for part in restored.fragments()] == [p.files for p in table.fragments()]
    assert restored.restored(restored.version) is restored


def test_a_version_whose_manifest_is_removed_never_was(table: TableVersion) -> None:
    later = table.append(sample_rows(6000, 6010))
    (manifest,) = (f for f in later.tracked_files(later.version) if f.kind == "manifest")
    (table.path / manifest.path).unlink()
    opened = TableVersion.open(table.path, table.version)
    assert opened.latest() == table.version
    other = opened.append(sample_rows(7000, 7003))
    assert other.version == later.version
    fresh = TableVersion.open(table.path, other.version)
    assert fresh.read(["width"])["width"].to_pylist()[-3:] == [7000, 7001, 7002]


def test_rows_come_by_row_id_in_the_asked_order(table: TableVersion) -> None:
    ids = pa.array([5009, 0, 4096, 0], pa.uint64())
    assert table.rows(["width"], ids)["width"].to_pylist() == [5009, 0, 4096, 0]


def test_null_columns_keep_their_metadata_and_take_no_space(table: TableVersion) -> None:
    column = pa.field("vector", pa.list_(pa.float32(), 4), metadata={b"who": b"me"})
    later = table.add_null_columns([column])
    assert later.schema.field("vector").metadata == {b"who": b"me"}
    assert later.read(["vector"])["vector"].null_count == 5010
    assert [part.files for part in later.fragments()] == [p.files for p in table.fragments()]


def test_nothing_cleans_up_unasked(table: TableVersion) -> None:
    assert not any("cleanup" in key for key in table._dataset.config())


def lance_calls() -> Iterator[str]:
    for file in SOURCE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "import lance" in text or "from lance" in text:
            yield file.relative_to(SOURCE).as_posix()


def test_only_one_module_calls_lance_and_never_by_position() -> None:
    assert list(lance_calls()) == ["dataset/fragments.py"]
    text = (SOURCE / "dataset" / "fragments.py").read_text(encoding="utf-8")
    for positional in (".take(", ".sample(", ".head(", ".slice(", "offset="):
        assert f"dataset{positional}" not in text
        assert f"fragment{positional}" not in text
    assert not {"take", "sample", "head", "slice"} & {*vars(TableVersion)}


def test_the_pinned_version_is_the_one_tested() -> None:
    pyproject = (SOURCE.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"pylance=={lance.__version__}"' in pyproject


def test_importing_tamis_does_not_load_lance() -> None:
    script = "import sys, tamis; print('lance' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
