"""What a selection is asked: to represent, to teach in rounds, or to replay rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from tamis.algo.strategies import FROM_PROBABILITIES, FROM_VECTORS, STRATEGIES
from tamis.errors import UsageError
from tamis.verbs.request import Argument, Option, Request
from tamis.verbs.shared import EncoderOfVectors, Seed, Where

if TYPE_CHECKING:
    from tamis.services.select.result import Answer  # noqa: F401 - named by the request

__all__ = ["SCHEDULE", "Select", "StrategyOption"]

SCHEDULE: Final = "schedule"
"""The name of the strategy of rounds where none is named: the number of labels decides."""

if TYPE_CHECKING:
    StrategyName: TypeAlias = str
else:
    StrategyName = Literal[STRATEGIES]

StrategyOption: TypeAlias = StrategyName | Literal["schedule"] | Mapping[str, float]

# Options that have a meaning for one of the three ways to select only.
_REPRESENTING = (
    "diverse", "quotas", "include", "forbid", "labeled", "unsure", "rare_classes",
)  # fmt: skip
_SIMULATING = ("rounds", "seeds", "against")


@dataclass(frozen=True)
class Select(Request["Answer"], verb="select", writes=True):
    """Select the pictures that represent the dataset.

    With round: those to label next, given the labels so far. With simulate: replay such rounds on
    known labels, and change nothing.
    """

    n: Annotated[int, Argument("How many pictures.", metavar="N", minimum=1)]
    _: KW_ONLY
    strategy: Annotated[
        StrategyOption | None,
        Option(
            f"How: default, {', '.join(FROM_VECTORS)}; or several with their shares, such as "
            "dpp:.5,random:.5. With --round or --simulate also "
            f"{', '.join(FROM_PROBABILITIES)}, and schedule, by the number of labels.",
            metavar="NAME",
            default="default; in rounds schedule",
        ),
    ] = None
    diverse: Annotated[
        float | None,
        Option(
            "Share of N that the default strategy selects for diversity.",
            metavar="SHARE",
            minimum=0,
            maximum=1,
            default="none of the first 30 and a fifth of the rest",
        ),
    ] = None
    quotas: Annotated[
        Sequence[str],
        Option(
            "How many of a group: label=cat:10, :10.. at least, :..10 at most, :5..10, :20%, "
            "label=*:2.. for each value, label=*:equal, label=*:proportional.",
            names=("--quota",),
            metavar="COLUMN=VALUE:AMOUNT",
        ),
    ] = ()
    include: Annotated[
        str | None, Option("Always select these; they count toward N.", metavar="SQL")
    ] = None
    forbid: Annotated[
        str | None, Option("Never select these, but let others represent them.", metavar="SQL")
    ] = None
    labeled: Annotated[
        str | None,
        Option(
            "These are labeled: they represent others and are not selected again.",
            names=("--labeled", "--labelled"),
            metavar="SQL",
        ),
    ] = None
    unsure: Annotated[
        str | None,
        Option(
            "Prefer pictures with objects that this layer of predictions is unsure of.", metavar="L"
        ),
    ] = None
    rare_classes: Annotated[
        str | None,
        Option("Prefer pictures with classes in this layer that few have so far.", metavar="L"),
    ] = None
    round: Annotated[bool, Option("Select what to label next, given the labels so far.")] = False
    simulate: Annotated[bool, Option("Replay rounds on known labels, up to N of them.")] = False
    label_column: Annotated[
        str, Option("The column with the labels, for rounds.", metavar="COLUMN")
    ] = "label"
    train_split: Annotated[
        Sequence[str],
        Option(
            "In rounds: the split to select and learn from.",
            metavar="NAME",
            default="those named train or training",
        ),
    ] = ()
    test_split: Annotated[
        Sequence[str],
        Option(
            "In rounds: the split to measure the accuracy on.",
            metavar="NAME",
            default="those named test, else val or validation",
        ),
    ] = ()
    rounds: Annotated[int, Option("How many to simulate.", metavar="N", minimum=1)] = 5
    seeds: Annotated[int, Option("Runs of each strategy to simulate.", metavar="N", minimum=1)] = 10
    against: Annotated[
        Sequence[StrategyOption], Option("Another strategy to simulate.", metavar="NAME")
    ] = ()
    min_part: Annotated[
        int,
        Option("Do not select crops and tiles with a shorter side.", metavar="PIXELS", minimum=0),
    ] = 32
    where: Where = None
    encoder: EncoderOfVectors = None
    seed: Seed = 0
    apply: Annotated[bool, Option("Mark what is selected.", names=("--apply", "--no-apply"))] = True

    def check(self) -> None:
        """Refuse options of one way to select where another one was asked for."""
        if self.round and self.simulate:
            raise UsageError("both round and simulate were given; leave one out")
        if self.round or self.simulate:
            self._refuse(_REPRESENTING, f"with {'round' if self.round else 'simulate'}")
        else:
            self._refuse(("label_column", "train_split", "test_split"), "without round or simulate")
            if self.strategy == SCHEDULE:
                raise UsageError("the strategy schedule is for rounds: give round or simulate too")
        if not self.simulate:
            self._refuse(_SIMULATING, "without simulate")
        elif self.n < self.rounds:
            raise UsageError(
                f"n is {self.n}; give at least a label for each of {self.rounds} rounds"
            )
        if self.quotas:
            from tamis.services.select.quotas import parse_quotas

            parse_quotas(self.quotas)

    def _refuse(self, names: Sequence[str], where: str) -> None:
        given = self.given()
        for name in names:
            if name in given:
                spelt = name.replace("_", " ")
                raise UsageError(f"{spelt} means nothing {where}; leave it out")
