"""The folder of a result: what may lie in it, and what killed runs leave there."""

from __future__ import annotations

import pytest

from tamis.dataset.layout import remove_drafts
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.services.curate.run import require_own


def test_what_a_killed_run_left_of_a_dataset_is_no_hindrance_and_goes(tmp_path):
    draft = tmp_path / ".dataset.tamis.0123456789abcdef.tmp"
    (draft / "log").mkdir(parents=True)
    require_own(tmp_path)
    store = Store.create(tmp_path / "dataset.tamis")
    remove_drafts(store.path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["dataset.tamis"]


def test_drafts_of_others_and_other_files_stay(tmp_path):
    names = [".other.tamis.0123.tmp", ".dataset.tamis.0123.partial", "notes.tmp"]
    for name in names:
        (tmp_path / name).mkdir()
    remove_drafts(Store.create(tmp_path / "dataset.tamis").path)
    assert {entry.name for entry in tmp_path.iterdir()} == {*names, "dataset.tamis"}
    with pytest.raises(UsageError, match=r"holds '\.dataset\.tamis\.0123\.partial'"):
        require_own(tmp_path)
