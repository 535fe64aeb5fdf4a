"""What was selected, with its reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tamis.dataset.columns import Column, equal
from tamis.interfaces.server.queues.item import Choice, Item, Queue, Side, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.interfaces.server.queues.item import Record
    from tamis.interfaces.server.session import Session

__all__ = ["Picks"]


class Picks(Queue):
    """Pictures that were selected; a person takes or drops them."""

    name = "picks"
    title = "Selected pictures"
    about = "Take it, or drop it from the selection?"
    seconds = 2.0

    def lacks(self, session: Session) -> str | None:
        """See `Queue`."""
        if not session.workspace.samples.has(Column.SELECTED):
            return "Nothing is selected: run  tamis select N  first."
        return None

    def items(
        self,
        session: Session,
        result: Any,
        records: Mapping[str, Sequence[Record]],
    ) -> list[Item]:
        """Return a question for each pick, in their order."""
        del result, records
        samples = session.workspace.samples
        if not samples.has(Column.SELECTED):
            return []
        known = [one for one in (Column.SELECTED_RANK, Column.SELECTED_REASON) if samples.has(one)]
        rows = samples.store.read(
            [Column.SAMPLE_ID, *known], equal(Column.SELECTED, value=True)
        ).to_pylist()
        return [
            Item(
                key=key_of(row["sample_id"]),
                ids=(row["sample_id"],),
                asks="Take this picture?",
                facts=[row["selected_reason"]] if row.get("selected_reason") else (),
                sides=(Side(_rank(row.get("selected_rank")), [row["sample_id"]]),),
                choices=(Choice("take", "Take", "t", suggested=True), Choice("drop", "Drop", "x")),
                gain=-float(row.get("selected_rank") or 0),
            )
            for row in rows
        ]


def _rank(rank: int | None) -> str:
    return "selected" if rank is None else f"pick {rank}"
