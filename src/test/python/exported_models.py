"""Exports a run as a SavedModel and as ONNX, and says whether TensorFlow and ONNX Runtime compute what Libretto does.

    python exported_models.py RUN

Log-probabilities are compared with those of Keras, which gets the run's weights in a safetensors file.
"""

import sys

sys.dont_write_bytecode = True  # leaves no __pycache__ beside the scripts

import json
import os
import pathlib
import tempfile

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when onnxruntime is imported

import keras_roundtrip
import numpy as np
import onnxruntime
import tensorflow as tf
from roundtrip import LENGTH, MAX_CHARS, TEXT, check, greedy, libretto


class SavedModel:
    def __init__(self, directory):
        self.loaded = tf.saved_model.load(str(directory))
        self.step = self.loaded.signatures["step"]
        self.vocabulary = json.loads(directory.joinpath("assets", "vocabulary.json").read_text("utf-8"))
        inputs = self.step.structured_input_signature[1]
        self.sizes = {name: spec.shape[1] for name, spec in inputs.items() if name != "ids"}

    def __call__(self, ids, state):
        """Logits [T, V] of one text and the state after it."""
        state = state or {name: tf.zeros([1, size]) for name, size in self.sizes.items()}
        logits = []
        for character in ids:
            outputs = self.step(ids=tf.constant([character], tf.int32), **state)
            logits.append(outputs["logits"].numpy()[0])
            state = {name: outputs[name] for name in state}
        return np.array(logits), state

    def score(self, ids):
        """ids [T, B] to [T - 1, B]; the signature has the batch first."""
        score = self.loaded.signatures["serving_default"]
        return score(ids=tf.constant(ids.T, tf.int32))["log_probabilities"].numpy().T


class Onnx:
    def __init__(self, file):
        self.session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        self.vocabulary = json.loads(self.session.get_modelmeta().custom_metadata_map["vocabulary"])
        self.sizes = {put.name: put.shape[1] for put in self.session.get_inputs() if put.name != "ids"}
        self.names = [put.name for put in self.session.get_outputs()]

    def run(self, ids, state):
        state = state or {name: np.zeros([ids.shape[1], size], np.float32) for name, size in self.sizes.items()}
        return dict(zip(self.names, self.session.run(None, {"ids": ids.astype(np.int64), **state}), strict=True))

    def __call__(self, ids, state):
        outputs = self.run(np.array(ids)[:, None], state)
        return outputs["logits"][:, 0], {name: outputs["next_" + name] for name in self.sizes}

    def score(self, ids):
        return self.run(ids, None)["log_probabilities"]


def log_probabilities(model, ids):
    """[T - 1] of one text, from logits."""
    logits = model(ids[:-1], None)[0].astype(np.float64)
    peak = logits.max(axis=1)
    log_sum = peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1))
    return logits[np.arange(len(ids) - 1), ids[1:]] - log_sum


def main(run):
    with tempfile.TemporaryDirectory() as folder:
        weights, savedmodel, onnx = (pathlib.Path(folder, name) for name in ("w.safetensors", "savedmodel", "model.onnx"))
        libretto("export", "--run", run, "--layout", "keras", "--out", weights)
        libretto("export", "--run", run, "--format", "savedmodel", "--out", savedmodel)
        libretto("export", "--run", run, "--format", "onnx", "--out", onnx)
        description = json.loads(pathlib.Path(f"{weights}.json").read_text("utf-8"))
        vocabulary = description["vocabulary"]
        keras_model = keras_roundtrip.load(weights, description)

        text = TEXT.read_text("utf-8")[:MAX_CHARS]
        if not description["keepNewlines"]:
            text = text.replace("\n", " ").replace("\r", " ")
        id_of = {character: i for i, character in enumerate(vocabulary)}
        ids = np.array([id_of[character] for character in text if character in id_of])
        prefix = "".join(vocabulary[i] for i in ids[:2])
        # Three texts side by side, of a length that is no multiple of anything.
        texts = ids[: 3 * 701].reshape(3, 701).T
        expected = np.stack([log_probabilities(keras_model, list(column)) for column in texts.T], axis=1)
        continuation = libretto("generate", "--run", run, "--prefix", prefix, "--length", LENGTH)

        print({key: description["model"][key] for key in ("cell", "layers", "hiddenSize", "vocabularySize")})
        for name, model in (("SavedModel", SavedModel(savedmodel)), ("ONNX", Onnx(onnx))):
            print(f" {name}:")
            check("the same vocabulary", model.vocabulary == vocabulary)
            theirs = "".join(vocabulary[i] for i in greedy(model, list(ids[:2]))) + "\n"
            check(f"the same continuation of {LENGTH} characters", theirs == continuation)
            gap = np.abs(model.score(texts) - expected).max()
            check(f"the same log-probabilities of {expected.size} characters, {gap:.1e} apart at most", gap < 1e-5)


if __name__ == "__main__":
    main(sys.argv[1])
