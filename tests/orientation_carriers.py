"""Each way in which a file may state its orientation, for the pixels of any of the eight."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from PIL import Image, PngImagePlugin

from picture_files import FORMATS, encode, exif_with, png_chunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACE = "http://ns.adobe.com/tiff/1.0/"
AFTER_HEADER = 8 + 25
XMP_MARKER = b"http://ns.adobe.com/xap/1.0/\0"


def packet(description: str, prefix: str = "tiff") -> bytes:
    """An XMP packet around one description."""
    return (
        f'<?xpacket begin="\ufeff" id="W5M0"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" xmlns:{prefix}="{NAMESPACE}" '
        f'{description}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


PACKETS: dict[str, Callable[[int], bytes]] = {
    "attribute": lambda n: packet(f'tiff:Orientation="{n}"/>'),
    "attribute in single quotes": lambda n: packet(f"tiff:Orientation = '{n}'/>"),
    "element": lambda n: packet(f"><tiff:Orientation>{n}</tiff:Orientation></rdf:Description>"),
    "element on lines": lambda n: packet(f"><tiff:Orientation>\n {n}\n</tiff:Orientation>"),
    "another prefix": lambda n: packet(f'ns1:Orientation="{n}"/>', "ns1"),
    "UTF-16": lambda n: packet(f'tiff:Orientation="{n}"/>').decode().encode("utf-16"),
}


def png(pixels: NDArray, *chunks: bytes, last: bool = False) -> bytes:
    """A PNG with chunks of its own, after its header or before its end."""
    whole = encode(pixels, "PNG")
    at = whole.rindex(b"IEND") - 4 if last else AFTER_HEADER
    return whole[:at] + b"".join(chunks) + whole[at:]


def exif_block(number: int) -> bytes:
    return b"Exif\0\0" + exif_with(number).tobytes().removeprefix(b"Exif\0\0")


def raw_profile(kind: str, content: bytes, *, packed: bool = False) -> bytes:
    """ImageMagick's chunk: a name, a length, and hexadecimal digits in lines of 72."""
    digits = content.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = f"\n{kind}\n{len(content):8d}\n{lines}\n".encode()
    key = f"Raw profile type {kind}".encode()
    if packed:
        return png_chunk(b"zTXt", key + b"\0\0" + zlib.compress(text))
    return png_chunk(b"tEXt", key + b"\0" + text)


def international(content: bytes, *, packed: bool = False) -> bytes:
    """The chunk in which XMP lies in a PNG."""
    text = zlib.compress(content) if packed else content
    return png_chunk(b"iTXt", b"XML:com.adobe.xmp\0" + bytes([packed, 0]) + b"en\0key\0" + text)


def with_segment(jpeg: bytes, content: bytes) -> bytes:
    """A JPEG with one more APP1 segment at its start."""
    return jpeg[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content + jpeg[2:]


def _jpeg(pixels: NDArray, *segments: bytes) -> bytes:
    data = encode(pixels, "JPEG", quality=95)
    for segment in reversed(segments):
        data = with_segment(data, segment)
    return data


def _saved(kind: str, pixels: NDArray, **options: object) -> bytes:
    return encode(pixels, kind, **FORMATS[kind], **options)


CARRIERS: dict[str, Callable[[NDArray, int], bytes]] = {
    "JPEG Exif": lambda pixels, n: _saved("JPEG", pixels, exif=exif_with(n)),
    "PNG eXIf": lambda pixels, n: _saved("PNG", pixels, exif=exif_with(n)),
    "PNG eXIf at the end": lambda pixels, n: png(
        pixels, png_chunk(b"eXIf", exif_block(n)[6:]), last=True
    ),
    "WebP Exif": lambda pixels, n: _saved("WEBP", pixels, exif=exif_with(n)),
    "TIFF tag": lambda pixels, n: _saved("TIFF", pixels, exif=exif_with(n)),
    "BigTIFF tag": lambda pixels, n: _saved("TIFF", pixels, exif=exif_with(n), big_tiff=True),
    "packed TIFF tag": lambda pixels, n: _saved(
        "TIFF", pixels, exif=exif_with(n), compression="tiff_lzw"
    ),
    "PNG raw profile": lambda pixels, n: png(pixels, raw_profile("exif", exif_block(n))),
    "PNG packed raw profile": lambda pixels, n: png(
        pixels, raw_profile("exif", exif_block(n), packed=True)
    ),
    "PNG raw profile APP1": lambda pixels, n: png(pixels, raw_profile("APP1", exif_block(n))),
    "PNG raw profile at the end": lambda pixels, n: png(
        pixels, raw_profile("exif", exif_block(n)), last=True
    ),
    "PNG raw profile by Pillow": lambda pixels, n: encode(
        pixels, "PNG", pnginfo=_info_with_profile(n)
    ),
    "PNG raw profile xmp": lambda pixels, n: png(
        pixels, raw_profile("xmp", PACKETS["attribute"](n))
    ),
    "PNG packed XMP": lambda pixels, n: png(
        pixels, international(PACKETS["element"](n), packed=True)
    ),
    **{
        f"{kind} XMP, {name}": lambda pixels, n, kind=kind, write=write: _with_xmp(
            kind, pixels, write(n)
        )
        for kind in ("JPEG", "PNG", "WEBP", "TIFF")
        for name, write in PACKETS.items()
    },
    "JPEG, Exif before XMP": lambda pixels, n: _jpeg(
        pixels, exif_block(n), XMP_MARKER + PACKETS["attribute"](n % 8 + 1)
    ),
    "JPEG, Exif after XMP": lambda pixels, n: _jpeg(
        pixels, XMP_MARKER + PACKETS["element"](n % 8 + 1), exif_block(n)
    ),
    "JPEG, XMP and an Exif that states none": lambda pixels, n: _jpeg(
        pixels, exif_block(0), XMP_MARKER + PACKETS["attribute"](n)
    ),
    "PNG, eXIf over raw profile and XMP": lambda pixels, n: png(
        pixels,
        raw_profile("exif", exif_block(n % 8 + 1)),
        international(PACKETS["attribute"](n % 8 + 1)),
        png_chunk(b"eXIf", exif_block(n)[6:]),
    ),
    "PNG, raw profile over XMP": lambda pixels, n: png(
        pixels, international(PACKETS["attribute"](n % 8 + 1)), raw_profile("exif", exif_block(n))
    ),
    "WebP, Exif over XMP": lambda pixels, n: _saved(
        "WEBP", pixels, exif=exif_with(n), xmp=PACKETS["attribute"](n % 8 + 1)
    ),
    "TIFF, tag over XMP": lambda pixels, n: encode(
        pixels, "TIFF", tiffinfo={274: n, 700: PACKETS["attribute"](n % 8 + 1)}
    ),
}
"""Writers of a lossless or nearly lossless picture from its stored pixels and its orientation."""


def _info_with_profile(number: int) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    content = exif_block(number)
    info.add_text("Raw profile type exif", f"\nexif\n{len(content):8}\n{content.hex()}\n")
    return info


def _with_xmp(kind: str, pixels: NDArray, content: bytes) -> bytes:
    if kind == "PNG":
        return png(pixels, international(content))
    if kind == "TIFF":
        return encode(Image.fromarray(pixels), "TIFF", tiffinfo={700: content})
    return _saved(kind, pixels, xmp=content)
