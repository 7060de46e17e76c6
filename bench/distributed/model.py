#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""On paper: the time of a shared step on 2 to 1024 ranks, from measured rates of one rank and the speed of the links.

    python3 bench/distributed/model.py [--network 784,2048,2048,10] [--batch 8192] [--gflops 70] [--gbps 10,100,400]
        [--latency 2e-6] [--update 25e9]

Nothing here was measured on more than one machine. What a step is made of (docs/distributed.md):

  compute   6 operations per weight and row, at --gflops, over the rows of the rank with the most chunks of 64 rows
  update    28 bytes per parameter (Adam) at --update bytes per second, of all parameters, or with GATHER of 1/ranks
  GATHER    the busiest rank sends k + 1 times (ranks - 1)/ranks of the sums, k its chunks, in two rounds; each message
            costs --latency
  CHAIN     pieces + last + ranks slots; in each, a piece travels on the chain and one on its way to all, over the same
            link (with two ranks in the other direction), while the next one is computed, which is a third of the computing

The way is the one that the program would take. Links are full duplex, and each rank has its own.
"""
import argparse


def pieces_of(parameters, ranks):
    size = min(max(parameters // (8 * ranks), 1 << 14), 1 << 17)
    return max(1, -(-parameters // size))


def step(args, ranks, gbps):
    widths = [int(w) for w in args.network.split(",")]
    parameters = sum((a + 1) * b for a, b in zip(widths, widths[1:]))
    floats, chunks = parameters + 1, -(-args.batch // 64)
    k = -(-chunks // ranks)
    used = min(ranks, chunks)
    compute = 6 * parameters * min(args.batch, 64 * k) / (args.gflops * 1e9)
    update = 28 * parameters / args.update
    if ranks == 1:
        return compute + update, "-", compute + update
    rate = gbps * 1e9 / 8
    gather_bytes = 4 * (k + 1) * floats * (ranks - 1) / ranks
    chain_bytes = 4 * floats * (1 if ranks == 2 else 2)
    gather = gather_bytes / rate + 2 * (ranks - 1) * k * args.message + 2 * args.latency + update / ranks
    n = pieces_of(parameters, ranks)
    slot = max(chain_bytes / n / rate + args.latency, compute / 3 / n)
    chain = (n + used - 1 + ranks) * slot - compute / 3 + update
    way = "gather" if gather_bytes <= max(chain_bytes * (n + 2 * ranks) / n, 1 << 16) else "chain"
    return compute + (gather if way == "gather" else chain), way, compute + update


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="784,2048,2048,10")
    parser.add_argument("--batch", type=int, default=8192)
    parser.add_argument("--gflops", type=float, default=70, help="that a rank computes at")
    parser.add_argument("--update", type=float, default=25e9, help="bytes per second of an optimizer's step")
    parser.add_argument("--gbps", default="10,100,400")
    parser.add_argument("--latency", type=float, default=2e-6, help="seconds of a message from program to program")
    parser.add_argument("--message", type=float, default=5e-7, help="seconds that sending one more message takes")
    args = parser.parse_args()
    speeds = [float(g) for g in args.gbps.split(",")]
    one, _, _ = step(args, 1, speeds[0])
    print(f"{args.network.replace(',', '-')}, batch {args.batch}, {args.gflops:g} GFLOP/s a rank; one rank takes {1e3 * one:.4g} ms\n")
    print("| ranks | " + " | ".join(f"{g:g} Gb/s: ms, speed-up" for g in speeds) + " |\n|---|" + "---|" * len(speeds))
    ranks = 2
    while ranks <= 1024:
        cells = []
        for g in speeds:
            seconds, way, _ = step(args, ranks, g)
            cells.append(f"{1e3 * seconds:.4g}, {one / seconds:.1f} × ({way})")
        print(f"| {ranks} | " + " | ".join(cells) + " |")
        ranks *= 2


main()
