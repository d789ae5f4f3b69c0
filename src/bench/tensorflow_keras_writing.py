"""Keras's SimpleRNN writing greedily. How:

notebook: calls the layers for each character and picks the next one with NumPy, as notebooks do
tuned: eager operations on the layers' weights; a character's row of the kernel is looked up
function: the same, 64 characters in one tf.function
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras
import tensorflow as tf

import workload

w, how = workload.arguments()
rnn = keras.layers.SimpleRNN(w.H, return_sequences=True, return_state=True)
dense = keras.layers.Dense(w.V)
dense(rnn(tf.zeros((1, 1, w.V)))[0])
values = w.keras_weights()
dense.set_weights([values.pop(-2), values.pop(-1)])
rnn.set_weights(values)
kernel, recurrent, bias = [tf.constant(array) for array in rnn.get_weights()]
output, output_bias = [tf.constant(array) for array in dense.get_weights()]
rows = kernel + bias


def notebook_step(symbol, state):
    y, state = rnn(tf.one_hot([[symbol]], w.V), initial_state=state)
    return int(dense(y).numpy().argmax()), state


def step(symbol, state):
    state = tf.tanh(tf.gather(rows, symbol) + tf.matmul(state, recurrent))
    return tf.argmax(tf.matmul(state, output) + output_bias, 1, output_type=tf.int32), state


@tf.function
def stretch(symbol, state):
    symbols = []
    for _ in range(64):
        symbol, state = step(symbol, state)
        symbols.append(symbol)
    return tf.concat(symbols, 0), state


def prime(advance, prompt):
    """The last character of the prompt, and the state before it."""
    state = tf.zeros((1, w.H))
    for symbol in prompt[:-1]:
        _, state = advance(symbol, state)
    return prompt[-1], state


def notebook():
    symbol, state = prime(notebook_step, w.prompt)
    while True:
        symbol, state = notebook_step(symbol, state)
        yield symbol


def tuned():
    symbol, state = prime(step, [tf.constant([symbol]) for symbol in w.prompt])
    while True:
        symbol, state = step(symbol, state)
        yield symbol.numpy().item()


def function():
    symbol, state = prime(step, [tf.constant([symbol]) for symbol in w.prompt])
    while True:
        symbols, state = stretch(symbol, state)
        symbol = symbols[-1:]
        yield from symbols.numpy().tolist()


workload.measure_writing(w, {"notebook": notebook, "tuned": tuned, "function": function}[how]())
