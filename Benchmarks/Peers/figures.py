"""JSON lines of benchmarks to the figures that were to be reached: figures.py FILE.jsonl ... > figures.md

A line for each figure whose cases were measured; ratios are of medians of one file's run on one machine.
"""
import json
import statistics
import sys


def read(*paths):
    rows = []
    for path in paths:
        with open(path) as file:
            rows += [json.loads(line) for line in file if line.startswith("{")]
    return rows


def median(row):
    return statistics.median(row["seconds"])


def spread(seconds):
    """The middle one, and the least and the most where there are several."""
    if len(seconds) == 1:
        return f"{seconds[0]:.1f}"
    return f"{statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})"


def rooflines(rows):
    """N to bytes of coarse codes, the least seconds that reading them takes, and the seconds of a search."""
    found = {}
    for row in rows:
        search = fastest(rows, "penumbra", row.get("N"), "single", 10)
        if row["case"].startswith(("read/forward/", "read/to-and-fro/")) and "N" in row and search:
            read = min(median(row), found.get(row["N"], (0, float("inf")))[1])
            found[row["N"]] = row["bytes"], read, median(search)
    return found


def fastest(rows, engine, count, mode, k, kept="none"):
    found = [r for r in rows if (r.get("engine"), r.get("N"), r.get("mode"), r.get("k"), r.get("filter"))
             == (engine, count, mode, k, kept)]
    return min(found, key=median) if found else None


def named(rows, name):
    """The last of that name: files of parts are added to."""
    found = [r for r in rows if r["case"] == name and r.get("seconds")]
    return found[-1] if found else None


def verdict(reached):
    return "reached" if reached else "**missed**"


def ms(row):
    return f"{1e3 * median(row):.3f} ms"


def search_figures(rows):
    for count, wanted in ((100_000, 15), (1_000_000, 10)):
        own, flat = (fastest(rows, e, count, "single", 10) for e in ("penumbra", "faiss-flat"))
        if own and flat:
            ratio = median(flat) / median(own)
            right = own["recall"] == flat["recall"] == 1
            yield (f"one query, exact, k = 10, N = {count:,}", "FAISS IndexFlatIP", f"{wanted}x, same top 10",
                   f"{ratio:.1f}x ({ms(flat)} / {ms(own)}); both are the f64 truth of what they rank by: {'yes' if right else 'no'}",
                   ratio >= wanted and right)
    for count in (100_000, 1_000_000):
        own, other = (fastest(rows, e, count, "single", 10) for e in ("penumbra", "turbovec-4bit-rerank"))
        if own and other:
            ratio = median(other) / median(own)
            yield (f"one query, exact, k = 10, N = {count:,}", "turbovec 4 bits, top 100 ranked exactly", "1x",
                   f"{ratio:.2f}x ({ms(other)}, recall {other['recall']:.4f} / {ms(own)})", ratio >= 1)
    yield from hnsw_figure(rows)
    for count in (100_000, 1_000_000):
        for k in (10, 100):
            own, flat = (fastest(rows, e, count, "batch", k) for e in ("penumbra", "faiss-flat"))
            if own and flat:
                ratio = median(flat) / median(own)
                yield (f"1,000 queries, k = {k}, both threads, N = {count:,}", f"FAISS IndexFlatIP, {flat['core_type']}",
                       "1.3x; stretch 2x", f"{ratio:.2f}x ({ms(flat)} / {ms(own)})", ratio >= 1.3)
    yield from scan_figure(rows)
    shares = [(count, read / search) for count, (_, read, search) in sorted(rooflines(rows).items())]
    if len(shares) > 1:
        does_fall = any(b[1] < a[1] for a, b in zip(shares, shares[1:]))
        yield ("each N", "its roofline", "share does not fall with N",
               ", ".join(f"{count:,}: {share:.0%}" for count, share in shares), not does_fall)


def hnsw_figure(rows):
    own = fastest(rows, "penumbra --accuracy 0.999", 100_000, "single", 10)
    other = fastest(rows, "faiss-hnsw", 100_000, "single", 10)
    stored = next((r for r in rows if r["case"] == "store/N=100000"), None)
    if not (own and other and stored):
        return
    ratio, seconds = median(other) / median(own), statistics.median(stored["build_s"])
    sooner = other["build_s"] / seconds
    yield ("the same at `--accuracy 0.999`, N = 100,000", f"HNSW, {other.get('note', '')}, recall {other['recall']:.4f}",
           "1x, recall 0.999, built 20x sooner",
           f"{ratio:.2f}x ({ms(other)} / {ms(own)}), recall {own['recall']:.4f}; built {sooner:.1f}x sooner: {other['build_s']:.1f} s "
           f"in memory / {spread(stored['build_s'])} s on disk, synced, of {len(stored['build_s'])}",
           ratio >= 1 and own["recall"] >= 0.999 and sooner >= 20)


def scan_figure(rows):
    scan = next((r for r in rows if r["case"].startswith("scan/int8/")), None)
    reading = next((r for r in rows if r["case"].startswith("read/int8/")), None)
    if scan and reading:
        read = median(reading)
        share = read / median(scan)
        yield (f"int8 scan of {scan['N']:,}", "bytes / read bandwidth of the same run", "75 %",
               f"{share:.0%} ({scan['bytes'] / median(scan) / 1e9:.1f} of {scan['bytes'] / read / 1e9:.1f} GB/s)", share >= 0.75)


def containment_figures(rows):
    own = named(rows, "containment/exact/level=avx512vnni/threads=1/D=768/N=100000/k=10") or min(
        (r for r in rows if r["case"].startswith("containment/exact/") and "threads=1/D=768/N=100000" in r["case"]),
        key=median, default=None)
    if not own:
        return
    nanoseconds = 1e9 * median(own) / own["items"]
    yield ("containment of 1 in 100,000", "-", "under 150 ns an item", f"{nanoseconds:.0f} ns, both directions", nanoseconds < 150)
    for peer, wanted in (("torch.compile/log-variances", 5), ("torch.compile/variances", 5), ("numba/variances", 5)):
        other = named(rows, f"peer/containment/{peer}/threads=1/D=768/N=100000")
        if other:
            ratio = median(other) / median(own)
            yield ("the same, one thread each", peer, f"{wanted}x", f"{ratio:.1f}x ({ms(other)} / {ms(own)})", ratio >= wanted)


def encoding_figures(rows):
    for precision, wanted in (("f32", 2), ("bf16", 1)):
        name = f"encode/pictures/model=ViT-B-16/precision={precision}/batch=8"
        ours = [r for r in rows if r["case"] == name and "engine" not in r]
        theirs = [r for r in rows if r["case"] == name and "engine" in r]
        if ours and theirs:
            ratio = median(theirs[-1]) / median(ours[-1])
            yield (f"ViT-B/16 pictures {precision}, batch 8", theirs[-1]["engine"], f"{wanted}x",
                   f"{ratio:.2f}x ({ms(theirs[-1])} / {ms(ours[-1])})", ratio >= wanted)
    for cache, wanted, what in (("none", 0.35, "warm page cache"), ("query", 0.05, "from the query cache")):
        row = named(rows, f"start/search/model=ViT-B-16/N=100000/cache={cache}")
        if row:
            yield (f"text query from process start, {what}, 100,000 pictures", "-", f"{wanted} s", ms(row), median(row) <= wanted)


def section(rows):
    lines = ["### Figures to reach", "", "| case | against | at least | measured | |", "|---|---|---|---|---|"]
    for group in (search_figures, containment_figures, encoding_figures):
        for case, against, wanted, measured, reached in group(rows):
            lines.append(f"| {case} | {against} | {wanted} | {measured} | {verdict(reached)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(section(read(*sys.argv[1:])))
