#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Training steps of Lockstep and its peers, interleaved in one run.

Each contestant is a process of its own that prints "ready LOSS FLOPS" (the loss after 20 steps) and then, for every line "go",
runs a fraction of a second of steps and prints the seconds of one. Rounds go over all contestants in turn, so that a change in the
machine's speed meets them all; medians are compared. Peers that cannot be imported are left out with a word.

    python3 bench/side_by_side.py [--threads 2] [--rounds 9] [--case 784-512-512-10:256] [--bench build/lockstep-bench]
        [--device 1] [--peer NAME=COMMAND]

COMMAND is any other contestant: {network}, {batch} and {threads} are filled in.
"""
import argparse, importlib.util, os, statistics, subprocess, sys, time

CASES = ["784-128-10:128", "784-512-512-10:256", "784-2048-2048-10:512"]


# ---- Contestants -----------------------------------------------------------------------------------------------------

def widths(network):
    return [int(w) for w in network.split("-")]


def batches(np, network, batch):
    """The data of lockstep-bench: eight batches of uniform inputs, classes in turn."""
    rows, w = 8 * batch, widths(network)
    rng = np.random.default_rng(1)
    return rng.random((rows, w[0]), dtype=np.float32), np.arange(rows) % w[-1], rng


def serve(step, batch, network):
    """step() does one step and returns its loss as something float() takes."""
    for _ in range(20):
        loss = step()
    w = widths(network)
    weights = sum(a * b for a, b in zip(w, w[1:]))
    count, start = 1, time.perf_counter()
    while True:
        start = time.perf_counter()
        for _ in range(count):
            last = step()
        float(last)
        if time.perf_counter() - start > 0.1:
            break
        count *= 2
    print("ready", float(loss), 6 * batch * weights, flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(count):
            last = step()
        float(last)
        print((time.perf_counter() - start) / count, flush=True)


def torch_worker(network, batch, threads, compiled, device):
    import numpy as np, torch
    torch.manual_seed(1)
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    x, y, rng = batches(np, network, batch)
    x, y = torch.from_numpy(x).to(device), torch.from_numpy(y).to(device)
    w, layers = widths(network), []
    for i, (a, b) in enumerate(zip(w, w[1:])):
        layers += [torch.nn.Linear(a, b)] + ([torch.nn.ReLU()] if i + 2 < len(w) else [])
    model = torch.nn.Sequential(*layers).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()

    def forward_backward(bx, by):
        loss = loss_of(model(bx), by)
        loss.backward()
        return loss

    run = torch.compile(forward_backward) if compiled else forward_backward
    state = {"i": 0, "order": None}

    def step():
        b = state["i"] % 8
        if b == 0:
            state["order"] = torch.from_numpy(rng.permutation(8 * batch)).to(device)
        state["i"] += 1
        index = state["order"][b * batch:(b + 1) * batch]
        optimizer.zero_grad(set_to_none=True)
        loss = run(x[index], y[index])
        optimizer.step()
        return loss.detach()

    serve(step, batch, network)


def jax_worker(network, batch, threads):
    import numpy as np, jax, jax.numpy as jnp
    x, y, rng = batches(np, network, batch)
    x, y, w = jnp.asarray(x), jnp.asarray(y), widths(network)
    params = [(jnp.asarray(rng.uniform(-(6 / a) ** 0.5, (6 / a) ** 0.5, (a, b)), jnp.float32), jnp.zeros(b)) for a, b in zip(w, w[1:])]
    zeros = lambda: jax.tree.map(jnp.zeros_like, params)

    def loss_of(p, bx, by):
        for i, (m, b) in enumerate(p):
            bx = bx @ m + b
            if i + 1 < len(p):
                bx = jnp.maximum(bx, 0)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(bx), by[:, None], 1))

    def update(p, m, v, t, index):
        loss, g = jax.value_and_grad(loss_of)(p, x[index], y[index])
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
        scale = 1e-3 / (1 - 0.9 ** t)
        p = jax.tree.map(lambda q, a, b: q - scale * a / (jnp.sqrt(b / (1 - 0.999 ** t)) + 1e-8), p, m, v)
        return p, m, v, loss

    compiled = jax.jit(update, donate_argnums=(0, 1, 2))
    state = {"s": (params, zeros(), zeros()), "i": 0, "order": None}

    def step():
        b = state["i"] % 8
        if b == 0:
            state["order"] = jnp.asarray(rng.permutation(8 * batch))
        state["i"] += 1
        p, m, v, loss = compiled(*state["s"], jnp.float32(state["i"]), state["order"][b * batch:(b + 1) * batch])
        state["s"] = (p, m, v)
        return loss

    serve(step, batch, network)


# ---- The run ---------------------------------------------------------------------------------------------------------

class Contestant:
    def __init__(self, name, command, threads):
        self.name, self.times = name, []
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads), OPENBLAS_CORETYPE=os.environ.get("OPENBLAS_CORETYPE", ""))
        if not env["OPENBLAS_CORETYPE"]:
            del env["OPENBLAS_CORETYPE"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)

    def ready(self):
        words = self.process.stdout.readline().split()
        if len(words) < 3 or words[0] != "ready":
            return False
        self.loss, self.flops = float(words[1]), float(words[2])
        return True

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.times.append(float(self.process.stdout.readline()))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def contestants(args, network, batch):
    """Name and command of each, Lockstep's CPU path first."""
    ours = [args.bench, "serve", "--network", network, "--batch", str(batch)]
    yield "Lockstep CPU path", ours + ["--threads", str(args.threads)], args.threads
    for device in args.device:
        yield f"Lockstep OpenCL {device}", ours + ["--device", device], args.threads
    me = [sys.executable, os.path.abspath(__file__), "--worker"]
    for module, variants in (("torch", ("torch", "torch-compile")), ("jax", ("jax",))):
        if not importlib.util.find_spec(module):
            print(f"({module} is not installed for {sys.executable}: left out)")
            continue
        for variant in variants:
            for threads in sorted({1, args.threads}) if module == "torch" and args.torch_device == "cpu" else [args.threads]:
                name = f"{variant}, {threads} thread{'s' if threads > 1 else ''}" if args.torch_device == "cpu" else f"{variant} on {args.torch_device}"
                yield name, me + [variant, network, str(batch), str(threads), args.torch_device], threads
    for peer in args.peer:
        name, command = peer.split("=", 1)
        yield name, command.format(network=network, batch=batch, threads=args.threads).split(), args.threads


def compare(args, case):
    network, batch = case.split(":")
    running = []
    for name, command, threads in contestants(args, network, int(batch)):
        c = Contestant(name, command, threads)
        if c.ready():
            running.append(c)
        else:
            print(f"({name} does not run here: left out)")
            c.close()
    for _ in range(args.rounds):
        for c in running:
            c.go()
    ours = statistics.median(running[0].times)
    print(f"\n{network}, batch {batch}, Adam, {args.threads} threads; {args.rounds} interleaved rounds")
    print(f"{'':28} {'us/step':>10} {'GFLOP/s':>9} {'spread':>7} {'CPU path is':>12} {'loss, step 20':>14}")
    for c in running:
        median = statistics.median(c.times)
        low, _, high = statistics.quantiles(c.times, n=4) if len(c.times) > 1 else (median, median, median)
        print(f"{c.name:28} {median * 1e6:10.1f} {c.flops / median * 1e-9:9.1f} {50 * (high - low) / median:6.1f}% {median / ours:11.2f}x {c.loss:14.4f}")
        c.close()
    sys.stdout.flush()


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--worker":
        kind, network, batch, threads, device = sys.argv[2:7]
        if kind == "jax":
            return jax_worker(network, int(batch), int(threads))
        return torch_worker(network, int(batch), int(threads), kind == "torch-compile", device)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="steps", choices=["steps"])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--case", action="append")
    parser.add_argument("--bench", default="build/lockstep-bench")
    parser.add_argument("--device", action="append", default=[])
    parser.add_argument("--torch-device", default="cpu")
    parser.add_argument("--peer", action="append", default=[])
    args = parser.parse_args()
    for case in args.case or CASES:
        compare(args, case)


main()
