"""What is in a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tamis.runtime.indexing import IndexAudit
from tamis.verbs.result import Result

__all__ = ["InfoReport", "VectorsOfEncoder"]


@dataclass(frozen=True)
class VectorsOfEncoder:
    """The vectors of one encoder.

    Attributes:
        encoder: its spec.
        column: the vector column.
        fingerprint: hash of all that changes its vectors.
        dim: length of a vector.
        dtype: how vectors are stored.
        vectors: how many samples have one.
        default: whether it is meant where no encoder is named.
    """

    encoder: str
    column: str
    fingerprint: str
    dim: int
    dtype: str
    vectors: int
    default: bool

    def __getitem__(self, name: str) -> object:
        return getattr(self, name)


@dataclass(frozen=True, kw_only=True, repr=False)
class InfoReport(Result):
    """Counts of what is in a dataset; labels, splits and formats are those of whole pictures.

    Attributes:
        dataset: where it lies.
        samples: rows, parts of pictures included.
        kinds: whole pictures, crops and tiles.
        failed: files that could not be read.
        formats: pictures by file format.
        labels: pictures by label.
        unlabeled: pictures without a label.
        splits: pictures by split.
        layers: annotations by layer.
        classes: objects by class in the layer `truth`, most frequent first.
        objects: how many boxes, outlines, masks and keypoints that layer has, by COCO's sizes.
        objects_per_picture: pictures by how many objects that layer has of them, in ranges.
        annotated: pictures that have any of that layer.
        duplicates: pictures that are marked as duplicates.
        selected: pictures that are selected.
        scored: pictures that have scores.
        encoders: whose vectors there are.
        version: the snapshot.
        indexes: what search by each column's index loses, if asked for; None without an index.
        gone: pictures missing, changed or unreadable on disk, if asked for.
    """

    table_of: ClassVar = "encoders"

    dataset: str
    samples: int
    kinds: Mapping[str, int]
    failed: int
    formats: Mapping[str, int]
    labels: Mapping[str, int]
    unlabeled: int
    splits: Mapping[str, int]
    layers: Mapping[str, int]
    classes: Mapping[str, int]
    objects: Mapping[str, int]
    objects_per_picture: Mapping[str, int]
    annotated: int
    duplicates: int
    selected: int
    scored: int
    encoders: Sequence[VectorsOfEncoder]
    version: int
    indexes: Mapping[str, IndexAudit | None] | None = None
    gone: Mapping[str, int] | None = None
