"""JSON lines of `Benchmarks/Peers/search` to a table: search_table.py search.jsonl > table.md

Each engine stands with the core type it was fastest at; `x` is how much longer than Penumbra's exact search of the same
case it takes.
"""
import json
import statistics
import sys
from collections import defaultdict

rows = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
cases = defaultdict(dict)
for row in rows:
    if "seconds" not in row or "mode" not in row:
        continue
    row["median"] = statistics.median(row["seconds"])
    key = (row["N"], row["mode"], row["k"], row["filter"])
    best = cases[key].get(row["engine"])
    if best is None or row["median"] < best["median"]:
        cases[key][row["engine"]] = row


def spread(seconds):
    ordered = sorted(seconds)
    return f"{1e3 * ordered[len(ordered) // 4]:.2f} to {1e3 * ordered[len(ordered) * 3 // 4]:.2f}"


for (count, mode, k, kept), engines in sorted(cases.items(), key=lambda x: (x[0][0], x[0][1] == "batch", x[0][2], x[0][3] == "1%")):
    what = "1,000 queries, both threads" if mode == "batch" else "one query, one thread"
    print(f"\n### N = {count:,}, k = {k}, {what}{'' if kept == 'none' else ', filter of 1 %'}\n")
    print("| engine | median ms | quartiles | x | recall | core type | build s | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    own = engines.get("penumbra")
    for engine, row in sorted(engines.items(), key=lambda x: x[1]["median"]):
        ratio = f"{row['median'] / own['median']:.2f}" if own else ""
        note = f" ({row['note']})" if row.get("note") else ""
        print(f"| {engine}{note} | {1e3 * row['median']:.3f} | {spread(row['seconds'])} | {ratio} | {row['recall']:.4f} "
              f"| {row['core_type']} | {row['build_s']:.1f} | {row['peak_mb']} |")

print("\n### Roofline\n\n| N | bytes of coarse codes | read at GB/s | read ms | scan, exact, k = 10, ms | share |\n|---|---|---|---|---|---|")
for row in rows:
    if row.get("case", "").startswith("read/"):
        own = cases.get((row["N"], "single", 10, "none"), {}).get("penumbra")
        read = statistics.median(row["seconds"])
        if own:
            print(f"| {row['N']:,} | {row['bytes']:,} | {row['bytes'] / read / 1e9:.1f} | {1e3 * read:.3f} "
                  f"| {1e3 * own['median']:.3f} | {read / own['median']:.0%} |")
print("\n### Stored\n\n| N | store s | optimize s | bytes an item: all, coarse codes, fine codes |\n|---|---|---|---|")
for row in rows:
    if row.get("case", "").startswith("store/"):
        print(f"| {row['N']:,} | {row['store_s']:.1f} | {row['optimize_s']:.1f} "
              f"| {row['bytes_per_item']:.0f}, {row['coarse_bytes']}, {row['fine_bytes']} |")
