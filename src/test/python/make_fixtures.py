"""Makes every reference fixture anew and says, file by file, what changed.

    python make_fixtures.py

NumPy, with a fixed seed for each fixture, draws all weights, states and ids;
keras_reference.py and torch_reference.py only compute. README.md describes the files.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True  # leaves no __pycache__ beside the scripts

import numpy as np

import keras_reference
import torch_reference

OUTPUT = pathlib.Path(__file__).resolve().parent.parent / "resources" / "reference"

T, B, V, H = 7, 3, 11, 5  # time steps, batch size, vocabulary, hidden units
BATCHES = 10
DISTURBANCE = 1e-6  # relative, of every weight
GROWTH = 2  # ReferenceTest allows as much for rounding errors
FRAMEWORKS = {"keras": keras_reference, "pytorch": torch_reference}

# framework, cell, layers, seed, clip_norm (about half the norm of the first gradient), learning_rate
FIXTURES = [
    ("keras", "rnn", 1, 101, 0.5, 0.16),
    ("keras", "rnn", 2, 102, 0.9, 0.05),
    ("keras", "gru", 1, 103, 0.23, 0.8),
    ("keras", "gru", 2, 104, 0.46, 0.2),
    ("keras", "gru-reset-before", 1, 105, 0.16, 1.5),
    ("keras", "gru-reset-before", 2, 106, 0.28, 0.5),
    ("keras", "lstm", 1, 107, 0.15, 1.8),
    ("keras", "lstm", 2, 108, 0.18, 1.2),
    ("pytorch", "rnn", 1, 201, 0.53, 0.15),
    ("pytorch", "rnn", 2, 202, 0.36, 0.3),
    ("pytorch", "gru", 1, 203, 0.3, 0.4),
    ("pytorch", "gru", 2, 204, 0.2, 1.1),
    ("pytorch", "lstm", 1, 205, 0.19, 1.1),
    ("pytorch", "lstm", 2, 206, 0.18, 1.3),
]


def make(framework, cell, layers, seed, clip_norm, learning_rate):
    """Draws the problem, has the framework solve it and returns the fixture."""
    reference = FRAMEWORKS[framework]
    shapes = reference.weight_shapes(cell, layers, V, H)

    random = np.random.RandomState(seed)  # its streams never change between NumPy versions

    def normal(shape):
        return random.normal(scale=0.5, size=shape).astype(np.float32)

    weights = [normal(shape) for _, shape in shapes]
    states_per_layer = 2 if cell == "lstm" else 1  # h and c, or h alone
    initial_state = [[normal((B, H)) for _ in range(states_per_layer)] for _ in range(layers)]
    inputs = random.randint(V, size=(BATCHES, T, B), dtype=np.int64)
    targets = random.randint(V, size=(BATCHES, T, B), dtype=np.int64)

    problem = (cell, layers, V, H, weights, initial_state, inputs, targets, clip_norm, learning_rate)
    result = reference.compute(*problem, dtype="float32")
    exact = reference.compute(*problem, dtype="float64")
    name = f"{framework}-{cell}-{layers}layers"
    check(name, result, exact, clip_norm)
    moved = [w * (1 + DISTURBANCE * random.choice([-1, 1], size=w.shape)) for w in weights]
    check_growth(name, reference.compute(*problem[:4], moved, *problem[5:], dtype="float64"), exact)
    result = to_float32(exact)

    def named(arrays):
        return [{"name": name, **shaped(a)} for (name, _), a in zip(shapes, arrays, strict=True)]

    def shaped(array):
        return {"shape": list(array.shape), "values": array.reshape(-1)}

    def shaped_state(state):
        return [[shaped(array) for array in arrays] for arrays in state]

    return {
        "versions": reference.versions(),
        "cell": cell, "layers": layers, "T": T, "B": B, "V": V, "H": H,
        "clip_norm": clip_norm,
        "learning_rate": learning_rate,
        "weights": named(weights),
        "initial_state": shaped_state(initial_state),
        "inputs": inputs,
        "targets": targets,
        "outputs": shaped(result["outputs"]),
        "logits": shaped(result["logits"]),
        "final_state": shaped_state(result["final_state"]),
        "loss": result["loss"],
        "gradients": named(result["gradients"]),
        "global_norm": result["global_norm"],
        "clipped_gradients": named(result["clipped_gradients"]),
        "losses": result["losses"],
        "final_weights": named(result["final_weights"]),
    }


def arrays_in(value, path):
    """Every array of a result as (path, array)."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from arrays_in(item, f"{path}/{key}")
    else:
        yield path, np.asarray(value)


def check(name, result, exact, clip_norm):
    """Stops unless float64 gives the same numbers, within 1e-5 of each array's largest, and clipping happened."""
    for (path, a), (_, b) in zip(arrays_in(result, name), arrays_in(exact, name), strict=True):
        if a.dtype != np.float32 or b.dtype != np.float64 or a.shape != b.shape:
            raise SystemExit(f"{path}: {a.dtype} {a.shape} against {b.dtype} {b.shape}")
        error = np.max(np.abs(a - b)) / np.max(np.abs(b))
        if not error <= 1e-5:
            raise SystemExit(f"{path}: float32 and float64 differ by {error:.1e} relative")
    if not 0.4 <= clip_norm / exact["global_norm"] <= 0.6:
        raise SystemExit(f"{name}: clip_norm {clip_norm} is not about half of the norm {exact['global_norm']:.4f}")


def check_growth(name, moved, exact):
    """Stops if ten steps make more than GROWTH times as much of a disturbance of the weights."""
    arrays = [(moved["losses"], exact["losses"]), *zip(moved["final_weights"], exact["final_weights"], strict=True)]
    growth = max(np.max(np.abs(a - b)) / max(1, np.max(np.abs(b))) for a, b in arrays) / DISTURBANCE
    print(f"{name}: a disturbance grows {growth:.1f} times in ten steps")
    if not growth <= GROWTH:
        raise SystemExit(f"{name}: a disturbance grows {growth:.0f} times in ten steps")


def to_float32(value):
    """Every array of a result, rounded to float32."""
    if isinstance(value, dict):
        return {key: to_float32(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_float32(item) for item in value]
    return np.asarray(value).astype(np.float32)


def to_json(value):
    """Compact JSON; a float32 is written with the fewest digits that read back as the same float32."""
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(key) + ":" + to_json(item) for key, item in value.items()) + "}"
    if isinstance(value, np.ndarray):
        value = value[()] if value.ndim == 0 else list(value)
    if isinstance(value, list):
        return "[" + ",".join(to_json(item) for item in value) + "]"
    return str(value) if isinstance(value, np.generic) else json.dumps(value)


def fixture_text(fixture):
    """One line for each top-level key."""
    return "{" + ",\n".join(json.dumps(key) + ":" + to_json(item) for key, item in fixture.items()) + "}\n"


def flat(value, path=""):
    """Every number and string of a parsed fixture by its path."""
    if not isinstance(value, (dict, list)):
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {p: v for key, item in items for p, v in flat(item, f"{path}/{key}").items()}


def difference(old_text, new_text):
    """Says what changed between two versions of a fixture."""
    if old_text is None:
        return "new"
    if old_text == new_text:
        return "unchanged"
    old, new = flat(json.loads(old_text)), flat(json.loads(new_text))
    changed = {path for path in old.keys() & new.keys() if old[path] != new[path]}
    texts = {path for path in changed if isinstance(old[path], str) or isinstance(new[path], str)}
    gaps = {path: abs(new[path] - old[path]) for path in changed - texts}
    parts = [f"{path[1:]} {old[path]} -> {new[path]}" for path in sorted(texts)]
    if gaps:
        worst = max(gaps, key=gaps.get)
        parts.append(f"{len(gaps)} numbers, by at most {gaps[worst]:.3g} (at {worst[1:]})")
    if old.keys() != new.keys():
        parts.append(f"{len(new.keys() - old.keys())} entries added, {len(old.keys() - new.keys())} removed")
    return "changed: " + ("; ".join(parts) or "only the layout")


def main():
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for framework, cell, layers, *rest in FIXTURES:
        file = OUTPUT / f"{framework}-{cell}-{layers}layers.json"
        old_text = file.read_text() if file.exists() else None
        new_text = fixture_text(make(framework, cell, layers, *rest))
        if new_text != old_text:
            file.write_text(new_text)
        print(f"{file.name}: {difference(old_text, new_text)}", flush=True)


if __name__ == "__main__":
    main()
