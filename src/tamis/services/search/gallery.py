"""The answer of a search as one page of pictures that needs nothing else."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.dataset.store import Store
    from tamis.services.search.contract import SearchReport

__all__ = ["write_gallery"]

_STROKE_SHARE = 0.012


def write_gallery(store: Store, report: SearchReport, out: Path, title: str) -> Path:
    """Write the hits with their thumbnails as one HTML file, and return its path.

    Args:
        store: the dataset.
        report: what a search found.
        out: the file.
        title: what was looked for.
    """
    names = [hit.parent_id or hit.sample_id for hit in report.hits]
    rows = store.read(["thumbnail", "width", "height"], ids=names).to_pylist() if names else []
    hits = [
        {
            **asdict(hit),
            "width": row["width"] or 1,
            "height": row["height"] or 1,
            "thumbnail": base64.b64encode(row["thumbnail"] or b"").decode("ascii"),
            "stroke": max(1, round(_STROKE_SHARE * max(row["width"] or 1, row["height"] or 1))),
        }
        for hit, row in zip(report.hits, rows, strict=True)
    ]
    pages = Environment(loader=PackageLoader("tamis.services.search", "."), autoescape=True)
    page = pages.get_template("gallery.html.jinja").render(
        title=title, hits=hits, encoder=report.encoder, notes=report.notes
    )
    out.write_text(page, "utf-8")
    return out
