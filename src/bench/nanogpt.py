"""nanoGPT's small transformer as its README trains it on a CPU, written from the README's figures in plain PyTorch.

Character level, 4 layers, 4 heads, width 128, block 64, batch 12, 2,000 iterations, no dropout. Trains on the first 90% of a
text. nanoGPT estimates the validation loss from 20 random batches; here it is the mean over the whole last 10%, in blocks of
64 characters. Prints a line of JSON for every 250 iterations; its seconds leave out start-up and validation.
"""

import argparse
import json
import math
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

BLOCK, BATCH, LAYERS, HEADS, WIDTH = 64, 12, 4, 4, 128
RATE, LOWEST_RATE, WARM_UP = 1e-3, 1e-4, 100
BETAS, WEIGHT_DECAY, CLIP_NORM = (0.9, 0.99), 0.1, 1.0
TRAINED_FRACTION = 0.9
VALIDATE_EVERY = 250
VALIDATED_BLOCKS = 128  # at once


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x):
        rows, steps, _ = x.shape
        q, k, v = self.project(x).view(rows, steps, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(rows, steps, WIDTH))


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.widen = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.out = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x):
        return self.out(F.gelu(self.widen(x)))


class Layer(nn.Module):
    """Pre-LayerNorm, as in GPT-2."""

    def __init__(self):
        super().__init__()
        self.attention_norm = nn.LayerNorm(WIDTH, bias=False)
        self.attention = Attention()
        self.feed_forward_norm = nn.LayerNorm(WIDTH, bias=False)
        self.feed_forward = FeedForward()

    def forward(self, x):
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))


class Transformer(nn.Module):
    def __init__(self, characters):
        super().__init__()
        self.characters = nn.Embedding(characters, WIDTH)
        self.positions = nn.Embedding(BLOCK, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:  # Whatever adds to the residual stream starts smaller, as in GPT-2.
                scale = math.sqrt(2 * LAYERS) if name.endswith("out.weight") else 1
                nn.init.normal_(parameter, std=0.02 / scale)

    def forward(self, ids):
        x = self.characters(ids) + self.positions.weight[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x)
        # The output layer's weights are the embedding's.
        return F.linear(self.norm(x), self.characters.weight)


def loss_of(model, inputs, targets, reduction="mean"):
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), reduction=reduction)


def learning_rate(iteration, iterations):
    """Linear warm-up, then a cosine down to the lowest rate."""
    if iteration < WARM_UP:
        return RATE * (iteration + 1) / (WARM_UP + 1)
    done = (iteration - WARM_UP) / max(1, iterations - WARM_UP)
    return LOWEST_RATE + (RATE - LOWEST_RATE) * (1 + math.cos(math.pi * done)) / 2


def draw_batch(text):
    starts = torch.randint(len(text) - BLOCK, (BATCH,)).tolist()
    blocks = torch.stack([text[start : start + BLOCK + 1] for start in starts])
    return blocks[:, :-1], blocks[:, 1:]


@torch.no_grad()
def validate(model, text):
    """The mean loss over a text, in nats per character. Every block, and the shorter one at the end, starts without context."""
    inputs, targets = text[:-1], text[1:]
    whole = len(inputs) // BLOCK * BLOCK
    batches = list(zip(*(ids[:whole].view(-1, BLOCK).split(VALIDATED_BLOCKS) for ids in (inputs, targets))))
    if whole < len(inputs):
        batches.append((inputs[None, whole:], targets[None, whole:]))
    return sum(loss_of(model, *batch, reduction="sum").item() for batch in batches) / len(inputs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True, metavar="FILE", help="text to train on")
    parser.add_argument("--iterations", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=0, help="threads that compute; by default PyTorch chooses")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    arguments = parser.parse_args()
    torch.manual_seed(1337)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)

    text = arguments.corpus.read_bytes().decode("utf-8")
    ids = {symbol: i for i, symbol in enumerate(sorted(set(text)))}
    encoded = torch.tensor([ids[symbol] for symbol in text])
    training, validation = encoded.tensor_split([int(TRAINED_FRACTION * len(text))])
    model = Transformer(len(ids))
    # Only matrices decay.
    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=BETAS, fused=True)
    train_loss = torch.compile(loss_of) if arguments.compile else loss_of

    seconds = 0.0
    start = time.perf_counter()
    for iteration in range(arguments.iterations):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(iteration, arguments.iterations)
        loss = train_loss(model, *draw_batch(training))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()
        done = iteration + 1
        if done % VALIDATE_EVERY == 0 or done == arguments.iterations:
            seconds += time.perf_counter() - start
            print(json.dumps({"step": done, "seconds": seconds, "loss": validate(model, validation)}), flush=True)
            start = time.perf_counter()


if __name__ == "__main__":
    main()
