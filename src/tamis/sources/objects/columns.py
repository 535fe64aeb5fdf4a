"""The column that says what an object was like when it was added."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

__all__ = ["OBJECT_COLUMNS"]

OBJECT_COLUMNS: Final = pa.schema([pa.field("object_state", pa.string())])
"""What a store said of an object that was added, as `StoredObject.state`. A dataset has it only
once such a picture was added; it is null in rows of files."""
