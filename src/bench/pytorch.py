"""PyTorch's nn.RNN, nn.LSTM or nn.GRU with clipped SGD. How:

eager, compiled: Libretto's model from Libretto's weights, so the losses are Libretto's; one-hot characters go in
lookup: the same, but a loop of one's own in the place of nn.RNN; a row of the kernel is looked up, not multiplied
embedding: what many would write instead, H numbers for each character; it is another model
"""

import torch
from safetensors.torch import load_file
from torch import nn

import workload

w, how = workload.arguments()
torch.manual_seed(1)
torch.set_num_threads(w.threads)
one_hot = torch.eye(w.V)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        embeds = how == "embedding"
        self.embedding = nn.Embedding(w.V, w.H) if embeds else None
        self.rnn = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[w.cell](w.H if embeds else w.V, w.H, w.layers)
        self.dense = nn.Linear(w.H, w.V)

    def forward(self, inputs, state):
        if how == "lookup":
            outputs, state = self.looked_up(inputs, state)
        elif how == "embedding":
            outputs, state = self.rnn(self.embedding(inputs), state)
        else:
            outputs, state = self.rnn(nn.functional.embedding(inputs, one_hot), state)
        return self.dense(outputs.flatten(0, 1)), state

    def looked_up(self, inputs, state):
        """What nn.RNN computes from one-hot characters."""
        h, outputs, recurrent = state[0], [], self.rnn.weight_hh_l0.T
        for x in nn.functional.embedding(inputs, self.rnn.weight_ih_l0.T) + self.rnn.bias_ih_l0:
            h = torch.tanh(torch.addmm(x, h, recurrent))
            outputs.append(h)
        return torch.stack(outputs), h[None]


model = Model()
if how != "embedding":
    model.load_state_dict(load_file(w.folder / "weights.safetensors"))
for name, parameter in model.named_parameters():
    if "bias_hh" in name and w.cell != "gru":  # One bias is enough; the other stays at zero.
        parameter.requires_grad = False
        nn.init.zeros_(parameter)
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.SGD(trained, w.rate, fused=True)
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
        nn.utils.clip_grad_norm_(trained, w.clip, foreach=True)
        optimizer.step()
        losses.append(loss.detach())
    return [loss.item() for loss in losses]


workload.measure(w, train_epoch)
