"""Other engines on the vectors that `SearchBenchmarks --export` wrote: one engine and one way of asking a process.

    python search_peers.py FOLDER --engine NAME --mode single|batch [--limits 10,100] [--core-type unset|Haswell|...]
    python search_peers.py --list

Prints one JSON line a case, or a notice where a package is missing. Engines rank by the inner product of means, the part of
the closed-form sampled distance that costs time (ours ranks by the whole of it). `recall` is against a Float64 scan; items
within 1e-6 of the last right one count as right. The environment (OPENBLAS_CORETYPE, thread counts) is the caller's.
"""
import argparse
import json
import os
import resource
import sys
import time

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?")
parser.add_argument("--engine")
parser.add_argument("--mode", choices=["single", "batch"], default="single")
parser.add_argument("--dimension", type=int, default=768)
parser.add_argument("--limits", default="10,100")
parser.add_argument("--runs", type=int, default=40)
parser.add_argument("--seconds", type=float, default=12, help="no more runs of a case after this")
parser.add_argument("--list", action="store_true")
options = parser.parse_args()
threads = 1 if options.mode == "single" else os.cpu_count()
batch_size = 1_000


class Flat:
    """FAISS IndexFlatIP: exact."""

    def __init__(self, means):
        import faiss

        faiss.omp_set_num_threads(threads)
        self.faiss = faiss
        self.index = self.build(means)

    def build(self, means):
        index = self.faiss.IndexFlatIP(means.shape[1])
        index.add(means)
        return index

    def search(self, queries, k, kept=None):
        if kept is None:
            return self.index.search(queries, k)[1]
        selector = self.faiss.IDSelectorBatch(kept)
        return self.index.search(queries, k, params=self.parameters(selector))[1]

    def parameters(self, selector):
        return self.faiss.SearchParameters(sel=selector)


class Refined(Flat):
    """FAISS: codes first, then the exact inner products of ten times as many."""

    filters = False

    def build(self, means):
        index = self.faiss.IndexRefineFlat(self.codes(means))
        index.add(means)
        index.k_factor = 10
        return index


class SQ8(Refined):
    def codes(self, means):
        faiss = self.faiss
        codes = faiss.IndexScalarQuantizer(means.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        codes.train(means[:50_000])
        return codes


class PQFastScan(Refined):
    def codes(self, means):
        faiss = self.faiss
        codes = faiss.IndexPQFastScan(means.shape[1], means.shape[1] // 2, 4, faiss.METRIC_INNER_PRODUCT)
        codes.train(means[:20_000])
        return codes


class HNSW(Flat):
    """FAISS HNSW, M = 32, efConstruction = 200; efSearch is the least that reaches a recall of 0.99 at k = 10."""

    filters = False
    largest = 100_000

    def build(self, means):
        self.faiss.omp_set_num_threads(os.cpu_count())
        index = self.faiss.IndexHNSWFlat(means.shape[1], 32, self.faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 200
        index.add(means)
        self.faiss.omp_set_num_threads(threads)
        return index

    def tune(self, queries, recall):
        for ef in (64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048):
            self.index.hnsw.efSearch = ef
            if recall(self.search(queries, 10)) >= 0.99:
                break
        self.note = f"efSearch={ef}"


class TurboVec:
    """TurboQuant in 4 bits; the exact inner products of its closest 100 (of k = 100: 300)."""

    def __init__(self, means):
        import turbovec

        self.means = means
        self.index = turbovec.TurboQuantIndex(means.shape[1], 4)
        self.index.add(means)
        self.index.prepare()

    def search(self, queries, k, kept=None):
        mask = None
        if kept is not None:
            mask = np.zeros(len(self.means), bool)
            mask[kept] = True
        found = np.asarray(self.index.search(queries, max(100, 3 * k), mask=mask)[1]).astype(np.int64)
        rows = []
        for query, candidates in zip(queries, found):
            exact = self.means[candidates] @ query
            rows.append(candidates[np.argsort(-exact)[:k]])
        return np.array(rows)


class ScaNN:
    """ScaNN brute force in int8, the closest 10 k ranked exactly."""

    filters = False

    def __init__(self, means):
        import scann

        builder = scann.scann_ops_pybind.builder(means, 10, "dot_product")
        self.index = builder.score_brute_force(quantize=True).reorder(1000).build()

    def search(self, queries, k, kept=None):
        if len(queries) == 1:
            return self.index.search(queries[0], final_num_neighbors=k, pre_reorder_num_neighbors=10 * k)[0][None]
        search = self.index.search_batched_parallel if threads > 1 else self.index.search_batched
        return search(queries, final_num_neighbors=k, pre_reorder_num_neighbors=10 * k)[0]


class USearch:
    """usearch, exact brute force over Float32."""

    filters = False
    largest = 100_000

    def __init__(self, means):
        from usearch import index

        self.index, self.means = index, means

    def search(self, queries, k, kept=None):
        found = self.index.search(self.means, queries, k, self.index.MetricKind.IP, exact=True, threads=threads)
        return np.asarray(found.keys).reshape(len(queries), -1)


engines = {
    "faiss-flat": Flat, "faiss-sq8-refine": SQ8, "faiss-pq-fastscan-refine": PQFastScan, "faiss-hnsw": HNSW,
    "turbovec-4bit-rerank": TurboVec, "scann-int8": ScaNN, "usearch-exact": USearch,
}
if options.list:
    print(" ".join(engines))
    sys.exit()

d = options.dimension
means = np.fromfile(f"{options.folder}/means.f32", np.float32).reshape(-1, d)
queries = np.fromfile(f"{options.folder}/queries.f32", np.float32).reshape(-1, d)
checked = queries[:20]


def truth(kept):
    """Per checked query, the inner products of the closest 200 in Float64, by item."""
    path = f"{options.folder}/truth-{'all' if kept is None else len(kept)}.npy"
    if not os.path.exists(path):
        rows = means if kept is None else means[kept]
        closest = np.argpartition(-(checked @ rows.T), min(200, len(rows) - 1), axis=1)[:, :200]
        np.save(path, closest if kept is None else kept[closest])
    table = []
    for query, ids in zip(checked, np.load(path)):
        exact = means[ids].astype(np.float64) @ query.astype(np.float64)
        table.append(dict(zip(ids.tolist(), exact.tolist())))
    return table


def recall(found, table, k):
    right = 0
    for ids, exact in zip(found, table):
        border = sorted(exact.values())[-k] - 1e-6
        right += sum(exact.get(int(i), -9) >= border for i in set(map(int, ids[:k])))
    return right / (k * len(table))


cls = engines[options.engine]
if len(means) > getattr(cls, "largest", 1 << 60):
    sys.exit()
try:
    start = time.perf_counter()
    engine = cls(means)
    build = time.perf_counter() - start
except ImportError as error:
    print(f"{options.engine} is skipped: {error}", file=sys.stderr)
    sys.exit()
everything = truth(None)
if hasattr(engine, "tune"):
    engine.tune(checked, lambda found: recall(found, everything, 10))
core = os.environ.get("OPENBLAS_CORETYPE") or "unset"
hundredth = np.arange(0, len(means), 100, dtype=np.int64)
for k in map(int, options.limits.split(",")):
    for kept in (None, hundredth):
        if kept is not None and (options.mode == "batch" or not getattr(engine, "filters", True)):
            continue
        table = everything if kept is None else truth(kept)
        found = np.concatenate([engine.search(query[None], k, kept) for query in checked])
        many = np.resize(queries, (batch_size, d))
        seconds, begin = [], time.perf_counter()
        while len(seconds) < options.runs and (len(seconds) < 1 or time.perf_counter() - begin < options.seconds):
            asked = many if options.mode == "batch" else queries[len(seconds) % len(queries)][None]
            start = time.perf_counter()
            engine.search(asked, k, kept)
            seconds.append(time.perf_counter() - start)
        print(json.dumps({
            "case": f"search/engine={options.engine}/mode={options.mode}/D={d}/N={len(means)}/k={k}"
                    f"/filter={'none' if kept is None else '1%'}",
            "engine": options.engine, "mode": options.mode, "N": len(means), "k": k,
            "filter": "none" if kept is None else "1%", "threads": threads, "core_type": core,
            "note": getattr(engine, "note", ""), "recall": round(recall(found, table, k), 4),
            "build_s": round(build, 2), "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "seconds": [round(x, 7) for x in seconds]}), flush=True)
