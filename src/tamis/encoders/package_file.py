"""A data file of another package: located without importing it, read only if unchanged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tamis.errors import EncoderError

__all__ = ["PackageFile", "find_in_packages", "require_hash"]


@dataclass(frozen=True)
class PackageFile:
    """A file inside an installed package.

    Attributes:
        package: name of the package on the package index.
        version: the version that has this file.
        file: path of the file in `site-packages`.
        sha256: hash of that file; any other file is refused.
        licence: license of the file's content.
    """

    package: str
    version: str
    file: str
    sha256: str
    licence: str

    def read(self) -> bytes:
        """Return the file's bytes; none of the package's code runs.

        Raises:
            EncoderError: the package is missing, or its file has another hash.
        """
        needed = f"{self.package}=={self.version}"
        path = find_in_packages(self.file)
        try:
            content = None if path is None else path.read_bytes()
        except OSError:
            content = None
        if content is None:
            raise EncoderError(
                f"{self.file} is not here: run  pip install --force-reinstall {needed}"
            )
        require_hash(content, self.sha256, self.file, needed)
        return content


def find_in_packages(file: str) -> Path | None:
    """Return where a file of an installed package lies, None if it is not here.

    The package is looked up, never imported: none of its code runs.

    Args:
        file: path of the file in the site's packages folder.
    """
    module, _, inside = file.partition("/")
    found = find_spec(module)
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(found.submodule_search_locations[0], inside)
    return path if path.is_file() else None


def require_hash(content: bytes, sha256: str, name: str, package: str) -> None:
    """Refuse a file that is not the one that a package published.

    Raises:
        EncoderError: says what to run.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise EncoderError(
            f"{name} is not the file that {package} published (its SHA-256 begins {found[:12]}, "
            f"not {sha256[:12]}): run  pip install --force-reinstall {package}"
        )
