"""What every program in this folder trains: the workloads of "libretto benchmark", from Libretto's own first weights.

A program is called with the folder that compare.py prepared, and prints the seconds and the mean loss of each epoch.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

BURN_IN = 2


class Workload:
    """T time steps, B rows, V characters, H hidden units; `rate` and `clip` are SGD's, `ids` is the text."""

    def __init__(self, folder):
        self.folder = Path(folder)
        settings = json.loads((self.folder / "settings.json").read_text())
        model = json.loads((self.folder / "weights.npz.json").read_text())
        self.cell, self.layers = settings["cell"], settings["layers"]
        self.T, self.B, self.H = settings["T"], settings["B"], settings["H"]
        self.rate, self.clip, self.epochs = settings["rate"], settings["clip"], settings["epochs"]
        symbols = {symbol: i for i, symbol in enumerate(model["vocabulary"])}
        text = (self.folder / "text.txt").read_text(encoding="utf-8")
        self.ids = np.array([symbols[symbol] for symbol in text], np.int64)
        self.V = len(symbols)

    def batches(self):
        """An epoch's inputs and targets, each [T, B]; row b goes on where it ended in the batch before."""
        length = len(self.ids) // self.B
        rows = self.ids[: self.B * length].reshape(self.B, length).T
        return [
            (np.ascontiguousarray(rows[t : t + self.T]), np.ascontiguousarray(rows[t + 1 : t + self.T + 1]))
            for t in range(0, (length - 1) // self.T * self.T, self.T)
        ]


def measure(workload, train_epoch):
    """Trains all epochs; `train_epoch` trains one and returns the losses of its batches."""
    for epoch in range(workload.epochs + BURN_IN):
        start = time.perf_counter()
        losses = train_epoch()
        print(json.dumps({"seconds": time.perf_counter() - start, "loss": float(np.mean(losses))}), flush=True)


def arguments():
    """The workload, and how to train it."""
    return Workload(sys.argv[1]), sys.argv[2]
