"""Pictures of the same shot: find them, and mark all but the best of each group."""

from tamis.services.duplicates.find import find_duplicates
from tamis.services.duplicates.report import DuplicateReport, Group, Pair

__all__ = ["DuplicateReport", "Group", "Pair", "find_duplicates"]
