"""The marks of a selection: what is selected, in which order, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tamis.dataset.columns import Column
from tamis.dataset.samples import Kind, Samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.dataset.store import Store
    from tamis.verbs.request import Request

__all__ = ["mark_selected"]


def mark_selected(
    store: Store,
    ids: Sequence[str],
    reasons: Sequence[str],
    *,
    params: Mapping[str, Any],
    seed: int,
    counts: Mapping[str, Any],
    request: Request[Any],
) -> None:
    """Set `selected`, `selected_rank` (from 1) and `selected_reason`, and clear those before.

    One operation of the verb `select`.

    Args:
        store: the dataset.
        ids: the samples selected, in order.
        reasons: why, one for each.
        params: what was found out, for the log.
        seed: of the random choices.
        counts: what the log should say beside the number selected.
        request: what the user asked for.
    """
    chosen = dict.fromkeys(ids)
    before = Samples(store).of(kind=Kind.ALL).having(Column.SELECTED).ids
    others = [sample_id for sample_id in before if sample_id not in chosen]
    cleared = [None] * len(others)
    with store.operation("select", params=dict(params), seed=seed, request=request) as operation:
        operation.set_marks(
            [*ids, *others],
            {
                "selected": pa.array([True] * len(ids) + cleared, pa.bool_()),
                "selected_rank": pa.array([*range(1, len(ids) + 1), *cleared], pa.int32()),
                "selected_reason": pa.array([*reasons, *cleared], pa.string()),
            },
        )
        operation.counts.update({"selected": len(ids), **counts})
