"""Copies, changed versions and leaks: two pictures side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tamis.dataset.columns import Column
from tamis.interfaces.server.queues.item import Choice, Item, Queue, Side, key_of
from tamis.services.duplicates.contract import Duplicates
from tamis.services.split.contract import Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.interfaces.server.queues.item import Record
    from tamis.interfaces.server.session import Session
    from tamis.services.duplicates.result import DuplicateReport, Pair
    from tamis.services.split.result import Leak, SplitReport

__all__ = ["Leaks", "Pairs"]

_KINDS: Final = {
    "exact": "equal files",
    "near": "the same view",
    "flip": "mirrored",
    "turned": "turned",
    "changed": "the same view, other content",
    "chain": "joined by pictures between them",
    "alike": "alike by their vectors",
    "group": "of one group",
    "time": "near in time",
    "part": "of one picture",
}


_RULES: Final = {
    "answer": "a review said so",
    "present": "its file is still there",
    "resolution": "more pixels of its own",
    "upright": "not tilted in its frame",
    "sharpness": "sharper",
    "exif": "has the camera's data",
    "oldest": "older",
    "newest": "newer",
    "labeled": "has a label",
    "unlabeled": "has no label",
    "size": "larger file",
    "path": "its path comes first",
    "sample id": "its sample id comes first",
}


class _OfTwo(Queue):
    def is_answered(self, item: Item, records: Mapping[str, Sequence[Record]]) -> bool:
        first, second = min(item.ids), max(item.ids)
        return any(one.text == second for one in records.get(first, ()))


class Pairs(_OfTwo):
    """Which of two copies stays, and whether they are copies at all."""

    name = "pairs"
    title = "Copies and changed versions"
    about = "Is one a copy of the other, and which one stays?"
    verb = "duplicates"
    seconds = 4.0

    def lacks(self, session: Session) -> str | None:
        """See `Queue`."""
        return None if session.workspace.samples.vector_columns else "Run  tamis embed  first."

    def request(self, session: Session, where: str | None) -> Duplicates:
        """See `Queue`."""
        del session
        return Duplicates(where=where)

    def items(
        self,
        session: Session,
        result: DuplicateReport,
        records: Mapping[str, Sequence[Record]],
    ) -> list[Item]:
        """Return a question for each pair, of copies only for those with the one that stays."""
        del session, records
        reasons = {
            (group.ids[0], name): (reason, bool(group.drop))
            for group in result.groups
            for name, reason in zip(group.ids[1:], group.reasons, strict=True)
        }
        dropped = {name for group in result.groups if group.drop for name in group.ids[1:]}
        found = []
        for pair in result.pairs:
            ids = (pair.left_id, pair.right_id)
            kept = next((one for one in (ids, ids[::-1]) if one in reasons), None)
            if kept is None and dropped & set(ids):
                continue  # settled by the pairs with the one that stays
            reason, drops = reasons[kept] if kept else ("", False)
            found.append(_pair(pair, result, kept[0] if kept else None, reason, drops=drops))
        return found


def _pair(
    pair: Pair, result: DuplicateReport, kept: str | None, reason: str, *, drops: bool
) -> Item:
    left_stays = drops and kept == pair.left_id
    right_stays = drops and kept == pair.right_id
    sides = []
    for name, place, regions in (
        (pair.left_id, "left", [region.left for region in pair.regions]),
        (pair.right_id, "right", [region.right for region in pair.regions]),
    ):
        stays = kept == name
        title = "stays" if stays and drops else "the better one" if stays else "the other one"
        why = _RULES.get(reason, reason) if stays else ""
        turned = pair.kind == "flip" and name != (kept or pair.left_id)
        note = "shown mirrored" if turned else why
        title = place if kept is None else title
        sides.append(Side(title, [name], note, regions, mirrored=turned))
    verdict = {
        "copy": "Copies?",
        "changed": "The same view, with other content?",
        "undecided": "Copies, or is there a difference too small to see?",
    }[str(pair.verdict)]
    facts = [f"score {pair.score:.3f}", _KINDS.get(pair.kind, pair.kind)]
    if pair.regions:
        count = len(pair.regions)
        facts.append("1 place differs" if count == 1 else f"{count} places differ")
    return Item(
        key=key_of(pair.left_id, pair.right_id),
        ids=(pair.left_id, pair.right_id),
        asks=verdict,
        facts=facts,
        sides=sides,
        choices=(
            Choice("left", "Keep left", "ArrowLeft", suggested=left_stays),
            Choice("right", "Keep right", "ArrowRight", suggested=right_stays),
            Choice("both", "Keep both", "b", suggested=not drops),
            Choice("different", "Not a copy", "n"),
        ),
        gain=_doubt(pair, result),
        fields={
            "score": pair.score,
            "kind": pair.kind if str(pair.verdict) == "copy" else str(pair.verdict),
        },
    )


def _doubt(pair: Pair, result: DuplicateReport) -> float:
    """Return how near a pair is to being decided otherwise: 1 at the line, 0 far from it."""
    if str(pair.verdict) == "undecided":
        return 1.0
    line = result.threshold
    far = 1 - line if pair.score >= line else line - min(result.changed_threshold, line)
    return 1 - min(abs(pair.score - line) / max(far, 1e-9), 1.0)


class Leaks(_OfTwo):
    """Two pictures that should lie in one split and do not."""

    name = "leaks"
    title = "Leaks between splits"
    about = "Should these two lie in one split?"
    verb = "split"
    seconds = 4.0

    def lacks(self, session: Session) -> str | None:
        """See `Queue`."""
        if not session.table.words(Column.SPLIT).values:
            return "No picture has a split: run  tamis split  first."
        return None if session.workspace.samples.vector_columns else "Run  tamis embed  first."

    def request(self, session: Session, where: str | None) -> Split:
        """See `Queue`."""
        del session
        return Split(audit=True, where=where)

    def items(
        self,
        session: Session,
        result: SplitReport,
        records: Mapping[str, Sequence[Record]],
    ) -> list[Item]:
        """Return a question for each leak that still is one, copies first."""
        del records
        ids = list({name for one in result.leaks for name in (one.left_id, one.right_id) if name})
        rows = session.workspace.samples.rows([Column.SPLIT], ids).column(0) if ids else ()
        splits = dict(zip(ids, map(str, rows), strict=True))
        count = max(len(result.leaks), 1)
        return [
            _leak(one, 1 - place / count)
            for place, one in enumerate(result.leaks)
            if one.left_id and splits.get(one.left_id) != splits.get(one.right_id)
        ]


def _leak(leak: Leak, gain: float) -> Item:
    facts = [leak.reason]
    if leak.similarity is not None:
        facts.append(f"similarity {leak.similarity:.3f}")
    into_right = leak.splits[0] == "train"  # what is measured on stays as it is
    regions = [[one["left"] for one in leak.regions], [one["right"] for one in leak.regions]]
    return Item(
        key=key_of(leak.left_id, leak.right_id),
        ids=(leak.left_id, leak.right_id),
        asks=f"{_KINDS.get(leak.kind, leak.kind).capitalize()}: into one split?",
        facts=facts,
        sides=[
            Side(f"in {leak.splits[0]}", [leak.left_id], "", regions[0]),
            Side(f"in {leak.splits[1]}", [leak.right_id], "", regions[1]),
        ],
        choices=(
            Choice("left", f"Both into {leak.splits[0]}", "ArrowLeft", suggested=not into_right),
            Choice(
                "right",
                f"Both into {leak.splits[1]}",
                "ArrowRight",
                suggested=into_right,
            ),
            Choice("fine", "Leave them", "k"),
        ),
        gain=gain,
    )
