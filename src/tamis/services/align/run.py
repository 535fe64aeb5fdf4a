"""Text search for an encoder without texts: a map from its space to that of one with texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from tamis.algo.alignment import (
    fit_linear_map,
    hold_out,
    neighbour_recall,
    precision_of_queries,
)
from tamis.dataset.group_columns import duplicate_columns
from tamis.dataset.samples import Kind, Samples
from tamis.encoders.aligned import AlignedMap, write_map
from tamis.errors import UsageError
from tamis.runtime.prompts import prompt_vectors
from tamis.runtime.queries import caveat_of
from tamis.services.align.contract import AlignReport
from tamis.verbs.feedback import SILENT
from tamis.wording import counted

if TYPE_CHECKING:
    from tamis.algo.alignment import LinearMap
    from tamis.dataset.operation import Operation
    from tamis.dataset.schema import VectorColumn
    from tamis.dataset.store import Store
    from tamis.encoders.base import Encoder, TextEncoder
    from tamis.runtime.workspace import Workspace
    from tamis.services.align.contract import Align
    from tamis.types import Indices, Progress, Vectors
    from tamis.verbs.feedback import Feedback

__all__ = ["FEWEST", "align"]

FEWEST: Final = 200
"""Pictures that both encoders must have embedded; fewer say nothing of a space."""

_ENOUGH: Final = 20_000
_HELD_OUT: Final = 0.2
_MOST_MEASURED: Final = 20_000
_NEIGHBOURS: Final = 10
_CHECKPOINT_ROWS: Final = 16_384


@dataclass(frozen=True)
class _Common:
    """The pictures that both encoders embedded, by sample id."""

    ids: list[str]
    source: Vectors
    target: Vectors


@dataclass(frozen=True)
class _Quality:
    held_out: int
    recall: float
    mean_cosine: float
    text: float | None
    text_native: float | None


def align(workspace: Workspace, request: Align, feedback: Feedback = SILENT) -> AlignReport:
    """Learn a map from the vectors of one encoder to those of another that reads texts.

    The map (`tamis.algo.alignment.fit_linear_map`) is fitted on 80 % of the pictures that both
    have embedded and measured on the others, near-duplicates on one side. It is an encoder of its
    own, `aligned:FILE`: pictures go through the first network and the map, texts through the
    second. Its vectors of all that the first has embedded come from the stored vectors; one
    operation writes them as a column. Undoing it removes the column; the file stays.

    Cost: N D (D + E) + D³ for the map, H² E for the recall of H held-out pictures (20,000 at
    most); memory 16 N (D + E) bytes at most.

    Raises:
        UsageError: fewer than 200 pictures have both vectors, the target reads no texts, or one of
            the two is a map itself.
        EncoderError: an encoder cannot be loaded, or has changed.
        StorageError: the disk refuses.
    """
    store, encoders = workspace.store, workspace.encoders
    source, target = (workspace.vector_column(name) for name in (request.from_, request.to))
    for end in (source, target):
        if end.spec.startswith("aligned:"):
            raise UsageError(f"{end.spec} is a map already; give the encoders themselves")
    if source == target:
        raise UsageError(f"{source.spec} is both ends of the map; give two encoders")
    texts = encoders.for_text(target)
    common = _common(store, source, target)
    pictures = encoders.for_column(source)
    groups, notes = _groups(store, common.ids)
    rng = np.random.default_rng(request.seed)
    fitted, held = hold_out(groups, _HELD_OUT, rng)
    if len(held) <= _NEIGHBOURS:
        raise UsageError(
            f"nearly all of the {len(common.ids)} pictures are duplicates of each other, so that "
            "none can be held out to measure the map on; add other pictures"
        )
    linear = fit_linear_map(common.source[fitted], common.target[fitted])
    if len(held) > _MOST_MEASURED:
        held = np.sort(rng.choice(held, _MOST_MEASURED, replace=False))
    quality = _measure(store, common, held, linear, texts)
    if len(common.ids) < _ENOUGH:
        notes.append(
            f"{counted(len(common.ids), 'picture')} taught the map; the recall grows with them, "
            f"steeply up "
            f"to some {_ENOUGH:,} of the kinds that you search among"
        )
    aligned = _map(pictures, texts, linear, quality)
    path, spec = _place(store, aligned, request.out)
    write_map(path, aligned)
    params = {"from": source.name, "to": target.name}
    facts = {
        "encoder": spec,
        "held_out": quality.held_out,
        "recall": quality.recall,
        "mean_cosine": quality.mean_cosine,
    }
    with store.operation("align", params, request.seed, request=request) as operation:
        column = operation.add_vector_column(spec, aligned.fingerprint, texts.dim, source.dtype)
        operation.counts |= facts
        written = _write(store, operation, (source.name, column), linear, feedback.stage("align"))
    return AlignReport(
        encoder=spec,
        column=column,
        path=str(path),
        pictures=len(common.ids),
        fitted=len(fitted),
        held_out=quality.held_out,
        penalty=linear.penalty,
        recall=quality.recall,
        mean_cosine=quality.mean_cosine,
        text_precision=quality.text,
        text_precision_native=quality.text_native,
        vectors=written,
        notes=notes,
    )


def _common(store: Store, source: VectorColumn, target: VectorColumn) -> _Common:
    both = Samples(store).of().having(source.name).having(target.name)
    number = both.count()
    if number < FEWEST:
        raise UsageError(
            f"{counted(number, 'picture has')} vectors of both {source.spec} and {target.spec}; "
            f"a map "
            f"needs at least {FEWEST}, better {_ENOUGH:,}: embed more with both"
        )
    left, right = (both.vectors(column.name) for column in (source, target))
    return _Common(left.ids, left.vectors, right.vectors)


def _groups(store: Store, ids: list[str]) -> tuple[Indices, list[str]]:
    """Return the pictures that must stay on one side, and what to say about them."""
    duplicates = duplicate_columns(store, ids)
    notes = []
    if not duplicates.marked:
        notes.append(
            "duplicates are not marked, so that pictures were held out at random but for equal "
            "files and equal perceptual hashes; near-duplicates on both sides flatter the "
            "figures:  tamis duplicates --apply  first avoids that"
        )
    elif duplicates.stale:
        notes.append("pictures were added after duplicates were marked; mark them again")
    return duplicates.held_out(), notes


def _measure(
    store: Store, common: _Common, held: Indices, linear: LinearMap, texts: TextEncoder
) -> _Quality:
    native, mapped = common.target[held], linear.apply(common.source[held])
    ids = [common.ids[row] for row in held]
    labels = store.read(["label"], ids=ids).column("label").to_pylist()
    names = sorted({label for label in labels if label is not None and label.strip()})
    text = text_native = None
    if names:
        classes = np.array([names.index(x) if x in names else -1 for x in labels], np.int64)
        queries = prompt_vectors(texts, names)
        text = precision_of_queries(queries, mapped, classes, _NEIGHBOURS)
        text_native = precision_of_queries(queries, native, classes, _NEIGHBOURS)
    return _Quality(
        held_out=len(held),
        recall=neighbour_recall(native, mapped, _NEIGHBOURS),
        mean_cosine=float(np.einsum("nd,nd->n", native, mapped, dtype=np.float64).mean()),
        text=text,
        text_native=text_native,
    )


def _map(source: Encoder, target: TextEncoder, linear: LinearMap, quality: _Quality) -> AlignedMap:
    caveat = (
        f"texts are compared through a map from {source.spec} to {target.spec} that finds "
        f"{quality.recall:.0%} of the 10 nearest pictures which {target.spec} itself finds"
    )
    inherited = caveat_of(target)
    return AlignedMap(
        linear=linear,
        source=source.spec,
        source_fingerprint=source.fingerprint,
        target=target.spec,
        target_fingerprint=target.fingerprint,
        preprocessing=source.preprocessing,
        logit_scale=getattr(target, "logit_scale", None),
        caveat=f"{caveat}; {inherited}" if inherited else caveat,
    )


def _place(store: Store, aligned: AlignedMap, out: Path | None) -> tuple[Path, str]:
    """Return the map's file and the spec that finds it again."""
    if out is None:
        # named by its content, so that an older map that older snapshots need is never replaced
        ends = f"{_short(aligned.source)}-to-{_short(aligned.target)}"
        inside = Path("maps") / f"{ends}-{aligned.fingerprint[:8]}.npz"
        return store.path / inside, f"aligned:{inside.as_posix()}"
    path = out if out.suffix == ".npz" else out.with_name(out.name + ".npz")
    absolute, folder = path.absolute(), store.path.absolute()
    if absolute.is_relative_to(folder):
        return path, f"aligned:{absolute.relative_to(folder).as_posix()}"
    return path, f"aligned:{absolute.as_posix()}"


def _short(spec: str) -> str:
    last = spec.partition("?")[0].partition(":")[2].rstrip("/").rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9]+", "-", last).strip("-") or "encoder"


def _write(
    store: Store,
    operation: Operation,
    columns: tuple[str, str],
    linear: LinearMap,
    progress: Progress,
) -> int:
    """Write the mapped vectors of all that has vectors of the source; return how many."""
    source, column = columns
    everything = Samples(store).of(kind=Kind.ALL)  # parts of pictures have vectors too
    total = everything.embedded(source)
    written = staged = 0
    for ids, vectors in everything.vector_batches(source):
        operation.set_vectors(column, ids, linear.apply(vectors))
        written, staged = written + len(ids), staged + len(ids)
        operation.counts["vectors"] = written
        if staged >= _CHECKPOINT_ROWS:
            operation.checkpoint()
            staged = 0
        progress(written, total)
    return written
