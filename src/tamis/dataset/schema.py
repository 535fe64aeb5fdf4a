"""What a dataset's tables hold: the columns of `samples` and `failed`, and values that fit them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tamis.dataset.parts import PART_COLUMNS
from tamis.errors import UsageError
from tamis.sources.objects.columns import OBJECT_COLUMNS
from tamis.sources.video.places import FRAME_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.types import Vectors

__all__ = [
    "FAILED",
    "INITIAL_MARKS",
    "PICTURE_COLUMNS",
    "SAMPLES",
    "VectorColumn",
    "check_mark_name",
    "conform_rows",
    "error_column_of",
    "error_field",
    "mark_values",
    "vector_column_named",
    "vector_columns_of",
    "vector_field",
    "vector_values",
]

PICTURE_COLUMNS: pa.Schema = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("path", pa.string()),
        pa.field("uri", pa.string()),
        pa.field("source", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("format", pa.string()),
        pa.field("bytes", pa.int64()),
        pa.field("content_hash", pa.string()),
        pa.field("phash", pa.int64()),
        pa.field("thumbnail", pa.large_binary()),
        pa.field("sharpness", pa.float32()),
        pa.field("brightness", pa.float32()),
        pa.field("contrast", pa.float32()),
        pa.field("entropy", pa.float32()),
        pa.field("captured_at", pa.timestamp("us")),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("orientation", pa.int8()),
        pa.field("camera", pa.string()),
        pa.field("added_at", pa.timestamp("us", tz="UTC")),
    ]
)
"""What ingest knows of a picture; written once. Only where it lies is edited, when files move.

`sample_id` is 32 hex digits, `width` and `height` are pixels once the EXIF orientation is
applied, `phash` is the bit pattern of a uint64, `thumbnail` a JPEG.
"""

INITIAL_MARKS: pa.Schema = pa.schema(
    [
        pa.field("label", pa.string()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("split", pa.string()),
    ]
)
"""The marks that every dataset has from the start; operations add more."""

SAMPLES: pa.Schema = pa.schema([*PICTURE_COLUMNS, *INITIAL_MARKS])
"""The `samples` table of a new dataset: one row a picture."""

FAILED: pa.Schema = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
"""The `failed` table: one row for each picture and reason it could not be read."""

_SPEC, _FINGERPRINT = b"tamis.encoder.spec", b"tamis.encoder.fingerprint"
_DTYPES = {"float32": pa.float32(), "float16": pa.float16()}
_MARK_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class VectorColumn:
    """A column of embeddings; vectors of two columns are never compared.

    Attributes:
        name: the column.
        spec: the encoder, as the user named it.
        fingerprint: hash of all that changes a vector.
        dim: length of each vector.
        dtype: "float32" or "float16", as stored; reading always gives float32.
    """

    name: str
    spec: str
    fingerprint: str
    dim: int
    dtype: str

    @property
    def error_column(self) -> str:
        """The column that says why a sample has no vector."""
        return error_column_of(self.name)


def vector_field(spec: str, fingerprint: str, dim: int, dtype: str) -> pa.Field:
    """The Arrow field of a vector column, which carries the encoder's identity.

    Raises:
        UsageError: `dim` is not positive or `dtype` cannot be stored.
    """
    if dtype not in _DTYPES:
        raise UsageError(f"vectors cannot be stored as {dtype!r}; use one of {', '.join(_DTYPES)}")
    if dim < 1:
        raise UsageError(f"a vector needs at least one dimension, got {dim}")
    slug = re.sub(r"[^a-z0-9]+", "_", spec.lower()).strip("_")
    return pa.field(
        f"vector_{slug}_{fingerprint[:8].lower()}",
        pa.list_(_DTYPES[dtype], dim),
        metadata={_SPEC: spec.encode(), _FINGERPRINT: fingerprint.encode()},
    )


def error_column_of(vector_column: str) -> str:
    """The name of the column that keeps the reasons of samples without a vector."""
    return "error_" + vector_column.removeprefix("vector_")


def error_field(vector_column: str) -> pa.Field:
    """The Arrow field beside a vector column that keeps the reasons of failed rows."""
    return pa.field(error_column_of(vector_column), pa.string())


def vector_columns_of(schema: pa.Schema) -> list[VectorColumn]:
    """The vector columns of a `samples` schema, oldest first."""
    return [
        VectorColumn(
            name=field.name,
            spec=field.metadata[_SPEC].decode(),
            fingerprint=field.metadata[_FINGERPRINT].decode(),
            dim=field.type.list_size,
            dtype=next(name for name, dtype in _DTYPES.items() if dtype == field.type.value_type),
        )
        for field in schema
        if field.metadata and _SPEC in field.metadata
    ]


def vector_column_named(schema: pa.Schema, name: str) -> VectorColumn:
    """The vector column of a name.

    Raises:
        UsageError: there is none.
    """
    known = {column.name: column for column in vector_columns_of(schema)}
    if name not in known:
        raise UsageError(
            f"{name!r} is not a vector column; there are: {', '.join(known) or 'none'}"
        )
    return known[name]


def check_mark_name(name: str) -> None:
    """Refuse a name that cannot be a mark.

    Raises:
        UsageError: the name is a picture's own column, a vector's, or no lower-case identifier.
    """
    if (
        name in PICTURE_COLUMNS.names
        or name in PART_COLUMNS.names
        or name in FRAME_COLUMNS.names
        or name in OBJECT_COLUMNS.names
        or name.startswith(("vector_", "error_"))
    ):
        raise UsageError(f"{name!r} is not a mark: it belongs to the pictures and is never edited")
    if not _MARK_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a mark; use lower-case letters, digits and underscores, "
            "with a letter first"
        )


def vector_values(column: VectorColumn, count: int, vectors: Vectors) -> pa.Array:
    """Return vectors, `[N, D]`, as an array of a column's type.

    Args:
        column: the vector column.
        count: N, how many there have to be.
        vectors: the vectors.

    Raises:
        UsageError: the shape is wrong, or a number is not finite in the column's type.
    """
    with np.errstate(over="ignore"):  # what overflows float16 is refused below
        values = np.ascontiguousarray(vectors, dtype=column.dtype)
    if values.shape != (count, column.dim):
        raise UsageError(
            f"{column.name} takes vectors of shape ({count}, {column.dim}), got {values.shape}"
        )
    if not np.isfinite(values).all():
        raise UsageError(
            f"vectors for {column.name} hold numbers that are not finite {column.dtype}"
        )
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), column.dim)


def mark_values(name: str, values: Any, stored: pa.DataType | None) -> pa.Array:
    """Return values as one array of the mark's type; of a new mark (None) as their own.

    Raises:
        UsageError: they do not fit the type, or none of a new mark tells its type.
    """
    try:
        array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if stored is not None:
            return array.cast(stored)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise UsageError(f"values of the mark {name!r} have to be {stored}: {error}") from error
    if pa.types.is_null(array.type):
        raise UsageError(
            f"the mark {name!r} is new and all its values are null: give a typed array"
        )
    return array


def conform_rows(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Bring new rows to the types and order of `schema`; columns that are absent stay absent.

    Raises:
        UsageError: a column is unknown, cannot be cast, or a required one is missing.
    """
    unknown = [name for name in rows.column_names if name not in schema.names]
    if unknown:
        raise UsageError(
            f"rows have unknown columns {_names(unknown)}; known: {_names(schema.names)}"
        )
    fields = [field for field in schema if field.name in rows.column_names]
    missing = [f.name for f in schema if not f.nullable and f.name not in rows.column_names]
    if missing:
        raise UsageError(f"rows lack the required columns {_names(missing)}")
    arrays = []
    for field in fields:
        column = rows.column(field.name)
        if not field.nullable and column.null_count:
            raise UsageError(f"{column.null_count} rows have no {field.name}")
        try:
            arrays.append(column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UsageError(
                f"column {field.name!r} has type {column.type}, it has to be {field.type}: {error}"
            ) from error
    return pa.table(arrays, schema=pa.schema(fields))


def _names(names: Sequence[str]) -> str:
    return ", ".join(names)
