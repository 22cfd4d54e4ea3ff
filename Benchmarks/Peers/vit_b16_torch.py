#!/usr/bin/env python3
"""Times a ViT-B/16 of ProLIP's shape in PyTorch on the CPU: what Penumbra's image tower is compared with.

usage: vit_b16_torch.py [--batch N] [--runs N] [--threads N]
Prints one JSON line: {"case": ..., "seconds": [...]}. Random weights; the arithmetic is that of the official code
(nn.MultiheadAttention, pre-norm blocks, exact GELU), in inference mode.
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


class Tower(nn.Module):
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    tower = Tower().eval()
    pixels = torch.randn(options.batch, 3, 224, 224)
    seconds = []
    with torch.inference_mode():
        tower(pixels)
        for _ in range(options.runs):
            start = time.perf_counter()
            tower(pixels)
            seconds.append(time.perf_counter() - start)
    case = f"encode/pictures/model=ViT-B-16/batch={options.batch}/engine=torch-{torch.__version__}"
    print(json.dumps({"case": case, "threads": torch.get_num_threads(), "seconds": seconds}))


if __name__ == "__main__":
    main()
