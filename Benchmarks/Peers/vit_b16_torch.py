#!/usr/bin/env python3
"""Times towers of ProLIP's ViT-B/16 in PyTorch on the CPU: what Penumbra's encoders are compared with.

usage: vit_b16_torch.py [--runs N] [--threads N]
Prints one JSON line a case: {"case": ..., "engine": ..., "seconds": [...]}: pictures and texts, in batches of 1, 8 and 32,
in Float32 and under bfloat16 autocast. Random weights; the arithmetic is that of the official code (nn.MultiheadAttention,
pre-norm blocks, exact GELU), in inference mode. Pictures come as tensors and texts as token ids: no decoding is counted.
"""
import argparse
import json
import time

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class ImageTower(nn.Module):
    def __init__(self, width=768, layers=12, heads=12, patch=16, size=224, dimension=768):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.tokens = nn.Parameter(torch.randn(2, width) * 0.02)
        self.positions = nn.Parameter(torch.randn(2 + (size // patch) ** 2, width) * 0.02)
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.proj = nn.Parameter(torch.randn(width, dimension) * 0.02)
        self.uncertainty = nn.Linear(width, dimension)

    def forward(self, pixels):
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.tokens.expand(len(x), -1, -1), x], 1) + self.positions
        x = self.ln_post(self.blocks(self.ln_pre(x)))
        return self.ln_post(x[:, 0]) @ self.proj, self.uncertainty(x[:, 1])

    @staticmethod
    def example(batch):
        return torch.randn(batch, 3, 224, 224)


class TextTower(nn.Module):
    def __init__(self, width=768, layers=12, heads=12, context=64, vocabulary=32100, dimension=768):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.tokens = nn.Parameter(torch.randn(2, width) * 0.02)
        self.positions = nn.Parameter(torch.randn(context + 2, width) * 0.02)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.ln_final = nn.LayerNorm(width)
        self.projection, self.uncertainty = nn.Linear(width, dimension), nn.Linear(dimension, dimension)

    def forward(self, ids):
        x = torch.cat([self.embedding(ids), self.tokens.expand(len(ids), -1, -1)], 1) + self.positions
        mean = self.projection(self.ln_final(self.blocks(x)[:, -1]))
        return mean, self.uncertainty(mean)

    @staticmethod
    def example(batch):
        return torch.randint(0, 32100, (batch, 64))


def measure(tower, batch, is_half, runs):
    inputs = tower.example(batch)
    seconds = []
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_half):
        tower(inputs)
        while len(seconds) < runs and (len(seconds) < 3 or sum(seconds) < 8):
            start = time.perf_counter()
            tower(inputs)
            seconds.append(time.perf_counter() - start)
    return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    engine = f"torch {torch.__version__}, {torch.get_num_threads()} threads"
    for kind, tower in (("pictures", ImageTower().eval()), ("texts", TextTower().eval())):
        for precision in ("f32", "bf16"):
            for batch in (1, 8, 32):
                case = f"encode/{kind}/model=ViT-B-16/precision={precision}/batch={batch}"
                seconds = measure(tower, batch, precision == "bf16", options.runs)
                print(json.dumps({"case": case, "engine": engine, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
