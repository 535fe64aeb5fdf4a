"""A data file of another package: located without importing it, read only if unchanged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tamis.errors import EncoderError

__all__ = ["PackageFile"]


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
        module, _, inside = self.file.partition("/")
        found = find_spec(module)
        places = [] if found is None else list(found.submodule_search_locations or [])
        try:
            content = Path(places[0], inside).read_bytes()
        except (IndexError, OSError) as error:
            raise EncoderError(
                f"{self.file} is not here: run  pip install --force-reinstall {needed}"
            ) from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise EncoderError(
                f"{self.file} is not the file of {needed} (its SHA-256 begins {digest[:12]}, not "
                f"{self.sha256[:12]}): run  pip install --force-reinstall {needed}"
            )
        return content
