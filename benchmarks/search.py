"""Search among stored vectors: build time, disk, latency, memory and recall, beside peers.

    python benchmarks/search.py [--rows 100000 1000000] [--queries 200] [--peers NAME ...]

Vectors are clustered, 384 dimensions, unit length (2,000 centres with noise of the same size), and
queries are drawn alike. Every contender runs in a process of its own on the same file. Recall is
the share of the exact ten nearest. Latency is one query after another, in process.

    tamis         a dataset on disk, its index, its planner
    tamis exact   the same with --exact
    tamis 1 %     with a condition that one row in a hundred meets
    tamis 20 %    with a condition that one row in five meets
    faiss ivf     IVF,Flat in memory, sqrt(N) lists, 16 probed
    faiss hnsw    HNSW32 in memory, efSearch 64
    lancedb       IVF_PQ at LanceDB's own defaults, from disk
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

DIM, CENTRES, K = 384, 2000, 10


def draw(count, seed):
    centres = np.random.default_rng(0).normal(size=(CENTRES, DIM)).astype(np.float32)
    rng = np.random.default_rng(seed)
    rows = np.empty((count, DIM), np.float32)
    for start in range(0, count, 50_000):
        part = rows[start : start + 50_000]
        part[:] = centres[rng.integers(0, CENTRES, len(part))]
        part += rng.normal(size=part.shape).astype(np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return rows


def truth(vectors, queries, allowed=None):
    best = np.empty((len(queries), K), np.int64)
    for number, query in enumerate(queries):
        scores = vectors @ query
        if allowed is not None:
            scores = np.where(allowed, scores, -2)
        best[number] = np.argpartition(-scores, K)[:K]
    return best


def timed(answer, queries, expected):
    """Latencies in milliseconds, processor milliseconds a query, and recall."""
    answer(queries[0])
    latencies, hits = [], 0
    used = time.process_time()
    for query, wanted in zip(queries, expected, strict=True):
        begin = time.perf_counter()
        found = answer(query)
        latencies.append(1e3 * (time.perf_counter() - begin))
        hits += len({*map(int, found)} & {*wanted.tolist()})
    processor = 1e3 * (time.process_time() - used) / len(queries)
    return {
        "p50": float(np.percentile(latencies, 50)),
        "p95": float(np.percentile(latencies, 95)),
        "processor": processor,
        "recall": hits / expected.size,
    }


def disk(folder):
    return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())


def run_tamis(vectors, queries, place):
    import pyarrow as pa

    from tamis.dataset.samples import Kind, Samples
    from tamis.dataset.store import Store
    from tamis.dataset.vector_search import nearest

    store = Store.create(place / "benchmark.tamis")
    with store.operation("fill") as operation:
        column = operation.add_vector_column("benchmark:v", "0" * 32, DIM)
        for start in range(0, len(vectors), 100_000):
            names = [f"{number:08}" for number in range(start, min(start + 100_000, len(vectors)))]
            numbers = range(start, start + len(names))
            operation.insert(pa.table({"sample_id": names, "width": [n % 100 for n in numbers]}))
            operation.set_vectors(column, names, vectors[start : start + 100_000])
            operation.checkpoint()
    before = disk(store.path)
    begin, used = time.perf_counter(), time.process_time()
    with store.operation("index") as operation:
        operation.index_vectors(column)
    build = {
        "build": time.perf_counter() - begin,
        "build processor": time.process_time() - used,
        "disk": disk(store.path) - before,
    }
    marks = np.arange(len(vectors)) % 100
    results = {}
    for name, where, allowed, exact in (
        ("tamis", None, None, False),
        ("tamis exact", None, None, True),
        ("tamis 1 %", "width = 7", marks == 7, False),
        ("tamis 20 %", "width < 20", marks < 20, False),
    ):
        asked = queries if name == "tamis" else queries[: max(20, len(queries) // 5)]

        def answer(query, where=where, exact=exact):
            among = Samples(store).of(where, kind=Kind.ALL)
            return nearest(among, column, query, K, exact=exact).ids

        results[name] = timed(answer, asked, truth(vectors, asked, allowed)) | build
    return results


def run_faiss(vectors, queries, name):
    import faiss

    lists = f"IVF{round(len(vectors) ** 0.5)},Flat"
    begin, used = time.perf_counter(), time.process_time()
    description = lists if name == "faiss ivf" else "HNSW32"
    index = faiss.index_factory(DIM, description, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    build = {
        "build": time.perf_counter() - begin,
        "build processor": time.process_time() - used,
        "disk": None,
    }
    if name == "faiss ivf":
        index.nprobe = 16
    else:
        index.hnsw.efSearch = 64

    def answer(query):
        return index.search(query[None], K)[1][0]

    return {name: timed(answer, queries, truth(vectors, queries)) | build}


def run_lancedb(vectors, queries, place):
    import lancedb
    import pyarrow as pa

    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), DIM)
    rows = pa.table({"number": np.arange(len(vectors)), "vector": flat})
    table = lancedb.connect(str(place / "lancedb")).create_table("benchmark", rows)
    before = disk(place / "lancedb")
    begin, used = time.perf_counter(), time.process_time()
    table.create_index(metric="cosine")
    build = {
        "build": time.perf_counter() - begin,
        "build processor": time.process_time() - used,
        "disk": disk(place / "lancedb") - before,
    }

    def answer(query):
        found = table.search(query).distance_type("cosine").limit(K).select(["number", "_distance"])
        return found.to_arrow()["number"].to_pylist()

    return {"lancedb": timed(answer, queries, truth(vectors, queries)) | build}


RUNS = {
    "tamis": run_tamis,
    "faiss ivf": lambda vectors, queries, _place: run_faiss(vectors, queries, "faiss ivf"),
    "lancedb": run_lancedb,
    "faiss hnsw": lambda vectors, queries, _place: run_faiss(vectors, queries, "faiss hnsw"),
}


def child(name, file):
    data = np.load(file)
    with tempfile.TemporaryDirectory() as place:
        results = RUNS[name](data["vectors"], data["queries"], Path(place))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({label: result | {"peak": peak} for label, result in results.items()}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--peers", nargs="*", default=list(RUNS)[1:], choices=RUNS)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    for rows in options.rows:
        print(f"\n{rows:,} x {DIM}; ms a query; recall at {K}")
        print(
            f"{'':12} {'p50':>8} {'p95':>8} {'proc.':>8} {'recall':>7} "
            f"{'build s':>8} {'proc. s':>8} {'index MB':>9} {'peak MB':>8}"
        )
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "vectors.npz"
            np.savez(file, vectors=draw(rows, 1), queries=draw(options.queries, 2))
            for name in ["tamis", *options.peers]:
                command = [sys.executable, __file__, "--child", name, str(file)]
                done = subprocess.run(command, check=False, capture_output=True, text=True)
                if done.returncode:
                    print(f"{name:12} failed: {done.stderr.strip().splitlines()[-1]}")
                    continue
                for label, r in json.loads(done.stdout.splitlines()[-1]).items():
                    size = f"{r['disk'] / 1e6:9.1f}" if r["disk"] is not None else f"{'-':>9}"
                    print(
                        f"{label:12} {r['p50']:8.2f} {r['p95']:8.2f} {r['processor']:8.2f} "
                        f"{r['recall']:7.3f} {r['build']:8.1f} {r['build processor']:8.1f} {size} "
                        f"{r['peak']:8.0f}"
                    )


if __name__ == "__main__":
    main()
