"""JSON lines of `Benchmarks/Peers/search` to a table: search_table.py search.jsonl > table.md

`x` is how much longer than Penumbra's exact search of the same case an engine takes. An engine with lines of several core
types stands with the one it was fastest at. The figures to reach come last, see figures.py.
"""
import json
import statistics
import sys
from collections import defaultdict

import figures


def spread(seconds):
    if len(seconds) < 4:
        return f"{1e3 * min(seconds):.2f} to {1e3 * max(seconds):.2f} ({len(seconds)} runs)"
    low, _, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return f"{1e3 * low:.2f} to {1e3 * high:.2f}"


def searches(rows):
    cases = defaultdict(dict)
    for row in rows:
        if "mode" in row:
            best = cases[row["N"], row["mode"], row["k"], row["filter"]]
            other = best.get(row["engine"])
            if other is None or figures.median(row) < figures.median(other):
                best[row["engine"]] = row
    order = sorted(cases, key=lambda x: (x[0], x[1] == "batch", x[2], x[3] == "1%"))
    for count, mode, k, kept in order:
        what = "1,000 queries, both threads" if mode == "batch" else "one query, one thread"
        print(f"\n### N = {count:,}, k = {k}, {what}{'' if kept == 'none' else ', filter of 1 %'}\n")
        print("| engine | median ms | quartiles | x | recall | core type | build s | peak MB |")
        print("|---|---|---|---|---|---|---|---|")
        engines = cases[count, mode, k, kept]
        own = engines.get("penumbra")
        for engine, row in sorted(engines.items(), key=lambda x: figures.median(x[1])):
            ratio = f"{figures.median(row) / figures.median(own):.2f}" if own else ""
            note = f" ({row['note']})" if row.get("note") else ""
            print(f"| {engine}{note} | {1e3 * figures.median(row):.3f} | {spread(row['seconds'])} | {ratio} "
                  f"| {row['recall']:.4f} | {row['core_type']} | {row['build_s']:.1f} | {row['peak_mb']} |")


def rungs(rows):
    print("\n### Items each rung touched, one query\n\n| N | k | search | coarse codes | means | residual codes | fine codes | exact |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        if row.get("rungs") and row["core_type"] not in ("portable", "avx2", "avx512"):
            kept = ", 1 %" if row["filter"] == "1%" else ""
            print(f"| {row['N']:,} | {row['k']} | {row['engine']}{kept} | " + " | ".join(f"{n:,}" for n in row["rungs"]) + " |")


def roofline(rows):
    print("\n### Roofline\n\nThe share is what reading the coarse codes takes, through what the search takes (exact, k = 10, one "
          "thread). They are read where\nthe search reads them, forward and to and fro; the faster counts.\n")
    print("| N | bytes of coarse codes | read at GB/s | read ms | search ms | share |\n|---|---|---|---|---|---|")
    for count, (size, read, search) in sorted(figures.rooflines(rows).items()):
        print(f"| {count:,} | {size:,} | {size / read / 1e9:.1f} | {1e3 * read:.3f} | {1e3 * search:.3f} | {read / search:.0%} |")


def stored(rows):
    optimized = {row["N"]: row["seconds"][0] for row in rows if row["case"].startswith("optimize/")}
    print("\n### Stored\n\n| N | build s | optimize s | bytes an item: all, codes: coarse, residual, fine | peak MB |\n|---|---|---|---|---|")
    for row in rows:
        if row["case"].startswith("store/"):
            print(f"| {row['N']:,} | {figures.spread(row['build_s'])} | {optimized.get(row['N'], 0):.1f} | {row['bytes_per_item']:.0f}, "
                  f"{row['coarse_bytes']}, {row['residual_bytes']}, {row['fine_bytes']} | {row.get('peak_mb', '')} |")


if __name__ == "__main__":
    rows = figures.read(sys.argv[1])
    searches(rows)
    rungs(rows)
    roofline(rows)
    stored(rows)
    print("\nPeaks of memory: ours with the pages of the index's map that were touched; the others' with the vectors they were given."
          "\nturbovec reads a plane of sign bits first (96 of 384 bytes an item at D = 768) and ranks a shortlist in four bits: not a "
          "full scan of\nits codes, and it promises nothing.\n")
    print(figures.section(rows))
