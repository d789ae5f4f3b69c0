"""Libretto and its peers as processes: the folder that they find their work in, how each is started, and what it gave."""

import functools
import json
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIBRETTO = ROOT / "libretto"
DJL = ROOT / "target" / "djl"
THREADS = len(os.sched_getaffinity(0))

# Seconds of writing before the measured ones.
BURN_IN_SECONDS = 3

# burn_in: epochs before the measured ones, about two seconds, until the speed is steady.
SETTINGS = {
    "rnn": {"cell": "rnn", "layers": 1, "T": 35, "B": 32, "H": 256, "rate": 100, "clip": 0.01, "burn_in": 50},
    "lstm": {"cell": "lstm", "layers": 2, "T": 64, "B": 64, "H": 512, "rate": 1, "clip": 0.01, "burn_in": 3},
    "gru": {"cell": "gru", "layers": 2, "T": 64, "B": 64, "H": 512, "rate": 1, "clip": 0.01, "burn_in": 3},
}
PROMPT = "分开"

TRAINERS = {
    "Keras, tf.function": ["tensorflow_keras.py", "function"],
    "Keras, lookup": ["tensorflow_keras.py", "lookup"],
    "Keras, eager": ["tensorflow_keras.py", "eager"],
    "PyTorch": ["pytorch.py", "eager"],
    "PyTorch, compiled": ["pytorch.py", "compiled"],
    "PyTorch, lookup": ["pytorch.py", "lookup"],
    "PyTorch, embedding": ["pytorch.py", "embedding"],
    "DJL": [],
}
WRITERS = {
    "Libretto, graph": ["graph"],
    "Keras, notebook's loop": ["tensorflow_keras_writing.py", "notebook"],
    "Keras, tuned": ["tensorflow_keras_writing.py", "tuned"],
    "Keras, tf.function": ["tensorflow_keras_writing.py", "function"],
    "PyTorch, textbook's loop": ["pytorch_writing.py", "textbook"],
    "PyTorch, tuned": ["pytorch_writing.py", "tuned"],
}


@dataclass
class Result:
    """What a program gave.

    seconds: of an epoch, the median; or of a character, the mean
    fastest: seconds of the fastest epoch; or the same as `seconds`
    what: the losses of its first epochs, or its text
    peak: resident memory in MiB at its highest
    """

    seconds: float
    fastest: float
    what: str
    peak: float


def text_of(workload):
    if workload == "rnn":
        return (ROOT / "data" / "lyrics.txt").read_text(encoding="utf-8")[:10_000].replace("\n", " ").replace("\r", " ")
    draw = random.Random(1)
    symbols = [chr(ord(" ") + i) for i in range(65)]
    return "".join(symbols + [symbols[min(draw.randrange(65), draw.randrange(65))] for _ in range(64 * 257 - 65)])


def prepare(folder, workload, epochs, seconds):
    """Fills a folder: the text as ids, the settings, and Libretto's first weights as the peers read them."""
    settings = SETTINGS[workload] | {"epochs": SETTINGS[workload]["burn_in"] + epochs}
    text = text_of(workload)
    (folder / "text.txt").write_text(text, encoding="utf-8")
    subprocess.run(train_command(settings, "start", epochs=0), check=True, stdout=sys.stderr, cwd=folder)
    for layout, file in [("keras", "keras.safetensors"), ("pytorch", "weights.safetensors")]:
        export = [LIBRETTO, "export", "--run", "start", "--layout", layout, "--out", file]
        subprocess.run(export, check=True, cwd=folder)
    vocabulary = json.loads((folder / "start" / "vocabulary.json").read_text(encoding="utf-8"))
    ids = {symbol: i for i, symbol in enumerate(vocabulary)}
    settings |= {"V": len(ids), "ids": [ids[symbol] for symbol in text], "vocabulary": vocabulary}
    settings |= {"prompt": [ids[symbol] for symbol in PROMPT if symbol in ids], "threads": THREADS}
    settings |= {"burn_in_seconds": BURN_IN_SECONDS, "seconds": seconds}
    (folder / "settings.json").write_text(json.dumps(settings))
    return settings


def train_command(settings, run, epochs):
    return [
        LIBRETTO, "train", "--corpus", "text.txt", "--max-chars", "0", "--epochs", str(epochs),
        "--cell", settings["cell"], "--layers", str(settings["layers"]), "--hidden-size", str(settings["H"]),
        "--seq-length", str(settings["T"]), "--batch-size", str(settings["B"]), "--run", run,
        "--learning-rate", str(settings["rate"]), "--clip-norm", str(settings["clip"]), "--overwrite",
        "--checkpoint-every", "1000000", "--report-every", "1000000", "--length", "1",
    ]  # fmt: skip


def peer_command(words):
    if words:
        program, how = words
        return [sys.executable, HERE / program, ".", how]
    options = [f"-Dai.djl.pytorch.num_threads={THREADS}", f"-DDJL_CACHE_DIR={DJL}/cache", "-Dai.djl.offline=true"]
    return ["java", "-cp", f"{DJL}/classes:{DJL}/lib/*", *options, "Djl", "."]


def build_djl():
    """Maven makes what is not there yet; the first time, it fetches DJL and its PyTorch."""
    source = HERE / "djl"
    built = DJL / "classes" / "Djl.class"
    if not built.exists() or any(file.stat().st_mtime > built.stat().st_mtime for file in source.iterdir()):
        print("building the DJL peer ...", file=sys.stderr)
        command = ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", source / "pom.xml", "compile"]
        subprocess.run(command, check=True, stdout=sys.stderr)
        built.touch()  # Maven leaves it alone where only its own file has changed.


def run(command, folder, read=lambda out: out.read()):
    """Runs a program; returns what `read` makes of its output, and its peak of resident memory in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder)
    with process.stdout as out:
        result = read(out)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed; run it alone in {folder} to see why")
    return result, usage.ru_maxrss / 1024


def train(name, settings, folder):
    if name == "Libretto":
        _, peak = run(train_command(settings, "trained", settings["epochs"]), folder)
        header, *rows = (folder / "trained" / "metrics.csv").read_text().splitlines()
        epochs = [dict(zip(header.split(","), row.split(","))) for row in rows]
    else:
        out, peak = run(peer_command(TRAINERS[name]), folder)
        epochs = [json.loads(line) for line in out.splitlines()]
    seconds = [float(epoch["seconds"]) for epoch in epochs[settings["burn_in"]:]]
    return Result(statistics.median(seconds), min(seconds), " ".join(f"{float(epoch['loss']):.5f}" for epoch in epochs[:2]), peak)


def lower_bounds(workload, folder):
    """The seconds that the matrix products of an epoch take at least, at their shapes and at the machine's peak."""
    file = folder / "bound.json"
    run([HERE / "benchmark", "--workload", workload, "--rounds", "1", "--json", file], folder)
    figures = json.loads(file.read_text())[workload]
    return {where: figures[f"floor_seconds_at_{where}"] for where in ("shape", "peak")}


def write(name, settings, folder):
    if name.startswith("Libretto"):
        decoder = "graph" if name.endswith("graph") else "eager"
        command = [LIBRETTO, "generate", "--run", "start", "--prefix", PROMPT, "--length", "1000000000"]
        read = functools.partial(read_text, seconds=settings["seconds"])
        (characters, seconds, text), peak = run([*command, "--decoder", decoder], folder, read)
    else:
        out, peak = run(peer_command(WRITERS[name]), folder)
        line = json.loads(out)
        characters, seconds = line["characters"], line["seconds"]
        text = "".join(settings["vocabulary"][id] for id in line["ids"])
    return Result(seconds / characters, seconds / characters, text, peak)


def read_text(out, seconds):
    """Counts the characters that arrive in so many seconds after the burn-in; also returns the first ones."""
    text = b""
    start = began = None
    characters = 0
    while chunk := os.read(out.fileno(), 65536):
        now = time.perf_counter()
        if len(text) < 1000:
            text += chunk
        if len(text) <= len(PROMPT.encode()):
            continue
        start = start or now
        if now < start + BURN_IN_SECONDS:
            began = now
            continue
        characters += sum(byte & 0xC0 != 0x80 for byte in chunk)
        if now > began + seconds:
            return characters, now - began, text.decode(errors="ignore")[len(PROMPT) :][:50]
    raise SystemExit("Libretto has stopped writing")
