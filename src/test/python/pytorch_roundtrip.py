"""Takes a model from Libretto to PyTorch and back, and says whether it stays the same.

    python pytorch_roundtrip.py RUN
"""

import sys

sys.dont_write_bytecode = True  # leaves no __pycache__ beside the scripts

import torch
from safetensors.torch import load_file, save_file

from roundtrip import trip


class Model(torch.nn.Module):
    def __init__(self, cell, layers, V, H):
        super().__init__()
        kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell]
        self.rnn = kind(V, H, num_layers=layers)
        self.dense = torch.nn.Linear(H, V)

    def forward(self, ids, state=None):
        """ids [T] to logits [T, V] and the state after them."""
        one_hot = torch.nn.functional.one_hot(torch.tensor(ids), self.dense.out_features)
        outputs, state = self.rnn(one_hot.float(), state)
        return self.dense(outputs), state


def load(file, description):
    sizes = description["model"]
    model = Model(sizes["cell"], sizes["layers"], sizes["vocabularySize"], sizes["hiddenSize"])
    model.load_state_dict(load_file(file), strict=True)

    @torch.no_grad()
    def run(ids, state):
        logits, state = model(ids, state)
        return logits.numpy(), state

    run.model = model
    return run


def save(run, file):
    save_file(run.model.state_dict(), file)


if __name__ == "__main__":
    trip(sys.argv[1], "pytorch", load, save)
