# SPDX-License-Identifier: MIT
"""What the PyTorch peers of side_by_side.py and small_peers.py share: precision, and CUDA graphs.

A kind of peer is words joined by hyphens, such as torch-graph-bf16:

    compile   forward and backward passes compiled by torch.compile
    graph     whole steps captured in a CUDA graph and replayed
    tf32      products of float32 operands rounded to 10 bits of mantissa (less precise)
    bf16      forward products by autocast in bfloat16, 7 bits of mantissa (less precise)
"""

import sys

LESS_PRECISE = ("tf32", "bf16")
KNOWN = {
    "torch": ("compile", "graph", "bmm", "columns", *LESS_PRECISE),
    "jax": ("scan", "vmap", "map", "columns", "tf32"),
}


def words(kind):
    """The words of a kind; ends the program if one of them is unknown."""
    first, *rest = kind.split("-")
    if first not in KNOWN or not set(rest) <= set(KNOWN[first]):
        sys.exit(f"there is no peer {kind}")
    return [first, *rest]


def less_precise(kind):
    return any(word in LESS_PRECISE for word in kind.split("-"))


def set_precision(torch, kind):
    torch.set_float32_matmul_precision("high" if "tf32" in words(kind) else "highest")


def autocast(torch, kind, device):
    return torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled="bf16" in words(kind))


def finish_of(torch, device):
    """A function that waits until the device has done all work."""
    return torch.cuda.synchronize if device.startswith("cuda") else lambda: None


def optimizer_of(torch, name, parameters, rate, kind, device):
    """Fused gradient descent or Adam; in a graph, Adam counts its steps on the device."""
    if name == "gd":
        return torch.optim.SGD(parameters, lr=rate, fused=True)
    return torch.optim.Adam(
        parameters,
        lr=rate,
        fused=True,
        capturable="graph" in words(kind) and device.startswith("cuda"),
    )


def captured(torch, device, steps, parameters, optimizer):
    """Captures steps(), which runs whole training steps, in a CUDA graph.

    Returns a function that replays the graph and returns what steps() returned: tensors which each
    replay overwrites. The training starts from the parameters as they are now, although capturing
    needs some steps to warm up. On the CPU, which has no graphs, the function runs steps() eagerly:
    that checks the code and measures nothing.
    """
    before = [p.detach().clone() for p in parameters]

    def restore():
        with torch.no_grad():
            for p, q in zip(parameters, before):
                p.copy_(q)
            for state in optimizer.state.values():
                for value in state.values():
                    if torch.is_tensor(value):
                        value.zero_()
        optimizer.zero_grad(set_to_none=True)

    if not device.startswith("cuda"):
        steps()
        restore()
        return steps
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            steps()
        restore()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = steps()

    def replay():
        graph.replay()
        return result

    return replay
