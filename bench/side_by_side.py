#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Training steps of Lockstep and its peers, interleaved in one run.

Each contestant is a process of its own. Rounds go over all of them in turn, so that a change in the machine's speed meets them all;
medians are compared. Those that cannot run here are left out with a word.

    python3 bench/side_by_side.py [--threads 2] [--rounds 9] [--case 784-512-512-10:256] [--bench build/lockstep-bench]
        [--device 1] [--peers torch,torch-compile,jax] [--torch-device cuda] [--peer NAME=COMMAND]

--device adds Lockstep on an OpenCL device. PyTorch runs on the processor, or with --torch-device cuda on the GPU: float32 without
TF32, data on the device. --peer adds any other program; {network}, {batch} and {threads} in COMMAND are filled in. bench/README.md
tells what such a program has to do.
"""
import argparse, importlib.util, os, shlex, statistics, subprocess, sys, tempfile, time

CASES = ["784-128-10:128", "784-512-512-10:256", "784-2048-2048-10:512"]


# ---- Contestants -----------------------------------------------------------------------------------------------------

def widths(network):
    return [int(w) for w in network.split("-")]


def batches(np, network, batch):
    """The data of lockstep-bench: eight batches of uniform inputs, classes in turn."""
    rows, w = 8 * batch, widths(network)
    rng = np.random.default_rng(1)
    return rng.random((rows, w[0]), dtype=np.float32), np.arange(rows) % w[-1], rng


def flops(network, batch):
    """Of a step's products: forward, gradient of weights, gradient of inputs; the first layer needs no gradient of its inputs."""
    w = widths(network)
    return 2 * batch * (3 * sum(a * b for a, b in zip(w, w[1:])) - w[0] * w[1])


def serve(step, finish, batch, network):
    """step() begins a step and returns its loss as something float() takes; finish() waits until all that was begun is done."""
    for _ in range(20):
        loss = step()
    loss = float(loss)

    def timed(count):
        start = time.perf_counter()
        for _ in range(count):
            step()
        finish()
        return time.perf_counter() - start

    count = 1
    while timed(count) < 0.1:
        count *= 2
    print("ready", loss, flops(network, batch), flush=True)
    for _ in sys.stdin:
        print(timed(count) / count, flush=True)


def torch_worker(network, batch, threads, compiled, device):
    import numpy as np, torch
    torch.manual_seed(1)
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    x, y, _ = batches(np, network, batch)
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
            state["order"] = torch.randperm(8 * batch, device=device)
        state["i"] += 1
        index = state["order"][b * batch:(b + 1) * batch]
        optimizer.zero_grad(set_to_none=True)
        loss = run(x[index], y[index])
        optimizer.step()
        return loss.detach()

    serve(step, torch.cuda.synchronize if device.startswith("cuda") else lambda: None, batch, network)


def jax_worker(network, batch, threads):
    import numpy as np, jax, jax.numpy as jnp
    jax.config.update("jax_default_matmul_precision", "float32")  # no TF32 on GPUs
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

    serve(step, lambda: jax.block_until_ready(state["s"]), batch, network)


# ---- The run ---------------------------------------------------------------------------------------------------------

class Contestant:
    def __init__(self, name, command, threads):
        self.name, self.times = name, []
        # JAX would take most of a GPU's memory for itself
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads), XLA_PYTHON_CLIENT_PREALLOCATE="false")
        self.said = tempfile.TemporaryFile("w+")
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True, env=env)
        except OSError as error:
            self.process = None
            self.said.write(str(error))

    def ready(self):
        words = self.process.stdout.readline().split() if self.process else []
        if len(words) < 3 or words[0] != "ready":
            return False
        self.loss, self.flops = float(words[1]), float(words[2])
        return True

    def why(self):
        """The last thing it said before it ended."""
        self.close()
        self.said.seek(0)
        lines = [line.strip() for line in self.said if line.strip()]
        return lines[-1][:200] if lines else "it ended without a word"

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.times.append(float(self.process.stdout.readline()))

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def contestants(args, network, batch):
    """Name, command and threads of each; Lockstep's CPU path first, then its devices."""
    ours = [args.bench, "serve", "--network", network, "--batch", str(batch)]
    yield "Lockstep CPU path", ours + ["--threads", str(args.threads)], args.threads
    for device in args.device:
        yield f"Lockstep OpenCL {device}", ours + ["--device", device], args.threads
    me = [sys.executable, os.path.abspath(__file__), "--worker"]
    for variant in filter(None, args.peers.split(",")):
        module = variant.split("-")[0]
        if not importlib.util.find_spec(module):
            print(f"({module} is not installed for {sys.executable}: {variant} is left out)")
            continue
        on_cpu = args.torch_device == "cpu"
        for threads in sorted({1, args.threads}) if variant == "torch" and on_cpu else [args.threads]:
            where = f"{threads} thread{'s' if threads > 1 else ''}" if on_cpu or module != "torch" else f"on {args.torch_device}"
            yield f"{variant}, {where}", me + [variant, network, str(batch), str(threads), args.torch_device], threads
    for peer in args.peer:
        name, command = peer.split("=", 1)
        yield name, shlex.split(command.format(network=network, batch=batch, threads=args.threads)), args.threads


def report(args, network, batch, running):
    ours = [c for c in running if c.name.startswith("Lockstep ")]
    print(f"\n{network}, batch {batch}, Adam, {args.threads} threads; {args.rounds} interleaved rounds")
    titles = "".join(f"{c.name.replace('Lockstep ', '') + ' is':>14}" for c in ours)
    print(f"{'':30} {'us/step':>10} {'GFLOP/s':>9} {'spread':>7}{titles} {'loss, step 20':>14}")
    for c in running:
        median = statistics.median(c.times)
        low, _, high = statistics.quantiles(c.times, n=4) if len(c.times) > 1 else (median, median, median)
        ratios = "".join(f"{median / statistics.median(o.times):13.2f}x" for o in ours)
        print(f"{c.name:30} {median * 1e6:10.1f} {c.flops / median * 1e-9:9.1f} {50 * (high - low) / median:6.1f}%{ratios} {c.loss:14.4f}")
    sys.stdout.flush()


def compare(args, case):
    network, batch = case.split(":")
    running = []
    for name, command, threads in contestants(args, network, int(batch)):
        c = Contestant(name, command, threads)
        if c.ready():
            running.append(c)
        else:
            print(f"({name} does not run here: {c.why()})")
    for _ in range(args.rounds):
        for c in running:
            c.go()
    if running:
        report(args, network, batch, running)
    for c in running:
        c.close()


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--worker":
        kind, network, batch, threads, device = sys.argv[2:7]
        if kind == "jax":
            return jax_worker(network, int(batch), int(threads))
        return torch_worker(network, int(batch), int(threads), kind == "torch-compile", device)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="steps", choices=["steps"])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("--threads", type=int, default=cores)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--case", action="append")
    parser.add_argument("--bench", default="build/lockstep-bench")
    parser.add_argument("--device", action="append", default=[])
    parser.add_argument("--peers", default="torch,torch-compile,jax")
    parser.add_argument("--torch-device", default="cpu")
    parser.add_argument("--peer", action="append", default=[])
    args = parser.parse_args()
    for case in args.case or CASES:
        compare(args, case)


main()
