"""Pictures that differ from nominal ones, with their heat-maps."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Final

from tamis.dataset.columns import equal
from tamis.errors import TamisError
from tamis.interfaces.server.queues.item import Choice, Item, Queue, Side, key_of
from tamis.runtime.defect_models import find_model, models_of_layers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.interfaces.server.queues.item import Record
    from tamis.interfaces.server.session import Session
    from tamis.runtime.defect_model import DefectModel

__all__ = ["Defects"]

_LAYER: Final = "defects"
_STEPS: Final = 64


@dataclass(frozen=True)
class _Scored:
    """A layer of scores, and what gave them."""

    layer: str
    model: DefectModel | None
    scores: Mapping[str, float]
    regions: Mapping[str, list[list[float]]]
    line: float

    @property
    def spread(self) -> float:
        """How far from the line scores lie at most."""
        return max((abs(score - self.line) for score in self.scores.values()), default=0.0) or 1.0

    def over(self, name: str) -> float:
        """Return how far over the line a picture is, by the farthest; -inf without a score."""
        score = self.scores.get(name)
        return -inf if score is None else (score - self.line) / self.spread


class Defects(Queue):
    """Pictures that models scored, nearest to the threshold first; each is asked about once."""

    name = "defects"
    title = "Defects"
    about = "Is there a defect?"
    seconds = 3.0

    def lacks(self, session: Session) -> str | None:
        """See `Queue`."""
        if not _layers(session):
            return "Run  tamis defects fit  on good pictures, then  tamis defects score  on others."
        return None

    def items(
        self,
        session: Session,
        result: Any,
        records: Mapping[str, Sequence[Record]],
    ) -> list[Item]:
        """Return a question for each scored picture, the least certain first.

        A picture that several models scored is shown by the one that finds it the oddest.
        """
        del result, records
        known = [_scored(session, layer) for layer in _layers(session)]
        ids = dict.fromkeys(name for one in known for name in one.scores)
        return [_asked(name, known) for name in ids]

    def more(self, session: Session, result: Any) -> dict[str, Any]:
        """Return the first layer's threshold, and which false-alarm rate others would imply."""
        del result
        layers = _layers(session)
        model = _model(session, layers[0]) if layers else None
        if model is None:
            return {}
        import numpy as np

        from tamis.algo.defects import implied_rate

        steps = np.quantile(model.scores, np.linspace(0, 1, _STEPS))
        steps = np.unique(np.append(steps, model.facts.threshold))
        rates = [implied_rate(model.scores, model.groups, float(step)) for step in steps]
        return {
            "threshold": model.facts.threshold,
            "layer": layers[0] if len(layers) > 1 else None,
            "rates": [[float(step), rate] for step, rate in zip(steps, rates, strict=True)],
        }


def _layers(session: Session) -> list[str]:
    """Return the layers of scores that are there, `defects` first."""
    made = models_of_layers(session.workspace)
    there = [
        layer
        for layer in {_LAYER, *made}
        if session.workspace.store.annotations(["layer"], equal("layer", layer)).num_rows
    ]
    return sorted(there, key=lambda layer: (layer != _LAYER, layer))


def _asked(name: str, known: Sequence[_Scored]) -> Item:
    shown = max(known, key=lambda one: one.over(name))
    score, line = shown.scores[name], shown.line
    places = shown.regions.get(name, [])
    flawed = score > line
    facts = []
    for one in known:
        if name in one.scores:
            by = f"{one.layer}: " if len(known) > 1 else ""
            facts.append(f"{by}score {one.scores[name]:.2f}, threshold {one.line:.2f}")
    if places:
        facts.append("1 region" if len(places) == 1 else f"{len(places)} regions")
    heat = None if shown.model is None else shown.layer
    return Item(
        key=key_of(name),
        ids=(name,),
        asks="A defect?",
        facts=facts,
        sides=(Side("anomalous" if flawed else "normal", [name], "", places, heat=heat),),
        choices=(
            Choice("defect", "Defect", "d", suggested=flawed),
            Choice("fine", "No defect", "f", suggested=not flawed),
        ),
        gain=1 - abs(score - line) / shown.spread,
        score=known[0].scores.get(name),
    )


def _scored(session: Session, layer: str) -> _Scored:
    rows = session.workspace.store.annotations(
        ["sample_id", "kind", "label", "value", "x", "y", "width", "height"],
        equal("layer", layer),
    ).to_pylist()
    scores = {row["sample_id"]: row["value"] for row in rows if row["kind"] == "number"}
    regions: dict[str, list[list[float]]] = {}
    for row in rows:
        if row["x"] is not None:
            box = [row[side] for side in ("x", "y", "width", "height")]
            regions.setdefault(row["sample_id"], []).append(box)
    model = _model(session, layer)
    return _Scored(layer, model, scores, regions, _line(model, rows, scores))


def _model(session: Session, layer: str) -> DefectModel | None:
    name = models_of_layers(session.workspace).get(layer, layer)
    if name is None:
        return None  # scored by each other
    try:
        return find_model(session.workspace, name)[0]
    except TamisError:
        return None  # its file is gone, or it was scored by none of the dataset


def _line(model: DefectModel | None, rows: list[dict[str, Any]], scores: dict[str, float]) -> float:
    """Return the threshold of the model, else the highest score that was called normal."""
    if model is not None:
        return model.facts.threshold
    normal = {row["sample_id"] for row in rows if row["label"] == "normal"}
    return max((score for name, score in scores.items() if name in normal), default=0.0)
