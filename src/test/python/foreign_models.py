"""Imports models of Keras and PyTorch from their own files, with the command that `libretto import` answers them with.

    python foreign_models.py

The models are random and have their own names, an embedding or none, and a vocabulary in no order.
"""

import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # leaves no __pycache__ beside the scripts
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import torch

import roundtrip

H, E, LAYERS = 12, 7, 2
VOCABULARY = list("abcdefghijklmnopqrstuvwxyz 分😀")
TEXT = "the quick brown fox 分 jumps over 😀 the lazy dog " * 5


class Net(torch.nn.Module):
    def __init__(self, cell, embedding):
        super().__init__()
        self.embed = torch.nn.Embedding(len(VOCABULARY), E) if embedding else None
        self.cells = cell(E if embedding else len(VOCABULARY), H, num_layers=LAYERS)
        self.fc = torch.nn.Linear(H, len(VOCABULARY))

    @torch.no_grad()
    def __call__(self, ids, state):
        ids = torch.tensor(ids)
        x = self.embed(ids) if self.embed else torch.nn.functional.one_hot(ids, len(VOCABULARY)).float()
        outputs, state = self.cells(x, state)
        return self.fc(outputs).numpy(), state


def of_torch(cell, embedding, file):
    net = Net(cell, embedding)
    torch.save(net.state_dict(), file)
    return net


def of_keras(cell, embedding, file):
    V = len(VOCABULARY)
    model = keras.Sequential(
        ([keras.Input((None,)), keras.layers.Embedding(V, E)] if embedding else [keras.Input((None, V))])
        + [layer for _ in range(LAYERS) for layer in (cell(), keras.layers.Dropout(0.1))]
        + [keras.layers.Dense(V)])
    model.set_weights([np.random.normal(0, 0.5, w.shape) for w in model.get_weights()])
    model.save(file)
    return lambda ids, state: (model.predict(
        np.array([ids]) if embedding else np.eye(V)[None, ids], verbose=0)[0], None)


def check(layout, cell, embedding, make, name):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, name)
        model = make(file)
        run = pathlib.Path(folder, "run")
        arguments = [roundtrip.ROOT / "libretto", "import", "--weights", file, "--run", run]
        answer = subprocess.run(arguments, stderr=subprocess.PIPE, encoding="utf-8").stderr
        command = re.search("python3 -c '.*'", answer).group().replace("python3", sys.executable, 1)
        subprocess.run(command, shell=True, check=True)
        weights = file.with_suffix(".safetensors")
        random.shuffle(VOCABULARY)
        sizes = {"cell": cell, "vocabularySize": len(VOCABULARY), "hiddenSize": H, "layers": LAYERS,
                 "embeddingSize": E if embedding else 0, "tieEmbeddings": False}
        pathlib.Path(f"{weights}.json").write_text(json.dumps(
            {"layout": layout, "model": sizes, "keepNewlines": False, "unknownCharacter": False,
             "vocabulary": VOCABULARY}), "utf-8")
        roundtrip.libretto("import", "--weights", weights, "--run", run)
        text = pathlib.Path(folder, "text.txt")
        text.write_text(TEXT, "utf-8")
        report = roundtrip.libretto("evaluate", "--run", run, "--corpus", text)
        ours = next(float(line.split(": ")[1]) for line in report.splitlines() if line.startswith("perplexity"))
        theirs = roundtrip.perplexity(model, [VOCABULARY.index(character) for character in TEXT])
        roundtrip.check(f"{cell} of {name}, {'embedded' if embedding else 'one-hot'}: {ours:.6f} and {theirs:.6f}",
                        abs(theirs - ours) / ours < 1e-5)


if __name__ == "__main__":
    for embedding in (False, True):
        for cell, kind in (("rnn", torch.nn.RNN), ("gru", torch.nn.GRU), ("lstm", torch.nn.LSTM)):
            check("pytorch", cell, embedding, lambda file: of_torch(kind, embedding, file), "net.pt")
        for cell, layer in (("gru", keras.layers.GRU), ("lstm", keras.layers.LSTM),
                            ("gru-reset-before", lambda *size, **o: keras.layers.GRU(*size, reset_after=False, **o))):
            make = lambda: layer(H, return_sequences=True)
            check("keras", cell, embedding, lambda file: of_keras(make, embedding, file), "net.keras")
            check("keras", cell, embedding, lambda file: of_keras(make, embedding, file), "net.h5")
