"""Fill a store as the verbs do, with less to write."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tamis.runtime.workspace import Workspace
from tamis.services.add import news, parts, pictures
from tamis.services.add.contract import Add, AddCrops, AddTiles
from tamis.services.embed import run as embedding
from tamis.services.embed.contract import Embed
from tamis.verbs.feedback import Feedback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.dataset.store import Store

__all__ = ["add_crops", "add_tiles", "embed", "ingest", "ingest_new"]


def ingest(store: Store, sources: list[str], **options: Any) -> Any:
    """Add pictures; `sampling`, `progress` and `checkpoint_rows` beside the verb's options."""
    with _checkpoints(pictures, options):
        feedback = _feedback(options)
        return pictures.add_pictures(Workspace(store), _request(sources, options), feedback)


def ingest_new(store: Store, sources: list[str], encoder: Any, **options: Any) -> Any:
    """Add what is new by an encoder that is loaded."""
    workspace = Workspace(store)
    spec = workspace.encoders.add(encoder)
    with _checkpoints(news, options):
        feedback = _feedback(options)
        request = _request(sources, {"new_only": True, "encoder": spec, **options})
        return news.add_news(workspace, request, feedback)


def embed(store: Store, encoder: Any, **options: Any) -> Any:
    """Embed by an encoder that is loaded."""
    workspace = Workspace(store)
    spec = workspace.encoders.add(encoder)
    with _checkpoints(embedding, options):
        feedback = _feedback(options)
        return embedding.embed(workspace, Embed(spec, **options), feedback)


def add_crops(store: Store, annotations: str, **options: Any) -> Any:
    """Add the boxes of a detection dataset."""
    feedback = _feedback(options)
    return parts.add_crops(Workspace(store), AddCrops(annotations, **options), feedback)


def add_tiles(store: Store, count: int, **options: Any) -> Any:
    """Add tiles."""
    feedback = _feedback(options)
    return parts.add_tiles(Workspace(store), AddTiles(count, **options), feedback)


def _request(sources: list[str], options: dict[str, Any]) -> Add:
    sampling = options.pop("sampling", None)
    if sampling is not None:
        frame = "keyframe" if sampling.key_frames else "frame"
        options = {**options, "every": sampling.every or frame}
    return Add(sources, **options)


def _feedback(options: dict[str, Any]) -> Feedback:
    progress = options.pop("progress", None)
    return Feedback() if progress is None else Feedback.to(progress)


@contextmanager
def _checkpoints(module: Any, options: dict[str, Any]) -> Iterator[None]:
    rows = options.pop("checkpoint_rows", None)
    with pytest.MonkeyPatch.context() as patch:
        if rows is not None:
            patch.setattr(module, "CHECKPOINT_ROWS", rows)
        yield
