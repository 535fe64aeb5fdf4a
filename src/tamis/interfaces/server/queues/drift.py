"""Kinds of pictures that became more or less frequent since a reference."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.columns import Column, between
from tamis.dataset.log_reading import told
from tamis.dataset.operations import DriftFitted
from tamis.errors import UsageError
from tamis.interfaces.server.queues.item import Choice, Item, Queue, Side, key_of
from tamis.services.drift.contract import DriftCheck

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.interfaces.server.queues.item import Record
    from tamis.interfaces.server.session import Session
    from tamis.services.drift.result import DriftCluster, DriftReport

__all__ = ["Drift"]

_MOST: Final = 12
_IN_TABLE: Final = 3
_TITLES: Final = {
    "grew": "More frequent now",
    "shrank": "Rarer now",
    "new": "New",
    "gone": "Gone",
}


class Drift(Queue):
    """Kinds of pictures that changed, before and after."""

    name = "drift"
    title = "Drift"
    about = "Is this expected, or should these pictures be labeled?"
    verb = "drift check"
    seconds = 8.0

    def lacks(self, session: Session) -> str | None:
        """See `Queue`."""
        if _fitted(session) is None:
            return "Run  tamis drift fit  on pictures as they should be first."
        return None

    def request(self, session: Session, where: str | None) -> DriftCheck:
        """Return a check of what is shown, or else of what came after the reference."""
        since = _fitted(session)
        if where is None and since is not None:
            where = between(Column.ADDED_AT, low=since)
            from tamis.services.drift.side import FEWEST

            came = session.workspace.store.count(where)
            if came < FEWEST:
                raise UsageError(
                    f"{came} pictures came after the reference, and a check needs {FEWEST}: filter "
                    "for the pictures to check in the grid, then search again"
                )
        return DriftCheck(where=where)

    def items(
        self,
        session: Session,
        result: DriftReport,
        records: Mapping[str, Sequence[Record]],
    ) -> list[Item]:
        """Return a question for each kind of picture that changed, the most certain first.

        Where pictures drifted and no kind by itself, those that show it most are asked about.
        """
        del records
        if result.drift and not result.clusters:
            return _examples(result, set(session.table.ids.to_pylist()))
        count = max(len(result.clusters), 1)
        known = set(session.table.ids.to_pylist()) if result.clusters else set()
        return [
            _cluster(one, 1 - place / count, known) for place, one in enumerate(result.clusters)
        ]

    def more(self, session: Session, result: DriftReport | None) -> dict[str, Any]:
        """Return the decision, its sentences, and the checks so far."""
        if _fitted(session) is None:
            return {}
        from tamis.services.drift.monitor import past_checks
        from tamis.services.drift.reference import find_reference

        reference = find_reference(
            session.workspace, None if result is None else Path(result.reference)
        )
        assert reference.path is not None
        found: dict[str, Any] = {
            "checks": [
                {
                    "time": one.time,
                    "pictures": one.pictures,
                    "e_value": one.e_value,
                    "alarm": one.alarm,
                    "p_value": one.p_value,
                    "drift": one.drift,
                    "distance": one.mmd2,
                }
                for one in past_checks(reference.path)
            ],
            "alarm": 1 / reference.facts.level,
        }
        if result is not None:
            found |= {
                "drift": result.drift,
                "p_value": result.p_value,
                "pictures": result.pictures,
                "level": result.level,
                "sentences": [*result.explanation, *result.notes],
                **_tables(result, set(session.table.ids.to_pylist())),
            }
        return found


def _fitted(session: Session) -> datetime | None:
    """Return when the dataset's last reference was made."""
    found = None
    for entry in session.workspace.store.log():
        if entry.state != "undone" and told(entry, DriftFitted) is not None:
            found = entry.finished
    if found is None:
        return None
    return datetime.fromisoformat(found).astimezone(UTC).replace(tzinfo=None)


def _tables(result: DriftReport, known: set[str]) -> dict[str, Any]:
    """Return what is shown beside the decision: kinds, figures, classes, and the accuracy."""
    harm = result.harm
    return {
        "kinds": [
            {
                "name": _TITLES[one.change],
                "before": one.reference_share,
                "now": one.batch_share,
                "p": one.p_value,
                "pictures_before": [name for name in one.before if name in known][:_IN_TABLE],
                "pictures_now": [name for name in one.after if name in known][:_IN_TABLE],
            }
            for one in result.clusters
        ],
        "covariates": [
            {"name": one.name, "before": one.reference, "now": one.batch, "p": one.adjusted}
            for one in result.covariates
        ],
        "classes": [
            {
                "name": one.name,
                "before": one.reference,
                "now": one.batch,
                "low": one.low,
                "high": one.high,
            }
            for one in result.classes
        ],
        "accuracy": None
        if harm is None
        else {"before": harm.accuracy, "change": harm.change, "low": harm.low, "high": harm.high},
    }


def _cluster(one: DriftCluster, gain: float, known: set[str]) -> Item:
    before = [name for name in one.before if name in known][:_MOST]
    after = [name for name in one.after if name in known][:_MOST]
    about = after or before
    ids = [name for name in dict.fromkeys([one.sample_id, *about]) if name in known]
    choices = [Choice("expected", "As expected", "e", suggested=not after)]
    if after:
        choices.append(Choice("label", "To be labeled", "t", suggested=True))
    return Item(
        key=key_of(one.change, *ids),
        ids=ids,
        asks=f"{_TITLES[one.change]}: {one.reference_share:.1%} before, {one.batch_share:.1%} now",
        facts=(
            f"{one.reference:,} of the reference, {one.batch:,} of those checked",
            f"p = {one.p_value:.2g}",
        ),
        sides=(Side("before", before), Side("now", after)),
        choices=choices,
        gain=gain,
    )


def _examples(result: DriftReport, known: set[str]) -> list[Item]:
    clear = [one.sample_id for one in result.examples if one.sample_id in known]
    ids = clear[:_MOST]
    if not ids:
        return []
    return [
        Item(
            key=key_of("examples", *ids),
            ids=ids,
            asks="These show the drift most: expected?",
            facts=("no kind of picture changed by itself", f"p = {result.p_value:.2g}"),
            sides=(Side("now", ids),),
            choices=(
                Choice("expected", "As expected", "e"),
                Choice("label", "To be labeled", "t", suggested=True),
            ),
            gain=1.0,
            picked=True,
        )
    ]
