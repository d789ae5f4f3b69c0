"""The first 50 batches of the textbook run in Keras, from Libretto's own first weights.

    ./libretto train --epochs 0 --seed SEED --run RUN
    ./libretto export --run RUN --format npz --layout keras --out WEIGHTS.npz
    python src/test/python/textbook_reference.py SEED WEIGHTS.npz data/lyrics.txt

writes src/test/resources/reference/textbook-keras.json. The loss takes logits (from_logits=True), which is
where the textbook's notebook went wrong.
"""

import json
import pathlib
import sys

from keras_reference import keras, np, tf, versions

T, B, H = 35, 32, 256
CHARACTERS = 10_000
BATCHES = 50
LEARNING_RATE = 100.0
CLIP_NORM = 0.01


def batches(text):
    """Consecutive sampling: B rows walked from left to right; (inputs, targets, continues) without end."""
    symbols = sorted(set(text))
    ids = np.array([symbols.index(c) for c in text])
    rows = ids[: len(ids) // B * B].reshape(B, -1)
    while True:
        for start in range(0, (rows.shape[1] - 1) // T * T, T):
            yield rows[:, start : start + T], rows[:, start + 1 : start + T + 1], start > 0


def main(seed, weights_file, corpus_file):
    text = pathlib.Path(corpus_file).read_text("utf-8").replace("\n", " ").replace("\r", " ")[:CHARACTERS]
    size = len(set(text))
    rnn = keras.layers.SimpleRNN(H, return_sequences=True, return_state=True)
    dense = keras.layers.Dense(size)
    rnn.build((B, T, size))
    dense.build((B, T, H))
    weights = np.load(weights_file)
    rnn.set_weights([weights["layer_0/" + name] for name in ("kernel", "recurrent_kernel", "bias")])
    dense.set_weights([weights["dense/kernel"], weights["dense/bias"]])
    variables = rnn.trainable_variables + dense.trainable_variables

    @tf.function
    def step(inputs, targets, state):
        with tf.GradientTape() as tape:
            outputs, state = rnn(tf.one_hot(inputs, size), initial_state=state)
            losses = keras.losses.sparse_categorical_crossentropy(targets, dense(outputs), from_logits=True)
            loss = tf.reduce_mean(losses)
        gradients, _ = tf.clip_by_global_norm(
            tape.gradient(loss, [v.value for v in variables]), CLIP_NORM
        )
        for variable, gradient in zip(variables, gradients):
            variable.assign_sub(LEARNING_RATE * gradient)
        return loss, state

    losses = []
    state = tf.zeros((B, H))
    for inputs, targets, continues in batches(text):
        loss, state = step(inputs, targets, state if continues else tf.zeros((B, H)))
        losses.append(round(float(loss), 7))
        if len(losses) == BATCHES:
            break

    target = pathlib.Path(__file__).parent.parent / "resources/reference/textbook-keras.json"
    target.write_text(json.dumps({"versions": versions(), "seed": int(seed), "losses": losses}, indent=1) + "\n", "utf-8")
    print(f"{target.name}: {losses[0]} .. {losses[-1]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
