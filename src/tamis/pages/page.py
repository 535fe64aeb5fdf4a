"""What all pages are made with: templates, stylesheet, script, and the policy that binds them."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tamis.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["page_environment", "require_page"]

_SUFFIXES = (".html", ".htm")


def page_environment(package: str | None = None) -> Environment:
    """Return the templates of `tamis.pages` and of a package, with what they share.

    Every text is escaped, so that names of files and labels are shown and never run. A page's
    content security policy runs the one script that all pages have, known by its hash, and asks
    nothing of any network; `file:` lets an enlarged picture be the original.

    Args:
        package: whose templates extend those of `tamis.pages`.
    """
    packages = ["tamis.pages"] if package is None else [package, "tamis.pages"]
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name, ".") for name in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _resource("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data: file:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    environment.globals.update(
        stylesheet=Markup(_resource("page.css")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        policy=policy,
    )
    environment.filters.update(jpeg=_jpeg, grouped=_grouped)
    return environment


def require_page(out: Path) -> None:
    """Refuse what cannot become a page, before any work.

    Raises:
        UsageError: the name does not end in `.html`, or is a folder's.
    """
    if out.suffix.lower() not in _SUFFIXES or out.is_dir():
        raise UsageError(f"{out} cannot be the page: give the name of a file that ends in .html")


@cache
def _resource(name: str) -> str:
    return files("tamis.pages").joinpath(name).read_text("utf-8")


def _jpeg(content: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")


def _grouped(number: int) -> str:
    return f"{number:,}"
