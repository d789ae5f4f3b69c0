"""PyTorch's nn.RNN writing greedily. How:

textbook: calls the modules for each character and picks the next one, as textbooks do
tuned: no gradients; operations on the modules' weights; a character's row of the kernel is looked up
"""

import torch
from safetensors.torch import load_file
from torch import nn

import workload

w, how = workload.arguments()
# A character is too little work to share.
torch.set_num_threads(1 if how == "tuned" else w.threads)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(w.V, w.H)
        self.dense = nn.Linear(w.H, w.V)

    def forward(self, inputs, state):
        outputs, state = self.rnn(nn.functional.one_hot(inputs, w.V).float(), state)
        return self.dense(outputs.flatten(0, 1)), state


model = Model()
model.load_state_dict(load_file(w.folder / "weights.safetensors"))


def textbook():
    state = torch.zeros(1, 1, w.H)
    *before, symbol = w.prompt
    for earlier in before:
        _, state = model(torch.tensor([[earlier]]), state)
    while True:
        logits, state = model(torch.tensor([[symbol]]), state)
        symbol = int(logits.argmax(1))
        yield symbol


def tuned():
    rows = (model.rnn.weight_ih_l0 + model.rnn.bias_ih_l0[:, None]).T.contiguous()
    recurrent, output, bias = model.rnn.weight_hh_l0, model.dense.weight, model.dense.bias
    h = torch.zeros(w.H)
    *before, symbol = w.prompt
    for earlier in before:
        h = torch.addmv(rows[earlier], recurrent, h).tanh_()
    while True:
        h = torch.addmv(rows[symbol], recurrent, h).tanh_()
        symbol = int(torch.addmv(bias, output, h).argmax())
        yield symbol


with torch.inference_mode(how == "tuned"):
    workload.measure_writing(w, tuned() if how == "tuned" else textbook())
