"""What the programs in this folder do: the work of src/bench/benchmark, from Libretto's own first weights.

A program is called with the folder that compare.py prepared and a word for how to do it, and prints lines of JSON.
"""

import itertools
import json
import sys
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


class Workload:
    """T time steps, B rows, V characters, H hidden units; `rate` and `clip` are SGD's, `ids` is the text.

    Whoever writes goes on from `prompt` for `burn_in_seconds`, and then for the `seconds` that count.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        vars(self).update(json.loads((self.folder / "settings.json").read_text()))

    def keras_weights(self):
        """The first weights as Keras's layers take them, bottom layer first."""
        arrays = load_file(self.folder / "keras.safetensors")
        layers = [f"layer_{n}/{name}" for n in range(self.layers) for name in ("kernel", "recurrent_kernel", "bias")]
        return [arrays[name] for name in [*layers, "dense/kernel", "dense/bias"]]

    def batches(self):
        """An epoch's inputs and targets, each [T, B]; row b goes on where it ended in the batch before."""
        length = len(self.ids) // self.B
        rows = np.array(self.ids[: self.B * length], np.int64).reshape(self.B, length).T
        return [
            (np.ascontiguousarray(rows[t : t + self.T]), np.ascontiguousarray(rows[t + 1 : t + self.T + 1]))
            for t in range(0, (length - 1) // self.T * self.T, self.T)
        ]


def measure(workload, train_epoch):
    """Trains all epochs; `train_epoch` trains one and returns the losses of its batches."""
    for _ in range(workload.epochs):
        start = time.perf_counter()
        losses = train_epoch()
        print(json.dumps({"seconds": time.perf_counter() - start, "loss": float(np.mean(losses))}), flush=True)


def measure_writing(workload, ids):
    """Takes characters from the iterator `ids`, which writes them without end."""
    text = list(itertools.islice(ids, 50))
    count(ids, workload.burn_in_seconds)
    characters, seconds = count(ids, workload.seconds)
    print(json.dumps({"ids": text, "characters": characters, "seconds": seconds}))


def count(ids, seconds):
    """How many characters come in about so many seconds, and in how many exactly."""
    start = time.perf_counter()
    for characters, _ in enumerate(ids, 1):
        elapsed = time.perf_counter() - start
        if elapsed > seconds:
            return characters, elapsed


def arguments():
    """The workload, and how to do it."""
    return Workload(sys.argv[1]), sys.argv[2]
