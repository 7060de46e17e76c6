# SPDX-License-Identifier: MIT
"""Networks of images for side_by_side.py: a description as in docs/networks.md, behind the shape of
the images and a colon, as a PyTorch module (channels before positions, PyTorch's usual layout), and
its floating-point operations.
"""

import math
import re

NETWORKS = {
    "small": "1x28x28:conv 16 3x3 same, relu, maxpool 2, conv 32 3x3 same, batchnorm, relu, maxpool 2, "
    "dense 64, relu, dropout 0.2, dense 10",
    "residual": "3x32x32:conv 32 3x3 same, batchnorm, relu, "
    + "residual(conv 32 3x3 same, batchnorm, relu, conv 32 3x3 same, batchnorm), relu, " * 3
    + "conv 32 3x3 same, batchnorm, relu, globalpool, dense 10",
}


def parts(network):
    """(shape, items): an item is a list of words, or ["residual", items]."""
    shape, text = network.split(":", 1)
    tokens = re.findall(r"[(),]|[^\s(),]+", text)

    def read(at):
        items, words = [], []
        while at < len(tokens) and tokens[at] != ")":
            if tokens[at] == "(":
                inner, at = read(at + 1)
                words.append(inner)
            elif tokens[at] == ",":
                items.append(words)
                words = []
            else:
                words.append(tokens[at])
            at += 1
        return items + [words], at

    return [int(n) for n in shape.split("x")], read(0)[0]


def window(words):
    """Rows and columns of a window, and whether the result keeps the size of the image."""
    size = [int(n) for n in words[0].split("x")]
    return (size * 2)[:2], "same" in words


def walk(shape, items, visit):
    """Calls visit(words, shape before, shape after) for each item; a shape has one or three sizes."""
    for words in items:
        before = shape
        if words[0] == "conv":
            size, same = window(words[2:])
            shape = [int(words[1])] + [n - (0 if same else k - 1) for n, k in zip(shape[1:], size)]
        elif words[0] == "maxpool":
            shape = shape[:1] + [n // k for n, k in zip(shape[1:], window(words[1:])[0])]
        elif words[0] == "globalpool":
            shape = shape[:1]
        elif words[0] == "dense":
            shape = [int(words[1])]
        visit(words, before, shape)
    return shape


def flops(network, batch):
    """FLOP of the sums of products of one step: forward, gradient of weights, gradient of inputs.

    The first layer needs no gradient of its inputs.
    """
    shape, items = parts(network)
    counts = []

    def visit(words, before, after):
        if words[0] == "residual":
            walk(before, words[1], visit)
        elif words[0] == "conv":
            counts.append(2 * math.prod(window(words[2:])[0]) * before[0] * math.prod(after))
        elif words[0] == "dense":
            counts.append(2 * math.prod(before) * after[0])

    walk(shape, items, visit)
    return batch * (3 * sum(counts) - counts[0])


def torch_module(torch, network):
    nn = torch.nn
    shape, items = parts(network)

    class Residual(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return x + self.inner(x)

    def sequence(shape, items):
        layers = []

        def visit(words, before, after):
            name = words[0]
            if name == "conv":
                size, same = window(words[2:])
                layers.append(nn.Conv2d(before[0], after[0], size, padding="same" if same else 0))
            elif name == "maxpool":
                layers.append(nn.MaxPool2d(window(words[1:])[0]))
            elif name == "globalpool":
                layers.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten()])
            elif name == "dense":
                layers.extend(([nn.Flatten()] if len(before) > 1 else []) + [nn.Linear(math.prod(before), after[0])])
            elif name == "batchnorm":
                layers.append(nn.BatchNorm2d(before[0]) if len(before) > 1 else nn.BatchNorm1d(before[0]))
            elif name == "relu":
                layers.append(nn.ReLU())
            elif name == "dropout":
                layers.append(nn.Dropout(float(words[1])))
            elif name == "residual":
                layers.append(Residual(sequence(before, words[1])))
            else:
                raise SystemExit(f"{name}: this peer does not know it")

        walk(shape, items, visit)
        return nn.Sequential(*layers)

    return sequence(shape, items), shape
