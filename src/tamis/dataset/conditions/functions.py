"""The functions that conditions may call: those whose cost is bounded by what they read.

Left out are those that make long values of short ones (`repeat`, `lpad`, `replace`), that change
from call to call (`random`, `now`), or that reach beyond the row.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FUNCTIONS", "PATTERN_FUNCTIONS", "TYPES"]

_ONE, _TWO = (1, 1), (2, 2)

FUNCTIONS: Final[dict[str, tuple[int, int]]] = {
    # texts
    "lower": _ONE,
    "upper": _ONE,
    "length": _ONE,
    "char_length": _ONE,
    "character_length": _ONE,
    "ltrim": _ONE,
    "rtrim": _ONE,
    "btrim": _ONE,
    "starts_with": _TWO,
    "ends_with": _TWO,
    "contains": _TWO,
    "strpos": _TWO,
    "instr": _TWO,
    "left": _TWO,
    "right": _TWO,
    "split_part": (3, 3),
    "regexp_like": _TWO,
    "regexp_match": _TWO,
    # numbers
    "abs": _ONE,
    "round": (1, 2),
    "trunc": _ONE,
    "sqrt": _ONE,
    "exp": _ONE,
    "ln": _ONE,
    "log2": _ONE,
    "log10": _ONE,
    "power": _TWO,
    "pow": _TWO,
    "signum": _ONE,
    "isnan": _ONE,
    "iszero": _ONE,
    "nanvl": _TWO,
    # any value
    "coalesce": (1, 20),
    "ifnull": _TWO,
    "nvl": _TWO,
    "nullif": _TWO,
    "greatest": (1, 20),
    "least": (1, 20),
    # lists
    "array_has": _TWO,
    "array_contains": _TWO,
    "list_has": _TWO,
    "array_has_any": _TWO,
    "array_has_all": _TWO,
    "array_length": _ONE,
    "list_length": _ONE,
    "cardinality": _ONE,
    "array_empty": _ONE,
    "empty": _ONE,
    "array_position": _TWO,
    # times
    "date_part": _TWO,
    "datepart": _TWO,
    "date_trunc": _TWO,
    "to_timestamp": _ONE,
    "to_date": _ONE,
}
"""Each function with the fewest and the most arguments that it takes."""

PATTERN_FUNCTIONS: Final = frozenset({"regexp_like", "regexp_match"})
"""Functions whose second argument has to be a text that stands there, so that it is read once."""

TYPES: Final = frozenset(
    {
        "boolean",
        "tinyint",
        "smallint",
        "int",
        "integer",
        "bigint",
        "float",
        "double",
        "string",
        "date",
        "timestamp",
    }
)
"""What `CAST(… AS …)` may make."""
