#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures training steps of Lockstep and its peers, interleaved in one run.

Each contestant runs in its own process. Each round runs all of them in turn, so a change in the
machine's speed affects all; medians are compared. A contestant that cannot run here is skipped with
a message.

    python3 bench/side_by_side.py [steps] [--threads 2] [--rounds 9] [--case 784-512-512-10:256]
        [--bench build/lockstep-bench] [--device 1] [--peers torch,torch-compile,jax]
        [--torch-device cuda] [--peer NAME=COMMAND]
    python3 bench/side_by_side.py small [--device 1] [--case 2-20-20-1:400:gd:relu]
        [--peer NAME=COMMAND]
    python3 bench/side_by_side.py fleet [--device 1] [--case 2-20-20-1:400:gd:relu]
        [--members 1000] [--epochs 1000] [--rounds 3]

--device adds Lockstep on an OpenCL device. PyTorch runs on the CPU, or with --torch-device cuda on
the GPU: float32 without TF32, data on the device. --peer adds any other program; {network},
{batch}, {threads}, {optimizer} and {activation} in COMMAND are replaced. bench/README.md describes
the protocol of such a program.

small: full batches of small networks, all contestants on the same core, the loss of every step
reported. fleet: many members of one network, seconds per member-step. bench/small_peers.py contains
the peers of both.
"""
import argparse, importlib.util, os, shlex, statistics, subprocess, sys, tempfile, time

CASES = {
    "steps": ["784-128-10:128", "784-512-512-10:256", "784-2048-2048-10:512"],
    "small": ["2-4-4-1:100:gd:relu", "2-20-20-1:400:gd:relu", "2-50-50-1:400:gd:relu",
              "2-20-20-20-20-20-20-20-20-20-20-1:400:gd:relu", "5-50-3:50:adam:relu"],
    "fleet": ["2-20-20-1:400:gd:relu"],
}
PEERS = {"steps": "torch,torch-compile,jax", "small": "torch,torch-compile,jax-scan,jax-scan-columns",
         "fleet": "jax-vmap,jax-vmap-columns,jax-map"}
RATE = {"gd": "0.025", "adam": "0.001"}  # learning rates of small and fleet


# ---- Contestants -----------------------------------------------------------------------------------------------------

def widths(network):
    return [int(w) for w in network.split("-")]


def batches(np, network, batch):
    """The data of lockstep-bench: eight batches of uniform inputs, row i of class i mod outputs."""
    rows, w = 8 * batch, widths(network)
    rng = np.random.default_rng(1)
    return rng.random((rows, w[0]), dtype=np.float32), np.arange(rows) % w[-1], rng


def flops(network, batch):
    """FLOP of the products of one step: forward, gradient of weights, gradient of inputs.

    The first layer needs no gradient of its inputs.
    """
    w = widths(network)
    return 2 * batch * (3 * sum(a * b for a, b in zip(w, w[1:])) - w[0] * w[1])


def serve(step, finish, batch, network, first=20, per_call=1, calibrate=True):
    """Runs the protocol of bench/README.md on standard input and output.

    step() starts per_call steps and returns the loss as a value that float() accepts; the loss of
    call number `first` is reported. finish() waits until all started steps are done.
    """
    for _ in range(first):
        loss = step()
    loss = float(loss)

    def timed(count):
        start = time.perf_counter()
        for _ in range(count):
            step()
        finish()
        return time.perf_counter() - start

    count = 1
    while calibrate and timed(count) < 0.1:
        count *= 2
    print("ready", loss, flops(network, batch), flush=True)
    for _ in sys.stdin:
        print(timed(count) / count / per_call, flush=True)


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
    def __init__(self, name, command, threads, one_core):
        self.name, self.times = name, []
        # by default JAX reserves most of a GPU's memory
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads), XLA_PYTHON_CLIENT_PREALLOCATE="false")
        pin = None
        if one_core:
            env["POCL_MAX_PTHREAD_COUNT"] = "1"
            # not every library can be limited to one thread by an option
            if hasattr(os, "sched_setaffinity"):
                core = {max(os.sched_getaffinity(0))}
                pin = lambda: os.sched_setaffinity(0, core)
        self.said = tempfile.TemporaryFile("w+")
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True, env=env,
                                            preexec_fn=pin)
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
        """The last line that the process wrote to standard error before it ended."""
        self.close()
        self.said.seek(0)
        lines = [line.strip() for line in self.said if line.strip()]
        return lines[-1][:200] if lines else "it ended without a message"

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.times.append(float(self.process.stdout.readline()))

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


class Case:
    """NETWORK:BATCH[:OPTIMIZER:ACTIVATION]"""

    def __init__(self, args, text):
        if not 1 <= text.count(":") <= 3:
            sys.exit(f"--case {text}: a case is NETWORK:BATCH[:OPTIMIZER:ACTIVATION]")
        self.network, self.batch, self.optimizer, self.activation = (text.split(":") + ["adam", "relu"][text.count(":") - 1:])[:4]
        if self.optimizer not in RATE:
            sys.exit(f"--case {text}: the optimizer must be gd or adam")
        self.what, self.threads = args.what, 1 if args.what == "small" else args.threads
        self.flops = flops(self.network, int(self.batch))

    def ours(self, args):
        command = [args.bench, "serve", "--network", self.network, "--batch", self.batch]
        if self.what != "steps":
            command += ["--rows", self.batch, "--optimizer", self.optimizer, "--activation", self.activation, "--lr", RATE[self.optimizer]]
        return command + (["--members", str(args.members), "--epochs", str(args.epochs)] if self.what == "fleet" else [])

    def peer(self, args, kind):
        here = os.path.dirname(os.path.abspath(__file__))
        if self.what == "steps":
            return [sys.executable, os.path.join(here, "side_by_side.py"), "--worker", kind, self.network, self.batch]
        command = [sys.executable, os.path.join(here, "small_peers.py"), kind, self.network, self.batch, self.optimizer, self.activation]
        return command + ([str(args.members), str(args.epochs)] if self.what == "fleet" else [])

    def title(self, args):
        if self.what == "steps":
            return f"{self.network}, batch {self.batch}, Adam, {args.threads} threads"
        some = f"{args.members} members of " if self.what == "fleet" else ""
        threads = "one thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{some}{self.network}, {self.batch} rows, full batch, {self.activation}, {self.optimizer}, {threads}"


def contestants(args, case):
    """Yields name, command and threads: Lockstep's CPU path, its devices, then the peers."""
    yield "Lockstep CPU path", case.ours(args) + ["--threads", str(case.threads)], case.threads
    for device in args.device:
        yield f"Lockstep OpenCL {device}", case.ours(args) + ["--device", device], case.threads
    for variant in filter(None, (PEERS[case.what] if args.peers is None else args.peers).split(",")):
        module = variant.split("-")[0]
        if not importlib.util.find_spec(module):
            print(f"({module} is not installed for {sys.executable}: {variant} is skipped)")
            continue
        if case.what != "steps":
            yield variant, case.peer(args, variant), case.threads
            continue
        on_cpu = args.torch_device == "cpu"
        for threads in sorted({1, args.threads}) if variant == "torch" and on_cpu else [args.threads]:
            where = f"{threads} thread{'s' if threads > 1 else ''}" if on_cpu or module != "torch" else f"on {args.torch_device}"
            yield f"{variant}, {where}", case.peer(args, variant) + [str(threads), args.torch_device], threads
    for peer in args.peer:
        name, command = peer.split("=", 1)
        filled = command.format(network=case.network, batch=case.batch, threads=case.threads, optimizer=case.optimizer,
                                activation=case.activation)
        yield name, shlex.split(filled), case.threads


def report(args, case, running):
    ours = [c for c in running if c.name.startswith("Lockstep ")]
    print(f"\n{case.title(args)}; {args.rounds} interleaved rounds")
    titles = "".join(f"{'vs. ' + c.name.replace('Lockstep ', ''):>14}" for c in ours)
    unit = "us/mem.step" if case.what == "fleet" else "us/step"
    print(f"{'':30} {unit:>11} {'GFLOP/s':>9} {'spread':>7}{titles} {'loss, step 20':>14}")
    for c in running:
        median = statistics.median(c.times)
        low, _, high = statistics.quantiles(c.times, n=4) if len(c.times) > 1 else (median, median, median)
        ratios = "".join(f"{median / statistics.median(o.times):13.2f}x" for o in ours)
        print(f"{c.name:30} {median * 1e6:11.2f} {(c.flops or case.flops) / median * 1e-9:9.1f} {50 * (high - low) / median:6.1f}%{ratios} {c.loss:14.4f}")
    sys.stdout.flush()


def compare(args, case):
    running = []
    for name, command, threads in contestants(args, case):
        c = Contestant(name, command, threads, case.what == "small")
        if c.ready():
            running.append(c)
        else:
            print(f"({name} does not run here: {c.why()})")
    for _ in range(args.rounds):
        for c in running:
            c.go()
    if running:
        report(args, case, running)
    for c in running:
        c.close()


def main():
    if len(sys.argv) > 2 and sys.argv[1] == "--worker":
        kind, network, batch, threads, device = sys.argv[2:7]
        if kind == "jax":
            return jax_worker(network, int(batch), int(threads))
        return torch_worker(network, int(batch), int(threads), kind == "torch-compile", device)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="steps", choices=["steps", "small", "fleet"])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("--threads", type=int, default=cores)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--case", action="append")
    parser.add_argument("--bench", default="build/lockstep-bench")
    parser.add_argument("--device", action="append", default=[])
    parser.add_argument("--peers")
    parser.add_argument("--torch-device", default="cpu")
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=1000)
    args = parser.parse_args()
    args.rounds = args.rounds or (3 if args.what == "fleet" else 9)
    for case in args.case or CASES[args.what]:
        compare(args, Case(args, case))


if __name__ == "__main__":
    main()
