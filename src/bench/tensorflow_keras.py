"""Keras's SimpleRNN, LSTM or GRU with a gradient tape and clipped SGD. How:

eager: operation by operation, as notebooks do
function: in a tf.function
lookup: the same, but a SimpleRNN cell of one's own, whose rows of the kernel are looked up and not multiplied
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # On some processors it is off by default, and quicker.
import keras
import tensorflow as tf

import workload

w, how = workload.arguments()


class Cell(keras.layers.Layer):
    """SimpleRNN's, for inputs that are rows of its kernel."""

    state_size = output_size = w.H

    def build(self, shape):
        self.recurrent = self.add_weight(shape=(w.H, w.H))
        self.bias = self.add_weight(shape=(w.H,))

    def call(self, row, states):
        h = tf.tanh(row + tf.matmul(states[0], self.recurrent) + self.bias)
        return h, [h]


# Within a tf.function, unrolled layers are the faster ones.
options = {"return_sequences": True, "return_state": True, "unroll": how != "eager"}
if how == "lookup":
    characters = keras.layers.Embedding(w.V, w.H)
    layers = [keras.layers.RNN(Cell(), **options)]
else:
    characters = keras.layers.Lambda(lambda ids: tf.one_hot(ids, w.V))
    layer = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[w.cell]
    layers = [layer(w.H, **options) for _ in range(w.layers)]
dense = keras.layers.Dense(w.V)
states = 2 if w.cell == "lstm" else 1


def forward(inputs, state):
    x = characters(inputs)
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
values = w.keras_weights()
for layer in [characters, *layers, dense]:
    layer.set_weights([values.pop(0) for _ in layer.weights])
variables = [variable.value for layer in [characters, *layers, dense] for variable in layer.trainable_variables]


def step(inputs, targets, state):
    with tf.GradientTape() as tape:
        logits, after = forward(inputs, state)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        loss = tf.reduce_mean(losses)
    gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, variables)]
    gradients, _ = tf.clip_by_global_norm(gradients, w.clip)
    for variable, gradient in zip(variables, gradients):
        variable.assign_sub(w.rate * gradient)
    return loss, after


if how != "eager":
    step = tf.function(step)


def train_epoch():
    losses = []
    state = zeros()
    for inputs, targets in batches:
        loss, state = step(inputs, targets, state)
        losses.append(loss)
    return [float(loss) for loss in losses]


workload.measure(w, train_epoch)
