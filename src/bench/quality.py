"""Trains nanoGPT's small transformer and Libretto in turn on the same cores; prints the validation loss of each over time.

    python src/bench/quality.py --corpus shakespeare.txt --plot quality.png
    python src/bench/quality.py --corpus shakespeare.txt --preset shakespeare --preset shakespeare-quick
    python src/bench/quality.py --corpus shakespeare.txt --only libretto -- --epochs 3

Options after -- are Libretto's, for every preset. nanoGPT is nanogpt.py, which needs PyTorch alone; the picture needs
matplotlib. Both validate on the last 10% of the text: nanoGPT in blocks of 64 characters, as it is trained, Libretto in rows
that carry their state. Seconds are those of training, without start-up and validation; those of the whole process are also
printed.
"""

import argparse
import csv
import importlib.metadata
import importlib.util
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from compare import machine

HERE = Path(__file__).resolve().parent
# Wong's colours, in the order of the other pictures.
COLORS = ["#000000", "#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00", "#cc79a7"]


@dataclass
class Point:
    """A validation: the iteration or epoch, the seconds of training before it, and its loss in nats per character."""

    step: int
    seconds: float
    loss: float


@dataclass
class Curve:
    """A program's validations.

    unit: iteration or epoch
    process_seconds: from the start of the process to its end
    """

    name: str
    unit: str
    points: list
    process_seconds: float


def run(command, read):
    """Returns what `read` makes of a program's output, and the seconds of the process."""
    start = time.perf_counter()
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise SystemExit(f"quality.py: cannot start {command[0]} ({error.strerror}); build it or name another") from None
    with process:
        result = read(process.stdout)
    if process.returncode:
        raise SystemExit(f"quality.py: {shlex.join(command)} failed with exit code {process.returncode}")
    return result, time.perf_counter() - start


def show_progress(name, point, unit):
    print(f"{name}: {unit} {point.step}: {point.seconds:.1f} s, {point.loss:.4f}", file=sys.stderr, flush=True)


def train_nanogpt(corpus, threads, iterations, compiled):
    name = "nanoGPT, compiled" if compiled else "nanoGPT"

    def read(out):
        points = []
        for line in out:
            points.append(Point(**json.loads(line)))
            show_progress(name, points[-1], "iteration")
        return points

    command = [sys.executable, str(HERE / "nanogpt.py"), "--corpus", str(corpus), "--threads", str(threads)]
    command += ["--iterations", str(iterations), *(["--compile"] if compiled else [])]
    return Curve(name, "iteration", *run(command, read))


def train_libretto(libretto, preset, corpus, options):
    name = f"Libretto, {' '.join([preset, *options])}"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        # The whole text as nanoGPT reads it, whatever the preset says.
        command = [*libretto, "train", "--preset", preset, "--corpus", str(corpus), "--run", str(folder), *options]
        command += ["--max-chars", "0", "--keep-newlines", "--validation-fraction", "0.1"]
        _, process_seconds = run(command, lambda out: sys.stderr.writelines(out))
        points = read_metrics(folder / "metrics.csv")
    if not points:
        raise SystemExit(f"quality.py: {name} has trained no epoch; give it at least one")
    show_progress(name, points[-1], "epoch")
    return Curve(name, "epoch", points, process_seconds)


def read_metrics(file):
    points, seconds = [], 0.0
    with file.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            seconds += float(row["seconds"])
            points.append(Point(int(row["epoch"]), seconds, float(row["validation_loss"])))
    return points


def show(curve):
    print(f"\n{curve.name}\n{curve.unit:>10} {'seconds':>10} {'nats/char':>10}")
    for point in curve.points:
        print(f"{point.step:10,} {point.seconds:10.1f} {point.loss:10.4f}")
    print(f"{curve.process_seconds:.1f} s of the process, with start-up and validation", flush=True)


def compared(goal, curve):
    """What a curve has reached by nanoGPT's last loss and by its time; only what was validated counts."""
    end = goal.points[-1]
    reached = next((point for point in curve.points if point.loss <= end.loss), None)
    in_time = [point.loss for point in curve.points if point.seconds <= end.seconds]
    first = (
        f"reached {goal.name}'s last loss, {end.loss:.4f}, in {reached.seconds:.1f} of its {end.seconds:.1f} s"
        f" ({reached.seconds / end.seconds:.2f})"
        if reached
        else f"did not reach {goal.name}'s last loss, {end.loss:.4f}"
    )
    second = f"had {min(in_time):.4f} in its time" if in_time else "validated for the first time after that time"
    return f"{curve.name}: {first}; {second}"


def plot(curves, file):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"font.family": "sans-serif", "font.size": 11, "axes.edgecolor": "#404040"})
    figure, axes = pyplot.subplots(figsize=(9, 5.4 + 0.22 * (len(curves) - 1)), dpi=100, layout="constrained")
    axes.set_title("Validation loss over training time", fontweight="bold")
    axes.set_xlabel("seconds of training")
    axes.set_ylabel("validation loss, nats per character")
    axes.grid(color="#e6e6e6")
    axes.set_axisbelow(True)
    for i, curve in enumerate(curves):
        x, y = [point.seconds for point in curve.points], [point.loss for point in curve.points]
        best = min(curve.points, key=lambda point: point.loss)
        label = f"{curve.name}, lowest {best.loss:.3f} after {best.seconds:,.0f} s"
        style = {"color": COLORS[i % len(COLORS)], "marker": "osD^vPX"[i % 7], "markersize": 5}
        axes.plot(x, y, label=label, linestyle=["-", "--", "-.", ":"][i % 4], linewidth=1.5, **style)
    axes.set_xlim(left=0)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), frameon=False)
    figure.savefig(file)


def parse():
    arguments = sys.argv[1:]
    end = arguments.index("--") if "--" in arguments else len(arguments)
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage="%(prog)s [options] [-- LIBRETTO'S]"
    )
    parser.add_argument("--corpus", type=Path, required=True, metavar="FILE", help="text to train on, in UTF-8")
    parser.add_argument("--preset", action="append", metavar="NAME", help="Libretto's preset, shakespeare; repeat it for several")
    parser.add_argument("--only", choices=["nanogpt", "libretto"], help="train only one of them")
    parser.add_argument("--libretto", default="./libretto", metavar="COMMAND", help="how to start Libretto, ./libretto")
    parser.add_argument("--threads", type=int, default=len(cores), metavar="N", help="cores to compute on, all by default")
    parser.add_argument("--compile", action="store_true", help="train nanoGPT with torch.compile")
    parser.add_argument("--iterations", type=int, default=2000, metavar="N", help="nanoGPT's iterations, 2000")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file to write the figures to as well")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="picture to draw")
    options = parser.parse_args(arguments[:end])
    if not options.corpus.is_file():
        parser.error(f"--corpus needs a file (got {options.corpus})")
    if not 1 <= options.threads <= len(cores):
        parser.error(f"--threads must be from 1 to {len(cores)} (got {options.threads})")
    if options.iterations < 1:
        parser.error(f"--iterations must be at least 1 (got {options.iterations})")
    for file in filter(None, (options.json, options.plot)):
        if not file.resolve().parent.is_dir():
            parser.error(f"there is no directory {file.parent} to write {file} to")
    if options.plot and importlib.util.find_spec("matplotlib") is None:
        parser.error("--plot needs matplotlib, which this Python does not have")
    if options.only != "libretto" and importlib.util.find_spec("torch") is None:
        parser.error("nanoGPT needs PyTorch, which this Python does not have; use another Python or --only libretto")
    # Programs that are started later inherit it.
    os.sched_setaffinity(0, cores[: options.threads])
    return options, arguments[end + 1 :]


def main():
    options, libretto_options = parse()
    corpus = options.corpus.resolve()
    libretto = shlex.split(options.libretto)
    report = {"machine": machine(options.threads), "corpus": corpus.name, "versions": []}
    curves = []
    if options.only != "libretto":
        report["versions"].append(f"torch {importlib.metadata.version('torch')}")
        curves.append(train_nanogpt(corpus, options.threads, options.iterations, options.compile))
    if options.only != "nanogpt":
        report["versions"].append(run([*libretto, "--version"], lambda out: out.read().strip())[0])
        for preset in options.preset or ["shakespeare"]:
            curves.append(train_libretto(libretto, preset, corpus, libretto_options))
    print(report["machine"], *report["versions"], corpus.name, sep="\n")
    for curve in curves:
        show(curve)
    if options.only is None:
        print("", *(compared(curves[0], curve) for curve in curves[1:]), sep="\n")
    if options.json:
        text = json.dumps(report | {"curves": [asdict(curve) for curve in curves]}, indent=2, ensure_ascii=False)
        options.json.write_text(text + "\n", encoding="utf-8")
    if options.plot:
        plot(curves, options.plot)


if __name__ == "__main__":
    main()
