#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PyTorch's distributed data parallel training, for measure.py: prints milliseconds a step.

    python3 ddp.py HIDDEN BATCH STEPS RANKS THREADS

One rank runs without DDP. Each rank has its part of the batch; data are made once and lie in memory, and the loss is
read once at the end. Adam as Lockstep's (foreach, PyTorch's default on CPUs).
"""
import os, sys, tempfile, time
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

FEATURES, CLASSES = 784, 10


def work(rank, hidden, batch, steps, ranks, threads, folder):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    widths = [FEATURES, *hidden]
    layers = [m for a, b in zip(widths, widths[1:]) for m in (nn.Linear(a, b), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(widths[-1], CLASSES))
    if ranks > 1:
        dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=ranks)
        model = nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    rows = batch // ranks
    x, y = torch.randn(8 * rows, FEATURES), torch.randint(CLASSES, (8 * rows,))

    def step(i):
        at = i % 8 * rows
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(x[at:at + rows]), y[at:at + rows])
        loss.backward()
        optimizer.step()
        return loss

    for i in range(5):
        step(i)
    if ranks > 1:
        dist.barrier()
    started = time.perf_counter()
    for i in range(steps):
        loss = step(i)
    seconds = time.perf_counter() - started
    if rank == 0:
        print(loss.item(), 1e3 * seconds / steps)
    if ranks > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    widths = [int(w) for w in sys.argv[1].split(",")]
    rest = [int(a) for a in sys.argv[2:6]]
    with tempfile.TemporaryDirectory() as folder:
        if rest[2] == 1:
            work(0, widths, *rest, folder)
        else:
            mp.spawn(work, (widths, *rest, folder), nprocs=rest[2])
