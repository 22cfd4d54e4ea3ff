"""Other engines on the vectors that `SearchBenchmarks --export` wrote: one engine a process.

    python search_peers.py FOLDER --engine NAME [--modes single,batch] [--first N] [--runs N] [--seconds S] [--probe]
    python search_peers.py FOLDER --truth
    python search_peers.py --list

Prints one JSON line a case, or a notice where a package is missing. Engines rank by the inner product of means, the part of
the closed-form sampled distance that costs time (ours ranks by the whole of it). `recall` is against a Float64 scan, whose
closest items --truth finds beforehand; items within 1e-6 of the last right one count as right. What a filter needs (bitmaps,
masks) is made before anything is timed. The environment (OPENBLAS_CORETYPE, thread counts) is the caller's.
"""
import argparse
import json
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("folder", nargs="?")
parser.add_argument("--engine")
parser.add_argument("--modes", default="single")
parser.add_argument("--dimension", type=int, default=768)
parser.add_argument("--first", type=int, help="only so many of the vectors")
parser.add_argument("--runs", type=int, default=200)
parser.add_argument("--seconds", type=float, default=3, help="no more runs of a case after this; twice of it for 1,000 queries")
parser.add_argument("--probe", action="store_true", help="k = 10 without a filter only, and no recall")
parser.add_argument("--truth", action="store_true")
parser.add_argument("--list", action="store_true")
options = parser.parse_args()
processors = os.cpu_count()


class Flat:
    """FAISS IndexFlatIP: exact."""

    def __init__(self, means):
        import faiss

        self.faiss = faiss
        faiss.omp_set_num_threads(processors)
        self.index = self.build(means)
        self.selectors = {}

    def use(self, threads):
        self.faiss.omp_set_num_threads(threads)

    def build(self, means):
        index = self.faiss.IndexFlatIP(means.shape[1])
        index.add(means)
        return index

    def selector(self, kept):
        """Made once a filter, and kept: FAISS holds only its address."""
        if len(kept) not in self.selectors:
            bits = np.zeros(self.index.ntotal, bool)
            bits[kept] = True
            bitmap = np.packbits(bits, bitorder="little")
            self.selectors[len(kept)] = self.parameters(self.faiss.IDSelectorBitmap(bitmap)), bitmap
        return self.selectors[len(kept)][0]

    def search(self, queries, k, kept=None):
        if kept is None:
            return self.index.search(queries, k)[1]
        return self.index.search(queries, k, params=self.selector(kept))[1]

    def parameters(self, selector):
        return self.faiss.SearchParameters(sel=selector)


class Refined(Flat):
    """FAISS: codes first, then the exact inner products of ten times as many."""

    def build(self, means):
        index = self.faiss.IndexRefineFlat(self.codes(means))
        index.add(means)
        index.k_factor = 10
        return index

    def parameters(self, selector):
        base = self.faiss.SearchParameters(sel=selector)
        return self.faiss.IndexRefineSearchParameters(k_factor=10, base_index_params=base)


class SQ8(Refined):
    def codes(self, means):
        faiss = self.faiss
        codes = faiss.IndexScalarQuantizer(means.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        codes.train(means[:50_000])
        return codes


class PQFastScan(Refined):
    """In four bits; ranked exactly are as many as it takes for a recall of 0.99, at least ten times k."""

    filters = False

    def codes(self, means):
        faiss = self.faiss
        codes = faiss.IndexPQFastScan(means.shape[1], means.shape[1] // 2, 4, faiss.METRIC_INNER_PRODUCT)
        codes.train(means[:20_000])
        return codes

    def tune(self, k, recall):
        for factor in (10, 20, 40, 80, 160, 320, 640):
            self.index.k_factor, self.note = factor, f"{factor * k} ranked exactly"
            if recall() >= 0.99:
                break


class HNSW(Flat):
    """FAISS HNSW, M = 32, efConstruction = 200; efSearch is the least that reaches a recall of 0.99."""

    filters = False
    sizes = range(50_000, 100_001)

    def build(self, means):
        index = self.faiss.IndexHNSWFlat(means.shape[1], 32, self.faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 200
        index.add(means)
        return index

    def tune(self, k, recall):
        for ef in [*range(32, 256, 8), *range(256, 512, 16), *range(512, 2049, 64)]:
            self.index.hnsw.efSearch, self.note = ef, f"efSearch={ef}"
            if ef >= k and recall() >= 0.99:
                break


class TurboVec:
    """TurboQuant in 4 bits; the exact inner products of its closest 100 (of k = 100: 300).

    It reads a plane of sign bits first and ranks a shortlist in four bits: not all of its codes are read.
    """

    def __init__(self, means):
        import turbovec

        self.means = means
        self.index = turbovec.TurboQuantIndex(means.shape[1], 4)
        self.index.add(means)
        self.index.prepare()
        self.masks = {}
        try:
            import numba

            self.products = numba.njit(products, fastmath=True, nogil=True, cache=True)
        except ImportError as error:
            print(f"turbovec's closest are ranked by numpy: {error}", file=sys.stderr)
            self.products = products_by_numpy

    def use(self, threads):
        self.threads, self.pool = threads, ThreadPoolExecutor(threads)

    def search(self, queries, k, kept=None):
        mask = None if kept is None else self.mask(kept)
        found = np.asarray(self.index.search(queries, max(100, 3 * k), mask=mask)[1]).astype(np.int64)
        exact = np.empty(found.shape, np.float32)
        if len(queries) == 1:
            self.products(self.means, queries, found, exact)
        else:
            parts = [np.array_split(array, self.threads) for array in (queries, found, exact)]
            list(self.pool.map(lambda part: self.products(self.means, *part), zip(*parts)))
        return np.take_along_axis(found, np.argsort(-exact, axis=1)[:, :k], axis=1)

    def mask(self, kept):
        if len(kept) not in self.masks:
            mask = np.zeros(len(self.means), bool)
            mask[kept] = True
            self.masks[len(kept)] = mask
        return self.masks[len(kept)]


def products(means, queries, found, out):
    """The inner products of each query with its candidates; compiled by numba."""
    for row in range(len(queries)):
        for i in range(found.shape[1]):
            item, total = found[row, i], np.float32(0)
            for j in range(means.shape[1]):
                total += means[item, j] * queries[row, j]
            out[row, i] = total


def products_by_numpy(means, queries, found, out):
    """The same."""
    for query, items, row in zip(queries, found, out):
        row[:] = means[items] @ query


class ScaNN:
    """ScaNN brute force in int8, the closest 10 k ranked exactly."""

    filters = False

    def __init__(self, means):
        import scann

        builder = scann.scann_ops_pybind.builder(means, 10, "dot_product")
        self.index = builder.score_brute_force(quantize=True).reorder(1000).build()

    def use(self, threads):
        self.threads = threads

    def search(self, queries, k, kept=None):
        if len(queries) == 1:
            return self.index.search(queries[0], final_num_neighbors=k, pre_reorder_num_neighbors=10 * k)[0][None]
        search = self.index.search_batched_parallel if self.threads > 1 else self.index.search_batched
        return search(queries, final_num_neighbors=k, pre_reorder_num_neighbors=10 * k)[0]


class USearch:
    """usearch, exact brute force over Float32."""

    filters = False
    sizes = range(100_001)

    def __init__(self, means):
        from usearch import index

        self.index, self.means = index, means

    def use(self, threads):
        self.threads = threads

    def search(self, queries, k, kept=None):
        found = self.index.search(
            self.means, queries, k, self.index.MetricKind.IP, exact=True, threads=self.threads)
        return np.asarray(found.keys).reshape(len(queries), -1)


engines = {
    "faiss-flat": Flat, "faiss-sq8-refine": SQ8, "faiss-pq-fastscan-refine": PQFastScan, "faiss-hnsw": HNSW,
    "turbovec-4bit-rerank": TurboVec, "scann-int8": ScaNN, "usearch-exact": USearch,
}
if options.list:
    print(" ".join(engines))
    sys.exit()

d = options.dimension
total = os.path.getsize(f"{options.folder}/means.f32") // (4 * d)
count = min(total, options.first or total)
hundredth = np.arange(0, count, 100, dtype=np.int64)
queries = np.fromfile(f"{options.folder}/queries.f32", np.float32).reshape(-1, d)
checked = queries[:100 if total <= 100_000 else 50]
cls = engines.get(options.engine)
if cls and count not in getattr(cls, "sizes", range(1 << 60)):
    sys.exit()
means = np.fromfile(f"{options.folder}/means.f32", np.float32, count * d).reshape(-1, d)


def truth_path(kept):
    return f"{options.folder}/truth-{'all' if kept is None else '1%'}.npz"


def find_truth(kept):
    """Per checked query the closest 200: by Float32 products in blocks, then in Float64."""
    rows = means if kept is None else means[kept]
    most = min(200, len(rows))
    ids = np.argpartition(-(checked @ rows.T), most - 1, axis=1)[:, :most]
    exact = np.array([rows[i].astype(np.float64) @ q.astype(np.float64) for i, q in zip(ids, checked)])
    np.savez(truth_path(kept), ids=ids if kept is None else kept[ids], exact=exact)


if options.truth:
    find_truth(None)
    find_truth(hundredth)
    sys.exit()


def truth(kept):
    stored = np.load(truth_path(kept))
    return [dict(zip(i.tolist(), e.tolist())) for i, e in zip(stored["ids"], stored["exact"])]


def recall(found, table, k):
    right = 0
    for ids, exact in zip(found, table):
        border = sorted(exact.values())[-k] - 1e-6
        right += sum(exact.get(int(i), -9) >= border for i in set(map(int, ids[:k])))
    return right / (k * len(table))


def answers_one_by_one(k, kept=None):
    return np.concatenate([engine.search(query[None], k, kept) for query in checked])


def measure(mode, k, kept):
    """One case as a JSON line: first a run for recall, which counts for time only where it takes long."""
    many, right, seconds = np.resize(queries, (1_000, d)), None, []
    runs, most = (options.runs, options.seconds) if mode == "single" else (7, 2 * options.seconds)
    start = time.perf_counter()
    if options.probe:
        engine.search(many[:50 if mode == "batch" else 1], k, kept)
    elif mode == "single":
        right = recall(answers_one_by_one(k, kept), truth(kept), k)
    else:
        found = engine.search(many, k, kept)
        first = time.perf_counter() - start
        right = recall(found, truth(kept), k)
        if first > most:  # so slow that it counts for time, too
            seconds, most = [first], 0
    begin = time.perf_counter()
    while len(seconds) < runs and (not seconds or time.perf_counter() - begin < most):
        asked = many if mode == "batch" else queries[len(seconds) % len(queries)][None]
        start = time.perf_counter()
        engine.search(asked, k, kept)
        seconds.append(time.perf_counter() - start)
    what = "none" if kept is None else "1%"
    print(json.dumps({
        "case": f"search/engine={options.engine}/mode={mode}/D={d}/N={count}/k={k}/filter={what}",
        "engine": options.engine, "mode": mode, "N": count, "k": k, "filter": what,
        "threads": 1 if mode == "single" else processors, "core_type": os.environ.get("OPENBLAS_CORETYPE") or "unset",
        "note": getattr(engine, "note", ""), "recall": right if right is None else round(right, 4),
        "build_s": round(build, 2), "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "seconds": [round(x, 7) for x in seconds]}), flush=True)
    return max(seconds)


try:
    start = time.perf_counter()
    engine = cls(means)
    build = time.perf_counter() - start
except ImportError as error:
    print(f"{options.engine} is skipped: {error}", file=sys.stderr)
    sys.exit()
for mode in options.modes.split(","):
    engine.use(1 if mode == "single" else processors)
    for k in (10,) if options.probe else (10, 100):
        if hasattr(engine, "tune") and not options.probe:
            engine.tune(k, lambda: recall(answers_one_by_one(k), truth(None), k))
        slowest = measure(mode, k, None)
        if not options.probe and getattr(engine, "filters", True):
            measure(mode, k, hundredth)
        if slowest > 20:
            print(f"{options.engine} takes {slowest:.0f} s for 1,000 queries: larger k are left out", file=sys.stderr)
            break
