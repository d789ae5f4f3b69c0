"""Takes a model from Libretto to Keras and back, and says whether it stays the same.

    python keras_roundtrip.py RUN
"""

import os
import sys

sys.dont_write_bytecode = True  # leaves no __pycache__ beside the scripts
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
from safetensors.numpy import load_file, save_file

from roundtrip import trip

CELLS = {
    "rnn": keras.layers.SimpleRNN,
    "gru": keras.layers.GRU,
    "gru-reset-before": lambda *size, **options: keras.layers.GRU(*size, reset_after=False, **options),
    "lstm": keras.layers.LSTM,
}


class Model:
    def __init__(self, cell, layers, V, H):
        self.recurrent = [CELLS[cell](H, return_sequences=True, return_state=True) for _ in range(layers)]
        self.dense = keras.layers.Dense(V)
        self.layers = self.recurrent + [self.dense]
        for n, layer in enumerate(self.layers):
            layer.build((None, None, V if n == 0 else H))

    def __call__(self, ids, state=None):
        """ids [T] to logits [T, V] and the state after them."""
        x = np.eye(self.dense.units, dtype=np.float32)[None, ids]
        states = []
        for n, layer in enumerate(self.recurrent):
            x, *after = layer(x, initial_state=state and state[n])
            states.append(after)
        return self.dense(x).numpy()[0], states


def load(file, description):
    sizes = description["model"]
    model = Model(sizes["cell"], sizes["layers"], sizes["vocabularySize"], sizes["hiddenSize"])
    arrays = load_file(file)
    layers = [f"layer_{n}/{name}" for n in range(sizes["layers"]) for name in ("kernel", "recurrent_kernel", "bias")]
    model.names = [*layers, "dense/kernel", "dense/bias"]
    weights = [arrays[name] for name in model.names]
    for layer in model.layers:
        count = len(layer.get_weights())
        layer.set_weights(weights[:count])
        weights = weights[count:]
    return model


def save(model, file):
    weights = [array for layer in model.layers for array in layer.get_weights()]
    save_file(dict(zip(model.names, weights, strict=True)), file)


if __name__ == "__main__":
    trip(sys.argv[1], "keras", load, save)
