#!/usr/bin/env python3
"""ProLIP's towers in numpy float64, written from PROLIP.md: small models of every option to their expected outputs.

    pip install numpy==2.4.6 safetensors==0.8.0 && python3 make_model_fixtures.py

First the towers are held against the official code's outputs on nano, nano-fp16 and nano-quickgelu; then the models
options-NAME/ and ../expected/options-NAME.safetensors are written, each seeded by its name.
"""
import json
import math
import os
import zlib

import numpy as np
from safetensors import safe_open

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = os.path.join(HERE, "..", "expected")
erf = np.vectorize(math.erf, otypes=[np.float64])


# --- Files -----------------------------------------------------------------------------------------------------------

def as_bf16(values):
    """Round to nearest even: the upper half of each float32."""
    bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def stored(values, kind):
    """The bytes of a tensor, and the values they stand for, in float64."""
    if kind == "BF16":
        bits = as_bf16(values)
        return bits.tobytes(), from_bf16(bits).astype(np.float64)
    array = np.ascontiguousarray(values, {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4"}[kind])
    return array.tobytes(), array.astype(np.float64)


def write(path, tensors):
    """Entries in the order of their names, contiguous, so that F16 neighbours may leave F32 unaligned."""
    header, data = {}, b""
    for name, (values, kind) in sorted(tensors.items()):
        chunk = stored(values, kind)[0]
        header[name] = {"dtype": kind, "shape": list(np.shape(values)), "data_offsets": [len(data), len(data) + len(chunk)]}
        data += chunk
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)


def read(path):
    with safe_open(path, "np") as file:
        return {key: file.get_tensor(key) for key in file.keys()}


# --- The towers (PROLIP.md sections 3 and 4) --------------------------------------------------------------------------

class Tower:
    def __init__(self, weights, prefix, width, heads, eps, quick):
        self.w = {key[len(prefix) + 1:]: value for key, value in weights.items() if key.startswith(prefix + ".")}
        self.width, self.heads, self.eps, self.quick = width, heads, eps, quick

    def norm(self, x, key):
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred ** 2).mean(-1, keepdims=True)
        return centred / np.sqrt(variance + self.eps) * self.w[key + ".weight"] + self.w[key + ".bias"]

    def linear(self, x, key):
        return x @ self.w[key + ".weight"].T + self.w[key + ".bias"]

    def attention(self, x, key):
        batch, length, width = x.shape
        size = width // self.heads
        q, k, v = np.split(x @ self.w[key + ".in_proj_weight"].T + self.w[key + ".in_proj_bias"], 3, -1)
        q, k, v = (t.reshape(batch, length, self.heads, size).transpose(0, 2, 1, 3) for t in (q, k, v))
        scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(size)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        return self.linear((scores @ v).transpose(0, 2, 1, 3).reshape(batch, length, width), key + ".out_proj")

    def activate(self, x):
        return x / (1 + np.exp(-1.702 * x)) if self.quick else x * 0.5 * (1 + erf(x / math.sqrt(2)))

    def blocks(self, x):
        layer = 0
        while f"transformer.resblocks.{layer}.ln_1.weight" in self.w:
            key = f"transformer.resblocks.{layer}"
            branch = self.attention(self.norm(x, key + ".ln_1"), key + ".attn")
            x = x + branch * self.w.get(key + ".ls_1.gamma", 1.0)
            branch = self.linear(self.activate(self.linear(self.norm(x, key + ".ln_2"), key + ".mlp.c_fc")), key + ".mlp.c_proj")
            x = x + branch * self.w.get(key + ".ls_2.gamma", 1.0)
            layer += 1
        return x


def eps_of(cfg):
    return (cfg.get("norm_kwargs") or {}).get("eps", 1e-5)


def encode_images(weights, config, pixels):
    cfg = config["vision_cfg"]
    width, patch = cfg["width"], cfg["patch_size"]
    tower = Tower(weights, "visual", width, width // cfg["head_width"], eps_of(cfg), config.get("quick_gelu", False))
    size = cfg["image_size"]
    height, breadth = size if isinstance(size, list) else (size, size)
    rows, columns = height // patch, breadth // patch
    x = pixels[:, :, :rows * patch, :columns * patch].astype(np.float64)
    x = x.reshape(len(x), 3, rows, patch, columns, patch).transpose(0, 2, 4, 1, 3, 5).reshape(len(x), rows * columns, -1)
    x = x @ tower.w["conv1.weight"].reshape(width, -1).T
    uncertain = cfg.get("embed_unc", False)
    lead = [tower.w["class_embedding"]] + ([tower.w["unc_embedding"]] if uncertain else [])
    x = np.concatenate([np.broadcast_to(np.stack(lead), (len(x), len(lead), width)), x], 1) + tower.w["positional_embedding"]
    if not cfg.get("no_ln_pre", False):
        x = tower.norm(x, "ln_pre")
    x = tower.norm(tower.blocks(x), "ln_post")
    if not uncertain:
        return x[:, 0] @ tower.w["proj"], None
    return tower.norm(x[:, 0], "ln_post") @ tower.w["proj"], tower.linear(x[:, 1], "uncertainty_proj")


def encode_texts(weights, config, ids):
    cfg = config["text_cfg"]
    tower = Tower(weights, "text", cfg["width"], cfg["heads"], eps_of(cfg), config.get("quick_gelu", False))
    uncertain = cfg.get("embed_unc", True)
    tail = ([tower.w["unc_emb"]] if uncertain else []) + [tower.w["cls_emb"]]
    x = tower.w["token_embedding.weight"][ids]
    x = np.concatenate([x, np.broadcast_to(np.stack(tail), (len(x), len(tail), cfg["width"]))], 1)
    x = tower.blocks(x + tower.w["positional_embedding"][:x.shape[1]])
    last = tower.norm(x[:, -1], "ln_final")
    mean = last @ tower.w["text_projection"] if "text_projection" in tower.w else tower.linear(last, "text_projection")
    return mean, tower.linear(mean, "text_uncertainty_projection") if uncertain else None


def normalize(mean):
    return mean / np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-12)


def outputs(weights, config, inputs):
    result = {}
    for kind, encode, key in [("image", encode_images, "image.pixels"), ("text", encode_texts, "text.ids"),
                              ("short.text", encode_texts, "short.text.ids")]:
        if key in inputs:
            mean, logvar = encode(weights, config, inputs[key])
            result |= {f"{kind}.mean_f64": mean, f"{kind}.mean_normalized_f64": normalize(mean)}
            result |= {} if logvar is None else {f"{kind}.logvar_f64": logvar}
    return result


# --- The models ------------------------------------------------------------------------------------------------------

class Random:
    def __init__(self, name):
        self.generator = np.random.default_rng(zlib.crc32(name.encode()))
        self.tensors = {}

    def add(self, key, *shape, scale, centre=0.0):
        self.tensors[key] = self.generator.normal(centre, scale, shape)

    def norm(self, key, width):
        self.add(key + ".weight", width, scale=0.3, centre=1.0)
        self.add(key + ".bias", width, scale=0.2)

    def linear(self, weight, bias, inputs, outputs, gain=1.0):
        self.add(weight, outputs, inputs, scale=gain / math.sqrt(inputs))
        self.add(bias, outputs, scale=0.2)

    def blocks(self, key, cfg):
        width, hidden = cfg["width"], int(cfg["width"] * cfg.get("mlp_ratio", 4.0))
        for layer in range(cfg["layers"]):
            at = f"{key}.transformer.resblocks.{layer}"
            self.norm(at + ".ln_1", width)
            self.linear(at + ".attn.in_proj_weight", at + ".attn.in_proj_bias", width, 3 * width, gain=1.5)
            self.linear(at + ".attn.out_proj.weight", at + ".attn.out_proj.bias", width, width)
            self.norm(at + ".ln_2", width)
            self.linear(at + ".mlp.c_fc.weight", at + ".mlp.c_fc.bias", width, hidden)
            self.linear(at + ".mlp.c_proj.weight", at + ".mlp.c_proj.bias", hidden, width)
            if cfg.get("ls_init_value") is not None:
                self.add(at + ".ls_1.gamma", width, scale=0.5, centre=cfg["ls_init_value"])
                self.add(at + ".ls_2.gamma", width, scale=0.5, centre=cfg["ls_init_value"])


def random_model(name, config, embedding_scale):
    random, dimension = Random(name), config["embed_dim"]
    vision, text = config["vision_cfg"], config["text_cfg"]
    width, patch, size = vision["width"], vision["patch_size"], vision["image_size"]
    height, breadth = size if isinstance(size, list) else (size, size)
    random.add("visual.conv1.weight", width, 3, patch, patch, scale=1 / math.sqrt(3 * patch * patch))
    lead = 1 + vision.get("embed_unc", False)
    random.add("visual.positional_embedding", lead + (height // patch) * (breadth // patch), width, scale=0.5)
    random.add("visual.class_embedding", width, scale=1)
    if lead == 2:
        random.add("visual.unc_embedding", width, scale=1)
        random.linear("visual.uncertainty_proj.weight", "visual.uncertainty_proj.bias", width, dimension)
    if not vision.get("no_ln_pre", False):
        random.norm("visual.ln_pre", width)
    random.blocks("visual", vision)
    random.norm("visual.ln_post", width)
    random.add("visual.proj", width, dimension, scale=1 / math.sqrt(width))
    width, tail = text["width"], 1 + text.get("embed_unc", True)
    random.add("text.token_embedding.weight", text["vocab_size"], width, scale=embedding_scale)
    random.add("text.positional_embedding", text["context_length"] + tail, width, scale=0.5 * embedding_scale)
    random.add("text.cls_emb", width, scale=embedding_scale)
    if tail == 2:
        random.add("text.unc_emb", width, scale=embedding_scale)
        random.linear("text.text_uncertainty_projection.weight", "text.text_uncertainty_projection.bias", dimension, dimension)
    random.blocks("text", text)
    random.norm("text.ln_final", width)
    if text.get("proj_bias", True):
        random.linear("text.text_projection.weight", "text.text_projection.bias", width, dimension)
    else:
        random.add("text.text_projection", width, dimension, scale=1 / math.sqrt(width))
    if config.get("init_logit_scale", 1) is not None:
        random.tensors["logit_scale"] = np.array(2.5)
    if config.get("init_logit_bias") is not None:
        random.tensors["logit_bias"] = np.array(float(config["init_logit_bias"]))
    inputs = {
        "image.pixels": random.generator.normal(0, 1, (3, 3, height, breadth)).astype(np.float32),
        "text.ids": random.generator.integers(0, text["vocab_size"], (4, text["context_length"])).astype(np.int32),
        "short.text.ids": random.generator.integers(0, text["vocab_size"], (2, text["context_length"] - 3)).astype(np.int32),
    }
    return random.tensors, inputs


def config(dimension=20, vision={}, text={}, **top):
    """A small model, but for what is given."""
    vision = {"width": 24, "layers": 2, "head_width": 12, "patch_size": 6, "image_size": 18, "mlp_ratio": 2.0,
              "embed_unc": True} | vision
    text = {"width": 20, "layers": 2, "heads": 2, "context_length": 8, "vocab_size": 40, "embed_cls": True,
            "embed_unc": True, "no_causal_mask": True, "pool_type": "last"} | text
    return {"embed_dim": dimension, "init_logit_bias": -10, "vision_cfg": vision, "text_cfg": text} | top


MODELS = {
    "layerscale": config(vision={"ls_init_value": 0.1}, text={"ls_init_value": 0.3}),
    "no-ln-pre": config(vision={"no_ln_pre": True}),
    "proj-matrix": config(text={"proj_bias": False}),
    "rectangle": config(vision={"image_size": [21, 34], "patch_size": 8}),
    "eps": config(vision={"norm_kwargs": {"eps": 0.05}}, text={"norm_kwargs": {"eps": 0.003}}),
    "heads": config(vision={"width": 30, "head_width": 9}, text={"heads": 5}),
    # 24 * 2.9 = 69.6 becomes 69, 20 * 2.08 = 41.6 becomes 41
    "mlp-ratio": config(vision={"mlp_ratio": 2.9}, text={"mlp_ratio": 2.08}, quick_gelu=True),
    "points": config(20, vision={"embed_unc": False}, text={"embed_unc": False, "width": 24, "heads": 3, "vocab_size": 84}),
    "picture-points": config(vision={"embed_unc": False, "mlp_ratio": 4.0}, text={"mlp_ratio": 2.0}),
    "no-logit": config(init_logit_scale=None, init_logit_bias=None, vision={"layers": 1}, text={"layers": 1}),
    "bf16": config(),
    "mixed": config(vision={"width": 25, "head_width": 5}, dimension=21, text={"width": 21, "heads": 3}),
}


def kind_of(name, key, index):
    """The element type of a tensor: `mixed` alternates, so that F32 tensors begin between two floats."""
    if name == "bf16":
        return "BF16"
    return ("F16", "F32", "F32")[index % 3] if name == "mixed" else "F32"


def prove():
    for name in ["nano", "nano-fp16", "nano-quickgelu"]:
        golden = read(os.path.join(EXPECTED, f"{name}.safetensors"))
        weights = {k: v.astype(np.float64) for k, v in read(os.path.join(HERE, name, "model.safetensors")).items()}
        with open(os.path.join(HERE, name, "config.json")) as file:
            got = outputs(weights, json.load(file), golden)
        worst = {key: float(np.abs(value - golden[key]).max()) for key, value in got.items()}
        print(name, {key: f"{value:.1e}" for key, value in worst.items()})
        assert max(worst.values()) < 1e-12 and set(got) == {key for key in golden if key.endswith("_f64")}


def sensitivity(name, weights, config, inputs, result):
    """How much the smallest mistake that the model is there to show would move."""
    wrong = json.loads(json.dumps(config))
    if name == "eps":
        for tower in ["vision_cfg", "text_cfg"]:
            wrong[tower]["norm_kwargs"]["eps"] *= 0.9
    elif name == "heads":
        wrong["vision_cfg"]["head_width"], wrong["text_cfg"]["heads"] = 6, 4
    else:
        return
    other = outputs(weights, wrong, inputs)
    moved = {key: float(np.abs(other[key] - result[key]).max()) for key in result}
    print(f"  {name}: wrong {', '.join(f'{key} {value:.0e}' for key, value in moved.items())}")
    assert min(moved.values()) > 1e-4


def main():
    prove()
    for name, config in MODELS.items():
        raw, inputs = random_model(name, config, 0.05 if name == "eps" else 1.0)
        tensors = {key: (value, kind_of(name, key, index)) for index, (key, value) in enumerate(sorted(raw.items()))}
        weights = {key: stored(*value)[1] for key, value in tensors.items()}
        folder = os.path.join(HERE, f"options-{name}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump(config, file, sort_keys=True, indent=2)
        path = os.path.join(folder, "model.safetensors")
        write(path, tensors)
        assert os.path.getsize(path) < 150_000
        result = outputs(weights, config, inputs)
        sensitivity(name, weights, config, inputs, result)
        kinds = {"image.pixels": "F32", "text.ids": "I32", "short.text.ids": "I32"}
        write(os.path.join(EXPECTED, f"options-{name}.safetensors"),
              {key: (value, kinds.get(key, "F64")) for key, value in (inputs | result).items()})
        print(f"options-{name}: {os.path.getsize(path)} bytes, {sorted(result)}")


if __name__ == "__main__":
    main()
