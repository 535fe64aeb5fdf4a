"""Which pictures show what a text says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tamis.algo.score_threshold import suggest_threshold
from tamis.algo.zero_shot import zero_shot_posteriors
from tamis.dataset.embedded import iterate_embedded
from tamis.errors import UsageError
from tamis.runtime.encoder_pool import EncoderPool
from tamis.runtime.prompts import prompt_vectors
from tamis.runtime.queries import caveat_of
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.types import Indices, Progress, Vectors

__all__ = ["DEFAULT_LOGIT_SCALE", "FilterReport", "Match", "ScoreHistogram", "keyword_filter"]

DEFAULT_LOGIT_SCALE: Final = 100.0
"""Where CLIP's own scale ends up in training; for encoders that do not say theirs."""

_BINS: Final = 50
_NARROWEST: Final = 1e-4
"""Narrower histograms would show the rounding of float32."""


@dataclass(frozen=True)
class Match:
    """A picture that passed.

    Attributes:
        path: as the user gave it.
        sample_id: its key in the dataset.
        text: the text that it fits best.
        score: its cosine similarity to that text; with classes the probability of it.
        margin: by how much `score` exceeds that of the nearest negative, with classes that of the
            second best class; None where there is no other.
    """

    path: str
    sample_id: str
    text: str
    score: float
    margin: float | None


@dataclass(frozen=True)
class ScoreHistogram:
    """Counts of scores over equal bins from `low` to `high`."""

    low: float
    high: float
    counts: list[int]


@dataclass(frozen=True)
class FilterReport:
    """What passed, and by which threshold.

    Attributes:
        matched: pictures that passed.
        scored: pictures that were scored: those with a vector that meet the condition.
        tag: what they were tagged with; None where nothing was written.
        tagged: pictures that got the tag now; the others had it.
        threshold: least score that passes; None where the likeliest class alone decides.
        suggested: whether the threshold was found in the scores.
        counts: for each text the matches that fit it best; with classes, for each class (the
            negatives too) the pictures that are likeliest of it.
        rows: the matches, best first.
        assigned: with classes, the class of every picture by sample id; else empty.
        histogram: of the scores of all pictures.
        encoder: spec of the encoder.
        column: the vector column.
        notes: sentences on what the user should know.
    """

    matched: int
    scored: int
    tag: str | None
    tagged: int
    threshold: float | None
    suggested: bool
    counts: dict[str, int]
    rows: list[Match]
    assigned: dict[str, str]
    histogram: ScoreHistogram
    encoder: str
    column: str
    notes: list[str]


@dataclass(frozen=True)
class _Request:
    """What is asked for; its fields are the parameters in the log."""

    texts: list[str]
    negatives: list[str]
    threshold: float | None
    classes: bool
    where: str | None
    tag: str | None
    column: str

    @property
    def all_texts(self) -> list[str]:
        return [*self.texts, *self.negatives]


@dataclass(frozen=True)
class _Scores:
    """For each picture: its best text, the score of that, the margin, whether texts decide for it.

    `best` numbers the texts; with classes the negatives follow them, else they are never best.
    """

    ids: list[str]
    best: Indices
    score: NDArray[np.float32]
    margin: NDArray[np.float32]
    passes: NDArray[np.bool_]


def keyword_filter(
    store: Store,
    texts: Sequence[str],
    *,
    column: str,
    negatives: Sequence[str] = (),
    threshold: float | None = None,
    classes: bool = False,
    where: str | None = None,
    tag: str | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
    encoders: EncoderPool | None = None,
) -> FilterReport:
    """Find the pictures that texts describe.

    Each text becomes the mean vector of a few sentences (`tamis.runtime.prompts`). A picture's
    score is its largest cosine similarity to one of `texts`. It passes if that reaches the
    threshold and exceeds its similarity to every one of `negatives`.

    With `classes`, texts and negatives are classes of which each picture is one: the score is the
    probability of the likeliest (`tamis.algo.zero_shot`, with the encoder's own logit scale), and
    a picture passes if that is one of `texts` and reaches the threshold, if one is given.

    With `tag`, one operation adds the tag to the pictures that pass, and keeps their other tags.
    Pictures that have it keep it, even if they do not pass any more.

    Cost: one pass over the column; memory for one batch of vectors and about 150 bytes a picture.

    Args:
        store: the dataset.
        texts: what the pictures should show, at least one.
        column: a vector column of an encoder that reads texts.
        negatives: what they should rather not show.
        threshold: least score, a cosine, or with `classes` a probability. If None, without
            classes, it is suggested from the scores (`tamis.algo.score_threshold`).
        classes: decide among the texts as classes.
        where: SQL condition on the pictures.
        tag: added to the pictures that pass; nothing is written if None.
        seed: draws the resamples that a suggested threshold is checked on.
        progress: told after each batch.
        encoders: loads the encoder of the column; a pool of its own if None.

    Raises:
        UsageError: the encoder reads no texts, a text is empty or given twice, the threshold is
            out of range, no picture has a vector and meets the condition.
        EncoderError: the encoder cannot be loaded, or has changed.
    """
    given = [" ".join(text.split()) for text in (*texts, *negatives)]
    positives, against = given[: len(texts)], given[len(texts) :]
    request = _Request(positives, against, threshold, classes, where, tag, column)
    _check(request)
    known = next((found for found in store.vector_columns() if found.name == column), None)
    if known is None:
        raise UsageError(f"{column!r} is not a vector column; see  tamis info")
    encoder = (encoders or EncoderPool(store)).for_text(known)
    scale = float(getattr(encoder, "logit_scale", None) or DEFAULT_LOGIT_SCALE)
    queries = prompt_vectors(encoder, request.all_texts)
    scores = _score(store, request, queries, scale, progress)
    if not scores.ids:
        raise UsageError(
            f"there is no picture to filter: none has a vector in {column}"
            + ("" if where is None else f" and meets {where!r}")
        )
    notes = [caveat] if (caveat := caveat_of(encoder)) else []
    least, suggested = request.threshold, False
    if least is None and not classes:
        found = suggest_threshold(scores.score, np.random.default_rng(seed))
        least, suggested = found.value, True
        notes += [found.note] if found.note else []
    passing = scores.passes if least is None else scores.passes & (scores.score >= least)
    rows = _rows(store, scores, np.flatnonzero(passing), request)
    histogram = _histogram(scores.score)
    counts = _counts(scores, passing, request)
    tagged = 0
    if request.tag is not None:
        facts = {
            "matched": len(rows),
            "scored": len(scores.ids),
            "threshold": least,
            "texts": counts,
            "histogram": asdict(histogram),
        }
        tagged = _tag(store, rows, request, facts, seed)
    return FilterReport(
        matched=len(rows),
        scored=len(scores.ids),
        tag=request.tag,
        tagged=tagged,
        threshold=least,
        suggested=suggested,
        counts=counts,
        rows=rows,
        assigned=_assigned(scores, request),
        histogram=histogram,
        encoder=known.spec,
        column=column,
        notes=notes,
    )


def _check(request: _Request) -> None:
    given = request.all_texts
    if not request.texts:
        raise UsageError("give at least one text that says what the pictures should show")
    twice = next((text for number, text in enumerate(given) if text in given[:number]), None)
    if twice is not None:
        raise UsageError(f"the text {twice!r} is given twice; say it once, for or against")
    if request.classes and len(given) < 2:  # noqa: PLR2004 - a choice needs two
        raise UsageError(
            f"{given[0]!r} is the only class, so every picture would be of it; give another text, "
            "or a negative such as 'something else'"
        )
    threshold, tag = request.threshold, request.tag
    low = 0.0 if request.classes else -1.0
    if threshold is not None and not low <= threshold <= 1:
        kind = "a probability" if request.classes else "a cosine similarity"
        raise UsageError(f"the threshold is {threshold}; as {kind} it lies in [{low:g}, 1]")
    if tag is not None and (not tag.strip() or tag != tag.strip()):
        raise UsageError(f"{tag!r} cannot be a tag; give a word without spaces around it")


def _score(
    store: Store, request: _Request, queries: Vectors, scale: float, progress: Progress
) -> _Scores:
    ids: list[str] = []
    parts: list[tuple[NDArray[Any], ...]] = []
    for names, vectors in iterate_embedded(store, request.column, request.where):
        cosines = vectors @ queries.T
        if request.classes:
            parts.append(_by_class(cosines, len(request.texts), scale))
        else:
            parts.append(_by_cosine(cosines, len(request.texts)))
        ids += names
        progress(len(ids), None)
    progress(len(ids), len(ids))
    if not ids:
        none = np.empty(0, np.float32)
        return _Scores([], np.empty(0, np.int64), none, none, np.empty(0, np.bool_))
    best, score, margin, passes = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Scores(ids, best, score, margin, passes)


def _by_cosine(cosines: NDArray[np.float32], texts: int) -> tuple[NDArray[Any], ...]:
    best = cosines[:, :texts].argmax(axis=1)
    score = cosines[np.arange(len(cosines)), best]
    if cosines.shape[1] == texts:
        return best, score, np.full(len(score), np.nan, np.float32), np.ones(len(score), np.bool_)
    margin = score - cosines[:, texts:].max(axis=1)
    return best, score, margin, margin > 0


def _by_class(cosines: NDArray[np.float32], texts: int, scale: float) -> tuple[NDArray[Any], ...]:
    posteriors = zero_shot_posteriors(cosines, scale)
    best = posteriors.argmax(axis=1)
    two = np.sort(posteriors, axis=1)[:, -2:]
    score, margin = two[:, 1].astype(np.float32), (two[:, 1] - two[:, 0]).astype(np.float32)
    return best, score, margin, best < texts


def _rows(store: Store, scores: _Scores, passing: Indices, request: _Request) -> list[Match]:
    ids = [scores.ids[row] for row in passing]
    paths = store.read(["path"], ids=ids).column("path").to_pylist() if ids else []
    rows = [
        Match(
            path=path,
            sample_id=scores.ids[row],
            text=request.all_texts[scores.best[row]],
            score=float(scores.score[row]),
            margin=None if np.isnan(scores.margin[row]) else float(scores.margin[row]),
        )
        for row, path in zip(passing.tolist(), paths, strict=True)
    ]
    return sorted(rows, key=lambda match: (-match.score, match.sample_id))


def _counts(scores: _Scores, passing: NDArray[np.bool_], request: _Request) -> dict[str, int]:
    texts = request.all_texts if request.classes else request.texts
    best = scores.best if request.classes else scores.best[passing]
    found = np.bincount(best, minlength=len(texts)).tolist()
    return dict(zip(texts, found, strict=True))


def _assigned(scores: _Scores, request: _Request) -> dict[str, str]:
    if not request.classes:
        return {}
    pairs = zip(scores.ids, scores.best.tolist(), strict=True)
    return {sample_id: request.all_texts[number] for sample_id, number in sorted(pairs)}


def _histogram(score: NDArray[np.float32]) -> ScoreHistogram:
    values = score.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if high - low < _NARROWEST:
        middle = (low + high) / 2
        low, high = middle - _NARROWEST / 2, middle + _NARROWEST / 2
    counts, _ = np.histogram(values, _BINS, (low, high))
    return ScoreHistogram(low, high, counts.tolist())


def _tag(
    store: Store, rows: list[Match], request: _Request, facts: dict[str, Any], seed: int
) -> int:
    tag = request.tag
    with store.operation("filter", asdict(request), seed) as operation:
        ids = [row.sample_id for row in rows]
        before = store.read(["tags"], ids=ids).column("tags").to_pylist() if ids else []
        fresh = {
            sample_id: [*(tags or []), tag]
            for sample_id, tags in zip(ids, before, strict=True)
            if tag not in (tags or [])
        }
        if fresh:
            operation.set_marks(list(fresh), {"tags": list(fresh.values())})
        operation.counts |= {"tagged": len(fresh), **facts}
    return len(fresh)
