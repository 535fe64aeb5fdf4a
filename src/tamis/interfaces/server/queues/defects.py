"""Pictures that differ from nominal ones, with their heat-maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.columns import equal
from tamis.errors import TamisError
from tamis.interfaces.server.queues.item import Choice, Item, Queue, Side, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.interfaces.server.queues.item import Record
    from tamis.interfaces.server.session import Session
    from tamis.runtime.defect_model import DefectModel

__all__ = ["Defects"]

_LAYER: Final = "defects"
_STEPS: Final = 64


class Defects(Queue):
    """Pictures that a model scored, nearest to the threshold first."""

    name = "defects"
    title = "Defects"
    about = "Is there a defect?"
    seconds = 3.0

    def lacks(self, session: Session) -> str | None:
        """See `Queue`."""
        if not session.workspace.store.annotations(["layer"], equal("layer", _LAYER)).num_rows:
            return "Run  tamis defects fit  on good pictures, then  tamis defects score  on others."
        return None

    def items(
        self,
        session: Session,
        result: Any,
        records: Mapping[str, Sequence[Record]],
    ) -> list[Item]:
        """Return a question for each scored picture, the least certain first."""
        del result, records
        rows = session.workspace.store.annotations(
            ["sample_id", "kind", "label", "value", "x", "y", "width", "height"],
            equal("layer", _LAYER),
        ).to_pylist()
        scores = {row["sample_id"]: row["value"] for row in rows if row["kind"] == "number"}
        regions: dict[str, list[list[float]]] = {}
        for row in rows:
            if row["x"] is not None:
                box = [row[side] for side in ("x", "y", "width", "height")]
                regions.setdefault(row["sample_id"], []).append(box)
        model = _model(session)
        line = _line(model, rows, scores)
        spread = max((abs(score - line) for score in scores.values()), default=1.0) or 1.0
        found = []
        for name, score in scores.items():
            places = regions.get(name, [])
            flawed = score > line
            facts = [f"score {score:.2f}, threshold {line:.2f}"]
            if places:
                facts.append("1 region" if len(places) == 1 else f"{len(places)} regions")
            found.append(
                Item(
                    key=key_of(name),
                    ids=(name,),
                    asks="A defect?",
                    facts=facts,
                    sides=(
                        Side(
                            "anomalous" if flawed else "normal",
                            [name],
                            "",
                            places,
                            heat=model is not None,
                        ),
                    ),
                    choices=(
                        Choice("defect", "Defect", "d", suggested=flawed),
                        Choice("fine", "No defect", "f", suggested=not flawed),
                    ),
                    gain=1 - abs(score - line) / spread,
                    score=score,
                )
            )
        return found

    def more(self, session: Session, result: Any) -> dict[str, Any]:
        """Return the threshold, and which false-alarm rate others would imply."""
        del result
        model = _model(session)
        if model is None:
            return {}
        import numpy as np

        from tamis.algo.defects import implied_rate

        steps = np.quantile(model.scores, np.linspace(0, 1, _STEPS))
        steps = np.unique(np.append(steps, model.facts.threshold))
        rates = [implied_rate(model.scores, model.groups, float(step)) for step in steps]
        return {
            "threshold": model.facts.threshold,
            "rates": [[float(step), rate] for step, rate in zip(steps, rates, strict=True)],
        }


def _model(session: Session) -> DefectModel | None:
    from tamis.runtime.defect_models import find_model

    try:
        return find_model(session.workspace, _LAYER)[0]
    except TamisError:
        return None  # scored by a model of another name, or by each other


def _line(model: DefectModel | None, rows: list[dict[str, Any]], scores: dict[str, float]) -> float:
    """Return the threshold of the model, else the highest score that was called normal."""
    if model is not None:
        return model.facts.threshold
    normal = {row["sample_id"] for row in rows if row["label"] == "normal"}
    return max((score for name, score in scores.items() if name in normal), default=0.0)
