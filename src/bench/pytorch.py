"""PyTorch's nn.RNN or nn.LSTM with clipped SGD. How: eager, compiled, or embedding.

`eager` and `compiled` are Libretto's model from Libretto's weights, so their losses are Libretto's: one-hot characters go
in. `embedding` is what many would write instead, H numbers for each character: with many characters it is less arithmetic,
but another model.
"""

import torch
from safetensors.torch import load_file
from torch import nn

import workload

w, how = workload.arguments()
torch.manual_seed(1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        embeds = how == "embedding"
        self.embedding = nn.Embedding(w.V, w.H) if embeds else None
        self.rnn = {"rnn": nn.RNN, "lstm": nn.LSTM}[w.cell](w.H if embeds else w.V, w.H, w.layers)
        self.dense = nn.Linear(w.H, w.V)

    def forward(self, inputs, state):
        x = nn.functional.one_hot(inputs, w.V).float() if self.embedding is None else self.embedding(inputs)
        outputs, state = self.rnn(x, state)
        return self.dense(outputs.flatten(0, 1)), state


model = Model()
if how != "embedding":
    model.load_state_dict(load_file(w.folder / "weights.safetensors"))
for name, parameter in model.named_parameters():
    if "bias_hh" in name:  # One bias is enough; the other stays at zero.
        parameter.requires_grad = False
        nn.init.zeros_(parameter)
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.SGD(trained, w.rate)
cross_entropy = nn.CrossEntropyLoss()


def loss_of(inputs, targets, state):
    logits, state = model(inputs, state)
    return cross_entropy(logits, targets.flatten()), state


if how == "compiled":
    loss_of = torch.compile(loss_of)
batches = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in w.batches()]


def train_epoch():
    losses = []
    zeros = torch.zeros(w.layers, w.B, w.H)
    state = (zeros, zeros) if w.cell == "lstm" else zeros
    for inputs, targets in batches:
        loss, state = loss_of(inputs, targets, state)
        state = tuple(s.detach() for s in state) if w.cell == "lstm" else state.detach()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(trained, w.clip)
        optimizer.step()
        losses.append(loss.detach())
    return [loss.item() for loss in losses]


workload.measure(w, train_epoch)
