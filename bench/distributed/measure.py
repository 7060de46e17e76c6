#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures training steps that ranks share on this machine, interleaved with one process and with PyTorch's DDP.

    python3 bench/distributed/measure.py [--program build/lockstep] [--ranks 2] [--rounds 5] [--case 512,512:1024 …]
        [--peer-python peers/bin/python] [--weak] [--processor] [--only memory]

Every contestant has one thread for each rank; `one process` has as many threads as there are ranks. Rounds run all of
them in turn, and medians are compared: a change of the machine's speed affects all. Data are 784 random features and
10 classes, Adam, and batches as given; --weak multiplies the batch by the number of ranks and compares with one
process of one thread. The traffic is counted by the program, and compared with the formula of docs/distributed.md.
DDP (bench/distributed/ddp.py) uses gloo, and the same network, batches and optimizer.
"""
import argparse, json, os, re, resource, statistics, struct, subprocess, sys, tempfile

FEATURES, CLASSES = 784, 10
HERE = os.path.dirname(os.path.abspath(__file__))
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
       "OMPI_MCA_hwloc_base_binding_policy": "none", "LOCKSTEP_RANKS": "shared"}


def write_rows(path, rows):
    """An NPY file of random numbers, the class in the last column: written without numpy."""
    import random
    state = random.Random(1)
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {FEATURES + 1}), }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    block = [state.gauss(0, 1) for _ in range(FEATURES * 64)]
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        for row in range(rows):
            at = state.randrange(FEATURES * 63)
            file.write(struct.pack(f"<{FEATURES + 1}f", *block[at:at + FEATURES], row % CLASSES))


def parameters(hidden):
    widths = [FEATURES, *hidden, CLASSES]
    return sum((a + 1) * b for a, b in zip(widths, widths[1:]))


def traffic(way, hidden, batch, ranks):
    """Bytes that the busiest rank sends in a step: the formula of docs/distributed.md."""
    floats, chunks = parameters(hidden) + 1, -(-batch // 64)
    each = -(-chunks // ranks)
    if way == "memory":
        return 2 * (ranks - 1)
    if way == "gather":
        return 4 * (each + 1) * floats * (ranks - 1) / ranks
    return 4 * floats * (1 if ranks == 2 else 2)


def processor_time():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lockstep(args, path, hidden, batch, epochs, threads, ranks=1, way=None):
    """Milliseconds of a step, or with --processor those of all processors divided by the number of threads."""
    if not args.processor:
        return train(args, path, hidden, batch, epochs, threads, ranks, way)
    used, steps = [], []
    for times in (1, 4):  # what a run takes beside its steps is the same in both
        before = processor_time()
        _, more = train(args, path, hidden, batch, times * epochs, threads, ranks, way)
        used.append(processor_time() - before)
        steps.append(times * epochs * -(-args.rows // batch))
    return 1e3 * (used[1] - used[0]) / (steps[1] - steps[0]) / (threads * ranks), more


def train(args, path, hidden, batch, epochs, threads, ranks=1, way=None):
    command = [args.program, "train", path, "--hidden", ",".join(map(str, hidden)), "--batch", str(batch), "--optimizer", "adam",
               "--epochs", str(epochs), "--validation", "0", "--device", "cpu", "--threads", str(threads), "--json", "-q"]
    environment = dict(os.environ)
    if ranks > 1:
        command = ["mpirun", "-n", str(ranks), *command]
        environment.update(MPI)
        if way:
            environment["LOCKSTEP_RANKS_SUMS"] = way
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()[-300:]}")
    told = json.loads(done.stdout)
    found = re.search(r"(\d+)% of the time went into exchanges, ([\d.e+]+) KB", told.get("device_note") or "")
    return 1e3 * told["seconds"] / told["steps"], (float(found[1]), 1e3 * float(found[2])) if found else None


def ddp(args, hidden, batch, steps, ranks, threads):
    command = [args.peer_python, os.path.join(HERE, "ddp.py"), ",".join(map(str, hidden)), str(batch), str(steps), str(ranks), str(threads)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS")}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()[-300:]}")
    return float(done.stdout.split()[-1]), None


def measure(args, path, case):
    hidden, batch = case.split(":")
    hidden, batch, n = [int(w) for w in hidden.split(",")], int(batch), args.ranks
    all_of_them = batch * n if args.weak else batch
    flop = 6 * parameters(hidden) * all_of_them
    epochs = max(2, int(args.seconds * 60e9 / flop / (args.rows // all_of_them)))
    steps = epochs * (args.rows // all_of_them)
    run = lambda *a, **k: lockstep(args, path, hidden, *a, **k)
    contestants = {"one process, 1 thread": lambda: run(batch, epochs, 1),
                   f"one process, {n} threads": lambda: run(all_of_them, epochs, n),
                   f"{n} ranks of 1 thread, gather": lambda: run(all_of_them, epochs, 1, n, "gather"),
                   f"{n} ranks of 1 thread, chain": lambda: run(all_of_them, epochs, 1, n, "chain"),
                   f"{n} ranks of 1 thread, memory": lambda: run(all_of_them, epochs, 1, n, "memory")}
    if args.peer_python:
        contestants[f"PyTorch, one process, {n} threads"] = lambda: ddp(args, hidden, all_of_them, steps, 1, n)
        contestants[f"PyTorch DDP, gloo, {n} ranks of 1 thread"] = lambda: ddp(args, hidden, all_of_them, steps, n, 1)
    if args.only:
        base = "one process, 1 thread" if args.weak else f"one process, {n} threads"
        contestants = {name: do for name, do in contestants.items() if name == base or re.search(args.only, name)}
    times, told = {name: [] for name in contestants}, {}
    for _ in range(args.rounds):
        for name, contestant in contestants.items():
            seconds, more = contestant()
            times[name].append(seconds)
            told[name] = more
    print(f"\n{FEATURES}-{'-'.join(map(str, hidden))}-{CLASSES}, batch {all_of_them}, {steps} steps, medians of {args.rounds}\n")
    print("| | ms a step | relative to one process | exchanges | bytes a step | formula |\n|---|---|---|---|---|---|")
    one = statistics.median(times["one process, 1 thread" if args.weak else f"one process, {n} threads"])
    for name in contestants:
        median = statistics.median(times[name])
        more = told[name]
        way = name.rsplit(" ", 1)[-1]
        print(f"| {name} | {median:.3g} | {median / one:.2f} | " +
              (f"{more[0]:.0f} % | {more[1]:.0f} | {traffic(way, hidden, all_of_them, n):.0f} |" if more else " | | |"), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/lockstep")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of each run, about")
    parser.add_argument("--rows", type=int, default=8192)
    parser.add_argument("--case", action="append")
    parser.add_argument("--weak", action="store_true")
    parser.add_argument("--processor", action="store_true", help="processor time instead: of a machine that is not idle")
    parser.add_argument("--only", help="contestants whose names have this regular expression, and those with the threads of all ranks")
    parser.add_argument("--peer-python")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.npy")
        write_rows(path, args.rows)
        for case in args.case or ["512,512:256", "512,512:1024", "2048,2048:1024", "128:1024"]:
            measure(args, path, case)


main()
