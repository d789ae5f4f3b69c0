"""The first 50 batches of the textbook run in Keras, from Libretto's own first weights.

    python src/test/python/textbook_reference.py

from the top of the project writes src/test/resources/reference/textbook-keras.json. The loss takes logits
(from_logits=True), which is where the textbook's notebook went wrong.

The batches come in stretches of ten, each from the first weights of another seed and a zero state: at learning
rate 100, a difference in the last bit of the weights has grown to more than 1e-4 of the loss after 13 to 23
batches, whichever program computes them.
"""

import json
import pathlib
import subprocess
import tempfile

from keras_reference import keras, np, tf, versions

T, B, H = 35, 32, 256
CHARACTERS = 10_000
SEEDS = [1, 2, 3, 4, 5]
STRETCH = 10
LEARNING_RATE = 100.0
CLIP_NORM = 0.01


PROJECT = pathlib.Path(__file__).parents[3]
TARGET = PROJECT / "src/test/resources/reference/textbook-keras.json"


def batches(text):
    """Consecutive sampling: B rows walked from left to right; (inputs, targets, continues) without end."""
    symbols = sorted(set(text))
    ids = np.array([symbols.index(c) for c in text])
    rows = ids[: len(ids) // B * B].reshape(B, -1)
    while True:
        for start in range(0, (rows.shape[1] - 1) // T * T, T):
            yield rows[:, start : start + T], rows[:, start + 1 : start + T + 1], start > 0


def first_weights(seed):
    """What Libretto draws for a seed, as Keras has it."""
    with tempfile.TemporaryDirectory() as folder:
        run, out = f"{folder}/run", f"{folder}/weights.npz"
        for command in (
            ["train", "--epochs", "0", "--seed", str(seed), "--run", run],
            ["export", "--run", run, "--format", "npz", "--layout", "keras", "--out", out],
        ):
            subprocess.run([PROJECT / "libretto", *command], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        return dict(np.load(out))


class Model:
    """The textbook's model and its training step."""

    def __init__(self, size):
        self.size = size
        self.rnn = keras.layers.SimpleRNN(H, return_sequences=True, return_state=True)
        self.dense = keras.layers.Dense(size)
        self.rnn.build((B, T, size))
        self.dense.build((B, T, H))
        self.variables = [v.value for v in self.rnn.trainable_variables + self.dense.trainable_variables]

    def load(self, weights):
        self.rnn.set_weights([weights["layer_0/" + name] for name in ("kernel", "recurrent_kernel", "bias")])
        self.dense.set_weights([weights["dense/kernel"], weights["dense/bias"]])

    @tf.function
    def step(self, inputs, targets, state):
        with tf.GradientTape() as tape:
            outputs, state = self.rnn(tf.one_hot(inputs, self.size), initial_state=state)
            losses = keras.losses.sparse_categorical_crossentropy(targets, self.dense(outputs), from_logits=True)
            loss = tf.reduce_mean(losses)
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, self.variables), CLIP_NORM)
        for variable, gradient in zip(self.variables, gradients):
            variable.assign_sub(LEARNING_RATE * gradient)
        return loss, state


def main():
    text = (PROJECT / "data/lyrics.txt").read_text("utf-8").replace("\n", " ").replace("\r", " ")[:CHARACTERS]
    model = Model(len(set(text)))
    stream = batches(text)
    losses = []
    for seed in SEEDS:
        model.load(first_weights(seed))
        state = tf.zeros((B, H))
        for _ in range(STRETCH):
            inputs, targets, continues = next(stream)
            loss, state = model.step(inputs, targets, state if continues else tf.zeros((B, H)))
            losses.append(round(float(loss), 7))
    content = {"versions": versions(), "stretch": STRETCH, "seeds": SEEDS, "losses": losses}
    TARGET.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    print(f"{TARGET.name}: {losses[0]} .. {losses[-1]}")


if __name__ == "__main__":
    main()
