"""What operations leave in the log for later verbs to read: one type for each kind.

`tamis.dataset.log_reading` reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from tamis.dataset.log_reading import Told, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tamis.dataset.log_reading import Logged

__all__ = [
    "DefectsFitted",
    "DefectsScored",
    "DriftFitted",
    "DuplicatesFound",
    "LabelsPropagated",
    "MapMade",
    "MislabelsTagged",
    "PicturesAdded",
    "ProbeAdapted",
    "ProbeTrained",
    "RoundSelected",
    "SplitMade",
    "TagNamed",
    "TextsFiltered",
    "rounds_of",
]


@dataclass(frozen=True, kw_only=True)
class PicturesAdded(Told):
    """What `add` did.

    Attributes:
        added: new samples.
        known: samples that were there already.
    """

    verb: ClassVar[str] = "add"
    added: int = 0
    known: int = 0


@dataclass(frozen=True, kw_only=True)
class DuplicatesFound(Told):
    """What a search for duplicates found and marked.

    Attributes:
        threshold: score from which a pair is a copy; None in a log that does not say.
        changed_threshold: score from which it is a changed version; None as well.
        doubtful_threshold: score from which it is undecided at least; None if there is none.
        candidates: pairs whose pixels were compared.
        copy_pairs: those that are copies.
        changed_pairs: those that are changed versions.
        undecided_pairs: those of which nothing tells.
        false_pair_rate: expected share of wrong pairs among copies.
    """

    verb: ClassVar[str] = "duplicates"
    threshold: float | None = None
    changed_threshold: float | None = None
    doubtful_threshold: float | None = None
    candidates: int | None = None
    copy_pairs: int | None = None
    changed_pairs: int | None = None
    undecided_pairs: int | None = None
    false_pair_rate: float | None = None


@dataclass(frozen=True, kw_only=True)
class RoundSelected(Told):
    """What a round of labeling knew when it began, and what it picked.

    Attributes:
        label_column: the labels that it learned from.
        strategy: what picked.
        selected: how many pictures it picked.
        labels: labels to learn from.
        classes: different ones among them.
        accuracy: of a probe, on labels that it was not fitted on; None if none could be held out.
        low: lower end of the accuracy's 95 % interval.
        high: upper end.
        measured: pictures that the accuracy was measured on.
        measured_on: `test split`, or `held-out labels`, those known, out of fold.
    """

    verb: ClassVar[str] = "select"
    options: ClassVar[frozenset[str]] = frozenset({"label_column", "strategy"})
    label_column: str = "label"
    strategy: str
    selected: int
    labels: int
    classes: int
    accuracy: float | None
    low: float | None
    high: float | None
    measured: int
    measured_on: str

    @classmethod
    def is_left(cls, options: Mapping[str, Any]) -> bool:
        """See `Told`; a selection is a round only if it says so."""
        return bool(options.get("round"))


@dataclass(frozen=True, kw_only=True)
class SplitMade(Told):
    """What a split measured.

    Attributes:
        cluster_gap: largest difference between a cluster's share in one split and in all; None
            where it was not measured.
        difference: by split, its MMD² from the rest, that of random splits, and the p-value; None
            where it was not measured.
        folds: how many folds were made; None if splits were.
    """

    verb: ClassVar[str] = "split"
    options: ClassVar[frozenset[str]] = frozenset({"folds"})
    cluster_gap: float | None = None
    difference: dict[str, list[float] | None] = field(default_factory=dict)
    folds: int | None = None


@dataclass(frozen=True, kw_only=True)
class TextsFiltered(Told):
    """What a filter by texts found.

    Attributes:
        texts: what pictures should show.
        not_texts: what they should be less near to.
        classes: all texts were classes, of which each picture is one.
        tag: given to those that passed.
        threshold: least score to pass; None where classes decided.
        scored: pictures that have a score.
        matched: those that passed.
        histogram: of the scores: `low`, `high` and `counts`.
    """

    verb: ClassVar[str] = "filter"
    options: ClassVar[frozenset[str]] = frozenset({"texts", "not_texts", "classes", "tag"})
    texts: list[str]
    not_texts: list[str] = field(default_factory=list)
    classes: bool = False
    tag: str
    threshold: float | None = None
    scored: int
    matched: int
    histogram: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class DriftFitted(Told):
    """A drift reference that was stored in the dataset.

    Attributes:
        reference: its file, relative to the dataset.
    """

    verb: ClassVar[str] = "drift fit"
    reference: str


@dataclass(frozen=True, kw_only=True)
class DefectsFitted(Told):
    """A model of nominal pictures that was stored in the dataset.

    Attributes:
        name: by which it is asked for.
        file: its file, relative to the dataset.
    """

    verb: ClassVar[str] = "defects fit"
    options: ClassVar[frozenset[str]] = frozenset({"name"})
    name: str = "defects"
    file: str


@dataclass(frozen=True, kw_only=True)
class DefectsScored(Told):
    """Pictures that were scored into a layer.

    Attributes:
        layer: that has the scores and regions.
        model: that gave them: its name in the dataset, or its file.
        batch: the pictures scored each other, without a model.
    """

    verb: ClassVar[str] = "defects score"
    options: ClassVar[frozenset[str]] = frozenset({"layer", "model", "batch"})
    layer: str = "defects"
    model: str = "defects"
    batch: bool = False


@dataclass(frozen=True, kw_only=True)
class ProbeTrained(Told):
    """A probe that was stored in the dataset.

    Attributes:
        name: by which it is asked for.
        file: its file, relative to the dataset.
        labels: pictures it was fitted on.
        measured: pictures it was measured on.
        measured_on: `test split` or `held-out labels`.
        accuracy: on these; None where none was measured, or of numbers.
        low: lower end of the accuracy's 95 % interval.
        high: upper end.
        ece: calibration error of its probabilities.
        ece_before: the same before calibration.
        reliability: by bins of confidence, `confidence`, `right` and `pictures` of each.
    """

    verb: ClassVar[str] = "probe train"
    options: ClassVar[frozenset[str]] = frozenset({"name"})
    name: str = "classes"
    file: str
    labels: int = 0
    measured: int = 0
    measured_on: str = ""
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    ece: float | None = None
    ece_before: float | None = None
    reliability: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class LabelsPropagated(Told):
    """Labels that were propagated; `--new-only` leaves no expectation.

    Attributes:
        method: what gave them.
        labels: pictures with a label that it started from.
        propagated: pictures that got one.
        abstained: pictures that got none.
        expected: accuracy of the labels given out; None where nothing could be held out.
        low: lower end of its 95 % interval.
        high: upper end.
        queue: ids of pictures to review first, most gain first.
    """

    verb: ClassVar[str] = "label propagate"
    options: ClassVar[frozenset[str]] = frozenset({"method"})
    method: str = ""
    labels: int = 0
    propagated: int
    abstained: int = 0
    expected: float | None = None
    low: float = 0.0
    high: float = 1.0
    queue: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class MislabelsTagged(Told):
    """Labels that were found suspect and tagged.

    Attributes:
        tag: which they got.
        checked: labels that were judged.
        suspects: how many are suspect.
        found: the most suspect: `id`, `given`, `suggested`, `score` and `kind` of each.
    """

    verb: ClassVar[str] = "label mislabels"
    options: ClassVar[frozenset[str]] = frozenset({"tag"})
    tag: str
    checked: int = 0
    suspects: int
    found: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ProbeAdapted(ProbeTrained):
    """A probe that was adapted to drifted pictures; a dry run leaves none."""

    verb: ClassVar[str] = "drift adapt"


@dataclass(frozen=True, kw_only=True)
class MapMade(Told):
    """A map that was made, or on which pictures that came later were placed.

    Attributes:
        column: the vectors that it is of.
        fingerprint: hash of the layout; it stays when others are placed.
        placed: pictures and parts that got a place.
        trustworthiness: see `tamis.algo.projection.preservation.Preservation`.
        neighbors_kept: likewise.
    """

    verb: ClassVar[str] = "map"
    options: ClassVar[frozenset[str]] = frozenset({"column", "fingerprint"})
    column: str
    fingerprint: str
    placed: int
    trustworthiness: float
    neighbors_kept: float


@dataclass(frozen=True, kw_only=True)
class TagNamed(Told):
    """A name that was given to a snapshot.

    Attributes:
        name: the tag.
        snapshot: its number.
    """

    verb: ClassVar[str] = "tag"
    options: ClassVar[frozenset[str]] = frozenset({"name", "snapshot"})
    name: str
    snapshot: int


def rounds_of(log: Iterable[Logged], label_column: str | None = None) -> list[RoundSelected]:
    """Return the rounds of labeling that stand, oldest first.

    Args:
        log: operations, oldest first.
        label_column: only rounds of this column; if None those of the last round's.

    Raises:
        DatasetError: as `told`.
    """
    rounds = [
        found for entry in log if entry.state == "done" and (found := told(entry, RoundSelected))
    ]
    if label_column is None and rounds:
        label_column = rounds[-1].label_column
    return [one for one in rounds if one.label_column == label_column]
