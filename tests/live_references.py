"""Small references and vectors for tests of what is watched."""

from __future__ import annotations

import numpy as np

from tamis.algo.drift import fit_reference
from tamis.services.drift.live.arrivals import arrivals_of
from tamis.services.drift.live.references import LiveReferences
from tamis.services.drift.reference import Facts, Reference

__all__ = ["DIM", "arrived", "reference_of", "usual", "watching"]

DIM = 24


def usual(seed, n, shift=0.0):
    """Rows `[n, 24]` as they should be, or shifted."""
    rows = np.random.default_rng(seed).normal(size=(n, DIM)) + 1
    rows[:, 0] += shift
    return rows.astype(np.float32)


def reference_of(path, *, block=1, n=120, vectors=None, encoder=None, seed=0):
    """A reference that is written to a file and read from it."""
    rows = usual(99 + seed, n) if vectors is None else vectors
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    figures = np.column_stack([rng.random((len(rows), 2)), np.full((len(rows), 2), np.nan)])
    stored = fit_reference(
        rows,
        blocks=np.arange(len(rows)) // block,
        covariates=np.column_stack([figures, np.full(len(rows), np.nan)]),
        rng=rng,
    )
    facts = Facts(
        encoder="test:rows" if encoder is None else encoder.spec,
        fingerprint="f" * 32 if encoder is None else encoder.fingerprint,
        covariates=("brightness", "sharpness", "size", "hour", "camera"),
        cameras=(),
        days=1,
        block_length=block,
        all_follow=block > 1,
        level=0.05,
        seed=seed,
    )
    Reference(stored, tuple(f"{row:032x}" for row in range(len(stored.codes))), facts).write(path)
    return Reference.read(path)


def watching(folder, references, **options):
    return LiveReferences(references, folder, **{"window": 60, **options})


def arrived(rows, start=0, *, series=None, time=1000.0):
    names = [f"picture {start + row}" for row in range(len(rows))]
    return arrivals_of(names, rows, {}, series=series, time=time)
