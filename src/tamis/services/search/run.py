"""Search by text and by example."""

from __future__ import annotations

import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.dataset.columns import Column
from tamis.dataset.parts import BOX_COLUMNS, box_of
from tamis.dataset.presence import PRESENCE_COLUMNS, gone_of
from tamis.dataset.samples import Kind
from tamis.dataset.vector_search import nearest
from tamis.errors import UsageError
from tamis.images.box import Box
from tamis.pages.page import require_page
from tamis.runtime.queries import (
    caveat_of,
    picture_vector,
    text_vectors,
)
from tamis.services.search.contract import Hit, SearchReport
from tamis.services.search.example import find_example
from tamis.services.search.gallery import write_gallery
from tamis.services.search.rerank import rerank
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tamis.dataset.samples import Samples, SampleSet
    from tamis.dataset.schema import VectorColumn
    from tamis.dataset.vector_search import Nearest
    from tamis.runtime.workspace import Workspace
    from tamis.services.search.contract import Search
    from tamis.services.search.example import Example
    from tamis.types import Vectors
    from tamis.verbs.feedback import Feedback

__all__ = ["search"]

_SHOWN = ("path", "label", "split", "width", "height", Column.PARENT_ID)
_READ = tuple(dict.fromkeys((*PRESENCE_COLUMNS, *_SHOWN, Column.KIND, *BOX_COLUMNS)))
_LARGEST_POOL = 4096


def search(workspace: Workspace, request: Search, _feedback: Feedback = SILENT) -> SearchReport:
    """Find the pictures that are most similar to texts and examples.

    Pictures of the dataset that are given as examples are not among the hits, by whatever spelling.
    Pictures that are gone (`tamis.dataset.presence`) come last. A picture of the dataset
    is compared by its stored vector, so that no model need be loaded, unless it was replaced since.

    Raises:
        UsageError: no such vectors, an encoder without a text tower, no example to rerank by, or
            a gallery that is no HTML file.
        InputError: an example is neither in the dataset nor a file.
        EncoderError: the encoder of the vectors cannot be loaded.
    """
    if request.rerank and not request.like:
        raise UsageError("patches are compared with those of an example: name one (like)")
    page = request.gallery or (Path("search.html") if request.open_page else None)
    if page is not None:
        require_page(page)
    texts = bool(request.texts or request.not_texts)
    known = workspace.vector_column(request.encoder, reads_text=texts)
    among = _among(workspace.samples, request.where, tiles=request.tiles)
    words = _Words(workspace, known)
    vector = words.vector_of(request)
    begin = time.perf_counter()

    def ask(count: int) -> Nearest:
        return nearest(among, known.name, vector, count, exact=request.exact)

    pictures = _Pictures(workspace.samples, frozenset(words.samples))
    found, kept = _distinct(ask, max(request.k, request.rerank), request.distinct, pictures)
    seconds = time.perf_counter() - begin
    gone = pictures.gone.difference(pictures.left_out)
    if gone:
        words.notes.append(
            f"{counted(len(gone), 'near picture is')} gone or changed; shown are those that "
            "are there; tamis check lists them"
        )
    hits = _hits(pictures, found, kept)
    if request.rerank:
        example = words.file_of(request.like[0])
        encoder = workspace.encoders.for_column(known)
        hits, unread = rerank(workspace.samples, encoder, hits, example, _region(request))
        words.notes += unread
    report = SearchReport(
        hits=hits[: request.k],
        encoder=known.spec,
        column=known.name,
        method=found.method,
        compared=found.compared,
        seconds=seconds,
        notes=words.notes,
        gallery=None if page is None else str(page),
    )
    if page is not None:
        write_gallery(workspace.samples, request, report, words.examples, page)
        if request.open_page:
            webbrowser.open(page.resolve().as_uri())
    return report


def _region(request: Search) -> Box | None:
    return None if request.region is None else Box(*request.region)


class _Words:
    """Brings what the user named into the space of a column; loads the encoder when it must."""

    def __init__(self, workspace: Workspace, column: VectorColumn) -> None:
        self.notes: list[str] = []
        self.samples: list[str] = []
        self._workspace = workspace
        self._column = column
        self.examples: dict[str, Example] = {}

    def vector_of(self, request: Search) -> NDArray[np.float32]:
        """Return the `[D]` float32 query vector, of any length."""
        wanted = [*self._texts(request.texts), *self._pictures(request.like, _region(request))]
        unwanted = [*self._texts(request.not_texts), *self._pictures(request.unlike, None)]
        vector = np.mean(wanted, axis=0, dtype=np.float32)
        if unwanted:
            vector = vector - np.mean(unwanted, axis=0, dtype=np.float32)
        return np.asarray(vector, np.float32)

    def file_of(self, name: str) -> str:
        """Return where the file of an example lies."""
        return self._example(name).file

    def _example(self, name: str) -> Example:
        if name not in self.examples:
            self.examples[name] = find_example(self._workspace.samples, name)
        return self.examples[name]

    def _texts(self, texts: Sequence[str]) -> Vectors | list[NDArray[np.float32]]:
        if not texts:
            return []
        encoder = self._workspace.encoders.for_text(self._column)
        if (caveat := caveat_of(encoder)) and caveat not in self.notes:
            self.notes.append(caveat)
        return text_vectors(encoder, texts)

    def _pictures(self, names: Sequence[str], region: Box | None) -> list[NDArray[np.float32]]:
        return [
            self._picture(name, region if number == 0 else None)
            for number, name in enumerate(names)
        ]

    def _picture(self, name: str, region: Box | None) -> NDArray[np.float32]:
        """Return a picture's vector: as it is stored, else by the encoder."""
        example = self._example(name)
        self.samples += example.samples
        self.notes += [note for note in example.notes if note not in self.notes]
        if example.stored is not None and region is None:
            rows = self._workspace.samples.rows([self._column.name], [example.stored])
            stored = rows.column(0)[0].as_py()
            if stored is not None:
                vector = np.asarray(stored, np.float32)
                return np.asarray(vector / np.linalg.norm(vector), np.float32)
        encoder = self._workspace.encoders.for_column(self._column)
        return picture_vector(encoder, example.file, region or example.region)


def _among(samples: Samples, where: str | None, *, tiles: bool) -> SampleSet:
    if not tiles:
        return samples.of(where)
    if not samples.of(kind=Kind.TILES).count():
        raise UsageError("the dataset has no tiles: run  tamis add SOURCE --tiles 3  and embed")
    return samples.of(where, kind=Kind.WHOLE_AND_TILES)


class _Pictures:
    """What is known of the samples that were found; each is read once.

    Attributes:
        left_out: samples that are no answers.
        rows: by sample id, of those that were read.
        gone: which of them are gone.
    """

    def __init__(self, samples: Samples, left_out: frozenset[str]) -> None:
        self.left_out = left_out
        self.rows: dict[str, dict[str, Any]] = {}
        self.gone: set[str] = set()
        self._samples = samples

    def read(self, ids: Sequence[str]) -> None:
        """Read those that were not read yet, and look whether their pictures are there."""
        new = [name for name in ids if name not in self.rows]
        if not new:
            return
        rows = self._samples.rows(_READ, new).to_pylist()
        self.rows |= zip(new, rows, strict=True)
        self.gone |= {one.sample_id for one in gone_of(rows, thorough=False)}

    def whole(self, sample_id: str) -> str:
        """Return the sample id of the whole picture."""
        return str(self.rows[sample_id][Column.PARENT_ID] or sample_id)

    def shown_as(self, sample_id: str) -> str:
        """Return what a sample stands for among hits: a tile for its picture, a crop for itself."""
        is_crop = self.rows[sample_id][Column.KIND] == "crop"
        return sample_id if is_crop else self.whole(sample_id)


def _distinct(
    ask: Callable[[int], Nearest], k: int, distinct: float | None, pictures: _Pictures
) -> tuple[Nearest, list[int]]:
    """Return what was found and which of it to show: ask for more until k pictures differ."""
    pool = k + len(pictures.left_out)
    while True:
        found = ask(pool)
        pictures.read(found.ids)
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
    shown = {pictures.shown_as(found.ids[number]) for number in kept}
    for number, sample_id in enumerate(found.ids):
        name = pictures.shown_as(sample_id)
        passed_over = (
            name in shown
            or not pictures.left_out.isdisjoint((sample_id, pictures.whole(sample_id)))
            or (behind is None and sample_id in pictures.gone)
        )
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


def _hits(pictures: _Pictures, found: Nearest, kept: Sequence[int]) -> list[Hit]:
    hits = []
    for number in kept:
        sample_id = found.ids[number]
        row = pictures.rows[sample_id]
        box = box_of(row)
        region = None if box is None else (box.x, box.y, box.width, box.height)
        shown = {name: row[name] for name in _SHOWN}
        score = float(found.scores[number])
        hits.append(Hit(score=score, sample_id=sample_id, region=region, **shown))
    return hits
