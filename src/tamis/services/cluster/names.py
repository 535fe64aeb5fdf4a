"""Names of clusters: labels, tags, cameras and words that set each apart from the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tamis.algo.clusters import name_clusters, scored_traits, shared_traits
from tamis.dataset.columns import Column
from tamis.runtime.prompts import prompt_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tamis.dataset.schema import VectorColumn
    from tamis.runtime.workspace import Workspace
    from tamis.types import Indices, Vectors

__all__ = ["cluster_names"]


def cluster_names(
    workspace: Workspace,
    ids: Sequence[str],
    clusters: Indices,
    words: Sequence[str] = (),
    vectors: tuple[VectorColumn, Vectors] | None = None,
) -> tuple[str, ...]:
    """Name each cluster by what its pictures have more often than the rest.

    A label is best; where none sets a cluster apart, words, then tags and cameras.

    Args:
        workspace: the dataset.
        ids: the pictures.
        clusters: `[N]` of each, from 0; a negative one is none.
        words: words to compare the pictures with.
        vectors: which, and `[N, D]` of the pictures; needed for words.

    Raises:
        UsageError: words are given, and the encoder reads no texts.
    """
    told = workspace.samples.rows([Column.LABEL, Column.TAGS, Column.CAMERA], list(ids))
    labels = [[one] if one else [] for one in told.column(Column.LABEL).to_pylist()]
    marks = [
        [*(f"tag {tag}" for tag in tags or ()), *([f"camera {camera}"] if camera else [])]
        for tags, camera in zip(
            told.column(Column.TAGS).to_pylist(),
            told.column(Column.CAMERA).to_pylist(),
            strict=True,
        )
    ]
    count = int(clusters.max(initial=-1)) + 1
    kinds = [_shared(clusters, labels)]
    if words and vectors is not None:
        column, rows = vectors
        texts = prompt_vectors(workspace.encoders.for_text(column), list(words))
        kinds.append(
            name_clusters(scored_traits(clusters, (rows @ texts.T).astype(np.float64), words))
        )
    kinds.append(_shared(clusters, marks))
    plain = name_clusters([[]] * count)
    return tuple(
        next((names[number] for names in kinds if names[number] != plain[number]), plain[number])
        for number in range(count)
    )


def _shared(clusters: Indices, traits: Sequence[Sequence[str]]) -> tuple[str, ...]:
    names = sorted({name for of in traits for name in of})
    place = {name: number for number, name in enumerate(names)}
    present = np.zeros((len(traits), len(names)), np.bool_)
    for row, of in enumerate(traits):
        for name in of:
            present[row, place[name]] = True
    return name_clusters(shared_traits(clusters, present, names))
