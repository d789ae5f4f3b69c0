"""Has Libretto and its peers do the same work, in turn, and prints the ratios.

    python src/bench/compare.py rnn                 # training; or lstm or gru; --turns 3 --epochs 10
    python src/bench/compare.py write               # greedy writing; --turns 3 --seconds 5
    python src/bench/compare.py rnn --json rnn.json

Run it from the repository's root with a Python that has src/test/python/requirements.txt. A turn runs every program once,
each in a process of its own, so that whatever else the machine does meets all of them alike; ratios are taken within a turn.
"""

import argparse
import importlib.metadata
import json
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import programs


def machine(cores=programs.THREADS):
    """The processor, in a line."""
    try:
        name = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()).group(1)
    except (OSError, AttributeError):
        name = platform.processor() or platform.machine()
    return f"{cores} cores of {name}, {platform.system()} {platform.release()}"


def versions():
    """Who is compared, each in the version that is run."""
    own = subprocess.run([programs.LIBRETTO, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    python = [f"{name} {importlib.metadata.version(name)}" for name in ("keras", "tensorflow_cpu", "torch")]
    libraries = [file.stem for file in sorted((programs.DJL / "lib").iterdir())]
    djl = [name.replace("api-", "DJL ") for name in libraries if re.match(r"api-|pytorch-native", name)]
    return [own, f"Python {platform.python_version()}", *python, ", ".join(djl)]


def compare(names, perform, turns):
    """Each program's results, one of each turn."""
    results = {name: [] for name in names}
    for turn in range(turns):
        for name in names:
            result = perform(name)
            results[name].append(result)
            print(f"turn {turn + 1}: {name}: {result.seconds:.6f} s", file=sys.stderr)
    return results


def summary(results):
    """For each program the median seconds, the ratio to Libretto's in the same turn with its spread, what it did, MiB."""
    own = results["Libretto"]
    rows = {}
    for name, turns in results.items():
        ratios = [turn.seconds / libretto.seconds for turn, libretto in zip(turns, own)]
        rows[name] = {
            "seconds": statistics.median(turn.seconds for turn in turns),
            "times_libretto": statistics.median(ratios),
            "spread": [min(ratios), max(ratios)],
            "what": turns[0].what,
            "peak_mib": max(turn.peak for turn in turns),
        }
    return rows


def show(rows, writes):
    unit, what = ("characters/s", "text") if writes else ("s/epoch", "losses of the first epochs")
    print(f"{'':24} {unit:>12} {'times Libretto':>15} {'(spread)':>15} {'MiB':>6}  {what}")
    for name, row in rows.items():
        figure = f"{1 / row['seconds']:,.0f}" if writes else f"{row['seconds']:.4f}"
        low, high = row["spread"]
        spread = f"{low:.2f} to {high:.2f}"
        shown = row["what"][:20] if writes else row["what"]
        print(f"{name:24} {figure:>12} {row['times_libretto']:15.2f} {spread:>15} {row['peak_mib']:6.0f}  {shown}")


def show_bounds(bounds, results):
    print(*(f"lower bound at {where}: {seconds:.4f} s/epoch" for where, seconds in bounds.items()), sep="\n")
    for name, turns in results.items():
        fastest = min(turn.fastest for turn in turns)
        for where, seconds in bounds.items():
            if fastest < seconds:
                print(f"the lower bound at {where} is wrong: an epoch of {name} took {fastest:.4f} s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=[*programs.SETTINGS, "write"])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10, help="epochs that are measured")
    parser.add_argument("--seconds", type=float, default=5, help="seconds of writing that are measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file to write the figures to as well")
    arguments = parser.parse_args()
    writes = arguments.work == "write"
    names, perform = (programs.WRITERS, programs.write) if writes else (programs.TRAINERS, programs.train)
    if arguments.work in ("lstm", "gru"):  # Whose 65 characters make little work of the first layer's product.
        names = [name for name in names if "lookup" not in name]
    programs.build_djl()
    print(machine(), *versions(), sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        settings = programs.prepare(folder, "rnn" if writes else arguments.work, arguments.epochs, arguments.seconds)
        results = compare(["Libretto", *names], lambda name: perform(name, settings, folder), arguments.turns)
        bounds = {} if writes else programs.lower_bounds(arguments.work, folder)
    rows = summary(results)
    show(rows, writes)
    show_bounds(bounds, results)
    if arguments.json:
        report = {"work": arguments.work, "machine": machine(), "versions": versions(), "programs": rows, "bounds": bounds}
        arguments.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
