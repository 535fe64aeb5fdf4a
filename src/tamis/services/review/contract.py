"""What a review can ask of pictures, how it is answered, and what an answer changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Final, Literal, TypeAlias, get_args

from tamis.errors import UsageError
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.result import Result

__all__ = [
    "ANSWERS",
    "OF_TWO",
    "QUEUES",
    "TO_LABEL",
    "AnswerReview",
    "Queue",
    "ReviewReport",
    "layer_of",
]

Queue: TypeAlias = Literal["pairs", "labels", "propagated", "picks", "leaks", "defects", "drift"]

QUEUES: Final[tuple[Queue, ...]] = get_args(Queue)
"""All of them, in the order in which they are worth a look."""

ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "pairs": ("left", "right", "both", "different"),
    "labels": ("keep", "change"),
    "propagated": ("accept", "change", "reject"),
    "picks": ("take", "drop"),
    "leaks": ("left", "right", "fine"),
    "defects": ("defect", "fine"),
    "drift": ("expected", "label"),
}
"""How each queue is answered."""

OF_TWO: Final = frozenset({"pairs", "leaks"})
"""Those whose questions are of two pictures."""

TO_LABEL: Final = "to label"
"""The tag of drifted pictures that are to be labeled."""

_NAME_A_CLASS: Final = frozenset(
    {("labels", "change"), ("propagated", "accept"), ("propagated", "change")}
)


def layer_of(queue: str) -> str:
    """Return the layer that keeps the answers to a queue."""
    return f"reviewed_{queue}"


@dataclass(frozen=True)
class AnswerReview(Request["ReviewReport"], verb="review", writes=True):
    """Answer what the page's review asks of pictures.

    The answer is kept, and is not asked for again. Queues and their answers. pairs, of two
    pictures: `left` or `right` (that one stays, the other is its duplicate), `both` stay, or
    `different`. labels: `keep`, or `change` with a class. propagated: `accept` or `change` with a
    class, or `reject`. picks: `take` or `drop`. leaks, of two pictures: `left` or `right` (both go
    to the split of that one), or `fine`. defects: `defect` or `fine`. drift: `expected`, or `label`
    (they get the tag "to label").
    """

    queue: Annotated[Queue, Argument("Which queue.", metavar="QUEUE")]
    answer: Annotated[str, Argument("The answer.", metavar="ANSWER")]
    ids: Annotated[
        Sequence[str],
        Argument("Sample ids of the pictures; of a pair the left one first.", metavar="ID"),
    ]
    _: KW_ONLY
    label: Annotated[str | None, Option("The class that the pictures show.", metavar="CLASS")] = (
        None
    )
    kind: Annotated[
        str | None,
        Option("Of a pair: how the two are alike, such as near or flip.", metavar="KIND"),
    ] = None
    score: Annotated[
        float | None, Option("Of a pair: how alike the two are, up to 1.", metavar="SCORE")
    ] = None
    author: Annotated[str | None, Option("Who answers.", metavar="NAME")] = None

    def check(self) -> None:
        """See `Request`."""
        if self.answer not in ANSWERS[self.queue]:
            raise UsageError(
                f"{self.queue} cannot be answered by {self.answer!r}; answers are "
                f"{', '.join(ANSWERS[self.queue])}"
            )
        if self.queue in OF_TWO and len(set(self.ids)) != 2:  # noqa: PLR2004 - left and right
            raise UsageError(
                f"{self.queue} are of two pictures; give two sample ids, the left one and the "
                f"right one, not {len(set(self.ids))}"
            )
        if not self.ids:
            raise UsageError("an answer is about pictures; name them by their sample ids")
        needs_class = (self.queue, self.answer) in _NAME_A_CLASS
        if needs_class and not (self.label or "").strip():
            raise UsageError(f"{self.answer} to which class? Give it as label")
        if not needs_class and self.label is not None:
            raise UsageError(f"{self.answer} takes no class: leave out label {self.label!r}")
        if self.queue != "pairs" and (self.kind is not None or self.score is not None):
            raise UsageError(f"kind and score are of pairs, not of {self.queue}: leave them out")
        if self.score is not None and not self.score <= 1:
            raise UsageError(f"score is {self.score}; give a value up to 1")


@dataclass(frozen=True, kw_only=True, repr=False)
class ReviewReport(Result):
    """What an answer changed.

    Attributes:
        queue: the queue.
        answer: the answer.
        pictures: how many pictures it is about.
        changed: how many of them have another label, mark or split now.
        layer: the layer of annotations that keeps the answer.
    """

    queue: str
    answer: str
    pictures: int
    changed: int
    layer: str
