"""From annotations as files have them to rows of the dataset."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tamis.dataset.annotation_columns import ANNOTATIONS
from tamis.dataset.annotation_ids import AnnotationIds, content_of
from tamis.outside_text import storable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation

__all__ = ["AnnotationRows"]

_GIVEN = ("annotation_id", "layer", "author", "time")
_STORED = tuple(name for name in ANNOTATIONS.names if name not in _GIVEN)
_MANY, _LARGE = 1 << 15, 8 << 20


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
        self._ids = AnnotationIds()
        self._contents: list[bytes] = []
        self._weight = 0
        self._columns: dict[str, list[Any]] = {name: [] for name in _STORED}

    def __len__(self) -> int:
        return len(self._columns["sample_id"])

    @property
    def full(self) -> bool:
        """Whether it is time for `table`: so many rows, or so large ones, wait in memory."""
        return len(self) >= _MANY or self._weight >= _LARGE

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

    def add_boxes(
        self,
        sample_ids: Sequence[str],
        labels: Sequence[str],
        boxes: Sequence[Sequence[float]],
        confidences: Sequence[float | None],
        sources: Sequence[Mapping[str, Any] | None],
    ) -> None:
        """Take boxes of which no more is said; the same rows as by `add`, several times as fast."""
        told = [_json(source) for source in sources]
        start, nothing = f"({self._layer!r}, ", ", ".join(["None"] * 5)
        self._contents += [
            (
                f"{start}{sample!r}, 'box', {label!r}, {str(box)[1:-1]}, {nothing}, "
                f"{confidence!r}, None, None, {source!r})"
            ).encode("utf-8", "backslashreplace")
            for sample, label, box, confidence, source in zip(
                sample_ids, labels, boxes, confidences, told, strict=True
            )
        ]
        self._weight += sum(map(len, self._contents[-len(told) :]))
        x, y, width, height = zip(*boxes, strict=True)
        said = {
            "sample_id": sample_ids,
            "kind": ["box"] * len(told),
            "label": labels,
            "x": x,
            "y": y,
            "width": width,
            "height": height,
            "confidence": confidences,
            "source": told,
        }
        absent = [None] * len(told)
        for name, column in self._columns.items():
            column.extend(said.get(name, absent))

    def _add(self, **said: Any) -> None:
        content = content_of(self._layer, said.values())
        self._contents.append(content)
        self._weight += len(content)
        for name, column in self._columns.items():
            column.append(said.get(name))

    def table(self) -> pa.Table:
        """Return the rows gathered so far, and begin anew."""
        count = len(self)
        arrays = {
            name: pa.array(values, ANNOTATIONS.field(name).type)
            for name, values in self._columns.items()
        }
        arrays["annotation_id"] = pa.array(self._ids.of(self._contents), pa.string())
        arrays["layer"] = pa.array([self._layer] * count, pa.string())
        arrays["author"] = pa.array([self._author] * count, pa.string())
        arrays["time"] = pa.array([self._time] * count, ANNOTATIONS.field("time").type)
        self._columns = {name: [] for name in _STORED}
        self._contents, self._weight = [], 0
        return pa.table({name: arrays[name] for name in ANNOTATIONS.names}, schema=ANNOTATIONS)


def _json(values: Mapping[str, Any] | None) -> str | None:
    if not values:
        return None
    parts = []
    for key, value in values.items():
        kind = type(value)
        if kind is not int and (kind is not float or value - value != 0):  # nor NaN nor infinite
            return storable(_AS_JSON(values))
        if (name := _NAMES.get(key)) is None:
            if len(_NAMES) >= _NAMES_KEPT or not isinstance(key, str):
                return storable(_AS_JSON(values))
            name = _NAMES[key] = f"{storable(_AS_JSON(key))}: "
        parts.append(f"{name}{value!r}")
    return "{" + ", ".join(parts) + "}"


_AS_JSON = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` would make one each time
_NAMES: dict[str, str] = {}
"""Names of members as JSON; those of numbers are few, and each stands at a million boxes."""

_NAMES_KEPT = 256
