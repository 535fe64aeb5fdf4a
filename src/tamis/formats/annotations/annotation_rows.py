"""From annotations as files have them to rows of the dataset."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.annotation_ids import digest_of
from tamis.outside_text import storable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation

__all__ = ["AnnotationRows"]

_STORED = tuple(name for name in ANNOTATIONS.names if name not in ("layer", "author", "time"))


class AnnotationRows:
    """Gathers rows of one layer as columns.

    An annotation's id is a hash of its layer, its picture and all that is said, and of how many
    equal ones came before, so that the same file twice gives the same ids.

    Args:
        layer: the layer.
        author: who made them.
    """

    def __init__(self, layer: str, author: str | None = None) -> None:
        self._layer = layer
        self._author = author
        self._time = datetime.now(UTC)
        self._equal: Counter[bytes] = Counter()
        self._columns: dict[str, list[Any]] = {name: [] for name in _STORED}

    def __len__(self) -> int:
        return len(self._columns["sample_id"])

    def add(self, sample_id: str, entry: SourceAnnotation, placed: Placed) -> None:
        """Take one annotation of a sample."""
        x, y, width, height = placed.box or (None, None, None, None)
        self._add(
            sample_id=sample_id,
            kind=entry.kind,
            label=entry.label,
            x=x,
            y=y,
            width=width,
            height=height,
            polygon=[list(ring) for ring in placed.polygon] or None,
            mask=placed.mask,
            keypoints=None if placed.keypoints is None else list(placed.keypoints),
            text=entry.text,
            value=entry.value,
            confidence=entry.confidence,
            crowd=entry.crowd or None,
            attributes=_json(entry.attributes),
            source=_json(entry.source),
        )

    def add_class(self, sample_id: str, label: str, confidence: float | None = None) -> None:
        """Give a sample a class; predictions have a confidence."""
        self._add(sample_id=sample_id, kind="classification", label=label, confidence=confidence)

    def add_number(self, sample_id: str, label: str, value: float) -> None:
        """Give a sample a number, and say what it is of."""
        self._add(sample_id=sample_id, kind="number", label=label, value=value)

    def _add(self, **said: Any) -> None:
        digest = digest_of(self._layer, said.values())
        key = digest.digest()
        before = self._equal[key]
        self._equal[key] += 1
        if before:
            digest.update(str(before).encode())
        columns = self._columns
        columns["annotation_id"].append(digest.hexdigest())
        for name in _STORED[1:]:
            columns[name].append(said.get(name))

    def table(self) -> pa.Table:
        """Return the rows gathered so far, and begin anew."""
        count = len(self)
        arrays = {
            name: pa.array(values, ANNOTATIONS.field(name).type)
            for name, values in self._columns.items()
        }
        arrays["layer"] = pa.array([self._layer] * count, pa.string())
        arrays["author"] = pa.array([self._author] * count, pa.string())
        arrays["time"] = pa.array([self._time] * count, ANNOTATIONS.field("time").type)
        self._columns = {name: [] for name in _STORED}
        return pa.table({name: arrays[name] for name in ANNOTATIONS.names}, schema=ANNOTATIONS)


def _json(values: Mapping[str, Any] | None) -> str | None:
    return storable(_AS_JSON(values)) if values else None


_AS_JSON = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` would make one each time
