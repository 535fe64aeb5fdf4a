"""One question of a review queue, as the page shows it, and the answers that it takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tamis.interfaces.server.session import Session
    from tamis.verbs.request import Request

__all__ = ["Choice", "Item", "Queue", "Record", "Side", "key_of"]


@dataclass(frozen=True)
class Choice:
    """One answer.

    Attributes:
        answer: its name in `tamis.services.review.contract.ANSWERS`.
        name: what the page calls it.
        key: the key that gives it.
        suggested: tamis would choose it; Enter gives it.
        label: the class that goes with it; None where it has none.
    """

    answer: str
    name: str
    key: str
    _: KW_ONLY
    suggested: bool = False
    label: str | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "answer": self.answer,
            "name": self.name,
            "key": self.key,
            "suggested": self.suggested,
            "label": self.label,
        }


@dataclass(frozen=True)
class Side:
    """Pictures that belong together: one is shown large, several as tiles.

    Attributes:
        title: what they are.
        ids: sample ids.
        note: more about them.
        regions: x, y, width and height in pixels of the first, of what to look at.
        heat: the layer of the model whose heat-map lies over the first; None without.
        mirrored: the first is shown mirrored, so that it looks as the other side does.
    """

    title: str
    ids: Sequence[str]
    note: str = ""
    regions: Sequence[Sequence[float]] = ()
    heat: str | None = None
    mirrored: bool = False

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "title": self.title,
            "ids": list(self.ids),
            "note": self.note,
            "regions": [list(region) for region in self.regions],
            "heat": self.heat,
            "mirrored": self.mirrored,
        }


@dataclass(frozen=True)
class Item:
    """One question.

    Attributes:
        key: its name in the queue, the same whenever the queue is made anew.
        ids: sample ids that the answer is about.
        asks: the question.
        facts: what speaks for one answer or another.
        sides: the pictures.
        choices: the answers.
        gain: how much an answer is expected to settle; only its order matters.
        classes: any class may be the answer.
        picked: pictures may be taken out of the group before it is answered.
        given: the label that the question is about; with another one it is another question.
        fields: more fields of the request that the answer becomes.
        score: of a model, to be compared with a threshold.
    """

    key: str
    ids: Sequence[str]
    asks: str
    sides: Sequence[Side]
    choices: Sequence[Choice]
    gain: float
    facts: Sequence[str] = ()
    classes: bool = False
    picked: bool = False
    given: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "key": self.key,
            "asks": self.asks,
            "facts": list(self.facts),
            "sides": [side.document() for side in self.sides],
            "choices": [choice.document() for choice in self.choices],
            "classes": self.classes,
            "picked": self.picked,
            "given": self.given,
            "score": self.score,
        }

    @property
    def shown(self) -> Iterable[str]:
        """Sample ids of all its pictures."""
        return (name for side in self.sides for name in side.ids)


@dataclass(frozen=True)
class Record:
    """An answer that was given.

    Attributes:
        sample_id: of which picture.
        text: of two, the other one; of a label, the one that it left.
        time: seconds since 1970.
    """

    sample_id: str
    text: str | None
    time: float


class Queue(ABC):
    """What makes one queue out of the dataset, or of a verb's result.

    Attributes:
        name: of the queue, as `tamis.services.review.contract.QUEUES` has it.
        title: for people.
        about: what is asked, in a sentence.
        verb: the long work that finds the questions; None where the dataset has them already.
        seconds: that an answer takes before anything was measured.
        stored: what the work found earlier is in the dataset, and is asked without it.
    """

    name: str
    title: str
    about: str
    verb: str | None = None
    seconds: float = 4.0
    stored: bool = False

    def lacks(self, session: Session) -> str | None:
        """Return what has to be done before there is anything to ask; None if nothing."""
        del session
        return None

    def request(self, session: Session, where: str | None) -> Request[Any] | None:
        """Return the request whose result holds the questions; None where the dataset has them."""
        del session, where
        return None

    @abstractmethod
    def items(
        self, session: Session, result: Any, records: Mapping[str, Sequence[Record]]
    ) -> list[Item]:
        """Return the questions, answered ones too, in any order.

        Args:
            session: the session.
            result: of the work that finds them; None without.
            records: answers by sample id.
        """

    def is_answered(self, item: Item, records: Mapping[str, Sequence[Record]]) -> bool:
        """Tell whether a question was answered.

        Args:
            item: the question.
            records: answers by sample id.
        """
        return bool(item.ids) and item.ids[0] in records

    def more(self, session: Session, result: Any) -> dict[str, Any]:
        """Return what the page shows beside the questions."""
        del session, result
        return {}


def key_of(*parts: str) -> str:
    """Return a short name that the same parts always have."""
    text = "\n".join(parts).encode("utf-8", "backslashreplace")
    return blake2b(text, digest_size=8).hexdigest()
