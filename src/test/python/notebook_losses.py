"""The textbook's training loop as the notebook has it, in Keras, with the notebook's loss and with the right one.

    python src/test/python/notebook_losses.py logits FOLDER [EPOCHS]
    python src/test/python/notebook_losses.py probabilities FOLDER [EPOCHS]

`logits` tells the loss that the model's outputs are logits (from_logits=True); `probabilities` leaves Keras's default,
under which it takes them for probabilities. FOLDER gets a metrics.csv that `libretto plot` draws. Corpus, sizes and
settings are Libretto's defaults; the first weights are Keras's own, from a fixed seed.

For the wrong loss it also prints, every 10 epochs, what the loss sees: how many of the targets' outputs lie at or under
the floor of 1e-7 to which they are clipped, where their gradient is zero, and the mean sum S of the clipped outputs.
"""

import math
import pathlib
import sys
import time

from textbook_reference import CHARACTERS, CLIP_NORM, H, LEARNING_RATE, PROJECT, B, T, batches
from keras_reference import keras, tf

EPSILON = 1e-7
SEED = 1


def main(outputs_are, folder, epochs="250"):
    text = (PROJECT / "data/lyrics.txt").read_text("utf-8").replace("\n", " ").replace("\r", " ")[:CHARACTERS]
    V = len(set(text))
    per_epoch = (CHARACTERS // B - 1) // T
    keras.utils.set_random_seed(SEED)
    rnn = keras.layers.SimpleRNN(H, return_sequences=True, return_state=True)
    dense = keras.layers.Dense(V)
    rnn.build((B, T, V))
    dense.build((B, T, H))
    variables = [v.value for v in rnn.trainable_variables + dense.trainable_variables]
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=outputs_are == "logits")

    @tf.function
    def step(inputs, targets, state):
        with tf.GradientTape() as tape:
            hidden, state = rnn(tf.one_hot(inputs, V), initial_state=state)
            outputs = dense(hidden)
            loss = loss_of(targets, outputs)
        gradients, norm = tf.clip_by_global_norm(tape.gradient(loss, variables), CLIP_NORM)
        for variable, gradient in zip(variables, gradients):
            variable.assign_sub(LEARNING_RATE * gradient)
        of_target = tf.gather(outputs, targets, batch_dims=2)
        under_floor = tf.reduce_mean(tf.cast(of_target <= EPSILON, tf.float32))
        sums = tf.reduce_mean(tf.reduce_sum(tf.clip_by_value(outputs, EPSILON, 1 - EPSILON), -1))
        return loss, state, norm, under_floor, sums

    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stream = batches(text)
    state = tf.zeros((B, H))
    with open(folder / "metrics.csv", "w") as metrics:
        print("epoch,loss,perplexity,seconds,chars_per_second,learning_rate,rollbacks", file=metrics)
        for epoch in range(1, int(epochs) + 1):
            start = time.time()
            measured = []
            for _ in range(per_epoch):
                inputs, targets, continues = next(stream)
                loss, state, *rest = step(inputs, targets, state if continues else tf.zeros((B, H)))
                measured.append([float(x) for x in (loss, *rest)])
            loss, norm, under_floor, sums = (sum(column) / per_epoch for column in zip(*measured))
            seconds = time.time() - start
            print(epoch, loss, math.exp(loss), seconds, per_epoch * B * T / seconds, LEARNING_RATE, 0,
                  sep=",", file=metrics, flush=True)
            if epoch == 1 or epoch % 10 == 0:
                print(f"epoch {epoch}, perplexity {math.exp(loss):,.3f}, gradient norm {norm:.3g}, "
                      f"targets under the floor {under_floor:.1%}, S {sums:.3f}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
