"""What the name of an encoder says: short names, and whether it reads texts."""

from __future__ import annotations

from typing import Final

__all__ = ["DEFAULT_ENCODER", "GET_TEXTS", "SHORT_NAMES", "full_name", "reads_texts"]

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
