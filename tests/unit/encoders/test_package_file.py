"""Files of other packages are read only if they are the known ones."""

from __future__ import annotations

import hashlib
import sys

import pytest

from tamis.encoders.package_file import PackageFile
from tamis.errors import EncoderError

CONTENT = b"known"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that must not be imported."""
    folder = tmp_path / "carrier_of_data"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "data.bin").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def known(file="carrier_of_data/data.bin"):
    return PackageFile("carrier", "1.2", file, hashlib.sha256(CONTENT).hexdigest(), "MIT")


def test_a_known_file_is_read_without_importing_its_package(package):
    assert known().read() == CONTENT
    assert "carrier_of_data" not in sys.modules


def test_a_changed_file_is_refused(package):
    (package / "data.bin").write_bytes(b"other")
    with pytest.raises(
        EncoderError, match=r"not the file that carrier==1\.2 published.*force-reinstall"
    ):
        known().read()


@pytest.mark.parametrize("file", ["no_such_carrier/data.bin", "carrier_of_data/gone.bin"])
def test_a_missing_file_names_what_to_install(package, file):
    with pytest.raises(EncoderError, match=r"pip install --force-reinstall carrier==1\.2"):
        known(file).read()
