"""What the name of an encoder says: short names, whether it reads texts, which vectors it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tamis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.dataset.schema import VectorColumn

__all__ = [
    "DEFAULT_ENCODER",
    "GET_TEXTS",
    "SHORT_NAMES",
    "default_vectors",
    "full_name",
    "reads_texts",
    "vectors_named",
    "vectors_that_read_texts",
]

DEFAULT_ENCODER: Final = "bundled:efficientnet-lite0"

SHORT_NAMES: Final = {
    "default": DEFAULT_ENCODER,
    "concepts": "concepts:efficientnet-lite0",
    "clip": "hf:openai/clip-vit-base-patch32",
    "siglip": "hf:google/siglip-base-patch16-224",
    "siglip2": "hf:google/siglip2-base-patch16-224",
    "dino": "hf:facebook/dino-vits16",
    "dinov2": "hf:facebook/dinov2-small",
    "dinov3": "hf:facebook/dinov3-vits16-pretrain-lvd1689m",
}

GET_TEXTS: Final = (
    "Embed the pictures with an encoder that does, clip (needs tamis[hf]) or concepts (offline, "
    "knows ImageNet's classes only), or align these vectors to those of one that does"
)
"""What to do where no encoder at hand reads texts."""

_READ_TEXTS: Final = frozenset({"concepts", "open_clip", "aligned"})
_READ_NONE: Final = frozenset({"bundled", "timm", "onnx", "openvino"})


def full_name(spec: str) -> str:
    """Return a spec with its short name written out; a packed encoder's file is its name.

    >>> full_name("clip?size=448"), full_name("timm:resnet18"), full_name("usb/clip.pack")
    ('hf:openai/clip-vit-base-patch32?size=448', 'timm:resnet18', 'pack:usb/clip.pack')
    """
    short, mark, query = spec.partition("?")
    if short.endswith(".pack") and not short.startswith("pack:"):
        short = f"pack:{short}"
    return SHORT_NAMES.get(short, short) + mark + query


def reads_texts(spec: str) -> bool | None:
    """Tell whether an encoder's space holds texts, without loading it; None if its name is silent.

    >>> reads_texts("clip"), reads_texts("default"), reads_texts("py:mine:make")
    (True, False, None)
    """
    kind, _, name = full_name(spec).partition(":")
    if kind in _READ_TEXTS:
        return True
    if kind in _READ_NONE:
        return False
    if kind != "hf":
        return None
    model = name.partition("?")[0].rstrip("/").rpartition("/")[2].lower()
    if "clip" in model or "siglip" in model:
        return True
    return False if model.startswith("dino") else None


def _in_one_order(spec: str) -> str:
    """Return a spec with its options in alphabetical order, as they mean the same in any.

    >>> _in_one_order("onnx:a.onnx?size=64&mean=0") == _in_one_order("onnx:a.onnx?mean=0&size=64")
    True
    """
    name, mark, query = spec.partition("?")
    return name + mark + "&".join(sorted(query.split("&")))


_FINGERPRINT_DIGITS: Final = 8
"""Columns are named by so many digits of a fingerprint; as few name a column here."""


def default_vectors(columns: Sequence[VectorColumn], chosen: str | None) -> VectorColumn | None:
    """Return the vectors that are meant where none are named; None if there are none.

    Those that were set as default (`chosen`, a column's name), else the newest of the encoder used
    first.

    Args:
        columns: the vector columns, oldest first.
        chosen: the name of the default column; None if none was set.
    """
    first = [column for column in columns if column.spec == columns[0].spec]
    return next(iter((*_of_name(columns, chosen), *reversed(first))), None)


def vectors_named(
    encoder: str, columns: Sequence[VectorColumn], chosen: str | None
) -> VectorColumn:
    """Return the vectors that a name means: of several, the default or else the newest.

    Args:
        encoder: a spec or short name, a column, or the first 8 digits or more of a fingerprint.
        columns: the vector columns, oldest first.
        chosen: the name of the default column; None if none was set.

    Raises:
        UsageError: there are no such vectors.
    """
    meant = {encoder, _in_one_order(full_name(encoder))}
    fitting = [
        column
        for column in columns
        if meant & {column.name, _in_one_order(column.spec), column.fingerprint}
        or (len(encoder) >= _FINGERPRINT_DIGITS and column.fingerprint.startswith(encoder.lower()))
    ]
    if not fitting:
        raise UsageError(f"no vectors of {encoder!r}; the dataset has: {_shown(columns)}")
    return (_of_name(fitting, chosen) or fitting)[-1]


def vectors_that_read_texts(columns: Sequence[VectorColumn], default: VectorColumn) -> VectorColumn:
    """Return the default vectors if their encoder reads texts, else the first whose encoder does.

    Where no name tells, the default or the first that may.

    Raises:
        UsageError: no encoder reads texts.
    """
    candidates = [default, *(column for column in columns if column != default)]
    for answer in (True, None):
        for column in candidates:
            if reads_texts(column.spec) is answer:
                return column
    read = "reads" if len(candidates) == 1 else "read"
    raise UsageError(f"{_shown(columns)} {read} no texts. {GET_TEXTS}")


def _of_name(columns: Sequence[VectorColumn], name: str | None) -> list[VectorColumn]:
    return [column for column in columns if column.name == name]


def _shown(columns: Sequence[VectorColumn]) -> str:
    return ", ".join(f"{column.spec} ({column.name})" for column in columns)
