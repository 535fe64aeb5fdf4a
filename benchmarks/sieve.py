"""The streaming filter at work on many kept vectors, beside a plain loop and a batch pass.

    python benchmarks/sieve.py [--kept 1000 10000 100000] [--dims 384 1280] [--offers 2000]
        [--kinds clustered random]

A set of vectors is kept already, none as similar as the threshold to another; then `--offers` more
come, nine in ten of them like a kept one (a cosine of about .96), one in ten new. Vectors are
`random`, or `clustered`: 50 to a centre, a cosine of about .6 between those of one. All contenders
decide on the same vectors in the same order, in one process on one thread; costs are processor
seconds.

    tamis one       `Sieve.offer`, one vector after the other
    tamis blocks    `Sieve.offer_many`, 256 at a time; the same answers
    tamis .05       blocks with `confirm=.05`: some covered ones may be kept, counted
    numpy loop      one product with all kept ones for each vector, in an array that never grows
    batch flat      afterwards, over all vectors: faiss, exact 10 nearest, then groups by chaining
    batch hnsw      the same with HNSW32, efSearch 64, as tools for duplicates do

For the batch passes the vectors of all time have to be there, and the cost is that of one pass
divided by the number of vectors. A group keeps its first vector; how far the farthest of a group is
from it is what `least similar` says, and for the sieve how far any dropped vector is from its own.
"""

from __future__ import annotations

import argparse
import os
import time

# Threads that wait for each other count as work; one tells what an answer costs.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import faiss
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tamis.algo.sieve import Sieve

THRESHOLD = 0.92
BLOCK = 256
NEIGHBOURS = 10


def unit(X):
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X


def draw_kept(kind, count, dim):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(count, dim)).astype(np.float32)
    if kind == "clustered":
        centres = rng.normal(size=(-(-count // 50), dim)).astype(np.float32)
        X += 1.22 * centres[rng.integers(0, len(centres), count)]
    return unit(X)


def draw_offers(kept, fresh, count):
    """Nine like kept ones to one that is new, mixed."""
    rng = np.random.default_rng(1)
    like = kept[rng.integers(0, len(kept), count)]
    noise = unit(rng.normal(size=like.shape).astype(np.float32))
    offers = unit(like + 0.29 * noise)
    new = rng.random(count) < 0.1
    offers[new] = fresh[: int(new.sum())]
    return offers


def used(action):
    begin = time.process_time()
    result = action()
    return time.process_time() - begin, result


def filled(kept, **options):
    sieve = Sieve(THRESHOLD, **options)
    sieve.admit(kept, keys=[f"k{number}" for number in range(len(kept))])
    return sieve


def numpy_loop(kept, offers):
    vectors = np.empty((len(kept) + len(offers), kept.shape[1]), np.float32)
    vectors[: len(kept)] = kept
    size = len(kept)
    verdicts = []
    for x in offers:
        new = (vectors[:size] @ x).max() < THRESHOLD
        if new:
            vectors[size] = x
            size += 1
        verdicts.append(new)
    return verdicts


def batch(kept, offers, index):
    """Neighbours of all vectors, then chains of similar ones; the first of each is kept."""
    X = np.concatenate([kept, offers])
    index.add(X)
    similarity, neighbour = index.search(X, NEIGHBOURS)
    row, place = np.nonzero(similarity >= THRESHOLD)
    column = neighbour[row, place]
    edges = coo_matrix((np.ones(len(row), bool), (row, column)), shape=(len(X), len(X)))
    _, group = connected_components(edges, directed=False)
    _, first = np.unique(group, return_index=True)
    least = np.einsum("nd,nd->n", X, X[first[group]]).min()
    new = np.zeros(len(X), bool)
    new[first] = True
    return new[len(kept) :], float(least)


def sieve_line(name, kept, offers, expected, size, **options):
    sieve = filled(kept, **options)
    # The index, where there is one, is built at the first offer.
    build, _ = used(lambda: sieve.offer(offers[0], key="first"))
    rest = offers[1:]

    def decide():
        if size == 1:
            return [sieve.offer(x).kept for x in rest]
        parts = [rest[start : start + size] for start in range(0, len(rest), size)]
        return [verdict.kept for part in parts for verdict in sieve.offer_many(part)]

    seconds, verdicts = used(decide)
    wrong = int((np.array(verdicts) != expected[1:]).sum())
    misses = sieve.index_misses
    covered = len(rest) - sum(verdicts)
    recall = 1.0 - misses.missed / max(covered, 1)
    note = f"built {build:.1f} s, finds {recall:.4f}" if len(sieve) >= 32768 else ""
    report(name, len(rest) / seconds, wrong, sieve.coverage, note)
    return len(rest) / seconds


def report(name, rate, wrong, least, note=""):
    print(f"  {name:14} {rate:10,.0f} /s  {wrong:5} differ  least similar {least:.4f}  {note}")


def run(kind, dim, count, offered):
    kept = draw_kept(kind, count + offered, dim)
    kept, fresh = kept[:count], kept[count:]
    offers = draw_offers(kept, fresh, offered)
    print(f"\n{kind}, D={dim}, {count:,} kept")
    seconds, verdicts = used(lambda: numpy_loop(kept, offers))
    expected = np.array(verdicts)
    loop = len(offers) / seconds
    report("numpy loop", loop, 0, np.nan)
    one = sieve_line("tamis one", kept, offers, expected, 1)
    blocks = sieve_line("tamis blocks", kept, offers, expected, BLOCK)
    sieve_line("tamis .05", kept, offers, expected, BLOCK, confirm=0.05)
    print(f"  against the loop: one {one / loop:.1f}, blocks {blocks / loop:.1f}")
    flat = faiss.IndexFlatIP(dim)
    hnsw = faiss.IndexHNSWFlat(dim, 32, faiss.METRIC_INNER_PRODUCT)
    hnsw.hnsw.efSearch = 64
    for name, index in (("batch flat", flat), ("batch hnsw", hnsw)):
        if count * dim > 1e8:
            print(f"  {name:14} left out: it takes minutes")
            continue
        seconds, (new, least) = used(lambda index=index: batch(kept, offers, index))
        rate = (len(kept) + len(offers)) / seconds
        report(name, rate, int((new != expected).sum()), least, f"blocks {blocks / rate:.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kept", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--dims", type=int, nargs="+", default=[384, 1280])
    parser.add_argument("--kinds", nargs="+", default=["clustered", "random"])
    parser.add_argument("--offers", type=int, default=2000)
    arguments = parser.parse_args()
    for dim in arguments.dims:
        for kind in arguments.kinds:
            for count in arguments.kept:
                run(kind, dim, count, arguments.offers)


if __name__ == "__main__":
    main()
