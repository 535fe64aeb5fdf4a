"""Load models through third-party libraries: quietly, with each failure as one sentence."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from huggingface_hub.utils.tqdm import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from tamis.encoders.hub_errors import explain_hub_error
from tamis.errors import EncoderError, TamisError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["explaining", "quiet_libraries"]

_OWN_HANDLERS: Final = ("transformers", "huggingface_hub", "httpx")
"""Libraries that write to the terminal through their own log handlers."""


@contextmanager
def explaining(spec: str, source: str, part: str) -> Iterator[None]:
    """Turn whatever a library raises into an `EncoderError` that says what to do.

    Args:
        spec: the encoder's spec, for messages.
        source: the folder or hub name.
        part: the part being loaded: configuration, weights, tokenizer.
    """
    try:
        yield
    except (TamisError, MemoryError):
        raise
    except Exception as error:
        # hub, network, safetensors, pickle and each library raise their own kinds of errors
        raise EncoderError(explain_hub_error(spec, source, part, error)) from error


@contextmanager
def quiet_libraries(watched: str) -> Iterator[list[str]]:
    """Keep libraries' messages and progress bars off the terminal, where they break ours.

    Args:
        watched: the name of the logger whose messages to collect.

    Yields:
        Its messages from level INFO on.
    """
    messages: list[str] = []
    keep = _Keep(messages)
    # Without a root handler, a bare logging.warning() would install one permanently.
    nothing, root = logging.NullHandler(), logging.getLogger()
    root.addHandler(nothing)
    logger = logging.getLogger(watched)
    level, propagate = logger.level, logger.propagate
    logger.addHandler(keep)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    others = {logging.getLogger(name): logging.getLogger(name).level for name in _OWN_HANDLERS}
    for other in others:
        other.setLevel(logging.CRITICAL)
    had_bars = not are_progress_bars_disabled()
    disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield messages
    finally:
        if had_bars:
            enable_progress_bars()
        for other, other_level in others.items():
            other.setLevel(other_level)
        logger.propagate = propagate
        logger.setLevel(level)
        logger.removeHandler(keep)
        root.removeHandler(nothing)


class _Keep(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.INFO)
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(record.getMessage())
