#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures training steps of Lockstep and its peers, interleaved in one run.

Each contestant runs in its own process. Each round runs all of them in turn, so a change in the
machine's speed affects all; medians are compared. A contestant that cannot run here is skipped with
a message.

    python3 bench/side_by_side.py [steps] [--threads 2] [--rounds 9] [--case 784-512-512-10:256]
        [--bench build/lockstep-bench] [--device 1] [--peers torch,torch-compile,jax]
        [--peer-device cuda] [--peer NAME=COMMAND]
    python3 bench/side_by_side.py images [--device 1] [--case small:64] [--case '1x8x8:conv 8 3x3 same, relu, dense 10:64']
    python3 bench/side_by_side.py small [--device 1] [--case 2-20-20-1:400:gd:relu]
        [--peer-device cuda] [--peer NAME=COMMAND]
    python3 bench/side_by_side.py fleet [--device 1] [--case 2-20-20-1:400:gd:relu]
        [--members 1000] [--epochs 1000] [--rounds 3] [--peer-device cuda]

--device adds Lockstep on an OpenCL device. PyTorch and JAX run on the CPU, or with --peer-device
cuda on the GPU: float32 without TF32, data on the device. Peers whose name ends in tf32 or bf16 are
less precise; they are listed below the others, without ratios. torch-graph runs whole steps in a
CUDA graph; with --dry-run the same code runs on the CPU without a graph, which checks its losses
and measures nothing. --peer adds any other program; {network}, {batch}, {threads}, {optimizer} and
{activation} in COMMAND are replaced. bench/README.md describes the protocol of such a program, and
the peers.

small: full batches of small networks, all contestants on the same core, the loss of every step
reported. fleet: many members of one network, seconds per member-step. bench/small_peers.py contains
the peers of both.
"""
import argparse, importlib.util, math, os, shlex, statistics, subprocess, sys, tempfile, time
import image_peers, torch_graph

CASES = {
    "steps": ["784-128-10:128", "784-512-512-10:256", "784-2048-2048-10:512"],
    "small": ["2-4-4-1:100:gd:relu", "2-20-20-1:400:gd:relu", "2-50-50-1:400:gd:relu",
              "2-20-20-20-20-20-20-20-20-20-20-1:400:gd:relu", "5-50-3:50:adam:relu"],
    "fleet": ["2-20-20-1:400:gd:relu"],
    "images": ["small:64", "residual:64"],
}
PEERS = {
    "cpu": {"steps": "torch,torch-compile,jax",
            "small": "torch,torch-compile,jax-scan,jax-scan-columns",
            "images": "torch,torch-compile",
            "fleet": "torch-bmm,torch-bmm-columns,jax-vmap,jax-vmap-columns,jax-map"},
    "gpu": {"steps": "torch,torch-compile,torch-graph,torch-graph-tf32,torch-graph-bf16,jax-scan",
            "small": "torch,torch-graph,torch-compile-graph,jax-scan,jax-scan-columns",
            "images": "torch,torch-graph,torch-graph-tf32,torch-graph-bf16",
            "fleet": "torch-bmm-graph,torch-bmm-columns-graph,torch-bmm-compile-graph,torch-bmm-graph-tf32,jax-vmap,jax-vmap-columns"},
}
RATE = {"gd": "0.025", "adam": "0.001"}  # learning rates of small and fleet


# ---- Contestants -----------------------------------------------------------------------------------------------------

def is_image(network):
    return ":" in network


def widths(network):
    if is_image(network):
        return [math.prod(int(n) for n in network.split(":")[0].split("x")), int(network.split()[-1])]
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
    if is_image(network):
        return image_peers.flops(network, batch)
    w = widths(network)
    return 2 * batch * (3 * sum(a * b for a, b in zip(w, w[1:])) - w[0] * w[1])


def serve(step, finish, batch, network, first=20, per_call=1, calibrate=True, loss_of=float):
    """Runs the protocol of bench/README.md on standard input and output.

    step() starts per_call steps and returns their losses; of call number `first`, loss_of makes the
    number that is reported. finish() waits until all started steps are done.
    """
    for _ in range(first):
        losses = step()
    loss = loss_of(losses)

    def timed(count):
        start = time.perf_counter()
        for _ in range(count):
            losses = step()
        finish()
        loss_of(losses)
        return time.perf_counter() - start

    count = 1
    while calibrate and timed(count) < 0.1:
        count *= 2
    print("ready", loss, flops(network, batch), flush=True)
    for _ in sys.stdin:
        print(timed(count) / count / per_call, flush=True)


def wait_for_turn():
    """Waits after loading the libraries, if all contestants were started together."""
    if os.environ.get("SIDE_BY_SIDE_WAITS"):
        sys.stdin.readline()


def torch_worker(kind, network, batch, threads, device):
    """Eager or compiled steps; or, as a CUDA graph, the eight steps of an epoch at once."""
    import numpy as np, torch
    wait_for_turn()
    torch.manual_seed(1)
    torch.set_num_threads(threads)
    torch_graph.set_precision(torch, kind)
    x, y, _ = batches(np, network, batch)
    x, y = torch.from_numpy(x).to(device), torch.from_numpy(y).to(device)
    if is_image(network):
        model, shape = image_peers.torch_module(torch, network)
        model, x = model.to(device), x.reshape(-1, *shape)
    else:
        w, layers = widths(network), []
        for i, (a, b) in enumerate(zip(w, w[1:])):
            layers += [torch.nn.Linear(a, b)] + ([torch.nn.ReLU()] if i + 2 < len(w) else [])
        model = torch.nn.Sequential(*layers).to(device)
    parameters = list(model.parameters())
    optimizer = torch_graph.optimizer_of(torch, "adam", parameters, 1e-3, kind, device)
    loss_of = torch.nn.CrossEntropyLoss()
    order = torch.arange(8 * batch, device=device)

    def forward_backward(bx, by):
        with torch_graph.autocast(torch, kind, device):
            loss = loss_of(model(bx), by)
        loss.backward()
        return loss

    run = torch.compile(forward_backward) if "compile" in torch_graph.words(kind) else forward_backward

    def one(b):
        index = order[b * batch:(b + 1) * batch]
        optimizer.zero_grad(set_to_none=True)
        loss = run(x[index], y[index])
        optimizer.step()
        return loss.detach()

    finish = torch_graph.finish_of(torch, device)
    if "graph" in torch_graph.words(kind):
        replay = torch_graph.captured(torch, device, lambda: torch.stack([one(b) for b in range(8)]), parameters, optimizer)

        def epoch():
            torch.randperm(8 * batch, out=order)
            return replay()

        return serve(epoch, finish, batch, network, first=3, per_call=8, loss_of=lambda losses: float(losses[3]))  # step 20
    done = [0]

    def step():
        if done[0] % 8 == 0:
            torch.randperm(8 * batch, out=order)
        done[0] += 1
        return one((done[0] - 1) % 8)

    serve(step, finish, batch, network)


def import_jax(kind, device):
    """JAX on the CPU or on the GPU, with float32 products unless the kind says tf32."""
    if device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    import jax
    wait_for_turn()
    if device != "cpu" and jax.default_backend() != "gpu":
        sys.exit("JAX finds no GPU")
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if "tf32" in torch_graph.words(kind) else "float32")
    return jax


def jax_worker(kind, network, batch, device):
    """jax: a step in each call. jax-scan: the eight steps of an epoch in each call."""
    jax = import_jax(kind, device)
    import numpy as np, jax.numpy as jnp
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

    def update(state, index):
        p, m, v, t = state
        t = t + 1
        loss, g = jax.value_and_grad(loss_of)(p, x[index], y[index])
        m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
        scale = 1e-3 / (1 - 0.9 ** t)
        p = jax.tree.map(lambda q, a, b: q - scale * a / (jnp.sqrt(b / (1 - 0.999 ** t)) + 1e-8), p, m, v)
        return (p, m, v, t), loss

    whole = "scan" in torch_graph.words(kind)

    def call(state, order, b):
        if whole:
            return jax.lax.scan(update, state, order.reshape(8, batch))
        return update(state, jax.lax.dynamic_slice(order, (b * batch,), (batch,)))

    compiled = jax.jit(call, donate_argnums=0)
    held = {"state": (params, zeros(), zeros(), jnp.float32(0)), "calls": 0, "order": None}

    def step():
        b = 0 if whole else held["calls"] % 8
        if b == 0:
            held["order"] = jnp.asarray(rng.permutation(8 * batch))
        held["calls"] += 1
        held["state"], losses = compiled(held["state"], held["order"], b)
        return losses

    finish = lambda: jax.block_until_ready(held["state"])
    if whole:
        return serve(step, finish, batch, network, first=3, per_call=8, loss_of=lambda losses: float(losses[3]))  # step 20
    serve(step, finish, batch, network)


# ---- The run ---------------------------------------------------------------------------------------------------------

class Contestant:
    def __init__(self, name, command, threads, one_core, waits):
        self.name, self.times, self.waits = name, [], waits
        # by default JAX reserves most of a GPU's memory
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads), XLA_PYTHON_CLIENT_PREALLOCATE="false")
        env.pop("SIDE_BY_SIDE_WAITS", None)
        if waits:
            env["SIDE_BY_SIDE_WAITS"] = "1"
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
        if self.process and self.waits:
            self.process.stdin.write("your turn\n")
            self.process.stdin.flush()
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
        if args.what != "images" and not 1 <= text.count(":") <= 3:
            sys.exit(f"--case {text}: a case is NETWORK:BATCH[:OPTIMIZER:ACTIVATION]")
        if args.what == "images":
            network, self.batch = text.rsplit(":", 1)
            self.network = image_peers.NETWORKS.get(network, network)
            self.name, self.optimizer, self.activation = network, "adam", "relu"
        else:
            self.network, self.batch, self.optimizer, self.activation = (text.split(":") + ["adam", "relu"][text.count(":") - 1:])[:4]
        if self.optimizer not in RATE:
            sys.exit(f"--case {text}: the optimizer must be gd or adam")
        self.one_step = args.what in ("steps", "images")
        self.what, self.threads = args.what, 1 if args.what == "small" else args.threads
        self.flops = flops(self.network, int(self.batch))

    def ours(self, args):
        command = [args.bench, "serve", "--network", self.network, "--batch", self.batch]
        if not self.one_step:
            command += ["--rows", self.batch, "--optimizer", self.optimizer, "--activation", self.activation, "--lr", RATE[self.optimizer]]
        return command + (["--members", str(args.members), "--epochs", str(args.epochs)] if self.what == "fleet" else [])

    def peer(self, args, kind):
        here = os.path.dirname(os.path.abspath(__file__))
        if self.one_step:
            return [sys.executable, os.path.join(here, "side_by_side.py"), "--worker", kind, self.network, self.batch]
        command = [sys.executable, os.path.join(here, "small_peers.py"), kind, self.network, self.batch, self.optimizer, self.activation, args.peer_device]
        return command + ([str(args.members), str(args.epochs)] if self.what == "fleet" else [])

    def title(self, args):
        if self.one_step:
            return f"{self.name if self.what == 'images' else self.network}, batch {self.batch}, Adam, {args.threads} threads"
        some = f"{args.members} members of " if self.what == "fleet" else ""
        threads = "one thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{some}{self.network}, {self.batch} rows, full batch, {self.activation}, {self.optimizer}, {threads}"


def contestants(args, case):
    """Yields name, command and threads: Lockstep's CPU path, its devices, then the peers."""
    yield "Lockstep CPU path", case.ours(args) + ["--threads", str(case.threads)], case.threads
    for device in args.device:
        yield f"Lockstep OpenCL {device}", case.ours(args) + ["--device", device], case.threads
    usual = PEERS["cpu" if args.peer_device == "cpu" else "gpu"][case.what]
    for variant in filter(None, (usual if args.peers is None else args.peers).split(",")):
        module = variant.split("-")[0]
        graph = "graph" in torch_graph.words(variant)
        on_cpu = args.peer_device == "cpu"
        where = "" if on_cpu else f", on {args.peer_device}"
        if not importlib.util.find_spec(module):
            print(f"({module} is not installed for {sys.executable}: {variant} is skipped)")
            continue
        if graph and on_cpu and not args.dry_run:
            print(f"({variant} is for --peer-device cuda; --dry-run checks its code on the CPU)")
            continue
        if graph and on_cpu:
            where = ", without a graph"
        if not case.one_step:
            yield variant + where, case.peer(args, variant), case.threads
            continue
        for threads in sorted({1, args.threads}) if variant == "torch" and on_cpu else [args.threads]:
            count = where or f", {threads} thread{'s' if threads > 1 else ''}"
            yield variant + count, case.peer(args, variant) + [str(threads), args.peer_device], threads
    for peer in args.peer:
        name, command = peer.split("=", 1)
        filled = command.format(network=case.network, batch=case.batch, threads=case.threads, optimizer=case.optimizer,
                                activation=case.activation)
        yield name, shlex.split(filled), case.threads


def report(args, case, running):
    ours = [c for c in running if c.name.startswith("Lockstep ")]
    width = max([30] + [len(c.name) for c in running])
    print(f"\n{case.title(args)}; {args.rounds} interleaved rounds")
    titles = "".join(f"{'vs. ' + c.name.replace('Lockstep ', ''):>14}" for c in ours)
    unit = "us/mem.step" if case.what == "fleet" else "us/step"

    def row(c, ratios):
        median = statistics.median(c.times)
        low, _, high = statistics.quantiles(c.times, n=4) if len(c.times) > 1 else (median, median, median)
        us = f"{median * 1e6:11.{2 if median >= 1e-5 else 4}f}"
        print(f"{c.name:{width}} {us} {(c.flops or case.flops) / median * 1e-9:9.1f} {50 * (high - low) / median:6.1f}%{ratios} {c.loss:14.4f}")

    print(f"{'':{width}} {unit:>11} {'GFLOP/s':>9} {'spread':>7}{titles} {'loss, step 20':>14}")
    for c in running:
        if not c.less_precise:
            median = statistics.median(c.times)
            row(c, "".join(f"{median / statistics.median(o.times):13.2f}x" for o in ours))
    if any(c.less_precise for c in running):
        print("less precise products, so not the same work:")
        for c in running:
            if c.less_precise:
                row(c, " " * 14 * len(ours))
    sys.stdout.flush()


def compare(args, case):
    running = []
    # beside a GPU there are cores enough to load PyTorch for all peers at once, which takes long
    together = args.peer_device != "cpu" or args.dry_run

    def start(name, command, threads):
        worker = command[0] == sys.executable and os.path.basename(command[1]) in ("side_by_side.py", "small_peers.py")
        c = Contestant(name, command, threads, case.what == "small", together and worker)
        c.less_precise = worker and torch_graph.less_precise(name.split(",")[0])
        return c

    started = (start(*contestant) for contestant in contestants(args, case))
    for c in list(started) if together else started:
        if c.ready():
            running.append(c)
        else:
            print(f"({c.name} does not run here: {c.why()})")
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
        if torch_graph.words(kind)[0] == "jax":
            return jax_worker(kind, network, int(batch), device)
        return torch_worker(kind, network, int(batch), int(threads), device)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="steps", choices=["steps", "small", "fleet", "images"])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("--threads", type=int, default=cores)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--case", action="append")
    parser.add_argument("--bench", default="build/lockstep-bench")
    parser.add_argument("--device", action="append", default=[])
    parser.add_argument("--peers")
    parser.add_argument("--peer-device", "--torch-device", default="cpu")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=1000)
    args = parser.parse_args()
    args.rounds = args.rounds or (3 if args.what == "fleet" else 9)
    for case in args.case or CASES[args.what]:
        compare(args, Case(args, case))


if __name__ == "__main__":
    main()
