"""What Keras (on TensorFlow) computes for a stack of recurrent layers and a dense layer.

    one-hot ids -> rnn_0 -> ... -> rnn_{layers-1} -> dense -> logits

Arrays are time-major ([T, B, ...]) on the way in and out; inside, Keras is batch-major.
The gates stand side by side in the last axis of kernel, recurrent_kernel and bias:

    rnn               one block; h' = tanh(x K + h R + b)
    gru               z, r, c; b is [2, 3H]: row 0 is added to x K, row 1 to h R
                      c = tanh(x K_c + b0_c + r * (h R_c + b1_c)),  h' = z * h + (1 - z) * c
    gru-reset-before  z, r, c; b is [3H]
                      c = tanh(x K_c + (r * h) R_c + b_c),          h' = z * h + (1 - z) * c
    lstm              i, f, c, o; C' = f * C + i * tanh(...),       h' = o * tanh(C')
"""

import os
import platform

# Set before TensorFlow loads: the CPU only, and the plain kernels, so that runs repeat exactly.
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import keras
import numpy as np
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

CELLS = {
    "rnn": keras.layers.SimpleRNN,
    "gru": lambda units, **options: keras.layers.GRU(units, reset_after=True, **options),
    "gru-reset-before": lambda units, **options: keras.layers.GRU(units, reset_after=False, **options),
    "lstm": keras.layers.LSTM,
}


def versions():
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def build(cell, layers, V, H, dtype):
    """The recurrent layers and, last, the dense layer, with weights still to be set."""
    stack = []
    for n in range(layers):
        layer = CELLS[cell](H, return_sequences=True, return_state=True, name=f"rnn_{n}", dtype=dtype)
        layer.build((None, None, V if n == 0 else H))
        stack.append(layer)
    dense = keras.layers.Dense(V, name="dense", dtype=dtype)
    dense.build((None, H))
    return stack + [dense]


def weight_shapes(cell, layers, V, H):
    """(name, shape) of every weight, in the order of layer.get_weights(), layer after layer."""
    return [
        (f"{layer.name}/{variable.name}", tuple(variable.shape))
        for layer in build(cell, layers, V, H, "float32")
        for variable in layer.weights
    ]


def forward(stack, ids, state):
    """Returns the top layer's outputs [T, B, H], the logits [T * B, V] and the final state."""
    *recurrent, dense = stack
    x = tf.one_hot(tf.transpose(ids), dense.units, dtype=dense.compute_dtype)  # [B, T, V]
    final_state = []
    for layer, layer_state in zip(recurrent, state):
        x, *layer_final_state = layer(x, initial_state=layer_state)
        final_state.append(layer_final_state)
    outputs = tf.transpose(x, [1, 0, 2])
    logits = dense(tf.reshape(outputs, [-1, outputs.shape[-1]]))
    return outputs, logits, final_state


def compute(cell, layers, V, H, weights, initial_state, inputs, targets, clip_norm, learning_rate, dtype):
    stack = build(cell, layers, V, H, dtype)
    variables = [variable for layer in stack for variable in layer.weights]
    for variable, value in zip(variables, weights, strict=True):
        variable.assign(value)

    state = [[tf.constant(array, dtype) for array in arrays] for arrays in initial_state]
    result, losses = None, []
    for ids, wanted in zip(inputs, targets, strict=True):
        with tf.GradientTape() as tape:
            outputs, logits, final_state = forward(stack, ids, state)
            # The mean over all T * B positions of -log softmax(logits)[wanted].
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=wanted.reshape(-1), logits=logits)
            )
        gradients = tape.gradient(loss, [variable.value for variable in variables])

        # Clip by global norm: g * clip_norm / max(norm, clip_norm).
        norm = tf.sqrt(tf.add_n([tf.reduce_sum(g * g) for g in gradients]))
        clipped = [g * (clip_norm / tf.maximum(norm, clip_norm)) for g in gradients]

        losses.append(loss.numpy())
        if result is None:  # the details of the first batch
            result = {
                "outputs": outputs.numpy(),
                "logits": logits.numpy(),
                "final_state": [[array.numpy() for array in arrays] for arrays in final_state],
                "loss": loss.numpy(),
                "gradients": [g.numpy() for g in gradients],
                "global_norm": norm.numpy(),
                "clipped_gradients": [g.numpy() for g in clipped],
            }

        # Plain SGD. The state goes on to the next batch; the next tape takes it as a constant.
        for variable, g in zip(variables, clipped):
            variable.assign_sub(learning_rate * g)
        state = final_state

    result["losses"] = np.array(losses)
    result["final_weights"] = [variable.numpy() for variable in variables]
    return result
