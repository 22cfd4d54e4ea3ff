"""All other engines on the vectors of a folder, each in processes of its own, as JSON lines:

    python search_processes.py FOLDER --cores FILE [--engines "NAME ..."] >> search.jsonl

What multiplies matrices runs with the core type of OpenBLAS (OPENBLAS_CORETYPE) that is best for it: each is tried shortly,
on 100,000 vectors at most, and the best is measured at length. What was found is kept in FILE for other sizes.
$RUN is put before every process (flock, say). An engine that fails is named on stderr, and the others go on.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--cores", required=True)
parser.add_argument("--engines")
options = parser.parse_args()
program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "search_peers.py")
run = shlex.split(os.environ.get("RUN", ""))
core_types = ["unset", "Haswell", "Zen", "SkylakeX"]
# $PROBE names others that are to be tried. SQ8, PQ and turbovec were, with 10,000 vectors on a shared machine: no type was
# clearly ahead of none. HNSW, ScaNN and usearch were never tried.
uses_blas = set(os.environ.get("PROBE", "faiss-flat").split())
# Takes its number of threads when it starts; the rest is told while it runs.
in_two_processes = {"faiss-flat", "turbovec-4bit-rerank"}


def lines(arguments, modes, core):
    """The JSON lines of a process, or none with a notice."""
    threads = str(os.cpu_count()) if modes == "batch" else "1"
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    environment |= {"OPENBLAS_NUM_THREADS": threads, "RAYON_NUM_THREADS": threads}
    if core != "unset":
        environment["OPENBLAS_CORETYPE"] = core
    command = run + [sys.executable, program, options.folder, *arguments]
    if modes:
        command += ["--modes", modes]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        print(f"{' '.join(arguments)} {modes} failed with {done.returncode}", file=sys.stderr)
    return [line for line in done.stdout.splitlines() if line.startswith("{")]


def best_core(engine, mode):
    key = f"{engine}/{mode}"
    known = json.load(open(options.cores)) if os.path.exists(options.cores) else {}
    if key not in known:
        times = {}
        for core in core_types:
            arguments = ["--engine", engine, "--probe", "--first", "100000", "--seconds", "0.7"]
            for line in lines(arguments, mode, core):
                times[core] = min(json.loads(line)["seconds"])
        known[key] = min(times, key=times.get) if times else "unset"
        print(f"{key}: " + ", ".join(f"{c} {1e3 * t:.3f} ms" for c, t in times.items()), file=sys.stderr)
        json.dump(known, open(options.cores, "w"))
    return known[key]


lines(["--truth"], "", "unset")
listed = subprocess.run([sys.executable, program, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
for engine in (options.engines or listed).split():
    begin = time.time()
    for modes in ["single", "batch"] if engine in in_two_processes | uses_blas else ["single,batch"]:
        core = best_core(engine, modes) if engine in uses_blas else "unset"
        for line in lines(["--engine", engine], modes, core):
            print(line, flush=True)
            row = json.loads(line)
            print(f"{row['case']:96} {1e3 * statistics.median(row['seconds']):10.3f} ms  recall {row['recall']:.4f}"
                  f"  {row['core_type']}, built in {row['build_s']} s, {row['peak_mb']} MB", file=sys.stderr)
    print(f"{engine}: {time.time() - begin:.0f} s", file=sys.stderr)
