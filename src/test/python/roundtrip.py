"""The trip of a model from Libretto to a framework and back, for pytorch_roundtrip.py and keras_roundtrip.py."""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
TEXT = ROOT / "data" / "lyrics.txt"
MAX_CHARS = 10_000
LENGTH = 200


def libretto(*arguments):
    command = [ROOT / "libretto", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def greedy(model, prefix):
    """The prefix and LENGTH more ids, each the most likely one; model(ids [T], state) gives logits [T, V] and state."""
    logits, state = model(prefix, None)
    ids = list(prefix)
    for _ in range(LENGTH):
        ids.append(int(np.argmax(logits[-1])))
        logits, state = model(ids[-1:], state)
    return ids


def perplexity(model, ids):
    """exp of the mean cross entropy of every character but the first."""
    logits = model(ids[:-1], None)[0].astype(np.float64)
    peak = logits.max(axis=1)
    log_sum = peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1))
    return math.exp(np.mean(log_sum - logits[np.arange(len(ids) - 1), ids[1:]]))


def check(what, same):
    print(f"  {what}: {'yes' if same else 'NO'}")
    if not same:
        sys.exit(1)


def trip(run, layout, load, save):
    """load(file, description) gives the framework's model, save(model, file) writes its weights."""
    with tempfile.TemporaryDirectory() as folder:
        exported, saved = pathlib.Path(folder, "exported.safetensors"), pathlib.Path(folder, "saved.safetensors")
        libretto("export", "--run", run, "--layout", layout, "--out", exported)
        description = json.loads(pathlib.Path(f"{exported}.json").read_text("utf-8"))
        model = load(exported, description)

        vocabulary = description["vocabulary"]
        text = TEXT.read_text("utf-8")[:MAX_CHARS]
        if not description["keepNewlines"]:
            text = text.replace("\n", " ").replace("\r", " ")
        id_of = {character: i for i, character in enumerate(vocabulary)}
        ids = [id_of[character] for character in text if character in id_of]
        prefix = "".join(vocabulary[i] for i in ids[:2])

        print({key: description["model"][key] for key in ("cell", "layers", "hiddenSize", "vocabularySize")})
        generate = ("generate", "--prefix", prefix, "--length", LENGTH, "--run")
        continuation = libretto(*generate, run)
        theirs = "".join(vocabulary[i] for i in greedy(model, ids[:2])) + "\n"
        check(f"the same continuation of {LENGTH} characters", theirs == continuation)

        report = libretto("evaluate", "--run", run, "--corpus", TEXT, "--max-chars", MAX_CHARS)
        ours = next(float(line.split(": ")[1]) for line in report.splitlines() if line.startswith("perplexity"))
        theirs = perplexity(model, ids)
        gap = abs(theirs - ours) / ours
        check(f"the same perplexity: {ours:.6f} and {theirs:.6f}, {gap:.1e} apart", gap < 1e-5)

        save(model, saved)
        imported = pathlib.Path(folder, "run")
        libretto("import", "--weights", saved, "--description", f"{exported}.json", "--run", imported)
        check("the same continuation after the way back", libretto(*generate, imported) == continuation)
