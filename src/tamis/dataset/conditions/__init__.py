"""SQL conditions that users write: parsed to their end, bounded, and joined safely."""

from tamis.dataset.conditions.condition import all_of, any_of, checked_condition, columns_named

__all__ = ["all_of", "any_of", "checked_condition", "columns_named"]
