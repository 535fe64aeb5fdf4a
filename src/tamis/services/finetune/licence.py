"""The terms of the weights that a training begins with, which bind what comes of it."""

from __future__ import annotations

from typing import Final

from tamis.encoders.bundled import MODELS
from tamis.encoders.spec import parse_spec

__all__ = ["licence_of"]

_KNOWN: Final = (
    ("dinov3", "the DINOv3 License of Meta, which must go along with what is made of the weights"),
    ("yolo", "probably AGPL-3.0, under which a service that uses them must show its source"),
    ("ultralytics", "AGPL-3.0, under which a service that uses them must show its source"),
    ("dinov2", "Apache-2.0 for DINOv2 (its variants for cells and X-rays are not free)"),
    ("siglip", "Apache-2.0"),
    ("clip-vit", "MIT for OpenAI's CLIP"),
)


def licence_of(spec: str) -> str:
    """Return the terms of an encoder's weights in words, as far as its name tells.

    >>> licence_of("bundled:efficientnet-lite0")
    'Apache-2.0'
    >>> licence_of("py:mine.py:Net")
    'your own to know: py:mine.py:Net names no terms'
    """
    parsed = parse_spec(spec)
    if parsed.kind == "bundled" and parsed.name in MODELS:
        return MODELS[parsed.name].licence
    if parsed.kind == "timm" and (found := _by_timm(parsed.name)):
        return found
    for word, terms in _KNOWN:
        if word in parsed.name.lower():
            return terms
    return f"your own to know: {spec} names no terms"


def _by_timm(name: str) -> str:
    from timm.models import get_pretrained_cfg

    try:
        config = get_pretrained_cfg(name)
    except RuntimeError:  # no name of its registry
        return ""
    return str(getattr(config, "license", None) or "") if config is not None else ""
