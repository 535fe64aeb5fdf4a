"""Import OpenVINO without its telemetry.

By default, merely importing it or NNCF sends an event over the network and writes a file with an
identifier to the home folder. Both skip this if the telemetry package is absent, so it is made to
look absent.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["openvino", "without_telemetry"]

_REPORTER = "openvino_telemetry"


@contextmanager
def without_telemetry() -> Iterator[None]:
    """Hide the telemetry package from imports inside the block."""
    loaded = sys.modules.get(_REPORTER)
    absent: Any = None  # how Python marks a module that cannot be imported
    sys.modules[_REPORTER] = absent
    try:
        yield
    finally:
        if loaded is None:
            del sys.modules[_REPORTER]
        else:
            sys.modules[_REPORTER] = loaded


with without_telemetry():
    import openvino
