"""Keras's SimpleRNN or LSTM with a gradient tape and clipped SGD. How: function (tf.function), or eager, as notebooks do."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras
import numpy as np
import tensorflow as tf

import workload

w, how = workload.arguments()
cell = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM}[w.cell]
# Within a tf.function, unrolled layers are the faster ones.
layers = [cell(w.H, return_sequences=True, return_state=True, unroll=how == "function") for _ in range(w.layers)]
dense = keras.layers.Dense(w.V)
states = 2 if w.cell == "lstm" else 1


def forward(inputs, state):
    x = tf.one_hot(inputs, w.V)
    after = []
    for i, layer in enumerate(layers):
        x, *end = layer(x, initial_state=list(state[i * states : (i + 1) * states]))
        after += end
    return dense(x), after


def zeros():
    return [tf.zeros((w.B, w.H)) for _ in range(w.layers * states)]


# Keras is batch-major.
batches = [(tf.constant(x.T, tf.int32), tf.constant(y.T, tf.int32)) for x, y in w.batches()]
forward(batches[0][0], zeros())
arrays = np.load(w.folder / "weights.npz")
values = [arrays[name] for name in arrays.files]
for layer in layers:
    layer.set_weights([values.pop(0) for _ in layer.weights])
dense.set_weights(values)
variables = [variable.value for layer in [*layers, dense] for variable in layer.trainable_variables]


def step(inputs, targets, state):
    with tf.GradientTape() as tape:
        logits, after = forward(inputs, state)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        loss = tf.reduce_mean(losses)
    gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), w.clip)
    for variable, gradient in zip(variables, gradients):
        variable.assign_sub(w.rate * gradient)
    return loss, after


if how == "function":
    step = tf.function(step)


def train_epoch():
    losses = []
    state = zeros()
    for inputs, targets in batches:
        loss, state = step(inputs, targets, state)
        losses.append(loss)
    return [float(loss) for loss in losses]


workload.measure(w, train_epoch)
