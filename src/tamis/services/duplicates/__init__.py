"""Copies and changed versions of pictures: find them, and mark all but the best of each group."""

from tamis.services.duplicates.find import DROPS, Drop, find_duplicates
from tamis.services.duplicates.gallery import write_duplicate_gallery
from tamis.services.duplicates.report import DuplicateReport, Group, Pair, Region

__all__ = [
    "DROPS",
    "Drop",
    "DuplicateReport",
    "Group",
    "Pair",
    "Region",
    "find_duplicates",
    "write_duplicate_gallery",
]
