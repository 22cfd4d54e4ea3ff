"""Other engines on the vectors that SearchBenchmarks --export wrote: one query, one thread, median of the runs.

    python search_peers.py FOLDER [--dimension 768] [--limit 10] [--hnsw]

Rows whose package is missing are skipped with a notice. Each answer's recall is against a full Float64 scan of dot
products. FAISS searches inner products of the means: the part of CSD that costs time.
"""
import argparse
import json
import statistics
import time

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--dimension", type=int, default=768)
parser.add_argument("--limit", type=int, default=10)
parser.add_argument("--runs", type=int, default=40)
parser.add_argument("--hnsw", action="store_true", help="build HNSW too: minutes at 100,000")
options = parser.parse_args()
d, k = options.dimension, options.limit
means = np.fromfile(f"{options.folder}/means.f32", np.float32).reshape(-1, d)
queries = np.fromfile(f"{options.folder}/queries.f32", np.float32).reshape(-1, d)
truth = [set(np.argsort(-(means @ query.astype(np.float64)), kind="stable")[:k]) for query in queries]


def measure(name, search, build_seconds):
    """Times `search(query) -> ids` and prints a JSON line."""
    found = sum(len(truth[i] & set(map(int, search(query)))) for i, query in enumerate(queries))
    seconds = []
    for run in range(options.runs):
        query = queries[run % len(queries)]
        start = time.perf_counter()
        search(query)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "case": f"peer/{name}/D={d}/N={len(means)}/k={k}", "recall": round(found / (k * len(queries)), 4),
        "median_ms": round(1e3 * statistics.median(seconds), 3), "min_ms": round(1e3 * min(seconds), 3),
        "max_ms": round(1e3 * max(seconds), 3), "build_s": round(build_seconds, 2)}), flush=True)


def timed(build):
    start = time.perf_counter()
    result = build()
    return result, time.perf_counter() - start


try:
    import faiss

    faiss.omp_set_num_threads(1)

    def flat():
        index = faiss.IndexFlatIP(d)
        index.add(means)
        return index

    index, seconds = timed(flat)
    measure("faiss-flat", lambda query: index.search(query[None], k)[1][0], seconds)
    del index
    if options.hnsw:
        def hnsw():
            index = faiss.IndexHNSWFlat(d, 32, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = 200
            index.add(means)
            return index

        graph, seconds = timed(hnsw)
        for ef in (64, 128, 256, 512):
            graph.hnsw.efSearch = ef
            measure(f"faiss-hnsw-ef{ef}", lambda query: graph.search(query[None], k)[1][0], seconds)
except ImportError:
    print("faiss-cpu is missing: its rows are skipped", flush=True)

try:
    import turbovec

    def turbo():
        index = turbovec.TurboQuantIndex(d, 4)
        index.add(means)
        index.prepare()
        return index

    quantised, seconds = timed(turbo)

    def search(query):
        candidates = np.asarray(quantised.search(query[None], max(100, 3 * k))[1][0]).astype(np.int64)
        return candidates[np.argsort(-(means[candidates] @ query))[:k]]

    measure("turbovec-4bit-rerank", search, seconds)
except ImportError:
    print("turbovec is missing: its row is skipped", flush=True)
