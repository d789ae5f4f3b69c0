"""A model in PyTorch behind Flask, as it is commonly served: each request in a thread, with a batch of one."""

import json

import flask
import torch
from safetensors.torch import load_file
from torch import nn

import workload

w, port = workload.arguments()


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = getattr(nn, w.cell.upper())(w.V, w.H, w.layers)
        self.dense = nn.Linear(w.H, w.V)

    def forward(self, inputs, state=None):
        outputs, state = self.rnn(nn.functional.one_hot(inputs, w.V).float(), state)
        return self.dense(outputs[-1]), state


torch.set_num_threads(1)  # The requests share the cores.
model = Model()
model.load_state_dict(load_file(w.folder / "weights.safetensors"))
ids = {symbol: i for i, symbol in enumerate(w.vocabulary)}
app = flask.Flask(__name__)


def write(prompt, length, temperature, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        logits, state = model(torch.tensor([[ids[symbol]] for symbol in prompt]))
        for position in range(length):
            if position:
                logits, state = model(torch.tensor([[symbol]]), state)
            symbol = int(torch.multinomial(torch.softmax(logits[0] / temperature, 0), 1, generator=generator))
            yield f"data: {json.dumps({'choices': [{'text': w.vocabulary[symbol]}]})}\n\n"
    yield "data: [DONE]\n\n"


@app.get("/healthz")
def health():
    return "ok"


@app.post("/v1/completions")
def complete():
    request = flask.request.get_json()
    answer = write(request["prompt"], request["max_tokens"], request["temperature"], request["seed"])
    return flask.Response(answer, mimetype="text/event-stream")


app.run(port=int(port), threaded=True)
