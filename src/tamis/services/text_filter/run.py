"""Find the pictures that match texts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from tamis.algo.score_threshold import suggest_threshold
from tamis.algo.zero_shot import zero_shot_posteriors
from tamis.dataset.samples import Samples
from tamis.errors import UsageError
from tamis.pages.page import require_page
from tamis.runtime.prompts import prompt_vectors
from tamis.runtime.queries import caveat_of
from tamis.services.text_filter.contract import FilterReport, Match, ScoreHistogram
from tamis.services.text_filter.everyday import everyday_levels
from tamis.services.text_filter.gallery import write_gallery
from tamis.verbs.feedback import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tamis.dataset.store import Store
    from tamis.encoders.base import TextEncoder
    from tamis.runtime.workspace import Workspace
    from tamis.services.text_filter.contract import Filter
    from tamis.types import Indices, Progress, Vectors
    from tamis.verbs.feedback import Feedback

__all__ = ["DEFAULT_LOGIT_SCALE", "text_filter"]

DEFAULT_LOGIT_SCALE: Final = 100.0
"""Where CLIP's own scale ends up in training; for encoders that do not say theirs."""

_BINS: Final = 50
_NARROWEST: Final = 1e-4
"""Narrower histograms would show the rounding of float32."""


@dataclass(frozen=True)
class _Asked:
    """What is asked for, texts with single spaces; an option of `filter` each."""

    texts: list[str]
    not_texts: list[str]
    threshold: float | None
    classes: bool
    where: str | None
    tag: str | None
    column: str

    @classmethod
    def of(cls, request: Filter, column: str) -> _Asked:
        texts, not_texts = (
            [" ".join(text.split()) for text in given]
            for given in (request.texts, request.not_texts)
        )
        return cls(
            texts=texts,
            not_texts=not_texts,
            threshold=request.threshold,
            classes=request.classes,
            where=request.where,
            tag=request.tag,
            column=column,
        )

    @property
    def all_texts(self) -> list[str]:
        return [*self.texts, *self.not_texts]


@dataclass(frozen=True)
class _Scores:
    """For each picture: its best text, the score of that, the margin, whether texts decide for it.

    `best` numbers the texts; with classes the not_texts follow them, else they are never best.
    """

    ids: list[str]
    best: Indices
    score: NDArray[np.float32]
    margin: NDArray[np.float32]
    passes: NDArray[np.bool_]


def text_filter(workspace: Workspace, request: Filter, feedback: Feedback = SILENT) -> FilterReport:
    """Find the pictures that texts describe.

    Each text becomes the mean vector of a few sentences (`tamis.runtime.prompts`). A picture's
    score is its largest cosine similarity to one of the texts. It passes if that reaches the
    threshold and exceeds its similarity to every text that is not meant. Without a threshold, the
    scores are cut between their two groups (`tamis.algo.score_threshold`); where they do not fall
    into two, a picture passes if it is nearer to the text than to everyday things
    (`tamis.services.text_filter.everyday`).

    With `classes`, all texts are classes of which each picture is one: the score is the
    probability of the likeliest (`tamis.algo.zero_shot`, with the encoder's own logit scale), and
    a picture passes if that is one of `texts` and reaches the threshold, if one is given.

    With `tag`, one operation adds the tag to the pictures that pass, and keeps their other tags.
    Pictures that have it keep it, even if they do not pass any more.

    Cost: one pass over the column; memory for one batch of vectors and about 150 bytes a picture.

    Raises:
        UsageError: the encoder reads no texts, a text is empty, or no picture has a vector and
            meets the condition.
        EncoderError: the encoder cannot be loaded, or has changed.
    """
    if request.gallery is not None:
        require_page(request.gallery)
    store = workspace.store
    known = workspace.vector_column(request.encoder, reads_text=True)
    asked = _Asked.of(request, known.name)
    encoder = workspace.encoders.for_text(known)
    scale = float(getattr(encoder, "logit_scale", None) or DEFAULT_LOGIT_SCALE)
    queries = prompt_vectors(encoder, asked.all_texts)
    scores = _score(store, asked, queries, scale, feedback.stage("filter"))
    if not scores.ids:
        raise UsageError(
            f"there is no picture to filter: none has a vector in {known.name}"
            + ("" if request.where is None else f" and meets {request.where!r}")
        )
    notes = [caveat] if (caveat := caveat_of(encoder)) else []
    cut = _cut(store, asked, request, scores, encoder, queries)
    notes += cut.notes
    least = cut.threshold
    passing = scores.passes & (cut.clear >= 0)
    rows = _rows(store, scores, np.flatnonzero(passing), asked)
    histogram = _histogram(scores.score)
    counts = _counts(scores, passing, asked)
    tagged = 0
    if request.tag is not None:
        facts = {
            "matched": len(rows),
            "scored": len(scores.ids),
            "threshold": least,
            "texts": counts,
            "histogram": asdict(histogram),
        }
        tagged = _tag(store, rows, asked, facts, request)
    report = FilterReport(
        matched=len(rows),
        scored=len(scores.ids),
        tag=request.tag,
        tagged=tagged,
        threshold=least,
        suggested=cut.method not in {"given", "classes"},
        method=cut.method,
        counts=counts,
        rows=rows,
        assigned=_assigned(scores, asked),
        histogram=histogram,
        encoder=known.spec,
        column=known.name,
        gallery=None if request.gallery is None else str(request.gallery),
        notes=notes,
    )
    if request.gallery is not None:
        clear = np.where(passing, np.abs(cut.clear), -np.abs(cut.clear))
        write_gallery(workspace.samples, request, report, scores.ids, clear, request.gallery)
    return report


class _Cut(NamedTuple):
    """What decides: by how much each picture clears it `[N]`, and what it is."""

    clear: NDArray[np.float32]
    method: Literal["given", "two groups", "everyday things", "equal scores", "classes"]
    threshold: float | None = None
    notes: tuple[str, ...] = ()


def _cut(  # noqa: PLR0917 - what a cut is found from
    store: Store,
    asked: _Asked,
    request: Filter,
    scores: _Scores,
    encoder: TextEncoder,
    queries: Vectors,
) -> _Cut:
    least = request.threshold
    if least is not None:
        return _Cut(scores.score - np.float32(least), "given", least)
    if request.classes:
        return _Cut(scores.margin, "classes")
    found = suggest_threshold(scores.score, np.random.default_rng(request.seed))
    if found.method != "spread":
        method: Any = "two groups" if found.method == "two groups" else "equal scores"
        notes = (found.note,) if found.note else ()
        return _Cut(scores.score - np.float32(found.value), method, found.value, notes)
    batches = (vectors for _, vectors in _pictures(store, asked))
    levels = everyday_levels(encoder, queries[: len(asked.texts)], batches)
    note = (
        "the scores do not fall into two groups, so a picture passes if it is nearer to the text "
        "than to everyday things; look at those near the cut (--gallery FILE.html), and give a "
        "threshold if it should lie elsewhere"
    )
    return _Cut(scores.score - levels, "everyday things", None, (note,))


def _pictures(store: Store, asked: _Asked) -> Iterator[tuple[list[str], Vectors]]:
    return Samples(store).of(asked.where).vector_batches(asked.column)


def _score(
    store: Store, asked: _Asked, queries: Vectors, scale: float, progress: Progress
) -> _Scores:
    ids: list[str] = []
    parts: list[tuple[NDArray[Any], ...]] = []
    for names, vectors in _pictures(store, asked):
        cosines = vectors @ queries.T
        if asked.classes:
            parts.append(_by_class(cosines, len(asked.texts), scale))
        else:
            parts.append(_by_cosine(cosines, len(asked.texts)))
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


def _rows(store: Store, scores: _Scores, passing: Indices, asked: _Asked) -> list[Match]:
    ids = [scores.ids[row] for row in passing]
    paths = store.read(["path"], ids=ids).column("path").to_pylist() if ids else []
    rows = [
        Match(
            path=path,
            sample_id=scores.ids[row],
            text=asked.all_texts[scores.best[row]],
            score=float(scores.score[row]),
            margin=None if np.isnan(scores.margin[row]) else float(scores.margin[row]),
        )
        for row, path in zip(passing.tolist(), paths, strict=True)
    ]
    return sorted(rows, key=lambda match: (-match.score, match.sample_id))


def _counts(scores: _Scores, passing: NDArray[np.bool_], asked: _Asked) -> dict[str, int]:
    texts = asked.all_texts if asked.classes else asked.texts
    best = scores.best if asked.classes else scores.best[passing]
    found = np.bincount(best, minlength=len(texts)).tolist()
    return dict(zip(texts, found, strict=True))


def _assigned(scores: _Scores, asked: _Asked) -> dict[str, str]:
    if not asked.classes:
        return {}
    pairs = zip(scores.ids, scores.best.tolist(), strict=True)
    return {sample_id: asked.all_texts[number] for sample_id, number in sorted(pairs)}


def _histogram(score: NDArray[np.float32]) -> ScoreHistogram:
    values = score.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if high - low < _NARROWEST:
        middle = (low + high) / 2
        low, high = middle - _NARROWEST / 2, middle + _NARROWEST / 2
    counts, _ = np.histogram(values, _BINS, (low, high))
    return ScoreHistogram(low, high, counts.tolist())


def _tag(
    store: Store, rows: list[Match], asked: _Asked, facts: dict[str, Any], request: Filter
) -> int:
    tag = asked.tag
    params = {"texts": asked.texts, "not_texts": asked.not_texts, "column": asked.column}
    with store.operation("filter", params, request.seed, request=request) as operation:
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
