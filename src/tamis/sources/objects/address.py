"""The address of an object: `s3://`, `gs://`, `az://`, `https://` or `http://`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from tamis.errors import InputError

__all__ = ["ObjectAddress", "is_object_address"]

_WEB: Final = ("http", "https")
_ADDRESS: Final = re.compile(r"(?s)(s3|gs|az|https?)://(.*)")
_SAFE: Final = "/!$&'()*+,;=:@~"


def is_object_address(text: str) -> bool:
    """Tell whether a text is the address of an object or of a place of objects.

    >>> is_object_address("s3://line3/monday/1.jpg"), is_object_address("/data/1.jpg")
    (True, False)
    """
    return _ADDRESS.match(text) is not None


@dataclass(frozen=True, slots=True)
class ObjectAddress:
    """Where an object lies; `str()` spells it.

    Attributes:
        scheme: `s3`, `gs`, `az`, `https` or `http`.
        bucket: the bucket, container or server.
        key: the way from there, with `/`; of web servers without percent signs for letters.
    """

    scheme: str
    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> ObjectAddress:
        """Read an address.

        Raises:
            InputError: it names no bucket or server, or holds a password or a query, which would
                be kept in the dataset.
        """
        found = _ADDRESS.fullmatch(text)
        scheme, rest = ("", text) if found is None else found.groups()
        bucket, _, key = rest.partition("/")
        if scheme in _WEB:
            parts = urlsplit(text)
            if "@" in parts.netloc or parts.query or parts.fragment:
                raise InputError(
                    f"{scheme}://{parts.hostname or ''}{parts.path} was given with a password, a "
                    "query (?) or a fragment (#), which would be kept in the dataset; give the "
                    "address without it"
                )
            bucket, key = parts.netloc, unquote(parts.path.removeprefix("/"))
        if not bucket or found is None:
            raise InputError(f"{text!r} names no bucket; give it as s3://BUCKET/FOLDER/")
        return cls(scheme, bucket, key)

    @property
    def is_web(self) -> bool:
        """Whether a web server is asked, which lists nothing unless it speaks WebDAV."""
        return self.scheme in _WEB

    @property
    def root(self) -> str:
        """The bucket or server by itself."""
        return f"{self.scheme}://{self.bucket}"

    def at(self, key: str) -> ObjectAddress:
        """Return the address of another key of the bucket."""
        return ObjectAddress(self.scheme, self.bucket, key)

    def __str__(self) -> str:
        key = quote(self.key, safe=_SAFE) if self.is_web else self.key
        return f"{self.root}/{key}"
