"""What can be asked of encoders: which there are, whether one works here, one as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result

if TYPE_CHECKING:
    from tamis.services.encoders.result import EncoderExport  # noqa: F401 - named by a request

__all__ = [
    "CheckEncoder",
    "DefaultEncoder",
    "DefaultEncoderReport",
    "EncoderCheck",
    "EncoderEntry",
    "EncoderList",
    "EncoderPacked",
    "ExportEncoder",
    "ListEncoders",
    "PackEncoder",
    "Precision",
    "Runtime",
]

Runtime: TypeAlias = Literal["onnx", "openvino"]
Precision: TypeAlias = Literal["float32", "int8"]
Spec: TypeAlias = Annotated[
    str, Argument("An encoder, as `tamis encoders` shows it.", metavar="SPEC")
]


@dataclass(frozen=True)
class ListEncoders(Request["EncoderList"], verb="encoders list", run="list:list_encoders"):
    """List the encoders that can be used here."""


@dataclass(frozen=True)
class EncoderEntry:
    """An encoder, or a kind of encoders, that can be asked for by name.

    Attributes:
        spec: its full name; of a kind, what its names look like.
        short_names: shorter ones.
        installed: whether the code that it needs is here.
        needs: what to run where it is not; empty otherwise.
        needs_network: whether its weights must be fetched from the hub first, once.
        runtime: what runs it; empty where that depends.
        devices: what that runtime can compute on here.
    """

    spec: str
    short_names: Sequence[str]
    installed: bool
    needs: str
    needs_network: bool
    runtime: str
    devices: Sequence[str]


@dataclass(frozen=True, kw_only=True, repr=False)
class EncoderList(Result):
    """The encoders that can be used here.

    Attributes:
        encoders: those with a name first, then the kinds that take any name or file.
        runtimes: what is installed to run them, with version and devices.
    """

    encoders: Sequence[EncoderEntry]
    runtimes: Sequence[str]


@dataclass(frozen=True)
class DefaultEncoder(
    Request["DefaultEncoderReport"], verb="encoders default", run="default:default_encoder"
):
    """Show or set the encoder used where none is named."""

    spec: Annotated[
        str | None,
        Argument("An encoder that the dataset has vectors of.", metavar="SPEC"),
    ] = None


@dataclass(frozen=True, kw_only=True, repr=False)
class DefaultEncoderReport(Result):
    """Whose vectors are meant where no encoder is named.

    Attributes:
        encoder: its spec.
        column: the vector column.
        encoders: all that the dataset has vectors of.
    """

    encoder: str
    column: str
    encoders: Sequence[str]


@dataclass(frozen=True)
class CheckEncoder(Request["EncoderCheck"], verb="encoders check", run="check:check_encoder"):
    """Load an encoder, time it, and test that it works here."""

    spec: Spec
    _: KW_ONLY
    pictures: Annotated[
        tuple[Path, Path] | None,
        Option("Two typical pictures.", metavar="A B", default="made ones", spread=True),
    ] = None


@dataclass(frozen=True, kw_only=True, repr=False)
class EncoderCheck(Result):
    """What a trial of an encoder found.

    Attributes:
        spec: its name.
        fingerprint: hash of all that changes its vectors.
        dim: length of a vector.
        text: whether it also embeds text.
        feature_levels: levels of features by place, from fine to coarse; empty without any.
        preprocessing: how it takes pictures, in words.
        device: what it runs on.
        load_seconds: how long it took to load.
        batch_size: pictures for one call of the encoder, as `embed` chooses them.
        workers: calls of the encoder that were timed together, as `embed` runs them.
        pictures_per_second: speed of inference alone, on pictures that are ready in memory.
        similarity: cosine between the two pictures; None where it is not a number.
        shortest: of the vectors' lengths; None where it is not a number.
        longest: of the vectors' lengths; None where it is not a number.
        batch_difference: the most that a number differs between a batch of 1 and of 8.
        deterministic: whether two runs on the same batch gave the same to the last bit.
        scaled_decoding: between the vectors of a JPEG of 12 megapixels that is decoded smaller, as
            `embed` does it, and decoded whole.
        problems: promises of encoders that it breaks, a sentence each; empty for a good one.
    """

    spec: str
    fingerprint: str
    dim: int
    text: bool
    feature_levels: Sequence[str]
    preprocessing: str
    device: str
    load_seconds: float
    batch_size: int
    workers: int
    pictures_per_second: float
    similarity: float | None
    shortest: float | None
    longest: float | None
    batch_difference: float | None
    deterministic: bool
    scaled_decoding: float | None
    problems: Sequence[str]


@dataclass(frozen=True)
class PackEncoder(Request["EncoderPacked"], verb="encoders pack", run="pack:pack_encoder"):
    """Write an encoder as one file that needs no PyTorch.

    The file needs no network either. It holds the graphs for pictures and texts, the tokenizer, the
    preprocessing, the license, and reference vectors, by which it checks itself when it is loaded.
    """

    spec: Spec
    _: KW_ONLY
    out: Annotated[Path, Option("The file.", metavar="FILE.pack")]
    license: Annotated[
        str | None,
        Option("The weights' license, or a file with it.", default="as the model's folder says"),
    ] = None
    overwrite: Annotated[bool, Option("Replace a file that is there.")] = False


@dataclass(frozen=True, kw_only=True, repr=False)
class EncoderPacked(Result):
    """A packed encoder.

    Attributes:
        spec: the name by which it is used.
        source: the encoder that it was made of.
        file: the file.
        bytes: its size.
        fingerprint: hash of all that changes its vectors.
        dim: length of a vector.
        text: whether it reads texts.
        worst_cosine: the lowest between its vectors and the source's, of ten made pictures and
            texts.
        license: of the weights; None where it is not known.
    """

    spec: str
    source: str
    file: Path
    bytes: int
    fingerprint: str
    dim: int
    text: bool
    worst_cosine: float
    license: str | None


@dataclass(frozen=True)
class ExportEncoder(Request["EncoderExport"], verb="encoders export", run="export:export_encoder"):
    """Write an encoder as an ONNX or OpenVINO file.

    The file needs no PyTorch. It is kept only if its vectors are close enough to the original's on
    the pictures given.
    """

    spec: Spec
    _: KW_ONLY
    out: Annotated[Path, Option("Where it goes; a FILE ends in .onnx or .xml.", metavar="DIR|FILE")]
    pictures: Annotated[Sequence[str], Option("Typical pictures, to compare on.", metavar="SOURCE")]
    runtime: Annotated[Runtime, Option("What runs it.")] = "onnx"
    precision: Annotated[Precision, Option("What it computes in; int8 needs openvino.")] = "float32"
    min_overlap: Annotated[
        float, Option("Least mean share of nearest neighbors that stay the same.", metavar="X")
    ] = 0.95
    min_cosine: Annotated[
        float, Option("Least mean cosine between old and new vectors.", metavar="X")
    ] = 0.99
    overwrite: Annotated[bool, Option("Replace a file that is there.")] = False
