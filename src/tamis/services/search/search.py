"""Pictures that look like an example, or that show what a text says."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from tamis.dataset.conditions import all_of
from tamis.dataset.parts import BOX_COLUMNS, whole_pictures
from tamis.dataset.presence import gone_among
from tamis.dataset.vector_search import nearest
from tamis.errors import UsageError
from tamis.runtime.encoder_pool import EncoderPool
from tamis.runtime.queries import Region, caveat_of, picture_vector, text_vectors
from tamis.services.search.example import find_example
from tamis.services.search.rerank import rerank

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

    from tamis.dataset.schema import VectorColumn
    from tamis.dataset.store import Store
    from tamis.dataset.vector_search import Nearest
    from tamis.services.search.example import Example
    from tamis.types import Vectors

__all__ = ["Hit", "Query", "SearchReport", "search"]

_SHOWN = ("path", "label", "split", "width", "height")
_LARGEST_POOL = 4096


@dataclass(frozen=True)
class Query:
    """What to look for: examples and texts to be near to, and others to be far from.

    Their unit vectors are averaged, and the average of those to be far from is subtracted.

    Attributes:
        texts: what the pictures should show.
        like: pictures to be near to: sample ids, files, or paths as the dataset has them.
        not_texts: what they should not show.
        unlike: pictures to be far from.
        region: of the first picture in `like`, the part to look for.
    """

    texts: Sequence[str] = ()
    like: Sequence[str] = ()
    not_texts: Sequence[str] = ()
    unlike: Sequence[str] = ()
    region: Region | None = None


@dataclass(frozen=True)
class Hit:
    """One picture that was found.

    Attributes:
        path: as the user gave it.
        score: cosine similarity of its vector to the query's.
        sample_id: its key in the dataset.
        label: its label, if it has one.
        split: its split, if it has one.
        width: in pixels.
        height: in pixels.
        region: the part of the picture that matched, `[x, y, width, height]` in pixels; None for
            the whole.
        parent_id: the picture that it is a part of; None where the sample is a whole picture.
        local_score: how well the example's patches are found in it, in [-1, 1]; None unless hits
            were ordered by that.
    """

    path: str
    score: float
    sample_id: str
    label: str | None
    split: str | None
    width: int | None
    height: int | None
    region: tuple[int, int, int, int] | None = None
    parent_id: str | None = None
    local_score: float | None = None


@dataclass(frozen=True)
class SearchReport:
    """What a search found.

    Attributes:
        hits: best first.
        encoder: whose vectors were compared.
        column: the vector column.
        method: `exact`, or by the `index`.
        compared: vectors that were compared exactly.
        seconds: how long the comparing took; embedding the query is not counted.
        notes: what the answer must be taken with.
    """

    hits: list[Hit]
    encoder: str
    column: str
    method: Literal["exact", "index"]
    compared: int
    seconds: float
    notes: list[str] = field(default_factory=list)


def search(
    store: Store,
    query: Query,
    *,
    column: str,
    k: int = 20,
    where: str | None = None,
    exact: bool = False,
    distinct: float | None = None,
    tiles: bool = False,
    rerank_best: int = 0,
    encoders: EncoderPool | None = None,
) -> SearchReport:
    """Find the pictures that are most similar to a query.

    Pictures of the dataset that are given as examples are not among the hits, by whatever spelling.
    Pictures that are gone (`tamis.dataset.presence`) come last. A picture of the dataset
    is compared by its stored vector, so that no model need be loaded, unless it was replaced since.

    Args:
        store: the dataset.
        query: what to look for.
        column: the vectors to compare.
        k: how many pictures.
        where: an SQL condition that they have to meet.
        exact: compare all vectors, whatever index there is.
        distinct: leave out a picture that is more similar than this cosine to one before it.
        tiles: compare tiles too; a picture counts by its best part, which is then the region.
        rerank_best: order this many of the best anew by how well the patches of the first
            example are found in them (`local_score`), which sees small things; 0 for none.
        encoders: loads the encoder of the column; a pool of its own if None.

    Raises:
        UsageError: nothing to look for, no such vectors, an encoder without a text tower, or an
            option out of range.
        InputError: an example is neither in the dataset nor a file.
        EncoderError: the encoder of the vectors cannot be loaded.
    """
    _check(query, k, distinct)
    if rerank_best and not query.like:
        raise UsageError("patches are compared with those of an example: give one with --like")
    known = next((c for c in store.vector_columns() if c.name == column), None)
    if known is None:
        raise UsageError(f"{column!r} is not a vector column")
    condition = _condition(store, where, tiles=tiles)
    encoders = encoders or EncoderPool(store)
    words = _Words(store, known, encoders)
    vector = words.vector_of(query)
    begin = time.perf_counter()

    def ask(count: int) -> Nearest:
        return nearest(store, column, vector, count, where=condition, exact=exact)

    pictures = _Pictures(store, frozenset(words.samples))
    found, kept = _distinct(ask, max(k, rerank_best), distinct, pictures)
    seconds = time.perf_counter() - begin
    gone = pictures.gone.difference(pictures.left_out)
    if gone:
        words.notes.append(
            f"{len(gone)} pictures near it are gone or changed and give way to those that "
            "are there; tamis check lists them"
        )
    hits = _hits(store, found, kept)
    if rerank_best:
        example = words.file_of(query.like[0])
        encoder = encoders.for_column(known)
        hits, unread = rerank(store, encoder, hits, example, query.region)
        words.notes += unread
    return SearchReport(
        hits=hits[:k],
        encoder=known.spec,
        column=column,
        method=found.method,
        compared=found.compared,
        seconds=seconds,
        notes=words.notes,
    )


def _check(query: Query, k: int, distinct: float | None) -> None:
    if not (query.texts or query.like):
        raise UsageError("nothing to look for: give a text or an example (--like PICTURE)")
    if query.region is not None and not query.like:
        raise UsageError("a region is part of an example: name the picture with --like")
    if k < 1:
        raise UsageError(f"k is {k}; ask for at least 1")
    if distinct is not None and not -1 <= distinct <= 1:
        raise UsageError(f"distinct is {distinct}; a cosine similarity lies between -1 and 1")


class _Words:
    """Brings what the user named into the space of a column; loads the encoder when it must."""

    def __init__(self, store: Store, column: VectorColumn, encoders: EncoderPool) -> None:
        self.notes: list[str] = []
        self.samples: list[str] = []
        self._store = store
        self._column = column
        self._encoders = encoders
        self._examples: dict[str, Example] = {}

    def vector_of(self, query: Query) -> NDArray[np.float32]:
        """Return the `[D]` float32 query vector, of any length."""
        wanted = [*self._texts(query.texts), *self._pictures(query.like, query.region)]
        unwanted = [*self._texts(query.not_texts), *self._pictures(query.unlike, None)]
        vector = np.mean(wanted, axis=0, dtype=np.float32)
        if unwanted:
            vector = vector - np.mean(unwanted, axis=0, dtype=np.float32)
        return np.asarray(vector, np.float32)

    def file_of(self, name: str) -> str:
        """Return where the file of an example lies."""
        return self._example(name).file

    def _example(self, name: str) -> Example:
        if name not in self._examples:
            self._examples[name] = find_example(self._store, name)
        return self._examples[name]

    def _texts(self, texts: Sequence[str]) -> Vectors | list[NDArray[np.float32]]:
        if not texts:
            return []
        encoder = self._encoders.for_text(self._column)
        if (caveat := caveat_of(encoder)) and caveat not in self.notes:
            self.notes.append(caveat)
        return text_vectors(encoder, texts)

    def _pictures(self, names: Sequence[str], region: Region | None) -> list[NDArray[np.float32]]:
        return [
            self._picture(name, region if number == 0 else None)
            for number, name in enumerate(names)
        ]

    def _picture(self, name: str, region: Region | None) -> NDArray[np.float32]:
        """Return a picture's vector: as it is stored, else by the encoder."""
        example = self._example(name)
        self.samples += example.samples
        self.notes += [note for note in example.notes if note not in self.notes]
        if example.stored is not None and region is None:
            rows = self._store.read([self._column.name], ids=[example.stored])
            stored = rows[self._column.name][0].as_py()
            if stored is not None:
                vector = np.asarray(stored, np.float32)
                return np.asarray(vector / np.linalg.norm(vector), np.float32)
        return picture_vector(self._encoders.for_column(self._column), example.file, region)


def _condition(store: Store, where: str | None, *, tiles: bool) -> str | None:
    if not tiles:
        return whole_pictures(store.columns(), where)
    if "kind" not in store.columns() or not store.count("kind = 'tile'"):
        raise UsageError("the dataset has no tiles: run  tamis add SOURCE --tiles 3  and embed")
    return all_of(where, "kind IS NULL OR kind = 'tile'")


class _Pictures:
    """Tells which picture a sample is, or is a part of."""

    def __init__(self, store: Store, left_out: Collection[str]) -> None:
        self.left_out = left_out
        self.gone: frozenset[str] = frozenset()
        self._store = store
        self._has_parts = "parent_id" in store.columns()

    def of(self, ids: Sequence[str]) -> list[str]:
        """Return the sample id of the whole picture of each sample."""
        if not self._has_parts or not ids:
            return list(ids)
        parents = self._store.read(["parent_id"], ids=ids)["parent_id"].to_pylist()
        return [parent or name for parent, name in zip(parents, ids, strict=True)]

    def look_for(self, ids: Sequence[str]) -> None:
        """Note which samples are gone."""
        self.gone = gone_among(self._store, ids)


def _distinct(
    ask: Callable[[int], Nearest], k: int, distinct: float | None, pictures: _Pictures
) -> tuple[Nearest, list[int]]:
    """Return what was found and which of it to show: ask for more until k pictures differ."""
    pool = k + len(pictures.left_out)
    while True:
        found = ask(pool)
        pictures.look_for(found.ids)
        kept = _kept(found, k, distinct, pictures)
        if len(kept) == k:
            return found, kept
        if len(found.ids) < pool or pool >= _LARGEST_POOL:
            return found, _kept(found, k, distinct, pictures, behind=kept)
        pool = min(4 * pool, _LARGEST_POOL)


def _kept(
    found: Nearest,
    k: int,
    distinct: float | None,
    pictures: _Pictures,
    behind: Sequence[int] | None = None,
) -> list[int]:
    """Return up to k of what was found, of different pictures, and not too alike.

    Those that are gone are passed over, or put behind those that are given.
    """
    kept = list(behind or ())
    names = pictures.of(found.ids)
    shown = {*pictures.left_out, *(names[number] for number in kept)}
    for number, (sample_id, name) in enumerate(zip(found.ids, names, strict=True)):
        passed_over = name in shown or (behind is None and sample_id in pictures.gone)
        if passed_over or _repeats(found, kept, number, distinct):
            continue
        shown.add(name)
        kept.append(number)
        if len(kept) == k:
            break
    return kept


def _repeats(found: Nearest, kept: Sequence[int], number: int, distinct: float | None) -> bool:
    if distinct is None or not kept:
        return False
    return bool((found.vectors[list(kept)] @ found.vectors[number]).max() > distinct)


def _hits(store: Store, found: Nearest, kept: Sequence[int]) -> list[Hit]:
    ids = [found.ids[number] for number in kept]
    if not ids:
        return []
    has_parts = "kind" in store.columns()
    columns = [*_SHOWN, *(("parent_id", *BOX_COLUMNS) if has_parts else ())]
    rows = store.read(columns, ids=ids).to_pylist()
    hits = []
    for number, sample_id, row in zip(kept, ids, rows, strict=True):
        box = tuple(row.pop(name) for name in BOX_COLUMNS) if has_parts else ()
        region = None if None in box or not box else box
        score = float(found.scores[number])
        hits.append(Hit(score=score, sample_id=sample_id, region=region, **row))
    return hits
