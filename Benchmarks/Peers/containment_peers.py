"""Containment by others on the vectors that `SearchBenchmarks containment --export FOLDER` wrote.

    python containment_peers.py FOLDER [--dimension 768] [--runs 7] [--output FILE]

numpy, numba and torch.compile on one thread and two, from Float32 means and, as the rows say, variances kept at hand or the log
variances that are stored; "both" computes the containment of the item in the query, too, as our kernel does. Rows whose
package is missing are skipped with a notice. Each result is compared with Float64.
"""
import argparse
import json
import math
import statistics
import sys
import time

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--dimension", type=int, default=768)
parser.add_argument("--runs", type=int, default=7)
parser.add_argument("--output")
options = parser.parse_args()
d = options.dimension
means = np.fromfile(f"{options.folder}/means.f32", np.float32).reshape(-1, d)
log_variances = np.fromfile(f"{options.folder}/log_variances.f32", np.float32).reshape(-1, d)
query = np.fromfile(f"{options.folder}/query.f32", np.float32)
mean, log_variance = query[:d], query[d:]
n = len(means)
variances = np.exp(log_variances)
variance = np.exp(log_variance)
constant = float(-0.5 * log_variance.astype(np.float64).sum() - d * math.log(2 * math.pi))


def exact():
    """Float64, a thousand items at a time."""
    u = np.exp(log_variance.astype(np.float64))
    out = np.empty(n)
    for start in range(0, n, 1000):
        end = min(start + 1000, n)
        wide = u + 2 * np.exp(log_variances[start:end].astype(np.float64))
        difference = means[start:end].astype(np.float64) - mean
        out[start:end] = constant - (0.5 * np.log(wide) + difference**2 / wide).sum(1)
    return out


truth = exact()
lines = []


def measure(name, run):
    """Times `run() -> [n] containments` and prints a JSON line."""
    worst = float(np.abs(np.asarray(run(), dtype=np.float64) - truth).max())
    seconds = []
    for _ in range(options.runs):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    line = json.dumps({
        "case": f"peer/containment/{name}/D={d}/N={n}", "items": n, "seconds": seconds,
        "ns_an_item": round(1e9 * median / n, 1), "off_by_nats": worst})
    lines.append(line)
    print(line, flush=True)


def with_numpy():
    wide = variance + 2 * variances
    return constant - (0.5 * np.log(wide) + np.square(means - mean) / wide).sum(1)


measure("numpy/variances", with_numpy)

try:
    import numba

    def rows(means, variances, mean, variance, out):
        for i in numba.prange(means.shape[0]):
            total = np.float32(0)
            for j in range(means.shape[1]):
                wide = variance[j] + np.float32(2) * variances[i, j]
                difference = means[i, j] - mean[j]
                total += np.float32(0.5) * np.log(wide) + difference * difference / wide
            out[i] = total

    for threads in (1, 2):
        compiled = numba.njit(fastmath=True, parallel=threads > 1)(rows)
        if threads > 1:
            numba.set_num_threads(threads)
        out = np.empty(n, np.float32)

        def with_numba():
            compiled(means, variances, mean, variance, out)
            return constant - out.astype(np.float64)

        measure(f"numba/variances/threads={threads}", with_numba)
except ImportError as error:
    print(f"numba is skipped: {error}", file=sys.stderr)

try:
    import torch

    tensors = [torch.from_numpy(x.copy()) for x in (means, variances, log_variances, mean, variance)]
    means_, variances_, logs_, mean_, variance_ = tensors

    def from_variances():
        wide = variance_ + 2 * variances_
        difference = means_ - mean_
        return (0.5 * torch.log(wide) + difference * difference / wide).sum(1)

    def from_log_variances():
        wide = variance_ + 2 * torch.exp(logs_)
        difference = means_ - mean_
        return (0.5 * torch.log(wide) + difference * difference / wide).sum(1)

    def both():
        w = torch.exp(logs_)
        outer, inner = variance_ + 2 * w, 2 * variance_ + w
        square = (means_ - mean_) ** 2
        return (0.5 * torch.log(outer) + square / outer).sum(1), (
            0.5 * (logs_ + torch.log(inner)) + square / inner).sum(1)

    for threads in (1, 2):
        torch.set_num_threads(threads)
        for name, function in (
                ("variances", from_variances), ("log-variances", from_log_variances), ("log-variances/both", both)):
            torch._dynamo.reset()
            compiled = torch.compile(function)

            def run():
                result = compiled()
                return constant - (result[0] if isinstance(result, tuple) else result).double().numpy()

            with torch.no_grad():
                measure(f"torch.compile/{name}/threads={threads}", run)
except ImportError as error:
    print(f"torch is skipped: {error}", file=sys.stderr)

if options.output:
    with open(options.output, "w") as file:
        file.write("\n".join(lines) + "\n")
