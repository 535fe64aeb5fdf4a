"""Splits made and checked in few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tamis.runtime.workspace import Workspace
from tamis.services.split import run
from tamis.services.split.contract import Split

if TYPE_CHECKING:
    from tamis.dataset.store import Store
    from tamis.services.split.result import SplitReport


def split(store: Store, **options: Any) -> SplitReport:
    """Ask for a split with these options."""
    return run.split(Workspace(store), Split(**options))


def check_splits(store: Store, **options: Any) -> SplitReport:
    """Ask for the check of splits with these options."""
    return split(store, audit=True, **options)
