# SPDX-License-Identifier: MIT
"""The peers of `side_by_side.py small` and `fleet`: PyTorch and JAX in their fastest forms.

    small_peers.py KIND NETWORK ROWS OPTIMIZER ACTIVATION DEVICE [MEMBERS EPOCHS]

Full batches, data on the device that trains (cpu or cuda), float32, and the loss of every step as a
number in host memory, as Lockstep reports it. Kinds:

    torch              eager; the loss fetched after each step
    torch-compile      forward, gradients and update as one compiled graph
    torch-graph        twenty steps in a CUDA graph; their losses fetched in one copy
    jax-scan           lax.scan over thousands of steps inside one jit, the losses returned as an array
    jax-scan-columns   the same with one sample per column (weights times data): XLA is faster
                       that way on some networks and slower on others
    torch-bmm          MEMBERS networks as batched matrix products (baddbmm), a step of all in turn
    jax-vmap           MEMBERS networks with vmap inside the scan over EPOCHS steps, as a fleet
    jax-map            the members' scans one after the other, inside one jit

torch-bmm and jax-vmap take -columns, too. torch-graph and torch-bmm take -compile (forward and
backward passes by torch.compile), torch-bmm takes -graph, and all take -tf32 or (PyTorch) -bf16, as
torch_graph.py describes.
"""
import math, sys
import torch_graph
from side_by_side import import_jax, serve, wait_for_turn, widths

RATE = {"gd": 0.025, "adam": 0.001}


def data(np, network, rows):
    """The rows of lockstep-bench: uniform inputs, row i of class i mod max(outputs, 2)."""
    w = widths(network)
    return np.random.default_rng(1).random((rows, w[0]), dtype=np.float32), np.arange(rows) % max(w[-1], 2)


# ---- PyTorch ---------------------------------------------------------------------------------------------------------

def torch_model(torch, network, activation):
    w, layers = widths(network), []
    kind = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh}[activation]
    for i, (a, b) in enumerate(zip(w, w[1:])):
        layers += [torch.nn.Linear(a, b)] + ([kind()] if i + 2 < len(w) else [])
    return torch.nn.Sequential(*layers)


def torch_eager(torch, model, loss_of, x, y, optimizer, kind, device):
    parameters = list(model.parameters())
    update = torch_graph.optimizer_of(torch, optimizer, parameters, RATE[optimizer], kind, device)

    def step():
        update.zero_grad(set_to_none=True)
        loss = loss_of(model(x), y)
        loss.backward()
        update.step()
        return loss.item()

    return step


def several(torch, losses_of, steps, parameters, optimizer, kind, device):
    """A function that runs `steps` steps and fetches their losses: in a CUDA graph, or eagerly.

    losses_of() returns the loss, or the losses of members whose sum is minimised.
    """
    update = torch_graph.optimizer_of(torch, optimizer, parameters, RATE[optimizer], kind, device)
    compiled = torch.compile(losses_of) if "compile" in torch_graph.words(kind) else losses_of

    def one():
        update.zero_grad(set_to_none=True)
        with torch_graph.autocast(torch, kind, device):
            losses = compiled()
        losses.sum().backward()
        update.step()
        return losses.detach()

    run = lambda: torch.stack([one() for _ in range(steps)])
    if "graph" in torch_graph.words(kind):
        run = torch_graph.captured(torch, device, run, parameters, update)
    host = []

    def call():
        losses = run()
        if not host:
            host.append(torch.empty(losses.shape, pin_memory=device.startswith("cuda")))
        host[0].copy_(losses, non_blocking=True)  # before the next call, as one stream does all
        return host[0]

    return call


def torch_compiled(torch, model, loss_of, x, y, optimizer, kind, device):
    """One graph per step, without a tape; the graph returns the new parameters and states."""
    rate = RATE[optimizer]
    gradient = torch.func.grad_and_value(lambda p: loss_of(torch.func.functional_call(model, p, (x,)), y))

    def gd(p, m, v, t):
        g, loss = gradient(p)
        return {k: p[k] - rate * g[k] for k in p}, m, v, t, loss

    def adam(p, m, v, t):
        g, loss = gradient(p)
        t = t + 1
        m = {k: 0.9 * m[k] + 0.1 * g[k] for k in p}
        v = {k: 0.999 * v[k] + 0.001 * g[k] * g[k] for k in p}
        scale, root = rate / (1 - 0.9 ** t), torch.rsqrt(1 - 0.999 ** t)
        return {k: p[k] - scale * m[k] / (torch.sqrt(v[k]) * root + 1e-8) for k in p}, m, v, t, loss

    run = torch.compile(gd if optimizer == "gd" else adam)
    p = {k: q.detach().clone() for k, q in model.named_parameters()}
    zeros = lambda: {k: torch.zeros_like(q) for k, q in p.items()} if optimizer == "adam" else {}
    state = [(p, zeros(), zeros(), torch.zeros((), device=device))]

    def step():
        with torch.no_grad():
            *state[0], loss = run(*state[0])
        return loss.item()

    return step


def torch_worker(kind, network, rows, optimizer, activation, device):
    import numpy as np, torch
    wait_for_turn()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    torch_graph.set_precision(torch, kind)
    x, y = data(np, network, rows)
    x, y = torch.from_numpy(x).to(device), torch.from_numpy(y).to(device)
    if widths(network)[-1] == 1:
        y = y.float().reshape(-1, 1)
        loss_of = torch.nn.functional.binary_cross_entropy_with_logits
    else:
        loss_of = torch.nn.functional.cross_entropy
    model = torch_model(torch, network, activation).to(device)
    finish = torch_graph.finish_of(torch, device)
    if "graph" in torch_graph.words(kind):
        call = several(torch, lambda: loss_of(model(x), y), 20, list(model.parameters()), optimizer, kind, device)
        return serve(call, finish, rows, network, first=1, per_call=20, loss_of=lambda losses: fetched(losses, finish))
    make = torch_compiled if "compile" in torch_graph.words(kind) else torch_eager
    serve(make(torch, model, loss_of, x, y, optimizer, kind, device), finish, rows, network)


def fetched(losses, finish):
    """The last step's loss, or its mean over members, when the copy to the host is complete."""
    finish()
    return float(losses[-1].mean())


def torch_fleet(kind, network, rows, optimizer, activation, device, members, epochs):
    """Members as a leading axis of weights and activations; all read the same rows."""
    import numpy as np, torch
    wait_for_turn()
    torch.manual_seed(1)
    torch_graph.set_precision(torch, kind)
    columns, w = "columns" in torch_graph.words(kind), widths(network)
    act = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}[activation]
    x, y = data(np, network, rows)
    x, y = torch.from_numpy(x.T.copy() if columns else x).to(device), torch.from_numpy(y).to(device)
    x = x.expand(members, *x.shape)
    parameters = []
    for a, b in zip(w, w[1:]):
        weights = torch.empty(members, *((b, a) if columns else (a, b)), device=device).uniform_(-(6 / a) ** 0.5, (6 / a) ** 0.5)
        parameters += [torch.nn.Parameter(weights), torch.nn.Parameter(torch.zeros(members, *((b, 1) if columns else (1, b)), device=device))]

    def losses():
        h = x
        for i, (weights, bias) in enumerate(zip(parameters[::2], parameters[1::2])):
            h = torch.baddbmm(bias, weights, h) if columns else torch.baddbmm(bias, h, weights)
            h = act(h) if i + 2 < len(w) else h
        if w[-1] == 1:
            z = h.reshape(members, rows)
            return torch.nn.functional.binary_cross_entropy_with_logits(z, y.float().expand(members, rows), reduction="none").mean(1)
        z = h if columns else h.transpose(1, 2)  # members, classes, rows
        return torch.nn.functional.cross_entropy(z, y.expand(members, rows), reduction="none").mean(1)

    steps, finish = math.gcd(20, epochs), torch_graph.finish_of(torch, device)
    call = several(torch, losses, steps, parameters, optimizer, kind, device)
    held = {"first": True}

    def many():  # 20 steps, later EPOCHS
        for _ in range((20 if held["first"] else epochs) // steps):
            last = call()
        held["first"] = False
        return last

    serve(many, finish, rows, network, first=1, per_call=epochs * members, calibrate=False, loss_of=lambda losses: fetched(losses, finish))


# ---- JAX -------------------------------------------------------------------------------------------------------------

class Jax:
    """A network on data with one sample per row, or per column."""

    def __init__(self, kind, network, rows, optimizer, activation, device):
        jax = import_jax(kind, device)
        import numpy as np, jax.numpy as jnp
        columns = "columns" in torch_graph.words(kind)
        self.np, self.jax, self.jnp, self.columns = np, jax, jnp, columns
        self.widths, self.adam, self.rate = widths(network), optimizer == "adam", RATE[optimizer]
        self.act = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}[activation]
        x, y = data(np, network, rows)
        self.x, self.y = jnp.asarray(x.T if columns else x), jnp.asarray(y)

    def start(self, members=None):
        """He-initialised weights (with a leading axis of members if given) and optimizer states."""
        np, jnp, rng, some = self.np, self.jnp, self.np.random.default_rng(1), () if members is None else (members,)
        params = []
        for a, b in zip(self.widths, self.widths[1:]):
            weights = rng.uniform(-(6 / a) ** 0.5, (6 / a) ** 0.5, some + ((b, a) if self.columns else (a, b)))
            params.append((jnp.asarray(weights.astype(np.float32)), jnp.zeros(some + ((b, 1) if self.columns else (b,)))))
        zeros = lambda: self.jax.tree.map(jnp.zeros_like, params) if self.adam else ()
        return params, zeros(), zeros(), jnp.zeros(some)

    def loss(self, params, x, y):
        jnp = self.jnp
        for i, (weights, bias) in enumerate(params):
            x = (weights @ x if self.columns else x @ weights) + bias
            if i + 1 < len(params):
                x = self.act(x)
        if self.widths[-1] == 1:
            z = x[0] if self.columns else x[:, 0]
            return jnp.mean(self.jax.nn.softplus(z) - z * y)
        log = self.jax.nn.log_softmax(x, axis=0 if self.columns else 1)
        return -jnp.mean(jnp.take_along_axis(log, y[None] if self.columns else y[:, None], 0 if self.columns else 1))

    def step(self, state, x, y):
        each, jnp = self.jax.tree.map, self.jnp
        p, m, v, t = state
        loss, g = self.jax.value_and_grad(self.loss)(p, x, y)
        if not self.adam:
            return (each(lambda a, b: a - self.rate * b, p, g), m, v, t), loss
        t = t + 1
        m = each(lambda a, b: 0.9 * a + 0.1 * b, m, g)
        v = each(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
        scale, root = self.rate / (1 - 0.9 ** t), self.jax.lax.rsqrt(1 - 0.999 ** t)
        return (each(lambda q, a, b: q - scale * a / (jnp.sqrt(b) * root + 1e-8), p, m, v), m, v, t), loss

    def scan(self, step, steps):
        """A compiled function of `steps` steps: (state, x, y) to (state, losses)."""
        def many(state, x, y):
            return self.jax.lax.scan(lambda s, _: step(s, x, y), state, None, length=steps)
        return self.jax.jit(many, donate_argnums=0)


def calls(model, make, state, steps):
    """The step function for serve(): the first call runs 20 steps, later calls `steps` steps.

    It returns the last loss.
    """
    compiled = {n: make(n).lower(state, model.x, model.y).compile() for n in {20, steps}}
    held = {"state": state, "first": True}

    def call():
        n = 20 if held["first"] else steps
        held["state"], losses = compiled[n](held["state"], model.x, model.y)
        losses = model.np.asarray(losses)  # copies all losses to the host
        held["first"] = False
        return losses[-1].mean()

    return call


def jax_scan(kind, network, rows, optimizer, activation, device):
    model = Jax(kind, network, rows, optimizer, activation, device)
    steps = max(200, min(5000, 4_000_000 // (rows * max(model.widths))))
    call = calls(model, lambda n: model.scan(model.step, n), model.start(), steps)
    serve(call, lambda: None, rows, network, first=1, per_call=steps)


def jax_fleet(kind, network, rows, optimizer, activation, device, members, epochs):
    model = Jax(kind, network, rows, optimizer, activation, device)
    if "map" in torch_graph.words(kind):
        def make(n):
            one = lambda state: model.jax.lax.scan(lambda s, _: model.step(s, model.x, model.y), state, None, length=n)
            def every(state, x, y):
                state, losses = model.jax.lax.map(one, state)
                return state, losses.T
            return model.jax.jit(every, donate_argnums=0)
    else:
        make = lambda n: model.scan(model.jax.vmap(model.step, in_axes=(0, None, None)), n)
    call = calls(model, make, model.start(members), epochs)
    serve(call, lambda: None, rows, network, first=1, per_call=epochs * members, calibrate=False)


def main():
    kind, network, rows, optimizer, activation, device = sys.argv[1:7]
    case, fleet = (kind, network, int(rows), optimizer, activation, device), [int(n) for n in sys.argv[7:9]]
    if torch_graph.words(kind)[0] == "torch":
        torch_fleet(*case, *fleet) if fleet else torch_worker(*case)
    else:
        jax_fleet(*case, *fleet) if fleet else jax_scan(*case)


if __name__ == "__main__":
    main()
