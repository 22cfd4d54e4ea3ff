"""Writes divergences.json and evaluation.json: what numpy says of the formulas and metrics that the official code lacks.

Run in this folder: python3 make_math_fixtures.py. Needs numpy only. Independent of the Swift code: divergences are
integrated numerically, one dimension at a time; metrics average over random orders of ties."""
import json
import numpy as np

rng = np.random.default_rng(61)


def divergences():
    cases = []
    for _ in range(12):
        d = 3
        mu, nu = rng.normal(0, 0.4, d).astype(np.float32), rng.normal(0, 0.4, d).astype(np.float32)
        lu, lw = rng.uniform(-4, 0, d).astype(np.float32), rng.uniform(-4, 0, d).astype(np.float32)
        kl = bhattacharyya = 0.0
        for m, n, a, b in zip(*(x.astype(np.float64) for x in (mu, nu, lu, lw))):
            s, t = np.exp(a / 2), np.exp(b / 2)
            x = np.linspace(min(m - 14 * s, n - 14 * t), max(m + 14 * s, n + 14 * t), 400_001)
            logp = -((x - m) ** 2) / (2 * s * s) - np.log(s * np.sqrt(2 * np.pi))
            logq = -((x - n) ** 2) / (2 * t * t) - np.log(t * np.sqrt(2 * np.pi))
            kl += np.trapezoid(np.exp(logp) * (logp - logq), x)
            bhattacharyya -= np.log(np.trapezoid(np.exp((logp + logq) / 2), x))
        cases.append(dict(mean1=mu.tolist(), logvar1=lu.tolist(), mean2=nu.tolist(), logvar2=lw.tolist(),
                          kl=kl, bhattacharyya=bhattacharyya))
    return cases


def evaluation():
    queries, candidates = 40, 30
    distances = np.round(rng.uniform(0, 3, (queries, candidates)), 1)  # many ties
    right = rng.uniform(size=(queries, candidates)) < 0.08
    right[np.arange(queries), rng.integers(0, candidates, queries)] = True
    # Each right candidate's mean rank, the right ones of a tie in the order they come: by 20,000 random orders.
    ranks = []
    for d, r in zip(distances, right):
        total = np.zeros(r.sum())
        for _ in range(20_000):
            order = np.lexsort((rng.uniform(size=candidates), d))
            total += np.flatnonzero(r[order]) + 1
        ranks.append((total / 20_000).tolist())
    exact = np.round(distances + np.arange(candidates) * 1e-3, 4)  # no ties: plain definitions hold
    recall = {k: 0.0 for k in (1, 5, 10)}
    best, rprecision, average = [], 0.0, 0.0
    for d, r in zip(exact, right):
        hits = r[np.argsort(d)]
        n = int(r.sum())
        for k in recall:
            recall[k] += hits[:k].any() / queries
        best.append(int(np.argmax(hits)) + 1)
        rprecision += hits[:n].mean() / queries
        average += sum(hits[: i + 1].mean() for i in range(n) if hits[i]) / n / queries
    return dict(distances=distances.tolist(), exact=exact.tolist(),
                right=[np.flatnonzero(r).tolist() for r in right], mean_ranks=ranks,
                recall_at_1=recall[1], recall_at_5=recall[5], recall_at_10=recall[10],
                median_rank=float(np.median(best)), r_precision=rprecision, map_at_r=average)


for name, value in (("divergences", divergences()), ("evaluation", evaluation())):
    with open(f"{name}.json", "w") as file:
        json.dump(value, file)
        file.write("\n")
