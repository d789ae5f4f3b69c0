"""What Keras computes, in float64, for the textbook run's first 50 batches, two at a time from given weights.

    python src/test/python/textbook_reference.py

from the top of the project writes src/test/resources/reference/textbook-keras.json. The loss takes logits
(from_logits=True), which is where the textbook's notebook went wrong.

Each pair of batches starts from the weights of another seed and a zero state: one training step, then the next batch with
the state carried over. A longer run has no right answer: at learning rate 100, a difference in the last bit of the
weights has grown to more than 1e-4 of the loss after 13 to 23 batches, whichever program computes them.
"""

import json
import pathlib

from keras_reference import keras, np, tf, versions

T, B, H = 35, 32, 256
CHARACTERS = 10_000
BATCHES = 50
LEARNING_RATE = 100.0
CLIP_NORM = 0.01
BIAS_LIMIT = 0.1


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


def uniform(seed, count):
    """The first numbers in [0, 1) of Java's SplittableRandom (SplitMix64): the same bits everywhere."""
    z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


def weights(seed, shapes):
    """Uniform weights, of float32: kernels as Glorot draws them, biases up to BIAS_LIMIT."""
    numbers = uniform(seed, sum(int(np.prod(shape)) for shape in shapes))
    arrays = []
    for shape in shapes:
        size = int(np.prod(shape))
        limit = np.sqrt(6 / sum(shape)) if len(shape) == 2 else BIAS_LIMIT
        arrays.append((limit * (2 * numbers[:size] - 1)).astype(np.float32).reshape(shape))
        numbers = numbers[size:]
    return arrays


class Model:
    """The textbook's model and its training step, in float64."""

    def __init__(self, size):
        self.size = size
        self.rnn = keras.layers.SimpleRNN(H, return_sequences=True, return_state=True, dtype="float64")
        self.dense = keras.layers.Dense(size, dtype="float64")
        self.rnn.build((B, T, size))
        self.dense.build((B, T, H))
        self.variables = [v.value for v in self.rnn.trainable_variables + self.dense.trainable_variables]

    def load(self, arrays):
        for variable, array in zip(self.variables, arrays, strict=True):
            variable.assign(array.astype(np.float64))

    @tf.function
    def step(self, inputs, targets, state):
        """Returns the loss, the gradients' global norm before clipping, and the state."""
        with tf.GradientTape() as tape:
            outputs, state = self.rnn(tf.one_hot(inputs, self.size, dtype="float64"), initial_state=state)
            losses = keras.losses.sparse_categorical_crossentropy(targets, self.dense(outputs), from_logits=True)
            loss = tf.reduce_mean(losses)
        gradients, norm = tf.clip_by_global_norm(tape.gradient(loss, self.variables), CLIP_NORM)
        for variable, gradient in zip(self.variables, gradients):
            variable.assign_sub(LEARNING_RATE * gradient)
        return loss, norm, state


def main():
    text = (PROJECT / "data/lyrics.txt").read_text("utf-8").replace("\n", " ").replace("\r", " ")[:CHARACTERS]
    model = Model(len(set(text)))
    shapes = [tuple(variable.shape) for variable in model.variables]
    stream = batches(text)
    losses, norms = [], []
    for i in range(BATCHES):
        if i % 2 == 0:
            model.load(weights(i // 2 + 1, shapes))
            state = tf.zeros((B, H), "float64")
        inputs, targets, continues = next(stream)
        assert continues or i % 2 == 0
        loss, norm, state = model.step(inputs, targets, state)
        losses.append(round(float(loss), 12))
        norms.append(round(float(norm), 12))
    content = {"versions": versions(), "losses": losses, "gradient_norms": norms}
    TARGET.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    print(f"{TARGET.name}: {losses[0]} .. {losses[-1]}")


if __name__ == "__main__":
    main()
