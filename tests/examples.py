"""How many examples a property gets whose every example takes long."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

_BY_CHANCE = 20


def few(examples: int, **options: Any) -> settings:
    """So many, the same each time; where chance chooses (`make chance`), twenty times as many."""
    chosen = 1 if settings.default.derandomize else _BY_CHANCE
    return settings(max_examples=chosen * examples, deadline=None, **options)
