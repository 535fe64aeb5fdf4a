"""Labels that look wrong, and labels that were propagated."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tamis.dataset.columns import Column, equal
from tamis.dataset.conditions import all_of
from tamis.errors import UsageError
from tamis.interfaces.server.queues.item import Choice, Item, Queue, Side, key_of
from tamis.services.labeling.contract import PROPAGATED, FindMislabels, Propagate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.interfaces.server.queues.item import Record
    from tamis.interfaces.server.session import Session
    from tamis.services.labeling.contract import MislabelReport, PropagationReport

__all__ = ["Propagated", "Suspects"]

_TOGETHER: Final = 12
_KINDS: Final = {
    "wrong": "another class is likelier",
    "ambiguous": "two classes are likely",
    "out of class": "no class is likely",
    "duplicate": "a near-duplicate has another label",
}


class Suspects(Queue):
    """Labels that are probably wrong."""

    name = "labels"
    title = "Suspected labels"
    about = "Is the label right?"
    verb = "label mislabels"
    seconds = 3.0

    def lacks(self, session: Session) -> str | None:
        """See `Queue`."""
        if len(session.table.words(Column.LABEL).values) < 2:  # noqa: PLR2004 - classes
            return "Label pictures of two classes first."
        return None if session.workspace.samples.vector_columns else "Run  tamis embed  first."

    def request(self, session: Session, where: str | None) -> FindMislabels:
        """See `Queue`."""
        del session
        return FindMislabels(where=where)

    def items(
        self,
        session: Session,
        result: MislabelReport,
        records: Mapping[str, Sequence[Record]],
    ) -> list[Item]:
        """Return a question for each suspect that still has the label."""
        del records
        ids = [one.sample_id for one in result.suspects]
        rows = session.workspace.samples.rows([Column.LABEL], ids) if ids else None
        labels = [] if rows is None else rows.column(0).to_pylist()
        return [
            Item(
                key=key_of(one.sample_id, one.given),
                ids=(one.sample_id,),
                asks=f"{one.given}, or {one.suggested}?",
                facts=(_KINDS.get(one.kind, one.kind), f"suspicion {one.score:.2f}"),
                sides=(
                    Side(f"labeled {one.given}", [one.sample_id]),
                    Side(f"most alike among {one.suggested}", one.example_ids),
                ),
                choices=(
                    Choice(
                        "change", f"It is {one.suggested}", "a", suggested=True, label=one.suggested
                    ),
                    Choice("keep", f"It is {one.given}", "k"),
                ),
                gain=one.score,
                classes=True,
                given=one.given,
            )
            for one, label in zip(result.suspects, labels, strict=True)
            if label == one.given
        ]

    def is_answered(self, item: Item, records: Mapping[str, Sequence[Record]]) -> bool:
        """Tell whether the label that is asked about is what an answer left."""
        return any(one.text == item.given for one in records.get(item.ids[0], ()))


class Propagated(Queue):
    """Labels that were propagated, a group of alike ones at a time."""

    name = "propagated"
    title = "Propagated labels"
    about = "Do all of these have the class? Click on those that do not, then answer."
    verb = "label propagate"
    seconds = 6.0
    stored = True

    def lacks(self, session: Session) -> str | None:
        """See `Queue`."""
        if len(session.table.words(Column.LABEL).values) < 2:  # noqa: PLR2004 - classes
            return "Label pictures of two classes first."
        return None if session.workspace.samples.vector_columns else "Run  tamis embed  first."

    def request(self, session: Session, where: str | None) -> Propagate:
        """See `Queue`."""
        del session
        return Propagate(where=where)

    def items(
        self,
        session: Session,
        result: PropagationReport | None,
        records: Mapping[str, Sequence[Record]],
    ) -> list[Item]:
        """Return groups of one class and cluster, those first in which most labels are wrong."""
        del result
        rows = session.workspace.store.annotations(
            ["sample_id", "label", "confidence"],
            all_of(equal("layer", PROPAGATED), equal("kind", "classification")),
        )
        try:
            clusters = session.table.words(Column.CLUSTER)
        except UsageError:
            cluster_of: dict[str, object] = {}
        else:
            names = session.table.ids
            cluster_of = {
                names[row].as_py(): clusters.values[code]
                for row, code in zip(clusters.rows.tolist(), clusters.codes.tolist(), strict=True)
            }
        groups: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
        for row in rows.to_pylist():
            if row["label"] is None or row["sample_id"] in records:
                continue
            sure = 0.0 if row["confidence"] is None else float(row["confidence"])
            groups[row["label"], str(cluster_of.get(row["sample_id"]))].append(
                (sure, row["sample_id"])
            )
        found = []
        for (label, _), members in sorted(groups.items()):
            members.sort()
            parts = range(0, len(members), _TOGETHER)
            found += [_group(label, members[start : start + _TOGETHER]) for start in parts]
        return found

    def is_answered(self, item: Item, records: Mapping[str, Sequence[Record]]) -> bool:
        """Tell whether every picture of a group was answered."""
        return all(name in records for name in item.ids)


def _group(label: str, members: Sequence[tuple[float, str]]) -> Item:
    ids = [name for _, name in members]
    doubt = sum(1 - sure for sure, _ in members)
    low, high = members[0][0], members[-1][0]
    return Item(
        key=key_of(label, *ids),
        ids=ids,
        asks=f"All {label}?",
        facts=(
            f"confidence {low:.2f} to {high:.2f}",
            f"{doubt:.1f} of {len(ids)} expected to be wrong",
        ),
        sides=(Side(label, ids),),
        choices=(
            Choice("accept", f"They are {label}", "a", suggested=True, label=label),
            Choice("reject", "None of them", "x"),
        ),
        gain=doubt,
        classes=True,
        picked=True,
        given=label,
    )
