"""Trains the same batches with Libretto and its peers, in turn, and prints the ratios.

    python src/bench/compare.py rnn            # or lstm; --turns 3 --epochs 10

Run it from the repository's root with a Python that has src/test/python/requirements.txt. A turn runs every program once, each in a process
of its own, so that whatever else the machine does meets all of them alike; ratios are taken within a turn.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from workload import BURN_IN

HERE = Path(__file__).resolve().parent
LIBRETTO = Path("libretto").resolve()
WORKLOADS = {
    "rnn": {"cell": "rnn", "layers": 1, "T": 35, "B": 32, "H": 256, "rate": 100, "clip": 0.01},
    "lstm": {"cell": "lstm", "layers": 2, "T": 64, "B": 64, "H": 512, "rate": 1, "clip": 0.01},
}
PEERS = {
    "Keras, tf.function": ["tensorflow_keras.py", "function"],
    "Keras, eager": ["tensorflow_keras.py", "eager"],
    "PyTorch": ["pytorch.py", "eager"],
    "PyTorch, compiled": ["pytorch.py", "compiled"],
    "PyTorch, embedding": ["pytorch.py", "embedding"],
}


def text_of(name):
    if name == "rnn":
        return Path("data/lyrics.txt").read_text(encoding="utf-8")[:10_000].replace("\n", " ").replace("\r", " ")
    draw = random.Random(1)
    symbols = [chr(ord(" ") + i) for i in range(65)]
    return "".join(symbols + [symbols[min(draw.randrange(65), draw.randrange(65))] for _ in range(64 * 257 - 65)])


def train_command(settings, folder, epochs, run):
    return [
        LIBRETTO, "train", "--corpus", folder / "text.txt", "--max-chars", "0", "--epochs", str(epochs),
        "--cell", settings["cell"], "--layers", str(settings["layers"]), "--hidden-size", str(settings["H"]),
        "--seq-length", str(settings["T"]), "--batch-size", str(settings["B"]), "--run", folder / run,
        "--learning-rate", str(settings["rate"]), "--clip-norm", str(settings["clip"]), "--overwrite",
        "--checkpoint-every", "1000000", "--report-every", "1000000", "--length", "1",
    ]  # fmt: skip


def prepare(name, folder, epochs):
    settings = WORKLOADS[name] | {"epochs": epochs}
    (folder / "text.txt").write_text(text_of(name), encoding="utf-8")
    (folder / "settings.json").write_text(json.dumps(settings))
    subprocess.run(train_command(settings, folder, 0, "start"), check=True, stdout=sys.stderr, cwd=folder)
    for layout, file in [("keras", "weights.npz"), ("pytorch", "weights.safetensors")]:
        form = file.split(".")[1]
        command = [LIBRETTO, "export", "--run", folder / "start", "--format", form]
        subprocess.run([*command, "--layout", layout, "--out", folder / file], check=True, cwd=folder)
    return settings


def run(command, folder):
    """Runs a program to its end: what it printed, and its peak of resident memory in MiB."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(map(str, command))} failed; run it alone to see why")
        out.seek(0)
        return out.read(), usage.ru_maxrss / 1024


def run_libretto(settings, folder):
    _, peak = run(train_command(settings, folder, settings["epochs"] + BURN_IN, "trained"), folder)
    header, *rows = (folder / "trained" / "metrics.csv").read_text().splitlines()
    columns = header.split(",")
    epochs = [dict(zip(columns, row.split(","))) for row in rows]
    return [float(epoch["seconds"]) for epoch in epochs], [float(epoch["loss"]) for epoch in epochs], peak


def run_peer(words, folder):
    program, how = words
    out, peak = run([sys.executable, HERE / program, folder, how], folder)
    epochs = [json.loads(line) for line in out.splitlines()]
    return [epoch["seconds"] for epoch in epochs], [epoch["loss"] for epoch in epochs], peak


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    results = {name: [] for name in ["Libretto", *PEERS]}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        settings = prepare(arguments.workload, folder, arguments.epochs)
        for turn in range(arguments.turns):
            for name in results:
                runner = run_peer(PEERS[name], folder) if name in PEERS else run_libretto(settings, folder)
                results[name].append(runner)
                print(f"turn {turn + 1}: {name}: {statistics.median(runner[0][BURN_IN:]):.4f} s", file=sys.stderr)
    own = [statistics.median(seconds[BURN_IN:]) for seconds, _, _ in results["Libretto"]]
    print(f"{'':20} {'s/epoch':>9} {'times Libretto':>15} {'(spread)':>15} {'loss 1':>9} {'loss 2':>9} {'MiB':>6}")
    for name, turns in results.items():
        medians = [statistics.median(seconds[BURN_IN:]) for seconds, _, _ in turns]
        ratios = [median / libretto for median, libretto in zip(medians, own)]
        losses = turns[0][1]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(
            f"{name:20} {statistics.median(medians):9.4f} {statistics.median(ratios):15.2f} {spread:>15} "
            f"{losses[0]:9.5f} {losses[1]:9.5f} {max(peak for _, _, peak in turns):6.0f}"
        )


if __name__ == "__main__":
    main()
