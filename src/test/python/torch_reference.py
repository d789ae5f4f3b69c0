"""What PyTorch computes for a stack of recurrent layers and a linear layer.

    one-hot ids -> rnn (1 or 2 layers) -> dense -> logits

All arrays are time-major ([T, B, ...]), as in PyTorch itself.
The gates stand one above the other in the first axis of weight_ih, weight_hh and both biases:

    rnn   one block; h' = tanh(W_ih x + b_ih + W_hh h + b_hh)
    gru   r, z, n; n = tanh(W_in x + b_in + r * (W_hn h + b_hn)),  h' = (1 - z) * n + z * h
    lstm  i, f, g, o; c' = f * c + i * g,                          h' = o * tanh(c')
"""

import platform

import numpy as np
import torch

torch.set_num_threads(1)

CELLS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}  # nn.RNN uses tanh unless told


def versions():
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


class Model(torch.nn.Module):
    def __init__(self, cell, layers, V, H):
        super().__init__()
        self.rnn = CELLS[cell](V, H, num_layers=layers)
        self.dense = torch.nn.Linear(H, V)

    def forward(self, ids, state):
        """Returns the top layer's outputs [T, B, H], the logits [T * B, V] and the final state."""
        x = torch.nn.functional.one_hot(ids, self.dense.out_features).to(self.dense.weight.dtype)
        outputs, final_state = self.rnn(x, state)
        return outputs, self.dense(outputs.flatten(0, 1)), final_state


def weight_shapes(cell, layers, V, H):
    """(name, shape) of every weight, in the order of the state_dict."""
    return [(name, tuple(w.shape)) for name, w in Model(cell, layers, V, H).state_dict().items()]


def pack_state(layers, dtype):
    """From [[h, c] of each layer] to PyTorch's (h, c), each [layers, B, H]; from [[h]] to just h."""
    packed = tuple(torch.tensor(np.stack(arrays), dtype=dtype) for arrays in zip(*layers))
    return packed if len(packed) > 1 else packed[0]


def unpack_state(state):
    """The way back, from PyTorch's state to [[h] or [h, c] of each layer]."""
    tensors = state if isinstance(state, tuple) else (state,)
    return [[t.numpy() for t in layer] for layer in zip(*tensors)]


def detach(state):
    return tuple(t.detach() for t in state) if isinstance(state, tuple) else state.detach()


def compute(cell, layers, V, H, weights, initial_state, inputs, targets, clip_norm, learning_rate, dtype):
    dtype = getattr(torch, dtype)
    model = Model(cell, layers, V, H).to(dtype)
    names = list(model.state_dict())
    model.load_state_dict({n: torch.tensor(w, dtype=dtype) for n, w in zip(names, weights, strict=True)})
    parameters = dict(model.named_parameters())
    parameters = [parameters[name] for name in names]

    state = pack_state(initial_state, dtype)
    result, losses = None, []
    for ids, wanted in zip(torch.tensor(inputs), torch.tensor(targets), strict=True):
        outputs, logits, final_state = model(ids, state)
        # The mean over all T * B positions of -log softmax(logits)[wanted].
        loss = torch.nn.functional.cross_entropy(logits, wanted.flatten())
        gradients = torch.autograd.grad(loss, parameters)

        # Clip by global norm: g * clip_norm / max(norm, clip_norm).
        # (torch.nn.utils.clip_grad_norm_ divides by norm + 1e-6 instead.)
        norm = torch.sqrt(sum((g * g).sum() for g in gradients))
        clipped = [g * (clip_norm / norm.clamp(min=clip_norm)) for g in gradients]

        losses.append(loss.item())
        state = detach(final_state)  # goes on to the next batch
        if result is None:  # the details of the first batch
            result = {
                "outputs": outputs.detach().numpy(),
                "logits": logits.detach().numpy(),
                "final_state": unpack_state(state),
                "loss": loss.detach().numpy(),
                "gradients": [g.numpy() for g in gradients],
                "global_norm": norm.numpy(),
                "clipped_gradients": [g.numpy() for g in clipped],
            }

        # Plain SGD.
        with torch.no_grad():
            for parameter, g in zip(parameters, clipped):
                parameter -= learning_rate * g

    result["losses"] = np.array(losses, dtype=result["loss"].dtype)
    result["final_weights"] = [parameter.detach().numpy() for parameter in parameters]
    return result
